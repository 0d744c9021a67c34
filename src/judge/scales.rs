//! Whether a verdict depends on the scale of accuracy. A difference of differences has no direction
//! of its own on another scale: five points from 90 % are twice the odds, five points from 50 % are
//! a fifth more. So hypotheses that differ in the scale alone are set beside each other, and a
//! verdict in points that another scale does not share is said to be one in points.

use super::result::ScaleVerdict;
use crate::{
    claim::{Hypothesis, Metric, Unit},
    experiment::Verdict,
};

/// The verdicts, in the order of `others` (id, hypothesis, verdict), on hypotheses that differ from
/// `asked` in the scale of accuracy alone. Empty unless `asked` is one in points.
pub(super) fn other_scales<'a>(
    asked: &Hypothesis,
    others: impl IntoIterator<Item = (&'a str, &'a Hypothesis, Verdict)>,
) -> Vec<ScaleVerdict> {
    let same = |(id, other, verdict): (&str, &Hypothesis, Verdict)| {
        differ_in_scale_alone(asked, other).then(|| ScaleVerdict {
            reading: id.to_owned(),
            unit: other.metric.unit(),
            verdict,
        })
    };
    others.into_iter().filter_map(same).collect()
}

/// Whether `other` asks on a logarithmic scale what `asked` asks in points: the same contrasts in
/// the same cells at the same evaluation, averaged and counted in the same way, and both against
/// zero, the one margin that scales share.
fn differ_in_scale_alone(asked: &Hypothesis, other: &Hypothesis) -> bool {
    let scales = match (&asked.metric, &other.metric) {
        (Metric::Study(asked), Metric::Study(other)) => {
            (asked.index, asked.read) == (other.index, other.read)
                && asked.scale.is_none()
                && other.scale.is_some()
        }
        (asked, other) => {
            matches!(asked, Metric::Accuracy(_))
                && matches!(other.unit(), Unit::LogOdds | Unit::LogError)
                && asked.moment() == other.moment()
        }
    };
    let zero = asked.relation == other.relation
        && asked.relation.is_direction()
        && asked.relation.threshold().abs() < f64::MIN_POSITIVE;
    scales
        && zero
        && asked.contrasts == other.contrasts
        && asked.average_over == other.average_over
        && asked.over == other.over
        && asked.holds == other.holds
}

impl ScaleVerdict {
    /// Whether this scale disagrees with a verdict in points. A scale without records says nothing.
    fn disagrees(&self, verdict: Verdict) -> bool {
        self.verdict != verdict && self.verdict != Verdict::Incomplete
    }
}

/// Whether another scale disagrees with a verdict in points.
fn depends_on_scale(verdict: Verdict, others: &[ScaleVerdict]) -> bool {
    verdict != Verdict::Incomplete && others.iter().any(|of| of.disagrees(verdict))
}

/// The verdict as one word, and the scale where another one disagrees: `supported in points`.
#[must_use]
pub(crate) fn on_scale(verdict: Verdict, unit: &Unit, others: &[ScaleVerdict]) -> String {
    let scale = scale(verdict, unit, others);
    scale.map_or_else(|| verdict.to_string(), |scale| format!("{verdict} {scale}"))
}

/// The scale of a verdict with which another scale disagrees: `in points`.
#[must_use]
pub(crate) fn scale(verdict: Verdict, unit: &Unit, others: &[ScaleVerdict]) -> Option<String> {
    depends_on_scale(verdict, others).then(|| format!("in {}", unit.name()))
}

/// What the other scales say, where one of them disagrees: `on another scale: refuted in log-odds
/// (reading in_log_odds), refuted in log error (reading in_log_error)`.
#[must_use]
pub(crate) fn in_words(verdict: Verdict, others: &[ScaleVerdict]) -> Option<String> {
    if !depends_on_scale(verdict, others) {
        return None;
    }
    let each = others
        .iter()
        .map(|of| format!("{} in {} (reading {})", of.verdict, of.unit.name(), of.reading));
    Some(format!("on another scale: {}", each.collect::<Vec<_>>().join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_names_its_scale_where_another_disagrees() {
        let other = |verdict| ScaleVerdict { reading: "odds".into(), unit: Unit::LogOdds, verdict };
        let agree = [other(Verdict::Supported), other(Verdict::Incomplete)];
        let differ = [other(Verdict::Supported), other(Verdict::Refuted)];
        let supported = Verdict::Supported;
        assert_eq!(on_scale(supported, &Unit::Points, &agree), "supported");
        assert_eq!(on_scale(supported, &Unit::Points, &differ), "supported in points");
        assert_eq!(
            (scale(supported, &Unit::Points, &agree), in_words(supported, &agree)),
            (None, None)
        );
        let words = "on another scale: supported in log-odds (reading odds), refuted in log-odds \
                     (reading odds)";
        assert_eq!(in_words(supported, &differ).as_deref(), Some(words));
        assert_eq!(in_words(Verdict::Incomplete, &differ), None);
    }
}
