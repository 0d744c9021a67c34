//! Existing files, manual downloads, files without a checksum, and two downloads at once.

use std::{fs, sync::atomic::Ordering, time::Duration};

use repro::fetch::{FetchError, State};

use super::{
    archives::{file, tar_gz, zip},
    server::{Sandbox, Server, answer, body, catalogue, honest, md5, thing, whole},
};

const UNCHECKED: &str = "no_checksum = \"none stated\"";

#[test]
fn a_file_with_wrong_bytes_is_set_aside_and_reported() {
    let bytes = body(1000);
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, _, stream| whole(stream, &bytes)
    });
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.folder.path().join("thing")).unwrap();
    fs::write(sandbox.file(), b"something else").unwrap();
    let catalogue = catalogue(&[server.url("x")], &format!("md5 = {:?}", md5(&bytes)));
    let states = sandbox.fetcher().states(&thing(&catalogue)).unwrap();
    assert!(matches!(&states[0], State::Wrong { reason } if reason.contains(&md5(&bytes))));
    sandbox.fetch(&catalogue).unwrap();
    assert_eq!(fs::read(sandbox.file()).unwrap(), bytes);
    assert_eq!(sandbox.names(), ["thing.bin", "thing.bin.set-aside"]);
    assert!(sandbox.messages().contains("renamed to"), "{}", sandbox.messages());
    // A file that was set aside before stays in place.
    fs::write(sandbox.file(), b"yet another").unwrap();
    sandbox.fetch(&catalogue).unwrap();
    let aside = ["thing.bin.set-aside", "thing.bin.set-aside-2"];
    assert_eq!(sandbox.names(), ["thing.bin", aside[0], aside[1]]);
    let held = aside.map(|name| fs::read(sandbox.file().with_file_name(name)).unwrap());
    assert_eq!(held, [&b"something else"[..], b"yet another"]);
}

#[test]
fn a_file_without_a_checksum_is_recorded_and_must_not_change() {
    let (first, second) = (body(1000), body(999));
    let server = Server::new({
        let (first, second) = (first.clone(), second.clone());
        move |_, number, stream| whole(stream, if number == 0 { &first } else { &second })
    });
    let sandbox = Sandbox::new();
    let catalogue = catalogue(&[server.url("x")], UNCHECKED);
    let state = || sandbox.fetcher().states(&thing(&catalogue)).unwrap().remove(0);
    assert_eq!(state(), State::Missing);
    let fetched = sandbox.fetch(&catalogue).unwrap();
    assert_eq!(
        (fetched.downloaded, fetched.unchecked),
        (vec!["thing.bin".to_owned()], vec!["thing.bin".to_owned()])
    );
    assert_eq!(sandbox.names(), ["thing.bin", "thing.bin.sha256"]);
    assert_eq!(state(), State::Unchecked);
    assert_eq!(sandbox.fetch(&catalogue).unwrap().already_present, ["thing.bin"]);
    assert_eq!(server.requests().len(), 1);

    // The file was changed: it is neither replaced nor used.
    fs::write(sandbox.file(), b"changed").unwrap();
    let error = sandbox.fetch(&catalogue).unwrap_err();
    assert!(matches!(error, FetchError::Changed { .. }), "{error}");
    assert_eq!(fs::read(sandbox.file()).unwrap(), b"changed");
    // The file is missing, and the server has another version now.
    fs::remove_file(sandbox.file()).unwrap();
    let error = sandbox.fetch(&catalogue).unwrap_err().to_string();
    assert!(error.contains("not the file of the first download"), "{error}");
    let record = sandbox.folder.path().join("thing/thing.bin.sha256");
    assert!(error.contains(&format!("delete {}", record.display())), "{error}");
    assert!(!sandbox.file().exists());
    // Another version is not imported either, with the same error.
    let from = tempfile::tempdir().unwrap();
    fs::write(from.path().join("thing.bin"), &second).unwrap();
    let error = sandbox.import(&catalogue, from.path()).unwrap_err().to_string();
    assert!(error.contains(&format!("delete {}", record.display())), "{error}");
    // Without the record the other version is accepted.
    fs::remove_file(record).unwrap();
    sandbox.fetch(&catalogue).unwrap();
    assert_eq!(fs::read(sandbox.file()).unwrap(), second);
}

