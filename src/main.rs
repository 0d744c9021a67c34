//! The program that judges: maps what the command line asked for to an exit code, and does nothing
//! else.

fn main() {
    repro::cli::process::exit(repro::cli::main(None));
}
