//! `repro sensitivity --curve`: the plan with its price first, then a claim under every
//! specification, as a table, a figure, JSON or CSV.

use std::io::Write;

use super::{Sensitivity, seconds};
use crate::{
    claim::Claim,
    cli::{
        Failure, Outcome, Suites, exit,
        format::{Format, json},
        local::RunContext,
        messages::{message, stdout},
    },
    evidence::Evidence,
    experiment::{Key, Trial},
    figure::numbers::counted,
    plan::{
        self,
        sensitivity::curve::{Combination, Curve, Factor, Specification, at_first_look},
    },
    report::{self, terminal},
    util::{decimals::signed, duration},
};

impl Sensitivity {
    /// Runs what is missing of the 16 recipes, and judges all specifications.
    pub(super) fn specification_curve(
        &self,
        claim: &Claim,
        suites: &Suites<'_>,
    ) -> Result<Outcome, Failure> {
        let claim = &at_first_look(claim);
        self.price(claim, suites)?;
        let mut evidence: Vec<(Combination, Evidence)> = Vec::new();
        for combination in Combination::all() {
            let context = self.context(&combination, claim, suites);
            let gathered = context.evidence(&[claim], !self.no_run)?;
            evidence.push((combination, gathered.evidence));
        }
        let curve = Curve::new(claim, &evidence);
        if let Some(folder) = &self.figures {
            let file = report::write_specification_curve(folder, claim, &curve)
                .map_err(|error| Failure::new(exit::OUTPUT, error))?;
            if let Some(file) = file {
                message!("figure: {}", file.display());
            }
        }
        let mut out = stdout();
        match self.format {
            Format::Text => write!(out, "{}", text(&curve))?,
            Format::Json => json(&mut out, &curve)?,
            Format::Csv => out.write_all(report::spreadsheet_of_curve(&curve).as_bytes())?,
            other => other.is_not_offered(),
        }
        Ok(Outcome::Done)
    }

    fn context(&self, combination: &Combination, claim: &Claim, suites: &Suites<'_>) -> RunContext {
        let world = combination.world(claim, suites.world(self.evidence));
        self.local.context_in(self.evidence, world, suites)
    }

    /// Prints how many fine-tunes are to be run, and for about how long.
    fn price(&self, claim: &Claim, suites: &Suites<'_>) -> Result<(), Failure> {
        let (mut count, mut time) = (0, 0.0);
        let combinations = Combination::all();
        for combination in &combinations {
            let context = self.context(combination, claim, suites);
            let gathered = context.evidence(&[claim], false)?;
            let next = plan::outstanding(&[claim], &gathered.evidence).into_keys();
            let recipe = |key: Key| context.world.recipe(key);
            let next: Vec<Trial> =
                next.map(|(key, seed)| Trial { recipe: recipe(key), seed }).collect();
            count += next.len();
            time += seconds(&next, context.speed(&gathered), &context);
        }
        let (recipes, trials) = (combinations.len(), counted(count, "fine-tune"));
        message!("{recipes} recipes: {trials} to run next, about {}", duration(time));
        if let Some(reason) = claim.hypothesis.unavailable(&suites.world(self.evidence)) {
            message!("  it can't be judged in full in this set-up: {reason}");
        }
        Ok(())
    }
}

/// The sorted table, what is varied, and the number of specifications by verdict.
fn text(curve: &Curve) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |it| signed(it, 2));
    let row = |one: &Specification| -> Vec<String> {
        let choice = |factor: &Factor| {
            let mark = if one.has(&factor.choice) { "x" } else { "\u{b7}" };
            mark.to_owned()
        };
        let of = &one.estimate;
        let numbers = [number(of.mean), number(of.low), number(of.high), one.verdict.to_string()];
        curve.factors.iter().map(choice).chain(numbers).collect()
    };
    let names = curve.factors.iter().map(|factor| factor.choice.as_str());
    let header: Vec<&str> = names.chain(["mean", "low", "high", "verdict"]).collect();
    let table = terminal::table(&header, curve.specifications.iter().map(row));
    let factor = |Factor { choice, words, paper, other }: &Factor| {
        terminal::prose(&format!("{choice}: {words} (x: {other}, not {paper})")) + "\n"
    };
    let factors: String = curve.factors.iter().map(factor).collect();
    let claim = terminal::prose(&format!("{}: {}", curve.claim, curve.statement));
    let counts = terminal::prose(&format!(
        "{} with {} each: {}. By mean over cells in {}, with its {:.0} % t interval over seeds. \
         All have the same seeds and a fine-tune is read at two epochs, so the shares describe and \
         test nothing:",
        counted(curve.specifications.len(), "specification"),
        counted(curve.seeds.len(), "seed"),
        curve.counts.in_words(),
        curve.unit.name(),
        100.0 * (1.0 - 2.0 * curve.alpha),
    ));
    format!("{claim}\n\n{counts}\n\n{table}\n\n{factors}")
}
