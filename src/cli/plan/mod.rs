//! `repro plan`: which fine-tunes would run, why none of the ledger's is used in their place, and
//! what they cost.

mod costs;
mod why;

use std::{collections::BTreeSet, io::Write};

use clap::Args;
use serde_json::Value;

use super::{
    Failure, Outcome, Suites, exit,
    format::{Format, Offered, OneOf},
    handoff, hints, kind,
    local::{Ours, RunContext, tell, unusable},
    progress::minutes,
    run::line,
    runtime::Machine,
    stdout,
};
use crate::{
    assets::Stock,
    claim::Claim,
    experiment::{EvidenceKind, Trial},
    figure::{
        catalogue::{self, Gallery},
        numbers::counted,
    },
    plan::{
        self, Cost, Outstanding, Points,
        campaign::{Gathered, NextTrials, Planned},
        cost::{Price, Speed},
    },
    report::terminal,
    store::Damaged,
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
    #[arg(long, value_parser = OneOf(FORMATS), default_value = "text")]
    format: Format,
    #[command(flatten)]
    ours: Ours,
}

const FORMATS: &[Offered] = &[(Format::Text, None), (Format::Jsonl, None)];

impl Plan {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        handoff::rather(suites.engine)?;
        let workshop = self.ours.context(self.evidence, suites);
        let machine = suites.engine.map(|_| workshop.machine()).transpose()?;
        let suite = suites.of(self.evidence)?;
        let claims = suite.select(&self.ids)?;
        let gallery = Gallery::of(&workshop.world);
        let figures =
            gallery.select(&self.figures).map_err(|error| Failure::new(exit::USAGE, error))?;
        let Asked { gathered, next, at_most } = if figures.is_empty() {
            Asked::by_claims(&claims, &workshop)?
        } else {
            Asked::by_figures(&catalogue::wanted(&figures), &workshop)?
        };
        let outstanding = workshop.campaign().planned(next, &gathered);
        let mut damaged: Vec<Damaged> = Vec::new();
        let all = workshop.ledger.all(&mut |file| damaged.push(file)).map_err(unusable)?;
        tell(&gathered.damaged);
        tell(&damaged);
        tell_refused(machine, &workshop.world);
        let why = Why::new(&all);
        let known = known(&workshop, machine, &gathered);
        if let Format::Jsonl = self.format {
            jsonl(&outstanding, &why, &workshop.world, known.map(|(speed, _)| speed))?;
            return Ok(Outcome::Done);
        }
        let (speed, measured) = known.map_or_else(|| timed(&workshop, machine), Ok)?;
        let (world, evidence) = (&workshop.world, &gathered.evidence);
        let to_run = to_run(&outstanding);
        let mut out = stdout();
        print_trials(&mut out, &outstanding, &why, world, speed)?;
        if figures.is_empty() {
            writeln!(out, "{}", by_claim(&claims, world, evidence, &to_run, speed))?;
            print_what_claims_lack(&mut out, &claims, world)?;
        }
        let seconds = speed.seconds(price(&to_run, world));
        let counts = Counts { to_run: to_run.len(), there: evidence.records.len(), at_most };
        print_totals(&mut out, counts, seconds, workshop.at_once())?;
        writeln!(out, "priced {measured}, {:.3e} operations a second in each", speed.0)?;
        print_zoo(&mut out, &workshop.stock, speed)?;
        print_lacking(&mut out, &outstanding)?;
        Ok(Outcome::Done)
    }
}

/// What claims or figures ask for.
struct Asked {
    /// What is there.
    gathered: Gathered,
    /// What is needed next.
    next: Outstanding,
    /// How many fine-tunes could be needed at most.
    at_most: usize,
}

impl Asked {
    fn by_claims(claims: &[&Claim], workshop: &RunContext) -> Result<Self, Failure> {
        let gathered = workshop.campaign().gather(claims).map_err(unusable)?;
        let next = plan::outstanding(claims, &gathered.evidence);
        let at_most = plan::at_most(claims, &workshop.world).len();
        Ok(Self { gathered, next, at_most })
    }

    fn by_figures(wanted: &Points, workshop: &RunContext) -> Result<Self, Failure> {
        let gathered = workshop.campaign().gather_points(wanted).map_err(unusable)?;
        let next = plan::outstanding_points(wanted, plan::FIRST_SEEDS, &gathered.evidence);
        let at_most = plan::points(wanted, plan::MOST_SEEDS, &workshop.world).len();
        Ok(Self { gathered, next, at_most })
    }
}

/// Says why a device can run none of a world's fine-tunes, which no file can fix.
fn tell_refused(machine: Option<&dyn Machine>, world: &World) {
    let precision = world.protocol.precision;
    if let Some(refused) = machine.and_then(|machine| machine.refuses(precision)) {
        anstream::eprintln!("none of them can be run on this device: {refused}");
    }
}

/// A table of the trials that can be run; nothing where there is none.
fn print_trials(
    out: &mut impl Write,
    outstanding: &NextTrials,
    why: &Why<'_>,
    world: &World,
    speed: Speed,
) -> Result<(), Failure> {
    if outstanding.planned.is_empty() {
        return Ok(());
    }
    let rows = outstanding.planned.iter().map(|planned| {
        let [key, what, wanted] = line(planned);
        let price = Price::of(&planned.named.trial.recipe, world);
        let seconds = format!("{:.1}", speed.seconds(price));
        vec![key, what, wanted, why.runs(&planned.named), seconds]
    });
    let header = ["key", "what", "wanted by", "why it runs", "s"];
    Ok(writeln!(out, "{}\n", terminal::table(&header, rows))?)
}

