//! Which population a verdict is about, and whether its hypothesis is as locked: for text and page.

use crate::{
    claim::{Claim, Over},
    experiment::EvidenceKind,
    judge::{ClaimVerdict, Images, Population, SecondaryVerdict},
    world::World,
};

/// What a verdict is about, and since when its hypothesis is fixed, without a full stop.
#[must_use]
pub(super) fn sentence(verdict: &ClaimVerdict) -> String {
    let about = verdict.population.as_ref().map(about);
    let lock = verdict.locked.map(|locked| locked.in_words(verdict.locked_on.as_deref()));
    about.into_iter().chain(lock).collect::<Vec<_>>().join("; ")
}

/// The same of a secondary hypothesis, in sentences without a full stop; only what differs from the
/// claim's own.
#[must_use]
pub(super) fn of_reading(verdict: &ClaimVerdict, reading: &SecondaryVerdict) -> Vec<String> {
    let differs = reading.population.as_ref().filter(|of| verdict.population.as_ref() != Some(of));
    let lock = reading.locked.map(|locked| locked.in_words(reading.locked_on.as_deref()));
    let of_claim = verdict.locked.map(|locked| locked.in_words(verdict.locked_on.as_deref()));
    let lock = lock.filter(|lock| of_claim.as_ref() != Some(lock));
    let same_models = |of: &Population| {
        verdict.population.as_ref().is_some_and(|claim| claim.fine_tunes == of.fine_tunes)
    };
    let about = |of: &Population| match of.test_images {
        Images::New if same_models(of) => "on new test images".to_owned(),
        Images::These if same_models(of) => "on these test images".to_owned(),
        Images::New | Images::These => about(of),
    };
    differs.map(about).into_iter().chain(lock).collect()
}

fn about(population: &Population) -> String {
    format!("about {}", population.sentence)
}

/// What verdicts on a claim are about, for each kind of evidence that has records of its own.
#[must_use]
pub(crate) fn populations(
    claim: &Claim,
    world: impl Fn(EvidenceKind) -> World,
) -> Vec<(EvidenceKind, Population)> {
    let asked = claim.hypothesis.over == Over::SeedsAndImages;
    // A log does not say which test images a fine-tune classifies correctly.
    let new_images = |kind: EvidenceKind| asked && kind.is_local();
    let of =
        |kind| (kind, Population::new(&claim.hypothesis, kind, &world(kind), new_images(kind)));
    if world(EvidenceKind::Log).study.is_some() {
        return vec![of(EvidenceKind::Log)];
    }
    EvidenceKind::ALL.into_iter().map(of).collect()
}

/// As lines of text: each population with the kinds of evidence that it belongs to.
#[must_use]
pub(crate) fn lines(populations: &[(EvidenceKind, Population)]) -> Vec<String> {
    let mut grouped: Vec<(Vec<&str>, &str)> = Vec::new();
    for (kind, Population { sentence, .. }) in populations {
        match grouped.iter_mut().find(|(_, known)| known == sentence) {
            Some((kinds, _)) => kinds.push(kind.name()),
            None => grouped.push((vec![kind.name()], sentence)),
        }
    }
    grouped.iter().map(|(kinds, sentence)| format!("{}: {sentence}", kinds.join(", "))).collect()
}
