//! Files that are easily taken for a log, by their first bytes: what they are, and the command that
//! makes a table of them. `FILE`, `DIR` and words in capitals stand for the reader's own.

/// What a file is, and how a log is made of it.
pub(crate) struct Other {
    pub(crate) what: &'static str,
    pub(crate) help: &'static str,
}

const EXPORT: &str = "export it as CSV in UTF-8, compressed by gzip or not";
const SHEET: &str = "export the sheet as CSV: python3 -c \"import pandas; \
                     pandas.read_excel('FILE').to_csv('runs.csv', index=False)\"";
const UTF8: &str = "save it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE > runs.csv";
const PARQUET: &str = "make CSV of it: python3 -c \"import pandas; \
                       pandas.read_parquet('FILE').to_csv('runs.csv', index=False)\"";
const FEATHER: &str = "make CSV of it: python3 -c \"import pandas; \
                       pandas.read_feather('FILE').to_csv('runs.csv', index=False)\"";
const HDF: &str = "make CSV of it: python3 -c \"import pandas; \
                   pandas.read_hdf('FILE').to_csv('runs.csv', index=False)\"";
const PICKLE: &str = "reading it runs code in it; if you trust it: python3 -c \"import pandas; \
                      pandas.read_pickle('FILE').to_csv('runs.csv', index=False)\"";
const NUMPY: &str = "an array has no names: make CSV of it, and give it a header and a column for \
                     each factor and the seed: python3 -c \"import numpy; \
                     numpy.savetxt('runs.csv', numpy.load('FILE'), delimiter=',')\"";
const NPZ: &str = "arrays have no names of factors: write them with their factors and the seed as \
                   CSV: python3 -c \"import numpy; print(dict(numpy.load('FILE')))\" shows them";
const SQLITE: &str = "export the table: sqlite3 -header -csv FILE 'SELECT * FROM TABLE' > runs.csv";
const TENSORBOARD: &str = "make CSV of the folder: pip install tbparse, then python3 -c \
                           \"from tbparse import SummaryReader; SummaryReader('DIR', pivot=True, \
                           extra_columns={'dir_name'}).scalars.to_csv('runs.csv', index=False)\"";
const WANDB: &str = "export the table of runs as CSV on the project's page";

/// What makes a table of an MLflow store, a folder that is often called `mlruns`.
pub(crate) const MLFLOW: Other = Other {
    what: "a store of MLflow",
    help: "export it: mlflow experiments csv -x ID -o runs.csv",
};

/// First bytes, what the file is, and what to do.
const BEGINNINGS: [(&[u8], &str, &str); 24] = [
    (
        b"version https://git-lfs.github.com/spec/",
        "a Git LFS pointer, which stands for the file",
        "download the file itself: `git lfs pull`",
    ),
    (b"\xff\xfe", "text in UTF-16", UTF8),
    (b"\xfe\xff", "text in UTF-16", UTF8),
    (b"PK\x05\x06", "an empty zip archive", "extract another one: unzip FILE"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "extract it, and name the table in it: 7z x FILE"),
    (b"Rar!", "a RAR archive", "extract it, and name the table in it: unrar x FILE"),
    (b"BZh", "compressed by bzip2", "decompress it: bunzip2 FILE"),
    (b"\xfd7zXZ\0", "compressed by xz", "decompress it: unxz FILE"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "decompress it: unzstd FILE"),
    (b"\x04\x22\x4d\x18", "compressed by lz4", "decompress it: unlz4 FILE"),
    (b"\x1f\x8b", "compressed by gzip", "decompress it: gunzip FILE"),
    (b"PAR1", "a Parquet file", PARQUET),
    (b"ARROW1", "an Arrow file", FEATHER),
    (b"\x93NUMPY", "a NumPy array", NUMPY),
    (b"\x89HDF", "an HDF5 file", HDF),
    (b"SQLite format 3\0", "an SQLite database", SQLITE),
    (b"\x80\x02", "a Python pickle", PICKLE),
    (b"\x80\x03", "a Python pickle", PICKLE),
    (b"\x80\x04", "a Python pickle", PICKLE),
    (b"\x80\x05", "a Python pickle", PICKLE),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet of old Excel", SHEET),
    (b":W&B", "a file of W&B's own", WANDB),
    (b"artifact_location:", MLFLOW.what, MLFLOW.help),
    (b"%PDF", "a PDF", EXPORT),
];

