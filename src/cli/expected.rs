//! `verify --expected`: verdicts beside those that their claims expect.

use super::{Failure, messages::message};
use crate::{
    claim::Claim,
    experiment::EvidenceKind,
    report::{Judged, counted_as_expected},
};

/// Checks that each claim expects a verdict: a comparison with nothing is a mistake, not a pass.
pub(super) fn every_claim_expects(claims: &[&Claim], kind: EvidenceKind) -> Result<(), Failure> {
    match claims.iter().find(|claim| !claim.expected.contains_key(&kind)) {
        None => Ok(()),
        Some(claim) => Err(Failure::usage(
            format!("claim `{}` expects no verdict from {kind} evidence", claim.id),
            &format!("add a table [expected.{kind}] to its file, or leave out --expected"),
        )),
    }
}

/// Prints verdicts that are not the expected ones.
pub(super) fn print_unexpected(judged: &[Judged<'_>]) {
    for Judged { claim, verdict, .. } in judged {
        let Some(expected) = claim.expected.get(&verdict.evidence) else { continue };
        if !verdict.is(expected) {
            message!(
                "unexpected: {} on {} evidence is {}, its claim expects {}",
                claim.id,
                verdict.evidence,
                verdict.verdict,
                expected.verdict
            );
        }
    }
}

/// `24 of 24 as expected`, and whether all are.
pub(super) fn as_expected(judged: &[Judged<'_>]) -> (String, bool) {
    let (count, all) = counted_as_expected(judged);
    (format!("{count} of {all} as expected"), count == all)
}
