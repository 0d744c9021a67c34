//! `repro new`: a claim to complete.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    Failure, Outcome, Suites,
    init::{exists, failure, unwritten},
    messages::stdout,
};
use crate::{
    claim::suite::is_claim,
    study::{Study, StudyError, draft},
    util::{files, shown::shown},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro new trees_win --claims mine        write mine/trees_win.toml
  repro new trees_win                      write trees_win.toml into this folder

Where the folder has a log.toml, the claim is about its log, and comments name its factors and \
metrics. Nothing is overwritten.";

/// Size limit of log.toml.
const LARGEST_STUDY_BYTES: u64 = 1 << 20;

#[derive(Args)]
pub(super) struct New {
    /// The claim's id: a-z, 0-9 and _; the file is called CLAIM.toml
    #[arg(value_name = "CLAIM")]
    claim: String,
}

impl New {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        let folder = suites.folder.map_or_else(PathBuf::new, Path::to_owned);
        let path = folder.join(format!("{}.toml", self.claim));
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let is_id = self.claim.starts_with(|c: char| c.is_ascii_lowercase());
        if !is_id || !self.claim.chars().all(is_word) {
            let message = format!("`{}` is no id of a claim", shown(&self.claim));
            return Err(Failure::usage(message, "use a-z, 0-9 and _, a letter first"));
        }
        if !is_claim(&path) {
            let message = format!("`{}` is the name of another file of a folder", self.claim);
            return Err(Failure::usage(message, "give the claim another id"));
        }
        if path.symlink_metadata().is_ok() {
            return Err(exists(&path));
        }
        let text = match study(&folder.join("log.toml"))? {
            Some(study) => draft::blank_of_study(&self.claim, &study),
            None => draft::blank(&self.claim),
        };
        files::create_new(&path, text.as_bytes()).map_err(|cause| unwritten(&path, &cause))?;
        writeln!(stdout(), "wrote {}: complete it where it has TODO", path.display())?;
        Ok(Outcome::Done)
    }
}

/// The study of a folder; `None` if it has none.
fn study(path: &Path) -> Result<Option<Study>, Failure> {
    match files::text(path, LARGEST_STUDY_BYTES) {
        Ok(text) => Study::parse(path, &text).map(Some).map_err(failure),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => {
            Err(failure(StudyError::Unreadable { file: path.display().to_string(), cause }))
        }
    }
}
