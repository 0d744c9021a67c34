//! `repro schema`: the JSON Schema of claims, and of each form that a command prints.

use clap::{Args, ValueEnum};

use super::{
    Failure, Outcome, coverage::CoverageReport, doctor::MachineReport, fetch::FetchReport,
    format::json, list::ClaimList, messages::stdout, one_seed::OneSeedReport, plan::PlanReport,
    power::PowerOfClaims, records::LoggedRuns, show::ShownClaims, status::StatusReport,
};
use crate::{
    checkpoint::Inspection,
    claim::raw::RawClaim,
    judge::Verdicts,
    plan::sensitivity::{Answers, curve::Curve},
    replication::{Comparison, of_study::StudyComparison},
    report::{citation::Citation, tables::PaperTable},
    study::raw::RawStudy,
};

#[derive(Args)]
pub(super) struct Schema {
    /// Which schema
    #[arg(value_enum)]
    of: Of,
}

#[derive(Clone, Copy, ValueEnum)]
enum Of {
    /// A claim's file, for editors
    Claim,
    /// What a log means: the file `log.toml`, for editors
    Study,
    /// The part that `citation` and `sensitivity` share
    Verdicts,
    /// What `verify --format json` prints, and `repro-verdicts.json`: the form to cite
    Citation,
    /// What `sensitivity --format json` prints
    Sensitivity,
    /// What `sensitivity --curve --format json` prints
    Curve,
    /// What `compare --format json` prints
    Comparison,
    /// What `compare --means FILE --format json` prints, for a log of your own
    StudyComparison,
    /// What `records --format json` prints for a log
    Runs,
    /// What `inspect --format json` prints
    Inspection,
    /// What `list --format json` prints
    List,
    /// What `show --format json` prints
    Show,
    /// What `show --coverage --format json` prints
    Coverage,
    /// What `table --format json` prints
    Table,
    /// What `power --format json` prints
    Power,
    /// What `power --one-seed --format json` prints
    OneSeed,
    /// What `plan --format json` prints; `trials` has the lines of `plan --format jsonl`
    Plan,
    /// What `status --format json` prints
    Status,
    /// What `doctor --format json` prints
    Doctor,
    /// What `fetch --format json` prints
    Fetch,
}

impl Schema {
    pub(super) fn run(&self) -> Result<Outcome, Failure> {
        let schema = match self.of {
            Of::Claim => schemars::schema_for!(RawClaim),
            Of::Study => schemars::schema_for!(RawStudy),
            Of::Verdicts => schemars::schema_for!(Verdicts),
            Of::Citation => schemars::schema_for!(Citation),
            Of::Sensitivity => schemars::schema_for!(Answers),
            Of::Curve => schemars::schema_for!(Curve),
            Of::Comparison => schemars::schema_for!(Comparison),
            Of::StudyComparison => schemars::schema_for!(StudyComparison),
            Of::Runs => schemars::schema_for!(LoggedRuns),
            Of::Inspection => schemars::schema_for!(Inspection),
            Of::List => schemars::schema_for!(ClaimList),
            Of::Show => schemars::schema_for!(ShownClaims),
            Of::Coverage => schemars::schema_for!(CoverageReport),
            Of::OneSeed => schemars::schema_for!(OneSeedReport),
            Of::Table => schemars::schema_for!(PaperTable),
            Of::Power => schemars::schema_for!(PowerOfClaims),
            Of::Plan => schemars::schema_for!(PlanReport),
            Of::Status => schemars::schema_for!(StatusReport),
            Of::Doctor => schemars::schema_for!(MachineReport),
            Of::Fetch => schemars::schema_for!(FetchReport),
        };
        json(&mut stdout(), &schema)?;
        Ok(Outcome::Done)
    }
}
