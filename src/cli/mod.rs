//! The command line: one file or folder a command, and the only module that prints. A command
//! returns its outcome or a failure; this module turns them into exit codes and messages. The law
//! of exit codes is in `exit`, help texts of errors are in [`hints`].

mod against;
mod claim_ids;
mod compare;
mod complete_names;
mod completions;
mod convert;
mod coverage;
mod distance;
mod doctor;
mod exit;
mod expected;
mod fetch;
mod figure;
mod figure_names;
mod folders;
mod format;
mod handoff;
mod help;
pub mod hints;
mod init;
mod inspect;
mod interrupt;
mod invocation;
mod kind;
mod list;
mod local;
mod lock;
mod log;
mod man;
mod messages;
mod moments;
mod new;
mod numbers;
mod one_seed;
mod plan;
mod power;
mod pretrain;
pub mod process;
mod progress;
mod records;
mod reporter;
mod rerun;
mod run;
mod runtime;
mod schema;
mod screen;
mod sensitivity;
mod show;
mod slurm;
mod sources;
mod status;
mod study_compare;
mod study_figures;
mod submit;
mod table;
#[cfg(feature = "engine")]
mod torch;
mod verify;
mod work;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use clap::{Parser, Subcommand};

pub use exit::{Failure, Outcome};

use messages::message;
use runtime::Engine;

use crate::{
    claim::suite::Suite,
    experiment::EvidenceKind,
    report::terminal,
    study::Study,
    util::OldSpelling,
    world::{UserNames, World},
};

/// An executable paper: every claim of "Adversarially-Trained Deep Nets Transfer Better"
/// (arXiv 2007.05869) as a file that is run, tested over seeds and judged.
#[derive(Parser)]
#[command(
    name = "repro",
    version,
    max_term_width = 100,
    after_help = help::after(),
    after_long_help = help::after_long()
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// A folder of claims to use in place of the project's; its worlds/own.toml may add targets and
    /// source models
    #[arg(long, global = true, value_name = "DIR")]
    claims: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Judge claims on evidence
    #[command(after_help = verify::EXAMPLES)]
    Verify(verify::Verify),
    /// List every claim with the evidence that exists for it
    #[command(after_help = list::EXAMPLES)]
    List(list::List),
    /// Explain claims in words: hypothesis, cells, seeds needed, place in the paper
    #[command(after_help = show::EXAMPLES)]
    Show(show::Show),
    /// Write the digest and the date of each hypothesis into the lock of a folder of claims
    #[command(after_help = lock::EXAMPLES)]
    Lock(lock::Lock),
    /// Survey a log, and write what it means (log.toml) and a first claim, for you to complete
    #[command(after_help = init::EXAMPLES)]
    Init(init::Init),
    /// Write a claim for you to complete
    #[command(after_help = new::EXAMPLES)]
    New(new::New),
    /// Draw figures of the paper and of its reproduction, by name; list them
    #[command(after_help = figure::EXAMPLES)]
    Figure(figure::Figure),
    /// Print tables of the paper and of its reproduction beside what the code does; list them
    #[command(after_help = table::EXAMPLES)]
    Table(table::Table),
    /// Check this machine: libtorch, CPU, CUDA devices, ledger, evidence
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::Doctor),
    /// List the fine-tunes that would run, why, and what they cost
    #[command(after_help = plan::EXAMPLES)]
    Plan(plan::Plan),
    /// Compute how many seeds each cell needs, and the smallest effect that its seeds can detect
    #[command(after_help = power::EXAMPLES)]
    Power(power::Power),
    /// Compare local runs, or a log, with the published numbers, cell by cell
    #[command(after_help = compare::EXAMPLES)]
    Compare(compare::Compare),
    /// Judge a claim again under each choice that a critic would question
    #[command(after_help = sensitivity::EXAMPLES)]
    Sensitivity(sensitivity::Sensitivity),
    /// Run one fine-tune: a planned one, or any recipe
    #[command(after_help = run::EXAMPLES)]
    Run(run::Run),
    /// Start workers on a cluster: submit them to Slurm, or print what starts them
    #[command(after_help = submit::EXAMPLES)]
    Submit(submit::Submit),
    /// Show how far local runs are: what is done, who runs what, what failed, the time left
    #[command(after_help = status::EXAMPLES)]
    Status(status::Status),
    /// Run missing fine-tunes beside any number of other workers
    #[command(after_help = work::EXAMPLES)]
    Work(work::Work),
    /// List, show, export and import the records of fine-tunes
    #[command(after_help = records::EXAMPLES)]
    Records(records::Records),
    /// The old spelling of `records`
    #[command(hide = true)]
    Runs(records::Runs),
    /// Run a record's fine-tune again and check that it gives the same bits
    #[command(after_help = rerun::EXAMPLES)]
    Rerun(rerun::Rerun),
    /// Download data sets and checkpoints, or import them from a folder
    #[command(after_help = fetch::EXAMPLES)]
    Fetch(fetch::Fetch),
    /// Train the source models of a set-up
    #[command(after_help = pretrain::EXAMPLES)]
    Pretrain(pretrain::Pretrain),
    /// Measure how far each target's images are from the source's, by a source model's features
    #[command(after_help = distance::EXAMPLES)]
    Distance(distance::Distance),
    /// List the tensors of a checkpoint, and what was skipped
    #[command(after_help = inspect::EXAMPLES)]
    Inspect(inspect::Inspect),
    /// Convert a checkpoint's tensors to safetensors
    #[command(after_help = convert::EXAMPLES)]
    Convert(convert::Convert),
    /// Print the JSON Schema of claims, or of a form that a command prints
    #[command(after_help = "Example:\n  repro schema verdicts > verdicts.schema.json")]
    Schema(schema::Schema),
    /// Print the completions of a shell
    #[command(after_help = completions::EXAMPLES)]
    Completions(completions::Completions),
    /// Print the names that completions offer
    #[command(hide = true)]
    CompleteNames(complete_names::CompleteNames),
    /// Print the manual page of the program, or write those of all commands
    #[command(after_help = man::EXAMPLES)]
    Man(man::Man),
}

