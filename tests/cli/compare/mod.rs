//! Our records beside the published numbers: held to scipy on the log, to the truth in simulations, and
//! what the command says of both.

mod coverage;

use crate::common;

use assert_cmd::Command;
use common::{Run, evidence, log, rows, run};
use repro::{
    evidence::{
        Evidence, SamplingDesign,
        means::{Difference, Mean, Points, TABLE},
    },
    experiment::{EvidenceKind, Key, Moment},
    figure::scatter,
    replication::{
        Agreement, Comparison, Direction, MeanCell, Remark, Sameness, compare,
        result::FORMAT_VERSION,
    },
    report::{comparison, comparison_cells},
    stats::{
        Alpha, Interval, Sample, percentile_bootstrap, replication, spread_behind,
        with_both_spreads,
    },
    world::World,
};
use serde::Deserialize;

/// Two implementations of one formula on one log.
const RELATIVE_TOLERANCE: f64 = 1e-8;

#[derive(Deserialize)]
struct Golden {
    means: Vec<GoldenMean>,
    differences: Vec<GoldenDifference>,
}

#[derive(Debug, Deserialize)]
struct GoldenMean {
    figure: String,
    target: String,
    source: String,
    blocks: u32,
    images: u32,
    epoch: Option<u32>,
    seeds: usize,
    mean: f64,
    spread: f64,
    low: f64,
    high: f64,
    t: f64,
    p: f64,
    p_adjusted: f64,
    published_spread: Option<f64>,
    both_low: Option<f64>,
    both_high: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct GoldenDifference {
    figure: String,
    target: String,
    images: u32,
    published: String,
    ours: Option<String>,
    mean: Option<f64>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../../goldens/published/replication.json")).unwrap()
}

fn points() -> Points {
    Evidence::published_points().unwrap_or_else(|error| panic!("{error}"))
}

fn published() -> Comparison {
    compare(&Evidence::published().unwrap_or_else(|error| panic!("{error}")), &points())
}

fn close(ours: f64, reference: f64) -> bool {
    (ours - reference).abs() <= RELATIVE_TOLERANCE * reference.abs().max(1e-3)
}

#[test]
fn every_mean_of_the_log_beside_the_figures_is_scipy_s() {
    let found = published();
    let compared: Vec<&MeanCell> =
        found.means.iter().filter(|cell| cell.agreement.is_compared()).collect();
    let golden = golden().means;
    assert_eq!(compared.len(), golden.len());
    for reference in golden {
        let at = reference.epoch.map(|epoch| format!("epoch {epoch}"));
        let cell = compared
            .iter()
            .find(|cell| {
                cell.figure == reference.figure
                    && cell.target == reference.target
                    && cell.source == reference.source
                    && (cell.blocks, cell.images) == (reference.blocks, reference.images)
                    && at.as_ref().is_none_or(|at| *at == cell.at)
            })
            .unwrap_or_else(|| panic!("{reference:?} is not compared"));
        let (ours, predicted) = (cell.ours.as_ref().unwrap(), cell.predicted.unwrap());
        assert_eq!(ours.seeds, reference.seeds);
        for (is, should) in [
            (ours.mean, reference.mean),
            (ours.spread.unwrap(), reference.spread),
            (predicted.low, reference.low),
            (predicted.high, reference.high),
            (cell.t.unwrap(), reference.t),
            (cell.p.unwrap(), reference.p),
            (cell.p_adjusted.unwrap(), reference.p_adjusted),
        ] {
            assert!(close(is, should), "{is} for {should}: {reference:?}");
        }
        let both = cell.with_both_spreads;
        for (is, should) in [
            (cell.published.spread, reference.published_spread),
            (both.map(|ends| ends.low), reference.both_low),
            (both.map(|ends| ends.high), reference.both_high),
        ] {
            assert_eq!(is.is_some(), should.is_some(), "{reference:?}");
            assert!(is.zip(should).is_none_or(|(is, should)| close(is, should)), "{reference:?}");
        }
        let outside = reference.p < 0.05;
        assert_eq!(cell.agreement == Agreement::Incompatible, outside, "{reference:?}");
    }
}

#[test]
fn every_decision_of_the_log_beside_the_figures_is_scipy_s() {
    let found = published();
    let golden = golden().differences;
    assert_eq!(found.differences.len(), golden.len());
    for (cell, reference) in found.differences.iter().zip(golden) {
        assert_eq!(
            (&cell.figure, &cell.target, cell.images),
            (&reference.figure, &reference.target, reference.images)
        );
        assert_eq!(json_name(cell.published.direction), reference.published, "{reference:?}");
        let ours = cell.ours.as_ref();
        let direction = ours.map(|ours| json_name(ours.direction));
        assert_eq!(direction, reference.ours, "{reference:?}");
        assert!(ours.zip(reference.mean).is_none_or(|(ours, mean)| close(ours.value.mean, mean)));
    }
}

#[test]
fn up_to_1600_images_the_figures_are_of_the_logged_runs_and_beyond_of_others() {
    let found = published();
    for cell in found.means.iter().filter(|cell| cell.ours.is_some()) {
        let same = cell.agreement == Agreement::SameRuns;
        assert_eq!(same, cell.images <= 1600, "{}", cell.name());
        if !same {
            assert!(cell.remarks.contains(&Remark::OtherSchedule), "{}", cell.name());
        }
    }
    assert_eq!(found.counts.incompatible_on_the_same_schedule, 0);
}

#[test]
fn nothing_is_dropped() {
    let (found, points) = (published(), points());
    let counts = &found.counts;
    assert_eq!((counts.means, found.means.len()), (600, points.means.len()));
    let of_all =
        counts.compared + counts.same_runs + counts.shown + counts.open + counts.only_published;
    assert_eq!(of_all, counts.means);
    assert_eq!(counts.compatible + counts.incompatible, counts.compared);
    assert_eq!(
        (counts.differences, counts.decisions),
        (330, counts.same + counts.both_open + counts.half_open + counts.opposite)
    );
    // The cells of the log: 160 and more sizes of three sources and three numbers of blocks.
    let evidence = Evidence::published().unwrap();
    let keys: std::collections::BTreeSet<&Key> =
        evidence.records.iter().map(|record| &record.key).collect();
    let known: std::collections::BTreeSet<&Key> =
        points.means.iter().map(|mean| &mean.key).collect();
    assert_eq!(counts.only_ours, keys.difference(&known).count());
    // Every cell that is missing on one side is printed.
    let text = comparison::text(&found, false);
    for place in comparison::missing_means(&found).iter().chain(&comparison::only_local(&found)) {
        let first = place.split(';').next().unwrap();
        assert!(text.contains(first), "{first}");
    }
    let lines = comparison_cells(&found).lines().count();
    assert_eq!(lines, 1 + counts.means + counts.differences + counts.only_ours);
}

/// The table was typed off the authors' own; where a figure has the same mean with more digits, both say
/// the same.
#[test]
fn the_table_rounds_to_the_figures_where_they_have_the_same_mean() {
    let points = points();
    assert_eq!(points.repeated, 120);
    let text = include_str!("../../../goldens/published/summary.csv");
    let mut seen = 0;
    for row in csv::Reader::from_reader(text.as_bytes()).deserialize() {
        let (target, source, images, mean): (String, String, u32, f64) = row.unwrap();
        let is = |point: &&Mean| {
            (&*point.key.target, &*point.key.source, point.key.images, point.key.blocks)
                == (target.as_str(), source.as_str(), images, 3)
                && point.at == Moment::Last
                && point.figure != TABLE
        };
        if let Some(point) = points.means.iter().find(is) {
            seen += 1;
            assert!((point.mean - mean).abs() < 0.0056, "{target} {source} {images}: {mean}");
        }
    }
    assert_eq!(seen, 120);
}

/// The spread behind a band, on the runs of which both the band and the seeds are known.
#[test]
fn the_spread_behind_a_band_is_the_seeds_own_where_both_are_known() {
    let found = published();
    let mut ratios = Vec::new();
    for cell in found.means.iter().filter(|cell| cell.agreement == Agreement::SameRuns) {
        if let (Some(behind), Some(own)) =
            (cell.published.spread, cell.ours.as_ref().and_then(|ours| ours.spread))
        {
            ratios.push(behind / own);
        }
    }
    ratios.sort_by(f64::total_cmp);
    assert!(ratios.len() >= 120, "{}", ratios.len());
    // What was measured: .934 to 1.086, median .991.
    assert!(ratios[0] > 0.93 && ratios[ratios.len() - 1] < 1.09, "{ratios:?}");
    assert!((ratios[ratios.len() / 2] - 0.991).abs() < 0.002);
}

/// Published points of a test's own: one cell, one difference.
fn invented(mean: f64, difference: f64) -> Points {
    let key = |source: &str| Key::new("svhn", source, 3, 100);
    let at = Moment::Last;
    let band = |middle: f64| Some(Interval { low: middle - 0.5, high: middle + 0.5 });
    let figure = || "2".to_owned();
    Points {
        means: vec![Mean { figure: figure(), key: key("l2_3"), at, mean, band: band(mean) }],
        differences: vec![Difference {
            figure: figure(),
            keys: [key("l2_3"), key("natural")],
            at,
            mean: difference,
            band: band(difference),
        }],
        repeated: 0,
    }
}

fn pairs(leads: &[f64]) -> Vec<Run<'static>> {
    let pair = |(lead, seed): (&f64, u64)| {
        [run("l2_3", seed, 50.0 + lead), run("natural", seed, 50.0 + lead / 10.0)]
    };
    leads.iter().zip(1..).flat_map(pair).collect()
}

