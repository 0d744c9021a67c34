//! Local evidence for the commands: what the ledger has, and running what is missing.

use std::{
    collections::BTreeSet,
    sync::{Mutex, OnceLock},
};

use clap::Args;

use super::{
    Failure, Suites, exit,
    folders::{FolderArguments, LedgerArgument},
    handoff, hints, interrupt,
    messages::message,
    progress::images,
    reporter::Reporter,
    runtime::{DeviceArgument, DeviceRequest, Engine, Machine, Place},
};
use crate::{
    assets::{Assets, IdentifiedTrial, Missing, for_world},
    claim::Claim,
    evidence::Evidence,
    experiment::{EvidenceKind, Trial},
    figure::catalogue::{self, FigureCatalogue},
    plan::{
        campaign::{Campaign, Gathered, Progress, Runner},
        cost::Throughput,
        queue::{Listed, Queue, Report},
    },
    store::{Damaged, Ledger, LedgerError, Worker},
    util::{Folders, shell::option},
    world::World,
};

/// Where local runs are kept, and how missing ones are run.
#[derive(Args)]
pub(super) struct LocalArguments {
    #[command(flatten)]
    folders: FolderArguments,
    /// How many fine-tunes of small images run at once, each on one thread; of larger images, the
    /// threads of one fine-tune [default: one a core; on a GPU one fine-tune at a time]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// The device that fine-tunes run on
    #[arg(long, value_enum, default_value = "auto")]
    device: DeviceArgument,
}

/// Where and on how many threads fine-tunes are to run.
#[derive(Clone, Copy)]
pub(super) struct Placement {
    device: DeviceArgument,
    threads: Option<u16>,
}

impl Default for Placement {
    fn default() -> Self {
        Self { device: DeviceArgument::Auto, threads: None }
    }
}

/// One kind of local evidence: its models and images, its ledger, and the device that computes.
pub(super) struct RunContext {
    pub kind: EvidenceKind,
    pub world: World,
    pub ledger: Ledger,
    pub assets: Box<dyn Assets>,
    /// What else a command needs on its command line to find the same trial.
    pub options: String,
    request: DeviceRequest,
    engine: Option<&'static dyn Engine>,
    /// What is printed before the first fine-tune.
    announcement: Mutex<Option<String>>,
    /// Opened when something has to be computed, and not before.
    machine: OnceLock<Box<dyn Machine>>,
}

impl LocalArguments {
    pub fn ledger(&self) -> Ledger {
        self.folders.ledger()
    }

    pub fn ledger_argument(&self) -> &LedgerArgument {
        self.folders.ledger_argument()
    }

    /// The folders that were named, for a command that is printed to be run again.
    pub fn folders(&self) -> Folders {
        self.folders.named()
    }

    /// The number of threads, if one was named.
    pub fn threads(&self) -> Option<u16> {
        self.threads
    }

    /// The device as words of a command line; none if none was named.
    pub fn device_words(&self) -> Vec<String> {
        let name = match self.device {
            DeviceArgument::Auto => return Vec::new(),
            DeviceArgument::Cpu => "cpu",
            DeviceArgument::Cuda => "cuda",
        };
        ["--device", name].map(str::to_owned).to_vec()
    }

    /// Whether fine-tunes of a kind run on a GPU where there is one.
    pub fn wants_gpu(&self, kind: EvidenceKind) -> bool {
        match self.device {
            DeviceArgument::Auto => !kind.is_small(),
            DeviceArgument::Cpu => false,
            DeviceArgument::Cuda => true,
        }
    }

    pub fn context(&self, kind: EvidenceKind, suites: &Suites<'_>) -> RunContext {
        self.context_in(kind, suites.world(kind), suites)
    }

    /// The same in a world that is not quite the one of its claims.
    pub fn context_in(&self, kind: EvidenceKind, world: World, suites: &Suites<'_>) -> RunContext {
        let placement = Placement { device: self.device, threads: self.threads };
        RunContext::new(kind, world, self.folders(), placement, suites)
    }

    /// The records of figures, by name; with a number of seeds, missing ones are run first.
    pub fn evidence_of_figures(
        &self,
        kind: EvidenceKind,
        names: &[String],
        run: Option<u8>,
        suites: &Suites<'_>,
    ) -> Result<Evidence, Failure> {
        let context = self.context_in(kind, kind.world(), &suites.without_folder());
        let catalogue = FigureCatalogue::new(&context.world);
        let figures: Vec<_> =
            catalogue.figures.iter().filter(|figure| names.contains(&figure.name)).collect();
        let (campaign, needed) = (context.campaign(), catalogue::needed_keys(&figures));
        let gathered = match run {
            Some(seeds) => {
                let reporter = context.reporter(&context.ledger);
                campaign.complete_points(&needed, seeds.into(), &context, &reporter)?
            }
            None => {
                let gathered = campaign.gather_points(&needed).map_err(unusable)?;
                warn_damaged(&gathered.damaged);
                gathered
            }
        };
        Ok(gathered.evidence)
    }
}

impl RunContext {
    pub fn new(
        kind: EvidenceKind,
        world: World,
        folders: Folders,
        placement: Placement,
        suites: &Suites<'_>,
    ) -> Self {
        let request = DeviceRequest {
            device: placement.device,
            rather_cpu: kind.is_small(),
            side: world.protocol.side,
            threads: placement.threads.map(usize::from),
        };
        let claims = suites.folder.map(|folder| option("--claims", folder));
        let options = hints::options(&folders) + &claims.unwrap_or_default();
        let data = folders.data.unwrap_or_else(crate::fetch::default_folder);
        let assets = for_world(&world, &data, images);
        let ledger = Ledger::new(folders.ledger.unwrap_or_else(Ledger::default_folder));
        let (engine, machine, announcement) = (suites.engine, OnceLock::new(), Mutex::default());
        Self { kind, world, ledger, assets, options, request, engine, announcement, machine }
    }

