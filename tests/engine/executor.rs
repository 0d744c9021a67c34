//! Running trials: siblings give the same records together and alone, and one that fails does not
//! affect the others.

use crate::common;
use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use common::stand_in;
use repro::{
    assets::{Assets, Bundled, IdentifiedTrial, Missing},
    engine::executor::{ExecutorError, FirstSteps, Local, Workers},
    experiment::{Augmentation, BatchNorm, Key, Seed, Trial},
    plan::campaign::Event,
    store::{Ended, Entry, Lease, Ledger, Worker},
    world::{FIRST_ZOO, World},
};
use tch::Device;

/// One epoch on 100 images of KMNIST.
fn named(blocks: u32, seed: u64) -> IdentifiedTrial {
    named_on("kmnist", blocks, seed)
}

fn named_on(target: &str, blocks: u32, seed: u64) -> IdentifiedTrial {
    let key = Key::new(target, "natural", blocks, 100);
    let mut recipe = World::smoke().recipe(key);
    (recipe.protocol.epochs, recipe.protocol.evaluate) = (1, vec![1]);
    Bundled.identify(Trial { recipe, seed: Seed(seed) }, 1).unwrap()
}

/// The entries of trials, in the order in which they ended.
fn run(trials: &[IdentifiedTrial], at_once: usize) -> Vec<Entry> {
    let (ran, ended) = run_until(trials, at_once, &|_| ());
    ran.unwrap();
    ended
}

/// The same with the result; `after_each` may set the flag that stops the run.
fn run_until(
    trials: &[IdentifiedTrial],
    at_once: usize,
    each: &(dyn Fn(&AtomicBool) + Sync),
) -> (Result<(), ExecutorError>, Vec<Entry>) {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, stop) = (Ledger::new(folder.path().to_owned()), AtomicBool::new(false));
    let workers = Workers { device: stand_in::device(), at_once, threads_each: 1 };
    let local = Local { ledger: &ledger, assets: &Bundled, workers, stop: &stop };
    let ended = Mutex::new(Vec::new());
    let ran = local.run(trials, &|event| {
        let Event::Ended(entry) = event else { panic!("{event:?}") };
        ended.lock().unwrap().push(entry.clone());
        each(&stop);
    });
    let kept = ledger.all(&mut |file| panic!("{file:?}")).unwrap();
    let ended = ended.into_inner().unwrap();
    assert_eq!(kept.len(), ended.len(), "all that ended is kept");
    (ran, ended)
}

fn entry_of<'a>(entries: &'a [Entry], named: &IdentifiedTrial) -> &'a Entry {
    entries.iter().find(|entry| entry.id == named.id).unwrap()
}

#[test]
fn siblings_give_the_same_records_together_and_alone() {
    let trials = [named(9, 1), named(0, 1), named(3, 1), named(3, 2)];
    let together = run(&trials, 1);
    let began = |named| {
        let provenance = &entry_of(&together, named).provenance;
        (provenance.started, provenance.seconds.to_bits())
    };
    assert!(began(&trials[0]) == began(&trials[1]) && began(&trials[0]) == began(&trials[2]));
    assert_ne!(began(&trials[0]).1, began(&trials[3]).1, "another seed is no sibling");
    for trial in &trials {
        let [alone] = run(std::slice::from_ref(trial), 1).try_into().unwrap();
        assert!(entry_of(&together, trial).agrees_with(&alone), "{}", trial.trial.recipe.key);
    }
    // With any number of workers.
    for entry in run(&trials, 3) {
        assert!(together.iter().any(|other| other.agrees_with(&entry)));
    }
}

#[test]
fn a_sibling_that_can_t_be_run_fails_alone() {
    // The thin network has eleven blocks.
    let trials = [named(0, 1), named(12, 1), named(3, 1)];
    let entries = run(&trials, 1);
    let failed = |named| matches!(entry_of(&entries, named).outcome, Ended::Failed { .. });
    assert_eq!([&trials[0], &trials[1], &trials[2]].map(failed), [false, true, false]);
    let Ended::Failed { reason } = &entry_of(&entries, &trials[1]).outcome else { unreachable!() };
    assert!(reason.contains("last 12 residual blocks"), "{reason}");
}

#[test]
fn siblings_are_stored_one_by_one_after_an_interruption() {
    let trials = [named(0, 1), named(12, 1), named(3, 1)];
    let (ran, ended) = run_until(&trials, 1, &|stop| stop.store(true, Ordering::Relaxed));
    assert!(matches!(ran, Err(ExecutorError::Interrupted)), "{ran:?}");
    let [entry] = ended.try_into().expect("the run stops before the second");
    assert_eq!(entry.id, trials[0].id);
    assert!(matches!(entry.outcome, Ended::Finished(_)));
}

