//! `repro doctor`: what this machine has, and so which evidence each claim can have.

use std::io::Write;

use clap::Args;

use super::{Failure, Outcome, Suites, list::Sides, ours::Ours, stdout};
use crate::{device, report::terminal};

#[derive(Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    ours: Ours,
}

impl Doctor {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        let mut out = stdout();
        for (name, found) in in_words(&device::inventory()) {
            writeln!(out, "{name:<10} {found}")?;
        }
        let sides = Sides::new(suites, &self.ours)?;
        for evidence in &sides.evidence {
            let (title, count) = (&evidence.title, evidence.records.len());
            writeln!(out, "{:<10} {title}: {count} records", evidence.kind.name())?;
        }
        writeln!(out, "{:<10} {}", "ledger", self.ours.ledger().folder().display())?;
        writeln!(out)?;
        let words = |(there, asked): (usize, usize)| match there {
            _ if there == asked => format!("yes, all {asked} fine-tunes"),
            0 => "no record".to_owned(),
            _ => format!("{there} of {asked} fine-tunes"),
        };
        let rows = sides.published.claims().iter().map(|claim| {
            let mut row = vec![claim.id.clone()];
            row.extend(sides.coverage(&claim.id).map(words));
            row
        });
        writeln!(
            out,
            "{}",
            terminal::table(&["claim", "published evidence", "smoke evidence"], rows)
        )?;
        writeln!(
            out,
            "\n`repro verify` runs what the smoke evidence lacks; any claim can be judged on a log that \
             has its\nrecords: repro verify --log FILE"
        )?;
        Ok(Outcome::Done)
    }
}

fn in_words(found: &device::Inventory) -> Vec<(&'static str, String)> {
    let unknown = || "unknown".to_owned();
    let version = found.libtorch_loaded.clone().unwrap_or_else(unknown);
    let folder = found.loaded_from.clone().unwrap_or_else(unknown);
    let linked = match &found.libtorch_linked {
        Some(linked) if found.libtorch_loaded.as_ref() != Some(linked) => {
            format!(" (built with {linked})")
        }
        _ => String::new(),
    };
    let cuda = match &found.cuda_missing {
        None => format!("{} devices", found.cuda_devices),
        Some(reason) => format!("none: {reason}"),
    };
    vec![
        ("repro", env!("CARGO_PKG_VERSION").to_owned()),
        ("libtorch", format!("{version}{linked}, from {folder}")),
        ("cpu", format!("{} kernels", found.cpu_capability)),
        (
            "threads",
            format!(
                "{} within an operation, {} between operations",
                found.intra_op_threads, found.inter_op_threads
            ),
        ),
        ("cuda", cuda),
    ]
}
