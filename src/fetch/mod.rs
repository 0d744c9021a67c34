//! Data sets and checkpoints, from their makers or from a folder that somebody brings: fetched over a
//! network that cuts, lies and stalls, compared with their official checksums, unpacked, and put where the
//! program looks for them. Nothing gets its name before it is right, so whoever reads a file reads all of
//! the right one.

mod answer;
mod bring;
mod catalogue;
mod check;
mod checksum;
mod client;
mod download;
mod error;
mod forward;
mod part;
mod place;
mod proxy;
mod state;
mod unpack;

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, channel},
    },
    time::Duration,
};

pub use catalogue::{Catalogue, CatalogueError, File, Format, Is, Item, Unpack, Zoo};
pub use checksum::{Algorithm, Checksum};
pub use client::Patience;
pub use download::Failed;
pub use error::FetchError;
pub use place::default_folder;
pub use proxy::{Proxies, ProxyError};
pub use state::State;
pub use unpack::{Contents, UnpackError, unpack};

use bring::NotBrought;
use client::Client;
use download::{Downloader, NotFetched, Wanted};
use place::Place;

/// Is told how it goes.
pub trait Watch: Sync {
    /// A file begins to come, or goes on, with so many bytes there; its whole size, where it is known.
    fn begins(&self, file: &str, bytes: u64, total: Option<u64>);
    /// So many of its bytes are there.
    fn at(&self, bytes: u64);
    /// It is whole and right, or it stopped.
    fn ends(&self, whole: bool);
    /// Something happened that somebody who looks on should know.
    fn says(&self, text: &str);
}

/// Where files come from.
pub enum Source<'a> {
    /// Their official addresses.
    Network(&'a Network),
    /// A folder that somebody brings.
    Folder(&'a Path),
}

/// The network, with what was learned of it on the way.
pub struct Network {
    client: Client,
    patience: Patience,
    unreached: Mutex<HashSet<String>>,
}

impl Network {
    /// The network through proxies, with so much patience.
    #[must_use]
    pub fn new(proxies: Proxies, patience: Patience) -> Self {
        Self { client: Client::new(proxies, patience), patience, unreached: Mutex::default() }
    }
}

/// Brings items into a data folder.
pub struct Fetcher<'a> {
    /// The data folder.
    pub data: &'a Path,
    /// Is set to stop at the next place where nothing is lost.
    pub stop: &'a AtomicBool,
    /// Is told how it goes.
    pub watch: &'a dyn Watch,
    /// Whether archives are removed when they are unpacked.
    pub removes_archives: bool,
}

/// What became of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Files that came now.
    pub came: Vec<String>,
    /// Files that were there already.
    pub were_there: Vec<String>,
    /// Files, of either, whose makers state no checksum.
    pub unchecked: Vec<String>,
}

