//! Checks that an entry can be what it says: its name is that of its trial, its recipe can be run,
//! and its outcome is one that such a recipe has. Every reader of entries uses it, of the ledger
//! and of bundles, so that a record is believed at one door if it is at the other. A digest finds
//! damaged bytes; this finds bytes that were never a record. Neither finds a forgery that fits.

use super::entry::{Ended, Entry, Provenance};
use crate::experiment::{
    AdversarialTest, Chance, Counts, Evaluation, Found, MeasuredAdversarial, MeasuredInfluence,
    Outcome, RANKS, Recipe,
};

/// The largest difference, in points, between an accuracy and the share of its bits: rounding.
const ROUNDING: f64 = 1e-9;

/// Why an entry is not a record.
///
/// # Errors
/// The first thing that does not fit.
pub(super) fn entry(entry: &Entry) -> Result<(), String> {
    let Entry { id, trial, engine_version, weights, data, outcome, provenance } = entry;
    trial.check().map_err(|error| format!("its recipe can't be run: {error}"))?;
    if *id != trial.id_by(*engine_version, weights, data) {
        return Err("its name does not match its contents".to_owned());
    }
    let Provenance { seconds, .. } = provenance;
    number("seconds", *seconds, 0.0, f64::MAX)?;
    match outcome {
        Ended::Finished(outcome) => finished(outcome, &trial.recipe),
        Ended::Failed { .. } => Ok(()),
    }
}

fn finished(outcome: &Outcome, recipe: &Recipe) -> Result<(), String> {
    let Outcome {
        evaluations,
        first_losses,
        test_loss_after_first_step,
        correct,
        weights: _,
        influence,
        adversarial,
    } = outcome;
    let Some(last) = evaluations.last() else {
        return Err("it is finished but has no evaluation".to_owned());
    };
    let epochs = evaluations.iter().map(|evaluation| &evaluation.epoch);
    if !epochs.clone().eq(&recipe.protocol.evaluate) {
        return Err(format!(
            "it has evaluations after the epochs {:?}, and its recipe asks for {:?}",
            epochs.collect::<Vec<_>>(),
            recipe.protocol.evaluate
        ));
    }
    evaluations.iter().try_for_each(evaluation)?;
    first_losses.iter().try_for_each(|first| loss("first_losses", *first))?;
    loss("test_loss_after_first_step", *test_loss_after_first_step)?;
    if let Some(share) = percentage(correct)
        && (share - last.test_accuracy).abs() > ROUNDING
    {
        let accuracy = last.test_accuracy;
        return Err(format!("its last test_accuracy is {accuracy}, and its bits give {share}"));
    }
    let inverses = influence.iter().map(|measured| &measured.inverse);
    if !inverses.eq(&recipe.influence) {
        return Err("its influence is not measured as its recipe says".to_owned());
    }
    influence.iter().try_for_each(measured_influence)?;
    let test = adversarial.as_ref().map(|measured| &measured.test);
    if test != recipe.adversarial.as_ref() {
        return Err("its adversarial accuracy is not measured as its recipe says".to_owned());
    }
    match adversarial {
        Some(MeasuredAdversarial { test: AdversarialTest { images, .. }, correct })
            if correct.len() != *images as usize =>
        {
            Err(format!("it has {} bits for {images} attacked images", correct.len()))
        }
        _ => Ok(()),
    }
}

fn evaluation(evaluation: &Evaluation) -> Result<(), String> {
    let Evaluation { epoch: _, test_accuracy, test_loss, train_accuracy, train_loss, seconds } =
        *evaluation;
    number("test_accuracy", test_accuracy, 0.0, 100.0)?;
    number("train_accuracy", train_accuracy, 0.0, 100.0)?;
    loss("test_loss", test_loss)?;
    loss("train_loss", train_loss)?;
    number("seconds", seconds, 0.0, f64::MAX)
}

fn measured_influence(measured: &MeasuredInfluence) -> Result<(), String> {
    let Found::Counts(counts) = &measured.found else { return Ok(()) };
    let Counts { matches, three_of_five, first, chance, other_rankings, gallery, .. } = counts;
    ranked(matches, *three_of_five, first, chance.as_ref())?;
    for other in other_rankings.iter().flat_map(|of| [&of.influence_on_predicted, &of.features]) {
        ranked(&other.matches, other.three_of_five, &other.first, other.chance.as_ref())?;
        if other.first.len() != first.len() {
            return Err("its rankings are of different numbers of test images".to_owned());
        }
    }
    gallery
        .iter()
        .try_for_each(|example| number("influence", example.influence, f64::MIN, f64::MAX))
}

/// Counts of test images by one ranking of training images.
fn ranked(
    matches: &[u32],
    three_of_five: u32,
    first: &[bool],
    chance: Option<&Chance>,
) -> Result<(), String> {
    let most = first.len();
    let highest = matches.iter().chain([&three_of_five]).max().map_or(0, |count| *count as usize);
    let matching = first.iter().filter(|matches| **matches).count();
    if highest > most || matches.len() > RANKS as usize {
        return Err(format!("it counts influence for more than its {most} test images"));
    }
    if matches.first().map(|count| *count as usize) != Some(matching) {
        return Err("its matches of the first rank are not the share of its bits".to_owned());
    }
    let Some(Chance { mean, standard_deviation }) = chance else { return Ok(()) };
    number("chance", *mean, 0.0, 100.0)?;
    number("chance", *standard_deviation, 0.0, 100.0)
}

/// The share of bits that are set, in percent; `None` without any.
fn percentage(bits: &[bool]) -> Option<f64> {
    let set = bits.iter().filter(|bit| **bit).count();
    (!bits.is_empty()).then(|| 100.0 * set as f64 / bits.len() as f64)
}

/// A cross-entropy. One that is not finite means that the run diverged, which is a valid outcome.
fn loss(field: &str, value: f64) -> Result<(), String> {
    if value.is_nan() || value >= 0.0 {
        Ok(())
    } else {
        Err(format!("its {field} is {value}: a loss is at least 0"))
    }
}

/// A finite number in a range.
fn number(field: &str, value: f64, least: f64, most: f64) -> Result<(), String> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let range = if most < f64::MAX {
        format!("from {least} to {most}")
    } else if least == 0.0 {
        "a number of at least 0".to_owned()
    } else {
        "a finite number".to_owned()
    };
    Err(format!("its {field} is {value}: it must be {range}"))
}
