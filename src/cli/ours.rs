//! Evidence of our own for the commands: what the ledger has, and running what it lacks.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Mutex, Once,
        atomic::{AtomicBool, Ordering},
    },
};

use clap::{Args, ValueEnum};
use tch::Device;

use super::{
    Failure, Suites, exit,
    fetch::Data,
    interrupt,
    progress::{self, Pace, Progress, images, minutes},
    runs::shortest,
};
use crate::{
    claim::Claim,
    device,
    evidence::{Evidence, EvidenceKind},
    executor::{Event, ExecutorError, Local, Workers},
    gallery::{Figure, Gallery},
    ledger::{Damaged, Ended, Entry, Ledger},
    own::{Gathered, Own, Watch},
    plan::Outstanding,
    price::{Price, Speed},
    report::numbers::counted,
    shell::option,
    stock::{Lacking, Named, Stock},
    trial::Trial,
    world::World,
};

/// Where records of our own are kept, and how they are made.
#[derive(Args)]
pub(super) struct Ours {
    /// Where records are kept [default: REPRO_LEDGER, or .ledger in the project]
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
    /// Fine-tunes of small images at once, each on one thread; threads of a larger one
    /// [default: one a core; on a GPU one fine-tune at a time]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    #[command(flatten)]
    data: Data,
    /// What fine-tunes run on
    #[arg(long, value_enum, default_value = "auto")]
    device: DeviceArgument,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DeviceArgument {
    /// The CPU for smoke, where results then agree to the last bit; else a GPU if there is one
    Auto,
    Cpu,
    Cuda,
}

impl DeviceArgument {
    /// The device; where nobody names one, the CPU if it is to be that, else a GPU if there is one.
    pub fn device(self, rather_cpu: bool) -> Result<Device, Failure> {
        match (self, device::missing_cuda()) {
            (Self::Cpu, _) => Ok(Device::Cpu),
            (Self::Auto, _) if rather_cpu => Ok(Device::Cpu),
            (Self::Auto | Self::Cuda, None) => Ok(Device::Cuda(0)),
            (Self::Auto, Some(missing)) => {
                static TOLD: Once = Once::new();
                if cfg!(feature = "gpu") {
                    TOLD.call_once(|| anstream::eprintln!("running on the CPU: {missing}"));
                }
                Ok(Device::Cpu)
            }
            (Self::Cuda, Some(missing)) => Err(Failure::usage(
                format!("there is no GPU to run on: {missing}"),
                "leave --device out, or name another",
            )),
        }
    }
}

/// One kind of evidence of our own, with what it is made from and where it is kept.
pub(super) struct Workshop {
    pub kind: EvidenceKind,
    pub world: World,
    pub ledger: Ledger,
    pub stock: Stock,
    workers: Workers,
    /// What else a command must be given to find a trial again.
    options: String,
}

impl Ours {
    pub fn ledger(&self) -> Ledger {
        Ledger::new(self.ledger.clone().unwrap_or_else(Ledger::default_folder))
    }

    /// The folders that were named, by option, for a command that is printed to be run again.
    pub fn folders(&self) -> Vec<(&'static str, PathBuf)> {
        let ledger = self.ledger.iter().map(|folder| ("--ledger", folder.clone()));
        ledger.chain(self.data.given().map(|folder| ("--data", folder.clone()))).collect()
    }

    pub fn workshop(&self, kind: EvidenceKind, suites: &Suites<'_>) -> Result<Workshop, Failure> {
        self.workshop_of(kind, suites.world(kind), suites.folder)
    }

    /// One whose world is not quite the one of its claims, which lie in this folder if in any.
    pub fn workshop_of(
        &self,
        kind: EvidenceKind,
        world: World,
        claims: Option<&Path>,
    ) -> Result<Workshop, Failure> {
        let device = self.device.device(kind == EvidenceKind::Smoke)?;
        let workers = Workers::new(device, world.protocol.side, self.threads.map(usize::from));
        let stock = Stock::of(&world, &self.data.folder()).told(images);
        let folders = self.folders();
        let named = folders.iter().map(|(name, folder)| option(name, folder));
        let options = named.chain(claims.map(|folder| option("--claims", folder))).collect();
        Ok(Workshop { kind, stock, world, ledger: self.ledger(), workers, options })
    }
}

impl Workshop {
    pub fn own(&self) -> Own<'_> {
        let Self { kind, world, ledger, stock, .. } = self;
        Own { kind: *kind, world, stock, ledger }
    }

