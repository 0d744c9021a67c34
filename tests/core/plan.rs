//! The plan: the seeds of the first look, then of the next looks while the judge is undecided;
//! never fine-tunes that are unavailable in the world or already recorded.

use crate::common;
use std::collections::{BTreeMap, BTreeSet};

use common::{gap_text, own_evidence};
use proptest::prelude::*;
use repro::{
    claim::{Claim, check},
    evidence::{Evidence, Record, Status},
    experiment::{Evaluation, EvidenceKind, Key, RecipeDigest, Seed, Verdict},
    judge::judge,
    plan::{Outstanding, at_most, outlook, outstanding},
    stats::{Alpha, Sample, t_interval},
    world::World,
};

/// l2_3 minus natural on KMNIST and MNIST at 100 images, with more TOML after it.
fn claim(more: &str) -> Claim {
    let cells = "target = [\"kmnist\", \"mnist\"], images = 100, blocks = 3";
    let text = gap_text("smoke", "greater_than = 0.0", cells, more);
    check::claim("gap.toml", &text, &World::smoke()).unwrap_or_else(|error| panic!("{error}"))
}

fn evidence(records: Vec<Record>) -> Evidence {
    own_evidence(EvidenceKind::Smoke, records)
}

fn record(key: &Key, seed: Seed, accuracy: f64) -> Record {
    let evaluation = Evaluation {
        epoch: 24,
        test_accuracy: accuracy,
        test_loss: 1.0,
        train_accuracy: accuracy,
        train_loss: 1.0,
        seconds: 1.0,
    };
    let recipe = RecipeDigest { epochs: 24, rest: "test".into() };
    Record::new(key.clone(), seed, recipe, Status::Finished, vec![evaluation]).unwrap()
}

/// The number of seeds of each key in a plan.
fn counted(plan: &Outstanding) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for (key, _) in plan.keys() {
        *counts.entry((key.target.to_string(), key.source.to_string())).or_default() += 1;
    }
    counts
}

/// Runs plans until none is left, with an accuracy for each key and position in the order of seeds;
/// returns the evidence and the number of fine-tunes in each round.
fn to_the_end(claim: &Claim, accuracy: impl Fn(&Key, usize) -> f64) -> (Evidence, Vec<usize>) {
    let mut records: Vec<Record> = Vec::new();
    let (mut rounds, mut at_most) = (Vec::new(), Vec::new());
    loop {
        let so_far = evidence(records.clone());
        let plan = outlook(&[claim], &so_far);
        if plan.next.is_empty() {
            assert!(plan.at_most.is_empty(), "nothing more may run");
            for (round, at_most) in at_most.iter().enumerate() {
                assert!(rounds[round..].iter().sum::<usize>() <= *at_most, "round {round}");
            }
            return (so_far, rounds);
        }
        assert!(plan.next.keys().all(|trial| plan.at_most.contains_key(trial)));
        at_most.push(plan.at_most.len());
        let plan = plan.next;
        rounds.push(plan.len());
        records.extend(plan.into_keys().map(|(key, seed)| {
            let place = (0..10).find(|place| World::seed(*place) == seed).unwrap();
            record(&key, seed, accuracy(&key, place))
        }));
    }
}

#[test]
fn an_empty_ledger_gets_the_first_look_of_every_arm_in_every_cell() {
    let plan = outstanding(&[&claim("")], &evidence(vec![]));
    let seeds: BTreeSet<Seed> = plan.keys().map(|(_, seed)| *seed).collect();
    assert_eq!(seeds, (0..3).map(World::seed).collect());
    let counts = counted(&plan);
    assert_eq!((counts.len(), counts.values().max(), plan.len()), (4, Some(&3), 12));
    assert!(plan.values().all(|by| by.iter().eq(["gap"])));
    // With the seeds of every look: two arms in two cells.
    assert_eq!(outlook(&[&claim("")], &evidence(vec![])).at_most.len(), 2 * 2 * 10);
}

#[test]
fn a_clear_answer_stops_at_the_first_look_and_an_open_one_at_the_last() {
    // Ahead by about 10 points.
    let clear = |key: &Key, place: usize| match &*key.source {
        "l2_3" => 60.0 + 0.1 * place as f64,
        _ => 50.0,
    };
    let (found, rounds) = to_the_end(&claim(""), clear);
    assert_eq!(rounds, [12]);
    let verdict = judge(&claim(""), &found);
    assert_eq!(verdict.verdict, Verdict::Supported);
    assert!(verdict.cells.iter().all(|cell| (cell.look, cell.spared_seeds) == (Some(3), 7)));

    // Alternately ahead and behind.
    let open = |key: &Key, place: usize| match (&*key.source, place % 2) {
        ("l2_3", 0) => 60.0,
        ("l2_3", _) => 40.0,
        _ => 50.0 - 0.1 * place as f64,
    };
    let (found, rounds) = to_the_end(&claim(""), open);
    assert_eq!(rounds, [12, 8, 20]);
    let verdict = judge(&claim(""), &found);
    assert_eq!(verdict.verdict, Verdict::Inconclusive);
    assert!(verdict.cells.iter().all(|cell| (cell.look, cell.spared_seeds) == (Some(10), 0)));
}

