//! What stands in words beside a figure of curves: what tells one curve from another, and what a
//! reader must know of the points.

use std::collections::{BTreeMap, BTreeSet};

use super::numbers::grouped;
use crate::claim::Arm;

/// A curve's label: only what tells its arm from the others.
#[must_use]
pub fn label(line: &Arm, lines: &[Arm]) -> String {
    let numbers =
        |values: &[u32]| values.iter().map(|value| grouped(*value)).collect::<Vec<_>>().join("|");
    let differs = |of: &dyn Fn(&Arm) -> bool| lines.iter().any(of);
    let mut parts = Vec::new();
    if differs(&|other| other.source != line.source) {
        parts.push(line.source.join("|"));
    }
    if differs(&|other| other.target != line.target) {
        parts.push(line.target.join("|"));
    }
    if differs(&|other| other.blocks != line.blocks) {
        let plural = if line.blocks == [1] { "" } else { "s" };
        parts.push(format!("{} block{plural}", numbers(&line.blocks)));
    }
    if differs(&|other| other.images != line.images) {
        parts.push(format!("{} images", numbers(&line.images)));
    }
    if differs(&|other| other.resolution != line.resolution) {
        let pixels: Vec<String> = line.resolution.iter().map(ToString::to_string).collect();
        parts.push(format!("{} px", pixels.join("|")));
    }
    match parts.is_empty() {
        true if lines.len() > 1 => line.name.clone(),
        true => line.source.join("|"),
        false => parts.join(", "),
    }
}

/// What was seen while points were gathered.
#[derive(Debug, Default)]
pub struct Notes {
    /// Cells whose runs differ in recipe, in words.
    pub mixed: BTreeSet<String>,
    /// Runs that stopped before their end, by cell.
    pub stopped: BTreeMap<String, usize>,
    /// Curves that lack records, by target and label: the places on the axis where they do, or none
    /// where they lack every one.
    pub absent: BTreeMap<(String, String), Vec<String>>,
    /// Targets of which there are published means and nothing else.
    pub means_alone: Vec<String>,
    /// Targets of which there is no record.
    pub no_records: Vec<String>,
    /// Whether some point is of one seed.
    pub one_seed: bool,
    /// Whether some difference can't be had because recipes are mixed.
    pub incomparable: bool,
}

/// Places on an axis; "at all" alone would say something else.
fn in_words(places: &[String]) -> String {
    let word =
        |place: &String| if place == "all" { "all images".to_owned() } else { place.clone() };
    places.iter().map(word).collect::<Vec<_>>().join(", ")
}

impl Notes {
    /// The same as sentences.
    #[must_use]
    pub fn in_words(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        if !self.mixed.is_empty() {
            let cells: Vec<&str> = self.mixed.iter().map(String::as_str).collect();
            sentences.push(format!(
                "Open points mix runs of different recipes ({}): their mean is drawn without a band and is not judged.",
                cells.join("; ")
            ));
        }
        if self.incomparable {
            sentences.push(
                "Grey stripes: recipes are mixed there, so some difference can't be had."
                    .to_owned(),
            );
        }
        if self.one_seed {
            sentences.push("A point without a band is of one seed.".to_owned());
        }
        if !self.stopped.is_empty() {
            let cells: Vec<String> =
                self.stopped.iter().map(|(cell, count)| format!("{count} of {cell}")).collect();
            sentences.push(format!(
                "Runs that stopped before their end have no last epoch and are left out: {}.",
                cells.join("; ")
            ));
        }
        if !self.absent.is_empty() {
            let arms: Vec<String> = self
                .absent
                .iter()
                .map(|((target, label), places)| {
                    if places.is_empty() {
                        format!("{label} on {target}")
                    } else {
                        format!("{label} on {target} at {}", in_words(places))
                    }
                })
                .collect();
            sentences.push(format!("No record of {}.", arms.join("; ")));
        }
        if !self.means_alone.is_empty() {
            sentences.push(format!(
                "Published means alone, without records of seeds: {}.",
                self.means_alone.join(", ")
            ));
        }
        if !self.no_records.is_empty() {
            sentences
                .push(format!("Not drawn, for want of records: {}.", self.no_records.join(", ")));
        }
        sentences
    }
}
