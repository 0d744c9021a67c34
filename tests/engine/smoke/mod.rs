//! Local runs from the command line: planned, run, listed, run again, killed at any moment and
//! resumed; and source models trained again.

mod pretraining;
mod work;

use crate::common;

use std::{
    collections::BTreeMap,
    fs::Permissions,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use common::{gap_text, one_look, stand_in};
use rand::{RngExt, SeedableRng};
use repro::{
    assets::{Assets as _, Bundled},
    store::{Ended, Entry, Ledger, Put},
};
use tempfile::TempDir;

/// A folder with one claim of a few cheap trials, and a ledger.
struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    /// `natural` against `l2_3`, 100 images, no block, with one look.
    fn new(targets: &str, seeds: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("claims")).unwrap();
        let cells = format!("target = {targets}, images = 100, blocks = 0");
        let text = gap_text("smoke", "greater_than = 0.0", &cells, &one_look(seeds));
        std::fs::write(folder.path().join("claims/gap.toml"), text).unwrap();
        Self { folder }
    }

    fn ledger(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_repro"));
        command.arg("--claims").arg(self.folder.path().join("claims")).args(arguments);
        command.arg("--ledger").arg(self.ledger()).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn verify(&self) -> Output {
        self.run(&["verify", "--evidence", "smoke"])
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    common::stderr::stderr_text(&output.stderr)
}

/// Every entry of a ledger by its name; a damaged file is a failure.
fn entries(folder: &Path) -> BTreeMap<String, Entry> {
    let ledger = Ledger::new(folder.to_owned());
    let all = ledger.all(&mut |file| panic!("{file:?}")).unwrap();
    all.into_iter().map(|entry| (entry.id.clone(), entry)).collect()
}

#[test]
fn a_claim_is_planned_run_once_and_judged() {
    let sandbox = Sandbox::new("\"kmnist\"", 3);
    // With --no-run no trial runs.
    let before = sandbox.run(&["verify", "--evidence", "smoke", "--no-run"]);
    assert_eq!(code(&before), 3, "{}", err(&before));
    // Trials that were never started are not spared by early looks.
    assert!(out(&before).contains(" 0 fine-tunes saved"), "{}", out(&before));
    assert!(!sandbox.ledger().exists());

    let plan = sandbox.run(&["plan", "--format", "jsonl"]);
    let lines: Vec<serde_json::Value> =
        out(&plan).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 6);
    assert!(
        lines.iter().all(|line| line["why"] == "never run" && line["seconds"].as_f64() > Some(0.0))
    );
    assert!(lines.iter().all(|line| line["wanted_by"][0] == "gap"));

    // One trial by its key, as a scheduler would run it; the second time its record exists.
    let key = lines[0]["key"].as_str().unwrap();
    let first = sandbox.run(&["run", "--key", &key[..12]]);
    assert_eq!(code(&first), 0, "{}", err(&first));
    assert!(out(&first).contains("test %"), "{}", out(&first));
    let again = sandbox.run(&["run", "--key", key]);
    assert!(err(&again).contains("has it already"), "{}", err(&again));
    assert_eq!(out(&sandbox.run(&["plan", "--format", "jsonl"])).lines().count(), 5);

    let verified = sandbox.verify();
    assert!(err(&verified).contains("5 fine-tunes to run"), "{}", err(&verified));
    assert!([0, 1, 2].contains(&code(&verified)), "{}", err(&verified));
    let from_ledger = sandbox.verify();
    assert_eq!(out(&from_ledger), out(&verified));
    assert_eq!(err(&from_ledger), "");

    let listed = sandbox.run(&["records", "list", "--source", "l2_3"]);
    assert!(out(&listed).contains("3 records"), "{}", out(&listed));
    let json: serde_json::Value =
        serde_json::from_str(&out(&sandbox.run(&["records", "--format", "json"]))).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 6);

    let rerun = sandbox.run(&["rerun", &key[..12]]);
    assert_eq!(code(&rerun), 0, "{}", err(&rerun));
    assert!(out(&rerun).contains("the same bits"), "{}", out(&rerun));
    assert_eq!(entries(&sandbox.ledger()).len(), 6);

    // Exported to another ledger, where the verdict is the same and no trial runs.
    let file = sandbox.folder.path().join("records.jsonl.gz");
    let file = file.to_str().unwrap();
    let written = sandbox.run(&["records", "export", file, "--world", "smoke"]);
    assert!(out(&written).contains("6 records written"), "{}", err(&written));
    let other = Sandbox::new("\"kmnist\"", 3);
    let taken = other.run(&["records", "import", file]);
    assert!(err(&taken).contains("6 records imported"), "{}", err(&taken));
    let listed = other.run(&["records", "--source", "l2_3"]);
    assert!(out(&listed).contains("3 records"), "{}", out(&listed));
    let there = other.verify();
    assert_eq!((out(&there), err(&there)), (out(&verified), String::new()));
    let again = other.run(&["records", "import", file]);
    assert!(err(&again).contains("0 records imported"), "{}", err(&again));
    assert!(err(&again).contains("6 records were already present"), "{}", err(&again));
    assert!(!err(&again).contains("another outcome"), "{}", err(&again));
    // The uncompressed file is read as well.
    let packed = std::fs::read(file).unwrap();
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(&packed[..]).read_to_end(&mut plain).unwrap();
    std::fs::write(file, plain).unwrap();
    let again = other.run(&["records", "import", file]);
    assert!(err(&again).contains("6 records were already present"), "{}", err(&again));
    std::fs::write(file, "no gzip").unwrap();
    let refused = other.run(&["records", "import", file]);
    assert_eq!(code(&refused), 66);
    assert!(err(&refused).contains("records.jsonl.gz"), "{}", err(&refused));
}

