//! Downloads over a network with wrong lengths, stalls and errors.

use std::{
    fs,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use repro::fetch::FetchError;

use super::server::{
    ETAG, LENGTH, Sandbox, Server, answer, body, catalogue, checked, fails, honest, md5, whole,
    without_size,
};

#[test]
fn a_good_file_is_downloaded_once() {
    let bytes = body(LENGTH);
    let server = Server::new({
        let bytes = bytes.clone();
        move |request, _, stream| honest(request, stream, &bytes, ETAG, usize::MAX)
    });
    let sandbox = Sandbox::new();
    let catalogue = catalogue(&[server.url("thing.bin")], &checked(&bytes));
    let fetched = sandbox.fetch(&catalogue).unwrap();
    assert_eq!(fetched.downloaded, ["thing.bin"]);
    assert_eq!(fs::read(sandbox.file()).unwrap(), bytes);
    assert_eq!(sandbox.names(), ["thing.bin"]);
    let again = sandbox.fetch(&catalogue).unwrap();
    assert_eq!((again.downloaded.len(), again.already_present), (0, vec!["thing.bin".to_owned()]));
    assert_eq!(server.requests().len(), 1);
    let request = &server.requests()[0];
    assert_eq!(request.headers["accept-encoding"], "identity");
    assert!(request.headers["user-agent"].starts_with("repro/"));
}

#[test]
fn a_content_length_other_than_the_official_size_is_refused() {
    for lie in [10, LENGTH - 1, LENGTH + 1, usize::MAX] {
        let bytes = body(LENGTH);
        let sent = Arc::new(AtomicUsize::new(0));
        let server = Server::new({
            let (bytes, sent) = (bytes.clone(), sent.clone());
            move |_, _, stream| {
                answer(stream, "200 OK", &[("Content-Length", lie.to_string())], &bytes);
                sent.fetch_add(1, Ordering::Relaxed);
            }
        });
        let sandbox = Sandbox::new();
        let error = fails(&sandbox, &catalogue(&[server.url("thing.bin")], &checked(&bytes)));
        let expected = format!("the server offers {lie} bytes, but the official file has {LENGTH}");
        assert!(error.contains(&expected), "{error}");
        assert_eq!(server.requests().len(), 1, "it would only say so again");
        assert_eq!(sandbox.names(), [""; 0]);
    }
}

#[test]
fn a_wrong_content_length_is_found_without_a_known_size() {
    let bytes = body(LENGTH);
    for (lie, expected) in [
        (LENGTH - 5, "is not the official file: its MD5 checksum is"),
        (LENGTH + 5, "the connection was closed"),
        (1 << 60, "more than the limit of"),
    ] {
        let server = Server::new({
            let bytes = bytes.clone();
            move |_, _, stream| {
                answer(stream, "200 OK", &[("Content-Length", lie.to_string())], &bytes);
            }
        });
        let sandbox = Sandbox::new();
        let error = fails(&sandbox, &catalogue(&[server.url("thing.bin")], &without_size(&bytes)));
        assert!(error.contains(expected), "{lie}: {error}");
    }
    let server = Server::new(|_, _, stream| {
        answer(stream, "200 OK", &[("Content-Length", "many".to_owned())], b"x");
    });
    let sandbox = Sandbox::new();
    fails(&sandbox, &catalogue(&[server.url("thing.bin")], &without_size(&bytes)));
}

/// A chunked body has no length.
fn chunked(stream: &mut std::net::TcpStream, bytes: &[u8], ends: bool) {
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let _ = stream.write_all(head.as_bytes());
    let _ = write!(stream, "{:x}\r\n", bytes.len());
    let _ = stream.write_all(bytes);
    let _ = stream.write_all(if ends { b"\r\n0\r\n\r\n" } else { b"" });
}

#[test]
fn a_body_without_a_length_is_checked_by_size_or_checksum() {
    let bytes = body(LENGTH);
    let fetch = |sent: Vec<u8>, ends: bool, more: &str| {
        let server = Server::new(move |_, _, stream| chunked(stream, &sent, ends));
        let sandbox = Sandbox::new();
        let fetched = sandbox.fetch(&catalogue(&[server.url("thing.bin")], more));
        assert_eq!(sandbox.file().exists(), fetched.is_ok());
        fetched.map(|_| ()).map_err(|error| error.to_string())
    };
    fetch(bytes.clone(), true, &checked(&bytes)).unwrap();
    fetch(bytes.clone(), true, &without_size(&bytes)).unwrap();
    let more = [bytes.as_slice(), b"x"].concat();
    let error = fetch(more, true, &checked(&bytes)).unwrap_err();
    assert!(error.contains("sends more than 200000 bytes"), "{error}");
    let error = fetch(bytes[..999].to_vec(), false, &checked(&bytes)).unwrap_err();
    assert!(error.contains("the connection was closed"), "{error}");
    // With neither size nor checksum, a truncated file can't be detected.
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, _, stream| answer(stream, "200 OK", &[], &bytes[..999])
    });
    let sandbox = Sandbox::new();
    let error =
        fails(&sandbox, &catalogue(&[server.url("thing.bin")], "no_checksum = \"none stated\""));
    assert!(error.contains("a truncated file can't be detected"), "{error}");
}

