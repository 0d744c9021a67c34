//! `repro submit`, with programs in place of Slurm's.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with a ledger, and programs that stand first on the PATH.
struct Cluster(TempDir);

impl Cluster {
    /// A Slurm that takes arrays of four, and counts its jobs.
    fn new() -> Self {
        let cluster = Self(tempfile::tempdir().unwrap());
        fs::create_dir(cluster.path("bin")).unwrap();
        cluster.program("scontrol", "echo 'MaxArraySize            = 5'");
        cluster.program("sbatch", "echo \"$@\" >> $CALLS; wc -l < $CALLS");
        cluster
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn program(&self, name: &str, body: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    }

    fn submit(&self, words: &[&str]) -> (i32, String, String) {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_repro"));
        command.args(["submit"]).args(words).env("PATH", path).env("CALLS", self.path("calls"));
        command.env("REPRO_LEDGER", self.path("the ledger")).env("REPRO_DATA", self.path("data"));
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        // Without the frame and the line breaks that an error is drawn with.
        let words = text(stderr);
        let words: Vec<&str> = words.split_whitespace().filter(|word| *word != "│").collect();
        (status.code().unwrap(), text(stdout), words.join(" "))
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.path("calls")).unwrap_or_default()
    }

    /// The only submission.
    fn submission(&self) -> PathBuf {
        let folders = fs::read_dir(self.path("the ledger/submissions")).unwrap();
        let folders: Vec<PathBuf> = folders.map(|folder| folder.unwrap().path()).collect();
        assert_eq!(folders.len(), 1);
        folders[0].clone()
    }
}

const SLURM: [&str; 9] =
    ["slurm", "l2_best", "--evidence", "paper", "--gpus", "10", "--time", "12h", "--partition=gpu"];

#[test]
fn ten_workers_are_three_arrays_of_one_file_and_a_report_after_all() {
    let cluster = Cluster::new();
    let (code, out, err) = cluster.submit(&SLURM);
    assert_eq!(code, 0, "{err}");
    let folder = cluster.submission();
    let at = |name: &str| folder.join(name).display().to_string();
    let (work, report) = (at("workers.sh"), at("report.sh"));
    assert_eq!(
        cluster.calls(),
        format!(
            "--parsable --array=1-4 {work}\n--parsable --array=1-4 {work}\n\
             --parsable --array=1-2 {work}\n--parsable --dependency=afterany:1:2:3 {report}\n"
        )
    );
    for file in [&work, &report] {
        let text = fs::read_to_string(file).unwrap();
        assert!(out.contains(&text), "{out}");
    }
    let text = fs::read_to_string(&work).unwrap();
    for line in [
        "#SBATCH --array=1-4",
        "#SBATCH --requeue",
        "#SBATCH --open-mode=append",
        "#SBATCH --signal=B:TERM@180",
        "#SBATCH --gres=gpu:1",
        "#SBATCH --time=0-12:00:00",
        "#SBATCH --partition=gpu",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("exec ") && last.contains("repro work --evidence paper l2_best"));
    assert!(last.ends_with("--for 720m --leave"), "{last}");
    assert!(out.ends_with("submitted 10 workers as job 1, 2, 3, and the report as 4\n"), "{out}");
    let kept = fs::read(folder.join("submission.json")).unwrap();
    let kept: Value = serde_json::from_slice(&kept).unwrap();
    assert_eq!(kept["calls"].as_array().unwrap().len(), 4);
    assert_eq!(kept["calls"][3]["job"], "4");
    assert_eq!(kept["calls"][0]["command"][2], "--array=1-4");
}

#[test]
fn a_dry_run_prints_and_submits_nothing() {
    let cluster = Cluster::new();
    let (code, out, err) =
        cluster.submit(&[&SLURM[..], &["--dry-run", "--", "-C", "a b"]].concat());
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("#SBATCH -C \"a b\"\n") && out.contains("sbatch --parsable --array=1-2 "));
    assert!(out.contains("--dependency=afterany:JOB:JOB:JOB "), "{out}");
    assert_eq!(cluster.calls(), "");
    assert!(!cluster.path("the ledger").exists());
}

#[test]
fn a_refusal_is_reported_in_the_words_of_sbatch() {
    let cluster = Cluster::new();
    cluster.program("sbatch", "echo 'sbatch: error: invalid partition specified: gpu' >&2; exit 1");
    let (code, _, err) = cluster.submit(&SLURM);
    assert_eq!(code, 73, "{err}");
    assert!(err.contains("invalid partition specified: gpu"), "{err}");
    assert!(err.contains("nothing was submitted"), "{err}");
    let kept = fs::read_to_string(cluster.submission().join("submission.json")).unwrap();
    assert!(kept.contains("invalid partition specified"), "{kept}");
}

#[test]
fn what_was_submitted_before_a_refusal_is_named() {
    let cluster = Cluster::new();
    let body =
        "echo $@ >> $CALLS; case $2 in --dep*) echo 'no such job' >&2; exit 1;; esac; echo 7";
    cluster.program("sbatch", body);
    let (code, _, err) = cluster.submit(&SLURM[..4]);
    assert_eq!(code, 73, "{err}");
    assert!(err.contains("scancel 7") && err.contains("no such job"), "{err}");
}

#[test]
fn an_answer_without_a_job_number_is_no_success() {
    for body in ["echo Submitted", "exit 0"] {
        let cluster = Cluster::new();
        cluster.program("sbatch", body);
        assert_eq!(cluster.submit(&SLURM).0, 73, "{body}");
    }
    let cluster = Cluster::new();
    fs::remove_file(cluster.path("bin/sbatch")).unwrap();
    if !PathBuf::from("/usr/bin/sbatch").exists() {
        let (code, _, err) = cluster.submit(&SLURM);
        assert!(code == 73 && err.contains("failed to run sbatch"), "{err}");
    }
}

#[test]
fn words_that_could_end_a_line_are_refused() {
    let cluster = Cluster::new();
    for words in [["--partition", "gpu\nexec evil"], ["--account", ""], ["--", "--comment=\u{7}"]] {
        let (code, _, err) = cluster.submit(&[&SLURM[..6], &words].concat());
        assert_eq!(code, 64, "{err}");
    }
    for time in ["0", "soon", "-5"] {
        assert_eq!(cluster.submit(&[&SLURM[..4], &["--time", time]].concat()).0, 64);
    }
    assert_eq!(cluster.calls(), "");
}

#[test]
fn smoke_asks_for_a_core_and_no_gpu() {
    let cluster = Cluster::new();
    let words = ["slurm", "--evidence", "smoke", "--gpus", "2", "--dry-run"];
    let (code, out, err) = cluster.submit(&words);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("#SBATCH --cpus-per-task=1\n") && !out.contains("gres"), "{out}");
    assert!(out.contains("--threads 1 --leave"), "{out}");
}

#[test]
fn other_systems_get_text_on_standard_output() {
    let cluster = Cluster::new();
    let (code, out, _) =
        cluster.submit(&["k8s", "--evidence", "paper", "--gpus", "8", "--image", "registry/repro"]);
    assert_eq!(code, 0);
    let manifest: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(manifest["spec"]["completions"], 8);
    assert_eq!(cluster.submit(&["k8s", "--evidence", "paper"]).0, 64);
    let (code, out, _) = cluster.submit(&["script", "--evidence", "paper", "--gpus", "4"]);
    assert_eq!(code, 0);
    assert!(out.contains("seq 0 3 | xargs -P 4"), "{out}");
    assert!(!cluster.path("the ledger").exists());
}