/// Runs trials into a ledger that other processes may use.
fn run_into(
    ledger: &Ledger,
    trials: &[IdentifiedTrial],
    at_once: usize,
    on_event: &(dyn Fn(Event<'_>) + Sync),
) {
    let (workers, stop) =
        (Workers { device: Device::Cpu, at_once, threads_each: 1 }, AtomicBool::new(false));
    let local = Local { ledger, assets: &Bundled, workers, stop: &stop };
    local.run(trials, on_event).unwrap();
}

/// A lock belongs to a file description, so that two that open it in one process act like two
/// processes.
#[test]
fn processes_with_a_shared_ledger_share_its_work() {
    let folder = tempfile::tempdir().unwrap();
    let trials: Vec<IdentifiedTrial> = (1..=4).map(|seed| named(0, seed)).collect();
    let ids =
        |of: &[IdentifiedTrial]| of.iter().map(|named| named.id.clone()).collect::<BTreeSet<_>>();
    let work = || {
        let ledger = Ledger::new(folder.path().to_owned());
        let (here, found) = (Mutex::new(BTreeSet::new()), Mutex::new(BTreeSet::new()));
        let on_event = |event: Event<'_>| match event {
            Event::Ended(entry) => drop(here.lock().unwrap().insert(entry.id.clone())),
            Event::Found(entry) => drop(found.lock().unwrap().insert(entry.id.clone())),
            Event::Waits => {}
            event => panic!("{event:?}"),
        };
        run_into(&ledger, &trials, 1, &on_event);
        (here.into_inner().unwrap(), found.into_inner().unwrap())
    };
    let (one, other) = thread::scope(|scope| {
        let (one, other) = (scope.spawn(work), scope.spawn(work));
        (one.join().unwrap(), other.join().unwrap())
    });
    assert!(one.0.is_disjoint(&other.0), "{:?} {:?}", one.0, other.0);
    assert_eq!(&one.0 | &other.0, ids(&trials), "each is run by one");
    for (here, found) in [&one, &other] {
        assert_eq!(here | found, ids(&trials), "both hear of all");
    }
    let left = std::fs::read_dir(folder.path().join("running")).unwrap().count();
    assert_eq!(left, 0, "locks are taken away");
}

/// Trials that other processes have started are awaited, and run if they are left unfinished.
#[test]
fn a_trial_locked_by_another_process_is_awaited_and_run_if_it_fails() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let trials = [named(0, 1), named(0, 2)];
    let lease = Mutex::new(Lease::take(&ledger, Worker::of_process(), &trials[0].id).unwrap());
    assert!(lease.lock().unwrap().is_some());
    assert!(Lease::take(&ledger, Worker::of_process(), &trials[0].id).unwrap().is_none());
    let ended = Mutex::new(Vec::new());
    let on_event = |event: Event<'_>| match event {
        Event::Ended(entry) => ended.lock().unwrap().push(entry.id.clone()),
        // The other process stops.
        Event::Waits => drop(lease.lock().unwrap().take()),
        event => panic!("{event:?}"),
    };
    run_into(&ledger, &trials, 1, &on_event);
    assert_eq!(*ended.lock().unwrap(), [&*trials[1].id, &trials[0].id]);
    // A killed process leaves the file, but no lock.
    std::fs::write(folder.path().join("running").join(&trials[0].id), "").unwrap();
    assert!(Lease::take(&ledger, Worker::of_process(), &trials[0].id).unwrap().is_some());
    // A failed trial is run again, a finished one is not.
    let mut failed = ledger.get(&trials[0].id, &mut |_| ()).unwrap().unwrap();
    failed.outcome = Ended::Failed { reason: "for no reason".to_owned() };
    let again = Ledger::new(folder.path().join("again"));
    again.put(&failed).unwrap();
    again.put(&ledger.get(&trials[1].id, &mut |_| ()).unwrap().unwrap()).unwrap();
    let heard = Mutex::new(Vec::new());
    let on_event = |event: Event<'_>| {
        let heard_of = match event {
            Event::Ended(entry) => (entry.id.clone(), "here"),
            Event::Found(entry) => (entry.id.clone(), "found"),
            event => panic!("{event:?}"),
        };
        heard.lock().unwrap().push(heard_of);
    };
    run_into(&again, &trials, 1, &on_event);
    let expected = [(trials[0].id.clone(), "here"), (trials[1].id.clone(), "found")];
    assert_eq!(*heard.lock().unwrap(), expected);
}

