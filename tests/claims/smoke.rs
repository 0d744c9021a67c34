//! Claims on local fine-tunes in the smoke world. Another processor rounds differently, and
//! training amplifies that. So means are compared within the noise of seeds, and single losses only
//! in the first steps.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use libtest_mimic::{Failed, Trial};
use repro::{
    assets::{Assets as _, Bundled},
    claim::{Claim, suite::Suite},
    engine::executor::{Local, Workers},
    experiment::{EvidenceKind, Key, Protocol, Trial as FineTune},
    judge::{CellVerdict, ClaimVerdict, Flag, SecondaryVerdict},
    plan,
    store::{Ended, Entry, Ledger},
    world::World,
};
use serde::{Deserialize, Serialize};
use tch::Device;

use super::local_runs;

/// The maximum distance of another processor's mean from the recorded one, in standard errors.
/// Three seeds may agree by chance, so the spread is at least the pooled one of the contrast's
/// cells.
const STANDARD_ERRORS: f64 = 3.0;
/// The relative tolerance of another processor's losses in the first five steps.
const FIRST_LOSSES: f64 = 1e-4;

pub fn trials() -> Vec<Trial> {
    let world = Arc::new(World::smoke());
    let suite = Suite::embedded(&world).unwrap_or_else(|error| panic!("{error}"));
    let claims = suite.claims().iter().map(|claim| trial(claim, &world));
    let losses = Trial::test("smoke::the_first_losses_of_a_trial_are_the_recorded_ones", || {
        first_losses(&World::smoke())
    });
    claims.chain([losses]).collect()
}

fn trial(claim: &Claim, world: &Arc<World>) -> Trial {
    let name = format!("claims::{}::smoke", claim.id);
    if plan::at_most(&[claim], world).is_empty() {
        let expected = claim.expected.get(&EvidenceKind::Smoke);
        let reason = expected.map(|expected| expected.reason.clone());
        return super::ignored(name, reason.unwrap_or_default());
    }
    let claim = claim.clone();
    Trial::test(name, move || {
        let verdict = local_runs::verdict(&claim, EvidenceKind::Smoke, &Bundled, Device::Cpu)?;
        super::as_expected(&claim, &verdict)?;
        golden(&verdict)
    })
}

/// What a golden has of a claim.
#[derive(Deserialize, Serialize)]
struct Golden {
    /// The hypotheses that have a result, by their names in the lock. The repository's history shows
    /// by their digests that each was locked before it (`tests/project/history.rs`).
    #[serde(default)]
    hypotheses: BTreeMap<String, Digest>,
    /// Cells that lie at the floor of their metric: they have no mean. The rounding of another
    /// processor can move a cell across it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    at_the_floor: BTreeSet<String>,
    /// Cells by name.
    #[serde(flatten)]
    cells: BTreeMap<String, Recorded>,
}

/// A hypothesis as it was judged.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Digest {
    digest: String,
}

/// A cell's recorded mean.
#[derive(Deserialize, Serialize)]
struct Recorded {
    mean: f64,
    standard_error: f64,
    seeds: usize,
}

fn golden(verdict: &ClaimVerdict) -> Result<(), Failed> {
    let found = found(verdict);
    let path = goldens().join("claims").join(format!("{}-smoke.json", verdict.claim));
    if updating() {
        return write(&path, &found);
    }
    let recorded: Golden = read(&path)?;
    if recorded.hypotheses != found.hypotheses {
        return Err(format!("other hypotheses than in {}", path.display()).into());
    }
    let names = |of: &Golden| -> BTreeSet<String> {
        of.cells.keys().chain(&of.at_the_floor).cloned().collect()
    };
    if names(&recorded) != names(&found) {
        return Err(format!("other cells than in {}", path.display()).into());
    }
    let (floor, recorded, found) = (found.at_the_floor, recorded.cells, found.cells);
    for (name, Recorded { mean, standard_error, seeds }) in &recorded {
        if floor.contains(name) {
            continue;
        }
        let now = found[name].mean;
        let standard_error = standard_error.max(pooled(name, &recorded) / (*seeds as f64).sqrt());
        if (now - mean).abs() > STANDARD_ERRORS * standard_error {
            return Err(format!(
                "{name}: mean {now:.3}, recorded {mean:.3} with a standard error of \
                 {standard_error:.3} over {seeds} seeds"
            )
            .into());
        }
    }
    Ok(())
}

