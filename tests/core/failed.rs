//! The log of a fine-tune that failed: every attempt, until it finishes.

use std::{fs, path::Path};

use repro::{
    assets::{Assets, Bundled, IdentifiedTrial},
    experiment::{Key, Seed, Trial},
    plan::queue::{Listed, Ran, drain},
    store::{Ended, Ledger, LedgerError, Worker},
    world::World,
};

use crate::work::ran;

/// Runs trials by a fake runner: a family fails, and so does the trial of three blocks alone, with
/// this message.
fn run_failing(folder: &Path, trials: &[IdentifiedTrial], message: &str) {
    let (ledger, worker) = (Ledger::new(folder.to_owned()), Worker::new("one", Some("7_2")));
    let worker = worker.unwrap();
    let queue = Listed::new(&ledger, &worker, trials, 1).unwrap();
    let mut run = |family: &[IdentifiedTrial]| -> Result<Ran, LedgerError> {
        let [named] = family else { return Ok(Err("the family failed".to_owned())) };
        let mut entry = ran(named);
        if named.trial.recipe.key.blocks == 3 && !message.is_empty() {
            entry.outcome = Ended::Failed { reason: message.to_owned() };
        }
        Ok(Ok(vec![entry]))
    };
    assert!(drain(&queue, &|| false, &|_| (), &mut run).unwrap());
}

#[test]
fn a_failed_trial_keeps_the_log_of_every_attempt_until_it_finishes() {
    let folder = tempfile::tempdir().unwrap();
    let trials = [1, 3].map(|blocks| {
        let recipe = World::smoke().recipe(Key::new("kmnist", "natural", blocks, 100));
        Bundled.identify(Trial { recipe, seed: Seed(1) }, 1).unwrap()
    });
    let ledger = Ledger::new(folder.path().to_owned());
    let log = ledger.failure_log(&trials[1].id);
    let read = || fs::read_to_string(&log).unwrap();
    run_failing(folder.path(), &trials, "no such kernel\n  at \u{1b}[31mfile.cpp:7");
    let text = read();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains(" UTC: failed beside 1 siblings: worker one on "), "{text}");
    assert!(lines[0].ends_with(&format!("process {}, job 7_2", std::process::id())), "{text}");
    assert_eq!(lines[1], "    the family failed");
    assert!(lines[2].contains(" UTC: failed alone: worker one on "), "{text}");
    assert!(lines[3].starts_with("kmnist from natural") && lines[3].ends_with("none on none"));
    assert_eq!(lines[4..], ["    no such kernel", "      at \\u{1b}[31mfile.cpp:7"]);
    // Its sibling has finished.
    assert!(!ledger.failure_log(&trials[0].id).exists());
    // Again and again with long messages: the last ones are kept.
    for attempt in 0..12 {
        let message = format!("attempt {attempt} {}\nthe end", "x".repeat(100_000));
        run_failing(folder.path(), &trials[1..], &message);
    }
    let text = read();
    assert!(text.len() <= 64 << 10 && text.len() > 32 << 10, "{}", text.len());
    assert!(text.contains("attempt 11 x") && !text.contains("attempt 0 x"));
    assert!(text.contains("characters left out]") && text.ends_with("    the end\n"));
    run_failing(folder.path(), &trials[1..], "");
    assert!(!log.exists());
}
