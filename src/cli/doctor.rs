//! `repro doctor`: what this machine has, and so which evidence each claim can have.

use std::io::Write;

use clap::Args;

use super::{Failure, Outcome, stdout};
use crate::{claim::suite::Suite, device, evidence::Evidence, report::terminal, verdict::Verdict};

#[derive(Args)]
pub(super) struct Doctor {}

impl Doctor {
    #[expect(clippy::unused_self, reason = "every command is run alike")]
    pub(super) fn run(&self, suite: &Suite) -> Result<Outcome, Failure> {
        let mut out = stdout();
        for (name, found) in in_words(&device::inventory()) {
            writeln!(out, "{name:<10} {found}")?;
        }
        let evidence = Evidence::published()?;
        let (title, count) = (&evidence.title, evidence.records.len());
        writeln!(out, "{:<10} {title}: {count} records", "published")?;
        writeln!(out)?;
        let rows = suite.claims().iter().map(|claim| {
            let (there, asked) = evidence.coverage(claim);
            let published = match there {
                _ if there == asked => format!("yes, all {asked} fine-tunes that it compares"),
                0 => "no record, so it is incomplete".to_owned(),
                _ => format!(
                    "{there} of the {asked} fine-tunes that it compares: {}",
                    Verdict::Incomplete
                ),
            };
            vec![claim.id.clone(), published]
        });
        writeln!(out, "{}", terminal::table(&["claim", "published evidence"], rows))?;
        writeln!(
            out,
            "\nany claim can be judged on a log that has its records: repro verify --log FILE"
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
        ("ledger", "none: this version judges logs and keeps no records of its own".to_owned()),
    ]
}