#[test]
fn a_record_that_its_recipe_does_not_reproduce_is_reported() {
    let sandbox = Sandbox::new("\"kmnist\"", 3);
    let key = {
        let plan = out(&sandbox.run(&["plan", "--format", "jsonl"]));
        let line: serde_json::Value = serde_json::from_str(plan.lines().next().unwrap()).unwrap();
        line["key"].as_str().unwrap().to_owned()
    };
    assert_eq!(code(&sandbox.run(&["run", "--key", &key])), 0);
    let mut entry = entries(&sandbox.ledger()).remove(&key).unwrap();
    let Ended::Finished(outcome) = &mut entry.outcome else { panic!("it finished") };
    // Two images change places, so that the accuracy is still the share of the bits.
    let place = |bits: &[bool], bit: bool| bits.iter().position(|found| *found == bit).unwrap();
    let (right, wrong) = (place(&outcome.correct, true), place(&outcome.correct, false));
    outcome.correct.swap(right, wrong);
    let ledger = Ledger::new(sandbox.ledger());
    // Of two records of a name the first stays.
    let replace = |entry: &Entry| {
        let file = sandbox.ledger().join(format!("entries/{}/{key}.json", &key[..2]));
        std::fs::remove_file(file).unwrap();
        assert_eq!(ledger.put(entry).unwrap(), Put::Stored);
    };
    replace(&entry);
    let rerun = sandbox.run(&["rerun", &key]);
    assert_eq!(code(&rerun), 70);
    assert!(out(&rerun).contains("other bits"), "{}", out(&rerun));
    // On a GPU bits may differ: then losses and accuracies decide whether it is the same run.
    let within = sandbox.run(&["rerun", &key, "--tolerance", "0.5"]);
    assert_eq!(code(&within), 0, "{}", err(&within));
    assert!(out(&within).contains("the last accuracy by 0.00 points"), "{}", out(&within));
    let Ended::Finished(outcome) = &mut entry.outcome else { panic!("it finished") };
    // One point of 2,000 images.
    (0..20).for_each(|_| {
        let wrong = place(&outcome.correct, false);
        outcome.correct[wrong] = true;
    });
    let count = outcome.correct.iter().filter(|bit| **bit).count();
    let last = outcome.evaluations.last_mut().unwrap();
    last.test_accuracy = 100.0 * count as f64 / outcome.correct.len() as f64;
    replace(&entry);
    assert_eq!(code(&sandbox.run(&["rerun", &key, "--tolerance", "0.5"])), 70);

    // A failed record is listed as failed, counts as existing, and runs again only by its key.
    entry.outcome = Ended::Failed { reason: "out of memory".to_owned() };
    std::fs::remove_dir_all(sandbox.ledger()).unwrap();
    ledger.put(&entry).unwrap();
    let failed = sandbox.run(&["records", "--failed"]);
    assert!(out(&failed).contains("1 record in"), "{}", out(&failed));
    assert_eq!(out(&sandbox.run(&["plan", "--format", "jsonl"])).lines().count(), 5);
    assert_eq!(code(&sandbox.run(&["run", "--key", &key])), 0);
    assert!(matches!(entries(&sandbox.ledger())[&key].outcome, Ended::Finished(_)));
}

