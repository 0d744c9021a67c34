//! `repro runs`, the old spelling of `repro records`.

use std::path::PathBuf;

use clap::Args;

use super::{
    super::{
        Failure, Outcome,
        format::{Format, OneOf, TEXT_OR_JSON},
        local::LocalArguments,
        messages::old_spelling,
    },
    bundle,
    filter::Filter,
    list, show,
};

#[derive(Args)]
pub(in super::super) struct Runs {
    /// Show one record: the first digits of its name
    #[arg(value_name = "RECORD")]
    record: Option<String>,
    #[command(flatten)]
    filter: Filter,
    /// Write records into one file
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    export: Option<PathBuf>,
    /// Read the records of such a file into the ledger first
    #[arg(long, value_name = "FILE")]
    import: Option<PathBuf>,
    /// Text for people, or JSON for programs
    #[arg(long, value_parser = OneOf(TEXT_OR_JSON), default_value = "text")]
    format: Format,
    #[command(flatten)]
    local: LocalArguments,
}

impl Runs {
    pub(in super::super) fn run(&self) -> Result<Outcome, Failure> {
        let (old, new) = match (&self.import, &self.record, &self.export) {
            (Some(_), ..) => ("`repro runs --import FILE`", "`repro records import FILE`"),
            (_, Some(_), _) => ("`repro runs RECORD`", "`repro records show RECORD`"),
            (.., Some(_)) => ("`repro runs --export FILE`", "`repro records export FILE`"),
            _ => ("`repro runs`", "`repro records list`"),
        };
        old_spelling(old, new);
        let ledger = self.local.ledger();
        if let Some(file) = &self.import {
            bundle::read(file, &ledger, false)?;
        }
        if let Some(record) = &self.record {
            return show::print(std::slice::from_ref(record), &ledger, self.format);
        }
        let entries = self.filter.select(&ledger)?;
        match &self.export {
            Some(file) => bundle::write(file, &entries, &ledger),
            None => list::print(&entries, &ledger, self.format),
        }
    }
}
