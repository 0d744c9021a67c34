//! `repro show`: one claim in words.

use std::io::Write;

use clap::Args;

use super::{Failure, Outcome, stdout};
use crate::{
    claim::{suite::Suite, words},
    report::terminal,
    world::World,
};

#[derive(Args)]
pub(super) struct Show {
    /// The claim's id, as `repro list` has it
    #[arg(value_name = "ID")]
    id: String,
}

impl Show {
    pub(super) fn run(&self, suite: &Suite, world: &World) -> Result<Outcome, Failure> {
        let claim = suite.get(&self.id)?;
        let mut out = stdout();
        for line in words::claim(claim, world).lines() {
            let text = line.trim_start();
            let indent = line.len() - text.len();
            for part in terminal::wrapped(text, terminal::WIDTH - indent) {
                writeln!(out, "{:indent$}{part}", "")?;
            }
        }
        Ok(Outcome::Done)
    }
}
