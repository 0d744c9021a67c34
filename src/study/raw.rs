//! `log.toml` as it is written. `study::Study` is what it means.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// What the log of a study means: its files, factors, replicates and metrics. Nothing that decides
/// a verdict is guessed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "A study of repro")]
pub struct RawStudy {
    /// Version of this format: 1.
    pub format: u32,
    /// Title of the study.
    pub title: Option<String>,
    /// Its authors.
    #[serde(default)]
    pub authors: Vec<String>,
    /// Where it is published.
    pub link: Option<String>,
    /// The files, from the folder of log.toml; `runs/{dataset}/{seed}.json` gives the values of
    /// dataset and seed, and `*` stands for any text within one part.
    pub files: RawFiles,
    /// Form of the files, where their names do not say it.
    pub form: Option<Form>,
    /// What separates columns of a table, where it is neither a comma nor a tab.
    pub separator: Option<char>,
    /// The path of the rows in a JSON document, such as `history`; without it the document is a row
    /// or a list of rows.
    pub rows: Option<String>,
    /// Whether a column that nothing here names is an error.
    #[serde(default)]
    pub strict: bool,
    /// What runs differ in, beside the replicate.
    #[serde(default, rename = "factor")]
    pub factors: Vec<RawFactor>,
    /// What repeats a run: a seed, a fold, a subject, a year.
    pub replicate: RawReplicate,
    /// What is measured.
    #[serde(default, rename = "metric")]
    pub metrics: Vec<RawMetric>,
    /// How far a run is; without it a run has one row.
    pub progress: Option<RawProgress>,
    /// How runs ended.
    pub status: Option<RawStatus>,
    /// Lists of a factor's values by name, which claims use.
    #[serde(default)]
    pub groups: BTreeMap<String, RawGroup>,
}

/// One path or several.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawFiles {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A table whose first row has the names of its columns, separated by commas.
    Csv,
    /// The same, separated by tabs.
    Tsv,
    /// A JSON document.
    Json,
    /// A JSON document a line.
    Jsonl,
}

/// A factor.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawFactor {
    /// Its name in claims.
    pub name: String,
    /// The column, JSON path (`config.lr`) or name in the files' path; its name by default.
    pub column: Option<String>,
    /// Whether its values are numbers.
    #[serde(default)]
    pub number: bool,
    /// Its name as people write it.
    pub title: Option<String>,
    /// All its values, in the order of tables: claims name them together as `every`, and a row with
    /// another value is an error.
    #[serde(default)]
    pub values: Vec<RawValue>,
    /// Its value where a row has none.
    pub default: Option<RawValue>,
}

/// A value of a factor.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawValue {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

/// The replicate.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawReplicate {
    /// Its name: seed, fold, subject, year.
    pub name: String,
    /// The column, JSON path or name in the files' path; its name by default.
    pub column: Option<String>,
    /// How many were planned for each combination of factors.
    pub planned: Option<RawPlanned>,
    /// Whether runs of the same replicate in two arms belong together.
    #[serde(default = "yes")]
    pub paired: bool,
    /// The column of the unit that replicates are nested in, such as the subject of sessions: they
    /// are averaged within it.
    pub nested_in: Option<String>,
    /// Test items by training items of cross-validation, whose folds share training items:
    /// .1111 for ten folds.
    pub test_to_train: Option<f64>,
}

fn yes() -> bool {
    true
}

/// Planned replicates.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawPlanned {
    /// This many everywhere.
    Everywhere(usize),
    /// By values of factors; the first that matches counts.
    By(Vec<RawPlannedOf>),
}

/// Planned replicates of some combinations of factors.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawPlannedOf {
    /// Values of factors; every combination by default.
    #[serde(default, rename = "where")]
    pub of: BTreeMap<String, RawValue>,
    /// How many.
    pub count: usize,
}

/// A metric.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawMetric {
    /// Its name in claims.
    pub name: String,
    /// The column or JSON path; its name by default.
    pub column: Option<String>,
    /// Its name as people write it.
    pub title: Option<String>,
    /// Which direction is better.
    pub better: Better,
    /// What its values are in; `points` of a share.
    #[serde(default)]
    pub unit: String,
    /// The scale of the file's values.
    #[serde(default)]
    pub scale: Scale,
    /// The least and the largest value, in its unit, between which an absent run may lie.
    pub range: Option<[f64; 2]>,
    /// The smallest step between two values, in its unit.
    pub step: Option<f64>,
    /// How many items it is a share of.
    pub items: Option<u32>,
}

/// Which values of a metric are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Higher ones.
    Higher,
    /// Lower ones.
    Lower,
}

/// The scale of the file's values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// The values themselves.
    #[default]
    AsIs,
    /// Shares of 1, shown as points (percent); a value above 1 is an error.
    Share,
    /// Percent: an arm on which no value is above 1 is an error unless `percent_below_one` is said.
    Percent,
    /// Percent, of which all may lie below 1.
    PercentBelowOne,
}

/// How far a run is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawProgress {
    /// Its name: epoch, step.
    pub name: String,
    /// The column or JSON path; its name by default.
    pub column: Option<String>,
    /// The value at which nothing has been trained: 0 where the first epoch is 1, -1 where it is 0.
    #[serde(default)]
    pub from: f64,
    /// The planned end of every run, the column that has it, or ends by values of factors; without
    /// it a run has ended where
    /// the longest run of the same combination of factors has.
    pub planned: Option<RawLength>,
    /// Factors for each combination of which all arms share one length: where it differs within a
    /// cell, the cell can't be judged. Without it, arms may have lengths of their own.
    pub same_for: Option<Vec<String>>,
}

/// The planned end of runs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RawLength {
    /// The same for every run.
    Everywhere(f64),
    /// The column that has it.
    Column(String),
    /// By values of factors; the first that matches counts, and other runs have no planned end.
    By(Vec<RawLengthOf>),
}

/// The planned end of some combinations of factors.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawLengthOf {
    /// Values of factors; every combination by default.
    #[serde(default, rename = "where")]
    pub of: BTreeMap<String, RawValue>,
    /// The end.
    pub end: f64,
}

/// How runs ended.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawStatus {
    /// The column or JSON path.
    pub column: String,
    /// Values of runs that failed: they stopped before their end, whatever they logged.
    #[serde(default)]
    pub failed: Vec<String>,
    /// Values of runs that never ran: they count as not planned.
    #[serde(default)]
    pub never_ran: Vec<String>,
    /// Values of runs that stopped early as planned, such as by patience: their last row is their
    /// end.
    #[serde(default)]
    pub ended: Vec<String>,
}

/// A list of a factor's values.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawGroup {
    /// The factor.
    pub factor: String,
    /// Its values.
    pub values: Vec<RawValue>,
}
