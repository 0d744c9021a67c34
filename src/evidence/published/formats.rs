//! Files that are easily taken for a log in CSV, by their first bytes, with what to do.

/// What a file is, and how a log is made of it.
pub(super) struct Other {
    pub(super) what: &'static str,
    pub(super) help: &'static str,
}

const EXPORT: &str = "export it as CSV in UTF-8, compressed by gzip or not";
const EXTRACT: &str = "extract it, and name the CSV file in it";
const PANDAS: &str = "read it with the library that wrote it, and export the table as CSV: \
                      pandas.DataFrame.to_csv(\"runs.csv\", index=False)";

const PARQUET: &str = "make CSV of it: pandas.read_parquet(FILE).to_csv(\"runs.csv\", index=False)";
const FEATHER: &str = "make CSV of it: pandas.read_feather(FILE).to_csv(\"runs.csv\", index=False)";

/// First bytes, what the file is, and what to do.
const BEGINNINGS: [(&[u8], &str, &str); 22] = [
    (
        b"version https://git-lfs.github.com/spec/",
        "a Git LFS pointer, which stands for the file",
        "download the file itself: `git lfs pull`",
    ),
    (b"\xff\xfe", "text in UTF-16", EXPORT),
    (b"\xfe\xff", "text in UTF-16", EXPORT),
    (b"PK\x03\x04", "a zip archive, as spreadsheets are", "extract it, or export it as CSV"),
    (b"PK\x05\x06", "an empty zip archive", EXTRACT),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", EXTRACT),
    (b"Rar!", "a RAR archive", EXTRACT),
    (b"BZh", "compressed by bzip2", "decompress it with `bunzip2`, or compress it by gzip"),
    (b"\xfd7zXZ\0", "compressed by xz", "decompress it with `unxz`, or compress it by gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "decompress it with `unzstd`"),
    (b"\x04\x22\x4d\x18", "compressed by lz4", "decompress it with `unlz4`"),
    (b"PAR1", "a Parquet file", PARQUET),
    (b"ARROW1", "an Arrow file", FEATHER),
    (b"\x93NUMPY", "a NumPy array", PANDAS),
    (b"\x89HDF", "an HDF5 file", PANDAS),
    (b"SQLite format 3\0", "an SQLite database", PANDAS),
    (b"\x80\x02", "a Python pickle", PANDAS),
    (b"\x80\x03", "a Python pickle", PANDAS),
    (b"\x80\x04", "a Python pickle", PANDAS),
    (b"\x80\x05", "a Python pickle", PANDAS),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet of old Excel", EXPORT),
    (b"%PDF", "a PDF", EXPORT),
];

/// What a file is by its first bytes; `None` if it may be CSV.
pub(super) fn other(first: &[u8]) -> Option<Other> {
    let known = BEGINNINGS.iter().find(|(begins, ..)| first.starts_with(begins));
    if let Some((_, what, help)) = known {
        return Some(Other { what, help });
    }
    // POSIX tar has its name in the header of the first file.
    if first.get(257..262) == Some(b"ustar") {
        return Some(Other { what: "a tar archive", help: EXTRACT });
    }
    let start = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first).trim_ascii_start();
    let begins = |with: &str| {
        start.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
    };
    if ["<!doctype", "<html", "<head", "<?xml"].into_iter().any(begins) {
        let help = "download the file itself, not the page that shows it: on GitHub, its address \
                    with `?raw=true`";
        return Some(Other { what: "a web page", help });
    }
    let list = start.strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
    if start.starts_with(b"{") || list.is_some_and(|list| list.starts_with(b"{")) {
        let help = "make CSV of it: pandas.read_json(FILE).to_csv(\"runs.csv\", index=False)";
        return Some(Other { what: "JSON", help });
    }
    let is_binary = first.contains(&0);
    is_binary.then_some(Other { what: "a binary file or text in UTF-16", help: EXPORT })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_a_page_whatever_stands_before_it() {
        for page in ["<!DOCTYPE html>", "\u{feff}\n <HTML>", "<?xml version=\"1.0\"?>"] {
            assert_eq!(other(page.as_bytes()).unwrap().what, "a web page", "{page}");
        }
        for csv in ["", "dataset,source", "\u{feff}dataset", "\"<html>\",source", "[a],b"] {
            assert!(other(csv.as_bytes()).is_none(), "{csv}");
        }
    }

    #[test]
    fn the_name_of_a_tar_archive_is_within_it() {
        let mut tar = vec![b'a'; 512];
        tar[257..262].copy_from_slice(b"ustar");
        assert_eq!(other(&tar).unwrap().what, "a tar archive");
    }
}
