//! Running trials: siblings side by side leave the records that each leaves alone, and one that can't be
//! run takes no other with it.

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
    assets::{Named, Stock},
    engine::executor::{ExecutorError, FirstSteps, Local, Workers},
    experiment::{Key, Seed, Trial},
    plan::campaign::Event,
    store::{Ended, Entry, Ledger},
    world::World,
};
use tch::Device;

/// One epoch on 100 images of KMNIST.
fn named(blocks: u32, seed: u64) -> Named {
    named_on("kmnist", blocks, seed)
}

fn named_on(target: &str, blocks: u32, seed: u64) -> Named {
    let key = Key::new(target, "natural", blocks, 100);
    let mut recipe = World::smoke().recipe(key);
    (recipe.protocol.epochs, recipe.protocol.evaluate) = (1, vec![1]);
    Stock::Shipped.named(Trial { recipe, seed: Seed(seed) }).unwrap()
}

/// What trials left, in the order in which they ended.
fn run(trials: &[Named], at_once: usize) -> Vec<Entry> {
    let (ran, ended) = run_until(trials, at_once, &|_| ());
    ran.unwrap();
    ended
}

/// The same with how it went, where each entry does something to the flag that stops it all.
fn run_until(
    trials: &[Named],
    at_once: usize,
    each: &(dyn Fn(&AtomicBool) + Sync),
) -> (Result<(), ExecutorError>, Vec<Entry>) {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, stop) = (Ledger::new(folder.path().to_owned()), AtomicBool::new(false));
    let workers = Workers { device: stand_in::device(), at_once, threads_each: 1 };
    let local = Local { ledger: &ledger, stock: &Stock::Shipped, workers, stop: &stop };
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

fn of<'a>(entries: &'a [Entry], named: &Named) -> &'a Entry {
    entries.iter().find(|entry| entry.id == named.id).unwrap()
}

#[test]
fn siblings_leave_the_records_that_each_leaves_alone() {
    let trials = [named(9, 1), named(0, 1), named(3, 1), named(3, 2)];
    let together = run(&trials, 1);
    let began = |named| {
        let provenance = &of(&together, named).provenance;
        (provenance.started, provenance.seconds.to_bits())
    };
    assert!(began(&trials[0]) == began(&trials[1]) && began(&trials[0]) == began(&trials[2]));
    assert_ne!(began(&trials[0]).1, began(&trials[3]).1, "another seed is no sibling");
    for trial in &trials {
        let [alone] = run(std::slice::from_ref(trial), 1).try_into().unwrap();
        assert!(of(&together, trial).agrees_with(&alone), "{}", trial.trial.recipe.key);
    }
    // However many workers share them.
    for entry in run(&trials, 3) {
        assert!(together.iter().any(|other| other.agrees_with(&entry)));
    }
}

#[test]
fn a_sibling_that_can_t_be_run_fails_alone() {
    // The thin network has eleven blocks.
    let trials = [named(0, 1), named(12, 1), named(3, 1)];
    let entries = run(&trials, 1);
    let failed = |named| matches!(of(&entries, named).outcome, Ended::Failed { .. });
    assert_eq!([&trials[0], &trials[1], &trials[2]].map(failed), [false, true, false]);
    let Ended::Failed { reason } = &of(&entries, &trials[1]).outcome else { unreachable!() };
    assert!(reason.contains("last 12 residual blocks"), "{reason}");
}

#[test]
fn siblings_that_fell_apart_are_kept_one_by_one() {
    let trials = [named(0, 1), named(12, 1), named(3, 1)];
    let (ran, ended) = run_until(&trials, 1, &|stop| stop.store(true, Ordering::Relaxed));
    assert!(matches!(ran, Err(ExecutorError::Interrupted)), "{ran:?}");
    let [entry] = ended.try_into().expect("the stop comes before the second");
    assert_eq!(entry.id, trials[0].id);
    assert!(matches!(entry.outcome, Ended::Finished(_)));
}

