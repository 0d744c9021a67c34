//! Training a world's source models.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Instant,
};

use super::{
    super::{
        Failure, Outcome, exit,
        folders::Data,
        interrupt,
        messages::{message, stdout},
        pretrain::{Pretrain, Seeds, WorldArgument},
        progress,
    },
    estimate::Estimate,
    named,
};
use crate::{
    assets::further_zoos,
    data::{
        DataError, Dataset, Images,
        official::{FASHION_TEST, FASHION_TRAIN, Split},
        packed,
    },
    engine::{
        device::{Device, prepare_for_steps, set_threads},
        pretrain::{TrainingEvent, zoo::ZooBuilder},
    },
    experiment::{Card, Pretraining, Seed, WeightsPrecision},
    report::terminal,
    util::{duration, files, shell::quoted},
    world::{self, SourceClasses, World, ZOOS},
};

/// Fashion-MNIST, as the catalogue calls it.
const FASHION: &str = "fmnist";

/// Images to train on, to test on, and what they are made from where they are packed.
type ReadSource = (Dataset, Dataset, Option<String>);

/// A zoo to make.
struct Zoo {
    recipe: Pretraining,
    precision: WeightsPrecision,
    /// The folder of its weights and cards.
    out: PathBuf,
    /// The command that its cards name.
    command: String,
    /// Its number among several, from 1, and how many they are; `None` without `--seeds`.
    place: Option<(usize, usize)>,
}

impl Pretrain {
    pub(super) fn train(&self) -> Result<Outcome, Failure> {
        let world = match self.world {
            WorldArgument::Smoke => World::smoke(),
            WorldArgument::Lab => World::lab(),
        };
        let device = named(self.device, matches!(self.world, WorldArgument::Smoke))?;
        let mut pretraining = world.pretraining.clone().expect("these worlds train their own");
        if let Some(seeds) = &self.seeds {
            self.check(seeds, &pretraining)?;
        }
        let (train, test, made_from) = match (&world.source, &world.packed) {
            (Some(source), _) => {
                let (train, test) = fashion(self.from.as_deref(), &self.data, source)?;
                (train, test, None)
            }
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
        let zoos = self.zoos(&world.id, pretraining, &out);
        for zoo in &zoos {
            for folder in [&zoo.out, &zoo.out.join("checkpoints")] {
                files::check_writable(folder).map_err(|cause| {
                    let help = "name a folder that you may write to with --out";
                    let unwritable = format!("failed to write into {}: {cause}", folder.display());
                    Failure::new(exit::OUTPUT, miette::miette!(help = help, "{unwritable}"))
                })?;
            }
        }
        let recipes: Vec<&Pretraining> = zoos.iter().map(|zoo| &zoo.recipe).collect();
        let estimate = Estimate::new(&recipes, [train.len() as u64, test.len() as u64]);
        let (begun, estimate) = (Instant::now(), Mutex::new(estimate));
        let mut cards = Vec::new();
        for zoo in &zoos {
            let builder = ZooBuilder {
                pretraining: &zoo.recipe,
                train: &train,
                test: &test,
                made_from: made_from.as_deref(),
                device,
                out: &zoo.out,
                command: &zoo.command,
                precision: zoo.precision,
                stop: interrupt::flag(),
            };
            let left = |training: &str, epoch: u32| {
                let mut estimate = estimate.lock().expect("no panic holds it");
                estimate.epoch(&zoo.recipe, training, epoch, begun.elapsed())
            };
            let progress = |training: &str, event: TrainingEvent<'_>| {
                zoo.report(training, event, train.len(), &left);
            };
            cards.extend(builder.make(&progress)?);
            estimate.lock().expect("no panic holds it").complete(&zoo.recipe);
        }
        self.print(&cards, &out)
    }

    /// Rejects `--seeds` for another world, the seed of the bundled zoo, and roles that can't be
    /// trained.
    fn check(&self, seeds: &Seeds, bundled: &Pretraining) -> Result<(), Failure> {
        if !matches!(self.world, WorldArgument::Smoke) {
            let message = "--seeds makes further zoos of the smoke world only";
            return Err(Failure::usage(message, "leave --seeds out, or name --world smoke"));
        }
        if seeds.0.contains(&bundled.seed) {
            return Err(Failure::usage(
                format!("seed {} is that of the bundled zoo", bundled.seed.0),
                "leave that seed out; the same command without --seeds makes the bundled zoo",
            ));
        }
        for seed in &seeds.0 {
            self.recipe(bundled, *seed).map_err(|message| {
                let help = "name natural, and for linf_8 and gaussian the model whose eps theirs \
                            follows from";
                Failure::usage(message, help)
            })?;
        }
        Ok(())
    }

