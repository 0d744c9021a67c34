//! Evidence with several looks, and the notes that verdicts have then.

use super::*;

#[test]
fn a_sequential_design_stops_at_the_first_look_that_decides() {
    let mut points = vec![5.0, 5.1, 4.9];
    points.extend([-60.0; 7].map(|point: f64| point * 0.5));
    let verdict = asked("greater_than = 0.0", &leads(&points), SamplingDesign::GroupSequential);
    let cell = &verdict.cells[0];
    assert_eq!((verdict.verdict, cell.look, cell.mean), (Verdict::Supported, Some(3), Some(5.0)));
    // In a fixed design, the same ten seeds give the opposite verdict.
    assert_eq!(gap(&leads(&points)).verdict, Verdict::Refuted);
}

#[test]
fn a_sequential_design_pays_for_its_looks_and_waits_for_the_first() {
    // t = 5.2 at three seeds: beyond the fixed design's 4.30, not beyond 7.65.
    let three = leads(&[4.0, 6.0, 8.0]);
    assert_eq!(gap(&three).verdict, Verdict::Supported);
    let sequential = asked("greater_than = 0.0", &three, SamplingDesign::GroupSequential);
    assert_eq!((sequential.verdict, sequential.cells[0].look), (Verdict::Inconclusive, Some(3)));
    // Holm and the quantifiers use p adjusted for all three looks.
    let cell = &sequential.cells[0];
    assert!((cell.p_adjusted.unwrap() - 3.0 * cell.p.unwrap()).abs() < 1e-12);
    let two = asked("greater_than = 0.0", &leads(&[5.0, 5.1]), SamplingDesign::GroupSequential);
    assert_eq!((two.verdict, two.cells[0].look), (Verdict::Inconclusive, None));
}

/// A verdict on local runs that a point in every value would change may differ on another machine.
#[test]
fn a_verdict_within_a_point_of_another_is_borderline() {
    let expected = |or| Expected {
        verdict: Verdict::Inconclusive,
        or,
        reason: String::new(),
        caveats: Vec::new(),
    };
    let (narrow, clear) = (leads(&[0.9, 1.0, 1.05]), leads(&[5.0, 5.1, 4.9]));
    for (runs, looking, borderline) in [
        (&narrow, SamplingDesign::GroupSequential, true),
        (&clear, SamplingDesign::GroupSequential, false),
        (&narrow, SamplingDesign::FixedSample, false),
    ] {
        let verdict = asked("greater_than = 0.0", runs, looking);
        assert_eq!((verdict.verdict, verdict.borderline), (Verdict::Supported, borderline));
        assert_eq!(verdict.is(&expected(Some(Verdict::Supported))), borderline);
        assert!(!verdict.is(&expected(None)));
    }
}

/// 95 % with one look, and the error rate shared among three looks.
#[test]
fn an_interval_has_its_coverage() {
    let three = leads(&[4.0, 6.0, 8.0]);
    let covers = |looking| asked("greater_than = 0.0", &three, looking).cells[0].confidence;
    assert!((covers(SamplingDesign::FixedSample).unwrap() - 95.0).abs() < 1e-9);
    assert!(
        (covers(SamplingDesign::GroupSequential).unwrap() - 100.0 * (1.0 - 0.05 / 3.0)).abs()
            < 1e-9
    );
    assert_eq!(gap(&leads(&[5.0])).cells[0].confidence, None);
}

