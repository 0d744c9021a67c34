//! Properties of verdicts that must hold for all possible records.

use crate::common;
use common::{claim, claim_text, evidence, log, rows, run};
use proptest::prelude::*;
use repro::{
    claim::Relation,
    evidence::SamplingDesign,
    judge::{Answer, Side, decide, judge, observe::Censored},
    stats::Alpha,
};

/// Accuracies in hundredths of a point, as in the published log.
const RESOLUTION: f64 = 0.01;

fn points() -> impl Strategy<Value = f64> {
    -60.0..60.0_f64
}

fn seeds() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(points(), 2..12)
}

fn answer(values: &[f64], relation: Relation) -> Answer {
    let values: Vec<Censored> = values.iter().copied().map(Censored::exactly).collect();
    decide(&values, relation, Alpha::CONVENTIONAL, RESOLUTION)
}

/// The order of sides, from against the hypothesis to for it.
fn rank(side: Side) -> i32 {
    match side {
        Side::Refuted => -1,
        Side::Undecided => 0,
        Side::Supported => 1,
    }
}

proptest! {
    #[test]
    fn a_wider_margin_never_makes_greater_than_easier(values in seeds(), low in points(), step in 0.0..20.0_f64) {
        let narrow = answer(&values, Relation::GreaterThan(low)).side;
        let wide = answer(&values, Relation::GreaterThan(low + step)).side;
        prop_assert!(rank(wide) <= rank(narrow));
    }

    #[test]
    fn a_wider_margin_never_makes_not_worse_or_equivalent_harder(
        values in seeds(), margin in 0.01..20.0_f64, step in 0.0..20.0_f64,
    ) {
        for relation in [Relation::NotWorseThan, Relation::EquivalentWithin] {
            let narrow = answer(&values, relation(margin)).side;
            let wide = answer(&values, relation(margin + step)).side;
            prop_assert!(rank(narrow) <= rank(wide), "{narrow:?} {wide:?}");
        }
    }

    #[test]
    fn swapping_the_arms_exchanges_supported_and_refuted(values in seeds()) {
        let swapped: Vec<f64> = values.iter().map(|value| -value).collect();
        let forth = answer(&values, Relation::GreaterThan(0.0));
        let back = answer(&swapped, Relation::GreaterThan(0.0));
        prop_assert_eq!(rank(forth.side), -rank(back.side));
        prop_assert_eq!(forth.p, back.p_refuted);
        prop_assert_eq!(forth.low.map(|low| -low), back.high);
    }

    #[test]
    fn the_interval_contains_the_mean_and_decides_as_p_does(values in seeds(), margin in points()) {
        let answer = answer(&values, Relation::GreaterThan(margin));
        let (low, high, mean) = (answer.low.unwrap(), answer.high.unwrap(), answer.estimate.unwrap());
        prop_assert!(low <= mean && mean <= high);
        let (p, alpha) = (answer.p.unwrap(), Alpha::CONVENTIONAL.level());
        // Only on the boundary the two may differ by rounding.
        if (p - alpha).abs() > 1e-9 {
            prop_assert_eq!(answer.side == Side::Supported, p < alpha);
        }
    }

    #[test]
    fn the_order_of_seeds_does_not_matter(values in seeds(), turn in 0..12_usize) {
        let mut turned = values.clone();
        turned.rotate_left(turn % values.len());
        turned.reverse();
        let (one, other) = (answer(&values, Relation::GreaterThan(0.0)), answer(&turned, Relation::GreaterThan(0.0)));
        prop_assert_eq!(one.side, other.side);
        prop_assert!((one.low.unwrap() - other.low.unwrap()).abs() < 1e-9);
    }

    #[test]
    fn a_value_that_is_not_a_number_never_yields_supported(
        values in seeds(), at in 0..12_usize, which in 0..3_usize, margin in -100.0..100.0_f64,
    ) {
        let mut values = values;
        let at = at % values.len();
        values[at] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][which];
        for relation in [
            Relation::GreaterThan(margin),
            Relation::NotWorseThan(margin.abs()),
            Relation::EquivalentWithin(margin.abs() + 1.0),
        ] {
            prop_assert_eq!(answer(&values, relation).side, Side::Undecided);
        }
    }

    #[test]
    fn a_failed_run_never_helps_the_hypothesis(values in seeds(), margin in points()) {
        let finished: Vec<Censored> = values.iter().copied().map(Censored::exactly).collect();
        let mut failed = finished.clone();
        failed.push(Censored { low: -100.0, high: 100.0, finished: false });
        for relation in [Relation::GreaterThan(margin), Relation::EquivalentWithin(margin.abs() + 1.0)] {
            let without = decide(&finished, relation, Alpha::CONVENTIONAL, RESOLUTION).side;
            let with = decide(&failed, relation, Alpha::CONVENTIONAL, RESOLUTION).side;
            prop_assert!(with == without || with == Side::Undecided, "{without:?} {with:?}");
        }
    }

    #[test]
    fn bounds_around_a_value_decide_no_more_than_the_value(values in seeds(), width in 0.0..30.0_f64) {
        let exact: Vec<Censored> = values.iter().copied().map(Censored::exactly).collect();
        let around = |value: &f64| Censored { low: value - width, high: value + width, finished: true };
        let bounds: Vec<Censored> = values.iter().map(around).collect();
        let relation = Relation::GreaterThan(0.0);
        let known = decide(&exact, relation, Alpha::CONVENTIONAL, RESOLUTION).side;
        let bounded = decide(&bounds, relation, Alpha::CONVENTIONAL, RESOLUTION).side;
        prop_assert!(bounded == known || bounded == Side::Undecided, "{known:?} {bounded:?}");
    }

    // Above 1 %: an arm with less alone is refused as shares.
    #[test]
    fn joining_on_keys_survives_shuffled_rows(
        robust in prop::collection::vec(2.0..100.0_f64, 2..8),
        natural in prop::collection::vec(2.0..100.0_f64, 2..8),
        order in any::<u64>(),
    ) {
        let mut runs: Vec<_> = robust.iter().zip(1..).map(|(value, seed)| run("l2_3", seed, *value)).collect();
        runs.extend(natural.iter().zip(1..).map(|(value, seed)| run("natural", seed, *value)));
        let rows = rows(&runs);
        let mut shuffled = rows.clone();
        // A hash of each row and the drawn number gives a random order.
        shuffled.sort_by_key(|row| {
            use std::hash::{DefaultHasher, Hash, Hasher};
            let mut hasher = DefaultHasher::new();
            (order, row).hash(&mut hasher);
            hasher.finish()
        });
        let claim = claim(&claim_text("greater_than = 0.0"));
        let verdict = |rows: &[String]| judge(&claim, &evidence(&log(rows), SamplingDesign::FixedSample));
        let (one, other) = (verdict(&rows), verdict(&shuffled));
        prop_assert_eq!(serde_json::to_value(&one).unwrap(), serde_json::to_value(&other).unwrap());
        prop_assert_eq!(one.cells[0].seeds, robust.len().min(natural.len()));
        prop_assert_eq!(one.cells[0].unmatched_seeds, robust.len().abs_diff(natural.len()));
    }
}
