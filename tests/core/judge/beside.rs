//! What stands beside a verdict: directions of cells, ranges over targets, seeds, estimates.

use super::*;
use repro::judge::{Direction, RangeOverTargets, expected_false_supports, false_supports_in_words};

/// Leads on several targets.
fn on_targets(targets: &[(&'static str, &[f64])]) -> Vec<Run<'static>> {
    let of = |(target, points): &(&'static str, &[f64])| {
        let target = *target;
        leads(points).into_iter().map(move |run| Run { target, ..run })
    };
    targets.iter().flat_map(of).collect()
}

/// The claim on these targets, with more fields of the hypothesis.
fn over(targets: &str, relation: &str, more: &str, runs: &[Run<'_>]) -> ClaimVerdict {
    let text = claim_text(relation)
        .replace("target = \"svhn\"", &format!("target = [{targets}]"))
        .replace("holds = \"every\"", &format!("holds = \"every\"\n{more}"));
    judge(&claim(&text), &evidence(&log(&rows(runs)), SamplingDesign::FixedSample))
}

const ABOVE: &[f64] = &[5.0, 5.2, 4.8, 5.1, 4.9];
const BELOW: &[f64] = &[-1.0, -1.1, -0.9, -1.0, -1.0];
const OPEN: &[f64] = &[1.0, -1.0, 1.5, -1.2, 0.1];

#[test]
fn a_verdict_says_when_cells_surely_lie_on_both_sides() {
    let three = "\"svhn\", \"mnist\", \"kmnist\"";
    let mixed = on_targets(&[("svhn", ABOVE), ("mnist", BELOW), ("kmnist", OPEN)]);
    let verdict = over(three, "greater_than = 0.0", "", &mixed);
    assert_eq!((verdict.verdict, verdict.direction), (Verdict::Refuted, Some(Direction::Mixed)));
    let expected = "refuted as asked, of every cell: 1 of 3 above by 5.0 points and 1 below by 1.0 \
                    points, after Holm; ";
    assert!(verdict.reason.starts_with(expected), "{}", verdict.reason);

    // Distances are from the margin.
    let verdict = over(three, "greater_than = 1.0", "", &mixed);
    assert!(
        verdict.reason.contains("above by 4.0 points and 1 below by 2.0"),
        "{}",
        verdict.reason
    );
    // An equivalence has two thresholds.
    let verdict = over(three, "equivalent_within = 0.5", "", &mixed);
    assert_eq!(verdict.direction, Some(Direction::Mixed));
    assert!(
        verdict.reason.contains("above by 4.5 points and 1 below by 0.5"),
        "{}",
        verdict.reason
    );

    for (second, third, direction) in [
        (ABOVE, OPEN, Direction::Above),
        (OPEN, OPEN, Direction::None),
        (BELOW, BELOW, Direction::Mixed),
    ] {
        let first = if direction == Direction::None { OPEN } else { ABOVE };
        let runs = on_targets(&[("svhn", first), ("mnist", second), ("kmnist", third)]);
        let verdict = over(three, "greater_than = 0.0", "", &runs);
        assert_eq!(verdict.direction, Some(direction));
        let says = verdict.reason.contains("as asked");
        assert_eq!(says, direction == Direction::Mixed, "{}", verdict.reason);
    }
}

#[test]
fn a_cell_is_sure_only_after_holm_over_the_cells() {
    // p = .014 alone, and three cells.
    let weak: &[f64] = &[1.0, 2.0, 3.0, 0.2, 1.0];
    let runs = on_targets(&[("svhn", weak), ("mnist", OPEN), ("kmnist", OPEN)]);
    let verdict = over("\"svhn\", \"mnist\", \"kmnist\"", "greater_than = 0.0", "", &runs);
    assert_eq!(verdict.cells[0].verdict, Verdict::Supported);
    assert!(verdict.cells[0].p_adjusted.unwrap() > 0.025);
    assert_eq!(verdict.direction, Some(Direction::None));
    let expected = "0 of 3 cells supported after Holm (1 each at alpha); not supported: svhn";
    assert!(verdict.reason.starts_with(expected), "{}", verdict.reason);
}

#[test]
fn an_average_over_targets_has_the_range_over_them() {
    let two = "\"svhn\", \"mnist\"";
    // mnist has a seed more, which is not in the average.
    let longer = [BELOW, &[90.0 - 50.0]].concat();
    let runs = on_targets(&[("svhn", ABOVE), ("mnist", &longer)]);
    let verdict = over(two, "greater_than = 0.0", "average_over = [\"target\"]", &runs);
    let range = verdict.averages[0].range_over_targets.clone().unwrap();
    let RangeOverTargets { low, high, lowest, highest } = range;
    assert!((low + 1.0).abs() < 1e-9 && (high - 5.0).abs() < 1e-9, "{low} {high}");
    assert_eq!((lowest.as_str(), highest.as_str()), ("mnist", "svhn"));
    assert!(verdict.cells.iter().all(|cell| cell.range_over_targets.is_none()));
}

#[test]
fn a_verdict_hinges_on_one_seed_if_leaving_it_out_changes_it() {
    let hinges = |points: &[f64]| gap(&leads(points)).hinges_on_one_seed;
    // Without its outlier it would be supported.
    assert_eq!(hinges(&[5.0, 5.1, 4.9, 5.0, -3.0]), Some(true));
    assert_eq!(hinges(ABOVE), Some(false));
    // Two seeds of [5.0, 6.0] give t = 11: past the 4.30 of three seeds, not the 12.7 of two.
    assert_eq!(hinges(&[5.0, 5.5, 6.0]), Some(false));
    assert_eq!(gap(&[run("l2_3", 1, 60.0)]).hinges_on_one_seed, None);
}

/// Seeds that no look used can't be left out.
#[test]
fn seeds_after_the_deciding_look_do_not_count() {
    let mut points = vec![5.0, 5.1, 4.9];
    points.extend([-30.0; 7]);
    let verdict = asked("greater_than = 0.0", &leads(&points), SamplingDesign::GroupSequential);
    assert_eq!(verdict.hinges_on_one_seed, Some(false));
}

#[test]
fn signs_are_counted_and_tested_beside_t() {
    let signs = |relation: &str, points: &[f64]| {
        let verdict = asked(relation, &leads(points), SamplingDesign::FixedSample);
        (verdict.cells[0].seeds_ahead, verdict.cells[0].sign_flip_p)
    };
    assert_eq!(signs("greater_than = 0.0", ABOVE), (Some(5), Some(1.0 / 32.0)));
    assert_eq!(signs("greater_than = 0.0", &[1.0, 2.0, -4.0]).0, Some(2));
    assert_eq!(signs("greater_than = 5.05", ABOVE).0, Some(2));
    assert_eq!(signs("not_worse_than = 2.0", BELOW), (Some(5), Some(1.0 / 32.0)));
    assert_eq!(signs("equivalent_within = 1.0", BELOW), (None, None));
}

#[test]
fn a_mean_after_an_early_stop_is_marked_with_its_bias() {
    let stopped = |points: &[f64]| {
        asked("greater_than = 1.0", &leads(points), SamplingDesign::GroupSequential)
    };
    let first = stopped(&[5.0, 5.5, 6.0]);
    let cell = &first.cells[0];
    assert!(has(&first, Flag::StoppedEarly));
    assert_eq!((cell.look, cell.median_unbiased), (Some(3), Some(5.5)));
    // Nine spreads of half a point: hardly any bias.
    assert!(cell.stopping_bias.unwrap().abs() < 0.01);

    let second = stopped(&[4.0, 6.0, 8.0, 7.0, 5.5]);
    let cell = &second.cells[0];
    assert!(has(&second, Flag::StoppedEarly) && cell.look == Some(5), "{:?}", cell.look);
    // Between the margin and the mean.
    let median = cell.median_unbiased.unwrap();
    assert!(1.0 < median && median < cell.mean.unwrap(), "{median}");

    // Undecided, or in a fixed design: not marked.
    let open = stopped(&[4.0, -6.0, 8.0]);
    assert!(!has(&open, Flag::StoppedEarly));
    assert_eq!(open.cells[0].stopping_bias, None);
    let fixed = gap(&leads(ABOVE));
    assert_eq!((fixed.cells[0].median_unbiased, fixed.cells[0].stopping_bias), (None, None));
    assert!(!has(&fixed, Flag::StoppedEarly));
}

#[test]
fn false_supports_are_expected_of_complete_claims_by_kind_of_evidence() {
    let complete = gap(&leads(ABOVE));
    let incomplete = gap(&[run("l2_3", 1, 60.0)]);
    assert_eq!(expected_false_supports([&complete, &incomplete]), []);
    let other =
        ClaimVerdict { evidence: repro::experiment::EvidenceKind::Smoke, ..complete.clone() };
    let expected = expected_false_supports([&complete, &complete, &other, &incomplete]);
    assert_eq!(expected.iter().map(|kind| kind.claims).collect::<Vec<_>>(), [2, 1]);
    assert!((expected[0].expected - 0.05).abs() < 1e-12);
    let sentence = false_supports_in_words(&expected).unwrap();
    assert_eq!(
        sentence,
        "false supports: of 2 primary claims on log evidence 2 x 0.025 = 0.05, and of 1 primary \
         claim on smoke evidence 1 x 0.025 = 0.025 are expected at most if nothing were true; \
         kinds of evidence are never combined"
    );
}
