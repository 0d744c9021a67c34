//! Evidence of our own for the commands: what the ledger has, and running what it lacks.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use clap::Args;

use super::{
    Failure, Suites, exit,
    fetch::Data,
    handoff, hints, interrupt,
    progress::{self, Pace, Progress, images, minutes},
    runs::shortest,
    runtime::{DeviceArgument, DeviceRequest, Engine, Machine, Place},
};
use crate::{
    assets::{Lacking, Named, Stock},
    claim::Claim,
    evidence::Evidence,
    experiment::{EvidenceKind, Trial},
    figure::{
        catalogue::{self, Gallery},
        numbers::counted,
    },
    plan::{
        Outstanding,
        campaign::{Campaign, Event, Gathered, Runner, Watch},
        cost::{Price, Speed},
    },
    store::{Damaged, Ended, Entry, Ledger, LedgerError},
    util::{Folders, shell::option},
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

/// One kind of local evidence, with what it is made from and where it is kept.
pub(super) struct RunContext {
    pub kind: EvidenceKind,
    pub world: World,
    pub ledger: Ledger,
    pub stock: Stock,
    /// What else a command must be given to find a trial again.
    options: String,
    wanted: DeviceRequest,
    engine: Option<&'static dyn Engine>,
    /// Opened when something has to be computed, and not before.
    machine: OnceLock<Box<dyn Machine>>,
}

impl Ours {
    pub fn ledger(&self) -> Ledger {
        Ledger::new(self.ledger.clone().unwrap_or_else(Ledger::default_folder))
    }

    /// The folders that were named, for a command that is printed to be run again.
    pub fn folders(&self) -> Folders {
        Folders { ledger: self.ledger.clone(), data: self.data.given().cloned() }
    }

    pub fn context(&self, kind: EvidenceKind, suites: &Suites<'_>) -> RunContext {
        self.context_of(kind, suites.world(kind), suites)
    }

    /// One whose world is not quite the one of its claims.
    pub fn context_of(&self, kind: EvidenceKind, world: World, suites: &Suites<'_>) -> RunContext {
        let wanted = DeviceRequest {
            device: self.device,
            rather_cpu: kind == EvidenceKind::Smoke,
            side: world.protocol.side,
            threads: self.threads.map(usize::from),
        };
        let stock = Stock::of(&world, &self.data.folder()).told(images);
        let claims = suites.folder.map(|folder| option("--claims", folder));
        let options = hints::options(&self.folders()) + &claims.unwrap_or_default();
        let (ledger, engine, machine) = (self.ledger(), suites.engine, OnceLock::new());
        RunContext { kind, stock, world, ledger, options, wanted, engine, machine }
    }

    /// What the ledger has of figures, by name; with a number of seeds, what it lacks of these is run.
    pub fn evidence_of_figures(
        &self,
        kind: EvidenceKind,
        names: &[String],
        run: Option<u8>,
        suites: &Suites<'_>,
    ) -> Result<Evidence, Failure> {
        let context = self.context_of(kind, kind.world(), &suites.without_folder());
        let gallery = Gallery::of(&context.world);
        let figures: Vec<_> =
            gallery.figures.iter().filter(|figure| names.contains(&figure.name)).collect();
        let (campaign, wanted) = (context.campaign(), catalogue::wanted(&figures));
        let gathered = match run {
            Some(seeds) => {
                let teller = context.teller(&context.ledger);
                campaign.complete_points(&wanted, seeds.into(), &context, &teller)?
            }
            None => {
                let gathered = campaign.gather_points(&wanted).map_err(unusable)?;
                tell(&gathered.damaged);
                gathered
            }
        };
        Ok(gathered.evidence)
    }
}

impl RunContext {
    pub fn campaign(&self) -> Campaign<'_> {
        let Self { kind, world, ledger, stock, .. } = self;
        Campaign { kind: *kind, world, stock, ledger }
    }

    /// The device that fine-tunes run on.
    ///
    /// # Errors
    /// If there is no engine here, or no such device.
    pub fn machine(&self) -> Result<&dyn Machine, Failure> {
        if let Some(machine) = self.machine.get() {
            return Ok(&**machine);
        }
        let engine = handoff::required(self.engine)?;
        let machine = engine.open(self.wanted)?;
        Ok(&**self.machine.get_or_init(|| machine))
    }

    /// Records for the claims; with `run`, what is missing is run until the judge needs no more.
    pub fn evidence(&self, claims: &[&Claim], run: bool) -> Result<Gathered, Failure> {
        if run {
            return self.campaign().complete(claims, self, &self.teller(&self.ledger));
        }
        let gathered = self.campaign().gather(claims).map_err(unusable)?;
        tell(&gathered.damaged);
        Ok(gathered)
    }

    /// Names a trial.
    pub fn named(&self, trial: Trial) -> Result<Named, Failure> {
        self.stock.named(trial).map_err(|Lacking { what, help }| {
            Failure::new(exit::INPUT, miette::miette!(help = hints::text(&help), "{what}"))
        })
    }

    /// Runs trials into a ledger, its own or another.
    pub fn run_into(
        &self,
        ledger: &Ledger,
        trials: &[Named],
        speed: Option<Speed>,
    ) -> Result<(), Failure> {
        let machine = self.machine()?;
        let teller = self.teller(ledger);
        teller.begins(trials, speed);
        machine.run(&self.place(ledger), trials, &|event| teller.happens(event))
    }

    /// How fast fine-tunes ran on the same processor, if records say.
    pub fn speed(&self, gathered: &Gathered) -> Option<Speed> {
        let processor = match self.machine.get() {
            Some(machine) => machine.processor(),
            None => crate::util::machine::processor(),
        };
        gathered.speeds.of(&processor)
    }

    /// How many fine-tunes run at once; on a CPU, where no device was opened yet.
    pub fn at_once(&self) -> usize {
        let DeviceRequest { side, threads, .. } = self.wanted;
        self.machine.get().map_or_else(
            || crate::plan::cost::threads_on_a_cpu(side, threads).at_once,
            |machine| machine.at_once(),
        )
    }

    fn place<'a>(&'a self, ledger: &'a Ledger) -> Place<'a> {
        Place { ledger, stock: &self.stock, stop: interrupt::flag() }
    }

    fn teller<'a>(&'a self, ledger: &Ledger) -> Teller<'a> {
        Teller {
            context: self,
            folder: ledger.folder().to_owned(),
            running: ledger.running(),
            progress: Mutex::new(None),
            pace: Mutex::new(Pace::default()),
            waits: AtomicBool::new(false),
        }
    }
}

