//! `verify --against`: what changed since earlier verdicts.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use super::{Failure, exit};
use crate::{
    figure::numbers::counted,
    report::{EarlierVerdicts, Judged},
    util::shown,
};

/// The largest file that is read: every claim on every kind of evidence takes less than a tenth.
const MOST_BYTES: u64 = 64 << 20;

/// Earlier verdicts, from a file.
pub(super) struct Against {
    file: PathBuf,
    earlier: EarlierVerdicts,
}

impl Against {
    /// Reads them, before the work that they are compared with.
    pub fn read(file: &Path) -> Result<Self, Failure> {
        let earlier = bytes(file).and_then(|text| EarlierVerdicts::read(&text));
        let earlier = earlier.map_err(|cause| {
            let report = miette::miette!(
                help = "give the output of `repro verify --format json`, or repro-verdicts.json of \
                        a report",
                "failed to read earlier verdicts from {}: {cause}",
                shown::path(file)
            );
            Failure::new(exit::INPUT, report)
        })?;
        Ok(Self { file: file.to_owned(), earlier })
    }

    /// What changed, in sentences, and whether anything did.
    pub fn changes(&self, judged: &[Judged<'_>], asked: &[String]) -> (Vec<String>, bool) {
        let changes = self.earlier.changes(judged, asked);
        let file = shown::path(&self.file);
        let (count, same) = (changes.sentences.len(), changes.unchanged);
        let same = counted(same, "claim");
        let first = match count {
            0 => format!("nothing changed since {file}: {same} compared"),
            _ => format!("since {file}: {}, {same} unchanged", counted(count, "difference")),
        };
        let not_asked = (changes.not_asked > 0)
            .then(|| format!("{} in it not judged now", counted(changes.not_asked, "verdict")));
        let first = std::iter::once(first).chain(not_asked).collect::<Vec<_>>().join("; ");
        (std::iter::once(first).chain(changes.sentences).collect(), count > 0)
    }
}

fn bytes(file: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(|error| error.to_string())?;
    let read = opened.take(MOST_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("it has more than {} MiB", MOST_BYTES >> 20));
    }
    Ok(bytes)
}
