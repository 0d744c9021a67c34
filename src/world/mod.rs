//! A world is an experimental set-up: source models, targets, planned seeds, and how fine-tunes are
//! done. Claims name targets, sizes and resolutions, and each world says what the names mean, so
//! one claim serves every world. `embedded` has the worlds that ship with the program,
//! [`UserNames`] what a user adds; finding models and images on disk is left to
//! [`assets`](crate::assets).

mod distances;
mod embedded;
mod recipes;
mod source_models;
mod tables;
mod user_names;

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;
pub use source_models::{FIRST_ZOO, QUARTER, SeedZoos, SourceModels};
pub use tables::{
    Adversarial, BlockMapping, Packed, PlannedSeeds, Schedule, SourceClasses, TargetInfo, Zoo,
};
pub use user_names::{UserNames, UserNamesError};

use crate::experiment::{
    AdversarialTest, Architecture, EvidenceKind, Inverse, Key, Normalisation, Pretraining,
    Protocol, Resolution, Seed,
};
use crate::{study::Study, util::suggest::did_you_mean};

/// The folder of zoos in the data folder.
pub(crate) const ZOOS: &str = "zoos";

/// A set-up: source models with targets, and how they are fine-tuned.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Version of this format: 1.
    pub format: u32,
    /// Its name.
    pub id: String,
    /// The id in its recipes and records, if it is another world's.
    pub recorded_as: Option<String>,
    /// What it is, in one sentence.
    #[serde(alias = "sentence")]
    pub description: String,
    /// What every verdict in it is conditional on.
    pub checkpoints: String,
    /// Which source models its seeds start from.
    #[serde(default)]
    pub source_models: SourceModels,
    /// The zoos of its seeds, if each starts from a source model of its own.
    #[serde(default)]
    pub zoos: SeedZoos,
    /// Source models by name, each with a description.
    pub sources: BTreeMap<String, String>,
    /// Named groups of targets.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Targets by name.
    pub targets: BTreeMap<String, TargetInfo>,
    /// Named lists of numbers of images.
    pub sizes: BTreeMap<String, Vec<u32>>,
    /// Named lists of resolutions.
    pub resolutions: BTreeMap<String, Vec<Resolution>>,
    /// Source models and targets that other worlds have and this one does not, each with the
    /// reason. A claim may name them; no record of them can exist.
    #[serde(default)]
    pub absent: BTreeMap<String, String>,
    /// Targets that are missing here, each with the target that figures draw instead.
    #[serde(default)]
    pub stand_ins: BTreeMap<String, String>,
    /// How influence is measured if a claim needs it: first as the paper's authors did, then as
    /// secondary hypotheses (readings) ask.
    pub influence: Vec<Inverse>,
    /// The fine-tunes after which adversarial accuracy is measured, if there are any.
    pub adversarial: Option<Adversarial>,
    /// Planned seeds, in the order of increasing sizes.
    pub seeds: Vec<PlannedSeeds>,
    /// How fine-tunes are done; `schedules` replaces the schedule of larger sizes.
    pub protocol: Protocol,
    /// Schedules of larger sizes, in increasing order.
    #[serde(default)]
    pub schedules: Vec<Schedule>,
    /// Digests of the source models and target images that shipped records belong to, by name. With
    /// them the records are found on a machine that has neither.
    #[serde(default)]
    pub digests: BTreeMap<String, String>,
    /// Initial learning rates of source models that replace the protocol's: none in a shipped world
    /// (`plan::sensitivity` sets them).
    #[serde(skip)]
    pub learning_rates: BTreeMap<String, f64>,
    /// Normalisations of a user's source models that replace the protocol's.
    #[serde(skip)]
    pub normalisations: BTreeMap<String, Normalisation>,
    /// The checkpoints of its source models, if they are in the data folder.
    pub zoo: Option<Zoo>,
    /// The packed images that replace the official files, if it has them.
    pub packed: Option<Packed>,
    /// The number of residual blocks for each of the paper's numbers of fine-tuned blocks, where
    /// the two differ.
    #[serde(default, alias = "stands_for")]
    pub block_mapping: Vec<BlockMapping>,
    /// The classes that its source models are trained on, if they are of Fashion-MNIST.
    pub source: Option<SourceClasses>,
    /// How `repro pretrain` trains its source models, if it does.
    pub pretraining: Option<Pretraining>,
    /// What a user added to it; empty in a shipped world.
    #[serde(skip)]
    pub user_names: UserNames,
    /// What a user's own log means, if its folder of claims says so: its factors and metrics then
    /// stand in place of targets, source models, sizes and blocks.
    #[serde(skip)]
    pub study: Option<Arc<Study>>,
}

