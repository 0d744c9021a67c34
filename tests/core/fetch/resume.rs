//! Interrupted downloads: when they are resumed, when the file is downloaded again, and which parts
//! are never joined.

use std::fs;

use super::server::{
    ETAG, LENGTH, Sandbox, Server, answer, body, catalogue, checked, fails, honest, whole,
    without_size,
};

#[test]
fn a_connection_cut_again_and_again_is_resumed_from_its_last_byte() {
    let bytes = body(LENGTH);
    let server = Server::new({
        let bytes = bytes.clone();
        move |request, _, stream| honest(request, stream, &bytes, ETAG, 30_000)
    });
    let sandbox = Sandbox::new();
    sandbox.fetch(&catalogue(&[server.url("thing.bin")], &checked(&bytes))).unwrap();
    assert_eq!(fs::read(sandbox.file()).unwrap(), bytes);
    // Seven connections, each of which sent the next 30,000 bytes.
    let expected: Vec<Option<usize>> =
        std::iter::once(None).chain((1..7).map(|times| Some(30_000 * times))).collect();
    assert_eq!(server.ranges(), expected);
    assert!(server.requests()[1..].iter().all(|request| request.headers["if-range"] == ETAG));
    assert_eq!(sandbox.names(), ["thing.bin"]);
}

#[test]
fn a_partial_download_is_resumed_by_the_next_command() {
    let bytes = body(LENGTH);
    let server = Server::new({
        let bytes = bytes.clone();
        // The first command gets 30,000 bytes and then no more.
        move |request, number, stream| match number {
            1..=3 => {}
            _ => honest(request, stream, &bytes, ETAG, if number == 0 { 30_000 } else { LENGTH }),
        }
    });
    let sandbox = Sandbox::new();
    let catalogue = catalogue(&[server.url("thing.bin")], &checked(&bytes));
    let error = fails(&sandbox, &catalogue);
    assert!(error.contains(&server.url("thing.bin")), "{error}");
    assert_eq!(fs::metadata(sandbox.part()).unwrap().len(), 30_000);
    sandbox.fetch(&catalogue).unwrap();
    assert_eq!(fs::read(sandbox.file()).unwrap(), bytes);
    assert_eq!(server.ranges().last(), Some(&Some(30_000)));
}

#[test]
fn a_server_without_ranges_sends_the_whole_file_again() {
    let bytes = body(LENGTH);
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, number, stream| match number {
            0 => {
                let length = [("Content-Length", LENGTH.to_string())];
                answer(stream, "200 OK", &length, &bytes[..50_000]);
            }
            _ => whole(stream, &bytes),
        }
    });
    let sandbox = Sandbox::new();
    sandbox.fetch(&catalogue(&[server.url("thing.bin")], &checked(&bytes))).unwrap();
    assert_eq!(fs::read(sandbox.file()).unwrap(), bytes);
    assert_eq!(server.ranges(), [None, Some(50_000)]);
    assert!(sandbox.messages().contains("the server can't resume"), "{}", sandbox.messages());
}

#[test]
fn a_wrong_range_is_never_appended() {
    let bytes = body(LENGTH);
    for range in [
        Some("bytes 0-199999/200000"),
        Some("bytes 49999-199999/200000"),
        Some("bytes 50000-199999/300000"),
        Some("bytes 50000-60000/200000"),
        Some("bytes 199999-50000/200000"),
        Some("pages 1-2/3"),
        None,
    ] {
        let server = Server::new({
            let bytes = bytes.clone();
            move |request, number, stream| match (number, request.from()) {
                (0, _) => honest(request, stream, &bytes, ETAG, 50_000),
                (_, None) => whole(stream, &bytes),
                (_, Some(_)) => {
                    let rest = vec![7; LENGTH - 50_000];
                    let mut headers = vec![("Content-Length", rest.len().to_string())];
                    headers.extend(range.map(|range| ("Content-Range", range.to_owned())));
                    answer(stream, "206 Partial Content", &headers, &rest);
                }
            }
        });
        let sandbox = Sandbox::new();
        // No checksum would find the error, only the range.
        let more = format!("no_checksum = \"none stated\"\nbytes = {LENGTH}");
        sandbox.fetch(&catalogue(&[server.url("thing.bin")], &more)).unwrap();
        assert_eq!(fs::read(sandbox.file()).unwrap(), bytes, "{range:?}");
        assert_eq!(server.ranges(), [None, Some(50_000), None], "{range:?}");
    }
}

/// As some servers and proxies do, whether a part or the whole file was requested.
#[test]
fn a_part_that_is_the_whole_file_is_the_file() {
    let bytes = body(LENGTH);
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, number, stream| {
            let most = if number == 0 { 50_000 } else { LENGTH };
            let headers = [
                ("Content-Length", LENGTH.to_string()),
                ("Content-Range", format!("bytes 0-{}/{LENGTH}", LENGTH - 1)),
                ("ETag", ETAG.to_owned()),
            ];
            answer(stream, "206 Partial Content", &headers, &bytes[..most]);
        }
    });
    for more in [checked(&bytes), "no_checksum = \"none stated\"".to_owned()] {
        let sandbox = Sandbox::new();
        sandbox.fetch(&catalogue(&[server.url("thing.bin")], &more)).unwrap();
        assert_eq!(fs::read(sandbox.file()).unwrap(), bytes);
    }
    assert_eq!(server.ranges(), [None, Some(50_000), None]);
}

