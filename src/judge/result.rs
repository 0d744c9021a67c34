//! Verdicts, in the form that `--format json` prints: version 1. The JSON Schema
//! `claims/schemas/verdicts.schema.json` is generated from these types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    association::AssociationResult, direction::Direction, factors::factors_of, flag::Flag,
    population::Population, undecided::Undecided,
};
use crate::{
    claim::{Cell, Contrast, Expected, Hypothesis, Locked, Unit},
    experiment::{EvidenceKind, Resolution, Value, Verdict},
};

/// Version of this format.
pub const FORMAT_VERSION: u32 = 1;

/// Verdicts on claims, one entry per claim and evidence.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Verdicts {
    /// Version of this format: 1.
    pub format_version: u32,
    /// One entry per claim and evidence.
    pub claims: Vec<ClaimVerdict>,
    /// The false supports to expect if nothing were true, for each kind of evidence; empty for
    /// fewer than two claims.
    #[serde(default)]
    pub false_supports: Vec<FalseSupports>,
}

/// The verdict on one claim from one evidence.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ClaimVerdict {
    /// The claim's id.
    pub claim: String,
    /// The evidence.
    pub evidence: EvidenceKind,
    /// The verdict on the primary hypothesis.
    pub verdict: Verdict,
    /// The reason for the verdict.
    pub reason: String,
    /// The claim in a few words.
    pub title: String,
    /// Unit of means, intervals and margin.
    pub unit: Unit,
    /// The value that contrasts are tested against, in that unit.
    pub margin: f64,
    /// One-sided level, over all looks (interim analyses) together; a cell's `confidence` is that
    /// of one look.
    pub alpha: f64,
    /// Whether the verdict changes if every value is a point higher or lower, as rounding on
    /// another processor may shift some. False for logs, whose numbers are the same everywhere.
    #[serde(default)]
    pub borderline: bool,
    /// Where a sequential design still needs seeds: how many it used without a decision; null where
    /// it stopped. The verdict is then "inconclusive".
    #[serde(default)]
    pub undecided: Option<Undecided>,
    /// On which side of the threshold cells (or averages) surely lie, after Holm over them; null
    /// for an incomplete claim.
    #[serde(default)]
    pub direction: Option<Direction>,
    /// Whether leaving out any one seed, in all cells at once, changes the verdict; judged with the
    /// critical t of all seeds. Null for an incomplete claim.
    #[serde(default)]
    pub hinges_on_one_seed: Option<bool>,
    /// The population that the verdict is about.
    #[serde(default)]
    pub population: Option<Population>,
    /// The digest of the hypothesis as it is judged, without its words (BLAKE3 in hexadecimal);
    /// null where it is not that of a spec.
    #[serde(default)]
    pub digest: Option<String>,
    /// Whether the hypothesis is what `lock.toml` has; null in verdicts of older versions.
    #[serde(default)]
    pub locked: Option<Locked>,
    /// The date (UTC) on which the hypothesis, as it is or as it was, was locked; null where it is
    /// not locked.
    #[serde(default)]
    pub locked_on: Option<String>,
    /// What the verdict is conditional on.
    pub conditional_on: Vec<String>,
    /// How far the verdict stands.
    #[serde(flatten)]
    pub how_far: HowFar,
    /// Every cell of the primary hypothesis, each judged by itself.
    pub cells: Vec<CellVerdict>,
    /// The judged averages, where the hypothesis averages over cells within a seed.
    pub averages: Vec<CellVerdict>,
    /// The verdicts of readings that ask the same on a logarithmic scale of accuracy; where one of
    /// them disagrees, the verdict is one in points.
    #[serde(default)]
    pub other_scales: Vec<ScaleVerdict>,
    /// Secondary hypotheses; they never change the verdict on the primary one.
    pub readings: Vec<SecondaryVerdict>,
    /// Associations with a measured similarity; they never change a verdict.
    #[serde(default)]
    pub associations: Vec<AssociationResult>,
}

/// The verdict on the same hypothesis on another scale of accuracy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScaleVerdict {
    /// The reading that asks on this scale.
    pub reading: String,
    /// The scale.
    pub unit: Unit,
    /// Its verdict.
    pub verdict: Verdict,
}

