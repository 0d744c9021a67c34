//! The folders of local evidence, as options: the ledger and the data folder.

use std::path::PathBuf;

use clap::Args;

use super::{
    Failure, Suites,
    local::{Placement, RunContext},
};
use crate::{
    claim::Claim, evidence::Evidence, experiment::EvidenceKind, fetch::default_folder,
    store::Ledger, util::Folders,
};

/// Where records are kept.
#[derive(Args)]
pub(super) struct LedgerArgument {
    /// The folder of records [default: REPRO_LEDGER, or .ledger in the project]
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
}

/// Where downloaded files are kept.
#[derive(Args)]
pub(super) struct Data {
    /// The folder of downloaded files [default: REPRO_DATA, or .data in the project]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Where local evidence is, for commands that read it and run nothing.
#[derive(Args)]
pub(super) struct FolderArguments {
    #[command(flatten)]
    ledger: LedgerArgument,
    #[command(flatten)]
    data: Data,
}

impl LedgerArgument {
    pub fn ledger(&self) -> Ledger {
        Ledger::new(self.ledger.clone().unwrap_or_else(Ledger::default_folder))
    }

    /// Local evidence of the smoke set-up, which reads no file of the data folder.
    pub fn smoke(&self, suites: &Suites<'_>) -> RunContext {
        let kind = EvidenceKind::Smoke;
        let folders = Folders { ledger: self.ledger.clone(), data: None };
        RunContext::new(kind, suites.world(kind), folders, Placement::default(), suites)
    }
}

impl Data {
    pub fn folder(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(default_folder)
    }

    /// The option as it was given, for a command that is printed to be run again.
    #[cfg(feature = "engine")]
    pub fn named(&self) -> String {
        self.data
            .as_ref()
            .map(|folder| crate::util::shell::option("--data", folder))
            .unwrap_or_default()
    }
}

impl FolderArguments {
    pub fn ledger(&self) -> Ledger {
        self.ledger.ledger()
    }

    pub fn ledger_argument(&self) -> &LedgerArgument {
        &self.ledger
    }

    /// The folders that were named, for a command that is printed to be run again.
    pub fn named(&self) -> Folders {
        Folders { ledger: self.ledger.ledger.clone(), data: self.data.data.clone() }
    }

    /// The evidence of a kind that needs no file of the user's: of local kinds, what the ledger
    /// has.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn evidence(
        &self,
        kind: EvidenceKind,
        claims: &[&Claim],
        suites: &Suites<'_>,
    ) -> Result<Evidence, Failure> {
        if !kind.is_local() {
            return Ok(Evidence { world: suites.world(kind), ..Evidence::published()? });
        }
        let (world, placement) = (suites.world(kind), Placement::default());
        let context = RunContext::new(kind, world, self.named(), placement, suites);
        Ok(context.evidence(claims, false)?.evidence)
    }
}
