//! `repro list`: every claim with the evidence that exists for it.

use std::{io::Write, path::Path, sync::Arc};

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Failure, Outcome, Suites,
    folders::LedgerArgument,
    format::{Format, Offered, OneOf, json},
    messages::stdout,
};
use crate::{
    claim::{Claim, suite::Suite, words},
    evidence::Evidence,
    experiment::EvidenceKind,
    report::terminal,
    study::Study,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro list
  repro list --format json | jq -r '.claims[].id'
  repro list --claims mine";

#[derive(Args)]
pub(super) struct List {
    /// Text for people, or JSON for programs
    #[arg(long, value_parser = OneOf(FORMATS), default_value = "text")]
    format: Format,
    #[command(flatten)]
    ledger: LedgerArgument,
}

const FORMATS: &[Offered] =
    &[(Format::Text, None), (Format::Json, Some("By the schema of `repro schema list`"))];

/// What `repro list --format json` prints.
#[derive(Serialize, JsonSchema)]
pub(super) struct ClaimList {
    /// Version of this form: 1. Within a version, fields are added and none is changed.
    format_version: u32,
    /// Every claim, in the order in which commands show them.
    claims: Vec<ListedClaim>,
}

/// A claim with the evidence that exists for it.
#[derive(Serialize, JsonSchema)]
struct ListedClaim {
    /// Its id on the command line.
    id: String,
    /// The claim in a few words.
    title: String,
    /// Its place in the paper and in the reproduction.
    place: String,
    /// How much of each kind of evidence exists.
    evidence: Vec<Coverage>,
}

/// How much of a claim's evidence exists.
#[derive(Serialize, JsonSchema)]
pub(super) struct Coverage {
    /// The kind of evidence.
    kind: EvidenceKind,
    /// Fine-tunes that it has, of those that the claim compares.
    pub recorded: usize,
    /// Fine-tunes that the claim compares.
    pub needed: usize,
}

impl List {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        let claims = match suites.study() {
            Some((study, folder)) => of_study(study, folder, suites)?,
            None => Sides::new(suites, &self.ledger)?.claims(),
        };
        let list = ClaimList { format_version: 1, claims };
        let mut out = stdout();
        if let Format::Json = self.format {
            json(&mut out, &list)?;
            return Ok(Outcome::Done);
        }
        // Claims of the user's own need have no place in a paper.
        let has_place = list.claims.iter().any(|claim| !claim.place.is_empty());
        let rows = list.claims.into_iter().map(|claim| {
            let of = |coverage: &Coverage| format!("{}/{}", coverage.recorded, coverage.needed);
            let coverage: Vec<String> = claim.evidence.iter().map(of).collect();
            let place = has_place.then_some(claim.place);
            [vec![claim.id, claim.title], place.into_iter().collect(), coverage].concat()
        });
        let header = |evidence: &[&'static str]| {
            let place = has_place.then_some("place");
            [&["claim", "what it says"], place.as_slice(), evidence].concat()
        };
        if suites.study.is_some() {
            writeln!(out, "{}", terminal::table(&header(&["log"]), rows))?;
            let note = "log: combinations of factors that the log has, of those that the claim \
                        compares";
            writeln!(out, "\n{}", terminal::prose(note))?;
            return Ok(Outcome::Done);
        }
        writeln!(out, "{}", terminal::table(&header(&["published", "smoke"]), rows))?;
        let note = "published, smoke: fine-tunes in the authors' logs and in the ledger, of those \
                    that the claim compares; `repro verify` runs the missing ones of smoke";
        writeln!(out, "\n{}", terminal::prose(note))?;
        Ok(Outcome::Done)
    }
}

/// Claims about a user's log.
fn of_study(
    study: &Arc<Study>,
    folder: &Path,
    suites: &Suites<'_>,
) -> Result<Vec<ListedClaim>, Failure> {
    let suite = suites.suite(EvidenceKind::Log)?;
    let evidence = Evidence::of_study(study, folder, None)?;
    let listed = |claim: &Claim| {
        let (recorded, needed) = evidence.coverage(claim);
        ListedClaim {
            id: claim.id.clone(),
            title: claim.title.clone(),
            place: words::place(&claim.paper),
            evidence: vec![Coverage { kind: evidence.kind, recorded, needed }],
        }
    };
    Ok(suite.claims().iter().map(listed).collect())
}

/// Claims in two set-ups, with the evidence that exists.
pub(super) struct Sides {
    pub published: Suite,
    smoke: Suite,
    pub evidence: [Evidence; 2],
}

impl Sides {
    pub fn new(suites: &Suites<'_>, ledger: &LedgerArgument) -> Result<Self, Failure> {
        let (published, smoke) =
            (suites.suite(EvidenceKind::Published)?, suites.suite(EvidenceKind::Smoke)?);
        let context = ledger.smoke(suites);
        let gathered = context.evidence(&smoke.select(&[])?, false)?;
        Ok(Self { published, smoke, evidence: [Evidence::published()?, gathered.evidence] })
    }

    /// How much of a claim's evidence exists, of each kind.
    pub fn coverage(&self, id: &str) -> [Coverage; 2] {
        let of = |suite: &Suite, evidence: &Evidence| {
            let (recorded, needed) = suite.get(id).map_or((0, 0), |claim| evidence.coverage(claim));
            Coverage { kind: evidence.kind, recorded, needed }
        };
        let [published, smoke] = &self.evidence;
        [of(&self.published, published), of(&self.smoke, smoke)]
    }

    fn claims(&self) -> Vec<ListedClaim> {
        let listed = |claim: &Claim| ListedClaim {
            id: claim.id.clone(),
            title: claim.title.clone(),
            place: words::place(&claim.paper),
            evidence: self.coverage(&claim.id).into(),
        };
        self.published.claims().iter().map(listed).collect()
    }
}
