//! Figures A5 to A7: their captions say "test accuracy and test accuracy delta", and each
//! difference has an arm that has no curve in the figure.

use super::{FIGURES, PUBLISHED, common, table, whole};

use common::{Run, log, rows};
use repro::{
    evidence::SamplingDesign,
    experiment::EvidenceKind,
    figure::{
        catalogue::{Content, FigureCatalogue},
        curves::{Chart, Panel, Point},
        svg::Mark,
    },
    report::gallery::chart_of,
    world::World,
};

fn chart(name: &str, evidence: &repro::evidence::Evidence) -> Chart {
    let catalogue = FigureCatalogue::new(&evidence.world);
    chart_of(catalogue.select(&[name.to_owned()]).unwrap()[0], evidence, &FIGURES).unwrap()
}

fn panel<'a>(chart: &'a Chart, title: &str) -> &'a Panel {
    chart.panels.iter().find(|panel| panel.title == title).unwrap()
}

#[test]
fn figures_of_one_source_show_its_difference_to_the_other_at_each_number_of_blocks() {
    for (name, blocks) in [("A5", &["1 block", "3 blocks", "9 blocks"][..]), ("A6", &["1 block"])] {
        let chart = chart(name, &PUBLISHED);
        for (index, blocks) in blocks.iter().enumerate() {
            assert_eq!(chart.labels[index], *blocks, "{name}");
            let label = format!("l2_3 \u{2212} natural, {blocks}");
            assert_eq!(chart.differences[index], label, "{name}");
            // The colour of the curve with as many blocks.
            assert_eq!(chart.difference_marks[index], Mark::Curve(index), "{name}");
        }
        assert_eq!(chart.differences.len(), 3, "{name}");
    }
    let chart = chart("A7", &PUBLISHED);
    let labels = ["0 blocks", "1 block", "3 blocks", "9 blocks"];
    assert_eq!(chart.differences, labels.map(|blocks| format!("l2_3 \u{2212} natural, {blocks}")));
    assert_eq!(chart.difference_marks, [0, 1, 2, 3].map(Mark::Curve));
}

#[test]
fn a_difference_of_lines_keeps_its_own_mark_and_label() {
    let chart = chart("2", &PUBLISHED);
    assert_eq!(chart.differences, ["l2_3 \u{2212} natural"]);
    assert_eq!(chart.difference_marks, [Mark::Difference(0)]);
}

#[test]
fn figures_with_the_same_difference_have_the_same_points() {
    // A4 has 3 blocks only; A5 and A6 have the same difference among theirs.
    let of = |name: &str, index: usize| {
        panel(&chart(name, &PUBLISHED), "CIFAR-10").differences[index].points.clone()
    };
    let expected = of("A4", 0);
    assert_eq!(expected.len(), 6);
    assert_eq!(of("A5", 1), expected);
    assert_eq!(of("A6", 1), expected);
}

#[test]
fn a_difference_is_paired_within_seeds_and_has_an_interval() {
    let run = |source, seed: usize, accuracy| Run {
        target: "kmnist",
        source,
        blocks: 1,
        images: 400,
        seed: World::seed(seed).0,
        accuracy: vec![(1, 10.0), (100, accuracy)],
    };
    let mut runs = Vec::new();
    for (seed, (robust, natural)) in
        [(60.0, 50.0), (70.0, 58.0), (80.0, 72.0)].into_iter().enumerate()
    {
        runs.extend([run("l2_3", seed, robust), run("natural", seed, natural)]);
    }
    // A fourth robust run without a partner is in the curve and not in the difference.
    runs.push(run("l2_3", 3, 90.0));
    let evidence = common::evidence(&log(&rows(&runs)), SamplingDesign::FixedSample);
    let chart = chart("A7", &evidence);
    let panel = panel(&chart, "KMNIST");
    let [point] = panel.differences[1].points[..] else { panic!("one size") };
    // 10, 12 and 8: mean 10, standard deviation 2, t(0.975, 2) = 4.302653.
    let half = 4.302_652_729_749_464 * 2.0 / 3.0_f64.sqrt();
    let near = |found: Option<f64>, value: f64| (found.unwrap() - value).abs() < 1e-9;
    assert_eq!((point.seeds, panel.curves[1].points[0].seeds), (3, 4));
    assert!((point.mean - 10.0).abs() < 1e-9, "{point:?}");
    assert!(near(point.low, 10.0 - half) && near(point.high, 10.0 + half), "{point:?}");
}

#[test]
fn an_arm_that_is_only_subtracted_is_needed_and_its_absence_is_noted() {
    let world = World::paper();
    for (name, source) in [("A5", "l2_3"), ("A6", "natural"), ("A7", "natural")] {
        let catalogue = FigureCatalogue::new(&world);
        let figure = catalogue.select(&[name.to_owned()]).unwrap()[0];
        let Content::Curves(curves) = &figure.content else { panic!("curves") };
        let drawn = |of: &str| curves.plot.lines.iter().any(|line| *line.source[0] == *of);
        assert!(!drawn(source), "{name}");
        assert!(figure.keys().iter().any(|key| *key.source == *source), "{name}");
    }
    let run = Run {
        target: "kmnist",
        source: "l2_3",
        blocks: 1,
        images: 400,
        seed: World::seed(0).0,
        accuracy: vec![(100, 60.0)],
    };
    let evidence = common::evidence(&log(&rows(&[run])), SamplingDesign::FixedSample);
    let notes = chart("A7", &evidence).notes.join(" ");
    assert!(notes.contains("l2_3 \u{2212} natural, 1 block on KMNIST"), "{notes}");
}

#[test]
fn differences_are_in_the_table_with_their_labels() {
    let evidence = whole(EvidenceKind::Paper);
    let text = table(&chart("A7", &evidence));
    let count = |label: &str| text.lines().filter(|line| line.contains(label)).count();
    assert_eq!(count(",difference,\"l2_3 \u{2212} natural, 9 blocks\","), 10);
    let points: Vec<Point> = panel(&chart("A7", &evidence), "KMNIST").differences[3].points.clone();
    assert!(points.iter().all(|point| point.low.is_some()), "{points:?}");
}
