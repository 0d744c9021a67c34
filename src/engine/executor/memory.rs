//! Advice after out of memory: the largest batch that fits.

use std::sync::atomic::AtomicBool;

use crate::engine::catch_torch_panic::attempt;
use crate::engine::oom::{TESTED, largest_that_fits};
use crate::{
    engine::fine_tune::{Material, fine_tune},
    experiment::{Protocol, Trial},
};

/// libtorch's message with the largest batch that fits, found by halving, and how to use it; an error
/// where not even one image fits.
pub(super) fn advice(
    message: &str,
    material: &Material<'_>,
    trial: &Trial,
) -> Result<String, String> {
    let (message, batch) = (message.trim_end_matches('.'), trial.recipe.protocol.batch);
    let fits = |batch: u32| one_step(material, trial, batch);
    match largest_that_fits(batch, fits) {
        Some(fits) => Ok(format!(
            "{message} with a batch of {batch}; a batch of {fits} fits: set `batch = {fits}` in the \
             protocol of your own recipe (it is then a different recipe)"
        )),
        None => {
            let tested = material.test.at_once().min(material.test.len());
            Err(format!(
                "{message} with a batch of {batch}, and with a single image as well (a test pass holds \
                 {tested} images, whatever the batch): use a device with more memory"
            ))
        }
    }
}

/// The message where even the source model and images of a trial do not fit, whatever the batch.
pub(super) fn out_of_memory(message: &str, trial: &Trial) -> String {
    let (target, side) = (&trial.recipe.key.target, trial.recipe.protocol.side);
    let message = message.trim_end_matches('.');
    format!(
        "{message}: the images of {target} do not fit at {side} pixels, whatever the batch; use a \
         device with more memory"
    )
}

/// Whether one step and one test pass of the trial succeed.
fn one_step(material: &Material<'_>, trial: &Trial, batch: u32) -> bool {
    let protocol =
        Protocol { batch, epochs: 1, evaluate: vec![1], ..trial.recipe.protocol.clone() };
    attempt(|| {
        let (train, test) = (material.train.first(batch as usize), material.test.first(TESTED));
        let material = Material { train: &train, test: &test, test_features: None, ..*material };
        let blocks = trial.recipe.trained_blocks();
        fine_tune(&material, blocks, &protocol, trial.seed, &AtomicBool::new(false)).is_ok()
    })
    .unwrap_or(false)
}