fn of(leads: &[f64], points: &Points) -> Comparison {
    compare(&evidence(&log(&rows(&pairs(leads))), SamplingDesign::FixedSample), points)
}

#[test]
fn a_mean_is_compatible_inside_its_interval_and_directions_are_compared() {
    let leads = [5.0, 6.0, 5.5, 6.5];
    let found = of(&leads, &invented(55.5, 4.0));
    assert_eq!(found.format_version, FORMAT_VERSION);
    assert_eq!(found.means[0].agreement, Agreement::Compatible);
    assert_eq!(found.differences[0].decision, Some(Sameness::Same));
    assert_eq!(of(&leads, &invented(70.0, 4.0)).means[0].agreement, Agreement::Incompatible);
    let opposite = of(&leads, &invented(55.5, -4.0));
    assert_eq!(opposite.differences[0].decision, Some(Sameness::Opposite));
    assert_eq!(opposite.differences[0].published.direction, Direction::Worse);
    let open = of(&leads, &invented(55.5, 0.1));
    assert_eq!(open.differences[0].decision, Some(Sameness::HalfOpen));
    assert_eq!((open.counts.half_open, open.counts.opposite), (1, 0));
    // What neither shows is shown by neither: that is no decision.
    let neither = of(&[5.0, -6.0, 5.5, -6.5], &invented(55.5, 0.1));
    assert_eq!(neither.differences[0].decision, Some(Sameness::BothOpen));
    assert_eq!((neither.counts.same, neither.counts.both_open), (0, 1));
    assert_eq!(of(&leads[..1], &invented(55.5, 4.0)).counts.same, 0, "one seed decides nothing");
}

