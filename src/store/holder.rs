//! What a lease's file says: who runs a trial, on which machine, and since when. The file is read
//! as if a stranger had written it.

use std::{path::Path, time::SystemTime};

use serde::{Deserialize, Serialize};

use crate::util::{files, machine, shown};

/// Version of the format.
const VERSION: u32 = 1;
/// Size limit of a lease's file; one has about three hundred bytes.
const LARGEST_BYTES: u64 = 16 << 10;
/// The longest name of a worker, host or job, in characters.
pub(super) const LONGEST_NAME: usize = 200;

/// Who runs a trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Version of the format.
    version: u32,
    /// The name of the trial's record.
    pub trial: String,
    /// The worker.
    pub worker: String,
    /// The name of its machine.
    pub host: String,
    /// Its job, for example in Slurm (`123` or `123_4` in an array).
    pub job: Option<String>,
    /// Its process.
    pub pid: u32,
    /// When it took the lease, in seconds since 1970 by its own clock.
    pub started: u64,
    /// Its last heartbeat, likewise.
    pub heartbeat: u64,
    /// The start of its machine, by an identifier of the kernel: two machines may share a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    boot: Option<String>,
}

impl Holder {
    pub(super) fn new(trial: &str, worker: &str, host: &str, job: Option<&str>) -> Self {
        let now = now();
        Self {
            version: VERSION,
            trial: trial.to_owned(),
            worker: worker.to_owned(),
            host: host.to_owned(),
            job: job.map(str::to_owned),
            pid: std::process::id(),
            started: now,
            heartbeat: now,
            boot: machine::boot(),
        }
    }

    /// The same with a heartbeat now.
    pub(super) fn beating(&self) -> Self {
        Self { heartbeat: now(), ..self.clone() }
    }

    /// The bytes of its file.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("plain data");
        bytes.push(b'\n');
        bytes
    }

    /// Whether it is on the machine of this process, where locks of files are exact, by the
    /// machine's name and its start: after a restart another machine may have the name.
    pub(super) fn is_on_machine(&self, host: &str) -> bool {
        self.boot.is_some() && self.boot == machine::boot() && self.host == host
    }

    /// Whether this is the same lease, perhaps at another heartbeat.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        *self == Self { heartbeat: self.heartbeat, ..other.clone() }
    }
}

/// A lease's file.
#[derive(Debug)]
pub(super) struct Found {
    /// Its bytes, by which it is recognised.
    pub bytes: Vec<u8>,
    /// Who holds the lease, or what is wrong with the file.
    pub holder: Result<Holder, String>,
    /// When it was last written, by the clock of its file system.
    pub written: SystemTime,
}

/// The lease's file of a trial; `None` without one.
///
/// # Errors
/// If the machine has no memory or file handles left. Anything else that is wrong with the file is
/// its own fault.
pub(super) fn read(path: &Path, trial: &str) -> std::io::Result<Option<Found>> {
    let bytes = match files::bytes(path, LARGEST_BYTES) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) if files::is_exhausted(&error) => return Err(error),
        Err(error) => Err(format!("it can't be read: {error}")),
    };
    // After the contents were read: opening a file makes a network file system ask the server.
    let modified = std::fs::symlink_metadata(path).and_then(|of| of.modified());
    let Ok(written) = modified else { return Ok(None) };
    let holder = bytes.as_ref().map_err(String::clone).and_then(|bytes| parsed(bytes, trial));
    Ok(Some(Found { bytes: bytes.unwrap_or_default(), holder, written }))
}

fn parsed(bytes: &[u8], trial: &str) -> Result<Holder, String> {
    let holder: Holder = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let Holder { version, worker, host, job, boot, .. } = &holder;
    if *version != VERSION {
        return Err(format!("it has format {version}, and this version reads format {VERSION}"));
    }
    if holder.trial != trial {
        return Err("its name is not that of its trial".to_owned());
    }
    let named = [("worker", Some(worker)), ("host", Some(host)), ("job", job.as_ref())];
    for (field, name) in named.into_iter().chain([("boot", boot.as_ref())]) {
        if let Some(fault) = name.and_then(|name| fault_of_name(name)) {
            return Err(format!("its {field} {fault}"));
        }
    }
    Ok(holder)
}

/// What is wrong with the name of a worker, host or job; `None` for one that can be shown.
pub(super) fn fault_of_name(name: &str) -> Option<String> {
    if name.chars().count() > LONGEST_NAME {
        return Some(format!("has more than {LONGEST_NAME} characters"));
    }
    shown::fault_of_name(name).map(str::to_owned)
}

/// Seconds since 1970 by the clock of this machine, for people.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
