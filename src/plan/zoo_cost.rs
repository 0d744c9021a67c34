//! The cost of training a zoo of source models, by counting operations.

use crate::experiment::MultiplyAdds;
use crate::experiment::{Against, Model, Pretraining};

/// The cost of a zoo, minimum and maximum: the number of radii tried for an eps is not known in
/// advance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ZooCost {
    /// Number of trainings over all epochs.
    pub trainings: [u32; 2],
    /// Additions and multiplications, by [`MultiplyAdds`], without the evaluation of the models
    /// (about 1 %).
    pub flops: [f64; 2],
}

impl Pretraining {
    /// The cost with `train` training and `test` test images.
    #[must_use]
    pub fn cost(&self, train: u64, test: u64) -> ZooCost {
        let mut cost = ZooCost { trainings: [0; 2], flops: [0.0; 2] };
        for model in &self.models {
            let max = match &model.against {
                Against::Attack { grid, .. } => grid.len() as u32,
                _ => 1,
            };
            for (end, times) in [1, max].into_iter().enumerate() {
                cost.trainings[end] += times;
                let epochs = f64::from(times) * f64::from(self.epochs);
                cost.flops[end] += epochs * self.flops_of_epoch(model, train, test);
            }
        }
        cost
    }

    /// Additions and multiplications of one epoch of a model, with `train` training and `test` test
    /// images.
    #[must_use]
    pub fn flops_of_epoch(&self, model: &Model, train: u64, test: u64) -> f64 {
        let forward = 2.0 * MultiplyAdds::new(&self.architecture, self.side).forward() as f64;
        // An attack step is one forward and one backward pass to the image; one forward pass more
        // evaluates the final image.
        let attack = match model.against {
            Against::Attack { .. } | Against::Stronger { .. } => {
                2.0 * f64::from(self.attack_steps) + 1.0
            }
            Against::Nothing | Against::NoiseAsLongAs(_) => 0.0,
        };
        let seen = self.images_of_epoch(train as usize);
        // A step is one forward pass and backward passes to inputs and to weights; an epoch ends
        // with a test.
        forward * (seen as f64 * (3.0 + attack) + test as f64)
    }
}

#[cfg(test)]
mod tests {
    use crate::{experiment::MultiplyAdds, world::World};

    #[test]
    fn the_cost_of_a_zoo_matches_a_count_by_hand() {
        let lab = World::lab().pretraining.unwrap();
        let cost = lab.cost(50_000, 5_000);
        // One natural model and three against attacks of 3 steps, two of which try one or two
        // radii.
        assert_eq!(cost.trainings, [4, 6]);
        let forward = 2.0 * MultiplyAdds::new(&lab.architecture, 64).forward() as f64;
        let of = |attacked: f64| {
            20.0 * forward * (50_000.0 * (4.0 * 3.0 + attacked * 7.0) + 4.0 * 5_000.0)
        };
        assert!((cost.flops[0] / of(3.0) - 1.0).abs() < 1e-12);
        let two_more = 2.0 * 20.0 * forward * (50_000.0 * 10.0 + 5_000.0);
        assert!((cost.flops[1] / (of(3.0) + two_more) - 1.0).abs() < 1e-12);
    }
}