/// The engine, for the program that is linked with it.
#[derive(Clone, Copy)]
pub struct EngineHandle(&'static dyn Engine);

impl EngineHandle {
    /// The engine that computes with libtorch.
    #[cfg(feature = "engine")]
    #[must_use]
    pub fn torch() -> Self {
        Self(&torch::Torch)
    }
}

/// Runs the command line and returns the exit code. Without an engine, a command that needs one is
/// handed over to `repro-engine`, if this build has it.
///
/// The caller, in another crate, passes the engine: if this crate named it here, the compiler would
/// call libtorch directly, and `repro` would be linked with it.
#[must_use]
pub fn main(engine: Option<EngineHandle>) -> u8 {
    #[cfg(feature = "engine")]
    if engine.is_some()
        && let Err(failure) = handoff::check_caller()
    {
        return failure.report();
    }
    let engine = engine.map(|EngineHandle(engine)| engine);
    if let Some(engine) = engine {
        engine.start();
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors, and neither is a closed pipe.
            let _ = error.print();
            return if error.use_stderr() { exit::USAGE } else { 0 };
        }
    };
    terminal::fit(screen::screen());
    let outcome = run(&arguments, engine).and_then(|outcome| {
        messages::flush()?;
        Ok(outcome)
    });
    match outcome {
        Ok(outcome) => outcome.code(),
        Err(failure) => failure.report(),
    }
}

/// The claims at hand, as each set-up has them.
struct Suites<'a> {
    /// The folder that the user named; the project's claims if none.
    folder: Option<&'a Path>,
    /// Targets and source models that it adds to every set-up.
    names: UserNames,
    /// What its own log means, if it has one: its claims are then about that log alone.
    study: Option<Arc<Study>>,
    /// The engine, if this program has one.
    engine: Option<&'static dyn Engine>,
    /// Old spellings in files, to print notes about.
    noted: Mutex<BTreeSet<OldSpelling>>,
}

impl<'a> Suites<'a> {
    fn new(folder: Option<&'a Path>, engine: Option<&'static dyn Engine>) -> Result<Self, Failure> {
        let names = folder.map(UserNames::read).transpose();
        let names = names.map_err(|error| Failure::new(exit::USAGE, error))?;
        let names = names.unwrap_or_default();
        let study = folder.map(Study::of_folder).transpose()?.flatten().map(Arc::new);
        let suites = Self { folder, names, study, engine, noted: Mutex::default() };
        suites.note_old_spellings(suites.names.notes());
        Ok(suites)
    }

