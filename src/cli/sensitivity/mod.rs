//! `repro sensitivity`: a claim judged again under each choice that a critic would question.

mod curve;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::PathBuf,
};

use clap::{ArgGroup, Args};

use super::{
    Failure, Outcome, Suites, claim_ids, exit,
    format::{Format, Offered, OneOf, json},
    handoff, kind,
    local::{LocalArguments, RunContext, unusable, warn_damaged},
    messages::{message, stdout},
};
use crate::{
    assets::IdentifiedTrial,
    claim::Claim,
    evidence::Records,
    experiment::{EvidenceKind, Key, Trial},
    figure::numbers::counted,
    judge::result::FORMAT_VERSION,
    plan::{
        self,
        cost::{Cost, Throughput},
        sensitivity::{
            self, Answer, Answers, CHOICES, Choice, Estimate, HELD_OUT, RATES, Rate, Tuned,
            by_choice,
        },
    },
    report::{self, terminal},
    util::{decimals::signed, duration, suggest::did_you_mean},
    world::World,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro sensitivity robust_beats_natural --no-run     print what it would cost
  repro sensitivity robust_beats_natural
  repro sensitivity l2_best --choice head,gentle --figures figures
  repro sensitivity robust_beats_natural --curve --no-run

Choices, each in place of the paper's: paper (nothing is changed; always judged first), \
learning_rate (.01, not .1), own_rates (each source's own best of .1, .03 and .01, chosen on \
held-out seeds, not one for all), head (PyTorch's own, not N(0, 1)), batch_norm (frozen, not in \
train mode), augmentation (none), best_epoch (on the test set, not the last), short and long (half \
and twice as many epochs), gentle: rate, head, batch norms and augmentation together, and \
gentle_long: the same in ten times as many epochs; and pretraining: source models that were \
pretrained for a quarter of each epoch's steps (natural and l2_3, three seeds). A second table has \
the accuracy of each source model, so that a lead over models that learn nothing can be \
recognised. --curve judges all 16 \
combinations of learning_rate, head, batch_norm and augmentation, each read at the last and at the \
best epoch; the plan and its price are printed first. The command can be stopped \
at any time; the same command resumes.";

#[derive(Args)]
#[command(group(ArgGroup::new("which").required(true).args(["id", "claim"])))]
pub(super) struct Sensitivity {
    /// The claim, by id
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// The same as an option
    #[arg(long, value_name = "ID")]
    claim: Option<String>,
    /// A choice; repeat it or separate several with commas [default: all]
    #[arg(long = "choice", value_name = "CHOICE", value_delimiter = ',')]
    choices: Vec<String>,
    /// The specification curve: all 16 combinations of rate, head, batch norms and augmentation,
    /// each also at the best epoch, with the seeds of the first look
    #[arg(long, conflicts_with = "choices")]
    curve: bool,
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
    /// Write every cell under each choice, or the curve, as an SVG file into this folder
    #[arg(long, value_name = "DIR")]
    figures: Option<PathBuf>,
    /// Print what it would cost, judge the records in the ledger, and run nothing
    #[arg(long)]
    no_run: bool,
    #[command(flatten)]
    local: LocalArguments,
}

const FORMATS: &[Offered] = &[
    (Format::Text, None),
    (Format::Json, Some("Everything, by `repro schema sensitivity`; a curve by `schema curve`")),
    (Format::Csv, Some("A line for each cell under each choice; for a curve, a specification")),
];

impl Sensitivity {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        if !self.no_run {
            handoff::rather(suites.engine)?;
        }
        let kind = self.evidence;
        let suite = suites.suite(kind)?;
        let id = self.id.as_ref().or(self.claim.as_ref()).expect("clap requires one of them");
        let claim = claim_ids::one(id, &suite, suites)?;
        let choices = self.choices()?;
        if let Some(folder) = self.figures.as_ref().filter(|_| !self.no_run) {
            report::check_figures(folder).map_err(|error| Failure::new(exit::OUTPUT, error))?;
        }
        if self.curve {
            return self.specification_curve(claim, suites);
        }
        let mut answers: Vec<Answer> = Vec::new();
        for choice in choices {
            if let Some(reason) = choice.unavailable(claim, &suites.world(kind)) {
                message!("{}: skipped, {reason}", choice.words);
                continue;
            }
            let Some(claim) = choice.claim(claim) else {
                message!("{}: skipped, the claim fixes its evaluations", choice.words);
                continue;
            };
            message!("{}", choice.words);
            let mut world = choice.world(&claim, suites.world(kind));
            let mut rates_are_known = true;
            if choice.chooses_rates() {
                let rates = self.rates(&claim, &world, suites)?;
                rates_are_known = rates.is_some();
                world = sensitivity::at_rates(&claim, world, rates.unwrap_or_default());
            }
            let context = self.local.context_in(kind, world, suites);
            let mut gathered = context.evidence(&[&claim], !self.no_run && rates_are_known)?;
            if !rates_are_known {
                // The rates are not chosen yet, so no record is at these rates.
                gathered.evidence.records = Records::new([]).expect("no duplicates");
            } else if self.no_run {
                let next = plan::outstanding(&[&claim], &gathered.evidence).into_keys();
                let recipe = |key: Key| context.world.recipe(key);
                let next = next.map(|(key, seed)| Trial { recipe: recipe(key), seed });
                let next: Vec<Trial> = next.collect();
                cost(&next, context.speed(&gathered), &context);
                if let Some(reason) = claim.hypothesis.unavailable(&context.world) {
                    message!("  it can't be judged in full in this set-up: {reason}");
                }
            }
            let answer = Answer::new(choice, &claim, &gathered.evidence, answers.first());
            answers.push(answer);
        }
        if let Some(folder) = &self.figures {
            let world = suites.world(kind);
            let name = format!("{}-sensitivity", claim.id);
            let file = report::write_forest(folder, claim, &by_choice(&answers), &world, &name)
                .map_err(|error| Failure::new(exit::OUTPUT, error))?;
            if let Some(file) = file {
                message!("figure: {}", file.display());
            }
        }
        self.print(claim, answers)?;
        Ok(Outcome::Done)
    }

    /// Each source's own best learning rate, chosen on held-out seeds, whose missing fine-tunes are
    /// run; `None` if they are missing and may not be run.
    fn rates(
        &self,
        claim: &Claim,
        world: &World,
        suites: &Suites<'_>,
    ) -> Result<Option<BTreeMap<String, f64>>, Failure> {
        let context = self.local.context_in(self.evidence, world.clone(), suites);
        let identify = |trial| context.identify(trial);
        let tuning = sensitivity::tuning(claim, world);
        let trials: Result<Vec<IdentifiedTrial>, Failure> =
            tuning.iter().cloned().map(identify).collect();
        let trials = match trials {
            Ok(trials) => trials,
            // What keeps them from running is printed for every other choice too.
            Err(_) if self.no_run => {
                cost(&tuning, None, &context);
                return Ok(None);
            }
            Err(missing) => {
                _ = missing.report();
                return Ok(None);
            }
        };
        let mut tuned = of_ledger(&trials, &context)?;
        let missing = sensitivity::missing(&tuned);
        if self.no_run && !missing.is_empty() {
            let missing: Vec<Trial> = missing.into_iter().map(|missing| missing.trial).collect();
            cost(&missing, None, &context);
            message!("  to choose rates by; the fine-tunes at the chosen rates come after that");
            return Ok(None);
        }
        if !missing.is_empty() {
            context.run_into(&context.ledger, &missing, None)?;
            tuned = of_ledger(&trials, &context)?;
        }
        let best = sensitivity::best_rates(&tuned);
        report_rates(&best);
        Ok(Some(best.into_iter().map(|(source, rate)| (source, rate.chosen)).collect()))
    }

    /// The paper's recipe, and the named choices or all.
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
                json(&mut out, &answers)?;
            }
            Format::Csv => {
                out.write_all(report::spreadsheet_of_choices(&answers).as_bytes())?;
            }
            other => other.is_not_offered(),
        }
        Ok(())
    }
}

