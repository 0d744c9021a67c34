//! Checks a hypothesis: its metric, relation and quantifier, and that the arms and cells of its
//! contrasts fit together.

use std::{collections::BTreeSet, ops::Range};

use toml::Spanned;

use super::{
    Checked, Checker,
    coordinates::{fits, moment, same_runs},
    fault, of_study,
    repeated::no_unit_twice,
};
use crate::{
    claim::{
        Attacked, Axis, Cell, Contrast, Holds, Hypothesis, InfluenceMatch, LockState, Metric, Over,
        Relation, Share, Term, Threshold, label,
        raw::{
            LastEpoch, Name, RawCells, RawContrast, RawHolds, RawHypothesis, RawInfluenceMatch,
            RawMetric, RawRelation, RawShare,
        },
    },
    experiment::{Inverse, RANKS, Ranking},
    util::suggest::did_you_mean,
};

impl Checker<'_> {
    pub(super) fn hypothesis(&self, raw: &RawHypothesis) -> Checked<Hypothesis> {
        let metric = self.metric(&raw.metric)?;
        let contrasts = raw
            .contrasts
            .iter()
            .map(|contrast| self.contrast(contrast, &raw.cells, &metric))
            .collect::<Checked<Vec<_>>>()?;
        if raw.over == Over::SeedsAndImages && self.world.study.is_some() {
            let what = "a log has no answers of single test images: remove `over`";
            return fault(raw.holds.span(), what);
        }
        if contrasts.is_empty() {
            return fault(raw.holds.span(), "a hypothesis needs at least one contrast");
        }
        let average_over = self.average_over(raw)?;
        for axis in &average_over {
            let fixed = |cell: &Cell| cell.without(axis) != *cell;
            if !contrasts.iter().any(|contrast| contrast.cells.iter().any(fixed)) {
                return fault(
                    raw.holds.span(),
                    format!("average_over names {axis:?}, which no cell fixes").to_lowercase(),
                );
            }
        }
        let units = contrasts.iter().map(|contrast| contrast.units(&average_over).len()).sum();
        let hypothesis = Hypothesis {
            statement: raw.statement.clone(),
            contrasts,
            metric,
            relation: relation(&raw.relation)?,
            average_over,
            holds: holds(&raw.holds, units)?,
            over: raw.over,
            digest: None,
            lock: LockState::NotLocked,
        };
        let places: Vec<Range<usize>> = raw.contrasts.iter().map(Spanned::span).collect();
        no_unit_twice(&hypothesis, &places, raw.shared_runs)?;
        Ok(hypothesis)
    }

    fn average_over(&self, raw: &RawHypothesis) -> Checked<BTreeSet<Axis>> {
        let axes = raw.average_over.iter();
        if let Some(study) = &self.world.study {
            return axes.map(|axis| of_study::axis(study, axis, &raw.holds.span())).collect();
        }
        if let Some(Axis::Factor(name)) = axes.clone().find(|axis| matches!(axis, Axis::Factor(_)))
        {
            let axes = ["target", "images", "blocks", "resolution"];
            let hint = did_you_mean(name, axes);
            return fault(raw.holds.span(), format!("unknown `{name}` in average_over{hint}"));
        }
        Ok(axes.cloned().collect())
    }

    pub(super) fn metric(&self, raw: &Spanned<RawMetric>) -> Checked<Metric> {
        Ok(match raw.as_ref() {
            RawMetric::Study(of) => {
                return of_study::metric(self.world.study.as_deref(), of, raw.span());
            }
            RawMetric::Accuracy(at) => Metric::Accuracy(moment(*at, raw.span())?),
            RawMetric::LogOdds(at) => Metric::LogOdds(moment(*at, raw.span())?),
            RawMetric::LogError(at) => Metric::LogError(moment(*at, raw.span())?),
            RawMetric::Loss(at) => Metric::Loss(moment(*at, raw.span())?),
            RawMetric::EpochsTo(Threshold::Accuracy(percent))
                if !(*percent > 0.0 && *percent <= 100.0) =>
            {
                return fault(raw.span(), "the accuracy must be above 0 and at most 100 percent");
            }
            RawMetric::EpochsTo(Threshold::ShareOfOwnEnd(share))
                if !(*share > 0.0 && *share <= 1.0) =>
            {
                return fault(raw.span(), "a share of the own end must be above 0 and at most 1");
            }
            RawMetric::EpochsTo(Threshold::FinalAccuracyOf(source)) => {
                self.source(source, &raw.span())?;
                Metric::EpochsTo(Threshold::FinalAccuracyOf(source.clone()))
            }
            RawMetric::EpochsTo(threshold) => Metric::EpochsTo(threshold.clone()),
            RawMetric::AreaBelowOwnEnd => Metric::AreaBelowOwnEnd,
            RawMetric::InfluenceMatch(of) => {
                Metric::InfluenceMatch(self.influence_match(of, raw.span())?)
            }
            RawMetric::AdversarialAccuracy(LastEpoch::Last) => {
                let adversarial = self.world.adversarial.as_ref();
                let images = adversarial.map(|measured| measured.test.images);
                Metric::AdversarialAccuracy(Attacked { images })
            }
        })
    }

    fn influence_match(
        &self,
        raw: &RawInfluenceMatch,
        at: Range<usize>,
    ) -> Checked<InfluenceMatch> {
        let measured = &self.world.influence;
        let matches = |inverse: &&Inverse| {
            raw.truncation.is_none_or(|truncation| truncation == inverse.truncation)
                && match (raw.truncation, raw.damping) {
                    (None, None) => true,
                    (_, damping) => damping.unwrap_or(0.0) == inverse.damping,
                }
        };
        let Some(&inverse) = measured.iter().find(matches) else {
            let known: Vec<String> = measured.iter().map(ToString::to_string).collect();
            let known = if known.is_empty() { "no inverse".to_owned() } else { known.join("; ") };
            let what = format!("the {} set-up measures influence with {known} only", self.world.id);
            return fault(at, what);
        };
        let share = match raw.share {
            RawShare::Top1 => Share::Rank(1),
            RawShare::ThreeOfFive => Share::ThreeOfFive,
            RawShare::Rank(rank) if !(1..=RANKS as u32).contains(&rank) => {
                return fault(at, format!("rank is {rank}: it must be from 1 to {RANKS}"));
            }
            RawShare::Rank(rank) => Share::Rank(rank),
        };
        if raw.by != Ranking::Influence && Some(&inverse) != measured.first() {
            let what = format!("a `by` other than influence is measured with {} only", measured[0]);
            return fault(at, what);
        }
        Ok(InfluenceMatch { share, inverse, by: raw.by })
    }

    pub(super) fn contrast(
        &self,
        raw: &Spanned<RawContrast>,
        cells: &RawCells,
        metric: &Metric,
    ) -> Checked<Contrast> {
        let at = raw.span();
        let raw = raw.as_ref();
        let mut terms = Vec::new();
        // In the order of the spec: the map is sorted by name, but names keep their places.
        let mut in_order: Vec<(&Name, f64)> =
            raw.terms.iter().map(|(name, &weight)| (name, weight)).collect();
        in_order.sort_by_key(|(name, _)| name.span().start);
        for (name, weight) in in_order {
            if !weight.is_finite() || weight == 0.0 {
                return fault(
                    name.span(),
                    format!(
                        "the weight of `{}` is {weight}: it must be finite and not 0",
                        name.as_ref()
                    ),
                );
            }
            let arm = self.arm(name)?;
            if arm.at.is_some() && !metric.has_evaluation() {
                return fault(
                    name.span(),
                    "this metric has no evaluation, so its arms can't have `at`",
                );
            }
            terms.push(Term { weight, arm });
        }
        let sum: f64 = terms.iter().map(|term| term.weight).sum();
        if terms.len() < 2 || sum.abs() > 1e-12 {
            return fault(
                at,
                format!("the weights of a contrast must sum to zero, and these sum to {sum}"),
            );
        }
        let cells = self.cells(raw.cells.as_ref().unwrap_or(cells), &at)?;
        for term in &terms {
            fits(&term.arm, &cells, &at, self.world.study.as_deref())?;
        }
        if terms.windows(2).any(|pair| same_runs(&pair[0].arm, &pair[1].arm)) {
            return fault(
                at,
                "two arms of this contrast are the same fine-tunes, so it is always zero",
            );
        }
        Ok(Contrast { label: label::contrast(&terms, self.world), terms, cells })
    }
}

