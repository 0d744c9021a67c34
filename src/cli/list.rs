//! `repro list`: every claim with the evidence it can have.

use std::io::Write;

use clap::Args;

use super::{Failure, Outcome, stdout};
use crate::{
    claim::{suite::Suite, words},
    evidence::Evidence,
    report::terminal,
};

#[derive(Args)]
pub(super) struct List {}

impl List {
    #[expect(clippy::unused_self, reason = "every command is run alike")]
    pub(super) fn run(&self, suite: &Suite) -> Result<Outcome, Failure> {
        let evidence = Evidence::published()?;
        let rows = suite.claims().iter().map(|claim| {
            let (there, asked) = evidence.coverage(claim);
            vec![
                claim.id.clone(),
                claim.title.clone(),
                words::stands(&claim.stands),
                format!("{there}/{asked}"),
            ]
        });
        let header = ["claim", "what it says", "where it stands", "published"];
        let table = terminal::table(&header, rows);
        let mut out = stdout();
        writeln!(out, "{table}")?;
        writeln!(
            out,
            "\npublished: fine-tunes that the authors' logs have, of those the claim compares"
        )?;
        Ok(Outcome::Done)
    }
}
