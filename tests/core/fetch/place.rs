//! What is already there, what is brought by hand, what has no checksum, and two at once.

use std::{fs, sync::atomic::Ordering, time::Duration};

use repro::fetch::{FetchError, State};

use super::{
    archives::{file, tar_gz, zip},
    server::{Bench, Server, answer, body, catalogue, honest, md5, thing, whole},
};

const UNCHECKED: &str = "no_checksum = \"none stated\"";

#[test]
fn a_file_of_the_right_name_and_the_wrong_bytes_is_set_aside_and_told() {
    let bytes = body(1000);
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, _, stream| whole(stream, &bytes)
    });
    let bench = Bench::new();
    fs::create_dir(bench.folder.path().join("thing")).unwrap();
    fs::write(bench.file(), b"something else").unwrap();
    let catalogue = catalogue(&[server.url("x")], &format!("md5 = {:?}", md5(&bytes)));
    let states = bench.fetcher().states(&thing(&catalogue)).unwrap();
    assert!(matches!(&states[0], State::Wrong { reason } if reason.contains(&md5(&bytes))));
    bench.fetch(&catalogue).unwrap();
    assert_eq!(fs::read(bench.file()).unwrap(), bytes);
    assert_eq!(bench.names(), ["thing.bin", "thing.bin.set-aside"]);
    assert!(bench.said().contains("set aside as"), "{}", bench.said());
    // What was set aside before stays where it is.
    fs::write(bench.file(), b"yet another").unwrap();
    bench.fetch(&catalogue).unwrap();
    let aside = ["thing.bin.set-aside", "thing.bin.set-aside-2"];
    assert_eq!(bench.names(), ["thing.bin", aside[0], aside[1]]);
    let held = aside.map(|name| fs::read(bench.file().with_file_name(name)).unwrap());
    assert_eq!(held, [&b"something else"[..], b"yet another"]);
}

#[test]
fn a_file_without_a_checksum_is_recorded_and_has_to_stay_as_it_was() {
    let (first, second) = (body(1000), body(999));
    let server = Server::new({
        let (first, second) = (first.clone(), second.clone());
        move |_, number, stream| whole(stream, if number == 0 { &first } else { &second })
    });
    let bench = Bench::new();
    let catalogue = catalogue(&[server.url("x")], UNCHECKED);
    let state = || bench.fetcher().states(&thing(&catalogue)).unwrap().remove(0);
    assert_eq!(state(), State::Missing);
    let fetched = bench.fetch(&catalogue).unwrap();
    assert_eq!(
        (fetched.came, fetched.unchecked),
        (vec!["thing.bin".to_owned()], vec!["thing.bin".to_owned()])
    );
    assert_eq!(bench.names(), ["thing.bin", "thing.bin.sha256"]);
    assert_eq!(state(), State::Unchecked);
    assert_eq!(bench.fetch(&catalogue).unwrap().were_there, ["thing.bin"]);
    assert_eq!(server.requests().len(), 1);

    // Somebody changes it: neither replaced nor used.
    fs::write(bench.file(), b"changed").unwrap();
    let error = bench.fetch(&catalogue).unwrap_err();
    assert!(matches!(error, FetchError::Changed { .. }), "{error}");
    assert_eq!(fs::read(bench.file()).unwrap(), b"changed");
    // It is lost, and the server has another one by now.
    fs::remove_file(bench.file()).unwrap();
    let error = bench.fetch(&catalogue).unwrap_err().to_string();
    assert!(error.contains("not the file that was first fetched"), "{error}");
    let record = bench.folder.path().join("thing/thing.bin.sha256");
    assert!(error.contains(&format!("remove {}", record.display())), "{error}");
    assert!(!bench.file().exists());
    // Nor is another one brought, and it says the same.
    let from = tempfile::tempdir().unwrap();
    fs::write(from.path().join("thing.bin"), &second).unwrap();
    let error = bench.bring(&catalogue, from.path()).unwrap_err().to_string();
    assert!(error.contains(&format!("remove {}", record.display())), "{error}");
    // Whoever removes the record says that the other one is meant.
    fs::remove_file(record).unwrap();
    bench.fetch(&catalogue).unwrap();
    assert_eq!(fs::read(bench.file()).unwrap(), second);
}

