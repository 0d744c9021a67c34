//! The judge: from a claim and evidence to a verdict with its reason. Pure: no clock, no disk, no
//! device, the same answer for the same records. A cell is judged in `cell`, one value a seed in
//! [`decide`], cells are put together in [`quantify`], when to stop is said in [`sequence`], what is only
//! shown is in `shown`; what comes out is in `result`.

mod cell;
mod decide;
mod images;
pub mod join;
pub mod observe;
pub(crate) mod power;
mod quantify;
pub(crate) mod result;
pub mod sequence;
mod shown;

use std::collections::BTreeSet;

pub use decide::{Answer, Side, decide};
pub use quantify::{Unit, quantify};
pub use result::{CellVerdict, ClaimVerdict, Flag, ReadingVerdict, TestImages, Verdicts};

use crate::{
    claim::{Cell, Claim, Contrast, Design, Hypothesis, Reading},
    evidence::{Evidence, Looking},
    experiment::Verdict,
    stats::holm,
};
use cell::{Bench, CLOSE, Joint};
use sequence::{Looked, Settled, settle};

/// Judges a claim: its primary hypothesis and, beside it, its readings.
#[must_use]
pub fn judge(claim: &Claim, evidence: &Evidence) -> ClaimVerdict {
    let primary = judge_hypothesis(&claim.hypothesis, &claim.design, evidence);
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
        conditional_on: conditional_on(claim, evidence),
        cells: primary.cells,
        averages: primary.averages,
        readings: claim
            .readings
            .iter()
            .map(|reading| judge_reading(reading, &claim.design.of_readings(), evidence))
            .collect(),
    }
}

/// Every verdict holds for these checkpoints and these test images alone.
fn conditional_on(claim: &Claim, evidence: &Evidence) -> Vec<String> {
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

fn judge_reading(reading: &Reading, design: &Design, evidence: &Evidence) -> ReadingVerdict {
    let hypothesis = &reading.hypothesis;
    let judged = match &reading.shown {
        None => judge_hypothesis(hypothesis, design, evidence),
        Some(shown) => {
            let cells = match &shown.means_of_figure {
                Some(figure) => shown::of_means(hypothesis, figure, evidence),
                None => judge_hypothesis(hypothesis, design, evidence).cells,
            };
            Judged {
                verdict: Verdict::Inconclusive,
                reason: format!("shown, not judged: {}", shown.because),
                borderline: false,
                cells,
                averages: Vec::new(),
            }
        }
    };
    ReadingVerdict {
        id: reading.id.clone(),
        sentence: hypothesis.sentence.clone(),
        verdict: judged.verdict,
        reason: judged.reason,
        judged: reading.shown.is_none(),
        borderline: judged.borderline,
        unit: hypothesis.metric.unit(),
        margin: hypothesis.relation.threshold(),
        cells: judged.cells,
        averages: judged.averages,
    }
}

struct Judged {
    verdict: Verdict,
    reason: String,
    borderline: bool,
    cells: Vec<CellVerdict>,
    averages: Vec<CellVerdict>,
}

/// A cell, or an average over cells, that a hypothesis needs more seeds of.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The contrast.
    pub contrast: &'a Contrast,
    /// The cells that it is judged in.
    pub cells: Vec<Cell>,
    /// The seeds of its next look.
    pub seeds: usize,
}

/// What a hypothesis needs next, for the planner; nothing where it is decided or can't be.
#[must_use]
pub fn wanted<'a>(
    hypothesis: &'a Hypothesis,
    design: &'a Design,
    evidence: &'a Evidence,
) -> Vec<Wanted<'a>> {
    let bench = Bench { hypothesis, design, evidence };
    let joints = joints(&bench);
    let settled = settled(&bench, &looked(&bench, &joints, 0.0));
    let wanted = |at: &usize| {
        let Joint { contrast, cells, .. } = &joints[*at];
        let seeds = design.looks.seeds().get(settled.reached[*at])?;
        Some(Wanted { contrast, cells: cells.clone(), seeds: *seeds })
    };
    settled.wanting.iter().filter_map(wanted).collect()
}

/// What a hypothesis's quantifier counts, joined.
fn joints<'a>(bench: &Bench<'a>) -> Vec<Joint<'a>> {
    let Hypothesis { contrasts, average_over, .. } = bench.hypothesis;
    let of = |contrast: &'a Contrast| {
        let units = contrast.units(average_over).into_iter();
        units.map(move |(named, cells)| bench.joint(contrast, named, cells))
    };
    contrasts.iter().flat_map(of).collect()
}

