//! Tests that need a GPU, or the paper's checkpoints, are left out with the reason where these are missing,
//! and fail where `REPRO_REQUIRE` asks for them.

#[path = "../claims/ignored.rs"]
mod ignored;
#[path = "../claims/own.rs"]
mod own;
#[path = "../claims/paper.rs"]
mod paper;

use crate::common::require;

use ignored::ignored;
use libtest_mimic::{Arguments, Trial};
use repro::{claim::suite::Suite, world::World};
use require::{asks, required};

#[test]
fn what_is_required_is_named_exactly_or_refused() {
    assert_eq!(
        [asks("", "gpu"), asks("gpu", "gpu"), asks("paper", "gpu")].map(Result::unwrap),
        [false, true, false]
    );
    assert_eq!(["gpu", "paper"].map(|kind| asks("gpu,paper", kind)), [Ok(true), Ok(true)]);
    for typo in ["Paper", "papr", "1", "gpu paper"] {
        let error = asks(typo, "paper").unwrap_err();
        assert!(error.contains(typo) && error.contains("gpu, paper"), "{error}");
    }
    // Whatever this process is asked for is known.
    let _ = required("gpu");
}

/// How many passed, were ignored, and failed, with what was told of it.
fn run(trials: Vec<Trial>) -> ((u64, u64, u64), String) {
    let told = tempfile::NamedTempFile::new().unwrap();
    let path = told.path().to_str().unwrap();
    let ended = libtest_mimic::run(&Arguments::from_iter(["require", "--logfile", path]), trials);
    let counts = (ended.num_passed, ended.num_ignored, ended.num_failed);
    (counts, std::fs::read_to_string(path).unwrap())
}

#[test]
fn without_checkpoints_the_paper_s_claims_are_ignored_with_the_commands_that_mend_it_or_fail() {
    let (folder, world) = (tempfile::tempdir().unwrap(), World::paper());
    let suite = Suite::embedded(&world).unwrap_or_else(|error| panic!("{error}"));
    let trials = |required| paper::trials(folder.path(), required);
    let names: Vec<String> = trials(false).iter().map(|trial| trial.name().to_owned()).collect();
    for name in ["robust_beats_natural", "shape_bias", "control_same_source"] {
        assert!(names.contains(&format!("claims::{name}::paper")), "{names:?}");
    }
    let known = suite.claims().iter().map(|claim| format!("claims::{}::paper", claim.id));
    let known: Vec<String> = known.collect();
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");

    let claim = suite.get("robust_beats_natural").unwrap_or_else(|error| panic!("{error}"));
    let missing = paper::missing(claim, &world, folder.path());
    for mend in
        ["zoos/authors/resnet50-19c8e357.pth is not there", "`repro fetch --world paper --data "]
    {
        assert!(missing.iter().any(|missing| missing.contains(mend)), "{missing:?}");
    }
    let count = names.len() as u64;
    assert!(trials(false).iter().all(Trial::has_ignored_flag));
    assert_eq!(run(trials(false)).0, (0, count, 0));
    let (counts, told) = run(trials(true));
    assert_eq!(counts, (0, 0, count));
    assert!(told.contains("run `repro fetch --world paper --data "), "{told}");
}

#[test]
fn without_the_feature_one_test_fails_where_they_are_required() {
    assert!(paper::not_built(false).is_empty());
    let (counts, told) = run(paper::not_built(true));
    assert_eq!(counts, (0, 0, 1));
    assert!(told.contains("build with `--features gpu`"), "{told}");
}
