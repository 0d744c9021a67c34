//! Scatter plots of the evidence against the published values, with intervals on both axes:
//! published values on the horizontal axis, the evidence on the vertical axis, and the diagonal
//! where both are equal. A mean is compatible exactly if its vertical interval crosses the
//! diagonal.

use maud::{Markup, html};

use super::{
    axis::{Axis, Scale, plain, range, rounded},
    comparison_words::{remarks, side},
    groups::together,
    numbers::{blocks, place, signed, value},
    svg::{Drawing, Mark, PANEL_WIDTH, PanelDrawing},
};
use crate::{
    experiment::Verdict,
    replication::{Agreement, Comparison, DifferenceCell, Ends, MeanCell, Remark, Sameness},
    world::World,
};

const LEFT: f64 = 40.0;
const RIGHT: f64 = PANEL_WIDTH - 8.0;
const TOP: f64 = 36.0;
/// Square, so that the diagonal means equality.
const BOTTOM: f64 = TOP + RIGHT - LEFT;
const BELOW: f64 = 36.0;
/// How far an interval may widen the range of the means, as a share of that range.
const SLACK: f64 = 0.12;

/// One cell.
struct Point {
    across: f64,
    band: Option<Ends>,
    up: f64,
    interval: Option<Ends>,
    mark: Mark,
    tooltip: String,
}

/// The figures of a comparison that have anything to draw: compared means, and differences.
#[must_use]
pub fn draw(comparison: &Comparison) -> Vec<Drawing> {
    [means(comparison), differences(comparison)].into_iter().flatten().collect()
}

fn means(comparison: &Comparison) -> Option<Drawing> {
    let world = World::paper();
    let side = side(comparison);
    let panels = panels(
        &comparison.means,
        |cell| world.title(&cell.target).to_owned(),
        mean,
        &|title, points| panel(title, [side, "test accuracy, %"], points, false),
    );
    let mut legend = vec![(AGREES, "compatible".to_owned()), (DIFFERS, "incompatible".to_owned())];
    if comparison.counts.same_runs > 0 {
        legend.push((SAME_RUNS, "the same runs".to_owned()));
    }
    (!panels.is_empty()).then(|| Drawing {
        name: format!("replication-means-{}", comparison.evidence),
        title: format!("Means: {} evidence against published", comparison.evidence),
        subtitle: String::new(),
        legend,
        panels,
        notes: vec![format!(
            "Horizontal: the published mean with its 95 % bootstrap band. Vertical: {side}, \
                 with the 95 % prediction interval for the published mean; a cell is compatible if \
                 this line crosses the diagonal. Intervals are clipped at the frame."
        )],
    })
}

fn differences(comparison: &Comparison) -> Option<Drawing> {
    let side = side(comparison);
    let panels = panels(
        &comparison.differences,
        |cell| {
            let blocks = cell.blocks.map(|count| format!(", {}", blocks(count)));
            format!("{}{}", cell.contrast.replace(" - ", " \u{2212} "), blocks.unwrap_or_default())
        },
        difference,
        &|title, points| panel(title, [side, "difference in test accuracy, points"], points, true),
    );
    let mut legend = vec![
        (AGREES, "decided the same way".to_owned()),
        (OTHER, "undecided on one side or both".to_owned()),
        (DIFFERS, "decided the opposite way".to_owned()),
    ];
    if comparison.counts.differences_of_the_same_runs > 0 {
        legend.push((SAME_RUNS, "the same runs".to_owned()));
    }
    (!panels.is_empty()).then(|| Drawing {
        name: format!("replication-differences-{}", comparison.evidence),
        title: format!("Differences: {} evidence against published", comparison.evidence),
        subtitle: String::new(),
        legend,
        panels,
        notes: vec![
            "Lines: t intervals of the difference, paired within seeds; the published interval is \
             computed from the figure's band. A side decides if its interval excludes zero."
                .to_owned(),
        ],
    })
}

const AGREES: Mark = Mark::Curve(0);
const DIFFERS: Mark = Mark::Verdict(Verdict::Refuted);
const OTHER: Mark = Mark::Open(0);
const SAME_RUNS: Mark = Mark::Open(5);

fn mean(cell: &MeanCell) -> Option<Point> {
    let mark = match cell.agreement {
        Agreement::Compatible => AGREES,
        Agreement::Incompatible => DIFFERS,
        Agreement::SameRuns => SAME_RUNS,
        Agreement::Shown | Agreement::Open | Agreement::OnlyPublished => return None,
    };
    let ours = cell.ours.as_ref()?;
    Some(Point {
        across: cell.published.mean,
        band: cell.published.interval,
        up: ours.mean,
        interval: cell.predicted,
        mark,
        tooltip: tooltip(
            &cell.name(),
            (cell.published.mean, value(ours.mean)),
            cell.agreement.name(),
            &remarks(&cell.remarks),
        ),
    })
}

fn difference(cell: &DifferenceCell) -> Option<Point> {
    let ours = cell.ours.as_ref()?;
    let decision = cell.decision?;
    Some(Point {
        across: cell.published.value.mean,
        band: cell.published.value.interval,
        up: ours.value.mean,
        interval: ours.value.interval,
        mark: match decision {
            _ if cell.remarks.contains(&Remark::SameRuns) => SAME_RUNS,
            Sameness::Same => AGREES,
            Sameness::HalfOpen | Sameness::BothOpen => OTHER,
            Sameness::Opposite => DIFFERS,
        },
        tooltip: tooltip(
            &cell.name(),
            (cell.published.value.mean, signed(Some(ours.value.mean))),
            decision.name(),
            &remarks(&cell.remarks),
        ),
    })
}

