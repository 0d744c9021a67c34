//! The judge: from a claim and its evidence to a verdict with a reason. It is pure (no clock, disk
//! or device): the same records give the same verdict.
//!
//! [`observe`] reads a metric off one record, [`join`] pairs arms by seed, [`decide`] tests one
//! sample against the margin, `cell` makes the verdict on a cell, [`interim`] says when to stop,
//! [`quantify`] combines cells, `association` relates effects to a measured similarity,
//! `descriptive` reports published means without a test, `floor` finds cells too low to be judged,
//! `ceiling` those near a metric's highest value, `diverged` runs that diverged, `same_numbers`
//! seeds that change nothing, `attendance` which replicates arms have, with what `absences` says of
//! the others, `ends` the samples for which a decision must hold, `worst_ends` and `worst_welch`
//! which of them are worst,
//! `resolution` the smallest step of a contrast,
//! `per_image` holds what each test image contributes, `images` resamples test images, `power`
//! computes power, `scales` compares scales of accuracy, [`two_zoos`] combines verdicts on two
//! zoos, and `result` holds the output types. Beside the verdict: `population` (what it is about),
//! `how_far` (how far it stands), `undecided` (seeds that it still needs), `direction` (mixed
//! cells), `targets` (the range behind an average), `early` (estimates after an early stop),
//! `one_seed` (whether it hinges on one), `false_supports` (how many to expect), and `values` (one
//! a seed, by which two verdicts are compared).

mod absences;
mod association;
mod attendance;
mod ceiling;
mod cell;
mod decide;
mod descriptive;
mod direction;
mod diverged;
mod early;
mod ends;
mod factors;
mod false_supports;
mod flag;
mod floor;
mod how_far;
mod images;
pub mod interim;
pub mod join;
pub mod observe;
mod of_study;
mod one_seed;
mod per_image;
mod population;
pub(crate) mod power;
mod quantify;
pub(crate) mod resolution;
pub(crate) mod result;
mod same_numbers;
pub(crate) mod scales;
mod targets;
pub mod two_zoos;
mod undecided;
mod values;
mod worst_ends;
mod worst_welch;

use std::collections::BTreeSet;

pub use association::{AssociatedTarget, AssociationAt, AssociationResult};
pub use decide::{Answer, Side, decide};
pub use direction::Direction;
pub use factors::factors;
pub use false_supports::{expected_false_supports, in_words as false_supports_in_words};
pub use flag::Flag;
pub use population::{FineTunes, Images, Population};
pub use quantify::{Unit, quantify};
pub use result::{
    CellVerdict, ClaimVerdict, FalseSupports, HowFar, RangeOverTargets, RefutedAs, ScaleVerdict,
    SecondaryVerdict, SeedsAndImages, TestImages, Unpaired, UnpairedArm, Verdicts,
};
pub use undecided::Undecided;
pub use values::{UnitValues, unit_values};

use crate::{
    claim::{Cell, Claim, Contrast, Design, Hypothesis, Over, SecondaryHypothesis},
    evidence::{Evidence, SamplingDesign},
    experiment::Verdict,
    stats::holm,
};
use cell::{Analysis, Paired, close};
use direction::Sides;
use how_far::Reached;
use interim::{Interim, Stopping, stop};
use one_seed::hinges_on_one_seed;

