//! The log that a command is asked about: that of a user's study, or a file with the columns of the
//! published log.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, Suites};
use crate::{evidence::Evidence, experiment::EvidenceKind};

/// A log of the user's.
#[derive(Args)]
pub(super) struct LogArgument {
    /// Read this log in place of the project's evidence (CSV; for claims with a log.toml any form
    /// that it declares, another folder with such files, `-` for standard input; .gz and .zst too)
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

impl Suites<'_> {
    /// The evidence of the folder's own log, or of `log` in its place; of `log` alone where the
    /// folder has none; `None` if there is neither.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn log(&self, log: Option<&Path>) -> Result<Option<Evidence>, Failure> {
        if let Some((study, folder)) = self.study() {
            return Ok(Some(Evidence::of_study(study, folder, log)?));
        }
        let Some(log) = log else { return Ok(None) };
        let world = self.world(EvidenceKind::Log);
        Ok(Some(Evidence { world, ..Evidence::log(log, &self.names)? }))
    }

    /// What repeats a run, in one word.
    pub fn replicate(&self) -> &str {
        self.study.as_ref().map_or("seed", |study| &study.replicate.name)
    }
}