#[test]
fn a_disagreement_of_welchs_test_is_flagged() {
    // Seeds differ far more than arms: pairing removes that, Welch's test can't.
    let runs: Vec<Run<'_>> = (0..5_u32)
        .flat_map(|seed| {
            let base = 20.0 + 15.0 * f64::from(seed);
            let lead = if seed % 2 == 0 { 1.0 } else { 1.2 };
            [run("l2_3", seed.into(), base + lead), run("natural", seed.into(), base)]
        })
        .collect();
    let verdict = gap(&runs);
    assert_eq!(verdict.verdict, Verdict::Supported);
    assert_eq!(verdict.cells[0].welch.as_ref().unwrap().verdict, Verdict::Inconclusive);
    assert!(has(&verdict, Flag::WelchDisagrees));
    // The same with several looks, at the level of a look.
    let looks = asked("greater_than = 0.0", &runs[..6], SamplingDesign::GroupSequential);
    assert_eq!((looks.verdict, looks.cells[0].look), (Verdict::Supported, Some(3)));
    assert!(has(&looks, Flag::WelchDisagrees));
    let once = gap(&runs[..6]);
    let width = |verdict: &ClaimVerdict| {
        let welch = verdict.cells[0].welch.as_ref().unwrap();
        welch.high - welch.low
    };
    assert!(width(&looks) > 1.2 * width(&once), "{} against {}", width(&looks), width(&once));
}

/// Seeds that were run for another claim change nothing, not even the notes.
#[test]
fn cells_of_an_average_are_judged_at_the_looks_of_the_average() {
    let text = claim_text("greater_than = 0.0")
        .replace("target = \"svhn\"", "target = [\"svhn\", \"mnist\"]")
        .replace("holds = \"every\"", "holds = \"every\"\naverage_over = [\"target\"]");
    // The average is 5 in every seed; svhn's lead alone is decided at five seeds, but not at three.
    let leads_of_svhn = [4.0, 6.0, 8.0, 5.0, 6.0, 6.0, 6.0, 6.0, 6.0, 6.0];
    let until = |seeds: usize| {
        let svhn = &leads_of_svhn[..seeds];
        let mnist: Vec<f64> = svhn.iter().map(|lead| 10.0 - lead).collect();
        let mut runs = leads(svhn);
        runs.extend(leads(&mnist).into_iter().map(|run| Run { target: "mnist", ..run }));
        judge(&claim(&text), &evidence(&log(&rows(&runs)), SamplingDesign::GroupSequential))
    };
    let (all, three) = (until(10), until(3));
    assert_eq!((all.verdict, all.averages[0].look), (Verdict::Supported, Some(3)));
    let reported = |verdict: &ClaimVerdict| {
        let reported = |cell: &repro::judge::CellVerdict| {
            (cell.name.clone(), cell.seeds, cell.look, cell.verdict, cell.low, cell.p_adjusted)
        };
        verdict.cells.iter().map(reported).collect::<Vec<_>>()
    };
    assert_eq!(reported(&all), reported(&three));
    assert_eq!((all.cells[0].seeds, all.cells[0].verdict), (3, Verdict::Inconclusive));
}

/// Further seeds may decide it: it is open as yet, and says after how many of its seeds.
#[test]
fn a_design_that_waits_for_its_next_look_is_undecided_so_far() {
    let points = [4.0, -4.0, 8.0, -8.0, 3.0, -3.0, 5.0, -5.0, 2.0, -2.0];
    for (seeds, undecided) in [(2, Some(2)), (3, Some(3)), (4, Some(3)), (5, Some(5)), (10, None)] {
        let verdict =
            asked("greater_than = 0.0", &leads(&points[..seeds]), SamplingDesign::GroupSequential);
        assert_eq!(verdict.verdict, Verdict::Inconclusive);
        assert_eq!(verdict.undecided.map(|open| (open.seeds, open.of)), undecided.map(|n| (n, 10)));
        let begins = undecided.map_or("mean".to_owned(), |n| format!("undecided after {n} of 10"));
        assert!(verdict.reason.starts_with(&begins), "{}", verdict.reason);
        assert_eq!(verdict.cells[0].spared_seeds, 0);
    }
    // A log has no next look, and a decided claim needs none.
    assert_eq!(gap(&leads(&points[..3])).undecided, None);
    let decided =
        asked("greater_than = 0.0", &leads(&[5.0, 5.1, 4.9]), SamplingDesign::GroupSequential);
    assert_eq!((decided.verdict, decided.undecided), (Verdict::Supported, None));
    assert_eq!(decided.cells[0].spared_seeds, 7);
    assert_eq!(gap(&leads(&[5.0, 5.1, 4.9])).cells[0].spared_seeds, 0);
}
