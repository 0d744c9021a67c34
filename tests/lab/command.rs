//! `scripts/lab.sh`, beside a false program: what it asks for, when it stops, and that it goes on.

use std::{
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{Command, Stdio},
};

/// A false program beside which `scripts/lab.sh` keeps everything. It is stopped while it trains, the first
/// time; later it has nothing to train, and verdicts differ.
fn lab_command(folder: &Path, limit: &str) -> Command {
    let program = folder.join("repro");
    let stub = "#!/usr/bin/env bash\ncd \"$(dirname \"$0\")\"\necho \"$*\" >>said\n\
                if [[ $1 == pretrain && ! -e trained ]]; then\n\
                trap 'kill $!; exit 130' INT; touch trained; sleep 20 & wait\nfi\n\
                if [[ $1 == verify ]]; then exit 3; fi\n";
    std::fs::write(&program, stub).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
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
    let (code, said) = run("60");
    assert_eq!(code, Some(3), "{said}");
    let asked = std::fs::read_to_string(folder.path().join("said")).unwrap();
    let asked: Vec<&str> = asked.lines().collect();
    assert_eq!(asked.len(), 5, "{asked:?}");
    assert!(asked[..2].iter().all(|line| line.starts_with("pretrain --world lab --data")));
    assert!(asked[2].starts_with("verify --evidence lab --data"), "{asked:?}");
    assert!(asked[2].ends_with("--brief"), "{asked:?}");
    assert!(asked[4].contains("--evidence published --evidence smoke --evidence lab --no-run"));
    assert!(asked[4].contains("--report"));
    assert!(folder.path().join("report/verdicts.json").exists());
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
