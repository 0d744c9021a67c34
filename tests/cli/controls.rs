//! Controls from outside: logs written from a known truth, judged through the command line. Each
//! log has a thousand data sets, which are a thousand experiments of one kind.

use std::{fmt::Write, fs, path::Path, process::Command};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, StandardNormal};
use serde_json::Value;

const EXPERIMENTS: usize = 1000;
const SEEDS: usize = 10;

/// What a log is written from.
struct Truth {
    name: &'static str,
    /// Standard deviations over seeds.
    spreads: [f64; 2],
    /// The true lead of the first arm.
    lead: f64,
    /// The margin that it is asked to exceed.
    margin: f64,
    /// What becomes of a run of an arm, by its place in the arm's order from the worst run.
    fate: Fate,
    /// Whether accuracies lie near 100 %.
    ceiling: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// Every run is logged.
    Logged,
    /// Two runs of the first arm are lost, whatever they gave.
    LostAtRandom,
    /// The three worst runs of the first arm are lost.
    WorstLost,
    /// The three worst runs of the first arm stop after half of their epochs.
    WorstStopped,
    /// Two runs of the first arm were never planned.
    NeverPlanned,
}

const PLAIN: Truth = Truth {
    name: "",
    spreads: [1.0, 1.0],
    lead: 0.0,
    margin: 0.0,
    fate: Fate::Logged,
    ceiling: false,
};

/// A run: its replicate, its accuracy in percent, and its last epoch of two.
type Run = (usize, f64, u32);

fn normal(generator: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(generator)
}

/// The runs of one arm.
fn arm(truth: &Truth, arm: usize, generator: &mut ChaCha8Rng) -> Vec<Run> {
    let lead = if arm == 0 { truth.lead } else { 0.0 };
    let value = |generator: &mut ChaCha8Rng| {
        if truth.ceiling {
            // A skewed error: seldom large, often near none.
            let error: f64 = Exp1.sample(generator);
            (100.0 - 0.8 * error.powi(2)).max(1.0)
        } else {
            60.0 + lead + truth.spreads[arm] * normal(generator)
        }
    };
    let mut runs: Vec<Run> = (0..SEEDS).map(|seed| (seed, value(generator), 2)).collect();
    if arm == 1 {
        return runs;
    }
    let mut worst = runs.clone();
    worst.sort_by(|one, other| one.1.total_cmp(&other.1));
    let worst: Vec<usize> = worst[..3].iter().map(|run| run.0).collect();
    match truth.fate {
        Fate::Logged => {}
        Fate::LostAtRandom | Fate::NeverPlanned => runs.retain(|(seed, ..)| *seed > 1),
        Fate::WorstLost => runs.retain(|(seed, ..)| !worst.contains(seed)),
        Fate::WorstStopped => {
            let stopped = runs.iter_mut().filter(|(seed, ..)| worst.contains(seed));
            stopped.for_each(|run| run.2 = 1);
        }
    }
    runs
}

