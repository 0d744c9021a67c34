//! Archives, valid and hostile.

use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Read, Write},
    path::Path,
    sync::atomic::AtomicBool,
};

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use repro::fetch::{Contents, Format, Unpack, UnpackError, unpack};
use tar::{EntryType, Header};
use zip::{ZipWriter, write::SimpleFileOptions};

/// An entry of a tar, with any name.
pub fn entry(name: &[u8], kind: EntryType, link: &str, data: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    let field = &mut header.as_old_mut().name;
    field[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_mode(0o777);
    header.set_size(data.len() as u64);
    if !link.is_empty() {
        header.set_link_name(link).unwrap();
    }
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(data);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

pub fn file(name: &str, data: &[u8]) -> Vec<u8> {
    entry(name.as_bytes(), EntryType::Regular, "", data)
}

pub fn tar_gz(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&entries.concat()).unwrap();
    packed.write_all(&[0; 1024]).unwrap();
    packed.finish().unwrap()
}

/// A gzip member.
fn member(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// A zip of one entry, whose compressed bytes are given.
fn deflated_zip(name: &str, plain: &[u8], deflated: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(plain);
    let word = |value: usize| (value as u32).to_le_bytes();
    let about = [
        &[20, 0, 0, 0, 8, 0, 0, 0, 0x21, 0x58][..],
        &crc.sum().to_le_bytes(),
        &word(deflated.len()),
        &word(plain.len()),
        &(name.len() as u16).to_le_bytes(),
        &[0, 0],
    ]
    .concat();
    let file = [b"PK\x03\x04", &about[..], name.as_bytes(), deflated].concat();
    let directory = [b"PK\x01\x02\x14\0", &about[..], &[0; 14], name.as_bytes()].concat();
    let (size, offset) = (word(directory.len()), word(file.len()));
    [&file, &directory, &b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &size, &offset, &[0, 0]].concat()
}

/// A zip of files.
pub fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn how(format: Format) -> Unpack {
    Unpack { format, inner: None, folder: "wanted".to_owned(), max_entries: 10, max_bytes: 10_000 }
}

/// Unpacks into a nested folder, so that an escaping file would be found; returns all files after
/// it.
fn unpacked(bytes: &[u8], how: &Unpack) -> (Result<Contents, UnpackError>, Vec<String>) {
    let outside = tempfile::tempdir().unwrap();
    let archive = outside.path().join("archive");
    fs::write(&archive, bytes).unwrap();
    let into = outside.path().join("into");
    fs::create_dir(&into).unwrap();
    let got = unpack(&archive, how, &into, &AtomicBool::new(false));
    fs::remove_file(&archive).unwrap();
    let mut names = Vec::new();
    list(outside.path(), outside.path(), &mut names);
    names.sort();
    (got, names)
}

fn list(root: &Path, folder: &Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            list(root, &path, names);
        } else {
            names.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
        }
    }
}

/// Checks that an archive is refused and leaves no files; returns the error.
fn refused(bytes: &[u8], how: &Unpack) -> String {
    let (got, names) = unpacked(bytes, how);
    let error = got.unwrap_err().to_string();
    assert!(names.is_empty(), "{error}: {names:?}");
    error
}

#[test]
fn a_tar_gives_the_selected_folder_and_counts_the_rest() {
    let bytes = tar_gz(&[
        entry(b"./", EntryType::Directory, "", b""),
        entry(b"wanted/", EntryType::Directory, "", b""),
        file("wanted/a.bin", b"abc"),
        file("./wanted/deep/er/b.bin", b"defgh"),
        file("readme.txt", b"hello"),
        file("wanted2/c.bin", b"x"),
    ]);
    let (got, names) = unpacked(&bytes, &how(Format::TarGz));
    assert_eq!(got.unwrap(), Contents { files: 2, bytes: 8, skipped: 2 });
    assert_eq!(names, ["into/wanted/a.bin", "into/wanted/deep/er/b.bin"]);
}

