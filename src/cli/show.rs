//! `repro show`: one claim in words.

use std::io::Write;

use clap::Args;

use super::{Failure, Outcome, Suites, stdout};
use crate::{claim::words, experiment::EvidenceKind, report::terminal};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro show shape_bias                    a claim of the project's
  repro show gap_on_flowers --claims mine  one of a folder of yours

What its claims may name beside the paper's targets and sources is in mine/worlds/own.toml:
  format = 1
  [targets.flowers]                             # images: DATA/flowers/{train,test}/CLASS/*.jpg
  title = \"Oxford Flowers 102\"
  train = 1020                                  # as many, or nothing
  test = 6149
  [sources.l2_5]
  words = \"trained adversarially, L2 eps 5\"
  files = { paper = \"imagenet_l2_5.pt\" }       # DATA/zoos/authors/FILE; a log needs none";

#[derive(Args)]
pub(super) struct Show {
    /// The claim's id, as `repro list` has it
    #[arg(value_name = "ID")]
    id: String,
}

impl Show {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        let kind = EvidenceKind::Published;
        let (suite, world) = (suites.of(kind)?, suites.world(kind));
        let claim = suite.get(&self.id)?;
        let mut out = stdout();
        for line in words::claim(claim, &world).lines() {
            let text = line.trim_start();
            let indent = line.len() - text.len();
            for part in terminal::wrapped(text, terminal::width() - indent) {
                writeln!(out, "{:indent$}{part}", "")?;
            }
        }
        Ok(Outcome::Done)
    }
}
