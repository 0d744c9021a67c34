//! Detects the format of a checkpoint by its first bytes.

use serde::Serialize;

use super::error::{Fault, printable};

/// A checkpoint format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    /// safetensors.
    Safetensors,
    /// PyTorch's format since 1.6: a zip archive.
    Zip,
    /// PyTorch's format before 1.6: pickles and raw storages.
    Legacy,
}

/// The first bytes of PyTorch's legacy files: the magic number as a pickle, of protocol 2 and
/// later, or of protocols 0 and 1.
const LEGACY: [&[u8]; 2] = [b"\x80", b"L1195470371"];
/// The magic bytes of a tar archive and their offset (POSIX and GNU).
const TAR: (usize, &[u8]) = (257, b"ustar");

/// Common files that are no checkpoints: first bytes, what they are, and the help.
const FOREIGN: [(&[u8], &str, &str); 5] = [
    (
        b"<",
        "a page of HTML or XML",
        "the download gave a web page in place of the file: download it again",
    ),
    (
        b"version https://git-lfs",
        "a pointer of Git LFS in place of the file",
        "download the file itself: git lfs pull",
    ),
    (b"\x1f\x8b", "a gzip file", "unpack it"),
    (b"\x89HDF", "an HDF5 file", "convert it to PyTorch's format or safetensors"),
    (b"{", "a JSON file", "use the file with the weights, not the one that describes them"),
];

impl Container {
    /// Detects a file's format by its first bytes, of which some thousand suffice.
    ///
    /// # Errors
    /// If it is none of them; the error states what the file is, if that is known.
    pub fn detect(bytes: &[u8]) -> Result<Self, Fault> {
        let foreign = |what: &str, help| Err(Fault::Foreign { what: what.to_owned(), help });
        if bytes.is_empty() {
            return foreign("an empty file", "download or copy the file again");
        }
        // The length of the header (less than 100 million bytes), and the first byte of the header.
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
            // The first entry of PyTorch's is always this one.
            return if bytes.starts_with(b"sys_info\0") {
                foreign(
                    "a tar archive, as PyTorch wrote before 0.1.10",
                    "load it with PyTorch before 1.0, and save its state dict again",
                )
            } else {
                foreign("a tar archive", "unpack it; if it has a checkpoint, use that")
            };
        }
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
        match FOREIGN.iter().find(|(begin, ..)| text.starts_with(begin)) {
            Some((_, what, help)) => foreign(what, help),
            None => {
                let begin = String::from_utf8_lossy(&bytes[..bytes.len().min(12)]);
                Err(Fault::Foreign {
                    what: format!(
                        "no known checkpoint format: it begins with `{}`",
                        printable(&begin)
                    ),
                    help: "use safetensors, or PyTorch's zip or legacy format",
                })
            }
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Zip => "zip",
            Self::Legacy => "legacy",
        }
    }
}