#[test]
fn a_zip_and_a_tar_in_a_zip_give_the_selected_folder() {
    let (got, names) = unpacked(
        &zip(&[("wanted/a.bin", b"abc"), ("wanted/b/c.bin", b"d"), ("__MACOSX/x", b"x")]),
        &how(Format::Zip),
    );
    assert_eq!(got.unwrap(), Contents { files: 2, bytes: 4, skipped: 1 });
    assert_eq!(names, ["into/wanted/a.bin", "into/wanted/b/c.bin"]);

    let inner = tar_gz(&[file("wanted/a.bin", b"abc"), file("wanted/b.bin", b"d")]);
    let outer = zip(&[("x/readme", b"hello"), ("x/inner.tar.gz", &inner)]);
    let mut how = how(Format::Zip);
    how.inner = Some("x/inner.tar.gz".to_owned());
    let (got, names) = unpacked(&outer, &how);
    assert_eq!(got.unwrap(), Contents { files: 2, bytes: 4, skipped: 0 });
    assert_eq!(names, ["into/wanted/a.bin", "into/wanted/b.bin"]);
    how.inner = Some("x/other.tar.gz".to_owned());
    assert_eq!(refused(&outer, &how), "it has no `x/other.tar.gz`");
}

#[test]
fn an_entry_that_escapes_the_folder_is_refused() {
    for name in [
        "../out",
        "wanted/../../out",
        "/out",
        "wanted/..",
        "..",
        "wanted\\..\\..\\out",
        "C:\\out",
        "/etc/passwd",
        "other/../../../out",
    ] {
        let entries = [file("wanted/a.bin", b"abc"), file(name, b"x")];
        let error = refused(&tar_gz(&entries), &how(Format::TarGz));
        assert!(error.contains("is outside the folder"), "{name}: {error}");
        let error = refused(&zip(&[("wanted/a.bin", b"abc"), (name, b"x")]), &how(Format::Zip));
        assert!(error.contains("is outside the folder"), "{name}: {error}");
    }
}

/// What can't be a path is refused for that, and not as a way out.
#[test]
fn an_entry_with_an_odd_name_is_refused_by_what_is_odd() {
    for (name, why) in [
        (&b"wanted/\xff\xfe"[..], "its name is not UTF-8"),
        (b"wanted\\a", "its name has a backslash"),
    ] {
        let odd = entry(name, EntryType::Regular, "", b"x");
        let error = refused(&tar_gz(&[odd]), &how(Format::TarGz));
        assert!(error.contains(why), "{error}");
    }
}

/// Names of an archive from DOS or Windows, and with a colon, are names like others.
#[test]
fn names_of_code_page_437_and_with_a_colon_are_unpacked() {
    let mut bytes = zip(&[("wanted/M_nchen.jpg", b"abc"), ("wanted/12:30.jpg", b"d")]);
    // The same name in both headers of the entry, with the byte of \u{fc} in code page 437.
    let at = |bytes: &[u8]| bytes.windows(9).position(|window| window == b"M_nchen.j");
    while let Some(found) = at(&bytes) {
        bytes[found + 1] = 0x81;
    }
    let (got, names) = unpacked(&bytes, &how(Format::Zip));
    assert_eq!(got.unwrap(), Contents { files: 2, bytes: 4, skipped: 0 });
    assert_eq!(names, ["into/wanted/12:30.jpg", "into/wanted/M\u{fc}nchen.jpg"]);
    let (got, names) = unpacked(&tar_gz(&[file("wanted/12:30.jpg", b"d")]), &how(Format::TarGz));
    assert_eq!((got.unwrap().files, names), (1, vec!["into/wanted/12:30.jpg".to_owned()]));
}

