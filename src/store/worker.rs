//! A worker: a process that takes leases on trials and renews them while it lives.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, Weak},
    thread,
    time::{Duration, Instant, SystemTime},
};

use super::{
    holder::{Holder, fault_of_name},
    lease::{Held, since},
    ledger::Ledger,
};
use crate::util::{files, machine};

/// The time between two heartbeats of a lease.
pub const BEAT: Duration = Duration::from_secs(30);
/// A lease is stale after so many missed heartbeats.
pub const MISSED: u32 = 10;

/// A process that runs trials, by the name that its leases have. A thread of it renews the leases
/// that it holds.
#[derive(Debug)]
pub struct Worker {
    name: String,
    host: String,
    job: Option<String>,
    beat: Duration,
    /// Whether locks of files exclude other processes of this machine.
    locks: OnceLock<bool>,
    leases: Arc<Leases>,
    renews: OnceLock<()>,
    /// The clock of the ledger's file system, as it was found at some moment.
    clock: Mutex<Option<(SystemTime, Instant)>>,
    /// Other workers' leases: when each was written, and since when it is known so.
    watched: Mutex<HashMap<String, (SystemTime, Instant)>>,
}

/// The leases that a worker holds.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<Vec<Weak<Held>>>);

impl Leases {
    fn renew(&self) {
        let mut leases = self.0.lock().expect("no thread panicked with the lock");
        leases.retain(|lease| match lease.upgrade() {
            Some(held) => {
                // The next heartbeat tries again; ten that fail make the lease stale.
                let _ = held.renew();
                true
            }
            None => false,
        });
    }
}

impl Worker {
    /// A worker in this process.
    ///
    /// # Errors
    /// If the name is empty, too long or has characters that can't be seen: what is wrong with it.
    pub fn new(name: &str, job: Option<&str>) -> Result<Self, String> {
        if let Some(fault) = fault_of_name(name) {
            return Err(fault);
        }
        let job = job.filter(|job| fault_of_name(job).is_none());
        Ok(Self {
            name: name.to_owned(),
            host: machine::host(),
            job: job.map(str::to_owned),
            beat: BEAT,
            locks: OnceLock::new(),
            leases: Arc::default(),
            renews: OnceLock::new(),
            clock: Mutex::default(),
            watched: Mutex::default(),
        })
    }

    /// The worker of this process, by the name of its machine and its process number.
    #[must_use]
    pub fn of_process() -> &'static Self {
        static WORKER: OnceLock<Worker> = OnceLock::new();
        WORKER.get_or_init(|| {
            let named = |host: &str| Self::new(&format!("{host}-{}", std::process::id()), None);
            let worker = named(&machine::host()).or_else(|_| named("localhost"));
            worker.expect("this is a name")
        })
    }

    /// The same with another time between heartbeats, for tests.
    #[must_use]
    pub fn with_beat(self, beat: Duration) -> Self {
        Self { beat, ..self }
    }

    /// The same on a machine of another name, for tests of what a machine does not share.
    #[must_use]
    pub fn on_host(self, host: &str) -> Self {
        Self { host: host.to_owned(), ..self }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of its machine.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its job, for example in Slurm.
    #[must_use]
    pub fn job(&self) -> Option<&str> {
        self.job.as_deref()
    }

    /// Whether a lease that was last written at this time has missed ten heartbeats: by the clock
    /// of the file system, which `clock` finds; or since this worker saw it first, where that clock
    /// was set back.
    pub(super) fn is_stale(
        &self,
        id: &str,
        written: SystemTime,
        clock: impl FnOnce() -> SystemTime,
    ) -> bool {
        let patience = self.beat * MISSED;
        let mut watched = self.watched.lock().expect("no thread panicked with the lock");
        let seen = watched.entry(id.to_owned()).or_insert_with(|| (written, Instant::now()));
        if seen.0 != written {
            *seen = (written, Instant::now());
        }
        if seen.1.elapsed() > patience {
            return true;
        }
        drop(watched);
        let mut known = self.clock.lock().expect("no thread panicked with the lock");
        let fresh = known.filter(|(_, at)| at.elapsed() < self.beat);
        let (time, at) = *known.insert(fresh.unwrap_or_else(|| (clock(), Instant::now())));
        since(written, time + at.elapsed()) > patience
    }

    pub(super) fn holder(&self, trial: &str) -> Holder {
        Holder::new(trial, &self.name, &self.host, self.job.as_deref())
    }

    /// Whether a lock of a file excludes a second one on this machine. On some file systems every
    /// process gets it, and then heartbeats decide alone.
    pub(super) fn locks_exclude(&self, ledger: &Ledger) -> bool {
        *self.locks.get_or_init(|| files::locks_exclude(&ledger.running()))
    }

    /// Renews a lease until it is dropped.
    pub(super) fn renews(&self, held: &Arc<Held>) {
        let mut leases = self.leases.0.lock().expect("no thread panicked with the lock");
        leases.push(Arc::downgrade(held));
        drop(leases);
        self.renews.get_or_init(|| {
            let (leases, beat) = (Arc::downgrade(&self.leases), self.beat);
            // Without a thread the leases become stale, and a trial may run twice.
            let _ = thread::Builder::new().name("heartbeat".to_owned()).spawn(move || {
                loop {
                    thread::sleep(beat);
                    let Some(leases) = leases.upgrade() else { return };
                    leases.renew();
                }
            });
        });
    }
}
