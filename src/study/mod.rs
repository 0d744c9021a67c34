//! A study: what somebody's log means. `log.toml` ([`raw`]) names its files ([`pattern`]), which
//! columns are factors, the replicate and metrics; `table` reads rows of any form, and [`runs`]
//! groups them into runs. Nothing here judges.

mod check;
mod error;
pub mod pattern;
pub mod raw;
pub mod runs;
mod table;

pub(crate) use check::{EVERY, FILE};
pub use check::{Factor, Length, Metric, Planned, Progress, Replicate, Study};
pub use error::StudyError;