/// Future looks spare nothing, and cells that no world can run do not look like an empty plan.
#[test]
fn unfinished_cells_spare_nothing_and_unavailable_cells_are_reported() {
    let ledger = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_repro"));
        command.args(arguments).arg("--ledger").arg(ledger.path()).output().unwrap()
    };
    let plan = out(&run(&["plan", "--claim", "l2_best", "--format", "jsonl"]));
    let planned = plan.lines().map(|line| serde_json::from_str(line).unwrap());
    let cheapest = planned.min_by(|left: &serde_json::Value, right| {
        left["seconds"].as_f64().unwrap().total_cmp(&right["seconds"].as_f64().unwrap())
    });
    let ran = run(&["run", "--key", cheapest.unwrap()["key"].as_str().unwrap()]);
    assert_eq!(code(&ran), 0, "{}", err(&ran));
    let verified = run(&["verify", "--claim", "l2_best", "--evidence", "smoke", "--no-run"]);
    assert_eq!(code(&verified), 3, "{}", err(&verified));
    let output = out(&verified);
    assert!(output.contains(" 1 record, 0 fine-tunes saved"), "{output}");
    let plan = run(&["plan", "--claim", "natural_wins_at_high_resolution"]);
    // Without the ends of its lines.
    let output = out(&plan).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(output.contains("0 fine-tunes to run next"), "{output}");
    assert!(output.contains(
        "can't be judged in full in this set-up: `celeba` is not available in the smoke set-up"
    ));
}

/// The failure is stored and reported with the command that runs it again, and no rerun of it has
/// "the same bits". It has more blocks than the thin network, which has eleven.
#[test]
fn a_failed_fine_tune_names_the_command_that_runs_it_again() {
    let sandbox = Sandbox::new("\"kmnist\"", 3);
    let recipe = "world = \"smoke\"\n[key]\ntarget = \"kmnist\"\nsource = \"natural\"\nblocks = 11\n\
                  images = 50\n[protocol]\nepochs = 1\n";
    let file = sandbox.folder.path().join("mine.toml");
    std::fs::write(&file, recipe).unwrap();
    let file = file.to_str().unwrap();
    let ran = sandbox.run(&["run", "--recipe", file, "--seed", "9", "--format", "json"]);
    let entry: Entry = serde_json::from_str(&out(&ran)).unwrap();
    let mut trial = entry.trial.clone();
    trial.recipe.key.blocks = 12;
    let id = Bundled.identify(trial.clone(), 1).unwrap().id;
    let ledger = Ledger::new(sandbox.ledger());
    let outcome = Ended::Failed { reason: "out of memory".to_owned() };
    ledger.put(&Entry { id: id.clone(), trial, outcome, ..entry }).unwrap();

    let again = sandbox.run(&["run", "--key", &id]);
    let message = err(&again);
    assert_eq!(code(&again), 70, "{message}");
    assert!(message.contains("the last 12 residual blocks"), "{message}");
    // With the folder of claims and the ledger of the first command.
    let [_, command] = message.split("run it again with `repro ").collect::<Vec<_>>()[..] else {
        panic!("{message}")
    };
    let command = command.split_once('`').unwrap().0.replace("\n  │ ", " ");
    let words: Vec<&str> = command.split(' ').collect();
    let output = Command::new(env!("CARGO_BIN_EXE_repro")).args(words).output().unwrap();
    assert_eq!(code(&output), 70, "{command}: {}", err(&output));
    assert!(err(&output).contains("the last 12 residual blocks"), "{}", err(&output));
    assert!(matches!(&entries(&sandbox.ledger())[&id].outcome, Ended::Failed { reason }
        if reason.contains("12 residual blocks")));

    let rerun = sandbox.run(&["rerun", &id, "--tolerance", "100"]);
    assert_eq!(code(&rerun), 70, "{}", out(&rerun));
    assert!(err(&rerun).contains("the rerun failed: "), "{}", err(&rerun));
    assert_eq!(out(&rerun), "");
}

