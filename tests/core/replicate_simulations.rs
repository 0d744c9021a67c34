//! Measured error rates of the judge where replicates are not plainly paired, or runs are absent,
//! without a true lead.

use std::collections::BTreeMap;

use crate::common;
use common::{Run, claim, claim_text, evidence, log, rows, run};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use repro::{
    evidence::{Evidence, Planned, Replicates, SamplingDesign, Structure},
    experiment::{Factors, Seed, Verdict},
    judge::judge,
};

/// The paper's arXiv number; any other seed would do.
const SEED: u64 = 2_007_058_690;
/// Simulated logs for each rate.
const DRAWS: u32 = 2_000;
/// One-sided level.
const ALPHA: f64 = 0.025;

type Generator = ChaCha8Rng;

fn normal(generator: &mut Generator) -> f64 {
    generator.sample(StandardNormal)
}

/// The share of logs whose verdict is "supported".
fn supported(replicates: &Replicates, runs: impl Fn(&mut Generator) -> Vec<Run<'static>>) -> f64 {
    let claim = claim(&claim_text("greater_than = 0.0"));
    let mut generator = Generator::seed_from_u64(SEED);
    let mut verdict = || {
        let log = log(&rows(&runs(&mut generator)));
        let evidence = evidence(&log, SamplingDesign::FixedSample);
        judge(&claim, &Evidence { replicates: replicates.clone(), ..evidence }).verdict
    };
    let hits = (0..DRAWS).filter(|_| verdict() == Verdict::Supported).count();
    hits as f64 / f64::from(DRAWS)
}

/// Robust varies four times as much as natural, and has half as many seeds.
fn unequal(generator: &mut Generator) -> Vec<Run<'static>> {
    let robust = (1..=5).map(|seed| (("l2_3", seed), 4.0));
    let natural = (1..=10).map(|seed| (("natural", seed), 1.0));
    let arms = robust.chain(natural).collect::<Vec<_>>().into_iter();
    arms.map(|((source, seed), sd)| run(source, seed, 50.0 + sd * normal(generator))).collect()
}

/// Ten folds whose differences have the correlation that folds of a tenth are taken to have.
fn folds(generator: &mut Generator) -> Vec<Run<'static>> {
    let common = 0.1_f64.sqrt() * normal(generator);
    let mut runs = Vec::new();
    for fold in 1..=10 {
        let difference = 2.0 * (common + 0.9_f64.sqrt() * normal(generator));
        runs.push(run("l2_3", fold, 50.0 + difference));
        runs.push(run("natural", fold, 50.0));
    }
    runs
}

/// One to four sessions of each of six subjects, whose leads differ.
fn sessions(generator: &mut Generator) -> Vec<Run<'static>> {
    let mut runs = Vec::new();
    for subject in 1..=6 {
        let lead = 2.0 * normal(generator);
        for session in 0..1 + subject % 4 {
            let seed = 10 * subject + session;
            runs.push(run("l2_3", seed, 50.0 + lead + normal(generator)));
            runs.push(run("natural", seed, 50.0 + normal(generator)));
        }
    }
    runs
}

/// Ten seeds of each arm, of which the three worst of robust crashed.
fn crashed(generator: &mut Generator) -> Vec<Run<'static>> {
    let level = 50.0;
    let mut robust: Vec<(u64, f64)> =
        (1..=10).map(|seed| (seed, level + 2.0 * normal(generator))).collect();
    robust.sort_by(|left, right| left.1.total_cmp(&right.1));
    let mut runs: Vec<Run<'static>> =
        robust[3..].iter().map(|(seed, value)| run("l2_3", *seed, *value)).collect();
    runs.extend((1..=10).map(|seed| run("natural", seed, level + 0.3 * normal(generator))));
    runs
}

/// Ten seeds of each arm, three of robust lost whatever they measured.
fn lost(generator: &mut Generator) -> Vec<Run<'static>> {
    let mut runs: Vec<Run<'static>> =
        (1..=7).map(|seed| run("l2_3", seed, 50.0 + 2.0 * normal(generator))).collect();
    runs.extend((1..=10).map(|seed| run("natural", seed, 50.0 + normal(generator))));
    runs
}

#[test]
fn replicates_of_every_kind_keep_the_level() {
    let paired = Replicates::default();
    let unpaired = Replicates { paired: false, ..paired.clone() };
    let of = |structure| Replicates { structure, ..Replicates::default() };
    let folded = of(Structure::Folds { test_to_train: 1.0 / 9.0 });
    let subject = |seed: u64| (Seed(seed), Seed(seed / 10));
    let units: BTreeMap<Seed, Seed> = (10..70).map(subject).collect();
    let nested = of(Structure::Nested { units });
    let planned = |count| Replicates {
        planned: Some(Planned { counts: vec![(Factors::new(), count)], ..Planned::default() }),
        ..Replicates::default()
    };
    let right = [
        ("unpaired arms, one with 4 times the spread", supported(&unpaired, unequal)),
        ("ten folds, corrected", supported(&folded, folds)),
        ("sessions within subjects", supported(&nested, sessions)),
        ("three runs lost at random, planned", supported(&planned(10), lost)),
        ("the three worst runs crashed, planned", supported(&planned(10), crashed)),
        ("three runs never planned", supported(&planned(7), lost)),
    ];
    let wrong = [
        ("ten folds, as if independent", supported(&paired, folds)),
        ("sessions, as if independent", supported(&paired, sessions)),
        ("the three worst runs crashed, unstated", supported(&paired, crashed)),
    ];
    let lines = |rates: &[(&str, f64)]| -> String {
        rates.iter().map(|(name, rate)| format!("\n{name:44}{rate:.4}")).collect()
    };
    insta::with_settings!({ snapshot_path => "../../goldens/statistics/simulations", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("replicates", format!(
            "supported without a true lead, of {DRAWS} logs (nominal {ALPHA}){}\n\
             if the study does not say so{}",
            lines(&right), lines(&wrong)
        ));
    });
    let most = ALPHA + 4.0 * (ALPHA * (1.0 - ALPHA) / f64::from(DRAWS)).sqrt();
    assert!(right.iter().all(|(_, rate)| *rate <= most), "{right:?}");
    assert!(wrong.iter().all(|(_, rate)| *rate > most), "{wrong:?}");
}
