//! Whether a source model is the one that the authors fine-tuned, told by two losses of a fine-tune
//! that their log holds and that depend on little but weights, head and normalisation: the loss of the
//! first batch, in front of any step, and the test loss after the first step.
//!
//! In their log a fine-tune of 100 images has one step an epoch (batches hold 128), so that the first
//! epoch's training loss is the first batch's, the same whatever blocks are trained, and its test loss
//! is the one after the first step. Ours are [`crate::experiment::Outcome::first_losses`] and
//! [`crate::experiment::Outcome::test_loss_after_first_step`] under the paper's protocol. A pure function of
//! numbers; running such fine-tunes is left to others.
//!
//! A seed draws one head for all targets, so losses on several targets are no independent witnesses.
//! They are averaged within a seed, and each model has one comparison of either loss.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    evidence::{Record, Records},
    experiment::Seed,
    stats::{Alpha, Interval, Sample, prediction_interval},
};

/// Images of the fine-tunes that are compared.
pub const IMAGES: u32 = 100;
/// Fine-tuned blocks of those whose test loss after the first step is compared.
pub const BLOCKS: u32 = 3;
/// How often any of the authors' own models is called another's, where all of them are compared at once.
const RISK: f64 = 0.02;

/// What the authors' models gave, by target and source.
#[derive(Clone, Debug, Default)]
pub struct Authors(BTreeMap<(Arc<str>, Arc<str>), Fingerprint>);

/// One source model's losses on one target, one a seed.
#[derive(Clone, Debug)]
pub struct Fingerprint {
    /// The seeds.
    pub seeds: Vec<Seed>,
    /// Loss of the first batch in nats, in the order of the seeds.
    pub first_losses: Sample,
    /// Test loss after the first step in nats, likewise.
    pub test_losses: Sample,
}

/// What was found of a source model on one target: losses of fine-tunes on [`IMAGES`] images, one a seed,
/// the same seeds for every target.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The target.
    pub target: String,
    /// Loss of the first batch in nats.
    pub first_losses: Vec<f64>,
    /// Loss on the whole test set after the first step, with [`BLOCKS`] blocks trained, in nats. Empty where
    /// a part of the test set had to do: the authors' are of all of it.
    pub test_losses: Vec<f64>,
}

/// What came of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Both losses are such as the authors' model gives.
    Alike,
    /// One is not.
    Differs,
    /// There is nothing to compare.
    Unknown,
}

/// A finding, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The finding.
    pub finding: Finding,
    /// One sentence, or a few: what was found, what was expected and, where it differs, what it may be.
    pub text: String,
}

impl Authors {
    /// Reads the losses off the authors' log ([`crate::evidence::Evidence::published`]). What has fewer
    /// than two seeds is left out.
    #[must_use]
    pub fn of(records: &Records) -> Self {
        let mut runs: BTreeMap<_, Vec<&Record>> = BTreeMap::new();
        for record in records.iter() {
            let key = &record.key;
            if key.images == IMAGES && key.blocks == BLOCKS && key.draw == 0 {
                runs.entry((key.target.clone(), key.source.clone())).or_default().push(record);
            }
        }
        let fingerprints = runs.into_iter().filter_map(|(names, mut runs)| {
            runs.sort_by_key(|record| record.seed);
            let first = runs.iter().filter_map(|record| {
                let evaluation = record.evaluations().first()?;
                (evaluation.epoch == 1).then_some((record.seed, evaluation))
            });
            let (seeds, losses): (Vec<Seed>, Vec<(f64, f64)>) = first
                .map(|(seed, evaluation)| (seed, (evaluation.train_loss, evaluation.test_loss)))
                .unzip();
            let (first_losses, test_losses) = losses.into_iter().unzip();
            let first_losses = Sample::new(first_losses).ok()?;
            let test_losses = Sample::new(test_losses).ok()?;
            Some((names, Fingerprint { seeds, first_losses, test_losses }))
        });
        Self(fingerprints.collect())
    }

