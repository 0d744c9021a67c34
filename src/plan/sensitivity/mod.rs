//! The choices that a critic of the paper would question, each as a change of a world's protocol, or of
//! how a claim is read: a claim that holds under one of them only is worth knowing. Everything after
//! that is as for any claim: planned, run, judged, one choice at a time.

mod rates;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    claim::{Claim, Metric},
    evidence::{Evidence, Record},
    experiment::{Augmentation, BatchNorm, Head, Key, Moment, Protocol, Verdict},
    judge::{CellVerdict, ClaimVerdict, judge},
    plan,
    world::World,
};

pub use rates::{HELD_OUT, RATES, Rate, Tuned, best_rates, missing, tuning};

/// A learning rate that does not blow a network up at its first step.
const GENTLE_RATE: f64 = 0.01;

/// One choice.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Choice {
    /// Its name on the command line.
    pub id: &'static str,
    /// What it does, in a few words.
    pub words: &'static str,
    #[serde(skip)]
    change: Change,
}

#[derive(Clone, Copy, Debug)]
enum Change {
    /// Another protocol, and every schedule so many times as long.
    Training(fn(&mut Protocol), f64),
    /// The evaluation that is best on the test set in place of the last.
    BestEpoch,
    /// Each source's own best learning rate in place of one for all.
    OwnRates,
}

/// Changes nothing: the paper's protocol.
fn paper(_: &mut Protocol) {}

/// What leaves most of a source as it is.
fn gentle(protocol: &mut Protocol) {
    protocol.learning_rate = GENTLE_RATE;
    protocol.head = Head::Linear;
    protocol.batch_norm = BatchNorm::Frozen;
    protocol.augmentation = Augmentation::NONE;
}

const fn choice(id: &'static str, words: &'static str, change: Change) -> Choice {
    Choice { id, words, change }
}

/// The paper's recipe, then one choice at a time, then all gentle ones together, in as many epochs and in
/// enough to learn the images by heart.
pub const CHOICES: [Choice; 11] = [
    choice("paper", "the paper's recipe", Change::Training(paper, 1.0)),
    choice(
        "learning_rate",
        "learning rate .01",
        Change::Training(|protocol| protocol.learning_rate = GENTLE_RATE, 1.0),
    ),
    choice("own_rates", "each source's own best learning rate", Change::OwnRates),
    choice(
        "head",
        "PyTorch's own head",
        Change::Training(|protocol| protocol.head = Head::Linear, 1.0),
    ),
    choice(
        "batch_norm",
        "frozen batch norms",
        Change::Training(|protocol| protocol.batch_norm = BatchNorm::Frozen, 1.0),
    ),
    choice(
        "augmentation",
        "no augmentation",
        Change::Training(|protocol| protocol.augmentation = Augmentation::NONE, 1.0),
    ),
    choice("best_epoch", "the best epoch on the test set", Change::BestEpoch),
    choice("short", "half as many epochs", Change::Training(paper, 0.5)),
    choice("long", "twice as many epochs", Change::Training(paper, 2.0)),
    choice("gentle", "all gentle choices together", Change::Training(gentle, 1.0)),
    choice("gentle_long", "the same in ten times as many epochs", Change::Training(gentle, 10.0)),
];

impl Choice {
    /// A world in which fine-tunes are done so.
    #[must_use]
    pub fn world(&self, mut world: World) -> World {
        if let Change::Training(change, times) = self.change {
            let protocol = &mut world.protocol;
            change(protocol);
            (protocol.epochs, protocol.evaluate) =
                scaled(protocol.epochs, &protocol.evaluate, times);
            for schedule in &mut world.schedules {
                (schedule.epochs, schedule.evaluate) =
                    scaled(schedule.epochs, &schedule.evaluate, times);
            }
        }
        world
    }

    /// Whether rates are to be chosen first ([`tuning`], [`best_rates`]).
    #[must_use]
    pub const fn chooses_rates(&self) -> bool {
        matches!(self.change, Change::OwnRates)
    }

