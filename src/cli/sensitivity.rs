//! `repro sensitivity`: a claim judged again under each choice that a critic would question.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::PathBuf,
};

use clap::Args;

use super::{
    Failure, Outcome, Suites, exit,
    format::{Format, Offered, OneOf},
    handoff, kind,
    local::{Ours, RunContext, tell, unusable},
    progress::minutes,
    stdout,
};
use crate::{
    assets::Named,
    claim::Claim,
    evidence::Records,
    experiment::{EvidenceKind, Key, Trial},
    figure::numbers::counted,
    judge::result::FORMAT_VERSION,
    plan::{
        self,
        cost::{Price, Speed},
        sensitivity::{
            self, Answer, Answers, CHOICES, Choice, HELD_OUT, RATES, Rate, Tuned, curve,
        },
    },
    report::{self, terminal},
    util::suggest::did_you_mean,
    world::World,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro sensitivity --claim robust_beats_natural --no-run     what it would cost
  repro sensitivity --claim robust_beats_natural
  repro sensitivity --claim l2_best --choice head --choice gentle --figures figures

Choices, each in place of the paper's: paper (nothing is changed; always judged first), learning_rate \
(.01, not .1), own_rates (each source's own best of .1, .03 and .01, chosen on held-out seeds, not one for \
all), head (PyTorch's own, not N(0, 1)), batch_norm (frozen, not in train mode), augmentation \
(none), best_epoch (on the test set, not the last), short and long (half and twice as many epochs), \
gentle: rate, head, batch norms and augmentation together, and gentle_long: the same in ten times as many \
epochs. A second table tells how well each source model does, so that a lead over models that learn nothing \
is seen as one. It can be stopped at any time and goes on where it was.";

#[derive(Args)]
pub(super) struct Sensitivity {
    /// The claim
    #[arg(long = "claim", value_name = "ID")]
    id: String,
    /// A choice; may be given again. All of them where none is given
    #[arg(long = "choice", value_name = "CHOICE")]
    choices: Vec<String>,
    /// Which fine-tunes of our own
    #[arg(
        long,
        value_name = "KIND",
        value_parser = kind::one_of(kind::OWN),
        default_value = "smoke"
    )]
    evidence: EvidenceKind,
    /// In which form
    #[arg(long, value_parser = OneOf(FORMATS), default_value = "text")]
    format: Format,
    /// Write the specification curve as an SVG file into this folder
    #[arg(long, value_name = "DIR")]
    figures: Option<PathBuf>,
    /// Say what it would cost, judge what the ledger has and run nothing
    #[arg(long)]
    no_run: bool,
    #[command(flatten)]
    ours: Ours,
}

const FORMATS: &[Offered] = &[
    (Format::Text, None),
    (Format::Json, Some("Everything, by the schema of `repro schema sensitivity`")),
    (Format::Csv, Some("A line for each cell under each choice")),
];

