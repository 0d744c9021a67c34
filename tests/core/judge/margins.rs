//! Everything that depends on the margin: t, p before and after Holm, the e-value, and which
//! verdicts are borderline. With a margin that is not 0 they differ from the same against 0.

use super::*;
use repro::{
    claim::Holds,
    judge::{Answer, Side, Unit, quantify},
    stats::{Sample, TTest, e_value, holm, paired_t},
};

/// Mean 5.75; t against 4 is 5.422176684690383, by scipy.
const LEADS: [f64; 4] = [5.0, 6.0, 5.5, 6.5];

fn sample(points: &[f64]) -> Sample {
    Sample::new(points.to_vec()).unwrap()
}

fn fixed(relation: &str, points: &[f64]) -> ClaimVerdict {
    asked(relation, &leads(points), SamplingDesign::FixedSample)
}

fn close(found: Option<f64>, expected: f64) -> bool {
    found.is_some_and(|found| (found - expected).abs() <= 1e-9 * expected.abs())
}

#[test]
fn t_p_and_the_e_value_are_against_the_margin() {
    for (relation, margin) in
        [("greater_than = 4.0", 4.0), ("greater_than = -4.0", -4.0), ("not_worse_than = 1.5", -1.5)]
    {
        let cell = &fixed(relation, &LEADS).cells[0];
        let test = paired_t(&sample(&LEADS), margin);
        assert!(close(cell.t, test.t), "{relation}: {cell:?}");
        assert!(close(cell.p, test.p_greater), "{relation}: {cell:?}");
        assert!(close(cell.p_adjusted, test.p_greater), "{relation}: a family of one");
        assert!(close(cell.e_value, e_value(test.t, 4, 1.0)), "{relation}: {cell:?}");
    }
    let cell = &fixed("greater_than = 4.0", &LEADS).cells[0];
    assert!(close(cell.t, 5.422_176_684_690_383), "{cell:?}");
    assert!(close(cell.p, 0.006_153_775_910_743_138), "{cell:?}");
}

#[test]
fn the_e_value_has_the_prior_of_its_claim_and_none_is_given_for_an_equivalence() {
    let text = claim_text("greater_than = 4.0")
        .replace("[hypothesis]", "[design]\ne_value_g = 9.0\n\n[hypothesis]");
    let evidence = evidence(&log(&rows(&leads(&LEADS))), SamplingDesign::FixedSample);
    let cell = &judge(&claim(&text), &evidence).cells[0];
    let t = paired_t(&sample(&LEADS), 4.0).t;
    assert!(close(cell.e_value, e_value(t, 4, 9.0)), "{cell:?}");
    assert_eq!(fixed("equivalent_within = 9.0", &LEADS).cells[0].e_value, None);
    assert_eq!(fixed("greater_than = 4.0", &[5.0]).cells[0].e_value, None, "one seed");
}

/// The p of three cells against a margin, adjusted over all three.
#[test]
fn holm_s_p_is_over_the_family_and_against_the_margin() {
    let text = claim_text("greater_than = 4.0")
        .replace("target = \"svhn\"", "target = [\"svhn\", \"mnist\", \"kmnist\"]");
    let points: [&[f64]; 3] = [&LEADS, &[9.0, 9.5, 8.0, 8.5], &[4.0, 6.0, 3.0, 5.0]];
    let runs: Vec<Run<'_>> = ["svhn", "mnist", "kmnist"]
        .into_iter()
        .zip(points)
        .flat_map(|(target, points)| {
            leads(points).into_iter().map(move |run| Run { target, ..run })
        })
        .collect();
    let verdict = judge(&claim(&text), &evidence(&log(&rows(&runs)), SamplingDesign::FixedSample));
    let p = points.map(|points| paired_t(&sample(points), 4.0).p_greater);
    let adjusted = holm(&p);
    assert_eq!(verdict.cells.len(), 3);
    for cell in &verdict.cells {
        let of = |target: &&str| cell.target.as_deref() == Some(target);
        let of = ["svhn", "mnist", "kmnist"].iter().position(of).unwrap();
        assert!(close(cell.p, p[of]) && close(cell.p_adjusted, adjusted[of]), "{cell:?}");
    }
}