    /// Prints a text before the first fine-tune, if any has to run.
    pub fn announcing(self, text: String) -> Self {
        let announcement = Mutex::new(Some(text).filter(|text| !text.is_empty()));
        Self { announcement, ..self }
    }

    /// That text, once.
    pub fn announced(&self) -> Option<String> {
        self.announcement.lock().expect("no panic holds it").take()
    }

    pub fn campaign(&self) -> Campaign<'_> {
        let Self { kind, world, ledger, assets, .. } = self;
        Campaign { kind: *kind, world, assets: &**assets, ledger }
    }

    /// The device that fine-tunes run on.
    ///
    /// # Errors
    /// If this build has no engine, or the machine has no such device.
    pub fn machine(&self) -> Result<&dyn Machine, Failure> {
        if let Some(machine) = self.machine.get() {
            return Ok(&**machine);
        }
        let engine = handoff::required(self.engine)?;
        let machine = engine.open(self.request)?;
        Ok(&**self.machine.get_or_init(|| machine))
    }

    /// Records for the claims; with `run`, missing ones are run until the judge needs no more.
    pub fn evidence(&self, claims: &[&Claim], run: bool) -> Result<Gathered, Failure> {
        if run {
            return self.campaign().complete(claims, self, &self.reporter(&self.ledger));
        }
        let gathered = self.campaign().gather(claims).map_err(unusable)?;
        warn_damaged(&gathered.damaged);
        Ok(gathered)
    }

    /// A trial with the name of its record, from the zoo of its seed.
    pub fn identify(&self, trial: Trial) -> Result<IdentifiedTrial, Failure> {
        let zoo = self.world.zoo_of(&trial.recipe.key, trial.seed);
        self.identify_from(trial, zoo)
    }

    /// The same from any zoo.
    pub fn identify_from(&self, trial: Trial, zoo: u32) -> Result<IdentifiedTrial, Failure> {
        self.assets.identify(trial, zoo).map_err(|Missing { what, help }| {
            Failure::new(exit::INPUT, miette::miette!(help = hints::text(&help), "{what}"))
        })
    }

    /// Runs trials into a ledger, this context's or another.
    pub fn run_into(
        &self,
        ledger: &Ledger,
        trials: &[IdentifiedTrial],
        speed: Option<Throughput>,
    ) -> Result<(), Failure> {
        let machine = self.machine()?;
        self.report_sources(trials);
        let reporter = self.reporter(ledger);
        reporter.begins(trials, trials.len(), speed);
        let queue = Listed::new(ledger, Worker::of_process(), trials, machine.at_once());
        let queue = queue.map_err(unusable)?;
        machine.run(&self.place(ledger), &queue, &|event| reporter.happens(event))
    }

    /// Prints what was taken off the names of the source models of trials.
    fn report_sources(&self, trials: &[IdentifiedTrial]) {
        let sources: BTreeSet<&str> =
            trials.iter().map(|trial| &*trial.trial.recipe.key.source).collect();
        for line in sources.into_iter().flat_map(|source| self.assets.about_source(source)) {
            message!("note: {line}");
        }
    }

    /// How fast fine-tunes ran on the same processor, if records say.
    pub fn speed(&self, gathered: &Gathered) -> Option<Throughput> {
        let processor = match self.machine.get() {
            Some(machine) => machine.processor(),
            None => crate::util::machine::processor(),
        };
        gathered.speeds.on_processor(&processor)
    }

    /// How many fine-tunes run at once; on a CPU if no device was opened yet.
    pub fn at_once(&self) -> usize {
        let DeviceRequest { side, threads, .. } = self.request;
        self.machine.get().map_or_else(
            || crate::plan::cost::threads_on_a_cpu(side, threads).at_once,
            |machine| machine.at_once(),
        )
    }

    fn place<'a>(&'a self, ledger: &'a Ledger) -> Place<'a> {
        Place { ledger, assets: &*self.assets, stop: interrupt::flag() }
    }

    pub fn reporter<'a>(&'a self, ledger: &Ledger) -> Reporter<'a> {
        Reporter::new(self, ledger)
    }
}

impl Runner for RunContext {
    type Error = Failure;

    fn processor(&self) -> Result<String, Failure> {
        Ok(self.machine()?.processor())
    }

    fn at_once(&self) -> usize {
        self.at_once()
    }

    fn run(&self, queue: &dyn Queue, report: Report<'_>) -> Result<(), Failure> {
        let machine = self.machine()?;
        self.report_sources(&queue.waiting());
        machine.run(&self.place(&self.ledger), queue, report)
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        unusable(error)
    }
}

/// A ledger that can't be read or written.
pub(super) fn unusable(error: LedgerError) -> Failure {
    let code = if error.is_about_writing() { exit::OUTPUT } else { exit::INPUT };
    Failure::new(code, error)
}

/// Warns of files that are no valid records, and says where they are; of many, the first ones.
pub(super) fn warn_damaged(damaged: &[Damaged]) {
    const MOST: usize = 10;
    for Damaged { path, aside, reason } in damaged.iter().take(MOST) {
        match aside {
            Some(aside) => {
                message!("warning: a damaged record was moved to {}: {reason}", aside.display());
            }
            None => message!("warning: ignored the file {}: {reason}", path.display()),
        }
    }
    if damaged.len() > MOST {
        message!("warning: {} more such files in the ledger", damaged.len() - MOST);
    }
}
