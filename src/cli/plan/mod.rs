//! `repro plan`: the fine-tunes that would run, why no record serves in their place, and what they
//! cost.

mod costs;
mod prices;
mod report;
mod request;
mod speed;
mod text;
mod why;

use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser},
};

use super::{
    Failure, Outcome, Suites,
    claim_ids::ClaimIds,
    exit,
    figure_names::canonical,
    format::{Format, Offered, OneOf, json},
    handoff, kind,
    local::{LocalArguments, RunContext, unusable, warn_damaged},
    messages::{message, stdout},
    runtime::Machine,
};
use crate::{
    experiment::EvidenceKind,
    figure::catalogue::{self, FigureCatalogue},
    plan::{campaign::Gathered, gpu::Gpu},
    store::Damaged,
    world::World,
};
use prices::Prices;
use request::{PlanRequest, to_run};
use speed::Pricing;
use why::Why;

pub(super) use report::PlanReport;

pub(super) const EXAMPLES: &str = "\
Examples:
  repro plan
  repro plan shape_bias
  repro plan --figure A5           the missing fine-tunes of a figure, three seeds a point
  repro plan --evidence paper --card h100
                                   what the paper's scale costs on a GPU that is not at hand
  repro plan --evidence paper --device-rate 60e12
  repro plan --all                 the list of fine-tunes, and the parts of each claim
  repro plan --format jsonl | jq -r '.key // empty' | xargs -n 1 -P 2 repro run --key

It lists what the judge needs next; when that has run, a hypothesis that is still open needs more. \
Time is estimated from the records that this processor made. Without any, a short fine-tune of \
random weights is timed first on a GPU, and on a CPU with --time, where it takes minutes; for the \
smoke set-up on a CPU the speed of a reference machine is used. --card takes a share of the peak \
in a data sheet, which it prints. What needs more memory than the device has costs no time. For \
programs nothing is timed without --time: `seconds` is null if no speed is known, `operations` \
are counted, and a fine-tune that can't run here (`lacking` says why) has no `key`.";

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
    /// Price for a GPU that is not at hand, by its data sheet
    #[arg(long, value_name = "NAME", value_parser = cards(), conflicts_with_all = ["device_rate", "time"])]
    card: Option<String>,
    /// Price for a device of this speed, in operations a second, such as 60e12
    #[arg(long, value_name = "OPERATIONS", value_parser = rate, conflicts_with = "time")]
    device_rate: Option<f64>,
    /// Time a short fine-tune where no speed is known, on a CPU too
    #[arg(long)]
    time: bool,
    /// List the fine-tunes and the parts of each claim as well
    #[arg(long)]
    all: bool,
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
        // A device that is not at hand needs no engine.
        let at_hand = self.card.is_none() && self.device_rate.is_none();
        if at_hand {
            handoff::rather(suites.engine)?;
        }
        let context = self.local.context(self.evidence, suites);
        let machine = suites.engine.filter(|_| at_hand);
        let machine = machine.map(|_| context.machine()).transpose()?;
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
        let pricing = self.pricing(&context, machine, &request.gathered);
        let programs = matches!(self.format, Format::Json | Format::Jsonl);
        let pricing = if programs && !self.time {
            pricing
        } else {
            pricing.timed(&context, machine, self.time)?
        };
        let counts = request.counts(&next);
        let of_claims = if figures.is_empty() { &claims[..] } else { &[] };
        let prices = Prices::new(
            of_claims,
            &context.world,
            &request.gathered.evidence,
            (&to_run(&next), &request.at_most),
            &pricing.priced,
        );
        if programs {
            let report = PlanReport::new(&context, &next, &why, &pricing, prices, counts);
            if let Format::Json = self.format {
                json(&mut stdout(), &report)?;
            } else {
                report.print_lines(&mut stdout())?;
            }
            return Ok(Outcome::Done);
        }
        let (context, next) = (&context, &next);
        let plan = text::Text { context, next, why: &why, pricing: &pricing, prices: &prices };
        let details = self.all.then_some(&request.gathered.evidence);
        plan.print(&mut stdout(), of_claims, details, counts)?;
        Ok(Outcome::Done)
    }

    /// The device to price for; nothing is timed.
    fn pricing(
        &self,
        context: &RunContext,
        machine: Option<&dyn Machine>,
        gathered: &Gathered,
    ) -> Pricing {
        match (self.card.as_deref().and_then(Gpu::named), self.device_rate) {
            (Some(card), _) => Pricing::of_card(card, &context.world),
            (None, Some(rate)) => Pricing::at(rate),
            (None, None) => Pricing::here(context, machine, gathered),
        }
    }
}

/// The GPUs whose speed is known.
fn cards() -> PossibleValuesParser {
    let cards = Gpu::all().iter();
    PossibleValuesParser::new(cards.map(|gpu| PossibleValue::new(&*gpu.id).help(&*gpu.name)))
}

/// A speed in operations a second: a number above 0, such as `60e12`.
fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("it must be a number of operations a second above 0, such as 60e12".to_owned()),
    }
}

/// Reports that a device can run none of a set-up's fine-tunes, which no file can fix.
fn report_refused(machine: Option<&dyn Machine>, world: &World) {
    let precision = world.protocol.precision;
    if let Some(refused) = machine.and_then(|machine| machine.refuses(precision)) {
        message!("note: this device can run none of them: {refused}");
    }
}
