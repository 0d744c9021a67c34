//! Progress with an estimate on standard error: on a terminal one line that is overwritten,
//! elsewhere a new line from time to time.

mod download;

use std::{
    collections::BTreeMap,
    io::{IsTerminal, Write},
    os::fd::AsFd,
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::{figure::numbers::counted, plan::cost::Cost, util::duration};

pub(super) use download::DownloadProgress;

/// Time between two lines where standard error is no terminal.
const EVERY: Duration = Duration::from_secs(15);
/// Time between two lines on a terminal.
const BLINK: Duration = Duration::from_millis(200);

/// Work in pieces, each with its cost. It comes in parts: how many there will be is known when the
/// last of them begins, and how many there are at most from the first one on.
pub(super) struct WorkProgress {
    what: String,
    state: Mutex<State>,
}

struct State {
    done: usize,
    /// Pieces of this part and of those before it.
    now: usize,
    /// Pieces of all parts at most.
    at_most: usize,
    begun: Instant,
    part: Part,
    printed: Option<Instant>,
}

/// What of a part's cost is spent, in any unit.
struct Part {
    cost: f64,
    spent: f64,
    begun: Instant,
}

impl WorkProgress {
    pub fn new(what: &str) -> Self {
        let begun = Instant::now();
        let part = Part { cost: 0.0, spent: 0.0, begun };
        let state = State { done: 0, now: 0, at_most: 0, begun, part, printed: None };
        Self { what: what.to_owned(), state: Mutex::new(state) }
    }

    /// A part begins: pieces of work that cost `cost` together. From now on there are `at_most`.
    pub fn begins(&self, pieces: usize, at_most: usize, cost: f64) {
        let mut state = self.state.lock().expect("no panic holds it");
        // What another process removed or failed to run is not awaited.
        state.now = state.done + pieces;
        state.at_most = state.done + at_most;
        state.part = Part { cost, spent: 0.0, begun: Instant::now() };
        if std::io::stderr().is_terminal() {
            self::line(&state.line(&self.what), false);
        }
    }

    /// Pieces of all parts that are done.
    pub fn finished(&self) -> usize {
        self.state.lock().expect("no panic holds it").done
    }

    /// A piece is done.
    pub fn done(&self, cost: f64) {
        let mut state = self.state.lock().expect("no panic holds it");
        state.done += 1;
        state.part.spent += cost;
        let last = state.done == state.now;
        let due = state.printed.is_none_or(|printed| printed.elapsed() > EVERY);
        if std::io::stderr().is_terminal() || last || due {
            state.printed = Some(Instant::now());
            self::line(&state.line(&self.what), last);
        }
    }
}

impl State {
    /// `smoke: 12 of 510 now, at most 756 in all, 0:05 so far, about 3:20 left of the 510`.
    fn line(&self, what: &str) -> String {
        let Self { done, now, at_most, part, .. } = self;
        let spent = part.begun.elapsed().as_secs_f64();
        let left = spent * (part.cost - part.spent).max(0.0) / part.spent;
        let left = match left {
            left if left.is_finite() && done < now => format!(", about {} left", duration(left)),
            _ => String::new(),
        };
        let so_far = duration(self.begun.elapsed().as_secs_f64());
        if at_most > now {
            let of_these = if left.is_empty() { String::new() } else { format!(" of the {now}") };
            format!(
                "{what}: {done} of {now} now, at most {at_most} in all, {so_far} so \
                 far{left}{of_these}"
            )
        } else {
            format!("{what}: {done} of {now}, {so_far} so far{left}")
        }
    }
}

/// How fast fine-tunes ran, for a last line.
#[derive(Default)]
pub(super) struct Pace {
    begun: Option<Instant>,
    /// When the last one finished: after that it waits for other processes.
    last: Option<Instant>,
    finished: usize,
    images: f64,
}

impl Pace {
    /// Fine-tunes begin; the first time counts.
    pub fn begins(&mut self) {
        self.begun.get_or_insert_with(Instant::now);
    }

    /// One has finished.
    pub fn ended(&mut self, cost: Cost) {
        self.finished += 1;
        self.last = Some(Instant::now());
        self.images += cost.trained + cost.tested;
    }

    /// The line; `None` if it took less than two seconds or nothing finished.
    pub fn line(&self) -> Option<String> {
        let spent = self.last?.duration_since(self.begun?);
        (spent > Images::SOON).then(|| {
            let each_second = self.images / spent.as_secs_f64();
            format!(
                "{}, {each_second:.0} images a second trained on or tested",
                counted(self.finished, "fine-tune")
            )
        })
    }
}

/// Prints the progress of reading many images, after two seconds of it: a
/// [`crate::assets::ReadProgress`]. Several may run at once, each under its own name.
pub(super) fn images(what: &str, done: usize, in_all: usize) {
    static NOW: Mutex<BTreeMap<String, Images>> = Mutex::new(BTreeMap::new());
    let mut now = NOW.lock().expect("no panic holds it");
    let begun = Instant::now();
    let running = now.entry(what.to_owned()).or_insert(Images { begun, printed: None });
    if let Some(text) = running.line(what, done, in_all, Instant::now()) {
        line(&text, done == in_all);
    }
    if done == in_all {
        now.remove(what);
    }
}

/// Images of which some are done.
struct Images {
    begun: Instant,
    printed: Option<Instant>,
}

impl Images {
    /// Work that takes less is not reported.
    const SOON: Duration = Duration::from_secs(2);

    /// The line to print now, if any.
    fn line(&mut self, what: &str, done: usize, in_all: usize, now: Instant) -> Option<String> {
        let every = if std::io::stderr().is_terminal() { BLINK } else { EVERY };
        let spent = now.duration_since(self.begun);
        let due = self.printed.is_none_or(|printed| now.duration_since(printed) >= every);
        let last = done == in_all && self.printed.is_some();
        if spent < Self::SOON || !(due || last) {
            return None;
        }
        self.printed = Some(now);
        let spent = spent.as_secs_f64();
        let left = spent * (in_all - done) as f64 / done.max(1) as f64;
        Some(format!(
            "{what}: {done} of {in_all} images, {} so far, about {} left",
            duration(spent),
            duration(left)
        ))
    }
}

/// Prints a line that stays, over one that is overwritten.
pub(super) fn report(text: &str) {
    line(text, true);
}

/// Prints a line over the last one on a terminal, after it elsewhere.
fn line(text: &str, stays: bool) {
    let mut to = std::io::stderr();
    // There is nowhere to report that standard error can't be written.
    let _ = match to.is_terminal() {
        // The rest of a longer line is cleared.
        true if stays => writeln!(to, "\r{text}\x1b[K"),
        // A line that wraps could not be overwritten.
        true => write!(to, "\r{}\x1b[K", cut(text, columns(&to))),
        false => writeln!(to, "{text}"),
    };
}

/// The width of the terminal; `None` if it has none.
fn columns(terminal: &impl AsFd) -> Option<usize> {
    terminal_size::terminal_size_of(terminal).map(|(columns, _)| columns.0.into())
}

/// The start of a text that leaves the last column free.
fn cut(text: &str, columns: Option<usize>) -> &str {
    let end = columns.and_then(|columns| text.char_indices().nth(columns.saturating_sub(1)));
    end.map_or(text, |(end, _)| &text[..end])
}

/// `12.3 MB`, or in kB where it is less than one of them.
pub(super) fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..10_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// Bytes in a table: `305 MB`, `1.4 GB`.
pub(super) fn size(bytes: u64) -> String {
    match bytes as f64 {
        0.0 => "0".to_owned(),
        bytes if bytes < 999.5e6 => format!("{:.0} MB", (bytes / 1e6).max(1.0)),
        bytes => format!("{:.1} GB", bytes / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fine_tunes_of_more_than_two_seconds_end_with_their_speed() {
        let mut pace = Pace::default();
        assert_eq!(pace.line(), None);
        let after = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds));
        pace.begun = after(10);
        assert_eq!(pace.line(), None, "none has finished");
        pace.begins();
        let cost = Cost { trained: 900.0, tested: 100.0, flops: 1.0 };
        (0..3).for_each(|_| pace.ended(cost));
        let line = "3 fine-tunes, 300 images a second trained on or tested";
        assert_eq!(pace.line().as_deref(), Some(line));
        pace.begun = after(1);
        assert_eq!(pace.line(), None);
    }

    #[test]
    fn progress_counts_towards_all_that_may_run() {
        let work = WorkProgress::new("smoke");
        let line = || work.state.lock().unwrap().line("smoke");
        work.begins(510, 756, 510.0);
        assert_eq!(line(), "smoke: 0 of 510 now, at most 756 in all, 0.0 s so far");
        (0..510).for_each(|_| work.done(1.0));
        assert_eq!(line(), "smoke: 510 of 510 now, at most 756 in all, 0.0 s so far");
        assert_eq!(work.finished(), 510);
        // After the first look, some hypotheses are decided.
        work.begins(40, 70, 40.0);
        assert_eq!(line(), "smoke: 510 of 550 now, at most 580 in all, 0.0 s so far");
        (0..40).for_each(|_| work.done(1.0));
        work.begins(30, 30, 30.0);
        work.done(1.0);
        assert_eq!(line(), "smoke: 551 of 580, 0.0 s so far, about 0.0 s left");
    }

    #[test]
    fn a_line_that_is_overwritten_fits_the_terminal() {
        assert_eq!(cut("smoke: 12 of 510", Some(6)), "smoke");
        assert_eq!(cut("µ12", Some(3)), "µ1");
        assert_eq!((cut("smoke", Some(80)), cut("smoke", None)), ("smoke", "smoke"));
    }

    #[test]
    fn reading_images_is_reported_after_two_seconds_with_the_time_left() {
        let begun = Instant::now();
        let after = |seconds| begun + Duration::from_secs(seconds);
        let mut read = Images { begun, printed: None };
        let mut line_at = |done, now| read.line("celeba: digest", done, 10_000, now);
        assert_eq!(line_at(1_000, after(1)), None);
        let line = "celeba: digest: 2500 of 10000 images, 5.0 s so far, about 15 s left";
        assert_eq!(line_at(2_500, after(5)).as_deref(), Some(line));
        assert_eq!(line_at(2_501, after(5)), None);
        assert!(line_at(9_000, after(5 + EVERY.as_secs())).is_some());
        assert!(line_at(10_000, after(5 + EVERY.as_secs())).is_some(), "its end is reported");
        let mut short = Images { begun, printed: None };
        assert_eq!(short.line("", 10, 10, after(1)), None);
    }

    #[test]
    fn sizes_are_in_the_unit_that_fits() {
        let shown = [0, 4_542, 999_999, 1_000_000, 1_443_490_838, 20_000_000_000].map(megabytes);
        assert_eq!(shown, ["0.0 kB", "4.5 kB", "1000.0 kB", "1.0 MB", "1443.5 MB", "20.0 GB"]);
    }
}
