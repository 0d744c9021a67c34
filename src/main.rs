//! `repro`, the program that judges: runs the command line and exits with its code.

use repro::cli::process;

#[global_allocator]
static MEMORY: process::Watched = process::Watched;

fn main() {
    process::run(|| repro::cli::main(None));
}