/// The verdict on a secondary hypothesis (reading).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SecondaryVerdict {
    /// The id within the claim.
    pub id: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The reason for the verdict.
    pub reason: String,
    /// The hypothesis in one sentence.
    pub sentence: String,
    /// False where it is reported and not judged; its verdict is then inconclusive.
    pub judged: bool,
    /// Whether the verdict changes if every value is a point higher or lower, as for the claim.
    #[serde(default)]
    pub borderline: bool,
    /// Whether it still needs seeds, as for the claim.
    #[serde(default)]
    pub undecided: Option<Undecided>,
    /// On which side of the threshold cells surely lie, as for the claim; null where it is not
    /// judged.
    #[serde(default)]
    pub direction: Option<Direction>,
    /// Whether it hinges on one seed, as for the claim; null where it is not judged.
    #[serde(default)]
    pub hinges_on_one_seed: Option<bool>,
    /// The population that the verdict is about; null for published means, which stand for none.
    #[serde(default)]
    pub population: Option<Population>,
    /// The digest of the hypothesis as it is judged, without its words (BLAKE3 in hexadecimal);
    /// null where it is not that of a spec.
    #[serde(default)]
    pub digest: Option<String>,
    /// Whether the hypothesis is what `lock.toml` has; null in verdicts of older versions.
    #[serde(default)]
    pub locked: Option<Locked>,
    /// The date (UTC) on which the hypothesis, as it is or as it was, was locked; null where it is
    /// not locked.
    #[serde(default)]
    pub locked_on: Option<String>,
    /// Unit of means, intervals and margin.
    pub unit: Unit,
    /// The value that contrasts are tested against, in that unit.
    pub margin: f64,
    /// How far the verdict stands.
    #[serde(flatten)]
    pub how_far: HowFar,
    /// Every cell of the hypothesis, each judged by itself.
    pub cells: Vec<CellVerdict>,
    /// The judged averages, where it averages over cells within a seed.
    pub averages: Vec<CellVerdict>,
    /// The verdicts of readings that ask the same on a logarithmic scale, as for the claim.
    #[serde(default)]
    pub other_scales: Vec<ScaleVerdict>,
}

/// How far a verdict stands, on the seeds that it used. A number that does not apply is null.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct HowFar {
    /// For "supported": the most demanding margin at which the hypothesis is still supported, in
    /// its unit. It is the largest value that the contrast is shown to exceed, negative where "not
    /// worse than" needs its margin; for an equivalence, the smallest margin.
    #[serde(default)]
    pub stands_to: Option<f64>,
    /// For "inconclusive": the distance from the margin, in the unit, that as many cells as must
    /// hold would each have found with 80 % power, given their spread and seeds. For an
    /// equivalence, the margin that they would have shown if there were no difference.
    #[serde(default)]
    pub detectable: Option<f64>,
    /// For "refuted": whether the contrast is reversed, or only smaller than the margin.
    #[serde(default)]
    pub refuted_as: Option<RefutedAs>,
    /// For a decided verdict on published records, which have one checkpoint an arm: the largest
    /// standard deviation of leads between checkpoints, in the unit, at which the verdict stands.
    #[serde(default)]
    pub stands_to_checkpoint_sd: Option<f64>,
    /// Whether an interval over seeds and test images together would change the verdict. False
    /// where it is already over both, and where records have no bit per test image.
    #[serde(default)]
    pub changed_by_test_images: bool,
}

/// In which way a hypothesis is refuted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefutedAs {
    /// The contrast lies below zero, against the hypothesis.
    Reversed,
    /// The contrast lies below its margin, and is not shown to lie below zero.
    SmallerThanAsked,
}

