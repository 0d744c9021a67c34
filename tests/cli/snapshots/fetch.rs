//! `repro fetch` from a folder and without a network, and its errors.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::Transcript;

/// A catalogue of an archive, a data set that must be downloaded by hand, and a checkpoint.
fn catalogue(sha256: &str) -> String {
    format!(
        "format = 1
[[item]]
id = \"things\"
what = \"things to compare\"
is = {{ target = \"things\" }}
terms = \"free\"
page = \"https://example.org/things\"
[[item.file]]
name = \"things.tar.gz\"
addresses = [\"http://127.0.0.1:1/things.tar.gz\"]
sha256 = \"{sha256}\"
unpack = {{ format = \"tar.gz\", folder = \"things\", most_entries = 10, most_bytes = 1000 }}
[[item]]
id = \"photographs\"
what = \"photographs of things\"
is = {{ target = \"photographs\" }}
terms = \"for research\"
page = \"https://example.org/photographs\"
by_hand = \"its maker asks for a signature\"
[[item.file]]
name = \"photographs.bin\"
no_checksum = \"its maker states none\"
[[item]]
id = \"authors/odd\"
what = \"an odd model\"
is = {{ zoo = \"authors\", role = \"odd\" }}
terms = \"MIT\"
page = \"https://example.org/odd\"
[[item.file]]
name = \"odd.pt\"
addresses = [\"http://127.0.0.1:1/odd.pt\"]
no_checksum = \"its maker states none\"
bytes = 2000
"
    )
}

/// An archive of files and one link.
fn archive(files: &[(&str, &str)], link: Option<&str>) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, text.as_bytes()).unwrap();
    }
    if let Some(link) = link {
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        header.set_entry_type(tar::EntryType::Symlink);
        tar.append_link(&mut header, link, "elsewhere").unwrap();
    }
    packed(&tar.into_inner().unwrap())
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    let digest = <sha2::Sha256 as sha2::Digest>::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

const MINE: &str = "repro fetch --catalogue mine.toml";

#[test]
fn items_to_fetch_are_listed() {
    let mut list = Transcript::new();
    list.run("repro fetch");
    list.run("repro fetch mnist authors --list");
    list.run("repro fetch --world sister --list");
    list.snapshot("fetch");
}

#[test]
fn unknown_items_and_empty_folders_are_reported() {
    let mut names = Transcript::new();
    for command in [
        "repro fetch mnst",
        "repro fetch imagenet",
        "repro fetch authors/l2-3",
        "repro fetch mnist --from nowhere",
        "repro fetch mnist --catalogue none.toml",
    ] {
        names.run(command);
    }
    names.file("downloads/notes.txt", "");
    names.run("repro fetch mnist --from downloads");
    names.file("downloads/more/train-images-idx3-ubyte.gz", "not it");
    names.run("repro fetch mnist kmnist --from downloads");
    names.run("repro fetch --world paper --zoo sister --from downloads");
    names.file("taken", "");
    names.note("taken is a file");
    names.run("repro fetch mnist --from downloads --data taken");
    names.snapshot("messages-fetch");
}

#[test]
fn imported_files_are_checked_and_unpacked() {
    let mut imported = Transcript::new();
    let good = archive(&[("things/a", "1"), ("things/b", "2"), ("other/c", "3")], None);
    imported.file("mine.toml", catalogue(&sha256(&good)));
    imported.run(MINE);
    imported.run(&format!("{MINE} photographs"));
    imported.file("downloads/things.tar.gz", "not it");
    imported.run(&format!("{MINE} things --from downloads"));
    imported.file("downloads/things.tar.gz", &good);
    imported.file("downloads/photographs.bin", "light and shadow");
    imported.file("downloads/more/photographs.bin", "shadow and light");
    imported.run(&format!("{MINE} things photographs --from downloads"));
    std::fs::remove_file(imported.folder.path().join("downloads/more/photographs.bin")).unwrap();
    imported.run(&format!("{MINE} things photographs --from downloads"));
    imported.run(MINE);
    imported.file("data/photographs/photographs.bin", "another light");
    imported.run(&format!("{MINE} things --world paper --from downloads"));
    imported.note("data/photographs/photographs.bin is another file");
    imported.run(&format!("{MINE} photographs --from downloads"));
    imported.run(MINE);
    imported.file("data/things/things/a", "changed");
    imported.file("data/things/things/z", "new");
    imported.note("what came out of the archive is changed");
    imported.run(&format!("{MINE} things --from downloads"));
    imported.file("data/things/things.tar.gz", "changed");
    imported.note("data/things/things.tar.gz is changed");
    imported.run(MINE);
    imported.run(&format!("{MINE} things --from downloads --remove-archives"));
    imported.file("downloads/odd.pt", "<html>");
    imported.run(&format!("{MINE} authors/odd --from downloads"));
    imported.file("downloads/odd.pt", [b'<'; 2000]);
    imported.run(&format!("{MINE} authors/odd --from downloads"));
    imported.snapshot("fetch-from-a-folder");
}

#[test]
fn hostile_and_damaged_archives_are_not_unpacked() {
    let mut harm = Transcript::new();
    let many: Vec<String> = (0..11).map(|number| format!("things/{number}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "1")).collect();
    let good = archive(&[("things/a", "1")], None);
    for (what, bytes) in [
        ("leads out", archive(&[("things/../../a", "1")], None)),
        ("has a link", archive(&[("things/a", "1")], Some("things/b"))),
        ("has an entry twice", archive(&[("things/a", "1"), ("things/a", "2")], None)),
        ("has many entries", archive(&many, None)),
        ("is large", archive(&[("things/a", &"1".repeat(1001))], None)),
        ("its folder is missing", archive(&[("other/a", "1")], None)),
        ("is no archive", packed(b"a letter")),
        ("is no gzip", b"a letter".to_vec()),
        ("is cut short", good[..good.len() - 20].to_vec()),
    ] {
        harm.file("mine.toml", catalogue(&sha256(&bytes)));
        harm.file("downloads/things.tar.gz", bytes);
        let _ = std::fs::remove_dir_all(harm.folder.path().join("data"));
        harm.note(&format!("downloads/things.tar.gz {what}"));
        harm.run(&format!("{MINE} things --from downloads"));
    }
    harm.file("data/things/things.tar.gz", "a part");
    harm.note("data/things/things.tar.gz is not the official file");
    harm.run(MINE);
    harm.run(&format!("{MINE} things --from downloads"));
    std::fs::remove_dir_all(harm.folder.path().join("data")).unwrap();
    harm.file("data/things/things.tar.gz.part", "a part");
    harm.note("data/things/things.tar.gz.part is there");
    harm.run(MINE);
    harm.snapshot("messages-archives");
}

#[test]
fn each_mistake_in_a_catalogue_is_reported() {
    let mut mistakes = Transcript::new();
    let good = catalogue(&"0".repeat(64));
    for (from, to) in [
        ("format = 1", "format = 2"),
        ("format = 1", "format ="),
        ("id = \"things\"", "name = \"things\""),
        ("target = \"things\"", "target = \"../things\""),
        ("target = \"things\"", "of = \"things\""),
        ("zoo = \"authors\"", "zoo = \"engstrom\""),
        ("name = \"things.tar.gz\"", "name = \"../things.tar.gz\""),
        ("sha256 = \"0000", "sha256 = \"000"),
        ("sha256 = ", "sha1 = "),
        ("sha256 = ", "no_checksum = \"none\"\nsha256 = "),
        ("addresses = [\"http://127.0.0.1:1/things.tar.gz\"]", ""),
        ("http://127.0.0.1:1/things.tar.gz", "ftp://example.org/things.tar.gz"),
        ("folder = \"things\"", "folder = \"../things\""),
        ("folder = \"things\"", "inner = \"a.tar.gz\", folder = \"things\""),
        ("format = \"tar.gz\"", "format = \"rar\""),
        ("id = \"photographs\"", "id = \"things\""),
        (
            "[[item.file]]\nname = \"photographs.bin\"\nno_checksum = \"its maker states none\"",
            "file = []",
        ),
        (
            "name = \"photographs.bin\"",
            "name = \"photographs.bin\"\nno_checksum = \"n\"\n[[item.file]]\nname = \"photographs.bin\"",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        mistakes.file("mine.toml", good.replacen(from, to, 1));
        mistakes.note(&format!("in mine.toml: {from:?} is {to:?}"));
        mistakes.run(&format!("{MINE} --list"));
    }
    mistakes.note("mine.toml is larger than a catalogue is");
    mistakes.file("mine.toml", "#".repeat((1 << 20) + 1));
    mistakes.run(MINE);
    mistakes.note("mine.toml is no text");
    mistakes.file("mine.toml", [0xff, 0xfe]);
    mistakes.run(MINE);
    mistakes.snapshot("messages-catalogues");
}

/// Nothing listens on port 1.
#[test]
fn addresses_and_proxies_without_a_response_are_reported() {
    let patience = "--tries 1 --pause 0.01 --stall 1";
    let catalogue = catalogue(&"0".repeat(64));
    let mut away = Transcript::new().with("NO_PROXY", "*");
    away.file("mine.toml", &catalogue);
    away.run(&format!("{MINE} things authors/odd {patience}"));
    away.run(&format!("{MINE} things --pause 0.01 --tries 2"));
    let mut proxy = Transcript::new().with("HTTP_PROXY", "http://name:secret@127.0.0.1:1");
    proxy.file("mine.toml", &catalogue);
    proxy.run(&format!("{MINE} things {patience}"));
    let mut wrong = Transcript::new().with("HTTPS_PROXY", "gopher://name:secret@example.org");
    wrong.file("mine.toml", &catalogue);
    wrong.run(&format!("{MINE} things {patience}"));
    super::snapshot("messages-network", &[away.text, proxy.text, wrong.text].concat());
}
