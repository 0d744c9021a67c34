//! `repro work`: a worker that plans, leases, runs and records missing fine-tunes, again and again,
//! beside any number of others.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use clap::Args;

use super::{
    Failure, Outcome, Suites,
    claim_ids::ClaimIds,
    exit, handoff, kind,
    local::{LocalArguments, RunContext, unusable},
    messages::message,
    moments::{moment, span},
};
use crate::{
    claim::Claim,
    experiment::EvidenceKind,
    figure::numbers::counted,
    plan::{
        campaign::{Progress, Runner},
        cost::Throughput,
        work::{self, Ending, Limits},
    },
    store::{DeviceFault, Worker},
    util::{duration, machine},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro work --evidence lab                        until the judge needs no more
  repro work --evidence paper --leave              ... or others run all that is left
  repro work --evidence paper --for 55m --leave    begins nothing that takes longer
  repro work --evidence paper robust_beats_natural --until \"$SLURM_JOB_END_TIME\" --leave

Start one for each GPU, on any number of machines that share the ledger's folder. Each can be killed \
at any moment: what it ran is then run by another.";

/// The environment variable with the end of the time, in seconds since 1970, for a worker that
/// starts itself again after its GPU failed.
const UNTIL: &str = "REPRO_WORK_UNTIL";
/// With so many faults of devices within an hour, a worker leaves.
const MOST_FAULTS: usize = 2;

#[derive(Args)]
pub(super) struct Work {
    #[command(flatten)]
    ids: ClaimIds,
    /// The kind of local runs
    #[arg(
        long,
        value_name = "KIND",
        value_parser = kind::one_of(kind::LOCAL),
        default_value = "smoke"
    )]
    evidence: EvidenceKind,
    /// Begin nothing that would end after this time, such as 55m or 1h30m
    #[arg(long = "for", value_name = "TIME", value_parser = span, conflicts_with = "until")]
    span: Option<Duration>,
    /// Begin nothing that would end after this moment, such as 2026-11-30T17:05, or seconds since
    /// 1970
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<SystemTime>,
    /// Time to spare before the end
    #[arg(long, value_name = "TIME", value_parser = span, default_value = "3m")]
    margin: Duration,
    /// Leave when other workers run all that is left, instead of waiting for them
    #[arg(long)]
    leave: bool,
    /// The name of this worker in leases [default: host and process number]
    #[arg(long, value_name = "NAME")]
    worker: Option<String>,
    #[command(flatten)]
    local: LocalArguments,
}

