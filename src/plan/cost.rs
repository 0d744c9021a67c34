//! What fine-tunes cost before they are run: images, operations, and seconds at a speed that was
//! measured.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter::Sum,
    ops::Add,
};

use crate::{
    experiment::{MultiplyAdds, Recipe, Trial},
    store::{Ended, Entry, Provenance},
    world::World,
};

/// What one or several fine-tunes take.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Price {
    /// Images that are trained on, in all fine-tunes together.
    pub trained: f64,
    /// Images that are tested.
    pub tested: f64,
    /// Additions and multiplications, by [`MultiplyAdds`].
    pub operations: f64,
}

impl Price {
    /// Of one fine-tune that runs alone.
    ///
    /// # Panics
    /// If its target is not the world's.
    #[must_use]
    pub fn of(recipe: &Recipe, world: &World) -> Self {
        Self::of_siblings(&[recipe], world)
    }

    /// Of fine-tunes that are run together: those of one family side by side
    /// ([`Trial::family`]), and what a fixed frozen part makes of a test set once
    /// ([`Recipe::of_test_features`]).
    ///
    /// # Panics
    /// If a target is not the world's.
    #[must_use]
    pub fn of_all<'a>(trials: impl IntoIterator<Item = &'a Trial>, world: &World) -> Self {
        let mut families: BTreeMap<String, Vec<&Recipe>> = BTreeMap::new();
        for trial in trials {
            families.entry(trial.family()).or_default().push(&trial.recipe);
        }
        let mut tested = BTreeSet::new();
        let price = |family: &Vec<&Recipe>| {
            let fixed = family[0].protocol.frozen_part_is_fixed();
            let kept = fixed && !tested.insert(family[0].of_test_features());
            let features = if kept { Self::of_test_features(family[0], world) } else { 0.0 };
            let price = Self::of_siblings(family, world);
            Self { operations: price.operations - features, ..price }
        };
        families.values().map(price).sum()
    }

    fn of_siblings(recipes: &[&Recipe], world: &World) -> Self {
        let Some(&recipe) = recipes.first() else { return Self::default() };
        let Recipe { key, protocol, .. } = recipe;
        let counted = MultiplyAdds::of(world.architecture(), protocol.side);
        let blocks: Vec<u32> = recipes.iter().map(|recipe| recipe.trained_blocks()).collect();
        let images = f64::from(key.images);
        let trained = f64::from(protocol.epochs) * images;
        // Once more after the first step.
        let passes = protocol.evaluate.len() as f64 + 1.0;
        let test = f64::from(world.targets[&*key.target].test);
        let tested = passes * test;
        // Influence needs both sets' features; what follows is a hundredth of that at the paper's scale.
        let measured = recipes.iter().filter(|recipe| recipe.key.influence).count() as f64;
        let once_more = measured * (test + images);
        let mut operations = 2.0
            * (trained * counted.siblings_training(&blocks) as f64
                + tested * counted.siblings_testing(&blocks) as f64
                + once_more * counted.forward() as f64);
        if protocol.frozen_part_is_fixed() {
            // One way through it for every image of either set, in place of one a step or test.
            let again = trained - images + tested;
            operations -= 2.0 * again * counted.frozen(recipe.trained_blocks()) as f64;
            operations += Self::of_test_features(recipe, world);
        }
        let count = recipes.len() as f64;
        Self { trained: count * trained, tested: count * tested + once_more, operations }
    }

    /// Operations of one way of a test set through what a recipe leaves frozen.
    fn of_test_features(recipe: &Recipe, world: &World) -> f64 {
        let counted = MultiplyAdds::of(world.architecture(), recipe.protocol.side);
        let test = f64::from(world.targets[&*recipe.key.target].test);
        2.0 * test * counted.frozen(recipe.trained_blocks()) as f64
    }
}

impl Add for Price {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            trained: self.trained + other.trained,
            tested: self.tested + other.tested,
            operations: self.operations + other.operations,
        }
    }
}

impl Sum for Price {
    fn sum<I: Iterator<Item = Self>>(prices: I) -> Self {
        prices.fold(Self::default(), Add::add)
    }
}

/// How fast fine-tunes go on, alone or side by side: operations a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed(pub f64);

impl Speed {
    /// The thin network's on one thread of the machine that `benches/README.md` tells of: what is
    /// taken before anything was measured here.
    pub const ELSEWHERE: Self = Self(5e10);

    /// Seconds that something takes.
    #[must_use]
    pub fn seconds(self, price: Price) -> f64 {
        price.operations / self.0
    }
}

/// How fast fine-tunes went, by the processor that they ran on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Speeds(BTreeMap<String, Speed>);

impl Speeds {
    /// By a world's records that are there.
    #[must_use]
    pub(crate) fn by_records(entries: &[Entry], world: &World) -> Self {
        let of_world = |entry: &&Entry| {
            let Recipe { key, world: of, .. } = &entry.trial.recipe;
            let finished = matches!(entry.outcome, Ended::Finished(_));
            finished && **of == *world.id && world.lacks(key).is_none()
        };
        // What ran side by side began at once, and took the same seconds to the last bit; a family that
        // two workers shared did not.
        let mut together: BTreeMap<(&str, u64, u64, String), Vec<&Entry>> = BTreeMap::new();
        for entry in entries.iter().filter(of_world) {
            let Provenance { processor, started, seconds, .. } = &entry.provenance;
            let of = (processor.as_str(), *started, seconds.to_bits(), entry.trial.family());
            together.entry(of).or_default().push(entry);
        }
        let mut took: BTreeMap<&str, (f64, Price)> = BTreeMap::new();
        for ((processor, ..), ran) in &together {
            let (seconds, price) = took.entry(processor).or_default();
            *seconds += ran[0].provenance.seconds;
            *price = *price + Price::of_all(ran.iter().map(|entry| &entry.trial), world);
        }
        let measured = took.into_iter().filter(|(_, (seconds, _))| *seconds > 0.0);
        let speed = |(seconds, price): (f64, Price)| Speed(price.operations / seconds);
        Self(measured.map(|(processor, took)| (processor.to_owned(), speed(took))).collect())
    }

