//! Many workers and many short fine-tunes: what planning, leases and records cost.

use std::{
    thread,
    time::{Duration, Instant},
};

use repro::{
    assets::{Assets, IdentifiedTrial, Missing},
    claim::check,
    experiment::{ENGINE_VERSION, EvidenceKind, Key},
    plan::{
        campaign::Campaign,
        queue::{Ran, drain},
        work::Work,
    },
    store::{Entry, Ledger, LedgerError, Provenance, Worker},
    world::World,
};

use crate::{
    common::gap_text,
    work::{FOREVER, Quiet, outcome, records},
};

/// Models and images of any name.
#[derive(Debug)]
struct Any;

impl Assets for Any {
    fn weights_digest(&self, source: &str, _: u32) -> Result<String, Missing> {
        Ok(blake3::hash(source.as_bytes()).to_hex().to_string())
    }

    fn images_digest(&self, target: &str) -> Result<String, Missing> {
        Ok(blake3::hash(target.as_bytes()).to_hex().to_string())
    }

    fn unavailable(&self, _: &Key, _: u32) -> Option<Missing> {
        None
    }
}

/// 16 workers of one machine, 250 ms a fine-tune: planning, leases and records cost less than 15 %.
#[test]
#[ignore = "takes over two minutes, on an idle machine and with the release profile"]
fn sixteen_workers_run_eight_thousand_trials_in_little_more_than_their_time() {
    const EACH: Duration = Duration::from_millis(250);
    const WORKERS: u32 = 16;
    let targets = "target = [\"svhn\", \"kmnist\", \"fmnist\", \"mnist\", \"cifar10\"]";
    let images = "images = [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]";
    let cells = format!("{targets}, {images}, blocks = [0, 1, 2, 3, 4, 5, 6, 9]");
    let text = gap_text(
        "paper",
        "greater_than = 0.0",
        &cells,
        "[design]\nlooks = [10]\nreading_seeds = 10\n",
    );
    let world = World::paper();
    let claim = check::claim("gap.toml", &text, &world).unwrap_or_else(|error| panic!("{error}"));
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let work = &|number: u32| {
        let ledger = Ledger::new(folder.path().to_owned());
        let campaign =
            Campaign { kind: EvidenceKind::Paper, world: &world, assets: &Any, ledger: &ledger };
        let worker = Worker::new(&format!("worker {number}"), None).unwrap();
        let (claims, none, timed) = ([&claim], "none".to_owned(), || None);
        let queue =
            Work::new(&campaign, &claims, &worker, FOREVER, none, &timed, 1, &Quiet).unwrap();
        let mut run = |family: &[IdentifiedTrial]| -> Result<Ran, LedgerError> {
            thread::sleep(EACH * family.len() as u32);
            let entry = |named: &IdentifiedTrial| Entry {
                id: named.id.clone(),
                weights: named.weights.clone(),
                data: named.data.clone(),
                trial: named.trial.clone(),
                engine_version: ENGINE_VERSION,
                outcome: outcome(&named.trial),
                provenance: Provenance {
                    images: None,
                    program: "0.0.0".to_owned(),
                    engine: "none".to_owned(),
                    processor: "none".to_owned(),
                    started: 1_600_000_000,
                    seconds: 0.25,
                },
            };
            Ok(Ok(family.iter().map(entry).collect()))
        };
        assert!(drain(&queue, &|| false, &|_| (), &mut run).unwrap());
        queue.stored()
    };
    let stored: Vec<usize> = thread::scope(|scope| {
        let workers: Vec<_> =
            (0..WORKERS).map(|number| scope.spawn(move || work(number))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let (took, ideal) = (begun.elapsed(), EACH * 8000 / WORKERS);
    let times = took.as_secs_f64() / ideal.as_secs_f64();
    println!("{stored:?}: {:.1} s, {times:.3} times the ideal", took.as_secs_f64());
    // None is stored twice.
    assert_eq!((stored.iter().sum::<usize>(), records(folder.path())), (8000, 8000));
    assert!(times < 1.15, "{times}");
}
