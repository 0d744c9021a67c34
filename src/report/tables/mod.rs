//! Tables of the paper and of its reproduction, each beside what answers it here: the recipe (A1)
//! and the schedules (A2) beside the paper's world, and the reproduction's two accuracies beside
//! prediction intervals from the authors' log. `cli` prints them.

mod accuracies;
mod schedules;
mod settings;

use schemars::JsonSchema;
use serde::Serialize;

pub use accuracies::PredictedAccuracy;
pub use settings::Setting;

use crate::evidence::Evidence;

/// Which table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableName {
    /// The recipe of a fine-tune.
    A1,
    /// Schedules and seeds by number of images.
    A2,
    /// The only numbers of the reproduction.
    Accuracies,
}

impl TableName {
    /// Every table, in display order.
    pub const ALL: [Self; 3] = [Self::A1, Self::A2, Self::Accuracies];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::A1 => "A1",
            Self::A2 => "A2",
            Self::Accuracies => "accuracies",
        }
    }

    /// What it shows.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::A1 => "The recipe of a fine-tune: as printed, and as run",
            Self::A2 => {
                "Schedules and seeds by number of images: as printed, as planned, as logged"
            }
            Self::Accuracies => {
                "The reproduction's accuracies on 100 images of CIFAR-10, and what one seed gives"
            }
        }
    }
}

/// A table, in the form for programs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PaperTable {
    /// Version of this form: 1. Within a version, fields are added and none is changed.
    pub format_version: u32,
    /// `A1`, `A2` or `accuracies`.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// Settings, of `A1` and `A2`.
    pub settings: Vec<Setting>,
    /// Reported accuracies with their prediction intervals, of `accuracies`.
    pub accuracies: Vec<PredictedAccuracy>,
    /// What to know about it, one sentence each.
    pub notes: Vec<String>,
}

impl PaperTable {
    /// A table, beside the world of this evidence and its records.
    #[must_use]
    pub fn new(name: TableName, evidence: &Evidence) -> Self {
        let (mut settings, mut accuracies) = (Vec::new(), Vec::new());
        let notes: &[&str] = match name {
            TableName::A1 => {
                settings = settings::recipe(&evidence.world);
                &settings::NOTES
            }
            TableName::A2 => {
                settings = schedules::schedules(evidence);
                &schedules::NOTES
            }
            TableName::Accuracies => {
                accuracies = accuracies::accuracies(evidence);
                &accuracies::NOTES
            }
        };
        Self {
            format_version: 1,
            name: name.name().to_owned(),
            title: name.title().to_owned(),
            settings,
            accuracies,
            notes: notes.iter().map(|note| (*note).to_owned()).collect(),
        }
    }

    /// The names of its columns.
    #[must_use]
    pub fn header(&self) -> &'static [&'static str] {
        if self.accuracies.is_empty() { &settings::COLUMNS } else { &accuracies::COLUMNS }
    }

    /// Its lines, one field a column; a number that can't be computed is empty.
    #[must_use]
    pub fn rows(&self) -> Vec<Vec<String>> {
        let settings = self.settings.iter().map(Setting::fields);
        settings.chain(self.accuracies.iter().map(PredictedAccuracy::fields)).collect()
    }
}