/// What a file is by its first bytes; `None` if it may be a table or JSON.
pub(crate) fn other(first: &[u8]) -> Option<Other> {
    let known = BEGINNINGS.iter().find(|(begins, ..)| first.starts_with(begins));
    if let Some((_, what, help)) = known {
        return Some(Other { what, help });
    }
    if first.starts_with(b"PK\x03\x04") {
        return Some(zip(first));
    }
    // POSIX tar has its name in the header of the first file.
    if first.get(257..262) == Some(b"ustar") {
        let help = "extract it, and name the table in it: tar -xf FILE";
        return Some(Other { what: "a tar archive", help });
    }
    // The first record of a file of TensorBoard is its version, behind a length and a checksum.
    if has(&first[..first.len().min(64)], b"brain.Event:") {
        return Some(Other { what: "an event file of TensorBoard", help: TENSORBOARD });
    }
    let start = start(first);
    let begins = |with: &str| {
        start.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
    };
    if ["<!doctype", "<html", "<head", "<?xml"].into_iter().any(begins) {
        let help = "download the file itself, not the page that shows it: on GitHub, its address \
                    with `?raw=true`";
        return Some(Other { what: "a web page", help });
    }
    let is_binary = first.contains(&0);
    is_binary.then_some(Other { what: "a binary file or text in UTF-16", help: EXPORT })
}

/// JSON, where only a table is read.
pub(crate) fn json(first: &[u8]) -> Option<Other> {
    let start = start(first);
    let list = start.strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
    let is_json = start.starts_with(b"{") || list.is_some_and(|list| list.starts_with(b"{"));
    let help = "make CSV of it: pandas.read_json(FILE).to_csv(\"runs.csv\", index=False)";
    is_json.then_some(Other { what: "JSON", help })
}

/// What a zip archive is, by the names in its beginning.
fn zip(first: &[u8]) -> Other {
    let first = &first[..first.len().min(4096)];
    let (what, help) = if has(first, b"[Content_Types].xml") || has(first, b"xl/") {
        ("a spreadsheet of Excel", SHEET)
    } else if has(first, b"opendocument.spreadsheet") {
        ("a spreadsheet of OpenDocument", SHEET)
    } else if has(&first[..first.len().min(256)], b".npy") {
        ("a file of NumPy arrays", NPZ)
    } else {
        let help = "extract it, and name the table in it: unzip FILE; or export it as CSV";
        ("a zip archive, as spreadsheets are", help)
    };
    Other { what, help }
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The text without a byte order mark and spaces before it.
fn start(first: &[u8]) -> &[u8] {
    first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first).trim_ascii_start()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_a_page_whatever_stands_before_it() {
        for page in ["<!DOCTYPE html>", "\u{feff}\n <HTML>", "<?xml version=\"1.0\"?>"] {
            assert_eq!(other(page.as_bytes()).unwrap().what, "a web page", "{page}");
        }
        for csv in ["", "dataset,source", "\u{feff}dataset", "\"<html>\",source", "[a],b", "{}"] {
            assert!(other(csv.as_bytes()).is_none(), "{csv}");
        }
        assert_eq!(json(b" [ {\"a\": 1}]").unwrap().what, "JSON");
        assert!(json(b"[a],b").is_none());
    }

    #[test]
    fn what_is_within_says_what_a_file_is() {
        let mut tar = vec![b'a'; 512];
        tar[257..262].copy_from_slice(b"ustar");
        let of = |name: &str| [b"PK\x03\x04".to_vec(), vec![0; 26], name.into()].concat();
        let events =
            [&b"\x18\0\0\0\0\0\0\0\xa3\x7f\x4b\x22\t"[..], b"\x1a\rbrain.Event:2"].concat();
        for (bytes, what) in [
            (tar, "a tar archive"),
            (of("[Content_Types].xml"), "a spreadsheet of Excel"),
            (of("mimetypeapplication/vnd.oasis.opendocument.spreadsheet"), "a spreadsheet of Open"),
            (of("scores.npy"), "a file of NumPy arrays"),
            (of("runs.csv"), "a zip archive"),
            (events, "an event file of TensorBoard"),
            (b"artifact_location: mlruns/0\n".to_vec(), "a store of MLflow"),
        ] {
            let other = other(&bytes).unwrap();
            assert!(other.what.starts_with(what), "{what}: {}", other.what);
        }
    }
}