/// What their seeds say, every value taken so much higher than it is.
fn looked(bench: &Bench<'_>, joints: &[Joint<'_>], raised: f64) -> Vec<Looked> {
    joints.iter().map(|joint| bench.looked(joint, raised)).collect()
}

fn settled(bench: &Bench<'_>, looked: &[Looked]) -> Settled {
    settle(bench.hypothesis.holds, bench.design, looked)
}

/// Judges one hypothesis over its cells, or over their averages where it averages.
fn judge_hypothesis(hypothesis: &Hypothesis, design: &Design, evidence: &Evidence) -> Judged {
    let bench = Bench { hypothesis, design, evidence };
    let joints = joints(&bench);
    let looked = looked(&bench, &joints, 0.0);
    let settled = settled(&bench, &looked);
    let told = joints.iter().zip(&looked).zip(&settled.reached);
    let (mut judged, p): (Vec<CellVerdict>, Vec<f64>) = told
        .map(|((joint, looked), &reached)| {
            (bench.verdict(joint, looked, reached), looked.unit(reached).p)
        })
        .unzip();
    adjust(&mut judged, &p);
    let reason = match (settled.verdict, judged.as_slice()) {
        (Verdict::Incomplete, judged) => bench.incomplete(judged),
        (_, [only]) => only.reason.clone(),
        (Verdict::Inconclusive, judged) => {
            match judged.iter().find(|cell| cell.has_no_interval()) {
                Some(cell) => format!("{}; {}: {}", settled.reason, cell.name, cell.reason),
                None => settled.reason.clone(),
            }
        }
        _ => settled.reason.clone(),
    };
    let (cells, averages) = if hypothesis.average_over.is_empty() {
        (judged, Vec::new())
    } else {
        (beside(&bench, &joints, &settled.reached), judged)
    };
    let borderline = is_borderline(&bench, &joints, settled.verdict);
    Judged { verdict: settled.verdict, reason, borderline, cells, averages }
}

/// The cells that are averaged over, each by itself: they are told, and nothing counts them. Where one looks
/// several times that is at the looks that their averages have had, whatever other seeds the evidence holds,
/// and at the first where an average can't be judged.
fn beside(bench: &Bench<'_>, averages: &[Joint<'_>], reached: &[usize]) -> Vec<CellVerdict> {
    let had = |contrast: &Contrast, cell: &Cell| {
        let among = |average: &Joint<'_>| {
            std::ptr::eq(average.contrast, contrast) && average.cells.contains(cell)
        };
        let had = averages.iter().zip(reached).filter(|(average, _)| among(average));
        had.map(|(_, reached)| *reached).fold(1, usize::max)
    };
    let contrasts = bench.hypothesis.contrasts.iter();
    let each =
        contrasts.flat_map(|contrast| contrast.cells.iter().map(move |cell| (contrast, cell)));
    let (mut cells, p): (Vec<CellVerdict>, Vec<f64>) = each
        .map(|(contrast, cell)| {
            let joint = bench.joint(contrast, cell.clone(), vec![cell.clone()]);
            let looked = bench.looked(&joint, 0.0);
            let had = had(contrast, cell).min(looked.answers.len());
            let stops = looked.decisive(had).map_or(0, |(place, _)| place + 1);
            (bench.verdict(&joint, &looked, stops), looked.unit(stops).p)
        })
        .unzip();
    adjust(&mut cells, &p);
    cells
}

/// Whether another verdict would come out if every value were a little higher or lower. Runs of our own
/// alone: a published log says the same everywhere.
fn is_borderline(bench: &Bench<'_>, joints: &[Joint<'_>], verdict: Verdict) -> bool {
    let other = |by: f64| settled(bench, &looked(bench, joints, by)).verdict != verdict;
    bench.evidence.looking == Looking::Sequential && (other(CLOSE) || other(-CLOSE))
}

/// Holm over a family of cells; one that can't be judged counts with p = 1 and shows none.
fn adjust(cells: &mut [CellVerdict], p: &[f64]) {
    for (cell, adjusted) in cells.iter_mut().zip(holm(p)) {
        cell.p_adjusted = cell.p.map(|_| adjusted);
    }
}
