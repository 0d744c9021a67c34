//! How far a verdict stands: the same decision procedure with a larger margin, or with leads that
//! differ between checkpoints, on the seeds that the verdict used and no others.

use super::{
    cell::{Analysis, Paired},
    interim::{Interim, Stopping, stop},
    power,
    result::{CellVerdict, HowFar, RefutedAs},
};
use crate::{
    claim::{Hypothesis, Over, Relation},
    evidence::SamplingDesign,
    experiment::{EvidenceKind, Verdict},
};

/// A verdict with what it was reached from.
pub(super) struct Reached<'a> {
    pub(super) analysis: &'a Analysis<'a>,
    pub(super) units: &'a [Paired<'a>],
    pub(super) stopping: &'a Stopping,
    pub(super) judged: &'a [CellVerdict],
}

impl Reached<'_> {
    pub(super) fn how_far(&self) -> HowFar {
        let verdict = self.stopping.verdict;
        HowFar {
            stands_to: (verdict == Verdict::Supported).then(|| self.stands_to()),
            detectable: match verdict {
                Verdict::Inconclusive => power::detectable_by_all(self.analysis, self.judged),
                _ => None,
            },
            refuted_as: (verdict == Verdict::Refuted).then(|| self.refuted_as()).flatten(),
            stands_to_checkpoint_sd: self.stands_to_checkpoint_sd(),
            changed_by_test_images: self.changed_by_test_images(),
        }
    }

    fn changed_by_test_images(&self) -> bool {
        let with_images = Analysis { over: Over::SeedsAndImages, ..*self.analysis };
        self.analysis.over == Over::Seeds
            && self.judged.iter().any(|cell| cell.seeds_and_images.is_some())
            && self.verdict(&with_images) != self.stopping.verdict
    }

    /// The verdict of another analysis on the seeds that this one used.
    fn verdict(&self, analysis: &Analysis<'_>) -> Verdict {
        let used = self.units.iter().zip(&self.stopping.looks_used);
        let interims: Vec<Interim> = used
            .map(|(unit, looks)| {
                let mut interim = analysis.interim(unit, 0.0);
                interim.answers.truncate(*looks);
                interim
            })
            .collect();
        stop(analysis.hypothesis.holds, analysis.design, &interims).verdict
    }

    /// The verdict with another margin: a margin below zero for "not worse than".
    fn verdict_at(&self, margin: f64) -> Verdict {
        let relation = match self.analysis.hypothesis.relation {
            Relation::EquivalentWithin(_) => Relation::EquivalentWithin(margin),
            Relation::GreaterThan(_) | Relation::NotWorseThan(_) => Relation::GreaterThan(margin),
        };
        let hypothesis = Hypothesis { relation, ..self.analysis.hypothesis.clone() };
        self.verdict(&Analysis { hypothesis: &hypothesis, ..*self.analysis })
    }

    /// The most demanding margin at which a supported hypothesis is still supported.
    fn stands_to(&self) -> f64 {
        let asked = self.analysis.hypothesis.relation.threshold();
        let stands = |margin: f64| self.verdict_at(margin) == Verdict::Supported;
        match self.analysis.hypothesis.relation {
            Relation::EquivalentWithin(_) => {
                asked - self.bisect(asked, asked, |less| stands(asked - less))
            }
            Relation::GreaterThan(_) | Relation::NotWorseThan(_) => {
                asked
                    + self.bisect(self.largest_effect(), f64::INFINITY, |more| stands(asked + more))
            }
        }
    }

    /// A contrast above the margin can only be too small; one below zero is reversed. `None` for an
    /// equivalence, which a difference of either direction refutes.
    fn refuted_as(&self) -> Option<RefutedAs> {
        match self.analysis.hypothesis.relation {
            Relation::EquivalentWithin(_) => None,
            Relation::GreaterThan(margin)
                if margin > 0.0 && self.verdict_at(0.0) != Verdict::Refuted =>
            {
                Some(RefutedAs::SmallerThanAsked)
            }
            Relation::GreaterThan(_) | Relation::NotWorseThan(_) => Some(RefutedAs::Reversed),
        }
    }

    /// The largest standard deviation between checkpoints at which a published verdict stands.
    ///
    /// An interval first narrows, as degrees of freedom are gained, and then widens, so there is one
    /// such deviation.
    fn stands_to_checkpoint_sd(&self) -> Option<f64> {
        let Analysis { evidence, .. } = self.analysis;
        let published = evidence.kind == EvidenceKind::Published
            && !evidence.is_a_log()
            && evidence.design == SamplingDesign::FixedSample;
        let decided = matches!(self.stopping.verdict, Verdict::Supported | Verdict::Refuted);
        (published && decided).then(|| {
            self.bisect(self.largest_effect(), f64::INFINITY, |checkpoint_sd| {
                self.verdict(&Analysis { checkpoint_sd, ..*self.analysis }) == self.stopping.verdict
            })
        })
    }

    /// The largest distance of a mean from the margin.
    fn largest_effect(&self) -> f64 {
        let asked = self.analysis.hypothesis.relation.threshold();
        let effects = self.judged.iter().filter_map(|cell| Some((cell.mean? - asked).abs()));
        effects.fold(0.0, f64::max)
    }

    /// The largest value at which `stands` is true, given that it is at 0, to a hundredth of the
    /// metric's resolution, or a millionth of `step` where it has none. The search begins with `step` and does not go beyond `most`.
    fn bisect(&self, step: f64, most: f64, stands: impl Fn(f64) -> bool) -> f64 {
        let resolution = self.analysis.hypothesis.metric.resolution();
        // A study may state no smallest step.
        let precision = if resolution > 0.0 { resolution / 100.0 } else { step * 1e-6 };
        let (mut low, mut high) = (0.0, step.max(precision).min(most));
        while high < most && stands(high) {
            (low, high) = (high, (2.0 * high).min(most));
        }
        while high - low > precision {
            let between = f64::midpoint(low, high);
            if stands(between) {
                low = between;
            } else {
                high = between;
            }
        }
        low
    }
}
