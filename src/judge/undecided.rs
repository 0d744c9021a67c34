//! Where a sequential design still needs seeds: its records end after a look that did not decide.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    cell::{Analysis, Paired},
    interim::Stopping,
};
use crate::{evidence::SamplingDesign, experiment::Verdict};

/// How many of its seeds a sequential design has used without a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Undecided {
    /// Seeds of the undecided cell that has the fewest, at its last look (interim analysis); before
    /// the first look, those that it has.
    pub seeds: usize,
    /// Seeds of the last planned look.
    pub of: usize,
}

impl Undecided {
    /// `None` where the hypothesis is decided or incomplete, or where more seeds can't decide it. A
    /// log has a fixed design.
    pub(super) fn new(
        analysis: &Analysis<'_>,
        units: &[Paired<'_>],
        stopping: &Stopping,
    ) -> Option<Self> {
        let sequential = analysis.evidence.design == SamplingDesign::GroupSequential;
        if !sequential || stopping.verdict != Verdict::Inconclusive {
            return None;
        }
        let design = analysis.design;
        let seeds = |unit: &usize| match stopping.looks_used[*unit] {
            0 => units[*unit].joined.replicates(),
            looks => design.looks.seeds()[looks - 1],
        };
        let seeds = stopping.undecided.iter().map(seeds).min()?;
        Some(Self { seeds, of: design.looks.last() })
    }
}

impl std::fmt::Display for Undecided {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "undecided after {} of {} seeds", self.seeds, self.of)
    }
}