/// A checksum decides where the range says too little. Without one, the range has to say it.
#[test]
fn a_part_that_may_be_the_whole_file_is_taken_by_its_checksum() {
    let bytes = body(LENGTH);
    for (status, range) in [
        ("206 Partial Content", Some(format!("bytes 0-{}/*", LENGTH - 1))),
        ("206 Partial Content", Some("all of it".to_owned())),
        ("206 Partial Content", None),
        ("203 Non-Authoritative Information", None),
    ] {
        let server = Server::new({
            let (bytes, range) = (bytes.clone(), range.clone());
            move |_, number, stream| {
                let most = if number == 0 { 50_000 } else { LENGTH };
                let length = ("Content-Length", LENGTH.to_string());
                let range = range.iter().map(|range| ("Content-Range", range.clone()));
                let headers: Vec<_> = std::iter::once(length).chain(range).collect();
                answer(stream, status, &headers, &bytes[..most]);
            }
        });
        let url = [server.url("thing.bin")];
        let sandbox = Sandbox::new();
        sandbox.fetch(&catalogue(&url, &without_size(&bytes))).unwrap();
        assert_eq!(fs::read(sandbox.file()).unwrap(), bytes, "{status} {range:?}");
        fails(&Sandbox::new(), &catalogue(&url, &without_size(b"another file")));
        let error = fails(&Sandbox::new(), &catalogue(&url, "no_checksum = \"none stated\""));
        assert!(error.contains("sends a part") || error.contains("responds 203"), "{error}");
    }
    for range in ["bytes 0-99/200000", "bytes 100-199999/200000", "bytes 100-199999/*"] {
        let server = Server::new({
            let bytes = bytes.clone();
            move |_, _, stream| {
                let headers = [("Content-Range", range.to_owned())];
                answer(stream, "206 Partial Content", &headers, &bytes[..100]);
            }
        });
        let catalogue = catalogue(&[server.url("thing.bin")], &without_size(&bytes));
        let error = fails(&Sandbox::new(), &catalogue);
        assert!(error.contains("sends a part, but the whole file"), "{range}: {error}");
    }
}

#[test]
fn a_file_that_changed_between_its_parts_is_downloaded_again() {
    let (old, new) = (body(LENGTH), body(LENGTH).into_iter().rev().collect::<Vec<u8>>());
    // A server that supports versions, one that sends a part of the new version with its name, and
    // one without names of versions, so that only the checksum finds the change.
    for kind in ["if-range", "etag", "nothing"] {
        let server = Server::new({
            let (old, new) = (old.clone(), new.clone());
            move |request, number, stream| {
                let range = |from: usize| {
                    ("Content-Range", format!("bytes {from}-{}/{LENGTH}", LENGTH - 1))
                };
                match (number, kind, request.from()) {
                    (0, "nothing", _) => {
                        let length = [("Content-Length", LENGTH.to_string())];
                        answer(stream, "200 OK", &length, &old[..50_000]);
                    }
                    (0, ..) => honest(request, stream, &old, ETAG, 50_000),
                    (_, "if-range", _) => honest(request, stream, &new, "\"two\"", LENGTH),
                    (_, "etag", Some(from)) => {
                        let headers = [range(from), ("ETag", "\"two\"".to_owned())];
                        answer(stream, "206 Partial Content", &headers, &new[from..]);
                    }
                    (_, _, Some(from)) => {
                        answer(stream, "206 Partial Content", &[range(from)], &new[from..]);
                    }
                    _ => whole(stream, &new),
                }
            }
        });
        let sandbox = Sandbox::new();
        sandbox.fetch(&catalogue(&[server.url("thing.bin")], &checked(&new))).unwrap();
        assert_eq!(fs::read(sandbox.file()).unwrap(), new, "{kind}");
    }
}

#[test]
fn without_a_version_or_a_checksum_nothing_is_resumed() {
    let bytes = body(LENGTH);
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, number, stream| {
            let most = if number == 0 { 50_000 } else { LENGTH };
            answer(stream, "200 OK", &[("Content-Length", LENGTH.to_string())], &bytes[..most]);
        }
    });
    let sandbox = Sandbox::new();
    sandbox.fetch(&catalogue(&[server.url("thing.bin")], "no_checksum = \"none stated\"")).unwrap();
    assert_eq!(fs::read(sandbox.file()).unwrap(), bytes);
    assert_eq!(server.ranges(), [None, None]);
}

#[test]
fn a_partial_file_as_long_as_the_file_or_longer_is_handled() {
    let bytes = body(LENGTH);
    let server = Server::new({
        let bytes = bytes.clone();
        move |request, _, stream| match request.from() {
            Some(from) if from >= LENGTH => {
                let range = [("Content-Range", format!("bytes */{LENGTH}"))];
                answer(stream, "416 Range Not Satisfiable", &range, b"");
            }
            _ => honest(request, stream, &bytes, ETAG, LENGTH),
        }
    });
    let url = [server.url("thing.bin")];
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.folder.path().join("thing")).unwrap();
    // Unknown size: the server has no more bytes, and the whole file is downloaded again.
    fs::write(sandbox.part(), body(LENGTH + 10)).unwrap();
    sandbox.fetch(&catalogue(&url, &without_size(&bytes))).unwrap();
    assert_eq!(fs::read(sandbox.file()).unwrap(), bytes);
    assert_eq!(server.ranges(), [Some(LENGTH + 10), None]);
    // Known size: a part that is too long is discarded, and a complete one is only renamed.
    for (part, requests) in [(body(LENGTH + 10), 3), (bytes.clone(), 3)] {
        fs::remove_file(sandbox.file()).unwrap();
        fs::write(sandbox.part(), part).unwrap();
        sandbox.fetch(&catalogue(&url, &checked(&bytes))).unwrap();
        assert_eq!(fs::read(sandbox.file()).unwrap(), bytes);
        assert_eq!(server.requests().len(), requests);
    }
}
