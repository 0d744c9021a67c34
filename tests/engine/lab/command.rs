//! `scripts/lab.sh`, beside a false program: what it asks for, when it stops, and that it goes on.

use std::{
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A false program of this name.
fn program(folder: &Path, name: &str, does: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/usr/bin/env bash\n{does}")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// A false program beside which `scripts/lab.sh` keeps everything. It is stopped while it trains, the first
/// time; later it has nothing to train, and verdicts differ.
fn lab_command(folder: &Path, limit: &str) -> Command {
    let stub = "cd \"$(dirname \"$0\")\"\necho \"$*\" >>said\n\
                if [[ $1 == pretrain && ! -e trained ]]; then\n\
                trap 'kill $!; exit 130' INT; touch trained; sleep 20 & wait\nfi\n\
                for ((i = 0; i < 100; i++)); do\n\
                [[ -e slow && $1 == verify && $* != *--no-run* && ! -s report/gpu-fine-tune.csv ]] || break\n\
                sleep 0.1\ndone\n\
                if [[ $1 == runs ]]; then cat runs 2>/dev/null; fi\n\
                if [[ $1 == rerun && $2 == 0* ]]; then echo of another engine; exit 64; fi\n\
                if [[ $1 == rerun ]]; then echo other bits; exit 1; fi\n\
                if [[ $1 == verify ]]; then exit 3; fi\n";
    let program = program(folder, "repro", stub);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/lab.sh");
    // Whoever runs the tests may ignore Ctrl-C, as what is run in the background does.
    let mut command = Command::new("env");
    command.args(["--default-signal=INT", "bash"]).arg(script);
    command.env("REPRO", &program).env("LIMIT", limit).env("DEVICE", "cpu");
    for (name, folder_of) in [("DATA", "data"), ("LEDGER", "ledger"), ("REPORT", "report")] {
        command.env(name, folder.join(folder_of));
    }
    command.process_group(0);
    command
}

/// The one command goes on where its limit stopped it, and ends as the verdicts do.
#[test]
fn the_lab_s_command_stops_at_its_limit_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let run = |limit: &str| {
        let output = lab_command(folder.path(), limit).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    let (code, said) = run("3");
    assert_eq!(code, Some(75), "{said}");
    assert!(
        said.contains("the limit of 3 s came first; the same command goes on from here"),
        "{said}"
    );
    let table = "record            what     seed  accuracy %    s\n\
                 0123456789abcdef  cifar10     1      failed  0.1\n\
                 00dcba9876543210  cifar10     1       53.10  1.5\n\
                 fedcba9876543210  cifar10     2       55.10  1.5\n\
                 2 records in there\n";
    // More than a pipe holds, of which the first are taken.
    let more = "fedcba9876543211  cifar10     3       54.10  1.5\n".repeat(4000);
    std::fs::write(folder.path().join("runs"), format!("{table}{more}")).unwrap();
    let (code, said) = run("60");
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("fedcba9876543210 does not agree when it is run again"), "{said}");
    let asked = std::fs::read_to_string(folder.path().join("said")).unwrap();
    let asked: Vec<&str> = asked.lines().collect();
    assert_eq!(asked.len(), 8, "{asked:?}");
    assert!(asked[..2].iter().all(|line| line.starts_with("pretrain --world lab --data")));
    assert!(asked[2].starts_with("verify --evidence lab --data"), "{asked:?}");
    assert!(asked[2].ends_with("--brief"), "{asked:?}");
    assert!(asked[3].starts_with("runs --world lab --ledger"), "{asked:?}");
    assert!(asked[4].starts_with("rerun 00dcba9876543210 --within 2 --data"), "{asked:?}");
    assert!(asked[5].starts_with("rerun fedcba9876543210 --within 2 --data"), "{asked:?}");
    assert!(asked[7].contains("--evidence published --evidence smoke --evidence lab --no-run"));
    assert!(asked[7].contains("--report"));
    assert!(folder.path().join("report/verdicts.json").exists());
}

/// Part of a GPU, or an old driver, does not tell how busy it is: that is no 0 %.
#[test]
fn what_a_driver_does_not_tell_is_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("trained"), "").unwrap();
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    program(&bin, "nvidia-smi", "cat \"$(dirname \"$0\")/told\"; exec sleep 60");
    // Else the phase is over before it is asked.
    std::fs::write(folder.path().join("slow"), "").unwrap();
    let run = |told: &str| {
        std::fs::write(bin.join("told"), told).unwrap();
        let _ = std::fs::remove_dir_all(folder.path().join("report"));
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let output = lab_command(folder.path(), "60").env("PATH", path).output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let some = run("[N/A], 100, 200.5\n50, 300, [N/A]\n70, 200, 100.5\n");
    let line = "lab: fine-tune: GPU busy 60 % of the time, 300 MiB at most, 150 W, 3 samples";
    assert!(some.contains(line), "{some}");
    let none = run("[N/A], 100, [N/A]\n");
    assert!(
        none.contains("GPU busy not told, 100 MiB at most, power not told, 1 samples"),
        "{none}"
    );
}

/// A terminal's Ctrl-C goes to the command's process group, in which the program is not.
#[test]
fn the_lab_s_command_stops_at_ctrl_c() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = lab_command(folder.path(), "60");
    let running = command.stderr(Stdio::piped()).spawn().unwrap();
    while !folder.path().join("trained").exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let group = format!("-{}", running.id());
    assert!(Command::new("kill").args(["-INT", "--", &group]).status().unwrap().success());
    let stopped = std::time::Instant::now();
    let output = running.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(75), "{said}");
    assert!(said.contains("lab: stopped; the same command goes on from here"), "{said}");
    assert!(stopped.elapsed().as_secs() < 15, "it would have slept longer");
    let asked = std::fs::read_to_string(folder.path().join("said")).unwrap();
    assert_eq!(asked.lines().count(), 1, "{asked}");
}
