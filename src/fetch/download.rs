//! One file from the first of its addresses that gives it: resumed where it was cut, compared with all
//! that is known of it, and given its name only then.
//!
//! What a server says is checked against what is known: a range against the one that was asked for, a
//! length against the official one and against what comes, the first bytes against a web page's.

use std::{
    collections::HashSet,
    io::{self, Read},
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    Watch,
    checksum::{self, Checksum},
    client::{Answer, Client, NoAnswer, Patience, Rest, broken},
    part::{Part, Version},
};

/// A file is read in pieces of this size.
const PIECE: usize = 1 << 16;
/// Where nobody knows a file's size, it has no more bytes than this.
const LARGEST_BYTES: u64 = 16 << 30;
/// Requests to one address for one file, however much each of them brings.
const MOST_REQUESTS: u32 = 1000;
/// Tries where the host is not even reached.
const TRIES_TO_REACH: u32 = 2;
/// The longest wait between tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// So many bytes tell whether a file is a web page.
const BEGINNING: usize = 512;

/// Fetches files.
pub(super) struct Downloader<'a> {
    pub client: &'a Client,
    pub patience: Patience,
    pub stop: &'a AtomicBool,
    pub watch: &'a dyn Watch,
    /// Hosts that were not reached, which are not waited for again.
    pub unreached: &'a Mutex<HashSet<String>>,
}

/// A file, with all that is known of it.
pub(super) struct Wanted {
    pub name: String,
    pub addresses: Vec<String>,
    pub bytes: Option<u64>,
    /// The official checksum, or the one that was recorded when the file was first fetched.
    pub checksum: Option<Checksum>,
    /// Which of the two it is, in words.
    pub whose: &'static str,
}

/// An address that did not give a file, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The address.
    pub address: String,
    /// Why.
    pub reason: String,
}

/// Why a file was not fetched.
pub(super) enum NotFetched {
    /// No address gave it.
    Nowhere(Vec<Failed>),
    /// It can't be written.
    Disk(io::Error),
    /// Ctrl-C.
    Stopped,
}

impl From<io::Error> for NotFetched {
    fn from(error: io::Error) -> Self {
        if checksum::is_stopped(&error) { Self::Stopped } else { Self::Disk(error) }
    }
}

/// How a try ended that did not bring the whole file.
enum Trouble {
    /// Another try may bring more.
    Again { reason: String, after: Option<Duration> },
    /// What is there is of no use; another try asks for all of it.
    Whole(String),
    /// This address has nothing more to give.
    GiveUp(String),
    /// The host was not reached.
    Unreached(String),
    /// It can't be written.
    Disk(io::Error),
    /// Ctrl-C.
    Stopped,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl Downloader<'_> {
    /// Fetches a file to its place, which nothing has yet.
    pub fn fetch(&self, wanted: &Wanted, path: &Path) -> Result<(), NotFetched> {
        let mut failed = Vec::new();
        let mut part = Part::open(path)?;
        if wanted.bytes.is_some_and(|bytes| part.len() > bytes) {
            part.restart(Version::default())?;
        }
        self.watch.begins(&wanted.name, part.len(), wanted.bytes);
        for address in &wanted.addresses {
            match self.from(address, wanted, &mut part) {
                Ok(()) => {
                    part.finish(path)?;
                    self.watch.ends(true);
                    return Ok(());
                }
                Err(Trouble::Disk(error)) => return Err(error.into()),
                Err(Trouble::Stopped) => {
                    self.watch.ends(false);
                    return Err(NotFetched::Stopped);
                }
                Err(
                    Trouble::Again { reason, .. }
                    | Trouble::Whole(reason)
                    | Trouble::GiveUp(reason)
                    | Trouble::Unreached(reason),
                ) => failed.push(Failed { address: address.clone(), reason }),
            }
        }
        self.watch.ends(false);
        if part.len() == 0 {
            part.discard()?;
        }
        Err(NotFetched::Nowhere(failed))
    }

