//! The judge on small logs, each made for one question.

mod absent;
mod adversarial;
mod association;
mod beside;
mod how_far;
mod looks;
mod margins;
mod replicates;
mod seeds_and_images;

use crate::common;

use common::{Run, claim, claim_text, evidence, log, rows, run};
use repro::{
    claim::{Expected, Relation, check},
    evidence::{Evidence, Records, SamplingDesign},
    experiment::Verdict,
    judge::{ClaimVerdict, Flag, decide, judge, observe::Censored},
    replication::one_seed::one_seed,
    stats::Alpha,
    world::{UserNames, World},
};

fn gap(runs: &[Run<'_>]) -> ClaimVerdict {
    asked("greater_than = 0.0", runs, SamplingDesign::FixedSample)
}

fn asked(relation: &str, runs: &[Run<'_>], looking: SamplingDesign) -> ClaimVerdict {
    judge(&claim(&claim_text(relation)), &evidence(&log(&rows(runs)), looking))
}

/// Pairs of runs, seeds 1, 2, ...: natural at 50 %, robust above it by these points.
fn leads(points: &[f64]) -> Vec<Run<'static>> {
    let pair =
        |(lead, seed): (&f64, u64)| [run("l2_3", seed, 50.0 + lead), run("natural", seed, 50.0)];
    points.iter().zip(1..).flat_map(pair).collect()
}

fn has(verdict: &ClaimVerdict, flag: Flag) -> bool {
    verdict.cells[0].flags.contains(&flag)
}

#[test]
fn a_clear_lead_is_supported_its_reverse_refuted_and_noise_neither() {
    assert_eq!(gap(&leads(&[5.0, 6.0, 5.5, 6.5])).verdict, Verdict::Supported);
    assert_eq!(gap(&leads(&[-5.0, -6.0, -5.5, -6.5])).verdict, Verdict::Refuted);
    let noise = gap(&leads(&[5.0, -6.0, 5.5, -6.5]));
    assert_eq!(noise.verdict, Verdict::Inconclusive);
    assert!(noise.reason.contains("contains the margin"), "{}", noise.reason);
}

#[test]
fn the_margin_applies_to_its_relation() {
    let lead = leads(&[-0.5, -0.6, -0.4, -0.5]);
    let verdict = |relation| asked(relation, &lead, SamplingDesign::FixedSample).verdict;
    assert_eq!(verdict("greater_than = 0.0"), Verdict::Refuted);
    assert_eq!(verdict("greater_than = -1.0"), Verdict::Supported);
    assert_eq!(verdict("not_worse_than = 1.0"), Verdict::Supported);
    assert_eq!(verdict("not_worse_than = 0.2"), Verdict::Refuted);
    assert_eq!(verdict("equivalent_within = 1.0"), Verdict::Supported);
    assert_eq!(verdict("equivalent_within = 0.2"), Verdict::Refuted);
    assert_eq!(verdict("equivalent_within = 0.5"), Verdict::Inconclusive);
}

/// Readings of the gap on both logarithmic scales.
const SCALES: &str = "\n[[reading]]\nid = \"odds\"\nstatement = \"s\"\n\
    metric = { log_odds = \"last\" }\n[[reading]]\nid = \"error\"\nstatement = \"s\"\n\
    metric = { log_error = \"last\" }\n";

#[test]
fn a_verdict_that_another_scale_refutes_is_one_in_points() {
    // From 50 to 56 % and from 97 to 92 %, by turns: ahead in points, far behind in log error.
    let mut runs = Vec::new();
    for seed in 1..=6 {
        let nudge = seed as f64 * 0.01;
        for (images, robust, natural) in [(100, 56.0, 50.0), (200, 92.0, 97.0)] {
            runs.push(Run { images, ..run("l2_3", seed, robust + nudge) });
            runs.push(Run { images, ..run("natural", seed, natural) });
        }
    }
    let text = claim_text("greater_than = 0.0")
        .replace("images = 100", "images = [100, 200]")
        .replace("holds = \"every\"", "holds = \"every\"\naverage_over = [\"images\"]");
    let evidence = evidence(&log(&rows(&runs)), SamplingDesign::FixedSample);
    let verdict = judge(&claim(&format!("{text}{SCALES}")), &evidence);
    assert_eq!(verdict.verdict, Verdict::Supported, "{}", verdict.reason);
    let others: Vec<_> =
        verdict.other_scales.iter().map(|of| (&*of.reading, of.unit.name(), of.verdict)).collect();
    let refuted = Verdict::Refuted;
    assert_eq!(others, [("odds", "log-odds", refuted), ("error", "log error", refuted)]);
    assert!(verdict.readings.iter().all(|reading| reading.other_scales.is_empty()));
    // Another margin is another question, and a point is none in log-odds.
    let margin = text.replace("greater_than = 0.0", "greater_than = 0.1");
    let verdict = judge(&claim(&format!("{margin}{SCALES}")), &evidence);
    assert!(verdict.other_scales.is_empty());
}

#[test]
fn one_seed_concludes_by_its_value_alone() {
    // Nine of ten seeds ahead: together supported, and one seed alone would have refuted it.
    let points = [5.0, 6.0, 5.5, 6.5, 5.2, 5.8, 6.1, 5.4, 5.9, -0.5];
    let claim = claim(&claim_text("greater_than = 0.0"));
    let of = |points: &[f64]| {
        one_seed(&claim, &evidence(&log(&rows(&leads(points))), SamplingDesign::FixedSample))
    };
    let one = of(&points).unwrap();
    assert_eq!((one.verdict, one.seeds, one.holds), (Verdict::Supported, 10, 9));
    assert_eq!((one.differ(), one.values, one.values_hold), (Some(1), 10, 9));
    // Seeds that disagree give no verdict, so none differs from it.
    assert_eq!(of(&[5.0, -6.0, 5.5, -6.5]).unwrap().differ(), None);
}

#[test]
fn an_arm_without_any_record_makes_the_claim_incomplete() {
    let verdict = gap(&[run("l2_3", 1, 60.0), run("l2_3", 2, 61.0)]);
    assert_eq!(verdict.verdict, Verdict::Incomplete);
    assert!(verdict.reason.contains("svhn from natural, 100 images"), "{}", verdict.reason);
    assert_eq!(verdict.cells[0].mean, None);
    assert!(has(&verdict, Flag::NoRecords));
}

#[test]
fn one_seed_gives_a_difference_and_no_decision() {
    let verdict = gap(&leads(&[5.0]));
    let cell = &verdict.cells[0];
    assert_eq!(
        (verdict.verdict, cell.mean, cell.low, cell.p),
        (Verdict::Inconclusive, Some(5.0), None, None)
    );
    assert!(has(&verdict, Flag::SingleSeed));
}

#[test]
fn seeds_of_one_arm_alone_are_left_out_counted_and_never_matched_by_position() {
    let mut runs = leads(&[5.0, 6.0, 5.5]);
    runs.push(run("l2_3", 77, 99.0));
    runs.push(run("natural", 78, 1.0));
    let verdict = gap(&runs);
    let cell = &verdict.cells[0];
    assert_eq!((cell.seeds, cell.unmatched_seeds, cell.mean), (3, 2, Some(5.5)));
    assert!(has(&verdict, Flag::UnmatchedSeeds));
}

#[test]
fn planned_seeds_without_a_run_are_counted_as_missing() {
    let verdict = gap(&leads(&[5.0, 6.0, 5.5]));
    assert_eq!(verdict.cells[0].missing_seeds, 7);
    assert!(has(&verdict, Flag::MissingSeeds));
    let all = gap(&leads(&[5.0, 6.0, 5.5, 5.0, 6.0, 5.5, 5.0, 6.0, 5.5, 5.0]));
    assert!(!has(&all, Flag::MissingSeeds));
}

#[test]
fn an_inconclusive_claim_has_the_reason_why_a_cell_has_no_interval() {
    let text = claim_text("greater_than = 0.0")
        .replace("target = \"svhn\"", "target = [\"svhn\", \"mnist\"]");
    let mut runs = leads(&[5.0, 5.1, 4.9]);
    let apart = [run("l2_3", 1, 60.0), run("natural", 2, 50.0)];
    runs.extend(apart.into_iter().map(|run| Run { target: "mnist", ..run }));
    let verdict = judge(&claim(&text), &evidence(&log(&rows(&runs)), SamplingDesign::FixedSample));
    assert_eq!(verdict.verdict, Verdict::Inconclusive);
    let expected = "1 of 2 cells supported after Holm; not supported: mnist 100 images; mnist 100 images: \
                    too few seeds in common to all arms (0)";
    assert_eq!(verdict.reason, expected);
}

#[test]
fn arms_without_a_common_seed_are_inconclusive_and_not_incomplete() {
    let verdict = gap(&[run("l2_3", 1, 60.0), run("natural", 2, 50.0)]);
    assert_eq!(verdict.verdict, Verdict::Inconclusive);
    assert!(verdict.reason.contains("too few"), "{}", verdict.reason);
}

#[test]
fn seeds_that_agree_to_the_last_digit_have_their_spread_floored() {
    let verdict = gap(&leads(&[5.0, 5.0, 5.0]));
    let cell = &verdict.cells[0];
    assert_eq!(cell.verdict, Verdict::Supported);
    assert!(cell.low.unwrap() < 5.0 && cell.high.unwrap() > 5.0);
    assert!(has(&verdict, Flag::SpreadFloored));
}

#[test]
fn a_run_that_diverged_is_named_and_is_not_censored() {
    let text = claim_text("greater_than = 0.0").replace("accuracy = \"last\"", "loss = \"last\"");
    for loss in ["nan", "inf", "1e101"] {
        let mut lines = rows(&leads(&[5.0, 6.0, 5.5]));
        let natural = "svhn,natural,3,100,2,100,50,";
        let line = lines.iter_mut().find(|line| line.starts_with(natural)).unwrap();
        *line = line.replace(",1.5,", &format!(",{loss},"));
        let verdict = judge(&claim(&text), &evidence(&log(&lines), SamplingDesign::FixedSample));
        assert_eq!(verdict.verdict, Verdict::Inconclusive);
        assert!(has(&verdict, Flag::Diverged) && !has(&verdict, Flag::Censored), "{loss}");
        let run = "svhn from natural, 100 images, 3 blocks, seed 2, ended with a loss";
        assert!(verdict.reason.contains(run), "{}", verdict.reason);
        // Accuracy is its result.
        let gap = judge(
            &claim(&claim_text("greater_than = 0.0")),
            &evidence(&log(&lines), SamplingDesign::FixedSample),
        );
        assert_eq!(gap.verdict, Verdict::Supported);
        assert!(!has(&gap, Flag::Diverged));
    }
}

/// Runs of both arms, each with the same numbers in every log of the test but for the accuracy.
fn plain(points: &[f64]) -> Vec<String> {
    let runs = (1..).zip(points).flat_map(|(seed, points)| {
        [("l2_3", 66.0 + points), ("natural", 66.0)].map(|(source, accuracy)| {
            format!("svhn,{source},3,100,{seed},100,{accuracy},0.5,0,0,{seed}")
        })
    });
    runs.collect()
}

#[test]
fn an_arm_whose_seeds_all_agree_can_t_be_judged() {
    let of = |rows: &[String]| {
        let claim = claim(&claim_text("greater_than = 0.0"));
        judge(&claim, &evidence(&log(rows), SamplingDesign::FixedSample))
    };
    // Both arms, and one of them.
    for points in [[0.5; 5], [0.5, 0.6, 0.4, 0.7, 0.3]] {
        let verdict = of(&plain(&points));
        assert_eq!(verdict.verdict, Verdict::Inconclusive);
        assert!(has(&verdict, Flag::Deterministic) && !has(&verdict, Flag::SameNumbers));
        let cell = &verdict.cells[0];
        let numbers = [cell.mean, cell.low, cell.high, cell.t, cell.p, cell.e_value];
        assert_eq!(numbers, [None; 6]);
        assert_eq!(cell.same_seeds, 4);
        assert!(verdict.reason.contains("all 5 seeds of svhn from"), "{}", verdict.reason);
    }
    // A baseline that collapsed is a result, unless nothing varies.
    let collapsed = |points: &[f64]| {
        let both = plain(points).into_iter().flat_map(|row| [row.replace(",100,6", ",50,6"), row]);
        of(&both.collect::<Vec<String>>())
    };
    let one = collapsed(&[0.5, 0.6, 0.4, 0.7, 0.3]);
    assert_eq!(one.verdict, Verdict::Supported, "{}", one.reason);
    assert!(has(&one, Flag::SameNumbers) && one.cells[0].same_seeds == 4);
    assert!(has(&collapsed(&[0.5; 5]), Flag::Deterministic));
    // Two runs that agree are counted.
    let mut some = plain(&[0.5, 0.6, 0.4, 0.7]);
    for (row, natural) in some.iter_mut().skip(1).step_by(2).zip([66.0, 66.0, 66.1, 66.2]) {
        *row = row.replace(",100,66,", &format!(",100,{natural},"));
    }
    let verdict = of(&some);
    assert!(has(&verdict, Flag::SameNumbers) && !has(&verdict, Flag::Deterministic));
    assert_eq!((verdict.cells[0].same_seeds, verdict.cells[0].seeds), (1, 4));
    assert!(verdict.cells[0].p.is_some());
}

/// A log in which both arms of two seeds differ by one point, in one test set or another.
fn one_item(own: &str, numbers: [&str; 4]) -> ClaimVerdict {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("worlds")).unwrap();
    std::fs::write(folder.path().join("worlds/own.toml"), own).unwrap();
    let names = UserNames::read(folder.path()).unwrap();
    let runs = [("l2_3", 1), ("natural", 1), ("l2_3", 2), ("natural", 2)];
    let lines: Vec<String> = (runs.iter().zip(numbers))
        .map(|((source, seed), accuracy)| {
            format!("tiny,{source},3,100,{seed},1,{accuracy},1.5,50,0.{seed},10")
        })
        .collect();
    let world = World::paper().with(&names);
    let text = claim_text("greater_than = 0.0").replace("svhn", "tiny");
    let claim = check::claim("gap.toml", &text, &world).unwrap();
    judge(&claim, &Evidence { world, ..evidence(&log(&lines), SamplingDesign::FixedSample) })
}