/// A line for each claim that this world can't decide on all it asks for.
fn print_what_claims_lack(
    out: &mut impl Write,
    claims: &[&Claim],
    world: &World,
) -> Result<(), Failure> {
    for claim in claims {
        if let Some(lacks) = claim.hypothesis.lacks(world) {
            writeln!(out, "{} can't be judged on all it asks for here: {lacks}", claim.id)?;
        }
    }
    Ok(())
}

/// Fine-tunes, counted.
struct Counts {
    to_run: usize,
    there: usize,
    at_most: usize,
}

/// How many fine-tunes are next, there already and needed at most; `seconds` is what the next ones
/// take one after another.
fn print_totals(
    out: &mut impl Write,
    Counts { to_run, there, at_most }: Counts,
    seconds: f64,
    at_once: usize,
) -> Result<(), Failure> {
    let records = match there {
        1 => "1 record is".to_owned(),
        count => format!("{count} records are"),
    };
    let next = format!(
        "{} to run next, about {}, {at_once} at once; {records} there, and {at_most} \
         could be needed at most",
        counted(to_run, "fine-tune"),
        minutes(seconds / at_once as f64),
    );
    Ok(writeln!(out, "{}", terminal::prose(&next))?)
}

/// What the world's source models cost where they have to be made first.
fn print_zoo(out: &mut impl Write, stock: &Stock, speed: Speed) -> Result<(), Failure> {
    let Some(zoo) = stock.zoo_to_make() else { return Ok(()) };
    let Cost { trainings, operations } = zoo.pretraining.cost(zoo.train, zoo.test);
    let [least, most] = operations.map(|operations| minutes(operations / speed.0));
    let zoo = format!(
        "its source models come on top of that: {} to {} trainings, {:.2e} to {:.2e} operations, \
         {least} to {most} at that speed, less what their checkpoints have",
        trainings[0], trainings[1], operations[0], operations[1],
    );
    Ok(writeln!(out, "{}", terminal::prose(&zoo))?)
}

/// A line for each thing that keeps fine-tunes from being run here.
fn print_lacking(out: &mut impl Write, outstanding: &NextTrials) -> Result<(), Failure> {
    for (lacking, wanted) in &outstanding.lacking {
        let missing = hints::missing(lacking);
        writeln!(out, "{} of them can't be run here: {missing}", wanted.len())?;
    }
    Ok(())
}

/// How fast it goes, and how that is known, where nothing has to be timed for it.
fn known(
    workshop: &RunContext,
    machine: Option<&dyn Machine>,
    gathered: &Gathered,
) -> Option<(Speed, &'static str)> {
    let small_on_a_cpu =
        workshop.kind == EvidenceKind::Smoke && machine.is_none_or(|machine| machine.is_cpu());
    match workshop.speed(gathered) {
        Some(speed) => Some((speed, "by the records that are there")),
        None if small_on_a_cpu => Some((Speed::ELSEWHERE, ELSEWHERE)),
        None => None,
    }
}

/// What a price rests on where nothing was timed here.
const ELSEWHERE: &str = "by another machine's speed";

/// The same by a short fine-tune, where there is an engine to run one.
fn timed(
    workshop: &RunContext,
    machine: Option<&dyn Machine>,
) -> Result<(Speed, &'static str), Failure> {
    let Some(machine) = machine else { return Ok((Speed::ELSEWHERE, ELSEWHERE)) };
    anstream::eprintln!("timing a short fine-tune of random weights");
    let timed = machine.calibrate(&workshop.world);
    let speed = timed.map_err(|said| {
        let help = "`--format jsonl` lists the fine-tunes without timing one; `--device cpu` times it on the CPU";
        let failed = format!("failed to time a fine-tune here: {said}");
        Failure::new(exit::INPUT, miette::miette!(help = help, "{failed}"))
    })?;
    Ok((speed, "by a short fine-tune here"))
}

/// What is next and not there already, whether it can be run here or not.
fn to_run(outstanding: &NextTrials) -> Trials {
    let planned = outstanding.planned.iter().map(|planned| {
        let Trial { recipe, seed } = &planned.named.trial;
        (recipe.key.clone(), *seed)
    });
    let lacking = outstanding.lacking.values().flat_map(|wanted| wanted.keys().cloned());
    planned.chain(lacking).collect()
}

/// A line of JSON for each trial, those that can't be run here too: they have a price, but no key.
fn jsonl(
    outstanding: &NextTrials,
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
        anstream::eprintln!("{} more can't be run here: {}", wanted.len(), hints::missing(lacking));
        for ((key, seed), wanted_by) in wanted {
            let trial = Trial { recipe: world.recipe(key.clone()), seed: *seed };
            let more = [
                ("key", Value::Null),
                ("why", Value::Null),
                ("lacking", hints::missing(lacking).into()),
            ];
            line(&trial, wanted_by, more)?;
        }
    }
    Ok(())
}
