//! Downloads one file: tries its addresses one after another, retries, resumes an interrupted
//! download, and verifies the checksum before the file gets its name.
//!
//! Responses are not trusted: the range is compared with the requested one, the length with the
//! official one and with the bytes received, and the first bytes with those of a web page. A known
//! checksum decides alone what a file is, whatever its headers say.

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
    FetchProgress, checksum,
    client::{Client, RequestError, Rest, RetryPolicy, body_error},
    part::{Part, Version},
    request::DownloadRequest,
    response::{ExpectedPart, LARGEST_BYTES, Response, begins_as_page, check_total},
};

/// Bytes that one read asks for.
const BUFFER: usize = 1 << 16;
/// Limit on the requests to one address for one file, even if each one downloads more of it.
const MAX_REQUESTS: u32 = 1000;
/// Attempts in a row to reach a host.
const ATTEMPTS_TO_REACH: u32 = 2;
/// The longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The first bytes that are checked for a web page.
const BEGINNING: usize = 512;

/// Downloads files.
pub(super) struct Downloader<'a> {
    pub client: &'a Client,
    pub policy: RetryPolicy,
    pub stop: &'a AtomicBool,
    pub progress: &'a dyn FetchProgress,
    /// Hosts that could not be reached, which are skipped from then on.
    pub unreachable: &'a Mutex<HashSet<String>>,
}

/// An address from which a file could not be downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAddress {
    /// The URL.
    pub address: String,
    /// The last error.
    pub reason: String,
}

/// Why a file could not be downloaded.
pub(super) enum DownloadError {
    /// Every address failed.
    AllAddressesFailed(Vec<FailedAddress>),
    /// It can't be written.
    Disk(io::Error),
    /// Ctrl-C.
    Interrupted,
}

impl From<io::Error> for DownloadError {
    fn from(error: io::Error) -> Self {
        if checksum::is_interrupted(&error) { Self::Interrupted } else { Self::Disk(error) }
    }
}

/// How an attempt to download a file failed.
enum AttemptError {
    /// A retry may succeed, after a pause that the server may name.
    Retry { reason: String, after: Option<Duration> },
    /// The bytes so far are useless; a retry has to download the whole file.
    Restart(String),
    /// A retry at this address would fail again.
    GiveUp(String),
    /// The host can't be reached.
    Unreachable(String),
    /// The file can't be written.
    Disk(io::Error),
    /// Ctrl-C.
    Interrupted,
}

impl From<io::Error> for AttemptError {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl Downloader<'_> {
    /// Downloads a file to `path`, which must not exist, from the first address that succeeds.
    ///
    /// # Errors
    /// If every address fails or the file can't be written; the partial download is kept.
    pub fn download(&self, request: &DownloadRequest, path: &Path) -> Result<(), DownloadError> {
        let mut failed = Vec::new();
        let mut part = Part::open(path)?;
        if request.bytes.is_some_and(|bytes| part.len() > bytes) {
            part.restart(Version::default())?;
        }
        self.progress.begins(&request.name, part.len(), request.bytes);
        for address in &request.addresses {
            match self.download_from(address, request, &mut part) {
                Ok(()) => {
                    part.finish(path)?;
                    self.progress.ends(true);
                    return Ok(());
                }
                Err(AttemptError::Disk(error)) => return Err(error.into()),
                Err(AttemptError::Interrupted) => {
                    self.progress.ends(false);
                    return Err(DownloadError::Interrupted);
                }
                Err(
                    AttemptError::Retry { reason, .. }
                    | AttemptError::Restart(reason)
                    | AttemptError::GiveUp(reason)
                    | AttemptError::Unreachable(reason),
                ) => failed.push(FailedAddress { address: address.clone(), reason }),
            }
        }
        self.progress.ends(false);
        if part.len() == 0 {
            part.delete()?;
        }
        Err(DownloadError::AllAddressesFailed(failed))
    }

