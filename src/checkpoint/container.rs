//! Which format a file has, by how it begins.

use serde::Serialize;

use super::error::{Fault, shown};

/// A format of checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    /// safetensors.
    Safetensors,
    /// PyTorch's since 1.6: a zip archive.
    Zip,
    /// PyTorch's before 1.6: pickles and raw storages.
    Legacy,
}

/// How PyTorch's legacy files begin: the magic number as a pickle, of protocol 2 on or before.
const LEGACY: [&[u8]; 2] = [b"\x80", b"L1195470371"];
/// A tar archive has this at offset 257 (POSIX, and GNU's in its own way).
const TAR: (usize, &[u8]) = (257, b"ustar");

/// Files that are not checkpoints and that people have in their place.
const FOREIGN: [(&[u8], &str, &str); 5] = [
    (b"<", "a page of HTML or XML", "the download gave a page in place of the file: get it again"),
    (
        b"version https://git-lfs",
        "a pointer of Git LFS, not the file",
        "get the file itself: git lfs pull",
    ),
    (b"\x1f\x8b", "a gzip file", "unpack it"),
    (b"\x89HDF", "an HDF5 file", "convert it to PyTorch's format or to safetensors"),
    (b"{", "a JSON file", "take the file with the weights, not the one that describes them"),
];

impl Container {
    /// Tells a file's format.
    ///
    /// # Errors
    /// If it is none of them, saying what it is where that can be told.
    pub fn of(bytes: &[u8]) -> Result<Self, Fault> {
        let foreign = |what: &str, help| Err(Fault::Foreign { what: what.to_owned(), help });
        if bytes.is_empty() {
            return foreign("an empty file", "get the file again");
        }
        // The header's length, which has less than 100 million bytes, and the header.
        if matches!(bytes, [_, _, _, _, 0, 0, 0, 0, b'{', ..]) {
            return Ok(Self::Safetensors);
        }
        if bytes.starts_with(b"PK") {
            return Ok(Self::Zip);
        }
        if LEGACY.iter().any(|begin| bytes.starts_with(begin)) {
            return Ok(Self::Legacy);
        }
        if bytes.get(TAR.0..).is_some_and(|bytes| bytes.starts_with(TAR.1)) {
            return foreign(
                "a tar archive, as PyTorch wrote before 0.1.10",
                "load it with a PyTorch of before 1.0 and save its state dict again",
            );
        }
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
        match FOREIGN.iter().find(|(begin, ..)| text.starts_with(begin)) {
            Some((_, what, help)) => foreign(what, help),
            None => {
                let begin = String::from_utf8_lossy(&bytes[..bytes.len().min(12)]);
                Err(Fault::Foreign {
                    what: format!(
                        "no checkpoint that is known: it begins with `{}`",
                        shown(&begin)
                    ),
                    help: "safetensors, and PyTorch's zip and legacy formats are read",
                })
            }
        }
    }

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Zip => "zip",
            Self::Legacy => "legacy",
        }
    }
}
