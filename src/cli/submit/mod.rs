//! `repro submit`: workers for a cluster. It writes an array of identical workers and a job that
//! writes the report, and hands both to Slurm; or it prints a manifest for Kubernetes, or lines for
//! tools that run many commands. What it submits is what it prints.

mod job_files;
mod kubernetes;
mod script;
mod submission;
mod time_limit;
mod workers;

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use super::{
    Failure, Outcome, Suites,
    claim_ids::ClaimIds,
    exit,
    format::json,
    hints, kind,
    local::LocalArguments,
    messages::{message, stdout},
    slurm,
};
use crate::{experiment::EvidenceKind, figure::numbers::counted};
use submission::Submission;
use time_limit::TimeLimit;
use workers::{Workers, command_line};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro submit slurm --evidence paper --gpus 16 --time 12h --partition gpu --dry-run
  repro submit slurm --evidence paper --gpus 16 --time 12h -- --constraint=a100 --mail-type=END
  repro submit slurm l2_best --evidence smoke --gpus 4 --time 55m
  repro submit k8s --evidence paper --gpus 8 --image registry/repro:1 | kubectl create -f -
  repro submit script --evidence paper --gpus 4

Workers share the ledger, so it has to be on a file system that all nodes have. Each takes what \
is missing in the ledger and leaves when nothing is left; when one is killed, the others run what \
it left. Submit again at any time, from anywhere: nothing is run twice. `repro status` shows how \
far they are.";

#[derive(Args)]
pub(super) struct Submit {
    /// What starts the workers
    #[arg(value_enum, value_name = "SYSTEM")]
    system: System,
    #[command(flatten)]
    ids: ClaimIds,
    /// The kind of local runs
    #[arg(long, value_name = "KIND", value_parser = kind::one_of(kind::LOCAL))]
    evidence: EvidenceKind,
    /// How many workers, one a GPU; a set-up that computes on CPUs gets as many without one
    #[arg(
        long,
        visible_alias = "workers",
        value_name = "N",
        default_value = "1",
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    gpus: u32,
    /// The time of each worker: 55m, 12h, 2d, or as Slurm has it [default: the partition's]
    #[arg(long, value_name = "TIME")]
    time: Option<TimeLimit>,
    /// Slurm's partition
    #[arg(long, value_name = "NAME")]
    partition: Option<String>,
    /// Slurm's account
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// The container image of the workers, for k8s; `repro` has to be on its PATH
    #[arg(long, value_name = "IMAGE", required_if_eq("system", "k8s"))]
    image: Option<String>,
    /// The persistent volume claim with the folders `ledger` and `data`, for k8s
    #[arg(long, value_name = "NAME", default_value = "repro")]
    volume: String,
    /// Print what would be submitted, and submit nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    local: LocalArguments,
    /// Further options of Slurm for the workers
    #[arg(last = true, value_name = "EXTRA")]
    extra: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum System {
    /// Slurm: an array of workers, and a job that writes the report when they have ended
    Slurm,
    /// Kubernetes: prints the manifest of an Indexed Job
    #[value(name = "k8s")]
    Kubernetes,
    /// Prints a line each for xargs, GNU parallel and HyperQueue
    Script,
}

impl Submit {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        let workers = self.workers(suites)?;
        if let Some(word) = workers.unusable_word() {
            return Err(Failure::usage(
                format!("{word:?} can't be in a job file: it is empty, or has a control character"),
                "give words without new lines and other control characters",
            ));
        }
        if self.is_done(suites)? {
            return Ok(Outcome::Done);
        }
        match self.system {
            System::Slurm => return self.slurm(&workers),
            System::Kubernetes => {
                let image = self.image.as_deref().expect("clap requires it");
                json(&mut stdout(), &kubernetes::manifest(&workers, image, &self.volume))?;
            }
            System::Script => write!(stdout(), "{}", script::lines(&workers))?,
        }
        Ok(Outcome::Done)
    }

