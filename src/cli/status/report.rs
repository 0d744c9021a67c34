//! How far local runs are, as data.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::{hints, local::RunContext, slurm::JobStates};
use crate::{
    experiment::{EvidenceKind, Trial},
    plan::standing::{FineTunes, Standing},
    store::{Ended, Entry, Leased},
    util::shell::quoted,
};

/// What `repro status --format json` prints.
#[derive(Serialize, JsonSchema)]
pub(in super::super) struct StatusReport {
    /// Version of this form: 1. Within a version, fields are added and none is changed.
    format_version: u32,
    /// The kind of local runs.
    evidence: EvidenceKind,
    /// Fine-tunes by claim. Claims share fine-tunes.
    pub(super) claims: Vec<ClaimStatus>,
    /// Fine-tunes of all these claims, each once.
    pub(super) all: Counts,
    /// How many fine-tunes could be needed at most, with every look.
    pub(super) at_most: usize,
    /// The leases in the ledger, those of other claims included.
    pub(super) leases: Vec<LeaseStatus>,
    /// Fine-tunes that failed. They count at their worst in a verdict until one succeeds.
    pub(super) failed: Vec<FailedTrial>,
    /// Fine-tunes that no worker on this machine can run.
    pub(super) unavailable: Vec<Unavailable>,
    /// The time until what is needed next has run.
    pub(super) time_left: TimeLeft,
    /// Why Slurm did not say whether jobs run, in its words; null if it did, or was not asked.
    pub(super) slurm_error: Option<String>,
}

/// A claim's fine-tunes.
#[derive(Serialize, JsonSchema)]
pub(super) struct ClaimStatus {
    /// The claim.
    pub claim: String,
    #[serde(flatten)]
    pub counts: Counts,
}

/// Numbers of fine-tunes.
#[derive(Serialize, JsonSchema)]
pub(super) struct Counts {
    /// What is needed as far as the records say: the sum of the other numbers.
    pub wanted: usize,
    /// Finished.
    pub done: usize,
    /// Failed.
    pub failed: usize,
    /// Run now, by a worker whose heart beats.
    pub leased: usize,
    /// Run by nobody yet.
    pub waiting: usize,
    /// Without something that is missing on this machine.
    pub unavailable: usize,
}

/// A lease.
#[derive(Serialize, JsonSchema)]
pub(super) struct LeaseStatus {
    /// The name of the trial's record.
    pub key: String,
    /// The fine-tune in words; null if these claims do not need it.
    pub fine_tune: Option<String>,
    /// The worker.
    pub worker: String,
    /// The name of its machine.
    pub host: String,
    /// Its job; null if it has none.
    pub job: Option<String>,
    /// When it took the lease, in seconds since 1970 by its own clock.
    pub since: u64,
    /// Seconds since its last heartbeat, by the clock of the file system.
    pub silent_seconds: u64,
    /// Whether it missed ten heartbeats: another worker may take the trial.
    pub stale: bool,
    /// The state of its job in Slurm, `UNKNOWN` if Slurm knows no such job; null if Slurm did not
    /// say. The lease holds whatever Slurm says.
    pub slurm: Option<String>,
}

/// A fine-tune that failed.
#[derive(Serialize, JsonSchema)]
pub(super) struct FailedTrial {
    /// The name of its record.
    pub key: String,
    /// The fine-tune in words.
    pub fine_tune: String,
    /// The error.
    pub reason: String,
    /// The file with every attempt: who ran it where, and the whole message; null if there is
    /// none.
    pub log: Option<String>,
    /// The command that runs it again.
    pub command: String,
}

/// Fine-tunes that can't run on this machine for one reason.
#[derive(Serialize, JsonSchema)]
pub(super) struct Unavailable {
    /// How many.
    pub fine_tunes: usize,
    /// What is missing, and the command that provides it.
    pub reason: String,
}

/// An estimate by the records of the last hour.
#[derive(Serialize, JsonSchema)]
pub(super) struct TimeLeft {
    /// Fine-tunes that are needed next and can run.
    pub fine_tunes: usize,
    /// Seconds; null if no record came in the last hour.
    pub seconds: Option<f64>,
    /// Operations a second of all workers together, over that hour; null likewise.
    pub operations_per_second: Option<f64>,
}

impl StatusReport {
    /// `states` is what Slurm said, if it was asked.
    pub fn new(
        context: &RunContext,
        standing: &Standing,
        leases: &[Leased],
        states: Option<&Result<JobStates, String>>,
    ) -> Self {
        let known = states.and_then(|states| states.as_ref().ok());
        let claim = |(id, counts): &(String, FineTunes)| ClaimStatus {
            claim: id.clone(),
            counts: Counts::from(counts),
        };
        let unavailable = standing.next.missing.iter().map(|(missing, trials)| Unavailable {
            fine_tunes: trials.len(),
            reason: hints::missing(missing),
        });
        let planned = standing.next.planned.len();
        Self {
            format_version: 1,
            evidence: context.kind,
            claims: standing.claims.iter().map(claim).collect(),
            all: Counts::from(&standing.all),
            at_most: standing.at_most,
            leases: leases.iter().map(|lease| LeaseStatus::new(lease, standing, known)).collect(),
            failed: standing.failed.iter().map(|entry| FailedTrial::new(entry, context)).collect(),
            unavailable: unavailable.collect(),
            time_left: TimeLeft {
                fine_tunes: planned,
                seconds: if planned == 0 {
                    Some(0.0)
                } else {
                    standing.seconds_left(&context.world)
                },
                operations_per_second: standing.rate.map(|rate| rate.0),
            },
            slurm_error: states.and_then(|states| states.as_ref().err().cloned()),
        }
    }

    /// Whether no fine-tune is left that can run.
    pub fn is_over(&self) -> bool {
        self.time_left.fine_tunes == 0
    }
}

impl From<&FineTunes> for Counts {
    fn from(of: &FineTunes) -> Self {
        let FineTunes { done, failed, leased, waiting, unavailable } = *of;
        Self { wanted: of.wanted(), done, failed, leased, waiting, unavailable }
    }
}

impl LeaseStatus {
    fn new(lease: &Leased, standing: &Standing, known: Option<&JobStates>) -> Self {
        let holder = &lease.holder;
        let slurm =
            holder.job.as_deref().zip(known).filter(|(job, _)| super::slurm_job(job).is_some());
        Self {
            key: holder.trial.clone(),
            fine_tune: standing.trials.get(&holder.trial).map(words),
            worker: holder.worker.clone(),
            host: holder.host.clone(),
            job: holder.job.clone(),
            since: holder.started,
            silent_seconds: lease.silent.as_secs(),
            stale: lease.stale,
            slurm: slurm.map(|(job, known)| {
                known.get(job).map_or_else(|| "UNKNOWN".to_owned(), Clone::clone)
            }),
        }
    }
}

impl FailedTrial {
    fn new(entry: &Entry, context: &RunContext) -> Self {
        let reason = match &entry.outcome {
            Ended::Failed { reason } => reason.clone(),
            Ended::Finished(_) => String::new(),
        };
        let log = context.ledger.failure_log(&entry.id);
        Self {
            fine_tune: words(&entry.trial),
            reason,
            log: log.exists().then(|| log.display().to_string()),
            command: format!("repro run --key {}{}", quoted(&entry.id[..16]), context.options),
            key: entry.id.clone(),
        }
    }
}

fn words(Trial { recipe, seed }: &Trial) -> String {
    format!("{}, seed {}", recipe.key, seed.0)
}
