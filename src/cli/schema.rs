//! `repro schema`: the JSON Schema of what is read and what is printed.

use std::io::Write;

use clap::{Args, ValueEnum};

use super::{Failure, Outcome, stdout};
use crate::{
    checkpoint::Inspection, claim::raw::RawClaim, judge::Verdicts, plan::sensitivity::Answers,
    replication::Comparison, report::citation::Citation,
};

#[derive(Args)]
pub(super) struct Schema {
    /// Which schema
    #[arg(value_enum)]
    of: Of,
}

#[derive(Clone, Copy, ValueEnum)]
enum Of {
    /// A claim's spec, for editors
    Claim,
    /// Verdicts, which `verify` and `sensitivity` print with more beside them
    Verdicts,
    /// The form to cite: `repro-verdicts.json`, and what `verify --format json` prints
    Citation,
    /// What `sensitivity --format json` prints
    Sensitivity,
    /// What `compare --format json` prints
    Comparison,
    /// What `inspect --format json` prints
    Inspection,
}

impl Schema {
    pub(super) fn run(&self) -> Result<Outcome, Failure> {
        let schema = match self.of {
            Of::Claim => schemars::schema_for!(RawClaim),
            Of::Verdicts => schemars::schema_for!(Verdicts),
            Of::Citation => schemars::schema_for!(Citation),
            Of::Sensitivity => schemars::schema_for!(Answers),
            Of::Comparison => schemars::schema_for!(Comparison),
            Of::Inspection => schemars::schema_for!(Inspection),
        };
        let mut out = stdout();
        serde_json::to_writer_pretty(&mut out, &schema).map_err(std::io::Error::from)?;
        writeln!(out)?;
        Ok(Outcome::Done)
    }
}
