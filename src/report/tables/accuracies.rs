//! The only numbers of the reproduction, 57 % (robust) and 52 % (natural) on 100 images of
//! CIFAR-10, beside what one more seed of the authors' log would give.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    evidence::{Evidence, Status},
    experiment::Key,
    figure::numbers::value,
    stats::{Alpha, Sample, prediction_interval},
};

/// The columns of this table.
pub(super) const COLUMNS: [&str; 9] =
    ["source", "blocks", "reported", "seeds", "mean", "spread", "low", "high", "inside"];

/// Notes below this table.
pub(super) const NOTES: [&str; 3] = [
    "reported: the reproduction's accuracy in percent, of one seed, rounded to whole percents. seeds, \
     mean, spread: of the authors' log at the last epoch, 100 images of CIFAR-10.",
    "low, high: the 95 % prediction interval of a single seed, mean ± t·s·sqrt(1 + 1/k). Each is at \
     95 % alone.",
    "A number inside is compatible with the log, and no evidence that the two set-ups are the same.",
];

const TARGET: &str = "cifar10";
const IMAGES: u32 = 100;
/// The accuracies in percent (the reproduction's section on influence functions).
const REPORTED: [(&str, f64); 2] = [("l2_3", 57.0), ("natural", 52.0)];
const BLOCKS: [u32; 3] = [0, 1, 3];

/// A reported accuracy, and what a single seed of the log gives at some number of blocks.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PredictedAccuracy {
    /// The source model.
    pub source: String,
    /// Fine-tuned blocks of the log's runs.
    pub blocks: u32,
    /// The accuracy that the reproduction reports, in percent.
    pub reported: f64,
    /// Finished seeds of the log.
    pub seeds: usize,
    /// Their mean, in percent; null without seeds, as the next fields with fewer than two.
    pub mean: Option<f64>,
    /// Their standard deviation, in points.
    pub standard_deviation: Option<f64>,
    /// Lower end of the 95 % prediction interval of a single seed, in percent.
    pub low: Option<f64>,
    /// Its upper end.
    pub high: Option<f64>,
    /// Whether the reported accuracy lies in it.
    pub inside: Option<bool>,
}

impl PredictedAccuracy {
    pub(super) fn fields(&self) -> Vec<String> {
        let number = |of: Option<f64>| of.map_or_else(String::new, value);
        let inside = match self.inside {
            Some(true) => "inside",
            Some(false) => "outside",
            None => "",
        };
        vec![
            self.source.clone(),
            self.blocks.to_string(),
            format!("{:.0}", self.reported),
            self.seeds.to_string(),
            number(self.mean),
            number(self.standard_deviation),
            number(self.low),
            number(self.high),
            inside.to_owned(),
        ]
    }
}

/// The rows of this table.
#[must_use]
pub(super) fn accuracies(evidence: &Evidence) -> Vec<PredictedAccuracy> {
    let row = |(source, reported, blocks): (&str, f64, u32)| {
        let values = last_accuracies(source, blocks, evidence);
        let seeds = values.len();
        let sample = Sample::new(values.clone()).ok();
        let interval =
            sample.as_ref().map(|sample| prediction_interval(sample, 1, Alpha::CONVENTIONAL));
        PredictedAccuracy {
            source: source.to_owned(),
            blocks,
            reported,
            seeds,
            mean: sample.as_ref().map(Sample::mean).or(values.first().copied()),
            standard_deviation: sample.as_ref().map(Sample::standard_deviation),
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
            inside: interval.map(|interval| interval.contains(reported)),
        }
    };
    let cells = REPORTED.into_iter().flat_map(|(source, reported)| {
        BLOCKS.into_iter().map(move |blocks| (source, reported, blocks))
    });
    cells.map(row).collect()
}

/// Test accuracies of finished runs at their last epoch, in percent.
fn last_accuracies(source: &str, blocks: u32, evidence: &Evidence) -> Vec<f64> {
    let key = Key::new(TARGET, source, blocks, IMAGES);
    let seeds = evidence.records.seeds(&key).into_iter().flat_map(|seeds| seeds.values());
    let finished = seeds.filter(|record| record.status == Status::Finished);
    finished.filter_map(|record| record.last().map(|last| last.test_accuracy)).collect()
}