#[test]
fn a_single_seed_leaves_a_cell_open_and_says_why() {
    let found = of(&[5.0], &invented(55.5, 4.0));
    assert_eq!(found.means[0].agreement, Agreement::Open);
    assert!(found.means[0].remarks.contains(&Remark::SingleSeed));
    assert_eq!(found.differences[0].decision, Some(Sameness::HalfOpen));
}

#[test]
fn another_world_s_means_are_shown_and_its_directions_compared() {
    let mut smoke =
        evidence(&log(&rows(&pairs(&[5.0, 6.0, 5.5]))), SamplingDesign::GroupSequential);
    (smoke.kind, smoke.world) = (EvidenceKind::Smoke, World::smoke());
    let found = compare(&smoke, &invented(95.0, 4.0));
    assert!(!found.same_experiment && found.note.contains("different experiment"));
    assert_eq!(found.means[0].agreement, Agreement::Shown);
    assert_eq!((found.means[0].p, found.means[0].predicted), (None, None));
    assert_eq!(found.differences[0].decision, Some(Sameness::Same));
    // At a third of the risk the interval is wider.
    let fixed = of(&[5.0, 6.0, 5.5], &invented(95.0, 4.0));
    let width = |found: &Comparison| {
        let ends = found.differences[0].ours.as_ref().unwrap().value.interval.unwrap();
        ends.high - ends.low
    };
    assert!(width(&found) > width(&fixed));
    // Only the differences have a figure.
    assert_eq!(scatter::draw(&found).len(), 1);
    assert_eq!(scatter::draw(&fixed).len(), 2);
}

