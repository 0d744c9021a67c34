//! Tests that need a GPU, or the paper's checkpoints, are skipped with the reason if these are
//! missing, and fail if `REPRO_REQUIRE` requires them.

#[path = "../claims/ignored.rs"]
mod ignored;
#[path = "../claims/local_runs.rs"]
mod local_runs;
#[path = "../claims/paper.rs"]
mod paper;

use crate::common::require;

use ignored::ignored;
use libtest_mimic::{Arguments, Trial};
use repro::{claim::suite::Suite, world::World};
use require::{lists, required};

#[test]
fn an_unknown_kind_in_repro_require_is_an_error() {
    assert_eq!(
        [lists("", "gpu"), lists("gpu", "gpu"), lists("paper", "gpu")].map(Result::unwrap),
        [false, true, false]
    );
    assert_eq!(["gpu", "paper"].map(|kind| lists("gpu,paper", kind)), [Ok(true), Ok(true)]);
    for typo in ["Paper", "papr", "1", "gpu paper"] {
        let error = lists(typo, "paper").unwrap_err();
        assert!(error.contains(typo) && error.contains("gpu, paper, history"), "{error}");
    }
    // The value in this process is known.
    let _ = required("gpu");
}

/// The numbers of passed, ignored and failed tests, and the log.
fn run(trials: Vec<Trial>) -> ((u64, u64, u64), String) {
    let output = tempfile::NamedTempFile::new().unwrap();
    let path = output.path().to_str().unwrap();
    let ended = libtest_mimic::run(&Arguments::from_iter(["require", "--logfile", path]), trials);
    let counts = (ended.num_passed, ended.num_ignored, ended.num_failed);
    (counts, std::fs::read_to_string(path).unwrap())
}

#[test]
fn without_checkpoints_claims_are_ignored_with_help_or_fail_if_required() {
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
    for command in
        ["zoos/authors/resnet50-19c8e357.pth is missing", "`repro fetch --world paper --data "]
    {
        assert!(missing.iter().any(|missing| missing.contains(command)), "{missing:?}");
    }
    let count = names.len() as u64;
    assert!(trials(false).iter().all(Trial::has_ignored_flag));
    assert_eq!(run(trials(false)).0, (0, count, 0));
    let (counts, output) = run(trials(true));
    assert_eq!(counts, (0, 0, count));
    assert!(output.contains("run `repro fetch --world paper --data "), "{output}");
}

#[test]
fn without_the_gpu_feature_a_test_fails_if_the_paper_is_required() {
    assert!(paper::not_built(false).is_empty());
    let (counts, output) = run(paper::not_built(true));
    assert_eq!(counts, (0, 0, 1));
    assert!(output.contains("build with `--features gpu`"), "{output}");
}
