//! The computing device: which libtorch is loaded, from which folder, on which processor, with or
//! without a GPU.
//!
//! The program is linked with libtorch's CPU half only, so that one binary, built where there is no
//! CUDA, serves both kinds of machine. [`open_cuda`] adds the CUDA half at the start, where there is
//! one; [`inventory`] describes the result for `repro doctor`. The executor chooses the device of a
//! trial and its threads.

mod cuda;
mod driver;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::util::machine;

pub use tch::Device;

pub use cuda::{CudaHalf, missing_cuda, open_cuda};

/// The library of libtorch that this program is linked with.
const CPU_HALF: &str = "libtorch_cpu.so";
/// What `repro doctor` reports about the machine and the libtorch that is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inventory {
    /// Version of libtorch that the program was compiled with, "2.11.0"; absent if its headers do not
    /// say.
    pub libtorch_linked: Option<String>,
    /// Version of libtorch that is loaded; absent if the library does not say.
    pub libtorch_loaded: Option<String>,
    /// Folder of libtorch that the program was linked with.
    pub linked_from: Option<String>,
    /// Folder of libtorch that is loaded; `LD_LIBRARY_PATH` can make it differ from `linked_from`.
    pub loaded_from: Option<String>,
    /// Widest vector instructions that libtorch's kernels use here: "AVX512", "AVX2" or "DEFAULT".
    pub cpu_capability: String,
    /// Threads within one operation.
    pub intra_op_threads: i32,
    /// Threads between operations.
    pub inter_op_threads: i32,
    /// Whether trials can run on a GPU.
    pub cuda_available: bool,
    /// How many GPUs libtorch sees.
    pub cuda_devices: i64,
    /// Why no GPU can be used, in one line; absent if one can.
    pub cuda_missing: Option<String>,
}

/// Inspects the machine and the libtorch that is loaded; opens its CUDA half if it is not open.
pub fn inventory() -> Inventory {
    let cuda_missing = missing_cuda();
    Inventory {
        libtorch_linked: LINKED_VERSION.map(str::to_owned),
        libtorch_loaded: loaded_version(),
        linked_from: LINKED_FOLDER.map(str::to_owned),
        loaded_from: loaded_folder().map(|folder| folder.display().to_string()),
        cpu_capability: cpu_capability(std::env::var("ATEN_CPU_CAPABILITY").ok().as_deref())
            .to_owned(),
        intra_op_threads: tch::get_num_threads(),
        inter_op_threads: tch::get_num_interop_threads(),
        cuda_available: cuda_missing.is_none(),
        cuda_devices: tch::Cuda::device_count(),
        cuda_missing,
    }
}

/// libtorch's version and kernels, in one line: results agree to the last bit only where both agree.
pub fn engine() -> String {
    let found = inventory();
    let version = found.libtorch_loaded.unwrap_or_else(|| "unknown".to_owned());
    format!("libtorch {version}, {} kernels", found.cpu_capability)
}

/// Whether the machine has a GPU's driver, and so probably a GPU.
pub fn has_gpu_driver() -> bool {
    driver::version().is_some()
}

/// The name of the processor; with a GPU, the names of both.
pub fn name(device: tch::Device) -> String {
    match device {
        tch::Device::Cuda(index) => {
            let gpu = gpu(index).unwrap_or_else(|| "unnamed GPU".to_owned());
            format!("{gpu}, {}", machine::processor())
        }
        _ => machine::processor(),
    }
}

/// A GPU's name by its driver, since tch does not give it. With several GPUs of different names the
/// driver's order may differ from libtorch's, so all are named.
fn gpu(index: usize) -> Option<String> {
    let names = driver::names();
    match names {
        [] => None,
        [name] => Some(name.clone()),
        _ => Some(format!("device {index} of {}", names.join(", "))),
    }
}

unsafe extern "C" {
    /// From `shim.cpp`, which `build.rs` compiles.
    safe fn repro_allow_tf32(convolutions: bool);
    /// From `shim.cpp` too.
    #[cfg(test)]
    safe fn repro_products_allow_tf32() -> bool;
}