    /// A processor's, by its own name ([`crate::engine::device::name`]); `None` where no record is of it.
    #[must_use]
    pub fn of(&self, processor: &str) -> Option<Speed> {
        self.0.get(processor).copied()
    }
}

/// Fine-tunes at once, and threads of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threads {
    /// Families of trials at once.
    pub at_once: usize,
    /// Threads in each.
    pub each: usize,
}

/// Images from this side on are large enough to share one trial's work between threads, and to fill a
/// GPU.
pub(crate) const LARGE: u32 = 64;

/// How many fine-tunes of images of `side` by `side` pixels a CPU runs at once on so many threads, or on
/// one a core where nobody says: small convolutions gain little from a second thread, so that each
/// trial has one, and results are the same to the last bit; of large ones there is one trial at a time.
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
        world.recipe(key)
    }

    #[test]
    fn a_fine_tune_s_price_is_counted_by_hand() {
        let paper = World::paper();
        let Price { trained, tested, operations } = Price::of(&recipe(&paper, 3, 3200), &paper);
        // 150 epochs; 16 evaluations and one after the first step, of 10,000 images.
        assert_eq!((trained, tested), (480_000.0, 170_000.0));
        let counted = MultiplyAdds::of(paper.architecture(), 224);
        let (train, test) = (counted.training(3) as f64, counted.forward() as f64);
        assert_eq!(operations, 2.0 * (480_000.0 * train + 170_000.0 * test));
        assert_eq!(Speed(operations).seconds(Price { trained, tested, operations }), 1.0);
    }

    #[test]
    fn siblings_are_cheaper_than_each_alone_and_strangers_are_not() {
        let smoke = World::smoke();
        let trial = |blocks, seed| Trial { recipe: recipe(&smoke, blocks, 400), seed: Seed(seed) };
        let alone = |trial: &Trial| Price::of(&trial.recipe, &smoke).operations;
        let (one, other, stranger) = (trial(1, 1), trial(3, 1), trial(3, 2));
        let siblings = Price::of_all([&one, &other], &smoke);
        assert!(siblings.operations < 0.8 * (alone(&one) + alone(&other)), "{siblings:?}");
        assert_eq!(siblings.trained, 2.0 * Price::of(&one.recipe, &smoke).trained);
        let strangers = Price::of_all([&one, &stranger], &smoke);
        assert_eq!(strangers.operations, alone(&one) + alone(&stranger));
        assert_eq!(Price::of_all([], &smoke), Price::default());
    }

    #[test]
    fn a_fixed_frozen_part_is_paid_for_once() {
        let smoke = World::smoke();
        let mut recipe = recipe(&smoke, 3, 400);
        recipe.protocol.batch_norm = BatchNorm::Frozen;
        recipe.protocol.augmentation = Augmentation::NONE;
        let counted = MultiplyAdds::of(smoke.architecture(), 28);
        let (frozen, forward) = (counted.frozen(3) as f64, counted.forward() as f64);
        let part = forward - frozen;
        // 24 epochs of 400 images; four evaluations and one after the first step, of 2,000.
        let alone =
            2.0 * (400.0 * frozen + 9_600.0 * 3.0 * part + 2_000.0 * frozen + 10_000.0 * part);
        assert_eq!(Price::of(&recipe, &smoke).operations, alone);
        let trials = [1, 2, 3].map(|seed| Trial { recipe: recipe.clone(), seed: Seed(seed) });
        let together = Price::of_all(&trials, &smoke);
        assert_eq!(together.operations, 3.0 * alone - 2.0 * 2.0 * 2_000.0 * frozen);
        assert_eq!(together.trained, 3.0 * 9_600.0);
    }

    #[test]
    fn more_blocks_and_more_images_cost_more() {
        let smoke = World::smoke();
        let price = |blocks, images| Price::of(&recipe(&smoke, blocks, images), &smoke).operations;
        assert!(price(0, 100) < price(1, 100) && price(1, 100) < price(9, 100));
        assert!(price(3, 100) < price(3, 400));
    }

    /// A record that took so many seconds on a processor.
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
    fn speeds_are_those_of_the_processor_that_ran() {
        let smoke = World::smoke();
        let entries = [ran(1, "a card", 2.0), ran(2, "a card", 4.0), ran(3, "a toy", 60.0)];
        let speeds = Speeds::by_records(&entries, &smoke);
        let alone = Price::of(&recipe(&smoke, 3, 400), &smoke).operations;
        assert_eq!(speeds.of("a card"), Some(Speed(alone / 3.0)));
        assert_eq!(speeds.of("a toy"), Some(Speed(alone / 60.0)));
        assert_eq!(speeds.of("another"), None);
        // Those of another world say nothing of this one's.
        assert_eq!(Speeds::by_records(&entries, &World::lab()), Speeds::default());
    }
}
