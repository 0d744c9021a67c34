//! `scripts/lab.sh` with a fake program: its calls, when it stops, and that it resumes.

use std::{
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Writes a fake program of this name.
fn program(folder: &Path, name: &str, does: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/usr/bin/env bash\n{does}")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// `scripts/lab.sh` with a fake program, in whose folder it stores everything. The first time the
/// program is stopped while it trains; later it has nothing to train, and a verdict differs.
fn lab_command(folder: &Path, limit: &str) -> Command {
    let stub = "cd \"$(dirname \"$0\")\"\necho \"$*\" >>calls\n\
                if [[ $1 == pretrain && ! -e trained ]]; then\n\
                trap 'kill $!; exit 130' INT; touch trained; sleep 20 & wait\nfi\n\
                for ((i = 0; i < 100; i++)); do\n\
                [[ -e slow && $1 == verify && $* != *--no-run* && ! -s report/gpu-fine-tune.csv ]] || break\n\
                sleep 0.1\ndone\n\
                if [[ $1 == records ]]; then cat records 2>/dev/null; fi\n\
                if [[ $1 == rerun && $2 == 0* ]]; then echo of another engine; exit 64; fi\n\
                if [[ $1 == rerun ]]; then echo other bits; exit 70; fi\n\
                if [[ $1 == verify ]]; then exit 3; fi\n";
    let program = program(folder, "repro", stub);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/lab.sh");
    // The test runner may ignore Ctrl-C, as background processes do.
    let mut command = Command::new("env");
    command.args(["--default-signal=INT", "bash"]).arg(script);
    command.env("REPRO", &program).env("LIMIT", limit).env("DEVICE", "cpu");
    for (name, folder_of) in [("DATA", "data"), ("LEDGER", "ledger"), ("REPORT", "report")] {
        command.env(name, folder.join(folder_of));
    }
    command.process_group(0);
    command
}

/// The command resumes where its limit stopped it, and ends with the exit code of the verdicts.
#[test]
fn the_lab_script_stops_at_its_time_limit_and_resumes() {
    let folder = tempfile::tempdir().unwrap();
    let run = |limit: &str| {
        let output = lab_command(folder.path(), limit).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), stderr)
    };
    let (code, stderr) = run("3");
    assert_eq!(code, Some(75), "{stderr}");
    assert!(
        stderr.contains("the time limit of 3 s was reached; run the same command again to resume"),
        "{stderr}"
    );
    let table = "record            what     seed  accuracy %    s\n\
                 0123456789abcdef  cifar10     1      failed  0.1\n\
                 00dcba9876543210  cifar10     1       53.10  1.5\n\
                 fedcba9876543210  cifar10     2       55.10  1.5\n\
                 2 records in there\n";
    // More lines than a pipe holds, of which the first are used.
    let more = "fedcba9876543211  cifar10     3       54.10  1.5\n".repeat(4000);
    std::fs::write(folder.path().join("records"), format!("{table}{more}")).unwrap();
    let (code, stderr) = run("60");
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains("fedcba9876543210 differs or fails when repeated"), "{stderr}");
    let calls = std::fs::read_to_string(folder.path().join("calls")).unwrap();
    let calls: Vec<&str> = calls.lines().collect();
    assert_eq!(calls.len(), 8, "{calls:?}");
    assert!(calls[..2].iter().all(|line| line.starts_with("pretrain --world lab --data")));
    assert!(calls[2].starts_with("verify --evidence lab --data"), "{calls:?}");
    assert!(calls[2].ends_with("--brief"), "{calls:?}");
    assert!(calls[3].starts_with("records --world lab --ledger"), "{calls:?}");
    assert!(calls[4].starts_with("rerun 00dcba9876543210 --tolerance 2 --data"), "{calls:?}");
    assert!(calls[5].starts_with("rerun fedcba9876543210 --tolerance 2 --data"), "{calls:?}");
    assert!(calls[7].contains("--evidence published --evidence smoke --evidence lab --no-run"));
    assert!(calls[7].contains("--report"));
    assert!(folder.path().join("report/verdicts.json").exists());
}

/// A part of a GPU, or an old driver, does not report its utilisation, which is not 0 %.
#[test]
fn gpu_use_that_the_driver_does_not_report_is_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("trained"), "").unwrap();
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    program(&bin, "nvidia-smi", "cat \"$(dirname \"$0\")/utilisation\"; exec sleep 60");
    // Otherwise the phase ends before the first sample.
    std::fs::write(folder.path().join("slow"), "").unwrap();
    let run = |utilisation: &str| {
        std::fs::write(bin.join("utilisation"), utilisation).unwrap();
        let _ = std::fs::remove_dir_all(folder.path().join("report"));
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let output = lab_command(folder.path(), "60").env("PATH", path).output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let some = run("[N/A], 100, 200.5\n50, 300, [N/A]\n70, 200, 100.5\n");
    let line = "lab: fine-tune: GPU busy 60 % of the time, 300 MiB at the peak, 150 W, 3 samples";
    assert!(some.contains(line), "{some}");
    let none = run("[N/A], 100, [N/A]\n");
    assert!(
        none.contains("GPU busy unknown, 100 MiB at the peak, power unknown, 1 samples"),
        "{none}"
    );
}

/// A terminal's Ctrl-C is sent to the script's process group, which does not contain the program.
#[test]
fn the_lab_script_stops_at_ctrl_c() {
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
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(75), "{stderr}");
    assert!(stderr.contains("run the same command again to resume"), "{stderr}");
    assert!(stopped.elapsed().as_secs() < 15, "it would have slept longer");
    let calls = std::fs::read_to_string(folder.path().join("calls")).unwrap();
    assert_eq!(calls.lines().count(), 1, "{calls}");
}