#[test]
fn a_users_recipe_is_run_and_a_wrong_one_is_an_error() {
    let sandbox = Sandbox::new("\"kmnist\"", 3);
    let file = sandbox.folder.path().join("mine.toml");
    let recipe = "world = \"smoke\"\n[key]\ntarget = \"mnist\"\nsource = \"natural\"\nblocks = 1\n\
                  images = 50\n[protocol]\nepochs = 2\nlearning_rate = 0.01\n";
    let run = |text: &str| {
        std::fs::write(&file, text).unwrap();
        sandbox.run(&["run", "--recipe", file.to_str().unwrap(), "--seed", "9", "--format", "json"])
    };
    let ran = run(recipe);
    assert_eq!(code(&ran), 0, "{}", err(&ran));
    let entry: Entry = serde_json::from_str(&out(&ran)).unwrap();
    let protocol = &entry.trial.recipe.protocol;
    assert_eq!((protocol.epochs, protocol.evaluate.as_slice()), (2, [2].as_slice()));
    assert_eq!((protocol.learning_rate, protocol.batch), (0.01, 128));
    // Distinguished from the record of the world's recipe.
    let listed = out(&sandbox.run(&["records"]));
    for unlike in ["epochs 2", "evaluate [2]", "learning_rate 0.01"] {
        assert!(listed.contains(unlike), "{listed}");
    }
    let none = sandbox.run(&["records", "--target", "mnits"]);
    assert!(
        err(&none).contains("no record has the target `mnits`, did you mean `mnist`?"),
        "{}",
        err(&none)
    );
    // A failed trial runs again by its key, although no claim needs it.
    let failed = Ended::Failed { reason: "out of memory".to_owned() };
    let ledger = sandbox.folder.path().join("another ledger");
    Ledger::new(ledger.clone()).put(&Entry { outcome: failed, ..entry.clone() }).unwrap();
    let by_key = |key: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_repro"));
        command.args(["run", "--key", key, "--ledger"]).arg(&ledger).output().unwrap()
    };
    let again = by_key(&entry.id[..16]);
    assert_eq!(code(&again), 0, "{}", err(&again));
    assert!(entries(&ledger)[&entry.id].agrees_with(&entry));
    let unknown = by_key("0123456789abcdef");
    assert_eq!(code(&unknown), 64);
    let message = err(&unknown).replace("\n  │ ", " ");
    assert!(message.contains("and the ledger has no record of it"), "{message}");
    for (from, to, what) in [
        ("smoke", "smock", "did you mean `smoke`?; it must be one of smoke, "),
        ("learning_rate", "learning_rat", "unknown field `learning_rat`"),
        ("\"mnist\"", "\"svhn\"", "`svhn` is not available in the smoke set-up"),
        ("images = 50", "images = 50000", "6400 training images"),
        ("images = 50", "images = 5", "fewer than the 10 classes"),
        ("blocks = 1", "blocks = 12", "the network has 11"),
        ("images = 50", "images = 50\nseed_stream = 4294967295", "seed_stream is 4294967295"),
        ("images = 50", "images = 50\nresolution = 29", "resolution is 29"),
        ("epochs = 2", "epochs = 0", "epochs is 0"),
        ("0.01", "-0.01", "learning_rate is -0.01"),
    ] {
        let ran = run(&recipe.replace(from, to));
        let message = err(&ran).replace("\n  │ ", " ");
        assert!([64, 66].contains(&code(&ran)), "{to}: {message}");
        let words: Vec<&str> = what.split(' ').collect();
        assert!(words.iter().all(|word| message.contains(word)), "{to}: {message}");
    }
}

