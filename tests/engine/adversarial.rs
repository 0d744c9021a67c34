//! Adversarial accuracy at the end of fine-tunes of the smoke world, as in records.

use std::sync::atomic::AtomicBool;

use repro::{
    assets::{Assets as _, Bundled},
    engine::executor::{Local, Workers},
    experiment::{AdversarialTest, Constraint, Key, Outcome, Protocol, Recipe, Seed, Trial},
    store::{Ended, Ledger},
    world::{FIRST_ZOO, World},
};
use tch::Device;

const TEST: AdversarialTest = AdversarialTest {
    constraint: Constraint::L2,
    epsilon: 0.75,
    step: 0.375,
    steps: 3,
    images: 150,
};

/// Two short epochs, on 100 images.
fn recipe(blocks: u32, adversarial: Option<AdversarialTest>) -> Recipe {
    let mut recipe = World::smoke().recipe(Key::new("kmnist", "l2_3", blocks, 100));
    recipe.protocol = Protocol { epochs: 2, evaluate: vec![2], ..recipe.protocol };
    Recipe { adversarial, ..recipe }
}

/// The outcomes of recipes that run together, without times.
fn ran(recipes: &[Recipe]) -> Vec<Outcome> {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    let trial = |recipe: &Recipe| Trial { recipe: recipe.clone(), seed: Seed(7) };
    let trials: Vec<_> =
        recipes.iter().map(|recipe| Bundled.identify(trial(recipe), FIRST_ZOO).unwrap()).collect();
    let local = Local {
        ledger: &ledger,
        assets: &Bundled,
        workers: Workers::new(Device::Cpu, 28, Some(1)),
        stop: &AtomicBool::new(false),
    };
    local.run(&trials, &|_| ()).unwrap();
    let outcome = |id: &str| {
        let entry = ledger.get(id, &mut |file| panic!("{file:?}")).unwrap().unwrap();
        let Ended::Finished(mut outcome) = entry.outcome else { panic!("{:?}", entry.outcome) };
        outcome.evaluations.iter_mut().for_each(|evaluation| evaluation.seconds = 0.0);
        outcome
    };
    trials.iter().map(|named| outcome(&named.id)).collect()
}

fn accuracy(outcome: &Outcome) -> f64 {
    outcome.adversarial.as_ref().unwrap().accuracy()
}

#[test]
fn the_attack_changes_no_bit_of_the_fine_tune_and_siblings_none_of_the_attack() {
    let plain = ran(&[recipe(1, None)]).remove(0);
    assert_eq!(plain.adversarial, None);
    let attacked = ran(&[recipe(1, Some(TEST))]).remove(0);
    let measured = attacked.adversarial.clone().unwrap();
    assert_eq!((measured.test, measured.correct.len()), (TEST, 150));
    assert_eq!(Outcome { adversarial: None, ..attacked.clone() }, plain);
    let siblings = ran(&[recipe(3, Some(TEST)), recipe(1, Some(TEST)), recipe(0, None)]);
    assert_eq!(siblings[1], attacked);
    assert_eq!(siblings[2].adversarial, None);
}

#[test]
fn a_ball_of_radius_0_gives_the_plain_accuracy_of_the_same_images_and_a_larger_one_less() {
    let with = |epsilon| Some(AdversarialTest { epsilon, step: epsilon / 2.0, ..TEST });
    let [plain, small, large]: [Outcome; 3] =
        ran(&[0.0, 0.3, 3.0].map(|epsilon| recipe(9, with(epsilon)))).try_into().unwrap();
    let right = plain.correct[..150].iter().filter(|right| **right).count();
    assert_eq!(accuracy(&plain), 100.0 * right as f64 / 150.0);
    assert_eq!(plain.adversarial.as_ref().unwrap().correct, plain.correct[..150]);
    assert!(accuracy(&large) < accuracy(&small) && accuracy(&small) < accuracy(&plain));
}
