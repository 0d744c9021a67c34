//! A submission on disk: `submissions/DATE-N` in the ledger, with the job files, what sbatch was
//! given and answered, and later the logs of the jobs and the report.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Serialize;

use super::super::{Failure, exit, messages::message};
use crate::{
    store::Ledger,
    util::{date::today, files},
};

/// What `submission.json` holds.
#[derive(Serialize)]
pub(super) struct Submission {
    /// Version of this form: 1.
    format_version: u32,
    /// Version of this program.
    program: &'static str,
    /// The date, in UTC.
    date: String,
    /// The calls of sbatch, in order.
    calls: Vec<Call>,
    #[serde(skip)]
    folder: PathBuf,
}

/// A call of sbatch.
#[derive(Serialize)]
struct Call {
    /// Its words.
    command: Vec<String>,
    /// The job's number; null if it was refused.
    job: Option<String>,
    /// Its exit code; null if it was not started, or was killed.
    exit: Option<i32>,
    /// What it printed on both streams, or why it was not started.
    answer: String,
}

impl Submission {
    /// The first folder that is free; it may be taken by the time of [`Self::create`].
    pub fn next_folder(ledger: &Ledger) -> PathBuf {
        let folder = ledger.folder().join("submissions");
        let numbered = |number: u32| folder.join(format!("{}-{number}", today()));
        (1..).map(numbered).find(|folder| !folder.exists()).expect("some number is free")
    }

    /// Writes the job files, by name, into the folder, which must be new.
    ///
    /// # Errors
    /// If they can't be written.
    pub fn create(folder: &Path, job_files: &[(PathBuf, String)]) -> Result<Self, Failure> {
        let written = folder
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::create_dir(folder))
            .and_then(|()| {
                job_files.iter().try_for_each(|(path, text)| files::replace(path, text.as_bytes()))
            });
        written.map_err(|cause| {
            let help = if cause.kind() == ErrorKind::AlreadyExists {
                "another submission took this folder: run the same command again"
            } else {
                "free the disk, or name another folder with --ledger"
            };
            unwritten(&folder.display(), &cause, help)
        })?;
        let program = env!("CARGO_PKG_VERSION");
        let (date, calls, folder) = (today(), Vec::new(), folder.to_owned());
        let submission = Self { format_version: 1, program, date, calls, folder };
        submission.write()?;
        Ok(submission)
    }

    /// Calls sbatch, keeps its answer, and returns the job's number.
    ///
    /// # Errors
    /// If sbatch refuses the job, with its words.
    pub fn submit(&mut self, command: Vec<String>) -> Result<String, Failure> {
        let (program, arguments) = command.split_first().expect("a command has a program");
        let ran = Command::new(program).args(arguments).stdin(Stdio::null()).output();
        let (exit, out, err) = match &ran {
            Ok(ran) => (
                ran.status.code(),
                String::from_utf8_lossy(&ran.stdout).into_owned(),
                String::from_utf8_lossy(&ran.stderr).into_owned(),
            ),
            Err(cause) => (None, String::new(), format!("failed to run {program}: {cause}")),
        };
        let job = (exit == Some(0)).then(|| job_number(&out)).flatten();
        let answer = format!("{out}{err}").trim().to_owned();
        self.calls.push(Call { command: command.clone(), job: job.clone(), exit, answer });
        self.write()?;
        let answer = &self.calls.last().expect("the call was pushed").answer;
        match job {
            // It may warn, of a limit for example.
            Some(job) => {
                for line in err.lines().filter(|line| !line.trim().is_empty()) {
                    message!("{line}");
                }
                Ok(job)
            }
            None => Err(self.refused(command.last().map_or("", String::as_str), answer)),
        }
    }

    /// The last call was refused: the program printed it, as a line to run again.
    fn refused(&self, file: &str, answer: &str) -> Failure {
        let submitted: Vec<&str> =
            self.calls.iter().filter_map(|call| call.job.as_deref()).collect();
        let answer = if answer.is_empty() { "it printed no job number" } else { answer };
        let help = if submitted.is_empty() {
            "nothing was submitted; correct the options and run the same command again".to_owned()
        } else {
            let jobs = submitted.join(" ");
            format!(
                "jobs submitted before it stay, `scancel {jobs}` removes them; correct the job \
                 file and run the last line above to submit it alone"
            )
        };
        let report = miette::miette!(help = help, "sbatch refused {file}: {answer}");
        Failure::new(exit::OUTPUT, report)
    }

    fn write(&self) -> Result<(), Failure> {
        let path = self.folder.join("submission.json");
        let mut bytes = serde_json::to_vec_pretty(self).expect("plain data is JSON");
        bytes.push(b'\n');
        files::replace(&path, &bytes).map_err(|cause| {
            unwritten(&path.display(), &cause, "`squeue --me` lists what was submitted")
        })
    }
}

fn unwritten(what: &dyn std::fmt::Display, cause: &std::io::Error, help: &str) -> Failure {
    Failure::new(
        exit::OUTPUT,
        miette::miette!(help = help.to_owned(), "failed to write {what}: {cause}"),
    )
}

/// The number in the answer of `sbatch --parsable`: `NUMBER` or `NUMBER;CLUSTER`.
fn job_number(answer: &str) -> Option<String> {
    let last = answer.trim().lines().last()?;
    let number = last.split(';').next()?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| number.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_number_is_read_and_nothing_else() {
        assert_eq!(job_number("123\n"), Some("123".to_owned()));
        assert_eq!(job_number("123;a cluster\n"), Some("123".to_owned()));
        assert_eq!(job_number("a note of the site\n7\n"), Some("7".to_owned()));
        for wrong in ["", "\n", "Submitted batch job 123", "12x"] {
            assert_eq!(job_number(wrong), None, "{wrong}");
        }
    }
}
