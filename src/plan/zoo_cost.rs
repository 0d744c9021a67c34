//! What a zoo costs before it is made, by counting.

use crate::experiment::MultiplyAdds;
use crate::experiment::{Against, Model, Pretraining};

/// What making a zoo takes, at least and at most: how many radii are tried for an eps is not known before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Trainings, each over all epochs.
    pub trainings: [u32; 2],
    /// Additions and multiplications, by [`MultiplyAdds`]. What measures the models is left out, a hundredth.
    pub operations: [f64; 2],
}

impl Pretraining {
    /// What it takes with so many training and test images.
    #[must_use]
    pub fn cost(&self, train: u64, test: u64) -> Cost {
        let forward = 2.0 * MultiplyAdds::of(&self.architecture, self.side).forward() as f64;
        let training = |model: &Model| {
            // Each step of an attack goes forward and back to the image, and once more to see where it ended.
            let attack = match model.against {
                Against::Attack { .. } | Against::Stronger { .. } => {
                    2.0 * f64::from(self.attack_steps) + 1.0
                }
                Against::Nothing | Against::NoiseAsLongAs(_) => 0.0,
            };
            // A step goes forward, and back towards inputs and towards weights; an epoch ends with a test.
            f64::from(self.epochs) * forward * (train as f64 * (3.0 + attack) + test as f64)
        };
        let mut cost = Cost { trainings: [0; 2], operations: [0.0; 2] };
        for model in &self.models {
            let most = match &model.against {
                Against::Attack { grid, .. } => grid.len() as u32,
                _ => 1,
            };
            for (end, times) in [1, most].into_iter().enumerate() {
                cost.trainings[end] += times;
                cost.operations[end] += f64::from(times) * training(model);
            }
        }
        cost
    }
}

#[cfg(test)]
mod tests {
    use crate::{experiment::MultiplyAdds, world::World};

    #[test]
    fn a_zoo_s_cost_is_counted_by_hand() {
        let lab = World::lab().pretraining.unwrap();
        let cost = lab.cost(50_000, 5_000);
        // Natural, and three against attacks of 3 steps, of which two try one radius or two.
        assert_eq!(cost.trainings, [4, 6]);
        let forward = 2.0 * MultiplyAdds::of(&lab.architecture, 64).forward() as f64;
        let of = |attacked: f64| {
            20.0 * forward * (50_000.0 * (4.0 * 3.0 + attacked * 7.0) + 4.0 * 5_000.0)
        };
        assert!((cost.operations[0] / of(3.0) - 1.0).abs() < 1e-12);
        let two_more = 2.0 * 20.0 * forward * (50_000.0 * 10.0 + 5_000.0);
        assert!((cost.operations[1] / (of(3.0) + two_more) - 1.0).abs() < 1e-12);
    }
}
