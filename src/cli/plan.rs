//! `repro plan`: which fine-tunes would run, why none of the ledger's is used in their place, and
//! what they cost.

use std::{collections::HashMap, io::Write};

use clap::{Args, ValueEnum};

use super::{
    Failure, Outcome, Suites, exit, kind,
    ours::{Ours, Workshop, tell, unusable},
    progress::minutes,
    run::line,
    stdout,
};
use crate::{
    claim::Claim,
    evidence::EvidenceKind,
    executor::calibrate,
    gallery::{self, Gallery},
    ledger::{Damaged, Ended, Entry, Key, Seed},
    own::{Gathered, Outstanding, Planned},
    plan,
    price::{Price, Speed},
    report::terminal,
    trial::{ENGINE_VERSION, Recipe, Trial},
    world::World,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro plan
  repro plan --claim shape_bias
  repro plan --figure A5                          what a figure lacks, of three seeds a point
  repro plan --evidence paper                     what the paper's scale costs, by claim
  repro plan --format jsonl | jq -r .key | xargs -n 1 -P 2 repro run --key

It lists what the judge needs next; when that has run, a hypothesis that is still open needs more.
What it costs is told by the records that are there; where there is none and images are large, a
short fine-tune of random weights is timed first.";

/// Sizes that are priced apart from the larger ones, which cost most and show least.
const SMALL: u32 = 6400;

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
        let workshop = self.ours.workshop(self.evidence)?;
        let suite = suites.of(&workshop.world)?;
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
        let outstanding = own.planned(next.clone(), &gathered);
        let mut damaged: Vec<Damaged> = Vec::new();
        let all = workshop.ledger.all(&mut |file| damaged.push(file)).map_err(unusable)?;
        tell(&gathered.damaged);
        tell(&damaged);
        let why = Why::new(&all);
        if let PlanFormat::Jsonl = self.format {
            let speed = gathered.speed.unwrap_or(Speed::ELSEWHERE);
            jsonl(&outstanding, &why, &workshop.world, speed)?;
            return Ok(Outcome::Done);
        }
        let (speed, measured) = self.speed(&workshop, &gathered)?;
        let mut out = stdout();
        if !outstanding.planned.is_empty() {
            let rows = outstanding.planned.iter().map(|planned| {
                let [key, what, wanted] = line(planned);
                let price = Price::of(&planned.named.trial.recipe, &workshop.world);
                let seconds = format!("{:.1}", speed.seconds(price));
                vec![key, what, wanted, why.runs(planned), seconds]
            });
            let header = ["key", "what", "wanted by", "why it runs", "s"];
            writeln!(out, "{}\n", terminal::table(&header, rows))?;
        }
        if figures.is_empty() {
            writeln!(out, "{}", by_claim(&claims, &workshop, &gathered, speed))?;
        }
        let at_once = workshop.at_once();
        let seconds = speed.seconds(price(next.keys(), &workshop.world));
        writeln!(
            out,
            "{} fine-tunes to run next, about {}, {at_once} at once; {} records are there, and {} \
             could be needed at most",
            next.len(),
            minutes(seconds / at_once as f64),
            gathered.evidence.records.len(),
            most.len(),
        )?;
        writeln!(out, "priced {measured}, {:.3e} operations a second in each", speed.0)?;
        for (lacking, count) in &outstanding.lacking {
            writeln!(out, "{count} of them can't be run here: {lacking}")?;
        }
        Ok(Outcome::Done)
    }

    /// How fast it goes, and how that is known.
    fn speed(
        &self,
        workshop: &Workshop,
        gathered: &Gathered,
    ) -> Result<(Speed, &'static str), Failure> {
        match (gathered.speed, workshop.kind) {
            (Some(speed), _) => Ok((speed, "by the records that are there")),
            (None, EvidenceKind::Smoke) => Ok((Speed::ELSEWHERE, "by another machine's speed")),
            (None, _) => {
                anstream::eprintln!("timing a short fine-tune of random weights");
                let timed = workshop.with_threads(|device, _| calibrate(&workshop.world, device));
                let speed = timed.map_err(|said| {
                    let help = "`--format jsonl` lists the fine-tunes without timing one; `--device cpu` times it on the CPU";
                    let failed = format!("failed to time a fine-tune here: {said}");
                    Failure::new(exit::INPUT, miette::miette!(help = help, "{failed}"))
                })?;
                Ok((speed, "by a short fine-tune here"))
            }
        }
    }
}

