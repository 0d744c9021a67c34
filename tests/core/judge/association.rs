//! Associations on small logs: what is averaged over which seeds, and when there is no p.

use super::common;

use common::{Run, evidence, log, rows};
use repro::{
    claim::{check, suite::Suite},
    evidence::{Evidence, SamplingDesign},
    experiment::EvidenceKind,
    judge::{AssociatedTarget, AssociationResult, judge},
    world::World,
};

const TEXT: &str = include_str!("../../../claims/gap_grows_with_dissimilarity.toml");

fn associated(evidence: &Evidence) -> AssociationResult {
    let claim = check::claim("gap.toml", TEXT, &World::paper()).unwrap();
    judge(&claim, evidence).associations.remove(0)
}

fn run<'a>(target: &'a str, source: &'a str, blocks: u32, seed: usize, accuracy: f64) -> Run<'a> {
    let accuracy = vec![(1, 1.0), (100, accuracy)];
    Run { target, source, blocks, images: 100, seed: World::seed(seed).0, accuracy }
}

/// Of each target: the lead, and the head's share of the best number of blocks.
fn runs(targets: &[(&'static str, f64, f64)]) -> Vec<Run<'static>> {
    let mut runs = Vec::new();
    for &(target, lead, share) in targets {
        for seed in 0..4 {
            // Odd and even places say different things, so that a mix of them would show.
            let (lead, share) = if seed % 2 == 0 { (lead, 0.01) } else { (-100.0, share) };
            runs.push(run(target, "natural", 3, seed, 50.0 - lead / 2.0));
            runs.push(run(target, "l2_3", 3, seed, 50.0 + lead / 2.0));
            runs.push(run(target, "l2_3", 1, seed, 60.0));
            runs.push(run(target, "l2_3", 0, seed, 60.0 * share));
        }
    }
    runs
}

const SIX: [(&str, f64, f64); 6] = [
    ("cifar10", 1.0, 0.95),
    ("cifar100", 2.0, 0.90),
    ("svhn", 6.0, 0.40),
    ("kmnist", 5.0, 0.50),
    ("fmnist", 3.0, 0.80),
    ("mnist", 4.0, 0.70),
];

#[test]
fn effect_and_similarity_are_from_other_seeds() {
    let found = associated(&evidence(&log(&rows(&runs(&SIX))), SamplingDesign::FixedSample));
    let size = found.sizes.iter().find(|size| size.images == Some(100)).unwrap();
    assert_eq!(size.blocks, [0, 1, 3]);
    for (target, lead, share) in SIX {
        let of = size.targets.iter().find(|of| of.target == target).unwrap();
        assert!((of.effect.unwrap() - lead).abs() < 1e-9, "{of:?}");
        assert!((of.similarity.unwrap() - share).abs() < 1e-9, "{of:?}");
        assert_eq!((of.effect_seeds, of.similarity_seeds), (2, 2));
        assert_eq!(of.similar, target.starts_with("cifar"));
    }
    // (6 + 5 + 3 + 4) / 4 - (1 + 2) / 2 = 3, the largest of all 15 ways; the ranks are opposite.
    assert!((size.difference.unwrap() - 3.0).abs() < 1e-9);
    assert_eq!((size.ways, size.p, size.least_p), (Some(15), Some(1.0 / 15.0), Some(1.0 / 15.0)));
    assert_eq!((size.tau, size.tau_p), (Some(-1.0), Some(1.0 / 720.0)));
}

#[test]
fn a_missing_target_gives_no_numbers_and_a_reason() {
    let found = associated(&evidence(&log(&rows(&runs(&SIX[..5]))), SamplingDesign::FixedSample));
    let size = &found.sizes[0];
    assert_eq!((size.p, size.tau, size.difference), (None, None, None));
    assert!(size.reason.as_ref().unwrap().contains("some target has no effect"), "{size:?}");
}

#[test]
fn a_target_without_similarity_gives_no_rank_correlation_and_a_reason() {
    let of_three_blocks = |run: &Run<'_>| run.target != "mnist" || run.blocks == 3;
    let runs: Vec<_> = runs(&SIX).into_iter().filter(of_three_blocks).collect();
    let found = associated(&evidence(&log(&rows(&runs)), SamplingDesign::FixedSample));
    let size = &found.sizes[0];
    assert_eq!((size.tau, size.tau_p), (None, None));
    assert!(size.difference.is_some(), "{size:?}");
    assert_eq!(size.reason.as_deref(), Some("some target has no similarity"), "{size:?}");
}

#[test]
fn under_five_targets_it_is_descriptive() {
    let text = TEXT.replace(
        "cells = { target = [\"similar\", \"dissimilar\"], images = \"few\", blocks = 3 }\nsimilarity",
        "cells = { target = [\"similar\", \"svhn\"], images = 100, blocks = 3 }\nsimilarity",
    );
    assert_ne!(text, TEXT);
    let claim = check::claim("gap.toml", &text, &World::paper()).unwrap();
    let evidence = evidence(&log(&rows(&runs(&SIX[..3]))), SamplingDesign::FixedSample);
    let found = judge(&claim, &evidence).associations.remove(0);
    let [size] = &found.sizes[..] else { panic!("one size has no average") };
    assert_eq!((size.ways, size.p, size.tau_p), (Some(3), None, None));
    assert_eq!(size.tau, Some(-1.0));
    assert!(size.reason.as_ref().unwrap().contains("fewer than five targets"), "{size:?}");
}

#[test]
fn wrong_associations_are_errors_with_their_line() {
    for (from, to, what) in [
        ("similar = \"similar\"", "similar = \"downscaled\"", "some of the association's targets"),
        ("similar = \"similar\"", "similar = \"simlar\"", "unknown target"),
        ("blocks = [0, 1, 3, 9]", "blocks = [1, 3]", "and 0 among them"),
        ("source = \"l2_3\", blocks = [0", "source = \"l2_4\", blocks = [0", "l2_4"),
        ("{ robust = 1.0, natural = -1.0 }", "{ robust = 1.0, natural = 1.0 }", "sum to zero"),
        ("larger_on = \"dissimilar\"", "larger_on = \"both\"", "both"),
    ] {
        let text = TEXT.replace(from, to);
        assert_ne!(text, TEXT, "{from}");
        let error = check::claim("gap.toml", &text, &World::paper()).unwrap_err().to_string();
        assert!(error.contains(what) && error.contains("line"), "{error}");
    }
}

#[test]
fn the_published_log_has_every_size_and_the_average_of_both_claims() {
    let suite = Suite::embedded(&World::paper()).unwrap();
    let published = Evidence::published().unwrap();
    for id in ["gap_grows_with_dissimilarity", "fewer_blocks_for_similar"] {
        let found = judge(suite.get(id).unwrap(), &published).associations.remove(0);
        let sizes: Vec<Option<u32>> = found.sizes.iter().map(|size| size.images).collect();
        assert_eq!(sizes, [Some(100), Some(200), Some(400), Some(800), Some(1600), None]);
        for size in &found.sizes {
            assert_eq!((size.ways, size.reason.clone()), (Some(15), None), "{size:?}");
            assert_eq!((&size.blocks[..], size.targets.len()), (&[0, 1, 3][..], 6));
            assert!(size.p.is_some() && size.tau_p.is_some(), "{size:?}");
            assert!(size.targets.iter().all(|of| (of.effect_seeds, of.similarity_seeds) == (5, 5)));
        }
    }
}

#[test]
fn a_distance_is_similarity_with_its_sign_turned_and_needs_no_seeds() {
    let claim = check::claim("gap.toml", TEXT, &World::smoke()).unwrap();
    let targets = [("fmnist_held_out", 1.0, 0.9), ("kmnist", 6.0, 0.4), ("mnist", 4.0, 0.7)];
    // Effects are over all seeds: half of them have the lead -100.
    let text = log(&rows(&runs(&targets)));
    let smoke = EvidenceKind::Smoke;
    let evidence = Evidence {
        kind: smoke,
        world: smoke.world(),
        ..evidence(&text, SamplingDesign::FixedSample)
    };
    let found = judge(&claim, &evidence).associations.remove(1);
    assert_eq!((found.measure.as_str(), found.unavailable.clone()), ("frechet_distance", None));
    assert!(found.similarity.contains("natural (zoo 1)"), "{found:?}");
    let shipped = World::smoke().feature_distances().unwrap();
    let size = &found.sizes[0];
    for of in &size.targets {
        assert_eq!(of.similarity, Some(-shipped.targets[&of.target].distance), "{of:?}");
        assert_eq!((of.effect_seeds, of.similarity_seeds), (4, 0));
    }
    let effect = |target: &str| {
        let of = |of: &&AssociatedTarget| of.target == target;
        size.targets.iter().find(of).unwrap().effect.unwrap()
    };
    assert!((effect("kmnist") + 47.0).abs() < 1e-9, "{size:?}");
    assert!(size.blocks.is_empty() && size.tau.is_some() && size.tau_p.is_none());
    assert!(size.reason.as_ref().unwrap().contains("fewer than five targets"), "{size:?}");
}

#[test]
fn a_world_without_distances_says_so_and_has_no_numbers() {
    let claim = check::claim("gap.toml", TEXT, &World::paper()).unwrap();
    let evidence = evidence(&log(&rows(&runs(&SIX))), SamplingDesign::FixedSample);
    let found = judge(&claim, &evidence).associations.remove(1);
    assert_eq!(found.unavailable.as_deref(), Some("not measured in the paper set-up"));
    assert!(found.sizes.is_empty());
    let other = TEXT.replace("distance = { source = \"natural\"", "distance = { source = \"l2_3\"");
    let claim = check::claim("gap.toml", &other, &World::smoke()).unwrap();
    let smoke = Evidence { world: World::smoke(), ..evidence };
    let found = judge(&claim, &smoke).associations.remove(1);
    let why = found.unavailable.unwrap();
    assert_eq!(why, "measured with natural alone in the smoke set-up");
}