/// Judges a claim: its primary hypothesis and its secondary hypotheses.
#[must_use]
pub fn judge(claim: &Claim, evidence: &Evidence) -> ClaimVerdict {
    let primary = judge_hypothesis(&claim.hypothesis, &claim.design, evidence);
    let primary_population = population(&claim.hypothesis, &primary, evidence);
    let design = claim.design.for_secondary();
    let mut readings: Vec<SecondaryVerdict> =
        claim.readings.iter().map(|reading| judge_secondary(reading, &design, evidence)).collect();
    let judged: Vec<(&str, &Hypothesis, Verdict)> = claim
        .readings
        .iter()
        .zip(&readings)
        .filter(|(_, verdict)| verdict.judged)
        .map(|(reading, verdict)| (&*reading.id, &reading.hypothesis, verdict.verdict))
        .collect();
    let other_scales = scales::other_scales(&claim.hypothesis, judged.iter().copied());
    for (reading, verdict) in claim.readings.iter().zip(&mut readings) {
        verdict.other_scales = scales::other_scales(&reading.hypothesis, judged.iter().copied());
    }
    ClaimVerdict {
        claim: claim.id.clone(),
        title: claim.title.clone(),
        evidence: evidence.kind,
        verdict: primary.verdict,
        reason: primary.reason,
        unit: claim.hypothesis.metric.unit(),
        margin: claim.hypothesis.relation.threshold(),
        alpha: claim.design.alpha.level(),
        borderline: primary.borderline,
        undecided: primary.undecided,
        direction: primary.direction,
        hinges_on_one_seed: primary.hinges_on_one_seed,
        population: Some(primary_population),
        digest: claim.hypothesis.digest.clone(),
        locked: Some(claim.hypothesis.locked(evidence.of_log())),
        locked_on: claim.hypothesis.lock.date(),
        conditional_on: conditional_on(claim, evidence),
        how_far: primary.how_far,
        cells: primary.cells,
        averages: primary.averages,
        other_scales,
        readings,
        associations: claim
            .associations
            .iter()
            .map(|of| association::associate(of, &claim.design, evidence))
            .collect(),
    }
}

/// What a verdict is conditional on: the checkpoints and the test images.
fn conditional_on(claim: &Claim, evidence: &Evidence) -> Vec<String> {
    if let Some(study) = &evidence.world.study {
        let of = study.title.as_ref().map_or_else(String::new, |title| format!(" of {title}"));
        return vec![
            format!("the arms as they were run, with the test data of the log{of}"),
            "what log.toml says that the log means".to_owned(),
        ];
    }
    let targets: BTreeSet<String> = claim
        .hypothesis
        .keys()
        .iter()
        .map(|key| evidence.world.title(&key.target).to_owned())
        .collect();
    let targets: Vec<String> = targets.into_iter().collect();
    vec![
        evidence.world.checkpoints.clone(),
        format!("the test set of each target: {}", targets.join(", ")),
    ]
}

fn judge_secondary(
    reading: &SecondaryHypothesis,
    design: &Design,
    evidence: &Evidence,
) -> SecondaryVerdict {
    let hypothesis = &reading.hypothesis;
    let judged = match &reading.descriptive {
        None => judge_hypothesis(hypothesis, design, evidence),
        Some(descriptive) => {
            let cells = match &descriptive.means_of_figure {
                Some(figure) => descriptive::of_means(hypothesis, figure, evidence),
                None => judge_hypothesis(hypothesis, design, evidence).cells,
            };
            Judged {
                verdict: Verdict::Inconclusive,
                reason: format!("not judged: {}", descriptive.reason),
                borderline: false,
                undecided: None,
                direction: None,
                hinges_on_one_seed: None,
                how_far: HowFar::default(),
                cells,
                averages: Vec::new(),
            }
        }
    };
    let of_means = reading.descriptive.as_ref().is_some_and(|of| of.means_of_figure.is_some());
    let population = (!of_means).then(|| population(hypothesis, &judged, evidence));
    SecondaryVerdict {
        id: reading.id.clone(),
        sentence: hypothesis.statement.clone(),
        verdict: judged.verdict,
        reason: judged.reason,
        judged: reading.descriptive.is_none(),
        borderline: judged.borderline,
        undecided: judged.undecided,
        direction: judged.direction,
        hinges_on_one_seed: judged.hinges_on_one_seed,
        how_far: judged.how_far,
        population,
        digest: hypothesis.digest.clone(),
        locked: Some(hypothesis.locked(evidence.of_log())),
        locked_on: hypothesis.lock.date(),
        unit: hypothesis.metric.unit(),
        margin: hypothesis.relation.threshold(),
        cells: judged.cells,
        averages: judged.averages,
        other_scales: Vec::new(),
    }
}

