//! Labels of curves, and the notes below a figure of curves.

use std::collections::{BTreeMap, BTreeSet};

use super::{numbers::grouped, svg::Mark};
use crate::claim::{Arm, Plot};

/// The label of a curve: the coordinates in which its arm differs from the others.
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

/// The label of a difference: what its arms differ in, then what it has apart from the plot's other
/// differences, such as `l2_3 − natural, 3 blocks`.
#[must_use]
pub(super) fn difference_label(pair: &(Arm, Arm), plot: &Plot) -> String {
    let (first, second) = pair;
    if [first, second].into_iter().all(|arm| curve_of(arm, plot).is_some()) {
        let [first, second] = [first, second].map(|arm| label(arm, &plot.lines));
        return format!("{first} \u{2212} {second}");
    }
    let two = [first.clone(), second.clone()];
    let firsts: Vec<Arm> = plot.differences.iter().map(|(first, _)| first.clone()).collect();
    let apart =
        if firsts.len() > 1 { format!(", {}", label(first, &firsts)) } else { String::new() };
    format!("{} \u{2212} {}{apart}", label(first, &two), label(second, &two))
}

/// The mark of a difference, by its index: that of the curve that it belongs to, or its own.
#[must_use]
pub(super) fn difference_mark(index: usize, (first, second): &(Arm, Arm), plot: &Plot) -> Mark {
    match (curve_of(first, plot), curve_of(second, plot)) {
        (Some(curve), None) | (None, Some(curve)) => Mark::Curve(curve),
        _ => Mark::Difference(index),
    }
}

fn curve_of(arm: &Arm, plot: &Plot) -> Option<usize> {
    plot.lines.iter().position(|line| line.name == arm.name)
}

/// Observations about the points of a figure, for its notes.
#[derive(Debug, Default)]
pub struct Notes {
    /// Cells whose runs have different recipes, in words.
    pub mixed: BTreeSet<String>,
    /// Number of runs that stopped early, by cell.
    pub stopped: BTreeMap<String, usize>,
    /// Curves with missing records, by target and label: the tick labels where records are missing,
    /// or empty if the curve has no record.
    pub absent: BTreeMap<(String, String), Vec<String>>,
    /// Targets with published means and no records.
    pub means_only: Vec<String>,
    /// Targets without records.
    pub no_records: Vec<String>,
    /// Whether any point has one seed.
    pub one_seed: bool,
    /// Whether any difference is missing because recipes are mixed.
    pub incomparable: bool,
}

/// Tick labels in words; the tick `all` is ambiguous after "at".
fn in_words(places: &[String]) -> String {
    let word =
        |place: &String| if place == "all" { "all images".to_owned() } else { place.clone() };
    places.iter().map(word).collect::<Vec<_>>().join(", ")
}

impl Notes {
    /// The notes as sentences.
    #[must_use]
    pub fn in_words(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        if !self.mixed.is_empty() {
            let cells: Vec<&str> = self.mixed.iter().map(String::as_str).collect();
            sentences.push(format!(
                "Open points mix different recipes ({}): drawn without a band and not judged.",
                cells.join("; ")
            ));
        }
        if self.incomparable {
            sentences.push("Grey stripes: mixed recipes, so a difference is missing.".to_owned());
        }
        if self.one_seed {
            sentences.push("Points without a band have one seed.".to_owned());
        }
        if !self.stopped.is_empty() {
            let cells: Vec<String> =
                self.stopped.iter().map(|(cell, count)| format!("{count} of {cell}")).collect();
            sentences.push(format!(
                "Runs that stopped early have no last epoch and are excluded: {}.",
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
            sentences.push(format!("Missing records: {}.", arms.join("; ")));
        }
        if !self.means_only.is_empty() {
            sentences.push(format!(
                "Published means only, without records of seeds: {}.",
                self.means_only.join(", ")
            ));
        }
        if !self.no_records.is_empty() {
            sentences.push(format!("Not drawn, no records: {}.", self.no_records.join(", ")));
        }
        sentences
    }
}
