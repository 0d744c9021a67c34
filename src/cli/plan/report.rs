//! A plan for programs: as one JSON document, or an object a line for each fine-tune.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    super::{Failure, hints, local::RunContext, messages::message},
    prices::{ClaimPrice, NextAndAtMost, PartPrice, Prices},
    request::Counts,
    speed::Pricing,
    why::Why,
};
use crate::{
    experiment::{EvidenceKind, Trial},
    plan::{
        campaign::NextTrials,
        cost::Cost,
        price::{Priced, memory_of},
    },
    world::World,
};

/// What `repro plan --format json` prints.
#[derive(Serialize, JsonSchema)]
pub(in super::super) struct PlanReport {
    /// Version of this form: 1. Within a version, fields are added and none is changed.
    format_version: u32,
    /// The kind of local runs.
    evidence: EvidenceKind,
    /// Fine-tunes to run next: those that can run here first, the most expensive of them first.
    trials: Vec<PlannedTrial>,
    /// How many fine-tunes have a record already.
    recorded: usize,
    /// How many fine-tunes could be needed at most.
    at_most: usize,
    /// How many fine-tunes run at once here.
    at_once: usize,
    /// Estimated speed in operations a second, of each of those that run at once; null if unknown.
    operations_per_second: Option<f64>,
    /// What that speed rests on, in words; null if it is unknown.
    #[serde(default)]
    speed_from: Option<String>,
    /// Bytes of memory of the device; null if unknown.
    #[serde(default)]
    device_memory_bytes: Option<u64>,
    /// The price of `trials` (`next`), and of all that could be needed (`at_most`).
    price: NextAndAtMost,
    /// What claims could need at most, in parts that add up to it; empty for figures.
    #[serde(default)]
    parts: Vec<PartPrice>,
    /// The price of each claim alone; empty for figures.
    #[serde(default)]
    claims: Vec<ClaimPrice>,
}

/// A fine-tune to run. `plan --format jsonl` prints one of these a line.
#[derive(Serialize, JsonSchema)]
struct PlannedTrial {
    /// Its recipe and seed, as records have them.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    trial: Trial,
    /// What `repro run --key` takes; null if the fine-tune can't run here.
    key: Option<String>,
    /// Claims, secondary hypotheses (`claim/id`) and figures that need it.
    wanted_by: BTreeSet<String>,
    /// Why no record serves; null if the fine-tune can't run here.
    why: Option<String>,
    /// What is missing here, and how to get it; null if nothing is.
    #[serde(rename = "lacking")]
    unavailable: Option<String>,
    /// Additions and multiplications, alone.
    operations: f64,
    /// A name of its family: the fine-tunes with the same name run side by side and share their
    /// frozen part.
    #[serde(default)]
    family: String,
    /// The same beside those of its family in this plan: an equal part of what they take together.
    #[serde(default)]
    operations_beside_siblings: f64,
    /// Estimated seconds alone; null if no speed is known, or if the device has too little memory.
    seconds: Option<f64>,
    /// Bytes of memory that it needs at least.
    #[serde(default)]
    memory_bytes_at_least: u64,
}

impl PlanReport {
    pub(super) fn new(
        context: &RunContext,
        next: &NextTrials,
        why: &Why,
        pricing: &Pricing,
        prices: Prices,
        counts: Counts,
    ) -> Self {
        let device = &pricing.priced;
        let world = &context.world;
        let planned = next.planned.iter().map(|planned| PlannedTrial {
            key: Some(planned.named.id.clone()),
            why: Some(why.runs(&planned.named)),
            ..PlannedTrial::new(planned.named.trial.clone(), &planned.needed_by, world, device)
        });
        let mut trials: Vec<PlannedTrial> = planned.collect();
        for (missing, outstanding) in &next.missing {
            let reason = hints::missing(missing);
            message!("note: {} more can't run here: {reason}", outstanding.len());
            trials.extend(outstanding.iter().map(|((key, seed), needed_by)| {
                let trial = Trial { recipe: world.recipe(key.clone()), seed: *seed };
                let unavailable = Some(reason.clone());
                PlannedTrial { unavailable, ..PlannedTrial::new(trial, needed_by, world, device) }
            }));
        }
        share(&mut trials, world);
        Self {
            format_version: 1,
            evidence: context.kind,
            trials,
            recorded: counts.recorded,
            at_most: counts.at_most,
            at_once: device.at_once,
            operations_per_second: device.speed.map(|speed| speed.0),
            speed_from: pricing.words(),
            device_memory_bytes: device.memory,
            price: prices.total,
            parts: prices.parts,
            claims: prices.claims,
        }
    }

    /// Prints an object a line.
    pub(super) fn print_lines(&self, out: &mut impl Write) -> Result<(), Failure> {
        for trial in &self.trials {
            serde_json::to_writer(&mut *out, trial).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        Ok(())
    }
}

impl PlannedTrial {
    fn new(trial: Trial, needed_by: &BTreeSet<String>, world: &World, device: &Priced) -> Self {
        let cost = Cost::of_recipe(&trial.recipe, world);
        let memory = memory_of(&trial, world);
        let speed = device.speed.filter(|_| device.fits(memory));
        Self {
            key: None,
            wanted_by: needed_by.clone(),
            why: None,
            unavailable: None,
            family: family(&trial, world),
            operations: cost.flops,
            operations_beside_siblings: cost.flops,
            trial,
            seconds: speed.map(|speed| speed.seconds(cost)),
            memory_bytes_at_least: memory,
        }
    }
}

/// A name of the trials that start from the same weights and share their frozen part.
fn family(trial: &Trial, world: &World) -> String {
    let zoo = world.zoo_of(&trial.recipe.key, trial.seed);
    let of = format!("{zoo} {}", trial.family());
    blake3::hash(of.as_bytes()).to_hex()[..16].to_owned()
}

/// Gives each fine-tune its part of what its family takes.
fn share(trials: &mut [PlannedTrial], world: &World) {
    let mut families: BTreeMap<String, Vec<&mut PlannedTrial>> = BTreeMap::new();
    for trial in trials {
        families.entry(trial.family.clone()).or_default().push(trial);
    }
    for mut family in families.into_values() {
        let together = Cost::of_trials(family.iter().map(|planned| &planned.trial), world).flops;
        let each = together / family.len() as f64;
        family.iter_mut().for_each(|planned| planned.operations_beside_siblings = each);
    }
}