fn write(truth: &Truth, folder: &Path, seed: u64) {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let mut text = "dataset,method,seed,epoch,accuracy\n".to_owned();
    let names: Vec<String> = (0..EXPERIMENTS).map(|index| format!("\"d{index}\"")).collect();
    for dataset in 0..EXPERIMENTS {
        for (index, method) in ["new", "old"].into_iter().enumerate() {
            for (seed, accuracy, last) in arm(truth, index, &mut generator) {
                for epoch in 1..=last {
                    let value = accuracy - 0.5 * f64::from(2 - epoch);
                    let _ = writeln!(text, "d{dataset},{method},{seed},{epoch},{value:.4}");
                }
            }
        }
    }
    let planned = match truth.fate {
        Fate::NeverPlanned => {
            "planned = [{ where = { method = \"new\" }, count = 8 }, { count = 10 }]"
        }
        _ => "planned = 10",
    };
    let log = format!(
        r#"
format = 1
files = "runs.csv"
[[factor]]
name = "dataset"
values = [{}]
[[factor]]
name = "method"
[replicate]
name = "seed"
{planned}
[progress]
name = "epoch"
planned = 2
[[metric]]
name = "accuracy"
better = "higher"
scale = "percent"
items = 1000
"#,
        names.join(", ")
    );
    let claim = format!(
        r#"
format = 1
id = "better"
title = "Better"
statement = "The new method is better."
[arms]
new = {{ method = "new" }}
old = {{ method = "old" }}
[hypothesis]
statement = "It is better."
contrasts = [{{ terms = {{ new = 1.0, old = -1.0 }} }}]
metric = "accuracy"
relation = {{ greater_than = {:?} }}
holds = "every"
cells = {{ dataset = "every" }}
[[reading]]
id = "in_log_error"
statement = "In log error."
metric = {{ accuracy = "last", scale = "log_error" }}
"#,
        truth.margin
    );
    for (file, text) in [("runs.csv", text), ("log.toml", log), ("better.toml", claim)] {
        fs::write(folder.join(file), text).unwrap();
    }
}

/// The share of cells that are supported, and of those with a flag.
fn shares(cells: &Value) -> (f64, f64) {
    let cells = cells.as_array().unwrap();
    assert_eq!(cells.len(), EXPERIMENTS);
    let share = |of: &dyn Fn(&Value) -> bool| {
        cells.iter().filter(|cell| of(cell)).count() as f64 / EXPERIMENTS as f64
    };
    let near =
        |cell: &Value| cell["flags"].as_array().unwrap().iter().any(|flag| *flag == "near_ceiling");
    (share(&|cell| cell["verdict"] == "supported"), share(&near))
}

#[test]
fn no_log_without_a_lead_supports_more_often_than_its_level() {
    let truths = [
        Truth { name: "no effect", ..PLAIN },
        Truth { name: "an effect at the margin", lead: 1.0, margin: 1.0, ..PLAIN },
        Truth { name: "unequal spreads", spreads: [4.0, 1.0], ..PLAIN },
        Truth { name: "lost at random, planned", fate: Fate::LostAtRandom, ..PLAIN },
        Truth { name: "never planned", fate: Fate::NeverPlanned, ..PLAIN },
        Truth { name: "the worst runs lost, planned", fate: Fate::WorstLost, ..PLAIN },
        Truth { name: "the worst runs stopped", fate: Fate::WorstStopped, ..PLAIN },
        Truth { name: "near the ceiling", ceiling: true, ..PLAIN },
    ];
    let (level, errors) = (0.025_f64, 4.0);
    let most = level + errors * (level * (1.0 - level) / EXPERIMENTS as f64).sqrt();
    let mut text =
        "of 1000 logs a row, 10 seeds        supported  in log error  near the ceiling\n"
            .to_owned();
    for (index, truth) in truths.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        write(truth, folder.path(), 200_705_869 + index as u64);
        let output = Command::new(env!("CARGO_BIN_EXE_repro"))
            .args(["verify", "--format", "json", "--claims"])
            .arg(folder.path())
            .output()
            .unwrap();
        let found: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        let claim = &found["claims"][0];
        let (points, near) = shares(&claim["cells"]);
        let (log_error, _) = shares(&claim["readings"][0]["cells"]);
        let name = truth.name;
        let _ = writeln!(text, "{name:34} {points:10.3} {log_error:13.3} {near:17.3}");
        if truth.ceiling {
            assert!(near > 0.9, "cells near the ceiling are flagged: {near}");
        } else {
            assert!(points <= most, "{name}: {points} in points");
            assert!(truth.margin > 0.0 || log_error <= most, "{name}: {log_error} in log error");
        }
    }
    insta::with_settings!({
        snapshot_path => "../../goldens/statistics/simulations",
        prepend_module_to_snapshot => false,
        omit_expression => true
    }, {
        insta::assert_snapshot!("through_the_command_line", text);
    });
}
