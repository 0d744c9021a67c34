//! The version of the GPU driver and the names of the GPUs, which tch does not give: from the driver's
//! files, or else from `nvidia-smi`. A container may have either.

use std::{
    ffi::OsStr,
    io::Read,
    path::Path,
    process::{Command, Stdio},
    sync::{OnceLock, mpsc},
    time::Duration,
};

/// The driver's own files.
const FOLDER: &str = "/proc/driver/nvidia";
/// The program that is asked where there are no such files.
const PROGRAM: &str = "nvidia-smi";
/// Its time limit: it waits for a driver that hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// The driver's version, such as "580.65.06"; `None` without a driver.
pub(super) fn version() -> Option<String> {
    let text = std::fs::read_to_string(Path::new(FOLDER).join("version")).unwrap_or_default();
    version_in(&text)
        .or_else(|| query(PROGRAM.as_ref(), "driver_version", PATIENCE).into_iter().next())
}

/// The names of the GPUs, each once and in order; read once in a process.
pub(super) fn names() -> &'static [String] {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names = in_files(&Path::new(FOLDER).join("gpus"));
        if names.is_empty() {
            names = query(PROGRAM.as_ref(), "name", PATIENCE);
        }
        names.sort();
        names.dedup();
        names
    })
}

/// The first version in the driver's text, whose first line names the kernel module.
fn version_in(text: &str) -> Option<String> {
    let is_version =
        |word: &&str| word.contains('.') && word.split('.').all(|part| part.parse::<u32>().is_ok());
    text.lines().next()?.split_whitespace().find(is_version).map(str::to_owned)
}

/// Names from the driver's files, one folder a GPU.
fn in_files(folder: &Path) -> Vec<String> {
    let folders = std::fs::read_dir(folder).into_iter().flatten();
    folders
        .filter_map(|folder| std::fs::read_to_string(folder.ok()?.path().join("information")).ok())
        .filter_map(|text| {
            let model = text.lines().find_map(|line| line.strip_prefix("Model:"))?;
            Some(model.trim().to_owned())
        })
        .collect()
}

/// Queries a program with the options of `nvidia-smi`: one line a GPU, or nothing if the program is
/// missing, fails or exceeds its time limit.
fn query(program: &OsStr, field: &str, patience: Duration) -> Vec<String> {
    let mut command = Command::new(program);
    command.arg(format!("--query-gpu={field}")).arg("--format=csv,noheader");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(mut running) = command.spawn() else { return Vec::new() };
    let mut out = running.stdout.take().expect("it is piped");
    let (sender, receiver) = mpsc::channel();
    // Without a thread the sender is gone at once, as after the time limit.
    let _ = std::thread::Builder::new().spawn(move || {
        let mut text = String::new();
        let read = out.read_to_string(&mut text).map(|_| text);
        // After the time limit the receiver is gone.
        let _ = sender.send(read);
    });
    let Ok(Ok(text)) = receiver.recv_timeout(patience) else {
        // A process that waits for a driver may not even die, so there is no wait for it.
        let _ = running.kill();
        return Vec::new();
    };
    // It prints its errors on standard output too.
    if !running.wait().is_ok_and(|ended| ended.success()) {
        return Vec::new();
    }
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_s_version_is_found_in_the_text_of_either_module() {
        let closed = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\nGCC version:  gcc 12.3.0";
        assert_eq!(version_in(closed).as_deref(), Some("535.104.05"));
        let open = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (root@there)";
        assert_eq!(version_in(open).as_deref(), Some("580.65.06"));
        assert_eq!(version_in(""), None);
        assert_eq!(version_in("GCC version"), None);
    }

    #[test]
    fn names_are_read_from_the_driver_s_files() {
        let folder = tempfile::tempdir().unwrap();
        assert!(in_files(&folder.path().join("nowhere")).is_empty());
        let gpu = folder.path().join("0000:01:00.0");
        std::fs::create_dir(&gpu).unwrap();
        let text = "Model: \t\t NVIDIA H200\nIRQ:   \t\t 170\n";
        std::fs::write(gpu.join("information"), text).unwrap();
        assert_eq!(in_files(folder.path()), ["NVIDIA H200"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_fails_or_hangs_gives_no_names() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let program = |name: &str, does: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{does}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            path.into_os_string()
        };
        let ask = |program: &OsStr| query(program, "name", Duration::from_secs(1));
        let well = program(
            "well",
            "[ \"$*\" = '--query-gpu=name --format=csv,noheader' ] && echo 'NVIDIA A100 '",
        );
        assert_eq!(query(&well, "name", PATIENCE), ["NVIDIA A100"]);
        let failing = program("failing", "echo 'No devices were found'; exit 6");
        assert!(ask(&failing).is_empty());
        let hanging = program("hanging", "exec sleep 60");
        let asked = std::time::Instant::now();
        assert!(ask(&hanging).is_empty() && asked.elapsed().as_secs() < 30);
        assert!(ask(OsStr::new("nowhere/nvidia-smi")).is_empty());
    }
}
