//! `repro plan`: which fine-tunes would run, why none of the ledger's is used in their place, and
//! what they cost.

mod costs;
mod why;

use std::{collections::BTreeSet, io::Write};

use clap::{Args, ValueEnum};
use serde_json::Value;
use tch::Device;

use super::{
    Failure, Outcome, Suites, exit, kind,
    ours::{Ours, Workshop, tell, unusable},
    progress::minutes,
    run::line,
    stdout,
};
use crate::{
    evidence::EvidenceKind,
    executor::calibrate,
    gallery::{self, Gallery},
    ledger::Damaged,
    own::{Gathered, Outstanding, Planned},
    plan,
    pretrain::Cost,
    price::{Price, Speed},
    report::{numbers::counted, terminal},
    trial::{Recipe, Trial},
    world::World,
};
use costs::{Trials, by_claim, price};
use why::Why;

pub(super) const EXAMPLES: &str = "\
Examples:
  repro plan
  repro plan --claim shape_bias
  repro plan --figure A5                          what a figure lacks, of three seeds a point
  repro plan --evidence paper                     what the paper's scale costs, by claim
  repro plan --format jsonl | jq -r '.key // empty' | xargs -n 1 -P 2 repro run --key

It lists what the judge needs next; when that has run, a hypothesis that is still open needs more. \
What it costs is told by the records that this processor made. Where there is none a short fine-tune \
of random weights is timed first; for the smoke world on a CPU another machine's speed has to do. \
For machines nothing is timed: `seconds` is null where nobody knows, `operations` are counted, and a \
fine-tune that can't be run here (`lacking` says why) has no `key`.";

#[derive(Args)]
pub(super) struct Plan {
    /// A claim; may be given again. All of them where none is given
    #[arg(long = "claim", value_name = "ID")]
    ids: Vec<String>,
    /// A figure by name, in place of claims; may be given again
    #[arg(long = "figure", value_name = "NAME", conflicts_with = "ids")]
    figures: Vec<String>,
    /// Which fine-tunes of our own
    #[arg(
        long,
        value_name = "KIND",
        value_parser = kind::one_of(kind::OWN),
        default_value = "smoke"
    )]
    evidence: EvidenceKind,
    /// Text for people, or a JSON object a line for machines
    #[arg(long, value_enum, default_value = "text")]
    format: PlanFormat,
    #[command(flatten)]
    ours: Ours,
}

#[derive(Clone, Copy, ValueEnum)]
enum PlanFormat {
    Text,
    Jsonl,
}

impl Plan {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        let workshop = self.ours.workshop(self.evidence, suites)?;
        let suite = suites.of(self.evidence)?;
        let claims = suite.select(&self.ids)?;
        let gallery = Gallery::of(&workshop.world);
        let figures =
            gallery.select(&self.figures).map_err(|error| Failure::new(exit::USAGE, error))?;
        let wanted = gallery::wanted(&figures);
        let own = workshop.own();
        let (gathered, next, most) = if figures.is_empty() {
            let gathered = own.gather(&claims).map_err(unusable)?;
            let next = plan::outstanding(&claims, &gathered.evidence);
            (gathered, next, plan::at_most(&claims, &workshop.world))
        } else {
            let gathered = own.gather_figures(&figures).map_err(unusable)?;
            let next = plan::outstanding_points(&wanted, plan::FIRST_SEEDS, &gathered.evidence);
            (gathered, next, plan::points(&wanted, plan::MOST_SEEDS, &workshop.world))
        };
        let outstanding = own.planned(next, &gathered);
        let mut damaged: Vec<Damaged> = Vec::new();
        let all = workshop.ledger.all(&mut |file| damaged.push(file)).map_err(unusable)?;
        tell(&gathered.damaged);
        tell(&damaged);
        // A fact of the device that no file mends.
        if let Err(refused) = workshop.world.protocol.precision.check(workshop.device()) {
            anstream::eprintln!("none of them can be run on this device: {refused}");
        }
        let why = Why::new(&all);
        let known = known(&workshop, &gathered);
        if let PlanFormat::Jsonl = self.format {
            jsonl(&outstanding, &why, &workshop.world, known.map(|(speed, _)| speed))?;
            return Ok(Outcome::Done);
        }
        let (speed, measured) = known.map_or_else(|| timed(&workshop), Ok)?;
        let mut out = stdout();
        if !outstanding.planned.is_empty() {
            let rows = outstanding.planned.iter().map(|planned| {
                let [key, what, wanted] = line(planned);
                let price = Price::of(&planned.named.trial.recipe, &workshop.world);
                let seconds = format!("{:.1}", speed.seconds(price));
                vec![key, what, wanted, why.runs(&planned.named), seconds]
            });
            let header = ["key", "what", "wanted by", "why it runs", "s"];
            writeln!(out, "{}\n", terminal::table(&header, rows))?;
        }
        let to_run = to_run(&outstanding);
        if figures.is_empty() {
            let (world, evidence) = (&workshop.world, &gathered.evidence);
            writeln!(out, "{}", by_claim(&claims, world, evidence, &to_run, speed))?;
        }
        for claim in claims.iter().filter(|_| figures.is_empty()) {
            if let Some(lacks) = claim.hypothesis.lacks(&workshop.world) {
                writeln!(out, "{} can't be judged on all it asks for here: {lacks}", claim.id)?;
            }
        }
        let at_once = workshop.at_once();
        let seconds = speed.seconds(price(&to_run, &workshop.world));
        let records = match gathered.evidence.records.len() {
            1 => "1 record is".to_owned(),
            count => format!("{count} records are"),
        };
        let next = format!(
            "{} to run next, about {}, {at_once} at once; {} there, and {} \
             could be needed at most",
            counted(to_run.len(), "fine-tune"),
            minutes(seconds / at_once as f64),
            records,
            most.len(),
        );
        writeln!(out, "{}", terminal::prose(&next))?;
        writeln!(out, "priced {measured}, {:.3e} operations a second in each", speed.0)?;
        if let Some(Cost { trainings, operations }) = workshop.stock.cost_of_zoo() {
            let [least, most] = operations.map(|operations| minutes(operations / speed.0));
            let zoo = format!(
                "its source models come on top of that: {} to {} trainings, {:.2e} to {:.2e} operations, {least} to \
                 {most} at that speed, less what their checkpoints have",
                trainings[0], trainings[1], operations[0], operations[1],
            );
            writeln!(out, "{}", terminal::prose(&zoo))?;
        }
        for (lacking, wanted) in &outstanding.lacking {
            writeln!(out, "{} of them can't be run here: {lacking}", wanted.len())?;
        }
        Ok(Outcome::Done)
    }
}