impl Work {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        handoff::rather(suites.engine)?;
        let worker = self.worker()?;
        let end = self.end(SystemTime::now());
        let context = self.local.context(self.evidence, suites);
        let suite = suites.suite(self.evidence)?;
        let claims = self.ids.select(&suite, suites)?;
        self.leave_faulty_host(&context, &worker)?;
        let ended = self.work(&context, &claims, &worker, end);
        if let Err(failure) = &ended
            && let Some(said) = failure.device_fault()
        {
            DeviceFault::note(&context.ledger, &worker, &said).map_err(unusable)?;
            self.leave_faulty_host(&context, &worker)?;
            message!("warning: {said}; starting again, since a process can't use that GPU again");
            return Err(again(end));
        }
        ended
    }

    fn worker(&self) -> Result<Worker, Failure> {
        let job = job(|variable| std::env::var(variable).ok());
        let default = || format!("{}-{}", machine::host(), std::process::id());
        let name = self.worker.clone().unwrap_or_else(default);
        Worker::new(&name, job.as_deref()).map_err(|fault| {
            Failure::usage(format!("the name of the worker {fault}"), "name another: --worker NAME")
        })
    }

    /// When the time ends, if it does; known from before if this worker started itself again.
    fn end(&self, now: SystemTime) -> Option<SystemTime> {
        let before = std::env::var(UNTIL).ok().and_then(|until| moment(&until).ok());
        before.or(self.until).or_else(|| self.span.and_then(|span| now.checked_add(span)))
    }

    fn work(
        &self,
        context: &RunContext,
        claims: &[&Claim],
        worker: &Worker,
        end: Option<SystemTime>,
    ) -> Result<Outcome, Failure> {
        let left = |end: SystemTime| {
            let left = end.duration_since(SystemTime::now()).unwrap_or_default();
            Instant::now() + left.saturating_sub(self.margin)
        };
        let limits = Limits { until: end.map(left), leave: self.leave };
        let campaign = context.campaign();
        let reporter = context.reporter(&context.ledger);
        let machine = context.machine()?;
        let timed = || timed(context);
        let queue = work::Work::new(
            &campaign,
            claims,
            worker,
            limits,
            machine.processor(),
            &timed,
            machine.at_once(),
            &reporter,
        );
        let queue = queue.map_err(unusable)?;
        Runner::run(context, &queue, &|event| reporter.happens(event))?;
        let stored = queue.stored();
        match queue.ending() {
            // What is missing was reported.
            Some(Ending::Done) if stored == 0 && queue.missing() > 0 => {
                Err(Failure::silent(exit::INPUT))
            }
            None | Some(Ending::Done) => Ok(Outcome::Done),
            Some(Ending::Elsewhere { fine_tunes }) => {
                message!("leaving: other workers run the {} left", fine_tunes_of(fine_tunes));
                Ok(Outcome::Done)
            }
            Some(Ending::NoTime { fine_tunes, shortest }) => {
                let shortest = shortest.map(|seconds| {
                    format!("; the shortest takes about {} on this processor", duration(seconds))
                });
                let left = format!(
                    "{} left, and the time that is left is too short for any{}",
                    fine_tunes_of(fine_tunes),
                    shortest.unwrap_or_default()
                );
                if stored > 0 {
                    message!("leaving: {left}");
                    return Ok(Outcome::Done);
                }
                let help = "give the worker more time (--for, --until), or a smaller --margin";
                Err(Failure::new(
                    exit::LATER,
                    miette::miette!(help = help, "nothing was run: {left}"),
                ))
            }
        }
    }

    /// Leaves a host whose devices failed twice within an hour.
    fn leave_faulty_host(&self, context: &RunContext, worker: &Worker) -> Result<(), Failure> {
        let host = worker.host();
        let faults = DeviceFault::recent(&context.ledger, host).map_err(unusable)?;
        if faults.len() < MOST_FAULTS {
            return Ok(());
        }
        let help = format!(
            "leave the host out, in Slurm with `--exclude={host}`, and let its administrators know"
        );
        let what = format!("{} devices of {host} failed within an hour", faults.len());
        Err(Failure::new(exit::LATER, miette::miette!(help = help, "{what}")))
    }
}

fn fine_tunes_of(count: usize) -> String {
    counted(count, "fine-tune")
}

/// The job that this process belongs to, as Slurm's commands name it.
fn job(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let of_array = variable("SLURM_ARRAY_JOB_ID").zip(variable("SLURM_ARRAY_TASK_ID"));
    of_array.map(|(job, task)| format!("{job}_{task}")).or_else(|| variable("SLURM_JOB_ID"))
}

/// The speed by a short fine-tune, for a worker whose time is limited.
fn timed(context: &RunContext) -> Option<Throughput> {
    message!("timing a short fine-tune of random weights, since the time is limited");
    let timed = context.machine().ok()?.calibrate(&context.world);
    timed.map_err(|cause| message!("warning: failed to time a fine-tune here: {cause}")).ok()
}