/// The verdict on one cell, or one average over cells. A number that can't be computed is null,
/// never zero.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CellVerdict {
    /// The cell in a few words; unique together with `contrast`.
    #[serde(default)]
    pub name: String,
    /// Target; null where the contrast varies it or the cell is an average over it.
    pub target: Option<String>,
    /// Training images; null as for `target`.
    pub images: Option<u32>,
    /// Fine-tuned blocks; null as for `target`.
    pub blocks: Option<u32>,
    /// Resolution; null where images have their own size or the contrast varies it.
    pub resolution: Option<Resolution>,
    /// Repetition, counted from 1; null where the comparison is not repeated.
    pub repetition: Option<u32>,
    /// Values of a study's own factors, by name; empty for this paper's, which have the fields
    /// above.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub factors: BTreeMap<String, Value>,
    /// The contrast in symbols, naming what it varies.
    pub contrast: String,
    /// Unit of the numbers.
    pub unit: Unit,
    /// Seeds in common to all arms; those of the arm that has the fewest where arms share none.
    pub seeds: usize,
    /// Mean contrast over seeds.
    pub mean: Option<f64>,
    /// Lower end of the confidence interval.
    pub low: Option<f64>,
    /// Upper end of the confidence interval.
    pub high: Option<f64>,
    /// Two-sided confidence of the interval, in percent: 95 in a fixed design, more where several
    /// looks share alpha; null where there is no interval.
    pub confidence: Option<f64>,
    /// t statistic against the margin.
    pub t: Option<f64>,
    /// One-sided p in the direction of the hypothesis, against the margin, at this look alone.
    pub p: Option<f64>,
    /// The p of the quantifier: the smallest p over the looks used, times the number of looks,
    /// adjusted over cells by Holm.
    pub p_adjusted: Option<f64>,
    /// The cell's own verdict, at level alpha.
    pub verdict: Verdict,
    /// For an inconclusive cell: the distance from the margin that it would have found with 80 %
    /// power, given its spread and seeds; for an equivalence, the margin.
    #[serde(default)]
    pub detectable: Option<f64>,
    /// The reason for the verdict.
    pub reason: String,
    /// Warnings about this cell.
    pub flags: Vec<Flag>,
    /// Planned seeds missing from every arm.
    pub missing_seeds: usize,
    /// Planned seeds that a sequential design did not need because it stopped early.
    pub spared_seeds: usize,
    /// Seeds missing from at least one arm, but not from all: excluded from the pairs.
    pub unmatched_seeds: usize,
    /// Seeds with a run that has the accuracies and losses of an earlier seed of the same arm.
    #[serde(default)]
    pub same_seeds: usize,
    /// Seeds with a failed run; they also count at their worst allowed value.
    pub failed_seeds: usize,
    /// Runs that the study planned and its log does not have; the verdict holds wherever in the
    /// metric's range they lie.
    #[serde(default)]
    pub absent_runs: usize,
    /// Seeds that the study never planned for an arm, summed over arms; they are excluded from the
    /// pairs.
    #[serde(default)]
    pub never_planned: usize,
    /// Seeds at the look (interim analysis) where a sequential design stopped; null for a fixed
    /// design.
    pub look: Option<usize>,
    /// Anytime-valid e-value against equality of contrast and margin, in either direction. It is
    /// evidence for the hypothesis from 1/alpha on, and only where `t` is positive.
    pub e_value: Option<f64>,
    /// Welch's unpaired interval on the same seeds at the same confidence.
    pub welch: Option<Welch>,
    /// Where arms share no seeds, what their interval is made of, which is Welch's; null where they
    /// are paired.
    #[serde(default)]
    pub unpaired: Option<Unpaired>,
    /// The confidence interval over seeds and test images together, at the same confidence; null
    /// where a record does not say which images it classifies correctly.
    #[serde(default)]
    pub seeds_and_images: Option<SeedsAndImages>,
    /// The confidence interval over test images, with seeds fixed; null where records don't say
    /// which images were classified correctly, as published logs don't.
    pub test_images: Option<TestImages>,
    /// Seeds whose value lies above the threshold; null for an equivalence.
    #[serde(default)]
    pub seeds_ahead: Option<usize>,
    /// Exact one-sided p of the sign-flip test, in the direction of the hypothesis: what the signs
    /// say without a normal distribution. k seeds can't go below 1/2^k. Null for an equivalence,
    /// where values have bounds, or with more than 30 seeds.
    #[serde(default)]
    pub sign_flip_p: Option<f64>,
    /// Median-unbiased estimate of the mean in a sequential design: stage-wise ordering, with the
    /// standard deviation held. Null in a fixed design.
    #[serde(default)]
    pub median_unbiased: Option<f64>,
    /// Where a sequential design stopped early: the mean's simulated bias away from the threshold,
    /// if the true effect were the estimated one. Null elsewhere, and for looks that were not
    /// simulated.
    #[serde(default)]
    pub stopping_bias: Option<f64>,
    /// The lowest and the highest mean of one target, for an average over targets.
    #[serde(default)]
    pub range_over_targets: Option<RangeOverTargets>,
}