impl World {
    /// The world of a study's own log: nothing of this paper's.
    #[must_use]
    pub fn of_study(study: Arc<Study>) -> Self {
        Self {
            id: "log".to_owned(),
            description: study.title.clone().unwrap_or_default(),
            checkpoints: String::new(),
            sources: BTreeMap::new(),
            groups: BTreeMap::new(),
            targets: BTreeMap::new(),
            sizes: BTreeMap::new(),
            resolutions: BTreeMap::new(),
            absent: BTreeMap::new(),
            seeds: Vec::new(),
            schedules: Vec::new(),
            digests: BTreeMap::new(),
            study: Some(study),
            ..Self::paper()
        }
    }

    /// The same world with a user's names.
    #[must_use]
    pub fn with(mut self, names: &UserNames) -> Self {
        names.add_to(&mut self);
        self
    }

    /// The number of residual blocks here for the paper's number of fine-tuned blocks.
    #[must_use]
    pub fn blocks(&self, paper: u32) -> u32 {
        let mapping = self.block_mapping.iter().find(|mapping| mapping.paper == paper);
        mapping.map_or(paper, |mapping| mapping.here)
    }

    /// Whether claims use subsets of this size of a target; true if the world has no limit.
    #[must_use]
    pub fn draws(&self, target: &str, images: u32) -> bool {
        let limit = self.targets.get(target).and_then(|target| target.max_images);
        limit.is_none_or(|limit| images <= limit)
    }

    /// How adversarial accuracy is measured after the fine-tune of a key; `None` if it is not.
    #[must_use]
    pub fn adversarial_test(&self, key: &Key) -> Option<AdversarialTest> {
        let adversarial = self.adversarial.as_ref().filter(|measured| measured.is_of(key));
        adversarial.map(|measured| measured.test)
    }

    /// The network of its source models.
    ///
    /// # Panics
    /// If the world has neither a zoo nor a pretraining; shipped worlds have at least one.
    #[must_use]
    pub fn architecture(&self) -> &Architecture {
        let zoo = self.zoo.as_ref().map(|zoo| &zoo.architecture);
        let pretrained = self.pretraining.as_ref().map(|pretraining| &pretraining.architecture);
        zoo.or(pretrained).expect("a world has a zoo or a pretraining")
    }

    /// The targets of a name: the members of a group, or the target itself.
    #[must_use]
    pub fn expand(&self, name: &str) -> Option<Vec<Arc<str>>> {
        if let Some(members) = self.groups.get(name) {
            return Some(members.iter().map(|member| Arc::from(member.as_str())).collect());
        }
        let known = self.targets.contains_key(name) || self.absent.contains_key(name);
        known.then(|| vec![Arc::from(name)])
    }

    /// How a fine-tune on `images` images is done.
    #[must_use]
    pub fn protocol(&self, images: u32) -> Protocol {
        let mut protocol = self.protocol.clone();
        if let Some(schedule) =
            self.schedules.iter().rev().find(|later| images >= later.images_from)
        {
            protocol.epochs = schedule.epochs;
            protocol.evaluate.clone_from(&schedule.evaluate);
        }
        protocol
    }

