//! Opens libtorch's CUDA half at the start, and reports why no GPU can be used.

use std::path::{Path, PathBuf};

use super::driver;
#[cfg(feature = "gpu")]
use super::{CPU_HALF, LINKED_VERSION, loaded_folder};

/// The library that is opened at the start, with the `gpu` feature.
#[cfg(feature = "gpu")]
const CUDA_HALF: &str = "libtorch_cuda.so";

/// The result of opening libtorch's CUDA half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CudaHalf {
    /// It is loaded. [`super::Inventory::cuda_devices`] counts the devices.
    Opened {
        /// The library, in the folder of the CPU half that is loaded.
        path: PathBuf,
    },
    /// It is not loaded, and everything runs on the CPU.
    Missing {
        /// Why, and what to do about it, in one line.
        reason: String,
    },
}

/// Opens libtorch's CUDA half (`libtorch_cuda.so`), from the folder that the loaded CPU half lies
/// in: the one that the program was linked with, or the one that `LD_LIBRARY_PATH` names.
///
/// Call it before any other call into `tch`: libtorch looks for its CUDA half once, at the first
/// question about it. Calling it again is harmless. Without the `gpu` feature it opens nothing and the
/// result says so.
#[cfg(feature = "gpu")]
pub fn open_cuda() -> CudaHalf {
    let Some(folder) = loaded_folder() else {
        return CudaHalf::Missing {
            reason: format!("failed to find {CPU_HALF} among the loaded libraries"),
        };
    };
    let path = folder.join(CUDA_HALF);
    if !path.exists() {
        return CudaHalf::Missing {
            reason: format!(
                "{} holds the CPU half of libtorch only: run `make gpu` where the project is and export LD_LIBRARY_PATH as it says (any PyTorch {} with CUDA has the other half in its torch/lib)",
                folder.display(),
                LINKED_VERSION.unwrap_or("of the same version"),
            ),
        };
    }
    opened(path)
}

/// Opens a library and never closes it; a failure gives the loader's message in one line.
#[cfg(feature = "gpu")]
fn opened(path: PathBuf) -> CudaHalf {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
    use std::error::Error;

    // SAFETY: the library's initialisers register operators with the CPU half, which is loaded; it
    // is never closed.
    match unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_GLOBAL) } {
        Ok(library) => {
            let _kept_open = library.into_raw();
            CudaHalf::Opened { path }
        }
        Err(error) => {
            // The loader's message names the library that is missing.
            let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            let said = cause.split_whitespace().collect::<Vec<_>>().join(" ");
            CudaHalf::Missing { reason: format!("failed to open {}: {said}", path.display()) }
        }
    }
}

/// Opens libtorch's CUDA half: not in this build, which has no `gpu` feature.
#[cfg(not(feature = "gpu"))]
pub fn open_cuda() -> CudaHalf {
    CudaHalf::Missing {
        reason: "built without GPU support: build with default features, or with `--features gpu`"
            .to_owned(),
    }
}

/// Why no GPU can be used, in one line, after opening libtorch's CUDA half; `None` where one can.
///
/// As [`open_cuda`], call it before any other call into `tch`.
pub fn missing_cuda() -> Option<String> {
    let cuda_half = open_cuda();
    match cuda_half {
        _ if tch::Cuda::is_available() => None,
        CudaHalf::Missing { reason } => Some(reason),
        CudaHalf::Opened { path } => {
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
            Some(no_device(&path, cuda_in(&maps), driver::version().as_deref()))
        }
    }
}

/// Why this version of CUDA finds no device, by the driver's version.
fn no_device(path: &Path, cuda: Option<u32>, driver: Option<&str>) -> String {
    /// The first driver for CUDA 13 (its release notes).
    const DRIVER_FOR_13: u32 = 580;
    let path = path.display();
    let major = driver.and_then(|version| version.split('.').next()?.parse().ok());
    let old = cuda == Some(13) && major.is_none_or(|major: u32| major < DRIVER_FOR_13);
    let driver = match driver {
        Some(version) => format!("the driver is {version}"),
        None => "no driver was found".to_owned(),
    };
    let needed =
        if old { format!(", and CUDA 13 needs {DRIVER_FOR_13} or later") } else { String::new() };
    format!(
        "{path} is loaded but finds no device ({driver}{needed}): see `nvidia-smi` and CUDA_VISIBLE_DEVICES"
    )
}

/// The version of CUDA whose runtime is loaded, by the number in its library's name.
fn cuda_in(maps: &str) -> Option<u32> {
    let (_, after) = maps.split_once("/libcudart.so.")?;
    after.split(|end: char| !end.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(not(feature = "gpu"))]
    #[test]
    fn without_the_feature_the_cuda_half_stays_closed_and_the_reason_names_it() {
        let CudaHalf::Missing { reason } = open_cuda() else {
            panic!("opened without the feature")
        };
        assert!(reason.contains("--features gpu"), "{reason}");
    }

    #[cfg(feature = "gpu")]
    #[test]
    fn with_the_feature_the_cuda_half_is_opened_or_its_folder_is_named() {
        let folder = loaded_folder().expect("libtorch is loaded");
        match open_cuda() {
            CudaHalf::Opened { path } => assert_eq!(path, folder.join(CUDA_HALF)),
            CudaHalf::Missing { reason } => {
                assert!(!folder.join(CUDA_HALF).exists(), "{reason}");
                assert!(reason.contains(&folder.display().to_string()), "{reason}");
            }
        }
        assert_eq!(open_cuda(), open_cuda());
    }

    #[test]
    fn cuda_without_a_device_is_reported_with_the_driver_and_the_one_it_needs() {
        let reason = |cuda, driver| no_device(Path::new("there/libtorch_cuda.so"), cuda, driver);
        let old = reason(Some(13), Some("535.104.05"));
        assert!(
            old.contains("(the driver is 535.104.05, and CUDA 13 needs 580 or later)"),
            "{old}"
        );
        let none = reason(Some(13), None);
        assert!(none.contains("(no driver was found, and CUDA 13 needs 580 or later)"), "{none}");
        for (cuda, driver) in [(Some(13), "580.65.06"), (Some(12), "535.104.05"), (None, "535.1")] {
            let other = reason(cuda, Some(driver));
            assert!(other.contains(&format!("(the driver is {driver})")), "{other}");
        }
    }

    #[test]
    fn the_version_of_cuda_is_in_the_name_of_its_runtime() {
        let maps =
            "7f00-7f01 r--p 0 fe:00 11    /there/libcudart.so.13\n7f01-7f02 rw-p 0 00:00 0\n";
        assert_eq!(cuda_in(maps), Some(13));
        assert_eq!(cuda_in("7f00 /there/libcudart.so.12.8.90"), Some(12));
        assert_eq!(cuda_in("7f00 /there/libcudart-9335f6a2.so.12"), None);
        assert_eq!(cuda_in(""), None);
    }

    #[cfg(feature = "gpu")]
    #[test]
    fn a_cuda_half_that_is_no_library_gives_the_loader_s_message() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(CUDA_HALF);
        std::fs::write(&path, "not a library. ".repeat(100)).expect("writable");
        let CudaHalf::Missing { reason } = opened(path.clone()) else { panic!("opened a text") };
        assert!(reason.contains(&path.display().to_string()), "{reason}");
        assert!(reason.contains("invalid ELF header") && !reason.contains('\n'), "{reason}");
    }
}
