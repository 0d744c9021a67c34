//! The cost of fine-tunes before they run: images, floating-point operations, and seconds at a
//! measured speed.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter::Sum,
    ops::Add,
};

use crate::{
    experiment::{AdversarialTest, MultiplyAdds, Recipe, Trial},
    store::{Ended, Entry, Provenance},
    world::World,
};

/// The cost of one or several fine-tunes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Training images over all epochs and fine-tunes.
    pub trained: f64,
    /// Test images over all evaluations and fine-tunes.
    pub tested: f64,
    /// Additions and multiplications, by [`MultiplyAdds`].
    pub flops: f64,
}

impl Cost {
    /// The cost of one fine-tune that runs alone.
    ///
    /// # Panics
    /// If the world has no such target.
    #[must_use]
    pub fn of_recipe(recipe: &Recipe, world: &World) -> Self {
        Self::of_siblings(&[recipe], world)
    }

    /// The cost of fine-tunes that run together: those of one family ([`Trial::family`]) share
    /// their frozen part, and the test features of a fixed frozen part are computed once
    /// ([`Recipe::of_test_features`]).
    ///
    /// # Panics
    /// If the world has no such target.
    #[must_use]
    pub fn of_trials<'a>(trials: impl IntoIterator<Item = &'a Trial>, world: &World) -> Self {
        let mut families: BTreeMap<(u32, String), Vec<&Recipe>> = BTreeMap::new();
        for trial in trials {
            let zoo = world.zoo_of(&trial.recipe.key, trial.seed);
            families.entry((zoo, trial.family())).or_default().push(&trial.recipe);
        }
        let mut tested = BTreeSet::new();
        let cost = |((zoo, _), family): (&(u32, String), &Vec<&Recipe>)| {
            let fixed = family[0].protocol.frozen_part_is_fixed();
            let cached = fixed && !tested.insert((*zoo, family[0].of_test_features()));
            let features = if cached { Self::of_test_features(family[0], world) } else { 0.0 };
            let cost = Self::of_siblings(family, world);
            Self { flops: cost.flops - features, ..cost }
        };
        families.iter().map(cost).sum()
    }

    fn of_siblings(recipes: &[&Recipe], world: &World) -> Self {
        let Some(&recipe) = recipes.first() else { return Self::default() };
        let Recipe { key, protocol, .. } = recipe;
        let counted = MultiplyAdds::new(world.architecture(), protocol.side);
        let blocks: Vec<u32> = recipes.iter().map(|recipe| recipe.trained_blocks()).collect();
        let images = f64::from(key.images);
        let trained = f64::from(protocol.epochs) * images;
        // One more evaluation after the first step.
        let passes = protocol.evaluate.len() as f64 + 1.0;
        let test = f64::from(world.targets[&*key.target].test);
        let tested = passes * test;
        // Influence needs the features of both sets; the rest of its cost is about 1 % of that at
        // the paper's scale.
        let measured = recipes.iter().filter(|recipe| recipe.key.influence).count() as f64;
        let for_influence = measured * (test + images);
        // Each step passes each image forward and, for its gradient, about as much backward; one
        // pass finds the loss of the last point and one what is classified correctly.
        let attacked = recipes.iter().filter_map(|recipe| recipe.adversarial);
        let passes = |test: AdversarialTest| f64::from(test.images) * f64::from(test.steps + 1);
        let attacked = 2.0 * attacked.map(passes).sum::<f64>();
        let mut flops = 2.0
            * (trained * counted.siblings_training(&blocks) as f64
                + tested * counted.siblings_testing(&blocks) as f64
                + (for_influence + attacked) * counted.forward() as f64);
        if protocol.frozen_part_is_fixed() {
            // One forward pass through it per image of either set, instead of one per step or test.
            let saved = trained - images + tested;
            flops -= 2.0 * saved * counted.frozen(recipe.trained_blocks()) as f64;
            flops += Self::of_test_features(recipe, world);
        }
        let count = recipes.len() as f64;
        Self { trained: count * trained, tested: count * tested + for_influence, flops }
    }

    /// Operations of one forward pass of the test set through the frozen part of a recipe.
    fn of_test_features(recipe: &Recipe, world: &World) -> f64 {
        let counted = MultiplyAdds::new(world.architecture(), recipe.protocol.side);
        let test = f64::from(world.targets[&*recipe.key.target].test);
        2.0 * test * counted.frozen(recipe.trained_blocks()) as f64
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            trained: self.trained + other.trained,
            tested: self.tested + other.tested,
            flops: self.flops + other.flops,
        }
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), Add::add)
    }
}

/// The speed of fine-tunes, alone or side by side, in operations per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throughput(pub f64);

