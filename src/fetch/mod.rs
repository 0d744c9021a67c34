//! Downloads data sets and checkpoints, or imports them from a folder: with retries, timeouts and
//! resumed downloads, checks of their official checksums, and safe unpacking into the data folder.
//!
//! A file gets its name only after it is verified, so that no reader sees an incomplete or wrong
//! one. What files mean is left to `data` and `checkpoint`, and where a world looks for them to
//! `assets`.

mod catalogue;
mod check;
mod checksum;
mod client;
mod code_page;
mod download;
mod error;
mod forward;
mod import;
mod part;
mod place;
mod proxy;
mod redirect;
mod request;
mod response;
mod state;
mod unpack;

use std::{
    collections::HashSet,
    io,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, channel},
    },
    time::Duration,
};

pub use catalogue::{Catalogue, CatalogueError, File, Format, Item, ItemKind, Unpack, Zoo};
pub use checksum::{Algorithm, Checksum};
pub use client::RetryPolicy;
pub use download::FailedAddress;
pub use error::FetchError;
pub use place::default_folder;
pub use proxy::{Proxies, ProxyError};
pub use state::State;
pub use unpack::{Contents, UnpackError, unpack};

use client::Client;
use download::{DownloadError, Downloader};
use import::ImportError;
use place::Place;
use request::DownloadRequest;

use crate::util::files;

/// Receives the progress of downloads and imports.
pub trait FetchProgress: Sync {
    /// A file begins or resumes, with `bytes` on disk of `total` bytes, if that is known.
    fn begins(&self, file: &str, bytes: u64, total: Option<u64>);
    /// `bytes` of it are on disk.
    fn at(&self, bytes: u64);
    /// It is complete and verified (`whole`), or it failed or was interrupted.
    fn ends(&self, whole: bool);
    /// An event for the user, such as a retry or a file that was set aside.
    fn report(&self, text: &str);
}

/// Where files come from.
pub enum Source<'a> {
    /// Their official addresses.
    Network(&'a Network),
    /// A folder to import them from.
    Folder(&'a Path),
}

/// The network, with the hosts that could not be reached.
pub struct Network {
    client: Client,
    policy: RetryPolicy,
    unreachable: Mutex<HashSet<String>>,
}

impl Network {
    /// The network through proxies, with timeouts and retries.
    #[must_use]
    pub fn new(proxies: Proxies, policy: RetryPolicy) -> Self {
        Self { client: Client::new(proxies, policy), policy, unreachable: Mutex::default() }
    }
}

/// Downloads or imports items into a data folder.
pub struct Fetcher<'a> {
    /// The data folder.
    pub data: &'a Path,
    /// Is set on Ctrl-C, to stop where nothing is lost.
    pub stop: &'a AtomicBool,
    /// Receives progress.
    pub progress: &'a dyn FetchProgress,
    /// Whether to delete archives after they are unpacked.
    pub remove_archives: bool,
}

/// The files of a downloaded or imported item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Files that were downloaded or imported.
    pub downloaded: Vec<String>,
    /// Files that were complete before.
    pub already_present: Vec<String>,
    /// Files, of either list, without an official checksum.
    pub unchecked: Vec<String>,
}

