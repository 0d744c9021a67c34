//! Out of memory: how libtorch reports it, and the largest batch that fits.

/// Test images of a trial step: at least as many as a test pass holds in memory at once.
pub const TESTED: usize = 512;

/// Whether a message of libtorch, of the standard library or of the system reports that memory ran out.
#[must_use]
pub(crate) fn is_out_of_memory(message: &str) -> bool {
    const WORDS: [&str; 9] = [
        "out of memory",
        // Rust's own: an error of a read, and of a collection that could not grow.
        "outofmemory",
        "memory allocation",
        "cannot allocate memory",
        "can't allocate memory",
        "not enough memory",
        // cuDNN's and cuBLAS's own.
        "status_alloc_failed",
        "bad_alloc",
        // libtorch's, where it found no memory for the message.
        "error computing error::what()",
    ];
    /// oneDNN's, on a CPU: what it was asked for was found possible before. A primitive descriptor
    /// is not: it is where it finds out.
    const OF_ONEDNN: [&str; 4] = [
        "could not create a primitive",
        "could not execute a primitive",
        "could not create a memory",
        "could not create a stream",
    ];
    let message = message.to_lowercase();
    let of_onednn = |words: &&str| {
        message.split_once(*words).is_some_and(|(_, rest)| !rest.starts_with(" descriptor"))
    };
    WORDS.iter().any(|words| message.contains(words)) || OF_ONEDNN.iter().any(of_onednn)
}

/// The largest of batch / 2, batch / 4, ..., 1 that fits, or `None`.
pub(crate) fn largest_that_fits(batch: u32, mut fits: impl FnMut(u32) -> bool) -> Option<u32> {
    std::iter::successors(Some(batch / 2), |batch| Some(batch / 2))
        .take_while(|batch| *batch > 0)
        .find(|batch| fits(*batch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_half_that_fits_is_found_or_none() {
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
    fn out_of_memory_messages_of_libtorch_are_recognised() {
        assert!(is_out_of_memory("CUDA out of memory. Tried to allocate 2.00 GiB"));
        assert!(is_out_of_memory(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"
        ));
        assert!(is_out_of_memory("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"));
        assert!(is_out_of_memory(
            "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"
        ));
        assert!(is_out_of_memory("std::bad_alloc"));
        for what in ["create a primitive", "execute a primitive", "create a memory object"] {
            assert!(is_out_of_memory(&format!("Torch(\"could not {what}\")")), "{what}");
        }
        assert!(!is_out_of_memory(
            "could not create a primitive descriptor for a convolution forward propagation primitive"
        ));
        assert!(!is_out_of_memory("The size of tensor a (3) must match the size of tensor b (4)"));
    }
}
