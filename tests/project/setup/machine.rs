//! A new machine for `scripts/setup.py`: a folder, with wheels that a stand-in for pip provides.
//! `tests/project/setup` has the tests.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The root of the repository.
pub const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// The interpreter behind `python3`, looked up once: the wrapper of a version manager takes longer
/// than everything that runs here.
fn python() -> Command {
    static EXECUTABLE: LazyLock<String> = LazyLock::new(|| {
        let asked =
            Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
        String::from_utf8(asked.expect("python3 runs").stdout).expect("a path").trim().to_owned()
    });
    Command::new(&*EXECUTABLE)
}

/// A new machine: wheels to download, and nothing set up.
pub struct Machine {
    folder: TempDir,
}

/// The wheels and their manifest, made once.
static FIXTURE: LazyLock<Vec<(OsString, Vec<u8>)>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = Path::new(REPOSITORY).join("tests/project/setup/fixture.py");
    let made = python().arg(script).arg(folder.path()).status().expect("python3 runs");
    assert!(made.success());
    let files = fs::read_dir(folder.path()).expect("readable").map(|entry| {
        let entry = entry.expect("readable");
        (entry.file_name(), fs::read(entry.path()).expect("readable"))
    });
    files.collect()
});

impl Machine {
    /// A machine on which every wheel can be downloaded, and nothing is set up.
    pub fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        for (name, bytes) in &*FIXTURE {
            fs::write(machine.folder.path().join(name), bytes).expect("writable");
        }
        machine
    }

    /// A path in the machine's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of the libraries after set-up.
    pub fn home(&self) -> PathBuf {
        self.path("into/9.9.9")
    }

    /// `scripts/setup.py` with only this machine's environment.
    pub fn setup(&self) -> Command {
        let mut command = python();
        command
            .arg(Path::new(REPOSITORY).join("scripts/setup.py"))
            .arg("--manifest")
            .arg(self.path("manifest.json"))
            .arg("--into")
            .arg(self.path("into"))
            .current_dir(self.folder.path())
            .env("PYTHONPATH", Path::new(REPOSITORY).join("tests/project/setup"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("FAKE_PIP", self.folder.path())
            // Cargo's configuration sets the first variable for tests; the others may be the
            // user's.
            .env_remove("LIBTORCH")
            .env_remove("LIBTORCH_USE_PYTORCH")
            .env_remove("VIRTUAL_ENV")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Sets up and waits for the end.
    pub fn run(&self) -> Ended {
        Ended::from_output(&self.setup().output().expect("python3 runs"))
    }

    /// Runs `--check` and waits for the end.
    pub fn check(&self) -> Ended {
        Ended::from_output(&self.setup().arg("--check").output().expect("python3 runs"))
    }

    /// Starts the set-up.
    pub fn start(&self) -> Child {
        self.setup().spawn().expect("python3 runs")
    }

    /// Starts the set-up, and returns during a download that `hangs`.
    pub fn start_until_pip_hangs(&self) -> Child {
        let started = self.start();
        let patience = Instant::now() + Duration::from_secs(20);
        while !self.written().iter().any(|path| path.ends_with(".part")) {
            assert!(Instant::now() < patience, "pip never began: {:?}", self.written());
            sleep(Duration::from_millis(10));
        }
        started
    }

    /// Sets the behaviour of the download of `project` (`mode` of tests/project/setup/pip).
    pub fn download_of(&self, project: &str, mode: &str) {
        fs::write(self.path(&format!("{project}.mode")), mode).expect("writable");
    }

    /// The projects that pip downloaded, in order.
    pub fn downloads(&self) -> Vec<String> {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// Every file and link below the folder that set-up writes to, sorted.
    pub fn written(&self) -> Vec<String> {
        let root = self.path("into");
        let mut folders = vec![root.clone()];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let entry = entry.expect("readable");
                if entry.file_type().expect("readable").is_dir() {
                    folders.push(entry.path());
                } else {
                    found.push(
                        entry.path().strip_prefix(&root).expect("below").display().to_string(),
                    );
                }
            }
        }
        found.sort();
        found
    }

    /// Changes the manifest, `libtorch.json`.
    pub fn edit_manifest(&self, edit: impl FnOnce(&mut serde_json::Value)) {
        let path = self.path("manifest.json");
        let mut manifest =
            serde_json::from_slice(&fs::read(&path).expect("readable")).expect("JSON");
        edit(&mut manifest);
        fs::write(path, manifest.to_string()).expect("writable");
    }
}

/// The exit code and the messages of a run.
pub struct Ended {
    code: Option<i32>,
    stderr: String,
}

impl Ended {
    /// Reads a finished run.
    pub fn from_output(output: &Output) -> Self {
        assert_eq!(output.stdout, b"", "stdout is for results, and there are none");
        Self {
            code: output.status.code(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Checks the exit code, that the messages contain all of `words`, and that no exception
    /// escaped.
    #[track_caller]
    pub fn with(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "no `{word}` in: {}", self.stderr);
        }
        assert!(!self.stderr.contains("Traceback"), "{}", self.stderr);
    }
}

/// All files after a complete set-up.
const SET_UP: [&str; 7] = [
    "9.9.9/build-version",
    "9.9.9/include/a.h",
    "9.9.9/include/below/b.h",
    "9.9.9/lib/libcudart.so.13",
    "9.9.9/lib/libtorch.so",
    "9.9.9/lib/libtorch_cpu.so",
    "9.9.9/stamp.json",
];

/// Checks that all files are complete, and that there are no others.
#[track_caller]
pub fn assert_set_up(machine: &Machine) {
    let written: Vec<_> = machine.written().into_iter().filter(|path| path != "lock").collect();
    assert_eq!(written, SET_UP);
    machine.check().with(0, &["complete and verified"]);
}