/// Becomes this program again, with the time that is left; returns only if that fails.
fn again(end: Option<SystemTime>) -> Failure {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("repro-engine"));
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1));
    if let Some(since) = end.and_then(|end| end.duration_since(UNIX_EPOCH).ok()) {
        command.env(UNTIL, since.as_secs().to_string());
    }
    let cause = std::os::unix::process::CommandExt::exec(&mut command);
    Failure::new(exit::FAILED, miette::miette!("failed to start this program again: {cause}"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{
        assets::Assets,
        cli::{
            distance::Distance,
            pretrain::Pretrain,
            runtime::{DeviceRequest, Engine, Machine, Place},
        },
        experiment::{Precision, Trial},
        plan::queue::{Queue, Report},
        world::World,
    };

    #[test]
    fn a_job_has_the_name_that_slurm_prints() {
        let named = |known: &[(&str, &str)]| {
            job(|variable| {
                let mut found = known.iter().filter(|(name, _)| *name == variable);
                found.next().map(|(_, value)| (*value).to_owned())
            })
        };
        let array = [("SLURM_ARRAY_JOB_ID", "7"), ("SLURM_ARRAY_TASK_ID", "3")];
        assert_eq!(named(&[&array[..], &[("SLURM_JOB_ID", "9")]].concat()).as_deref(), Some("7_3"));
        assert_eq!(named(&[("SLURM_JOB_ID", "9")]).as_deref(), Some("9"));
        assert_eq!(named(&array[1..]), None);
    }

    /// A machine whose GPU fails.
    struct Faulty;

    impl Engine for Faulty {
        fn start(&self) {}

        fn open(&self, _: DeviceRequest) -> Result<Box<dyn Machine>, Failure> {
            Ok(Box::new(Self))
        }

        fn inventory(&self) -> Vec<(&'static str, String)> {
            Vec::new()
        }

        fn pretrain(&self, _: &Pretrain) -> Result<Outcome, Failure> {
            unreachable!("only fine-tunes are run")
        }

        fn distance(&self, _: &Distance) -> Result<Outcome, Failure> {
            unreachable!("only fine-tunes are run")
        }
    }

    impl Machine for Faulty {
        fn processor(&self) -> String {
            "faulty".to_owned()
        }

        fn is_cpu(&self) -> bool {
            false
        }

        fn at_once(&self) -> usize {
            1
        }

        fn refuses(&self, _: Precision) -> Option<String> {
            None
        }

        fn run(&self, _: &Place<'_>, queue: &dyn Queue, _: Report<'_>) -> Result<(), Failure> {
            let next = queue.next().unwrap().expect("there is something to run");
            assert!(!next.family.is_empty());
            let said = miette::miette!("CUDA error: an illegal memory access was encountered");
            Err(Failure::new(exit::FAILED, said).of_device())
        }

        fn calibrate(&self, _: &World) -> Result<Throughput, String> {
            unreachable!("the time is not limited")
        }

        fn first_steps(
            &self,
            _: &dyn Assets,
            _: &[Trial],
        ) -> Result<Vec<(f64, Option<f64>)>, String> {
            unreachable!("only fine-tunes are run")
        }
    }

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        work: Work,
    }

    /// The ledger of the next test's worker.
    const LEDGER: &str = "REPRO_TEST_FAULTY_LEDGER";

    /// A worker of the next test, in a process of its own, which starts itself again as this test.
    #[test]
    fn a_worker_whose_gpu_fails() {
        let Some(ledger) = std::env::var_os(LEDGER) else { return };
        let words = ["repro", "control_more_images", "--leave", "--ledger"].map(Into::into);
        let line = Line::parse_from(words.into_iter().chain([ledger]));
        let suites = Suites::new(None, Some(&Faulty)).unwrap();
        let ended = line.work.run(&suites);
        std::process::exit(ended.map_or_else(Failure::report, Outcome::code).into());
    }

    #[test]
    fn after_two_faults_of_devices_a_worker_leaves_its_host_and_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let worker = || {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "--nocapture", "cli::work::tests::a_worker_whose_gpu_fails"]);
            let ran = command.env(LEDGER, folder.path()).output().unwrap();
            let said = String::from_utf8(ran.stderr).unwrap();
            let said: Vec<&str> = said.split_whitespace().filter(|word| *word != "│").collect();
            (ran.status.code(), said.join(" "))
        };
        let faults = || {
            let ledger = crate::store::Ledger::new(folder.path().to_owned());
            DeviceFault::recent(&ledger, &machine::host()).unwrap().len()
        };
        let (code, said) = worker();
        assert_eq!((code, faults()), (Some(75), 2), "{said}");
        assert_eq!(said.matches("starting again").count(), 1, "{said}");
        let host = machine::host();
        for words in
            [format!("2 devices of {host} failed within an hour"), format!("`--exclude={host}`")]
        {
            assert!(said.contains(&words), "{said}");
        }
        // The next one on this host does not try.
        let (code, said) = worker();
        assert_eq!((code, faults()), (Some(75), 2), "{said}");
        assert!(!said.contains("starting again"), "{said}");
    }
}
