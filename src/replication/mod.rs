//! Our records beside the published numbers, cell by cell. Two questions, answered apart: is the
//! published mean one that our seeds could have given (a prediction interval, `cell`), and is the
//! decision on each published difference the same (`difference`)? Pure; what comes out is in [`result`].
//!
//! A cell that only one side has is listed and counted. Where the experiment is another, as in the smoke
//! world, means stand beside each other and nothing follows from their distance; directions are compared.

mod cell;
mod difference;
pub mod fingerprint;
pub mod result;

use std::collections::BTreeSet;

pub use result::{
    Agreement, Comparison, Counts, Decided, DifferenceCell, Direction, Ends, MeanCell, OnlyOurs,
    Remark, Sameness, Value,
};

use crate::{
    evidence::{Evidence, means::Points},
    experiment::{EvidenceKind, Key, Resolution},
    stats::{Alpha, holm},
    world::World,
};

/// Sets an evidence's records beside what was published.
#[must_use]
pub fn compare(evidence: &Evidence, published: &Points) -> Comparison {
    let plan = World::paper();
    let same_experiment = evidence.world.id == plan.id;
    let bench = Bench { evidence, plan: &plan, same_experiment };
    let mut means: Vec<MeanCell> =
        published.means.iter().map(|mean| cell::of(&bench, mean)).collect();
    adjust(&mut means);
    let differences: Vec<DifferenceCell> =
        published.differences.iter().map(|point| difference::of(&bench, point)).collect();
    let only_ours = only_ours(evidence, published);
    Comparison {
        format_version: result::FORMAT_VERSION,
        evidence: evidence.kind,
        title: evidence.title.clone(),
        sha256: evidence.sha256.clone(),
        same_experiment,
        note: note(evidence),
        counts: counts(&means, &differences, &only_ours),
        means,
        differences,
        only_ours,
    }
}

/// What cells are compared from.
struct Bench<'a> {
    evidence: &'a Evidence,
    /// The world that the published numbers are of: it says how many seeds they are over.
    plan: &'a World,
    same_experiment: bool,
}

impl Bench<'_> {
    /// Seeds behind a published value: those that the authors' final batch planned. One was planned of
    /// all images, and those points have no band.
    fn seeds(&self, images: u32) -> usize {
        self.plan.planned_seeds(images).unwrap_or(1)
    }

    /// Whether records of a key have another schedule than the published runs had.
    fn other_schedule(&self, key: &Key) -> bool {
        let epochs = self.plan.protocol(key.images).epochs;
        let records = self.evidence.records.seeds(key);
        let mut ours = records.into_iter().flat_map(|seeds| seeds.values());
        self.same_experiment && ours.any(|record| record.recipe.epochs != epochs)
    }
}

/// The one-sided level of 95 % intervals.
const ALPHA: Alpha = Alpha::CONVENTIONAL;

/// Holm over the means that are compared.
fn adjust(cells: &mut [MeanCell]) {
    let compared = |cell: &&mut MeanCell| cell.agreement.is_compared();
    let of: Vec<&mut MeanCell> = cells.iter_mut().filter(compared).collect();
    let p: Vec<f64> = of.iter().map(|cell| cell.p.unwrap_or(1.0)).collect();
    for (cell, adjusted) in of.into_iter().zip(holm(&p)) {
        cell.p_adjusted = Some(adjusted);
    }
}

impl Agreement {
    /// Whether it is an answer to whether ours and the published mean go together.
    #[must_use]
    pub fn is_compared(self) -> bool {
        matches!(self, Self::Compatible | Self::Incompatible)
    }
}

