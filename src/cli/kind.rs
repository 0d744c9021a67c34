//! Kinds of evidence as values of an option.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::messages::old_spelling;
use crate::experiment::EvidenceKind;

/// Those that need no file of the user's.
pub(super) const ALL: &[EvidenceKind] = &[
    EvidenceKind::Published,
    EvidenceKind::Smoke,
    EvidenceKind::SmokeOneZoo,
    EvidenceKind::Lab,
    EvidenceKind::Paper,
    EvidenceKind::Salman,
];
/// Those of local runs.
pub(super) const LOCAL: &[EvidenceKind] = &EvidenceKind::LOCAL;
/// Those at the paper's own scale.
pub(super) const PAPER: &[EvidenceKind] = &[EvidenceKind::Paper, EvidenceKind::Salman];

/// The old name of [`EvidenceKind::Salman`], still accepted.
const OLD_NAME: &str = "sister";

/// Takes one of some kinds by its name.
pub(super) fn one_of(
    kinds: &'static [EvidenceKind],
) -> impl TypedValueParser<Value = EvidenceKind> {
    let value = |kind: &EvidenceKind| {
        let value = PossibleValue::new(kind.name()).help(description(*kind));
        if *kind == EvidenceKind::Salman { value.alias(OLD_NAME) } else { value }
    };
    PossibleValuesParser::new(kinds.iter().map(value)).map(|name| {
        if name == OLD_NAME {
            old_spelling("`sister`", "`salman`");
        }
        EvidenceKind::named(&name).expect("one of the names that are accepted")
    })
}

/// The name of a set-up as it is spelled today; any other text is returned as it is.
pub(super) fn world_name(name: &str) -> &str {
    EvidenceKind::named(name).map_or(name, |kind| kind.name())
}

/// Some kinds, each once and in one order; published and smoke where none was named.
pub(super) fn published_and_smoke(named: &[EvidenceKind]) -> Vec<EvidenceKind> {
    if named.is_empty() {
        return vec![EvidenceKind::Published, EvidenceKind::Smoke];
    }
    let mut kinds = named.to_vec();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

const fn description(kind: EvidenceKind) -> &'static str {
    match kind {
        EvidenceKind::Published => "The authors' own per-seed logs",
        EvidenceKind::Smoke => "Local runs of thin networks",
        EvidenceKind::SmokeOneZoo => "The same from one source model an arm, whatever the seed",
        EvidenceKind::Lab => "Local runs of ResNet-18, from source models that are trained locally",
        EvidenceKind::Paper => "Local runs of ResNet-50 from the authors' checkpoints",
        EvidenceKind::Salman => "The same from the checkpoints of Salman et al. (2020)",
        EvidenceKind::Log => "A log of the user's",
    }
}
