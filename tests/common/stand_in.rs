//! A GPU for tests: the real one where there is one, else a stand-in (`tests/engine/gpu/stand_in.cpp`), compiled once.
//! Either is had in a process of its own, since libtorch looks for devices once.

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

/// Why there may be none.
const NONE: &str = "it is for Linux, and where a GPU's own libraries, with which it would collide, are not at hand";
/// Set where one is to be had: to which.
const LOADED: &str = "REPRO_TEST_STAND_IN";
/// The variable's values.
const STAND_IN: &str = "stand-in";
const CARD: &str = "card";

/// What tests of either kind run on: the CPU, or the GPU of a process that has one.
pub fn device() -> Device {
    match std::env::var_os(LOADED) {
        Some(which) => {
            // CUDA's half is opened by whoever asks first.
            let missing = (which == CARD).then(missing_cuda).flatten();
            assert_eq!(missing, None, "the process that asked had a GPU");
            Device::Cuda(0)
        }
        None => Device::Cpu,
    }
}

/// Whether this process has a real GPU: its bits differ from run to run, and it counts nothing.
pub fn is_a_card() -> bool {
    std::env::var_os(LOADED).is_some_and(|which| which == CARD)
}

/// Whether this process has a GPU of either kind. Where it does not, the test of this name, which asks, is run in
/// one that has.
pub fn on_a_gpu(test: &str) -> bool {
    let here = device().is_cuda();
    if !here {
        run(test);
    }
    here
}

/// The same of the stand-in alone, with so many bytes of memory: what counts, wants memory or breaks is not asked
/// of a real GPU.
pub fn here(test: &str, memory: Option<u64>) -> bool {
    let here = device().is_cuda();
    if !here {
        run_on_stand_in(test, memory);
    }
    here
}

/// Runs the test of this name once more, where there is a GPU; what comes of it there is what comes of it here.
pub fn run(test: &str) {
    match card() {
        true => run_again(test, Command::new(own_name()).env(LOADED, CARD)),
        false => run_on_stand_in(test, None),
    }
}

/// The same where only the stand-in will do, with so many bytes of memory.
pub fn run_on_stand_in(test: &str, memory: Option<u64>) {
    if card() {
        println!("{test}: not tested: needs the stand-in for a GPU, and here is a real one");
        return;
    }
    let Some(library) = library() else {
        println!("not tested on a stand-in: {NONE}");
        return;
    };
    let mut again = Command::new(own_name());
    again.env(LOADED, STAND_IN).env("LD_PRELOAD", library);
    if let Some(bytes) = memory {
        again.env("STAND_IN_MEMORY", bytes.to_string());
    }
    run_again(test, &mut again);
}

fn own_name() -> PathBuf {
    std::env::current_exe().expect("a test has a name")
}

/// The name that the test program knows a test by: its module's path and its own name.
pub fn whole_name(test: &str) -> String {
    let listed = Command::new(own_name()).args(["--list", "--format", "terse"]).output();
    let listed = listed.expect("a test program lists its tests").stdout;
    let listed = String::from_utf8_lossy(&listed);
    let names = listed.lines().filter_map(|line| line.strip_suffix(": test"));
    let ends = |name: &&str| name.rsplit("::").next() == Some(test);
    let names: Vec<&str> = names.filter(ends).collect();
    assert_eq!(names.len(), 1, "tests called {test}: {names:?}");
    names[0].to_owned()
}

fn run_again(test: &str, again: &mut Command) {
    let ended = again.args(["--exact", &whole_name(test), "--nocapture"]).output();
    let ended = ended.expect("a test can be run again");
    let said = String::from_utf8_lossy(&ended.stdout);
    print!("{said}{}", String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{test} on a GPU: {}", ended.status);
    assert!(said.contains("1 passed"), "there is no test {test}");
}

/// Whether there is a real GPU that can be used.
fn card() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| missing_cuda().is_none())
}

/// What a command needs to have a GPU, where there is one; nothing for a real one.
pub fn environment() -> Option<Vec<(&'static str, OsString)>> {
    match card() {
        true => Some(Vec::new()),
        false => Some(vec![("LD_PRELOAD", library()?.into())]),
    }
}

/// The compiled stand-in, made where there is none of this source; none where there can't be one ([`NONE`]), unless
/// `REPRO_REQUIRE=gpu` asks for it: then that is a fault.
fn library() -> Option<&'static Path> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    MADE.get_or_init(|| {
        let libtorch = PathBuf::from(inventory().loaded_from.expect("libtorch is loaded"));
        if !cfg!(target_os = "linux") || libtorch.join("libtorch_cuda.so").exists() {
            assert!(!required("gpu"), "not tested on a stand-in for a GPU: {NONE}");
            return None;
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/gpu/stand_in.cpp");
        let digest = blake3::hash(&fs::read(&source).expect("it is part of the project")).to_hex();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let library = folder.join(format!("stand_in-{}.so", &digest[..16]));
        if !library.exists() {
            compile(&source, &libtorch, &library);
        }
        Some(library)
    })
    .as_deref()
}

/// By the compiler that libtorch's bindings are compiled with, under another name first: tests may do the
/// same at once.
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
    fs::rename(&unfinished, library).expect("a folder for tests");
}

/// What crossed the bus, and how often the host waited for the device, since the process began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes to the device.
    pub to_device: u64,
    /// Bytes back.
    pub to_host: u64,
    /// Times that the host waited.
    pub waits: u64,
    /// Operations that the device was given.
    pub operations: u64,
}

impl Traffic {
    /// Up to now.
    pub fn now() -> Self {
        Self {
            to_device: count(b"stand_in_to_device\0"),
            to_host: count(b"stand_in_to_host\0"),
            waits: count(b"stand_in_waits\0"),
            operations: count(b"stand_in_operations\0"),
        }
    }

    /// Since another time.
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

/// The most bytes that tensors held at once on it.
pub fn most() -> u64 {
    count(b"stand_in_most\0")
}

/// From now on it has so many bytes of memory.
pub fn has(bytes: u64) {
    set(b"stand_in_has\0", bytes);
}

/// From now on convolutions whose gradients have more bytes than this find no plan, in cuDNN's words.
pub fn plan_up_to(bytes: u64) {
    set(b"stand_in_plan_up_to\0", bytes);
}

fn set(name: &[u8], bytes: u64) {
    let this = libloading::os::unix::Library::this();
    // SAFETY: these functions of the stand-in take a `uint64_t` and return nothing.
    unsafe { this.get::<extern "C" fn(u64)>(name).expect("the stand-in is loaded")(bytes) }
}

/// Breaks the device for the rest of the process: whatever is asked of it, it answers with an error of CUDA's.
pub fn break_down() {
    let this = libloading::os::unix::Library::this();
    // SAFETY: the stand-in's function takes and returns nothing.
    unsafe { this.get::<extern "C" fn()>(b"stand_in_break\0").expect("the stand-in is loaded")() }
}