#[test]
fn the_spread_of_a_log_is_at_least_half_a_test_item_or_half_the_last_digit() {
    let own = |test: u32| {
        format!("format = 1\n[targets.tiny]\ntitle = \"Tiny\"\ntrain = 1000\ntest = {test}\n")
    };
    let of = |test: u32, numbers| {
        let verdict = one_item(&own(test), numbers);
        let cell = verdict.cells[0].clone();
        assert_eq!(cell.mean, Some(1.0), "{}", cell.reason);
        (verdict.verdict, 0.5 * (cell.high.unwrap() - cell.low.unwrap()))
    };
    // 12.706 * spread / sqrt(2), the spread half of the step.
    let half = |step: f64| 12.706_204_736 * step / 2.0 / 2.0_f64.sqrt();
    let near = |found: f64, expected: f64| (found - expected).abs() < 1e-6;
    let (verdict, width) = of(100, ["91", "90", "90", "89"]);
    assert!(verdict == Verdict::Inconclusive && near(width, half(1.0)), "{width}");
    // Zeros that are printed are digits.
    let (verdict, width) = of(1000, ["91.0", "90.0", "90.0", "89.0"]);
    assert!(verdict == Verdict::Supported && near(width, half(0.1)), "{width}");
    let (_, width) = of(1000, ["91.000", "90.000", "90.000", "89.000"]);
    assert!(near(width, half(0.1)), "{width}");
    let (verdict, width) = of(1000, ["91", "90", "90", "89"]);
    assert!(verdict == Verdict::Inconclusive && near(width, half(1.0)), "{width}");
}

