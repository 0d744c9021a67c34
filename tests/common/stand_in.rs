//! A GPU for tests: the real one if there is one, else a stand-in
//! (`tests/engine/gpu/stand_in.cpp`), compiled once. Either needs a separate process, since
//! libtorch looks for devices once.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use repro::engine::device::{inventory, missing_cuda};
use tch::Device;

use super::require::required;

/// Why a stand-in may be unavailable.
const NONE: &str =
    "it needs Linux, and a libtorch without CUDA's libraries, which conflict with it";
/// Set in a process with a GPU, to one of the two values below.
const LOADED: &str = "REPRO_TEST_STAND_IN";
/// The values of the variable.
const STAND_IN: &str = "stand-in";
const REAL: &str = "real";

/// The device of tests that run on both: the CPU, or the GPU in a process that has one.
pub fn device() -> Device {
    match std::env::var_os(LOADED) {
        Some(which) => {
            // The first caller loads the CUDA half of libtorch.
            let missing = (which == REAL).then(missing_cuda).flatten();
            assert_eq!(missing, None, "the calling process had a GPU");
            Device::Cuda(0)
        }
        None => Device::Cpu,
    }
}

/// Whether this process has a real GPU, whose bits differ from run to run and which counts nothing.
pub fn is_real_gpu() -> bool {
    std::env::var_os(LOADED).is_some_and(|which| which == REAL)
}

/// Whether this process has a GPU of either kind. If it has none, the calling test, of this name,
/// is run in a process with one.
pub fn on_a_gpu(test: &str) -> bool {
    let on_gpu = device().is_cuda();
    if !on_gpu {
        run(test);
    }
    on_gpu
}

/// The same for the stand-in alone, with `memory` bytes: tests that count, run out of memory or
/// break the device can't run on a real GPU.
pub fn on_the_stand_in(test: &str, memory: Option<u64>) -> bool {
    let on_gpu = device().is_cuda();
    if !on_gpu {
        run_on_stand_in(test, memory);
    }
    on_gpu
}

/// Runs the test of this name again in a process with a GPU, and fails if it fails there.
pub fn run(test: &str) {
    if has_real_gpu() {
        run_again(test, Command::new(test_program()).env(LOADED, REAL));
    } else {
        run_on_stand_in(test, None);
    }
}

/// The same on the stand-in only, with `memory` bytes.
pub fn run_on_stand_in(test: &str, memory: Option<u64>) {
    if has_real_gpu() {
        println!("{test}: skipped: needs the stand-in, but this machine has a real GPU");
        return;
    }
    let Some(library) = library() else {
        println!("{test}: skipped without a stand-in for a GPU: {NONE}");
        return;
    };
    let mut again = Command::new(test_program());
    again.env(LOADED, STAND_IN).env("LD_PRELOAD", library);
    if let Some(bytes) = memory {
        again.env("STAND_IN_MEMORY", bytes.to_string());
    }
    run_again(test, &mut again);
}

fn test_program() -> PathBuf {
    std::env::current_exe().expect("the test program has a path")
}

/// A test's full name in the test program: its module's path and its name.
pub fn full_test_name(test: &str) -> String {
    let listed = Command::new(test_program()).args(["--list", "--format", "terse"]).output();
    let listed = listed.expect("the test program lists its tests").stdout;
    let listed = String::from_utf8_lossy(&listed);
    let names = listed.lines().filter_map(|line| line.strip_suffix(": test"));
    let ends = |name: &&str| name.rsplit("::").next() == Some(test);
    let names: Vec<&str> = names.filter(ends).collect();
    assert_eq!(names.len(), 1, "tests called {test}: {names:?}");
    names[0].to_owned()
}

fn run_again(test: &str, again: &mut Command) {
    let ended = again.args(["--exact", &full_test_name(test), "--nocapture"]).output();
    let ended = ended.expect("the test program can be started");
    let stdout = String::from_utf8_lossy(&ended.stdout);
    print!("{stdout}{}", String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{test} on a GPU: {}", ended.status);
    assert!(stdout.contains("1 passed"), "there is no test {test}");
}

/// Whether this machine has a real GPU that can be used.
fn has_real_gpu() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| missing_cuda().is_none())
}

