//! Adversarial accuracy: read from records, judged, and not judged at the floor.

use crate::common::own_evidence;
use repro::{
    claim::{Claim, Over, check},
    evidence::{Evidence, Record, Status},
    experiment::{Evaluation, EvidenceKind, Key, MeasuredAdversarial, RecipeDigest, Verdict},
    judge::{ClaimVerdict, Flag, judge},
    plan::outstanding,
    world::World,
};

const CLAIM: &str = include_str!("../../../claims/robustness_survives_fewer_blocks.toml");
const FILE: &str = "robustness_survives_fewer_blocks.toml";

fn claim(world: &World) -> Claim {
    check::claim(FILE, CLAIM, world).unwrap_or_else(|error| panic!("{error}"))
}

/// A fine-tune of l2_3 at a place in the order of seeds, with this many of 500 images still
/// correct under attack; `None` if it was not measured.
fn record(target: &str, blocks: u32, place: usize, correct: Option<usize>) -> Record {
    let key = Key::new(target, "l2_3", blocks, 400);
    let test = World::smoke().adversarial_test(&key).unwrap();
    let evaluation = Evaluation {
        epoch: 24,
        test_accuracy: 50.0,
        test_loss: 1.0,
        train_accuracy: 50.0,
        train_loss: 1.0,
        seconds: 1.0,
    };
    let recipe = RecipeDigest { epochs: 24, rest: "test".into() };
    let measured = correct.map(|correct| {
        let correct = (0..500).map(|image| image < correct).collect();
        MeasuredAdversarial { test, correct }
    });
    Record::new(key, World::seed(place), recipe, Status::Finished, vec![evaluation])
        .unwrap()
        .with_adversarial(measured.as_ref())
}

/// Three seeds on every target: correct images with 1 and with 9 blocks.
fn evidence(of: impl Fn(&str, usize) -> [Option<usize>; 2]) -> Evidence {
    let mut records = Vec::new();
    for target in ["fmnist_held_out", "kmnist", "mnist"] {
        for place in 0..3 {
            let [one, nine] = of(target, place);
            records.push(record(target, 1, place, one));
            records.push(record(target, 9, place, nine));
        }
    }
    own_evidence(EvidenceKind::Smoke, records)
}

fn verdict(of: impl Fn(&str, usize) -> [Option<usize>; 2]) -> ClaimVerdict {
    judge(&claim(&World::smoke()), &evidence(of))
}

#[test]
fn points_are_of_the_attacked_images_and_their_step_is_the_resolution() {
    let found = verdict(|_, place| [Some(200 + place), Some(100)]);
    assert_eq!(found.verdict, Verdict::Supported, "{}", found.reason);
    let cell = &found.cells[0];
    assert!((cell.mean.unwrap() - 20.2).abs() < 1e-9);
    assert_eq!(cell.test_images.as_ref().unwrap().images, 500);
    // Seeds that agree have half a step of 0.2 points as their spread.
    let mut over_seeds = claim(&World::smoke());
    over_seeds.hypothesis.over = Over::Seeds;
    let found = judge(&over_seeds, &evidence(|_, _| [Some(200), Some(100)]));
    let cell = &found.cells[0];
    assert!(cell.flags.contains(&Flag::SpreadFloored));
    // 7.6488 is the critical t with 3 seeds at the level of one of three looks.
    let half = 7.6488 * 0.1 / 3.0_f64.sqrt();
    assert!((cell.high.unwrap() - 20.0 - half).abs() < 1e-4, "{cell:?}");
}

#[test]
fn a_cell_where_every_arm_is_below_5_percent_is_not_judged() {
    let found = verdict(|target, place| match target {
        "mnist" => [Some(24), Some(1 + place)],
        _ => [Some(200 + place), Some(100)],
    });
    assert_eq!(found.verdict, Verdict::Inconclusive);
    let cell = found.cells.iter().find(|cell| cell.name.starts_with("mnist")).unwrap();
    assert_eq!(cell.verdict, Verdict::Inconclusive);
    assert!(cell.flags.contains(&Flag::AtTheFloor));
    assert_eq!(
        cell.reason,
        "at the floor: every arm lies below 5 points (robust_1 4.80, robust_9 0.40)"
    );
    let numbers = [cell.mean, cell.low, cell.high, cell.t, cell.p, cell.e_value, cell.p_adjusted];
    assert_eq!(numbers, [None; 7]);
    assert!(cell.welch.is_none());
    assert!(found.reason.contains("at the floor"), "{}", found.reason);
    // More seeds can't help, so none is planned for it; the other targets have no open question.
    let all = evidence(|target, place| match target {
        "mnist" => [Some(24), Some(1 + place)],
        _ => [Some(200 + place), Some(100)],
    });
    let mut primary = claim(&World::smoke());
    primary.readings.clear();
    assert!(outstanding(&[&primary], &all).is_empty());
}

#[test]
fn records_without_the_measure_make_the_claim_incomplete() {
    let found = verdict(|_, _| [None, None]);
    assert_eq!(found.verdict, Verdict::Incomplete);
    assert!(
        found.reason.contains("the records don't contain the measured quantity"),
        "{}",
        found.reason
    );
}

#[test]
fn a_world_that_does_not_measure_it_plans_nothing_and_says_why() {
    let world = World::lab();
    let mut claim = claim(&world);
    // This reading is of plain accuracy.
    claim.readings.retain(|reading| reading.id != "in_plain_accuracy");
    let nothing = own_evidence(EvidenceKind::Lab, Vec::new());
    assert!(outstanding(&[&claim], &nothing).is_empty());
    let reason = claim.hypothesis.unavailable(&world).unwrap();
    assert!(reason.starts_with("the lab set-up measures no adversarial accuracy of "), "{reason}");
    let verdict = judge(&claim, &nothing);
    assert_eq!(verdict.verdict, Verdict::Incomplete);
    assert!(verdict.reason.contains(&reason), "{}", verdict.reason);
    // In the smoke world the first look of the hypothesis is planned.
    let smoke = own_evidence(EvidenceKind::Smoke, Vec::new());
    let mut own = self::claim(&World::smoke());
    own.readings.clear();
    assert_eq!(outstanding(&[&own], &smoke).len(), 3 * 2 * 3);
}

#[test]
fn only_the_last_epoch_can_be_asked_for() {
    let text =
        CLAIM.replacen("adversarial_accuracy = \"last\"", "adversarial_accuracy = \"best\"", 1);
    let error = check::claim(FILE, &text, &World::smoke()).unwrap_err();
    assert!(error.what.contains("unknown variant `best`, expected `last`"), "{}", error.what);
}
