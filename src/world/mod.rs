//! A world: the source models and targets that a claim may name, and how many seeds were planned.
//! The same claims run in every world; only these words and the records differ.

mod embedded;
mod own;
mod recipes;

use std::{collections::BTreeMap, sync::Arc};

pub use own::{OwnNames, OwnNamesError};
use serde::Deserialize;

use crate::experiment::{
    Architecture, EvidenceKind, Inverse, Key, Pretraining, Protocol, Resolution, Seed,
};

/// The folder of zoos in the data folder.
pub(crate) const ZOOS: &str = "zoos";

/// A source zoo with its targets.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Version of this grammar: 1.
    pub format: u32,
    /// Name.
    pub id: String,
    /// What it is, in one sentence.
    pub sentence: String,
    /// What every verdict here is conditional on.
    pub checkpoints: String,
    /// Source models by name, each in words.
    pub sources: BTreeMap<String, String>,
    /// Groups of targets by name.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Targets by name.
    pub targets: BTreeMap<String, TargetInfo>,
    /// Lists of sizes by name.
    pub sizes: BTreeMap<String, Vec<u32>>,
    /// Lists of resolutions by name.
    pub resolutions: BTreeMap<String, Vec<Resolution>>,
    /// Sources and targets that other worlds have and this one lacks, each with the reason. A claim
    /// may name them; there is never a record.
    #[serde(default)]
    pub absent: BTreeMap<String, String>,
    /// Targets that this world lacks, each with the one of its own that figures draw in its place.
    #[serde(default)]
    pub stand_ins: BTreeMap<String, String>,
    /// How influence is measured, where a claim asks for it: the first as the authors did, others for
    /// readings.
    pub influence: Vec<Inverse>,
    /// Planned seeds, in the order of rising sizes.
    pub seeds: Vec<PlannedSeeds>,
    /// How fine-tunes are done, of up to the sizes that `schedules` begin above.
    pub protocol: Protocol,
    /// Schedules of larger sizes, rising.
    #[serde(default)]
    pub schedules: Vec<Schedule>,
    /// Digests of source models and of targets' images, by name, that records which ship are of: so that
    /// they are found where neither is at hand.
    #[serde(default)]
    pub digests: BTreeMap<String, String>,
    /// First learning rates of sources that have one of their own, in place of the protocol's: none in
    /// a world as it ships ([`crate::plan::sensitivity`]).
    #[serde(skip)]
    pub learning_rates: BTreeMap<String, f64>,
    /// The checkpoints that its source models are, where they lie in the data folder.
    pub zoo: Option<Zoo>,
    /// Where its images are packed, in place of the official files.
    pub packed: Option<Packed>,
    /// Parts of the network that the paper's numbers of blocks stand for, where they have other numbers
    /// of blocks here.
    #[serde(default)]
    pub stands_for: Vec<StandsFor>,
    /// What its source models are trained on, where that is Fashion-MNIST.
    pub source: Option<SourceClasses>,
    /// How its source models are trained, where they are our own.
    pub pretraining: Option<Pretraining>,
    /// What a user added to it: nothing in a world as it ships.
    #[serde(skip)]
    pub own: OwnNames,
}

/// Which classes of Fashion-MNIST are the source.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceClasses {
    /// Classes, in the order of their new labels.
    pub classes: Vec<u32>,
}

/// Packed images of a world (`scripts/pack_lab.py`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packed {
    /// Their folder in the data folder: `TARGET.safetensors`, or a folder `TARGET` of IDX files.
    pub folder: String,
    /// The file of the source's images in it.
    pub source: String,
}

/// What a number of the paper's fine-tuned blocks is in another network.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandsFor {
    /// The paper's number, which claims and records name.
    pub paper: u32,
    /// How many residual blocks it is here.
    pub here: u32,
}

/// Checkpoints that somebody published, or that `repro pretrain` made.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zoo {
    /// The folder's name among zoos.
    pub name: String,
    /// What all of them are.
    pub architecture: Architecture,
    /// Each source's file.
    pub files: BTreeMap<String, String>,
}

/// A target data set.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetInfo {
    /// Its name as people write it.
    pub title: String,
    /// Training images, from which subsets are drawn.
    pub train: u32,
    /// Images that accuracies are of.
    pub test: u32,
    /// The largest subset that is drawn of it, where that is not the pool: claims leave larger sizes of
    /// this target out.
    pub most: Option<u32>,
}