    /// Records for the claims; with `run`, what is missing is run until the judge needs no more.
    pub fn evidence(&self, claims: &[&Claim], run: bool) -> Result<Gathered, Failure> {
        let own = self.own();
        if run {
            let teller = self.teller(&self.ledger);
            return own.complete(claims, &self.local(&self.ledger), &teller).map_err(stopped);
        }
        let gathered = own.gather(claims).map_err(unusable)?;
        tell(&gathered.damaged);
        Ok(gathered)
    }

    /// Names a trial.
    pub fn named(&self, trial: Trial) -> Result<Named, Failure> {
        self.stock.named(trial).map_err(|Lacking { what, mend }| {
            Failure::new(exit::INPUT, miette::miette!(help = mend, "{what}"))
        })
    }

    /// Runs trials into a ledger, its own or another.
    pub fn run(
        &self,
        ledger: &Ledger,
        trials: &[Named],
        speed: Option<Speed>,
    ) -> Result<(), Failure> {
        let teller = self.teller(ledger);
        teller.begins(trials, speed);
        self.local(ledger).run(trials, &|event| teller.happens(event)).map_err(stopped)
    }

    /// Runs a function on the device, with as many threads as a fine-tune has.
    pub fn with_threads<T>(&self, run: impl FnOnce(Device, &Stock) -> T) -> T {
        tch::set_num_threads(self.workers.threads_each as i32);
        run(self.workers.device, &self.stock)
    }

    /// What fine-tunes run on.
    pub fn device(&self) -> Device {
        self.workers.device
    }

    /// How fast fine-tunes ran on the same processor, if records say.
    pub fn speed(&self, gathered: &Gathered) -> Option<Speed> {
        gathered.speeds.of(&device::name(self.device()))
    }

    /// How many fine-tunes run at once.
    pub fn at_once(&self) -> usize {
        self.workers.at_once
    }

    fn local<'a>(&'a self, ledger: &'a Ledger) -> Local<'a> {
        let Self { stock, workers, .. } = self;
        Local { ledger, stock, workers: *workers, stop: interrupt::flag() }
    }

    fn teller<'a>(&'a self, ledger: &Ledger) -> Teller<'a> {
        Teller {
            world: &self.world,
            folder: ledger.folder().to_owned(),
            running: ledger.running(),
            options: &self.options,
            at_once: self.workers.at_once,
            progress: Mutex::new(None),
            pace: Mutex::new(Pace::default()),
            waits: AtomicBool::new(false),
        }
    }
}

impl Ours {
    /// What the ledger has of figures, by name; with a number of seeds, what it lacks of these is run.
    pub fn evidence_of_figures(
        &self,
        kind: EvidenceKind,
        names: &[String],
        run: Option<u8>,
    ) -> Result<Evidence, Failure> {
        let workshop = self.workshop_of(kind, kind.world(), None)?;
        let gallery = Gallery::of(&workshop.world);
        let figures: Vec<&Figure> =
            gallery.figures.iter().filter(|figure| names.contains(&figure.name)).collect();
        let own = workshop.own();
        let gathered = match run {
            Some(seeds) => {
                let (ledger, teller) = (&workshop.ledger, workshop.teller(&workshop.ledger));
                let local = workshop.local(ledger);
                own.complete_figures(&figures, seeds.into(), &local, &teller).map_err(stopped)?
            }
            None => {
                let gathered = own.gather_figures(&figures).map_err(unusable)?;
                tell(&gathered.damaged);
                gathered
            }
        };
        Ok(gathered.evidence)
    }
}

/// Tells on standard error how it goes.
struct Teller<'a> {
    world: &'a World,
    folder: PathBuf,
    running: PathBuf,
    options: &'a str,
    at_once: usize,
    progress: Mutex<Option<Progress>>,
    /// Over everything that is run, however often that begins.
    pace: Mutex<Pace>,
    /// Whether it was told that others are waited for.
    waits: AtomicBool,
}

