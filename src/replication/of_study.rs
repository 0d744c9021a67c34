//! A study's log beside a table of published means: is each mean compatible with these replicates?
//! By the prediction interval, as for this paper's means ([`crate::stats::replication`]). Means are
//! those at the end of runs.

use schemars::JsonSchema;
use serde::Serialize;

use super::{ALPHA, Ends};
use crate::{
    claim::{Arm, Cell, Metric, Read, StudyMetric, Term},
    evidence::Evidence,
    experiment::Factors,
    judge::{join::join, resolution::resolution},
    stats::{Sample, holm, replication, with_both_spreads},
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

/// A published mean and the log's. Values are in `unit`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ComparedMean {
    /// The values of factors.
    #[schemars(with = "std::collections::BTreeMap<String, crate::experiment::Value>")]
    pub factors: Factors,
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
    /// The number of replicates; null where it is not known.
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
    let terms = [Term { weight: 1.0, arm: Arm::default() }];
    let cells = [Cell { factors: published.factors.clone(), ..Cell::default() }];
    let joined = join(&terms, &cells, &of, evidence);
    let replicate = &study.replicate.name;
    if !joined.absent.is_empty() {
        found.reason = "the log has none of its runs".to_owned();
        return found;
    }
    let finished = joined.rows.iter().filter(|row| row.contrast.finished);
    let values: Vec<f64> =
        finished.filter_map(|row| Some(metric.sign() * row.contrast.middle()?)).collect();
    let left_out = joined.rows.len() - values.len();
    let sample = Sample::new(values.clone()).ok().map(|sample| {
        let overlap = evidence.replicates.structure.test_to_train();
        sample.with_resolution(resolution(&terms, &cells, &of, evidence)).as_folds(overlap)
    });
    found.log = values.first().map(|first| MeanValue {
        mean: sample.as_ref().map_or(*first, Sample::mean),
        replicates: Some(values.len()),
        standard_deviation: sample.as_ref().map(Sample::standard_deviation),
    });
    let folds = evidence.replicates.structure.test_to_train() > 0.0;
    let (reason, sample) = match (sample, published.replicates) {
        _ if left_out > 0 => {
            (format!("{left_out} of its {replicate}s stopped, are absent or diverged"), None)
        }
        _ if joined.unobservable.is_some() => {
            ("some of its runs have no value at their end".to_owned(), None)
        }
        (None, _) => (format!("the log has one {replicate}, and so no spread"), None),
        _ if folds => {
            ("folds share training items, so no interval predicts a mean".to_owned(), None)
        }
        (Some(_), None) => ("the table has no number of replicates".to_owned(), None),
        (Some(sample), Some(count)) => (String::new(), Some((sample, count))),
    };
    found.reason = reason;
    let Some((sample, count)) = sample else { return found };
    let judged = replication(&sample, published.mean, count, ALPHA);
    found.predicted = Some(judged.interval.into());
    (found.t, found.p) = (Some(judged.t), Some(judged.p));
    found.compatible = Some(judged.interval.contains(published.mean));
    if let Some(spread) = published.standard_deviation.filter(|_| count > 1) {
        let both = with_both_spreads(&sample, spread, count, ALPHA);
        found.with_both_spreads = Some(both.into());
    }
    found
}