#[test]
fn a_decided_cell_gets_no_more_seeds_while_another_continues() {
    let one_open = |key: &Key, place: usize| match (&*key.target, &*key.source) {
        (_, "natural") => 50.0,
        ("mnist", _) => 60.0 + 0.1 * place as f64,
        _ => 50.5 + if place.is_multiple_of(2) { 9.0 } else { -9.0 },
    };
    let (found, rounds) = to_the_end(&claim(""), one_open);
    assert_eq!(rounds, [12, 4, 10]);
    let verdict = judge(&claim(""), &found);
    assert_eq!(verdict.cells.iter().map(|cell| cell.seeds).collect::<Vec<_>>(), [10, 3]);
}

#[test]
fn a_claim_that_one_cell_refutes_is_decided() {
    let refuted = |key: &Key, place: usize| match (&*key.target, &*key.source) {
        (_, "natural") => 50.0,
        ("mnist", _) => 30.0 + 0.1 * place as f64,
        _ => 50.5 + if place.is_multiple_of(2) { 9.0 } else { -9.0 },
    };
    let (found, rounds) = to_the_end(&claim(""), refuted);
    assert_eq!(rounds, [12]);
    assert_eq!(judge(&claim(""), &found).verdict, Verdict::Refuted);
}

/// Ahead by ten points in six cells. At three seeds this decides each cell alone, but not two of
/// six.
fn ahead_in_six_cells() -> (Claim, impl Fn(&Key, usize) -> f64) {
    let cells = "target = [\"kmnist\", \"mnist\"], images = [100, 400, 1600], blocks = 3";
    let text = gap_text("smoke", "greater_than = 0.0", cells, "");
    let text = text.replace("holds = \"every\"", "holds = { at_least = 2 }");
    let claim =
        check::claim("gap.toml", &text, &World::smoke()).unwrap_or_else(|error| panic!("{error}"));
    let ahead = |key: &Key, place: usize| match &*key.source {
        "natural" => 50.0,
        _ => 60.0 + [-1.8, 0.0, 2.2][place % 3],
    };
    (claim, ahead)
}

/// If a decided cell got no more seeds, a quantifier over many cells could never be decided.
#[test]
fn decided_cells_continue_while_the_quantifier_is_undecided() {
    let (claim, ahead) = ahead_in_six_cells();
    let (found, rounds) = to_the_end(&claim, &ahead);
    assert_eq!(rounds, [36, 24]);
    let verdict = judge(&claim, &found);
    assert_eq!(verdict.verdict, Verdict::Supported, "{}", verdict.reason);
    for cell in &verdict.cells {
        // A cell is reported at the look that decided it, with five of its ten seeds.
        assert_eq!((cell.look, cell.seeds, cell.spared_seeds), (Some(3), 3, 5));
        assert!(cell.p_adjusted.unwrap() < 6.0 * 3.0 * cell.p.unwrap());
    }
    // If the cells had stopped there, the claim would be undecided.
    let three =
        found.records.iter().filter(|record| (0..3).any(|at| World::seed(at) == record.seed));
    let three = evidence(three.cloned().collect());
    assert_eq!(judge(&claim, &three).verdict, Verdict::Inconclusive);
}

/// Seeds that were run for another hypothesis are ignored, for or against.
#[test]
fn a_quantifier_stops_at_the_same_seeds_with_extra_records() {
    let (claim, ahead) = ahead_in_six_cells();
    let (found, _) = to_the_end(&claim, &ahead);
    let judged = |evidence: &Evidence| {
        let verdict = judge(&claim, evidence);
        let cells = verdict.cells.into_iter().map(|cell| (cell.name, cell.p_adjusted));
        (verdict.reason, cells.collect::<Vec<_>>())
    };
    let mut more: Vec<Record> = found.records.iter().cloned().collect();
    let keys: BTreeSet<Key> = more.iter().map(|record| record.key.clone()).collect();
    for key in &keys {
        let against = if &*key.source == "natural" { 100.0 } else { 0.0 };
        more.extend((5..10).map(|place| record(key, World::seed(place), against)));
    }
    assert_eq!(judged(&evidence(more)), judged(&found));
}

