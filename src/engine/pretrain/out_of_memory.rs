//! Failures of libtorch in pretraining, as errors; an out-of-memory error names the largest batch that
//! fits.

use super::{PretrainError, SourceImages, train};
use crate::engine::{
    catch_torch_panic::attempt,
    oom::{TESTED, is_out_of_memory, largest_that_fits},
};
use crate::experiment::{Pretraining, Threat};

/// What the user can do: the batch is part of the recipe, and another batch makes another model.
const REMEDY: &str = "use a device with more memory, or the CPU";

/// Runs a step of pretraining, described by `what`; `room` makes the message of an out-of-memory error.
pub(super) fn tried<T>(
    what: &str,
    run: impl FnOnce() -> Result<T, PretrainError>,
    room: impl FnOnce(&str) -> String,
) -> Result<T, PretrainError> {
    attempt(run).unwrap_or_else(|said| {
        let said = if is_out_of_memory(&said) { room(said.trim_end_matches('.')) } else { said };
        Err(PretrainError::Failed { what: what.to_owned(), said })
    })
}

/// The message for images that do not fit, whatever the batch.
pub(super) fn of_images(said: &str, pretraining: &Pretraining) -> String {
    let side = pretraining.side;
    format!("{said}: the source's images do not fit at {side} pixels, whatever the batch; {REMEDY}")
}

/// The message for a batch, where no smaller one is tried.
pub(super) fn of_batch(said: &str, pretraining: &Pretraining) -> String {
    format!("{said} with a batch of {}; {REMEDY}", pretraining.batch)
}

/// The message for a training batch, with the largest that fits, found by halving.
pub(super) fn of_training(
    said: &str,
    pretraining: &Pretraining,
    threat: Threat,
    source: &SourceImages<'_>,
) -> String {
    let batch = pretraining.batch;
    match largest_that_fits(batch, |batch| one_step(pretraining, threat, source, batch)) {
        Some(fits) => format!(
            "{said} with a batch of {batch}; a batch of {fits} would fit, but the batch is fixed by the world: {REMEDY}"
        ),
        None => {
            format!("{said} with a batch of {batch}, and with a single image as well: {REMEDY}")
        }
    }
}

/// Whether one step and one test pass run through.
fn one_step(
    pretraining: &Pretraining,
    threat: Threat,
    source: &SourceImages<'_>,
    batch: u32,
) -> bool {
    let short = Pretraining { epochs: 1, batch, ..pretraining.clone() };
    attempt(|| {
        let (first, test) = (source.train.first(batch as usize), source.test.first(TESTED));
        let source = SourceImages { train: &first, test: &test };
        train(&short, threat, &source, None, &|| false, &mut |_| ()).is_ok()
    })
    .unwrap_or(false)
}
