//! Progress of downloads: bytes, rate and the time left.

use std::{
    collections::VecDeque,
    io::IsTerminal,
    sync::Mutex,
    time::{Duration, Instant},
};

use super::{BLINK, EVERY, line, megabytes};
use crate::{fetch::FetchProgress, util::duration};

/// A download, with its rate and the time left.
#[derive(Default)]
pub(in super::super) struct DownloadProgress {
    state: Mutex<Option<Download>>,
}

struct Download {
    file: String,
    total: Option<u64>,
    /// Bytes on disk when it began.
    first: u64,
    bytes: u64,
    begun: Instant,
    printed: Instant,
    /// Bytes on disk at recent times.
    recent: VecDeque<(Instant, u64)>,
}

impl DownloadProgress {
    /// The rate is averaged over this time.
    const RECENT: Duration = Duration::from_secs(10);

    fn with(&self, act: impl FnOnce(&mut Option<Download>)) {
        act(&mut self.state.lock().expect("no panic holds it"));
    }
}

impl FetchProgress for DownloadProgress {
    fn begins(&self, file: &str, bytes: u64, total: Option<u64>) {
        let now = Instant::now();
        self.with(|state| {
            let resumed = state.as_ref().filter(|download| download.file == file);
            let times = |download: &Download| (download.begun, download.printed);
            let (begun, printed) = resumed.map_or((now, now), times);
            let recent = VecDeque::from([(now, bytes)]);
            let file = file.to_owned();
            *state = Some(Download { file, total, first: bytes, bytes, begun, printed, recent });
        });
    }

    fn at(&self, bytes: u64) {
        self.with(|state| {
            let Some(download) = state else { return };
            download.bytes = bytes;
            let now = Instant::now();
            let every = if std::io::stderr().is_terminal() { BLINK } else { EVERY };
            if now.duration_since(download.printed) < every {
                return;
            }
            download.printed = now;
            download.recent.push_back((now, bytes));
            let recent = &mut download.recent;
            while recent.len() > 2 && now.duration_since(recent[1].0) > Self::RECENT {
                recent.pop_front();
            }
            line(&download.line(now), false);
        });
    }

    fn ends(&self, whole: bool) {
        self.with(|state| {
            let Some(download) = state.take() else { return };
            let received = download.bytes.saturating_sub(download.first);
            let spent = download.begun.elapsed().as_secs_f64();
            let rate = megabytes((received as f64 / spent.max(1e-3)) as u64);
            let (file, bytes) = (&download.file, megabytes(download.bytes));
            let text = if whole {
                format!("{file}: {bytes}, all of it, in {}, {rate}/s", duration(spent))
            } else {
                format!("{file}: stopped at {bytes}")
            };
            line(&text, true);
        });
    }

    fn report(&self, text: &str) {
        line(text, true);
    }
}

impl Download {
    fn line(&self, now: Instant) -> String {
        let (since, before) = self.recent[0];
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
                    duration(left)
                )
            }
            None => format!("so far, {shown}/s"),
        };
        format!("{}: {} {of}", self.file, megabytes(self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_has_its_rate_and_the_time_left() {
        let now = Instant::now();
        let mut download = Download {
            file: "x.zip".to_owned(),
            total: Some(170_000_000),
            first: 0,
            bytes: 42_500_000,
            begun: now,
            printed: now,
            recent: VecDeque::from([(now, 12_500_000)]),
        };
        let later = now + Duration::from_secs(10);
        let line = "x.zip: 42.5 MB of 170.0 MB (25 %), 3.0 MB/s, about 43 s left";
        assert_eq!(download.line(later), line);
        download.total = None;
        assert_eq!(download.line(later), "x.zip: 42.5 MB so far, 3.0 MB/s");
    }
}
