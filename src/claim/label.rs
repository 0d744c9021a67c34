//! Names for tables and messages: a contrast in symbols, and arms and cells in a few words. A
//! contrast names only what its arms differ in, so that a table shows what is subtracted from what.

use std::collections::BTreeSet;

use super::{Arm, Cell, Hypothesis, Term};
use crate::{
    experiment::{Moment, Value},
    study::Factor,
    world::World,
};

impl Hypothesis {
    /// The name of one of its cells: the coordinates that it fixes, with the number of blocks only
    /// if the hypothesis has cells with several.
    #[must_use]
    pub(crate) fn cell_name(&self, cell: &Cell) -> String {
        let cells = self.contrasts.iter().flat_map(|contrast| &contrast.cells);
        let blocks: BTreeSet<Option<u32>> = cells.map(|cell| cell.blocks).collect();
        let blocks = cell.blocks.filter(|_| blocks.len() > 1);
        let mut parts = Vec::new();
        parts.extend(cell.target.as_deref().map(str::to_owned));
        parts.extend(cell.images.map(|images| format!("{images} images")));
        parts.extend(blocks.map(|blocks| counted(&[blocks], "block")));
        parts.extend(cell.resolution.map(|resolution| format!("{resolution} px")));
        parts.extend(cell.repetition.map(|repetition| format!("repetition {repetition}")));
        parts.extend(cell.factors.iter().map(|(name, value)| with_number(name, value)));
        if parts.is_empty() { "all cells".to_owned() } else { parts.join(" ") }
    }
}

/// The contrast in symbols, such as `l2_3 - natural`, without coordinates that all arms share.
#[must_use]
pub fn contrast(terms: &[Term], world: &World) -> String {
    let parts: Vec<Vec<String>> = terms.iter().map(|term| coordinates(&term.arm, world)).collect();
    let differs: Vec<bool> = (0..parts.first().map_or(0, Vec::len))
        .map(|axis| parts.iter().any(|part| part[axis] != parts[0][axis]))
        .collect();
    let mut label = String::new();
    for (term, part) in terms.iter().zip(&parts) {
        let sign = match (label.is_empty(), term.weight < 0.0) {
            (true, false) => "",
            (true, true) => "-",
            (false, false) => " + ",
            (false, true) => " - ",
        };
        label.push_str(sign);
        let size = term.weight.abs();
        #[expect(clippy::float_cmp, reason = "a weight of exactly one is not written")]
        if size != 1.0 {
            label.push_str(&format!("{size}*"));
        }
        let named: Vec<&str> = part
            .iter()
            .zip(&differs)
            .filter(|(text, differs)| **differs && !text.is_empty())
            .map(|(text, _)| text.as_str())
            .collect();
        match named.as_slice() {
            [] => label.push_str(&term.arm.name),
            [one] if differs.iter().filter(|differs| **differs).count() == 1 => {
                label.push_str(one);
            }
            several => label.push_str(&format!("({})", several.join(", "))),
        }
    }
    label
}

/// An arm in words: every coordinate that it fixes.
#[must_use]
pub fn arm(arm: &Arm, world: &World) -> String {
    coordinates(arm, world)
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

/// A value of a factor: a text by itself, a number with the factor's name.
pub(crate) fn with_number(name: &str, value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::Number(number) => format!("{name} {number}"),
    }
}

fn coordinates(arm: &Arm, world: &World) -> Vec<String> {
    if let Some(study) = &world.study {
        let of = |factor: &Factor| {
            let values = arm.factors.get(factor.name.as_str()).map_or(&[][..], Vec::as_slice);
            match values {
                [] => String::new(),
                [one] => with_number(&factor.name, one),
                [first, .., last] if values.len() > 3 => format!("{first}..{last}"),
                few => few.iter().map(ToString::to_string).collect::<Vec<_>>().join("|"),
            }
        };
        let progress = study.progress.as_ref().map_or("row", |progress| &progress.name);
        let at = arm.at.map(|at| moment(at).replace("epoch", progress));
        return study.factors.iter().map(of).chain(at).collect();
    }
    let resolution = arm.resolution.iter().map(ToString::to_string).collect::<Vec<_>>();
    vec![
        arm.source.join("|"),
        arm.zoo.map_or_else(String::new, |zoo| format!("zoo {zoo}")),
        targets(arm, world),
        counted(&arm.blocks, "block"),
        counted(&arm.images, "image"),
        if resolution.is_empty() { String::new() } else { format!("{} px", resolution.join("|")) },
        arm.at.map_or_else(String::new, moment),
    ]
}

/// A list of targets, by the name of their group if they are one.
fn targets(arm: &Arm, world: &World) -> String {
    let group = world.groups.iter().find(|(_, members)| {
        members.len() == arm.target.len()
            && members.iter().all(|member| arm.target.iter().any(|target| **target == **member))
    });
    match group {
        Some((name, _)) => name.clone(),
        None => arm.target.join("|"),
    }
}

/// Numbers with a noun: `3 blocks`, `0|1 blocks`; more than three by the first and the last.
fn counted(values: &[u32], noun: &str) -> String {
    let plural = if values == [1] { "" } else { "s" };
    match values {
        [] => String::new(),
        [first, .., last] if values.len() > 3 => format!("{first}..{last} {noun}s"),
        few => {
            let few: Vec<String> = few.iter().map(ToString::to_string).collect();
            format!("{} {noun}{plural}", few.join("|"))
        }
    }
}

/// An evaluation in a few words: `last epoch`, `epoch 11`, `first from 20 % of epochs`.
#[must_use]
pub fn moment(at: Moment) -> String {
    match at {
        Moment::Last => "last epoch".to_owned(),
        Moment::Best => "best epoch".to_owned(),
        Moment::Epoch(epoch) => format!("epoch {epoch}"),
        Moment::FromShare(share) => format!("first from {:.0} % of epochs", share * 100.0),
    }
}