/// The schedule of fine-tunes from a size on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Smallest number of images that has it.
    pub images_from: u32,
    /// Epochs.
    pub epochs: u32,
    /// Epochs after which the test set is evaluated.
    pub evaluate: Vec<u32>,
}

/// How many seeds were planned up to a number of images.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedSeeds {
    /// Largest number of images of which this is true.
    pub images_up_to: u32,
    /// Seeds.
    pub count: usize,
}

impl World {
    /// The same with names of a user's own.
    #[must_use]
    pub fn with(mut self, own: &OwnNames) -> Self {
        own.add_to(&mut self);
        self
    }

    /// How many residual blocks here are what the paper fine-tunes with this number.
    #[must_use]
    pub fn blocks(&self, paper: u32) -> u32 {
        let other = self.stands_for.iter().find(|other| other.paper == paper);
        other.map_or(paper, |other| other.here)
    }

    /// Whether subsets of this size are drawn of a target, as far as the world says.
    #[must_use]
    pub fn draws(&self, target: &str, images: u32) -> bool {
        let most = self.targets.get(target).and_then(|target| target.most);
        most.is_none_or(|most| images <= most)
    }

    /// What its source models are built of.
    ///
    /// # Panics
    /// If it says neither where source models are from nor how they are trained; worlds that ship do.
    #[must_use]
    pub fn architecture(&self) -> &Architecture {
        let zoo = self.zoo.as_ref().map(|zoo| &zoo.architecture);
        let own = self.pretraining.as_ref().map(|pretraining| &pretraining.architecture);
        zoo.or(own).expect("a world has source models")
    }

    /// The targets that a name stands for: a group's members, or the target itself.
    #[must_use]
    pub fn expand(&self, name: &str) -> Option<Vec<Arc<str>>> {
        if let Some(members) = self.groups.get(name) {
            return Some(members.iter().map(|member| Arc::from(member.as_str())).collect());
        }
        let known = self.targets.contains_key(name) || self.absent.contains_key(name);
        known.then(|| vec![Arc::from(name)])
    }

    /// How a fine-tune on this many images is done.
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

    /// The seed of a place in the order of seeds, counted from 0 (the authors' seeds: `batch.py` of
    /// utrerf/robust_transfer_learning).
    #[must_use]
    pub fn seed(place: usize) -> Seed {
        Seed(20_000_000 + 100_000 * place as u64)
    }

    /// Why there can be no fine-tune of a key here; `None` where there can.
    #[must_use]
    pub fn lacks(&self, key: &Key) -> Option<String> {
        let absent = |name: &str| {
            let reason = self.absent.get(name).map(|reason| format!(": {reason}"));
            format!("the {} world has no {name}{}", self.id, reason.unwrap_or_default())
        };
        match self.targets.get(&*key.target) {
            None => Some(absent(&key.target)),
            Some(_) if !self.sources.contains_key(&*key.source) => Some(absent(&key.source)),
            Some(target) if key.images > target.train => Some(format!(
                "the {} world has {} training images of {}",
                self.id, target.train, target.title
            )),
            Some(target) if !self.draws(&key.target, key.images) => Some(format!(
                "the {} world draws at most {} images of {}",
                self.id,
                target.most.unwrap_or_default(),
                target.title
            )),
            Some(_) => {
                let fits = self.recipe(key.clone()).fits(self.architecture());
                fits.err().map(|error| format!("the {} world can't: {error}", self.id))
            }
        }
    }

    /// Every name that can stand for targets.
    pub(crate) fn target_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.targets.keys().chain(self.groups.keys()).map(String::as_str)
    }

    /// Seeds planned for a number of images; `None` where no plan says.
    #[must_use]
    pub(crate) fn planned_seeds(&self, images: u32) -> Option<usize> {
        self.seeds.iter().find(|plan| images <= plan.images_up_to).map(|plan| plan.count)
    }

    /// Whether subsets of this size share so many images between seeds that their interval is too
    /// narrow: more than a quarter of the pool (as in the paper for CIFAR-10 from 12,800 on).
    #[must_use]
    pub(crate) fn subset_over_pool(&self, target: &str, images: u32) -> bool {
        self.targets.get(target).is_some_and(|target| u64::from(images) * 4 > target.train.into())
    }

    /// A target's name as people write it, or the name itself where the world does not know it.
    #[must_use]
    pub fn title<'a>(&'a self, target: &'a str) -> &'a str {
        self.targets.get(target).map_or(target, |known| known.title.as_str())
    }
}

