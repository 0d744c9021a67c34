//! Runs that a study planned and its log does not have, and those that it never planned.

use std::collections::{BTreeMap, BTreeSet};

use repro::{
    evidence::{Planned, Replicates, Structure},
    experiment::{Factors, Key, Seed, Value},
};

use super::*;

/// So many runs of robust and of natural were planned.
fn planned(robust: usize, natural: usize) -> Planned {
    let of = |source: &str| Factors::from([("source".into(), Value::Text(source.into()))]);
    let counts = vec![(of("l2_3"), robust), (of("natural"), natural)];
    Planned { counts, ..Planned::default() }
}

fn replicates(planned: Planned) -> Replicates {
    Replicates { planned: Some(planned), ..Replicates::default() }
}

fn judged_by(text: &str, runs: &[Run<'_>], replicates: &Replicates) -> ClaimVerdict {
    let evidence = evidence(&log(&rows(runs)), SamplingDesign::FixedSample);
    judge(&claim(text), &Evidence { replicates: replicates.clone(), ..evidence })
}

fn judged(runs: &[Run<'_>], planned: Planned) -> ClaimVerdict {
    judged_by(&claim_text("greater_than = 0.0"), runs, &replicates(planned))
}

/// Natural at about 50 % and robust above it, ten seeds each, without these seeds of robust.
fn without(lead: f64, lost: &[u64]) -> Vec<Run<'static>> {
    let mut runs = Vec::new();
    for seed in 1..=10 {
        let nudge = (seed % 3) as f64 / 10.0;
        runs.push(run("natural", seed, 50.0 + nudge));
        if !lost.contains(&seed) {
            runs.push(run("l2_3", seed, 50.0 + lead + 2.0 * nudge));
        }
    }
    runs
}

#[test]
fn planned_runs_that_are_absent_may_have_had_any_value() {
    let runs = without(5.0, &[8, 9, 10]);
    // Today's reading, of a log that says nothing of its plan.
    let unstated = gap(&runs);
    assert_eq!((unstated.verdict, unstated.cells[0].unmatched_seeds), (Verdict::Supported, 3));
    let verdict = judged(&runs, planned(10, 10));
    let cell = &verdict.cells[0];
    assert_eq!((verdict.verdict, cell.seeds, cell.absent_runs), (Verdict::Inconclusive, 10, 3));
    assert_eq!((cell.unmatched_seeds, cell.missing_seeds, cell.failed_seeds), (0, 0, 0));
    assert_eq!(cell.mean, unstated.cells[0].mean);
    assert!(cell.low.unwrap() < -20.0 && cell.high.unwrap() > 20.0, "{cell:?}");
    assert!(has(&verdict, Flag::AbsentRuns) && !has(&verdict, Flag::FailedTrials));
    assert!(
        verdict.reason.ends_with(
            "; 3 planned runs of robust are not in the log and count as anything in the metric's \
             range"
        ),
        "{}",
        verdict.reason
    );
    // Without a number, nothing says that they were never planned.
    let silent = judged(&runs, Planned::default());
    assert_eq!((silent.cells[0].low, silent.cells[0].absent_runs), (cell.low, 3));
}

#[test]
fn replicates_that_were_never_planned_are_left_out_and_named() {
    let runs = without(5.0, &[8, 9, 10]);
    let verdict = judged(&runs, planned(7, 10));
    let cell = &verdict.cells[0];
    assert_eq!((verdict.verdict, cell.seeds, cell.absent_runs), (Verdict::Supported, 7, 0));
    assert_eq!((cell.unmatched_seeds, cell.never_planned), (3, 3));
    assert!(
        verdict.reason.ends_with("; 3 seeds of robust were never planned, says log.toml"),
        "{}",
        verdict.reason
    );
    // The status says the same of single runs.
    let never_ran = |seeds: &[u64]| {
        let seeds: BTreeSet<Seed> = seeds.iter().map(|seed| Seed(*seed)).collect();
        BTreeMap::from([(Key::new("svhn", "l2_3", 3, 100), seeds)])
    };
    let by_status = Planned { never_ran: never_ran(&[8, 9, 10]), ..planned(10, 10) };
    let verdict = judged(&runs, by_status);
    assert_eq!((verdict.verdict, verdict.cells[0].never_planned), (Verdict::Supported, 3));
    // One that is not accounted for remains.
    let verdict = judged(&runs, Planned { never_ran: never_ran(&[8, 9]), ..planned(10, 10) });
    let cell = &verdict.cells[0];
    assert_eq!((cell.seeds, cell.absent_runs, cell.never_planned), (8, 1, 2));
}

#[test]
fn lost_runs_without_a_name_are_counted_by_the_plan() {
    // Robust planned eight and has seven: one of the seeds 8, 9 and 10 is lost.
    let verdict = judged(&without(5.0, &[8, 9, 10]), planned(8, 10));
    let cell = &verdict.cells[0];
    assert_eq!((cell.seeds, cell.absent_runs, cell.never_planned), (8, 1, 2));
    assert_eq!(verdict.verdict, Verdict::Inconclusive);
    // Both arms lost one: a pair of which nothing is known.
    let runs: Vec<Run<'_>> = without(5.0, &[]).into_iter().filter(|run| run.seed < 10).collect();
    let verdict = judged(&runs, planned(10, 10));
    let cell = &verdict.cells[0];
    assert_eq!((cell.seeds, cell.absent_runs), (10, 2));
    assert_eq!(verdict.verdict, Verdict::Inconclusive);
    let complete = judged(&runs, planned(9, 9));
    assert_eq!((complete.verdict, complete.cells[0].absent_runs), (Verdict::Supported, 0));
    assert_eq!(complete.cells[0].low, gap(&runs).cells[0].low);
}

#[test]
fn a_verdict_with_absent_runs_is_that_of_every_value_they_may_have_had() {
    for lead in [5.0, 20.0, 30.0, 40.0, 45.0] {
        for lost in [&[4][..], &[4, 9]] {
            let runs = without(lead, lost);
            let verdict = judged(&runs, planned(10, 10));
            let cell = &verdict.cells[0];
            for first in (0..=100).step_by(20) {
                for second in (0..=100).step_by(20) {
                    let mut filled = without(lead, lost);
                    for (seed, value) in lost.iter().zip([first, second]) {
                        filled.push(run("l2_3", *seed, f64::from(value)));
                    }
                    let one = gap(&filled);
                    let found = &one.cells[0];
                    assert!(found.low.unwrap() >= cell.low.unwrap() - 1e-9, "{first} {second}");
                    assert!(found.high.unwrap() <= cell.high.unwrap() + 1e-9, "{first} {second}");
                    if verdict.verdict == Verdict::Supported {
                        assert_eq!(one.verdict, Verdict::Supported);
                    }
                }
            }
        }
    }
    // One of ten lost: a lead of 45 points stands, one of 20 does not.
    assert_eq!(judged(&without(45.0, &[4]), planned(10, 10)).verdict, Verdict::Supported);
    assert_eq!(judged(&without(20.0, &[4]), planned(10, 10)).verdict, Verdict::Inconclusive);
}

#[test]
fn an_absent_run_has_its_weight_in_an_average() {
    let sizes = [100, 200, 400, 800];
    let mut runs = Vec::new();
    for images in sizes {
        let lost: &[u64] = if images == 400 { &[4] } else { &[] };
        runs.extend(without(20.0, lost).into_iter().map(|run| Run { images, ..run }));
    }
    let text = claim_text("greater_than = 0.0")
        .replace("images = 100", "images = [100, 200, 400, 800]")
        .replace("holds = \"every\"", "holds = \"every\"\naverage_over = [\"images\"]");
    let verdict = judged_by(&text, &runs, &replicates(planned(10, 10)));
    let average = &verdict.averages[0];
    // A quarter of 100 points in one of ten seeds: the average stands, its single cell does not.
    assert_eq!((verdict.verdict, average.seeds), (Verdict::Supported, 10), "{}", verdict.reason);
    let cell = verdict.cells.iter().find(|cell| cell.images == Some(400)).unwrap();
    assert_eq!((average.absent_runs, cell.absent_runs), (1, 1));
    assert_eq!(cell.verdict, Verdict::Inconclusive);
}

#[test]
fn several_cells_say_in_how_many_of_them_runs_are_missing() {
    let mut runs = Vec::new();
    for images in [100, 200] {
        let sized = without(5.0, &[8, 9, 10]).into_iter().map(|run| Run { images, ..run });
        runs.extend(sized);
    }
    let text = claim_text("greater_than = 0.0").replace("images = 100", "images = [100, 200]");
    let verdict = judged_by(&text, &runs, &replicates(planned(7, 10)));
    assert!(
        verdict
            .reason
            .ends_with("; 6 seeds of robust in 2 of 2 cells were never planned, says log.toml"),
        "{}",
        verdict.reason
    );
}

#[test]
fn without_a_range_a_cell_with_absent_runs_is_open() {
    let text = claim_text("greater_than = 0.0").replace("accuracy = ", "loss = ");
    let mut runs = without(5.0, &[10]);
    let verdict = judged_by(&text, &runs, &replicates(planned(10, 10)));
    assert_eq!(verdict.verdict, Verdict::Incomplete);
    let why = "planned runs of robust are not in the log, and the metric has no range in which \
               they may lie";
    assert!(verdict.reason.contains(why), "{}", verdict.reason);
    assert_eq!((verdict.cells[0].mean, verdict.cells[0].low), (None, None));
    // Never planned, there is nothing to ask.
    runs.retain(|run| run.seed < 10);
    let verdict = judged_by(&text, &runs, &replicates(planned(9, 9)));
    assert_ne!(verdict.verdict, Verdict::Incomplete);
}

#[test]
fn unpaired_arms_may_each_have_absent_runs() {
    let runs = without(5.0, &[8, 9, 10]);
    let unpaired =
        |planned| Replicates { paired: false, planned: Some(planned), ..Replicates::default() };
    let text = claim_text("greater_than = 0.0");
    let verdict = judged_by(&text, &runs, &unpaired(planned(7, 10)));
    assert_eq!((verdict.verdict, verdict.cells[0].never_planned), (Verdict::Supported, 0));
    let verdict = judged_by(&text, &runs, &unpaired(planned(10, 10)));
    assert_eq!((verdict.verdict, verdict.cells[0].absent_runs), (Verdict::Inconclusive, 3));
    // Arms that plan different numbers, which is no absence: nothing is paired.
    let silent = judged_by(&text, &runs, &unpaired(Planned::default()));
    assert_eq!((silent.verdict, silent.cells[0].absent_runs), (Verdict::Supported, 0));
}

#[test]
fn a_unit_may_be_absent_and_runs_without_a_unit_leave_the_cell_open() {
    // Two sessions of each of five subjects; robust has no run of the fifth subject.
    let mut runs = without(5.0, &[9, 10]);
    let units = (1..=10).map(|seed| (Seed(seed), Seed(seed.div_ceil(2)))).collect();
    let nested = |planned| Replicates {
        structure: Structure::Nested { units },
        planned: Some(planned),
        ..Replicates::default()
    };
    let text = claim_text("greater_than = 0.0");
    let nested = nested(planned(8, 10));
    let verdict = judged_by(&text, &runs, &nested);
    assert_eq!((verdict.verdict, verdict.cells[0].seeds), (Verdict::Supported, 4));
    let lost = Replicates { planned: Some(planned(10, 10)), ..nested.clone() };
    let verdict = judged_by(&text, &runs, &lost);
    assert_eq!((verdict.verdict, verdict.cells[0].seeds), (Verdict::Inconclusive, 5));
    // One session of the second subject is lost, and nothing says which.
    runs = without(5.0, &[4]);
    let verdict = judged_by(&text, &runs, &lost);
    assert_eq!(verdict.verdict, Verdict::Incomplete);
    assert!(verdict.reason.contains("nothing says what units"), "{}", verdict.reason);
}
