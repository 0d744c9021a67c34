//! Kinds of evidence as values of an option.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::experiment::EvidenceKind;

/// Those that need no file of the user's.
pub(super) const ALL: &[EvidenceKind] = &[
    EvidenceKind::Published,
    EvidenceKind::Smoke,
    EvidenceKind::Lab,
    EvidenceKind::Paper,
    EvidenceKind::Sister,
];
/// Those of our own fine-tunes.
pub(super) const OWN: &[EvidenceKind] = &EvidenceKind::OWN;
/// Those at the paper's own scale.
pub(super) const PAPER: &[EvidenceKind] = &[EvidenceKind::Paper, EvidenceKind::Sister];

/// Takes one of some kinds by its name.
pub(super) fn one_of(
    kinds: &'static [EvidenceKind],
) -> impl TypedValueParser<Value = EvidenceKind> {
    let value = |kind: &EvidenceKind| PossibleValue::new(kind.name()).help(words(*kind));
    PossibleValuesParser::new(kinds.iter().map(value))
        .map(|name| EvidenceKind::named(&name).expect("one of the names that are taken"))
}

const fn words(kind: EvidenceKind) -> &'static str {
    match kind {
        EvidenceKind::Published => "The authors' own per-seed logs",
        EvidenceKind::Smoke => "Our own fine-tunes of thin networks",
        EvidenceKind::Lab => "Our own fine-tunes of ResNet-18, from source models of our own",
        EvidenceKind::Paper => "Our own fine-tunes of ResNet-50 from the authors' checkpoints",
        EvidenceKind::Sister => "The same from the sister paper's checkpoints",
        EvidenceKind::Log => "A log of the user's",
    }
}
