//! One cell, or one average over cells: joined, judged at the look that decides, with its flags and
//! its reason.

use super::{
    decide::{Answer, Side, decide},
    images,
    result::{CellVerdict, Flag, Welch},
    sequence::Looked,
};
use crate::{
    claim::{Cell, Contrast, Design, Hypothesis, Metric, Relation, Term},
    evidence::{Evidence, Looking},
    experiment::{Key, Moment, Verdict},
    judge::{
        join::{Joined, join},
        observe::Observed,
    },
    stats::{Alpha, Sample, e_value, paired_t, welch_contrast},
};

/// How far the rounding of another processor may move a mean, in the contrast's unit: half of it was seen.
pub(super) const CLOSE: f64 = 1.0;

/// What one hypothesis is judged with.
pub(super) struct Bench<'a> {
    pub(super) hypothesis: &'a Hypothesis,
    pub(super) design: &'a Design,
    pub(super) evidence: &'a Evidence,
}

/// One contrast in one cell, or averaged over several, with what the evidence has for it.
pub(super) struct Joint<'a> {
    pub(super) contrast: &'a Contrast,
    named: Cell,
    pub(super) cells: Vec<Cell>,
    joined: Joined,
}

impl<'a> Bench<'a> {
    /// What the evidence has for one contrast in one cell, or averaged over several.
    pub(super) fn joint(&self, contrast: &'a Contrast, named: Cell, cells: Vec<Cell>) -> Joint<'a> {
        let joined = join(&contrast.terms, &cells, &self.hypothesis.metric, self.evidence);
        Joint { contrast, named, cells, joined }
    }

    /// What its seeds say at each look; every value is taken so much higher than it is, which is 0 but for
    /// what would come out if it were.
    pub(super) fn looked(&self, joint: &Joint<'_>, raised: f64) -> Looked {
        let Joint { contrast, named, joined, .. } = joint;
        let Hypothesis { relation, metric, contrasts, .. } = self.hypothesis;
        let values: Vec<Observed> =
            joined.rows.iter().map(|row| row.contrast.raised(raised)).collect();
        let judgeable = joined.mixed_recipes.is_none();
        let seeds = if judgeable { self.looks(values.len()) } else { Vec::new() };
        let ask =
            |seeds: usize| decide(&values[..seeds], *relation, self.level(), metric.resolution());
        let name = self.hypothesis.name_of(named);
        Looked {
            name: match contrasts.as_slice() {
                [_] => name,
                // The coordinates alone would not tell which is meant.
                _ => format!("{} at {name}", contrast.label),
            },
            answers: seeds.into_iter().map(ask).collect(),
            looks: match self.evidence.looking {
                Looking::Fixed => 1,
                Looking::Sequential => self.design.looks.count(),
            },
            incomplete: !joined.absent.is_empty() || joined.unread,
            hopeful: judgeable && joined.unobservable.is_none(),
        }
    }

    /// Numbers of seeds at which so many are looked at: all of them in a fixed design.
    fn looks(&self, seeds: usize) -> Vec<usize> {
        match self.evidence.looking {
            Looking::Fixed if seeds == 0 => Vec::new(),
            Looking::Fixed => vec![seeds],
            Looking::Sequential => self.design.looks.reached_by(seeds).collect(),
        }
    }

    /// One-sided level of an interval.
    fn level(&self) -> Alpha {
        match self.evidence.looking {
            Looking::Fixed => self.design.alpha,
            Looking::Sequential => self.design.looks.level(self.design.alpha),
        }
    }

    /// The verdict on a cell after so many looks. It is that of the look that decides, and what comes
    /// after that look is not told, whoever brought it.
    pub(super) fn verdict(
        &self,
        joint: &Joint<'_>,
        looked: &Looked,
        reached: usize,
    ) -> CellVerdict {
        let Joint { contrast, named, cells, joined } = joint;
        let sequential = self.evidence.looking == Looking::Sequential;
        let decisive = looked.decisive(reached);
        let (place, answer) = (decisive.map(|(place, _)| place), decisive.map(|(_, it)| it));
        let look = place.filter(|_| sequential).map(|place| self.design.looks.seeds()[place]);
        let had = reached.checked_sub(1).map(|last| self.design.looks.seeds()[last]);
        let mut joined = joined.clone();
        joined.rows.truncate(look.unwrap_or(joined.rows.len()));
        let side = answer.map_or(Side::Undecided, |answer| answer.side);
        let welch = self.welch(&contrast.terms, &joined);
        let interval = answer.filter(|answer| answer.low.is_some() || answer.high.is_some());
        CellVerdict {
            name: self.hypothesis.name_of(named),
            target: named.target.as_deref().map(str::to_owned),
            images: named.images,
            blocks: named.blocks,
            resolution: named.resolution,
            repetition: named.repetition,
            contrast: contrast.label.clone(),
            unit: self.hypothesis.metric.unit(),
            seeds: joined.rows.len(),
            mean: answer.and_then(|answer| answer.estimate),
            low: answer.and_then(|answer| answer.low),
            high: answer.and_then(|answer| answer.high),
            confidence: interval.map(|_| 100.0 * (1.0 - 2.0 * self.level().level())),
            t: answer.and_then(|answer| answer.t),
            p: answer.and_then(|answer| answer.p),
            p_adjusted: None,
            verdict: if looked.incomplete { Verdict::Incomplete } else { side.into() },
            reason: self.reason(&joined, answer),
            flags: self.flags(contrast, &joined, answer, welch.as_ref()),
            missing_seeds: joined.missing_seeds,
            spared_seeds: match side {
                Side::Undecided => 0,
                _ if !sequential => 0,
                _ => self.design.looks.last().saturating_sub(had.unwrap_or_default()),
            },
            unmatched_seeds: joined.unmatched_seeds,
            failed_seeds: joined.rows.iter().filter(|row| !row.contrast.finished).count(),
            look,
            e_value: self.e_value(&joined),
            welch,
            test_images: images::interval(
                &contrast.terms,
                cells,
                &self.hypothesis.metric,
                &joined,
                self.evidence,
                self.design.alpha,
            ),
        }
    }

    /// Welch's test on the same seeds at the same level, as if they were not paired.
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
        let interval = welch_contrast(&arms, 0.0).interval(self.level());
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
        let disagrees = welch
            .zip(answer)
            .is_some_and(|(welch, answer)| welch.verdict != Verdict::from(answer.side));
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

    /// Which records the hypothesis lacks, or what those that there are do not hold.
    pub(super) fn incomplete(&self, judged: &[CellVerdict]) -> String {
        let keys = self.hypothesis.keys();
        let absent: Vec<&Key> =
            keys.iter().filter(|key| self.evidence.records.seeds(key).is_none()).collect();
        if absent.is_empty() {
            let unread = judged.iter().filter(|cell| cell.verdict == Verdict::Incomplete);
            let unread: Vec<&CellVerdict> = unread.collect();
            let (cell, why) = unread.first().map_or(("", ""), |cell| (&cell.name, &cell.reason));
            return format!(
                "the {} evidence has every fine-tune, and in {} of {} {} not all that is measured: {why} ({cell})",
                self.evidence.kind,
                unread.len(),
                judged.len(),
                if self.hypothesis.average_over.is_empty() { "cells" } else { "averages" },
            );
        }
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
