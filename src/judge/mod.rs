//! The judge: from a claim and evidence to a verdict with its reason. Pure: no clock, no disk, no
//! device, the same answer for the same records. One contrast value a seed is judged in
//! [`decide`], cells are put together in [`quantify`]; what comes out is in [`result`].

mod decide;
mod quantify;
pub mod result;

use std::collections::{BTreeMap, BTreeSet};

pub use decide::{Answer, Side, decide};
pub use quantify::{Unit, quantify};
pub use result::{CellVerdict, ClaimVerdict, Flag, ReadingVerdict, Verdicts};

use crate::{
    claim::{
        Axis, Cell, Claim, Contrast, Design, Hypothesis, Metric, Moment, Reading, Relation, Term,
    },
    evidence::{Evidence, Looking},
    join::{Joined, join},
    ledger::Key,
    stats::{Alpha, Sample, e_value, holm, paired_t, welch_contrast},
    verdict::Verdict,
};
use result::Welch;

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
            .map(|reading| judge_reading(reading, &claim.design, evidence))
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
                Some(figure) => of_means(hypothesis, figure, evidence),
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

/// Judges one hypothesis over its cells, or over their averages where it averages.
fn judge_hypothesis(hypothesis: &Hypothesis, design: &Design, evidence: &Evidence) -> Judged {
    let bench = Bench { hypothesis, design, evidence };
    let mut cells = Vec::new();
    let mut averages = Vec::new();
    for contrast in &hypothesis.contrasts {
        for cell in &contrast.cells {
            cells.push(bench.unit(contrast, cell, std::slice::from_ref(cell)));
        }
        for (average, of) in bench.averages(contrast) {
            averages.push(bench.unit(contrast, &average, &of));
        }
    }
    adjust(&mut cells);
    adjust(&mut averages);
    let judged = if hypothesis.average_over.is_empty() { &cells } else { &averages };
    // Where several contrasts share their cells, a cell's name alone does not tell which is meant.
    let several = hypothesis.contrasts.len() > 1;
    let name = |cell: &CellVerdict| match several {
        true => format!("{} at {}", cell.contrast, cell.name()),
        false => cell.name(),
    };
    let units: Vec<Unit> =
        judged.iter().map(|(cell, unit)| Unit { name: name(cell), ..unit.clone() }).collect();
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

struct Bench<'a> {
    hypothesis: &'a Hypothesis,
    design: &'a Design,
    evidence: &'a Evidence,
}

