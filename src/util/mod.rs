//! Utilities that any module may need: atomic writes and file locks, gzip, today's date, hexadecimal
//! text, suggestions for misspelt names and keys, shell quoting, and the next step for the user as
//! data.

pub(crate) mod date;
pub mod files;
pub mod gzip;
mod hex;
mod hint;
pub(crate) mod machine;
pub(crate) mod shell;
pub(crate) mod spelling;
pub(crate) mod suggest;

pub use hex::hexadecimal;
pub use hint::{Command, Folders, Hint};
pub use spelling::OldSpelling;