    /// All of a file from one address, trying as often as there is patience.
    fn from(&self, address: &str, wanted: &Wanted, part: &mut Part) -> Result<(), Trouble> {
        let host = host(address);
        if self.unreached.lock().expect("no panic holds it").contains(host) {
            return Err(Trouble::Unreached("its host was not reached before".to_owned()));
        }
        let mut whole = false;
        let (mut tries, mut furthest, mut pause) = (0, part.len(), self.patience.pause);
        for _ in 0..MOST_REQUESTS {
            self.check_stop()?;
            let got = self
                .ask(address, wanted, part, whole)
                .and_then(|()| self.compare(wanted, part, &mut whole));
            if part.len() > furthest {
                (furthest, tries, pause) = (part.len(), 0, self.patience.pause);
            }
            tries += 1;
            let (reason, after) = match got {
                Ok(()) => return Ok(()),
                Err(Trouble::Again { reason, after }) if tries < self.patience.tries => {
                    (reason, Some(after.unwrap_or(pause)))
                }
                Err(Trouble::Whole(reason)) if tries < self.patience.tries => {
                    part.restart(Version::default())?;
                    whole = true;
                    (reason, None)
                }
                Err(Trouble::Unreached(reason)) => {
                    if tries >= TRIES_TO_REACH.min(self.patience.tries) {
                        let mut unreached = self.unreached.lock().expect("no panic holds it");
                        unreached.insert(host.to_owned());
                        return Err(Trouble::Unreached(reason));
                    }
                    (reason, Some(pause))
                }
                Err(trouble) => return Err(trouble),
            };
            self.watch.says(&format!("{}: {reason}; trying again", wanted.name));
            if let Some(after) = after {
                self.wait(after)?;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        Err(Trouble::GiveUp(format!("{MOST_REQUESTS} requests did not bring all of it")))
    }

    /// One request, and what it brings into the part.
    fn ask(
        &self,
        address: &str,
        wanted: &Wanted,
        part: &mut Part,
        whole: bool,
    ) -> Result<(), Trouble> {
        if part.len() > 0
            && (wanted.bytes == Some(part.len()) || part.version.total == Some(part.len()))
        {
            // All of it was there before; only its name is missing.
            return Ok(());
        }
        let same = part.version.address == address;
        let of_version = part.version.name.clone().filter(|_| same);
        // Without a name for the version nor a checksum, two versions could be put together unseen.
        let resumes = part.len() > 0 && !whole;
        let resumes = resumes && (of_version.is_some() || wanted.checksum.is_some());
        let rest = resumes.then(|| Rest { from: part.len(), of_version });
        let answer = self.client.get(address, rest.as_ref()).map_err(|no| match no {
            NoAnswer::Unreached(reason) => Trouble::Unreached(reason),
            NoAnswer::Broken(reason) => Trouble::Again { reason, after: None },
            NoAnswer::Refused(reason) => Trouble::GiveUp(reason),
        });
        // A request that Ctrl-C cut short is no fault of the server's.
        self.check_stop()?;
        let answer = answer?;
        let length = length(&answer)?;
        match answer.status {
            200 => {
                if is_page(&answer) {
                    return Err(page(&answer));
                }
                if resumes {
                    self.watch.says(&format!("{}: the server sends all of it again", wanted.name));
                }
                let total = length;
                promised(total, wanted.bytes)?;
                let version =
                    Version { address: address.to_owned(), name: version(&answer), total };
                part.restart(version)?;
            }
            206 if !resumes => {
                return Err(Trouble::GiveUp("it sends a part where all was asked for".to_owned()));
            }
            206 => {
                if is_page(&answer) {
                    return Err(page(&answer));
                }
                let total = self.check_range(&answer, rest.as_ref(), part, length)?;
                promised(total, wanted.bytes)?;
                part.version.total = part.version.total.or(total);
                part.pieced = true;
            }
            416 if resumes => {
                let reason = "there is nothing after what is there, which is not all of it";
                return Err(Trouble::Whole(reason.to_owned()));
            }
            status @ (408 | 425 | 429 | 500..=599) => {
                let after = answer.header("retry-after").and_then(|value| value.parse().ok());
                let after = after.map(|seconds| Duration::from_secs(seconds).min(LONGEST_PAUSE));
                return Err(Trouble::Again {
                    reason: format!("it answers {}", named(status)),
                    after,
                });
            }
            status => return Err(Trouble::GiveUp(format!("it answers {}", named(status)))),
        }
        self.receive(answer, wanted, part)
    }

    /// The body of an answer, into the part.
    fn receive(&self, mut answer: Answer, wanted: &Wanted, part: &mut Part) -> Result<(), Trouble> {
        let total = wanted.bytes.or(part.version.total);
        let most = total.unwrap_or(LARGEST_BYTES);
        self.watch.begins(&wanted.name, part.len(), total);
        let mut piece = vec![0; PIECE];
        let mut beginning = Vec::new();
        loop {
            let read = answer.body.read(&mut piece);
            self.check_stop()?;
            let read = read.map_err(|error| Trouble::Again {
                reason: broken(error, self.patience.stall),
                after: None,
            })?;
            let piece = &piece[..read];
            if part.len() < BEGINNING as u64 && beginning.len() as u64 == part.len() {
                beginning.extend_from_slice(&piece[..read.min(BEGINNING)]);
                if begins_as_page(&beginning) {
                    part.restart(Version::default())?;
                    return Err(page(&answer));
                }
            }
            if part.len() + read as u64 > most {
                part.restart(Version::default())?;
                return Err(Trouble::GiveUp(format!("it sends more than {most} bytes")));
            }
            if read == 0 {
                break;
            }
            part.push(piece)?;
            self.watch.at(part.len());
        }
        match total {
            Some(total) if part.len() < total => Err(Trouble::Again {
                reason: format!("the connection ended after {} of {total} bytes", part.len()),
                after: None,
            }),
            None if wanted.checksum.is_none() => {
                part.restart(Version::default())?;
                let reason =
                    "it does not say how long the file is, so that a cut would not be seen";
                Err(Trouble::GiveUp(reason.to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Checks that a partial answer is the part that was asked for, and gives the whole file's length.
    fn check_range(
        &self,
        answer: &Answer,
        rest: Option<&Rest>,
        part: &Part,
        length: Option<u64>,
    ) -> Result<Option<u64>, Trouble> {
        let whole = |reason: String| Err(Trouble::Whole(reason));
        let Some((from, to, total)) = answer.header("content-range").and_then(range) else {
            return whole("it sends a part and does not say which".to_owned());
        };
        if from != part.len() || length.is_some_and(|length| Some(length) != span(from, to)) {
            return whole(format!(
                "it sends bytes {from} to {to} where those from {} were asked for",
                part.len()
            ));
        }
        let known = part.version.total;
        if total.is_some_and(|total| known.is_some_and(|known| known != total)) {
            return whole("the file has another length by now".to_owned());
        }
        let asked = rest.and_then(|rest| rest.of_version.as_deref());
        let etag =
            answer.header("etag").filter(|_| asked.is_some_and(|asked| asked.starts_with('"')));
        if etag.is_some() && etag != asked {
            return whole("the file has changed by now".to_owned());
        }
        Ok(total)
    }

    /// Compares a whole part with the official checksum.
    fn compare(&self, wanted: &Wanted, part: &mut Part, whole: &mut bool) -> Result<(), Trouble> {
        let Some(expected) = wanted.checksum.clone() else { return Ok(()) };
        let found = expected.of_same_kind(part.path(), self.stop).map_err(|error| {
            if checksum::is_stopped(&error) { Trouble::Stopped } else { Trouble::Disk(error) }
        })?;
        if found == expected {
            return Ok(());
        }
        let reason = mismatch(&found, &expected);
        if part.pieced && !*whole {
            // Pieces of two versions, perhaps: all of one is worth a try.
            return Err(Trouble::Whole(format!("the pieces do not make the file: {reason}")));
        }
        part.restart(Version::default())?;
        Err(Trouble::GiveUp(format!("what it sends is not {}: {reason}", wanted.whose)))
    }

    fn wait(&self, pause: Duration) -> Result<(), Trouble> {
        let until = Instant::now() + pause;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            self.check_stop()?;
            std::thread::sleep(left.min(Duration::from_millis(100)));
        }
        self.check_stop()
    }

    fn check_stop(&self) -> Result<(), Trouble> {
        if self.stop.load(Ordering::Relaxed) { Err(Trouble::Stopped) } else { Ok(()) }
    }
}

/// What a file has in place of what it should have, in words.
pub(super) fn mismatch(found: &Checksum, expected: &Checksum) -> String {
    format!("its {found}, not {}", expected.hexadecimal)
        .replacen("its MD5", "its MD5 is", 1)
        .replacen("its SHA-256", "its SHA-256 is", 1)
}

/// The length that a server says an answer has.
fn length(answer: &Answer) -> Result<Option<u64>, Trouble> {
    let unread = |value: &str| Trouble::GiveUp(format!("it says that its length is `{value}`"));
    answer
        .header("content-length")
        .map(|value| value.parse().map_err(|_| unread(value)))
        .transpose()
}

/// Compares the length that a server promises for the whole file with what is known.
fn promised(total: Option<u64>, official: Option<u64>) -> Result<(), Trouble> {
    match (total, official) {
        (Some(total), Some(official)) if total != official => Err(Trouble::GiveUp(format!(
            "it has {total} bytes to send where the official file has {official}"
        ))),
        (Some(total), None) if total > LARGEST_BYTES => Err(Trouble::GiveUp(format!(
            "it has {total} bytes to send, more than any such file has"
        ))),
        _ => Ok(()),
    }
}

/// The server's name for a file's version, if it is one that a range may be asked for by: a strong ETag,
/// else a date.
fn version(answer: &Answer) -> Option<String> {
    let etag = answer.header("etag").filter(|etag| etag.starts_with('"'));
    etag.or_else(|| answer.header("last-modified")).map(str::to_owned)
}

/// `bytes 100-199/200`: from, to, and the total where it is said.
fn range(value: &str) -> Option<(u64, u64, Option<u64>)> {
    let (range, total) = value.strip_prefix("bytes")?.trim().split_once('/')?;
    let (from, to) = range.split_once('-')?;
    let (from, to) = (from.trim().parse().ok()?, to.trim().parse::<u64>().ok()?);
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse::<u64>().ok()?),
    };
    (from <= to && total.is_none_or(|total| to < total)).then_some((from, to, total))
}

fn span(from: u64, to: u64) -> Option<u64> {
    to.checked_sub(from)?.checked_add(1)
}

fn is_page(answer: &Answer) -> bool {
    let kind = answer.header("content-type").unwrap_or_default().to_ascii_lowercase();
    kind.starts_with("text/html") || kind.starts_with("application/xhtml")
}

fn begins_as_page(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    ["<!doctype html", "<html", "<head", "<script"].iter().any(|tag| {
        text.get(..tag.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(tag.as_bytes()))
    })
}

fn page(answer: &Answer) -> Trouble {
    let kind = answer.header("content-type").unwrap_or("no type");
    Trouble::GiveUp(format!(
        "it answers with a web page ({kind}) in place of the file: open the address in a browser to see \
         what it asks for"
    ))
}

fn named(status: u16) -> String {
    let status = ureq::http::StatusCode::from_u16(status).ok();
    status.map_or_else(|| "nothing known".to_owned(), |status| status.to_string())
}

fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_or_refused() {
        assert_eq!(range("bytes 5-9/10"), Some((5, 9, Some(10))));
        assert_eq!(range("bytes 5-9/*"), Some((5, 9, None)));
        for bad in ["", "bytes", "bytes */10", "bytes 9-5/10", "bytes 5-10/10", "lines 1-2/3"] {
            assert_eq!(range(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_page_is_known_by_its_beginning() {
        for page in ["<!DOCTYPE html>", "\n  <HTML lang=en>", "\u{feff}<!doctype HTML PUBLIC"] {
            assert!(begins_as_page(page.as_bytes()), "{page}");
        }
        for file in [&b"\x1f\x8b\x08"[..], b"PK\x03\x04", b"MATLAB 5.0", b"<htm", b""] {
            assert!(!begins_as_page(file));
        }
    }
}
