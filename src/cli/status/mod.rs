//! `repro status`: how far local runs are, and who runs what, from the ledger and the claims alone.

mod report;
mod text;

use std::{
    collections::BTreeSet,
    io::Write,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::Args;

use super::{
    Failure, Outcome, Suites,
    claim_ids::ClaimIds,
    format::{Format, OneOf, TEXT_OR_JSON, json},
    kind,
    local::{LocalArguments, RunContext, unusable, warn_damaged},
    messages::stdout,
    slurm,
};
use crate::{claim::Claim, experiment::EvidenceKind, store::Lease};

pub(super) use report::StatusReport;

pub(super) const EXAMPLES: &str = "\
Examples:
  repro status --evidence paper
  repro status l2_best --evidence smoke --watch
  repro status --evidence paper --format json | jq .time_left

What the judge needs next is counted: a hypothesis that is still open may need more at a later \
look. A worker whose heartbeat has stopped for five minutes is taken for dead, and others take over \
what it ran. Slurm, if a worker has a job there, is only asked whether the job still runs.";

/// Time between two reports.
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(super) struct Status {
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
    /// Print again every 5 seconds, until no fine-tune is left that can run
    #[arg(long)]
    watch: bool,
    /// Text for people, or JSON for programs
    #[arg(long, value_parser = OneOf(TEXT_OR_JSON), default_value = "text")]
    format: Format,
    #[command(flatten)]
    local: LocalArguments,
}

impl Status {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        let context = self.local.context(self.evidence, suites);
        let suite = suites.suite(self.evidence)?;
        let claims = self.ids.select(&suite, suites)?;
        loop {
            let report = report(&context, &claims)?;
            let mut out = stdout();
            match self.format {
                Format::Json => json(&mut out, &report)?,
                Format::Text => {
                    if self.watch {
                        // Clears a terminal; elsewhere these characters are not written.
                        write!(out, "\x1b[H\x1b[2J")?;
                    }
                    text::print(&mut out, &report)?;
                }
                other => other.is_not_offered(),
            }
            out.flush()?;
            drop(out);
            if !self.watch || report.is_over() {
                return Ok(Outcome::Done);
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// What the ledger says now.
fn report(context: &RunContext, claims: &[&Claim]) -> Result<StatusReport, Failure> {
    let campaign = context.campaign();
    let mut damaged = Vec::new();
    let leases = Lease::list(&context.ledger, &mut |file| damaged.push(file)).map_err(unusable)?;
    let gathered = campaign.gather(claims).map_err(unusable)?;
    damaged.extend(gathered.damaged.iter().cloned());
    warn_damaged(&damaged);
    let live = leases.iter().filter(|lease| !lease.stale);
    let leased: BTreeSet<&str> = live.map(|lease| &*lease.holder.trial).collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let standing = campaign.standing(claims, &gathered, &leased, now).map_err(unusable)?;
    let jobs: BTreeSet<&str> =
        leases.iter().filter_map(|lease| slurm_job(lease.holder.job.as_deref()?)).collect();
    let states = (!jobs.is_empty()).then(|| slurm::states(&jobs.into_iter().collect::<Vec<_>>()));
    Ok(StatusReport::new(context, &standing, &leases, states.as_ref()))
}

/// The number of a job of Slurm, without the index of its element; `None` for another system's job.
fn slurm_job(job: &str) -> Option<&str> {
    let (number, element) = job.split_once('_').unwrap_or((job, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(number) && is_number(element)).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_of_slurm_have_a_number_and_may_have_an_element() {
        assert_eq!(slurm_job("123"), Some("123"));
        assert_eq!(slurm_job("123_4"), Some("123"));
        for other in ["", "worker-0", "123_", "_4", "1_x", "--all"] {
            assert_eq!(slurm_job(other), None, "{other}");
        }
    }
}
