//! `repro-engine`, the program that computes with libtorch: `repro` becomes it when a command needs to.

use repro::cli::process;

#[global_allocator]
static MEMORY: process::Watched = process::Watched;

fn main() {
    process::run(|| repro::cli::main(Some(repro::cli::EngineHandle::torch())));
}
