//! Progress with an estimate on standard error: one line that is written over where somebody looks
//! on, a line now and then where nobody does.

use std::{
    io::{IsTerminal, Write},
    sync::Mutex,
    time::{Duration, Instant},
};

/// Where nobody looks on, a line this often.
const EVERY: Duration = Duration::from_secs(15);

/// Work that is counted, each piece with its price.
pub(super) struct Progress {
    what: String,
    total: usize,
    price: f64,
    state: Mutex<State>,
}

struct State {
    done: usize,
    paid: f64,
    begun: Instant,
    told: Instant,
}

impl Progress {
    /// So many pieces of work, of a price in all.
    pub fn new(what: &str, total: usize, price: f64) -> Self {
        let begun = Instant::now();
        let state = Mutex::new(State { done: 0, paid: 0.0, begun, told: begun });
        Self { what: what.to_owned(), total, price, state }
    }

    /// A piece is done.
    pub fn done(&self, price: f64) {
        let mut state = self.state.lock().expect("no panic holds it");
        state.done += 1;
        state.paid += price;
        let spent = state.begun.elapsed().as_secs_f64();
        let left = spent * (self.price - state.paid).max(0.0) / state.paid.max(f64::MIN_POSITIVE);
        let last = state.done == self.total;
        let line = format!(
            "{}: {} of {}, {} so far, about {} left",
            self.what,
            state.done,
            self.total,
            minutes(spent),
            minutes(left)
        );
        let terminal = std::io::stderr().is_terminal();
        if terminal {
            let _ = write!(std::io::stderr(), "\r{line:<79}{}", if last { "\n" } else { "" });
        } else if last || state.told.elapsed() > EVERY {
            state.told = Instant::now();
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}

/// `1:05`, minutes and seconds; hours before them where there are any.
pub(super) fn minutes(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}
