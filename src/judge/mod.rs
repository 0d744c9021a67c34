//! The judge: from a claim and evidence to a verdict with its reason. Pure: no clock, no disk, no
//! device, the same answer for the same records. A cell is judged in `cell`, one value a seed in
//! [`decide`], cells are put together in [`quantify`], what is only shown is in `shown`; what comes
//! out is in [`result`].

mod cell;
mod decide;
mod images;
mod quantify;
pub mod result;
mod shown;

use std::collections::BTreeSet;

pub use decide::{Answer, Side, decide};
pub use quantify::{Unit, quantify};
pub use result::{CellVerdict, ClaimVerdict, Flag, ReadingVerdict, TestImages, Verdicts};

use crate::{
    claim::{Cell, Claim, Contrast, Design, Hypothesis, Reading},
    evidence::Evidence,
    stats::holm,
    verdict::Verdict,
};
use cell::Bench;

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
    let targets: BTreeSet<String> = crate::evidence::keys(&claim.hypothesis)
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
        unit: hypothesis.metric.unit(),
        margin: hypothesis.relation.threshold(),
        cells: judged.cells,
        averages: judged.averages,
    }
}

struct Judged {
    verdict: Verdict,
    reason: String,
    cells: Vec<CellVerdict>,
    averages: Vec<CellVerdict>,
}

/// How far a hypothesis is decided.
#[derive(Debug)]
pub struct Progress<'a> {
    /// Its verdict so far.
    pub verdict: Verdict,
    /// What its quantifier counts.
    pub units: Vec<UnitProgress<'a>>,
}

/// How far one cell, or one average over cells, is decided.
#[derive(Debug)]
pub struct UnitProgress<'a> {
    /// The contrast.
    pub contrast: &'a Contrast,
    /// The cells that it is judged in.
    pub cells: Vec<Cell>,
    /// Seeds that every arm has.
    pub seeds: usize,
    /// Whether it is supported or refuted.
    pub decided: bool,
}

/// How far a hypothesis is decided, for the planner.
#[must_use]
pub fn progress<'a>(
    hypothesis: &'a Hypothesis,
    design: &Design,
    evidence: &Evidence,
) -> Progress<'a> {
    let bench = Bench { hypothesis, design, evidence };
    let (mut units, mut judged) = (Vec::new(), Vec::new());
    for contrast in &hypothesis.contrasts {
        for (named, cells) in contrast.units(&hypothesis.average_over) {
            let (cell, unit) = bench.unit(contrast, &named, &cells);
            let decided = unit.side != Side::Undecided;
            units.push(UnitProgress { contrast, cells, seeds: cell.seeds, decided });
            judged.push(unit);
        }
    }
    let (verdict, _) = quantify(hypothesis.holds, &judged, design.alpha);
    Progress { verdict, units }
}

/// Judges one hypothesis over its cells, or over their averages where it averages.
fn judge_hypothesis(hypothesis: &Hypothesis, design: &Design, evidence: &Evidence) -> Judged {
    let bench = Bench { hypothesis, design, evidence };
    let mut cells = Vec::new();
    let mut averages = Vec::new();
    for contrast in &hypothesis.contrasts {
        for cell in &contrast.cells {
            cells.push(bench.told(contrast, cell, std::slice::from_ref(cell)));
        }
        if !hypothesis.average_over.is_empty() {
            for (average, of) in contrast.units(&hypothesis.average_over) {
                averages.push(bench.told(contrast, &average, &of));
            }
        }
    }
    adjust(&mut cells);
    adjust(&mut averages);
    let judged = if hypothesis.average_over.is_empty() { &cells } else { &averages };
    let units: Vec<Unit> = judged.iter().map(|(_, unit)| unit.clone()).collect();
    let (verdict, reason) = quantify(hypothesis.holds, &units, design.alpha);
    let reason = match judged.as_slice() {
        [(only, _)] if verdict != Verdict::Incomplete => only.reason.clone(),
        _ => reason,
    };
    let reason = if verdict == Verdict::Incomplete { bench.incomplete() } else { reason };
    let strip = |cells: Vec<(CellVerdict, Unit)>| cells.into_iter().map(|(cell, _)| cell).collect();
    Judged { verdict, reason, cells: strip(cells), averages: strip(averages) }
}

/// Holm over a family of cells; one that can't be judged counts with p = 1 and shows none.
fn adjust(cells: &mut [(CellVerdict, Unit)]) {
    let adjusted = holm(&cells.iter().map(|(_, unit)| unit.p).collect::<Vec<f64>>());
    for ((cell, _), adjusted) in cells.iter_mut().zip(adjusted) {
        cell.p_adjusted = cell.p.map(|_| adjusted);
    }
}