/// Of two siblings one is run by another process: the other runs at once, and two threads run no
/// trial twice.
#[test]
fn a_family_with_a_locked_sibling_is_run_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let trials = [named(3, 1), named(0, 1), named(0, 2), named(0, 3)];
    let lease = Mutex::new(Lease::take(&ledger, Worker::of_process(), &trials[0].id).unwrap());
    let ended = Mutex::new(Vec::new());
    let on_event = |event: Event<'_>| match event {
        Event::Ended(entry) => {
            let held = lease.lock().unwrap().is_some();
            assert!(!held || entry.id != trials[0].id, "another process has the lease");
            ended.lock().unwrap().push(entry.id.clone());
        }
        Event::Waits => drop(lease.lock().unwrap().take()),
        event => panic!("{event:?}"),
    };
    run_into(&ledger, &trials, 2, &on_event);
    let mut ended = ended.into_inner().unwrap();
    ended.sort_unstable();
    let mut all: Vec<String> = trials.iter().map(|named| named.id.clone()).collect();
    all.sort_unstable();
    assert_eq!(ended, all);
}

/// cuDNN's search belongs to a thread, so that a single worker runs on the caller's thread.
#[test]
fn a_single_worker_runs_on_the_calling_thread() {
    let (here, elsewhere) = (thread::current().id(), Mutex::new(Vec::new()));
    let (ran, ended) = run_until(&[named(0, 1), named(0, 2)], 1, &|_| {
        let this = thread::current().id();
        elsewhere.lock().unwrap().extend((this != here).then_some(this));
    });
    ran.unwrap();
    assert_eq!((ended.len(), elsewhere.into_inner().unwrap()), (2, vec![]));
}

/// `repro doctor` recognises source models by these losses.
#[test]
fn the_first_step_alone_gives_the_losses_of_the_fine_tune() {
    let named = named(3, 1);
    let [entry] = run(std::slice::from_ref(&named), 1).try_into().unwrap();
    let Ended::Finished(outcome) = &entry.outcome else { panic!("{entry:?}") };
    let mut steps = FirstSteps::new(stand_in::device(), &Bundled);
    let step = steps.first_step(&named.trial).unwrap();
    // A real GPU's bits differ from run to run, within the tolerance of `repro rerun`.
    let relative = |one: f64, other: f64| (one / other - 1.0).abs();
    let same = if stand_in::is_real_gpu() {
        assert!(relative(step.first_loss, outcome.first_losses[0]) < 1e-3, "{step:?} {outcome:?}");
        1e-3
    } else {
        assert_eq!(step.first_loss, outcome.first_losses[0]);
        1e-12
    };
    // On a CPU the test set is not evaluated, so that there is no test loss.
    match step.test_loss {
        None => assert!(!stand_in::device().is_cuda(), "{step:?}"),
        Some(loss) => {
            assert!(stand_in::device().is_cuda(), "{step:?}");
            let relative = relative(loss, outcome.test_loss_after_first_step);
            assert!(relative < same, "{step:?} {outcome:?}");
        }
    }
    // With more images than a batch has, it would not be the first batch.
    let mut several = named.trial;
    several.recipe.protocol.batch = 99;
    let error = steps.first_step(&several).unwrap_err().to_string();
    assert!(error.contains("100 images"), "{error}");
}

#[test]
fn the_executor_tests_pass_on_a_gpu() {
    stand_in::run("the_first_step_alone_gives_the_losses_of_the_fine_tune");
    stand_in::run("a_sibling_that_can_t_be_run_fails_alone");
    // To the last bit, which a real GPU does not reproduce.
    stand_in::run_on_stand_in("siblings_give_the_same_records_together_and_alone", None);
}

/// A device whose memory is too small for a whole batch.
#[test]
fn a_batch_out_of_memory_is_reported_with_one_that_fits() {
    if !stand_in::on_the_stand_in(
        "a_batch_out_of_memory_is_reported_with_one_that_fits",
        Some(24 << 20),
    ) {
        return;
    }
    let reason = exhausted(&[named(9, 1)]);
    assert!(reason.contains("CUDA out of memory"), "{reason}");
    assert!(reason.contains("with a batch of 128; a batch of "), "{reason}");
}

