//! Exit codes and the failures behind them (of several, the first that applies).

use std::fmt;

use miette::Diagnostic;

use super::hints;
#[cfg(feature = "engine")]
use crate::engine::pretrain::PretrainError;
use crate::{
    checkpoint::ReadError, claim::suite::SuiteError, evidence::published::LogError,
    experiment::Verdict, judge::ClaimVerdict,
};

/// Usage, unknown id, malformed claim.
pub const USAGE: u8 = 64;
/// Input missing or damaged.
pub const INPUT: u8 = 66;
/// Output can't be written.
pub const OUTPUT: u8 = 73;
/// A fine-tune failed, or gave other bits than its record.
pub const FAILED: u8 = 1;
/// Stopped by Ctrl-C.
pub const INTERRUPTED: u8 = 130;
/// Some verdict is not the expected one.
pub const UNEXPECTED: u8 = 4;

/// What a command that did its work came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was judged.
    Done,
    /// The least comfortable of the verdicts.
    Judged(Verdict),
    /// Whether every verdict is the one its spec expects.
    Expected(bool),
    /// Whether ours and what was published go together everywhere; `None` where there was nothing to
    /// compare.
    Compared(Option<bool>),
}

impl Outcome {
    /// What verdicts come to: incomplete before refuted before inconclusive before supported.
    #[must_use]
    pub fn of(verdicts: &[ClaimVerdict]) -> Self {
        let rank = |verdict: &Verdict| match verdict {
            Verdict::Incomplete => 3,
            Verdict::Refuted => 2,
            Verdict::Inconclusive => 1,
            Verdict::Supported => 0,
        };
        let worst = verdicts.iter().map(|claim| claim.verdict).max_by_key(rank);
        Self::Judged(worst.unwrap_or(Verdict::Supported))
    }

    /// The process's exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done
            | Self::Judged(Verdict::Supported)
            | Self::Expected(true)
            | Self::Compared(Some(true)) => 0,
            Self::Judged(Verdict::Refuted) | Self::Compared(Some(false)) => 1,
            Self::Judged(Verdict::Inconclusive) => 2,
            Self::Judged(Verdict::Incomplete) | Self::Compared(None) => 3,
            Self::Expected(false) => UNEXPECTED,
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    report: Option<miette::Report>,
}

impl Failure {
    /// The command line asks for something that can't be.
    #[must_use]
    pub fn usage(message: impl std::fmt::Display, help: &str) -> Self {
        let report = miette::miette!(help = help.to_owned(), "{message}");
        Self { code: USAGE, report: Some(report) }
    }

    /// A failure with a code of its own.
    #[must_use]
    pub fn new(code: u8, report: impl Into<miette::Report>) -> Self {
        Self { code, report: Some(report.into()) }
    }

    /// A failure that has said all that there is to say.
    #[must_use]
    pub fn silent(code: u8) -> Self {
        Self { code, report: None }
    }

    /// Prints the failure on standard error and gives its exit code.
    #[must_use]
    pub fn report(self) -> u8 {
        if let Some(report) = self.report {
            let help = hints::help(&report);
            anstream::eprintln!("{:?}", miette::Report::new(Shown { report, help }));
        }
        self.code
    }
}

/// An error as it is shown: with help that names commands, and without the code that this was found by.
#[derive(Debug)]
struct Shown {
    report: miette::Report,
    help: Option<String>,
}

impl fmt::Display for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.report, formatter)
    }
}

impl std::error::Error for Shown {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let error: &dyn std::error::Error = self.report.as_ref();
        error.source()
    }
}

impl Diagnostic for Shown {
    fn severity(&self) -> Option<miette::Severity> {
        self.report.severity()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        match &self.help {
            Some(help) => Some(Box::new(help)),
            None => self.report.help(),
        }
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.report.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        self.report.labels()
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        self.report.related()
    }

    fn diagnostic_source(&self) -> Option<&dyn Diagnostic> {
        self.report.diagnostic_source()
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        Self::new(INPUT, error)
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::new(INPUT, error)
    }
}

impl From<SuiteError> for Failure {
    fn from(error: SuiteError) -> Self {
        let code = match error {
            SuiteError::Unreadable { .. } => INPUT,
            _ => USAGE,
        };
        Self::new(code, error)
    }
}

#[cfg(feature = "engine")]
impl From<PretrainError> for Failure {
    fn from(error: PretrainError) -> Self {
        let code = match &error {
            PretrainError::Interrupted { .. }
            | PretrainError::Unmeasured
            | PretrainError::Waited => INTERRUPTED,
            PretrainError::Checkpoint(error) if error.is_about_writing() => OUTPUT,
            PretrainError::Checkpoint(_) | PretrainError::Failed { .. } => INPUT,
        };
        Self::new(code, error)
    }
}

impl From<std::io::Error> for Failure {
    /// Writing to standard output failed. A reader that had enough, such as `head`, is no failure
    /// worth a message.
    fn from(error: std::io::Error) -> Self {
        let closed = error.kind() == std::io::ErrorKind::BrokenPipe;
        let report = (!closed).then(|| {
            miette::miette!(
                help = "check that the disk has room and the output can be written",
                "failed to write to standard output: {error}"
            )
        });
        Self { code: OUTPUT, report }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "engine")]
    #[test]
    fn of_a_pretraining_s_checkpoints_only_what_can_t_be_written_is_output() {
        use crate::engine::pretrain::CheckpointError;
        let path = || "a.safetensors".into();
        let io = |what| CheckpointError::Io {
            what,
            path: path(),
            cause: std::io::ErrorKind::PermissionDenied.into(),
        };
        for (error, code) in [
            (io("write"), OUTPUT),
            (io("read"), INPUT),
            (CheckpointError::Format { path: path(), cause: "cut".to_owned() }, INPUT),
            (CheckpointError::AnotherTraining { path: path() }, INPUT),
        ] {
            assert_eq!(Failure::from(PretrainError::from(error)).code, code);
        }
        assert_eq!(Failure::from(PretrainError::Interrupted { epoch: 1 }).code, INTERRUPTED);
        let (what, said) = ("train natural".to_owned(), "CUDA out of memory".to_owned());
        assert_eq!(Failure::from(PretrainError::Failed { what, said }).code, INPUT);
    }

    #[test]
    fn the_least_comfortable_verdict_gives_the_code() {
        for (verdict, code) in [
            (Verdict::Supported, 0),
            (Verdict::Refuted, 1),
            (Verdict::Inconclusive, 2),
            (Verdict::Incomplete, 3),
        ] {
            assert_eq!(Outcome::Judged(verdict).code(), code, "{verdict}");
        }
        assert_eq!(Outcome::Expected(true).code(), 0);
        assert_eq!(Outcome::Expected(false).code(), 4);
        assert_eq!(Outcome::Compared(Some(true)).code(), 0);
        assert_eq!(Outcome::Compared(Some(false)).code(), 1);
        assert_eq!(Outcome::Compared(None).code(), 3);
        assert_eq!(Outcome::of(&[]), Outcome::Judged(Verdict::Supported));
    }
}
