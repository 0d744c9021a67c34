//! `scripts/setup.py` without a network: a stand-in for pip (tests/setup/pip) serves two tiny
//! wheels, and fails in the ways that a real download does. Whether the real wheels hold a libtorch
//! that works is for every other test to show.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// The interpreter behind `python3`, asked for once: a version manager's stand-in costs more than
/// all that is run here.
fn python() -> Command {
    static EXECUTABLE: LazyLock<String> = LazyLock::new(|| {
        let asked =
            Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
        String::from_utf8(asked.expect("python3 runs").stdout).expect("a path").trim().to_owned()
    });
    Command::new(&*EXECUTABLE)
}

/// A fresh machine: wheels to be had, nothing set up.
struct Machine {
    folder: TempDir,
}

/// The wheels and their manifest, made once.
static FIXTURE: LazyLock<Vec<(OsString, Vec<u8>)>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = Path::new(REPOSITORY).join("tests/setup/fixture.py");
    let made = python().arg(script).arg(folder.path()).status().expect("python3 runs");
    assert!(made.success());
    let files = fs::read_dir(folder.path()).expect("readable").map(|entry| {
        let entry = entry.expect("readable");
        (entry.file_name(), fs::read(entry.path()).expect("readable"))
    });
    files.collect()
});

impl Machine {
    fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        for (name, bytes) in &*FIXTURE {
            fs::write(machine.folder.path().join(name), bytes).expect("writable");
        }
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where the libraries come to lie.
    fn home(&self) -> PathBuf {
        self.path("into/9.9.9")
    }

