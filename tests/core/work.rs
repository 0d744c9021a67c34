//! Workers: any number of them share a ledger, one that is killed or stopped costs at most the trial
//! that it ran, and nothing is begun that does not fit the time.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, OpenOptions},
    io::Write as _,
    path::Path,
    process::{Child, Command},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use proptest::prelude::*;
use repro::{
    assets::{Bundled, IdentifiedTrial, Missing},
    claim::{Claim, check},
    experiment::{EvidenceKind, MeasuredAdversarial, Seed, Trial},
    plan::{
        Outstanding,
        campaign::{Campaign, Event, Progress},
        cost::Throughput,
        order::{Candidate, order},
        queue::{Listed, Queue, Ran, drain},
        work::{Ending, Limits, Work},
    },
    store::{Damaged, Ended, Entry, Lease, Ledger, LedgerError, Worker},
    world::World,
};

use crate::{
    common::gap_text,
    ledger::{entry_of, finished},
};

/// l2_3 minus natural on KMNIST and MNIST at 100 images: 40 fine-tunes over three looks if no look
/// decides.
fn claim() -> Claim {
    let cells = "target = [\"kmnist\", \"mnist\"], images = 100, blocks = 3";
    let text = gap_text("smoke", "greater_than = 0.0", cells, "");
    check::claim("gap.toml", &text, &World::smoke()).unwrap_or_else(|error| panic!("{error}"))
}

/// The entry of a trial; no look decides the claim by them.
pub(crate) fn ran(named: &IdentifiedTrial) -> Entry {
    entry_of(named.trial.clone(), outcome(&named.trial))
}

pub(crate) fn outcome(Trial { recipe, seed }: &Trial) -> Ended {
    let ahead = |seed: Seed| if (seed.0 / 100_000).is_multiple_of(2) { 60.0 } else { 40.0 };
    let accuracy = match &*recipe.key.source {
        "l2_3" => ahead(*seed),
        _ => 50.0 - (seed.0 % 1_000_000) as f64 / 1e6,
    };
    let epochs = &recipe.protocol.evaluate;
    let mut outcome = finished(&vec![1.0; epochs.len()], accuracy, vec![]);
    let Ended::Finished(of) = &mut outcome else { unreachable!("it finished") };
    for (one, epoch) in of.evaluations.iter_mut().zip(epochs) {
        one.epoch = *epoch;
    }
    of.adversarial = recipe
        .adversarial
        .map(|test| MeasuredAdversarial { test, correct: vec![true; test.images as usize] });
    outcome
}

pub(crate) struct Quiet;

impl Progress for Quiet {
    fn damaged(&self, files: &[Damaged]) {
        assert!(files.is_empty(), "{files:?}");
    }

    fn begins(&self, _: &[IdentifiedTrial], _: usize, _: Option<Throughput>) {}

    fn missing(&self, missing: &BTreeMap<Missing, Outstanding>) {
        assert!(missing.is_empty(), "{missing:?}");
    }

    fn happens(&self, _: Event<'_>) {}
}

pub(crate) const FOREVER: Limits = Limits { until: None, leave: true };

/// Works with a fake runner; `each` is called with each trial that it runs. How it ended, and how
/// many entries it stored.
fn work(
    folder: &Path,
    worker: &Worker,
    limits: Limits,
    speed: Option<Throughput>,
    each: &(dyn Fn(&IdentifiedTrial) + Sync),
) -> (Ending, usize) {
    let (world, ledger, claim) = (World::smoke(), Ledger::new(folder.to_owned()), claim());
    let kind = EvidenceKind::Smoke;
    let campaign = Campaign { kind, world: &world, assets: &Bundled, ledger: &ledger };
    let (claims, timed) = ([&claim], || speed);
    let queue = Work::new(&campaign, &claims, worker, limits, "none".to_owned(), &timed, 1, &Quiet);
    let queue = queue.unwrap();
    let mut run = |family: &[IdentifiedTrial]| -> Result<Ran, LedgerError> {
        family.iter().for_each(each);
        Ok(Ok(family.iter().map(ran).collect()))
    };
    assert!(drain(&queue, &|| false, &|_| (), &mut run).unwrap());
    (queue.ending().unwrap(), queue.stored())
}

fn worker(name: &str) -> Worker {
    Worker::new(name, None).unwrap().with_beat(Duration::from_millis(20))
}

pub(crate) fn records(folder: &Path) -> usize {
    Ledger::new(folder.to_owned()).all(&mut |file| panic!("{file:?}")).unwrap().len()
}

/// The names of leases and locks that are left.
fn left(folder: &Path) -> usize {
    let ledger = Ledger::new(folder.to_owned());
    let leases = Lease::list(&ledger, &mut |file| panic!("{file:?}")).unwrap();
    leases.len() + fs::read_dir(ledger.running()).unwrap().count()
}

#[test]
fn a_queue_that_plans_uses_all_threads_and_a_list_resumes_when_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let (world, ledger, claim) = (World::smoke(), Ledger::new(folder.path().to_owned()), claim());
    let kind = EvidenceKind::Smoke;
    let campaign = Campaign { kind, world: &world, assets: &Bundled, ledger: &ledger };
    let (claims, timed, worker) = ([&claim], || None, worker("one"));
    let none = "none".to_owned();
    let queue = Work::new(&campaign, &claims, &worker, FOREVER, none, &timed, 1, &Quiet).unwrap();
    assert_eq!((queue.threads(1), queue.threads(7)), (1, 7));
    let list = Listed::new(&ledger, &worker, &[], 1).unwrap();
    assert_eq!(list.resume_after(), Duration::from_secs(600));
    let at_once = list.resuming_after(Duration::ZERO);
    assert_eq!(at_once.resume_after(), Duration::ZERO);
}

