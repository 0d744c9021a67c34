//! A plan as tables and sentences.

use std::io::Write;

use super::{
    super::{Failure, hints, local::RunContext, records::shortest},
    costs::by_claim,
    prices::{COLUMNS, Prices, SUMMARY, precisions},
    request::{Counts, to_run},
    speed::Pricing,
    why::Why,
};
use crate::{
    assets::Assets,
    claim::Claim,
    evidence::Evidence,
    experiment::Trial,
    figure::numbers::counted,
    plan::{
        ZooCost,
        campaign::{NextTrials, Planned},
        cost::{Cost, Throughput},
        price::memory_of,
    },
    report::terminal,
    util::duration,
};

/// A plan to print.
pub(super) struct Text<'a> {
    pub context: &'a RunContext,
    pub next: &'a NextTrials,
    pub why: &'a Why,
    pub pricing: &'a Pricing,
    pub prices: &'a Prices,
}

impl Text<'_> {
    /// Prints the totals and their price, the price of each claim if claims were asked for, and what
    /// keeps fine-tunes from running here; with `details`, the fine-tunes that can run and the parts
    /// of each claim follow.
    pub fn print(
        &self,
        out: &mut impl Write,
        claims: &[&Claim],
        details: Option<&Evidence>,
        counts: Counts,
    ) -> Result<(), Failure> {
        let Self { context, next, pricing, prices, .. } = self;
        let (world, device) = (&context.world, &pricing.priced);
        totals(out, counts, prices.total.next.seconds, device.at_once)?;
        if let (Some(words), Some(speed)) = (pricing.words(), device.speed) {
            let priced = format!("priced {words}, {:.3e} operations a second in each", speed.0);
            writeln!(out, "{}", terminal::prose(&priced))?;
        }
        for note in prices.notes(pricing, world) {
            writeln!(out, "{}", terminal::prose(&note))?;
        }
        zoo(out, &*context.assets, device.speed)?;
        writeln!(out, "\n{}", prices.summary(pricing))?;
        if !prices.claims.is_empty() {
            writeln!(out, "\n{}", terminal::prose(SUMMARY))?;
            writeln!(out, "\n{}\n\n{}", prices.by_claim(), terminal::prose(COLUMNS))?;
        }
        if let Some(card) = pricing.card {
            let of_recipe = world.protocol.precision;
            writeln!(out, "\n{}", precisions(card, &prices.total, of_recipe))?;
        }
        self.obstacles(out, claims)?;
        let Some(evidence) = details else { return Ok(()) };
        self.trials(out)?;
        if !claims.is_empty() {
            let to_run = to_run(next);
            let at_once = device.at_once.max(1) as f64;
            let speed = device.speed.map(|speed| Throughput(speed.0 * at_once));
            write!(out, "\n{}", by_claim(claims, world, evidence, &to_run, speed))?;
        }
        Ok(())
    }

    /// A line for each claim that can't be judged in full, and for each thing that keeps fine-tunes
    /// from running here.
    fn obstacles(&self, out: &mut impl Write, claims: &[&Claim]) -> Result<(), Failure> {
        let world = &self.context.world;
        let partial = claims.iter().filter_map(|claim| {
            let reason = claim.hypothesis.unavailable(world)?;
            let line = format!("{} can't be judged in full in this set-up: {reason}", claim.id);
            Some(terminal::prose(&line))
        });
        // A line that ends with a command to copy stays whole.
        let missing = self.next.missing.iter().map(|(missing, outstanding)| {
            let what = hints::missing(missing);
            format!("{} of them can't run here: {what}", outstanding.len())
        });
        let lines: Vec<String> = partial.chain(missing).collect();
        if lines.is_empty() {
            return Ok(());
        }
        Ok(writeln!(out, "\n{}", lines.join("\n"))?)
    }

    /// A table of the fine-tunes that can run.
    fn trials(&self, out: &mut impl Write) -> Result<(), Failure> {
        if self.next.planned.is_empty() {
            return Ok(());
        }
        let rows = self.next.planned.iter().map(|planned| {
            let [key, what, needed_by] = line(planned);
            let world = &self.context.world;
            let cost = Cost::of_recipe(&planned.named.trial.recipe, world);
            let device = &self.pricing.priced;
            let fits = device.fits(memory_of(&planned.named.trial, world));
            let seconds = device.speed.filter(|_| fits).map(|speed| speed.seconds(cost));
            let seconds = seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.1}"));
            vec![key, what, needed_by, self.why.runs(&planned.named), seconds]
        });
        let header = ["key", "fine-tune", "needed by", "why it runs", "s"];
        Ok(writeln!(out, "\n{}", terminal::table(&header, rows))?)
    }
}

/// The key of a planned fine-tune, what it is, and the claims that need it.
fn line(planned: &Planned) -> [String; 3] {
    let Planned { named, needed_by } = planned;
    let Trial { recipe, seed } = &named.trial;
    // Claims alone, whichever of their hypotheses it is; the forms for programs name all.
    let mut claims: Vec<&str> =
        needed_by.iter().map(|name| name.split('/').next().unwrap_or(name)).collect();
    claims.dedup();
    [shortest(&named.id).to_owned(), format!("{}, seed {}", recipe.key, seed.0), claims.join(", ")]
}

/// How many fine-tunes run next, have a record, and could be needed; `seconds` is what the next
/// ones take, if that is known.
fn totals(
    out: &mut impl Write,
    Counts { to_run, recorded, at_most }: Counts,
    seconds: Option<f64>,
    at_once: usize,
) -> Result<(), Failure> {
    let about =
        seconds.map_or_else(String::new, |seconds| format!("about {}, ", duration(seconds)));
    let next = format!(
        "{} to run next, {about}{at_once} at once; {} in the ledger, and {at_most} could be \
         needed at most",
        counted(to_run, "fine-tune"),
        counted(recorded, "record"),
    );
    Ok(writeln!(out, "{}", terminal::prose(&next))?)
}

/// What the set-up's source models cost, if they have to be trained first.
fn zoo(
    out: &mut impl Write,
    assets: &dyn Assets,
    speed: Option<Throughput>,
) -> Result<(), Failure> {
    let Some(zoo) = assets.zoo_to_make() else { return Ok(()) };
    let ZooCost { trainings, flops } = zoo.pretraining.cost(zoo.train, zoo.test);
    let time = speed.map_or_else(String::new, |speed| {
        let [least, most] = flops.map(|flops| duration(flops / speed.0));
        format!(", {least} to {most} at that speed, less what their checkpoints have done")
    });
    let zoo = format!(
        "its source models have to be trained first: {} to {} trainings, {:.2e} to {:.2e} \
         operations{time}",
        trainings[0], trainings[1], flops[0], flops[1],
    );
    Ok(writeln!(out, "{}", terminal::prose(&zoo))?)
}