/// Whether a GPU's convolutions may round what they multiply to 11 bits of mantissa (tf32), for the whole
/// process; other products, such as a head's, may not. That is libtorch's default too, but a recipe
/// decides it for convolutions.
pub fn allow_tf32(allowed: bool) {
    repro_allow_tf32(allowed);
}

/// Sets the threads within one operation, for the whole process: each thread reads the number at its
/// first operation.
///
/// # Panics
/// If the number does not fit libtorch's counter.
pub fn set_threads(threads: usize) {
    tch::set_num_threads(i32::try_from(threads).expect("the number of threads fits i32"));
}

/// Prepares the process for many steps on images of the same shapes: call it before training and
/// before measuring throughput. On a GPU cuDNN benchmarks its kernels once for each shape.
pub fn prepare_for_steps(device: tch::Device) {
    keep_freed_memory();
    if device.is_cuda() {
        tch::Cuda::cudnn_set_benchmark(true);
    }
}

/// Makes the C library keep freed memory, for the whole process. By default it returns large blocks to
/// the system after every step and gets them back in the next, page by page and zeroed. The cost
/// differs from run to run (`benches/README.md`).
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn keep_freed_memory() {
    // A failure is ignored: the default is only slower.
    // SAFETY: both are documented parameters of the C library with valid numbers. Blocks up to 32 MiB (the
    // largest threshold) are not mapped one by one; the heap's end is returned from 1 GiB on.
    unsafe {
        let _ = libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        let _ = libc::mallopt(libc::M_TRIM_THRESHOLD, 1 << 30);
    }
}

/// Other C libraries keep their defaults.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn keep_freed_memory() {}

/// Folder and version of the libtorch that the program was linked with, from `build.rs`.
const LINKED_FOLDER: Option<&str> = option_env!("REPRO_LIBTORCH_LIB");
const LINKED_VERSION: Option<&str> = option_env!("REPRO_LIBTORCH_VERSION");

/// The folder of the CPU half that is loaded, from the kernel's list of mapped files.
fn loaded_folder() -> Option<PathBuf> {
    folder_of(CPU_HALF, &std::fs::read_to_string("/proc/self/maps").ok()?)
}

/// The folder of `library` in the text of `/proc/self/maps`, whose lines are five fields and a
/// path.
fn folder_of(library: &str, maps: &str) -> Option<PathBuf> {
    maps.lines()
        .filter_map(|line| Some(Path::new(&line[line.find('/')?..])))
        .find(|path| path.file_name().is_some_and(|name| name == library))
        .and_then(Path::parent)
        .map(Path::to_owned)
}

/// The version of the loaded library, from the C function that code of its ahead-of-time compiler
/// checks.
#[cfg(unix)]
fn loaded_version() -> Option<String> {
    type Version = unsafe extern "C" fn() -> u64;
    let this = libloading::os::unix::Library::this();
    // SAFETY: the function takes nothing, returns `uint64_t`, and reads a constant
    // (torch/csrc/inductor/aoti_torch).
    let packed = unsafe { this.get::<Version>(b"aoti_torch_abi_version\0").ok()?() };
    Some(unpacked_version(packed))
}

#[cfg(not(unix))]
fn loaded_version() -> Option<String> {
    None
}

/// `TORCH_ABI_VERSION` of torch/headeronly/version.h: major, minor, patch from the highest byte
/// down.
fn unpacked_version(packed: u64) -> String {
    let [major, minor, patch, ..] = packed.to_be_bytes();
    format!("{major}.{minor}.{patch}")
}

/// The vector instructions that libtorch chooses at its first kernel: the widest set that the processor
/// has, unless `requested` (`ATEN_CPU_CAPABILITY`) names a narrower one. tch has no call for it.
fn cpu_capability(requested: Option<&str>) -> &'static str {
    match (requested, widest_vectors()) {
        (Some("default"), _) => "DEFAULT",
        (Some("avx2"), "AVX512" | "AVX2") => "AVX2",
        (_, widest) => widest,
    }
}

