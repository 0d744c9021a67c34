//! The command `repro fetch`.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use super::secure;
use super::server::{Server, answer, body, catalogue, honest, md5, whole};

fn repro() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("repro"));
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command.env_remove("REPRO_DATA").env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command
}

/// A folder with a catalogue, and a command that downloads from it.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new(catalogue: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("catalogue.toml"), catalogue).unwrap();
        Self { folder }
    }

    fn fetch(&self, arguments: &[&str]) -> Command {
        let mut command = repro();
        command.args(["fetch", "--pause", "0.01", "--retries", "1", "--catalogue"]);
        command.arg(self.folder.path().join("catalogue.toml"));
        command.arg("--data").arg(self.data()).args(arguments);
        command
    }

    fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    fn file(&self) -> std::path::PathBuf {
        self.data().join("thing/thing.bin")
    }
}

fn text(bytes: &[u8]) -> String {
    // Without the frame and the line breaks of printed errors.
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("no signal")
}

#[test]
fn fetch_downloads_reports_it_and_does_nothing_the_second_time() {
    let bytes = body(5000);
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, _, stream| whole(stream, &bytes)
    });
    let more = format!("md5 = {:?}\nbytes = 5000", md5(&bytes));
    let desk = Desk::new(&catalogue(&[server.url("x")], &more));
    let output = desk.fetch(&["thing"]).output().unwrap();
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("thing: downloaded to "), "{}", text(&output.stdout));
    // The total size is printed first.
    let message = crate::common::stderr::stderr_text(&output.stderr);
    assert!(message.starts_with("1 item, 1 file, 5.0 kB"), "{message}");
    assert!(text(&output.stderr).contains("all of it, in 0.0 s"), "{}", text(&output.stderr));
    let again = desk.fetch(&["thing"]).output().unwrap();
    assert!(text(&again.stdout).starts_with("thing: already present"), "{}", text(&again.stdout));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn the_list_has_the_state_of_each_item() {
    let bytes = body(5000);
    let desk = Desk::new(&catalogue(
        &["http://127.0.0.1:9/x".to_owned()],
        &format!("md5 = {:?}", md5(&bytes)),
    ));
    let listed = |state: &str| {
        for arguments in [&[][..], &["--list", "thing"]] {
            let output = desk.fetch(arguments).output().unwrap();
            assert_eq!(code(&output), 0);
            let text = text(&output.stdout);
            assert!(text.contains(&format!("thing {state} ")), "{state}: {text}");
        }
    };
    listed("missing");
    fs::create_dir_all(desk.data().join("thing")).unwrap();
    fs::write(desk.data().join("thing/thing.bin.part"), &bytes[..2000]).unwrap();
    listed("partial, 2.0 kB");
    fs::write(desk.file(), &bytes[1..]).unwrap();
    listed("wrong");
    fs::write(desk.file(), &bytes).unwrap();
    listed("complete");
}

#[test]
fn a_wrong_name_exits_with_64_and_a_suggestion() {
    for (name, meant) in [
        ("cifar_10", "did you mean `cifar10`?"),
        ("authors/l2-3", "`authors/l2_3`"),
        ("sistr", "`sister`"),
    ] {
        let output = repro().args(["fetch", name]).output().unwrap();
        assert_eq!(code(&output), 64);
        assert!(text(&output.stderr).contains(meant), "{}", text(&output.stderr));
    }
    for arguments in
        [["--zoo", "sister"], ["--stall", "0"], ["--stall", "nan"], ["--world", "moon"]]
    {
        assert_eq!(
            code(&repro().arg("fetch").args(arguments).output().unwrap()),
            64,
            "{arguments:?}"
        );
    }
    let desk = Desk::new("format = 1\n[[item]]\nid = 7");
    assert_eq!(code(&desk.fetch(&[]).output().unwrap()), 64);
    fs::remove_file(desk.folder.path().join("catalogue.toml")).unwrap();
    assert_eq!(code(&desk.fetch(&[]).output().unwrap()), 66);
}

