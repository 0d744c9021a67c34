//! Files that are written whole or not at all, and where they are kept.

use std::{
    fs::File,
    io::{Result, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// The folder that a kind of file is kept in where nobody names one: the environment's variable, else
/// `name` in the project that the program was built from, else `name` here.
#[must_use]
pub fn default_folder(variable: &str, name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os(variable).filter(|folder| !folder.is_empty()) {
        return folder.into();
    }
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    match project.join("Cargo.toml").is_file() {
        true => project.join(name),
        false => PathBuf::from(name),
    }
}

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
