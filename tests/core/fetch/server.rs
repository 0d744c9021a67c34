//! A local test server with any behaviour that a test needs, which records its requests; and a
//! folder to download into.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use md5::{Digest, Md5};
use repro::{
    fetch::{
        Catalogue, FetchError, FetchProgress, Fetched, Fetcher, Item, Network, Proxies,
        RetryPolicy, Source,
    },
    util::hexadecimal,
};

/// A received request.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET /x HTTP/1.1`.
    pub line: String,
    /// Headers by name in lower case.
    pub headers: HashMap<String, String>,
}

impl Request {
    /// The first byte of the requested range.
    pub fn from(&self) -> Option<usize> {
        self.headers.get("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// A server that runs until it is dropped.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Answers each request by a function of it, its number (from 0) and the connection.
    pub fn new(answer: impl Fn(&Request, usize, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stopping = Arc::new(AtomicBool::new(false));
        let (answer, kept, ending) = (Arc::new(answer), requests.clone(), stopping.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ending.load(Ordering::Relaxed) {
                    return;
                }
                let (mut stream, answer, kept) = (stream.unwrap(), answer.clone(), kept.clone());
                std::thread::spawn(move || {
                    let Some(request) = read(&stream) else { return };
                    let number = {
                        let mut kept = kept.lock().unwrap();
                        kept.push(request.clone());
                        kept.len() - 1
                    };
                    answer(&request, number, &mut stream);
                });
            }
        });
        Self { address, requests, stopping, thread: Some(thread) }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The first byte of the range of each request.
    pub fn ranges(&self) -> Vec<Option<usize>> {
        self.requests().iter().map(Request::from).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let line = lines.next()?.ok()?;
    let headers = lines.map_while(Result::ok).take_while(|line| !line.is_empty());
    let headers = headers
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        })
        .collect();
    Some(Request { line, headers })
}

/// Writes an answer. The client may close the connection before its end.
pub fn answer(stream: &mut TcpStream, status: &str, headers: &[(&str, String)], body: &[u8]) {
    let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
    let _ = stream.flush();
}

/// The whole file.
pub fn whole(stream: &mut TcpStream, body: &[u8]) {
    answer(stream, "200 OK", &[("Content-Length", body.len().to_string())], body);
}

/// The answer of a correct server, with ranges. The connection is cut after `most` bytes.
pub fn honest(request: &Request, stream: &mut TcpStream, body: &[u8], etag: &str, most: usize) {
    let asks = request.headers.get("if-range").is_none_or(|version| version == etag);
    let from = request.from().filter(|_| asks);
    let rest = &body[from.unwrap_or(0)..];
    let mut headers = vec![("Content-Length", rest.len().to_string()), ("ETag", etag.to_owned())];
    let status = match from {
        None => "200 OK",
        Some(from) => {
            let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
            headers.push(("Content-Range", range));
            "206 Partial Content"
        }
    };
    answer(stream, status, &headers, &rest[..rest.len().min(most)]);
}

/// Pseudorandom bytes, the same every time.
pub fn body(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

pub fn md5(bytes: &[u8]) -> String {
    hexadecimal(&Md5::digest(bytes))
}

/// An item `thing` of one file `thing.bin`, with more fields of the file.
pub fn catalogue(addresses: &[String], more: &str) -> String {
    format!(
        r#"format = 1
[[item]]
id = "thing"
what = "a thing"
is = {{ target = "thing" }}
terms = "none"
page = "http://page.example/"
[[item.file]]
name = "thing.bin"
addresses = {addresses:?}
{more}
"#
    )
}

/// A folder to download into, with the messages of the downloads.
pub struct Sandbox {
    pub folder: tempfile::TempDir,
    messages: Mutex<Vec<String>>,
    pub stop: AtomicBool,
    pub remove_archives: bool,
}

impl FetchProgress for Sandbox {
    fn begins(&self, _: &str, _: u64, _: Option<u64>) {}
    fn at(&self, _: u64) {}
    fn ends(&self, _: bool) {}
    fn report(&self, text: &str) {
        self.messages.lock().unwrap().push(text.to_owned());
    }
}

impl Sandbox {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, messages: Mutex::default(), stop: false.into(), remove_archives: false }
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("thing/thing.bin")
    }

    pub fn part(&self) -> PathBuf {
        self.folder.path().join("thing/thing.bin.part")
    }

    pub fn messages(&self) -> String {
        self.messages.lock().unwrap().join("\n")
    }

    pub fn fetcher(&self) -> Fetcher<'_> {
        Fetcher {
            data: self.folder.path(),
            stop: &self.stop,
            progress: self,
            remove_archives: self.remove_archives,
        }
    }

    /// Downloads `thing` with short timeouts.
    pub fn fetch(&self, catalogue: &str) -> Result<Fetched, FetchError> {
        let network = Network::new(Proxies::default(), POLICY);
        self.fetcher().fetch(&thing(catalogue), &Source::Network(&network))
    }

    pub fn import(&self, catalogue: &str, from: &Path) -> Result<Fetched, FetchError> {
        self.fetcher().fetch(&thing(catalogue), &Source::Folder(from))
    }

    /// Names of the files in the item's folder, except the lock.
    pub fn names(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.folder.path().join("thing")) else {
            return Vec::new();
        };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name != ".lock").collect();
        names.sort();
        names
    }
}

pub fn thing(catalogue: &str) -> Item {
    Catalogue::parse("test.toml", catalogue).unwrap().items.remove(0)
}

/// Long enough for a local server, and short enough for a test.
pub const POLICY: RetryPolicy = RetryPolicy {
    connect: Duration::from_secs(5),
    timeout: Duration::from_millis(400),
    attempts: 3,
    pause: Duration::from_millis(5),
};

/// Bytes of the file that is downloaded.
pub const LENGTH: usize = 200_000;
/// Its version.
pub const ETAG: &str = "\"one\"";

/// The catalogue's fields of a file: checksum and size.
pub fn checked(bytes: &[u8]) -> String {
    format!("md5 = {:?}\nbytes = {}", md5(bytes), bytes.len())
}

/// The checksum alone.
pub fn without_size(bytes: &[u8]) -> String {
    format!("md5 = {:?}", md5(bytes))
}

/// Checks that a download fails without a file of the final name; returns the error.
pub fn fails(sandbox: &Sandbox, catalogue: &str) -> String {
    let error = sandbox.fetch(catalogue).unwrap_err();
    assert!(!sandbox.file().exists(), "{error}");
    error.to_string()
}