#[test]
fn recipes_that_differ_between_arms_or_seeds_can_t_be_judged() {
    let shorter = |runs: &mut Vec<Run<'_>>, index: usize| {
        let last = runs[index].accuracy.last().unwrap().1;
        runs[index].accuracy = vec![(1, 10.0), (6, 20.0), (50, last)];
    };
    let mut within = leads(&[5.0, 6.0, 5.5]);
    shorter(&mut within, 0);
    shorter(&mut within, 1);
    let mut between = leads(&[5.0, 6.0, 5.5]);
    for robust in [0, 2, 4] {
        shorter(&mut between, robust);
    }
    for runs in [within, between] {
        let verdict = gap(&runs);
        let cell = &verdict.cells[0];
        assert_eq!(verdict.verdict, Verdict::Inconclusive);
        let numbers =
            [cell.mean, cell.low, cell.high, cell.t, cell.p, cell.p_adjusted, cell.e_value];
        assert_eq!(numbers, [None; 7]);
        assert!(cell.welch.is_none() && has(&verdict, Flag::MixedRecipes));
        assert!(verdict.reason.contains("50 and 100"), "{}", verdict.reason);
    }
}

#[test]
fn a_run_that_stopped_counts_at_its_worst_and_the_verdict_must_survive_it() {
    // The natural run of seed 4 stopped: in the worst case for the claim it would reach 100 %.
    let stop = |runs: &mut Vec<Run<'_>>| {
        let stopped = runs.iter_mut().find(|run| run.source == "natural" && run.seed == 4).unwrap();
        stopped.accuracy.truncate(1);
    };
    let mut runs = leads(&[5.0, 6.0, 5.5, 6.5]);
    assert_eq!(gap(&runs).verdict, Verdict::Supported);
    stop(&mut runs);
    let verdict = gap(&runs);
    assert_eq!(verdict.verdict, Verdict::Inconclusive);
    assert_eq!(verdict.cells[0].failed_seeds, 1);
    assert!(has(&verdict, Flag::FailedTrials));

    // A lead so large and even that the worst case can't undo it.
    let mut clear: Vec<Run<'_>> = (1..=20)
        .flat_map(|seed| {
            let natural = 2.0 + 0.01 * (seed % 3) as f64;
            [run("l2_3", seed, 99.0 + 0.01 * (seed % 2) as f64), run("natural", seed, natural)]
        })
        .collect();
    stop(&mut clear);
    assert_eq!(gap(&clear).verdict, Verdict::Supported);
}

