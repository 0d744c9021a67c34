//! What was asked for, as a command that asks for it again.

use std::path::PathBuf;

use super::hints;
use crate::{
    evidence::Evidence,
    experiment::EvidenceKind,
    util::{Folders, shell::quoted},
};

/// What was named on the command line, beside claims and evidence, that decides what is judged.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// The folder of claims, where they are not the project's own.
    pub claims: Option<PathBuf>,
    /// The folders of local evidence.
    pub folders: Folders,
    /// Whether none of our own evidence may be run.
    pub no_run: bool,
}

impl Asked {
    /// The command that judges some claims, or all where none is named, on some kinds of evidence or on a
    /// log.
    #[must_use]
    pub fn verify(&self, claims: &[String], kinds: &[EvidenceKind], log: Option<&str>) -> String {
        let mut command = "repro verify".to_owned();
        let mut push = |option: &str, value: &dyn std::fmt::Display| {
            command.push_str(&format!(" {option} {}", quoted(&value.to_string())));
        };
        if let Some(folder) = &self.claims {
            push("--claims", &folder.display());
        }
        for id in claims {
            push("--claim", id);
        }
        for kind in kinds {
            push("--evidence", kind);
        }
        if let Some(log) = log {
            push("--log", &log);
        }
        let own = kinds.iter().any(|kind| kind.is_own()) || (kinds.is_empty() && log.is_none());
        if own {
            command.push_str(&hints::options(&self.folders));
        }
        if own && self.no_run {
            command.push_str(" --no-run");
        }
        command
    }
}

impl Asked {
    /// The command that judges a claim on the same evidence again.
    #[must_use]
    pub fn again(&self, claim: &str, evidence: &Evidence) -> String {
        let claims = [claim.to_owned()];
        match (evidence.kind, &evidence.file) {
            (EvidenceKind::Log, Some(file)) => self.verify(&claims, &[], Some(file)),
            (kind, _) => self.verify(&claims, &[kind], None),
        }
    }

    /// The command that judges a claim on a log, `FILE`.
    #[must_use]
    pub fn on_a_log(&self, claim: &str) -> String {
        self.verify(&[claim.to_owned()], &[], Some("FILE"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_is_asked_for_again_and_what_does_not_is_left_out() {
        let asked = Asked {
            claims: Some("my claims".into()),
            folders: Folders { ledger: Some("kept".into()), data: Some("images".into()) },
            no_run: true,
        };
        let gap = ["gap".to_owned()];
        for (kinds, log, expected) in [
            (
                [EvidenceKind::Published].as_slice(),
                None,
                "repro verify --claims 'my claims' --claim gap --evidence published",
            ),
            (
                &[EvidenceKind::Smoke],
                None,
                "repro verify --claims 'my claims' --claim gap --evidence smoke --ledger kept --data images \
                 --no-run",
            ),
            (
                &[],
                None,
                "repro verify --claims 'my claims' --claim gap --ledger kept --data images --no-run",
            ),
            (&[], Some("a.csv"), "repro verify --claims 'my claims' --claim gap --log a.csv"),
        ] {
            assert_eq!(asked.verify(&gap, kinds, log), expected);
        }
        assert_eq!(Asked::default().verify(&[], &[], None), "repro verify");
    }
}
