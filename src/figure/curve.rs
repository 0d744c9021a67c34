//! Draws one curve: ours with band, line and marks, a published one pale and dashed.

use maud::{Markup, html};

use super::{
    axis::Axis,
    curves::{Curve, Point},
    numbers::place,
    svg::Mark,
};

/// A published curve: pale, dashed, without marks to be taken for ours.
pub(super) fn draw_published(
    curve: &Curve,
    mark: Mark,
    x: &Axis,
    y: &Axis,
    told: &dyn Fn(&Point) -> String,
) -> Markup {
    let at = |point: &Point| format!("{} {}", place(x.place(point.x)), place(y.place(point.mean)));
    html! {
        @if !curve.points.is_empty() {
            g class=(format!("{} behind", mark.class())) {
                (bands(&curve.points, x, y))
                path.curve d=(format!("M{}", curve.points.iter().map(at).collect::<Vec<_>>().join("L"))) {}
                @for point in &curve.points {
                    circle.dot cx=(place(x.place(point.x))) cy=(place(y.place(point.mean))) r="1.2" {
                        title { (told(point)) }
                    }
                }
            }
        }
    }
}

/// The bands of neighbouring points; that of a point alone is a whisker.
fn bands(points: &[Point], x: &Axis, y: &Axis) -> Markup {
    let at = |point: &Point, value: f64| {
        format!("{} {}", place(x.place(point.x)), place(y.place(value)))
    };
    html! {
        @for run in banded(points) {
            @let upper = run.iter().map(|(point, _, high)| at(point, *high));
            @let lower = run.iter().rev().map(|(point, low, _)| at(point, *low));
            @let class = if run.len() > 1 { "band" } else { "whisker" };
            path class=(class) d=(format!("M{}Z", upper.chain(lower).collect::<Vec<_>>().join("L"))) {}
        }
    }
}

/// Band, line and points. A line to a point of mixed recipes is dotted; none leads over a gap.
pub(super) fn draw_curve(
    curve: &Curve,
    mark: Mark,
    (x, y): (&Axis, &Axis),
    gaps: &[f64],
    told: &dyn Fn(&Point) -> String,
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
                @let mark = match mark { Mark::Curve(index) if point.mixed => Mark::Open(index), mark => mark };
                g { title { (told(point)) } (mark.draw(x.place(point.x), y.place(point.mean))) }
            }
        }
    }
}

/// Runs of neighbouring points that have a band; that of a point alone is a whisker.
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
