//! What comes over a network that lies and stalls.

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
    Bench, ETAG, LENGTH, Server, answer, body, catalogue, checked, fails, honest, md5, whole,
    without_size,
};

#[test]
fn an_honest_file_comes_and_is_then_left_alone() {
    let bytes = body(LENGTH);
    let server = Server::new({
        let bytes = bytes.clone();
        move |request, _, stream| honest(request, stream, &bytes, ETAG, usize::MAX)
    });
    let bench = Bench::new();
    let catalogue = catalogue(&[server.url("thing.bin")], &checked(&bytes));
    let fetched = bench.fetch(&catalogue).unwrap();
    assert_eq!(fetched.came, ["thing.bin"]);
    assert_eq!(fs::read(bench.file()).unwrap(), bytes);
    assert_eq!(bench.names(), ["thing.bin"]);
    let again = bench.fetch(&catalogue).unwrap();
    assert_eq!((again.came.len(), again.were_there), (0, vec!["thing.bin".to_owned()]));
    assert_eq!(server.requests().len(), 1);
    let request = &server.requests()[0];
    assert_eq!(request.headers["accept-encoding"], "identity");
    assert!(request.headers["user-agent"].starts_with("repro/"));
}

#[test]
fn a_server_that_promises_another_length_than_the_official_one_is_not_listened_to() {
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
        let bench = Bench::new();
        let error = fails(&bench, &catalogue(&[server.url("thing.bin")], &checked(&bytes)));
        let said = format!("it has {lie} bytes to send where the official file has {LENGTH}");
        assert!(error.contains(&said), "{error}");
        assert_eq!(server.requests().len(), 1, "it would only say so again");
        assert_eq!(bench.names(), [""; 0]);
    }
}

#[test]
fn where_no_size_is_known_lies_about_lengths_are_found_all_the_same() {
    let bytes = body(LENGTH);
    for (lie, said) in [
        (LENGTH - 5, "is not the official file: its MD5 is"),
        (LENGTH + 5, "the connection ended"),
        (1 << 60, "more than any such file has"),
    ] {
        let server = Server::new({
            let bytes = bytes.clone();
            move |_, _, stream| {
                answer(stream, "200 OK", &[("Content-Length", lie.to_string())], &bytes);
            }
        });
        let bench = Bench::new();
        let error = fails(&bench, &catalogue(&[server.url("thing.bin")], &without_size(&bytes)));
        assert!(error.contains(said), "{lie}: {error}");
    }
    let server = Server::new(|_, _, stream| {
        answer(stream, "200 OK", &[("Content-Length", "many".to_owned())], b"x");
    });
    let bench = Bench::new();
    fails(&bench, &catalogue(&[server.url("thing.bin")], &without_size(&bytes)));
}

/// In chunks, no length is promised, and any number of bytes may come.
fn chunked(stream: &mut std::net::TcpStream, bytes: &[u8], ends: bool) {
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let _ = stream.write_all(head.as_bytes());
    let _ = write!(stream, "{:x}\r\n", bytes.len());
    let _ = stream.write_all(bytes);
    let _ = stream.write_all(if ends { b"\r\n0\r\n\r\n" } else { b"" });
}

#[test]
fn a_body_without_a_length_is_measured_by_what_is_known() {
    let bytes = body(LENGTH);
    let fetch = |sent: Vec<u8>, ends: bool, more: &str| {
        let server = Server::new(move |_, _, stream| chunked(stream, &sent, ends));
        let bench = Bench::new();
        let fetched = bench.fetch(&catalogue(&[server.url("thing.bin")], more));
        assert_eq!(bench.file().exists(), fetched.is_ok());
        fetched.map(|_| ()).map_err(|error| error.to_string())
    };
    fetch(bytes.clone(), true, &checked(&bytes)).unwrap();
    fetch(bytes.clone(), true, &without_size(&bytes)).unwrap();
    let more = [bytes.as_slice(), b"x"].concat();
    let error = fetch(more, true, &checked(&bytes)).unwrap_err();
    assert!(error.contains("sends more than 200000 bytes"), "{error}");
    let error = fetch(bytes[..999].to_vec(), false, &checked(&bytes)).unwrap_err();
    assert!(error.contains("connection ended"), "{error}");
    // With neither size nor checksum, a cut could not be told from the end.
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, _, stream| answer(stream, "200 OK", &[], &bytes[..999])
    });
    let bench = Bench::new();
    let error =
        fails(&bench, &catalogue(&[server.url("thing.bin")], "no_checksum = \"none stated\""));
    assert!(error.contains("a cut would not be seen"), "{error}");
}

#[test]
fn a_web_page_in_place_of_the_file_is_told_whatever_it_calls_itself() {
    let page = b"\n<!DOCTYPE html><html>sign in, please</html>";
    for kind in ["text/html; charset=utf-8", "application/octet-stream"] {
        let server = Server::new(move |_, _, stream| {
            let headers =
                [("Content-Type", kind.to_owned()), ("Content-Length", page.len().to_string())];
            answer(stream, "200 OK", &headers, page);
        });
        for more in [without_size(b"x"), "no_checksum = \"none stated\"".to_owned()] {
            let bench = Bench::new();
            let error = fails(&bench, &catalogue(&[server.url("thing.bin")], &more));
            assert!(error.contains("a web page"), "{error}");
            assert_eq!(bench.names(), [""; 0]);
        }
    }
}

