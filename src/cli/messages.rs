//! Where commands print: results on standard output, all else on standard error. A reader that
//! closes its pipe, such as `head`, or a terminal that was closed, ends neither the command nor its
//! exit code: what is printed after that is dropped. A message that can't be printed, whatever the
//! reason, is dropped too; a result that can't is an error.

use std::{
    fmt::Arguments,
    io::{Error, ErrorKind, Result, StdoutLock, Write},
};

use anstream::AutoStream;

use crate::util::shown::inert;

/// Prints a line on standard error, never as a command to a CI system; does nothing if standard
/// error is closed, full or gone.
macro_rules! message {
    ($($words:tt)*) => { $crate::cli::messages::print(format_args!($($words)*)) };
}
pub(super) use message;

/// Use [`message!`].
pub(super) fn print(line: Arguments<'_>) {
    let line = line.to_string();
    let _ = writeln!(AutoStream::auto(std::io::stderr().lock()), "{}", inert(&line));
}

/// Standard output, plain where it is no terminal, without the error of a reader that is gone.
pub(super) fn stdout() -> OpenEnded<AutoStream<StdoutLock<'static>>> {
    OpenEnded(AutoStream::auto(std::io::stdout().lock()))
}

/// Writes what is left in the buffer of standard output.
pub(super) fn flush() -> Result<()> {
    OpenEnded(std::io::stdout().lock()).flush()
}

/// A writer that drops what comes after its reader is gone.
pub(super) struct OpenEnded<W>(W);

impl<W: Write> Write for OpenEnded<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        match self.0.write(bytes) {
            Err(error) if is_reader_gone(&error) => Ok(bytes.len()),
            other => other,
        }
    }

    fn flush(&mut self) -> Result<()> {
        match self.0.flush() {
            Err(error) if is_reader_gone(&error) => Ok(()),
            other => other,
        }
    }
}

/// Whether nobody can read what is written: a closed pipe, or a terminal that was closed, which
/// answers with EIO. A disk answers with EIO if it is faulty.
fn is_reader_gone(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::BrokenPipe => true,
        _ => error.raw_os_error() == Some(libc::EIO) && stdout_is_a_device(),
    }
}

/// Whether standard output is a character device. A terminal that was closed is one still, but
/// `is_terminal` no longer says so.
fn stdout_is_a_device() -> bool {
    // SAFETY: zeros are a valid `stat`.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `fstat` writes the one that it gets.
    let read = unsafe { libc::fstat(libc::STDOUT_FILENO, &raw mut stat) };
    read == 0 && stat.st_mode & libc::S_IFMT == libc::S_IFCHR
}

/// Notes on old spellings are printed once, by the program that was called: the engine that takes
/// over parses the same command line again.
pub(super) fn old_spelling(old: &str, new: &str) {
    if !super::handoff::is_taking_over() {
        message!("note: {old} is an old spelling: use {new}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_error_and_a_full_disk_is_one() {
        let mut closed = OpenEnded(Failing(ErrorKind::BrokenPipe));
        assert!(closed.write_all(b"text").is_ok() && closed.flush().is_ok());
        let mut full = OpenEnded(Failing(ErrorKind::StorageFull));
        assert!(full.write_all(b"text").is_err() && full.flush().is_err());
    }
}
