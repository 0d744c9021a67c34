//! What the judge says, in the form in which `--format json` prints it: version 1. The schema that
//! ships (`claims/schemas/verdicts.schema.json`) is made from these types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    claim::{Cell, Contrast, Expected, Hypothesis, Unit},
    experiment::{EvidenceKind, Resolution, Verdict},
};

/// Version of this form.
pub const FORMAT_VERSION: u32 = 1;

/// Verdicts on claims, one entry a claim and evidence.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Verdicts {
    /// Version of this form: 1.
    pub format_version: u32,
    /// One entry a claim and evidence.
    pub claims: Vec<ClaimVerdict>,
}

/// The verdict on one claim from one evidence.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ClaimVerdict {
    /// The claim's id.
    pub claim: String,
    /// The evidence.
    pub evidence: EvidenceKind,
    /// The answer to the primary hypothesis.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// The claim in a few words.
    pub title: String,
    /// Unit of means, intervals and margin.
    pub unit: Unit,
    /// The value that contrasts are tested against, in that unit.
    pub margin: f64,
    /// One-sided risk of a wrong answer: of all looks together where there are several, of which each
    /// cell's `confidence` speaks.
    pub alpha: f64,
    /// Whether another verdict would come out if every value were a point higher or lower, as the rounding
    /// of another processor may make some. False for logs, which say the same everywhere.
    #[serde(default)]
    pub borderline: bool,
    /// What the verdict is conditional on.
    pub conditional_on: Vec<String>,
    /// Every cell that the claim names, each judged by itself.
    pub cells: Vec<CellVerdict>,
    /// The averages that were judged, where the hypothesis averages over cells within a seed.
    pub averages: Vec<CellVerdict>,
    /// Further readings, which never stand in the primary one's place.
    pub readings: Vec<ReadingVerdict>,
}

/// A further reading's verdict.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReadingVerdict {
    /// The reading's name within the claim.
    pub id: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// The reading in one sentence.
    pub sentence: String,
    /// False where it is shown and not judged; its verdict is then inconclusive.
    pub judged: bool,
    /// As for the claim.
    #[serde(default)]
    pub borderline: bool,
    /// Unit of means, intervals and margin.
    pub unit: Unit,
    /// The value that contrasts are tested against, in that unit.
    pub margin: f64,
    /// Every cell that the reading names.
    pub cells: Vec<CellVerdict>,
    /// The averages that were judged, if it averages.
    pub averages: Vec<CellVerdict>,
}

/// One cell, or one average over cells. A number that can't be computed is null, never zero.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CellVerdict {
    /// The cell in a few words; with `contrast` they name it.
    #[serde(default)]
    pub name: String,
    /// Target; null where the contrast varies it or the cell is an average over it.
    pub target: Option<String>,
    /// Training images; null likewise.
    pub images: Option<u32>,
    /// Fine-tuned blocks; null likewise.
    pub blocks: Option<u32>,
    /// Resolution; null where images are at their own size or the contrast varies it.
    pub resolution: Option<Resolution>,
    /// Repetition, counted from 1; null where the comparison is made once.
    pub repetition: Option<u32>,
    /// The contrast in symbols, naming what it varies.
    pub contrast: String,
    /// Unit of the numbers.
    pub unit: Unit,
    /// Seeds that every arm has.
    pub seeds: usize,
    /// Mean contrast over seeds.
    pub mean: Option<f64>,
    /// Lower end of the interval that the verdict used.
    pub low: Option<f64>,
    /// Upper end of the interval that the verdict used.
    pub high: Option<f64>,
    /// What the interval covers, two-sided, in percent: 95 where one looks once, more where the risk is
    /// shared among looks; null where there is none.
    pub confidence: Option<f64>,
    /// Statistic against the margin.
    pub t: Option<f64>,
    /// One-sided p in the direction of the hypothesis, against the margin, of this look alone.
    pub p: Option<f64>,
    /// What the hypothesis is judged by: the least p over the looks it has had, times the number of looks,
    /// after Holm over its cells.
    pub p_adjusted: Option<f64>,
    /// The cell's own verdict, at the whole level.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// What a reader must know of this cell.
    pub flags: Vec<Flag>,
    /// Planned seeds that no arm has.
    pub missing_seeds: usize,
    /// Planned seeds that a sequential design did not need, since it had decided before.
    pub spared_seeds: usize,
    /// Seeds that only some arms have, left out of the pairs.
    pub unmatched_seeds: usize,
    /// Seeds with a run that failed; they count at their worst allowed value too.
    pub failed_seeds: usize,
    /// The look at which a sequential design stopped; null for a fixed design.
    pub look: Option<usize>,
    /// Anytime-valid e-value of the contrast differing from the margin, in either direction; it
    /// speaks for the hypothesis from 1/alpha on, and only where `t` is positive.
    pub e_value: Option<f64>,
    /// Welch's interval on the same seeds at the same confidence, as if they were not paired.
    pub welch: Option<Welch>,
    /// The interval over test images, with the seeds held; null where records do not say which images
    /// were right, as published logs do not.
    pub test_images: Option<TestImages>,
}

