//! One cell, or one average over cells: joined, judged at the look that decides, with its flags and
//! its reason.

use super::{
    decide::{Answer, Side, decide},
    images,
    quantify::Unit,
    result::{CellVerdict, Flag, Welch},
};
use crate::{
    claim::{Cell, Contrast, Design, Hypothesis, Metric, Moment, Relation, Term},
    evidence::{Evidence, Looking, keys},
    join::{Joined, join},
    ledger::Key,
    observe::Observed,
    stats::{Alpha, Sample, e_value, paired_t, welch_contrast},
    verdict::Verdict,
};

/// What one hypothesis is judged with.
pub(super) struct Bench<'a> {
    pub(super) hypothesis: &'a Hypothesis,
    pub(super) design: &'a Design,
    pub(super) evidence: &'a Evidence,
}

impl Bench<'_> {
    /// Judges one contrast in one cell, or averaged over several.
    pub(super) fn unit(
        &self,
        contrast: &Contrast,
        named: &Cell,
        cells: &[Cell],
    ) -> (CellVerdict, Unit) {
        let mut joined = join(&contrast.terms, cells, &self.hypothesis.metric, self.evidence);
        let (answer, look) = self.answer(&joined);
        // What comes after the look that decides is not looked at, whoever brought it.
        joined.rows.truncate(look.unwrap_or(joined.rows.len()));
        let parts = match self.evidence.looking {
            Looking::Fixed => 1,
            Looking::Sequential => self.design.looks.count(),
        };
        #[expect(clippy::cast_precision_loss, reason = "a handful of looks")]
        let whole = |p: f64| (p * parts as f64).min(1.0);
        let side = answer.as_ref().map_or(Side::Undecided, |answer| answer.side);
        let mut unit = Unit {
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
            repetition: named.repetition,
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
            spared_seeds: match self.evidence.looking {
                Looking::Sequential if side != Side::Undecided => {
                    self.design.looks.last().saturating_sub(joined.rows.len())
                }
                _ => 0,
            },
            unmatched_seeds: joined.unmatched_seeds,
            failed_seeds: joined.rows.iter().filter(|row| !row.contrast.finished).count(),
            look,
            e_value: self.e_value(&joined),
            welch,
            test_images: None,
        };
        unit.name = self.name(&cell);
        (cell, unit)
    }

    /// The same with the interval over test images, which decides nothing and takes time.
    pub(super) fn told(
        &self,
        contrast: &Contrast,
        named: &Cell,
        cells: &[Cell],
    ) -> (CellVerdict, Unit) {
        let (mut cell, unit) = self.unit(contrast, named, cells);
        let metric = &self.hypothesis.metric;
        let mut joined = join(&contrast.terms, cells, metric, self.evidence);
        joined.rows.truncate(cell.seeds);
        let (evidence, alpha) = (self.evidence, self.design.alpha);
        cell.test_images =
            images::interval(&contrast.terms, cells, metric, &joined, evidence, alpha);
        (cell, unit)
    }

    /// A cell in a few words. Where several contrasts share their cells, the coordinates alone would
    /// not tell which is meant.
    fn name(&self, cell: &CellVerdict) -> String {
        match self.hypothesis.contrasts.as_slice() {
            [_] => cell.name(),
            _ => format!("{} at {}", cell.contrast, cell.name()),
        }
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
            Metric::EpochsTo(_) | Metric::InfluenceMatch(_) => None,
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
            (Flag::Borderline, answer.is_some_and(|answer| self.is_borderline(answer))),
        ]
        .into_iter()
        .filter_map(|(flag, raised)| raised.then_some(flag))
        .collect()
    }

    /// Whether an end of the interval lies within a point of the margin. Runs of our own alone: a
    /// published log says the same everywhere.
    fn is_borderline(&self, answer: &Answer) -> bool {
        const CLOSE: f64 = 1.0;
        let threshold = self.hypothesis.relation.threshold();
        let close = |end: Option<f64>| end.is_some_and(|end| (end - threshold).abs() < CLOSE);
        self.evidence.looking == Looking::Sequential && (close(answer.low) || close(answer.high))
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
    pub(super) fn incomplete(&self) -> String {
        let keys = keys(self.hypothesis);
        let absent: Vec<&Key> =
            keys.iter().filter(|key| self.evidence.records.seeds(key).is_none()).collect();
        let first = absent.first().map_or_else(String::new, |key| format!(", such as {key}"));
        let reasons = absent.iter().find_map(|key| self.evidence.world.lacks(key));
        let because =
            reasons.filter(|_| self.evidence.kind.is_own()).map(|reason| format!(" ({reason})"));
        format!(
            "{} of the {} fine-tunes that it compares have no record in the {} evidence{first}{}",
            absent.len(),
            keys.len(),
            self.evidence.kind,
            because.unwrap_or_default()
        )
    }
}

/// The value, where it is known exactly.
#[expect(clippy::float_cmp, reason = "bounds of a known value are one number")]
fn exact(value: Observed) -> Option<f64> {
    (value.finished && value.low == value.high).then_some(value.low)
}
