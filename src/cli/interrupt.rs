//! Ctrl-C: the first interrupt stops running work where nothing is lost, the second ends the
//! process.

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
        let _ = ctrlc::set_handler(move || {
            let now = Instant::now();
            if now.duration_since(*first.get_or_init(|| now)) > TOGETHER {
                crate::cli::process::exit(super::exit::INTERRUPTED);
            }
            if !STOP.swap(true, Ordering::Relaxed) {
                message!(
                    "stopping; finished work is kept, and the same command resumes from there"
                );
            }
        });
    });
    &STOP
}