    fn workers(&self, suites: &Suites<'_>) -> Result<Workers, Failure> {
        let pods = self.system == System::Kubernetes;
        let absolute = |path: &Path| {
            std::path::absolute(path).map_err(|cause| {
                let what = format!("failed to find {}: {cause}", path.display());
                Failure::new(exit::INPUT, miette::miette!("{what}"))
            })
        };
        let folders = self.local.folders();
        let data = folders.data.unwrap_or_else(crate::fetch::default_folder);
        let mut selection = vec!["--evidence".to_owned(), self.evidence.name().to_owned()];
        if let Some(folder) = suites.folder {
            let folder = if pods { folder.to_owned() } else { absolute(folder)? };
            selection.extend(["--claims".to_owned(), folder.display().to_string()]);
        }
        selection.extend(self.ids.all());
        let gpu = self.local.wants_gpu(self.evidence);
        // A worker on a CPU would take every core of its node, whatever Slurm gave it.
        let threads = self.local.threads().or((!gpu).then_some(1));
        let mut placement = self.local.device_words();
        if let Some(threads) = threads {
            placement.extend(["--threads".to_owned(), threads.to_string()]);
        }
        let program = match std::env::current_exe() {
            Ok(program) if !pods => program.with_file_name("repro").display().to_string(),
            _ => "repro".to_owned(),
        };
        Ok(Workers {
            name: self.evidence.name().to_owned(),
            count: self.gpus,
            gpu,
            threads,
            time: self.time,
            partition: self.partition.clone(),
            account: self.account.clone(),
            extra: self.extra.clone(),
            program,
            selection,
            placement,
            ledger: if pods { "/shared/ledger".into() } else { absolute(self.ledger().folder())? },
            data: if pods { "/shared/data".into() } else { absolute(&data)? },
        })
    }

    fn ledger(&self) -> crate::store::Ledger {
        self.local.ledger()
    }

    /// Whether the ledger has all that the claims need; and notes how much is missing, and what no
    /// worker here could run.
    fn is_done(&self, suites: &Suites<'_>) -> Result<bool, Failure> {
        let context = self.local.context(self.evidence, suites);
        let suite = suites.suite(self.evidence)?;
        let claims = self.ids.select(&suite, suites)?;
        // The ledger of a cluster's pods is not this machine's.
        if self.system == System::Kubernetes {
            return Ok(false);
        }
        let gathered = context.evidence(&claims, false)?;
        let next = context.campaign().outstanding(&claims, &gathered);
        for (missing, trials) in &next.missing {
            let what = counted(trials.len(), "fine-tune");
            message!("warning: {what} can't run on this machine: {}", hints::missing(missing));
        }
        if next.planned.is_empty() && next.missing.is_empty() {
            message!("nothing to submit: the ledger has every record that these claims need");
            return Ok(true);
        }
        if !next.planned.is_empty() {
            message!("{} to run next", counted(next.planned.len(), "fine-tune"));
        }
        Ok(false)
    }

    /// Prints the job files and the calls of sbatch, and makes them.
    fn slurm(&self, workers: &Workers) -> Result<Outcome, Failure> {
        let ledger = crate::store::Ledger::new(workers.ledger.clone());
        let folder = Submission::next_folder(&ledger);
        let arrays = job_files::arrays(workers.count, slurm::longest_array());
        let (work, report) = (folder.join("workers.sh"), folder.join("report.sh"));
        let job_files = [
            (work.clone(), job_files::workers(workers, arrays[0], &folder)),
            (report.clone(), job_files::report(workers, &folder)),
        ];
        let mut out = stdout();
        for (path, text) in &job_files {
            writeln!(out, "# {}\n{text}", path.display())?;
        }
        if self.dry_run {
            for array in &arrays {
                writeln!(out, "{}", command_line(&sbatch_workers(*array, &work)))?;
            }
            let jobs = vec!["JOB".to_owned(); arrays.len()];
            writeln!(out, "{}", command_line(&sbatch_report(&jobs, &report)))?;
            return Ok(Outcome::Done);
        }
        let mut submission = Submission::create(&folder, &job_files)?;
        let mut jobs = Vec::new();
        for array in arrays {
            let command = sbatch_workers(array, &work);
            writeln!(out, "{}", command_line(&command))?;
            jobs.push(submission.submit(command)?);
        }
        let command = sbatch_report(&jobs, &report);
        writeln!(out, "{}", command_line(&command))?;
        let last = submission.submit(command)?;
        let workers = counted(workers.count as usize, "worker");
        writeln!(
            out,
            "\nsubmitted {workers} as job {}, and the report as {last}",
            jobs.join(", ")
        )?;
        Ok(Outcome::Done)
    }
}

fn sbatch_workers(array: u32, file: &Path) -> Vec<String> {
    sbatch(&format!("--array=1-{array}"), file)
}

/// The report's job starts when all workers have ended, however they ended.
fn sbatch_report(jobs: &[String], file: &Path) -> Vec<String> {
    sbatch(&format!("--dependency=afterany:{}", jobs.join(":")), file)
}

fn sbatch(option: &str, file: &Path) -> Vec<String> {
    let file = PathBuf::from(file).display().to_string();
    ["sbatch", "--parsable", option, &file].map(str::to_owned).to_vec()
}
