//! A zoo: which source models there are, how strong the attacks that they are trained against, and
//! making them all. Every eps is chosen on the source alone, before any fine-tune.

use crate::assets::card::read_card;
use crate::experiment::{Against, Model};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use tch::Device;

use super::{
    Checkpoint, FIRST_IMAGES, PretrainError, SourceImages, TrainingEvent, first_losses,
    out_of_memory::{self, tried},
    robust_accuracy, train, write_weights,
};
use crate::experiment::{
    Card, Epoch, Pretraining, Threat, WeightsPrecision,
    card::{FORMAT_VERSION, Robust, Tried},
};
use crate::{
    data::Dataset,
    engine::{OnDevice, device, fine_tune::evaluate, model::Network},
    experiment::{Constraint, Resolution},
    util::files,
};

impl Against {
    /// The role that this one's eps depends on.
    fn depends_on(&self) -> Option<&str> {
        match self {
            Self::Nothing | Self::Attack { .. } => None,
            Self::Stronger { than: role, .. } | Self::NoiseAsLongAs(role) => Some(role),
        }
    }
}

/// What a zoo is made from and where it goes.
#[derive(Debug)]
pub struct ZooBuilder<'a> {
    /// The recipe.
    pub pretraining: &'a Pretraining,
    /// The source's training images.
    pub train: &'a Dataset,
    /// The source's test images.
    pub test: &'a Dataset,
    /// What these images are made from, in words, where they are packed.
    pub made_from: Option<&'a str>,
    /// Device.
    pub device: Device,
    /// Folder of weights and cards; checkpoints go into its `checkpoints`.
    pub out: &'a Path,
    /// The command that makes it, for the cards.
    pub command: &'a str,
    /// Precision that weights are stored in. Each model is measured with the weights as stored.
    pub precision: WeightsPrecision,
    /// Set to stop.
    pub stop: &'a AtomicBool,
}

struct TrainedModel {
    model: Model,
    threat: Threat,
    network: Network,
    curve: Vec<Epoch>,
    clean: f64,
    tried: Vec<Tried>,
}