#[test]
fn files_to_import_are_found_by_name_checked_and_copied() {
    let bytes = body(1000);
    let unreachable = ["http://127.0.0.1:9/thing.bin".to_owned()];
    let catalogue = catalogue(&unreachable, &format!("md5 = {:?}\nbytes = 1000", md5(&bytes)));
    let from = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::new();
    let error = sandbox.import(&catalogue, from.path()).unwrap_err();
    assert!(error.to_string().contains("failed to import thing.bin of thing"), "{error}");
    // Of several files with this name the right one is used.
    for (folder, content) in
        [("a", body(1001)), ("b", body(1000).into_iter().rev().collect()), ("c", bytes.clone())]
    {
        let folder = from.path().join(folder);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("thing.bin"), content).unwrap();
    }
    sandbox.import(&catalogue, from.path()).unwrap();
    assert_eq!(fs::read(sandbox.file()).unwrap(), bytes);
    assert_eq!(sandbox.names(), ["thing.bin"]);
    // Without the right one, the error names what is wrong with each of the others.
    fs::remove_dir_all(from.path().join("c")).unwrap();
    let sandbox = Sandbox::new();
    let error = sandbox.import(&catalogue, from.path()).unwrap_err().to_string();
    for message in ["a/thing.bin: it has 1001 bytes, but", "b/thing.bin: it is not the official"] {
        assert!(error.contains(message), "{error}");
    }
    assert_eq!(sandbox.names(), [""; 0]);
    let error = sandbox.import(&catalogue, &from.path().join("no")).unwrap_err();
    assert!(matches!(error, FetchError::Unreadable { .. }), "{error}");
    // Without a checksum the choice among several files is ambiguous.
    let unchecked = super::server::catalogue(&unreachable, UNCHECKED);
    let error = sandbox.import(&unchecked, from.path()).unwrap_err().to_string();
    assert!(error.contains("there are several files of this name"), "{error}");
    sandbox.import(&unchecked, &from.path().join("a")).unwrap();
    assert_eq!(sandbox.names(), ["thing.bin", "thing.bin.sha256"]);
}

/// Linux has a file that can be opened but not read.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_can_t_be_read_is_named_by_its_own_path() {
    let from = tempfile::tempdir().unwrap();
    let imported = from.path().join("thing.bin");
    std::os::unix::fs::symlink("/proc/self/mem", &imported).unwrap();
    let sandbox = Sandbox::new();
    let catalogue = catalogue(&["http://127.0.0.1:9/x".to_owned()], UNCHECKED);
    let error = sandbox.import(&catalogue, from.path()).unwrap_err();
    assert!(matches!(&error, FetchError::Unreadable { path, .. } if *path == imported), "{error}");
    assert_eq!(sandbox.names(), [""; 0]);
}

#[test]
fn a_manual_download_names_its_files_and_their_page() {
    let text = catalogue(&[], &format!("md5 = {:?}", md5(b"abc")))
        .replace("addresses = []\n", "")
        .replace("page =", "by_hand = \"a person is asked\"\npage =");
    let sandbox = Sandbox::new();
    let error = sandbox.fetch(&text).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("by hand") && message.contains("thing.bin"), "{message}");
    let from = tempfile::tempdir().unwrap();
    fs::write(from.path().join("thing.bin"), b"abc").unwrap();
    sandbox.import(&text, from.path()).unwrap();
    // The file exists, so no manual download is requested.
    sandbox.fetch(&text).unwrap();
}

fn archive(format: &str, more: &str) -> String {
    format!(
        "unpack = {{ format = {format:?}, folder = \"wanted\", most_entries = 10, most_bytes = 9999{more} }}"
    )
}