impl Fetcher<'_> {
    /// Checks that the folders of items with missing files are writable, before hours of downloads.
    /// Of a folder that does not exist yet, the one that it will be made in is checked.
    ///
    /// # Errors
    /// If one is not.
    pub fn check_writable(&self, items: &[&Item], source: &Source<'_>) -> Result<(), FetchError> {
        let by_hand = |item: &Item| item.by_hand.is_some() && matches!(source, Source::Network(_));
        for item in items.iter().filter(|item| !by_hand(item)) {
            let folder = self.data.join(item.folder());
            let is_missing = |file: &File| {
                let unpacked = file.unpack.as_ref().map(|how| folder.join(&how.folder));
                !folder.join(&file.name).exists() && !unpacked.is_some_and(|folder| folder.exists())
            };
            if item.files.iter().any(is_missing) {
                let mut above = folder.ancestors().take_while(|one| one.starts_with(self.data));
                let present = above.find(|folder| folder.exists()).unwrap_or(self.data);
                files::check_writable(present)
                    .map_err(|cause| self.unwritten(item, present, cause))?;
            }
        }
        Ok(())
    }

    /// Downloads or imports the missing files of an item, after waiting for the folder's lock.
    ///
    /// # Errors
    /// Each [`FetchError`]; files that were downloaded before are kept.
    pub fn fetch(&self, item: &Item, source: &Source<'_>) -> Result<Fetched, FetchError> {
        let folder = self.data.join(item.folder());
        let mut report_waiting = || {
            let folder = folder.display();
            self.progress
                .report(&format!("waiting for another process that downloads into {folder}"));
        };
        let _lock = place::lock(&folder, self.stop, &mut report_waiting)
            .map_err(|cause| self.unwritten(item, &folder, cause))?;
        if let (Some(reason), Source::Network(_)) = (&item.by_hand, source) {
            self.check_by_hand(item, reason)?;
        }
        let mut fetched = Fetched::default();
        for file in &item.files {
            let downloaded = match source {
                Source::Folder(_) => self.fetch_file(item, file, source)?,
                Source::Network(network) => {
                    self.interruptible(network, || self.fetch_file(item, file, source))?
                }
            };
            let list =
                if downloaded { &mut fetched.downloaded } else { &mut fetched.already_present };
            list.push(file.name.clone());
            if file.checksum().is_none() {
                fetched.unchecked.push(file.name.clone());
            }
        }
        Ok(fetched)
    }

    /// Runs `act` so that Ctrl-C ends it at once, even while a server sends nothing.
    fn interruptible<T>(&self, network: &Network, act: impl FnOnce() -> T) -> T {
        const POLL: Duration = Duration::from_millis(100);
        let (ended, end) = channel::<()>();
        std::thread::scope(|scope| {
            // Without a thread for it, Ctrl-C ends it between two reads.
            let watch = std::thread::Builder::new().spawn_scoped(scope, move || {
                while end.recv_timeout(POLL) == Err(RecvTimeoutError::Timeout) {
                    if self.stop.load(Ordering::Relaxed) {
                        return network.client.shut_down();
                    }
                }
            });
            let result = act();
            drop((ended, watch));
            result
        })
    }

    /// Fails if files are missing that have to be downloaded by hand.
    fn check_by_hand(&self, item: &Item, reason: &str) -> Result<(), FetchError> {
        let mut files = Vec::new();
        for file in &item.files {
            // An archive that is not unpacked yet is not missing.
            let state = self.state(item, file)?;
            if !matches!(state, State::Verified | State::Unchecked | State::Packed) {
                files.push(file.name.clone());
            }
        }
        if files.is_empty() {
            return Ok(());
        }
        let (item, reason, page) = (item.id.clone(), reason.to_owned(), item.page.clone());
        Err(FetchError::ManualDownload { item, reason, files, page })
    }

    /// Downloads or imports one file, and unpacks it, unless that is done already. Returns whether
    /// anything was done.
    fn fetch_file(
        &self,
        item: &Item,
        file: &File,
        source: &Source<'_>,
    ) -> Result<bool, FetchError> {
        let place = Place::new(self.data, item, file);
        let unwritten = |path: &Path, cause| self.unwritten(item, path, cause);
        let state = self.state(item, file)?;
        match &state {
            State::Verified => return Ok(false),
            State::Wrong { reason } if file.checksum().is_none() => {
                let (path, record) = (place.path.clone(), place.record_path());
                return Err(FetchError::Changed { path, reason: reason.clone(), record });
            }
            State::Wrong { reason } => {
                let aside = Place::set_aside(&place.path).map_err(|e| unwritten(&place.path, e))?;
                self.progress.report(&format!(
                    "warning: {} is not the official file ({reason}); renamed to {}",
                    place.path.display(),
                    aside.display()
                ));
            }
            State::Unchecked | State::Packed | State::Partial { .. } | State::Missing => {}
        }
        if !place.path.is_file() && !state.is_usable() {
            self.obtain(item, file, &place, source)?;
        }
        let known = file.checksum().or_else(|| place.record());
        let checksum = match known {
            Some(known) => known,
            None => {
                let checksum = checksum::file_checksum(Algorithm::Sha256, &place.path, self.stop)
                    .map_err(|cause| unwritten(&place.path, cause))?;
                let record = place.record_path();
                place.write_record(&checksum).map_err(|cause| unwritten(&record, cause))?;
                checksum
            }
        };
        if let Some(how) = file.unpack.as_ref().filter(|_| !state.is_usable()) {
            self.unpack(item, &place, how, &checksum)?;
        }
        Ok(!state.is_usable())
    }

    /// Downloads or imports a missing file.
    fn obtain(
        &self,
        item: &Item,
        file: &File,
        place: &Place,
        source: &Source<'_>,
    ) -> Result<(), FetchError> {
        let mut request = DownloadRequest {
            name: file.name.clone(),
            addresses: file.addresses.clone(),
            bytes: file.bytes,
            checksum: file.checksum(),
            ..DownloadRequest::default()
        };
        if request.checksum.is_none() {
            request.checksum = place.record();
            request.record = request.checksum.is_some().then(|| place.record_path());
            request.architecture = match &item.kind {
                ItemKind::Checkpoint { zoo, .. } => Some(zoo.architecture()),
                ItemKind::Target { .. } => None,
            };
        }
        let (id, name, page) = (item.id.clone(), file.name.clone(), item.page.clone());
        match source {
            Source::Folder(folder) => {
                import::import(&request, folder, &place.path, self.stop, self.progress).map_err(
                    |error| match error {
                        ImportError::NotFound(rejected) => {
                            let folder = folder.to_path_buf();
                            FetchError::NotInFolder { item: id, file: name, folder, rejected, page }
                        }
                        ImportError::Unreadable(path, cause) => {
                            FetchError::Unreadable { path, cause }
                        }
                        ImportError::Disk(cause) => self.unwritten(item, &place.path, cause),
                    },
                )
            }
            Source::Network(network) => {
                let downloader = Downloader {
                    client: &network.client,
                    policy: network.policy,
                    stop: self.stop,
                    progress: self.progress,
                    unreachable: &network.unreachable,
                };
                downloader.download(&request, &place.path).map_err(|error| match error {
                    DownloadError::AllAddressesFailed(failed) => {
                        FetchError::AllAddressesFailed { item: id, file: name, page, failed }
                    }
                    DownloadError::Disk(cause) => self.unwritten(item, &place.path, cause),
                    DownloadError::Interrupted => FetchError::Interrupted { item: id },
                })
            }
        }
    }

    /// Unpacks an archive, and records what was unpacked.
    fn unpack(
        &self,
        item: &Item,
        place: &Place,
        how: &Unpack,
        checksum: &Checksum,
    ) -> Result<(), FetchError> {
        let folder = place.folder.join(&how.folder);
        self.progress.report(&format!("unpacking {}", place.path.display()));
        if folder.exists() {
            let aside =
                Place::set_aside(&folder).map_err(|cause| self.unwritten(item, &folder, cause))?;
            self.progress.report(&format!(
                "warning: {} differs from the unpacked archive; renamed to {}",
                folder.display(),
                aside.display()
            ));
        }
        let contents = unpack::unpack(&place.path, how, &place.folder, self.stop).map_err(
            |cause| match cause {
                UnpackError::Interrupted => FetchError::Interrupted { item: item.id.clone() },
                cause => FetchError::Unpack { archive: place.path.clone(), cause },
            },
        )?;
        if contents.skipped > 0 {
            let (skipped, name) = (contents.skipped, &how.folder);
            self.progress
                .report(&format!("note: {skipped} entries of the archive outside {name} skipped"));
        }
        place
            .write_unpacked(how, checksum, contents)
            .map_err(|cause| self.unwritten(item, &folder, cause))?;
        if self.remove_archives {
            std::fs::remove_file(&place.path)
                .map_err(|cause| self.unwritten(item, &place.path, cause))?;
        }
        Ok(())
    }

    fn unwritten(&self, item: &Item, path: &Path, cause: io::Error) -> FetchError {
        if checksum::is_interrupted(&cause) {
            FetchError::Interrupted { item: item.id.clone() }
        } else {
            FetchError::Unwritten { path: path.to_owned(), cause }
        }
    }
}
