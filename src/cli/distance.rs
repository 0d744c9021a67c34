//! `repro distance`: how far each target's images are from the source's, by features.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Failure, Outcome, Suites, folders::Data, handoff};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro fetch fmnist && repro distance --world smoke
  repro distance --world smoke --from ~/fashion-mnist --out distances.json

The distance is the Fréchet distance between penultimate features of natural (of zoo 1) on the \
source's test images and on each target's. Associations of claims read it from \
goldens/smoke/distances.json, which --out makes again.";

#[derive(Args)]
pub(super) struct Distance {
    /// The world whose targets are measured
    #[arg(long, value_enum)]
    pub(super) world: WorldArgument,
    /// The folder that holds Fashion-MNIST's four official files (IDX, plain or .gz) [default: where
    /// `repro fetch fmnist` puts them]
    #[arg(long, value_name = "PATH")]
    pub(super) from: Option<PathBuf>,
    #[command(flatten)]
    pub(super) data: Data,
    /// A file to write the distances to, as JSON, with digests and the moments of the source's
    /// features
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum WorldArgument {
    /// Thin networks on six classes of Fashion-MNIST
    Smoke,
}

impl Distance {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        handoff::required(suites.engine)?.distance(self)
    }
}