#[test]
fn a_failed_download_exits_with_66_and_the_others_complete() {
    let bytes = body(100);
    let server = Server::new({
        let bytes = bytes.clone();
        move |request, _, stream| match request.line.contains("good") {
            true => whole(stream, &bytes),
            false => answer(stream, "404 Not Found", &[], b""),
        }
    });
    let more = format!("md5 = {:?}", md5(&bytes));
    let bad = catalogue(&[server.url("bad")], &more).replace("\"thing\"", "\"bad\"");
    let good = catalogue(&[server.url("good")], &more).replace("format = 1\n", "");
    let desk = Desk::new(&format!("{bad}{good}"));
    let output = desk.fetch(&["bad", "thing"]).output().unwrap();
    assert_eq!(code(&output), 66);
    let message = text(&output.stderr);
    for part in [
        "/bad: the server responds 404 Not Found",
        "repro fetch bad --from DIR",
        "1 of 2 items could not be downloaded",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(text(&output.stdout).contains("thing: downloaded"));
    assert_eq!(fs::read(desk.file()).unwrap(), bytes);
}

#[test]
fn a_data_folder_that_can_t_be_written_exits_with_73() {
    let server = Server::new(|_, _, stream| whole(stream, b"abc"));
    let desk = Desk::new(&catalogue(&[server.url("x")], "no_checksum = \"none\""));
    fs::write(desk.data(), b"in the way").unwrap();
    let output = desk.fetch(&["thing"]).output().unwrap();
    assert_eq!(code(&output), 73, "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("--data or REPRO_DATA"), "{}", text(&output.stderr));
}

/// A server that sends half of the file and then almost nothing to the first request.
fn slow(bytes: Vec<u8>) -> Server {
    Server::new(move |request, number, stream| {
        honest(request, stream, &bytes, "\"one\"", if number == 0 { 60_000 } else { bytes.len() });
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(if number == 0 { 100 } else { 0 }));
            let _ = stream.write_all(&[]);
        }
    })
}