    /// The zoos to make, in order: one for each seed of `--seeds`, else the world's own.
    fn zoos(&self, world: &str, pretraining: Pretraining, out: &Path) -> Vec<Zoo> {
        let from = if self.from.is_some() { " --from PATH" } else { "" };
        let Some(Seeds(seeds)) = &self.seeds else {
            return vec![Zoo {
                recipe: pretraining,
                precision: WeightsPrecision::Single,
                out: out.to_owned(),
                command: format!("repro pretrain --world {world}{from}"),
                place: None,
            }];
        };
        let of = seeds.len();
        let changes = self.changes();
        let zoo = |(index, seed): (usize, &Seed)| Zoo {
            recipe: self.recipe(&pretraining, *seed).expect("roles are checked"),
            precision: WeightsPrecision::Half,
            out: out.join(seed.0.to_string()),
            // Names this seed alone: a card does not depend on which other zoos are made.
            command: format!("repro pretrain --world {world} --seeds {}{changes}{from}", seed.0),
            place: Some((index + 1, of)),
        };
        seeds.iter().enumerate().map(zoo).collect()
    }

    /// The recipe of a further zoo, with these options' models and steps.
    fn recipe(&self, bundled: &Pretraining, seed: Seed) -> Result<Pretraining, String> {
        let mut recipe = further_zoos::recipe(bundled, seed);
        recipe.steps_share = self.steps_share;
        if !self.roles.is_empty() {
            further_zoos::keep_roles(&mut recipe, &self.roles)?;
        }
        Ok(recipe)
    }

    /// The options that change a further zoo's recipe, as its cards name them.
    fn changes(&self) -> String {
        let roles = match self.roles.is_empty() {
            true => String::new(),
            false => format!(" --roles {}", self.roles.join(",")),
        };
        let share = self.steps_share.map(|share| format!(" --steps-share {share}"));
        roles + &share.unwrap_or_default()
    }

    /// Prints what came out, a row for each model.
    fn print(&self, cards: &[Card], out: &Path) -> Result<Outcome, Failure> {
        let several = self.seeds.is_some();
        let rows = cards.iter().map(|card| {
            let robust = card.robust_accuracy.iter();
            let robust: Vec<String> = robust
                .map(|robust| format!("{:.1} ({})", robust.accuracy, robust.attack))
                .collect();
            let row = [
                card.seed.to_string(),
                card.role.clone(),
                format!("{:.2}", card.clean_accuracy),
                format!("{:.2}", card.cost),
                robust.join(", "),
            ];
            row.into_iter().skip(usize::from(!several)).collect()
        });
        let header = ["seed", "model", "clean %", "cost", "robust %"];
        let header = &header[usize::from(!several)..];
        let (folder, mut out) = (quoted(&out.display().to_string()), stdout());
        writeln!(out, "{}", terminal::table(header, rows))?;
        let each = if several { ", in one folder for each seed" } else { "" };
        writeln!(out, "weights and cards are in {folder}{each}")?;
        Ok(Outcome::Done)
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
        message!("the source: {}", read.made_from);
        match (read.target.train, read.target.test) {
            (Images::Bytes(train), Images::Bytes(test)) => Ok((train, test, Some(read.made_from))),
            _ => unreachable!("packed images are read as bytes"),
        }
    }
}

/// The classes of Fashion-MNIST that are the source: images to train on and to test on.
pub(super) fn fashion(
    from: Option<&Path>,
    data: &Data,
    source: &SourceClasses,
) -> Result<(Dataset, Dataset), Failure> {
    let folder = from.map_or_else(|| data.folder().join(FASHION), Path::to_owned);
    let unread = |error: DataError| match (from, error) {
        (None, DataError::NeitherPlainNorGzip { path, cause }) => {
            let missing = format!("failed to read {} or {0}.gz: {cause}", path.display());
            let help = format!(
                "fetch it with `repro fetch {FASHION}{}`, or name the folder that holds the \
                 official files with --from",
                data.named()
            );
            Failure::new(exit::INPUT, miette::miette!(help = help, "{missing}"))
        }
        (_, error) => Failure::new(exit::INPUT, error),
    };
    let split = |split: &Split| -> Result<Dataset, Failure> {
        let whole = split.read(&folder).map_err(unread)?;
        Ok(whole.select_classes(&source.classes))
    };
    Ok((split(&FASHION_TRAIN)?, split(&FASHION_TEST)?))
}

