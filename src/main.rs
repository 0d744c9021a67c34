//! `repro`, the program that judges: runs the command line and exits with its code.

fn main() {
    repro::cli::process::exit(repro::cli::main(None));
}