impl Throughput {
    /// The speed of the thin network on one thread of the machine of `benches/README.md`: the
    /// default until a speed is measured on this machine.
    pub const REFERENCE: Self = Self(5e10);

    /// The time of a cost, in seconds.
    #[must_use]
    pub fn seconds(self, cost: Cost) -> f64 {
        cost.flops / self.0
    }
}

/// Measured speeds by processor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Throughputs(BTreeMap<String, Throughput>);

impl Throughputs {
    /// Measures speeds from the entries of a world.
    #[must_use]
    pub(crate) fn by_records<'a>(
        entries: impl IntoIterator<Item = &'a Entry>,
        world: &World,
    ) -> Self {
        let of_world = |entry: &&Entry| {
            let Recipe { key, world: of, .. } = &entry.trial.recipe;
            let finished = matches!(entry.outcome, Ended::Finished(_));
            finished && **of == *world.recorded_as() && world.unavailable(key).is_none()
        };
        // Trials that ran side by side have the same start and the same seconds to the last bit;
        // those of a family that two workers shared do not.
        let mut together: BTreeMap<(&str, u64, u64, String), Vec<&Entry>> = BTreeMap::new();
        for entry in entries.into_iter().filter(of_world) {
            let Provenance { processor, started, seconds, .. } = &entry.provenance;
            let of = (processor.as_str(), *started, seconds.to_bits(), entry.trial.family());
            together.entry(of).or_default().push(entry);
        }
        let mut took: BTreeMap<&str, (f64, Cost)> = BTreeMap::new();
        for ((processor, ..), ran) in &together {
            let (seconds, cost) = took.entry(processor).or_default();
            *seconds += ran[0].provenance.seconds;
            *cost = *cost + Cost::of_trials(ran.iter().map(|entry| &entry.trial), world);
        }
        let measured = took.into_iter().filter(|(_, (seconds, _))| *seconds > 0.0);
        let speed = |(seconds, cost): (f64, Cost)| Throughput(cost.flops / seconds);
        Self(measured.map(|(processor, took)| (processor.to_owned(), speed(took))).collect())
    }

    /// The speed of a processor, by its name in records; `None` without a record.
    #[must_use]
    pub fn on_processor(&self, processor: &str) -> Option<Throughput> {
        self.0.get(processor).copied()
    }
}

/// The number of concurrent fine-tunes and their threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threads {
    /// Concurrent families of trials.
    pub at_once: usize,
    /// Threads of each family.
    pub each: usize,
}

/// The side, in pixels, from which images are large enough to split one trial's work between
/// threads, and to fill a GPU.
pub(crate) const LARGE: u32 = 64;

