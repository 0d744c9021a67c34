//! The command line: one file a command. A command returns its outcome; only this module turns
//! outcomes and failures into exit codes and messages.

mod asked;
mod compare;
mod completions;
mod convert;
mod doctor;
mod exit;
mod fetch;
mod figure;
mod format;
mod handoff;
pub mod hints;
mod inspect;
mod interrupt;
mod kind;
mod list;
mod local;
mod plan;
mod power;
mod pretrain;
pub mod process;
mod progress;
mod rerun;
mod run;
mod runs;
mod runtime;
mod schema;
mod sensitivity;
mod show;
#[cfg(feature = "engine")]
mod torch;
mod verify;

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::{Parser, Subcommand};

pub use exit::{Failure, Outcome};

use runtime::Engine;

use crate::{
    claim::suite::Suite,
    experiment::EvidenceKind,
    report::terminal,
    world::{OwnNames, World},
};

/// An executable paper: every claim of "Adversarially-Trained Deep Nets Transfer Better"
/// (arXiv 2007.05869) as a spec that is run, tested over seeds and judged.
#[derive(Parser)]
#[command(name = "repro", version, max_term_width = 100, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// A folder of claims of one's own, for commands that read claims, in place of those that ship with
    /// the project; targets and source models of one's own are in its worlds/own.toml
    #[arg(long, global = true, value_name = "DIR")]
    claims: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  repro verify                              judge every claim, on published logs and on our own runs
  repro plan                                which of our own fine-tunes would run, and what they cost
  repro verify --claim shape_bias           one claim alone
  repro verify --log runs.csv --format json judge a log of your own, for machines
  repro verify --report report              write report/index.html and report/gallery.html as well
  repro figure A5                           a figure of the paper or of its reproduction, by name
  repro show robust_beats_natural           what a claim says, in words

Exit codes (the first that applies):
  64 usage, unknown id, malformed claim     66 input missing or damaged     73 can't write
   3 some claim incomplete (records missing) 1 some refuted   2 some inconclusive   0 all supported
  with --expected: 0 when every verdict is the one its spec expects, else 4
  130 stopped by Ctrl-C; what is finished is kept";

#[derive(Subcommand)]
enum Command {
    /// Judge claims on evidence
    #[command(after_help = verify::EXAMPLES)]
    Verify(verify::Verify),
    /// List every claim with the evidence it can have
    List(list::List),
    /// Put one claim into words: hypothesis, cells, seeds needed, where in the paper
    #[command(after_help = show::EXAMPLES)]
    Show(show::Show),
    /// Draw figures of the paper and of its reproduction, by name; list them
    #[command(after_help = figure::EXAMPLES)]
    Figure(figure::Figure),
    /// Print what this machine has: libtorch, CPU, CUDA devices, ledger, evidence
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::Doctor),
    /// Say which fine-tunes would run, why, and what they cost
    #[command(after_help = plan::EXAMPLES)]
    Plan(plan::Plan),
    /// Say how many seeds each cell needs, and how small an effect those in hand can see
    #[command(after_help = power::EXAMPLES)]
    Power(power::Power),
    /// Set our records, or a log, beside the published numbers, cell by cell
    #[command(after_help = compare::EXAMPLES)]
    Compare(compare::Compare),
    /// Judge a claim again under each choice that a critic would question
    #[command(after_help = sensitivity::EXAMPLES)]
    Sensitivity(sensitivity::Sensitivity),
    /// Run one fine-tune: a planned one, or any recipe
    #[command(after_help = run::EXAMPLES)]
    Run(run::Run),
    /// List, filter and show the records of fine-tunes
    #[command(after_help = runs::EXAMPLES)]
    Runs(runs::Runs),
    /// Run a record again and say whether it gives the same bits
    #[command(after_help = rerun::EXAMPLES)]
    Rerun(rerun::Rerun),
    /// Bring data sets and checkpoints, from their makers or from a folder of yours
    #[command(after_help = fetch::EXAMPLES)]
    Fetch(fetch::Fetch),
    /// Train a world's source models
    #[command(after_help = pretrain::EXAMPLES)]
    Pretrain(pretrain::Pretrain),
    /// List the tensors of a checkpoint, and what was skipped
    #[command(after_help = inspect::EXAMPLES)]
    Inspect(inspect::Inspect),
    /// Write a checkpoint's tensors as safetensors
    #[command(after_help = convert::EXAMPLES)]
    Convert(convert::Convert),
    /// Print the JSON Schema of claims, and of verdicts, comparisons and checkpoints as they are printed
    #[command(after_help = "Example:\n  repro schema verdicts > verdicts.schema.json")]
    Schema(schema::Schema),
    /// Print a shell's completions
    #[command(
        after_help = "Example:\n  repro completions bash > ~/.local/share/bash-completion/completions/repro"
    )]
    Completions(completions::Completions),
}

