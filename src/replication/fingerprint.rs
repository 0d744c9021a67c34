//! Tests whether a source model is the one that the authors fine-tuned, by two losses that their
//! log contains and that depend on little but weights, head and normalisation: the loss of the
//! first batch, before any step, and the test loss after the first step.
//!
//! In their log a fine-tune on 100 images has one step per epoch (batches of 128). So the training
//! loss of the first epoch is that of the first batch, whichever blocks are trained, and its test
//! loss is the one after the first step. Local runs have them as
//! [`crate::experiment::Outcome::first_losses`] and
//! [`crate::experiment::Outcome::test_loss_after_first_step`] under the paper's protocol. A pure
//! function of numbers; the engine runs the fine-tunes.
//!
//! A seed draws one head for all targets, so losses on several targets are not independent. They
//! are averaged within a seed, and each model has one comparison per loss.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    evidence::{Record, Records},
    experiment::Seed,
    stats::{Alpha, Interval, Sample, prediction_interval},
};

/// Training images of the compared fine-tunes.
pub const IMAGES: u32 = 100;
/// Fine-tuned blocks of those whose test loss after the first step is compared.
pub const BLOCKS: u32 = 3;
/// Two-sided family-wise error rate over all models that are compared at once.
const RISK: f64 = 0.02;

/// The losses of the authors' models, by target and source.
#[derive(Clone, Debug, Default)]
pub struct Authors(BTreeMap<(Arc<str>, Arc<str>), Fingerprint>);

/// The losses of one source model on one target, one per seed.
#[derive(Clone, Debug)]
pub struct Fingerprint {
    /// The seeds.
    pub seeds: Vec<Seed>,
    /// Loss of the first batch in nats, in the order of the seeds.
    pub first_losses: Sample,
    /// Test loss after the first step in nats, in the order of the seeds.
    pub test_losses: Sample,
}

/// The measured losses of a source model on one target: fine-tunes on [`IMAGES`] images, one per
/// seed, with the same seeds for every target.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The target.
    pub target: String,
    /// Loss of the first batch in nats.
    pub first_losses: Vec<f64>,
    /// Loss on the full test set after the first step, with [`BLOCKS`] blocks trained, in nats.
    /// Empty if only a part of the test set was used: the authors' are on all of it.
    pub test_losses: Vec<f64>,
}

/// The outcome of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Both losses are compatible with the authors' model.
    Alike,
    /// A loss is not compatible.
    Differs,
    /// Nothing can be compared.
    Unknown,
}

/// A finding with its explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The finding.
    pub finding: Finding,
    /// The measured and the expected losses and, if they differ, possible causes.
    pub text: String,
}