/// What a log's verdicts are conditional on: it does not say which models its runs started from.
const OF_A_LOG: &str = "one checkpoint an arm: those that the log's fine-tunes started from, taken to be what \
    its names say (the paper's, or a user's own); the log can't say otherwise";

impl EvidenceKind {
    /// The world that its records are of.
    #[must_use]
    pub fn world(self) -> World {
        match self {
            Self::Published | Self::Paper => World::paper(),
            Self::Log => World { checkpoints: OF_A_LOG.to_owned(), ..World::paper() },
            Self::Smoke => World::smoke(),
            Self::Lab => World::lab(),
            Self::Sister => World::sister(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_of_the_paper_s_world_has_known_members() {
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
    fn the_sister_paper_s_world_differs_in_checkpoints_alone() {
        let (paper, sister) = (World::paper(), World::sister());
        assert_eq!((sister.id.as_str(), sister.format), ("sister", 1));
        assert_eq!(sister.protocol, paper.protocol);
        assert_eq!(
            sister.sources.keys().collect::<Vec<_>>(),
            paper.sources.keys().collect::<Vec<_>>()
        );
        for world in [paper, sister] {
            let zoo = world.zoo.as_ref().unwrap();
            assert!(zoo.files.keys().eq(world.sources.keys()), "{}", world.id);
            assert_eq!(world.architecture(), &Architecture::resnet50(1000));
        }
    }

    #[test]
    fn larger_sizes_have_longer_schedules_and_every_protocol_can_be_run() {
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
            // The source's own statistics, in the fine-tune as in its making.
            let pretraining = world.pretraining.as_ref().unwrap();
            assert_eq!(world.protocol.normalisation, pretraining.normalisation);
            assert_eq!(world.protocol.side, pretraining.side);
            assert_eq!(world.architecture(), &pretraining.architecture);
            let roles = pretraining.models.iter().map(|model| &model.role);
            assert!(roles.eq(&["natural", "l2_3", "linf_4", "linf_8", "gaussian"][..world.sources.len()]));
        }
    }

    #[test]
    fn the_paper_s_blocks_are_the_same_parts_of_another_network() {
        use crate::experiment::{PAPER_BLOCKS, Trainable};
        let parts = |world: &World, paper: u32| {
            let names = Trainable::Blocks(world.blocks(paper)).names(world.architecture()).unwrap();
            // Whole stages alone: what lies below the last dot but two differs with the kind of block.
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
            // All of the stages, and nothing of those before.
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
    fn sizes_that_a_world_does_not_draw_of_a_target_are_lacking_there() {
        let lab = World::lab();
        assert!(
            lab.draws("kmnist", 1600) && !lab.draws("kmnist", 1601) && lab.draws("mnist", 6400)
        );
        let lacks = |images| lab.lacks(&Key::new("kmnist", "natural", 3, images));
        assert_eq!(lacks(1600), None);
        assert_eq!(lacks(6400).unwrap(), "the lab world draws at most 1600 images of KMNIST");
    }

    #[test]
    fn blocks_and_pixels_that_a_network_has_not_are_lacking() {
        let smoke = World::smoke();
        let lacks = |blocks, resolution| {
            smoke.lacks(&Key { resolution, ..Key::new("kmnist", "natural", blocks, 400) })
        };
        assert_eq!(lacks(9, Resolution::Pixels(28)), None);
        let said = lacks(3, Resolution::Pixels(56)).unwrap();
        assert!(
            said.contains("the smoke world can't: resolution is 56") && said.contains("to 28"),
            "{said}"
        );
        assert!(lacks(3, Resolution::Pixels(0)).is_some());
        let said = lacks(1000, Resolution::Native).unwrap();
        assert!(said.starts_with("the smoke world can't") && said.contains("1000"), "{said}");
    }

    #[test]
    fn planned_seeds_fall_with_size_and_a_quarter_of_the_pool_is_the_limit() {
        let world = World::paper();
        assert_eq!(world.planned_seeds(6400), Some(10));
        assert_eq!(world.planned_seeds(6401), Some(5));
        assert_eq!(world.planned_seeds(100_000), None);
        assert!(!world.subset_over_pool("cifar10", 12_500));
        assert!(world.subset_over_pool("cifar10", 12_501));
    }
}