/// What computes, for the program that is linked with it.
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

/// Runs the command line and says with which code to exit. Without an engine a command that needs one is
/// handed over to the program that has one, where this build has such a program.
///
/// Which engine there is must be the caller's to say, in another crate: were it known here, the compiler
/// would call libtorch directly, and the program that judges would be linked with it.
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
            // Help and version are no errors; a reader that closed its pipe is none either.
            let _ = error.print();
            return if error.use_stderr() { exit::USAGE } else { 0 };
        }
    };
    if let Some((columns, _)) = terminal_size::terminal_size_of(std::io::stdout()) {
        terminal::fit(columns.0.into());
    }
    let outcome = run(&arguments, engine).and_then(|outcome| {
        std::io::stdout().flush()?;
        Ok(outcome)
    });
    match outcome {
        Ok(outcome) => outcome.code(),
        Err(failure) => failure.report(),
    }
}

/// The claims that were asked for, as each world has them.
struct Suites<'a> {
    /// The folder that was named; the project's own claims where none was.
    folder: Option<&'a Path>,
    /// Targets and sources that it adds to every world.
    names: OwnNames,
    /// What computes, where this program can.
    engine: Option<&'static dyn Engine>,
}

impl<'a> Suites<'a> {
    fn new(folder: Option<&'a Path>, engine: Option<&'static dyn Engine>) -> Result<Self, Failure> {
        let names = folder.map(OwnNames::read).transpose();
        let names = names.map_err(|error| Failure::new(exit::USAGE, error))?;
        Ok(Self { folder, names: names.unwrap_or_default(), engine })
    }

    /// The world of an evidence, with the folder's own names.
    fn world(&self, kind: EvidenceKind) -> World {
        kind.world().with(&self.names)
    }

    /// The same without a folder: figures by name know no other names than the project's.
    fn without_folder(&self) -> Suites<'static> {
        Suites { folder: None, names: OwnNames::default(), engine: self.engine }
    }

    /// The claims as an evidence's world has them.
    fn of(&self, kind: EvidenceKind) -> Result<Suite, Failure> {
        let world = self.world(kind);
        Ok(match self.folder {
            Some(folder) => Suite::from_folder(folder, &world)?,
            None => Suite::embedded(&world)?,
        })
    }
}

fn run(arguments: &Arguments, engine: Option<&'static dyn Engine>) -> Result<Outcome, Failure> {
    let suites = Suites::new(arguments.claims.as_deref(), engine)?;
    match &arguments.command {
        Command::Verify(command) => command.run(&suites),
        Command::List(command) => command.run(&suites),
        Command::Show(command) => command.run(&suites),
        Command::Figure(command) => command.run(&suites),
        Command::Doctor(command) => command.run(&suites),
        Command::Plan(command) => command.run(&suites),
        Command::Power(command) => command.run(&suites),
        Command::Compare(command) => command.run(&suites),
        Command::Sensitivity(command) => command.run(&suites),
        Command::Run(command) => command.run(&suites),
        Command::Runs(command) => command.run(),
        Command::Rerun(command) => command.run(&suites),
        Command::Fetch(command) => command.run(),
        Command::Pretrain(command) => command.run(&suites),
        Command::Inspect(command) => command.run(),
        Command::Convert(command) => command.run(),
        Command::Schema(command) => command.run(),
        Command::Completions(command) => {
            command.run(&mut <Arguments as clap::CommandFactory>::command())
        }
    }
}

/// The style of tables and verdicts, written plainly where standard output is no terminal.
fn stdout() -> anstream::AutoStream<std::io::StdoutLock<'static>> {
    anstream::AutoStream::auto(std::io::stdout().lock())
}
