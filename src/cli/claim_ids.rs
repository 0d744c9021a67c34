//! Claims as they are named on the command line, and what to do about one that is unknown.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, Suites, exit};
use crate::{
    claim::{
        Claim,
        suite::{Suite, SuiteError, is_claim},
    },
    util::shell::quoted,
};

/// Any number of claims.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct ClaimIds {
    /// Claims by id, with spaces or commas between them [default: all]
    #[arg(value_name = "ID", value_delimiter = ',')]
    ids: Vec<String>,
    /// A claim by id, as an option; repeat it or separate several with commas
    #[arg(long = "claim", id = "claim", value_name = "ID", value_delimiter = ',')]
    named: Vec<String>,
}

impl ClaimIds {
    /// Every id, in the order in which they were given.
    pub fn all(&self) -> Vec<String> {
        [&self.ids[..], &self.named].concat()
    }

    /// The claims, in the order of the suite; all of it where no id was given.
    ///
    /// # Errors
    /// If an id is unknown.
    pub fn select<'a>(
        &self,
        suite: &'a Suite,
        suites: &Suites<'_>,
    ) -> Result<Vec<&'a Claim>, Failure> {
        suite.select(&self.all()).map_err(|error| with_folder(error, suites.folder))
    }
}

/// One claim by its id.
///
/// # Errors
/// If the id is unknown.
pub(super) fn one<'a>(
    id: &str,
    suite: &'a Suite,
    suites: &Suites<'_>,
) -> Result<&'a Claim, Failure> {
    suite.get(id).map_err(|error| with_folder(error, suites.folder))
}

/// An error with the folder to give to `--claims`, where an unknown claim is a file.
fn with_folder(error: SuiteError, asked: Option<&Path>) -> Failure {
    let SuiteError::Unknown { id, .. } = &error else { return error.into() };
    let Some((id, folder)) = file_of(id).filter(|(_, folder)| asked != Some(folder.as_path()))
    else {
        return error.into();
    };
    let folder = quoted(&folder.display().to_string());
    let help = match id {
        Some(id) => format!("its file was found: name its folder too, `{id} --claims {folder}`"),
        None => format!("a folder of claims is named by an option: `--claims {folder}`"),
    };
    Failure::new(exit::USAGE, miette::miette!(help = help, "{error}"))
}

/// The id and the folder of a claim that was named by its file, by its folder, or by its id while
/// its file is in this folder or in one within it.
fn file_of(name: &str) -> Option<(Option<String>, PathBuf)> {
    let path = Path::new(name);
    if path.is_dir() {
        return has_claims(path).then(|| (None, path.to_owned()));
    }
    let here = Path::new(".");
    let file = format!("{}.toml", name.strip_suffix(".toml").unwrap_or(name));
    let path = Path::new(&file);
    if path.is_file() {
        let id = path.file_stem()?.to_string_lossy().into_owned();
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        return Some((Some(id), folder.unwrap_or(here).to_owned()));
    }
    let mut folders: Vec<PathBuf> = std::fs::read_dir(here)
        .ok()?
        .flatten()
        .map(|entry| PathBuf::from(entry.file_name()))
        .filter(|folder| folder.join(&file).is_file())
        .collect();
    folders.sort();
    Some((Some(name.to_owned()), folders.into_iter().next()?))
}

fn has_claims(folder: &Path) -> bool {
    let mut files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.any(|file| is_claim(&file.path()))
}
