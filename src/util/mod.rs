//! What any module may need and none is about: files that are written whole or not at all, bytes in
//! hexadecimal, suggestions for misspelt names, shell quoting, and what a person can do next, as data.

pub mod files;
mod hex;
mod hint;
pub(crate) mod machine;
pub(crate) mod shell;
pub(crate) mod suggest;

pub use hex::hexadecimal;
pub use hint::{Command, Folders, Hint};
