//! What to say when memory ran out: the batch that would fit.

use std::sync::atomic::AtomicBool;

use crate::attempt::attempt;
use crate::trial::{Material, Protocol, Trial, fine_tune};

/// Test images of a try: as many as a test pass takes at once, or more.
const TESTED: usize = 512;

/// Whether what libtorch said is that there was not enough memory.
pub(super) fn ran_out(said: &str) -> bool {
    const WORDS: [&str; 5] = [
        "out of memory",
        "can't allocate memory",
        "not enough memory",
        // cuDNN's and cuBLAS's own.
        "status_alloc_failed",
        "bad_alloc",
    ];
    let said = said.to_lowercase();
    WORDS.iter().any(|words| said.contains(words))
}

/// The same with the largest batch that fits, found by trying halves, and what to do with it; an error where
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

/// Halves of a batch, down to one image, until one fits.
fn largest_that_fits(batch: u32, mut fits: impl FnMut(u32) -> bool) -> Option<u32> {
    std::iter::successors(Some(batch / 2), |batch| Some(batch / 2))
        .take_while(|batch| *batch > 0)
        .find(|batch| fits(*batch))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_half_that_fits_is_named_and_where_none_does_that_is_said() {
        let mut tried = Vec::new();
        let found = largest_that_fits(128, |batch| {
            tried.push(batch);
            batch <= 40
        });
        assert_eq!((found, tried), (Some(32), vec![64, 32]));
        assert_eq!(largest_that_fits(100, |batch| batch < 4), Some(3));
        assert_eq!(largest_that_fits(128, |_| false), None);
        assert_eq!(largest_that_fits(1, |_| true), None);
    }

    #[test]
    fn libtorch_s_words_for_want_of_memory_are_known() {
        assert!(ran_out("CUDA out of memory. Tried to allocate 2.00 GiB"));
        assert!(ran_out("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"));
        assert!(ran_out("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"));
        assert!(ran_out(
            "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"
        ));
        assert!(ran_out("std::bad_alloc"));
        assert!(!ran_out("The size of tensor a (3) must match the size of tensor b (4)"));
    }
}