/// The population of a verdict: over new test images if the interval over seeds and images decided,
/// so not where a unit was judged over seeds alone.
fn population(hypothesis: &Hypothesis, judged: &Judged, evidence: &Evidence) -> Population {
    let units = if judged.averages.is_empty() { &judged.cells } else { &judged.averages };
    let new_images = hypothesis.over == Over::SeedsAndImages
        && units.iter().any(|unit| unit.seeds_and_images.is_some())
        && !units.iter().any(|unit| unit.flags.contains(&Flag::SeedsAlone));
    Population::new(hypothesis, evidence.kind, &evidence.world, new_images)
}

struct Judged {
    verdict: Verdict,
    reason: String,
    borderline: bool,
    undecided: Option<Undecided>,
    direction: Option<Direction>,
    hinges_on_one_seed: Option<bool>,
    how_far: HowFar,
    cells: Vec<CellVerdict>,
    averages: Vec<CellVerdict>,
}

/// A cell, or an average over cells, that needs more seeds before the hypothesis is decided.
#[derive(Debug)]
pub struct NeededSeeds<'a> {
    /// The contrast.
    pub contrast: &'a Contrast,
    /// The cells: one, or those that are averaged.
    pub cells: Vec<Cell>,
    /// Number of seeds at its next look (interim analysis).
    pub seeds: usize,
}

/// The seeds that a hypothesis needs next, for the planner; empty where it is decided, or where
/// more seeds can't decide it.
#[must_use]
pub fn needed_seeds<'a>(
    hypothesis: &'a Hypothesis,
    design: &'a Design,
    evidence: &'a Evidence,
) -> Vec<NeededSeeds<'a>> {
    let analysis = Analysis::new(hypothesis, design, evidence);
    let units = paired_units(&analysis);
    let stopping = stopping(&analysis, &interims(&analysis, &units, 0.0));
    let needed = |unit: &usize| {
        let Paired { contrast, cells, .. } = &units[*unit];
        let seeds = design.looks.seeds().get(stopping.looks_used[*unit])?;
        Some(NeededSeeds { contrast, cells: cells.clone(), seeds: *seeds })
    };
    stopping.undecided.iter().filter_map(needed).collect()
}

/// The units that the quantifier counts (cells, or averages over cells), paired by seed.
fn paired_units<'a>(analysis: &Analysis<'a>) -> Vec<Paired<'a>> {
    let Hypothesis { contrasts, average_over, .. } = analysis.hypothesis;
    let of = |contrast: &'a Contrast| {
        let units = contrast.units(average_over).into_iter();
        units.map(move |(named, cells)| analysis.paired(contrast, named, cells))
    };
    contrasts.iter().flat_map(of).collect()
}

/// The interim analyses of units; `shift` is added to every value, in the metric's unit.
fn interims(analysis: &Analysis<'_>, units: &[Paired<'_>], shift: f64) -> Vec<Interim> {
    units.iter().map(|unit| analysis.interim(unit, shift)).collect()
}

fn stopping(analysis: &Analysis<'_>, interims: &[Interim]) -> Stopping {
    stop(analysis.hypothesis.holds, analysis.design, interims)
}

