//! Further zoos of the smoke world: the recipe of the bundled zoo with other seeds, so that a claim
//! can be tested on several source models of each role. The eps of each model is the one that the
//! bundled zoo chose: a search for every seed would mix the effects of seed and eps. Training them
//! is left to the engine.

use super::bundled;
use crate::experiment::{Against, Model, Pretraining, Seed, Threat};

/// Seeds whose zoos have a Gaussian model: the first five, to keep the weights of ten zoos small.
const WITH_GAUSSIAN: std::ops::RangeInclusive<u64> = 2..=6;

/// The recipe of a further zoo, from that of the bundled zoo: another seed, each grid of radii
/// replaced by the radius on the bundled model's card, and a Gaussian model for seeds 2 to 6 only.
/// The seed fixes initial weights and the order of images, so the models of a zoo share both.
///
/// # Panics
/// If the recipe is of another world: its roles have no cards among those that ship.
#[must_use]
pub fn recipe(bundled: &Pretraining, seed: Seed) -> Pretraining {
    let mut recipe = Pretraining { seed, ..bundled.clone() };
    recipe.models.retain(|model| {
        WITH_GAUSSIAN.contains(&seed.0) || !matches!(model.against, Against::NoiseAsLongAs(_))
    });
    for model in &mut recipe.models {
        if let Against::Attack { grid, .. } = &mut model.against {
            let card = bundled::card(&model.role).expect("roles of the bundled zoo");
            let Threat::Attack { epsilon, .. } = card.threat else {
                panic!("the card of {} is of no attack", model.role)
            };
            *grid = vec![epsilon];
        }
    }
    recipe
}

/// Leaves only the models of these roles in a recipe.
///
/// # Errors
/// If the recipe has no such role, or a role is not among them that others need: the natural one,
/// with which all are compared, or one whose eps another's follows from.
pub fn keep_roles(recipe: &mut Pretraining, roles: &[String]) -> Result<(), String> {
    let seed = recipe.seed.0;
    let has = |role: &&String| recipe.models.iter().any(|model| model.role == **role);
    if let Some(unknown) = roles.iter().find(|role| !has(role)) {
        return Err(format!("the zoo of seed {seed} has no model `{unknown}`"));
    }
    let is_natural = |model: &Model| model.against == Against::Nothing;
    recipe.models.retain(|model| roles.contains(&model.role) || is_natural(model));
    for Model { role, against } in &recipe.models {
        let needed = match against {
            Against::Nothing => role,
            Against::Attack { .. } => continue,
            Against::Stronger { than, .. } | Against::NoiseAsLongAs(than) => than,
        };
        if !roles.contains(needed) {
            return Err(format!("the zoo of seed {seed} can't be trained without `{needed}`"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{experiment::Constraint, world::World};

    fn roles(recipe: &Pretraining) -> Vec<&str> {
        recipe.models.iter().map(|model| model.role.as_str()).collect()
    }

    #[test]
    fn a_further_zoo_has_the_bundled_recipe_at_the_eps_that_the_bundled_zoo_chose() {
        let bundled = World::smoke().pretraining.unwrap();
        let recipe = recipe(&bundled, Seed(3));
        assert_eq!(recipe.seed, Seed(3));
        let attack = |constraint, epsilon| Against::Attack { constraint, grid: vec![epsilon] };
        let against: Vec<Against> =
            recipe.models.iter().map(|model| model.against.clone()).collect();
        let expected = [
            Against::Nothing,
            attack(Constraint::L2, 1.5),
            attack(Constraint::Linf, 0.15),
            Against::Stronger { than: "linf_4".to_owned(), times: 2.0 },
            Against::NoiseAsLongAs("l2_3".to_owned()),
        ];
        assert_eq!(against, expected);
        // What the other two derive is what their bundled models were trained against.
        let threat = |role| super::bundled::card(role).unwrap().threat;
        let twice = Threat::Attack { constraint: Constraint::Linf, epsilon: 2.0 * 0.15 };
        assert_eq!(threat("linf_8"), twice);
        assert_eq!(threat("gaussian"), Threat::Noise { epsilon: 1.5 });
        // Nothing else differs.
        let (seed, models) = (bundled.seed, bundled.models.clone());
        assert_eq!(Pretraining { seed, models, ..recipe }, bundled);
    }

    #[test]
    fn only_the_first_five_further_zoos_have_a_gaussian_model() {
        let bundled = World::smoke().pretraining.unwrap();
        let all = roles(&bundled);
        for seed in 2..=11 {
            let recipe = recipe(&bundled, Seed(seed));
            let expected = if seed <= 6 { &all[..] } else { &all[..4] };
            assert_eq!(roles(&recipe), expected, "seed {seed}");
        }
    }

    #[test]
    fn roles_are_kept_with_those_that_they_need() {
        let bundled = World::smoke().pretraining.unwrap();
        let keep = |named: &[&str]| {
            let mut recipe = recipe(&bundled, Seed(2));
            let names: Vec<String> = named.iter().map(ToString::to_string).collect();
            keep_roles(&mut recipe, &names).map(|()| roles(&recipe).join(" "))
        };
        assert_eq!(keep(&["l2_3", "natural"]).unwrap(), "natural l2_3");
        assert_eq!(keep(&["natural", "linf_8", "linf_4"]).unwrap(), "natural linf_4 linf_8");
        for (named, said) in [
            (&["l2_3"][..], "without `natural`"),
            (&["natural", "linf_8"], "without `linf_4`"),
            (&["natural", "gaussian"], "without `l2_3`"),
            (&["natural", "l2_4"], "no model `l2_4`"),
        ] {
            let error = keep(named).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