/// Why the machine has too little for the first of these trials, which leaves no record.
fn exhausted(trials: &[IdentifiedTrial]) -> String {
    let (ran, ended) = run_until(trials, 1, &|_| ());
    let Err(ExecutorError::Exhausted { trial, message }) = ran else { panic!("{ran:?}") };
    assert!(trial.ends_with("seed 1"), "{trial}");
    assert!(ended.is_empty(), "{ended:?}");
    message
}

/// Assets on a machine that has too little left to read a source model.
#[derive(Debug)]
struct Exhausted(&'static str);

impl Assets for Exhausted {
    fn weights_digest(&self, source: &str, zoo: u32) -> Result<String, Missing> {
        Bundled.weights_digest(source, zoo)
    }

    fn images_digest(&self, target: &str) -> Result<String, Missing> {
        Bundled.images_digest(target)
    }

    fn zoo_with(&self, _: &str, _: &str) -> Option<u32> {
        panic!("embedded images read: {}", self.0)
    }

    fn unavailable(&self, key: &Key, zoo: u32) -> Option<Missing> {
        Bundled.unavailable(key, zoo)
    }
}

/// It is the machine's fault and not the trial's: a record that failed would count at its worst
/// from then on.
#[test]
fn a_machine_that_is_exhausted_ends_the_run_without_a_record() {
    for message in [
        "Damaged { file: \"mnist\", cause: Kind(OutOfMemory) }",
        "Os { code: 24, kind: Uncategorized, message: \"Too many open files\" }",
        "failed to spawn thread: Os { code: 11, kind: WouldBlock, message: \"Resource \
         temporarily unavailable\" }",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (ledger, stop) = (Ledger::new(folder.path().to_owned()), AtomicBool::new(false));
        let workers = Workers { device: Device::Cpu, at_once: 1, threads_each: 1 };
        let assets = Exhausted(message);
        let local = Local { ledger: &ledger, assets: &assets, workers, stop: &stop };
        let ran = local.run(&[named(3, 1), named(0, 1)], &|event| panic!("{event:?}"));
        let Err(ExecutorError::Exhausted { message: found, .. }) = ran else { panic!("{ran:?}") };
        assert!(found.contains(message.split('{').next().unwrap()), "{found}");
        assert_eq!(ledger.all(&mut |file| panic!("{file:?}")).unwrap(), []);
    }
}

/// The images do not fit either, and the next run still gets an error.
#[test]
fn images_out_of_memory_are_reported() {
    if !stand_in::on_the_stand_in("images_out_of_memory_are_reported", Some(2 << 20)) {
        return;
    }
    for _ in 0..2 {
        let reason = exhausted(&[named(9, 1), named(9, 2)]);
        assert!(reason.contains("CUDA out of memory"), "{reason}");
        assert!(reason.contains("the images of kmnist do not fit at 28 pixels"), "{reason}");
    }
}

/// Cached images of other targets do not make a trial fail that would fit alone.
#[test]
fn a_trial_that_fits_alone_runs_in_full_after_others() {
    let test = "a_trial_that_fits_alone_runs_in_full_after_others";
    if !stand_in::on_the_stand_in(test, None) {
        return;
    }
    let large = named_on("mnist", 9, 1);
    let [alone] = run(std::slice::from_ref(&large), 1).try_into().unwrap();
    // KMNIST's images take some megabytes.
    stand_in::set_memory(stand_in::peak_memory() + (1 << 20));
    let entries = run(&[named(0, 1), large.clone()], 1);
    assert!(entries.iter().all(|entry| matches!(entry.outcome, Ended::Finished(_))), "{entries:?}");
    assert!(entry_of(&entries, &large).agrees_with(&alone));
}

/// cuDNN gives the same error without workspace memory and for a fault of a library. A smaller
/// batch shows which it is.
#[test]
fn a_missing_cudnn_plan_is_out_of_memory_if_a_smaller_batch_has_one() {
    if !stand_in::on_the_stand_in(
        "a_missing_cudnn_plan_is_out_of_memory_if_a_smaller_batch_has_one",
        None,
    ) {
        return;
    }
    let message = "GET was unable to find an engine to execute this computation";
    stand_in::plan_up_to(150_000);
    let reason = exhausted(&[named(9, 1)]);
    assert!(reason.starts_with(&format!("{message} with a batch of 128; a batch of ")), "{reason}");
    stand_in::plan_up_to(0);
    let (ran, ended) = run_until(&[named(0, 1), named(9, 1), named(0, 2)], 1, &|_| ());
    let Err(ExecutorError::Device { trial, message: found }) = ran else { panic!("{ran:?}") };
    assert_eq!(found, message);
    assert!(trial.ends_with("seed 1"), "{trial}");
    let [entry] = ended.try_into().expect("the sibling without a backward convolution is stored");
    assert!(matches!(entry.outcome, Ended::Finished(_)));
}

/// No time is spent on records that can't be stored.
#[test]
fn nothing_runs_if_the_ledger_can_not_be_written() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (ledger, stop) = (Ledger::new(file.path().to_owned()), AtomicBool::new(false));
    let workers = Workers { device: stand_in::device(), at_once: 1, threads_each: 1 };
    let local = Local { ledger: &ledger, assets: &Bundled, workers, stop: &stop };
    // If the trial ran, it would stop after its first epoch with another error.
    stop.store(true, Ordering::Relaxed);
    let ran = local.run(&[named(0, 1)], &|event| panic!("{event:?}"));
    assert!(
        matches!(&ran, Err(ExecutorError::Ledger(error)) if error.is_about_writing()),
        "{ran:?}"
    );
    // Without trials there is nothing to store.
    stop.store(false, Ordering::Relaxed);
    local.run(&[], &|event| panic!("{event:?}")).unwrap();
}