fn tooltip(name: &str, (published, ours): (f64, String), answer: &str, remarks: &str) -> String {
    let remarks = if remarks.is_empty() { String::new() } else { format!(" ({remarks})") };
    format!("{name}: published {}, here {ours}, {answer}{remarks}", value(published))
}

/// One panel per title, in order of first appearance.
fn panels<T>(
    cells: &[T],
    title: impl Fn(&T) -> String,
    point: impl Fn(&T) -> Option<Point>,
    draw: &dyn Fn(&str, &[Point]) -> PanelDrawing,
) -> Vec<PanelDrawing> {
    let points = cells.iter().filter_map(|cell| Some((title(cell), point(cell)?)));
    together(points).iter().map(|(title, points)| draw(title, points)).collect()
}

fn panel(title: &str, [side, what]: [&str; 2], points: &[Point], zero: bool) -> PanelDrawing {
    let ((low, high), marks) = scale(points, zero);
    let across = Axis::new(Scale::Linear, (low, high), (LEFT, RIGHT));
    let up = Axis::new(Scale::Linear, (low, high), (BOTTOM, TOP));
    let mut grid = String::new();
    for mark in &marks {
        grid += &format!("M{} {}H{}", place(LEFT), place(up.place(*mark)), place(RIGHT));
        grid += &format!("M{} {}V{}", place(across.place(*mark)), place(BOTTOM), place(TOP));
    }
    // Points that differ are drawn last, on top of the others.
    let mut order: Vec<&Point> = points.iter().collect();
    order.sort_by_key(|point| point.mark == DIFFERS);
    let body = html! {
        text.t x=(place(LEFT)) y="12" { (title) }
        text.s x=(place(LEFT)) y="27" { (side) ": " (what) }
        path.grid d=(grid) {}
        @for mark in &marks {
            text.s.n.r x=(place(LEFT - 5.0)) y=(place(up.place(*mark) + 3.5)) { (plain(*mark)) }
            text.s.n.m x=(place(across.place(*mark))) y=(place(BOTTOM + 14.0)) { (plain(*mark)) }
        }
        text.s.m x=(place(f64::midpoint(LEFT, RIGHT))) y=(place(BOTTOM + 29.0)) {
            "published: " (what)
        }
        @if zero && low < 0.0 && high > 0.0 {
            path.axis d=(format!(
                "M{} {}H{}M{} {}V{}",
                place(LEFT),
                place(up.place(0.0)),
                place(RIGHT),
                place(across.place(0.0)),
                place(BOTTOM),
                place(TOP)
            )) {}
        }
        path.margin d=(format!(
            "M{} {}L{} {}",
            place(LEFT),
            place(BOTTOM),
            place(RIGHT),
            place(TOP)
        )) {}
        @for point in order { (drawn(point, &across, &up)) }
    };
    let differ = points.iter().filter(|point| point.mark == DIFFERS);
    let differ: Vec<&str> = differ.map(|point| point.tooltip.as_str()).collect();
    const MOST: usize = 3;
    let listed = match differ.len() {
        0 => "none differs".to_owned(),
        count => {
            let more =
                if count > MOST { format!("; and {} more", count - MOST) } else { String::new() };
            format!("{count} differ: {}{more}", differ[..count.min(MOST)].join("; "))
        }
    };
    PanelDrawing {
        title: format!("{title}: {side} against published"),
        description: format!("{} cells, {listed}.", points.len()),
        height: BOTTOM + BELOW,
        body,
    }
}

/// The common scale of both axes: contains every mean, and intervals up to a limit.
fn scale(points: &[Point], zero: bool) -> ((f64, f64), Vec<f64>) {
    let means = points.iter().flat_map(|point| [point.across, point.up]);
    let (low, high) = range(means.chain(zero.then_some(0.0))).unwrap_or((0.0, 1.0));
    let slack = ((high - low) * SLACK).max(0.5);
    let ends = points.iter().flat_map(|point| [point.band, point.interval]).flatten();
    let (least, most) = range(ends.flat_map(|ends| [ends.low, ends.high]).chain([low, high]))
        .unwrap_or((low, high));
    rounded(least.max(low - slack), most.min(high + slack), 6)
}

fn drawn(point: &Point, across: &Axis, up: &Axis) -> Markup {
    let (x, y) = (across.place(point.across), up.place(point.up));
    let mut whiskers = String::new();
    if let Some(Ends { low, high }) = point.band {
        whiskers +=
            &format!("M{} {}H{}", place(across.place(low)), place(y), place(across.place(high)));
    }
    if let Some(Ends { low, high }) = point.interval {
        whiskers += &format!("M{} {}V{}", place(x), place(up.place(low)), place(up.place(high)));
    }
    html! {
        g class=(point.mark.class()) {
            title { (point.tooltip) }
            @if !whiskers.is_empty() { path.hair d=(whiskers) {} }
            (point.mark.draw(x, y))
        }
    }
}