/// A table of verdicts, one of accuracies, and the reason of each verdict.
fn text(claim: &Claim, answers: &[Answer]) -> String {
    let rows = answers.iter().map(|answer| {
        vec![
            answer.choice.words.to_owned(),
            answer.verdict.verdict.to_string(),
            answer.effect.word().to_owned(),
            answer.mean.map_or_else(|| "-".to_owned(), |mean| signed(mean, 2)),
        ]
    });
    let verdicts = terminal::table(&["choice", "verdict", "", "mean"], rows);
    let differences = differences(answers);
    let accuracies = of_sources(answers);
    let reason = |Answer { choice, verdict, .. }: &Answer| {
        terminal::prose(&format!("{}: {}", choice.id, verdict.reason)) + "\n"
    };
    let reasons: String = answers.iter().map(reason).collect();
    let claim = terminal::prose(&format!("{}: {}", claim.id, claim.hypothesis.statement));
    let means = terminal::prose(
        "Accuracy after the last epoch in percent, mean over cells of the first look's seeds:",
    );
    format!("{claim}\n\n{verdicts}\n\n{differences}{means}\n\n{accuracies}\n\n{reasons}")
}

/// What each choice adds to the effect under the paper's recipe, over cells and by the seeds in
/// common; empty if only the paper's recipe is judged.
fn differences(answers: &[Answer]) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |it| signed(it, 2));
    let row = |answer: &Answer| {
        let Estimate { seeds, mean, low, high, .. } = answer.difference?;
        let words = answer.choice.words.to_owned();
        Some(vec![words, number(mean), number(low), number(high), seeds.to_string()])
    };
    let rows: Vec<Vec<String>> = answers.iter().filter_map(row).collect();
    let of = answers.iter().filter_map(|answer| answer.difference?.confidence).next();
    if rows.is_empty() {
        return String::new();
    }
    let confidence = of.map_or_else(String::new, |percent| format!("{percent:.0} % "));
    let words = terminal::prose(&format!(
        "Minus the paper's recipe: difference of the contrast within a seed, mean over cells, with \
         its {confidence}t interval over the seeds that both verdicts used in every cell. Each \
         interval is for one choice, and takes no account of when seeds stopped:",
    ));
    let header = ["choice", "difference", "low", "high", "seeds"];
    format!("{words}\n\n{}\n\n", terminal::table(&header, rows))
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