#[test]
fn a_run_that_stopped_counts_at_its_best_before_a_claim_is_refuted() {
    // The robust run of seed 4 stopped: in the best case for the claim it would reach 100 %.
    let stop = |runs: &mut Vec<Run<'_>>| {
        let stopped = runs.iter_mut().find(|run| run.source == "l2_3" && run.seed == 4).unwrap();
        stopped.accuracy.truncate(1);
    };
    let mut runs = leads(&[-5.0, -6.0, -5.5, -6.5]);
    assert_eq!(gap(&runs).verdict, Verdict::Refuted);
    stop(&mut runs);
    assert_eq!(gap(&runs).verdict, Verdict::Inconclusive);
    let clear =
        |seed: u64| [run("l2_3", seed, 1.0 + 0.01 * (seed % 2) as f64), run("natural", seed, 99.0)];
    let mut clear: Vec<Run<'_>> = (1..=20).flat_map(clear).collect();
    stop(&mut clear);
    assert_eq!(gap(&clear).verdict, Verdict::Refuted);
}

#[test]
fn equivalence_shows_the_p_of_two_one_sided_tests() {
    // R's `sleep`, paired, within 2.5 hours: statsmodels gives p = .0211168602465.
    let differences = [-1.2, -2.4, -1.3, -1.3, 0.0, -1.0, -1.8, -0.8, -4.6, -1.4];
    let values: Vec<Censored> = differences.into_iter().map(Censored::exactly).collect();
    let answer = decide(&values, Relation::EquivalentWithin(2.5), Alpha::CONVENTIONAL, 0.01);
    assert!((answer.p.unwrap() - 0.021_116_860_246_5).abs() < 1e-12, "{answer:?}");
    // The weaker of the two tests is that against the nearer end, which is below.
    assert!((answer.t.unwrap() - 2.365_289_537_159).abs() < 1e-9, "{answer:?}");
    assert!(answer.p_refuted.unwrap() > 0.97, "{answer:?}");
}

