//! `repro pretrain`: train a world's source models.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Failure, Outcome, Suites, folders::Data, handoff, runtime::DeviceArgument};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro fetch fmnist && repro pretrain --world smoke --out zoo
  repro pretrain --world smoke --from ~/fashion-mnist --out zoo
  repro pretrain --world lab --device cuda

It writes <role>.safetensors and <role>.json (a card: command, seed, data, accuracies, curve) for each \
source model, and keeps a checkpoint of each one's latest epoch: the same command resumes where it was \
stopped, with the same source. It is written when Ctrl-C stops it, and else every ten seconds at most.";

#[derive(Args)]
pub(super) struct Pretrain {
    /// The world whose source models are made
    #[arg(long, value_enum)]
    pub(super) world: WorldArgument,
    /// The source's images: for smoke the folder that holds Fashion-MNIST's four official files (IDX,
    /// plain or .gz) [default: where `repro fetch fmnist` puts them], for lab the packed file
    /// [default: lab/source.safetensors in the data folder]
    #[arg(long, value_name = "PATH")]
    pub(super) from: Option<PathBuf>,
    #[command(flatten)]
    pub(super) data: Data,
    /// Where weights, cards and checkpoints go [default: for smoke zoo, for lab zoos/lab in the data
    /// folder]
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// What they are trained on
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) device: DeviceArgument,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum WorldArgument {
    /// Thin networks on six classes of Fashion-MNIST
    Smoke,
    /// ResNet-18 on Tiny ImageNet at 64 pixels: for a GPU
    Lab,
}

impl Pretrain {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        handoff::required(suites.engine)?.pretrain(self)
    }
}
