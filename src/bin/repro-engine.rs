//! `repro-engine`, the program that computes with libtorch: `repro` becomes it when a command needs to.

fn main() {
    repro::cli::process::exit(repro::cli::main(Some(repro::cli::EngineHandle::torch())));
}
