//! A call of `repro verify` as a command line that repeats it.

use std::path::PathBuf;

use super::hints;
use crate::{
    evidence::Evidence,
    experiment::EvidenceKind,
    util::{Folders, shell::quoted},
};

/// The options that decide what is judged, apart from claims and evidence.
#[derive(Clone, Debug, Default)]
pub(super) struct Invocation {
    /// The folder of claims, unless they are the project's.
    pub claims: Option<PathBuf>,
    /// The folders of local evidence.
    pub folders: Folders,
    /// Whether no local run may be started.
    pub no_run: bool,
    /// The log that was named, if one was.
    pub log: Option<String>,
}

impl Invocation {
    /// The command that judges some claims, all if none is named, on some kinds of evidence or on a
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
        let local = kinds.iter().any(|kind| kind.is_local()) || (kinds.is_empty() && log.is_none());
        if local {
            command.push_str(&hints::options(&self.folders));
        }
        if local && self.no_run {
            command.push_str(" --no-run");
        }
        command
    }

    /// The command that judges a claim on the same evidence again.
    #[must_use]
    pub fn again(&self, claim: &str, evidence: &Evidence) -> String {
        let claims = [claim.to_owned()];
        match evidence.kind {
            EvidenceKind::Log => self.verify(&claims, &[], self.log.as_deref()),
            kind => self.verify(&claims, &[kind], None),
        }
    }

    /// The command that judges a claim on a log, `FILE`.
    #[must_use]
    pub fn on_a_log(&self, claim: &str) -> String {
        self.verify(&[claim.to_owned()], &[], Some("FILE"))
    }

    /// The command that computes a claim's specification curve from local runs.
    #[must_use]
    pub fn as_curve(&self, claim: &str, kind: EvidenceKind) -> String {
        self.sensitivity(claim, " --curve", kind)
    }

    /// The command that judges a claim on local runs under the choices that a critic would
    /// question.
    #[must_use]
    pub fn under_choices(&self, claim: &str, kind: EvidenceKind) -> String {
        self.sensitivity(claim, "", kind)
    }

    fn sensitivity(&self, claim: &str, form: &str, kind: EvidenceKind) -> String {
        let claims = self.claims.as_ref();
        let folder =
            claims.map(|folder| format!(" --claims {}", quoted(&folder.display().to_string())));
        let (folder, options) = (folder.unwrap_or_default(), hints::options(&self.folders));
        format!("repro sensitivity {}{form} --evidence {kind}{folder}{options}", quoted(claim))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_the_options_that_decide_and_no_others() {
        let invocation = Invocation {
            claims: Some("my claims".into()),
            folders: Folders { ledger: Some("kept".into()), data: Some("images".into()) },
            no_run: true,
            log: None,
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
                "repro verify --claims 'my claims' --claim gap --evidence smoke --ledger kept \
                 --data images --no-run",
            ),
            (
                &[],
                None,
                "repro verify --claims 'my claims' --claim gap --ledger kept --data images \
                 --no-run",
            ),
            (&[], Some("a.csv"), "repro verify --claims 'my claims' --claim gap --log a.csv"),
        ] {
            assert_eq!(invocation.verify(&gap, kinds, log), expected);
        }
        assert_eq!(Invocation::default().verify(&[], &[], None), "repro verify");
        assert_eq!(
            invocation.as_curve("gap", EvidenceKind::Smoke),
            "repro sensitivity gap --curve --evidence smoke --claims 'my claims' --ledger kept \
             --data images"
        );
    }
}
