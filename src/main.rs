//! Maps what the command line asked for to an exit code, and does nothing else.

fn main() {
    repro::device::exit(repro::cli::main());
}