fn only_ours(evidence: &Evidence, published: &Points) -> Vec<OnlyOurs> {
    let known: BTreeSet<&Key> = published.means.iter().map(|mean| &mean.key).collect();
    let keys: BTreeSet<&Key> = evidence.records.iter().map(|record| &record.key).collect();
    let besides = |key: &Key| {
        let pixels = match key.resolution {
            Resolution::Native => None,
            Resolution::Pixels(pixels) => Some(format!("{pixels} px")),
        };
        let draw = (key.draw > 0).then(|| format!("draw {}", key.draw));
        let influence = key.influence.then(|| "with influence".to_owned());
        pixels.into_iter().chain(draw).chain(influence).collect::<Vec<_>>().join(", ")
    };
    keys.difference(&known)
        .map(|key| OnlyOurs {
            target: key.target.to_string(),
            source: key.source.to_string(),
            blocks: key.blocks,
            images: key.images,
            besides: besides(key),
            seeds: evidence.records.seeds(key).map_or(0, std::collections::BTreeMap::len),
        })
        .collect()
}

fn counts(means: &[MeanCell], differences: &[DifferenceCell], only_ours: &[OnlyOurs]) -> Counts {
    let of = |agreement| means.iter().filter(|cell| cell.agreement == agreement).count();
    let both = || differences.iter().filter(|cell| cell.decision.is_some());
    let same_runs = |cell: &&DifferenceCell| cell.remarks.contains(&Remark::SameRuns);
    let own = || both().filter(|cell| !same_runs(cell));
    let decided = |sameness| own().filter(|cell| cell.decision == Some(sameness)).count();
    let incompatible = || means.iter().filter(|cell| cell.agreement == Agreement::Incompatible);
    let level = 2.0 * ALPHA.level();
    let compared = means.iter().filter(|cell| cell.agreement.is_compared()).count();
    Counts {
        means: means.len(),
        compared,
        compatible: of(Agreement::Compatible),
        incompatible: of(Agreement::Incompatible),
        incompatible_on_the_same_schedule: incompatible()
            .filter(|cell| !cell.remarks.contains(&Remark::OtherSchedule))
            .count(),
        expected_by_chance: level * compared as f64,
        incompatible_after_holm: means
            .iter()
            .filter(|cell| cell.p_adjusted.is_some_and(|p| p < level))
            .count(),
        same_runs: of(Agreement::SameRuns),
        shown: of(Agreement::Shown),
        open: of(Agreement::Open),
        only_published: of(Agreement::OnlyPublished),
        only_ours: only_ours.len(),
        differences: differences.len(),
        differences_of_the_same_runs: both().filter(same_runs).count(),
        decisions: own().count(),
        same: decided(Sameness::Same),
        both_open: decided(Sameness::BothOpen),
        half_open: decided(Sameness::HalfOpen),
        opposite: decided(Sameness::Opposite),
    }
}

/// How the records and the published numbers belong together.
fn note(evidence: &Evidence) -> String {
    match evidence.kind {
        EvidenceKind::Published => {
            "The log is the authors' of April 2020, the figures are of their final run. Up to 1,600 images \
             the figures are of the logged runs themselves, which proves that they are read rightly and \
             replicates nothing; larger sizes were run again with longer schedules."
        }
        EvidenceKind::Smoke => {
            "A different world: thin residual networks on 28-pixel images, from source models of our own, \
             where the published numbers are of ResNet-50 at 224 pixels. Means are shown, not compared; \
             only the directions of differences are."
        }
        EvidenceKind::Lab => {
            "A different world: ResNet-18 at 64 pixels, from source models of our own, where the published \
             numbers are of ResNet-50 at 224 pixels. Means are shown, not compared; only the directions of \
             differences are."
        }
        EvidenceKind::Paper => {
            "The same experiment: ResNet-50 at 224 pixels from the authors' checkpoints, to their final \
             protocol. Subsets and heads are drawn by generators of our own, so no run is shared."
        }
        EvidenceKind::Sister => {
            "A different world: the sister paper's checkpoints in place of the authors'. Means are shown, \
             not compared; only the directions of differences are."
        }
        EvidenceKind::Log => {
            "The log is taken to be of the published experiment, ResNet-50 at 224 pixels from the authors' \
             checkpoints: it can't say otherwise."
        }
    }
    .to_owned()
}