#[test]
fn one_worker_runs_every_look_once_and_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let count = AtomicUsize::new(0);
    let each = |_: &IdentifiedTrial| _ = count.fetch_add(1, Ordering::Relaxed);
    let ended = work(folder.path(), &worker("one"), FOREVER, None, &each);
    assert_eq!((ended, count.into_inner()), ((Ending::Done, 40), 40));
    assert_eq!((records(folder.path()), left(folder.path())), (40, 0));
    let again = |named: &IdentifiedTrial| panic!("{named:?} has a record");
    let ended = work(folder.path(), &worker("other"), FOREVER, None, &again);
    assert_eq!(ended, (Ending::Done, 0));
}

#[test]
fn threads_of_four_workers_run_no_trial_twice() {
    let folder = tempfile::tempdir().unwrap();
    let counts: std::sync::Mutex<BTreeMap<String, usize>> = std::sync::Mutex::default();
    let limits = Limits { until: None, leave: false };
    thread::scope(|scope| {
        for number in 0..4 {
            let (folder, counts) = (folder.path(), &counts);
            scope.spawn(move || {
                let each = |named: &IdentifiedTrial| {
                    *counts.lock().unwrap().entry(named.id.clone()).or_default() += 1;
                    thread::sleep(Duration::from_millis(10));
                };
                let (ending, _) =
                    work(folder, &worker(&format!("worker {number}")), limits, None, &each);
                assert_eq!(ending, Ending::Done);
            });
        }
    });
    let counts = counts.into_inner().unwrap();
    assert_eq!((counts.len(), counts.values().sum::<usize>()), (40, 40), "{counts:?}");
    assert_eq!((records(folder.path()), left(folder.path())), (40, 0));
}

#[test]
fn a_worker_that_leaves_does_not_wait_for_others() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let other = worker("other").on_host("far");
    let mut leases = Vec::new();
    // Another worker takes everything that this one would run second.
    let each = |_: &IdentifiedTrial| ();
    let held = std::sync::Mutex::new(&mut leases);
    let first = |named: &IdentifiedTrial| {
        let mut held = held.lock().unwrap();
        if held.is_empty() {
            for id in first_look() {
                held.extend(Lease::take(&ledger, &other, &id).unwrap());
            }
        }
        each(named);
    };
    let (ending, stored) = work(folder.path(), &worker("one"), FOREVER, None, &first);
    let fine_tunes = leases.len();
    assert_eq!(ending, Ending::Elsewhere { fine_tunes });
    assert!(stored > 0 && stored + fine_tunes == 12, "{stored} and {fine_tunes}");
    drop(leases);
    assert_eq!(work(folder.path(), &worker("two"), FOREVER, None, &each).0, Ending::Done);
}

/// The names of the trials of the first look.
fn first_look() -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (world, ledger) = (World::smoke(), Ledger::new(folder.path().to_owned()));
    let kind = EvidenceKind::Smoke;
    let campaign = Campaign { kind, world: &world, assets: &Bundled, ledger: &ledger };
    let gathered = campaign.gather(&[&claim()]).unwrap();
    let next = campaign.outstanding(&[&claim()], &gathered);
    next.planned.into_iter().map(|planned| planned.named.id).collect()
}

#[test]
fn nothing_is_begun_that_does_not_fit_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let limits = |seconds| Limits {
        until: Instant::now().checked_add(Duration::from_secs(seconds)),
        leave: true,
    };
    let none = |named: &IdentifiedTrial| panic!("{named:?} takes too long");
    let begun = Instant::now();
    let slow = Some(Throughput(1.0));
    let (ending, stored) = work(folder.path(), &worker("one"), limits(60), slow, &none);
    let Ending::NoTime { fine_tunes: 12, shortest: Some(seconds) } = ending else {
        panic!("{ending:?}")
    };
    assert!(seconds > 60.0 && stored == 0 && begun.elapsed() < Duration::from_secs(10));
    let over = Limits { until: Some(Instant::now()), leave: false };
    let (ending, _) = work(folder.path(), &worker("one"), over, None, &none);
    assert_eq!(ending, Ending::NoTime { fine_tunes: 12, shortest: None });
    let quick = Some(Throughput(1e15));
    let ended = work(folder.path(), &worker("one"), limits(60), quick, &|_| ());
    assert_eq!(ended, (Ending::Done, 40));
}

