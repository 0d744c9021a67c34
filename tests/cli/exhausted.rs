//! Too little memory: the program ends with the exit code of a failure and a message, not by a
//! signal, and no record says that a fine-tune failed.

use std::{
    path::Path,
    process::{Command, Output},
};

/// A program under a limit of its address space, in KiB.
fn limited(program: &Path, kibibytes: u64, words: &[&str]) -> Output {
    let mut command = Command::new("bash");
    command.arg("-c").arg(format!("ulimit -c 0 -v {kibibytes} && exec \"$0\" \"$@\""));
    command.arg(program).args(words).env("NO_COLOR", "1").env_remove("RUST_BACKTRACE");
    command.output().unwrap()
}

/// A program that may start no thread beside its first. Only root can change to a user whose
/// threads are counted, root's own are not; `None` if this is another user or there is no
/// `setpriv`.
fn without_threads(program: &Path, words: &[&str], folder: &Path) -> Option<Output> {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "54321", "--regid", "54321", "--clear-groups", "bash", "-c"]);
    command.arg("ulimit -c 0 -u 1 && exec \"$0\" \"$@\"").arg(program).args(words);
    let all = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(folder, all).unwrap();
    let output = command.current_dir(folder).env("NO_COLOR", "1").env("HOME", folder).output();
    let output = output.ok()?;
    let err = text(&output.stderr);
    // The shell's codes for a program that this user can't read or start.
    let could = !err.starts_with("setpriv: ") && !matches!(output.status.code(), Some(126 | 127));
    if !could {
        eprintln!("skipped: no other user can run the program: {err}");
    }
    could.then_some(output)
}

/// The smallest limit, to 4 MiB, under which the program starts.
fn least(program: &Path) -> u64 {
    let starts = |limit: &u64| limited(program, *limit, &["--version"]).status.success();
    let (mut fails, mut works) = (1 << 10, 8 << 20);
    assert!(starts(&works), "it starts with 8 GiB");
    while works - fails > 4 << 10 {
        let middle = fails.midpoint(works);
        *if starts(&middle) { &mut works } else { &mut fails } = middle;
    }
    works
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs a command under rising limits until it does its work twice, and checks how it ends.
/// Returns how often memory ran out.
fn ends_well(program: &Path, words: &[&str], (step, done): (u64, i32), after: &dyn Fn()) -> usize {
    let (mut limit, mut ran_out, mut worked) = (least(program), 0, 0);
    while worked < 2 {
        let output = limited(program, limit, words);
        let err = text(&output.stderr);
        match output.status.code() {
            Some(code) if code == done => worked += 1,
            Some(66 | 70 | 73) => {
                let known =
                    ["out of memory", "allocate memory", "no threads", "temporarily unavailable"];
                assert!(known.iter().any(|words| err.contains(words)), "{limit}: {err}");
                assert!(err.contains("help: "), "{limit}: {err}");
                ran_out += 1;
            }
            code => panic!("{limit} KiB: {code:?}, {:?}: {err}", output.status),
        }
        after();
        limit += step;
    }
    ran_out
}

#[test]
fn a_judge_without_memory_ends_with_a_message() {
    let words = ["verify", "--evidence", "published", "--brief"];
    let program = Path::new(env!("CARGO_BIN_EXE_repro"));
    let ran_out = ends_well(program, &words, (4 << 10, 3), &|| ());
    assert!(ran_out > 0, "the smallest limit suffices");
}

#[test]
fn a_judge_without_threads_does_its_work() {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_repro"));
    for (words, code) in [
        (&["verify", "--evidence", "published", "--brief"][..], 3),
        (&["records", "--ledger", "ledger"], 0),
        (&["figure", "A1", "--evidence", "published", "--out", "figures"], 0),
    ] {
        let Some(output) = without_threads(program, words, folder.path()) else { return };
        assert_eq!(output.status.code(), Some(code), "{words:?}: {}", text(&output.stderr));
    }
}

#[cfg(feature = "bundled")]
#[test]
fn a_fine_tune_without_threads_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let (_, words) = run(folder.path());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let program = Path::new(env!("CARGO_BIN_EXE_repro-engine"));
    let Some(output) = without_threads(program, &words, folder.path()) else { return };
    let err = text(&output.stderr);
    match output.status.code() {
        Some(0) => {}
        Some(70) => assert!(err.contains("no threads") || err.contains("unavailable"), "{err}"),
        code => panic!("{code:?}: {err}"),
    }
    none_failed(&folder.path().join("ledger"));
}

/// Writes a recipe into a folder; the ledger, and the command that runs it.
#[cfg(feature = "bundled")]
fn run(folder: &Path) -> (std::path::PathBuf, [String; 7]) {
    let (recipe, ledger) = (folder.join("r.toml"), folder.join("ledger"));
    let text = "world = \"smoke\"\n[key]\ntarget = \"mnist\"\nsource = \"natural\"\nblocks = 0\n\
                images = 100\n[protocol]\nepochs = 1\n";
    std::fs::write(&recipe, text).unwrap();
    let (recipe, at) = (recipe.to_str().unwrap(), ledger.to_str().unwrap());
    let words = ["run", "--recipe", recipe, "--seed", "1,2", "--ledger", at];
    (ledger.clone(), words.map(str::to_owned))
}

/// No record says that a fine-tune failed.
#[cfg(feature = "bundled")]
fn none_failed(ledger: &Path) {
    let folders = std::fs::read_dir(ledger.join("entries")).into_iter().flatten().flatten();
    let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()).unwrap());
    for file in files {
        let record = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(!record.contains("\"failed\""), "{record}");
    }
}

#[cfg(feature = "bundled")]
#[test]
fn a_fine_tune_without_memory_leaves_no_record_of_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, words) = run(folder.path());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let program = Path::new(env!("CARGO_BIN_EXE_repro-engine"));
    let records = || {
        none_failed(&ledger);
        // Nobody holds a lease: the next process takes each at once, and runs both again.
        let _ = std::fs::remove_dir_all(ledger.join("entries"));
    };
    let ran_out = ends_well(program, &words, (48 << 10, 0), &records);
    assert!(ran_out > 0, "the smallest limit suffices");
}
