//! Ending the process: by this program, or by a library that found no memory or no threads.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, Ordering},
};

use super::exit;

/// Ends the process at once, after flushing stdout and stderr, without what libraries do at exit.
///
/// At a normal exit libtorch unregisters every operator one by one, which takes longer than most
/// commands run (0.23 s, against 0.17 s for an empty program from start to end, on one machine) and
/// has no other effect.
pub fn exit(code: u8) -> ! {
    // A closed pipe does not keep the process from ending.
    let _ = std::io::stdout().flush();
    let _ = std::io::stderr().flush();
    end(code)
}

/// Runs a program, and ends the process with its code; after a panic with Rust's own code. Too
/// little memory or threads ends it with a message and the code of a failure, in place of a signal
/// or a library's exit code. Entries and leases are then as after a kill: whole, and free for the
/// next process.
pub fn run(program: impl FnOnce() -> u8) -> ! {
    /// Rust's runtime would end by libc's `exit`, as libraries do.
    const PANICKED: u8 = 101;
    watch();
    exit(catch_unwind(AssertUnwindSafe(program)).unwrap_or(PANICKED))
}

fn end(code: u8) -> ! {
    // SAFETY: `_exit` accepts any number and does not return.
    unsafe { libc::_exit(code.into()) }
}

/// Whether an allocation of Rust's failed. The one that asked may have continued.
static HAS_FAILED: AtomicBool = AtomicBool::new(false);

/// The system's allocator, which keeps in mind that it had nothing left. Rust ends a process whose
/// allocation failed by a signal, and no stable hook comes before that.
#[derive(Debug)]
pub struct Watched;

fn watched(place: *mut u8) -> *mut u8 {
    if place.is_null() {
        HAS_FAILED.store(true, Ordering::Relaxed);
    }
    place
}

// SAFETY: every call is passed unchanged to the system's allocator, and so is its answer.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        watched(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        watched(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        watched(unsafe { System.realloc(place, layout, size) })
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        unsafe { System.dealloc(place, layout) }
    }
}

/// As a failure is printed; there may be no memory left to make it up.
const OUT_OF_MEMORY: &str = "
  × out of memory: this machine, or a limit such as `ulimit -v`, left too little
  help: free memory or raise the limit, then run the same command again; what has finished is kept,
        and nothing counts as failed; a run needs less with `--threads 1`
";
const ENDED_BY_LIBRARY: &str = "
  × a library ended the program: this machine has no threads, memory or file handles left for it
  help: free some or raise the limit (`ulimit -u`, `ulimit -n`), then run the same command again;
        what has finished is kept, and nothing counts as failed
";

/// Signals by which Rust or a library ends a process: an allocation that failed, an exception that
/// nobody caught, and memory that was used although it was never given.
const FATAL: [libc::c_int; 3] = [libc::SIGABRT, libc::SIGSEGV, libc::SIGBUS];

/// Watches for signals and exits that too little memory or threads causes.
fn watch() {
    for (place, signal) in FATAL.into_iter().enumerate() {
        // SAFETY: the handler calls only what a handler may; `BEFORE` is written here, before any
        // other thread runs, and read by handlers alone.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = ended_by_signal as *const () as usize;
            action.sa_flags = libc::SA_ONSTACK;
            libc::sigaction(signal, &raw const action, &raw mut BEFORE[place]);
        }
    }
    // SAFETY: the function does not unwind. Where it can't be registered, all is as it was.
    unsafe { libc::atexit(ended_by_library) };
}

/// What was done before on each of the signals.
// SAFETY: zeros are the default action.
static mut BEFORE: [libc::sigaction; FATAL.len()] = unsafe { std::mem::zeroed() };

extern "C" fn ended_by_signal(signal: libc::c_int) {
    if HAS_FAILED.load(Ordering::Relaxed) || !has_room() {
        print_and_end(OUT_OF_MEMORY);
    }
    // Something else: as without this handler, by what is done again after it.
    let before = FATAL.iter().position(|one| *one == signal).unwrap_or(0);
    // SAFETY: `BEFORE` has the action that `sigaction` gave.
    unsafe { libc::sigaction(signal, &raw const BEFORE[before], std::ptr::null_mut()) };
}

/// [`exit`] does not come here.
extern "C" fn ended_by_library() {
    print_and_end(ENDED_BY_LIBRARY);
}

fn print_and_end(text: &str) -> ! {
    // SAFETY: the bytes are as many as stated. A message that can't be printed is dropped.
    let _ = unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
    end(exit::FAILED)
}

/// Whether as much memory as a thread's first allocation reserves can be had.
fn has_room() -> bool {
    const ROOM: usize = 128 << 20;
    let (access, kind) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: the system chooses a place of its own, which nobody else uses until it is given back.
    unsafe {
        let place = libc::mmap(std::ptr::null_mut(), ROOM, access, kind, -1, 0);
        place != libc::MAP_FAILED && libc::munmap(place, ROOM) == 0
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const CHILD: &str = "REPRO_TEST_PANICS";

    /// A program of the next test, in a process of its own.
    #[test]
    fn a_program_that_panics() {
        if std::env::var_os(CHILD).is_some() {
            run(|| panic!("a defect"));
        }
    }

    #[test]
    fn a_panic_is_not_blamed_on_the_machine() {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "--nocapture", "cli::process::tests::a_program_that_panics"]);
        let ran = command.env(CHILD, "1").output().unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(101), "{said}");
        assert!(said.contains("a defect") && !said.contains("this machine"), "{said}");
    }
}