impl Zoo {
    /// Reports the progress of one of its trainings, of so many images. `left` takes
    /// a training and its latest epoch, and returns the seconds that all zoos still take.
    fn report(
        &self,
        training: &str,
        event: TrainingEvent<'_>,
        images: usize,
        left: &dyn Fn(&str, u32) -> f64,
    ) {
        let epochs = self.recipe.epochs;
        let name = match self.place {
            Some((number, of)) => {
                format!("zoo {number} of {of} (seed {}): {training}", self.recipe.seed.0)
            }
            None => training.to_owned(),
        };
        let epoch = match event {
            TrainingEvent::Images { epoch, done, in_all } => {
                let what = format!("{name}: epoch {epoch} of {epochs}");
                return progress::images(&what, done, in_all);
            }
            TrainingEvent::Epoch(epoch) => epoch,
            TrainingEvent::Waits => {
                return progress::report(
                    "another process makes models in this folder; waiting for it",
                );
            }
        };
        let of_all = match self.place {
            Some(_) => {
                let left = duration(left(training, epoch.epoch));
                format!("; all zoos: about {left} left")
            }
            None => String::new(),
        };
        let left = f64::from(epochs - epoch.epoch) * epoch.seconds;
        progress::report(&format!(
            "{name}: epoch {} of {epochs}, loss {:.4}, test accuracy {:.2} %, {:.0} s, \
             {:.0} images/s ({left:.0} s left){of_all}",
            epoch.epoch,
            epoch.train_loss,
            epoch.test_accuracy,
            epoch.seconds,
            self.recipe.images_of_epoch(images) as f64 / epoch.seconds
        ));
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        pretrain: Pretrain,
    }

    fn zoos(words: &[&str]) -> Vec<Zoo> {
        let words = [&["pretrain", "--world", "smoke"], words].concat();
        let pretrain = Line::parse_from(words).pretrain;
        pretrain.zoos("smoke", World::smoke().pretraining.unwrap(), Path::new("out"))
    }

    #[test]
    fn without_seeds_the_world_s_own_zoo_is_made() {
        let zoos = zoos(&[]);
        let [Zoo { recipe, precision, out, command, place: None }] = &zoos[..] else {
            panic!("one zoo without a number")
        };
        assert_eq!(Some(recipe), World::smoke().pretraining.as_ref());
        assert_eq!((*precision, out.as_path()), (WeightsPrecision::Single, Path::new("out")));
        assert_eq!(command, "repro pretrain --world smoke");
    }

    #[test]
    fn each_seed_has_a_zoo_in_a_folder_of_its_own_whose_cards_name_no_other() {
        let zoos = zoos(&["--seeds", "7,2..3", "--from", "/fmnist"]);
        let made: Vec<_> = zoos
            .iter()
            .map(|zoo| {
                assert_eq!(zoo.precision, WeightsPrecision::Half);
                (zoo.recipe.seed.0, zoo.out.to_str().unwrap(), zoo.command.as_str(), zoo.place)
            })
            .collect();
        let expected = [
            (2, "out/2", "repro pretrain --world smoke --seeds 2 --from PATH", Some((1, 3))),
            (3, "out/3", "repro pretrain --world smoke --seeds 3 --from PATH", Some((2, 3))),
            (7, "out/7", "repro pretrain --world smoke --seeds 7 --from PATH", Some((3, 3))),
        ];
        assert_eq!(made, expected);
    }

    #[test]
    fn a_shorter_zoo_of_some_roles_differs_from_the_whole_one_in_these_alone() {
        let options = ["--seeds", "2", "--roles", "natural,l2_3", "--steps-share", "0.25"];
        let (short, whole) = (zoos(&options).remove(0), zoos(&["--seeds", "2"]).remove(0));
        let command =
            "repro pretrain --world smoke --seeds 2 --roles natural,l2_3 --steps-share 0.25";
        assert_eq!(short.command, command);
        assert_eq!((short.recipe.steps_share, whole.recipe.steps_share), (Some(0.25), None));
        assert_eq!(short.recipe.models, whole.recipe.models[..2]);
        let models = whole.recipe.models.clone();
        assert_eq!(Pretraining { steps_share: None, models, ..short.recipe }, whole.recipe);
    }
}