/// The first Ctrl-C waits for the end of the epoch, which is long; the second ends the process.
#[cfg(unix)]
#[test]
fn a_second_ctrl_c_ends_a_run_at_once() {
    use std::{
        io::{BufRead, BufReader},
        os::unix::process::CommandExt,
    };
    let sandbox = Sandbox::new("\"kmnist\"", 3);
    let file = sandbox.folder.path().join("long.toml");
    let recipe = "world = \"smoke\"\n[key]\ntarget = \"mnist\"\nsource = \"natural\"\nblocks = 9\n\
                  images = 6400\n[protocol]\nepochs = 1\nbatch = 1\n";
    std::fs::write(&file, recipe).unwrap();
    let mut command = sandbox.command(&["run", "--recipe", file.to_str().unwrap(), "--seed", "1"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    // The test runner may ignore Ctrl-C, as background processes do.
    // SAFETY: between fork and exec, `signal` is allowed.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGINT, libc::SIG_DFL);
            Ok(())
        });
    }
    let mut child = command.spawn().unwrap();
    let mut output = BufReader::new(child.stderr.take().unwrap()).lines();
    let pid = child.id().to_string();
    let interrupt = || {
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    };
    assert!(output.any(|line| line.unwrap().contains("1 fine-tune to run")));
    // The handler counts signals from now on.
    std::thread::sleep(Duration::from_secs(1));
    interrupt();
    assert!(output.any(|line| line.unwrap().contains("stopping")));
    // Two signals at once count as one, as `timeout` sends them.
    interrupt();
    std::thread::sleep(Duration::from_millis(600));
    assert!(child.try_wait().unwrap().is_none(), "one that came at once with the first ended it");
    interrupt();
    let ended = (0..50).find_map(|_| {
        std::thread::sleep(Duration::from_millis(100));
        child.try_wait().unwrap()
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(ended.expect("the run ends").code(), Some(130));
}

/// A hundred times: started, killed at a random moment, checked. Stored entries stay, no entry is
/// partial, and at the end the ledger is that of an undisturbed run.
#[cfg(unix)]
#[test]
fn a_run_killed_at_any_moment_loses_no_finished_record() {
    const KILLS: usize = 100;
    let undisturbed = Sandbox::new("[\"kmnist\", \"mnist\"]", 5);
    assert!(code(&undisturbed.verify()) < 3);
    let expected = entries(&undisturbed.ledger());
    assert_eq!(expected.len(), 20);

    let mut moments = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let mut kills = 0;
    while kills < KILLS {
        let sandbox = Sandbox::new("[\"kmnist\", \"mnist\"]", 5);
        let mut kept = BTreeMap::new();
        loop {
            let mut child = sandbox
                .command(&["verify", "--evidence", "smoke"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(Duration::from_millis(moments.random_range(0..1200)));
            let ended = child.try_wait().unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
            kills += usize::from(ended.is_none());
            let now = entries(&sandbox.ledger());
            for (id, entry) in &kept {
                assert_eq!(now.get(id), Some(entry), "kill {kills}");
            }
            kept = now;
            if ended.is_some() || kills >= KILLS {
                break;
            }
        }
        assert!(code(&sandbox.verify()) < 3);
        let resumed = entries(&sandbox.ledger());
        assert!(resumed.keys().eq(expected.keys()));
        for (id, entry) in &resumed {
            assert!(entry.agrees_with(&expected[id]), "{id}");
        }
    }
}

/// On a GPU or a stand-in for one. A CPU then gives the same result; after a real GPU, whose
/// rounding differs, it gives one within the tolerance.
#[test]
fn a_claim_is_run_on_a_gpu_and_a_record_is_run_again_on_a_cpu() {
    let Some(stand_in) = stand_in::environment() else { return };
    let within = if stand_in.is_empty() { "5" } else { "0.5" };
    let sandbox = Sandbox::new("\"kmnist\"", 3);
    // A GPU whose driver files are not visible, as in some containers.
    let tools = sandbox.folder.path().join("tools");
    let named = "#!/bin/sh\n[ \"$1\" = --query-gpu=name ] && echo 'NVIDIA Stand-in GPU'\n";
    std::fs::create_dir(&tools).unwrap();
    std::fs::write(tools.join("nvidia-smi"), named).unwrap();
    std::fs::set_permissions(tools.join("nvidia-smi"), Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let on_a_gpu = |arguments: &[&str]| {
        let mut command = sandbox.command(arguments);
        command.env("PATH", format!("{}:{path}", tools.display())).envs(stand_in.clone());
        command.args(["--device", "cuda"]).output().unwrap()
    };
    let verified = on_a_gpu(&["verify", "--evidence", "smoke"]);
    assert!(err(&verified).contains("6 fine-tunes to run"), "{}", err(&verified));
    assert!([0, 1, 2].contains(&code(&verified)), "{}", err(&verified));
    let kept = entries(&sandbox.ledger());
    assert_eq!(kept.len(), 6);
    for (key, entry) in &kept {
        let processor = &entry.provenance.processor;
        // With a driver, its version from its files comes first.
        let driver = Path::new("/proc/driver/nvidia/gpus").exists();
        assert!(driver || processor.starts_with("NVIDIA Stand-in GPU, "), "{processor}");
        let rerun = sandbox.run(&["rerun", key, "--tolerance", within]);
        assert_eq!(code(&rerun), 0, "{}{}", out(&rerun), err(&rerun));
    }
    let (key, _) = kept.first_key_value().unwrap();
    assert_eq!(code(&on_a_gpu(&["rerun", key, "--tolerance", within])), 0);
    let doctor = on_a_gpu(&["doctor"]);
    let cuda = out(&doctor).lines().find(|line| line.starts_with("cuda")).map(str::to_owned);
    assert!(cuda.as_ref().is_some_and(|line| line.contains(" device")), "{cuda:?}");
}
