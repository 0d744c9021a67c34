//! Words for the cells of a comparison with published numbers, shared by figures and tables.

use super::numbers::blocks;
use crate::{
    experiment::EvidenceKind,
    replication::{Comparison, DifferenceCell, MeanCell, Remark},
};

/// What is compared with the published numbers, in a word or two.
#[must_use]
pub fn side(comparison: &Comparison) -> &'static str {
    match comparison.evidence {
        EvidenceKind::Published | EvidenceKind::Log => "log",
        EvidenceKind::Smoke
        | EvidenceKind::SmokeOneZoo
        | EvidenceKind::Lab
        | EvidenceKind::Paper
        | EvidenceKind::Salman => "local runs",
    }
}

/// The names of remarks.
#[must_use]
pub fn remarks(remarks: &[Remark]) -> String {
    remarks.iter().map(|remark| remark.name()).collect::<Vec<_>>().join(", ")
}

impl MeanCell {
    /// The cell in a few words.
    #[must_use]
    pub fn name(&self) -> String {
        let at =
            if self.at.starts_with("epoch") { format!(", {}", self.at) } else { String::new() };
        format!(
            "{} {}, {} images, {}{at}",
            self.target,
            self.source,
            self.images,
            blocks(self.blocks)
        )
    }
}

impl DifferenceCell {
    /// The cell in a few words.
    #[must_use]
    pub fn name(&self) -> String {
        let at =
            if self.at.starts_with("epoch") { format!(", {}", self.at) } else { String::new() };
        format!("{} {}, {} images{at}", self.target, self.contrast, self.images)
    }
}
