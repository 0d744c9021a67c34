//! What the sensitivity analysis of a claim costs.

use super::{CHOICES, tuning};
use crate::{
    claim::Claim,
    experiment::Trial,
    plan::{self, cost::Cost},
    world::World,
};

/// How many fine-tunes the choices need beside those of the paper's recipe if none is recorded and
/// no look decides before the last, and their cost. A learning rate for each source needs those
/// that choose it too.
#[must_use]
pub fn price(claim: &Claim, world: &World) -> (usize, Cost) {
    let mut total = (0, Cost::default());
    for choice in CHOICES.iter().filter(|choice| !["paper", "best_epoch"].contains(&choice.id)) {
        if choice.unavailable(claim, world).is_some() {
            continue;
        }
        let Some(claim) = choice.claim(claim) else { continue };
        let world = choice.world(&claim, world.clone());
        let needed = plan::at_most(&[&claim], &world).into_keys();
        let mut trials: Vec<Trial> =
            needed.map(|(key, seed)| Trial { recipe: world.recipe(key), seed }).collect();
        if choice.chooses_rates() {
            trials.extend(tuning(&claim, &world));
        }
        total = (total.0 + trials.len(), total.1 + Cost::of_trials(&trials, &world));
    }
    total
}
