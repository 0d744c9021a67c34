//! Where commands print: results on standard output, all else on standard error. A reader that
//! closes its pipe, such as `head`, ends neither the command nor its exit code: what is printed
//! after that is dropped.

use std::{
    fmt::Arguments,
    io::{ErrorKind, Result, StdoutLock, Write},
};

use anstream::AutoStream;

use crate::util::shown::inert;

/// Prints a line on standard error, never as a command to a CI system; does nothing if standard
/// error is closed.
macro_rules! message {
    ($($words:tt)*) => { $crate::cli::messages::print(format_args!($($words)*)) };
}
pub(super) use message;

/// Use [`message!`].
pub(super) fn print(line: Arguments<'_>) {
    let line = line.to_string();
    let _ = writeln!(AutoStream::auto(std::io::stderr().lock()), "{}", inert(&line));
}

/// Standard output, plain where it is no terminal, without the error of a closed pipe.
pub(super) fn stdout() -> OpenEnded<AutoStream<StdoutLock<'static>>> {
    OpenEnded(AutoStream::auto(std::io::stdout().lock()))
}

/// Writes what is left in the buffer of standard output.
pub(super) fn flush() -> Result<()> {
    OpenEnded(std::io::stdout().lock()).flush()
}

/// A writer that drops what comes after its pipe is closed.
pub(super) struct OpenEnded<W>(W);

impl<W: Write> Write for OpenEnded<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(bytes.len()),
            other => other,
        }
    }

    fn flush(&mut self) -> Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
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