/// The means of the single targets behind an average over targets, on the average's seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RangeOverTargets {
    /// The lowest mean of a target.
    pub low: f64,
    /// The highest mean of a target.
    pub high: f64,
    /// The target with the lowest mean.
    pub lowest: String,
    /// The target with the highest mean.
    pub highest: String,
}

/// The false supports to expect on one kind of evidence if no claim were true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FalseSupports {
    /// The kind of evidence. Kinds are never combined.
    pub evidence: EvidenceKind,
    /// Primary claims that were judged on it, without incomplete ones.
    pub claims: usize,
    /// The one-sided level of each claim.
    pub alpha: f64,
    /// `claims` times `alpha`: an upper bound of the expected number.
    pub expected: f64,
}

/// The interval over seeds and test images together: it covers the contrast for new seeds and new
/// test images.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SeedsAndImages {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// The verdict of this interval alone.
    pub verdict: Verdict,
}

/// The percentile interval of the paired bootstrap over test images: the sampling error that comes
/// from the finite test set. The verdict does not use it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TestImages {
    /// Test images of all targets of the cell.
    pub images: usize,
    /// Lower end, in accuracy points.
    pub low: f64,
    /// Upper end, in accuracy points.
    pub high: f64,
}

/// Welch's unpaired interval, for comparison with the paired one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Welch {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The verdict of this interval alone.
    pub verdict: Verdict,
}

/// What Welch's interval is made of, where arms share no replicates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unpaired {
    /// Degrees of freedom, by the runs that have a value; null where an arm has fewer than two.
    pub df: Option<f64>,
    /// The arms, in the order of the contrast unless some have runs in common.
    pub arms: Vec<UnpairedArm>,
}

/// One arm of a comparison whose arms share no replicates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnpairedArm {
    /// The arm.
    pub arm: String,
    /// Its replicates, with those that are absent.
    pub replicates: usize,
    /// Their mean, of those that have a value.
    pub mean: Option<f64>,
    /// Their standard deviation, of those that have a value.
    pub standard_deviation: Option<f64>,
}

impl ClaimVerdict {
    /// Whether this is the verdict that a spec expects. A borderline verdict may also be the
    /// second one that the spec accepts.
    #[must_use]
    pub fn is(&self, expected: &Expected) -> bool {
        self.verdict == expected.verdict || (self.borderline && expected.or == Some(self.verdict))
    }
}

impl CellVerdict {
    /// Whether it has no confidence interval.
    #[must_use]
    pub(crate) fn has_no_interval(&self) -> bool {
        self.low.is_none() && self.high.is_none()
    }

    /// A cell that is reported and not judged.
    pub(super) fn descriptive(
        contrast: &Contrast,
        cell: &Cell,
        hypothesis: &Hypothesis,
        mean: Option<f64>,
        reason: String,
        flags: Vec<Flag>,
    ) -> Self {
        Self {
            name: hypothesis.cell_name(cell),
            target: cell.target.as_deref().map(str::to_owned),
            images: cell.images,
            blocks: cell.blocks,
            resolution: cell.resolution,
            repetition: cell.repetition,
            factors: factors_of(cell),
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
            detectable: None,
            reason,
            flags,
            missing_seeds: 0,
            spared_seeds: 0,
            unmatched_seeds: 0,
            same_seeds: 0,
            failed_seeds: 0,
            absent_runs: 0,
            never_planned: 0,
            look: None,
            e_value: None,
            welch: None,
            unpaired: None,
            seeds_and_images: None,
            test_images: None,
            seeds_ahead: None,
            sign_flip_p: None,
            median_unbiased: None,
            stopping_bias: None,
            range_over_targets: None,
        }
    }
}
