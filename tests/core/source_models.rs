//! Measured error rates where leads differ between source models: of the design that gives each
//! seed its own pair of source models, and of the design that gives all seeds the same pair.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use repro::{
    claim::{Design, Holds, Relation},
    experiment::Verdict,
    judge::{
        Answer, Side, decide,
        interim::{Interim, stop},
        observe::Censored,
    },
    stats::{Alpha, Looks, Sample, paired_t, t_upper_quantile},
};
use std::fmt::Write as _;

/// The paper's arXiv number; any other seed would do.
const SEED: u64 = 2_007_058_690;
/// Simulated experiments for each rate.
const DRAWS: u32 = 20_000;
/// The maximum distance of a rate above the nominal one, in standard errors of the measurement.
const STANDARD_ERRORS: f64 = 4.0;
/// One-sided level.
const ALPHA: f64 = 0.025;
/// The cells of a claim.
const CELLS: usize = 5;
const SEEDS: usize = 10;
/// The part of a source model's deviation that all cells share.
const SHARED: f64 = 0.5;

fn most() -> f64 {
    ALPHA + STANDARD_ERRORS * (ALPHA * (1.0 - ALPHA) / f64::from(DRAWS)).sqrt()
}

fn design(looks: Vec<usize>) -> Design {
    let looks = Looks::new(looks).unwrap();
    let alpha = Alpha::CONVENTIONAL;
    Design { secondary_looks: looks.clone(), looks, alpha, e_value_g: 1.0 }
}

/// Which source models seeds have.
#[derive(Clone, Copy, PartialEq)]
enum Sources {
    /// A pair for each seed.
    PairPerSeed,
    /// One pair for all seeds.
    OnePair,
}

fn normal(generator: &mut ChaCha8Rng) -> f64 {
    generator.sample(StandardNormal)
}

/// The leads of every cell and seed, in spreads over seeds, where no cell leads on average over
/// source models; `between` is the standard deviation between source models.
fn leads(generator: &mut ChaCha8Rng, sources: Sources, between: f64) -> [[f64; SEEDS]; CELLS] {
    let mut leads = [[0.0; SEEDS]; CELLS];
    let mut deviations = [0.0; CELLS];
    for seed in 0..SEEDS {
        if seed == 0 || sources == Sources::PairPerSeed {
            let shared = normal(generator);
            for deviation in &mut deviations {
                let own = normal(generator);
                *deviation = between * (SHARED.sqrt() * shared + (1.0 - SHARED).sqrt() * own);
            }
        }
        for (cell, deviation) in leads.iter_mut().zip(deviations) {
            cell[seed] = deviation + normal(generator);
        }
    }
    leads
}

/// The answers at each look, as [`decide`] gives them for values that are known, at less cost.
fn interim(values: &[f64], design: &Design, critical: &[f64]) -> Interim {
    let answer = |(seeds, critical): (&usize, &f64)| {
        let sample = Sample::new(values[..*seeds].to_vec()).unwrap();
        let test = paired_t(&sample, 0.0);
        let half = critical * sample.standard_error();
        let (low, high) = (sample.mean() - half, sample.mean() + half);
        Answer {
            estimate: Some(sample.mean()),
            low: Some(low),
            high: Some(high),
            t: Some(test.t),
            p: Some(test.p_greater),
            p_refuted: Some(test.p_less),
            side: Side::from_bounds(low, high, Relation::GreaterThan(0.0)),
            spread_floored: false,
            unbounded: 0,
        }
    };
    Interim {
        name: String::new(),
        answers: design.looks.seeds().iter().zip(critical).map(answer).collect(),
        looks: design.looks.count(),
        incomplete: false,
        can_continue: true,
    }
}

fn critical(design: &Design) -> Vec<f64> {
    design.looks.critical_values(design.alpha)
}

/// The wrong verdicts of a design: shares of experiments.
#[derive(Default)]
struct Wrong {
    /// One cell without a lead is supported.
    cell: f64,
    /// "Every cell" is supported, one has no lead and the others lead by far.
    every: f64,
    /// "At least three of five" is supported, and two lead by far.
    at_least: f64,
    /// "Every cell" is refuted, and none trails.
    refuted: f64,
}