#[test]
fn a_cell_is_marked_as_differing_in_the_scatter_exactly_where_it_is_incompatible() {
    let marks = |mean| {
        let figures = scatter::draw(&of(&[5.0, 6.0, 5.5, 6.5], &invented(mean, 4.0)));
        figures[0].panels[0].body.clone().into_string()
    };
    assert!(marks(55.5).contains("<g class=\"c0\">") && !marks(55.5).contains("refuted"));
    assert!(marks(70.0).contains("<g class=\"refuted\">"));
}

/// The name of a direction in JSON, which the golden file has too.
fn json_name(direction: Direction) -> String {
    serde_json::to_value(direction).unwrap().as_str().unwrap().to_owned()
}

fn repro(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("repro"))
        .arg("compare")
        .args(arguments)
        .output()
        .unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_command_exits_with_1_where_something_differs_and_with_3_where_there_is_nothing_to_compare() {
    let (code, text) = repro(&["--brief"]);
    assert_eq!(code, 4, "{text}");
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("7.7 are expected outside by chance"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let written = |name: &str, runs: &[Run<'_>]| {
        let path = folder.path().join(name);
        std::fs::write(&path, log(&rows(runs))).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let elsewhere: Vec<Run<'_>> =
        pairs(&[5.0, 6.0]).into_iter().map(|run| Run { images: 123, ..run }).collect();
    assert_eq!(repro(&["--log", &written("elsewhere.csv", &elsewhere)]).0, 3);
    // The figure's own mean of l2_3 on SVHN at 100 images is 37.90.
    let alike: Vec<Run<'_>> =
        [37.0, 38.5, 38.0].iter().zip(1..).map(|(mean, seed)| run("l2_3", seed, *mean)).collect();
    assert_eq!(repro(&["--log", &written("alike.csv", &alike)]).0, 0);
    assert_eq!(repro(&["--log", "nowhere.csv"]).0, 66);
}

#[test]
fn its_json_is_valid_by_its_schema_and_its_figure_needs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a/scatter.svg");
    let (_, text) = repro(&["--format", "json", "--figure", file.to_str().unwrap()]);
    let found: serde_json::Value = serde_json::from_str(&text).unwrap();
    let schema = serde_json::to_value(schemars::schema_for!(Comparison)).unwrap();
    assert!(jsonschema::is_valid(&schema, &found));
    let again: Comparison = serde_json::from_value(found).unwrap();
    assert_eq!(again.counts, published().counts);
    for file in [file, folder.path().join("a/scatter-differences.svg")] {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("<svg ") && text.contains("<desc>"), "{}", file.display());
        for wrong in ["var(", "NaN", "inf\"", "href="] {
            assert!(!text.contains(wrong), "{wrong}");
        }
    }
}