#[test]
fn existing_records_are_not_planned_and_incomplete_seeds_are_completed() {
    let all = outstanding(&[&claim("")], &evidence(vec![]));
    let there: Vec<Record> = all
        .keys()
        .filter(|(key, seed)| &*key.source == "l2_3" || *seed == World::seed(1))
        .map(|(key, seed)| record(key, *seed, 50.0))
        .collect();
    let plan = outstanding(&[&claim("")], &evidence(there));
    assert_eq!(plan.len(), 4);
    assert!(plan.keys().all(|(key, seed)| {
        &*key.source == "natural" && [World::seed(0), World::seed(2)].contains(seed)
    }));
}

#[test]
fn a_reading_has_its_own_looks_and_ignores_records_of_others() {
    let reading = r#"
[[reading]]
id = "every_size"
statement = "The same at 400 images."
cells = { target = "kmnist", images = 400, blocks = 3 }
"#;
    let open = |key: &Key, place: usize| match (&*key.source, place % 2) {
        ("l2_3", 0) => 60.0,
        ("l2_3", _) => 40.0,
        _ => 50.0 - 0.1 * place as f64,
    };
    let (found, rounds) = to_the_end(&claim(reading), open);
    // Two more arms in the first two looks, none in the third.
    assert_eq!(rounds, [18, 12, 20]);
    let before = judge(&claim(reading), &found).readings.swap_remove(0);
    assert_eq!((before.cells[0].look, before.cells[0].seeds), (Some(5), 5));
    let mut more: Vec<Record> = found.records.iter().cloned().collect();
    let keys: BTreeSet<Key> =
        more.iter().map(|record| record.key.clone()).filter(|key| key.images == 400).collect();
    for key in &keys {
        more.extend((5..10).map(|place| record(key, World::seed(place), 100.0)));
    }
    let after = judge(&claim(reading), &evidence(more)).readings.swap_remove(0);
    assert_eq!((after.cells[0].look, after.verdict), (Some(5), before.verdict));
    assert_eq!(after.cells[0].mean, before.cells[0].mean);
}

#[test]
fn unavailable_and_descriptive_cells_are_never_planned() {
    let more = r#"
[[reading]]
id = "colour"
statement = "On targets that are not in the smoke world."
cells = { target = ["svhn", "cifar10"], images = 100, blocks = 3 }

[[reading]]
id = "all"
statement = "With more images than there are."
cells = { target = "kmnist", images = 60000, blocks = 3 }

[[reading]]
id = "influence"
statement = "Of influence, which other fine-tunes measure than those for accuracy."
metric = { influence_match = { share = "top_1" } }

[[reading]]
id = "shown"
statement = "Shown alone."
cells = { target = "kmnist", images = 200, blocks = 3 }
descriptive = { reason = "a test" }
"#;
    let plan = outstanding(&[&claim(more)], &evidence(vec![]));
    let (influence, others): (Vec<_>, Vec<_>) = plan.keys().partition(|(key, _)| key.influence);
    assert_eq!((influence.len(), others.len()), (12, 12));
    // Ten seeds of four keys, and a reading's five seeds of four keys with influence.
    let most = at_most(&[&claim(more)], &World::smoke());
    assert_eq!(most.len(), 60);
}

#[test]
fn seeds_beyond_the_last_zoo_that_has_an_arm_s_model_are_neither_planned_nor_awaited() {
    let cells = "target = [\"kmnist\", \"mnist\"], images = 100, blocks = 3";
    let text = gap_text("smoke", "greater_than = 0.0", cells, "");
    let text = text.replace("source = \"natural\"", "source = \"gaussian\"");
    // The zoos of the first five places alone have a Gaussian model.
    let world = World::smoke();
    let claim = check::claim("gap.toml", &text, &world).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(at_most(&[&claim], &world).len(), 2 * 2 * 5);
    assert_eq!(at_most(&[&claim], &World::smoke_one_zoo()).len(), 2 * 2 * 10);
    // KMNIST stays undecided, MNIST is decided at once.
    let values = |key: &Key, place: usize| match (&*key.target, &*key.source) {
        ("kmnist", "l2_3") => [52.0, 48.0][place % 2],
        (_, "l2_3") => 60.0 + [0.0, 0.5][place % 2],
        _ => 50.0,
    };
    let mut records: Vec<Record> = Vec::new();
    let mut rounds = Vec::new();
    let last = loop {
        let evidence = Evidence { world: world.clone(), ..evidence(records.clone()) };
        let plan = outstanding(&[&claim], &evidence);
        if plan.is_empty() {
            break evidence;
        }
        rounds.push(plan.len());
        for (key, seed) in plan.into_keys() {
            records.push(record(&key, seed, values(&key, World::place(seed).unwrap())));
        }
    };
    assert_eq!(rounds, [12, 4]);
    let verdict = judge(&claim, &last);
    assert_eq!(verdict.verdict, Verdict::Inconclusive, "{}", verdict.reason);
    let seeds = |target: &str| {
        let cell = verdict.cells.iter().find(|cell| cell.target.as_deref() == Some(target));
        cell.unwrap().seeds
    };
    assert_eq!((seeds("kmnist"), seeds("mnist")), (5, 3));
}