impl Authors {
    /// Reads the losses off the authors' log ([`crate::evidence::Evidence::published`]). Models and
    /// targets with fewer than two seeds are excluded.
    #[must_use]
    pub fn from_records(records: &Records) -> Self {
        let mut runs: BTreeMap<_, Vec<&Record>> = BTreeMap::new();
        for record in records.iter() {
            let key = &record.key;
            if key.images == IMAGES && key.blocks == BLOCKS && key.seed_stream == 0 {
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

    /// The losses of one source model on one target.
    #[must_use]
    pub fn of_model(&self, role: &str, target: &str) -> Option<&Fingerprint> {
        self.0.get(&(target.into(), role.into()))
    }

    /// The losses of a source model on one target and the authors', in words, without a decision.
    #[must_use]
    pub fn describe(&self, role: &str, found: &Found) -> String {
        let words = |loss: Loss| {
            let compared = Compared::new(self, role, std::slice::from_ref(found), loss)?;
            let [found, theirs] = [compared.found, compared.theirs.mean()];
            let [found, theirs] = [found, theirs].map(|value| three_digits(value.exp()));
            Some(format!("{} {found}, the authors' {theirs}", loss.words()))
        };
        let losses: Vec<String> = Loss::BOTH.into_iter().filter_map(words).collect();
        if losses.is_empty() {
            "the authors' log has no such fine-tune".to_owned()
        } else {
            losses.join("; ")
        }
    }

    /// Compares source models, each given by its role and its measured losses, with the authors'
    /// models. The family-wise error rate is that of all models together.
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
        answers.map(|((role, found), losses)| self.answer(role, found, losses, alpha)).collect()
    }

    /// The comparison of one model: `losses` are its losses against the authors' model of its role.
    fn answer(&self, role: &str, found: &[Found], losses: &[Compared], alpha: Alpha) -> Comparison {
        let comparison = |finding, text| Comparison { finding, text };
        let Some(first) = losses.first() else {
            let text = format!("no fine-tune of {role} that the authors' log contains was run");
            return comparison(Finding::Unknown, text);
        };
        let alike = losses.iter().all(|loss| loss.is_alike(alpha));
        let others = self.compatible_roles(role, found, alpha);
        let mut details: Vec<String> =
            losses.iter().map(|compared| compared.words(alpha)).collect();
        if losses.iter().all(|compared| compared.loss == Loss::First) {
            let reason = "no test loss was compared: the authors' are on full test sets";
            details.push(reason.to_owned());
        }
        let details = details.join("; ");
        if alike {
            let ambiguous = match others.as_slice() {
                [] => String::new(),
                others => format!(". {} would give the same losses", others.join(" or ")),
            };
            let text =
                format!("compatible with the authors' weights by losses: {details}{ambiguous}");
            return comparison(Finding::Alike, text);
        }
        let cause = possible_cause(first, &others, alpha);
        let text = format!("these are not the authors' weights: {details}. {cause}");
        comparison(Finding::Differs, text)
    }

    /// Other roles whose losses in the authors' log are compatible with those found.
    fn compatible_roles(&self, role: &str, found: &[Found], alpha: Alpha) -> Vec<&str> {
        let roles: BTreeSet<&str> = self.0.keys().map(|(_, source)| &**source).collect();
        let compatible = |other: &&str| {
            let losses = Loss::BOTH.into_iter();
            let losses: Vec<Compared> =
                losses.filter_map(|loss| Compared::new(self, other, found, loss)).collect();
            !losses.is_empty() && losses.iter().all(|loss| loss.is_alike(alpha))
        };
        roles.into_iter().filter(|other| *other != role).filter(compatible).collect()
    }
}

/// What may cause a difference; `first` is the first compared loss, `others` the roles that are
/// compatible.
fn possible_cause(first: &Compared, others: &[&str], alpha: Alpha) -> String {
    match (others, first.is_alike(alpha)) {
        ([], true) => "The first batch agrees and the step does not: check the learning rate, the \
                       trained blocks and the mode of batch norms"
            .to_owned(),
        ([], false) if first.found < first.theirs.mean() => {
            "The loss grows with features and head: check that the head is drawn from N(0, 1) and \
             batch norms are in train mode"
                .to_owned()
        }
        ([], false) => "The loss grows with features and head: check that pixels are from 0 to 1 \
                        and normalised once, and that these are the weights of the same training"
            .to_owned(),
        (others, _) => {
            format!("{} would give these losses: check for swapped models", others.join(" or "))
        }
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
            Self::First => "loss of the first batch",
            Self::Test => "test loss after one step",
        }
    }
}

/// One loss of one source model, averaged over targets within a seed: in logarithms, since losses
/// differ between targets and test losses span orders of magnitude.
struct Compared {
    loss: Loss,
    targets: Vec<String>,
    found: f64,
    seeds: usize,
    theirs: Sample,
}

impl Compared {
    /// Over the targets of both sides; `None` without any, or with fewer than two of the authors'
    /// seeds.
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

    /// Whether the loss lies in the prediction interval; false if it is not finite.
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
            "{loss} {found} ({seeds}; {targets}), the authors' {theirs} (expected {low} to {high})"
        )
    }
}

/// A loss with three digits: 36.8, 3120, 9.20.
fn three_digits(loss: f64) -> String {
    match loss.abs() {
        size if size < 10.0 => format!("{loss:.2}"),
        size if size < 100.0 => format!("{loss:.1}"),
        size if size < 1e6 => format!("{loss:.0}"),
        _ => format!("{loss:.1e}"),
    }
}