    /// One source model's losses on one target.
    #[must_use]
    pub fn of_model(&self, role: &str, target: &str) -> Option<&Fingerprint> {
        self.0.get(&(target.into(), role.into()))
    }

    /// One loss of a source model on one target beside theirs, in words and without an answer.
    #[must_use]
    pub fn beside(&self, role: &str, found: &Found) -> String {
        let words = |loss: Loss| {
            let compared = Compared::new(self, role, std::slice::from_ref(found), loss)?;
            let [found, theirs] = [compared.found, compared.theirs.mean()];
            let [found, theirs] = [found, theirs].map(|value| three_digits(value.exp()));
            Some(format!("{} {found}, theirs {theirs}", loss.words()))
        };
        let said: Vec<String> = Loss::BOTH.into_iter().filter_map(words).collect();
        if said.is_empty() {
            "the authors' log has no such fine-tune".to_owned()
        } else {
            said.join("; ")
        }
    }

    /// Compares source models, each by its role and with what was found of it, and gives an answer for each.
    /// The risk of a false alarm is that of all of them together.
    #[must_use]
    pub fn compare(&self, models: &[(&str, &[Found])]) -> Vec<Comparison> {
        let compared: Vec<Vec<Compared>> = models
            .iter()
            .map(|(role, found)| {
                let losses = Loss::BOTH.into_iter();
                losses.filter_map(|loss| Compared::new(self, role, found, loss)).collect()
            })
            .collect();
        let risk = Alpha::new(RISK / 2.0).expect("a one-sided level");
        let alpha = risk.split(compared.iter().map(Vec::len).sum());
        let answers = models.iter().zip(&compared);
        answers.map(|((role, found), own)| self.answer(role, found, own, alpha)).collect()
    }

    fn answer(&self, role: &str, found: &[Found], own: &[Compared], alpha: Alpha) -> Comparison {
        let said = |finding, text| Comparison { finding, text };
        let Some(first) = own.first() else {
            let text = format!("nothing that the authors' log has of {role} was run");
            return said(Finding::Unknown, text);
        };
        let alike = |compared: &[Compared]| compared.iter().all(|one| one.is_alike(alpha));
        let roles: BTreeSet<&str> = self.0.keys().map(|(_, source)| &**source).collect();
        let others: Vec<&str> = roles
            .into_iter()
            .filter(|other| *other != role)
            .filter(|other| {
                let losses = Loss::BOTH.into_iter();
                let theirs: Vec<Compared> =
                    losses.filter_map(|loss| Compared::new(self, other, found, loss)).collect();
                !theirs.is_empty() && alike(&theirs)
            })
            .collect();
        let mut told: Vec<String> = own.iter().map(|compared| compared.words(alpha)).collect();
        if own.iter().all(|compared| compared.loss == Loss::First) {
            told.push("no test loss was compared, since theirs are of whole test sets".to_owned());
        }
        let told = told.join("; ");
        if alike(own) {
            let else_too = match others.as_slice() {
                [] => String::new(),
                others => format!(". {} would not be told apart by this", others.join(" or ")),
            };
            let text =
                format!("these are the authors' weights, as far as losses tell: {told}{else_too}");
            return said(Finding::Alike, text);
        }
        let guess = match (others.as_slice(), first.is_alike(alpha)) {
            ([], true) => "the first batch is theirs and the step is not: look at the learning rate, the \
                           blocks that are trained and batch norms' mode"
                .to_owned(),
            ([], false) if first.found < first.theirs.mean() => {
                "the loss grows with the features and the head: is the head drawn from N(0, 1), and are \
                 batch norms in train mode?"
                    .to_owned()
            }
            ([], false) => "the loss grows with the features and the head: are pixels from 0 to 1 and \
                            normalised once, and are these another training's weights?"
                .to_owned(),
            (others, _) => {
                format!("it is such as {} would give: are models exchanged?", others.join(" or "))
            }
        };
        said(Finding::Differs, format!("these are not the authors' weights: {told}. {guess}"))
    }
}

