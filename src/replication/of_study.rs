//! A study's log beside a table of published means: is each mean, or difference between two arms,
//! compatible with these replicates? By the prediction interval, as for this paper's means
//! ([`crate::stats::replication`]): of pairs, of units where replicates are nested, of folds by the
//! corrected resampled t, and of arms that share no replicates by Welch's. Means are those at the end
//! of runs.

use schemars::JsonSchema;
use serde::Serialize;

use super::{ALPHA, Ends};
use crate::{
    claim::{Arm, Cell, Metric, Read, StudyMetric, Term},
    evidence::Evidence,
    experiment::Factors,
    judge::{
        join::{Row, join},
        resolution::resolution,
    },
    stats::{Sample, holm, replication, unpaired_replication, with_both_spreads},
    study::{PublishedMean, Study},
};

/// What `repro compare --format json` prints for a study's log.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StudyComparison {
    /// Version of this form: 1. Within a version, fields are added and none is changed.
    pub format_version: u32,
    /// Description of the log.
    pub title: String,
    /// SHA-256 of its file, or of the digests of its files.
    pub sha256: String,
    /// Every published mean.
    pub means: Vec<ComparedMean>,
    /// How many lie in their prediction interval.
    pub compatible: usize,
    /// How many lie outside.
    pub incompatible: usize,
    /// How many are expected outside by chance if all replicate.
    pub expected_by_chance: f64,
    /// How many remain outside after Holm over all that are compared.
    pub incompatible_after_holm: usize,
}

/// A published mean, or difference, and the log's. Values are in `unit`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ComparedMean {
    /// The values of factors.
    #[schemars(with = "std::collections::BTreeMap<String, crate::experiment::Value>")]
    pub factors: Factors,
    /// Of a difference between two arms, the values of factors of the arm that is subtracted; null
    /// for a mean.
    #[schemars(with = "Option<std::collections::BTreeMap<String, crate::experiment::Value>>")]
    pub minus: Option<Factors>,
    /// The metric's name.
    pub metric: String,
    /// Its unit; empty where it has none.
    pub unit: String,
    /// What was published.
    pub published: MeanValue,
    /// That of the log; null without a run that has a value.
    pub log: Option<MeanValue>,
    /// The 95 % prediction interval for the published mean, from the log; null where it is not
    /// compared.
    pub predicted: Option<Ends>,
    /// The 95 % interval for it from both standard deviations; null where none was published.
    pub with_both_spreads: Option<Ends>,
    /// The difference, published minus the log's, in standard errors.
    pub t: Option<f64>,
    /// Its two-sided p.
    pub p: Option<f64>,
    /// The same after Holm over all means that are compared.
    pub p_adjusted: Option<f64>,
    /// Whether it lies in its prediction interval; null where it is not compared.
    pub compatible: Option<bool>,
    /// Why it is not compared; empty where it is.
    pub reason: String,
}

/// A mean with its spread.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MeanValue {
    /// The mean.
    pub mean: f64,
    /// The number of replicates, of units where they are nested, of pairs for a difference; null
    /// where it is not known.
    pub replicates: Option<usize>,
    /// Their standard deviation; null where it is not known.
    pub standard_deviation: Option<f64>,
}

/// Compares the log of a study with published means.
#[must_use]
pub fn compare_means(
    study: &Study,
    evidence: &Evidence,
    published: &[PublishedMean],
) -> StudyComparison {
    let mut means: Vec<ComparedMean> =
        published.iter().map(|mean| compared(study, evidence, mean)).collect();
    let p: Vec<f64> = means.iter().filter_map(|mean| mean.p).collect();
    let with_p = means.iter_mut().filter(|mean| mean.p.is_some());
    for (mean, adjusted) in with_p.zip(holm(&p)) {
        mean.p_adjusted = Some(adjusted);
    }
    let level = 2.0 * ALPHA.level();
    let count = |of: bool| means.iter().filter(|mean| mean.compatible == Some(of)).count();
    StudyComparison {
        format_version: 1,
        title: evidence.title.clone(),
        sha256: evidence.sha256.clone(),
        compatible: count(true),
        incompatible: count(false),
        expected_by_chance: level * p.len() as f64,
        incompatible_after_holm: means
            .iter()
            .filter(|mean| mean.p_adjusted.is_some_and(|p| p < level))
            .count(),
        means,
    }
}

