//! Sensitivity analysis: choices of the paper that may be questioned, each as a change of a world's
//! protocol or of a claim's metric. It shows claims that hold under one choice only. Each choice is
//! then planned, run and judged like any claim.

pub mod curve;
mod difference;
pub mod kept;
mod price;
mod quarter;
mod rates;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    claim::{Claim, LockState, Metric},
    evidence::{Evidence, Record},
    experiment::{Augmentation, BatchNorm, Head, Key, Moment, Protocol, Verdict},
    judge::{CellVerdict, ClaimVerdict, judge},
    plan,
    world::World,
};

pub use difference::{Difference, Estimate, Used, differences};
pub use price::price;
pub use rates::{HELD_OUT, RATES, Rate, Tuned, at_rates, best_rates, missing, tuning};

/// A learning rate at which networks do not diverge at the first step.
const GENTLE_RATE: f64 = 0.01;

/// One choice.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Choice {
    /// Its name on the command line.
    pub id: &'static str,
    /// Description in a few words.
    pub words: &'static str,
    #[serde(skip)]
    change: Change,
}

#[derive(Clone, Copy, Debug)]
enum Change {
    /// Changes the protocol, and multiplies the length of every schedule.
    Training(fn(&mut Protocol), f64),
    /// Uses the best epoch on the test set instead of the last.
    BestEpoch,
    /// Uses the best learning rate of each source model instead of one for all.
    RatePerSource,
    /// Uses source models that were pretrained for a quarter of each epoch's steps.
    QuarterPretraining,
}

/// Changes nothing: the paper's protocol.
fn paper(_: &mut Protocol) {}

/// Preserves most of a source model.
fn gentle(protocol: &mut Protocol) {
    protocol.learning_rate = GENTLE_RATE;
    protocol.head = Head::Linear;
    protocol.batch_norm = BatchNorm::Frozen;
    protocol.augmentation = Augmentation::NONE;
}

const fn choice(id: &'static str, words: &'static str, change: Change) -> Choice {
    Choice { id, words, change }
}

/// The paper's recipe, then one choice at a time, then all gentle ones together, with the paper's
/// number of epochs and with ten times as many, enough to memorise the training images; last the
/// one choice of pretraining.
pub const CHOICES: [Choice; 12] = [
    choice("paper", "the paper's recipe", Change::Training(paper, 1.0)),
    choice(
        "learning_rate",
        "learning rate .01",
        Change::Training(|protocol| protocol.learning_rate = GENTLE_RATE, 1.0),
    ),
    choice("own_rates", "each source's own best learning rate", Change::RatePerSource),
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
    choice("pretraining", "pretraining at a quarter of its length", Change::QuarterPretraining),
];

impl Choice {
    /// The world with this choice's protocol, schedules and source models, for a claim that is
    /// judged in it.
    ///
    /// A fine-tune by another protocol serves this claim alone. So it is attacked only if the claim
    /// reads adversarial accuracy. One by the paper's recipe stays as it is, with its record.
    #[must_use]
    pub fn world(&self, claim: &Claim, mut world: World) -> World {
        if let Change::QuarterPretraining = self.change {
            world.zoos = quarter::zoos(&world);
            if !reads_attack(claim) {
                world.adversarial = None;
            }
        }
        if let Change::Training(change, times) = self.change {
            let before = world.protocol.clone();
            let protocol = &mut world.protocol;
            change(protocol);
            (protocol.epochs, protocol.evaluate) =
                scaled(protocol.epochs, &protocol.evaluate, times);
            for schedule in &mut world.schedules {
                (schedule.epochs, schedule.evaluate) =
                    scaled(schedule.epochs, &schedule.evaluate, times);
            }
            if world.protocol != before && !reads_attack(claim) {
                world.adversarial = None;
            }
        }
        world
    }

    /// Why a claim can't be judged under this choice in a world that has no source models for it;
    /// `None` if it can.
    #[must_use]
    pub fn unavailable(&self, claim: &Claim, world: &World) -> Option<String> {
        match self.change {
            Change::QuarterPretraining => quarter::unavailable(claim, world),
            Change::Training(..) | Change::BestEpoch | Change::RatePerSource => None,
        }
    }

    /// Whether learning rates must be chosen first ([`tuning`], [`best_rates`]).
    #[must_use]
    pub const fn chooses_rates(&self) -> bool {
        matches!(self.change, Change::RatePerSource)
    }

    /// The claim under this choice; `None` if the choice changes the evaluated epoch and the claim
    /// fixes it.
    #[must_use]
    pub fn claim(&self, claim: &Claim) -> Option<Claim> {
        // Only the primary hypothesis is judged under other choices.
        let mut claim = Claim { readings: Vec::new(), associations: Vec::new(), ..claim.clone() };
        if let Change::BestEpoch = self.change {
            let of_arms = claim.hypothesis.contrasts.iter().flat_map(|contrast| &contrast.terms);
            let fixed = of_arms.into_iter().any(|term| term.arm.at.is_some());
            match claim.hypothesis.metric {
                Metric::Accuracy(Moment::Last) if !fixed => {
                    claim.hypothesis.metric = Metric::Accuracy(Moment::Best);
                    // It is not the hypothesis of the spec.
                    claim.hypothesis.digest = None;
                    claim.hypothesis.lock = LockState::NotLocked;
                }
                _ => return None,
            }
        }
        Some(claim)
    }
}

