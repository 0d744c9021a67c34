//! `repro status`: what it says of records, leases and failures, and that Slurm is asked and never
//! needed.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use repro::store::{Ended, Ledger, bundle};
use serde_json::{Value, json};
use tempfile::TempDir;

const CLAIM: &str = "control_more_images";
/// The set-up of the records that ship with the project.
const ONE_ZOO: [&str; 3] = ["status", "--evidence", "smoke_one_zoo"];

/// A ledger, and programs that stand first on the PATH.
struct Campaign(TempDir);

impl Campaign {
    fn new() -> Self {
        let campaign = Self(tempfile::tempdir().unwrap());
        fs::create_dir(campaign.path("bin")).unwrap();
        campaign
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn repro(&self, words: &[&str]) -> (i32, String, String) {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_repro"));
        command.args(words).env("PATH", path).env("REPRO_LEDGER", self.path("ledger"));
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn status(&self) -> Value {
        let (code, out, err) = self.repro(&["status", CLAIM, "--format", "json"]);
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).unwrap()
    }

    fn text(&self) -> String {
        let (code, out, err) = self.repro(&["status", CLAIM]);
        assert_eq!(code, 0, "{err}");
        out
    }

    /// The records that ship with the project, changed. One is of a fine-tune of the claim.
    fn records(&self, change: impl Fn(&mut repro::store::Entry)) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = file.join("goldens/store/records-0.1.0.jsonl.gz");
        let ledger = Ledger::new(self.path("ledger"));
        for mut entry in bundle::read(&file).unwrap() {
            change(&mut entry);
            ledger.put(&entry).unwrap();
        }
    }

    /// A lease on a trial, whose last heartbeat was so long ago.
    fn lease(&self, trial: &str, job: Option<&str>, silent: u64) {
        let folder = self.path("ledger/leases").join(&trial[..2]);
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{trial}.json"));
        let then = SystemTime::now() - Duration::from_secs(silent);
        let seconds = then.duration_since(UNIX_EPOCH).unwrap().as_secs();
        let lease = json!({
            "version": 1, "trial": trial, "worker": "worker-7", "host": "node-3", "job": job,
            "pid": 4321, "started": seconds, "heartbeat": seconds,
        });
        fs::write(&path, lease.to_string()).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(then).unwrap();
    }

    /// The names of the fine-tunes that the claim needs next.
    fn planned(&self) -> Vec<String> {
        let (_, out, _) = self.repro(&["plan", CLAIM, "--format", "jsonl"]);
        let keys = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        keys.filter_map(|trial| trial["key"].as_str().map(str::to_owned)).collect()
    }