/// Runs trials into a ledger that others may have too.
fn run_into(ledger: &Ledger, trials: &[Named], at_once: usize, told: &(dyn Fn(Event<'_>) + Sync)) {
    let (workers, stop) =
        (Workers { device: Device::Cpu, at_once, threads_each: 1 }, AtomicBool::new(false));
    let local = Local { ledger, stock: &Stock::Shipped, workers, stop: &stop };
    local.run(trials, told).unwrap();
}

/// A lock is a file description's, so that two who open it in one process are as two processes are.
#[test]
fn whoever_shares_a_ledger_shares_its_work() {
    let folder = tempfile::tempdir().unwrap();
    let trials: Vec<Named> = (1..=4).map(|seed| named(0, seed)).collect();
    let ids = |of: &[Named]| of.iter().map(|named| named.id.clone()).collect::<BTreeSet<_>>();
    let work = || {
        let ledger = Ledger::new(folder.path().to_owned());
        let (here, found) = (Mutex::new(BTreeSet::new()), Mutex::new(BTreeSet::new()));
        let told = |event: Event<'_>| match event {
            Event::Ended(entry) => drop(here.lock().unwrap().insert(entry.id.clone())),
            Event::Found(entry) => drop(found.lock().unwrap().insert(entry.id.clone())),
            Event::Waits => {}
            Event::Damaged(files) => panic!("{files:?}"),
        };
        run_into(&ledger, &trials, 1, &told);
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

/// Others run what they have begun, are waited for, and what they leave undone is run after all.
#[test]
fn what_another_runs_is_waited_for_and_run_where_it_ends_without() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let trials = [named(0, 1), named(0, 2)];
    let lease = Mutex::new(ledger.lease(&trials[0].id).unwrap());
    assert!(lease.lock().unwrap().is_some());
    assert!(ledger.lease(&trials[0].id).unwrap().is_none());
    let ended = Mutex::new(Vec::new());
    let told = |event: Event<'_>| match event {
        Event::Ended(entry) => ended.lock().unwrap().push(entry.id.clone()),
        // The other gives up.
        Event::Waits => drop(lease.lock().unwrap().take()),
        event => panic!("{event:?}"),
    };
    run_into(&ledger, &trials, 1, &told);
    assert_eq!(*ended.lock().unwrap(), [&*trials[1].id, &trials[0].id]);
    // A process that was killed leaves the file, and no lock.
    std::fs::write(folder.path().join("running").join(&trials[0].id), "").unwrap();
    assert!(ledger.lease(&trials[0].id).unwrap().is_some());
    // Somebody who asks for one that failed wants it run again, and one that has finished not.
    let mut failed = ledger.get(&trials[0].id, &mut |_| ()).unwrap().unwrap();
    failed.outcome = Ended::Failed { reason: "for no reason".to_owned() };
    let again = Ledger::new(folder.path().join("again"));
    again.put(&failed).unwrap();
    again.put(&ledger.get(&trials[1].id, &mut |_| ()).unwrap().unwrap()).unwrap();
    let heard = Mutex::new(Vec::new());
    let told = |event: Event<'_>| {
        let heard_of = match event {
            Event::Ended(entry) => (entry.id.clone(), "here"),
            Event::Found(entry) => (entry.id.clone(), "found"),
            event => panic!("{event:?}"),
        };
        heard.lock().unwrap().push(heard_of);
    };
    run_into(&again, &trials, 1, &told);
    let expected = [(trials[0].id.clone(), "here"), (trials[1].id.clone(), "found")];
    assert_eq!(*heard.lock().unwrap(), expected);
}

/// Of two siblings one is run elsewhere: the other is run at once, and by two threads nothing is run twice.
#[test]
fn a_family_that_is_run_elsewhere_in_part_is_run_here_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let trials = [named(3, 1), named(0, 1), named(0, 2), named(0, 3)];
    let lease = Mutex::new(ledger.lease(&trials[0].id).unwrap());
    let ended = Mutex::new(Vec::new());
    let told = |event: Event<'_>| match event {
        Event::Ended(entry) => {
            let held = lease.lock().unwrap().is_some();
            assert!(!held || entry.id != trials[0].id, "it is another's turn");
            ended.lock().unwrap().push(entry.id.clone());
        }
        Event::Waits => drop(lease.lock().unwrap().take()),
        event => panic!("{event:?}"),
    };
    run_into(&ledger, &trials, 2, &told);
    let mut ended = ended.into_inner().unwrap();
    ended.sort_unstable();
    let mut all: Vec<String> = trials.iter().map(|named| named.id.clone()).collect();
    all.sort_unstable();
    assert_eq!(ended, all);
}

