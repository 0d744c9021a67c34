//! Passes the folder of libtorch to the linker and the crate, so that the programs run from any
//! folder without an environment variable, and a digest of the sources to the crate. torch-sys
//! finds libtorch, and `scripts/setup.py` installs it.

use std::{
    env, fs,
    hash::{DefaultHasher, Hasher},
    path::{Path, PathBuf},
};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=Cargo.lock");
    println!("cargo::rustc-env=REPRO_SOURCES={:016x}", digest_of_sources());
    if env::var_os("CARGO_FEATURE_ENGINE").is_some() {
        libtorch();
    }
}

/// Passes the folder and the version of libtorch on, and sets the run path of the programs.
fn libtorch() {
    let Ok(lib) = env::var("DEP_TCH_LIBTORCH_LIB") else {
        return; // torch-sys names no folder for documentation builds and on Windows
    };
    println!("cargo::rustc-env=REPRO_LIBTORCH_LIB={lib}");
    if let Some(version) = version_of_headers(Path::new(&lib)) {
        println!("cargo::rustc-env=REPRO_LIBTORCH_VERSION={version}");
    }
    #[cfg(feature = "engine")]
    shim(Path::new(&lib));
    println!("cargo::rustc-link-arg=-Wl,-rpath,{lib}");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // A RUNPATH, which LD_LIBRARY_PATH precedes: a build for the CPU can run on a machine's
        // libtorch for CUDA.
        println!("cargo::rustc-link-arg=-Wl,--enable-new-dtags");
        // `repro` calls no function of libtorch. The linker drops unused objects, and with them the
        // library, so that no start waits for it; but symbols of archives that the library defines
        // too count as used unless they are hidden.
        println!("cargo::rustc-link-arg-bin=repro=-Wl,--exclude-libs,ALL");
    }
}

/// Compiles the calls that tch does not have, with the headers beside the libraries or in
/// `LIBTORCH_INCLUDE`.
#[cfg(feature = "engine")]
fn shim(lib: &Path) {
    println!("cargo::rerun-if-env-changed=LIBTORCH_INCLUDE");
    let named = env::var_os("LIBTORCH_INCLUDE").map(PathBuf::from);
    let include = named.or_else(|| Some(lib.parent()?.to_owned()));
    let include = include.expect("libtorch is in a folder").join("include");
    let mut build = cc::Build::new();
    build.cpp(true).std("c++17").warnings(false).include(include);
    build.file("src/engine/device/shim.cpp").compile("repro_shim");
}

/// A digest of the names and contents of all sources, in the order of names: equal for programs
/// that are built from the same sources.
fn digest_of_sources() -> u64 {
    let mut files = vec![PathBuf::from("Cargo.lock")];
    let mut folders = vec![PathBuf::from("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let list = if path.is_dir() { &mut folders } else { &mut files };
            list.push(path);
        }
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in &files {
        let contents = fs::read(file).unwrap_or_default();
        hasher.write(file.to_string_lossy().as_bytes());
        hasher.write_usize(contents.len());
        hasher.write(&contents);
    }
    hasher.finish()
}

/// "2.11.0", from the headers beside the libraries; `None` if they are elsewhere
/// (`LIBTORCH_INCLUDE`).
fn version_of_headers(lib: &Path) -> Option<String> {
    let header = lib.parent()?.join("include/torch/headeronly/version.h");
    println!("cargo::rerun-if-changed={}", header.display());
    let text = fs::read_to_string(header).ok()?;
    let field = |name: &str| {
        text.lines().find_map(|line| {
            line.strip_prefix("#define TORCH_VERSION_")?
                .strip_prefix(name)?
                .trim()
                .parse::<u32>()
                .ok()
        })
    };
    Some(format!("{}.{}.{}", field("MAJOR")?, field("MINOR")?, field("PATCH")?))
}