fn wait_for(path: &Path, bytes: u64) {
    let begun = Instant::now();
    while fs::metadata(path).map_or(0, |file| file.len()) < bytes {
        assert!(begun.elapsed() < Duration::from_secs(20), "{} does not grow", path.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The command with a signal as it is by default, or ignored. The test runner may ignore Ctrl-C, as
/// background processes do.
#[cfg(unix)]
fn with_signal(mut command: Command, signal: libc::c_int, action: libc::sighandler_t) -> Command {
    use std::os::unix::process::CommandExt;
    // SAFETY: between fork and exec, `signal` is allowed.
    unsafe {
        command.pre_exec(move || {
            libc::signal(signal, action);
            Ok(())
        });
    }
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn folders_of_all_items_are_tried_before_the_first_download() {
    let bytes = body(1000);
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, _, stream| whole(stream, &bytes)
    });
    let one = catalogue(&[server.url("x")], &format!("md5 = {:?}", md5(&bytes)));
    let other = one.replace("format = 1\n", "").replace("thing", "other");
    let desk = Desk::new(&(one + &other));
    fs::create_dir(desk.data()).unwrap();
    fs::write(desk.data().join("other"), "a file in the place of its folder").unwrap();
    let refused = desk.fetch(&["thing", "other"]).output().unwrap();
    assert_eq!(code(&refused), 73, "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("data/other"), "{}", text(&refused.stderr));
    assert_eq!(server.requests().len(), 0);
    assert_eq!(fs::read_dir(desk.data()).unwrap().count(), 1, "nothing was made");
    // What is there already needs no folder to write into.
    assert_eq!(code(&desk.fetch(&["thing"]).output().unwrap()), 0);
    fs::remove_file(desk.data().join("other")).unwrap();
    assert_eq!(code(&desk.fetch(&["thing", "other"]).output().unwrap()), 0);
}

/// `nohup` ignores SIGHUP, and a shell ignores SIGINT for what it starts in the background.
#[cfg(unix)]
#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM] {
        for (action, code) in [(libc::SIG_IGN, 0), (libc::SIG_DFL, 130)] {
            let bytes = body(100_000);
            let server = Server::new({
                let bytes = bytes.clone();
                move |request, _, stream| {
                    honest(request, stream, &bytes, "\"one\"", 60_000);
                    std::thread::sleep(Duration::from_secs(1));
                    let _ = stream.write_all(&bytes[60_000..]);
                }
            });
            let md5 = format!("md5 = {:?}", md5(&bytes));
            let desk = Desk::new(&catalogue(&[server.url("x")], &md5));
            let mut child = with_signal(desk.fetch(&["thing"]), signal, action).spawn().unwrap();
            wait_for(&desk.data().join("thing/thing.bin.part"), 60_000);
            let sent = [format!("-{signal}"), child.id().to_string()];
            assert!(Command::new("kill").args(sent).status().unwrap().success());
            assert_eq!(child.wait().unwrap().code(), Some(code), "signal {signal}");
            assert_eq!(desk.file().exists(), code == 0, "signal {signal}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_killed_or_interrupted_download_is_resumed() {
    for signal in ["-KILL", "-INT"] {
        let bytes = body(100_000);
        let server = slow(bytes.clone());
        let desk = Desk::new(&catalogue(&[server.url("x")], &format!("md5 = {:?}", md5(&bytes))));
        let mut command = with_signal(desk.fetch(&["thing"]), libc::SIGINT, libc::SIG_DFL);
        let mut child = command.spawn().unwrap();
        let part = desk.data().join("thing/thing.bin.part");
        wait_for(&part, 60_000);
        let killed = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(killed.unwrap().success());
        let ended = child.wait().unwrap();
        assert_eq!(ended.code(), (signal == "-INT").then_some(130), "{signal}");
        assert_eq!(fs::metadata(&part).unwrap().len(), 60_000);
        assert!(!desk.file().exists());
        let output = desk.fetch(&["thing"]).output().unwrap();
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        assert_eq!(fs::read(desk.file()).unwrap(), bytes);
        assert_eq!(server.ranges(), [None, Some(60_000)], "{signal}");
    }
}

#[test]
fn two_processes_download_a_file_once() {
    let bytes = body(100_000);
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, _, stream| {
            std::thread::sleep(Duration::from_millis(500));
            whole(stream, &bytes);
        }
    });
    let desk = Desk::new(&catalogue(&[server.url("x")], &format!("md5 = {:?}", md5(&bytes))));
    let both = [(); 2].map(|()| {
        desk.fetch(&["thing"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    });
    for child in both {
        let output = child.wait_with_output().unwrap();
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    }
    assert_eq!(fs::read(desk.file()).unwrap(), bytes);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_proxy_is_used_if_set_except_for_hosts_in_no_proxy() {
    let bytes = body(100);
    let proxy = Server::new({
        let bytes = bytes.clone();
        move |request, _, stream| match request.line.starts_with("CONNECT ") {
            true => answer(stream, "403 Forbidden", &[], b""),
            false => whole(stream, &bytes),
        }
    });
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, _, stream| whole(stream, &bytes)
    });
    let more = format!("md5 = {:?}", md5(&bytes));
    let through = format!("http://me:p%40ss@127.0.0.1:{}", proxy.port());
    // The host need not exist: only the proxy resolves it.
    let desk = Desk::new(&catalogue(&["http://host.invalid:81/a/x?y=1".to_owned()], &more));
    let output = desk.fetch(&["thing"]).env("HTTP_PROXY", &through).output().unwrap();
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let asked = &proxy.requests()[0];
    assert_eq!(asked.line, "GET http://host.invalid:81/a/x?y=1 HTTP/1.1");
    assert_eq!(asked.headers["host"], "host.invalid:81");
    // `me:p@ss` in base 64.
    assert_eq!(asked.headers["proxy-authorization"], "Basic bWU6cEBzcw==");

    let direct = Desk::new(&catalogue(&[server.url("x")], &more));
    let mut command = direct.fetch(&["thing"]);
    command.env("all_proxy", &through).env("NO_PROXY", "example.org,127.0.0.1");
    assert_eq!(code(&command.output().unwrap()), 0);
    assert_eq!((proxy.requests().len(), server.requests().len()), (1, 1));

    // For https a tunnel is requested. Its refusal is reported with the proxy's name, but without
    // its password.
    let secure = Desk::new(&catalogue(&["https://host.invalid/x".to_owned()], &more));
    let output = secure.fetch(&["thing"]).env("https_proxy", &through).output().unwrap();
    assert_eq!(code(&output), 66);
    assert_eq!(proxy.requests()[1].line, "CONNECT host.invalid:443 HTTP/1.1");
    let message = text(&output.stderr);
    assert!(message.contains(&format!("the proxy 127.0.0.1:{}", proxy.port())), "{message}");
    assert!(!message.contains("p@ss") && !message.contains("p%40ss"), "{message}");
    let output = secure.fetch(&["thing"]).env("https_proxy", "gopher://x").output().unwrap();
    assert_eq!(code(&output), 64);
    assert!(text(&output.stderr).contains("https_proxy"), "{}", text(&output.stderr));
}

#[test]
fn a_certificate_is_trusted_if_its_authority_is_configured() {
    let server = secure::Server::new(b"abc");
    let desk = Desk::new(&catalogue(
        &[format!("https://localhost:{}/x", server.port)],
        &format!("md5 = {:?}", md5(b"abc")),
    ));
    let output = desk.fetch(&["thing"]).output().unwrap();
    assert_eq!(code(&output), 66, "{}", text(&output.stderr));
    let message = text(&output.stderr);
    assert!(message.contains("can't be trusted") && message.contains("SSL_CERT_FILE"), "{message}");
    assert!(!desk.file().exists());

    let vouches = desk.folder.path().join("authority.pem");
    fs::write(&vouches, &server.authority).unwrap();
    let output = desk.fetch(&["thing"]).env("SSL_CERT_FILE", &vouches).output().unwrap();
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert_eq!(fs::read(desk.file()).unwrap(), b"abc");
    // It is not trusted for another host.
    let other = Desk::new(&catalogue(
        &[format!("https://127.0.0.1:{}/x", server.port)],
        &format!("md5 = {:?}", md5(b"abc")),
    ));
    let output = other.fetch(&["thing"]).env("SSL_CERT_FILE", &vouches).output().unwrap();
    assert_eq!(code(&output), 66, "{}", text(&output.stderr));
}

/// As for official addresses behind most proxies: the certificate is that of the server at the end
/// of the tunnel.
#[test]
fn https_downloads_use_a_tunnel_through_the_proxy() {
    let server = secure::Server::new(b"abc");
    let (http, socks) = (secure::Tunnel::http(server.port), secure::Tunnel::socks(server.port));
    for (variable, scheme, tunnel) in
        [("HTTPS_PROXY", "http", &http), ("ALL_PROXY", "socks5", &socks)]
    {
        // No server listens on port 1: it is reached only through the tunnel.
        let address = "https://localhost:1/x".to_owned();
        let desk = Desk::new(&catalogue(&[address], &format!("md5 = {:?}", md5(b"abc"))));
        let vouches = desk.folder.path().join("authority.pem");
        fs::write(&vouches, &server.authority).unwrap();
        let mut command = desk.fetch(&["thing"]);
        command.env(variable, format!("{scheme}://127.0.0.1:{}", tunnel.port));
        let output = command.env("SSL_CERT_FILE", &vouches).output().unwrap();
        assert_eq!(code(&output), 0, "{variable}: {}", text(&output.stderr));
        assert_eq!(fs::read(desk.file()).unwrap(), b"abc");
        assert_eq!(tunnel.opened.load(std::sync::atomic::Ordering::SeqCst), 1, "{variable}");
        // Without the tunnel the server is not reached.
        fs::remove_file(desk.file()).unwrap();
        assert_eq!(code(&desk.fetch(&["thing"]).output().unwrap()), 66);
    }
}

#[cfg(feature = "engine")]
#[test]
fn pretraining_finds_downloaded_data_or_names_the_fetch_command() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = repro();
    command.args(["pretrain", "--world", "smoke", "--out"]).arg(folder.path().join("zoo"));
    let output = command.env("REPRO_DATA", &data).output().unwrap();
    assert_eq!(code(&output), 66);
    let message = text(&output.stderr);
    assert!(
        message.contains("`repro fetch fmnist`") && message.contains("fmnist/train-images"),
        "{message}"
    );
    // The existing file is read: it is not Fashion-MNIST.
    fs::create_dir_all(data.join("fmnist")).unwrap();
    fs::write(data.join("fmnist/train-images-idx3-ubyte"), b"x").unwrap();
    let output = command.output().unwrap();
    assert!(
        text(&output.stderr).contains("the SHA-256 of its contents is"),
        "{}",
        text(&output.stderr)
    );
}
