//! Whose fault it is that libtorch could not do something: the device's, or the trial's.

use super::memory;

/// What libtorch says where a GPU, or a library of it, is at fault: any other trial would meet the same,
/// since after such an error a process can't use the GPU again.
const OF_THE_DEVICE: [&str; 5] =
    ["cuda error", "cudnn_status", "cublas_status", "unable to find an engine", "no kernel image"];

/// Whether what libtorch said is of the device, and says nothing of the trial. Want of memory is the
/// trial's, in whatever words.
pub(super) fn is_the_device_s(said: &str) -> bool {
    let lower = said.to_lowercase();
    !memory::ran_out(said) && OF_THE_DEVICE.iter().any(|words| lower.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_device_is_known_by_its_words_and_want_of_memory_is_not_that() {
        for said in [
            "CUDA error: an illegal memory access was encountered",
            "CUDA error: no kernel image is available for execution on the device",
            "cuDNN error: CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED",
            "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
            "GET was unable to find an engine to execute this computation",
        ] {
            assert!(is_the_device_s(said), "{said}");
        }
        for said in [
            "CUDA out of memory. Tried to allocate 2.00 GiB",
            "CUDA error: out of memory",
            "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
            "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
            "The size of tensor a (3) must match the size of tensor b (4)",
        ] {
            assert!(!is_the_device_s(said), "{said}");
        }
    }
}
