//! One file from the first of its addresses that gives it: resumed where it was cut, compared with all
//! that is known of it, and given its name only then.
//!
//! What a server says is checked against what is known: a range against the one that was asked for, a
//! length against the official one and against what comes, the first bytes against a web page's.

use std::{
    collections::HashSet,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    Watch,
    answer::{Answer, Asked, LARGEST_BYTES, begins_as_page, promised},
    checksum::{self, Checksum},
    client::{Client, NoAnswer, Patience, Rest, broken},
    part::{Part, Version},
};
use crate::{checkpoint::Checkpoint, experiment::Architecture};

/// A file is read in pieces of this size.
const PIECE: usize = 1 << 16;
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
#[derive(Default)]
pub(super) struct Wanted {
    pub name: String,
    pub addresses: Vec<String>,
    pub bytes: Option<u64>,
    /// The official checksum, or the one that was recorded when the file was first fetched.
    pub checksum: Option<Checksum>,
    /// Where the checksum is recorded, if it is not the official one.
    pub record: Option<PathBuf>,
    /// What it has to be a checkpoint of, where no official checksum tells whether it is one.
    pub of: Option<Architecture>,
}

impl Wanted {
    /// Why a whole file is not what is wanted; `None` where it is.
    pub fn fault(&self, path: &Path, stop: &AtomicBool) -> io::Result<Option<String>> {
        if let Some(expected) = &self.checksum {
            let found = expected.of_same_kind(path, stop)?;
            if found != *expected {
                return Ok(Some(self.differs(&mismatch(&found, expected))));
            }
        }
        let Some(architecture) = &self.of else { return Ok(None) };
        let opened = Checkpoint::open(path).and_then(|read| read.fitted(architecture));
        Ok(opened.err().map(|error| format!("not a checkpoint of its network: {}", error.fault)))
    }

    fn differs(&self, mismatch: &str) -> String {
        match &self.record {
            None => format!("not the official file: {mismatch}"),
            Some(record) => format!(
                "not the file that was first fetched: {mismatch}; if this one is meant, remove {}, which \
                 has the other's checksum, and run the command again",
                record.display()
            ),
        }
    }
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
        let give_up = Trouble::GiveUp;
        match answer.status {
            200 | 206 if answer.is_page() => return Err(give_up(answer.page())),
            200 => {
                let total = answer.length().map_err(give_up)?;
                promised(total, wanted.bytes).map_err(give_up)?;
                if resumes {
                    self.watch.says(&format!("{}: the server sends all of it again", wanted.name));
                }
                let (address, name) = (address.to_owned(), answer.version());
                part.restart(Version { address, name, total })?;
            }
            206 => {
                let Some(rest) = &rest else {
                    let reason = "it sends a part where all was asked for";
                    return Err(give_up(reason.to_owned()));
                };
                let (from, version) = (rest.from, rest.of_version.as_deref());
                let asked = Asked { from, version, total: part.version.total };
                let total = answer.check_part(&asked).map_err(Trouble::Whole)?;
                promised(total, wanted.bytes).map_err(give_up)?;
                part.version.total = part.version.total.or(total);
                part.pieced = true;
            }
            416 if resumes => {
                let reason = "there is nothing after what is there, which is not all of it";
                return Err(Trouble::Whole(reason.to_owned()));
            }
            408 | 425 | 429 | 500..=599 => {
                let after = answer.header("retry-after").and_then(|value| value.parse().ok());
                let after = after.map(|seconds| Duration::from_secs(seconds).min(LONGEST_PAUSE));
                let reason = format!("it answers {}", answer.status());
                return Err(Trouble::Again { reason, after });
            }
            _ => return Err(give_up(format!("it answers {}", answer.status()))),
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
                    return Err(Trouble::GiveUp(answer.page()));
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

    /// Compares a whole part with what is wanted.
    fn compare(&self, wanted: &Wanted, part: &mut Part, whole: &mut bool) -> Result<(), Trouble> {
        let fault = wanted.fault(part.path(), self.stop).map_err(|error| {
            if checksum::is_stopped(&error) { Trouble::Stopped } else { Trouble::Disk(error) }
        })?;
        let Some(reason) = fault else { return Ok(()) };
        if part.pieced && !*whole {
            // Pieces of two versions, perhaps: all of one is worth a try.
            return Err(Trouble::Whole(format!("what the pieces make is {reason}")));
        }
        part.restart(Version::default())?;
        Err(Trouble::GiveUp(format!("what it sends is {reason}")))
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

fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}
