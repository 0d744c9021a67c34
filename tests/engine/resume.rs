//! Fine-tunes that take long resume from their last epoch with the bits of undisturbed ones.

use std::{
    cell::RefCell,
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use repro::{
    assets::{Assets, Bundled, IdentifiedTrial},
    engine::{
        executor::{ExecutorError, Local, Workers},
        fine_tune::{Keeper, Saved, Sibling, fine_tune_kept, fine_tune_siblings},
    },
    experiment::{Augmentation, BatchNorm, Key, Outcome, Protocol, Seed, Trial},
    plan::{campaign::Event, queue::Listed},
    store::{Entry, Ledger, Worker},
    world::World,
};
use tch::Device;

use crate::common::kmnist::Fixture;

/// Keeps every epoch in memory.
#[derive(Default)]
struct Memory {
    start: RefCell<Option<Vec<Saved>>>,
    kept: RefCell<Vec<Vec<Saved>>>,
}

impl Keeper for Memory {
    fn load(&self) -> Option<Vec<Saved>> {
        self.start.borrow_mut().take()
    }

    fn is_due(&self, done: u32, of: u32, _: f64) -> bool {
        done < of
    }

    fn keep(&self, saved: Vec<Saved>) {
        self.kept.borrow_mut().push(saved);
    }
}

fn timeless(mut outcome: Outcome) -> Outcome {
    outcome.evaluations.iter_mut().for_each(|evaluation| evaluation.seconds = 0.0);
    outcome
}

/// Under every protocol that keeps something else: batch norms in train mode, whose statistics move in
/// frozen parts too, and fixed features.
#[test]
fn from_every_epoch_the_bits_are_those_of_an_undisturbed_fine_tune() {
    let fixture = Fixture::on(Device::Cpu, 150);
    let moving = Protocol { epochs: 4, evaluate: vec![1, 4], ..World::smoke().protocol };
    let fixed = Protocol {
        batch_norm: BatchNorm::Frozen,
        augmentation: Augmentation::NONE,
        ..moving.clone()
    };
    let stop = AtomicBool::new(false);
    for (protocol, blocks) in [(&moving, &[0, 3][..]), (&fixed, &[3])] {
        let siblings: Vec<Sibling<'_>> =
            blocks.iter().map(|&blocks| Sibling { blocks, protocol }).collect();
        let material = fixture.material();
        let outcomes = |ended: Vec<(Outcome, _)>| -> Vec<Outcome> {
            ended.into_iter().map(|(outcome, _)| timeless(outcome)).collect()
        };
        let run = |memory: &Memory| {
            outcomes(fine_tune_kept(&material, &siblings, Seed(1), &stop, memory).unwrap())
        };
        let undisturbed =
            outcomes(fine_tune_siblings(&material, &siblings, Seed(1), &stop).unwrap());
        let first = Memory::default();
        assert_eq!(run(&first), undisturbed, "keeping changes nothing");
        let kept = first.kept.into_inner();
        assert_eq!(kept.len(), 3);
        for (at, saved) in kept.into_iter().enumerate() {
            let epochs = saved[0].epochs as usize;
            assert_eq!(epochs, at + 1);
            let again = Memory { start: Some(saved).into(), ..Memory::default() };
            assert_eq!(run(&again), undisturbed, "after {epochs} epochs");
            assert_eq!(again.kept.borrow().len(), 3 - epochs, "it continued from there");
        }
    }
}

/// Keeps nothing that is not interrupted, and interrupts after the second epoch.
struct Interrupting<'a> {
    memory: Memory,
    stop: &'a AtomicBool,
}

impl Keeper for Interrupting<'_> {
    fn load(&self) -> Option<Vec<Saved>> {
        self.memory.load()
    }

    fn is_due(&self, done: u32, _: u32, _: f64) -> bool {
        self.stop.store(done == 2, Ordering::Relaxed);
        false
    }

    fn keep(&self, saved: Vec<Saved>) {
        self.memory.keep(saved);
    }
}

/// However short it is: a preempted worker loses no epoch that it has finished.
#[test]
fn an_interrupted_fine_tune_keeps_its_last_epoch() {
    let fixture = Fixture::on(Device::Cpu, 150);
    let protocol = &Protocol { epochs: 4, evaluate: vec![1, 4], ..World::smoke().protocol };
    let (siblings, stop) = ([Sibling { blocks: 3, protocol }], AtomicBool::new(false));
    let run = |keeper: &dyn Keeper| {
        let ran = fine_tune_kept(&fixture.material(), &siblings, Seed(1), &stop, keeper);
        ran.map(|ended| timeless(ended.into_iter().next().unwrap().0))
    };
    let keeper = Interrupting { memory: Memory::default(), stop: &stop };
    assert!(run(&keeper).is_err());
    let kept = keeper.memory.kept.take();
    assert_eq!(kept.iter().map(|saved| saved[0].epochs).collect::<Vec<_>>(), [2]);
    // Interrupted before its first epoch, it has nothing to keep.
    let none = Memory::default();
    assert!(run(&none).is_err());
    assert_eq!(none.kept.borrow().len(), 0);
    stop.store(false, Ordering::Relaxed);
    let undisturbed = run(&Memory::default()).unwrap();
    let start = RefCell::new(kept.into_iter().next());
    assert_eq!(run(&Memory { start, ..Memory::default() }).unwrap(), undisturbed);
}

