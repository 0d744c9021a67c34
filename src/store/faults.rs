//! Faults of devices by host: a GPU that failed twice within an hour is likely to fail again, and a
//! worker then leaves its host to be repaired. One file a host, a line for each fault, appended.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read, Seek, SeekFrom, Write},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use super::{
    holder::fault_of_name,
    ledger::{Ledger, LedgerError, Operation},
    worker::Worker,
};

/// Faults within this time count together.
pub const FAULTS_WITHIN: Duration = Duration::from_secs(3600);
/// The end of a file that is read: some hundred faults.
const MOST_BYTES: u64 = 64 << 10;
/// The longest message that is kept, in characters.
const LONGEST: usize = 400;

/// A fault of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceFault {
    /// The machine.
    pub host: String,
    /// The worker that met it.
    pub worker: String,
    /// When, in seconds since 1970 by the clock of the machine.
    pub time: u64,
    /// What libtorch said.
    pub message: String,
}

impl DeviceFault {
    /// Notes a fault on the machine of this worker.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn note(ledger: &Ledger, worker: &Worker, message: &str) -> Result<(), LedgerError> {
        let path = path(ledger, worker.host());
        let fault = Self {
            host: worker.host().to_owned(),
            worker: worker.name().to_owned(),
            time: now(),
            message: message.chars().take(LONGEST).collect(),
        };
        let mut line = serde_json::to_vec(&fault).expect("plain data");
        line.push(b'\n');
        let write = || {
            std::fs::create_dir_all(path.parent().expect("it is in a folder"))?;
            // One write at the end of the file, so that workers of one host keep their lines whole.
            OpenOptions::new().append(true).create(true).open(&path)?.write_all(&line)
        };
        write().map_err(|cause| LedgerError::Io { operation: Operation::Write, path, cause })
    }

    /// The faults on a host within the last hour, by its own clock; lines that are none are passed
    /// over.
    ///
    /// # Errors
    /// If the file can't be read.
    pub fn recent(ledger: &Ledger, host: &str) -> Result<Vec<Self>, LedgerError> {
        let path = path(ledger, host);
        let read = || {
            let mut file = File::open(&path)?;
            if !file.metadata()?.is_file() {
                return Ok(Vec::new());
            }
            let length = file.seek(SeekFrom::End(0))?;
            file.seek(SeekFrom::Start(length.saturating_sub(MOST_BYTES)))?;
            let mut bytes = Vec::new();
            file.take(MOST_BYTES).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = match read() {
            Ok(bytes) => bytes,
            Err(error) if std::io::Error::kind(&error) == ErrorKind::NotFound => Vec::new(),
            Err(cause) => return Err(LedgerError::Io { operation: Operation::Read, path, cause }),
        };
        let (now, within) = (now(), FAULTS_WITHIN.as_secs());
        let lines = bytes.split(|byte| *byte == b'\n');
        let faults = lines.filter_map(|line| serde_json::from_slice::<Self>(line).ok());
        Ok(faults
            .filter(|fault| {
                let names = [&fault.host, &fault.worker];
                let shown = names.iter().all(|name| fault_of_name(name).is_none());
                shown && fault.host == host && fault.time.abs_diff(now) <= within
            })
            .collect())
    }
}

/// The file of a host, by its name if that can be the name of a file.
fn path(ledger: &Ledger, host: &str) -> PathBuf {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let name = if host.chars().all(plain) && !host.starts_with('.') && host.len() <= 100 {
        host.to_owned()
    } else {
        blake3::hash(host.as_bytes()).to_hex().to_string()
    };
    ledger.folder().join("faults").join(format!("{name}.jsonl"))
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