impl Sensitivity {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        if !self.no_run {
            handoff::rather(suites.engine)?;
        }
        let kind = self.evidence;
        let suite = suites.of(kind)?;
        let claims = suite.select(std::slice::from_ref(&self.id))?;
        let [claim] = claims.as_slice() else { unreachable!("one id selects one claim") };
        let choices = self.choices()?;
        let mut answers: Vec<Answer> = Vec::new();
        for choice in choices {
            let Some(claim) = choice.claim(claim) else {
                anstream::eprintln!("{}: not asked, the claim fixes its evaluations", choice.words);
                continue;
            };
            anstream::eprintln!("{}", choice.words);
            let mut world = choice.world(suites.world(kind));
            let mut rates_are_known = true;
            if choice.chooses_rates() {
                let rates = self.rates(&claim, &world, suites)?;
                rates_are_known = rates.is_some();
                world.learning_rates = rates.unwrap_or_default();
            }
            let workshop = self.ours.context_of(kind, world, suites);
            let mut gathered = workshop.evidence(&[&claim], !self.no_run && rates_are_known)?;
            if !rates_are_known {
                // At rates that are not chosen yet there is no record.
                gathered.evidence.records = Records::new([]).expect("nothing is there twice");
            } else if self.no_run {
                let next = plan::outstanding(&[&claim], &gathered.evidence).into_keys();
                let recipe = |key: Key| workshop.world.recipe(key);
                let next = next.map(|(key, seed)| Trial { recipe: recipe(key), seed });
                let next: Vec<Trial> = next.collect();
                price(&next, workshop.speed(&gathered), &workshop);
                if let Some(lacks) = claim.hypothesis.lacks(&workshop.world) {
                    anstream::eprintln!("  it can't be judged on all it asks for here: {lacks}");
                }
            }
            let paper = answers.first().map(|answer| answer.verdict.verdict);
            answers.push(Answer::of(choice, &claim, &gathered.evidence, paper));
        }
        if let Some(folder) = &self.figures {
            let world = suites.world(kind);
            let name = format!("{}-sensitivity", claim.id);
            let file = report::write_forest(folder, claim, &curve(&answers), &world, &name)
                .map_err(|error| Failure::new(exit::OUTPUT, error))?;
            if let Some(file) = file {
                anstream::eprintln!("figure: {}", file.display());
            }
        }
        self.print(claim, answers)?;
        Ok(Outcome::Done)
    }

    /// Each source's own best learning rate, chosen on held-out seeds, which are run where they are not
    /// there; `None` where they are only to be priced.
    fn rates(
        &self,
        claim: &Claim,
        world: &World,
        suites: &Suites<'_>,
    ) -> Result<Option<BTreeMap<String, f64>>, Failure> {
        let workshop = self.ours.context_of(self.evidence, world.clone(), suites);
        let named = |trial| workshop.named(trial);
        let tuning = sensitivity::tuning(claim, world);
        let trials: Result<Vec<Named>, Failure> = tuning.iter().cloned().map(named).collect();
        let trials = match trials {
            Ok(trials) => trials,
            // What keeps them from being run is told of every other choice too.
            Err(_) if self.no_run => {
                price(&tuning, None, &workshop);
                return Ok(None);
            }
            Err(lacking) => {
                _ = lacking.report();
                return Ok(None);
            }
        };
        let mut tuned = of_ledger(&trials, &workshop)?;
        let missing = sensitivity::missing(&tuned);
        if self.no_run && !missing.is_empty() {
            let missing: Vec<Trial> = missing.into_iter().map(|named| named.trial).collect();
            price(&missing, None, &workshop);
            anstream::eprintln!(
                "  to choose rates by; the fine-tunes at these rates come after it"
            );
            return Ok(None);
        }
        if !missing.is_empty() {
            workshop.run_into(&workshop.ledger, &missing, None)?;
            tuned = of_ledger(&trials, &workshop)?;
        }
        let best = sensitivity::best_rates(&tuned);
        tell_rates(&best);
        Ok(Some(best.into_iter().map(|(source, rate)| (source, rate.chosen)).collect()))
    }

    /// The paper's recipe, and what was asked for, or all.
    fn choices(&self) -> Result<Vec<Choice>, Failure> {
        let known = || CHOICES.iter().map(|choice| choice.id);
        if let Some(unknown) = self.choices.iter().find(|id| !known().any(|known| known == *id)) {
            let hint = did_you_mean(unknown, known());
            let all = known().collect::<Vec<_>>().join(", ");
            return Err(Failure::usage(
                format!("unknown choice `{unknown}`{hint}"),
                &format!("choices are {all}"),
            ));
        }
        let asked = |choice: &&Choice| {
            let named = self.choices.iter().any(|id| id == choice.id);
            named || self.choices.is_empty() || choice.id == CHOICES[0].id
        };
        Ok(CHOICES.iter().filter(asked).copied().collect())
    }

    fn print(&self, claim: &Claim, answers: Vec<Answer>) -> Result<(), Failure> {
        let mut out = stdout();
        match self.format {
            Format::Text => write!(out, "{}", text(claim, &answers))?,
            Format::Json => {
                let answers = Answers { format_version: FORMAT_VERSION, claims: answers };
                serde_json::to_writer_pretty(&mut out, &answers).map_err(std::io::Error::from)?;
                writeln!(out)?;
            }
            Format::Csv => {
                out.write_all(report::spreadsheet_of_choices(&answers).as_bytes())?;
            }
            other => other.is_not_offered(),
        }
        Ok(())
    }
}