impl Bench<'_> {
    /// The averages that a hypothesis judges: cells that are the same but for the averaged axes.
    fn averages(&self, contrast: &Contrast) -> Vec<(Cell, Vec<Cell>)> {
        let axes = &self.hypothesis.average_over;
        if axes.is_empty() {
            return Vec::new();
        }
        let mut groups: BTreeMap<Cell, Vec<Cell>> = BTreeMap::new();
        for cell in &contrast.cells {
            let average = axes.iter().fold(cell.clone(), |cell, axis: &Axis| cell.without(*axis));
            groups.entry(average).or_default().push(cell.clone());
        }
        groups.into_iter().collect()
    }

    /// Judges one contrast in one cell, or averaged over several.
    fn unit(&self, contrast: &Contrast, named: &Cell, cells: &[Cell]) -> (CellVerdict, Unit) {
        let joined = join(&contrast.terms, cells, &self.hypothesis.metric, self.evidence);
        let (answer, look) = self.answer(&joined);
        let parts = match self.evidence.looking {
            Looking::Fixed => 1,
            Looking::Sequential => self.design.looks.count(),
        };
        #[expect(clippy::cast_precision_loss, reason = "a handful of looks")]
        let whole = |p: f64| (p * parts as f64).min(1.0);
        let side = answer.as_ref().map_or(Side::Undecided, |answer| answer.side);
        let unit = Unit {
            name: String::new(),
            side,
            p: answer.as_ref().and_then(|answer| answer.p).map_or(1.0, whole),
            p_refuted: answer.as_ref().and_then(|answer| answer.p_refuted).map_or(1.0, whole),
            incomplete: !joined.absent.is_empty(),
        };
        let welch = self.welch(&contrast.terms, &joined);
        let cell = CellVerdict {
            target: named.target.as_deref().map(str::to_owned),
            images: named.images,
            blocks: named.blocks,
            resolution: named.resolution,
            contrast: contrast.label.clone(),
            unit: self.hypothesis.metric.unit(),
            seeds: joined.rows.len(),
            mean: answer.as_ref().and_then(|answer| answer.estimate),
            low: answer.as_ref().and_then(|answer| answer.low),
            high: answer.as_ref().and_then(|answer| answer.high),
            t: answer.as_ref().and_then(|answer| answer.t),
            p: answer.as_ref().and_then(|answer| answer.p),
            p_adjusted: None,
            verdict: if unit.incomplete { Verdict::Incomplete } else { side.into() },
            reason: self.reason(&joined, answer.as_ref()),
            flags: self.flags(contrast, &joined, answer.as_ref(), welch.as_ref()),
            missing_seeds: joined.missing_seeds,
            unmatched_seeds: joined.unmatched_seeds,
            failed_seeds: joined.rows.iter().filter(|row| !row.contrast.finished).count(),
            look,
            e_value: self.e_value(&joined),
            welch,
        };
        (cell, unit)
    }

    /// The answer of the one look of a fixed design, or of the first look that decides.
    fn answer(&self, joined: &Joined) -> (Option<Answer>, Option<usize>) {
        if joined.mixed_recipes.is_some() || joined.rows.is_empty() {
            return (None, None);
        }
        let values: Vec<_> = joined.rows.iter().map(|row| row.contrast).collect();
        let Hypothesis { relation, metric, .. } = self.hypothesis;
        let ask = |seeds: usize, alpha: Alpha| {
            decide(&values[..seeds], *relation, alpha, metric.resolution())
        };
        match self.evidence.looking {
            Looking::Fixed => (Some(ask(values.len(), self.design.alpha)), None),
            Looking::Sequential => {
                let looks = &self.design.looks;
                let alpha = looks.level(self.design.alpha);
                let mut last = (None, None);
                for look in looks.reached_by(values.len()) {
                    let answer = ask(look, alpha);
                    let decided = answer.side != Side::Undecided;
                    last = (Some(answer), Some(look));
                    if decided {
                        break;
                    }
                }
                last
            }
        }
    }

    /// Welch's test on the same seeds, as if they were not paired.
    fn welch(&self, terms: &[Term], joined: &Joined) -> Option<Welch> {
        if joined.mixed_recipes.is_some() {
            return None;
        }
        let samples: Vec<Sample> = (0..terms.len())
            .map(|arm| {
                joined.rows.iter().map(|row| exact(row.arms[arm])).collect::<Option<Vec<f64>>>()
            })
            .map(|values| Sample::new(values?).ok())
            .collect::<Option<Vec<Sample>>>()?;
        let arms: Vec<(f64, &Sample)> =
            terms.iter().zip(&samples).map(|(term, sample)| (term.weight, sample)).collect();
        let interval = welch_contrast(&arms, 0.0).interval(self.design.alpha);
        let finite = interval.low.is_finite() && interval.high.is_finite();
        finite.then(|| Welch {
            low: interval.low,
            high: interval.high,
            verdict: Side::of(interval.low, interval.high, self.hypothesis.relation).into(),
        })
    }

    fn e_value(&self, joined: &Joined) -> Option<f64> {
        if joined.mixed_recipes.is_some()
            || matches!(self.hypothesis.relation, Relation::EquivalentWithin(_))
        {
            return None;
        }
        let values =
            joined.rows.iter().map(|row| exact(row.contrast)).collect::<Option<Vec<f64>>>()?;
        let sample = Sample::new(values).ok()?.with_resolution(self.hypothesis.metric.resolution());
        let t = paired_t(&sample, self.hypothesis.relation.threshold()).t;
        Some(e_value(t, sample.len(), self.design.e_value_g)).filter(|value| value.is_finite())
    }

    fn flags(
        &self,
        contrast: &Contrast,
        joined: &Joined,
        answer: Option<&Answer>,
        welch: Option<&Welch>,
    ) -> Vec<Flag> {
        let failed = joined.rows.iter().any(|row| !row.contrast.finished);
        let censored =
            joined.rows.iter().any(|row| row.contrast.finished && exact(row.contrast).is_none());
        let own = match self.hypothesis.metric {
            Metric::Accuracy(at) | Metric::Loss(at) => Some(at),
            Metric::EpochsTo(_) | Metric::InfluenceMatch => None,
        };
        let best = contrast.terms.iter().any(|term| term.arm.at.or(own) == Some(Moment::Best));
        let disagrees = welch.zip(answer).is_some_and(|(welch, answer)| {
            self.evidence.looking == Looking::Fixed && welch.verdict != answer.side.into()
        });
        [
            (Flag::NoRecords, !joined.absent.is_empty()),
            (Flag::MixedRecipes, joined.mixed_recipes.is_some()),
            (Flag::SingleSeed, joined.rows.len() == 1),
            (Flag::MissingSeeds, joined.missing_seeds > 0),
            (Flag::UnmatchedSeeds, joined.unmatched_seeds > 0),
            (Flag::FailedTrials, failed),
            (Flag::Censored, censored),
            (Flag::ScheduleDiffers, joined.schedule_differs),
            (Flag::SubsetOverPool, joined.subset_over_pool),
            (Flag::BestOnTest, best),
            (Flag::SpreadFloored, answer.is_some_and(|answer| answer.spread_floored)),
            (Flag::WelchDisagrees, disagrees),
        ]
        .into_iter()
        .filter_map(|(flag, raised)| raised.then_some(flag))
        .collect()
    }

    /// Why this cell's answer is what it is.
    fn reason(&self, joined: &Joined, answer: Option<&Answer>) -> String {
        if let [first, rest @ ..] = joined.absent.as_slice() {
            let more =
                if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
            return format!("no record of {first}{more}");
        }
        if let Some(mixed) = &joined.mixed_recipes {
            return format!("recipes are mixed ({mixed}), so the arms can't be compared");
        }
        if let Some(reason) = &joined.unobservable {
            return reason.to_string();
        }
        let unit = self.hypothesis.metric.unit().name();
        match answer {
            None => format!("{} seeds that every arm has: too few to judge", joined.rows.len()),
            Some(answer) => answer.in_words(self.hypothesis.relation, unit, joined.rows.len()),
        }
    }

    /// Which records the hypothesis lacks.
    fn incomplete(&self) -> String {
        let metric = &self.hypothesis.metric;
        let keys = crate::evidence::keys(self.hypothesis);
        let absent: Vec<&Key> =
            keys.iter().filter(|key| self.evidence.seeds(key, metric).is_none()).collect();
        let of = match metric {
            Metric::InfluenceMatch => " of influence",
            _ => "",
        };
        let first = absent.first().map_or_else(String::new, |key| format!(", such as {key}"));
        format!(
            "{} of the {} fine-tunes that it compares have no record{of} in the {} evidence{first}",
            absent.len(),
            keys.len(),
            self.evidence.kind
        )
    }
}

