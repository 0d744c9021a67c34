//! How often the judge itself errs, from rows of a log to a verdict, when the truth lies on the
//! margin: the statistics have their own simulations, this one goes the whole way.

mod common;

use common::{Run, claim, claim_text, evidence, log, rows, run};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use repro::{
    claim::{Holds, Relation},
    evidence::Looking,
    judge::{Side, Unit, decide, judge, quantify},
    observe::Observed,
    stats::Alpha,
    verdict::Verdict,
};

/// The paper's number; any other would do.
const SEED: u64 = 2_007_058_690;
/// Simulated experiments a rate.
const DRAWS: u32 = 20_000;
/// How far a rate may lie above the nominal one, in standard errors of the measurement.
const STANDARD_ERRORS: f64 = 4.0;
/// One-sided level.
const ALPHA: f64 = 0.025;

fn most(nominal: f64) -> f64 {
    nominal + STANDARD_ERRORS * (nominal * (1.0 - nominal) / f64::from(DRAWS)).sqrt()
}

fn normal(generator: &mut ChaCha8Rng) -> f64 {
    generator.sample(StandardNormal)
}

/// Share of simulated experiments that the judge calls supported.
fn supported(mut experiment: impl FnMut(&mut ChaCha8Rng) -> Verdict) -> f64 {
    let mut generator = ChaCha8Rng::seed_from_u64(SEED);
    let hits = (0..DRAWS).filter(|_| experiment(&mut generator) == Verdict::Supported).count();
    hits as f64 / f64::from(DRAWS)
}

/// A log of pairs without a true lead: seeds share a level, arms add their own noise.
fn level_pairs(generator: &mut ChaCha8Rng, seeds: u64) -> Vec<Run<'static>> {
    let mut runs = Vec::new();
    for seed in 1..=seeds {
        let level = 50.0 + 5.0 * normal(generator);
        runs.push(run("l2_3", seed, level + 2.0 * normal(generator)));
        runs.push(run("natural", seed, level + 2.0 * normal(generator)));
    }
    runs
}

fn from_log_to_verdict(looking: Looking) -> f64 {
    let claim = claim(&claim_text("greater_than = 0.0"));
    supported(|generator| {
        let log = log(&rows(&level_pairs(generator, 10)));
        judge(&claim, &evidence(&log, looking)).verdict
    })
}

#[test]
fn from_a_log_to_a_verdict_the_judge_errs_as_rarely_as_it_says() {
    let fixed = from_log_to_verdict(Looking::Fixed);
    let sequential = from_log_to_verdict(Looking::Sequential);
    insta::with_settings!({ snapshot_path => "../goldens/statistics/simulations", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("judge", format!(
            "supported without a true lead, of {DRAWS} logs of 10 seeds (nominal {ALPHA})\n\
             fixed design       {fixed:.4}\nsequential design  {sequential:.4}"
        ));
    });
    assert!((most(ALPHA) - ALPHA) > (fixed - ALPHA).abs(), "{fixed}");
    assert!(sequential <= most(ALPHA), "{sequential}");
}

/// A cell with this true lead, in standard deviations of one seed, over five seeds.
fn cell(generator: &mut ChaCha8Rng, lead: f64) -> Unit {
    let values: Vec<Observed> =
        (0..5).map(|_| Observed::exactly(lead + normal(generator))).collect();
    let answer = decide(&values, Relation::GreaterThan(0.0), Alpha::CONVENTIONAL, 0.01);
    Unit {
        name: String::new(),
        side: answer.side,
        p: answer.p.unwrap(),
        p_refuted: answer.p_refuted.unwrap(),
        incomplete: false,
    }
}

#[test]
fn a_quantifier_that_is_not_true_is_rarely_called_supported() {
    // The least favourable truths: all cells but the one that matters lead beyond any doubt.
    let every = supported(|generator| {
        let mut units = vec![cell(generator, 0.0)];
        units.extend((0..4).map(|_| cell(generator, 50.0)));
        quantify(Holds::Every, &units, Alpha::CONVENTIONAL).0
    });
    let at_least = supported(|generator| {
        let mut units: Vec<Unit> = (0..3).map(|_| cell(generator, 0.0)).collect();
        units.extend((0..2).map(|_| cell(generator, 50.0)));
        quantify(Holds::AtLeast(3), &units, Alpha::CONVENTIONAL).0
    });
    // With no lead anywhere, "every cell" must not be refuted either more often than it says.
    let mut generator = ChaCha8Rng::seed_from_u64(SEED);
    let refuted = (0..DRAWS)
        .filter(|_| {
            let units: Vec<Unit> = (0..5).map(|_| cell(&mut generator, 0.0)).collect();
            quantify(Holds::Every, &units, Alpha::CONVENTIONAL).0 == Verdict::Refuted
        })
        .count() as f64
        / f64::from(DRAWS);
    insta::with_settings!({ snapshot_path => "../goldens/statistics/simulations", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("judge_quantifiers", format!(
            "wrong verdicts of {DRAWS} experiments of 5 cells of 5 seeds (nominal at most {ALPHA})\n\
             every cell, one without a lead           {every:.4}\n\
             at least three, two with a lead          {at_least:.4}\n\
             every cell refuted, none without a lead  {refuted:.4}"
        ));
    });
    assert!(every <= most(ALPHA) && at_least <= most(ALPHA) && refuted <= most(ALPHA));
}

#[test]
fn a_decided_side_is_the_interval_s() {
    assert_eq!(Side::of(0.1, 2.0, Relation::GreaterThan(0.0)), Side::Supported);
    assert_eq!(Side::of(f64::NAN, 2.0, Relation::GreaterThan(0.0)), Side::Undecided);
}