/// How fast it goes, and how that is known, where nothing has to be timed for it.
fn known(workshop: &Workshop, gathered: &Gathered) -> Option<(Speed, &'static str)> {
    match (workshop.speed(gathered), workshop.kind, workshop.device()) {
        (Some(speed), ..) => Some((speed, "by the records that are there")),
        (None, EvidenceKind::Smoke, Device::Cpu) => {
            Some((Speed::ELSEWHERE, "by another machine's speed"))
        }
        _ => None,
    }
}

/// The same by a short fine-tune.
fn timed(workshop: &Workshop) -> Result<(Speed, &'static str), Failure> {
    anstream::eprintln!("timing a short fine-tune of random weights");
    let timed = workshop.with_threads(|device, _| calibrate(&workshop.world, device));
    let speed = timed.map_err(|said| {
        let help = "`--format jsonl` lists the fine-tunes without timing one; `--device cpu` times it on the CPU";
        let failed = format!("failed to time a fine-tune here: {said}");
        Failure::new(exit::INPUT, miette::miette!(help = help, "{failed}"))
    })?;
    Ok((speed, "by a short fine-tune here"))
}

/// What is next and not there already, whether it can be run here or not.
fn to_run(outstanding: &Outstanding) -> Trials {
    let planned = outstanding.planned.iter().map(|planned| {
        let Trial { recipe, seed } = &planned.named.trial;
        (recipe.key.clone(), *seed)
    });
    let lacking = outstanding.lacking.values().flat_map(|wanted| wanted.keys().cloned());
    planned.chain(lacking).collect()
}

/// A line of JSON for each trial, those that can't be run here too: they have a price, but no key.
fn jsonl(
    outstanding: &Outstanding,
    why: &Why<'_>,
    world: &World,
    speed: Option<Speed>,
) -> Result<(), Failure> {
    let mut out = stdout();
    let mut line = |trial: &Trial, wanted_by: &BTreeSet<String>, more: [(&str, Value); 3]| {
        let price = Price::of(&trial.recipe, world);
        let mut line = serde_json::json!({
            "trial": trial,
            "wanted_by": wanted_by,
            "operations": price.operations,
            "seconds": speed.map(|speed| speed.seconds(price)),
        });
        line.as_object_mut()
            .expect("it is one")
            .extend(more.map(|(name, of)| (name.to_owned(), of)));
        writeln!(out, "{line}")
    };
    for Planned { named, wanted_by } in &outstanding.planned {
        let more = [
            ("key", named.id.as_str().into()),
            ("why", why.runs(named).into()),
            ("lacking", Value::Null),
        ];
        line(&named.trial, wanted_by, more)?;
    }
    for (lacking, wanted) in &outstanding.lacking {
        anstream::eprintln!("{} more can't be run here: {lacking}", wanted.len());
        for ((key, seed), wanted_by) in wanted {
            let trial = Trial { recipe: Recipe::of(world, key.clone()), seed: *seed };
            let more = [
                ("key", Value::Null),
                ("why", Value::Null),
                ("lacking", lacking.to_string().into()),
            ];
            line(&trial, wanted_by, more)?;
        }
    }
    Ok(())
}
