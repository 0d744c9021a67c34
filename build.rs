//! Passes the folder of libtorch to the linker and the crate, so that the programs run from any
//! folder without an environment variable, and a digest of the sources to the crate. torch-sys
//! finds libtorch, and `scripts/setup.py` installs it. Lists the further zoos of the smoke world and
//! its specification curves, which the crate embeds.

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
    commit();
    list_zoos().expect("the zoos of goldens/smoke can be listed");
    list_sensitivities().expect("the curves of goldens/smoke can be listed");
    if env::var_os("CARGO_FEATURE_ENGINE").is_some() {
        libtorch();
    }
}

/// Passes on the commit that the sources are of, with `-dirty` if they were changed since; nothing
/// outside a repository, and for debug builds, which would be made again after each commit.
fn commit() {
    const COMMITS: &str = ".git/logs/HEAD";
    if env::var("PROFILE").is_ok_and(|profile| profile == "debug") {
        return;
    }
    if Path::new(COMMITS).exists() {
        println!("cargo::rerun-if-changed={COMMITS}");
    }
    let args = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"];
    let described = std::process::Command::new("git").args(args).output();
    let Some(described) = described.ok().filter(|output| output.status.success()) else { return };
    println!("cargo::rustc-env=REPRO_COMMIT={}", String::from_utf8_lossy(&described.stdout).trim());
}

/// Writes the lists of cards and of weights in `goldens/smoke/zoos/NUMBER` as Rust: the zoo's
/// number, the model's name (weights alone), the file. Zoos are in the order of numbers, models in
/// that of names.
fn list_zoos() -> std::io::Result<()> {
    const ZOOS: &str = "goldens/smoke/zoos";
    // A folder that does not exist counts as changed at every build.
    let watched = if Path::new(ZOOS).exists() { ZOOS } else { "goldens/smoke" };
    println!("cargo::rerun-if-changed={watched}");
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let mut files = Vec::new();
    for zoo in fs::read_dir(ZOOS).into_iter().flatten() {
        let zoo = zoo?;
        let Ok(number) = zoo.file_name().to_string_lossy().parse::<u32>() else { continue };
        for file in fs::read_dir(zoo.path())? {
            files.push((number, Path::new(&root).join(file?.path())));
        }
    }
    files.sort();
    let (mut cards, mut weights) = (String::from("&[\n"), String::from("&[\n"));
    for (number, path) in &files {
        let role = path.file_stem().unwrap_or_default().to_string_lossy();
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        if extension == "json" {
            cards += &format!("({number}, include_str!({path:?})),\n");
        } else if extension == "safetensors" {
            weights += &format!("({number}, {role:?}, include_bytes!({path:?})),\n");
        }
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("zoo_cards.rs"), cards + "]")?;
    fs::write(out.join("zoo_weights.rs"), weights + "]")
}

/// Writes the lists of `curve-CLAIM.json` and of `CLAIM.txt` in `goldens/smoke/sensitivity` as
/// Rust: the claim, the file.
fn list_sensitivities() -> std::io::Result<()> {
    const CURVES: &str = "goldens/smoke/sensitivity";
    println!("cargo::rerun-if-changed={CURVES}");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let (mut curves, mut texts) = (Vec::new(), Vec::new());
    for file in fs::read_dir(CURVES)? {
        let path = root.join(file?.path());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let entry = |claim: &str| format!("({claim:?}, include_str!({path:?})),\n");
        let curve = name.strip_prefix("curve-").and_then(|name| name.strip_suffix(".json"));
        curves.extend(curve.map(entry));
        texts.extend(name.strip_suffix(".txt").map(entry));
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    for (name, mut list) in [("curves.rs", curves), ("sensitivities.rs", texts)] {
        list.sort();
        fs::write(out.join(name), format!("&[\n{}]", list.concat()))?;
    }
    Ok(())
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
