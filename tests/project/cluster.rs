//! A cluster, as its guide describes it: the guide's examples with a program in place of `repro`,
//! and `repro submit` and workers on a Slurm that `scripts/slurm.sh` starts.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::common::require::required;

const GUIDE: &str = "docs/guide/cluster.md";

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether a program is there. A machine that must have it fails without.
fn has(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
    let found = found.status.success();
    assert!(found || !required("slurm"), "{program} is missing");
    found
}

/// The code below a marker `<!-- tested: NAME -->` of the guide.
fn example(name: &str) -> String {
    let guide = fs::read_to_string(project().join(GUIDE)).unwrap();
    let (_, below) = guide.split_once(&format!("<!-- tested: {name} -->\n```sh\n")).expect(name);
    below.split_once("\n```").unwrap().0.to_owned()
}

/// What a program in place of `repro` is called with, and the GPU that it sees, in order.
fn calls(script: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("repro");
    let log = folder.path().join("calls");
    let body = format!("#!/bin/sh\necho \"$CUDA_VISIBLE_DEVICES: $*\" >> '{}'\n", log.display());
    fs::write(&program, body).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    let ran = command.args(["-euc", script]).env("PATH", path).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let mut calls: Vec<String> =
        fs::read_to_string(log).unwrap().lines().map(str::to_owned).collect();
    calls.sort();
    calls
}

#[test]
fn each_example_of_the_guide_starts_a_worker_on_each_gpu() {
    let expected = [0, 1, 2, 3].map(|gpu| format!("{gpu}: work --evidence paper --leave"));
    for (name, program) in [("xargs", "xargs"), ("parallel", "parallel"), ("shell", "bash")] {
        if has(program) {
            assert_eq!(calls(&example(name)), expected, "{name}");
        }
    }
}

/// The guide's table of simulated times, and the simulation itself.
#[test]
fn the_guide_has_the_numbers_of_the_simulation() {
    let folder = project().join("benches/cluster");
    let kept = fs::read_to_string(folder.join("simulation.csv")).unwrap();
    let kept: Vec<Vec<&str>> = kept.lines().map(|line| line.split(',').collect()).collect();
    let guide = fs::read_to_string(project().join(GUIDE)).unwrap();
    let (_, below) = guide.split_once("<!-- simulated: hours, gpu_hours -->\n").unwrap();
    let rows = below.lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut count = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        for (gpus, found) in ["1", "16", "64", "256"].iter().zip(&cells[4..]) {
            let of = [&cells[..4], &[*gpus]].concat();
            let kept = kept.iter().find(|row| row[..5] == of).expect(row);
            assert_eq!(*found, format!("{}, {}", kept[5], kept[6]), "{row}");
            count += 1;
        }
    }
    assert_eq!(count, 32);
    let ran = Command::new("python3").arg(folder.join("simulate.py")).arg("--check").output();
    let ran = ran.unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// A Slurm of its own, stopped when it is dropped.
struct Slurm(TempDir);

impl Slurm {
    /// `None` where it can't be started.
    fn start() -> Option<Self> {
        let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        assert!(is_root || !required("slurm"), "Slurm needs root");
        if !is_root || !has("slurmctld") || !has("munged") {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("slurm").tempdir_in("/tmp").unwrap();
        let slurm = Self(folder);
        let ran = slurm.script("up");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        Some(slurm)
    }

    fn script(&self, action: &str) -> Output {
        let mut command = Command::new(project().join("scripts/slurm.sh"));
        // Its daemons would keep a pipe open.
        let (out, err) = (self.0.path().join("out"), self.0.path().join("err"));
        let file = |path| fs::File::create(path).unwrap();
        command.arg(action).arg(self.0.path()).stdout(file(&out)).stderr(file(&err));
        let status = command.status().unwrap();
        Output { status, stdout: fs::read(out).unwrap(), stderr: fs::read(err).unwrap() }
    }

    fn run(&self, program: &str, words: &[&str]) -> (i32, String) {
        let conf = self.0.path().join("slurm.conf");
        let mut command = Command::new(program);
        command.args(words).env("SLURM_CONF", conf);
        command.env("REPRO_LEDGER", self.0.path().join("the ledger"));
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (status.code().unwrap(), text)
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        self.script("down");
    }
}

/// All scenarios run by schedule (`.github/workflows/faults.yml`).
#[test]
fn workers_survive_a_kill_and_preemption_on_a_real_slurm() {
    if !required("slurm") || !cfg!(feature = "engine") {
        println!("skipped: it takes minutes, so that REPRO_REQUIRE=slurm asks for it");
        return;
    }
    assert!(["slurmctld", "slurmd", "munged", "cc"].into_iter().all(has));
    let mut command = Command::new("python3");
    command.arg(project().join("scripts/slurm_faults.py")).arg(env!("CARGO_BIN_EXE_repro"));
    let ran = command.args(["kill", "preemption"]).output().unwrap();
    let said = [&ran.stdout[..], &ran.stderr].map(String::from_utf8_lossy).concat();
    assert!(ran.status.success(), "{said}");
    assert_eq!(said.matches(": as expected").count(), 2, "{said}");
    println!("{said}");
}

#[test]
fn a_real_slurm_takes_the_job_files_and_the_report_is_written_after_the_workers() {
    let Some(slurm) = Slurm::start() else { return };
    let repro = env!("CARGO_BIN_EXE_repro");
    let submit = ["submit", "slurm", "control_more_images", "--evidence", "smoke", "--gpus", "6"];
    // Words that Slurm would change if they were not quoted.
    let more = ["--time", "1", "--", "--comment=it's \"5\" # $HOME", "--nice"];
    // No worker computes here: the program of this test may have no engine.
    let (code, text) = slurm.run(repro, &[&submit[..], &more].concat());
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("--array=1-4 ") && text.contains("--array=1-2 "), "{text}");
    let (_, comments) = slurm.run("scontrol", &["show", "job"]);
    assert!(comments.contains("Comment=it's \"5\" # $HOME"), "{comments}");
    let report = slurm.0.path().join("the ledger/submissions");
    let report = fs::read_dir(report).unwrap().next().unwrap().unwrap().path();
    let mut left = 120;
    while !report.join("report/index.html").exists() && left > 0 {
        std::thread::sleep(std::time::Duration::from_secs(1));
        left -= 1;
    }
    let logs = slurm.run("sh", &["-c", &format!("tail -n 5 '{}'/*.log", report.display())]).1;
    assert!(report.join("report/index.html").exists(), "{logs}");
    let refused = [&submit[..], &["--partition", "nowhere"]].concat();
    let (code, text) = slurm.run(repro, &refused);
    assert_eq!(code, 73, "{text}");
    assert!(text.contains("nowhere"), "{text}");
}