#[test]
fn links_and_devices_are_refused() {
    for (kind, link) in [
        (EntryType::Symlink, "/etc"),
        (EntryType::Symlink, "a.bin"),
        (EntryType::Link, "wanted/a.bin"),
        (EntryType::Char, ""),
        (EntryType::Block, ""),
        (EntryType::Fifo, ""),
    ] {
        let entries = [
            file("wanted/a.bin", b"abc"),
            entry(b"wanted/link", kind, link, b""),
            // A file that would be written through the link.
            file("wanted/link/b.bin", b"x"),
        ];
        let error = refused(&tar_gz(&entries), &how(Format::TarGz));
        assert!(
            error.contains("`wanted/link` is neither a file nor a folder"),
            "{kind:?}: {error}"
        );
    }
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("wanted/link", "/etc", SimpleFileOptions::default()).unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    let error = refused(&bytes, &how(Format::Zip));
    assert!(error.contains("is neither a file nor a folder but a link"), "{error}");
}

#[test]
fn archive_bombs_are_refused_before_they_are_unpacked() {
    let zeros = vec![0; 1_000_000];
    let big = [file("wanted/a.bin", &zeros)];
    assert_eq!(
        refused(&tar_gz(&big), &how(Format::TarGz)),
        "it has more than 10000 bytes unpacked"
    );
    assert_eq!(
        refused(&zip(&[("wanted/a.bin", &zeros)]), &how(Format::Zip)),
        "it has more than 10000 bytes unpacked"
    );
    // A bomb outside the selected folder counts as well, since it must be read.
    let aside = [file("aside.bin", &zeros), file("wanted/a.bin", b"abc")];
    assert_eq!(
        refused(&tar_gz(&aside), &how(Format::TarGz)),
        "it has more than 10000 bytes unpacked"
    );
    // A bomb after the end of the archive.
    let mut after = GzEncoder::new(Vec::new(), Compression::fast());
    after.write_all(&[file("wanted/a.bin", b"abc"), vec![0; 1024], zeros].concat()).unwrap();
    let after = after.finish().unwrap();
    assert_eq!(refused(&after, &how(Format::TarGz)), "it has more than 10000 bytes unpacked");
    let many: Vec<Vec<u8>> = (0..11).map(|n| file(&format!("wanted/{n}"), b"")).collect();
    assert_eq!(refused(&tar_gz(&many), &how(Format::TarGz)), "it has more than 10 entries");
    let names: Vec<String> = (0..11).map(|n| format!("wanted/{n}")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    assert_eq!(refused(&zip(&many), &how(Format::Zip)), "it has more than 10 entries");
    // A header with a huge size.
    let mut moon = Header::new_gnu();
    moon.set_path("wanted/moon").unwrap();
    moon.set_entry_type(EntryType::Regular);
    moon.set_size(1 << 40);
    moon.set_cksum();
    refused(&tar_gz(&[moon.as_bytes().to_vec()]), &how(Format::TarGz));
}

#[test]
fn duplicate_names_and_a_file_that_is_also_a_folder_are_refused() {
    for second in ["wanted/a", "./wanted/a", "wanted/a/b"] {
        let entries = [file("wanted/a", b"abc"), file(second, b"x")];
        let error = refused(&tar_gz(&entries), &how(Format::TarGz));
        assert!(error.starts_with("duplicate entry"), "{second}: {error}");
    }
}

#[test]
fn damaged_truncated_or_foreign_files_are_refused() {
    let tar = tar_gz(&[file("wanted/a.bin", &[7; 3000]), file("wanted/b.bin", b"x")]);
    let zipped = zip(&[("wanted/a.bin", &[7; 3000]), ("wanted/b.bin", b"x")]);
    for (bytes, format) in [(&tar, Format::TarGz), (&zipped, Format::Zip)] {
        for end in (0..bytes.len()).step_by(3) {
            refused(&bytes[..end], &how(format));
        }
        refused(b"<!doctype html>", &how(format));
    }
    // Each is named, in place of a checksum or a header that is wrong.
    let plain = [file("wanted/a.bin", b"x"), vec![0; 1024]].concat();
    for (bytes, format, name) in [
        (&b"\xfd7zXZ\0\0\x04"[..], Format::TarGz, "an xz file"),
        (b"BZh91AY&SY", Format::TarGz, "a bzip2 file"),
        (b"\x28\xb5\x2f\xfd\x04", Format::Zip, "a zstd file"),
        (b"7z\xbc\xaf\x27\x1c\0\x04", Format::Zip, "a 7z archive"),
        (b"Rar!\x1a\x07\x01\0", Format::Zip, "a RAR archive"),
        (b"version https://git-lfs.github.com/spec/v1\n", Format::Zip, "a Git LFS pointer"),
        (b"\n<!DOCTYPE HTML><html>", Format::TarGz, "a web page"),
        (&plain, Format::TarGz, "a tar that is not packed"),
        (&zipped, Format::TarGz, "a zip archive"),
        (&tar, Format::Zip, "a gzip file"),
    ] {
        let message = refused(bytes, &how(format));
        assert!(message.starts_with(&format!("it is {name}, and not a ")), "{message}");
    }
    let mut wrong = tar.clone();
    let at = wrong.len() - 6;
    wrong[at] ^= 1;
    assert!(refused(&wrong, &how(Format::TarGz)).contains("damaged"));
    // A file in place of the folder.
    let file_itself = tar_gz(&[file("wanted", b"abc")]);
    assert_eq!(refused(&file_itself, &how(Format::TarGz)), "it has no `wanted/`");
    let other = tar_gz(&[file("other/a.bin", b"abc")]);
    assert_eq!(refused(&other, &how(Format::TarGz)), "it has no `wanted`");
}

#[test]
fn a_tar_in_several_gzip_members_is_read_to_its_end() {
    let plain = [file("wanted/a.bin", b"abc"), file("wanted/b.bin", b"d"), vec![0; 1024]].concat();
    // Cut where an entry begins, within one, and before the end.
    for cut in [0, 700, 1024, 1536, plain.len()] {
        let members = [member(&plain[..cut]), member(&plain[cut..])];
        for between in [0, 3] {
            let packed = members.join(&vec![0; between][..]);
            let (got, names) = unpacked(&packed, &how(Format::TarGz));
            assert_eq!(got.unwrap(), Contents { files: 2, bytes: 4, skipped: 0 }, "{cut}");
            assert_eq!(names, ["into/wanted/a.bin", "into/wanted/b.bin"]);
            let after = [&packed[..], b"more"].concat();
            assert!(refused(&after, &how(Format::TarGz)).contains("damaged"), "{cut}");
        }
    }
    // A second archive after the end of the first one is not silently left out.
    let twice = member(&[&plain[..], &plain].concat());
    let error = refused(&twice, &how(Format::TarGz));
    assert!(error.contains("other bytes than zeros follow its end"), "{error}");
}

#[test]
fn a_zip_is_read_to_its_end() {
    let whole = zip(&[("wanted/a.bin", &[7; 3000]), ("wanted/b.bin", b"d")]);
    let (got, _) = unpacked(&[&whole[..], &[0; 600]].concat(), &how(Format::Zip));
    assert_eq!(got.unwrap().files, 2);
    for after in [&b"x"[..], b"\0x"] {
        let error = refused(&[&whole[..], after].concat(), &how(Format::Zip));
        assert!(error.contains("other bytes than zeros follow its end"), "{error}");
    }
    // One entry fewer than its directory states.
    let mut fewer = whole.clone();
    let end = fewer.len() - 22;
    fewer[end + 10] += 1;
    let error = refused(&fewer, &how(Format::Zip));
    assert!(error.contains("it has 2 entries, but states 3"), "{error}");
    // Bytes of an entry that its compressed stream does not use.
    let data: Vec<u8> = {
        let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
        deflated.write_all(b"abc").unwrap();
        deflated.finish().unwrap()
    };
    for (more, is_sound) in [(&b""[..], true), (b"\0\0", true), (b"x", false)] {
        let bytes = deflated_zip("wanted/a.bin", b"abc", &[&data[..], more].concat());
        let (got, _) = unpacked(&bytes, &how(Format::Zip));
        assert_eq!(got.is_ok(), is_sound, "{more:?}: {got:?}");
    }
}

/// `goldens/fetch/make_archives.py`: generated archives, and what Python's tarfile reads.
#[test]
fn archives_are_unpacked_as_by_tarfile_or_refused() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/fetch/archives.bin.gz");
    let mut cases = Vec::new();
    flate2::read::GzDecoder::new(&fs::read(path).unwrap()[..]).read_to_end(&mut cases).unwrap();
    let mut rest = &cases[..];
    let mut part = || {
        let (length, more) = rest.split_first_chunk()?;
        let (part, more) = more.split_at(u32::from_le_bytes(*length) as usize);
        rest = more;
        Some(part)
    };
    let how = Unpack { max_entries: 100, max_bytes: 100_000, ..how(Format::TarGz) };
    let (mut tried, mut sound) = (0, 0);
    while let Some(archive) = part() {
        let expected: Option<BTreeMap<String, String>> =
            serde_json::from_slice(part().unwrap()).unwrap();
        let outside = tempfile::tempdir().unwrap();
        let path = outside.path().join("archive");
        fs::write(&path, archive).unwrap();
        let got = unpack(&path, &how, outside.path(), &AtomicBool::new(false));
        fs::remove_file(&path).unwrap();
        let mut names = Vec::new();
        list(outside.path(), outside.path(), &mut names);
        let contents = |name: String| {
            let bytes = fs::read(outside.path().join(&name)).unwrap();
            (name, String::from_utf8(bytes).unwrap())
        };
        let found: BTreeMap<String, String> = names.into_iter().map(contents).collect();
        assert_eq!(got.is_ok(), expected.is_some(), "case {tried}: {got:?}");
        assert_eq!(found, expected.unwrap_or_default(), "case {tried}");
        (tried, sound) = (tried + 1, sound + usize::from(got.is_ok()));
    }
    assert!(tried >= 1000 && (600..tried - 200).contains(&sound), "{sound} of {tried}");
}

