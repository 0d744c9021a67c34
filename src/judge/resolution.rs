//! The smallest step of a contrast: seeds that agree more closely than that agree by rounding, so
//! their spread is never taken below half of it.

use crate::{
    claim::{Cell, Metric, Term},
    evidence::Evidence,
    experiment::{EvidenceKind, Key},
};

/// The smallest step of a contrast over `cells`, in the metric's unit.
///
/// Of a log it follows what is known: one test item, where the target's test set is known, and the
/// last digit that the log prints; the larger counts. In an average, steps are independent. Other
/// evidence has the metric's own ([`Metric::resolution`]).
pub(crate) fn resolution(
    terms: &[Term],
    cells: &[Cell],
    metric: &Metric,
    evidence: &Evidence,
) -> f64 {
    if let Metric::Study(of) = metric {
        let digits = evidence.records.digits(of.index);
        return of.resolution().max(if of.scale.is_none() { digits } else { 0.0 });
    }
    if evidence.kind != EvidenceKind::Log || step(metric, 1.0, 1.0).is_none() {
        return metric.resolution();
    }
    let printed = evidence.records.printed();
    let step = |key: &Key| {
        let target = evidence.world.targets.get(&*key.target);
        let item = target.map_or(0.0, |target| 100.0 / f64::from(target.test.max(1)));
        let (accuracy, loss) = printed.map_or((0.0, 0.0), |of| (of.accuracy, of.loss));
        let step = step(metric, item.max(accuracy), loss).unwrap_or_default();
        if step > 0.0 { step } else { metric.resolution() }
    };
    let of_term = |term: &Term| {
        let keys: Vec<Key> = cells.iter().flat_map(|cell| term.arm.keys(cell, metric)).collect();
        let squares: f64 = keys.iter().map(|key| step(key).powi(2)).sum();
        #[expect(clippy::cast_precision_loss, reason = "the number of cells is limited")]
        let keys = keys.len().max(1) as f64;
        term.weight.abs() * squares.sqrt() / keys
    };
    terms.iter().map(of_term).fold(0.0, f64::max)
}

/// The step of a metric, from the smallest steps of an accuracy in points and of a loss; `None` for
/// a metric that is neither. On a logarithmic scale it is the smallest that the accuracy makes: at
/// 50 % in log-odds, at 0 % in log error.
fn step(metric: &Metric, accuracy: f64, loss: f64) -> Option<f64> {
    match metric {
        Metric::Accuracy(_) | Metric::AreaBelowOwnEnd => Some(accuracy),
        Metric::LogOdds(_) => Some(4.0 * accuracy / 100.0),
        Metric::LogError(_) => Some(accuracy / 100.0),
        Metric::Loss(_) => Some(loss),
        Metric::EpochsTo(_)
        | Metric::InfluenceMatch(_)
        | Metric::AdversarialAccuracy(_)
        | Metric::Study(_) => None,
    }
}
