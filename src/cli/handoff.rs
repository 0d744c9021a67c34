//! From `repro`, which judges, to `repro-engine`, which computes. libtorch takes longer to load
//! than most commands run, so `repro` is linked without it. When a command needs libtorch, `repro`
//! becomes `repro-engine`, in the same folder: the same process, arguments and streams.

#[cfg(feature = "engine")]
use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::{Failure, runtime::Engine};
#[cfg(feature = "engine")]
use super::{exit, messages::message};
#[cfg(feature = "engine")]
use crate::engine::oom::is_out_of_memory;

/// The variable in which `repro` passes the digest of its build, so that an engine of another build
/// refuses to run.
#[cfg(feature = "engine")]
pub(super) const CALLER: &str = "REPRO_ENGINE_CALLER";
/// A digest of the sources that both programs are built from.
#[cfg(feature = "engine")]
pub(super) const BUILD: &str = env!("REPRO_SOURCES");

/// Whether this process was `repro` and became `repro-engine`, and so has parsed its command line,
/// and printed notes on it, before.
pub(super) fn is_taking_over() -> bool {
    #[cfg(feature = "engine")]
    return std::env::var_os(CALLER).is_some();
    #[cfg(not(feature = "engine"))]
    return false;
}

/// The engine of this program. A program without one becomes `repro-engine`, and this does not
/// return.
///
/// # Errors
/// If this build has no engine, or it can't be started.
pub(super) fn required(
    engine: Option<&'static dyn Engine>,
) -> Result<&'static dyn Engine, Failure> {
    engine.ok_or_else(take_over)
}

/// Hands the command over at once if this build has an engine; otherwise the command continues
/// without.
///
/// # Errors
/// If this build has an engine and it can't be started.
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
        "build it with libtorch, in the project's folder: `make build`",
    )
}

/// Becomes `repro-engine`; returns only if that fails.
#[cfg(feature = "engine")]
fn take_over() -> Failure {
    if let Err(cause) = std::env::current_dir() {
        let what = format!("failed to find the working folder: {cause}");
        let help = "it was removed or can't be read: change to another folder";
        return Failure::new(exit::INPUT, miette::miette!(help = help, "{what}"));
    }
    let program = match engine_program() {
        Ok(program) => program,
        Err(failure) => return failure,
    };
    if let Err(failure) = probe(&program) {
        return failure;
    }
    let mut command = Command::new(&program);
    command.args(std::env::args_os().skip(1)).env(CALLER, BUILD);
    let cause = replace_process(command);
    not_started(&program, &cause.to_string())
}

/// The path of `repro-engine`.
#[cfg(feature = "engine")]
fn engine_program() -> Result<PathBuf, Failure> {
    let this = std::env::current_exe().map_err(|cause| {
        Failure::new(exit::INPUT, miette::miette!("failed to find this program's folder: {cause}"))
    })?;
    let name = format!("repro-engine{}", std::env::consts::EXE_SUFFIX);
    let program = this.with_file_name(name);
    if program.is_file() {
        return Ok(program);
    }
    let missing = format!("failed to find {}, which runs fine-tunes", program.display());
    let help = "build both programs, in the project's folder: `cargo build --release`";
    Err(Failure::new(exit::INPUT, miette::miette!(help = help, "{missing}")))
}

/// Starts it once to find out whether libtorch loads: after the process has become another, the
/// loader's error can no longer be explained.
#[cfg(feature = "engine")]
fn probe(program: &Path) -> Result<(), Failure> {
    let ran = Command::new(program).arg("--version").env(CALLER, BUILD).output();
    let ran = ran.map_err(|cause| not_started(program, &cause.to_string()))?;
    if ran.status.success() {
        return Ok(());
    }
    let error = String::from_utf8_lossy(&ran.stderr);
    if ran.status.code() == Some(i32::from(exit::INPUT)) {
        // It is of another build, and says so.
        message!("{}", error.trim_end());
        return Err(Failure::silent(exit::INPUT));
    }
    let first = error.lines().find(|line| !line.is_empty());
    Err(not_started(program, first.unwrap_or("it ended without a message").trim()))
}

#[cfg(feature = "engine")]
fn not_started(program: &Path, cause: &str) -> Failure {
    let what = format!("failed to start {} with libtorch: {cause}", program.display());
    if is_out_of_memory(cause) || cause.contains("failed to map segment") {
        let help = "free memory, or raise the limit (`ulimit -v`), then run the same command again";
        return Failure::new(exit::FAILED, miette::miette!(help = help, "{what}: out of memory"));
    }
    let help = match std::env::var_os("LD_LIBRARY_PATH") {
        Some(_) => {
            "unset LD_LIBRARY_PATH, or set it to a libtorch of the version that it was built with"
        }
        None => "run `make setup` in the project's folder, then build it again",
    };
    Failure::new(exit::INPUT, miette::miette!(help = help, "{what}"))
}

/// Checks that the calling `repro`, if any, is of the same build.
///
/// # Errors
/// If it is of another build.
#[cfg(feature = "engine")]
pub(super) fn check_caller() -> Result<(), Failure> {
    match std::env::var(CALLER) {
        Ok(caller) if caller != BUILD => {
            let help = "build both programs, in the project's folder: `cargo build --release`";
            let what = "repro-engine is of another build than repro";
            Err(Failure::new(exit::INPUT, miette::miette!(help = help, "{what}")))
        }
        _ => Ok(()),
    }
}

#[cfg(all(feature = "engine", unix))]
fn replace_process(mut command: Command) -> std::io::Error {
    use std::os::unix::process::CommandExt;
    command.exec()
}

/// On systems where a process can't become another program, it starts that program and waits for
/// it.
#[cfg(all(feature = "engine", not(unix)))]
fn replace_process(mut command: Command) -> std::io::Error {
    match command.status() {
        Ok(status) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            super::process::exit(code.unwrap_or(exit::INPUT))
        }
        Err(cause) => cause,
    }
}
