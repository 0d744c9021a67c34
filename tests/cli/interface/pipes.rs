//! A reader that closes its pipe changes neither the command nor its exit code.

use std::process::Stdio;

use super::Sandbox;

#[test]
fn a_closed_pipe_leaves_the_exit_code_of_the_command() {
    let sandbox = Sandbox::new();
    for (arguments, code) in [
        (&["verify", "--evidence", "published"][..], 3),
        (&["verify", "--evidence", "published", "l2_best"], 0),
        (&["verify", "--evidence", "published", "--expected", "--format", "json"], 0),
        (&["compare", "--format", "csv"], 4),
        (&["list"], 0),
        (&["show"], 0),
        (&["completions", "bash"], 0),
        (&["schema", "claim"], 0),
    ] {
        let mut command = sandbox.command();
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {err}");
        let errors = err.lines().filter(|line| !line.starts_with("note: "));
        assert_eq!(errors.count(), 0, "{arguments:?}: {err}");
    }
}

#[test]
fn a_closed_standard_error_is_no_crash() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command();
    command.args(["verify", "--evidence", "published", "--brief"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(3));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let sandbox = Sandbox::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = sandbox.command().arg("list").stdout(full).stderr(Stdio::piped()).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(73));
    assert!(String::from_utf8(output.stderr).unwrap().contains("failed to write"));
}