/// The percentile interval of the paired bootstrap over test images: what the contrast owes to the test
/// set being one draw of images. It stands beside the interval over seeds, and decides nothing.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TestImages {
    /// Images, over all targets that the cell is about.
    pub images: usize,
    /// Lower end, in accuracy points.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Welch's unpaired interval beside the paired one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Welch {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// What it alone would say.
    pub verdict: Verdict,
}

/// What a reader must know of a cell.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Some arm has no record at all.
    NoRecords,
    /// Recipes differ where the contrast does not say so: the cell can't be judged.
    MixedRecipes,
    /// One seed: no spread, so no interval.
    SingleSeed,
    /// Planned seeds that no arm has.
    MissingSeeds,
    /// Seeds that only some arms have.
    UnmatchedSeeds,
    /// Runs that stopped before their end.
    FailedTrials,
    /// Values known up to the logged epochs only.
    Censored,
    /// Schedules differ between the targets or sizes compared.
    ScheduleDiffers,
    /// Subsets over a quarter of their pool: seeds share images, and the interval is too narrow.
    SubsetOverPool,
    /// Read at the epoch that is best on the test set: optimistic.
    BestOnTest,
    /// Seeds agreed so closely that their spread was floored at half the resolution.
    SpreadFloored,
    /// Welch's unpaired interval alone would say something else.
    WelchDisagrees,
    /// The interval ends within a point of the margin: another processor's rounding may tip it.
    Borderline,
    /// Published means without seeds.
    MeansOnly,
}

impl Flag {
    /// The flag's name, as JSON has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoRecords => "no_records",
            Self::MixedRecipes => "mixed_recipes",
            Self::SingleSeed => "single_seed",
            Self::MissingSeeds => "missing_seeds",
            Self::UnmatchedSeeds => "unmatched_seeds",
            Self::FailedTrials => "failed_trials",
            Self::Censored => "censored",
            Self::ScheduleDiffers => "schedule_differs",
            Self::SubsetOverPool => "subset_over_pool",
            Self::BestOnTest => "best_on_test",
            Self::SpreadFloored => "spread_floored",
            Self::WelchDisagrees => "welch_disagrees",
            Self::Borderline => "borderline",
            Self::MeansOnly => "means_only",
        }
    }

    /// The flag in a sentence.
    #[must_use]
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::NoRecords => "some arm has no record at all",
            Self::MixedRecipes => {
                "recipes differ where the contrast does not say so; the cell can't be judged"
            }
            Self::SingleSeed => "one seed: no spread, so no interval",
            Self::MissingSeeds => "planned seeds that no arm has: they were never run",
            Self::UnmatchedSeeds => "seeds that only some arms have, left out of the pairs",
            Self::FailedTrials => {
                "runs that stopped before their end; the verdict must hold without them and with \
                 them at their worst"
            }
            Self::Censored => {
                "known up to the logged epochs; the verdict must hold at both ends of each interval"
            }
            Self::ScheduleDiffers => "schedules differ between the targets or sizes compared",
            Self::SubsetOverPool => {
                "subsets over a quarter of their pool: seeds share images, so the interval is too \
                 narrow"
            }
            Self::BestOnTest => "read at the epoch that is best on the test set: optimistic",
            Self::SpreadFloored => {
                "seeds agreed so closely that their spread was floored at half the resolution"
            }
            Self::WelchDisagrees => "Welch's unpaired interval alone would say something else",
            Self::Borderline => {
                "the interval ends within a point of the margin, so that the rounding of another \
                 processor may tip it"
            }
            Self::MeansOnly => "published means without seeds: shown, not judged",
        }
    }
}

impl ClaimVerdict {
    /// Whether this is the verdict that a spec expects: its first, or its second where this is borderline.
    #[must_use]
    pub fn is(&self, expected: &Expected) -> bool {
        self.verdict == expected.verdict || (self.borderline && expected.or == Some(self.verdict))
    }
}

impl CellVerdict {
    /// Whether nothing could be computed of it, for the reason that it gives.
    #[must_use]
    pub(crate) fn has_no_interval(&self) -> bool {
        self.low.is_none() && self.high.is_none()
    }

    /// A cell that is shown and not judged.
    pub(super) fn shown(
        contrast: &Contrast,
        cell: &Cell,
        hypothesis: &Hypothesis,
        mean: Option<f64>,
        reason: String,
        flags: Vec<Flag>,
    ) -> Self {
        Self {
            name: hypothesis.name_of(cell),
            target: cell.target.as_deref().map(str::to_owned),
            images: cell.images,
            blocks: cell.blocks,
            resolution: cell.resolution,
            repetition: cell.repetition,
            contrast: contrast.label.clone(),
            unit: hypothesis.metric.unit(),
            seeds: 0,
            mean,
            low: None,
            high: None,
            confidence: None,
            t: None,
            p: None,
            p_adjusted: None,
            verdict: Verdict::Inconclusive,
            reason,
            flags,
            missing_seeds: 0,
            spared_seeds: 0,
            unmatched_seeds: 0,
            failed_seeds: 0,
            look: None,
            e_value: None,
            welch: None,
            test_images: None,
        }
    }
}