#[cfg(target_arch = "x86_64")]
fn widest_vectors() -> &'static str {
    let fma = std::is_x86_feature_detected!("fma");
    let avx512 = std::is_x86_feature_detected!("avx512f")
        && std::is_x86_feature_detected!("avx512vl")
        && std::is_x86_feature_detected!("avx512bw")
        && std::is_x86_feature_detected!("avx512dq");
    match () {
        () if avx512 && fma => "AVX512",
        () if std::is_x86_feature_detected!("avx2") && fma => "AVX2",
        () => "DEFAULT",
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn widest_vectors() -> &'static str {
    "DEFAULT"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_the_loaded_libtorch_is_the_one_of_the_headers() {
        let inventory = inventory();
        assert_eq!(inventory.libtorch_loaded.as_deref(), Some("2.11.0"));
        assert_eq!(inventory.libtorch_linked, inventory.libtorch_loaded);
    }

    #[test]
    fn a_packed_version_reads_from_the_highest_byte_down() {
        assert_eq!(unpacked_version(0x020b_0300_0000_0007), "2.11.3");
    }

    #[test]
    fn the_loaded_libtorch_lies_where_the_inventory_says() {
        let folder = inventory().loaded_from.expect("libtorch is loaded");
        assert!(Path::new(&folder).join(CPU_HALF).is_file(), "{folder} holds no {CPU_HALF}");
    }

    #[test]
    fn a_library_is_found_among_the_mapped_files_whatever_its_folder_is_called() {
        let maps = "\
            7f0000000000-7f0000001000 r--p 00000000 fe:00 11    /usr/lib/libtorch_cpu.so.d/libc.so.6\n\
            7f0000001000-7f0000002000 rw-p 00000000 00:00 0 \n\
            7f0000002000-7f0000003000 r-xp 00001000 fe:00 12    /a folder/with a blank/libtorch_cpu.so\n\
            7ffc00000000-7ffc00001000 rw-p 00000000 00:00 0     [stack]\n";
        assert_eq!(
            folder_of("libtorch_cpu.so", maps),
            Some(PathBuf::from("/a folder/with a blank"))
        );
        assert_eq!(folder_of("libtorch_cuda.so", maps), None);
    }

    #[test]
    fn threads_are_counted_from_one() {
        let inventory = inventory();
        assert!(
            inventory.intra_op_threads >= 1 && inventory.inter_op_threads >= 1,
            "{inventory:?}"
        );
    }

    #[test]
    fn a_narrower_capability_can_be_requested_but_not_a_wider_one() {
        assert_eq!(cpu_capability(Some("default")), "DEFAULT");
        assert_eq!(cpu_capability(None), widest_vectors());
        assert_eq!(cpu_capability(Some("avx512")), widest_vectors());
    }

    #[test]
    fn without_a_usable_gpu_the_reason_is_one_line() {
        let inventory = inventory();
        assert_eq!(inventory.cuda_available, inventory.cuda_missing.is_none(), "{inventory:?}");
        if let Some(reason) = inventory.cuda_missing {
            assert!(!reason.contains('\n') && reason.contains(": "), "{reason}");
        }
    }

    /// A head is in single precision whatever the recipe's precision is
    /// ([`crate::experiment::Precision`]).
    #[test]
    fn tf32_is_for_convolutions_and_for_no_other_product() {
        for allowed in [true, false] {
            allow_tf32(allowed);
            assert!(!repro_products_allow_tf32());
        }
    }

    #[test]
    fn the_inventory_is_plain_data() {
        let json = serde_json::to_value(inventory()).expect("plain data");
        assert_eq!(json["libtorch_loaded"], "2.11.0");
        assert_eq!(json["cuda_available"], json["cuda_missing"].is_null());
    }
}
