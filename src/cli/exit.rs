//! Exit codes, and the failures and outcomes that give them.

use std::fmt;

use miette::Diagnostic;

use super::{hints, messages::message};
#[cfg(feature = "engine")]
use crate::engine::pretrain::PretrainError;
use crate::{
    checkpoint::ReadError, claim::suite::SuiteError, evidence::published::LogError,
    experiment::Verdict, judge::ClaimVerdict, study::StudyError,
};

/// The command line, a name or a claim is wrong.
pub const USAGE: u8 = 64;
/// An input is missing, damaged or cannot be used.
pub const INPUT: u8 = 66;
/// A fine-tune or a training failed, or gave another result than its record (`EX_SOFTWARE`).
pub const FAILED: u8 = 70;
/// The output cannot be written.
pub const OUTPUT: u8 = 73;
/// Nothing could be done for now: the same command, later or on another machine, may do it
/// (`EX_TEMPFAIL`).
pub const LATER: u8 = 75;
/// Stopped by Ctrl-C.
pub const INTERRUPTED: u8 = 130;
/// Some claim is refuted. No other result has this code.
pub const REFUTED: u8 = 1;
/// Some claim is inconclusive.
pub const INCONCLUSIVE: u8 = 2;
/// Some claim is incomplete, or something could not be drawn or compared.
pub const INCOMPLETE: u8 = 3;
/// Some result is not the expected one: a verdict with `--expected` or `--against`, or a mean
/// or decision that disagrees with the published one in `compare`, or a hypothesis that is not
/// as locked.
pub const UNEXPECTED: u8 = 4;

/// The table of exit codes, as `repro --help` prints it.
pub(super) const TABLE: &str = "\
Exit codes (of several, the first in this order):
  64  USAGE         a wrong option, an unknown name, a malformed claim, no engine in this build
  66  INPUT         an input is missing, damaged or cannot be used
  70  FAILED        a fine-tune or a training failed, or a rerun gave another result
  73  OUTPUT        the output cannot be written
  75  LATER         work: nothing fits the time that is left, or the GPU of this host failed
                    twice: run the same command later, or on another host
   3  INCOMPLETE    some claim has not all of its records, or nothing could be drawn or compared
   1  REFUTED       some claim is refuted, and nothing else
   2  INCONCLUSIVE  some claim is inconclusive
   0                success: what was judged is supported
   4  UNEXPECTED    with --expected, in place of 0 to 3: some verdict is not the expected one;
                    with --against, in place of 0 to 3: some verdict changed;
                    compare: some mean or decision disagrees with the published one;
                    lock --check: some hypothesis is not as locked
 130  INTERRUPTED   stopped by Ctrl-C; what has finished is kept";

/// The result of a command that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was judged or compared.
    Done,
    /// The worst of the verdicts.
    Judged(Verdict),
    /// Whether every verdict is the one its spec expects.
    Expected(bool),
    /// Whether everything compared agrees with what was published; `None` where there was nothing
    /// to compare.
    Compared(Option<bool>),
    /// Whether every hypothesis is as locked.
    Locked(bool),
}

impl Outcome {
    /// The worst verdict: incomplete before refuted before inconclusive before supported.
    #[must_use]
    pub fn from_verdicts(verdicts: &[ClaimVerdict]) -> Self {
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
            | Self::Locked(true)
            | Self::Compared(Some(true)) => 0,
            Self::Judged(Verdict::Refuted) => REFUTED,
            Self::Judged(Verdict::Inconclusive) => INCONCLUSIVE,
            Self::Judged(Verdict::Incomplete) | Self::Compared(None) => INCOMPLETE,
            Self::Expected(false) | Self::Compared(Some(false)) | Self::Locked(false) => UNEXPECTED,
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    report: Option<miette::Report>,
    /// Whether a device or one of its libraries failed, so that this process can't use it again.
    of_device: bool,
}

impl Failure {
    /// The command line asks for something impossible.
    #[must_use]
    pub fn usage(message: impl std::fmt::Display, help: &str) -> Self {
        let report = miette::miette!(help = help.to_owned(), "{message}");
        Self { code: USAGE, report: Some(report), of_device: false }
    }

    /// A failure with this exit code.
    #[must_use]
    pub fn new(code: u8, report: impl Into<miette::Report>) -> Self {
        Self { code, report: Some(report.into()), of_device: false }
    }

    /// A failure whose messages are already printed.
    #[must_use]
    pub fn silent(code: u8) -> Self {
        Self { code, report: None, of_device: false }
    }

    /// The same for a device that failed.
    #[cfg(any(feature = "engine", test))]
    #[must_use]
    pub(super) fn of_device(self) -> Self {
        Self { of_device: true, ..self }
    }

    /// What the failed device said; `None` for any other failure.
    #[must_use]
    pub(super) fn device_fault(&self) -> Option<String> {
        self.report.as_ref().filter(|_| self.of_device).map(ToString::to_string)
    }

    /// Prints the failure on standard error and returns its exit code.
    #[must_use]
    pub fn report(self) -> u8 {
        if let Some(report) = self.report {
            let help = hints::help(&report);
            message!("{:?}", miette::Report::new(DisplayedFailure { report, help }));
        }
        self.code
    }
}

/// An error as it is printed: with help that names commands, without its diagnostic code.
#[derive(Debug)]
struct DisplayedFailure {
    report: miette::Report,
    help: Option<String>,
}

impl fmt::Display for DisplayedFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.report, formatter)
    }
}

impl std::error::Error for DisplayedFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let error: &dyn std::error::Error = self.report.as_ref();
        error.source()
    }
}

impl Diagnostic for DisplayedFailure {
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

impl From<StudyError> for Failure {
    fn from(error: StudyError) -> Self {
        let status = if matches!(error, StudyError::Spec { .. }) { USAGE } else { INPUT };
        Self::new(status, error)
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
            PretrainError::Failed { .. } => FAILED,
            PretrainError::Checkpoint(_) => INPUT,
        };
        Self::new(code, error)
    }
}

impl From<std::io::Error> for Failure {
    /// Writing to standard output failed. A closed pipe does not come here
    /// (`super::messages::stdout`).
    fn from(error: std::io::Error) -> Self {
        let report = miette::miette!(
            help = "check that the disk has room and the output can be written",
            "failed to write to standard output: {error}"
        );
        Self::new(OUTPUT, report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "engine")]
    #[test]
    fn only_a_checkpoint_that_cannot_be_written_exits_with_73() {
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
        assert_eq!(Failure::from(PretrainError::Failed { what, said }).code, FAILED);
    }

    #[test]
    fn the_worst_verdict_gives_the_exit_code() {
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
        assert_eq!(Outcome::Compared(Some(false)).code(), 4);
        assert_eq!(Outcome::Locked(false).code(), 4);
        assert_eq!(Outcome::Compared(None).code(), 3);
        assert_eq!(Outcome::from_verdicts(&[]), Outcome::Judged(Verdict::Supported));
    }
}