impl Runner for RunContext {
    type Error = Failure;

    fn processor(&self) -> Result<String, Failure> {
        Ok(self.machine()?.processor())
    }

    fn run(&self, trials: &[Named], report: &(dyn Fn(Event<'_>) + Sync)) -> Result<(), Failure> {
        self.machine()?.run(&self.place(&self.ledger), trials, report)
    }
}

/// Tells on standard error how it goes.
struct Teller<'a> {
    context: &'a RunContext,
    folder: PathBuf,
    running: PathBuf,
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
            progress::says(&format!("{}: {line}", self.context.world.id));
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
                self.context.options
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
        let price = Price::of_all(trials.iter().map(|named| &named.trial), &self.context.world);
        let seconds = speed.unwrap_or(Speed::ELSEWHERE).seconds(price);
        let at_once = self.context.at_once().min(trials.len()).max(1);
        anstream::eprintln!(
            "{}: {} to run, about {}, {at_once} at once; records go to {}",
            self.context.world.id,
            counted(trials.len(), "fine-tune"),
            minutes(seconds / at_once as f64),
            self.folder.display()
        );
        // Each is weighed by what it costs alone: those that run side by side end together.
        let alone = trials.iter().map(|named| Price::of(&named.trial.recipe, &self.context.world));
        let alone: Price = alone.sum();
        let progress = Progress::new(&self.context.world.id, trials.len(), alone.operations);
        *self.progress.lock().expect("no panic holds it") = Some(progress);
        self.pace.lock().expect("no panic holds it").begins();
    }

    fn lacking(&self, lacking: &BTreeMap<Lacking, Outstanding>) {
        for (lacking, wanted) in lacking {
            anstream::eprintln!(
                "{}: {} can't be run here: {}",
                self.context.world.id,
                counted(wanted.len(), "fine-tune"),
                hints::missing(lacking)
            );
        }
    }

    fn happens(&self, event: Event<'_>) {
        let price = |entry: &Entry| Price::of(&entry.trial.recipe, &self.context.world);
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
                        self.context.world.id,
                        self.running.display()
                    ));
                }
            }
        }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        unusable(error)
    }
}

/// A ledger that can't be used.
pub(super) fn unusable(error: LedgerError) -> Failure {
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
