//! `repro show`: claims in words.

use std::{collections::BTreeMap, fmt::Write as _, io::Write};

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Failure, Outcome, Suites,
    claim_ids::ClaimIds,
    coverage,
    format::{Format, Offered, OneOf, json},
    messages::stdout,
};
use crate::{
    claim::{Claim, Locked, words},
    experiment::{EvidenceKind, Verdict},
    judge::Population,
    report::{estimand, terminal},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro show shape_bias                    one of the project's claims
  repro show shape_bias l2_best            two
  repro show                               all
  repro show --coverage                    every sentence of the documents, and what answers it
  repro show gap_on_flowers --claims mine  one from a folder of yours

The file mine/worlds/own.toml names targets and source models beside the paper's:
  format = 1
  [targets.flowers]                             # images: DATA/flowers/{train,test}/CLASS/*.jpg
  title = \"Oxford Flowers 102\"
  train = 1020                                  # optional: their number, which is then checked
  test = 6149
  [sources.l2_5]
  description = \"trained adversarially, L2 eps 5\"
  files = { paper = \"imagenet_l2_5.pt\" }       # DATA/zoos/authors/FILE; a log needs none";

#[derive(Args)]
pub(super) struct Show {
    #[command(flatten)]
    ids: ClaimIds,
    /// List what the paper and its reproduction say, and what answers each sentence, instead of
    /// claims
    #[arg(long, conflicts_with_all = ["ids", "claim"])]
    coverage: bool,
    /// Text for people, or JSON for programs
    #[arg(long, value_parser = OneOf(FORMATS), default_value = "text")]
    format: Format,
}

const FORMATS: &[Offered] =
    &[(Format::Text, None), (Format::Json, Some("By the schema of `repro schema show`"))];

/// What `repro show --format json` prints.
#[derive(Serialize, JsonSchema)]
pub(super) struct ShownClaims {
    /// Version of this form: 1. Within a version, fields are added and none is changed.
    format_version: u32,
    /// The claims, in the order in which commands show them.
    claims: Vec<ShownClaim>,
}

/// A claim, in words and in numbers.
#[derive(Serialize, JsonSchema)]
struct ShownClaim {
    /// Its id on the command line.
    id: String,
    /// The claim in a few words.
    title: String,
    /// The claim in one sentence.
    statement: String,
    /// Its place in the paper and in the reproduction.
    place: String,
    /// Seeds at which the judge looks, in order.
    looks: Vec<usize>,
    /// The primary hypothesis in one sentence.
    hypothesis: String,
    /// How many cells, or averages over cells, it is judged in.
    units: usize,
    /// Whether the primary hypothesis is what the lock of its folder has.
    locked: Locked,
    /// The date (UTC) of that lock; null where it is not locked.
    locked_on: Option<String>,
    /// What a verdict is about, by kind of evidence.
    population: BTreeMap<String, Population>,
    /// Ids of its secondary hypotheses.
    secondary_hypotheses: Vec<String>,
    /// The verdict that the claim expects, by kind of evidence.
    expected: BTreeMap<String, Verdict>,
    /// What `repro show` prints about it, in lines that are not broken.
    text: String,
}

impl ShownClaim {
    fn new(claim: &Claim, suites: &Suites<'_>) -> Self {
        let world = suites.world(EvidenceKind::Published);
        let populations = estimand::populations(claim, |kind| suites.world(kind));
        let mut text = words::claim(claim, &world);
        text.push_str("\npopulation of a verdict\n");
        for line in estimand::lines(&populations) {
            // Writing to a String can't fail.
            let _ = writeln!(text, "  {line}");
        }
        let population =
            populations.into_iter().map(|(kind, of)| (kind.name().to_owned(), of)).collect();
        let expected = claim.expected.iter();
        let expected = expected.map(|(kind, expected)| (kind.name().to_owned(), expected.verdict));
        Self {
            id: claim.id.clone(),
            title: claim.title.clone(),
            statement: claim.statement.clone(),
            place: words::place(&claim.paper),
            looks: claim.design.looks.seeds().to_vec(),
            hypothesis: claim.hypothesis.statement.clone(),
            units: claim.hypothesis.units(),
            locked: claim.hypothesis.locked(EvidenceKind::Smoke),
            locked_on: claim.hypothesis.lock.date(),
            population,
            secondary_hypotheses: claim.readings.iter().map(|of| of.id.clone()).collect(),
            expected: expected.collect(),
            text,
        }
    }
}

impl Show {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        if self.coverage {
            return coverage::print(self.format);
        }
        let kind = EvidenceKind::Published;
        let suite = suites.suite(kind)?;
        let claims = self.ids.select(&suite, suites)?;
        let claims: Vec<ShownClaim> =
            claims.into_iter().map(|claim| ShownClaim::new(claim, suites)).collect();
        let mut out = stdout();
        if let Format::Json = self.format {
            json(&mut out, &ShownClaims { format_version: 1, claims })?;
            return Ok(Outcome::Done);
        }
        for (index, claim) in claims.iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            for line in claim.text.lines() {
                let text = line.trim_start();
                let indent = line.len() - text.len();
                for part in terminal::wrapped(text, terminal::width() - indent) {
                    writeln!(out, "{:indent$}{part}", "")?;
                }
            }
        }
        Ok(Outcome::Done)
    }
}