    /// The normalisation of images for fine-tunes from a source model.
    #[must_use]
    pub fn normalisation(&self, source: &str) -> Normalisation {
        self.normalisations.get(source).copied().unwrap_or(self.protocol.normalisation)
    }

    /// The seed at a place in the order of seeds, counted from 0 (the authors' seeds: `batch.py` of
    /// utrerf/robust_transfer_learning).
    #[must_use]
    pub fn seed(place: usize) -> Seed {
        Seed(20_000_000 + 100_000 * place as u64)
    }

    /// Why a fine-tune of this key is impossible here; `None` if it is possible.
    #[must_use]
    pub fn unavailable(&self, key: &Key) -> Option<String> {
        if self.study.is_some() {
            return None;
        }
        let absent = |name: &str, known: &mut dyn Iterator<Item = &String>| {
            let reason = match self.absent.get(name) {
                Some(reason) => format!(": {reason}"),
                None => did_you_mean(name, known.map(String::as_str)),
            };
            format!("`{name}` is not available in the {} set-up{reason}", self.id)
        };
        match self.targets.get(&*key.target) {
            None => Some(absent(&key.target, &mut self.targets.keys())),
            Some(_) if !self.sources.contains_key(&*key.source) => {
                Some(absent(&key.source, &mut self.sources.keys()))
            }
            Some(target) if key.images > target.train => Some(format!(
                "the {} set-up has only {} training images of {}",
                self.id, target.train, target.title
            )),
            Some(target) if !self.draws(&key.target, key.images) => Some(format!(
                "the {} set-up uses at most {} images of {}",
                self.id,
                target.max_images.unwrap_or_default(),
                target.title
            )),
            Some(_) => {
                let no_model = key.zoo.and_then(|zoo| self.no_model(&key.source, zoo));
                if no_model.is_some() {
                    return no_model;
                }
                let fits = self.recipe(key.clone()).fits(self.architecture());
                fits.err().map(|error| format!("not possible in the {} set-up: {error}", self.id))
            }
        }
    }

    /// Every name of a target or of a group of targets.
    pub(crate) fn target_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.targets.keys().chain(self.groups.keys()).map(String::as_str)
    }

    /// Seeds that were planned for a number of images; `None` if none were.
    #[must_use]
    pub(crate) fn planned_seeds(&self, images: u32) -> Option<usize> {
        self.seeds.iter().find(|plan| images <= plan.images_up_to).map(|plan| plan.count)
    }

    /// What its records are of, in the plural.
    #[must_use]
    pub(crate) fn records_of(&self) -> &'static str {
        if self.study.is_some() { "runs" } else { "fine-tunes" }
    }

    /// Whether subsets of this size share so many images between seeds that the interval over seeds
    /// is too narrow: more than a quarter of the pool (in the paper, CIFAR-10 from 12,800 images
    /// on).
    #[must_use]
    pub(crate) fn subset_over_pool(&self, target: &str, images: u32) -> bool {
        self.targets.get(target).is_some_and(|target| u64::from(images) * 4 > target.train.into())
    }

    /// A text of the program's own with the word that a study has for what repeats a run in place of
    /// `seed`. Not for texts with names of the user's, which may have that word.
    #[must_use]
    pub(crate) fn with_its_replicate(&self, text: &str) -> String {
        let study = self.study.as_ref();
        let Some(name) = study.map(|of| of.replicate.name.as_str()).filter(|of| *of != "seed")
        else {
            return text.to_owned();
        };
        let mut words: Vec<String> = Vec::new();
        for word in text.split(' ') {
            let end = word.trim_end_matches([',', '.', ';', ':', ')']);
            words.push(match end {
                "seed" | "seeds" => word.replacen("seed", name, 1),
                _ => word.to_owned(),
            });
        }
        words.join(" ")
    }

    /// The title of a study's factor; the name itself if the study does not know it.
    #[must_use]
    pub fn factor_title<'a>(&'a self, name: &'a str) -> &'a str {
        let factors = self.study.iter().flat_map(|study| &study.factors);
        let known = factors.into_iter().find(|factor| factor.name == name);
        known.map_or(name, |factor| factor.title.as_str())
    }

    /// A target's title; the name itself if the world does not know the target.
    #[must_use]
    pub fn title<'a>(&'a self, target: &'a str) -> &'a str {
        self.targets.get(target).map_or(target, |known| known.title.as_str())
    }
}

