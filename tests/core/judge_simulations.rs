//! Measured error rates of the judge, from rows of a log to a verdict, when the truth is on the
//! margin. The statistics have their own simulations.

use crate::common;
use common::{Run, claim, claim_text, evidence, log, rows, run};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use repro::{
    claim::{Design, Holds, Relation},
    evidence::SamplingDesign,
    experiment::Verdict,
    judge::{
        Side, Unit, decide,
        interim::{Interim, stop},
        judge,
        observe::Censored,
        quantify,
    },
    stats::{Alpha, Looks},
};

/// The paper's arXiv number; any other seed would do.
const SEED: u64 = 2_007_058_690;
/// Simulated experiments for each rate.
const DRAWS: u32 = 20_000;
/// The maximum distance of a rate above the nominal one, in standard errors of the measurement.
const STANDARD_ERRORS: f64 = 4.0;
/// One-sided level.
const ALPHA: f64 = 0.025;

fn most(nominal: f64) -> f64 {
    nominal + STANDARD_ERRORS * (nominal * (1.0 - nominal) / f64::from(DRAWS)).sqrt()
}

fn normal(generator: &mut ChaCha8Rng) -> f64 {
    generator.sample(StandardNormal)
}

/// The share of simulated experiments with the verdict "supported".
fn supported(mut experiment: impl FnMut(&mut ChaCha8Rng) -> Verdict) -> f64 {
    let mut generator = ChaCha8Rng::seed_from_u64(SEED);
    let hits = (0..DRAWS).filter(|_| experiment(&mut generator) == Verdict::Supported).count();
    hits as f64 / f64::from(DRAWS)
}

/// A log of pairs without a true lead: the arms share the seed's level and have independent noise.
fn level_pairs(generator: &mut ChaCha8Rng, seeds: u64) -> Vec<Run<'static>> {
    let mut runs = Vec::new();
    for seed in 1..=seeds {
        let level = 50.0 + 5.0 * normal(generator);
        runs.push(run("l2_3", seed, level + 2.0 * normal(generator)));
        runs.push(run("natural", seed, level + 2.0 * normal(generator)));
    }
    runs
}

fn from_log_to_verdict(looking: SamplingDesign) -> f64 {
    let claim = claim(&claim_text("greater_than = 0.0"));
    supported(|generator| {
        let log = log(&rows(&level_pairs(generator, 10)));
        judge(&claim, &evidence(&log, looking)).verdict
    })
}

#[test]
fn the_judge_errs_at_most_at_its_level_from_log_to_verdict() {
    let fixed = from_log_to_verdict(SamplingDesign::FixedSample);
    let sequential = from_log_to_verdict(SamplingDesign::GroupSequential);
    insta::with_settings!({ snapshot_path => "../../goldens/statistics/simulations", prepend_module_to_snapshot => false, omit_expression => true }, {
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
    let values: Vec<Censored> =
        (0..5).map(|_| Censored::exactly(lead + normal(generator))).collect();
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
fn a_false_quantifier_is_rarely_called_supported() {
    // The least favourable truths: all cells except the decisive one lead clearly.
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
    // Without any lead, the rate of refuting "every cell" must be at most nominal too.
    let mut generator = ChaCha8Rng::seed_from_u64(SEED);
    let refuted = (0..DRAWS)
        .filter(|_| {
            let units: Vec<Unit> = (0..5).map(|_| cell(&mut generator, 0.0)).collect();
            quantify(Holds::Every, &units, Alpha::CONVENTIONAL).0 == Verdict::Refuted
        })
        .count() as f64
        / f64::from(DRAWS);
    insta::with_settings!({ snapshot_path => "../../goldens/statistics/simulations", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("judge_quantifiers", format!(
            "wrong verdicts of {DRAWS} experiments of 5 cells of 5 seeds (nominal at most {ALPHA})\n\
             every cell, one without a lead           {every:.4}\n\
             at least three, two with a lead          {at_least:.4}\n\
             every cell refuted, none without a lead  {refuted:.4}"
        ));
    });
    assert!(every <= most(ALPHA) && at_least <= most(ALPHA) && refuted <= most(ALPHA));
}

/// A cell with this true lead, in standard deviations of one seed, with answers at looks of 3, 5
/// and 10 seeds.
fn looked(generator: &mut ChaCha8Rng, lead: f64, design: &Design) -> Interim {
    let values: Vec<Censored> =
        (0..10).map(|_| Censored::exactly(lead + normal(generator))).collect();
    let level = design.looks.level(design.alpha);
    let at = |seeds: &usize| decide(&values[..*seeds], Relation::GreaterThan(0.0), level, 0.01);
    Interim {
        name: String::new(),
        answers: design.looks.seeds().iter().map(at).collect(),
        looks: design.looks.count(),
        incomplete: false,
        can_continue: true,
    }
}

/// The share of experiments with this verdict, in a sequential design of several cells.
fn sequential(holds: Holds, leads: &[f64], draws: u32, verdict: Verdict) -> f64 {
    let looks = || Looks::new(vec![3, 5, 10]).unwrap();
    let (alpha, e_value_g) = (Alpha::CONVENTIONAL, 1.0);
    let design = Design { looks: looks(), secondary_looks: looks(), alpha, e_value_g };
    let mut generator = ChaCha8Rng::seed_from_u64(SEED);
    let hits = (0..draws)
        .filter(|_| {
            let cells: Vec<Interim> =
                leads.iter().map(|lead| looked(&mut generator, *lead, &design)).collect();
            stop(holds, &design, &cells).verdict == verdict
        })
        .count();
    hits as f64 / f64::from(draws)
}

/// The same truths as above, under sequential looks, and a quantifier over as many cells as in the
/// paper, which can still be decided.
#[test]
fn a_quantifier_under_sequential_looks_keeps_its_level_and_can_be_decided() {
    const FEWER: u32 = 300;
    let every = sequential(Holds::Every, &[0.0, 50.0, 50.0, 50.0, 50.0], DRAWS, Verdict::Supported);
    let at_least =
        sequential(Holds::AtLeast(3), &[0.0, 0.0, 0.0, 50.0, 50.0], DRAWS, Verdict::Supported);
    let refuted = sequential(Holds::Every, &[0.0; 5], DRAWS, Verdict::Refuted);
    let power = |lead| sequential(Holds::AtLeast(49), &[lead; 54], FEWER, Verdict::Supported);
    let (two, three) = (power(2.0), power(3.0));
    insta::with_settings!({ snapshot_path => "../../goldens/statistics/simulations", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("judge_sequential_quantifiers", format!(
            "wrong verdicts of {DRAWS} experiments of 5 cells looked at with 3, 5 and 10 seeds (nominal at most {ALPHA})\n\
             every cell, one without a lead           {every:.4}\n\
             at least three, two with a lead          {at_least:.4}\n\
             every cell refuted, none without a lead  {refuted:.4}\n\
             right verdicts of {FEWER} experiments of 54 cells, 49 needed\n\
             all lead by 2 standard deviations        {two:.4}\n\
             all lead by 3 standard deviations        {three:.4}"
        ));
    });
    assert!(every <= most(ALPHA) && at_least <= most(ALPHA) && refuted <= most(ALPHA));
    assert!(two > 0.95 && three > 0.99);
}

#[test]
fn a_decided_side_agrees_with_the_interval() {
    assert_eq!(Side::from_bounds(0.1, 2.0, Relation::GreaterThan(0.0)), Side::Supported);
    assert_eq!(Side::from_bounds(f64::NAN, 2.0, Relation::GreaterThan(0.0)), Side::Undecided);
}
