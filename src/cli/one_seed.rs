//! `repro power --one-seed`: what one seed alone would have concluded, claim by claim.

use std::{collections::BTreeSet, io::Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Failure, Outcome,
    format::{Format, json},
    messages::stdout,
};
use crate::{
    claim::Claim,
    evidence::Evidence,
    experiment::EvidenceKind,
    replication::one_seed::{OneSeed, one_seed_of},
    report::terminal,
};

/// What `repro power --one-seed --format json` prints.
#[derive(Serialize, JsonSchema)]
pub(super) struct OneSeedReport {
    /// Version of this form: 1. Within a version, fields are added and none is changed.
    format_version: u32,
    /// The evidence that seeds are taken from.
    evidence: EvidenceKind,
    /// The claims that a single seed can answer.
    claims: Vec<OneSeed>,
    /// Claims that it can't: their runs are missing, or their quantifier counts against chance.
    without: BTreeSet<String>,
}

/// Prints what each seed alone would have concluded.
pub(super) fn print(
    claims: &[&Claim],
    evidence: &Evidence,
    format: Format,
) -> Result<Outcome, Failure> {
    let (claims, without) = one_seed_of(claims, evidence);
    let mut out = stdout();
    if let Format::Json = format {
        let (format_version, evidence) = (1, evidence.kind);
        json(&mut out, &OneSeedReport { format_version, evidence, claims, without })?;
        return Ok(Outcome::Done);
    }
    let header = ["claim", "all seeds", "one seed holds", "differs", "single values that hold"];
    let rows = claims.iter().map(|one| {
        vec![
            one.claim.clone(),
            one.verdict.to_string(),
            format!("{} of {}", one.holds, one.seeds),
            one.differ().map_or_else(|| "-".to_owned(), |differ| differ.to_string()),
            format!("{} of {}", one.values_hold, one.values),
        ]
    });
    writeln!(out, "{}", terminal::table(&header, rows))?;
    let note = "one seed holds: seeds by whose values alone, without a spread, as many cells or \
                averages lie beyond the margin as must hold (the same share of them where a seed \
                has fewer); differs: seeds whose conclusion is not the verdict of all seeds";
    writeln!(out, "{}", terminal::prose(note))?;
    if !without.is_empty() {
        let without: Vec<String> = without.into_iter().collect();
        let note = format!("no single seed can answer: {}", without.join(", "));
        writeln!(out, "{}", terminal::prose(&note))?;
    }
    Ok(Outcome::Done)
}
