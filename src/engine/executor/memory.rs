//! What to say when memory ran out: the batch that would fit.

use std::sync::atomic::AtomicBool;

use crate::engine::catch_torch_panic::attempt;
use crate::engine::oom::{TESTED, largest_that_fits};
use crate::{
    engine::fine_tune::{Material, fine_tune},
    experiment::{Protocol, Trial},
};

/// What libtorch said with the largest batch that fits, found by trying halves, and what to do with it; an error where
/// not even one image does.
pub(super) fn advice(said: &str, material: &Material<'_>, trial: &Trial) -> Result<String, String> {
    let (said, batch) = (said.trim_end_matches('.'), trial.recipe.protocol.batch);
    let fits = |batch: u32| one_step(material, trial, batch);
    match largest_that_fits(batch, fits) {
        Some(fits) => Ok(format!(
            "{said} with a batch of {batch}; a batch of {fits} fits: set `batch = {fits}` in the protocol of a recipe of your own, which is then another recipe"
        )),
        None => {
            let tested = material.test.at_once().min(material.test.len());
            Err(format!(
                "{said} with a batch of {batch}, and so it is with a single image (a test takes {tested} at once, whatever the batch): take a device with more memory"
            ))
        }
    }
}

/// The same where there is not even room for what a trial works on, whatever the batch.
pub(super) fn no_room(said: &str, trial: &Trial) -> String {
    let (target, side) = (&trial.recipe.key.target, trial.recipe.protocol.side);
    let said = said.trim_end_matches('.');
    format!(
        "{said}: {target}'s images do not fit at {side} pixels, whatever the batch; take a device with more memory"
    )
}

/// Whether one step and one test pass of the trial run through.
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