impl Drop for Teller<'_> {
    /// Nothing more is run.
    fn drop(&mut self) {
        if let Ok(Some(line)) = self.pace.get_mut().map(|pace| pace.line()) {
            progress::says(&format!("{}: {line}", self.world.id));
        }
    }
}

impl Teller<'_> {
    /// A trial has ended, here or elsewhere.
    fn ended(&self, entry: &Entry, price: Price) {
        if let Ended::Failed { reason } = &entry.outcome {
            progress::says(&format!(
                "failed: {}, seed {}: {reason}; run it again with `repro run --key {}{}`",
                entry.trial.recipe.key,
                entry.trial.seed.0,
                shortest(&entry.id),
                self.options
            ));
        }
        if let Some(progress) = &*self.progress.lock().expect("no panic holds it") {
            progress.done(price.operations);
        }
    }
}

impl Watch for Teller<'_> {
    fn damaged(&self, files: &[Damaged]) {
        tell(files);
    }

    fn begins(&self, trials: &[Named], speed: Option<Speed>) {
        let price = Price::of_all(trials.iter().map(|named| &named.trial), self.world);
        let seconds = speed.unwrap_or(Speed::ELSEWHERE).seconds(price);
        let at_once = self.at_once.min(trials.len()).max(1);
        anstream::eprintln!(
            "{}: {} to run, about {}, {at_once} at once; records go to {}",
            self.world.id,
            counted(trials.len(), "fine-tune"),
            minutes(seconds / at_once as f64),
            self.folder.display()
        );
        // Each is weighed by what it costs alone: those that run side by side end together.
        let alone = trials.iter().map(|named| Price::of(&named.trial.recipe, self.world));
        let alone: Price = alone.sum();
        let progress = Progress::new(&self.world.id, trials.len(), alone.operations);
        *self.progress.lock().expect("no panic holds it") = Some(progress);
        self.pace.lock().expect("no panic holds it").begins();
    }

    fn lacking(&self, lacking: &BTreeMap<Lacking, Outstanding>) {
        for (lacking, wanted) in lacking {
            anstream::eprintln!(
                "{}: {} can't be run here: {lacking}",
                self.world.id,
                counted(wanted.len(), "fine-tune")
            );
        }
    }

    fn happens(&self, event: Event<'_>) {
        let price = |entry: &Entry| Price::of(&entry.trial.recipe, self.world);
        match event {
            Event::Ended(entry) => {
                if let Ended::Finished(_) = entry.outcome {
                    self.pace.lock().expect("no panic holds it").ended(price(entry));
                }
                self.ended(entry, price(entry));
            }
            Event::Found(entry) => self.ended(entry, price(entry)),
            Event::Damaged(files) => tell(files),
            Event::Waits => {
                if !self.waits.swap(true, Ordering::Relaxed) {
                    progress::says(&format!(
                        "{}: other processes run the fine-tunes that are left; waiting for them (each has a file in \
                         {}: one that is removed is run here)",
                        self.world.id,
                        self.running.display()
                    ));
                }
            }
        }
    }
}

/// Why trials did not run to their end.
fn stopped(error: ExecutorError) -> Failure {
    match error {
        ExecutorError::Interrupted => Failure::new(exit::INTERRUPTED, error),
        ExecutorError::Material { .. }
        | ExecutorError::Precision(_)
        | ExecutorError::Device { .. } => Failure::new(exit::INPUT, error),
        ExecutorError::Ledger(error) => unusable(error),
    }
}

/// A ledger that can't be used.
pub(super) fn unusable(error: crate::ledger::LedgerError) -> Failure {
    let code = if error.is_about_writing() { exit::OUTPUT } else { exit::INPUT };
    Failure::new(code, error)
}

/// Says which files are no records, and where they are.
pub(super) fn tell(damaged: &[Damaged]) {
    for Damaged { path, aside, reason } in damaged {
        match aside {
            Some(aside) => {
                anstream::eprintln!("damaged: a record, set aside as {}: {reason}", aside.display())
            }
            None => anstream::eprintln!("left out: {}: {reason}", path.display()),
        }
    }
}