/// The value, where it is known exactly.
#[expect(clippy::float_cmp, reason = "bounds of a known value are one number")]
fn exact(value: crate::observe::Observed) -> Option<f64> {
    (value.finished && value.low == value.high).then_some(value.low)
}

/// A hypothesis on published means: the contrast of each cell, without interval or verdict.
fn of_means(hypothesis: &Hypothesis, figure: &str, evidence: &Evidence) -> Vec<CellVerdict> {
    let mean = |key: &Key| {
        evidence
            .means
            .iter()
            .find(|mean| mean.figure == figure && mean.key == *key)
            .map(|mean| mean.mean)
    };
    let arm = |term: &Term, cell: &Cell| {
        let values = term.arm.keys(cell).iter().map(mean).collect::<Option<Vec<f64>>>()?;
        #[expect(clippy::cast_precision_loss, reason = "a handful of means")]
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let mut cells = Vec::new();
    for contrast in &hypothesis.contrasts {
        for cell in &contrast.cells {
            let terms = contrast.terms.iter();
            let value = terms.map(|term| Some(term.weight * arm(term, cell)?)).sum::<Option<f64>>();
            let reason = match value {
                Some(_) => format!("published means of figure {figure}, without seeds"),
                None => format!("figure {figure} has no mean for some arm"),
            };
            let flags = if value.is_some() { vec![Flag::MeansOnly] } else { vec![Flag::NoRecords] };
            cells.push(CellVerdict::shown(contrast, cell, hypothesis, value, reason, flags));
        }
    }
    cells
}
