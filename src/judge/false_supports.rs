//! How many claims to expect as supported if none were true: of m claims, m times the level. There
//! is no correction over claims, since each answers its own question, so readers must know it.

use super::{ClaimVerdict, result::FalseSupports};
use crate::experiment::Verdict;

/// One entry for each kind of evidence (and level), in order of appearance; empty for fewer than
/// two claims. An incomplete claim can't be supported and is not counted.
#[must_use]
pub fn expected_false_supports<'a>(
    verdicts: impl IntoIterator<Item = &'a ClaimVerdict>,
) -> Vec<FalseSupports> {
    let mut counted: Vec<FalseSupports> = Vec::new();
    for one in verdicts.into_iter().filter(|one| one.verdict != Verdict::Incomplete) {
        let same = |known: &&mut FalseSupports| {
            known.evidence == one.evidence && known.alpha.total_cmp(&one.alpha).is_eq()
        };
        match counted.iter_mut().find(same) {
            Some(known) => known.claims += 1,
            None => counted.push(FalseSupports {
                evidence: one.evidence,
                claims: 1,
                alpha: one.alpha,
                expected: 0.0,
            }),
        }
    }
    for known in &mut counted {
        #[expect(clippy::cast_precision_loss, reason = "a handful of claims")]
        let claims = known.claims as f64;
        known.expected = claims * known.alpha;
    }
    let total: usize = counted.iter().map(|known| known.claims).sum();
    if total < 2 { Vec::new() } else { counted }
}

/// The sentence at the end of several verdicts; `None` for fewer than two claims.
#[must_use]
pub fn in_words(expected: &[FalseSupports]) -> Option<String> {
    let of = |known: &FalseSupports| {
        let FalseSupports { evidence, claims, alpha, expected } = known;
        let expected = (expected * 1e4).round() / 1e4;
        let plural = if *claims == 1 { "" } else { "s" };
        format!(
            "of {claims} primary claim{plural} on {evidence} evidence {claims} x {alpha} = {expected}"
        )
    };
    let parts: Vec<String> = expected.iter().map(of).collect();
    (!parts.is_empty()).then(|| {
        format!(
            "false supports: {} are expected at most if nothing were true; kinds of evidence are \
             never combined",
            parts.join(", and ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::EvidenceKind;

    #[test]
    fn each_kind_of_evidence_has_its_words_and_no_claim_has_none() {
        assert_eq!(in_words(&[]), None);
        let of =
            |evidence, claims, expected| FalseSupports { evidence, claims, alpha: 0.025, expected };
        let both = [of(EvidenceKind::Published, 9, 0.225), of(EvidenceKind::Smoke, 1, 0.025)];
        let words = in_words(&both).expect("two kinds");
        assert!(
            words.contains(
                "of 9 primary claims on published evidence 9 x 0.025 = 0.225, and of 1 primary \
                 claim on smoke evidence 1 x 0.025 = 0.025 are expected"
            ),
            "{words}"
        );
    }
}
