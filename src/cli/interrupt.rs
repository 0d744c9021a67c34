//! Ctrl-C: the first interrupt stops running work where nothing is lost, the second ends the
//! process. SIGTERM and SIGHUP do the same.
//!
//! A signal that was ignored when the program started stays ignored: that is what `nohup` asks for,
//! and a shell for what it starts in the background.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::messages::message;

static STOP: AtomicBool = AtomicBool::new(false);
/// Signals within this time count as one: `timeout` sends one to a process and one to its group.
const TOGETHER: Duration = Duration::from_millis(500);

/// A flag that is set by the first Ctrl-C.
pub(super) fn flag() -> &'static AtomicBool {
    static HANDLER: OnceLock<()> = OnceLock::new();
    HANDLER.get_or_init(|| {
        // If no handler can be set, Ctrl-C ends the process, which loses no finished work either.
        let first = OnceLock::new();
        let handle = move || {
            let now = Instant::now();
            if now.duration_since(*first.get_or_init(|| now)) > TOGETHER {
                crate::cli::process::exit(super::exit::INTERRUPTED);
            }
            if !STOP.swap(true, Ordering::Relaxed) {
                message!(
                    "stopping; finished work is kept, and the same command resumes from there"
                );
            }
        };
        keep_ignored(|| _ = ctrlc::set_handler(handle));
    });
    &STOP
}

/// Sets handlers, and ignores again what was ignored before: `ctrlc` handles all of its signals.
fn keep_ignored(set_handlers: impl FnOnce()) {
    let mut ignored = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP].to_vec();
    ignored.retain(|signal| is_ignored(*signal));
    set_handlers();
    for signal in ignored {
        // SAFETY: ignoring a signal runs no code of ours.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

fn is_ignored(signal: libc::c_int) -> bool {
    // SAFETY: every bit pattern of `sigaction` is one, and zeros are the default action.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: without a new action, `sigaction` only writes the present one.
    let read = unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) };
    read == 0 && action.sa_sigaction == libc::SIG_IGN
}
