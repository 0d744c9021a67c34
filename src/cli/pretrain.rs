//! `repro pretrain`: train a world's source models.

use std::{io::Write, path::PathBuf};

use clap::{Args, ValueEnum};
use tch::Device;

use super::{Failure, Outcome, exit, fetch::Data, interrupt, stdout};
use crate::{
    data::{
        DataError, Dataset,
        official::{FASHION_TEST, FASHION_TRAIN, Split},
    },
    pretrain::{Epoch, PretrainError, zoo::Making},
    report::terminal,
    shell::quoted,
    world::World,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro fetch fmnist && repro pretrain --world smoke --out zoo
  repro pretrain --world smoke --from /usr/share/datasets/fashion-mnist --out zoo

It writes <role>.safetensors and <role>.json (a card: command, seed, data, accuracies, curve) for each
source model, and keeps a checkpoint an epoch: the same command goes on where it was stopped.";

/// The source's data set, as the catalogue calls it.
const SOURCE: &str = "fmnist";

#[derive(Args)]
pub(super) struct Pretrain {
    /// The world whose source models are made
    #[arg(long, value_enum)]
    world: WorldArgument,
    /// The folder that holds Fashion-MNIST's four official files (IDX, plain or .gz) [default: where
    /// `repro fetch fmnist` puts them]
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    #[command(flatten)]
    data: Data,
    /// Where weights, cards and checkpoints go
    #[arg(long, value_name = "DIR", default_value = "zoo")]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum WorldArgument {
    /// Thin networks on six classes of Fashion-MNIST
    Smoke,
}

impl Pretrain {
    pub(super) fn run(&self) -> Result<Outcome, Failure> {
        let world = match self.world {
            WorldArgument::Smoke => World::smoke(),
        };
        let (Some(pretraining), Some(source)) = (&world.pretraining, &world.source) else {
            return Err(Failure::usage(
                format!("the {} world has no source models of our own", world.id),
                "its checkpoints are published ones",
            ));
        };
        let folder = self.from.clone().unwrap_or_else(|| self.data.folder().join(SOURCE));
        let unread = |error: DataError| match (&self.from, error) {
            (None, DataError::NeitherPlainNorPacked { path, cause }) => {
                let missing = format!("failed to read {} or {0}.gz: {cause}", path.display());
                let help = format!(
                    "fetch it with `repro fetch {SOURCE}{}`, or name the folder that holds the official \
                     files with --from",
                    self.data.named()
                );
                Failure::new(exit::INPUT, miette::miette!(help = help, "{missing}"))
            }
            (_, error) => Failure::new(exit::INPUT, error),
        };
        let split = |split: &Split| -> Result<Dataset, Failure> {
            let whole = split.read(&folder).map_err(unread)?;
            Ok(whole.of_classes(&source.classes))
        };
        let (train, test) = (split(&FASHION_TRAIN)?, split(&FASHION_TEST)?);
        tch::set_num_threads(1);
        let from = if self.from.is_some() { " --from DIR" } else { "" };
        let command = format!("repro pretrain --world {}{from}", world.id);
        let making = Making {
            pretraining,
            train: &train,
            test: &test,
            device: Device::Cpu,
            out: &self.out,
            command: &command,
            stop: interrupt::flag(),
        };
        let epochs = pretraining.epochs;
        let progress = |name: &str, epoch: &Epoch| {
            let left = f64::from(epochs - epoch.epoch) * epoch.seconds;
            anstream::eprintln!(
                "{name}: epoch {} of {epochs}, loss {:.4}, test accuracy {:.2} %, {:.0} s ({left:.0} s left)",
                epoch.epoch,
                epoch.train_loss,
                epoch.test_accuracy,
                epoch.seconds
            );
        };
        let cards = making.make(&progress).map_err(|error| match error {
            PretrainError::Interrupted { .. } => Failure::new(exit::INTERRUPTED, error),
            PretrainError::Checkpoint(_) => Failure::new(exit::OUTPUT, error),
        })?;
        let rows = cards.iter().map(|card| {
            let robust = card.robust_accuracy.iter();
            let robust: Vec<String> = robust
                .map(|robust| format!("{:.1} ({})", robust.accuracy, robust.attack))
                .collect();
            vec![
                card.role.clone(),
                format!("{:.2}", card.clean_accuracy),
                format!("{:.2}", card.cost),
                robust.join(", "),
            ]
        });
        let header = ["model", "clean %", "cost", "robust %"];
        let mut out = stdout();
        writeln!(out, "{}", terminal::table(&header, rows))?;
        writeln!(out, "weights and cards are in {}", quoted(&self.out.display().to_string()))?;
        Ok(Outcome::Done)
    }
}