#[test]
fn between_two_sizes_the_smaller_plan_counts_for_missing_seeds() {
    // Ten seeds were planned at 6,400 images and five at 12,800; four were run.
    let text = claim_text("greater_than = 0.0")
        .replace("robust = { source = \"l2_3\" }", "robust = { source = \"l2_3\", images = 6400 }")
        .replace(
            "natural = { source = \"natural\" }",
            "natural = { source = \"natural\", images = 12800 }",
        )
        .replace(", images = 100", "");
    let mut runs = leads(&[5.0, 5.1, 4.9, 5.0]);
    for run in &mut runs {
        run.images = if run.source == "l2_3" { 6400 } else { 12_800 };
    }
    let verdict = judge(&claim(&text), &evidence(&log(&rows(&runs)), SamplingDesign::FixedSample));
    assert_eq!((verdict.verdict, verdict.cells[0].missing_seeds), (Verdict::Supported, 1));
}

#[test]
fn a_minimum_number_of_cells_is_a_partial_conjunction() {
    let text = claim_text("greater_than = 0.0")
        .replace("target = \"svhn\"", "target = [\"svhn\", \"mnist\", \"kmnist\"]")
        .replace("holds = \"every\"", "holds = { at_least = 2 }");
    let log_with = |leads_of: [&[f64]; 3]| {
        let mut runs = Vec::new();
        for (target, points) in ["svhn", "mnist", "kmnist"].into_iter().zip(leads_of) {
            runs.extend(leads(points).into_iter().map(|run| Run { target, ..run }));
        }
        judge(&claim(&text), &evidence(&log(&rows(&runs)), SamplingDesign::FixedSample))
    };
    let clear = [5.0, 5.1, 4.9, 5.0].as_slice();
    let open = [5.0, -5.1, 4.9, -5.0].as_slice();
    let against = [-5.0, -5.1, -4.9, -5.0].as_slice();
    let found = log_with([clear, clear, open]);
    assert_eq!(found.verdict, Verdict::Supported);
    assert!(found.reason.contains("not supported: kmnist 100 images"), "{}", found.reason);
    let found = log_with([clear, clear, clear]);
    assert_eq!(found.verdict, Verdict::Supported);
    assert!(!found.reason.contains("not supported"), "{}", found.reason);
    assert_eq!(log_with([clear, clear, against]).verdict, Verdict::Supported);
    assert_eq!(log_with([clear, open, open]).verdict, Verdict::Inconclusive);
    assert_eq!(log_with([clear, against, open]).verdict, Verdict::Inconclusive);
    assert_eq!(log_with([clear, against, against]).verdict, Verdict::Refuted);
}

