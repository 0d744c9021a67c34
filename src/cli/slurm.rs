//! What Slurm is asked: how large an array may be, and whether jobs still run. It is never believed
//! over the ledger, and its silence is no failure.

use std::{
    collections::BTreeMap,
    io::Read,
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

/// How long Slurm may take to answer. Its own time limit is minutes if its controller is down.
const PATIENCE: Duration = Duration::from_secs(5);

/// The states of jobs by id, an element of an array as `JOB_INDEX`. A job that is not in it is
/// unknown to Slurm: it has ended.
pub(super) type JobStates = BTreeMap<String, String>;

/// The largest number of elements of one array, if Slurm says; its indices start at 1 here.
pub(super) fn longest_array() -> Option<u32> {
    array_limit(&ask("scontrol", &["show", "config"], PATIENCE).ok()?)
}

/// The same from the text of `scontrol show config`: `MaxArraySize` is one more than the largest
/// index.
fn array_limit(config: &str) -> Option<u32> {
    let value = config.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == "MaxArraySize").then(|| value.trim().parse::<u32>().ok())?
    })?;
    Some(value.saturating_sub(1).max(1))
}

/// The states of jobs, by their numbers without the index of an element.
///
/// # Errors
/// Why Slurm does not say, in words.
pub(super) fn states(jobs: &[&str]) -> Result<JobStates, String> {
    let jobs = format!("--jobs={}", jobs.join(","));
    match ask("squeue", &["--noheader", "--array", "--format=%i %T", &jobs], PATIENCE) {
        // Its answer for a single job that it has forgotten.
        Err(words) if words.contains("Invalid job id") => Ok(JobStates::new()),
        answer => Ok(parsed_states(&answer?)),
    }
}

fn parsed_states(text: &str) -> JobStates {
    let state = |line: &str| {
        let (id, state) = line.trim().split_once(' ')?;
        Some((id.to_owned(), state.trim().to_owned()))
    };
    text.lines().filter_map(state).collect()
}

/// What a program prints, in at most so long.
///
/// # Errors
/// Why it gave no answer, in words: its own if it failed.
fn ask(program: &str, arguments: &[&str], patience: Duration) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|cause| format!("failed to run {program}: {cause}"))?;
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let (send, receive) = mpsc::channel();
    let reader = std::thread::Builder::new().spawn(move || {
        let mut texts = [String::new(), String::new()];
        if let (Some(out), Some(err)) = (&mut out, &mut err) {
            let _ = out.take(1 << 26).read_to_string(&mut texts[0]);
            let _ = err.take(1 << 16).read_to_string(&mut texts[1]);
        }
        let _ = send.send(texts);
    });
    if let Err(cause) = reader {
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("failed to read what {program} prints: {cause}"));
    }
    let Ok([answer, words]) = receive.recv_timeout(patience) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("{program} did not answer within {} s", patience.as_secs()));
    };
    match child.wait() {
        Ok(status) if status.success() => Ok(answer),
        Ok(status) if words.trim().is_empty() => Err(format!("{program} failed: {status}")),
        Ok(_) => Err(words.trim().to_owned()),
        Err(cause) => Err(format!("failed to wait for {program}: {cause}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_ends_one_before_the_size_that_slurm_prints() {
        let config = "MaxArraySize            = 1001\nMaxDBDMsgs              = 20004\n";
        assert_eq!(array_limit(config), Some(1000));
        assert_eq!(array_limit("MaxArraySize = 0"), Some(1));
        assert_eq!(array_limit("MaxJobCount = 10000"), None);
    }

    #[test]
    fn states_are_read_by_element() {
        let states = parsed_states("12_1 RUNNING\n12_2 PENDING\n13 COMPLETING\n\n");
        assert_eq!(states["12_2"], "PENDING");
        assert_eq!(states.len(), 3);
    }

    #[test]
    fn a_program_that_hangs_fails_or_is_missing_gives_words() {
        let short = Duration::from_millis(200);
        assert_eq!(ask("sh", &["-c", "echo yes"], PATIENCE), Ok("yes\n".to_owned()));
        let hung = ask("sleep", &["30"], short);
        assert_eq!(hung, Err("sleep did not answer within 0 s".to_owned()));
        let refused = ask("sh", &["-c", "echo no >&2; exit 1"], PATIENCE);
        assert_eq!(refused, Err("no".to_owned()));
        assert!(ask("no-such-program-here", &[], short).is_err());
    }
}