/// All ordered pairs of ten natural models: each model is fine-tuned once a seed, for all pairs.
#[test]
fn pairs_of_checkpoints_share_fifty_fine_tunes_and_are_counted() {
    let text = include_str!("../../claims/other_checkpoint/other_checkpoint.toml");
    // The zoos of the first five places alone have a Gaussian model.
    let world = World::smoke();
    let claim = check::claim("other_checkpoint.toml", text, &world);
    let claim = claim.unwrap_or_else(|error| panic!("{error}"));
    let pairs: BTreeSet<_> = claim
        .hypothesis
        .contrasts
        .iter()
        .map(|pair| [0, 1].map(|side| pair.terms[side].arm.zoo.unwrap()))
        .collect();
    assert!(pairs.iter().all(|[one, other]| one != other && (2..=11).contains(one)));
    assert_eq!((pairs.len(), claim.hypothesis.contrasts.len()), (90, 90));
    let labels = claim.hypothesis.contrasts.iter().map(|pair| pair.label.as_str());
    assert_eq!(labels.collect::<BTreeSet<_>>().len(), 90);
    assert_eq!(claim.hypothesis.contrasts[0].label, "zoo 2 - zoo 3");

    let nothing = Evidence { world: world.clone(), ..evidence(vec![]) };
    let plan = outstanding(&[&claim], &nothing);
    assert_eq!(plan.len(), 50);
    // The first model leads every other one; the others differ by noise alone.
    let records = plan.into_keys().map(|(key, seed)| {
        let place = World::place(seed).unwrap();
        let (zoo, noise) = (key.zoo.unwrap(), [0.0, 0.4, 0.2, 0.3, 0.1]);
        let noise = noise[(place + zoo as usize) % 5];
        record(&key, seed, if zoo == 2 { 60.0 } else { 50.0 } + noise)
    });
    let all = Evidence { world, ..evidence(records.collect()) };
    let verdict = judge(&claim, &all);
    let supported = verdict.cells.iter().filter(|cell| cell.verdict == Verdict::Supported);
    assert_eq!(supported.count(), 9, "{}", verdict.reason);
    assert!(verdict.reason.contains("9 of 90"), "{}", verdict.reason);
    // A world without these zoos has no record of them, and says so.
    let one = World::smoke_one_zoo();
    let without = Evidence { world: one.clone(), ..evidence(vec![]) };
    assert!(at_most(&[&claim], &one).is_empty());
    let verdict = judge(&claim, &without);
    assert_eq!(verdict.verdict, Verdict::Incomplete);
    assert!(verdict.reason.contains("set-up has no zoo"), "{}", verdict.reason);
}

#[test]
fn arms_and_cells_compared_with_themselves_share_no_run() {
    let text = include_str!("../../claims/control_same_source.toml");
    let control = check::claim("control_same_source.toml", text, &World::smoke())
        .unwrap_or_else(|error| panic!("{error}"));
    let plan = outstanding(&[&control], &evidence(vec![]));
    assert_eq!(plan.len(), 240);
    let draws: BTreeSet<u32> = plan.keys().map(|(key, _)| key.seed_stream).collect();
    assert_eq!(draws, (1..=80).collect());
}

/// The number of seeds that one cell uses, computed directly: those of the first look whose
/// interval excludes zero.
fn naive(differences: &[f64]) -> usize {
    for look in [3, 5, 10] {
        let sample = Sample::new(differences[..look].to_vec()).unwrap().with_resolution(0.01);
        let interval = t_interval(&sample, Alpha::new(0.025 / 3.0).unwrap());
        if interval.low > 0.0 || interval.high < 0.0 {
            return look;
        }
    }
    10
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_cell_uses_the_seeds_of_the_first_look_that_decides(
        differences in prop::collection::vec(-4.0_f64..8.0, 10),
    ) {
        let mut claim = claim("");
        // One cell alone.
        claim.hypothesis.contrasts[0].cells.truncate(1);
        let accuracy = |key: &Key, place: usize| match &*key.source {
            "l2_3" => 50.0 + differences[place],
            _ => 50.0,
        };
        let (found, _) = to_the_end(&claim, accuracy);
        let seeds = found.records.len() / 2;
        prop_assert_eq!(seeds, naive(&differences));
    }
}