fn wrong(design: &Design, sources: Sources, between: f64) -> Wrong {
    let mut generator = ChaCha8Rng::seed_from_u64(SEED);
    let critical = critical(design);
    let mut clear = || (0..SEEDS).map(|_| 50.0 + normal(&mut generator)).collect::<Vec<f64>>();
    let clear: Vec<Interim> = (0..4).map(|_| interim(&clear(), design, &critical)).collect();
    let share = 1.0 / f64::from(DRAWS);
    let mut wrong = Wrong::default();
    for _ in 0..DRAWS {
        let level: Vec<Interim> = leads(&mut generator, sources, between)
            .iter()
            .map(|values| interim(values, design, &critical))
            .collect();
        let is = |holds: Holds, units: &[Interim], verdict: Verdict| {
            f64::from(u8::from(stop(holds, design, units).verdict == verdict)) * share
        };
        let with_clear = |level_cells: usize, clear_cells: usize| {
            [&level[..level_cells], &clear[..clear_cells]].concat()
        };
        wrong.cell += is(Holds::Every, &level[..1], Verdict::Supported);
        wrong.every += is(Holds::Every, &with_clear(1, 4), Verdict::Supported);
        wrong.at_least += is(Holds::AtLeast(3), &with_clear(3, 2), Verdict::Supported);
        wrong.refuted += is(Holds::Every, &level, Verdict::Refuted);
    }
    wrong
}

#[test]
fn an_interval_over_source_models_errs_at_its_level_and_one_over_seeds_of_one_pair_does_not() {
    let sequential = design(vec![3, 5, 10]);
    let mut table = format!(
        "wrong verdicts of {DRAWS} experiments, looks 3, 5, 10 (nominal at most {ALPHA})\n\
         leads differ between source models by a standard deviation in spreads over seeds\n\
         source models          differ   cell  every of 5  at least 3 of 5  every refuted\n"
    );
    for (name, sources) in [
        ("a pair for each seed", Sources::PairPerSeed),
        ("one pair for all seeds", Sources::OnePair),
    ] {
        for between in [0.5, 1.0, 2.0] {
            let Wrong { cell, every, at_least, refuted } = wrong(&sequential, sources, between);
            writeln!(
                table,
                "{name:<23} {between:>5.1} {cell:>6.4} {every:>11.4} {at_least:>16.4} \
                 {refuted:>14.4}"
            )
            .unwrap();
            match sources {
                Sources::PairPerSeed => {
                    for rate in [cell, every, at_least, refuted] {
                        assert!(rate <= most(), "{name}, {between}: {rate}");
                    }
                }
                Sources::OnePair => assert!(cell > 0.05, "{name}, {between}: {cell}"),
            }
        }
    }
    let fixed = |between: f64| {
        let critical = t_upper_quantile(ALPHA, (SEEDS - 1) as f64);
        let mut generator = ChaCha8Rng::seed_from_u64(SEED);
        let errs = |_: &u32| {
            let [first, ..] = leads(&mut generator, Sources::OnePair, between);
            paired_t(&Sample::new(first.to_vec()).unwrap(), 0.0).t > critical
        };
        (0..DRAWS).filter(errs).count() as f64 / f64::from(DRAWS)
    };
    table.push_str("one look at ten seeds of one pair: a cell without a lead is supported\n");
    for between in [0.3, 0.5, 1.0, 2.0] {
        let rate = fixed(between);
        writeln!(table, "{:<23} {between:>5.1} {rate:>6.4}", "one pair for all seeds").unwrap();
        assert!(rate > 0.04);
    }
    println!("{table}");
    insta::with_settings!({ snapshot_path => "../../goldens/statistics/simulations", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("source_models", table);
    });
}

#[test]
fn the_simulated_answers_are_those_of_the_judge() {
    let design = design(vec![3, 5, 10]);
    let level = design.looks.level(design.alpha);
    let mut generator = ChaCha8Rng::seed_from_u64(SEED);
    for _ in 0..50 {
        let [values, ..] = leads(&mut generator, Sources::PairPerSeed, 1.0);
        let quick = interim(&values, &design, &critical(&design));
        for (answer, seeds) in quick.answers.iter().zip(design.looks.seeds()) {
            let values: Vec<Censored> =
                values[..*seeds].iter().map(|value| Censored::exactly(*value)).collect();
            assert_eq!(*answer, decide(&values, Relation::GreaterThan(0.0), level, 0.0));
        }
    }
}