fn compared(study: &Study, evidence: &Evidence, published: &PublishedMean) -> ComparedMean {
    let metric = &study.metrics[published.metric];
    let mut found = ComparedMean {
        factors: published.factors.clone(),
        minus: published.minus.clone(),
        metric: metric.name.clone(),
        unit: metric.unit.clone(),
        published: MeanValue {
            mean: published.mean,
            replicates: published.replicates,
            standard_deviation: published.standard_deviation,
        },
        log: None,
        predicted: None,
        with_both_spreads: None,
        t: None,
        p: None,
        p_adjusted: None,
        compatible: None,
        reason: String::new(),
    };
    let of = Metric::Study(StudyMetric {
        index: published.metric,
        metric: std::sync::Arc::new(metric.clone()),
        read: Read::Last,
        scale: None,
        progress: "row".into(),
        from: 0.0,
    });
    let terms = terms(published);
    let cells = [Cell::default()];
    let joined = join(&terms, &cells, &of, evidence);
    if !joined.absent.is_empty() {
        found.reason = match published.minus {
            None => "the log has none of its runs",
            Some(_) => "the log has no run of one of its arms",
        }
        .to_owned();
        return found;
    }
    let arms = match joined.independent.as_slice() {
        [] => vec![(1.0, &joined.rows)],
        arms => arms.iter().map(|arm| (terms[arm.terms[0]].weight, &arm.rows)).collect(),
    };
    // The contrast of an arm of its own has its weight, which the sum has as well.
    let values = |(weight, rows): &(f64, &Vec<Row>)| -> Vec<f64> {
        let finished = rows.iter().filter(|row| row.contrast.finished);
        finished.filter_map(|row| Some(metric.sign() * weight * row.contrast.middle()?)).collect()
    };
    let values: Vec<Vec<f64>> = arms.iter().map(values).collect();
    let weights = || arms.iter().map(|(weight, _)| *weight);
    let rows: usize = arms.iter().map(|(_, rows)| rows.len()).sum();
    let left_out = rows - values.iter().map(Vec::len).sum::<usize>();
    let step = resolution(&terms, &cells, &of, evidence);
    let overlap = evidence.replicates.structure.test_to_train();
    let sample = |values: &Vec<f64>| {
        Some(Sample::new(values.clone()).ok()?.with_resolution(step).as_folds(overlap))
    };
    let samples: Option<Vec<Sample>> = values.iter().map(sample).collect();
    found.log = log_value(weights(), &values, samples.as_deref());
    let one = study.replicate.nested_in.as_ref().unwrap_or(&study.replicate.name);
    let (reason, compared) = match (&samples, published.replicates) {
        _ if left_out > 0 => {
            (format!("{left_out} of its {one}s stopped, are absent or diverged"), None)
        }
        _ if joined.unobservable.is_some() => {
            ("some of its runs have no value at their end".to_owned(), None)
        }
        _ if rows == 0 => (format!("its arms have no {one} in common"), None),
        (None, _) => (format!("the log has one {one}, and so no spread"), None),
        (Some(_), None) => ("the table has no number of replicates".to_owned(), None),
        (Some(samples), Some(count)) => (String::new(), Some((samples, count))),
    };
    found.reason = reason;
    let Some((samples, count)) = compared else { return found };
    let judged = match samples.as_slice() {
        [sample] => replication(sample, published.mean, count, ALPHA),
        samples => {
            let arms: Vec<(f64, &Sample)> = weights().zip(samples).collect();
            unpaired_replication(&arms, published.mean, count, ALPHA)
        }
    };
    found.predicted = Some(judged.interval.into());
    (found.t, found.p) = (Some(judged.t), Some(judged.p));
    found.compatible = Some(judged.interval.contains(published.mean));
    if let ([sample], Some(spread)) = (samples.as_slice(), published.standard_deviation)
        && count > 1
    {
        let both = with_both_spreads(sample, spread, count, ALPHA);
        found.with_both_spreads = Some(both.into());
    }
    found
}

/// The arm of a published mean, or the two of a published difference.
fn terms(published: &PublishedMean) -> Vec<Term> {
    let arm = |factors: &Factors| {
        let values = factors.iter().map(|(name, value)| (name.clone(), vec![value.clone()]));
        Arm { factors: values.collect(), ..Arm::default() }
    };
    let minus = published.minus.iter().map(|minus| (-1.0, minus));
    let all = std::iter::once((1.0, &published.factors)).chain(minus);
    all.map(|(weight, factors)| Term { weight, arm: arm(factors) }).collect()
}

/// The mean of the log's values, or the difference of those of two arms that share no replicates,
/// whose number is then that of the arm that has the fewest. `None` where an arm has no value.
fn log_value(
    weights: impl Iterator<Item = f64>,
    values: &[Vec<f64>],
    samples: Option<&[Sample]>,
) -> Option<MeanValue> {
    let mean = |(weight, values): (f64, &Vec<f64>)| {
        Some(
            weight * values.iter().sum::<f64>()
                / (!values.is_empty()).then_some(values.len())? as f64,
        )
    };
    let sum = weights.zip(values).map(mean).sum::<Option<f64>>()?;
    let alone = samples.and_then(|samples| match samples {
        [sample] => Some(sample),
        _ => None,
    });
    Some(MeanValue {
        mean: alone.map_or(sum, Sample::mean),
        replicates: values.iter().map(Vec::len).min(),
        standard_deviation: alone.map(Sample::standard_deviation),
    })
}
