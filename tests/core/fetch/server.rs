//! A server of our own on the loopback, as honest or as dishonest as a test wants it, which remembers
//! what it was asked; and a folder to fetch into.

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
        Catalogue, FetchError, Fetched, Fetcher, Item, Network, Patience, Proxies, Source, Watch,
    },
    util::hexadecimal,
};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET /x HTTP/1.1`.
    pub line: String,
    /// By name in lower case.
    pub headers: HashMap<String, String>,
}

impl Request {
    /// Where the range begins that it asks for.
    pub fn from(&self) -> Option<usize> {
        self.headers.get("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// A server that runs until it is dropped.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Answers each request by a function of it, its number (from 0) and the connection.
    pub fn new(answer: impl Fn(&Request, usize, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let ends = Arc::new(AtomicBool::new(false));
        let (answer, kept, ending) = (Arc::new(answer), requests.clone(), ends.clone());
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
        Self { address, requests, ends, thread: Some(thread) }
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

    /// Where the ranges begin that were asked for.
    pub fn ranges(&self) -> Vec<Option<usize>> {
        self.requests().iter().map(Request::from).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
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

/// Writes an answer; that nobody reads it to its end is the other side's business.
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

/// What an honest server answers: the rest, where it is asked for; at most so many bytes before the
/// connection is cut.
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

/// Bytes that look like nothing, the same ones every time.
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

/// An item `thing` of one file `thing.bin`, with what a test says of the file.
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

/// A folder to fetch into, with what was said on the way.
pub struct Bench {
    pub folder: tempfile::TempDir,
    said: Mutex<Vec<String>>,
    pub stop: AtomicBool,
    pub removes_archives: bool,
}

impl Watch for Bench {
    fn begins(&self, _: &str, _: u64, _: Option<u64>) {}
    fn at(&self, _: u64) {}
    fn ends(&self, _: bool) {}
    fn says(&self, text: &str) {
        self.said.lock().unwrap().push(text.to_owned());
    }
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, said: Mutex::default(), stop: false.into(), removes_archives: false }
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("thing/thing.bin")
    }

    pub fn part(&self) -> PathBuf {
        self.folder.path().join("thing/thing.bin.part")
    }

    pub fn said(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }

    pub fn fetcher(&self) -> Fetcher<'_> {
        Fetcher {
            data: self.folder.path(),
            stop: &self.stop,
            watch: self,
            removes_archives: self.removes_archives,
        }
    }

    /// Fetches `thing` with little patience.
    pub fn fetch(&self, catalogue: &str) -> Result<Fetched, FetchError> {
        let network = Network::new(Proxies::default(), PATIENCE);
        self.fetcher().fetch(&thing(catalogue), &Source::Network(&network))
    }

    pub fn bring(&self, catalogue: &str, from: &Path) -> Result<Fetched, FetchError> {
        self.fetcher().fetch(&thing(catalogue), &Source::Folder(from))
    }

    /// Names of what is in the item's folder, but for the lock.
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

/// Enough for a loopback, and short enough for a test.
pub const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(5),
    stall: Duration::from_millis(400),
    tries: 3,
    pause: Duration::from_millis(5),
};

/// Bytes of the file that is fetched.
pub const LENGTH: usize = 200_000;
/// Its version.
pub const ETAG: &str = "\"one\"";

/// What the catalogue knows of bytes: their checksum and their number.
pub fn checked(bytes: &[u8]) -> String {
    format!("md5 = {:?}\nbytes = {}", md5(bytes), bytes.len())
}

/// Their checksum alone.
pub fn without_size(bytes: &[u8]) -> String {
    format!("md5 = {:?}", md5(bytes))
}

/// Fetching fails, and nothing is there that could be taken for the file; the error's text.
pub fn fails(bench: &Bench, catalogue: &str) -> String {
    let error = bench.fetch(catalogue).unwrap_err();
    assert!(!bench.file().exists(), "{error}");
    error.to_string()
}
