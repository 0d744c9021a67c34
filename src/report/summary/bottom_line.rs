//! The bottom line: what one kind of evidence says, in one sentence.

use crate::{
    experiment::Verdict,
    judge::{ClaimVerdict, Direction, Undecided},
};

/// What the verdicts on one kind of evidence say together: `On smoke evidence 5 of 14 claims are
/// supported (2 borderline), 2 are refuted, 6 are inconclusive and 1 is incomplete.` The counts add
/// up to the claims. Where they are not all of one verdict, it always says how many are refuted.
/// Empty without verdicts.
#[must_use]
pub fn bottom_line(verdicts: &[&ClaimVerdict]) -> String {
    let Some(first) = verdicts.first() else { return String::new() };
    let on = format!("On {} evidence", first.evidence);
    if verdicts.iter().all(|one| status(one) == status(first)) {
        let claims = match verdicts.len() {
            1 => "the claim is".to_owned(),
            2 => "both claims are".to_owned(),
            all => format!("all {all} claims are"),
        };
        let words = status(first).in_words(verdicts);
        return format!("{on} {claims} {words}{}.", notes(verdicts));
    }
    let parts: Vec<String> = Status::ALL
        .into_iter()
        .filter_map(|status| {
            let of: Vec<&ClaimVerdict> =
                verdicts.iter().copied().filter(|one| self::status(one) == status).collect();
            part(status, &of, verdicts.len())
        })
        .collect();
    match parts.split_last() {
        Some((last, others)) => format!("{on} {} and {last}.", others.join(", ")),
        None => String::new(),
    }
}

/// A verdict, or an inconclusive one that still needs seeds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Is(Verdict),
    Undecided,
}

impl Status {
    const ALL: [Self; 5] = [
        Self::Is(Verdict::Supported),
        Self::Is(Verdict::Refuted),
        Self::Is(Verdict::Inconclusive),
        Self::Undecided,
        Self::Is(Verdict::Incomplete),
    ];

    /// What claims with this status are: `undecided after 3 to 5 of 10 seeds`.
    fn in_words(self, of: &[&ClaimVerdict]) -> String {
        if let Self::Is(verdict) = self {
            return verdict.name().to_owned();
        }
        let open = || of.iter().filter_map(|one| one.undecided);
        let range = |of: fn(Undecided) -> usize| {
            let (low, high) = (open().map(of).min(), open().map(of).max());
            let [low, high] = [low, high].map(Option::unwrap_or_default);
            if low == high { low.to_string() } else { format!("{low} to {high}") }
        };
        let (seeds, planned) = (range(|open| open.seeds), range(|open| open.of));
        format!("undecided after {seeds} of {planned} seeds")
    }
}

fn status(verdict: &ClaimVerdict) -> Status {
    match verdict.undecided {
        Some(_) => Status::Undecided,
        None => Status::Is(verdict.verdict),
    }
}

/// `5 of 14 claims are supported (2 borderline)`. Nothing where no claim has the status, except
/// that a reader is always informed of supported and refuted claims.
fn part(status: Status, of: &[&ClaimVerdict], all: usize) -> Option<String> {
    let is_first = status == Status::ALL[0];
    let words = status.in_words(of);
    let count = of.len();
    let part = match count {
        0 if is_first => format!("none of {all} claims is {words}"),
        0 if status == Status::Is(Verdict::Refuted) => "none is refuted".to_owned(),
        0 => return None,
        1 if is_first => format!("1 of {all} claims is {words}"),
        _ if is_first => format!("{count} of {all} claims are {words}"),
        1 => format!("1 is {words}"),
        _ => format!("{count} are {words}"),
    };
    Some(part + &notes(of))
}

/// ` (2 borderline, 1 mixed)`.
fn notes(of: &[&ClaimVerdict]) -> String {
    let count = |is: fn(&ClaimVerdict) -> bool| of.iter().filter(|one| is(one)).count();
    let borderline = count(|one| one.borderline);
    let mixed = count(|one| one.direction == Some(Direction::Mixed));
    let notes = [(borderline, "borderline"), (mixed, "mixed")].into_iter();
    let notes = notes.filter(|(count, _)| *count > 0);
    let named = notes.map(|(count, name)| match of {
        [_] => name.to_owned(),
        _ => format!("{count} {name}"),
    });
    let named: Vec<String> = named.collect();
    if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(of: &[(&str, bool, bool, &str)]) -> Vec<ClaimVerdict> {
        let verdict = |(verdict, borderline, undecided, direction): &(&str, bool, bool, &str)| {
            serde_json::from_value(serde_json::json!({
                "claim": "a", "evidence": "smoke", "verdict": verdict, "reason": "", "title": "",
                "unit": "points", "margin": 0.0, "alpha": 0.025, "borderline": borderline,
                "undecided": undecided.then(|| serde_json::json!({"seeds": 3, "of": 10})),
                "direction": (!direction.is_empty()).then_some(direction),
                "conditional_on": [], "cells": [], "averages": [], "readings": [],
            }))
            .unwrap()
        };
        of.iter().map(verdict).collect()
    }

    fn line(of: &[(&str, bool, bool, &str)]) -> String {
        bottom_line(&verdicts(of).iter().collect::<Vec<_>>())
    }

    #[test]
    fn the_counts_add_up_and_refuted_claims_are_never_left_out() {
        let supported = ("supported", false, false, "above");
        let refuted = ("refuted", true, false, "mixed");
        let open = ("inconclusive", false, true, "");
        assert_eq!(line(&[]), "");
        assert_eq!(line(&[supported]), "On smoke evidence the claim is supported.");
        assert_eq!(line(&[refuted]), "On smoke evidence the claim is refuted (borderline, mixed).");
        assert_eq!(line(&[supported, supported]), "On smoke evidence both claims are supported.");
        assert_eq!(
            line(&[refuted, refuted, refuted]),
            "On smoke evidence all 3 claims are refuted (3 borderline, 3 mixed)."
        );
        assert_eq!(
            line(&[open, ("incomplete", false, false, "")]),
            "On smoke evidence none of 2 claims is supported, none is refuted, 1 is undecided \
             after 3 of 10 seeds and 1 is incomplete."
        );
        assert_eq!(
            line(&[supported, refuted, refuted, ("inconclusive", true, false, "")]),
            "On smoke evidence 1 of 4 claims is supported, 2 are refuted (2 borderline, 2 mixed) \
             and 1 is inconclusive (borderline)."
        );
    }
}
