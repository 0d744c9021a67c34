//! Tells the linker and the crate where libtorch lies, so that what is built here runs from any
//! folder with no environment variable. Finding libtorch is torch-sys's business, putting it there
//! that of `scripts/setup.py`.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let Ok(lib) = env::var("DEP_TCH_LIBTORCH_LIB") else {
        return; // torch-sys names no folder where it does not link (docs) and on Windows
    };
    println!("cargo::rustc-env=REPRO_LIBTORCH_LIB={lib}");
    if let Some(version) = version_of_headers(Path::new(&lib)) {
        println!("cargo::rustc-env=REPRO_LIBTORCH_VERSION={version}");
    }
    println!("cargo::rustc-link-arg=-Wl,-rpath,{lib}");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // A RUNPATH, which LD_LIBRARY_PATH goes before: so a slim build runs on a machine's full
        // libtorch.
        println!("cargo::rustc-link-arg=-Wl,--enable-new-dtags");
    }
}

/// "2.11.0", from the headers beside the libraries; `None` where the headers lie elsewhere
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