impl Fetcher<'_> {
    /// Brings all files of an item that are not there.
    ///
    /// # Errors
    /// Every fault that [`FetchError`] names; what came before is kept.
    pub fn fetch(&self, item: &Item, source: &Source<'_>) -> Result<Fetched, FetchError> {
        let folder = self.data.join(item.folder());
        let mut waits = || {
            let folder = folder.display();
            self.watch.says(&format!("waiting for another process that fetches into {folder}"));
        };
        let _lock = place::lock(&folder, self.stop, &mut waits)
            .map_err(|cause| self.unwritten(item, &folder, cause))?;
        if let (Some(reason), Source::Network(_)) = (&item.by_hand, source) {
            self.check_by_hand(item, reason)?;
        }
        let mut fetched = Fetched::default();
        for file in &item.files {
            let came = match source {
                Source::Folder(_) => self.fetch_file(item, file, source)?,
                Source::Network(network) => {
                    self.watched(network, || self.fetch_file(item, file, source))?
                }
            };
            let list = if came { &mut fetched.came } else { &mut fetched.were_there };
            list.push(file.name.clone());
            if file.checksum().is_none() {
                fetched.unchecked.push(file.name.clone());
            }
        }
        Ok(fetched)
    }

    /// Does something that Ctrl-C ends at once, though the network may be silent.
    fn watched<T>(&self, network: &Network, act: impl FnOnce() -> T) -> T {
        const EVERY: Duration = Duration::from_millis(100);
        let (ended, end) = channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while end.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                    if self.stop.load(Ordering::Relaxed) {
                        return network.client.shut_down();
                    }
                }
            });
            let got = act();
            drop(ended);
            got
        })
    }

    fn check_by_hand(&self, item: &Item, reason: &str) -> Result<(), FetchError> {
        let mut files = Vec::new();
        for file in &item.files {
            // What only has to be unpacked needs no hand.
            if !matches!(self.state(item, file)?, State::There | State::Unchecked | State::Packed) {
                files.push(file.name.clone());
            }
        }
        if files.is_empty() {
            return Ok(());
        }
        let (item, reason, page) = (item.id.clone(), reason.to_owned(), item.page.clone());
        Err(FetchError::ByHand { item, reason, files, page })
    }

    /// Brings one file, if it is not there; whether it came.
    fn fetch_file(
        &self,
        item: &Item,
        file: &File,
        source: &Source<'_>,
    ) -> Result<bool, FetchError> {
        let place = Place::of(self.data, item, file);
        let unwritten = |path: &Path, cause| self.unwritten(item, path, cause);
        let state = self.state(item, file)?;
        match &state {
            State::There => return Ok(false),
            State::Wrong { reason } if file.checksum().is_none() => {
                let (path, record) = (place.path.clone(), place.record_path());
                return Err(FetchError::Changed { path, reason: reason.clone(), record });
            }
            State::Wrong { reason } => {
                let aside = Place::set_aside(&place.path).map_err(|e| unwritten(&place.path, e))?;
                self.watch.says(&format!(
                    "{} is not the official file ({reason}); it is set aside as {}",
                    place.path.display(),
                    aside.display()
                ));
            }
            State::Unchecked | State::Packed | State::Partial { .. } | State::Missing => {}
        }
        if !place.path.is_file() && !state.is_there() {
            self.obtain(item, file, &place, source)?;
        }
        let known = file.checksum().or_else(|| place.record());
        let checksum = match known {
            Some(known) => known,
            None => {
                let checksum = checksum::of(Algorithm::Sha256, &place.path, self.stop)
                    .map_err(|cause| unwritten(&place.path, cause))?;
                let record = place.record_path();
                place.write_record(&checksum).map_err(|cause| unwritten(&record, cause))?;
                checksum
            }
        };
        if let Some(how) = file.unpack.as_ref().filter(|_| !state.is_there()) {
            self.unpack(item, &place, how, &checksum)?;
        }
        Ok(!state.is_there())
    }

    fn obtain(
        &self,
        item: &Item,
        file: &File,
        place: &Place,
        source: &Source<'_>,
    ) -> Result<(), FetchError> {
        let mut wanted = Wanted {
            name: file.name.clone(),
            addresses: file.addresses.clone(),
            bytes: file.bytes,
            checksum: file.checksum(),
            ..Wanted::default()
        };
        if wanted.checksum.is_none() {
            wanted.checksum = place.record();
            wanted.record = wanted.checksum.is_some().then(|| place.record_path());
            wanted.of = match &item.is {
                Is::Checkpoint { zoo, .. } => Some(zoo.architecture()),
                Is::Target { .. } => None,
            };
        }
        let (id, name, page) = (item.id.clone(), file.name.clone(), item.page.clone());
        match source {
            Source::Folder(folder) => {
                bring::bring(&wanted, folder, &place.path, self.stop, self.watch).map_err(|not| {
                    match not {
                        NotBrought::Absent(rejected) => {
                            let folder = folder.to_path_buf();
                            FetchError::NotBrought { item: id, file: name, folder, rejected, page }
                        }
                        NotBrought::Unreadable(path, cause) => {
                            FetchError::Unreadable { path, cause }
                        }
                        NotBrought::Disk(cause) => self.unwritten(item, &place.path, cause),
                    }
                })
            }
            Source::Network(network) => {
                let downloader = Downloader {
                    client: &network.client,
                    patience: network.patience,
                    stop: self.stop,
                    watch: self.watch,
                    unreached: &network.unreached,
                };
                downloader.fetch(&wanted, &place.path).map_err(|not| match not {
                    NotFetched::Nowhere(failed) => {
                        FetchError::Nowhere { item: id, file: name, page, failed }
                    }
                    NotFetched::Disk(cause) => self.unwritten(item, &place.path, cause),
                    NotFetched::Stopped => FetchError::Interrupted { item: id },
                })
            }
        }
    }

    fn unpack(
        &self,
        item: &Item,
        place: &Place,
        how: &Unpack,
        checksum: &Checksum,
    ) -> Result<(), FetchError> {
        let folder = place.folder.join(&how.folder);
        self.watch.says(&format!("unpacking {}", place.path.display()));
        if folder.exists() {
            let aside =
                Place::set_aside(&folder).map_err(|cause| self.unwritten(item, &folder, cause))?;
            self.watch.says(&format!(
                "{} is not what came out of the archive; it is set aside as {}",
                folder.display(),
                aside.display()
            ));
        }
        let contents = unpack::unpack(&place.path, how, &place.folder, self.stop).map_err(
            |cause| match cause {
                UnpackError::Stopped => FetchError::Interrupted { item: item.id.clone() },
                cause => FetchError::Packed { archive: place.path.clone(), cause },
            },
        )?;
        if contents.left_out > 0 {
            let (left_out, name) = (contents.left_out, &how.folder);
            self.watch.says(&format!("{left_out} entries outside {name} were left out"));
        }
        place
            .write_unpacked(how, checksum, contents)
            .map_err(|cause| self.unwritten(item, &folder, cause))?;
        if self.removes_archives {
            std::fs::remove_file(&place.path)
                .map_err(|cause| self.unwritten(item, &place.path, cause))?;
        }
        Ok(())
    }

    fn unwritten(&self, item: &Item, path: &Path, cause: io::Error) -> FetchError {
        if checksum::is_stopped(&cause) {
            FetchError::Interrupted { item: item.id.clone() }
        } else {
            FetchError::Unwritten { path: PathBuf::from(path), cause }
        }
    }
}