fn answer(points: &[f64], relation: Relation) -> Answer {
    let values: Vec<Censored> = points.iter().copied().map(Censored::exactly).collect();
    decide(&values, relation, Alpha::CONVENTIONAL, 0.01)
}

/// Two one-sided tests: the weaker of the two is shown, whichever end is nearer, and the refuting
/// test is that beyond the nearer end.
#[test]
fn an_equivalence_shows_the_weaker_of_its_tests_on_either_side() {
    const MARGIN: f64 = 2.5;
    for points in [[1.2, 2.4, 1.3, 1.9, 0.1], [3.2, 4.4, 3.3, 3.9, 2.1]] {
        let sample = sample(&points);
        let at = |null: f64| -> TTest { paired_t(&sample, null) };
        let found = answer(&points, Relation::EquivalentWithin(MARGIN));
        assert!(close(found.p, at(MARGIN).p_less) && close(found.t, at(MARGIN).t), "{found:?}");
        assert!(close(found.p_refuted, at(MARGIN).p_greater), "{found:?}");
        assert!(at(MARGIN).p_less > at(-MARGIN).p_greater, "a test of this test");

        // The same below zero.
        let mirrored = answer(&points.map(|point| -point), Relation::EquivalentWithin(MARGIN));
        assert!(close(mirrored.p, at(MARGIN).p_less), "{mirrored:?}");
        assert!(close(mirrored.t, -at(MARGIN).t), "{mirrored:?}");
        assert!(close(mirrored.p_refuted, at(MARGIN).p_greater), "{mirrored:?}");
        assert_eq!(found.side, mirrored.side);
    }
}

#[test]
fn a_direction_is_refuted_by_the_test_against_its_margin() {
    for (relation, margin) in
        [(Relation::GreaterThan(4.0), 4.0), (Relation::NotWorseThan(1.5), -1.5)]
    {
        let test = paired_t(&sample(&LEADS), margin);
        let found = answer(&LEADS, relation);
        assert!(close(found.p, test.p_greater) && close(found.p_refuted, test.p_less), "{found:?}");
    }
}

/// Three seeds, whose interval at the first of three looks is the mean and 0.44 points on either
/// side.
fn at(mean: f64) -> Vec<Run<'static>> {
    leads(&[mean, mean + 0.1, mean - 0.1])
}

/// A cell is borderline where an end of its interval is within a point of the margin, a verdict
/// where a shift of all values by a point, up or down, changes it.
#[test]
fn what_is_borderline_depends_on_the_margin_and_not_on_zero() {
    use Verdict::{Inconclusive, Refuted, Supported};
    for (relation, mean, verdict, of_cell, of_verdict) in [
        ("greater_than = 4.0", 5.0, Supported, true, true),
        ("greater_than = 3.0", 5.0, Supported, false, false),
        ("greater_than = 4.0", 0.5, Refuted, false, false),
        ("greater_than = -4.0", -5.0, Refuted, true, true),
        ("greater_than = -3.0", -5.0, Refuted, false, false),
        ("greater_than = 4.0", 4.3, Inconclusive, true, true),
        ("greater_than = 4.0", 3.7, Inconclusive, true, true),
        ("not_worse_than = 4.0", -3.0, Supported, true, true),
        ("not_worse_than = 4.0", -0.1, Supported, false, false),
        ("not_worse_than = 4.0", -5.0, Refuted, true, true),
        ("equivalent_within = 4.0", 3.0, Supported, true, true),
        ("equivalent_within = 4.0", -3.0, Supported, true, true),
        ("equivalent_within = 4.0", 0.2, Supported, false, false),
        ("equivalent_within = 4.0", -5.0, Refuted, true, true),
        ("equivalent_within = 4.0", 8.0, Refuted, false, false),
    ] {
        let found = asked(relation, &at(mean), SamplingDesign::GroupSequential);
        let flagged = has(&found, Flag::Borderline);
        let found = (found.verdict, flagged, found.borderline);
        assert_eq!(found, (verdict, of_cell, of_verdict), "{relation}, {mean}");
        // Published runs are the same on every machine.
        let log = asked(relation, &at(mean), SamplingDesign::FixedSample);
        assert!(!has(&log, Flag::Borderline) && !log.borderline, "{relation}, {mean}");
    }
}

