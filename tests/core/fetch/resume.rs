//! What is resumed after a cut, what is fetched anew, and what is never put together.

use std::fs;

use super::server::{
    Bench, ETAG, LENGTH, Server, answer, body, catalogue, checked, fails, honest, whole,
    without_size,
};

#[test]
fn a_connection_that_is_cut_again_and_again_is_resumed_and_only_the_rest_is_asked_for() {
    let bytes = body(LENGTH);
    let server = Server::new({
        let bytes = bytes.clone();
        move |request, _, stream| honest(request, stream, &bytes, ETAG, 30_000)
    });
    let bench = Bench::new();
    bench.fetch(&catalogue(&[server.url("thing.bin")], &checked(&bytes))).unwrap();
    assert_eq!(fs::read(bench.file()).unwrap(), bytes);
    // Seven connections, each of which sent 30,000 bytes more: none of them twice.
    let expected: Vec<Option<usize>> =
        std::iter::once(None).chain((1..7).map(|times| Some(30_000 * times))).collect();
    assert_eq!(server.ranges(), expected);
    assert!(server.requests()[1..].iter().all(|request| request.headers["if-range"] == ETAG));
    assert_eq!(bench.names(), ["thing.bin"]);
}

#[test]
fn what_came_before_is_resumed_by_the_next_command() {
    let bytes = body(LENGTH);
    let server = Server::new({
        let bytes = bytes.clone();
        // The first command gets 30,000 bytes and then nothing.
        move |request, number, stream| match number {
            1..=3 => {}
            _ => honest(request, stream, &bytes, ETAG, if number == 0 { 30_000 } else { LENGTH }),
        }
    });
    let bench = Bench::new();
    let catalogue = catalogue(&[server.url("thing.bin")], &checked(&bytes));
    let error = fails(&bench, &catalogue);
    assert!(error.contains(&server.url("thing.bin")), "{error}");
    assert_eq!(fs::metadata(bench.part()).unwrap().len(), 30_000);
    bench.fetch(&catalogue).unwrap();
    assert_eq!(fs::read(bench.file()).unwrap(), bytes);
    assert_eq!(server.ranges().last(), Some(&Some(30_000)));
}

#[test]
fn a_server_that_ignores_ranges_sends_all_of_it_again() {
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
    let bench = Bench::new();
    bench.fetch(&catalogue(&[server.url("thing.bin")], &checked(&bytes))).unwrap();
    assert_eq!(fs::read(bench.file()).unwrap(), bytes);
    assert_eq!(server.ranges(), [None, Some(50_000)]);
    assert!(bench.said().contains("the server sends all of it again"), "{}", bench.said());
}

#[test]
fn a_part_that_is_not_the_one_that_was_asked_for_is_never_put_to_the_rest() {
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
        let bench = Bench::new();
        // No checksum that would find it: the range alone tells.
        let more = format!("no_checksum = \"none stated\"\nbytes = {LENGTH}");
        bench.fetch(&catalogue(&[server.url("thing.bin")], &more)).unwrap();
        assert_eq!(fs::read(bench.file()).unwrap(), bytes, "{range:?}");
        assert_eq!(server.ranges(), [None, Some(50_000), None], "{range:?}");
    }
}

#[test]
fn a_file_that_changed_between_its_parts_is_fetched_anew() {
    let (old, new) = (body(LENGTH), body(LENGTH).into_iter().rev().collect::<Vec<u8>>());
    // A server that knows of versions; one that sends the new one's part and says so; one that has no
    // names for them, so that only the checksum tells.
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
        let bench = Bench::new();
        bench.fetch(&catalogue(&[server.url("thing.bin")], &checked(&new))).unwrap();
        assert_eq!(fs::read(bench.file()).unwrap(), new, "{kind}");
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
    let bench = Bench::new();
    bench.fetch(&catalogue(&[server.url("thing.bin")], "no_checksum = \"none stated\"")).unwrap();
    assert_eq!(fs::read(bench.file()).unwrap(), bytes);
    assert_eq!(server.ranges(), [None, None]);
}

#[test]
fn a_part_that_is_longer_than_the_file_or_all_of_it_is_taken_for_what_it_is() {
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
    let bench = Bench::new();
    fs::create_dir(bench.folder.path().join("thing")).unwrap();
    // Of unknown size: the server says that there is nothing more, and all of it is asked for.
    fs::write(bench.part(), body(LENGTH + 10)).unwrap();
    bench.fetch(&catalogue(&url, &without_size(&bytes))).unwrap();
    assert_eq!(fs::read(bench.file()).unwrap(), bytes);
    assert_eq!(server.ranges(), [Some(LENGTH + 10), None]);
    // Of known size: too long a part is no part of it; a whole one only lacks its name.
    for (part, requests) in [(body(LENGTH + 10), 3), (bytes.clone(), 3)] {
        fs::remove_file(bench.file()).unwrap();
        fs::write(bench.part(), part).unwrap();
        bench.fetch(&catalogue(&url, &checked(&bytes))).unwrap();
        assert_eq!(fs::read(bench.file()).unwrap(), bytes);
        assert_eq!(server.requests().len(), requests);
    }
}
