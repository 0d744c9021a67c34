//! Progress with an estimate on standard error: one line that is written over where somebody looks
//! on, a line now and then where nobody does.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{IsTerminal, Write},
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::{fetch::Watch, figure::numbers::counted, plan::cost::Price};

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
        if terminal || last || state.told.elapsed() > EVERY {
            state.told = Instant::now();
            self::line(&line, last);
        }
    }
}

/// How fast fine-tunes went, for when there are no more.
#[derive(Default)]
pub(super) struct Pace {
    begun: Option<Instant>,
    /// When the last one finished: what comes after it is waiting for others.
    last: Option<Instant>,
    finished: usize,
    images: f64,
}

impl Pace {
    /// The first time that they begin counts.
    pub fn begins(&mut self) {
        self.begun.get_or_insert_with(Instant::now);
    }

    /// One has finished.
    pub fn ended(&mut self, price: Price) {
        self.finished += 1;
        self.last = Some(Instant::now());
        self.images += price.trained + price.tested;
    }

    /// What is said of it; nothing of what was over soon, or finished nothing.
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

/// `1:05`, minutes and seconds; hours before them where there are any.
pub(super) fn minutes(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// Tells how what is done to many images goes on, after two seconds of it: [`crate::assets::Reading`].
/// Several may go on at once, each under a name of its own.
pub(super) fn images(what: &str, done: usize, in_all: usize) {
    static NOW: Mutex<BTreeMap<String, Images>> = Mutex::new(BTreeMap::new());
    let mut now = NOW.lock().expect("no panic holds it");
    let begun = Instant::now();
    let going_on = now.entry(what.to_owned()).or_insert(Images { begun, told: None });
    if let Some(text) = going_on.line(what, done, in_all, Instant::now()) {
        line(&text, done == in_all);
    }
    if done == in_all {
        now.remove(what);
    }
}

/// Images of which some are done.
struct Images {
    begun: Instant,
    told: Option<Instant>,
}

impl Images {
    /// Nothing is said of what is over sooner.
    const SOON: Duration = Duration::from_secs(2);

    /// What is said now, if anything is.
    fn line(&mut self, what: &str, done: usize, in_all: usize, now: Instant) -> Option<String> {
        let every = if std::io::stderr().is_terminal() { Flow::BLINK } else { EVERY };
        let spent = now.duration_since(self.begun);
        let due = self.told.is_none_or(|told| now.duration_since(told) >= every);
        let last = done == in_all && self.told.is_some();
        if spent < Self::SOON || !(due || last) {
            return None;
        }
        self.told = Some(now);
        let spent = spent.as_secs_f64();
        let left = spent * (in_all - done) as f64 / done.max(1) as f64;
        Some(format!(
            "{what}: {done} of {in_all} images, {} so far, about {} left",
            minutes(spent),
            minutes(left)
        ))
    }
}

/// A file that comes, with its rate and the time left.
#[derive(Default)]
pub(super) struct Flow {
    state: Mutex<Option<Coming>>,
}

struct Coming {
    file: String,
    total: Option<u64>,
    /// Bytes that were there when it began.
    first: u64,
    bytes: u64,
    begun: Instant,
    told: Instant,
    /// How many bytes there were lately, by when.
    lately: VecDeque<(Instant, u64)>,
}

impl Flow {
    /// The rate is that of so long ago until now.
    const LATELY: Duration = Duration::from_secs(10);
    /// Where somebody looks on, the line is written this often.
    const BLINK: Duration = Duration::from_millis(200);

    fn with(&self, act: impl FnOnce(&mut Option<Coming>)) {
        act(&mut self.state.lock().expect("no panic holds it"));
    }
}

impl Watch for Flow {
    fn begins(&self, file: &str, bytes: u64, total: Option<u64>) {
        let now = Instant::now();
        self.with(|state| {
            let told = state.as_ref().filter(|coming| coming.file == file);
            let (begun, told) = told.map_or((now, now), |coming| (coming.begun, coming.told));
            let lately = VecDeque::from([(now, bytes)]);
            let file = file.to_owned();
            *state = Some(Coming { file, total, first: bytes, bytes, begun, told, lately });
        });
    }

    fn at(&self, bytes: u64) {
        self.with(|state| {
            let Some(coming) = state else { return };
            coming.bytes = bytes;
            let now = Instant::now();
            let every = if std::io::stderr().is_terminal() { Self::BLINK } else { EVERY };
            if now.duration_since(coming.told) < every {
                return;
            }
            coming.told = now;
            coming.lately.push_back((now, bytes));
            while coming.lately.len() > 2 && now.duration_since(coming.lately[1].0) > Self::LATELY {
                coming.lately.pop_front();
            }
            line(&coming.line(now), false);
        });
    }

    fn ends(&self, whole: bool) {
        self.with(|state| {
            let Some(coming) = state.take() else { return };
            let came = coming.bytes.saturating_sub(coming.first);
            let spent = coming.begun.elapsed().as_secs_f64();
            let rate = megabytes((came as f64 / spent.max(1e-3)) as u64);
            let (file, bytes) = (&coming.file, megabytes(coming.bytes));
            let text = if whole {
                format!("{file}: {bytes}, all of it, in {}, {rate}/s", minutes(spent))
            } else {
                format!("{file}: stopped at {bytes}")
            };
            line(&text, true);
        });
    }

    fn says(&self, text: &str) {
        line(text, true);
    }
}

impl Coming {
    fn line(&self, now: Instant) -> String {
        let (since, before) = self.lately[0];
        let spent = now.duration_since(since).as_secs_f64();
        let rate = self.bytes.saturating_sub(before) as f64 / spent.max(1e-3);
        let shown = megabytes(rate as u64);
        let of = match self.total {
            Some(total) => {
                let left = total.saturating_sub(self.bytes) as f64 / rate.max(1.0);
                let share = 100 * self.bytes / total.max(1);
                format!(
                    "of {} ({share} %), {shown}/s, about {} left",
                    megabytes(total),
                    minutes(left)
                )
            }
            None => format!("so far, {shown}/s"),
        };
        format!("{}: {} {of}", self.file, megabytes(self.bytes))
    }
}

/// Writes a line that stays, in place of one that is written over.
pub(super) fn says(text: &str) {
    line(text, true);
}

/// Writes a line over the last one where somebody looks on, after it elsewhere.
fn line(text: &str, stays: bool) {
    let mut to = std::io::stderr();
    // Nobody is told that nobody could be told.
    let _ = match to.is_terminal() {
        // What is left of a longer one is cleared.
        true => write!(to, "\r{text}\x1b[K{}", if stays { "\n" } else { "" }),
        false => writeln!(to, "{text}"),
    };
}

/// `12.3 MB`, or in kB where it is less than one of them.
pub(super) fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..10_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_is_told_with_its_rate_and_the_time_left() {
        let now = Instant::now();
        let mut coming = Coming {
            file: "x.zip".to_owned(),
            total: Some(170_000_000),
            first: 0,
            bytes: 42_500_000,
            begun: now,
            told: now,
            lately: VecDeque::from([(now, 12_500_000)]),
        };
        let later = now + Duration::from_secs(10);
        let line = "x.zip: 42.5 MB of 170.0 MB (25 %), 3.0 MB/s, about 0:43 left";
        assert_eq!(coming.line(later), line);
        coming.total = None;
        assert_eq!(coming.line(later), "x.zip: 42.5 MB so far, 3.0 MB/s");
    }

    #[test]
    fn the_pace_of_fine_tunes_is_told_of_those_that_took_more_than_two_seconds() {
        let mut pace = Pace::default();
        assert_eq!(pace.line(), None);
        let after = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds));
        pace.begun = after(10);
        assert_eq!(pace.line(), None, "none has finished");
        pace.begins();
        let price = Price { trained: 900.0, tested: 100.0, operations: 1.0 };
        (0..3).for_each(|_| pace.ended(price));
        let line = "3 fine-tunes, 300 images a second trained on or tested";
        assert_eq!(pace.line().as_deref(), Some(line));
        pace.begun = after(1);
        assert_eq!(pace.line(), None);
    }

    #[test]
    fn what_is_done_to_images_is_told_after_two_seconds_with_the_time_left_and_not_too_often() {
        let begun = Instant::now();
        let after = |seconds| begun + Duration::from_secs(seconds);
        let mut read = Images { begun, told: None };
        let mut line_at = |done, now| read.line("celeba: digest", done, 10_000, now);
        assert_eq!(line_at(1_000, after(1)), None);
        let line = "celeba: digest: 2500 of 10000 images, 0:05 so far, about 0:15 left";
        assert_eq!(line_at(2_500, after(5)).as_deref(), Some(line));
        assert_eq!(line_at(2_501, after(5)), None);
        assert!(line_at(9_000, after(5 + EVERY.as_secs())).is_some());
        assert!(line_at(10_000, after(5 + EVERY.as_secs())).is_some(), "its end is told");
        let mut short = Images { begun, told: None };
        assert_eq!(short.line("", 10, 10, after(1)), None);
    }

    #[test]
    fn sizes_are_in_the_unit_that_fits() {
        let shown = [0, 4_542, 999_999, 1_000_000, 1_443_490_838, 20_000_000_000].map(megabytes);
        assert_eq!(shown, ["0.0 kB", "4.5 kB", "1000.0 kB", "1.0 MB", "1443.5 MB", "20.0 GB"]);
    }
}