/// What fine-tunes cost, those of one family side by side.
fn price<'a>(trials: impl Iterator<Item = &'a (Key, Seed)>, world: &World) -> Price {
    let trial =
        |(key, seed): &(Key, Seed)| Trial { recipe: Recipe::of(world, key.clone()), seed: *seed };
    let trials: Vec<Trial> = trials.map(trial).collect();
    Price::of_all(&trials, world)
}

/// What each claim costs: what is next, and what there could be in all with every look, small sizes
/// and large ones apart. Claims share fine-tunes, so that the last lines are less than a sum.
fn by_claim(claims: &[&Claim], workshop: &Workshop, gathered: &Gathered, speed: Speed) -> String {
    let world = &workshop.world;
    let rows = |name: &str, claims: &[&Claim]| {
        let next = plan::outstanding(claims, &gathered.evidence);
        let most = plan::at_most(claims, world);
        let (small, large): (Vec<_>, Vec<_>) =
            most.keys().partition(|(key, _)| key.images <= SMALL);
        let parts = [
            (name, "next", next.keys().collect()),
            ("", "every look, to 6,400 images", small),
            ("", "every look, larger", large),
        ];
        parts.map(|(name, part, trials)| {
            let price = price(trials.iter().copied(), world);
            vec![
                name.to_owned(),
                part.to_owned(),
                trials.len().to_string(),
                format!("{:.2e}", price.trained + price.tested),
                format!("{:.2e}", price.operations),
                hours(speed.seconds(price)),
            ]
        })
    };
    let each = claims.iter().flat_map(|claim| rows(&claim.id, &[claim]));
    let all = (claims.len() > 1).then(|| rows("all of them", claims));
    let rows = each.chain(all.into_iter().flatten()).filter(|row| row[2] != "0");
    terminal::table(&["claim", "part", "fine-tunes", "images", "operations", "hours"], rows)
}

/// Hours to two digits, or more where there are many.
fn hours(seconds: f64) -> String {
    let hours = seconds / 3600.0;
    if hours >= 100.0 { format!("{hours:.0}") } else { format!("{hours:.2}") }
}

/// A line of JSON for each trial that can be run here.
fn jsonl(
    outstanding: &Outstanding,
    why: &Why<'_>,
    world: &World,
    speed: Speed,
) -> Result<(), Failure> {
    let mut out = stdout();
    for planned in &outstanding.planned {
        let price = Price::of(&planned.named.trial.recipe, world);
        let line = serde_json::json!({
            "key": planned.named.id,
            "trial": planned.named.trial,
            "wanted_by": planned.wanted_by,
            "why": why.runs(planned),
            "operations": price.operations,
            "seconds": speed.seconds(price),
        });
        writeln!(out, "{line}")?;
    }
    for (lacking, count) in &outstanding.lacking {
        anstream::eprintln!("{count} more can't be run here: {lacking}");
    }
    Ok(())
}

/// Entries of a ledger by key and seed: why none of them is the one that is planned.
struct Why<'a>(HashMap<(&'a Key, Seed), &'a Entry>);

impl<'a> Why<'a> {
    fn new(entries: &'a [Entry]) -> Self {
        let of = |entry: &'a Entry| ((&entry.trial.recipe.key, entry.trial.seed), entry);
        Self(entries.iter().map(of).collect())
    }

    fn runs(&self, planned: &Planned) -> String {
        let trial = &planned.named.trial;
        let same = self.0.get(&(&trial.recipe.key, trial.seed));
        same.map_or("never run".to_owned(), |entry| differs(planned, entry))
    }
}

/// Why an entry of the same key and seed is not the one that is planned.
fn differs(planned: &Planned, entry: &Entry) -> String {
    let named = &planned.named;
    if matches!(entry.outcome, Ended::Failed { .. }) && entry.id == named.id {
        return "it failed".to_owned();
    }
    let engine = (entry.engine_version != ENGINE_VERSION)
        .then(|| format!("engine {} ran it, this is {ENGINE_VERSION}", entry.engine_version));
    let parts = [
        engine,
        (entry.trial.recipe.protocol != named.trial.recipe.protocol)
            .then(|| "by another protocol".to_owned()),
        (entry.weights != named.weights).then(|| "from other weights".to_owned()),
        (entry.data != named.data).then(|| "on other images".to_owned()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.is_empty() {
        true => "it was lost".to_owned(),
        false => format!("one is there: {}", parts.join(", ")),
    }
}