#[test]
fn every_cell_is_refuted_by_one_clear_counterexample() {
    let text = claim_text("greater_than = 0.0")
        .replace("target = \"svhn\"", "target = [\"svhn\", \"mnist\"]");
    let mut runs = leads(&[5.0, 5.1, 4.9]);
    let against = leads(&[-5.0, -5.1, -4.9]);
    runs.extend(against.into_iter().map(|run| Run { target: "mnist", ..run }));
    let verdict = judge(&claim(&text), &evidence(&log(&rows(&runs)), SamplingDesign::FixedSample));
    assert_eq!(verdict.verdict, Verdict::Refuted);
    assert!(verdict.reason.contains("mnist 100 images"), "{}", verdict.reason);
}

#[test]
fn an_average_is_taken_within_a_seed_before_judging() {
    let text = claim_text("greater_than = 0.0")
        .replace("target = \"svhn\"", "target = [\"svhn\", \"mnist\"]")
        .replace("holds = \"every\"", "holds = \"every\"\naverage_over = [\"target\"]");
    // Each target's lead varies from seed to seed; their average within a seed does not.
    let mut runs = leads(&[9.0, 1.0, 9.0, 1.0]);
    let other = leads(&[1.0, 9.1, 1.0, 9.0]);
    runs.extend(other.into_iter().map(|run| Run { target: "mnist", ..run }));
    let verdict = judge(&claim(&text), &evidence(&log(&rows(&runs)), SamplingDesign::FixedSample));
    assert_eq!(verdict.verdict, Verdict::Supported);
    assert_eq!(verdict.cells.len(), 2, "cells are listed whatever the quantifier");
    assert!(verdict.cells.iter().all(|cell| cell.verdict == Verdict::Inconclusive));
    let average = &verdict.averages[0];
    assert_eq!((average.target.as_deref(), average.images, average.seeds), (None, Some(100), 4));
}

/// The log ends at epoch 100 with 50 %; when a higher accuracy would be reached is unknown.
#[test]
fn an_accuracy_that_is_never_reached_is_reported_as_such() {
    let text = claim_text("greater_than = 0.0")
        .replace("accuracy = \"last\"", "epochs_to = { final_accuracy_of = \"l2_3\" }");
    let verdict = judge(
        &claim(&text),
        &evidence(&log(&rows(&leads(&[5.0, 6.0, 5.5]))), SamplingDesign::FixedSample),
    );
    assert_eq!(verdict.verdict, Verdict::Inconclusive);
    let expected = "no mean over 3 seeds: no confidence interval, since 3 seeds never reached \
                    the accuracy";
    assert_eq!(verdict.reason, expected);
}

