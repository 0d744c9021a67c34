//! `repro init`: what a log was seen to hold, and the files that say what it means, for a person to
//! complete.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    Failure, Outcome, exit,
    messages::{message, stdout},
};
use crate::{
    claim::suite::is_claim,
    study::{StudyError, draft, infer::Survey, pattern::STANDARD_INPUT},
    util::{files, shell::option, shown::few},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro init runs.csv                      write log.toml and first_claim.toml beside runs.csv
  repro init results/                      a folder of CSV, JSON or JSON lines, a file a run or more
  repro init runs.csv.zst --output mine    write them into mine/
  zcat runs.csv.gz | repro init - --output mine

Nothing is overwritten. What a log does not say is a TODO in the files: each metric's direction, how \
many replicates and which length were planned, which of several columns is the replicate. \
`repro verify --claims DIR` judges the claim when no TODO is left.";

/// The file that says what a log means.
const LOG: &str = "log.toml";

#[derive(Args)]
pub(super) struct Init {
    /// A table (.csv, .tsv), JSON or JSON lines, plain, .gz or .zst; a folder of them; or - for
    /// standard input
    #[arg(value_name = "LOG")]
    log: PathBuf,
    /// The folder to write into [default: the log's folder]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

impl Init {
    pub(super) fn run(&self) -> Result<Outcome, Failure> {
        let folder = self.folder();
        let claim = format!("{}.toml", draft::FIRST_CLAIM);
        let plain = folder.strip_prefix(".").unwrap_or(&folder);
        let paths = [LOG, &claim].map(|name| plain.join(name));
        if let Some(path) = paths.iter().find(|path| path.symlink_metadata().is_ok()) {
            return Err(exists(path));
        }
        let survey = Survey::of(&self.log).map_err(failure)?;
        let mut out = stdout();
        write!(out, "{}", draft::in_words(&survey))?;
        let (named, is_within) = self.from(&folder, &survey.shape.files);
        let texts = [draft::log(&survey, &named, is_within), draft::first(&survey)];
        for (path, text) in paths.iter().zip(&texts) {
            files::create_new(path, text.as_bytes()).map_err(|cause| unwritten(path, &cause))?;
        }
        let open = |text: &String| text.lines().filter(|line| is_open(line)).count();
        writeln!(
            out,
            "wrote {} ({} TODO) and {} ({} TODO)",
            paths[0].display(),
            open(&texts[0]),
            paths[1].display(),
            open(&texts[1])
        )?;
        let mut command = format!("repro verify{}", option("--claims", &folder));
        if !is_within {
            command += &option("--log", &self.log);
        }
        writeln!(out, "next: complete both files, then `{command}`")?;
        out.flush()?;
        note_other_claims(&folder);
        Ok(Outcome::Done)
    }

    /// The folder to write into.
    fn folder(&self) -> PathBuf {
        let parent = || match self.log.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        match &self.output {
            Some(folder) => folder.clone(),
            None if self.log.is_dir() => self.log.clone(),
            None => parent(),
        }
    }

    /// The log's files as a path from the folder, and whether they lie in it.
    fn from(&self, folder: &Path, files: &str) -> (String, bool) {
        if self.log == Path::new(STANDARD_INPUT) {
            return (files.to_owned(), true);
        }
        let whole = |path: &Path| path.canonicalize().ok();
        let of_log = if self.log.is_dir() { Some(self.log.as_path()) } else { self.log.parent() };
        let of_log =
            of_log.map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
        let below = of_log
            .and_then(whole)
            .zip(whole(folder))
            .and_then(|(log, folder)| Some(log.strip_prefix(folder).ok()?.to_str()?.to_owned()));
        match below {
            Some(path) if path.is_empty() => (files.to_owned(), true),
            Some(path) if !path.contains(['{', '}', '*', '\\']) => {
                (format!("{path}/{files}"), true)
            }
            _ => (files.to_owned(), false),
        }
    }
}

fn is_open(line: &str) -> bool {
    line.split('#').next().is_some_and(|line| line.contains("TODO"))
}

/// Other TOML files of the folder are taken for claims.
fn note_other_claims(folder: &Path) {
    let own = [LOG.to_owned(), format!("{}.toml", draft::FIRST_CLAIM)];
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let names = entries.flatten().map(|entry| entry.path()).filter(|path| is_claim(path));
    let names = names.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let mut others: Vec<String> = names.filter(|name| !own.contains(name)).collect();
    others.sort();
    if !others.is_empty() {
        let named = few(others.iter().map(String::as_str), |_| String::new());
        message!("note: the folder has other TOML files, which are read as claims: {named}");
    }
}

/// The failure of an error in a study or its log.
pub(super) fn failure(error: StudyError) -> Failure {
    let code = match error {
        StudyError::Spec { .. } => exit::USAGE,
        _ => exit::INPUT,
    };
    Failure::new(code, error)
}

pub(super) fn exists(path: &Path) -> Failure {
    let message = format!("failed to write {}: the file exists", path.display());
    Failure::usage(message, "nothing was written; name another folder, or rename the file")
}

pub(super) fn unwritten(path: &Path, cause: &std::io::Error) -> Failure {
    let report = miette::miette!(
        help = "give a folder that you may write to, on a disk with free space",
        "failed to write {}: {cause}",
        path.display()
    );
    Failure::new(exit::OUTPUT, report)
}