/// A bound on the margin decides nothing, and one a point away is not within a point.
#[test]
fn the_ends_of_every_range_are_outside() {
    let (above, below) = (Relation::GreaterThan(1.0), Relation::NotWorseThan(1.0));
    let within = Relation::EquivalentWithin(1.0);
    for (low, high, relation) in [
        (1.0, 2.0, above),
        (0.0, 1.0, above),
        (-1.0, 2.0, below),
        (-2.0, -1.0, below),
        (-1.0, 0.5, within),
        (-0.5, 1.0, within),
        (1.0, 2.0, within),
        (-2.0, -1.0, within),
    ] {
        assert_eq!(Side::from_bounds(low, high, relation), Side::Undecided, "{low} {high}");
    }
    let of = |relation: &str| asked(relation, &at(5.0), SamplingDesign::GroupSequential);
    // Both subtractions are exact.
    let low = of("greater_than = 3.0").cells[0].low.unwrap();
    assert_eq!(low - (low - 1.0), 1.0);
    assert!(!has(&of(&format!("greater_than = {}", low - 1.0)), Flag::Borderline));
    assert!(has(&of(&format!("greater_than = {}", low - 0.999)), Flag::Borderline));
}

/// A p of exactly alpha decides nothing, under any quantifier.
#[test]
fn a_p_of_alpha_decides_nothing() {
    let alpha = Alpha::CONVENTIONAL;
    let unit = |side: Side, p: f64, p_refuted: f64| {
        vec![Unit { name: "a cell".to_owned(), side, p, p_refuted, incomplete: false }]
    };
    let level = alpha.level();
    let (towards, away) = (unit(Side::Supported, level, 1.0), unit(Side::Refuted, 1.0, level));
    let below = unit(Side::Supported, level * 0.999, 1.0);
    for (holds, units, verdict) in [
        (Holds::AtLeast(1), &towards, Verdict::Inconclusive),
        (Holds::AtLeast(1), &below, Verdict::Supported),
        (Holds::AtLeast(1), &away, Verdict::Inconclusive),
        (Holds::Every, &away, Verdict::Inconclusive),
        // One of one: the tail is alpha.
        (Holds::MoreThanChance, &towards, Verdict::Inconclusive),
    ] {
        assert_eq!(quantify(holds, units, alpha).0, verdict, "{holds:?} {units:?}");
    }
}

/// So many cells of a family with a clear lead, the others with none.
fn more_than_chance(supported: usize) -> ClaimVerdict {
    let targets = ["svhn", "mnist", "kmnist"];
    let names = targets.map(|target| format!("\"{target}\"")).join(", ");
    let text = claim_text("greater_than = 0.0")
        .replace("target = \"svhn\"", &format!("target = [{names}]"))
        .replace("holds = \"every\"", "holds = \"more_than_chance\"");
    let points =
        |place| if place < supported { [5.0, 5.1, 4.9, 5.0] } else { [5.0, -5.1, 4.9, -5.0] };
    let runs: Vec<Run<'_>> = targets
        .into_iter()
        .enumerate()
        .flat_map(|(place, target)| {
            leads(&points(place)).into_iter().map(move |run| Run { target, ..run })
        })
        .collect();
    judge(&claim(&text), &evidence(&log(&rows(&runs)), SamplingDesign::FixedSample))
}

/// scipy.stats.binom.sf(k - 1, 3, 0.025).
#[test]
fn more_than_chance_is_the_upper_tail_of_the_binomial() {
    for (supported, verdict, p) in [
        (0, Verdict::Inconclusive, "binomial p = 1.000"),
        (1, Verdict::Inconclusive, "binomial p = 0.073"),
        (2, Verdict::Supported, "binomial p = 0.002"),
        (3, Verdict::Supported, "binomial p = 1.6e-5"),
    ] {
        let found = more_than_chance(supported);
        assert_eq!(found.verdict, verdict, "{}", found.reason);
        assert!(found.reason.contains(p), "{}", found.reason);
        assert!(found.reason.contains("0.1 expected by chance"), "{}", found.reason);
    }
}