impl ZooBuilder<'_> {
    /// Trains every model: the natural one first, then those that do not wait for each other at once,
    /// one thread each; on a GPU one after the other. Finished models and epochs are kept in checkpoints,
    /// so that the same command resumes where it was interrupted, and measures no model twice; another process that
    /// makes models in the same folder is waited for. `progress` is
    /// called after every step and epoch, with a name for the training.
    ///
    /// # Errors
    /// If it was stopped, libtorch could not do it, or a file can't be read or written: the models that are being trained then stop
    /// too, and what there is of them is kept.
    ///
    /// # Panics
    /// If the first model is not the natural one, or one depends on a role that comes later.
    pub fn make(
        &self,
        progress: &(dyn Fn(&str, TrainingEvent<'_>) + Sync),
    ) -> Result<Vec<Card>, PretrainError> {
        // Two that wrote the same names would leave weights of the one beside fine-tunes from the other's.
        let mut waits = || progress("the zoo", TrainingEvent::Waits);
        let locked = files::lock_folder(self.out, self.stop, &mut waits).map_err(|cause| {
            super::CheckpointError::Io { what: "write", path: self.out.to_owned(), cause }
        })?;
        let Some(_locked) = locked else { return Err(PretrainError::Waited) };
        let (natural, others) = self.pretraining.models.split_first().expect("a zoo has models");
        assert_eq!(natural.against, Against::Nothing, "the first model is the natural one");
        let source = [self.train, self.test].map(Dataset::digest);
        let failed = AtomicBool::new(false);
        let stop = || self.stop.load(Ordering::Relaxed) || failed.load(Ordering::Relaxed);
        let training = Training { making: self, source: &source.join(" "), stop: &stop, progress };
        let natural = training.model(natural, None, f64::NAN)?;
        let clean = natural.clean;
        let mut chains: Vec<Vec<&Model>> = Vec::new();
        for model in others {
            let root = model.against.depends_on();
            match chains.iter_mut().find(|chain| root == Some(chain[0].role.as_str())) {
                Some(chain) => chain.push(model),
                None => chains.push(vec![model]),
            }
        }
        let made = Mutex::new(BTreeMap::new());
        let make = |chain: &[&Model]| -> Result<(), PretrainError> {
            let mut root: Option<Threat> = None;
            for model in chain {
                let one = training.model(model, root, clean)?;
                root = root.or(Some(one.threat));
                made.lock().expect("no panic").insert(model.role.clone(), one);
            }
            Ok(())
        };
        // A GPU is filled by one.
        if self.device.is_cuda() {
            chains.iter().try_for_each(|chain| make(chain))?;
        } else {
            let make = |chain: &[&Model]| {
                let made = make(chain);
                failed.fetch_or(made.is_err(), Ordering::Relaxed);
                made
            };
            let make = &make;
            let mut results: Vec<Result<(), PretrainError>> = std::thread::scope(|scope| {
                let threads: Vec<_> = chains
                    .iter()
                    .map(|chain| {
                        let thread = std::thread::Builder::new();
                        thread.spawn_scoped(scope, move || make(chain)).map_err(|_| chain)
                    })
                    .collect();
                // Where the machine has no more threads, this one makes the rest.
                let ended = threads.into_iter().map(|thread| match thread {
                    Ok(thread) => thread.join().expect("no panic"),
                    Err(chain) => make(chain),
                });
                ended.collect()
            });
            // A fault says more than that the others were stopped because of it.
            results.sort_by_key(|result| matches!(result, Err(PretrainError::Interrupted { .. })));
            results.into_iter().collect::<Result<(), _>>()?;
        }
        let mut made = made.into_inner().expect("no panic");
        let mut all = vec![natural];
        all.extend(others.iter().filter_map(|model| made.remove(&model.role)));
        self.write(all, &source[0])
    }

    /// Some of the source's images on the device, for what is to be done with them.
    fn images(&self, what: &str, dataset: &Dataset) -> Result<OnDevice, PretrainError> {
        let (device, side) = (self.device, self.pretraining.side);
        let images = || Ok(OnDevice::new(dataset, device).resized(Resolution::Native, side));
        tried(what, images, |said| out_of_memory::of_images(said, self.pretraining))
    }

    /// Measures each model under the attacks of every chosen radius, and writes weights and cards.
    fn write(
        &self,
        all: Vec<TrainedModel>,
        source_sha256: &str,
    ) -> Result<Vec<Card>, PretrainError> {
        let test = self.images("measure the models", self.test)?;
        let clean = all[0].clean;
        let attacks: Vec<(Constraint, f64)> = all
            .iter()
            .filter_map(|made| match (&made.model.against, made.threat) {
                (Against::Attack { .. }, Threat::Attack { constraint, epsilon }) => {
                    Some((constraint, epsilon))
                }
                _ => None,
            })
            .collect();
        let test_steps = self.pretraining.test_steps;
        let named = |&(constraint, epsilon): &(Constraint, f64)| {
            format!("{} eps {epsilon}, {test_steps} steps", words(constraint))
        };
        let first = self.images("measure the models", &self.train.first(FIRST_IMAGES))?;
        let stop = || self.stop.load(Ordering::Relaxed);
        let mut cards = Vec::new();
        for made in all {
            let weights = made.network.weights();
            let mut card = Card {
                format_version: FORMAT_VERSION,
                role: made.model.role.clone(),
                command: self.command.to_owned(),
                seed: self.pretraining.seed.0,
                architecture: weights.architecture().clone(),
                normalisation: self.pretraining.normalisation,
                weights: weights.digest(),
                weights_precision: self.precision,
                source_sha256: source_sha256.to_owned(),
                source_images: self.train.len() as u64,
                source_made_from: self.made_from.map(str::to_owned),
                steps_share: self.pretraining.steps_share,
                threat: made.threat,
                clean_accuracy: made.clean,
                robust_accuracy: Vec::new(),
                cost: clean - made.clean,
                tried: made.tried,
                curve: made.curve,
                first_losses: Vec::new(),
                engine: device::engine(),
            };
            let path = self.file(&card.role, "json");
            match measured_before(&path, &card, &attacks.iter().map(named).collect::<Vec<_>>()) {
                Some(before) => card = before,
                None => {
                    let measure = || {
                        let robust = attacks.iter().map(|attack| {
                            let (network, (constraint, epsilon)) = (&made.network, *attack);
                            let (accuracy, images) = robust_accuracy(
                                network,
                                self.pretraining,
                                &test,
                                constraint,
                                epsilon,
                            );
                            Robust { attack: named(attack), images, accuracy }
                        });
                        let robust = robust.collect();
                        Ok((robust, first_losses(self.pretraining, made.threat, &first, &stop)?))
                    };
                    let what = format!("measure {}", card.role);
                    let measured = tried(&what, measure, |said| {
                        out_of_memory::of_batch(said, self.pretraining)
                    });
                    (card.robust_accuracy, card.first_losses) =
                        measured.map_err(|error| match error {
                            PretrainError::Interrupted { .. } => PretrainError::Unmeasured,
                            error => error,
                        })?;
                }
            }
            write_weights(&self.file(&card.role, "safetensors"), weights, self.precision)?;
            let text = serde_json::to_string_pretty(&card).expect("plain data") + "\n";
            files::replace(&path, text.as_bytes()).map_err(|cause| super::CheckpointError::Io {
                what: "write",
                path: path.clone(),
                cause,
            })?;
            cards.push(card);
        }
        Ok(cards)
    }

    /// A trained network with its weights rounded as their file stores them.
    fn as_stored(&self, network: Network) -> Network {
        match self.precision {
            WeightsPrecision::Single => network,
            WeightsPrecision::Half => Network::new(
                network.weights().rounded(self.precision),
                self.pretraining.normalisation,
                self.pretraining.implementation(),
            ),
        }
    }

    fn file(&self, role: &str, ending: &str) -> PathBuf {
        self.out.join(format!("{role}.{ending}"))
    }
}

/// What every model's training needs.
struct Training<'a> {
    making: &'a ZooBuilder<'a>,
    /// What both splits of the source are called by.
    source: &'a str,
    stop: &'a (dyn Fn() -> bool + Sync),
    progress: &'a (dyn Fn(&str, TrainingEvent<'_>) + Sync),
}