/// Whoever locked a file that its holder took away has nothing: another may have made it again.
#[test]
fn a_turn_is_of_the_file_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let (shared, held) = (Mutex::new(0_u32), Mutex::new(0_u32));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    let Some(lease) = ledger.lease("a trial").unwrap() else { continue };
                    {
                        let mut held = held.lock().unwrap();
                        *held += 1;
                        *shared.lock().unwrap() += u32::from(*held > 1);
                    }
                    thread::yield_now();
                    *held.lock().unwrap() -= 1;
                    drop(lease);
                }
            });
        }
    });
    assert_eq!(shared.into_inner().unwrap(), 0, "held by two at once");
}

/// cuDNN's search is its thread's own, so that one at a time is run where the caller is.
#[test]
fn one_at_a_time_is_run_on_the_thread_that_asks() {
    let (here, elsewhere) = (thread::current().id(), Mutex::new(Vec::new()));
    let (ran, ended) = run_until(&[named(0, 1), named(0, 2)], 1, &|_| {
        let this = thread::current().id();
        elsewhere.lock().unwrap().extend((this != here).then_some(this));
    });
    ran.unwrap();
    assert_eq!((ended.len(), elsewhere.into_inner().unwrap()), (2, vec![]));
}

/// By which `repro doctor` knows whose weights these are.
#[test]
fn the_first_step_alone_is_the_fine_tune_s_own() {
    let named = named(3, 1);
    let [entry] = run(std::slice::from_ref(&named), 1).try_into().unwrap();
    let Ended::Finished(outcome) = &entry.outcome else { panic!("{entry:?}") };
    let mut steps = FirstSteps::new(stand_in::device(), &Stock::Shipped);
    let step = steps.of(&named.trial).unwrap();
    // A real GPU's bits differ from run to run, by what `repro rerun --within` takes for the same.
    let off = |one: f64, other: f64| (one / other - 1.0).abs();
    let same = if stand_in::is_a_card() {
        assert!(off(step.first_loss, outcome.first_losses[0]) < 1e-3, "{step:?} {outcome:?}");
        1e-3
    } else {
        assert_eq!(step.first_loss, outcome.first_losses[0]);
        1e-12
    };
    // On a CPU the test set is not gone through, and nothing stands in for it.
    match step.test_loss {
        None => assert!(!stand_in::device().is_cuda(), "{step:?}"),
        Some(loss) => {
            assert!(stand_in::device().is_cuda(), "{step:?}");
            let off = off(loss, outcome.test_loss_after_first_step);
            assert!(off < same, "{step:?} {outcome:?}");
        }
    }
    // Of more images than a batch takes, it would not be the first batch.
    let mut several = named.trial;
    several.recipe.protocol.batch = 99;
    let error = steps.of(&several).unwrap_err().to_string();
    assert!(error.contains("100 images"), "{error}");
}

#[test]
fn so_it_is_on_a_gpu() {
    stand_in::run("the_first_step_alone_is_the_fine_tune_s_own");
    stand_in::run("a_sibling_that_can_t_be_run_fails_alone");
    // To the last bit, which a real one does not repeat.
    stand_in::run_on_stand_in("siblings_leave_the_records_that_each_leaves_alone", None);
}

/// A device with so little memory that a whole batch does not fit.
#[test]
fn a_batch_that_does_not_fit_is_told_with_one_that_would() {
    if !stand_in::here("a_batch_that_does_not_fit_is_told_with_one_that_would", Some(24 << 20)) {
        return;
    }
    let [entry] = run(&[named(9, 1)], 1).try_into().unwrap();
    let Ended::Failed { reason } = &entry.outcome else { panic!("it fitted") };
    assert!(reason.contains("CUDA out of memory"), "{reason}");
    assert!(reason.contains("with a batch of 128; a batch of "), "{reason}");
}

/// Nor do the images, and then the next trial is answered all the same.
#[test]
fn images_that_do_not_fit_are_told_too() {
    if !stand_in::here("images_that_do_not_fit_are_told_too", Some(2 << 20)) {
        return;
    }
    let entries = run(&[named(9, 1), named(9, 2)], 1);
    assert_eq!(entries.len(), 2);
    for entry in entries {
        let Ended::Failed { reason } = &entry.outcome else { panic!("it fitted") };
        assert!(reason.contains("CUDA out of memory"), "{reason}");
        assert!(reason.contains("kmnist's images do not fit at 28 pixels"), "{reason}");
    }
}