/// The trials after it would fail as well: they are not run and not stored as failed.
#[test]
fn a_broken_device_ends_the_run_without_failed_records() {
    if !stand_in::on_the_stand_in("a_broken_device_ends_the_run_without_failed_records", None) {
        return;
    }
    let trials = [named(3, 1), named(3, 2), named(0, 2), named(3, 3)];
    let (ran, ended) = run_until(&trials, 1, &|_| stand_in::break_down());
    let Err(ExecutorError::Device { trial, message }) = ran else { panic!("{ran:?}") };
    assert_eq!(message, "CUDA error: an illegal memory access was encountered");
    assert!(trial.ends_with("seed 2"), "{trial}");
    let [entry] = ended.try_into().expect("only the entry that had ended is stored");
    assert!(matches!(entry.outcome, Ended::Finished(_)) && entry.id == trials[0].id);
}

/// One epoch from natural on 100 images of KMNIST at a place in the order of seeds; with `frozen`,
/// norms are frozen and there is no augmentation, so that the features of the test set are fixed.
fn of_place(place: usize, zoo: u32, frozen: bool) -> IdentifiedTrial {
    let mut recipe = World::smoke().recipe(Key::new("kmnist", "natural", 3, 100));
    (recipe.protocol.epochs, recipe.protocol.evaluate) = (1, vec![1]);
    if frozen {
        recipe.protocol.batch_norm = BatchNorm::Frozen;
        recipe.protocol.augmentation = Augmentation::NONE;
    }
    Bundled.identify(Trial { recipe, seed: World::seed(place) }, zoo).unwrap()
}

/// Seeds of one source start from models of that name in several zoos, in one process: what is kept
/// of one zoo's model is never used for another's.
#[test]
fn seeds_that_start_from_zoos_of_their_own_have_the_bits_that_they_have_alone() {
    let world = World::smoke();
    let key = Key::new("kmnist", "natural", 3, 100);
    let mut trials = Vec::new();
    for frozen in [false, true] {
        for place in 0..2 {
            let zoo = world.zoo_of(&key, World::seed(place));
            assert_eq!(zoo as usize, place + 2);
            trials.push(of_place(place, zoo, frozen));
            // The same recipe and seed from another model of that name.
            trials.push(of_place(place, FIRST_ZOO, frozen));
        }
    }
    let names: BTreeSet<&str> = trials.iter().map(|named| named.id.as_str()).collect();
    assert_eq!(names.len(), trials.len(), "names differ by the digest of the weights");
    let together = run(&trials, 1);
    assert_eq!(together.len(), trials.len());
    let mut first_losses = BTreeSet::new();
    for named in &trials {
        let found = together.iter().find(|entry| entry.id == named.id).unwrap();
        let alone = run(std::slice::from_ref(named), 1).swap_remove(0);
        assert!(found.agrees_with(&alone), "{:?} from {}", named.trial.seed, named.weights);
        assert_eq!(found.weights, named.weights);
        let Ended::Finished(outcome) = &found.outcome else { panic!("{:?}", found.outcome) };
        first_losses.insert(outcome.first_losses[0].to_bits());
    }
    assert_eq!(first_losses.len(), trials.len(), "each model has a first loss of its own");
}
