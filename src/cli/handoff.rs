//! From the program that judges to the one that computes. libtorch takes longer to load than most
//! commands take, so `repro` is linked without it, and becomes `repro-engine`, which lies beside it,
//! when a command comes to need it: the same process, arguments and streams.

#[cfg(feature = "engine")]
use std::{
    path::{Path, PathBuf},
    process::Command,
};

#[cfg(feature = "engine")]
use super::exit;
use super::{Failure, runtime::Engine};

/// Where the program that judges says which build of it calls, so that an engine of another build is
/// refused.
#[cfg(feature = "engine")]
pub(super) const CALLER: &str = "REPRO_ENGINE_CALLER";
/// A digest of the sources that both programs are built from.
#[cfg(feature = "engine")]
pub(super) const BUILD: &str = env!("REPRO_SOURCES");

/// The engine, where this program has one; else the one that has takes over, and this never returns.
///
/// # Errors
/// If there is no such program, or it can't be started.
pub(super) fn required(
    engine: Option<&'static dyn Engine>,
) -> Result<&'static dyn Engine, Failure> {
    engine.ok_or_else(take_over)
}

/// Hands the command over at once where a program that computes belongs to this build; where none does
/// the command goes on, without an engine.
///
/// # Errors
/// If there is such a program, and it can't be started.
pub(super) fn rather(engine: Option<&'static dyn Engine>) -> Result<(), Failure> {
    match engine {
        None if cfg!(feature = "engine") => Err(take_over()),
        _ => Ok(()),
    }
}

#[cfg(not(feature = "engine"))]
fn take_over() -> Failure {
    Failure::usage(
        "this build of repro has no engine, which runs fine-tunes and trains source models",
        "build it with libtorch where the project is: `make build`",
    )
}

/// Becomes the program that computes; what comes back is why that could not be.
#[cfg(feature = "engine")]
fn take_over() -> Failure {
    if let Err(cause) = std::env::current_dir() {
        let what = format!("failed to find the working folder: {cause}");
        let help = "it was removed or can't be read: change to a folder that is there";
        return Failure::new(exit::INPUT, miette::miette!(help = help, "{what}"));
    }
    let program = match beside() {
        Ok(program) => program,
        Err(failure) => return failure,
    };
    if let Err(failure) = probed(&program) {
        return failure;
    }
    let mut command = Command::new(&program);
    command.args(std::env::args_os().skip(1)).env(CALLER, BUILD);
    let cause = become_it(command);
    not_started(&program, &cause.to_string())
}

/// The program that computes.
#[cfg(feature = "engine")]
fn beside() -> Result<PathBuf, Failure> {
    let this = std::env::current_exe().map_err(|cause| {
        Failure::new(exit::INPUT, miette::miette!("failed to find this program's folder: {cause}"))
    })?;
    let name = format!("repro-engine{}", std::env::consts::EXE_SUFFIX);
    let program = this.with_file_name(name);
    if program.is_file() {
        return Ok(program);
    }
    let missing = format!("failed to find {}, which runs fine-tunes", program.display());
    let help = "build both programs: `cargo build --release` where the project is";
    Err(Failure::new(exit::INPUT, miette::miette!(help = help, "{missing}")))
}

/// Starts it once to no end, since what the system's loader says of libtorch is not for people, and can't be
/// caught afterwards.
#[cfg(feature = "engine")]
fn probed(program: &Path) -> Result<(), Failure> {
    let ran = Command::new(program).arg("--version").env(CALLER, BUILD).output();
    let ran = ran.map_err(|cause| not_started(program, &cause.to_string()))?;
    if ran.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    if ran.status.code() == Some(i32::from(exit::INPUT)) {
        // Its own words: it is of another build.
        eprint!("{said}");
        return Err(Failure::silent(exit::INPUT));
    }
    Err(not_started(program, said.lines().next().unwrap_or("it ended without a word")))
}

#[cfg(feature = "engine")]
fn not_started(program: &Path, cause: &str) -> Failure {
    let what = format!("failed to start {} with libtorch: {cause}", program.display());
    let help = match std::env::var_os("LD_LIBRARY_PATH") {
        Some(_) => {
            "unset LD_LIBRARY_PATH, or let it name a libtorch of the version that it was built with"
        }
        None => "run `make setup` where the project is, then build it again",
    };
    Failure::new(exit::INPUT, miette::miette!(help = help, "{what}"))
}

/// Whether the caller, if there is one, is of this build.
///
/// # Errors
/// If it is of another.
#[cfg(feature = "engine")]
pub(super) fn check_caller() -> Result<(), Failure> {
    match std::env::var(CALLER) {
        Ok(caller) if caller != BUILD => {
            let help = "build both programs: `cargo build --release` where the project is";
            let what = "repro-engine is of another build than repro";
            Err(Failure::new(exit::INPUT, miette::miette!(help = help, "{what}")))
        }
        _ => Ok(()),
    }
}

#[cfg(all(feature = "engine", unix))]
fn become_it(mut command: Command) -> std::io::Error {
    use std::os::unix::process::CommandExt;
    command.exec()
}

/// Where a process can't become another program it waits for it.
#[cfg(all(feature = "engine", not(unix)))]
fn become_it(mut command: Command) -> std::io::Error {
    match command.status() {
        Ok(status) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            super::process::exit(code.unwrap_or(exit::INPUT))
        }
        Err(cause) => cause,
    }
}