    /// A claim as it is read so; `None` where it fixes the evaluation itself.
    #[must_use]
    pub fn claim(&self, claim: &Claim) -> Option<Claim> {
        // A reading is another question: here it is the primary one that is asked again.
        let mut claim = Claim { readings: Vec::new(), ..claim.clone() };
        if let Change::BestEpoch = self.change {
            let of_arms = claim.hypothesis.contrasts.iter().flat_map(|contrast| &contrast.terms);
            let fixed = of_arms.into_iter().any(|term| term.arm.at.is_some());
            match claim.hypothesis.metric {
                Metric::Accuracy(Moment::Last) if !fixed => {
                    claim.hypothesis.metric = Metric::Accuracy(Moment::Best);
                }
                _ => return None,
            }
        }
        Some(claim)
    }
}

/// How well each source model does: the last test accuracy of its fine-tunes in percent, averaged over the
/// seeds of the first look of each key that a claim asks for, which every key has whatever was decided when,
/// and then over these keys; 0 for a fine-tune that failed. A lead may be one over models that learn nothing,
/// or between models that both learn little.
#[must_use]
pub fn accuracies(claim: &Claim, evidence: &Evidence) -> BTreeMap<Arc<str>, f64> {
    let keys: BTreeSet<Key> =
        plan::at_most(&[claim], &evidence.world).into_keys().map(|(key, _)| key).collect();
    let first_look = claim.design.looks.seeds().first().copied().unwrap_or_default();
    let mut means: BTreeMap<Arc<str>, Vec<f64>> = BTreeMap::new();
    for key in &keys {
        let Some(seeds) = evidence.records.seeds(key) else { continue };
        let of_first_look = (0..first_look).filter_map(|place| seeds.get(&World::seed(place)));
        let last = |record: &Record| record.last().map_or(0.0, |last| last.test_accuracy);
        let values: Vec<f64> = of_first_look.map(last).collect();
        if !values.is_empty() {
            means.entry(key.source.clone()).or_default().push(mean(&values));
        }
    }
    means.into_iter().map(|(source, means)| (source, mean(&means))).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// A schedule of another length, with as many evaluations as still lie apart.
fn scaled(epochs: u32, evaluate: &[u32], times: f64) -> (u32, Vec<u32>) {
    let scale = |epoch: u32| ((f64::from(epoch) * times).round() as u32).max(1);
    let mut evaluate: Vec<u32> = evaluate.iter().copied().map(scale).collect();
    evaluate.dedup();
    (scale(epochs), evaluate)
}

/// What became of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It is the same.
    Kept,
    /// It was supported or refuted and is open, or the other way round.
    Changed,
    /// It was supported and is refuted, or the other way round.
    Turned,
    /// Records are missing on either side.
    Unknown,
}

impl Effect {
    /// From the verdict by the paper's recipe to another.
    #[must_use]
    pub fn of(paper: Verdict, now: Verdict) -> Self {
        use Verdict::{Incomplete, Refuted, Supported};
        match (paper, now) {
            (Incomplete, _) | (_, Incomplete) => Self::Unknown,
            (Supported, Refuted) | (Refuted, Supported) => Self::Turned,
            (paper, now) if paper == now => Self::Kept,
            _ => Self::Changed,
        }
    }

    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Changed => "changed",
            Self::Turned => "turned",
            Self::Unknown => "not judged",
        }
    }
}

/// What a verdict's quantifier counts: its averages where it averages, else its cells.
#[must_use]
pub fn units(verdict: &ClaimVerdict) -> &[CellVerdict] {
    if verdict.averages.is_empty() { &verdict.cells } else { &verdict.averages }
}

/// What a claim comes to under one choice.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    /// The claim's verdict.
    #[serde(flatten)]
    pub verdict: ClaimVerdict,
    /// The choice.
    pub choice: Choice,
    /// What became of the verdict that the paper's recipe leads to.
    pub effect: Effect,
    /// The mean over the [`units`] that have one, in the claim's unit; null where none has.
    pub mean: Option<f64>,
    /// How well each source model does, in percent ([`accuracies`]).
    pub accuracies: BTreeMap<Arc<str>, f64>,
}

