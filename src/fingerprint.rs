//! Whether a source model is the one that the authors fine-tuned, told by two losses of a fine-tune
//! that their log holds and that depend on little but weights, head and normalisation: the loss of the
//! first batch, in front of any step, and the test loss after the first step.
//!
//! In their log a fine-tune of 100 images has one step an epoch (batches hold 128), so that the first
//! epoch's training loss is the first batch's, the same whatever blocks are trained, and its test loss
//! is the one after the first step. Ours are [`crate::trial::Outcome::first_losses`] and
//! [`crate::trial::Outcome::test_loss_after_first_step`] under the paper's protocol. A pure function of
//! numbers; running such fine-tunes is left to others.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    ledger::{Record, Records},
    stats::{Alpha, Interval, Sample, prediction_interval},
};

/// Images of the fine-tunes that are compared.
pub const IMAGES: u32 = 100;
/// Fine-tuned blocks of those whose test loss after the first step is compared.
pub const BLOCKS: u32 = 3;
/// How often, on each side, the authors' own model is called another by one of the two losses.
const RISK: f64 = 0.005;

/// What the authors' models gave, by target and source.
#[derive(Clone, Debug, Default)]
pub struct Authors(BTreeMap<(Arc<str>, Arc<str>), Fingerprint>);

/// One source model's losses on one target, one a seed.
#[derive(Clone, Debug)]
pub struct Fingerprint {
    /// Loss of the first batch in nats.
    pub first_losses: Sample,
    /// Natural logarithm of the test loss after the first step, which spreads over decades.
    pub test_losses: Sample,
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
            let first = runs
                .iter()
                .filter_map(|record| record.evaluations().first())
                .filter(|evaluation| evaluation.epoch == 1);
            let (first_losses, test_losses) =
                first.map(|evaluation| (evaluation.train_loss, evaluation.test_loss.ln())).unzip();
            let first_losses = Sample::new(first_losses).ok()?;
            let test_losses = Sample::new(test_losses).ok()?;
            Some((names, Fingerprint { first_losses, test_losses }))
        });
        Self(fingerprints.collect())
    }

    /// One source model's losses on one target.
    #[must_use]
    pub fn of_model(&self, role: &str, target: &str) -> Option<&Fingerprint> {
        self.0.get(&(target.into(), role.into()))
    }

    fn on<'a>(&'a self, target: &'a str) -> impl Iterator<Item = (&'a str, &'a Fingerprint)> {
        self.0
            .iter()
            .filter(move |((on, _), _)| &**on == target)
            .map(|((_, source), found)| (&**source, found))
    }

    /// Compares losses of fine-tunes of a source on [`IMAGES`] images of a target, one a seed: those of
    /// the first batch, and those on the test set after the first step, with [`BLOCKS`] blocks trained.
    /// Either list may be empty: it then says nothing.
    #[must_use]
    pub fn compare(
        &self,
        role: &str,
        target: &str,
        first_losses: &[f64],
        test_losses: &[f64],
    ) -> Comparison {
        let said = |finding, text| Comparison { finding, text };
        let Some(authors) = self.of_model(role, target) else {
            let text = format!("the authors' log has no fine-tune of {role} on {target}");
            return said(Finding::Unknown, text);
        };
        if first_losses.is_empty() {
            let text = format!("no first batch of {target} was run with {role}");
            return said(Finding::Unknown, text);
        }
        let first = Compared::new(first_losses, &authors.first_losses, Scale::Plain);
        let others: Vec<&str> = self
            .on(target)
            .filter(|(source, _)| *source != role)
            .filter(|(_, other)| {
                Compared::new(first_losses, &other.first_losses, Scale::Plain).alike()
                    && after_one_step(test_losses, other).is_none_or(|step| step.alike())
            })
            .map(|(source, _)| source)
            .collect();
        let step = after_one_step(test_losses, authors);
        let mut told = vec![format!("the first batch of {target} has a loss of {}", first.words())];
        if let Some(step) = &step {
            told.push(format!("the test loss after one step is {}", step.words()));
        }
        let told = told.join("; ");
        if first.alike() && step.as_ref().is_none_or(Compared::alike) {
            let else_too = match others.as_slice() {
                [] => String::new(),
                others => format!(". {} would not be told apart by this", others.join(" or ")),
            };
            let text =
                format!("these are the authors' weights, as far as losses tell: {told}{else_too}");
            return said(Finding::Alike, text);
        }
        let guess = match (others.as_slice(), first.alike()) {
            ([], true) => "the first batch is theirs and the step is not: look at the learning rate, the \
                           blocks that are trained and batch norms' mode"
                .to_owned(),
            ([], false) if first.found < first.expected.low => {
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

fn after_one_step(test_losses: &[f64], authors: &Fingerprint) -> Option<Compared> {
    let compared = || Compared::new(test_losses, &authors.test_losses, Scale::Logarithm);
    (!test_losses.is_empty()).then(compared)
}

/// How a loss spreads.
#[derive(Clone, Copy, PartialEq)]
enum Scale {
    Plain,
    Logarithm,
}

impl Scale {
    fn of(self, loss: f64) -> f64 {
        if self == Self::Plain { loss } else { loss.ln() }
    }

    fn back(self, value: f64) -> f64 {
        if self == Self::Plain { value } else { value.exp() }
    }
}

/// The mean of some losses, and where the authors' model would have it; geometric for logarithms.
struct Compared {
    found: f64,
    seeds: usize,
    expected: Interval,
    theirs: f64,
}

impl Compared {
    fn new(losses: &[f64], authors: &Sample, scale: Scale) -> Self {
        let alpha = Alpha::new(RISK).expect("a one-sided level");
        let within = prediction_interval(authors, losses.len(), alpha);
        let sum: f64 = losses.iter().map(|&loss| scale.of(loss)).sum();
        Self {
            found: scale.back(sum / losses.len() as f64),
            seeds: losses.len(),
            expected: Interval { low: scale.back(within.low), high: scale.back(within.high) },
            theirs: scale.back(authors.mean()),
        }
    }

    /// A loss that is not finite is nobody's.
    fn alike(&self) -> bool {
        self.expected.contains(self.found)
    }

    fn words(&self) -> String {
        let Self { found, seeds, expected, theirs } = self;
        let of = if *seeds == 1 { "one seed".to_owned() } else { format!("{seeds} seeds") };
        let [found, theirs, low, high] =
            [*found, *theirs, expected.low, expected.high].map(three_digits);
        format!("{found} ({of}), theirs {theirs} (expected from {low} to {high})")
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
