//! Figures as data: points, bands, paired differences and notes.

use std::collections::BTreeSet;

use repro::{
    evidence::{SamplingDesign, Status},
    figure::{
        curves::{Chart, Panel, Point, chart},
        forest,
        svg::Mark,
    },
    judge::judge,
    report::drawings,
};

use super::{
    common::{Run, claim, claim_text, evidence, log, rows},
    gap, gap_evidence, judged, published, runs, suite,
};

/// Tolerance between `goldens/published/reference.py` and this crate: one formula on one log.
const RELATIVE_TOLERANCE: f64 = 1e-8;

/// A figure of a claim from the published evidence.
fn published_chart(id: &str, plot: &str) -> Chart {
    let suite = suite();
    let plots = &suite.get(id).unwrap().plots;
    chart(plots.iter().find(|known| known.id == plot).unwrap(), &published())
}

fn panel<'a>(chart: &'a Chart, title: &str) -> &'a Panel {
    chart.panels.iter().find(|panel| panel.title == title).unwrap()
}

#[expect(clippy::float_cmp, reason = "a number of images is a whole number")]
fn at(points: &[Point], images: u32) -> Option<Point> {
    points.iter().copied().find(|point| point.x == f64::from(images))
}

fn close(ours: f64, reference: f64) -> bool {
    (ours - reference).abs() <= RELATIVE_TOLERANCE * reference.abs()
}

#[test]
fn the_difference_on_svhn_at_800_images_is_the_one_that_scipy_has() {
    let chart = published_chart("robust_beats_natural", "accuracy_by_images");
    let difference = &panel(&chart, "SVHN").differences[0];
    let point = at(&difference.points, 800).unwrap();
    assert!(close(point.mean, 22.024_46), "{point:?}");
    assert!(close(point.low.unwrap(), 20.005_465_384_0), "{point:?}");
    assert!(close(point.high.unwrap(), 24.043_454_616_0), "{point:?}");
    assert!(!point.mixed);
}

#[test]
fn a_mixed_cell_is_an_open_mark_without_band_or_difference_and_has_a_note() {
    let chart = published_chart("robust_beats_natural", "accuracy_by_images");
    let cifar10 = panel(&chart, "CIFAR-10");
    for images in [12_800, 25_600] {
        for curve in &cifar10.curves {
            let point = at(&curve.points, images).unwrap();
            assert!(point.mixed, "{point:?}");
            assert_eq!((point.low, point.high), (None, None));
        }
        assert_eq!(at(&cifar10.differences[0].points, images), None);
        assert!(cifar10.incomparable.contains(&f64::from(images)));
    }
    assert!(cifar10.curves.iter().all(|curve| !at(&curve.points, 6400).unwrap().mixed));
    assert!(chart.notes.iter().any(|note| note.contains("different recipes")), "{:?}", chart.notes);
    let (suite, evidence) = (suite(), published());
    let judged = [judged(suite.get("robust_beats_natural").unwrap(), &evidence)];
    let drawing =
        drawings(&judged[0], &judged).into_iter().find(|one| one.name.ends_with("by_images"));
    let legend = drawing.unwrap().legend;
    assert!(legend.iter().any(|(mark, _)| matches!(mark, Mark::Open(_))), "{legend:?}");
}

#[test]
fn a_cell_of_one_recipe_has_a_band_and_of_two_recipes_none() {
    let plot = &gap().plots[0];
    for (schedules, mixed) in [([100; 3], false), ([100, 100, 30], true)] {
        let chart = chart(plot, &gap_evidence(schedules));
        for curve in &chart.panels[0].curves {
            assert!(at(&curve.points, 100).unwrap().low.is_some());
            let point = at(&curve.points, 200).unwrap();
            assert_eq!((point.mixed, point.low.is_none()), (mixed, mixed), "{point:?}");
            assert_eq!(point.seeds, 3);
        }
        assert_eq!(chart.panels[0].incomparable.len(), usize::from(mixed));
    }
}

#[test]
fn a_single_seed_is_a_point_without_a_band() {
    let runs: Vec<Run<'_>> = runs([100; 3]).into_iter().filter(|run| run.seed == 1).collect();
    let chart = chart(&gap().plots[0], &evidence(&log(&rows(&runs)), SamplingDesign::FixedSample));
    let point = chart.panels[0].curves[0].points[0];
    assert_eq!((point.seeds, point.low, point.high, point.mixed), (1, None, None, false));
    assert!(chart.notes.iter().any(|note| note.contains("one seed")), "{:?}", chart.notes);
}

#[test]
fn a_stopped_run_is_left_out_of_last_points_with_a_note() {
    // SVHN with its whole training set, for which the authors have one seed and some runs stopped.
    let published = published();
    let text = claim_text("greater_than = 0.0")
        + "\n[[plot]]\nid = \"all\"\ntitle = \"all\"\nx = \"images\"\nlines = [\"robust\", \"natural\"]\n\
           cells = { target = \"svhn\", images = [25600, 73257], blocks = 3 }\n";
    let chart = chart(&claim(&text).plots[0], &published);
    let stopped: Vec<&str> = published
        .records
        .iter()
        .filter(|record| record.status == Status::Stopped)
        .filter(|record| &*record.key.target == "svhn" && record.key.images == 73_257)
        .filter(|record| record.key.blocks == 3)
        .map(|record| &*record.key.source)
        .collect();
    assert!(!stopped.is_empty());
    for (curve, source) in chart.panels[0].curves.iter().zip(["l2_3", "natural"]) {
        assert!(at(&curve.points, 25_600).is_some());
        assert_eq!(at(&curve.points, 73_257).is_none(), stopped.contains(&source), "{source}");
    }
    assert!(chart.notes.iter().any(|note| note.contains("SVHN at 73,257")), "{:?}", chart.notes);
}

#[test]
fn a_forest_plot_has_every_cell_once_with_averages_before_them() {
    let (suite, evidence) = (suite(), published());
    for claim in suite.claims() {
        let verdict = judge(claim, &evidence);
        let groups = forest::groups(&verdict, &evidence.world);
        let rows = |averages| {
            let of = groups.iter().filter(|group| group.averages == averages);
            of.map(|group| group.rows.len()).sum::<usize>()
        };
        assert_eq!(rows(true), verdict.averages.len(), "{}", claim.id);
        assert_eq!(rows(false), verdict.cells.len(), "{}", claim.id);
        assert!(groups.is_sorted_by_key(|group| !group.averages), "{}", claim.id);
        for group in &groups {
            let labels: BTreeSet<&str> = group.rows.iter().map(|row| row.label.as_str()).collect();
            assert_eq!(labels.len(), group.rows.len(), "{}: {}", claim.id, group.heading);
        }
    }
}
