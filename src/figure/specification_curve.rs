//! The specification curve: the effect under every specification in increasing order, with its
//! interval, above a matrix of what each specification changes.

use maud::{Markup, html};

use super::{
    axis::{Axis, Scale, padded, plain, range},
    numbers::{counted, place, signed},
    svg::{Drawing, Mark, PANEL_WIDTH, PanelDrawing},
};
use crate::{
    experiment::Verdict,
    plan::sensitivity::curve::{Curve, Specification},
};

const TOP: f64 = 26.0;
const PLOT: f64 = 170.0;
const ROW: f64 = 15.0;
/// Left of the plot are the names of the choices.
const LEFT: f64 = 88.0;
/// In the order of the legend.
const VERDICTS: [Verdict; 4] =
    [Verdict::Supported, Verdict::Refuted, Verdict::Inconclusive, Verdict::Incomplete];

/// The drawing of a curve; `None` if no specification has a mean.
#[must_use]
pub fn draw(curve: &Curve, name: String) -> Option<Drawing> {
    let shown: Vec<&Specification> =
        curve.specifications.iter().filter(|one| one.estimate.mean.is_some()).collect();
    let means = range(shown.iter().filter_map(|one| one.estimate.mean))?;
    let used =
        VERDICTS.into_iter().filter(|verdict| shown.iter().any(|one| one.verdict == *verdict));
    let unit = curve.unit.after();
    let mut notes = vec![format!(
        "Each column is one specification: the mean over cells of {} a cell, with its {} % t \
         interval over seeds (cut where it leaves the plot). Its mark is the verdict, which is \
         from the cells and not from this mean. Dashed: the margin, {}{unit}. Below: what differs \
         from the paper's recipe.",
        counted(curve.seeds.len(), "seed"),
        plain(100.0 * (1.0 - 2.0 * curve.alpha)),
        plain(curve.margin),
    )];
    let undrawn = curve.specifications.len() - shown.len();
    if undrawn > 0 {
        notes.push(format!("Not drawn, without a mean: {}.", counted(undrawn, "specification")));
    }
    Some(Drawing {
        name,
        title: format!("Specification curve: {}", curve.counts.in_words()),
        subtitle: String::new(),
        legend: used.map(|one| (Mark::Verdict(one), one.name().to_owned())).collect(),
        panels: vec![panel(curve, &shown, visible(means, curve.margin, &shown))],
        notes,
    })
}

/// The values that the plot shows: all means, the margin and all intervals, but for the parts of
/// intervals that are further from the means than the means are from each other.
fn visible(means: (f64, f64), margin: f64, shown: &[&Specification]) -> (f64, f64) {
    let (least, most) = (means.0.min(margin), means.1.max(margin));
    let slack = (most - least).max(1.0);
    let ends = shown.iter().flat_map(|one| [one.estimate.low, one.estimate.high]).flatten();
    let (low, high) = range(ends).unwrap_or((least, most));
    (low.clamp(least - slack, least), high.clamp(most, most + slack))
}

fn panel(curve: &Curve, shown: &[&Specification], visible: (f64, f64)) -> PanelDrawing {
    let (values, ticks) = padded(visible.0, visible.1, 6);
    let bottom = TOP + PLOT;
    let y = Axis::new(Scale::Linear, values, (bottom, TOP));
    #[expect(clippy::cast_precision_loss, reason = "a handful of columns and rows")]
    let along = |index: usize, first: f64, step: f64| first + (index as f64 + 0.5) * step;
    #[expect(clippy::cast_precision_loss, reason = "a handful of columns")]
    let step = (PANEL_WIDTH - LEFT) / shown.len() as f64;
    let column = |index: usize| along(index, LEFT, step);
    let row = |index: usize| along(index, bottom + 10.0, ROW);
    let across = |at: f64| format!("M{} {}H{}", place(LEFT), place(at), place(PANEL_WIDTH));
    let grid: String = ticks.iter().map(|tick| across(y.place(*tick))).collect();
    let lines: String = (0..curve.factors.len()).map(|index| across(row(index))).collect();
    let body = html! {
        text.t x="0" y="12" { "Mean over cells, " (curve.unit.name()) }
        path.grid d=(grid + &lines) {}
        path.margin d=(across(y.place(curve.margin))) {}
        @for tick in &ticks {
            text.s.n.r x=(place(LEFT - 5.0)) y=(place(y.place(*tick) + 3.5)) { (plain(*tick)) }
        }
        @for (index, one) in shown.iter().enumerate() { (point(one, column(index), &y)) }
        @for (index, factor) in curve.factors.iter().enumerate() {
            text.s.r x=(place(LEFT - 5.0)) y=(place(row(index) + 3.5)) {
                (factor.choice.replace('_', " "))
            }
            g.d0 {
                @for (at, one) in shown.iter().enumerate() {
                    @if one.has(&factor.choice) {
                        circle.dot cx=(place(column(at))) cy=(place(row(index))) r="2" {}
                    }
                }
            }
        }
    };
    let words: Vec<String> = shown
        .iter()
        .map(|one| format!("{}: {} ({})", one.id(), signed(one.estimate.mean), one.verdict))
        .collect();
    PanelDrawing {
        title: format!("{} in increasing order", counted(shown.len(), "specification")),
        description: words.join("; ") + ".",
        height: row(curve.factors.len()),
        body,
    }
}

/// The mark of a specification, with the visible part of its interval. An end that can't be
/// computed is open.
fn point(one: &Specification, x: f64, y: &Axis) -> Markup {
    let (least, most) = y.values();
    let of = &one.estimate;
    let ends = (of.low.unwrap_or(least).max(least), of.high.unwrap_or(most).min(most));
    let mark = Mark::Verdict(one.verdict);
    html! {
        g class=(mark.class()) {
            @if of.low.or(of.high).is_some() {
                @let (low, high) = (place(y.place(ends.0)), place(y.place(ends.1)));
                path.whisker d=(format!("M{} {low}V{high}", place(x))) {}
            }
            @if let Some(mean) = of.mean { (mark.draw(x, y.place(mean))) }
        }
    }
}