/// The folder of a worker in a process of its own.
const FOLDER: &str = "REPRO_TEST_WORK_FOLDER";
const NAME: &str = "REPRO_TEST_WORK_NAME";

/// A worker of the next test, in a process of its own: it notes each trial before it runs.
#[test]
fn a_worker_process() {
    let (Some(folder), Some(name)) = (std::env::var_os(FOLDER), std::env::var(NAME).ok()) else {
        return;
    };
    let folder = Path::new(&folder);
    let file = folder.join(format!("{name}.txt"));
    let mut notes = OpenOptions::new().append(true).create(true).open(file).unwrap();
    let notes = std::sync::Mutex::new(&mut notes);
    let each = |named: &IdentifiedTrial| {
        writeln!(notes.lock().unwrap(), "{}", named.id).unwrap();
        thread::sleep(Duration::from_millis(100));
    };
    let limits = Limits { until: None, leave: false };
    work(&folder.join("ledger"), &worker(&name), limits, None, &each);
}

fn process(folder: &Path, name: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "work::a_worker_process"])
        .env(FOLDER, folder)
        .env(NAME, name)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

fn signal(child: &Child, signal: libc::c_int) {
    // SAFETY: it is a child of this process that was not waited for.
    assert_eq!(unsafe { libc::kill(child.id() as libc::pid_t, signal) }, 0);
}

/// The trials that a worker noted.
fn noted(folder: &Path, name: &str) -> Vec<String> {
    let text = fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn of_four_workers_one_is_killed_and_one_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let names = ["killed", "stopped", "third", "fourth"];
    let mut workers = names.map(|name| process(folder, name));
    let is_running = |name: &str| !noted(folder, name).is_empty();
    while !(is_running("killed") && is_running("stopped")) {
        thread::sleep(Duration::from_millis(5));
    }
    signal(&workers[0], libc::SIGKILL);
    signal(&workers[1], libc::SIGSTOP);
    // The others do all of it: what the killed one ran at once, what the stopped one ran when its
    // heartbeat is missed.
    assert!(workers[2].wait().unwrap().success() && workers[3].wait().unwrap().success());
    assert_eq!(records(&folder.join("ledger")), 40);
    signal(&workers[1], libc::SIGCONT);
    assert!(workers[1].wait().unwrap().success(), "it loses nothing");
    assert!(!workers[0].wait().unwrap().success());
    assert_eq!((records(&folder.join("ledger")), left(&folder.join("ledger"))), (40, 0));
    let all: Vec<String> = names.iter().flat_map(|name| noted(folder, name)).collect();
    let distinct: BTreeSet<&String> = all.iter().collect();
    println!("{} fine-tunes were run {} times in all", distinct.len(), all.len());
    // A family of one trial each: what two workers ran when the signals came.
    assert!(distinct.len() == 40 && all.len() <= 42, "{} runs", all.len());
}

/// Candidates with these looks and costs.
fn candidates(of: &[(usize, u32)]) -> Vec<Candidate<usize>> {
    let candidate = |(at, (look, cost)): (usize, &(usize, u32))| Candidate {
        name: format!("family {at}"),
        look: *look,
        cost: f64::from(*cost),
        family: at,
    };
    of.iter().enumerate().map(candidate).collect()
}

proptest! {
    #[test]
    fn a_worker_takes_every_family_once_and_earlier_looks_first(
        of in prop::collection::vec((0_usize..3, 0_u32..100), 0..80),
        name in "[a-z]{1,8}",
    ) {
        let ordered = order(&name, candidates(&of));
        let mut sorted = ordered.clone();
        sorted.sort_unstable();
        prop_assert!(sorted.into_iter().eq(0..of.len()));
        prop_assert!(ordered.is_sorted_by_key(|family| of[*family].0));
        // In whatever order they are planned.
        let mut reversed = candidates(&of);
        reversed.reverse();
        let costs = |families: &[usize]| {
            families.iter().map(|family| of[*family]).collect::<Vec<_>>()
        };
        prop_assert_eq!(costs(&order(&name, reversed)), costs(&ordered));
    }

    #[test]
    fn workers_take_families_in_orders_of_their_own(one in "[a-z]{1,8}", other in "[a-z]{1,8}") {
        prop_assume!(one != other);
        let families = vec![(0, 1); 40];
        prop_assert_ne!(order(&one, candidates(&families)), order(&other, candidates(&families)));
    }
}

#[test]
fn many_workers_begin_with_many_families() {
    let families = vec![(0, 1); 640];
    let first = |worker: u32| order(&format!("gpu-{worker}"), candidates(&families))[0];
    let firsts: BTreeSet<usize> = (0..64).map(first).collect();
    // Of 64 that choose among 640 at random, about three meet.
    assert!(firsts.len() >= 56, "{}", firsts.len());
}