    fn squeue(&self, body: &str) {
        let path = self.path("bin/squeue");
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn an_empty_ledger_wants_the_first_look_and_knows_no_rate() {
    let status = Campaign::new().status();
    assert_eq!(status["all"]["wanted"], 18);
    assert_eq!(status["all"]["waiting"], 18);
    assert_eq!(status["at_most"], 60);
    assert_eq!(status["claims"][0]["claim"], CLAIM);
    assert_eq!(
        status["time_left"],
        json!({
            "fine_tunes": 18, "seconds": null, "operations_per_second": null
        })
    );
    assert_eq!((&status["slurm_error"], &status["leases"]), (&Value::Null, &json!([])));
}

#[test]
fn leases_count_while_their_heart_beats() {
    let campaign = Campaign::new();
    let planned = campaign.planned();
    assert_eq!(planned.len(), 18);
    campaign.lease(&planned[0], None, 10);
    campaign.lease(&planned[1], None, 3600);
    campaign.lease(&"ab".repeat(32), None, 0);
    let status = campaign.status();
    assert_eq!((&status["all"]["leased"], &status["all"]["waiting"]), (&json!(1), &json!(17)));
    let leases = status["leases"].as_array().unwrap();
    assert_eq!(leases.len(), 3);
    let of = |key: &str| leases.iter().find(|lease| lease["key"] == key).unwrap();
    let live = of(&planned[0]);
    assert_eq!((&live["worker"], &live["host"]), (&json!("worker-7"), &json!("node-3")));
    assert!(live["fine_tune"].as_str().unwrap().contains("fmnist_held_out from"));
    assert_eq!((&live["stale"], &live["slurm"]), (&json!(false), &Value::Null));
    assert_eq!(of(&planned[1])["stale"], true);
    assert_eq!(of(&"ab".repeat(32))["fine_tune"], Value::Null);
    let text = campaign.text();
    assert!(text.contains("node-3") && text.contains("of other claims"), "{text}");
    assert!(text.contains("stopped, 1 h"), "{text}");
}

#[test]
fn slurm_says_whether_a_job_runs_and_is_not_believed() {
    let campaign = Campaign::new();
    let planned = campaign.planned();
    campaign.lease(&planned[0], Some("77_1"), 0);
    campaign.lease(&planned[1], Some("77_2"), 0);
    campaign.lease(&planned[2], Some("a-pod"), 0);
    campaign.squeue("echo \"$@\" >&2; echo '77_1 RUNNING'");
    let status = campaign.status();
    let leases = status["leases"].as_array().unwrap();
    let state =
        |key: &str| leases.iter().find(|lease| lease["key"] == key).unwrap()["slurm"].clone();
    assert_eq!(state(&planned[0]), "RUNNING");
    assert_eq!(state(&planned[1]), "UNKNOWN");
    assert_eq!(state(&planned[2]), Value::Null);
    // The lease holds, whatever Slurm says.
    assert_eq!(status["all"]["leased"], 3);
}

#[test]
fn a_slurm_that_is_down_or_hangs_is_reported_and_no_failure() {
    let campaign = Campaign::new();
    let planned = campaign.planned();
    campaign.lease(&planned[0], Some("77_1"), 0);
    let down = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)";
    campaign.squeue(&format!("echo '{down}' >&2; exit 1"));
    let status = campaign.status();
    assert_eq!(status["slurm_error"], down);
    assert_eq!(status["all"]["leased"], 1);
    assert!(campaign.text().contains("Slurm does not say whether jobs run"));
    campaign.squeue("exec sleep 60");
    let began = SystemTime::now();
    assert_eq!(campaign.status()["slurm_error"], "squeue did not answer within 5 s");
    assert!(began.elapsed().unwrap() < Duration::from_secs(30));
}

#[test]
fn a_failure_is_shown_with_its_reason_log_and_command() {
    let campaign = Campaign::new();
    campaign.records(|entry| {
        entry.outcome = Ended::Failed { reason: "out of memory".to_owned() };
    });
    let (code, out, _) =
        campaign.repro(&["status", "--evidence", "smoke_one_zoo", "--format", "json"]);
    assert_eq!(code, 0);
    let status: Value = serde_json::from_str(&out).unwrap();
    let failed = status["failed"].as_array().unwrap();
    assert!(!failed.is_empty());
    assert_eq!(status["all"]["failed"], failed.len());
    assert_eq!((&failed[0]["reason"], &failed[0]["log"]), (&json!("out of memory"), &Value::Null));
    let key = failed[0]["key"].as_str().unwrap();
    let command = failed[0]["command"].as_str().unwrap();
    assert_eq!(command, format!("repro run --key {}", &key[..16]));
    let (_, text, _) = campaign.repro(&ONE_ZOO);
    assert!(text.contains(&format!("out of memory: run `{command}`")), "{text}");
}

#[test]
fn records_of_the_last_hour_give_the_time_left() {
    let campaign = Campaign::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    campaign.records(|entry| entry.provenance.started = now - 600);
    let (_, out, _) =
        campaign.repro(&["status", "--evidence", "smoke_one_zoo", "--format", "json"]);
    let status: Value = serde_json::from_str(&out).unwrap();
    assert!(status["all"]["done"].as_u64().unwrap() > 0);
    assert!(status["time_left"]["seconds"].as_f64().unwrap() > 60.0, "{status}");
    let (_, text, _) = campaign.repro(&ONE_ZOO);
    assert!(text.contains("at the rate of the last hour"), "{text}");
}

#[test]
fn a_watch_ends_when_nothing_is_left_to_run() {
    // No fine-tune of the smoke set-up answers this claim.
    let (code, out, _) =
        Campaign::new().repro(&["status", "natural_wins_at_high_resolution", "--watch"]);
    assert_eq!(code, 0);
    assert!(out.contains("nothing is left that can run here"), "{out}");
    assert!(!out.contains('\u{1b}'), "{out}");
}