/// The fine-tunes that rates are chosen by, with their records if they have any.
fn of_ledger(trials: &[IdentifiedTrial], context: &RunContext) -> Result<Vec<Tuned>, Failure> {
    let tuned = |trial: &IdentifiedTrial| {
        let mut damaged = Vec::new();
        let entry = context.ledger.get(&trial.id, &mut |file| damaged.push(file));
        warn_damaged(&damaged);
        let ended = entry.map_err(unusable)?.map(|entry| entry.outcome);
        Ok(Tuned { named: trial.clone(), ended })
    };
    trials.iter().map(tuned).collect()
}

/// Prints the best rate of each source, with the means that it was chosen by.
fn report_rates(best: &BTreeMap<String, Rate>) {
    for (source, rate) in best {
        let means = RATES.iter().zip(rate.means);
        let means: Vec<String> =
            means.map(|(rate, mean)| format!("{mean:.1} % at {rate}")).collect();
        let seeds = HELD_OUT.len();
        message!(
            "  {source}: {} is best over {seeds} held-out seeds, of {}",
            rate.chosen,
            means.join(", ")
        );
    }
}

/// Prints what fine-tunes would cost.
fn cost(trials: &[Trial], speed: Option<Throughput>, context: &RunContext) {
    let seconds = seconds(trials, speed, context);
    let trials = counted(trials.len(), "fine-tune");
    message!("  {trials} to run next, about {}", duration(seconds));
}

/// The time of fine-tunes in seconds.
fn seconds(trials: &[Trial], speed: Option<Throughput>, context: &RunContext) -> f64 {
    let cost = Cost::of_trials(trials, &context.world);
    speed.unwrap_or(Throughput::REFERENCE).seconds(cost) / context.at_once() as f64
}
