//! `repro list`: every claim with the evidence it can have.

use std::io::Write;

use clap::Args;

use super::{Failure, Outcome, Suites, local::Ours, stdout};
use crate::{
    claim::{suite::Suite, words},
    evidence::Evidence,
    experiment::EvidenceKind,
    report::terminal,
};

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    ours: Ours,
}

impl List {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        let sides = Sides::new(suites, &self.ours)?;
        let rows = sides.published.claims().iter().map(|claim| {
            let mut row = vec![claim.id.clone(), claim.title.clone(), words::stands(&claim.stands)];
            row.extend(sides.coverage(&claim.id).map(|(there, asked)| format!("{there}/{asked}")));
            row
        });
        let header = ["claim", "what it says", "where it stands", "published", "smoke"];
        let table = terminal::table(&header, rows);
        let mut out = stdout();
        writeln!(out, "{table}")?;
        let words = "published, smoke: fine-tunes that the authors' logs and the ledger have, of those the \
                     claim compares; `repro verify` runs what the ledger lacks";
        writeln!(out, "\n{}", terminal::prose(words))?;
        Ok(Outcome::Done)
    }
}

/// Claims as both worlds have them, with the evidence that is there.
pub(super) struct Sides {
    pub published: Suite,
    smoke: Suite,
    pub evidence: [Evidence; 2],
}

impl Sides {
    pub fn new(suites: &Suites<'_>, ours: &Ours) -> Result<Self, Failure> {
        let (published, smoke) =
            (suites.of(EvidenceKind::Published)?, suites.of(EvidenceKind::Smoke)?);
        let workshop = ours.context(EvidenceKind::Smoke, suites);
        let gathered = workshop.evidence(&smoke.select(&[])?, false)?;
        Ok(Self { published, smoke, evidence: [Evidence::published()?, gathered.evidence] })
    }

    /// Fine-tunes that are there, of those that a claim compares, on each evidence.
    pub fn coverage(&self, id: &str) -> [(usize, usize); 2] {
        let of = |suite: &Suite, evidence: &Evidence| {
            suite.get(id).map_or((0, 0), |claim| evidence.coverage(claim))
        };
        let [published, smoke] = &self.evidence;
        [of(&self.published, published), of(&self.smoke, smoke)]
    }
}