/// The cells of a verdict that have a spread, and the hypotheses that they belong to.
fn found(verdict: &ClaimVerdict) -> Golden {
    let ClaimVerdict { claim, digest, margin, cells, averages, .. } = verdict;
    let primary = (claim.clone(), "", digest, *margin, cells, averages);
    let readings = verdict.readings.iter().map(|reading| {
        let SecondaryVerdict { id, digest, margin, cells, averages, .. } = reading;
        (format!("{claim}.{id}"), id.as_str(), digest, *margin, cells, averages)
    });
    let mut golden = Golden {
        hypotheses: BTreeMap::new(),
        at_the_floor: BTreeSet::new(),
        cells: BTreeMap::new(),
    };
    for (name, reading, digest, margin, cells, averages) in [primary].into_iter().chain(readings) {
        let name_of = |cell: &CellVerdict| {
            format!("{reading} {}: {}", cell.contrast, cell.name).trim().to_owned()
        };
        let of = |cell: &CellVerdict| Some((name_of(cell), recorded(cell, margin)?));
        let at_the_floor = cells.iter().filter(|cell| cell.flags.contains(&Flag::AtTheFloor));
        golden.at_the_floor.extend(at_the_floor.map(name_of));
        let cells: Vec<_> = cells.iter().chain(averages).filter_map(of).collect();
        if let Some(digest) = digest.clone().filter(|_| !cells.is_empty()) {
            golden.hypotheses.insert(name, Digest { digest });
        }
        golden.cells.extend(cells);
    }
    golden
}

/// The pooled standard deviation over seeds of a contrast's cells.
fn pooled(name: &str, recorded: &BTreeMap<String, Recorded>) -> f64 {
    let contrast = |name: &str| name.rsplit_once(": ").map(|(contrast, _)| contrast.to_owned());
    let variances: Vec<f64> = recorded
        .iter()
        .filter(|(other, _)| contrast(other) == contrast(name))
        .map(|(_, of)| of.standard_error.powi(2) * of.seeds as f64)
        .collect();
    (variances.iter().sum::<f64>() / variances.len() as f64).sqrt()
}

/// A cell's mean with its standard error over seeds, computed from its t against the margin.
fn recorded(cell: &CellVerdict, margin: f64) -> Option<Recorded> {
    let (mean, t) = (cell.mean?, cell.t?);
    let standard_error = ((mean - margin) / t).abs();
    standard_error.is_finite().then_some(Recorded { mean, standard_error, seeds: cell.seeds })
}

/// Trials of every target and two sources, shortened to two epochs of four steps.
fn first_losses(world: &World) -> Result<(), Failed> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let ledger = Ledger::new(folder.path().to_owned());
    let stop = AtomicBool::new(false);
    let mut named = Vec::new();
    for target in world.targets.keys() {
        for source in ["natural", "l2_3"] {
            let key = Key::new(target.as_str(), source, 3, 400);
            let mut recipe = world.recipe(key);
            // In six epochs, the first two have the first rate.
            recipe.protocol = Protocol { epochs: 6, evaluate: vec![6], ..recipe.protocol };
            named.extend(Bundled.identify(FineTune { recipe, seed: World::seed(0) }, 1));
        }
    }
    let assets = &Bundled;
    let workers = Workers::new(Device::Cpu, world.protocol.side, None);
    Local { ledger: &ledger, assets, workers, stop: &stop }
        .run(&named, &|_| ())
        .map_err(|error| error.to_string())?;
    let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for named in &named {
        let entry = ledger.get(&named.id, &mut |_| ()).map_err(|error| error.to_string())?;
        let Some(Entry { outcome: Ended::Finished(outcome), .. }) = entry else {
            return Err("a trial failed".into());
        };
        found.insert(named.trial.recipe.key.to_string(), outcome.first_losses);
    }
    let path = goldens().join("smoke/first_losses.json");
    if updating() {
        return write(&path, &found);
    }
    let recorded: BTreeMap<String, Vec<f64>> = read(&path)?;
    for (name, recorded) in &recorded {
        for (step, (recorded, found)) in recorded.iter().zip(&found[name]).enumerate() {
            let relative = (found - recorded).abs() / recorded;
            if relative > FIRST_LOSSES {
                let step = step + 1;
                return Err(format!("{name}, step {step}: {found}, recorded {recorded}").into());
            }
        }
    }
    Ok(())
}

fn goldens() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("goldens")
}

/// Whether goldens are rewritten, by insta's variable.
fn updating() -> bool {
    std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always")
}

fn write<T: Serialize>(path: &std::path::Path, value: &T) -> Result<(), Failed> {
    let text = serde_json::to_string_pretty(value).map_err(|error| error.to_string())?;
    std::fs::write(path, text + "\n").map_err(|error| error.to_string().into())
}

fn read<T: for<'de> Deserialize<'de>>(path: &std::path::Path) -> Result<T, Failed> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()).into())
}