#[test]
fn an_archive_is_unpacked_once_and_again_if_a_file_is_missing() {
    let bytes = tar_gz(&[file("wanted/a.bin", b"abc"), file("wanted/b.bin", b"d")]);
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, _, stream| whole(stream, &bytes)
    });
    let more = format!("md5 = {:?}\n{}", md5(&bytes), archive("tar.gz", ""));
    let catalogue = catalogue(&[server.url("x")], &more);
    let sandbox = Sandbox::new();
    let wanted = sandbox.folder.path().join("thing/wanted");
    let state = || sandbox.fetcher().states(&thing(&catalogue)).unwrap().remove(0);
    sandbox.fetch(&catalogue).unwrap();
    assert_eq!(state(), State::Verified);
    assert_eq!(sandbox.names(), [".wanted.unpacked.json", "thing.bin", "wanted"]);
    assert_eq!(sandbox.fetch(&catalogue).unwrap().already_present, ["thing.bin"]);

    fs::remove_file(wanted.join("b.bin")).unwrap();
    assert_eq!(state(), State::Packed);
    sandbox.fetch(&catalogue).unwrap();
    assert_eq!(fs::read(wanted.join("b.bin")).unwrap(), b"d");
    assert!(sandbox.messages().contains("; renamed to"), "{}", sandbox.messages());
    // Only the unpacked files are needed; the archive may be deleted.
    fs::remove_file(sandbox.file()).unwrap();
    assert_eq!(state(), State::Verified);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_archive_is_removed_on_request_and_a_nested_one_is_unpacked() {
    let inner = tar_gz(&[file("wanted/a.bin", b"abc")]);
    let bytes = zip(&[("x/inner.tar.gz", &inner), ("x/more.tar", b"")]);
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, _, stream| whole(stream, &bytes)
    });
    let more =
        format!("md5 = {:?}\n{}", md5(&bytes), archive("zip", ", inner = \"x/inner.tar.gz\""));
    let catalogue = catalogue(&[server.url("x")], &more);
    let mut sandbox = Sandbox::new();
    sandbox.remove_archives = true;
    sandbox.fetch(&catalogue).unwrap();
    assert_eq!(sandbox.names(), [".wanted.unpacked.json", "wanted"]);
    assert_eq!(sandbox.fetch(&catalogue).unwrap().already_present, ["thing.bin"]);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_hostile_archive_without_a_checksum_leaves_nothing_unpacked() {
    let bytes = tar_gz(&[file("wanted/a.bin", b"abc"), file("../../out", b"x")]);
    let server = Server::new(move |_, _, stream| whole(stream, &bytes));
    let catalogue =
        catalogue(&[server.url("x")], &format!("{UNCHECKED}\n{}", archive("tar.gz", "")));
    let sandbox = Sandbox::new();
    let error = sandbox.fetch(&catalogue).unwrap_err();
    assert!(error.to_string().contains("`../../out` is outside the folder"), "{error}");
    assert_eq!(sandbox.names(), ["thing.bin", "thing.bin.sha256"]);
}

#[test]
fn ctrl_c_interrupts_a_stalled_download_soon_and_keeps_the_partial_file() {
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
    let sandbox = Sandbox::new();
    let begun = std::time::Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while std::fs::metadata(sandbox.part()).map_or(0, |part| part.len()) < 50_000 {
                std::thread::sleep(Duration::from_millis(5));
            }
            sandbox.stop.store(true, Ordering::Relaxed);
        });
        let network = repro::fetch::Network::new(
            repro::fetch::Proxies::default(),
            repro::fetch::RetryPolicy::default(),
        );
        let source = repro::fetch::Source::Network(&network);
        let error = sandbox.fetcher().fetch(&thing(&catalogue), &source).unwrap_err();
        assert!(matches!(error, FetchError::Interrupted { .. }), "{error}");
    });
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(fs::metadata(sandbox.part()).unwrap().len(), 50_000);
    sandbox.stop.store(false, Ordering::Relaxed);
    sandbox.fetch(&catalogue).unwrap();
    assert_eq!(server.ranges(), [None, Some(50_000)]);
}

#[test]
fn two_threads_download_a_file_once() {
    let bytes = body(100_000);
    let server = Server::new({
        let bytes = bytes.clone();
        move |_, _, stream| {
            std::thread::sleep(Duration::from_millis(200));
            whole(stream, &bytes);
        }
    });
    let catalogue = catalogue(&[server.url("x")], &format!("md5 = {:?}", md5(&bytes)));
    let sandbox = Sandbox::new();
    let fetched = std::thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| sandbox.fetch(&catalogue).unwrap()));
        both.map(|one| one.join().unwrap().downloaded.len())
    });
    assert_eq!(fetched.iter().sum::<usize>(), 1, "one of them found it there");
    assert_eq!(server.requests().len(), 1);
    assert_eq!(fs::read(sandbox.file()).unwrap(), bytes);
    assert!(sandbox.messages().contains("waiting for another process"), "{}", sandbox.messages());
}

#[test]
fn a_folder_that_can_t_be_written_is_a_write_error() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.folder.path().join("thing"), b"in the way").unwrap();
    let server = Server::new(|_, _, stream| answer(stream, "404 Not Found", &[], b""));
    let error = sandbox.fetch(&catalogue(&[server.url("x")], UNCHECKED)).unwrap_err();
    assert!(error.is_about_writing(), "{error}");
}
