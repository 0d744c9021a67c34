//! Utilities that any module may need: atomic writes and file locks, gzip, zstd, today's date,
//! durations in words, hexadecimal text, decimals of numbers, suggestions for misspelt names and
//! keys, text of other people's files as it is shown, files that are no table, shell quoting, and
//! the next step for the user as data.

pub(crate) mod date;
pub(crate) mod decimals;
pub(crate) mod digits;
mod duration;
pub mod files;
pub(crate) mod formats;
pub mod gzip;
mod hex;
mod hint;
pub(crate) mod machine;
pub mod named_file;
pub(crate) mod shell;
pub(crate) mod shown;
pub(crate) mod spelling;
pub(crate) mod suggest;
pub(crate) mod zstd;

pub use duration::duration;
pub use hex::hexadecimal;
pub use hint::{Command, Folders, Hint};
pub use spelling::OldSpelling;
