//! Reads Python pickles as data. A pickle is a program for a small stack machine that looks up and
//! calls functions; this machine records each call as a value and never makes it (`opcode` decodes
//! operations, `machine` runs them, `value` has the results).

mod machine;
mod opcode;
mod text;
mod value;

pub use machine::{MAX_OPERATIONS, run};
pub use value::Value;
pub(crate) use value::{Arena, Id, Object};
