//! What libtorch could not do for a source model, as an error; where memory ran out, with the batch that would
//! have fitted.

use super::{PretrainError, SourceImages, train};
use crate::engine::{
    catch_torch_panic::attempt,
    oom::{TESTED, largest_that_fits, ran_out},
};
use crate::experiment::{Pretraining, Threat};

/// What there is to do about it: the batch is the recipe's, and a model of another batch another model.
const MEND: &str = "take a device with more memory, or the CPU";

/// Runs a function of a source model, with what is done in it; `room` is asked what to say of memory that ran
/// out.
pub(super) fn tried<T>(
    what: &str,
    run: impl FnOnce() -> Result<T, PretrainError>,
    room: impl FnOnce(&str) -> String,
) -> Result<T, PretrainError> {
    attempt(run).unwrap_or_else(|said| {
        let said = if ran_out(&said) { room(said.trim_end_matches('.')) } else { said };
        Err(PretrainError::Failed { what: what.to_owned(), said })
    })
}

/// Of images that do not fit, whatever the batch.
pub(super) fn of_images(said: &str, pretraining: &Pretraining) -> String {
    let side = pretraining.side;
    format!("{said}: the source's images do not fit at {side} pixels, whatever the batch; {MEND}")
}

/// Of a batch, where no other is tried.
pub(super) fn of_batch(said: &str, pretraining: &Pretraining) -> String {
    format!("{said} with a batch of {}; {MEND}", pretraining.batch)
}

/// Of a batch in training, with the largest that would fit by trying halves.
pub(super) fn of_training(
    said: &str,
    pretraining: &Pretraining,
    threat: Threat,
    source: &SourceImages<'_>,
) -> String {
    let batch = pretraining.batch;
    match largest_that_fits(batch, |batch| one_step(pretraining, threat, source, batch)) {
        Some(fits) => format!(
            "{said} with a batch of {batch}; one of {fits} would fit, but the batch is the world's own: {MEND}"
        ),
        None => format!("{said} with a batch of {batch}, and so it is with a single image: {MEND}"),
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
