//! A reader that closes its pipe, a terminal that was closed and a full standard error change
//! neither the command nor its exit code.

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

/// Commands with notes, errors or neither, by exit code.
const NOTED: [(&[&str], i32); 7] = [
    (&["verify", "--evidence", "published", "--brief", "--verbose"], 3),
    (&["verify", "--evidence", "published,smoke", "--no-run", "--report", "report"], 3),
    (&["figure", "A7", "--evidence", "smoke"], 3),
    (&["runs"], 0),
    (&["plan", "nonsense"], 64),
    (&["nonsense"], 64),
    (&["inspect", "nowhere.pt"], 66),
];

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_error_changes_no_exit_code() {
    let sandbox = Sandbox::new();
    for (arguments, code) in NOTED {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = sandbox.command();
        let status = command.args(arguments).stdout(Stdio::null()).stderr(full).status();
        assert_eq!(status.unwrap().code(), Some(code), "{arguments:?}");
    }
    assert!(sandbox.path().join("report/index.html").is_file());
}

/// One that a process outlives: every write gives EIO.
#[cfg(target_os = "linux")]
#[test]
fn a_closed_terminal_changes_no_exit_code() {
    let sandbox = Sandbox::new();
    for (arguments, code) in NOTED.into_iter().chain([(&["list"][..], 0), (&["--help"], 0)]) {
        let terminal = closed_terminal();
        let mut command = sandbox.command();
        command.args(arguments).stdout(terminal.try_clone().unwrap()).stderr(terminal);
        assert_eq!(command.status().unwrap().code(), Some(code), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
fn closed_terminal() -> std::fs::File {
    use std::os::fd::FromRawFd;
    let (mut ours, mut theirs) = (-1, -1);
    let none = std::ptr::null_mut();
    // SAFETY: `openpty` writes two descriptors; without a name and settings it needs no more.
    let opened =
        unsafe { libc::openpty(&raw mut ours, &raw mut theirs, none, none.cast(), none.cast()) };
    assert_eq!(opened, 0);
    // SAFETY: both are open and nobody else's.
    let (ours, theirs) =
        unsafe { (std::fs::File::from_raw_fd(ours), std::fs::File::from_raw_fd(theirs)) };
    drop(ours);
    theirs
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
