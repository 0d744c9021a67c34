//! A study: what somebody's log means. `log.toml` ([`raw`]) names its files ([`pattern`]), which
//! columns are factors, the replicate and metrics; `packed` decompresses
//! them, `table` reads rows of any form, [`runs`] groups them into runs, and `export` writes those as
//! one table. Nothing here judges.

mod check;
pub mod draft;
mod error;
mod export;
pub mod infer;
mod means;
mod packed;
pub mod pattern;
pub mod raw;
pub mod runs;
mod table;

pub(crate) use check::{EVERY, FILE, TODO, open_line};
pub use check::{Factor, Length, Metric, Planned, Progress, Replicate, Study};
pub use error::StudyError;
pub use means::PublishedMean;
