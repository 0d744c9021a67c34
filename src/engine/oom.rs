//! Want of memory: libtorch's words for it, and the batch that would fit.

/// Test images of a try: as many as a test pass takes at once, or more.
pub const TESTED: usize = 512;

/// Whether what libtorch said is that there was not enough memory.
#[must_use]
pub(crate) fn ran_out(said: &str) -> bool {
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

/// Halves of a batch, down to one image, until one fits.
pub(crate) fn largest_that_fits(batch: u32, mut fits: impl FnMut(u32) -> bool) -> Option<u32> {
    std::iter::successors(Some(batch / 2), |batch| Some(batch / 2))
        .take_while(|batch| *batch > 0)
        .find(|batch| fits(*batch))
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