#[test]
fn files_that_are_brought_are_found_by_name_checked_and_copied() {
    let bytes = body(1000);
    let unreachable = ["http://127.0.0.1:9/thing.bin".to_owned()];
    let catalogue = catalogue(&unreachable, &format!("md5 = {:?}\nbytes = 1000", md5(&bytes)));
    let from = tempfile::tempdir().unwrap();
    let bench = Bench::new();
    let error = bench.bring(&catalogue, from.path()).unwrap_err();
    assert!(error.to_string().contains("no thing.bin of thing in "), "{error}");
    // Of one name in several folders, the right one.
    for (folder, content) in
        [("a", body(1001)), ("b", body(1000).into_iter().rev().collect()), ("c", bytes.clone())]
    {
        let folder = from.path().join(folder);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("thing.bin"), content).unwrap();
    }
    bench.bring(&catalogue, from.path()).unwrap();
    assert_eq!(fs::read(bench.file()).unwrap(), bytes);
    assert_eq!(bench.names(), ["thing.bin"]);
    // Without it, what is wrong with each of the others.
    fs::remove_dir_all(from.path().join("c")).unwrap();
    let bench = Bench::new();
    let error = bench.bring(&catalogue, from.path()).unwrap_err().to_string();
    for said in ["a/thing.bin: it has 1001 bytes where", "b/thing.bin: it is not the official"] {
        assert!(error.contains(said), "{error}");
    }
    assert_eq!(bench.names(), [""; 0]);
    let error = bench.bring(&catalogue, &from.path().join("no")).unwrap_err();
    assert!(matches!(error, FetchError::Unreadable { .. }), "{error}");
    // Without a checksum nothing tells which of several is meant.
    let unchecked = super::server::catalogue(&unreachable, UNCHECKED);
    let error = bench.bring(&unchecked, from.path()).unwrap_err().to_string();
    assert!(error.contains("there are several of this name"), "{error}");
    bench.bring(&unchecked, &from.path().join("a")).unwrap();
    assert_eq!(bench.names(), ["thing.bin", "thing.bin.sha256"]);
}

/// Linux has a file that opens, and that can't be read.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_can_t_be_read_is_named_by_its_own_place() {
    let from = tempfile::tempdir().unwrap();
    let brought = from.path().join("thing.bin");
    std::os::unix::fs::symlink("/proc/self/mem", &brought).unwrap();
    let bench = Bench::new();
    let catalogue = catalogue(&["http://127.0.0.1:9/x".to_owned()], UNCHECKED);
    let error = bench.bring(&catalogue, from.path()).unwrap_err();
    assert!(matches!(&error, FetchError::Unreadable { path, .. } if *path == brought), "{error}");
    assert_eq!(bench.names(), [""; 0]);
}

#[test]
fn what_no_program_can_fetch_says_which_files_to_bring_from_where() {
    let text = catalogue(&[], &format!("md5 = {:?}", md5(b"abc")))
        .replace("addresses = []\n", "")
        .replace("page =", "by_hand = \"a person is asked\"\npage =");
    let bench = Bench::new();
    let error = bench.fetch(&text).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("by hand") && said.contains("thing.bin"), "{said}");
    let from = tempfile::tempdir().unwrap();
    fs::write(from.path().join("thing.bin"), b"abc").unwrap();
    bench.bring(&text, from.path()).unwrap();
    // It is there, so nobody is asked for it.
    bench.fetch(&text).unwrap();
}

fn archive(format: &str, more: &str) -> String {
    format!(
        "unpack = {{ format = {format:?}, folder = \"wanted\", most_entries = 10, most_bytes = 9999{more} }}"
    )
}

