//! The interval over seeds and test images together.

use super::*;
use repro::{
    evidence::{Evidence, Record},
    judge::Images,
    stats::{AddedVariance, Sample, t_with_added},
};

/// Evidence whose records say which of 200 images they classify correctly: `right` of a source, a
/// seed and an image.
fn with_bits(
    runs: &[Run<'_>],
    looking: SamplingDesign,
    right: impl Fn(&Record, usize) -> bool,
) -> Evidence {
    let mut evidence = evidence(&log(&rows(runs)), looking);
    let records = evidence.records.iter().map(|record| {
        let correct: Vec<bool> = (0..200).map(|image| right(record, image)).collect();
        record.clone().with_correct(&correct)
    });
    evidence.records = Records::new(records.collect::<Vec<_>>()).unwrap();
    evidence
}

/// The test images that a verdict is about.
fn about(verdict: &ClaimVerdict) -> Images {
    verdict.population.as_ref().unwrap().test_images
}

/// l2_3 alone is right on the first images: as many as its lead of 5 points and a seed's own few.
fn leading(record: &Record, image: usize) -> bool {
    let accuracy = record.last().unwrap().test_accuracy;
    image < (2.0 * accuracy).round() as usize
}

#[test]
fn arms_share_the_images_of_their_test_set() {
    let runs = leads(&[4.0, 5.0, 6.0]);
    let verdict = judge(
        &claim(&claim_text("greater_than = 0.0")),
        &with_bits(&runs, SamplingDesign::FixedSample, leading),
    );
    let found = verdict.cells[0].seeds_and_images.as_ref().unwrap();
    // By hand: an image on which both arms are right, or wrong, adds nothing to the difference.
    let table: Vec<Vec<f64>> = [8, 10, 12]
        .map(|more| {
            (0..200).map(|i| if (100..100 + more).contains(&i) { 100.0 } else { 0.0 }).collect()
        })
        .to_vec();
    let added = AddedVariance::of_images(&[&table[..]]).unwrap();
    let expected = t_with_added(&Sample::new(vec![4.0, 5.0, 6.0]).unwrap(), 0.0, added);
    let interval = expected.interval(Alpha::CONVENTIONAL);
    assert!((found.low - interval.low).abs() < 1e-9 && (found.high - interval.high).abs() < 1e-9);
    assert!((found.df - expected.degrees_of_freedom).abs() < 1e-9 && found.df > 2.0);
    assert!(added.variance > 1.0, "{added:?}");
}

#[test]
fn a_verdict_that_test_images_would_change_is_flagged_and_a_claim_can_ask_for_it() {
    // Two points, on four of 200 images: seeds agree, images do not.
    let runs = leads(&[2.0, 2.1, 1.9, 2.0, 2.0]);
    let few = |record: &Record, image: usize| {
        &*record.key.source == "l2_3" && image < 4 || (50..150).contains(&image)
    };
    for looking in [SamplingDesign::FixedSample, SamplingDesign::GroupSequential] {
        let evidence = with_bits(&runs, looking, few);
        let verdict = judge(&claim(&claim_text("greater_than = 0.5")), &evidence);
        assert_eq!(verdict.verdict, Verdict::Supported);
        assert!(verdict.how_far.changed_by_test_images && has(&verdict, Flag::ChangedByTestImages));
        let cell = &verdict.cells[0];
        let both = cell.seeds_and_images.clone().unwrap();
        assert_eq!(both.verdict, Verdict::Inconclusive);
        // The same claim, asked over both.
        let text = claim_text("greater_than = 0.5")
            .replace("holds = \"every\"", "holds = \"every\"\nover = \"seeds_and_images\"");
        let asked = judge(&claim(&text), &evidence);
        let cell = &asked.cells[0];
        assert_eq!(asked.verdict, Verdict::Inconclusive);
        assert!(!asked.how_far.changed_by_test_images && !has(&asked, Flag::SeedsAlone));
        assert_eq!((about(&verdict), about(&asked)), (Images::These, Images::New));
        let both = cell.seeds_and_images.as_ref().unwrap();
        assert_eq!((cell.low, cell.high), (Some(both.low), Some(both.high)));
        assert!(asked.how_far.detectable.unwrap() > 1.0);
    }
}

#[test]
fn without_bits_or_with_a_failed_run_it_is_over_seeds_alone_and_says_so() {
    let text = claim_text("greater_than = 0.0")
        .replace("holds = \"every\"", "holds = \"every\"\nover = \"seeds_and_images\"");
    let mut runs = leads(&[4.0, 5.0, 6.0, 5.0]);
    let silent = evidence(&log(&rows(&runs)), SamplingDesign::FixedSample);
    let without = judge(&claim(&text), &silent);
    let seeds = judge(&claim(&claim_text("greater_than = 0.0")), &silent);
    assert!(has(&without, Flag::SeedsAlone) && without.cells[0].seeds_and_images.is_none());
    assert_eq!(without.cells[0].low, seeds.cells[0].low);
    assert_eq!(about(&without), Images::These);
    assert!(!has(&seeds, Flag::SeedsAlone) && !seeds.how_far.changed_by_test_images);
    let stopped = runs.iter_mut().find(|run| run.source == "natural" && run.seed == 4).unwrap();
    stopped.accuracy.truncate(1);
    let failed = with_bits(&runs, SamplingDesign::FixedSample, leading);
    let failed = judge(&claim(&text), &failed);
    assert!(has(&failed, Flag::SeedsAlone));
    assert_eq!(about(&failed), Images::These);
}

#[test]
fn seeds_after_the_deciding_look_change_nothing() {
    let mut points = vec![5.0, 5.1, 4.9];
    let until = |points: &[f64]| {
        let evidence = with_bits(&leads(points), SamplingDesign::GroupSequential, leading);
        judge(&claim(&claim_text("greater_than = 0.0")), &evidence)
    };
    let three = until(&points);
    points.extend([9.0; 7]);
    let ten = until(&points);
    let of = |verdict: &ClaimVerdict| {
        let both = verdict.cells[0].seeds_and_images.clone().unwrap();
        (both.low, both.high, both.df, verdict.how_far.changed_by_test_images)
    };
    assert_eq!(of(&three), of(&ten));
}

/// Different targets have different images, whose variances add.
#[test]
fn an_average_over_targets_adds_the_variances_of_its_test_sets() {
    let text = claim_text("greater_than = 0.0")
        .replace("target = \"svhn\"", "target = [\"svhn\", \"mnist\"]")
        .replace("holds = \"every\"", "holds = \"every\"\naverage_over = [\"target\"]");
    let one = leads(&[4.0, 5.0, 6.0]);
    let mut both = leads(&[4.0, 5.0, 6.0]);
    both.extend(leads(&[4.0, 5.0, 6.0]).into_iter().map(|run| Run { target: "mnist", ..run }));
    let judged = |text: &str, runs: &[Run<'_>]| {
        judge(&claim(text), &with_bits(runs, SamplingDesign::FixedSample, leading))
    };
    let half_width = |cell: &repro::judge::CellVerdict| {
        let both = cell.seeds_and_images.as_ref().unwrap();
        let critical = repro::stats::t_upper_quantile(0.025, both.df);
        ((both.high - both.low) / 2.0 / critical).powi(2) - 1.0 / 3.0
    };
    let single = half_width(&judged(&claim_text("greater_than = 0.0"), &one).cells[0]);
    let average = half_width(&judged(&text, &both).averages[0]);
    assert!((average - single / 2.0).abs() < 1e-9, "{average} of {single}");
}
