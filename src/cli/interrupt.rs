//! Ctrl-C: the first asks running work to stop at the next place where nothing is lost, the second
//! ends the process.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

static STOP: AtomicBool = AtomicBool::new(false);
/// Signals within this are one: `timeout` sends its own to a process and to its group.
const TOGETHER: Duration = Duration::from_millis(500);

/// A flag that is set by the first Ctrl-C.
pub(super) fn flag() -> &'static AtomicBool {
    static HANDLER: OnceLock<()> = OnceLock::new();
    HANDLER.get_or_init(|| {
        // Where no handler can be set, Ctrl-C ends the process, which loses no finished work either.
        let first = OnceLock::new();
        let _ = ctrlc::set_handler(move || {
            let now = Instant::now();
            if now.duration_since(*first.get_or_init(|| now)) > TOGETHER {
                crate::cli::process::exit(super::exit::INTERRUPTED);
            }
            if !STOP.swap(true, Ordering::Relaxed) {
                eprintln!(
                    "stopping; what is finished is kept, and the same command goes on from there"
                );
            }
        });
    });
    &STOP
}