    fn setup(&self) -> Command {
        let mut command = python();
        command
            .arg(Path::new(REPOSITORY).join("scripts/setup.py"))
            .arg("--manifest")
            .arg(self.path("manifest.json"))
            .arg("--into")
            .arg(self.path("into"))
            .current_dir(self.folder.path())
            .env("PYTHONPATH", Path::new(REPOSITORY).join("tests/setup"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("FAKE_PIP", self.folder.path())
            // Cargo's configuration sets the first for tests; the others may be the user's.
            .env_remove("LIBTORCH")
            .env_remove("LIBTORCH_USE_PYTORCH")
            .env_remove("VIRTUAL_ENV")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self) -> Ended {
        Ended::of(&self.setup().output().expect("python3 runs"))
    }

    fn check(&self) -> Ended {
        Ended::of(&self.setup().arg("--check").output().expect("python3 runs"))
    }

    fn start(&self) -> Child {
        self.setup().spawn().expect("python3 runs")
    }

    /// From now on, the download of `project` goes as `mode` says (tests/setup/pip).
    fn download_of(&self, project: &str, mode: &str) {
        fs::write(self.path(&format!("{project}.mode")), mode).expect("writable");
    }

    fn downloads(&self) -> Vec<String> {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// Every file and link below the folder that set-up writes to, sorted.
    fn written(&self) -> Vec<String> {
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

    fn edit_manifest(&self, edit: impl FnOnce(&mut serde_json::Value)) {
        let path = self.path("manifest.json");
        let mut manifest =
            serde_json::from_slice(&fs::read(&path).expect("readable")).expect("JSON");
        edit(&mut manifest);
        fs::write(path, manifest.to_string()).expect("writable");
    }
}

/// How a run ended and what it said.
struct Ended {
    code: Option<i32>,
    said: String,
}

impl Ended {
    fn of(output: &Output) -> Self {
        assert_eq!(output.stdout, b"", "stdout is for results, and there are none");
        Self {
            code: output.status.code(),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    fn with(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.said);
        for word in words {
            assert!(self.said.contains(word), "no `{word}` in: {}", self.said);
        }
        assert!(!self.said.contains("Traceback"), "{}", self.said);
    }
}

const SET_UP: [&str; 7] = [
    "9.9.9/build-version",
    "9.9.9/include/a.h",
    "9.9.9/include/below/b.h",
    "9.9.9/lib/libcudart.so.13",
    "9.9.9/lib/libtorch.so",
    "9.9.9/lib/libtorch_cpu.so",
    "9.9.9/stamp.json",
];

#[track_caller]
fn assert_set_up(machine: &Machine) {
    let written: Vec<_> = machine.written().into_iter().filter(|path| path != "lock").collect();
    assert_eq!(written, SET_UP);
    machine.check().with(0, &["whole"]);
}

#[test]
fn a_first_run_unpacks_what_the_manifest_names_and_leaves_nothing_else() {
    let machine = Machine::new();
    machine.run().with(0, &["is now in"]);
    assert_set_up(&machine);
    assert_eq!(
        fs::read(machine.home().join("lib/libtorch.so")).expect("a link to a library"),
        b"the engine".repeat(100)
    );
}

#[test]
fn a_second_run_downloads_nothing_and_changes_nothing() {
    let machine = Machine::new();
    machine.run().with(0, &[]);
    let before = fs::metadata(machine.home().join("stamp.json"))
        .expect("set up")
        .modified()
        .expect("a time");
    machine.run().with(0, &["is in"]);
    assert_eq!(machine.downloads(), ["engine", "runtime"]);
    assert_eq!(
        fs::metadata(machine.home().join("stamp.json"))
            .expect("set up")
            .modified()
            .expect("a time"),
        before
    );
}

#[test]
fn a_library_damaged_within_its_size_is_named_by_check() {
    let machine = Machine::new();
    machine.run().with(0, &[]);
    fs::write(machine.home().join("lib/libtorch_cpu.so"), b"The engine".repeat(100))
        .expect("writable");
    machine.check().with(66, &["lib/libtorch_cpu.so is damaged", "make setup"]);
}

#[test]
fn a_header_damaged_within_its_size_is_named_by_check() {
    let machine = Machine::new();
    machine.run().with(0, &[]);
    fs::write(machine.home().join("include/below/b.h"), "// c\n").expect("writable");
    machine.check().with(66, &["include is damaged"]);
}

#[test]
fn check_without_a_set_up_says_so_and_changes_nothing() {
    let machine = Machine::new();
    machine.check().with(66, &["missing or incomplete: run `make setup`"]);
    assert!(machine.written().is_empty());
}

#[test]
fn a_library_cut_short_is_noticed_by_a_plain_run_and_put_right() {
    let machine = Machine::new();
    machine.run().with(0, &[]);
    fs::write(machine.home().join("lib/libcudart.so.13"), "short").expect("writable");
    machine.run().with(0, &["libcudart.so.13 has 5 bytes, not 550", "setting up again"]);
    assert_set_up(&machine);
}

#[test]
fn a_new_manifest_replaces_what_an_old_one_set_up() {
    let machine = Machine::new();
    machine.run().with(0, &[]);
    machine.edit_manifest(|manifest| manifest["abi"] = "cp312".into());
    machine.run().with(0, &["is now in"]);
    assert_eq!(machine.downloads().len(), 4);
    assert_set_up(&machine);
}

#[test]
fn after_a_download_that_dies_midway_the_next_run_goes_on_with_what_was_complete() {
    let machine = Machine::new();
    machine.download_of("runtime", "dies");
    machine.run().with(
        69,
        &["connection reset", "failed to download runtime 1.0", "run `make setup` again"],
    );
    assert_eq!(machine.written(), ["lock", "partial/wheels/engine-1.0.whl"]);

    machine.download_of("runtime", "serves");
    machine.run().with(0, &["engine 1.0 is here from an earlier run"]);
    assert_eq!(machine.downloads(), ["engine", "runtime", "runtime"]);
    assert_set_up(&machine);
}

#[test]
fn a_truncated_wheel_is_named_and_removed() {
    let machine = Machine::new();
    machine.download_of("engine", "truncates");
    machine.run().with(66, &["engine-1.0-py3-none-any.whl is damaged", "removed"]);
    assert_eq!(machine.written(), ["lock"]);

    machine.download_of("engine", "serves");
    machine.run().with(0, &[]);
    assert_set_up(&machine);
}

#[test]
fn a_wheel_damaged_since_an_interrupted_run_is_named_and_downloaded_again() {
    let machine = Machine::new();
    machine.download_of("runtime", "dies");
    machine.run().with(69, &[]);
    fs::write(machine.path("into/partial/wheels/engine-1.0.whl"), "damaged").expect("writable");

    machine.download_of("runtime", "serves");
    machine.run().with(0, &["engine-1.0.whl is damaged: removed"]);
    assert_set_up(&machine);
}

#[test]
fn what_a_killed_run_left_is_removed_once_its_pip_is_gone_too() {
    let machine = Machine::new();
    machine.download_of("runtime", "hangs");
    let mut killed = machine.start();
    let patience = Instant::now() + Duration::from_secs(20);
    while !machine.written().iter().any(|path| path.ends_with(".part")) {
        assert!(Instant::now() < patience, "pip never began: {:?}", machine.written());
        sleep(Duration::from_millis(10));
    }
    killed.kill().expect("alive");
    killed.wait().expect("a child");

    machine.download_of("runtime", "serves");
    machine.run().with(0, &["waiting", "engine 1.0 is here from an earlier run"]);
    assert_set_up(&machine);
}

#[test]
fn what_an_interrupted_unpacking_left_does_not_get_into_the_result() {
    let machine = Machine::new();
    let left = machine.path("into/partial/unpacked/include");
    fs::create_dir_all(&left).expect("writable");
    fs::write(left.join("of_an_older_version.h"), "// old").expect("writable");
    machine.run().with(0, &[]);
    assert_set_up(&machine);
}

#[test]
fn two_runs_at_once_download_once() {
    let machine = Machine::new();
    let both = [machine.start(), machine.start()];
    for run in both {
        Ended::of(&run.wait_with_output().expect("a child")).with(0, &[]);
    }
    assert_eq!(machine.downloads(), ["engine", "runtime"]);
    assert_set_up(&machine);
}

#[test]
fn a_libtorch_of_the_users_own_is_left_to_them() {
    let machine = Machine::new();
    let theirs = machine.path("theirs");
    fs::create_dir_all(theirs.join("lib")).expect("writable");
    fs::write(theirs.join("lib/libtorch_cpu.so"), "").expect("writable");
    let output = machine.setup().env("LIBTORCH", &theirs).output().expect("python3 runs");
    Ended::of(&output).with(0, &["LIBTORCH is set: using"]);
    assert!(machine.written().is_empty());
}

#[test]
fn a_libtorch_variable_that_points_nowhere_is_an_error() {
    let machine = Machine::new();
    for nowhere in ["", "/nonexistent"] {
        let output = machine.setup().env("LIBTORCH", nowhere).output().expect("python3 runs");
        Ended::of(&output).with(66, &["LIBTORCH is set to", "unset it"]);
    }
}

#[test]
fn a_libtorch_variable_that_points_at_our_own_folder_changes_nothing() {
    let machine = Machine::new();
    let output = machine.setup().env("LIBTORCH", machine.home()).output().expect("python3 runs");
    Ended::of(&output).with(0, &["is now in"]);
    assert_set_up(&machine);
}

#[test]
fn a_pytorch_of_the_users_own_is_left_to_them_if_python_finds_it() {
    let machine = Machine::new();
    let bin = machine.path("bin");
    fs::create_dir(&bin).expect("writable");
    // What set-up asks of `python3` is whether it finds torch; these two know the answer.
    for (finds, code, words) in [
        (true, 0, "using the torch of `python3`"),
        (false, 66, "`python3` finds no torch: `pip install torch==9.9.9` there, or unset it"),
    ] {
        let answer = format!("#!/bin/sh\nexit {}\n", i32::from(!finds));
        fs::write(bin.join("python3"), answer).expect("writable");
        fs::set_permissions(bin.join("python3"), Permissions::from_mode(0o755)).expect("writable");
        let mut setup = machine.setup();
        setup.env("LIBTORCH_USE_PYTORCH", "1").env("PATH", &bin);
        Ended::of(&setup.output().expect("python3 runs")).with(code, &[words]);
        assert!(machine.written().is_empty());
    }
}

#[test]
fn a_python_without_pip_is_told_how_to_get_it() {
    let machine = Machine::new();
    fs::write(machine.path("absent"), "").expect("writable");
    machine.run().with(69, &["has no pip", "python3-pip"]);
}

#[test]
fn a_disk_that_is_too_small_is_found_out_before_any_download() {
    let machine = Machine::new();
    machine.edit_manifest(|manifest| manifest["wheels"][1]["bytes"] = 10_u64.pow(18).into());
    machine.run().with(73, &["2,000,000,000,000 MB are needed", "make room"]);
    assert!(machine.downloads().is_empty());
}

#[test]
fn a_folder_that_can_not_be_written_is_named() {
    let machine = Machine::new();
    fs::write(machine.path("into"), "a file").expect("writable");
    machine.run().with(73, &["failed to write", "into"]);
}

#[test]
fn a_manifest_that_does_not_fit_its_wheel_is_named_and_nothing_is_set_up() {
    let machine = Machine::new();
    machine.edit_manifest(|manifest| manifest["wheels"][0]["entries"][0]["sha256"] = "0".into());
    machine
        .run()
        .with(66, &["torch/lib/libtorch_cpu.so in engine-1.0.whl is not what libtorch.json pins"]);
    assert!(!machine.home().exists());
}

#[test]
fn a_missing_manifest_and_an_unknown_option_have_their_own_exit_codes() {
    let machine = Machine::new();
    let unknown = machine.setup().arg("--frobnicate").output().expect("python3 runs");
    Ended::of(&unknown).with(64, &["--frobnicate"]);
    fs::remove_file(machine.path("manifest.json")).expect("there");
    machine.run().with(66, &["failed to read", "manifest.json"]);
}

#[test]
fn cargo_looks_for_libtorch_where_set_up_puts_it() {
    let manifest = fs::read(Path::new(REPOSITORY).join("scripts/libtorch.json")).expect("readable");
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
    let version = manifest["version"].as_str().expect("a version");
    let config =
        fs::read_to_string(Path::new(REPOSITORY).join(".cargo/config.toml")).expect("readable");
    let expected = format!("LIBTORCH = {{ value = \".libtorch/{version}\", relative = true }}");
    assert!(config.contains(&expected), "no `{expected}` in .cargo/config.toml");
}