/// What verdicts on a log are conditional on: a log does not state which models its runs started
/// from.
const CHECKPOINTS_OF_A_LOG: &str = "one checkpoint for each arm: the one that the log's fine-tunes \
    started from, which is assumed to be the model of that name (the paper's, or the user's)";

impl EvidenceKind {
    /// The world of its records.
    #[must_use]
    pub fn world(self) -> World {
        match self {
            Self::Published | Self::Paper => World::paper(),
            Self::Log => World { checkpoints: CHECKPOINTS_OF_A_LOG.to_owned(), ..World::paper() },
            Self::Smoke => World::smoke(),
            Self::SmokeOneZoo => World::smoke_one_zoo(),
            Self::Lab => World::lab(),
            Self::Salman => World::salman(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_the_paper_s_world_have_known_members() {
        let world = World::paper();
        for member in world.groups.values().flatten() {
            assert!(world.targets.contains_key(member), "{member}");
        }
        assert_eq!(world.format, 1);
        assert_eq!(world.expand("similar").unwrap().len(), 2);
        assert_eq!(world.expand("svhn").unwrap(), vec![Arc::from("svhn")]);
        assert_eq!(world.expand("nothing"), None);
    }

    #[test]
    fn the_world_of_salman_et_al_differs_in_checkpoints_alone() {
        let (paper, salman) = (World::paper(), World::salman());
        assert_eq!((salman.id.as_str(), salman.format), ("salman", 1));
        assert_eq!(salman.protocol, paper.protocol);
        assert_eq!(
            salman.sources.keys().collect::<Vec<_>>(),
            paper.sources.keys().collect::<Vec<_>>()
        );
        for world in [paper, salman] {
            let zoo = world.zoo.as_ref().unwrap();
            assert!(zoo.files.keys().eq(world.sources.keys()), "{}", world.id);
            assert_eq!(world.architecture(), &Architecture::resnet50(1000));
        }
    }

    #[test]
    fn a_world_in_old_spellings_is_the_same_world() {
        let new = include_str!("../../claims/worlds/lab.toml");
        let old = new
            .replace("\ndescription = ", "\nsentence = ")
            .replace("[[block_mapping]]", "[[stands_for]]")
            .replace("max_images = ", "most = ")
            .replace("\nema_decay = ", "\naveraging = ")
            .replace("\nattack_images = ", "\nattacked = ")
            .replace("\nmax_accuracy_drop = ", "\nmost_cost = ");
        let [new, old] = [new, &old].map(|text| toml::from_str::<World>(text).unwrap());
        assert_eq!(format!("{new:?}"), format!("{old:?}"));
        // The identity of a pretraining's checkpoint has the old spellings.
        let json = serde_json::to_string(&new.pretraining).unwrap();
        for key in ["averaging", "attacked", "most_cost"] {
            assert!(json.contains(&format!("\"{key}\":")), "{json}");
        }
        for key in ["ema_decay", "attack_images", "max_accuracy_drop"] {
            assert!(!json.contains(key), "{json}");
        }
    }

    #[test]
    fn larger_sizes_have_longer_schedules_and_every_protocol_is_valid() {
        for world in World::all() {
            for images in [100, 1600, 1601, 25_600] {
                assert_eq!(world.protocol(images).check(), Ok(()), "{} {images}", world.id);
            }
        }
        let paper = World::paper();
        let epochs = |images| paper.protocol(images).epochs;
        assert_eq!((epochs(100), epochs(1600), epochs(3200)), (100, 100, 150));
        assert_eq!(paper.protocol(3200).evaluate.len(), 16);
        for world in [World::smoke(), World::lab()] {
            // Fine-tunes use the statistics of the source, as the pretraining does.
            let pretraining = world.pretraining.as_ref().unwrap();
            assert_eq!(world.protocol.normalisation, pretraining.normalisation);
            assert_eq!(world.protocol.side, pretraining.side);
            assert_eq!(world.architecture(), &pretraining.architecture);
            let roles = pretraining.models.iter().map(|model| &model.role);
            let all = ["natural", "l2_3", "linf_4", "linf_8", "gaussian"];
            assert!(roles.eq(&all[..world.sources.len()]));
        }
    }

    #[test]
    fn the_paper_s_blocks_are_mapped_to_the_same_stages_of_other_networks() {
        use crate::experiment::{PAPER_BLOCKS, Trainable};
        let parts = |world: &World, paper: u32| {
            let names = Trainable::Blocks(world.blocks(paper)).names(world.architecture()).unwrap();
            // Stages alone: the names of parts of a stage differ with the kind of block.
            let stages: std::collections::BTreeSet<String> =
                names.iter().map(|name| name.split('.').next().unwrap().to_owned()).collect();
            stages
        };
        for world in World::all() {
            for paper in PAPER_BLOCKS {
                assert_eq!(
                    parts(&world, paper),
                    parts(&World::paper(), paper),
                    "{} {paper}",
                    world.id
                );
            }
            // A trained stage is trained as a whole.
            let frozen = |paper| {
                let architecture = world.architecture();
                let names = Trainable::Blocks(world.blocks(paper)).names(architecture).unwrap();
                let all = architecture.parameter_shapes().into_iter().map(|(name, _)| name);
                all.filter(|name| !names.contains(name)).collect::<Vec<_>>()
            };
            assert!(!frozen(3).iter().any(|name| name.starts_with("layer4")), "{}", world.id);
            assert!(!frozen(9).iter().any(|name| name.starts_with("layer3")), "{}", world.id);
        }
    }

    #[test]
    fn sizes_above_the_limit_of_a_target_are_unavailable() {
        let lab = World::lab();
        assert!(
            lab.draws("kmnist", 1600) && !lab.draws("kmnist", 1601) && lab.draws("mnist", 6400)
        );
        let unavailable = |images| lab.unavailable(&Key::new("kmnist", "natural", 3, images));
        assert_eq!(unavailable(1600), None);
        assert_eq!(unavailable(6400).unwrap(), "the lab set-up uses at most 1600 images of KMNIST");
    }

    #[test]
    fn more_blocks_or_pixels_than_the_network_has_are_unavailable() {
        let smoke = World::smoke();
        let unavailable = |blocks, resolution| {
            smoke.unavailable(&Key { resolution, ..Key::new("kmnist", "natural", blocks, 400) })
        };
        assert_eq!(unavailable(9, Resolution::Pixels(28)), None);
        let reason = unavailable(3, Resolution::Pixels(56)).unwrap();
        assert!(
            reason.contains("not possible in the smoke set-up: resolution is 56")
                && reason.contains("1 to 28"),
            "{reason}"
        );
        assert!(unavailable(3, Resolution::Pixels(0)).is_some());
        let reason = unavailable(1000, Resolution::Native).unwrap();
        let expected = "not possible in the smoke set-up: ";
        assert!(reason.starts_with(expected) && reason.contains("1000"), "{reason}");
    }

    #[test]
    fn larger_sizes_have_fewer_planned_seeds_and_a_quarter_of_the_pool_is_flagged() {
        let world = World::paper();
        assert_eq!(world.planned_seeds(6400), Some(10));
        assert_eq!(world.planned_seeds(6401), Some(5));
        assert_eq!(world.planned_seeds(100_000), None);
        assert!(!world.subset_over_pool("cifar10", 12_500));
        assert!(world.subset_over_pool("cifar10", 12_501));
    }
}