#[test]
fn a_server_in_trouble_is_asked_again_and_one_that_has_nothing_is_not() {
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
    let bench = Bench::new();
    let addresses = [server.url("gone"), server.url("there")];
    bench.fetch(&catalogue(&addresses, &checked(&bytes))).unwrap();
    assert_eq!(fs::read(bench.file()).unwrap(), bytes);
    assert_eq!(server.requests().len(), 4);

    let bench = Bench::new();
    let error = fails(&bench, &catalogue(&addresses[..1], &checked(&bytes)));
    assert!(error.contains(&format!("{}: it answers 404 Not Found", addresses[0])), "{error}");

    let server = Server::new(|_, _, stream| answer(stream, "503 Busy", &[], b""));
    let bench = Bench::new();
    let error = fails(&bench, &catalogue(&[server.url("x")], &checked(&bytes)));
    assert!(error.contains("it answers 503"), "{error}");
    assert_eq!(server.requests().len(), 3, "as often as there is patience");
}

#[test]
fn a_server_that_stalls_is_left_and_resumed_and_given_up_when_nothing_more_comes() {
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
    let bench = Bench::new();
    bench.fetch(&catalogue(&[server.url("thing.bin")], &checked(&bytes))).unwrap();
    assert_eq!(server.ranges(), [None, Some(50_000)]);
    assert!(bench.said().contains("nothing came for 0.4 s"), "{}", bench.said());

    // Before its answer, and between the bytes of it.
    for silent in [true, false] {
        let bytes = bytes.clone();
        let server = Server::new(move |_, _, stream| {
            if !silent {
                // All of it from its beginning, every time, and never its end.
                let length = [("Content-Length", LENGTH.to_string())];
                answer(stream, "200 OK", &length, &bytes[..50_000]);
            }
            std::thread::sleep(Duration::from_secs(3));
        });
        let bench = Bench::new();
        let begun = Instant::now();
        let more = checked(&body(LENGTH));
        let error = fails(&bench, &catalogue(&[server.url("thing.bin")], &more));
        assert!(error.contains("nothing came for 0.4 s"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    }
}

#[test]
fn redirects_are_followed_as_far_as_they_lead_somewhere() {
    let bytes = body(100);
    let server = Server::new({
        let bytes = bytes.clone();
        move |request, _, stream| {
            let to = match request.line.split(' ').nth(1).unwrap() {
                "/a/first" => "second?x=1",
                "/a/second?x=1" => "/third",
                "/round" => "/round",
                "/out" => "ftp://example.org/x",
                "/nowhere" => "",
                _ => return whole(stream, &bytes),
            };
            answer(stream, "302 Found", &[("Location", to.to_owned())], b"");
        }
    });
    let bench = Bench::new();
    bench.fetch(&catalogue(&[server.url("a/first")], &checked(&bytes))).unwrap();
    for (path, said) in [
        ("round", "redirects more than 10 times"),
        ("out", "redirects to `ftp://example.org/x`"),
        ("nowhere", "redirects"),
    ] {
        let bench = Bench::new();
        let error = fails(&bench, &catalogue(&[server.url(path)], &checked(&bytes)));
        assert!(error.contains(said), "{error}");
    }
    assert!(server.requests().len() < 20);
}

#[test]
fn a_file_with_another_checksum_never_gets_its_name() {
    let bytes = body(LENGTH);
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, _, stream| whole(stream, &bytes)
    });
    let wrong = "0".repeat(32);
    let more = format!("md5 = {wrong:?}\nbytes = {LENGTH}");
    let bench = Bench::new();
    let error = fails(&bench, &catalogue(&[server.url("thing.bin")], &more));
    let said = format!("its MD5 is {}, not {wrong}", md5(&bytes));
    assert!(error.contains(&said), "{error}");
    assert_eq!(bench.names(), [""; 0]);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_mirror_steps_in_and_goes_on_where_the_first_one_left() {
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
    let bench = Bench::new();
    let addresses = [first.url("x"), second.url("x")];
    bench.fetch(&catalogue(&addresses, &checked(&bytes))).unwrap();
    assert_eq!(fs::read(bench.file()).unwrap(), bytes);
    assert_eq!(second.ranges(), [Some(50_000)]);
}

#[test]
fn a_host_that_is_not_reached_is_named_with_what_to_do() {
    let closed = {
        let server = Server::new(|_, _, _| {});
        server.url("thing.bin")
    };
    let bench = Bench::new();
    let begun = Instant::now();
    let error = bench.fetch(&catalogue(std::slice::from_ref(&closed), &without_size(b"x")));
    let error = error.unwrap_err();
    assert!(error.to_string().contains(&format!("{closed}: ")), "{error}");
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert!(help.ends_with("and bring it"), "{help}");
    assert!(help.contains("http://page.example/"), "{help}");
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert!(matches!(error, FetchError::Nowhere { .. }) && !error.is_about_writing());
}

#[test]
fn what_is_no_http_at_all_is_an_error() {
    let server = Server::new(|_, _, stream| {
        let _ = stream.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 9, 9, 9, 9, 9, 9]);
    });
    let bench = Bench::new();
    fails(&bench, &catalogue(&[server.url("thing.bin")], &without_size(b"x")));
}
