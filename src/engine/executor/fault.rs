//! Whose fault it is that libtorch could not do something: the device's, want of memory's, or the trial's.

use crate::engine::oom;

/// What libtorch says where a GPU, or a library of it, is at fault: any other trial would meet the same,
/// since after such an error a process can't use the GPU again.
const OF_THE_DEVICE: [&str; 4] = ["cuda error", "cudnn_status", "cublas_status", "no kernel image"];

/// What it says where no plan of cuDNN's worked out: for want of a library as well as of memory to work in,
/// and neither is named.
const NO_PLAN: [&str; 2] = ["unable to find an engine", "unable to find a valid cudnn algorithm"];

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The device's, or a library's of it.
    Device,
    /// There was not enough memory: the trial's, in whatever words.
    Memory,
    /// Want of memory, if a smaller batch can be run, and else the device's.
    MemoryOrDevice,
    /// The trial's.
    Trial,
}

/// Whose fault it is by what libtorch said.
pub(super) fn fault(said: &str) -> Fault {
    let lower = said.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|words| lower.contains(words));
    match () {
        () if oom::ran_out(said) => Fault::Memory,
        () if any(&NO_PLAN) => Fault::MemoryOrDevice,
        () if any(&OF_THE_DEVICE) => Fault::Device,
        () => Fault::Trial,
    }
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
        ] {
            assert_eq!(fault(said), Fault::Device, "{said}");
        }
        for said in [
            "CUDA out of memory. Tried to allocate 2.00 GiB",
            "CUDA error: out of memory",
            "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
            "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        ] {
            assert_eq!(fault(said), Fault::Memory, "{said}");
        }
        let said = "The size of tensor a (3) must match the size of tensor b (4)";
        assert_eq!(fault(said), Fault::Trial);
    }

    #[test]
    fn where_no_plan_works_out_it_may_be_memory_or_the_device() {
        for said in [
            "GET was unable to find an engine to execute this computation",
            "FIND was unable to find an engine to execute this computation",
            "Unable to find a valid cuDNN algorithm to run convolution",
        ] {
            assert_eq!(fault(said), Fault::MemoryOrDevice, "{said}");
        }
    }
}