/// A table of verdicts, one of accuracies, and why each verdict is what it is.
fn text(claim: &Claim, answers: &[Answer]) -> String {
    let rows = answers.iter().map(|answer| {
        vec![
            answer.choice.words.to_owned(),
            answer.verdict.verdict.to_string(),
            answer.effect.word().to_owned(),
            answer.mean.map_or_else(|| "-".to_owned(), |mean| format!("{mean:+.2}")),
        ]
    });
    let verdicts = terminal::table(&["choice", "verdict", "", "mean"], rows);
    let accuracies = of_sources(answers);
    let reason = |Answer { choice, verdict, .. }: &Answer| {
        terminal::prose(&format!("{}: {}", choice.id, verdict.reason)) + "\n"
    };
    let reasons: String = answers.iter().map(reason).collect();
    let asked = terminal::prose(&format!("{}: {}", claim.id, claim.hypothesis.sentence));
    let means = terminal::prose(
        "Accuracy after the last epoch in percent, mean over cells of the first look's seeds:",
    );
    format!("{asked}\n\n{verdicts}\n\n{means}\n\n{accuracies}\n\n{reasons}")
}

/// A row for each choice, a column for each source model.
fn of_sources(answers: &[Answer]) -> String {
    let all = answers.iter().flat_map(|answer| answer.accuracies.keys());
    let sources: BTreeSet<&str> = all.map(|source| &**source).collect();
    let header: Vec<&str> = ["choice"].into_iter().chain(sources.iter().copied()).collect();
    let rows = answers.iter().map(|Answer { choice, accuracies, .. }| {
        let mean = |source: &&str| {
            accuracies.get(*source).map_or_else(String::new, |mean| format!("{mean:.1}"))
        };
        [choice.words.to_owned()].into_iter().chain(sources.iter().map(mean)).collect()
    });
    terminal::table(&header, rows)
}

/// What the ledger has of the fine-tunes that rates are chosen by.
fn of_ledger(trials: &[Named], workshop: &RunContext) -> Result<Vec<Tuned>, Failure> {
    let tuned = |named: &Named| {
        let mut damaged = Vec::new();
        let entry = workshop.ledger.get(&named.id, &mut |file| damaged.push(file));
        tell(&damaged);
        let ended = entry.map_err(unusable)?.map(|entry| entry.outcome);
        Ok(Tuned { named: named.clone(), ended })
    };
    trials.iter().map(tuned).collect()
}

/// Says which rate is best for each source, and of which means.
fn tell_rates(best: &BTreeMap<String, Rate>) {
    for (source, rate) in best {
        let means = RATES.iter().zip(rate.means);
        let means: Vec<String> =
            means.map(|(rate, mean)| format!("{mean:.1} % at {rate}")).collect();
        let seeds = HELD_OUT.len();
        anstream::eprintln!(
            "  {source}: {} is best over {seeds} held-out seeds, of {}",
            rate.chosen,
            means.join(", ")
        );
    }
}

/// Says what fine-tunes would cost.
fn price(trials: &[Trial], speed: Option<Speed>, workshop: &RunContext) {
    let price = Price::of_all(trials, &workshop.world);
    let seconds = speed.unwrap_or(Speed::ELSEWHERE).seconds(price) / workshop.at_once() as f64;
    let trials = counted(trials.len(), "fine-tune");
    anstream::eprintln!("  {trials} to run next, about {}", minutes(seconds));
}