/// Judges one hypothesis over its cells, or over their averages where it has averages.
fn judge_hypothesis(hypothesis: &Hypothesis, design: &Design, evidence: &Evidence) -> Judged {
    let analysis = Analysis::new(hypothesis, design, evidence);
    let units = paired_units(&analysis);
    let interims = interims(&analysis, &units, 0.0);
    let stopping = stopping(&analysis, &interims);
    let (mut judged, counted): (Vec<CellVerdict>, Vec<Unit>) = units
        .iter()
        .zip(&interims)
        .zip(&stopping.looks_used)
        .map(|((unit, interim), &looks_used)| {
            (analysis.verdict(unit, interim, looks_used), interim.unit(looks_used))
        })
        .unzip();
    adjust(&mut judged, &counted.iter().map(|unit| unit.p).collect::<Vec<f64>>());
    let sides = Sides::new(&counted, &judged, hypothesis.relation, design.alpha);
    let reason = match (stopping.verdict, judged.as_slice()) {
        (Verdict::Incomplete, judged) => analysis.incomplete(judged),
        (_, [only]) => only.reason.clone(),
        (Verdict::Inconclusive, judged) => {
            match judged.iter().find(|cell| cell.has_no_interval()) {
                Some(cell) => format!("{}; {}: {}", stopping.reason, cell.name, cell.reason),
                None => stopping.reason.clone(),
            }
        }
        _ => stopping.reason.clone(),
    };
    let mixed = sides.mixed(stopping.verdict, hypothesis.holds, &hypothesis.metric.unit());
    // The reason of an only cell has its own.
    let absences = absences::of_all(&units, &evidence.replicates.name).filter(|_| units.len() > 1);
    let undecided = Undecided::new(&analysis, &units, &stopping);
    let open = undecided.map(|open| open.to_string());
    let reason = open.into_iter().chain(mixed).chain([reason]).chain(absences);
    let reason = reason.collect::<Vec<String>>().join("; ");
    let is_judged = stopping.verdict != Verdict::Incomplete;
    let direction = is_judged.then(|| sides.direction());
    let hinges_on_one_seed = hinges_on_one_seed(&analysis, &units, &interims, &stopping);
    let how_far =
        Reached { analysis: &analysis, units: &units, stopping: &stopping, judged: &judged }
            .how_far();
    let (cells, averages) = if hypothesis.average_over.is_empty() {
        (judged, Vec::new())
    } else {
        (unaveraged(&analysis, &units, &stopping.looks_used), judged)
    };
    let borderline = is_borderline(&analysis, &units, stopping.verdict);
    Judged {
        verdict: stopping.verdict,
        reason,
        borderline,
        undecided,
        direction,
        hinges_on_one_seed,
        how_far,
        cells,
        averages,
    }
}

/// The single cells behind averages: reported, and not counted by the quantifier.
///
/// In a sequential design a cell gets as many looks as its average used, so that its numbers do not
/// depend on other seeds in the evidence. It gets one look where its average can't be judged.
fn unaveraged(
    analysis: &Analysis<'_>,
    averages: &[Paired<'_>],
    looks_used: &[usize],
) -> Vec<CellVerdict> {
    let looks_of = |contrast: &Contrast, cell: &Cell| {
        let contains = |average: &Paired<'_>| {
            std::ptr::eq(average.contrast, contrast) && average.cells.contains(cell)
        };
        let used = averages.iter().zip(looks_used).filter(|(average, _)| contains(average));
        used.map(|(_, looks)| *looks).fold(1, usize::max)
    };
    let contrasts = analysis.hypothesis.contrasts.iter();
    let each =
        contrasts.flat_map(|contrast| contrast.cells.iter().map(move |cell| (contrast, cell)));
    let (mut cells, p): (Vec<CellVerdict>, Vec<f64>) = each
        .map(|(contrast, cell)| {
            let unit = analysis.paired(contrast, cell.clone(), vec![cell.clone()]);
            let interim = analysis.interim(&unit, 0.0);
            let looks = looks_of(contrast, cell).min(interim.answers.len());
            let looks = interim.decisive(looks).map_or(0, |(look, _)| look + 1);
            (analysis.verdict(&unit, &interim, looks), interim.unit(looks).p)
        })
        .unzip();
    adjust(&mut cells, &p);
    cells
}

/// Whether the verdict changes if every value is [`close`] higher or lower. Local runs only: a
/// published log has the same numbers on every processor.
fn is_borderline(analysis: &Analysis<'_>, units: &[Paired<'_>], verdict: Verdict) -> bool {
    let changes = |by: f64| stopping(analysis, &interims(analysis, units, by)).verdict != verdict;
    let sequential = analysis.evidence.design == SamplingDesign::GroupSequential;
    let by = close(&analysis.hypothesis.metric.unit());
    sequential && (changes(by) || changes(-by))
}

/// Holm's adjustment over a family of cells. A cell that can't be judged counts with p = 1 and gets
/// no adjusted p.
fn adjust(cells: &mut [CellVerdict], p: &[f64]) {
    for (cell, adjusted) in cells.iter_mut().zip(holm(p)) {
        cell.p_adjusted = cell.p.map(|_| adjusted);
    }
}