fn relation(raw: &Spanned<RawRelation>) -> Checked<Relation> {
    let (relation, valid, what) = match *raw.as_ref() {
        RawRelation::GreaterThan(margin) => {
            (Relation::GreaterThan(margin), margin.is_finite(), "must be a number")
        }
        RawRelation::NotWorseThan(margin) => {
            let valid = margin.is_finite() && margin >= 0.0;
            (Relation::NotWorseThan(margin), valid, "can't be negative")
        }
        RawRelation::EquivalentWithin(margin) => {
            let valid = margin.is_finite() && margin > 0.0;
            (Relation::EquivalentWithin(margin), valid, "must be positive")
        }
    };
    if valid { Ok(relation) } else { fault(raw.span(), format!("this margin {what}")) }
}

fn holds(raw: &Spanned<RawHolds>, units: usize) -> Checked<Holds> {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the number of cells is limited"
    )]
    let least = match *raw.as_ref() {
        RawHolds::Every => return Ok(Holds::Every),
        RawHolds::MoreThanChance => return Ok(Holds::MoreThanChance),
        RawHolds::AtLeast(least) => least,
        RawHolds::AtLeastShare(share) if !(share > 0.0 && share <= 1.0) => {
            return fault(raw.span(), "a share of cells must be above 0 and at most 1");
        }
        // The product of 0.07 and 100 is 7.000000000000001, which must not become 8.
        RawHolds::AtLeastShare(share) => (share * units as f64 - 1e-9).ceil() as usize,
    };
    if least == 0 || least > units {
        return fault(
            raw.span(),
            format!("{least} cells must hold, but the number must be from 1 to {units}"),
        );
    }
    Ok(Holds::AtLeast(least))
}