    /// Downloads a file from one address, with retries.
    fn download_from(
        &self,
        address: &str,
        request: &DownloadRequest,
        part: &mut Part,
    ) -> Result<(), AttemptError> {
        let host = host(address);
        if self.unreachable.lock().expect("lock is not poisoned").contains(host) {
            return Err(AttemptError::Unreachable(
                "skipped: its host could not be reached before".to_owned(),
            ));
        }
        let mut restarted = false;
        let (mut attempts, mut furthest, mut pause) = (0, part.len(), self.policy.pause);
        for _ in 0..MAX_REQUESTS {
            self.check_stop()?;
            let result = self
                .request(address, request, part, restarted)
                .and_then(|()| self.verify(request, part, restarted));
            if part.len() > furthest {
                (furthest, attempts, pause) = (part.len(), 0, self.policy.pause);
            }
            attempts += 1;
            let (reason, after) = match result {
                Ok(()) => return Ok(()),
                Err(AttemptError::Retry { reason, after }) if attempts < self.policy.attempts => {
                    (reason, Some(after.unwrap_or(pause)))
                }
                Err(AttemptError::Restart(reason)) if attempts < self.policy.attempts => {
                    part.restart(Version::default())?;
                    restarted = true;
                    (reason, None)
                }
                Err(AttemptError::Unreachable(reason)) => {
                    if attempts >= ATTEMPTS_TO_REACH.min(self.policy.attempts) {
                        let mut unreachable =
                            self.unreachable.lock().expect("lock is not poisoned");
                        unreachable.insert(host.to_owned());
                        return Err(AttemptError::Unreachable(reason));
                    }
                    (reason, Some(pause))
                }
                Err(error) => return Err(error),
            };
            self.progress.report(&format!("{}: {reason}; retrying", request.name));
            if let Some(after) = after {
                self.wait(after)?;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        Err(AttemptError::GiveUp(format!("incomplete after {MAX_REQUESTS} requests")))
    }

    /// Sends one request, and appends the response's body to the part.
    fn request(
        &self,
        address: &str,
        request: &DownloadRequest,
        part: &mut Part,
        restarted: bool,
    ) -> Result<(), AttemptError> {
        if part.len() > 0
            && (request.bytes == Some(part.len()) || part.version.total == Some(part.len()))
        {
            // An earlier process downloaded all of it, but did not rename it.
            return Ok(());
        }
        let same = part.version.address == address;
        let if_version = part.version.name.clone().filter(|_| same);
        // Without a version and a checksum, a mixture of two versions would not be detected.
        let resumes = part.len() > 0 && !restarted;
        let resumes = resumes && (if_version.is_some() || request.checksum.is_some());
        let rest = resumes.then(|| Rest { from: part.len(), if_version });
        let response = self.client.get(address, rest.as_ref()).map_err(|error| match error {
            RequestError::Unreachable(reason) => AttemptError::Unreachable(reason),
            RequestError::Transient(reason) => AttemptError::Retry { reason, after: None },
            RequestError::Permanent(reason) => AttemptError::GiveUp(reason),
        });
        // Ctrl-C closes the connection, which is no error of the server.
        self.check_stop()?;
        let response = response?;
        let give_up = AttemptError::GiveUp;
        let whole = response.whole().filter(|_| response.status == 206);
        // A checksum says more about a file than a header, which may be wrong.
        let has_checksum = request.checksum.is_some();
        let is_taken = match response.status {
            // Of 203 a proxy says that it may have changed the file.
            200 => true,
            203 => has_checksum,
            206 => whole.is_some() || has_checksum && !resumes && response.may_be_whole(),
            _ => false,
        };
        match response.status {
            200 | 206 if response.is_page() && !has_checksum => {
                return Err(give_up(response.page()));
            }
            // The whole file, which a server may also send as its only part.
            _ if is_taken => {
                let total = whole.map_or_else(|| response.length(), |bytes| Ok(Some(bytes)));
                let total = total.map_err(give_up)?;
                check_total(total, request.bytes).map_err(give_up)?;
                if resumes {
                    self.progress.report(&format!(
                        "{}: the server can't resume; downloading the whole file again",
                        request.name
                    ));
                }
                let (address, name) = (address.to_owned(), response.version());
                part.restart(Version { address, name, total })?;
            }
            206 => {
                let Some(rest) = &rest else {
                    let reason = "the server sends a part, but the whole file was requested";
                    return Err(give_up(reason.to_owned()));
                };
                let (from, version) = (rest.from, rest.if_version.as_deref());
                let expected = ExpectedPart { from, version, total: part.version.total };
                let total = response.check_part(&expected).map_err(AttemptError::Restart)?;
                check_total(total, request.bytes).map_err(give_up)?;
                part.version.total = part.version.total.or(total);
                part.resumed = true;
            }
            416 if resumes => {
                let reason =
                    "the server has no bytes after those downloaded, which are not the whole file";
                return Err(AttemptError::Restart(reason.to_owned()));
            }
            408 | 425 | 429 | 500..=599 => {
                let after = response.header("retry-after").and_then(|value| value.parse().ok());
                let after = after.map(|seconds| Duration::from_secs(seconds).min(LONGEST_PAUSE));
                let reason = format!("the server responds {}", response.status());
                return Err(AttemptError::Retry { reason, after });
            }
            _ => return Err(give_up(format!("the server responds {}", response.status()))),
        }
        self.receive(response, request, part)
    }

    /// Appends a response's body to the part.
    fn receive(
        &self,
        mut response: Response,
        request: &DownloadRequest,
        part: &mut Part,
    ) -> Result<(), AttemptError> {
        let total = request.bytes.or(part.version.total);
        let limit = total.unwrap_or(LARGEST_BYTES);
        self.progress.begins(&request.name, part.len(), total);
        let mut buffer = vec![0; BUFFER];
        let mut beginning = Vec::new();
        loop {
            let read = response.body.read(&mut buffer);
            self.check_stop()?;
            let read = read.map_err(|error| AttemptError::Retry {
                reason: body_error(error, self.policy.timeout),
                after: None,
            })?;
            let bytes = &buffer[..read];
            if part.len() < BEGINNING as u64 && beginning.len() as u64 == part.len() {
                beginning.extend_from_slice(&bytes[..read.min(BEGINNING)]);
                if begins_as_page(&beginning) {
                    part.restart(Version::default())?;
                    return Err(AttemptError::GiveUp(response.page()));
                }
            }
            if part.len() + read as u64 > limit {
                part.restart(Version::default())?;
                return Err(AttemptError::GiveUp(format!(
                    "the server sends more than {limit} bytes"
                )));
            }
            if read == 0 {
                break;
            }
            part.append(bytes)?;
            self.progress.at(part.len());
        }
        match total {
            Some(total) if part.len() < total => Err(AttemptError::Retry {
                reason: format!("the connection was closed after {} of {total} bytes", part.len()),
                after: None,
            }),
            None if request.checksum.is_none() => {
                part.restart(Version::default())?;
                let reason = "no length and no checksum: a truncated file can't be detected";
                Err(AttemptError::GiveUp(reason.to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Verifies a complete part.
    fn verify(
        &self,
        request: &DownloadRequest,
        part: &mut Part,
        restarted: bool,
    ) -> Result<(), AttemptError> {
        let fault = request.verify(part.path(), self.stop).map_err(|error| {
            if checksum::is_interrupted(&error) {
                AttemptError::Interrupted
            } else {
                AttemptError::Disk(error)
            }
        })?;
        let Some(reason) = fault else { return Ok(()) };
        if part.resumed && !restarted {
            // Perhaps a mixture of two versions: download the whole file once more.
            return Err(AttemptError::Restart(format!("the resumed file is {reason}")));
        }
        part.restart(Version::default())?;
        Err(AttemptError::GiveUp(format!("the downloaded file is {reason}")))
    }

    fn wait(&self, pause: Duration) -> Result<(), AttemptError> {
        let until = Instant::now() + pause;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            self.check_stop()?;
            std::thread::sleep(left.min(Duration::from_millis(100)));
        }
        self.check_stop()
    }

    fn check_stop(&self) -> Result<(), AttemptError> {
        if self.stop.load(Ordering::Relaxed) { Err(AttemptError::Interrupted) } else { Ok(()) }
    }
}

/// The host of a URL, with its port.
fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}
