//! Ctrl-C: the first asks running work to stop at the next place where nothing is lost, the second
//! ends the process.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

static STOP: AtomicBool = AtomicBool::new(false);

/// A flag that is set by the first Ctrl-C.
pub(super) fn flag() -> &'static AtomicBool {
    static HANDLER: OnceLock<()> = OnceLock::new();
    HANDLER.get_or_init(|| {
        // Where no handler can be set, Ctrl-C ends the process, which loses no finished work either.
        let _ = ctrlc::set_handler(|| {
            if STOP.swap(true, Ordering::Relaxed) {
                crate::device::exit(super::exit::INTERRUPTED);
            }
            eprintln!(
                "stopping; what is finished is kept, and the same command goes on from there"
            );
        });
    });
    &STOP
}