/// What a claim comes to under each choice that was asked for, the paper's recipe first: the form of
/// `repro sensitivity --format json`, which is [`Verdicts`](crate::judge::Verdicts) with more beside it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answers {
    /// Version of this form: 1. Within a version fields are added and none is changed.
    pub format_version: u32,
    /// One entry a choice.
    pub claims: Vec<Answer>,
}

impl Answer {
    /// On evidence of fine-tunes by this choice. `paper` is the verdict by the paper's recipe; none where
    /// this is it.
    #[must_use]
    pub fn of(choice: Choice, claim: &Claim, evidence: &Evidence, paper: Option<Verdict>) -> Self {
        let verdict = judge(claim, evidence);
        let means: Vec<f64> = units(&verdict).iter().filter_map(|unit| unit.mean).collect();
        Self {
            choice,
            effect: Effect::of(paper.unwrap_or(verdict.verdict), verdict.verdict),
            mean: (!means.is_empty()).then(|| mean(&means)),
            accuracies: accuracies(claim, evidence),
            verdict,
        }
    }
}

/// The specification curve as one verdict: the units of each choice, with the choice as their contrast.
///
/// # Panics
/// If there is no answer.
#[must_use]
pub fn curve(answers: &[Answer]) -> ClaimVerdict {
    let first = &answers.first().expect("the paper's recipe is judged").verdict;
    let of_choice = |Answer { choice, verdict, .. }: &Answer| {
        let unit =
            |unit: &CellVerdict| CellVerdict { contrast: choice.words.into(), ..unit.clone() };
        units(verdict).iter().map(unit).collect::<Vec<_>>()
    };
    let cells = answers.iter().flat_map(of_choice).collect();
    ClaimVerdict { cells, averages: Vec::new(), readings: Vec::new(), ..first.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::EvidenceKind;

    #[test]
    fn each_choice_is_a_recipe_that_can_be_run_and_no_two_are_alike() {
        for kind in EvidenceKind::OWN {
            let worlds = CHOICES.map(|choice| (choice.id, choice.world(kind.world())));
            for (at, (id, world)) in worlds.iter().enumerate() {
                for images in [100, 3200] {
                    assert_eq!(world.protocol(images).check(), Ok(()), "{kind} {id}");
                }
                let same = |(_, other): &&(_, World)| other.protocol == world.protocol;
                let before: Vec<_> = worlds[..at].iter().filter(same).collect();
                // The best epoch is read off the paper's own recipe; rates are chosen later.
                let same = ["best_epoch", "own_rates"].contains(id);
                assert_eq!(!before.is_empty(), same, "{kind} {id}");
            }
        }
    }

    #[test]
    fn a_scaled_schedule_ends_where_it_should_and_looks_no_epoch_twice() {
        assert_eq!(scaled(24, &[1, 5, 12, 24], 0.5), (12, vec![1, 3, 6, 12]));
        assert_eq!(scaled(24, &[1, 5, 12, 24], 2.0), (48, vec![2, 10, 24, 48]));
        assert_eq!(scaled(3, &[1, 2, 3], 0.5), (2, vec![1, 2]));
    }

    #[test]
    fn a_verdict_is_kept_changed_or_turned() {
        use Verdict::{Incomplete, Inconclusive, Refuted, Supported};
        assert_eq!(Effect::of(Supported, Incomplete), Effect::Unknown);
        assert_eq!(Effect::of(Incomplete, Incomplete), Effect::Unknown);
        assert_eq!(Effect::of(Supported, Supported), Effect::Kept);
        assert_eq!(Effect::of(Supported, Refuted), Effect::Turned);
        assert_eq!(Effect::of(Refuted, Supported), Effect::Turned);
        assert_eq!(Effect::of(Supported, Inconclusive), Effect::Changed);
    }
}
