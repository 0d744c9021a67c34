//! Draws one curve: with band, line and marks, or, if published, pale and dashed.

use maud::{Markup, html};

use super::{
    axis::Axis,
    curves::{Curve, Point},
    numbers::place,
    svg::Mark,
};

/// Draws a published curve: pale, dashed, without marks, so that it differs from the evidence's.
/// `tooltip` is the text of a point.
pub(super) fn draw_published(
    curve: &Curve,
    mark: Mark,
    x: &Axis,
    y: &Axis,
    tooltip: &dyn Fn(&Point) -> String,
) -> Markup {
    let at = |point: &Point| format!("{} {}", place(x.place(point.x)), place(y.place(point.mean)));
    let path: Vec<String> = curve.points.iter().map(at).collect();
    html! {
        @if !curve.points.is_empty() {
            g class=(format!("{} behind", mark.class())) {
                (bands(&curve.points, x, y))
                path.curve d=(format!("M{}", path.join("L"))) {}
                @for point in &curve.points {
                    @let (x, y) = (x.place(point.x), y.place(point.mean));
                    circle.dot cx=(place(x)) cy=(place(y)) r="1.2" {
                        title { (tooltip(point)) }
                    }
                }
            }
        }
    }
}

/// Draws the bands of neighbouring points; a single point has a whisker.
fn bands(points: &[Point], x: &Axis, y: &Axis) -> Markup {
    let at = |point: &Point, value: f64| {
        format!("{} {}", place(x.place(point.x)), place(y.place(value)))
    };
    html! {
        @for run in banded(points) {
            @let upper = run.iter().map(|(point, _, high)| at(point, *high));
            @let lower = run.iter().rev().map(|(point, low, _)| at(point, *low));
            @let class = if run.len() > 1 { "band" } else { "whisker" };
            @let outline: Vec<String> = upper.chain(lower).collect();
            path class=(class) d=(format!("M{}Z", outline.join("L"))) {}
        }
    }
}

/// Draws band, line and points. A line to a point of mixed recipes is dotted; no line crosses a
/// gap. `tooltip` is the text of a point.
pub(super) fn draw_curve(
    curve: &Curve,
    mark: Mark,
    (x, y): (&Axis, &Axis),
    gaps: &[f64],
    tooltip: &dyn Fn(&Point) -> String,
) -> Markup {
    let at = |point: &Point, value: f64| {
        format!("{} {}", place(x.place(point.x)), place(y.place(value)))
    };
    let (mut solid, mut loose) = (String::new(), String::new());
    for pair in curve.points.windows(2) {
        if gaps.iter().any(|gap| (pair[0].x..pair[1].x).contains(gap)) {
            continue;
        }
        let segment = format!("M{}L{}", at(&pair[0], pair[0].mean), at(&pair[1], pair[1].mean));
        if pair.iter().any(|point| point.mixed) { loose += &segment } else { solid += &segment }
    }
    html! {
        g class=(mark.class()) {
            (bands(&curve.points, x, y))
            @if !solid.is_empty() { path.curve d=(solid) {} }
            @if !loose.is_empty() { path.loose d=(loose) {} }
            @for point in &curve.points {
                @let mark = match mark {
                    Mark::Curve(index) if point.mixed => Mark::Open(index),
                    mark => mark,
                };
                g { title { (tooltip(point)) } (mark.draw(x.place(point.x), y.place(point.mean))) }
            }
        }
    }
}

/// Runs of neighbouring points that have a band, with its lower and upper ends.
fn banded(points: &[Point]) -> Vec<Vec<(&Point, f64, f64)>> {
    let mut runs = vec![Vec::new()];
    for point in points {
        match (point.low.zip(point.high), runs.last_mut()) {
            (Some((low, high)), Some(run)) => run.push((point, low, high)),
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}
