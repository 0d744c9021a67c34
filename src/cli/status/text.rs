//! How far local runs are, as tables and sentences.

use std::{
    io::Write,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    super::Failure,
    report::{Counts, LeaseStatus, StatusReport},
};
use crate::{
    figure::numbers::counted,
    report::terminal,
    util::{duration, shown::inert},
};

pub(super) fn print(out: &mut impl Write, report: &StatusReport) -> Result<(), Failure> {
    writeln!(out, "{}\n", claims(report))?;
    if !report.leases.is_empty() {
        writeln!(out, "{}\n", leases(&report.leases))?;
    }
    if let Some(error) = &report.slurm_error {
        writeln!(out, "Slurm does not say whether jobs run: {}\n", inert(error))?;
    }
    for failed in &report.failed {
        let log = failed.log.as_ref().map(|log| format!(" (log: {log})")).unwrap_or_default();
        let reason = inert(&failed.reason);
        writeln!(out, "failed: {}: {reason}{log}: run `{}`", failed.fine_tune, failed.command)?;
    }
    for unavailable in &report.unavailable {
        let what = counted(unavailable.fine_tunes, "fine-tune");
        writeln!(out, "{what} can't run on this machine: {}", unavailable.reason)?;
    }
    Ok(writeln!(out, "{}", terminal::prose(&left(report)))?)
}

fn claims(report: &StatusReport) -> String {
    let row = |name: &str, counts: &Counts| {
        let Counts { wanted, done, failed, leased, waiting, unavailable } = counts;
        let numbers = [wanted, done, failed, leased, waiting, unavailable];
        let numbers = numbers.into_iter().map(ToString::to_string);
        std::iter::once(name.to_owned()).chain(numbers).collect::<Vec<_>>()
    };
    let each = report.claims.iter().map(|claim| row(&claim.claim, &claim.counts));
    let all = (report.claims.len() > 1).then(|| row("all of them", &report.all));
    let header = ["claim", "wanted", "done", "failed", "runs", "waits", "can't run"];
    terminal::table(&header, each.chain(all))
}

fn leases(leases: &[LeaseStatus]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let rows = leases.iter().map(|lease| {
        let beat = match lease.stale {
            true => format!("stopped, {} ago", duration(lease.silent_seconds as f64)),
            false => format!("{} s ago", lease.silent_seconds),
        };
        let job = match (&lease.job, &lease.slurm) {
            (None, _) => String::new(),
            (Some(job), None) => job.clone(),
            (Some(job), Some(state)) => format!("{job} {state}"),
        };
        let other = "of other claims".to_owned();
        vec![
            inert(&lease.worker).to_string(),
            inert(&lease.host).to_string(),
            inert(&job).to_string(),
            lease.fine_tune.clone().unwrap_or(other),
            duration(now.saturating_sub(lease.since) as f64),
            beat,
        ]
    });
    let header = ["worker", "host", "job", "fine-tune", "for", "heartbeat"];
    terminal::table(&header, rows)
}

/// What is left, and how long it takes.
fn left(report: &StatusReport) -> String {
    let left = &report.time_left;
    let at_most = format!("{} could be needed at most", report.at_most);
    match (left.fine_tunes, left.seconds) {
        (0, _) => format!("nothing is left that can run here; {at_most}"),
        (count, None) => format!(
            "{} left; how long they take is unknown, since no record came in the last hour; \
             {at_most}",
            counted(count, "fine-tune")
        ),
        (count, Some(seconds)) => format!(
            "{} left, about {} at the rate of the last hour; {at_most}",
            counted(count, "fine-tune"),
            duration(seconds)
        ),
    }
}