fn reads_attack(claim: &Claim) -> bool {
    matches!(claim.hypothesis.metric, Metric::AdversarialAccuracy(_))
}

/// The accuracy of each source model: the last test accuracy of its fine-tunes in percent, averaged
/// over the seeds of the first look of each key of a claim (which every key has), then over keys; 0
/// for a failed fine-tune. It shows whether a difference is between models that learn little.
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

/// A schedule scaled by `times`, without duplicate evaluations.
fn scaled(epochs: u32, evaluate: &[u32], times: f64) -> (u32, Vec<u32>) {
    let scale = |epoch: u32| ((f64::from(epoch) * times).round() as u32).max(1);
    let mut evaluate: Vec<u32> = evaluate.iter().copied().map(scale).collect();
    evaluate.dedup();
    (scale(epochs), evaluate)
}

/// The effect of a choice on a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The verdict is the same.
    Kept,
    /// From decided (supported or refuted) to inconclusive, or the reverse.
    Changed,
    /// From supported to refuted, or the reverse.
    Turned,
    /// One of the two verdicts is incomplete.
    Unknown,
}

impl Effect {
    /// The effect, from the verdict under the paper's recipe and the verdict under a choice.
    #[must_use]
    pub fn between(paper: Verdict, now: Verdict) -> Self {
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

/// What the quantifier counts: averages if the hypothesis averages, otherwise cells.
#[must_use]
pub fn units(verdict: &ClaimVerdict) -> &[CellVerdict] {
    if verdict.averages.is_empty() { &verdict.cells } else { &verdict.averages }
}

/// The verdict on a claim under one choice.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    /// The claim's verdict.
    #[serde(flatten)]
    pub verdict: ClaimVerdict,
    /// The choice.
    pub choice: Choice,
    /// The effect on the verdict under the paper's recipe.
    pub effect: Effect,
    /// The mean over the judged cells or averages that have one, in the claim's unit; null if none
    /// has.
    pub mean: Option<f64>,
    /// The accuracy of each source model, in percent: the last test accuracy over the seeds of the
    /// first look.
    pub accuracies: BTreeMap<Arc<str>, f64>,
    /// The contrast under this choice minus that under the paper's recipe, for each judged unit, in
    /// the claim's unit; empty for the paper's recipe.
    pub differences: Vec<Difference>,
    /// The same for the mean over units within a seed, from the seeds that all units have in
    /// common; null for the paper's recipe.
    pub difference: Option<Estimate>,
    #[serde(skip)]
    used: Used,
}

/// The verdicts on a claim under each selected choice, the paper's recipe first: the output of
/// `repro sensitivity --format json`, which extends [`Verdicts`](crate::judge::Verdicts).
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answers {
    /// Version of this format: 1. Within a version fields are added and none is changed.
    pub format_version: u32,
    /// One entry per choice.
    pub claims: Vec<Answer>,
}

impl Answer {
    /// Judges a claim on evidence of fine-tunes under this choice. `paper` is the answer under the
    /// paper's recipe; `None` if this is the paper's recipe.
    #[must_use]
    pub fn new(choice: Choice, claim: &Claim, evidence: &Evidence, paper: Option<&Self>) -> Self {
        let verdict = judge(claim, evidence);
        let means: Vec<f64> = units(&verdict).iter().filter_map(|unit| unit.mean).collect();
        let used = Used::new(claim, evidence, &verdict);
        let compared = paper.map(|paper| differences(claim, &used, &paper.used));
        let (differences, difference) = compared.unzip();
        let before = paper.map_or(verdict.verdict, |paper| paper.verdict.verdict);
        Self {
            choice,
            effect: Effect::between(before, verdict.verdict),
            mean: (!means.is_empty()).then(|| mean(&means)),
            accuracies: accuracies(claim, evidence),
            differences: differences.unwrap_or_default(),
            difference,
            used,
            verdict,
        }
    }
}

/// All choices as one verdict: the units of each, with the choice as their contrast.
///
/// # Panics
/// If there is no answer.
#[must_use]
pub fn by_choice(answers: &[Answer]) -> ClaimVerdict {
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
    use crate::{
        claim::{Attacked, suite::Suite},
        experiment::EvidenceKind,
    };

    #[test]
    fn each_choice_is_a_valid_and_distinct_recipe() {
        for kind in EvidenceKind::LOCAL {
            let suite = Suite::embedded(&kind.world()).unwrap();
            let claim = suite.get("robust_beats_natural").unwrap();
            let worlds = CHOICES.map(|choice| (choice.id, choice.world(claim, kind.world())));
            for (at, (id, world)) in worlds.iter().enumerate() {
                for images in [100, 3200] {
                    assert_eq!(world.protocol(images).check(), Ok(()), "{kind} {id}");
                }
                let same = |(_, other): &&(_, World)| other.protocol == world.protocol;
                let before: Vec<_> = worlds[..at].iter().filter(same).collect();
                // `best_epoch` and `pretraining` use the paper's recipe; `own_rates` chooses rates
                // later.
                let same = ["best_epoch", "own_rates", "pretraining"].contains(id);
                assert_eq!(!before.is_empty(), same, "{kind} {id}");
            }
        }
    }

    #[test]
    fn another_protocol_is_attacked_only_for_a_claim_that_reads_it() {
        let world = World::smoke();
        let suite = Suite::embedded(&world).unwrap();
        let of_accuracy = suite.get("robust_beats_natural").unwrap();
        let attacked = |claim: &Claim| {
            let world = |choice: &&Choice| choice.world(claim, world.clone()).adversarial.is_some();
            CHOICES.iter().filter(world).map(|choice| choice.id).collect::<Vec<_>>()
        };
        // The paper's recipe keeps its records, and rates are chosen later.
        assert_eq!(attacked(of_accuracy), ["paper", "own_rates", "best_epoch"]);
        assert_eq!(attacked(&of_attack(of_accuracy)), CHOICES.map(|choice| choice.id));
    }

    #[test]
    fn a_choice_judges_the_primary_hypothesis_alone() {
        let suite = Suite::embedded(&World::smoke()).unwrap();
        let claim = suite.get("fewer_blocks_for_similar").unwrap();
        assert!(!claim.associations.is_empty() && !claim.readings.is_empty());
        for choice in CHOICES {
            let of = choice.claim(claim).unwrap();
            assert!(of.associations.is_empty() && of.readings.is_empty(), "{}", choice.id);
        }
    }

    #[test]
    fn each_source_model_with_records_has_an_accuracy() {
        let suite = Suite::embedded(&World::paper()).unwrap();
        let claim = suite.get("robust_beats_natural").unwrap();
        let published = Evidence::published().unwrap();
        let keys: BTreeSet<Key> =
            plan::at_most(&[claim], &published.world).into_keys().map(|(key, _)| key).collect();
        // One of the authors' runs of each key under all of this project's first seeds.
        let mut records = Vec::new();
        for key in &keys {
            let Some((_, first)) = published.records.seeds(key).and_then(|of| of.iter().next())
            else {
                continue;
            };
            for place in 0..12 {
                let mut record = first.clone();
                record.seed = World::seed(place);
                records.push(record);
            }
        }
        let evidence =
            Evidence { records: crate::evidence::Records::new(records).unwrap(), ..published };
        let found = accuracies(claim, &evidence);
        let sources: Vec<&str> = found.keys().map(|source| &**source).collect();
        assert_eq!(sources, ["l2_3", "natural"]);
        assert!(found.values().all(|accuracy| *accuracy > 1.0 && *accuracy < 100.0), "{found:?}");
    }

    pub(super) fn of_attack(claim: &Claim) -> Claim {
        let mut claim = claim.clone();
        claim.hypothesis.metric = Metric::AdversarialAccuracy(Attacked { images: Some(500) });
        claim
    }

    #[test]
    fn a_scaled_schedule_has_the_scaled_end_and_no_duplicate_epoch() {
        assert_eq!(scaled(24, &[1, 5, 12, 24], 0.5), (12, vec![1, 3, 6, 12]));
        assert_eq!(scaled(24, &[1, 5, 12, 24], 2.0), (48, vec![2, 10, 24, 48]));
        assert_eq!(scaled(3, &[1, 2, 3], 0.5), (2, vec![1, 2]));
    }

    #[test]
    fn a_mean_is_the_sum_over_the_number_of_values() {
        assert!((mean(&[7.0, 4.0, 2.5]) - 4.5).abs() < 1e-12);
    }

    #[test]
    fn only_the_choice_of_a_rate_per_source_chooses_rates() {
        let choosing = CHOICES.iter().filter(|choice| choice.chooses_rates());
        assert_eq!(choosing.map(|choice| choice.id).collect::<Vec<_>>(), ["own_rates"]);
    }

    #[test]
    fn a_verdict_is_kept_changed_or_turned() {
        use Verdict::{Incomplete, Inconclusive, Refuted, Supported};
        assert_eq!(Effect::between(Supported, Incomplete), Effect::Unknown);
        assert_eq!(Effect::between(Incomplete, Incomplete), Effect::Unknown);
        assert_eq!(Effect::between(Supported, Supported), Effect::Kept);
        assert_eq!(Effect::between(Supported, Refuted), Effect::Turned);
        assert_eq!(Effect::between(Refuted, Supported), Effect::Turned);
        assert_eq!(Effect::between(Supported, Inconclusive), Effect::Changed);
    }
}