#[test]
fn a_loss_that_is_not_finite_decides_nothing() {
    let text = claim_text("greater_than = 0.0").replace("accuracy = \"last\"", "loss = \"last\"");
    let rows: Vec<String> = rows(&leads(&[5.0, 6.0, 5.5]))
        .into_iter()
        .map(|row| {
            row.replace(
                ",1.5,50,",
                if row.contains("natural,3,100,2,100") { ",nan,50," } else { ",1.5,50," },
            )
        })
        .collect();
    let verdict = judge(&claim(&text), &evidence(&log(&rows), SamplingDesign::FixedSample));
    assert_eq!(verdict.verdict, Verdict::Inconclusive);
    assert_eq!((verdict.cells[0].mean, verdict.cells[0].p), (None, None));
}

#[test]
fn an_epoch_that_was_not_logged_is_reported_and_not_guessed() {
    let text =
        claim_text("greater_than = 0.0").replace("accuracy = \"last\"", "accuracy = { epoch = 7 }");
    let verdict = judge(
        &claim(&text),
        &evidence(&log(&rows(&leads(&[5.0, 6.0]))), SamplingDesign::FixedSample),
    );
    // There is nothing to judge, as without records.
    assert_eq!(verdict.verdict, Verdict::Incomplete);
    assert!(verdict.reason.contains("epoch 7 was not logged"), "{}", verdict.reason);
    assert!(verdict.reason.contains("has a record of every fine-tune"), "{}", verdict.reason);
    // A pair that stopped before that epoch adds no information.
    let mut stopped = leads(&[5.0, 6.0]);
    stopped[2].accuracy.pop();
    stopped[3].accuracy.pop();
    let verdict =
        judge(&claim(&text), &evidence(&log(&rows(&stopped)), SamplingDesign::FixedSample));
    assert_eq!(verdict.verdict, Verdict::Incomplete);
    // Some runs have the epoch: these are not taken for all.
    let mut some = rows(&leads(&[5.0, 6.0]));
    some.extend(["l2_3", "natural"].map(|arm| format!("svhn,{arm},3,100,1,7,40,1.5,50,0.5,10")));
    let verdict = judge(&claim(&text), &evidence(&log(&some), SamplingDesign::FixedSample));
    assert_eq!(verdict.verdict, Verdict::Inconclusive);
    assert!(verdict.reason.contains("epoch 7 was not logged"), "{}", verdict.reason);
}

/// 1,000 test images: natural is right on the first half, l2_3 on the same and on 40 to 60 more.
#[test]
fn the_interval_over_test_images_is_reported_and_decides_nothing() {
    let runs = leads(&[4.0, 5.0, 6.0]);
    let claim = claim(&claim_text("greater_than = 0.0"));
    let silent = evidence(&log(&rows(&runs)), SamplingDesign::FixedSample);
    let mut recorded = evidence(&log(&rows(&runs)), SamplingDesign::FixedSample);
    let records = silent.records.iter().map(|record| {
        let right = (10.0 * record.last().unwrap().test_accuracy).round() as usize;
        let correct: Vec<bool> = (0..1000).map(|image| image < right).collect();
        record.clone().with_correct(&correct)
    });
    recorded.records = Records::new(records).unwrap();
    assert!(judge(&claim, &silent).cells[0].test_images.is_none());
    let verdict = judge(&claim, &recorded);
    let cell = &verdict.cells[0];
    let images = cell.test_images.as_ref().unwrap();
    assert_eq!((images.images, cell.mean), (1000, Some(5.0)));
    // An image adds 100 points times the share of seeds in which l2_3 alone was right: 1, 2/3 and
    // 1/3 for 40, 10 and 10 of 1,000. So the mean of 5 has a standard error of .67 points.
    let (error, about) = (0.67, 0.1);
    assert!((images.low - (5.0 - 1.96 * error)).abs() < about, "{images:?}");
    assert!((images.high - (5.0 + 1.96 * error)).abs() < about, "{images:?}");
    let without = judge(&claim, &silent);
    assert_eq!((verdict.verdict, cell.low), (without.verdict, without.cells[0].low));
    // The same evidence, the same interval.
    let again = judge(&claim, &recorded).cells[0].test_images.clone().unwrap();
    assert_eq!((again.low, again.high), (images.low, images.high));
}