#[test]
fn an_archive_is_unpacked_once_and_again_where_something_of_it_is_gone() {
    let bytes = tar_gz(&[file("wanted/a.bin", b"abc"), file("wanted/b.bin", b"d")]);
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, _, stream| whole(stream, &bytes)
    });
    let more = format!("md5 = {:?}\n{}", md5(&bytes), archive("tar.gz", ""));
    let catalogue = catalogue(&[server.url("x")], &more);
    let bench = Bench::new();
    let wanted = bench.folder.path().join("thing/wanted");
    let state = || bench.fetcher().states(&thing(&catalogue)).unwrap().remove(0);
    bench.fetch(&catalogue).unwrap();
    assert_eq!(state(), State::There);
    assert_eq!(bench.names(), [".wanted.unpacked.json", "thing.bin", "wanted"]);
    assert_eq!(bench.fetch(&catalogue).unwrap().were_there, ["thing.bin"]);

    fs::remove_file(wanted.join("b.bin")).unwrap();
    assert_eq!(state(), State::Packed);
    bench.fetch(&catalogue).unwrap();
    assert_eq!(fs::read(wanted.join("b.bin")).unwrap(), b"d");
    assert!(bench.said().contains("it is set aside as"), "{}", bench.said());
    // What comes out is what counts; the archive may go.
    fs::remove_file(bench.file()).unwrap();
    assert_eq!(state(), State::There);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_archive_goes_when_that_is_asked_for_and_one_in_another_is_unpacked() {
    let inner = tar_gz(&[file("wanted/a.bin", b"abc")]);
    let bytes = zip(&[("x/inner.tar.gz", &inner), ("x/more.tar", b"")]);
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, _, stream| whole(stream, &bytes)
    });
    let more =
        format!("md5 = {:?}\n{}", md5(&bytes), archive("zip", ", inner = \"x/inner.tar.gz\""));
    let catalogue = catalogue(&[server.url("x")], &more);
    let mut bench = Bench::new();
    bench.removes_archives = true;
    bench.fetch(&catalogue).unwrap();
    assert_eq!(bench.names(), [".wanted.unpacked.json", "wanted"]);
    assert_eq!(bench.fetch(&catalogue).unwrap().were_there, ["thing.bin"]);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_hostile_archive_without_a_checksum_leaves_nothing_unpacked() {
    let bytes = tar_gz(&[file("wanted/a.bin", b"abc"), file("../../out", b"x")]);
    let server = Server::new(move |_, _, stream| whole(stream, &bytes));
    let catalogue =
        catalogue(&[server.url("x")], &format!("{UNCHECKED}\n{}", archive("tar.gz", "")));
    let bench = Bench::new();
    let error = bench.fetch(&catalogue).unwrap_err();
    assert!(error.to_string().contains("`../../out` leads out of the folder"), "{error}");
    assert_eq!(bench.names(), ["thing.bin", "thing.bin.sha256"]);
}

#[test]
fn ctrl_c_ends_even_a_silent_download_soon_and_keeps_its_part() {
    let bytes = body(100_000);
    let server = Server::new({
        let bytes = bytes.clone();
        move |request, number, stream| {
            honest(request, stream, &bytes, "\"one\"", if number == 0 { 50_000 } else { 100_000 });
            if number == 0 {
                std::thread::sleep(Duration::from_secs(5));
            }
        }
    });
    let catalogue = catalogue(&[server.url("x")], &format!("md5 = {:?}", md5(&bytes)));
    let bench = Bench::new();
    let begun = std::time::Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while std::fs::metadata(bench.part()).map_or(0, |part| part.len()) < 50_000 {
                std::thread::sleep(Duration::from_millis(5));
            }
            bench.stop.store(true, Ordering::Relaxed);
        });
        let network = repro::fetch::Network::new(
            repro::fetch::Proxies::default(),
            repro::fetch::Patience::default(),
        );
        let source = repro::fetch::Source::Network(&network);
        let error = bench.fetcher().fetch(&thing(&catalogue), &source).unwrap_err();
        assert!(matches!(error, FetchError::Interrupted { .. }), "{error}");
    });
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(fs::metadata(bench.part()).unwrap().len(), 50_000);
    bench.stop.store(false, Ordering::Relaxed);
    bench.fetch(&catalogue).unwrap();
    assert_eq!(server.ranges(), [None, Some(50_000)]);
}

#[test]
fn two_at_once_fetch_a_file_once() {
    let bytes = body(100_000);
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, _, stream| {
            std::thread::sleep(Duration::from_millis(200));
            whole(stream, &bytes);
        }
    });
    let catalogue = catalogue(&[server.url("x")], &format!("md5 = {:?}", md5(&bytes)));
    let bench = Bench::new();
    let fetched = std::thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| bench.fetch(&catalogue).unwrap()));
        both.map(|one| one.join().unwrap().came.len())
    });
    assert_eq!(fetched.iter().sum::<usize>(), 1, "one of them found it there");
    assert_eq!(server.requests().len(), 1);
    assert_eq!(fs::read(bench.file()).unwrap(), bytes);
    assert!(bench.said().contains("waiting for another process"), "{}", bench.said());
}

#[test]
fn a_folder_that_can_t_be_written_is_about_writing() {
    let bench = Bench::new();
    fs::write(bench.folder.path().join("thing"), b"in the way").unwrap();
    let server = Server::new(|_, _, stream| answer(stream, "404 Not Found", &[], b""));
    let error = bench.fetch(&catalogue(&[server.url("x")], UNCHECKED)).unwrap_err();
    assert!(error.is_about_writing(), "{error}");
}
