//! `repro`: an executable paper. Each claim of "Adversarially-Trained Deep Nets Transfer Better"
//! (Utrera et al., arXiv 2007.05869) is a spec that is run, tested over seeds and judged.
//!
//! Data flow in one direction: claims, evidence, paired samples, judge, report. `DESIGN.md` is a
//! map of the modules. An example that judges two arms of a log:
//!
//! ```
//! use repro::{claim::check, evidence::Evidence, judge::judge, world::World};
//!
//! let spec = r#"
//!     format = 1
//!     id = "gap"
//!     title = "l2_3 beats natural"
//!     statement = "On SVHN l2_3 ends above natural."
//!     paper = { figures = ["2"] }
//!     arms = { robust = { source = "l2_3" }, natural = { source = "natural" } }
//!     [hypothesis]
//!     statement = "With 100 images and 3 blocks l2_3 ends more than a point above natural."
//!     contrasts = [{ terms = { robust = 1.0, natural = -1.0 } }]
//!     metric = { accuracy = "last" }
//!     relation = { greater_than = 1.0 }
//!     holds = "every"
//!     cells = { target = "svhn", images = 100, blocks = 3 }"#;
//! let claim = check::claim("gap.toml", spec, &World::paper())?;
//! let mut log = repro::evidence::published::COLUMNS.join(",");
//! for (seed, robust, natural) in [(1, 53.1, 50.0), (2, 52.0, 49.6), (3, 53.2, 50.3)] {
//!     log += &format!("\nsvhn,l2_3,3,100,{seed},30,{robust},1,99,0.1,60");
//!     log += &format!("\nsvhn,natural,3,100,{seed},30,{natural},1,99,0.1,60");
//! }
//! let verdict = judge(&claim, &Evidence::from_csv("runs.csv", log.as_bytes())?);
//! assert_eq!(verdict.verdict.name(), "supported");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(missing_docs)]

pub mod assets;
pub mod checkpoint;
pub mod claim;
pub mod cli;
pub mod data;
#[cfg(feature = "engine")]
pub mod engine;
pub mod evidence;
pub mod experiment;
pub mod fetch;
pub mod figure;
pub mod judge;
pub mod plan;
pub mod replication;
pub mod report;
pub mod stats;
pub mod store;
pub mod study;
pub mod util;
pub mod world;