/// What is kept of other targets is no reason for a trial to fail that would fit alone.
#[test]
fn a_trial_that_fits_alone_is_run_in_full_whatever_was_kept_before_it() {
    let test = "a_trial_that_fits_alone_is_run_in_full_whatever_was_kept_before_it";
    if !stand_in::here(test, None) {
        return;
    }
    let large = named_on("mnist", 9, 1);
    let [alone] = run(std::slice::from_ref(&large), 1).try_into().unwrap();
    // KMNIST's images have some megabytes.
    stand_in::has(stand_in::most() + (1 << 20));
    let entries = run(&[named(0, 1), large.clone()], 1);
    assert!(entries.iter().all(|entry| matches!(entry.outcome, Ended::Finished(_))), "{entries:?}");
    assert!(of(&entries, &large).agrees_with(&alone));
}

/// cuDNN says the same where there is no memory to work in and where a library is at fault: which it is, a
/// smaller batch tells.
#[test]
fn no_plan_for_a_batch_is_want_of_memory_where_a_smaller_one_has_one_and_else_the_device_s_fault() {
    if !stand_in::here(
        "no_plan_for_a_batch_is_want_of_memory_where_a_smaller_one_has_one_and_else_the_device_s_fault",
        None,
    ) {
        return;
    }
    let said = "GET was unable to find an engine to execute this computation";
    stand_in::plan_up_to(150_000);
    let [entry] = run(&[named(9, 1)], 1).try_into().unwrap();
    let Ended::Failed { reason } = &entry.outcome else { panic!("it had a plan") };
    assert!(reason.starts_with(&format!("{said} with a batch of 128; a batch of ")), "{reason}");
    stand_in::plan_up_to(0);
    let (ran, ended) = run_until(&[named(0, 1), named(9, 1), named(0, 2)], 1, &|_| ());
    let Err(ExecutorError::Device { trial, said: told }) = ran else { panic!("{ran:?}") };
    assert_eq!(told, said);
    assert!(trial.ends_with("seed 1"), "{trial}");
    let [entry] = ended.try_into().expect("the sibling that takes no step back is kept");
    assert!(matches!(entry.outcome, Ended::Finished(_)));
}

/// Hours are not spent on what can't be kept.
#[test]
fn nothing_is_run_where_nothing_can_be_kept() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (ledger, stop) = (Ledger::new(file.path().to_owned()), AtomicBool::new(false));
    let workers = Workers { device: stand_in::device(), at_once: 1, threads_each: 1 };
    let local = Local { ledger: &ledger, stock: &Stock::Shipped, workers, stop: &stop };
    // Were it run, it would be left half done after its first epoch, with another error.
    stop.store(true, Ordering::Relaxed);
    let ran = local.run(&[named(0, 1)], &|event| panic!("{event:?}"));
    assert!(
        matches!(&ran, Err(ExecutorError::Ledger(error)) if error.is_about_writing()),
        "{ran:?}"
    );
    // Where there is nothing to run there is nothing to keep.
    stop.store(false, Ordering::Relaxed);
    local.run(&[], &|event| panic!("{event:?}")).unwrap();
}

/// Nothing that trials after it could mend: they are left for another time, not kept as failed.
#[test]
fn a_device_that_breaks_ends_the_run_and_leaves_no_failed_record() {
    if !stand_in::here("a_device_that_breaks_ends_the_run_and_leaves_no_failed_record", None) {
        return;
    }
    let trials = [named(3, 1), named(3, 2), named(0, 2), named(3, 3)];
    let (ran, ended) = run_until(&trials, 1, &|_| stand_in::break_down());
    let Err(ExecutorError::Device { trial, said }) = ran else { panic!("{ran:?}") };
    assert_eq!(said, "CUDA error: an illegal memory access was encountered");
    assert!(trial.ends_with("seed 2"), "{trial}");
    let [entry] = ended.try_into().expect("what had ended alone is kept");
    assert!(matches!(entry.outcome, Ended::Finished(_)) && entry.id == trials[0].id);
}
