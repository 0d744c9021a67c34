//! Python's pickles, read as data. A pickle is a program for a small stack machine that names and
//! calls functions; here the machine runs, and what it would call is written down in its place
//! (`operation`s to a `machine` to a `value`).

mod machine;
mod opcode;
mod text;
mod value;

pub use machine::{MOST_OPERATIONS, run};
pub use value::Value;
pub(crate) use value::{Arena, Id, Object};
