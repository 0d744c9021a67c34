//! What fine-tunes cost on a device: trials, operations, time, memory, downloads and disk space.
//! Time is null where no speed is known, and covers only what the device has the memory for.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    cost::{Cost, Throughput},
    downloads::Downloads,
    memory,
};
use crate::{
    experiment::{Key, Seed, Trial},
    fetch::Catalogue,
    world::World,
};

/// A device to price for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Priced {
    /// The speed of each of those that run at once; `None` if it is unknown.
    pub speed: Option<Throughput>,
    /// How many fine-tunes run at once; 0 counts as 1.
    pub at_once: usize,
    /// Its memory in bytes; `None` if it is unknown, and then all fine-tunes are priced.
    pub memory: Option<u64>,
}

impl Priced {
    /// Whether the device has what a fine-tune needs at least.
    #[must_use]
    pub fn fits(&self, bytes: u64) -> bool {
        self.memory.is_none_or(|memory| bytes <= memory)
    }
}

/// What fine-tunes cost.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Price {
    /// Fine-tunes.
    pub fine_tunes: usize,
    /// Of these, those that need more memory than the device has: no time is estimated for them.
    pub too_large: usize,
    /// Additions and multiplications, siblings side by side, without those that are too large.
    pub operations: f64,
    /// Seconds of the device for these operations; null if no speed is known, or if all are too
    /// large.
    pub seconds: Option<f64>,
    /// Bytes of memory that the largest fine-tune needs at least, those too large included.
    pub memory_bytes_at_least: u64,
    /// What they need from the network, whether it is here or not.
    pub downloads: Downloads,
    /// Bytes on disk at most: downloads, what they unpack to, and records; null where the size of a
    /// download is unknown.
    pub disk_bytes_at_most: Option<u64>,
}

impl Price {
    /// The price of fine-tunes on a device.
    ///
    /// # Panics
    /// If the world has no such target.
    #[must_use]
    pub fn new<'a>(
        fine_tunes: impl IntoIterator<Item = &'a (Key, Seed)>,
        world: &World,
        catalogue: &Catalogue,
        device: &Priced,
    ) -> Self {
        let fine_tunes: BTreeSet<&(Key, Seed)> = fine_tunes.into_iter().collect();
        let trials = fine_tunes
            .iter()
            .map(|(key, seed)| Trial { recipe: world.recipe(key.clone()), seed: *seed });
        let (mut fitting, mut largest) = (Vec::new(), 0);
        for trial in trials {
            let bytes = memory_of(&trial, world);
            largest = largest.max(bytes);
            if device.fits(bytes) {
                fitting.push(trial);
            }
        }
        let cost = Cost::of_trials(&fitting, world);
        let too_large = fine_tunes.len() - fitting.len();
        let at_once = device.at_once.max(1) as f64;
        let priced = !fitting.is_empty() || too_large == 0;
        let seconds = device.speed.map(|speed| speed.seconds(cost) / at_once);
        let downloads = Downloads::new(fine_tunes.iter().map(|(key, _)| key), world, catalogue);
        Self {
            fine_tunes: fine_tunes.len(),
            too_large,
            operations: cost.flops,
            seconds: seconds.filter(|_| priced),
            memory_bytes_at_least: largest,
            disk_bytes_at_most: downloads.disk(fine_tunes.len()),
            downloads,
        }
    }
}

