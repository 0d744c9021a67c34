//! What fine-tunes cost before they are run: images, operations, and seconds at a speed that was
//! measured.

use std::{iter::Sum, ops::Add};

use crate::{
    ledger::{Ended, Entry},
    model::MultiplyAdds,
    trial::Recipe,
    world::World,
};

/// What one or several fine-tunes take.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Price {
    /// Images that go through the network and back.
    pub trained: f64,
    /// Images that go through it to be tested.
    pub tested: f64,
    /// Additions and multiplications, by [`MultiplyAdds`].
    pub operations: f64,
}

impl Price {
    /// Of one fine-tune.
    ///
    /// # Panics
    /// If its target is not the world's.
    #[must_use]
    pub fn of(recipe: &Recipe, world: &World) -> Self {
        let Recipe { key, protocol, .. } = recipe;
        let counted = MultiplyAdds::of(world.architecture(), protocol.side);
        let trained = f64::from(protocol.epochs) * f64::from(key.images);
        // Once more after the first step.
        let passes = protocol.evaluate.len() as f64 + 1.0;
        let test = f64::from(world.targets[&*key.target].test);
        // Influence needs both sets' features; what follows is a hundredth of that at the paper's scale.
        let once_more = if key.influence { test + f64::from(key.images) } else { 0.0 };
        let tested = passes * test + once_more;
        let operations = 2.0
            * (trained * counted.training(key.blocks) as f64 + tested * counted.forward() as f64);
        Self { trained, tested, operations }
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

/// How fast one fine-tune goes on: operations a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed(pub f64);

impl Speed {
    /// The thin network's on one thread of the machine that `benches/README.md` tells of: what is
    /// taken before anything was measured here.
    pub const ELSEWHERE: Self = Self(5e10);

    /// By a world's records that are there; `None` where there is none.
    #[must_use]
    pub fn by_records(entries: &[Entry], world: &World) -> Option<Self> {
        let of_world = |entry: &&Entry| {
            let Recipe { key, world: of, .. } = &entry.trial.recipe;
            let finished = matches!(entry.outcome, Ended::Finished(_));
            finished && **of == *world.id && world.lacks(key).is_none()
        };
        let entries = || entries.iter().filter(of_world);
        let seconds: f64 = entries().map(|entry| entry.provenance.seconds).sum();
        let price: Price = entries().map(|entry| Price::of(&entry.trial.recipe, world)).sum();
        (seconds > 0.0).then(|| Self(price.operations / seconds))
    }

    /// Seconds that something takes.
    #[must_use]
    pub fn seconds(self, price: Price) -> f64 {
        price.operations / self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Key, Resolution};

    fn recipe(world: &World, blocks: u32, images: u32) -> Recipe {
        let key = Key {
            target: "kmnist".into(),
            source: "natural".into(),
            blocks,
            images,
            resolution: Resolution::Native,
            draw: 0,
            influence: false,
        };
        Recipe::of(world, key)
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
    fn more_blocks_and_more_images_cost_more() {
        let smoke = World::smoke();
        let price = |blocks, images| Price::of(&recipe(&smoke, blocks, images), &smoke).operations;
        assert!(price(0, 100) < price(1, 100) && price(1, 100) < price(9, 100));
        assert!(price(3, 100) < price(3, 400));
        assert_eq!(Speed::by_records(&[], &smoke), None);
    }
}
