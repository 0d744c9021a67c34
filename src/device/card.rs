//! What a GPU is called, which tch does not tell: by its driver's files, or by `nvidia-smi` where these are
//! not to be seen, as in some containers.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

/// A GPU that is stuck makes `nvidia-smi` wait, and a name is not worth that.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asked for once a process. With GPUs of several kinds all are named, since the driver's order need not be
/// libtorch's.
pub(super) fn name(index: usize) -> Option<String> {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let mut names = by_driver(Path::new("/proc/driver/nvidia/gpus"));
        if names.is_empty() {
            names = by_command().unwrap_or_default();
        }
        names.sort();
        names.dedup();
        names
    });
    match names.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        several => Some(format!("device {index} of {}", several.join(", "))),
    }
}

fn by_driver(folder: &Path) -> Vec<String> {
    let Ok(folders) = std::fs::read_dir(folder) else { return Vec::new() };
    let about = folders
        .filter_map(|folder| std::fs::read_to_string(folder.ok()?.path().join("information")).ok());
    let model = |text: String| {
        let model = text.lines().find_map(|line| line.strip_prefix("Model:"))?;
        Some(model.trim().to_owned())
    };
    about.filter_map(model).collect()
}

fn by_command() -> Option<Vec<String>> {
    let mut child = Command::new("nvidia-smi")
        .args(["--query-gpu=name", "--format=csv,noheader"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let began = Instant::now();
    // A few names fit into the pipe, so that it ends whether or not they are read.
    while child.try_wait().ok()?.is_none() {
        if began.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_s_files_name_each_gpu() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(by_driver(&folder.path().join("nothing")), Vec::<String>::new());
        for (slot, text) in [("a", "Model: \t\t NVIDIA A \nIRQ: 1\n"), ("b", "IRQ: 2\n")] {
            std::fs::create_dir(folder.path().join(slot)).unwrap();
            std::fs::write(folder.path().join(slot).join("information"), text).unwrap();
        }
        assert_eq!(by_driver(folder.path()), ["NVIDIA A"]);
    }
}