#[test]
fn a_web_page_instead_of_the_file_is_reported_with_any_content_type() {
    let page = b"\n<!DOCTYPE html><html>sign in, please</html>";
    for kind in ["text/html; charset=utf-8", "application/octet-stream"] {
        let server = Server::new(move |_, _, stream| {
            let headers =
                [("Content-Type", kind.to_owned()), ("Content-Length", page.len().to_string())];
            answer(stream, "200 OK", &headers, page);
        });
        for more in [without_size(b"x"), "no_checksum = \"none stated\"".to_owned()] {
            let sandbox = Sandbox::new();
            let error = fails(&sandbox, &catalogue(&[server.url("thing.bin")], &more));
            assert!(error.contains("a web page"), "{error}");
            assert_eq!(sandbox.names(), [""; 0]);
        }
    }
}

/// The right file is taken whatever its headers say; one without a checksum is not.
#[test]
fn a_known_checksum_outranks_the_content_type() {
    let bytes = body(LENGTH);
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, _, stream| {
            let headers =
                [("Content-Type", "text/html".to_owned()), ("Content-Length", LENGTH.to_string())];
            answer(stream, "200 OK", &headers, &bytes);
        }
    });
    let url = [server.url("thing.bin")];
    let sandbox = Sandbox::new();
    sandbox.fetch(&catalogue(&url, &checked(&bytes))).unwrap();
    assert_eq!(fs::read(sandbox.file()).unwrap(), bytes);
    let error = fails(&Sandbox::new(), &catalogue(&url, &checked(&body(LENGTH - 1))));
    assert!(error.contains("the server offers 200000 bytes"), "{error}");
    let error = fails(&Sandbox::new(), &catalogue(&url, &without_size(b"another file")));
    assert!(error.contains("not the official file: its MD5 checksum"), "{error}");
    let error = fails(&Sandbox::new(), &catalogue(&url, "no_checksum = \"none stated\""));
    assert!(error.contains("a web page (text/html)"), "{error}");
}

#[test]
fn server_errors_are_retried_and_client_errors_are_not() {
    let bytes = body(100);
    let server = Server::new({
        let bytes = bytes.clone();
        move |request, number, stream| {
            let status = match (request.line.split(' ').nth(1).unwrap(), number) {
                ("/gone", _) => "404 Not Found",
                (_, 1) => "500 Internal Server Error",
                (_, 2) => "429 Too Many Requests",
                _ => return whole(stream, &bytes),
            };
            answer(stream, status, &[("Retry-After", "0".to_owned())], b"<html>no</html>");
        }
    });
    let sandbox = Sandbox::new();
    let addresses = [server.url("gone"), server.url("there")];
    sandbox.fetch(&catalogue(&addresses, &checked(&bytes))).unwrap();
    assert_eq!(fs::read(sandbox.file()).unwrap(), bytes);
    assert_eq!(server.requests().len(), 4);

    let sandbox = Sandbox::new();
    let error = fails(&sandbox, &catalogue(&addresses[..1], &checked(&bytes)));
    assert!(
        error.contains(&format!("{}: the server responds 404 Not Found", addresses[0])),
        "{error}"
    );

    let server = Server::new(|_, _, stream| answer(stream, "503 Busy", &[], b""));
    let sandbox = Sandbox::new();
    let error = fails(&sandbox, &catalogue(&[server.url("x")], &checked(&bytes)));
    assert!(error.contains("the server responds 503"), "{error}");
    assert_eq!(server.requests().len(), 3, "as often as there is patience");
}

