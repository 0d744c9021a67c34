//! `repro plan`: the fine-tunes that would run, why no record serves in their place, and what they
//! cost.

mod costs;
mod report;
mod request;
mod speed;
mod text;
mod why;

use clap::Args;

use super::{
    Failure, Outcome, Suites,
    claim_ids::ClaimIds,
    exit,
    figure_names::canonical,
    format::{Format, Offered, OneOf, json},
    handoff, kind,
    local::{LocalArguments, unusable, warn_damaged},
    messages::{message, stdout},
    runtime::Machine,
};
use crate::{
    experiment::EvidenceKind,
    figure::catalogue::{self, FigureCatalogue},
    store::Damaged,
    world::World,
};
use request::PlanRequest;
use why::Why;

pub(super) use report::PlanReport;

pub(super) const EXAMPLES: &str = "\
Examples:
  repro plan
  repro plan shape_bias
  repro plan --figure A5           the missing fine-tunes of a figure, three seeds a point
  repro plan --evidence paper      what the paper's scale costs, by claim
  repro plan --format jsonl | jq -r '.key // empty' | xargs -n 1 -P 2 repro run --key

It lists what the judge needs next; when that has run, a hypothesis that is still open needs more. \
Costs are estimated from the records that this processor made. Without any, a short fine-tune of \
random weights is timed first; for the smoke set-up on a CPU the speed of a reference machine is \
used. For programs nothing is timed: `seconds` is null if no speed is known, `operations` are \
counted, and a fine-tune that can't run here (`lacking` says why) has no `key`.";

#[derive(Args)]
pub(super) struct Plan {
    #[command(flatten)]
    ids: ClaimIds,
    /// A figure by name, in place of claims; repeat it or separate several with commas
    #[arg(
        long = "figure",
        value_name = "NAME",
        value_delimiter = ',',
        conflicts_with_all = ["ids", "claim"]
    )]
    figures: Vec<String>,
    /// The kind of local runs
    #[arg(
        long,
        value_name = "KIND",
        value_parser = kind::one_of(kind::LOCAL),
        default_value = "smoke"
    )]
    evidence: EvidenceKind,
    /// Text for people, or a form for programs
    #[arg(long, value_parser = OneOf(FORMATS), default_value = "text")]
    format: Format,
    #[command(flatten)]
    local: LocalArguments,
}

const FORMATS: &[Offered] = &[
    (Format::Text, None),
    (Format::Json, Some("Everything, by the schema of `repro schema plan`")),
    (Format::Jsonl, Some("A JSON object a line for each fine-tune")),
];

impl Plan {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        handoff::rather(suites.engine)?;
        let context = self.local.context(self.evidence, suites);
        let machine = suites.engine.map(|_| context.machine()).transpose()?;
        let suite = suites.suite(self.evidence)?;
        let claims = self.ids.select(&suite, suites)?;
        let catalogue = FigureCatalogue::new(&context.world);
        let names: Vec<String> =
            self.figures.iter().map(|name| canonical(name, &catalogue)).collect();
        let figures = catalogue.select(&names).map_err(|error| Failure::new(exit::USAGE, error))?;
        let request = if figures.is_empty() {
            PlanRequest::by_claims(&claims, &context)?
        } else {
            PlanRequest::by_figures(&catalogue::needed_keys(&figures), &context)?
        };
        let next = context.campaign().planned(request.next.clone(), &request.gathered);
        let mut damaged: Vec<Damaged> = Vec::new();
        let planned = next.planned.iter().map(|planned| &planned.named);
        let why = Why::read(planned, &context.ledger, &mut |file| damaged.push(file));
        let why = why.map_err(unusable)?;
        // Both read the records of claims.
        let new = |file: &Damaged| !damaged.contains(file);
        let gathered = request.gathered.damaged.iter().filter(|file| new(file)).cloned();
        warn_damaged(&gathered.collect::<Vec<_>>());
        warn_damaged(&damaged);
        report_refused(machine, &context.world);
        let known = speed::known(&context, machine, &request.gathered);
        let counts = request.counts(&next);
        if let Format::Json | Format::Jsonl = self.format {
            let speed = known.map(|(speed, _)| speed);
            let report = PlanReport::new(&context, &next, &why, speed, counts);
            if let Format::Json = self.format {
                json(&mut stdout(), &report)?;
            } else {
                report.print_lines(&mut stdout())?;
            }
            return Ok(Outcome::Done);
        }
        let (speed, measured) = known.map_or_else(|| speed::timed(&context, machine), Ok)?;
        let plan = text::Text { context: &context, next: &next, why: &why, speed, measured };
        let claims = figures.is_empty().then_some(&claims[..]);
        plan.print(&mut stdout(), claims, &request.gathered.evidence, counts)?;
        Ok(Outcome::Done)
    }
}

/// Reports that a device can run none of a set-up's fine-tunes, which no file can fix.
fn report_refused(machine: Option<&dyn Machine>, world: &World) {
    let precision = world.protocol.precision;
    if let Some(refused) = machine.and_then(|machine| machine.refuses(precision)) {
        message!("note: this device can run none of them: {refused}");
    }
}