fn named(blocks: u32, seed: u64) -> IdentifiedTrial {
    let mut recipe = World::smoke().recipe(Key::new("kmnist", "natural", blocks, 100));
    (recipe.protocol.epochs, recipe.protocol.evaluate) = (8, vec![1, 8]);
    Bundled.identify(Trial { recipe, seed: Seed(seed) }, 1).unwrap()
}

/// Runs trials that keep every epoch; stops when a file appears.
fn run(
    folder: &Path,
    trials: &[IdentifiedTrial],
    until: Option<&Path>,
) -> (Result<(), ExecutorError>, Vec<Entry>) {
    let (ledger, stop) = (Ledger::new(folder.to_owned()), AtomicBool::new(false));
    let workers = Workers { device: Device::Cpu, at_once: 1, threads_each: 1 };
    let local = Local { ledger: &ledger, assets: &Bundled, workers, stop: &stop };
    let queue = Listed::new(&ledger, Worker::of_process(), trials, 1).unwrap();
    let queue = queue.resuming_after(Duration::ZERO);
    let (ended, over) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let ran = thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                if until.is_some_and(Path::exists) {
                    stop.store(true, Ordering::Relaxed);
                }
                thread::sleep(Duration::from_millis(1));
            }
        });
        let ran = local.work(&queue, &|event| match event {
            Event::Ended(entry) => ended.lock().unwrap().push(entry.clone()),
            event => panic!("{event:?}"),
        });
        over.store(true, Ordering::Relaxed);
        ran
    });
    (ran, ended.into_inner().unwrap())
}

fn epoch_files(folder: &Path) -> usize {
    let folders = fs::read_dir(folder.join("epochs")).into_iter().flatten();
    folders.map(|folder| fs::read_dir(folder.unwrap().path()).unwrap().count()).sum()
}

#[test]
fn an_interrupted_family_resumes_together_or_alone_and_from_nothing_else() {
    let trials = [named(0, 1), named(3, 1)];
    let undisturbed = tempfile::tempdir().unwrap();
    let (ran, expected) = run(undisturbed.path(), &trials, None);
    ran.unwrap();
    assert_eq!((expected.len(), epoch_files(undisturbed.path())), (2, 0));
    let agrees = |entry: &Entry| expected.iter().any(|other| other.agrees_with(entry));

    let other = {
        let folder = tempfile::tempdir().unwrap();
        let trial = [named(3, 2)];
        let file = Ledger::new(folder.path().to_owned()).epoch_file(&trial[0].id);
        let (ran, _) = run(folder.path(), &trial, Some(&file));
        assert!(matches!(ran, Err(ExecutorError::Interrupted)), "{ran:?}");
        fs::read(file).unwrap()
    };
    type Change<'a> = (&'a str, &'a dyn Fn(&Path), &'a [IdentifiedTrial]);
    let changes: [Change<'_>; 4] = [
        ("together", &|_| (), &trials),
        ("alone", &|_| (), &trials[1..]),
        (
            "damaged",
            &|file| {
                let mut bytes = fs::read(file).unwrap();
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
                fs::write(file, bytes).unwrap();
            },
            &trials[1..],
        ),
        ("of another trial", &|file| fs::write(file, &other).unwrap(), &trials[1..]),
    ];
    for (what, change, again) in changes {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::new(folder.path().to_owned());
        // The states of a family are written one after the other.
        let last = ledger.epoch_file(&trials[1].id);
        let (ran, ended) = run(folder.path(), &trials, Some(&last));
        assert!(matches!(ran, Err(ExecutorError::Interrupted)), "{what}: {ran:?}");
        assert_eq!((ended.len(), epoch_files(folder.path())), (0, 2), "{what}");
        change(&last);
        let (ran, ended) = run(folder.path(), again, None);
        ran.unwrap();
        assert_eq!(ended.len(), again.len(), "{what}");
        assert!(ended.iter().all(agrees), "{what}");
        assert_eq!(epoch_files(folder.path()), 2 - again.len(), "{what}");
    }
}