    /// Keeps old spellings in files of the user's for [`Self::print_notes`].
    fn note_old_spellings(&self, found: &[OldSpelling]) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.extend(found.iter().cloned());
    }

    /// Prints a note about each old spelling. Only when the command has ended: were they printed
    /// before `repro-engine` takes over, it would print them again.
    fn print_notes(&self) {
        for old in self.noted.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            message!("note: {old}");
        }
    }

    /// The set-up of a kind of evidence, with the folder's own names.
    fn world(&self, kind: EvidenceKind) -> World {
        if let Some(study) = &self.study {
            return World::of_study(study.clone());
        }
        kind.world().with(&self.names)
    }

    /// The same without a folder: figures by name use the project's names alone.
    fn without_folder(&self) -> Suites<'static> {
        let (names, engine) = (UserNames::default(), self.engine);
        Suites { folder: None, names, study: None, engine, noted: Mutex::default() }
    }

    /// The study of the folder with the folder, if it has one.
    fn study(&self) -> Option<(&Arc<Study>, &Path)> {
        self.study.as_ref().zip(self.folder)
    }

    /// The claims, as the set-up of a kind of evidence has them.
    fn suite(&self, kind: EvidenceKind) -> Result<Suite, Failure> {
        let world = self.world(kind);
        let suite = match self.folder {
            Some(folder) => Suite::from_folder(folder, &world)?,
            None => Suite::embedded(&world)?,
        };
        self.note_old_spellings(suite.notes());
        Ok(suite)
    }
}

fn run(arguments: &Arguments, engine: Option<&'static dyn Engine>) -> Result<Outcome, Failure> {
    let suites = Suites::new(arguments.claims.as_deref(), engine)?;
    let outcome = run_command(&arguments.command, &suites);
    suites.print_notes();
    outcome
}

/// Whether a command is about this paper's fine-tunes, which claims about another log do not ask
/// for.
fn is_about_this_paper(command: &Command) -> bool {
    matches!(
        command,
        Command::Doctor(_)
            | Command::Plan(_)
            | Command::Sensitivity(_)
            | Command::Run(_)
            | Command::Submit(_)
            | Command::Status(_)
            | Command::Rerun(_)
            | Command::Work(_)
    )
}

fn run_command(command: &Command, suites: &Suites<'_>) -> Result<Outcome, Failure> {
    if suites.study.is_some() && is_about_this_paper(command) {
        return Err(Failure::usage(
            "these claims are about the log that log.toml declares, and this command is about the \
             fine-tunes of the project's own paper",
            "`repro verify`, `list`, `show`, `power`, `figure`, `records`, `compare` and `lock` take \
             such claims",
        ));
    }
    match command {
        Command::Verify(command) => command.run(suites),
        Command::List(command) => command.run(suites),
        Command::Show(command) => command.run(suites),
        Command::Lock(command) => command.run(suites),
        Command::Init(command) => command.run(),
        Command::New(command) => command.run(suites),
        Command::Figure(command) => command.run(suites),
        Command::Table(command) => command.run(suites),
        Command::Doctor(command) => command.run(suites),
        Command::Plan(command) => command.run(suites),
        Command::Power(command) => command.run(suites),
        Command::Compare(command) => command.run(suites),
        Command::Sensitivity(command) => command.run(suites),
        Command::Run(command) => command.run(suites),
        Command::Work(command) => command.run(suites),
        Command::Submit(command) => command.run(suites),
        Command::Status(command) => command.run(suites),
        Command::Records(command) => command.run(suites),
        Command::Runs(command) => command.run(),
        Command::Rerun(command) => command.run(suites),
        Command::Fetch(command) => command.run(),
        Command::Pretrain(command) => command.run(suites),
        Command::Distance(command) => command.run(suites),
        Command::Inspect(command) => command.run(),
        Command::Convert(command) => command.run(),
        Command::Schema(command) => command.run(),
        Command::Completions(command) => command.run(&whole(), suites),
        Command::CompleteNames(command) => command.run(suites),
        Command::Man(command) => command.run(whole()),
    }
}

/// The command line as data.
fn whole() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}
