//! The job files for Slurm, as text: the array of workers, and the job that writes the report.

use std::path::Path;

use super::workers::{Workers, command_line};

/// Seconds between SIGTERM and the end of a job, for a worker to give back what it runs.
const NOTICE: u32 = 180;

/// The sizes of arrays of so many workers, each at most `longest`.
pub(super) fn arrays(count: u32, longest: Option<u32>) -> Vec<u32> {
    let longest = longest.unwrap_or(count).max(1);
    let (whole, rest) = (count / longest, count % longest);
    (0..whole).map(|_| longest).chain((rest > 0).then_some(rest)).collect()
}

/// The job file of an array of workers, whose logs go into a folder.
pub(super) fn workers(workers: &Workers, array: u32, folder: &Path) -> String {
    let mut text = head(workers, "work", folder, "%A_%a");
    let mut push = |option: &str| text.push_str(&directive(option));
    push(&format!("--array=1-{array}"));
    push("--ntasks=1");
    if let Some(threads) = workers.threads {
        push(&format!("--cpus-per-task={threads}"));
    }
    if workers.gpu {
        push("--gres=gpu:1");
    }
    if let Some(time) = workers.time {
        push(&format!("--time={}", time.slurm()));
    }
    // Preempted or on a node that fails, an element runs again, and continues its log.
    push("--requeue");
    push("--open-mode=append");
    // In a short job it would come at the start, before the worker can say that nothing fits.
    if workers.time.is_none_or(|time| time.0 > 2 * u64::from(NOTICE)) {
        push(&format!("--signal=B:TERM@{NOTICE}"));
    }
    if !workers.extra.is_empty() {
        let words: Vec<String> = workers.extra.iter().map(|word| directive_word(word)).collect();
        text.push_str(&format!("#SBATCH {}\n", words.join(" ")));
    }
    // The worker takes the shell's place, so that it gets the signal itself. Without a time of ours
    // it has the partition's, which later versions of Slurm put into the environment.
    let until = match workers.time {
        Some(_) => "",
        None => " ${SLURM_JOB_END_TIME:+--until \"$SLURM_JOB_END_TIME\"}",
    };
    text.push_str(&format!("\nexec {}{until}\n", command_line(&workers.work())));
    text
}

/// The job file that judges the ledger when the workers have ended. A verdict other than supported
/// is no failure of the job.
pub(super) fn report(workers: &Workers, folder: &Path) -> String {
    let mut text = head(workers, "report", folder, "%j");
    text.push_str("#SBATCH --ntasks=1\n");
    let report = folder.join("report").display().to_string();
    text.push_str(&format!("\n{} || [ $? -le 4 ]\n", command_line(&workers.verify(&report))));
    text
}

fn head(workers: &Workers, part: &str, folder: &Path, job: &str) -> String {
    let mut text = "#!/bin/bash\n".to_owned();
    text.push_str(&directive(&format!("--job-name=repro-{}-{part}", workers.name)));
    // A percent sign of the folder's own is doubled, since Slurm replaces others.
    let folder = folder.display().to_string().replace('%', "%%");
    text.push_str(&directive(&format!("--output={folder}/{part}-{job}.log")));
    if let Some(partition) = &workers.partition {
        text.push_str(&directive(&format!("--partition={partition}")));
    }
    if let Some(account) = &workers.account {
        text.push_str(&directive(&format!("--account={account}")));
    }
    text
}

fn directive(option: &str) -> String {
    format!("#SBATCH {}\n", directive_word(option))
}

/// A word as sbatch reads it from a job file: in double quotes if it has other than plain
/// characters, with a backslash before quotes and backslashes; nothing else is special in them.
fn directive_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', r"\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::{super::workers::tests::workers as some, *};

    #[test]
    fn workers_are_split_into_arrays_that_slurm_takes() {
        assert_eq!(arrays(10, Some(4)), [4, 4, 2]);
        assert_eq!(arrays(4, Some(4)), [4]);
        assert_eq!(arrays(10, None), [10]);
        assert_eq!(arrays(1, Some(1000)), [1]);
    }

    #[test]
    fn a_job_file_has_every_word_quoted() {
        let folder = Path::new("/scratch/it's 100%/submissions/1");
        let expected = r#"#!/bin/bash
#SBATCH --job-name=repro-paper-work
#SBATCH "--output=/scratch/it's 100%%/submissions/1/work-%A_%a.log"
#SBATCH --partition=gpu
#SBATCH "--account=my \"lab\""
#SBATCH --array=1-4
#SBATCH --ntasks=1
#SBATCH --gres=gpu:1
#SBATCH --time=0-02:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:TERM@180
#SBATCH -C "a100&nvlink"

exec WORK
"#;
        let expected = expected.replace("WORK", &command_line(&some(9).work()));
        assert_eq!(workers(&some(9), 4, folder), expected);
    }

    #[test]
    fn the_report_asks_for_no_gpu_and_a_refuted_claim_is_no_failure() {
        let text = report(&some(9), Path::new("/l/submissions/1"));
        assert!(!text.contains("gpu:1") && !text.contains("array") && !text.contains("a100"));
        assert!(text.ends_with("--no-run --report /l/submissions/1/report || [ $? -le 4 ]\n"));
    }

    #[test]
    fn the_partition_s_time_limit_is_asked_for_where_none_is_given() {
        let some = Workers { time: None, program: "echo".to_owned(), ..some(1) };
        let text = workers(&some, 1, Path::new("/l"));
        let last = text.lines().last().unwrap();
        for (end, expected) in [(None, "--leave\n"), (Some("1796053495"), "--until 1796053495\n")] {
            let mut command = std::process::Command::new("bash");
            command.args(["-c", last]).env_remove("SLURM_JOB_END_TIME");
            command.envs(end.map(|end| ("SLURM_JOB_END_TIME", end)));
            let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
            assert!(said.ends_with(expected) && !said.contains("--for"), "{said}");
        }
    }

    #[test]
    fn a_short_job_gets_its_notice_at_its_end() {
        let of = |time: &str| Workers { time: time.parse().ok(), ..some(1) };
        let has_notice = |time| workers(&of(time), 1, Path::new("/l")).contains("--signal");
        assert!(has_notice("7m") && !has_notice("6m") && !has_notice("1m"));
    }

    /// bash reads back the words that were written.
    #[test]
    fn a_shell_reads_the_words_back() {
        let words = ["a b", "it's", "$HOME", "`id`", "\\", "\"", "*", "#", "~", "é", "a&b;c"];
        let words = words.map(str::to_owned);
        let script = format!("printf '%s\\n' {}", command_line(&words));
        let ran = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(ran.stdout).unwrap().lines().collect::<Vec<_>>(), words);
    }

    #[test]
    fn sbatch_quoting_escapes_quotes_and_backslashes_alone() {
        assert_eq!(directive_word(r##"--c=a 'b"#c\d$e"##), r##""--c=a 'b\"#c\\d$e""##);
    }
}