#[test]
fn a_stalled_download_times_out_and_is_resumed_until_it_makes_no_progress() {
    let bytes = body(LENGTH);
    let server = Server::new({
        let bytes = bytes.clone();
        move |request, number, stream| {
            honest(request, stream, &bytes, ETAG, if number == 0 { 50_000 } else { LENGTH });
            if number == 0 {
                std::thread::sleep(Duration::from_secs(3));
            }
        }
    });
    let sandbox = Sandbox::new();
    sandbox.fetch(&catalogue(&[server.url("thing.bin")], &checked(&bytes))).unwrap();
    assert_eq!(server.ranges(), [None, Some(50_000)]);
    assert!(sandbox.messages().contains("timed out: no data for 0.4 s"), "{}", sandbox.messages());

    // Stalls before the answer and within it.
    for silent in [true, false] {
        let bytes = bytes.clone();
        let server = Server::new(move |_, _, stream| {
            if !silent {
                // A server that sends the file from its beginning each time and never completes it.
                let length = [("Content-Length", LENGTH.to_string())];
                answer(stream, "200 OK", &length, &bytes[..50_000]);
            }
            std::thread::sleep(Duration::from_secs(3));
        });
        let sandbox = Sandbox::new();
        let begun = Instant::now();
        let more = checked(&body(LENGTH));
        let error = fails(&sandbox, &catalogue(&[server.url("thing.bin")], &more));
        assert!(error.contains("timed out: no data for 0.4 s"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    }
}

#[test]
fn redirects_are_followed_up_to_a_limit() {
    let bytes = body(100);
    let server = Server::new({
        let bytes = bytes.clone();
        move |request, _, stream| {
            let to = match request.line.split(' ').nth(1).unwrap() {
                "/a/first" => "second?x=1",
                "/a/second?x=1" => "./../b/./third",
                "/b/third" => "?x=2",
                "/b/third?x=2" => "/fourth#part",
                "/fourth" => "/a file \u{e9}",
                "/round" => "/round",
                "/out" => "ftp://example.org/x",
                "/nowhere" => "",
                _ => return whole(stream, &bytes),
            };
            answer(stream, "302 Found", &[("Location", to.to_owned())], b"");
        }
    });
    let sandbox = Sandbox::new();
    sandbox.fetch(&catalogue(&[server.url("a/first")], &checked(&bytes))).unwrap();
    for (path, expected) in [
        ("round", "redirects more than 10 times"),
        ("out", "redirects to `ftp://example.org/x`"),
        ("nowhere", "redirects more than 10 times"),
    ] {
        let sandbox = Sandbox::new();
        let error = fails(&sandbox, &catalogue(&[server.url(path)], &checked(&bytes)));
        assert!(error.contains(expected), "{error}");
    }
    assert!(server.requests().len() < 30);
}

#[test]
fn a_file_with_a_wrong_checksum_never_gets_its_final_name() {
    let bytes = body(LENGTH);
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, _, stream| whole(stream, &bytes)
    });
    let wrong = "0".repeat(32);
    let more = format!("md5 = {wrong:?}\nbytes = {LENGTH}");
    let sandbox = Sandbox::new();
    let error = fails(&sandbox, &catalogue(&[server.url("thing.bin")], &more));
    let expected = format!("its MD5 checksum is {}, not {wrong}", md5(&bytes));
    assert!(error.contains(&expected), "{error}");
    assert_eq!(sandbox.names(), [""; 0]);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_mirror_resumes_where_the_first_server_stopped() {
    let bytes = body(LENGTH);
    let first = Server::new({
        let bytes = bytes.clone();
        move |request, number, stream| {
            if number == 0 {
                honest(request, stream, &bytes, ETAG, 50_000);
            }
        }
    });
    let second = Server::new({
        let bytes = bytes.clone();
        move |request, _, stream| honest(request, stream, &bytes, "\"other\"", LENGTH)
    });
    let sandbox = Sandbox::new();
    let addresses = [first.url("x"), second.url("x")];
    sandbox.fetch(&catalogue(&addresses, &checked(&bytes))).unwrap();
    assert_eq!(fs::read(sandbox.file()).unwrap(), bytes);
    assert_eq!(second.ranges(), [Some(50_000)]);
}

#[test]
fn an_unreachable_host_is_named_with_help() {
    let closed = {
        let server = Server::new(|_, _, _| {});
        server.url("thing.bin")
    };
    let sandbox = Sandbox::new();
    let begun = Instant::now();
    let error = sandbox.fetch(&catalogue(std::slice::from_ref(&closed), &without_size(b"x")));
    let error = error.unwrap_err();
    assert!(error.to_string().contains(&format!("{closed}: ")), "{error}");
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert!(help.ends_with("and import it"), "{help}");
    assert!(help.contains("http://page.example/"), "{help}");
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert!(matches!(error, FetchError::AllAddressesFailed { .. }) && !error.is_about_writing());
}

#[test]
fn an_answer_that_is_not_http_is_an_error() {
    let server = Server::new(|_, _, stream| {
        let _ = stream.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 9, 9, 9, 9, 9, 9]);
    });
    let sandbox = Sandbox::new();
    fails(&sandbox, &catalogue(&[server.url("thing.bin")], &without_size(b"x")));
}