/// How a CPU runs fine-tunes on images of `side` by `side` pixels with `threads` threads (by
/// default one per core). Small convolutions gain little from a second thread, so each trial gets
/// one, which makes results bit-identical; large ones run one trial at a time.
#[must_use]
pub fn threads_on_a_cpu(side: u32, threads: Option<usize>) -> Threads {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = threads.unwrap_or_else(cores);
    if side < LARGE {
        Threads { at_once: threads, each: 1 }
    } else {
        Threads { at_once: 1, each: threads }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Augmentation, BatchNorm, Key, Outcome, Seed};

    fn recipe(world: &World, blocks: u32, images: u32) -> Recipe {
        let key = Key::new("kmnist", "natural", blocks, images);
        Recipe { adversarial: None, ..world.recipe(key) }
    }

    #[test]
    fn the_cost_of_a_fine_tune_matches_a_count_by_hand() {
        let paper = World::paper();
        let Cost { trained, tested, flops } = Cost::of_recipe(&recipe(&paper, 3, 3200), &paper);
        // 150 epochs; 16 evaluations and one after the first step, of 10,000 images.
        assert_eq!((trained, tested), (480_000.0, 170_000.0));
        let counted = MultiplyAdds::new(paper.architecture(), 224);
        let (train, test) = (counted.training(3) as f64, counted.forward() as f64);
        assert_eq!(flops, 2.0 * (480_000.0 * train + 170_000.0 * test));
        assert_eq!(Throughput(flops).seconds(Cost { trained, tested, flops }), 1.0);
    }

    #[test]
    fn a_sum_of_costs_has_the_images_and_operations_of_all() {
        let cost = |of: f64| Cost { trained: of, tested: 10.0 * of, flops: 100.0 * of };
        let sum: Cost = [cost(1.0), cost(2.0), cost(4.0)].into_iter().sum();
        assert_eq!((sum.trained, sum.tested, sum.flops), (7.0, 70.0, 700.0));
    }

    #[test]
    fn siblings_are_cheaper_than_each_alone_and_other_trials_are_not() {
        let smoke = World::smoke();
        let trial = |blocks, seed| Trial { recipe: recipe(&smoke, blocks, 400), seed: Seed(seed) };
        let alone = |trial: &Trial| Cost::of_recipe(&trial.recipe, &smoke).flops;
        let (one, other, unrelated) = (trial(1, 1), trial(3, 1), trial(3, 2));
        let siblings = Cost::of_trials([&one, &other], &smoke);
        assert!(siblings.flops < 0.8 * (alone(&one) + alone(&other)), "{siblings:?}");
        assert_eq!(siblings.trained, 2.0 * Cost::of_recipe(&one.recipe, &smoke).trained);
        let both = Cost::of_trials([&one, &unrelated], &smoke);
        assert_eq!(both.flops, alone(&one) + alone(&unrelated));
        assert_eq!(Cost::of_trials([], &smoke), Cost::default());
    }

    #[test]
    fn a_fixed_frozen_part_is_counted_once() {
        let smoke = World::smoke();
        let mut recipe = recipe(&smoke, 3, 400);
        recipe.protocol.batch_norm = BatchNorm::Frozen;
        recipe.protocol.augmentation = Augmentation::NONE;
        let counted = MultiplyAdds::new(smoke.architecture(), 28);
        let (frozen, forward) = (counted.frozen(3) as f64, counted.forward() as f64);
        let part = forward - frozen;
        // 24 epochs of 400 images; four evaluations and one after the first step, of 2,000.
        let alone =
            2.0 * (400.0 * frozen + 9_600.0 * 3.0 * part + 2_000.0 * frozen + 10_000.0 * part);
        assert_eq!(Cost::of_recipe(&recipe, &smoke).flops, alone);
        let trials = [1, 2, 3].map(|seed| Trial { recipe: recipe.clone(), seed: Seed(seed) });
        let together = Cost::of_trials(&trials, &smoke);
        assert_eq!(together.flops, 3.0 * alone - 2.0 * 2.0 * 2_000.0 * frozen);
        assert_eq!(together.trained, 3.0 * 9_600.0);
    }

    #[test]
    fn an_attack_costs_two_passes_a_step_and_two_more() {
        let smoke = World::smoke();
        let plain = recipe(&smoke, 3, 400);
        let attacked = smoke.recipe(plain.key.clone());
        assert_eq!(attacked.adversarial.map(|test| (test.images, test.steps)), Some((500, 20)));
        let forward = MultiplyAdds::new(smoke.architecture(), 28).forward() as f64;
        let [plain, attacked] = [plain, attacked].map(|recipe| Cost::of_recipe(&recipe, &smoke));
        assert_eq!(attacked.flops - plain.flops, 2.0 * 500.0 * 42.0 * forward);
    }

    #[test]
    fn more_blocks_and_more_images_cost_more() {
        let smoke = World::smoke();
        let flops = |blocks, images| Cost::of_recipe(&recipe(&smoke, blocks, images), &smoke).flops;
        assert!(flops(0, 100) < flops(1, 100) && flops(1, 100) < flops(9, 100));
        assert!(flops(3, 100) < flops(3, 400));
    }

    /// A record that took `seconds` on a processor.
    fn ran(seed: u64, processor: &str, seconds: f64) -> Entry {
        let trial = Trial { recipe: recipe(&World::smoke(), 3, 400), seed: Seed(seed) };
        Entry {
            id: format!("{seed} on {processor}"),
            trial,
            engine_version: 1,
            weights: String::new(),
            data: String::new(),
            outcome: Ended::Finished(Outcome {
                evaluations: Vec::new(),
                first_losses: Vec::new(),
                test_loss_after_first_step: 1.0,
                correct: Vec::new(),
                weights: String::new(),
                influence: Vec::new(),
                adversarial: None,
            }),
            provenance: Provenance {
                program: String::new(),
                engine: String::new(),
                processor: processor.to_owned(),
                started: seed,
                seconds,
                images: None,
            },
        }
    }

    #[test]
    fn speeds_are_measured_by_processor() {
        let smoke = World::smoke();
        let entries = [ran(1, "a card", 2.0), ran(2, "a card", 4.0), ran(3, "a toy", 60.0)];
        let speeds = Throughputs::by_records(&entries, &smoke);
        let alone = Cost::of_recipe(&recipe(&smoke, 3, 400), &smoke).flops;
        assert_eq!(speeds.on_processor("a card"), Some(Throughput(alone / 3.0)));
        assert_eq!(speeds.on_processor("a toy"), Some(Throughput(alone / 60.0)));
        assert_eq!(speeds.on_processor("another"), None);
        // Records of another world do not count.
        assert_eq!(Throughputs::by_records(&entries, &World::lab()), Throughputs::default());
    }
}