/// Which of the two losses.
#[derive(Clone, Copy, PartialEq)]
enum Loss {
    First,
    Test,
}

impl Loss {
    const BOTH: [Self; 2] = [Self::First, Self::Test];

    fn found(self, found: &Found) -> &[f64] {
        match self {
            Self::First => &found.first_losses,
            Self::Test => &found.test_losses,
        }
    }

    fn theirs(self, fingerprint: &Fingerprint) -> &Sample {
        match self {
            Self::First => &fingerprint.first_losses,
            Self::Test => &fingerprint.test_losses,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::First => "the first batch has a loss of",
            Self::Test => "the test loss after one step is",
        }
    }
}

/// One loss of one source model, averaged over targets within a seed: in logarithms, since targets differ in
/// size and test losses spread over decades.
struct Compared {
    loss: Loss,
    targets: Vec<String>,
    found: f64,
    seeds: usize,
    theirs: Sample,
}

impl Compared {
    /// Over the targets that both sides have; `None` where there are none, or fewer than two seeds of theirs.
    fn new(authors: &Authors, role: &str, found: &[Found], loss: Loss) -> Option<Self> {
        let both = found.iter().filter(|found| !loss.found(found).is_empty());
        let both: Vec<(&Found, &Fingerprint)> = both
            .filter_map(|found| Some((found, authors.of_model(role, &found.target)?)))
            .collect();
        let mean = |values: &mut dyn Iterator<Item = f64>| {
            let (sum, count) = values.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
            sum / count
        };
        let mut theirs: BTreeMap<Seed, Vec<f64>> = BTreeMap::new();
        for (_, fingerprint) in &both {
            for (seed, value) in fingerprint.seeds.iter().zip(loss.theirs(fingerprint).values()) {
                theirs.entry(*seed).or_default().push(value.ln());
            }
        }
        let theirs = theirs.values().filter(|values| values.len() == both.len());
        let theirs = theirs.map(|values| mean(&mut values.iter().copied())).collect();
        let mut of_targets =
            both.iter().map(|(found, _)| mean(&mut loss.found(found).iter().map(|loss| loss.ln())));
        Some(Self {
            loss,
            found: mean(&mut of_targets),
            seeds: both.iter().map(|(found, _)| loss.found(found).len()).min()?,
            targets: both.iter().map(|(found, _)| found.target.clone()).collect(),
            theirs: Sample::new(theirs).ok()?,
        })
    }

    fn expected(&self, alpha: Alpha) -> Interval {
        prediction_interval(&self.theirs, self.seeds, alpha)
    }

    /// A loss that is not finite is nobody's.
    fn is_alike(&self, alpha: Alpha) -> bool {
        self.expected(alpha).contains(self.found)
    }

    fn words(&self, alpha: Alpha) -> String {
        let expected = self.expected(alpha);
        let [found, theirs, low, high] =
            [self.found, self.theirs.mean(), expected.low, expected.high]
                .map(|value| three_digits(value.exp()));
        let seeds = match self.seeds {
            1 => "one seed".to_owned(),
            seeds => format!("{seeds} seeds"),
        };
        let (loss, targets) = (self.loss.words(), self.targets.join(", "));
        format!(
            "{loss} {found} ({seeds}; {targets}), theirs {theirs} (expected from {low} to {high})"
        )
    }
}

/// A loss as people write it: 36.8, 3120, 9.2.
fn three_digits(loss: f64) -> String {
    match loss.abs() {
        size if size < 10.0 => format!("{loss:.2}"),
        size if size < 100.0 => format!("{loss:.1}"),
        size if size < 1e6 => format!("{loss:.0}"),
        _ => format!("{loss:.1e}"),
    }
}