impl Training<'_> {
    /// Trains one model, choosing its eps if it is to be chosen.
    fn model(
        &self,
        model: &Model,
        root: Option<Threat>,
        natural: f64,
    ) -> Result<TrainedModel, PretrainError> {
        let ZooBuilder { pretraining, out, train: train_on, test: test_on, .. } = *self.making;
        let run = |threat: Threat| -> Result<(Network, Vec<Epoch>, f64), PretrainError> {
            let name = name(&model.role, threat);
            let what = format!("train {name}");
            let train_images = self.making.images(&what, train_on)?;
            let test_images = self.making.images(&what, test_on)?;
            let source = SourceImages { train: &train_images, test: &test_images };
            let path = out.join("checkpoints").join(format!("{name}.safetensors"));
            let checkpoint = Checkpoint { path: &path, source: self.source };
            let mut progress = |event: TrainingEvent<'_>| (self.progress)(&name, event);
            let run = || {
                let (network, curve) = train(
                    pretraining,
                    threat,
                    &source,
                    Some(checkpoint),
                    self.stop,
                    &mut progress,
                )?;
                let network = self.making.as_stored(network);
                let clean = evaluate(&network, &test_images).accuracy();
                Ok((network, curve, clean))
            };
            tried(&what, run, |said| out_of_memory::of_training(said, pretraining, threat, &source))
        };
        let epsilon = |root: Option<Threat>| match root.expect("its role comes earlier") {
            Threat::Attack { constraint, epsilon } => (constraint, epsilon),
            Threat::None | Threat::Noise { .. } => panic!("{} depends on no attack", model.role),
        };
        let mut tried = Vec::new();
        let threats: Vec<Threat> = match &model.against {
            Against::Nothing => vec![Threat::None],
            Against::Attack { constraint, grid } => grid
                .iter()
                .map(|&epsilon| Threat::Attack { constraint: *constraint, epsilon })
                .collect(),
            Against::Stronger { times, .. } => {
                let (constraint, epsilon) = epsilon(root);
                vec![Threat::Attack { constraint, epsilon: epsilon * times }]
            }
            Against::NoiseAsLongAs(_) => vec![Threat::Noise { epsilon: epsilon(root).1 }],
        };
        let choosing = matches!(&model.against, Against::Attack { grid, .. } if grid.len() > 1);
        let mut last = None;
        for threat in threats {
            let (network, curve, clean) = run(threat)?;
            if let (true, Threat::Attack { epsilon, .. }) = (choosing, threat) {
                tried.push(Tried { epsilon, clean_accuracy: clean, cost: natural - clean });
            }
            let good = natural - clean <= pretraining.max_accuracy_drop;
            last = Some((threat, network, curve, clean));
            if good {
                break;
            }
        }
        let (threat, network, curve, clean) = last.expect("at least one radius");
        Ok(TrainedModel { model: model.clone(), threat, network, curve, clean, tried })
    }
}

/// The card that is there, if it is of the same model, and these attacks were measured: a zoo that was
/// finished is not measured again.
fn measured_before(path: &Path, now: &Card, attacks: &[String]) -> Option<Card> {
    let before = read_card(path).ok()?;
    let measured = before.robust_accuracy.iter().map(|robust| &robust.attack).eq(attacks);
    let unmeasured =
        Card { robust_accuracy: Vec::new(), first_losses: Vec::new(), ..before.clone() };
    // By its text, in which a NaN is equal to itself.
    let text = |card: &Card| serde_json::to_string(card).expect("plain data");
    (measured && text(&unmeasured) == text(now)).then_some(before)
}

/// The norm's usual name.
fn words(constraint: Constraint) -> &'static str {
    match constraint {
        Constraint::L2 => "L2",
        Constraint::Linf => "L-infinity",
    }
}

/// A training's name: the role, and the radius that is tried.
fn name(role: &str, threat: Threat) -> String {
    match threat {
        Threat::None => role.to_owned(),
        Threat::Attack { epsilon, .. } | Threat::Noise { epsilon } => format!("{role}-{epsilon}"),
    }
}
