//! `repro plan`: which fine-tunes would run, why none of the ledger's is used in their place, and
//! what they cost.

use std::{collections::HashMap, io::Write};

use clap::{Args, ValueEnum};

use super::{
    Failure, Outcome, Suites,
    progress::minutes,
    run::line,
    smoke::{Ours, tell, unusable},
    stdout,
};
use crate::{
    ledger::{Ended, Entry, Key, Seed},
    own::{self, Own, Planned, seconds_a_pass},
    plan,
    report::terminal,
    trial::ENGINE_VERSION,
    world::World,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro plan
  repro plan --claim shape_bias
  repro plan --format jsonl | jq -r .key | xargs -n 1 -P 2 repro run --key

It lists what the judge needs next; when that has run, a hypothesis that is still open needs more.";

#[derive(Args)]
pub(super) struct Plan {
    /// A claim; may be given again. All of them where none is given
    #[arg(long = "claim", value_name = "ID")]
    ids: Vec<String>,
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
        let world = World::smoke();
        let suite = suites.of(&world)?;
        let claims = suite.select(&self.ids)?;
        let ledger = self.ours.ledger();
        let own = Own { world: &world, ledger: &ledger };
        let gathered = own.gather(&claims).map_err(unusable)?;
        let outstanding = own.outstanding(&claims, &gathered);
        let mut damaged = gathered.damaged;
        let all = ledger.all(&mut |file| damaged.push(file)).map_err(unusable)?;
        tell(&damaged);
        let mut others: HashMap<(&Key, Seed), Vec<&Entry>> = HashMap::new();
        for entry in &all {
            let Entry { trial, .. } = entry;
            others.entry((&trial.recipe.key, trial.seed)).or_default().push(entry);
        }
        let why = |planned: &Planned| {
            let trial = &planned.named.trial;
            let same = others.get(&(&trial.recipe.key, trial.seed));
            same.and_then(|same| same.last())
                .map_or("never run".to_owned(), |entry| differs(planned, entry))
        };
        let seconds =
            |planned: &Planned| own::passes(&planned.named.trial) * gathered.seconds_a_pass;
        let mut out = stdout();
        if let PlanFormat::Jsonl = self.format {
            for planned in &outstanding {
                let line = serde_json::json!({
                    "key": planned.named.id,
                    "trial": planned.named.trial,
                    "wanted_by": planned.wanted_by,
                    "why": why(planned),
                    "seconds": seconds(planned),
                });
                writeln!(out, "{line}")?;
            }
            return Ok(Outcome::Done);
        }
        let total: f64 = outstanding.iter().map(seconds).sum();
        if !outstanding.is_empty() {
            let rows = outstanding.iter().map(|planned| {
                let [key, what, wanted] = line(planned);
                vec![key, what, wanted, why(planned), format!("{:.1}", seconds(planned))]
            });
            let header = ["key", "what", "wanted by", "why it runs", "s"];
            writeln!(out, "{}", terminal::table(&header, rows))?;
        }
        let most = plan::at_most(&claims, &world);
        let threads = self.ours.threads();
        writeln!(
            out,
            "{} fine-tunes to run next, about {} on {threads} threads; {} records are there, and {} \
             could be needed at most",
            outstanding.len(),
            minutes(total / threads as f64),
            gathered.evidence.records.len(),
            most.len(),
        )?;
        let measured = seconds_a_pass(&all) > 0.0 && !all.is_empty();
        let from =
            if measured { "by the records that are there" } else { "by another machine's speed" };
        writeln!(out, "priced {from}")?;
        Ok(Outcome::Done)
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
