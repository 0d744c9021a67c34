//! Classifies a failure of libtorch by its message: the device failed, memory ran out, or the trial
//! itself can't be run.

use crate::{engine::oom, util::machine};

/// Parts of libtorch's messages where a GPU or one of its libraries failed. Every later trial would fail
/// too, since after such an error a process can't use the GPU again.
const OF_THE_DEVICE: [&str; 4] = ["cuda error", "cudnn_status", "cublas_status", "no kernel image"];

/// Parts of its messages where no plan of cuDNN's worked: a library is missing or workspace memory ran
/// out, and the message does not say which.
const NO_PLAN: [&str; 2] = ["unable to find an engine", "unable to find a valid cudnn algorithm"];

/// Parts of the system's messages where it has no threads or file handles left.
const NO_THREADS_OR_FILES: [&str; 4] = [
    "resource temporarily unavailable",
    "failed to spawn thread",
    "too many open files",
    "thread creation failed",
];

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The device, or one of its libraries.
    Device,
    /// Out of memory.
    Memory,
    /// Out of memory if a smaller batch can be run, and else the device.
    MemoryOrDevice,
    /// The machine has no threads or file handles left.
    ThreadsOrFiles,
    /// The trial.
    Trial,
}

/// Classifies a failure by libtorch's message.
pub(super) fn fault(message: &str) -> Fault {
    let lower = message.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|words| lower.contains(words));
    match () {
        () if oom::is_out_of_memory(message) => Fault::Memory,
        () if any(&NO_THREADS_OR_FILES) => Fault::ThreadsOrFiles,
        () if any(&NO_PLAN) => Fault::MemoryOrDevice,
        () if any(&OF_THE_DEVICE) => Fault::Device,
        () => Fault::Trial,
    }
}

/// The same for a failure in this process. libtorch has messages without a cause where it finds no
/// memory to say more: near the limit of its address space, no failure is the trial's.
pub(super) fn fault_here(message: &str) -> Fault {
    match fault(message) {
        Fault::Trial if machine::memory_was_short() => Fault::Memory,
        fault => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_failures_and_out_of_memory_are_distinguished() {
        for message in [
            "CUDA error: an illegal memory access was encountered",
            "CUDA error: no kernel image is available for execution on the device",
            "cuDNN error: CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED",
            "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
        ] {
            assert_eq!(fault(message), Fault::Device, "{message}");
        }
        for message in [
            "CUDA out of memory. Tried to allocate 2.00 GiB",
            "CUDA error: out of memory",
            "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
            "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        ] {
            assert_eq!(fault(message), Fault::Memory, "{message}");
        }
        let message = "The size of tensor a (3) must match the size of tensor b (4)";
        assert_eq!(fault(message), Fault::Trial);
    }

    /// As the standard library, this project and libtorch report them.
    #[test]
    fn what_the_host_has_too_little_of_is_no_fault_of_the_trial() {
        for message in [
            "embedded images read: Damaged { file: \"mnist\", cause: Kind(OutOfMemory) }",
            "Io(Os { code: 12, kind: OutOfMemory, message: \"Cannot allocate memory\" })",
            "memory allocation failed because the memory allocator returned an error",
            "memory allocation of 962072674080 bytes failed",
            "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory",
            "std::bad_alloc",
        ] {
            assert_eq!(fault(message), Fault::Memory, "{message}");
        }
        for message in [
            "failed to spawn thread: Os { code: 11, kind: WouldBlock, message: \"Resource \
             temporarily unavailable\" }",
            "Os { code: 24, kind: Uncategorized, message: \"Too many open files\" }",
            "Os { code: 23, kind: Uncategorized, message: \"Too many open files in system\" }",
            "libgomp: Thread creation failed: Resource temporarily unavailable",
        ] {
            assert_eq!(fault(message), Fault::ThreadsOrFiles, "{message}");
        }
    }

    #[test]
    fn a_missing_plan_is_memory_or_the_device() {
        for message in [
            "GET was unable to find an engine to execute this computation",
            "FIND was unable to find an engine to execute this computation",
            "Unable to find a valid cuDNN algorithm to run convolution",
        ] {
            assert_eq!(fault(message), Fault::MemoryOrDevice, "{message}");
        }
    }
}