/// Bytes of memory that one fine-tune needs at least.
///
/// # Panics
/// If the world has no such target.
#[must_use]
pub fn memory_of(trial: &Trial, world: &World) -> u64 {
    memory::needed(&trial.recipe, world).ceil() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn price(fine_tunes: &BTreeSet<(Key, Seed)>, world: &World, device: &Priced) -> Price {
        Price::new(fine_tunes, world, &Catalogue::embedded(), device)
    }

    fn fine_tunes() -> impl Strategy<Value = BTreeSet<(Key, Seed)>> {
        let target = prop::sample::select(vec!["cifar10", "kmnist", "svhn"]);
        let source = prop::sample::select(vec!["natural", "l2_3", "linf_4"]);
        let blocks = prop::sample::select(vec![0_u32, 1, 3, 9]);
        let images = prop::sample::select(vec![100_u32, 800, 6400]);
        let one = (target, source, blocks, images, 0_u64..4).prop_map(
            |(target, source, blocks, images, seed)| {
                (Key::new(target, source, blocks, images), Seed(seed))
            },
        );
        prop::collection::btree_set(one, 0..12)
    }

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() <= 1e-9 * left.abs().max(right.abs())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Seeds share nothing with each other in the paper's set-up.
        #[test]
        fn the_total_is_the_sum_over_seeds(all in fine_tunes(), rate in 1e9..1e15_f64) {
            let world = World::paper();
            let device = Priced { speed: Some(Throughput(rate)), at_once: 1, memory: None };
            let total = price(&all, &world, &device);
            let parts: Vec<Price> = (0..4)
                .map(|seed| {
                    let of_seed =
                        all.iter().filter(|(_, of)| of.0 == seed).cloned().collect();
                    price(&of_seed, &world, &device)
                })
                .collect();
            let sum = |of: &dyn Fn(&Price) -> f64| parts.iter().map(of).sum::<f64>();
            let count: usize = parts.iter().map(|part| part.fine_tunes).sum();
            prop_assert_eq!(total.fine_tunes, count);
            prop_assert!(close(total.operations, sum(&|part| part.operations)));
            prop_assert!(close(total.seconds.unwrap(), sum(&|part| part.seconds.unwrap())));
            let largest = parts.iter().map(|part| part.memory_bytes_at_least).max();
            prop_assert_eq!(Some(total.memory_bytes_at_least), largest);
            let items: BTreeSet<String> =
                parts.iter().flat_map(|part| part.downloads.items.clone()).collect();
            prop_assert_eq!(&total.downloads.items, &items);
        }

        /// Twice the speed is half the time; more fine-tunes never cost less.
        #[test]
        fn time_falls_with_speed_and_rises_with_work(
            all in fine_tunes(),
            more in fine_tunes(),
            rate in 1e9..1e15_f64,
            times in 1.01..100.0_f64,
        ) {
            let world = World::paper();
            let at = |rate, all| {
                let device = Priced { speed: Some(Throughput(rate)), at_once: 1, memory: None };
                price(all, &world, &device).seconds.unwrap()
            };
            let (slow, fast) = (at(rate, &all), at(rate * times, &all));
            prop_assert!(close(slow, fast * times) && (all.is_empty() || fast < slow));
            let union: BTreeSet<(Key, Seed)> = all.union(&more).cloned().collect();
            prop_assert!(at(rate, &union) >= slow * (1.0 - 1e-9));
        }

        /// Less memory never makes more of them fit, and what does not fit costs no time.
        #[test]
        fn what_does_not_fit_has_no_price(all in fine_tunes(), gib in 0_u64..8) {
            let world = World::paper();
            let device = |memory| Priced { speed: Some(Throughput(1e13)), at_once: 1, memory };
            let (bounded, whole) =
                (price(&all, &world, &device(Some(gib << 30))), price(&all, &world, &device(None)));
            let fitting: BTreeSet<(Key, Seed)> = all
                .iter()
                .filter(|(key, seed)| {
                    let trial = Trial { recipe: world.recipe(key.clone()), seed: *seed };
                    memory_of(&trial, &world) <= gib << 30
                })
                .cloned()
                .collect();
            prop_assert_eq!(bounded.too_large, all.len() - fitting.len());
            prop_assert_eq!(bounded.operations, price(&fitting, &world, &device(None)).operations);
            prop_assert_eq!(bounded.memory_bytes_at_least, whole.memory_bytes_at_least);
            prop_assert_eq!(bounded.seconds.is_none(), fitting.is_empty() && !all.is_empty());
        }
    }

    #[test]
    fn a_price_without_a_speed_has_no_time() {
        let world = World::paper();
        let one = BTreeSet::from([(Key::new("kmnist", "natural", 3, 100), Seed(1))]);
        let unknown = price(&one, &world, &Priced::default());
        assert_eq!((unknown.fine_tunes, unknown.seconds), (1, None));
        assert!(unknown.operations > 1e12);
        let two = Priced { speed: Some(Throughput(1e12)), at_once: 2, memory: None };
        let expected = unknown.operations / 2e12;
        assert!((price(&one, &world, &two).seconds.unwrap() / expected - 1.0).abs() < 1e-12);
    }
}