/// The environment variables that give a command a GPU: none for a real one. `None` without either.
pub fn environment() -> Option<Vec<(&'static str, OsString)>> {
    if has_real_gpu() { Some(Vec::new()) } else { Some(vec![("LD_PRELOAD", library()?.into())]) }
}

/// The stand-in, compiled once for each version of its source. `None` where it is unavailable
/// ([`NONE`]); with `REPRO_REQUIRE=gpu` that is a failure.
fn library() -> Option<&'static Path> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    MADE.get_or_init(|| {
        let libtorch = PathBuf::from(inventory().loaded_from.expect("libtorch is loaded"));
        if !cfg!(target_os = "linux") || libtorch.join("libtorch_cuda.so").exists() {
            assert!(!required("gpu"), "REPRO_REQUIRE=gpu without a stand-in for a GPU: {NONE}");
            return None;
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/gpu/stand_in.cpp");
        let digest =
            blake3::hash(&fs::read(&source).expect("the source is in the project")).to_hex();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let library = folder.join(format!("stand_in-{}.so", &digest[..16]));
        if !library.exists() {
            compile(&source, &libtorch, &library);
        }
        Some(library)
    })
    .as_deref()
}

/// Compiles the stand-in with the compiler of libtorch's bindings, first under a temporary name,
/// since other tests may compile it at the same time.
fn compile(source: &Path, libtorch: &Path, library: &Path) {
    let unfinished = library.with_extension(std::process::id().to_string());
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "g++".into());
    let include = libtorch.with_file_name("include");
    let ended = Command::new(&compiler)
        .args(["-std=c++20", "-O1", "-fPIC", "-shared", "-o"])
        .arg(&unfinished)
        .arg("-isystem")
        .arg(include)
        .arg(source)
        .arg("-L")
        .arg(libtorch)
        .args(["-ltorch_cpu", "-lc10"])
        .arg(format!("-Wl,-rpath,{}", libtorch.display()))
        .output()
        .unwrap_or_else(|cause| panic!("{}: {cause}", compiler.display()));
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    fs::rename(&unfinished, library).expect("the folder for tests is writable");
}

/// Transfers, and waits of the host for the device, since the process started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes uploaded to the device.
    pub to_device: u64,
    /// Bytes downloaded to the host.
    pub to_host: u64,
    /// Times that the host waited.
    pub waits: u64,
    /// Operations that the device ran.
    pub operations: u64,
}

impl Traffic {
    /// The counts until now.
    pub fn now() -> Self {
        Self {
            to_device: count(b"stand_in_to_device\0"),
            to_host: count(b"stand_in_to_host\0"),
            waits: count(b"stand_in_waits\0"),
            operations: count(b"stand_in_operations\0"),
        }
    }

    /// The counts since another time.
    pub fn since(self, before: Self) -> Self {
        Self {
            to_device: self.to_device - before.to_device,
            to_host: self.to_host - before.to_host,
            waits: self.waits - before.waits,
            operations: self.operations - before.operations,
        }
    }
}

fn count(name: &[u8]) -> u64 {
    let this = libloading::os::unix::Library::this();
    // SAFETY: the stand-in's functions take nothing and return `uint64_t`.
    unsafe { this.get::<extern "C" fn() -> u64>(name).expect("the stand-in is loaded")() }
}

/// The peak of bytes that tensors held on the stand-in.
pub fn peak_memory() -> u64 {
    count(b"stand_in_peak_memory\0")
}

/// Sets the memory of the stand-in, in bytes, from now on.
pub fn set_memory(bytes: u64) {
    set(b"stand_in_set_memory\0", bytes);
}

/// From now on, backward convolutions whose gradients have more bytes than this find no plan, with
/// cuDNN's message.
pub fn plan_up_to(bytes: u64) {
    set(b"stand_in_plan_up_to\0", bytes);
}

fn set(name: &[u8], bytes: u64) {
    let this = libloading::os::unix::Library::this();
    // SAFETY: these functions of the stand-in take a `uint64_t` and return nothing.
    unsafe { this.get::<extern "C" fn(u64)>(name).expect("the stand-in is loaded")(bytes) }
}

/// Breaks the device for the rest of the process: every operation fails with an error of CUDA.
pub fn break_down() {
    let this = libloading::os::unix::Library::this();
    // SAFETY: the stand-in's function takes and returns nothing.
    unsafe { this.get::<extern "C" fn()>(b"stand_in_break\0").expect("the stand-in is loaded")() }
}
