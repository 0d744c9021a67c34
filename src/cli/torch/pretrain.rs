//! Training a world's source models.

use std::io::Write;

use super::{
    super::{
        Failure, Outcome, exit, interrupt,
        messages::stdout,
        pretrain::{Pretrain, WorldArgument},
        progress,
    },
    named,
};
use crate::{
    data::{
        DataError, Dataset, Images,
        official::{FASHION_TEST, FASHION_TRAIN, Split},
        packed,
    },
    engine::{
        device::{Device, prepare_for_steps, set_threads},
        pretrain::{TrainingEvent, zoo::ZooBuilder},
    },
    report::terminal,
    util::shell::quoted,
    world::{self, SourceClasses, World, ZOOS},
};

/// Fashion-MNIST, as the catalogue calls it.
const FASHION: &str = "fmnist";

/// Images to train on, to test on, and what they are made from where they are packed.
type ReadSource = (Dataset, Dataset, Option<String>);

impl Pretrain {
    pub(super) fn train(&self) -> Result<Outcome, Failure> {
        let world = match self.world {
            WorldArgument::Smoke => World::smoke(),
            WorldArgument::Lab => World::lab(),
        };
        let device = named(self.device, matches!(self.world, WorldArgument::Smoke))?;
        let mut pretraining = world.pretraining.clone().expect("these worlds train their own");
        let (train, test, made_from) = match (&world.source, &world.packed) {
            (Some(source), _) => self.fashion(source)?,
            (None, packed) => self.packed(packed.as_ref().expect("a world has a source"))?,
        };
        // Of a packed source as many as somebody packed.
        pretraining.architecture.classes = train.classes();
        prepare_for_steps(device);
        if device == Device::Cpu && matches!(self.world, WorldArgument::Smoke) {
            // Small images gain nothing from a second thread, and models are trained side by side.
            set_threads(1);
        }
        let zoo = world.zoo.as_ref().map(|zoo| self.data.folder().join(ZOOS).join(&zoo.name));
        let out = self.out.clone().or(zoo).unwrap_or_else(|| "zoo".into());
        let from = if self.from.is_some() { " --from PATH" } else { "" };
        let command = format!("repro pretrain --world {}{from}", world.id);
        let zoo_builder = ZooBuilder {
            pretraining: &pretraining,
            train: &train,
            test: &test,
            made_from: made_from.as_deref(),
            device,
            out: &out,
            command: &command,
            stop: interrupt::flag(),
        };
        let images = train.len() as f64;
        let epochs = pretraining.epochs;
        let progress = |name: &str, event: TrainingEvent<'_>| {
            let epoch = match event {
                TrainingEvent::Images { epoch, done, in_all } => {
                    return progress::images(
                        &format!("{name}: epoch {epoch} of {epochs}"),
                        done,
                        in_all,
                    );
                }
                TrainingEvent::Epoch(epoch) => epoch,
                TrainingEvent::Waits => {
                    return progress::report(
                        "another process makes models in this folder; waiting for it",
                    );
                }
            };
            let left = f64::from(epochs - epoch.epoch) * epoch.seconds;
            progress::report(&format!(
                "{name}: epoch {} of {epochs}, loss {:.4}, test accuracy {:.2} %, {:.0} s, {:.0} images/s \
                 ({left:.0} s left)",
                epoch.epoch,
                epoch.train_loss,
                epoch.test_accuracy,
                epoch.seconds,
                images / epoch.seconds
            ));
        };
        let cards = zoo_builder.make(&progress)?;
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
        let (folder, mut out) = (quoted(&out.display().to_string()), stdout());
        writeln!(out, "{}", terminal::table(&header, rows))?;
        writeln!(out, "weights and cards are in {folder}")?;
        Ok(Outcome::Done)
    }

    /// The classes of Fashion-MNIST that are the source.
    fn fashion(&self, source: &SourceClasses) -> Result<ReadSource, Failure> {
        let folder = self.from.clone().unwrap_or_else(|| self.data.folder().join(FASHION));
        let unread = |error: DataError| match (&self.from, error) {
            (None, DataError::NeitherPlainNorGzip { path, cause }) => {
                let missing = format!("failed to read {} or {0}.gz: {cause}", path.display());
                let help = format!(
                    "fetch it with `repro fetch {FASHION}{}`, or name the folder that holds the official \
                     files with --from",
                    self.data.named()
                );
                Failure::new(exit::INPUT, miette::miette!(help = help, "{missing}"))
            }
            (_, error) => Failure::new(exit::INPUT, error),
        };
        let split = |split: &Split| -> Result<Dataset, Failure> {
            let whole = split.read(&folder).map_err(unread)?;
            Ok(whole.select_classes(&source.classes))
        };
        Ok((split(&FASHION_TRAIN)?, split(&FASHION_TEST)?, None))
    }

    /// Both splits of a packed source.
    fn packed(&self, packed: &world::Packed) -> Result<ReadSource, Failure> {
        let own = || self.data.folder().join(&packed.folder).join(&packed.source);
        let path = self.from.clone().unwrap_or_else(own);
        let read = packed::read(&path).map_err(|error| match error {
            DataError::Unreadable { path, cause } => {
                let help = "pack it with `python3 scripts/pack_lab.py`, or name the packed file with --from";
                let missing = format!("failed to read {}: {cause}", path.display());
                Failure::new(exit::INPUT, miette::miette!(help = help, "{missing}"))
            }
            error => Failure::new(exit::INPUT, error),
        })?;
        anstream::eprintln!("the source: {}", read.made_from);
        match (read.target.train, read.target.test) {
            (Images::Bytes(train), Images::Bytes(test)) => Ok((train, test, Some(read.made_from))),
            _ => unreachable!("packed images are read as bytes"),
        }
    }
}