#[test]
fn ctrl_c_leaves_no_files() {
    let outside = tempfile::tempdir().unwrap();
    let archive = outside.path().join("archive");
    fs::write(&archive, tar_gz(&[file("wanted/a.bin", b"abc")])).unwrap();
    let got = unpack(&archive, &how(Format::TarGz), outside.path(), &AtomicBool::new(true));
    assert!(matches!(got, Err(UnpackError::Interrupted)));
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_name_makes_a_file_outside_the_folder(
        names in prop::collection::vec("(\\.\\./|/|\\./|wanted/|a|\\.\\.|//|\\PC){0,6}", 1..5),
    ) {
        let entries: Vec<Vec<u8>> = names
            .iter()
            .filter(|name| name.len() < 100)
            .map(|name| file(name, b"x"))
            .collect();
        let (got, left) = unpacked(&tar_gz(&entries), &how(Format::TarGz));
        prop_assert!(left.iter().all(|name| name.starts_with("into/wanted/")), "{left:?}");
        prop_assert_eq!(got.is_ok(), !left.is_empty());
    }

    #[test]
    fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..600), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        for format in [Format::TarGz, Format::Zip] {
            let _ = unpacked(&bytes, &how(format));
        }
        let mut good = zip(&[("wanted/a.bin", b"abc"), ("wanted/b/c.bin", b"d")]);
        let place = at.index(good.len());
        good[place] = to;
        let _ = unpacked(&good, &how(Format::Zip));
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        let _ = unpacked(&tar_gz(&[bytes]), &how(Format::TarGz));
    }
}
