//! Files that are written whole or not at all.

use std::{
    fs::File,
    io::{Result, Write},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

/// Counts temporary names within the process.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Writes a file under a temporary name beside its own, makes sure that the disk has it, and renames
/// it: whoever reads `path`, now or after a crash at any moment, finds all of the old or all of the
/// new. The folder is made where it is not there yet.
///
/// # Errors
/// What the system says; nothing is then left behind.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!(".{name}.{}.{next}", std::process::id()));
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // Whatever lies there is of no use; that it can't be removed changes nothing.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}
