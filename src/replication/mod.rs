//! The comparison of an evidence's records with the published numbers, cell by cell. It answers two
//! questions separately: is each published mean compatible with these seeds (prediction interval,
//! `cell`), and is the decision on each published difference the same (`difference`)? Pure; the
//! output types are in [`result`], [`fingerprint`] identifies source models, and [`one_seed`] says what
//! one seed alone would have concluded.
//!
//! A cell that only one side has is listed and counted. For a different experiment, such as the
//! smoke world, means are reported and not compared; directions of differences are compared.

mod cell;
mod difference;
pub mod fingerprint;
pub mod of_study;
pub mod one_seed;
pub mod result;

use std::collections::BTreeSet;

pub use result::{
    Agreement, Comparison, Counts, Decided, DifferenceCell, Direction, Ends, MeanCell, OnlyLocal,
    Remark, Sameness, Value,
};

use crate::{
    evidence::{Evidence, means::Points},
    experiment::{EvidenceKind, Key, Resolution},
    stats::{Alpha, holm},
    world::World,
};

/// Compares the records of an evidence with the published numbers.
#[must_use]
pub fn compare(evidence: &Evidence, published: &Points) -> Comparison {
    let plan = World::paper();
    let same_experiment = evidence.world.id == plan.id;
    let matcher = CellMatcher { evidence, plan: &plan, same_experiment };
    let mut means: Vec<MeanCell> =
        published.means.iter().map(|mean| cell::mean_cell(&matcher, mean)).collect();
    adjust(&mut means);
    let differences: Vec<DifferenceCell> = published
        .differences
        .iter()
        .map(|point| difference::difference_cell(&matcher, point))
        .collect();
    let only_ours = only_local(evidence, published);
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

/// Matches published values with the records of an evidence.
struct CellMatcher<'a> {
    evidence: &'a Evidence,
    /// The world of the published numbers, which has their planned numbers of seeds.
    plan: &'a World,
    same_experiment: bool,
}

impl CellMatcher<'_> {
    /// The number of seeds of a published value, as planned for the authors' final run. One seed
    /// was planned for the full training set; these points have no band.
    fn seeds(&self, images: u32) -> usize {
        self.plan.planned_seeds(images).unwrap_or(1)
    }

    /// Whether any record of a key has another number of epochs than the published runs.
    fn other_schedule(&self, key: &Key) -> bool {
        let epochs = self.plan.protocol(key.images).epochs;
        let records = self.evidence.records.seeds(key);
        let mut ours = records.into_iter().flat_map(|seeds| seeds.values());
        self.same_experiment && ours.any(|record| record.recipe.epochs != epochs)
    }
}

/// The one-sided level of 95 % intervals.
const ALPHA: Alpha = Alpha::CONVENTIONAL;

/// Holm's adjustment over the compared means.
fn adjust(cells: &mut [MeanCell]) {
    let compared = |cell: &&mut MeanCell| cell.agreement.is_compared();
    let of: Vec<&mut MeanCell> = cells.iter_mut().filter(compared).collect();
    let p: Vec<f64> = of.iter().map(|cell| cell.p.unwrap_or(1.0)).collect();
    for (cell, adjusted) in of.into_iter().zip(holm(&p)) {
        cell.p_adjusted = Some(adjusted);
    }
}

impl Agreement {
    /// Whether the two means were compared.
    #[must_use]
    pub fn is_compared(self) -> bool {
        matches!(self, Self::Compatible | Self::Incompatible)
    }
}

fn only_local(evidence: &Evidence, published: &Points) -> Vec<OnlyLocal> {
    let known: BTreeSet<&Key> = published.means.iter().map(|mean| &mean.key).collect();
    let keys: BTreeSet<&Key> = evidence.records.iter().map(|record| &record.key).collect();
    let besides = |key: &Key| {
        let pixels = match key.resolution {
            Resolution::Native => None,
            Resolution::Pixels(pixels) => Some(format!("{pixels} px")),
        };
        let stream = (key.seed_stream > 0).then(|| format!("seed stream {}", key.seed_stream));
        let influence = key.influence.then(|| "with influence".to_owned());
        pixels.into_iter().chain(stream).chain(influence).collect::<Vec<_>>().join(", ")
    };
    keys.difference(&known)
        .map(|key| OnlyLocal {
            target: key.target.to_string(),
            source: key.source.to_string(),
            blocks: key.blocks,
            images: key.images,
            besides: besides(key),
            seeds: evidence.records.seeds(key).map_or(0, std::collections::BTreeMap::len),
        })
        .collect()
}

fn counts(means: &[MeanCell], differences: &[DifferenceCell], only_ours: &[OnlyLocal]) -> Counts {
    let of = |agreement| means.iter().filter(|cell| cell.agreement == agreement).count();
    let both = || differences.iter().filter(|cell| cell.decision.is_some());
    let same_runs = |cell: &&DifferenceCell| cell.remarks.contains(&Remark::SameRuns);
    let other_runs = || both().filter(|cell| !same_runs(cell));
    let decided = |sameness| other_runs().filter(|cell| cell.decision == Some(sameness)).count();
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
        decisions: other_runs().count(),
        same: decided(Sameness::Same),
        both_open: decided(Sameness::BothOpen),
        half_open: decided(Sameness::HalfOpen),
        opposite: decided(Sameness::Opposite),
    }
}

/// How the experiment of the records relates to the published one.
fn note(evidence: &Evidence) -> String {
    match evidence.kind {
        EvidenceKind::Published => {
            "The log is the authors' log of April 2020; the figures show their final run. Up to \
             1,600 images the figures show the logged runs themselves, so agreement there confirms \
             the reading and is no replication; larger sizes were run again with longer \
             schedules."
        }
        EvidenceKind::Smoke | EvidenceKind::SmokeOneZoo => {
            "A different experiment: thin residual networks on 28-pixel images, from source models \
             of this project; the published numbers are of ResNet-50 at 224 pixels. Means are not \
             compared, only the directions of differences."
        }
        EvidenceKind::Lab => {
            "A different experiment: ResNet-18 at 64 pixels, from source models of this project; \
             the published numbers are of ResNet-50 at 224 pixels. Means are not compared, only \
             the directions of differences."
        }
        EvidenceKind::Paper => {
            "The same experiment: ResNet-50 at 224 pixels from the authors' checkpoints, with \
             their final protocol. Subsets and heads come from this project's random generators, \
             so no run is shared."
        }
        EvidenceKind::Salman => {
            "A different experiment: the checkpoints of Salman et al. (2020) instead of the \
             authors'. Means are not compared, only the directions of differences."
        }
        EvidenceKind::Log => {
            "The log is assumed to be of the published experiment (ResNet-50 at 224 pixels from \
             the authors' checkpoints); the log format can't state otherwise."
        }
    }
    .to_owned()
}
