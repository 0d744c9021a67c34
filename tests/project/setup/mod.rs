//! `scripts/setup.py` without a network: a stand-in for pip (tests/setup/pip) serves two tiny
//! wheels, and fails in the ways that a real download does. Whether the real wheels hold a libtorch
//! that works is for every other test to show.

mod machine;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use machine::{Ended, Machine, REPOSITORY, assert_set_up};

#[test]
fn a_first_run_unpacks_exactly_what_the_manifest_names() {
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
    let written_at = || {
        let stamp = fs::metadata(machine.home().join("stamp.json")).expect("set up");
        stamp.modified().expect("a time")
    };
    let before = written_at();
    machine.run().with(0, &["is in"]);
    assert_eq!(machine.downloads(), ["engine", "runtime"]);
    assert_eq!(written_at(), before);
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
fn a_truncated_library_is_found_by_a_plain_run_and_repaired() {
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
fn after_a_failed_download_the_next_run_resumes_with_complete_files() {
    let machine = Machine::new();
    machine.download_of("runtime", "dies");
    machine.run().with(
        66,
        &["connection reset", "failed to download runtime 1.0", "run `make setup` again"],
    );
    assert_eq!(machine.written(), ["lock", "partial/wheels/engine-1.0.whl"]);

    machine.download_of("runtime", "serves");
    machine.run().with(0, &["engine 1.0 was downloaded by an earlier run"]);
    assert_eq!(machine.downloads(), ["engine", "runtime", "runtime"]);
    assert_set_up(&machine);
}

#[test]
fn a_truncated_wheel_is_named_and_removed() {
    let machine = Machine::new();
    machine.download_of("engine", "truncates");
    machine.run().with(66, &["engine-1.0-py3-none-any.whl is damaged", "deleted"]);
    assert_eq!(machine.written(), ["lock"]);

    machine.download_of("engine", "serves");
    machine.run().with(0, &[]);
    assert_set_up(&machine);
}

#[test]
fn a_wheel_damaged_since_an_interrupted_run_is_named_and_downloaded_again() {
    let machine = Machine::new();
    machine.download_of("runtime", "dies");
    machine.run().with(66, &[]);
    fs::write(machine.path("into/partial/wheels/engine-1.0.whl"), "damaged").expect("writable");

    machine.download_of("runtime", "serves");
    machine.run().with(0, &["engine-1.0.whl is damaged: deleted"]);
    assert_set_up(&machine);
}

#[test]
fn an_interrupted_run_ends_pip_keeps_complete_files_and_says_how_to_resume() {
    let machine = Machine::new();
    machine.download_of("runtime", "hangs");
    let interrupted = machine.start_until_pip_hangs();
    let kill = Command::new("kill").arg(interrupted.id().to_string()).status();
    assert!(kill.expect("kill runs").success());
    let ended = Ended::from_output(&interrupted.wait_with_output().expect("a child"));
    ended.with(130, &["interrupted: run `make setup` again"]);
    assert_eq!(machine.written(), ["lock", "partial/wheels/engine-1.0.whl"]);
}

#[test]
fn files_of_a_killed_run_are_removed_once_its_pip_has_ended() {
    let machine = Machine::new();
    machine.download_of("runtime", "hangs");
    let mut killed = machine.start_until_pip_hangs();
    killed.kill().expect("alive");
    killed.wait().expect("a child");

    machine.download_of("runtime", "serves");
    machine.run().with(0, &["waiting", "engine 1.0 was downloaded by an earlier run"]);
    assert_set_up(&machine);
}

#[test]
fn files_of_an_interrupted_unpacking_are_not_in_the_result() {
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
        Ended::from_output(&run.wait_with_output().expect("a child")).with(0, &[]);
    }
    assert_eq!(machine.downloads(), ["engine", "runtime"]);
    assert_set_up(&machine);
}

#[test]
fn a_users_own_libtorch_is_not_changed() {
    let machine = Machine::new();
    let theirs = machine.path("theirs");
    fs::create_dir_all(theirs.join("lib")).expect("writable");
    fs::write(theirs.join("lib/libtorch_cpu.so"), "").expect("writable");
    let output = machine.setup().env("LIBTORCH", &theirs).output().expect("python3 runs");
    Ended::from_output(&output).with(0, &["LIBTORCH is set: using"]);
    assert!(machine.written().is_empty());
}

#[test]
fn a_missing_or_relative_path_in_libtorch_is_an_error() {
    let machine = Machine::new();
    for (given, word) in [
        ("/nonexistent", "has no lib/libtorch_cpu"),
        ("theirs", "absolute path"),
        ("", "absolute path"),
    ] {
        let output = machine.setup().env("LIBTORCH", given).output().expect("python3 runs");
        Ended::from_output(&output).with(66, &["LIBTORCH is set to", word, "unset it"]);
    }
}

#[test]
fn a_libtorch_variable_with_our_own_folder_changes_nothing() {
    let machine = Machine::new();
    let output = machine.setup().env("LIBTORCH", machine.home()).output().expect("python3 runs");
    Ended::from_output(&output).with(0, &["is now in"]);
    assert_set_up(&machine);
}

#[test]
fn a_users_own_pytorch_is_used_if_python_finds_it() {
    let machine = Machine::new();
    let bin = machine.path("bin");
    fs::create_dir(&bin).expect("writable");
    // Set-up only asks `python3` whether it finds torch; these two programs have a fixed answer.
    for (finds, code, words) in [
        (true, 0, "using the torch of `python3`"),
        (false, 66, "`python3` has no torch: run `pip install torch==9.9.9` for it, or unset it"),
    ] {
        let answer = format!("#!/bin/sh\nexit {}\n", i32::from(!finds));
        fs::write(bin.join("python3"), answer).expect("writable");
        fs::set_permissions(bin.join("python3"), Permissions::from_mode(0o755)).expect("writable");
        let mut setup = machine.setup();
        setup.env("LIBTORCH_USE_PYTORCH", "1").env("PATH", &bin);
        Ended::from_output(&setup.output().expect("python3 runs")).with(code, &[words]);
        assert!(machine.written().is_empty());
    }
}

#[test]
fn a_python_without_pip_gets_help_to_install_it() {
    let machine = Machine::new();
    fs::write(machine.path("absent"), "").expect("writable");
    machine.run().with(66, &["has no pip", "python3-pip"]);
}

#[test]
fn a_disk_that_is_too_small_is_reported_before_any_download() {
    let machine = Machine::new();
    machine.edit_manifest(|manifest| manifest["wheels"][1]["bytes"] = 10_u64.pow(18).into());
    machine.run().with(73, &["2,000,000,000,000 MB are needed", "make room"]);
    assert!(machine.downloads().is_empty());
}

#[test]
fn a_folder_that_can_not_be_written_is_named() {
    let machine = Machine::new();
    fs::write(machine.path("into"), "a file").expect("writable");
    machine.run().with(73, &["failed to read or write", "into"]);
}

#[test]
fn a_manifest_that_does_not_fit_its_wheel_is_named_and_nothing_is_set_up() {
    let machine = Machine::new();
    machine.edit_manifest(|manifest| manifest["wheels"][0]["entries"][0]["sha256"] = "0".into());
    machine.run().with(
        66,
        &["torch/lib/libtorch_cpu.so in engine-1.0.whl differs from its checksum in libtorch.json"],
    );
    assert!(!machine.home().exists());
}

#[test]
fn a_missing_manifest_and_an_unknown_option_have_their_own_exit_codes() {
    let machine = Machine::new();
    let unknown = machine.setup().arg("--frobnicate").output().expect("python3 runs");
    Ended::from_output(&unknown).with(64, &["--frobnicate"]);
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
