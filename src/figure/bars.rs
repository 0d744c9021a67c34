//! Draws means as bars from zero with their confidence intervals as lines, for axes whose steps have
//! no order: those of a study's text factor.

use maud::{Markup, html};

use super::{
    axis::Axis,
    curves::{Curve, Point},
    numbers::place,
    svg::Mark,
};

/// The share of a step's width that its bars fill.
const FILLED: f64 = 0.8;
/// The largest width of a bar in pixels.
const WIDEST: f64 = 26.0;

/// Draws the bars of one curve beside those of the others, of which there are `count` in all. Where
/// a point has no interval it has no line.
pub(super) fn draw_bars(
    curve: &Curve,
    count: usize,
    mark: Mark,
    (x, y): (&Axis, &Axis),
    tooltip: &dyn Fn(&Point) -> String,
) -> Markup {
    #[expect(clippy::cast_precision_loss, reason = "a handful of curves")]
    let (count, place_of) = (count.max(1) as f64, curve.colour as f64);
    let step = x.place(1.0) - x.place(0.0);
    let width = (FILLED * step / count).min(WIDEST);
    let shift = (place_of - (count - 1.0) / 2.0) * width;
    let zero = y.place(0.0);
    html! {
        g class=(mark.class()) {
            @for point in &curve.points {
                @let (at, top) = (x.place(point.x) + shift, y.place(point.mean));
                g {
                    title { (tooltip(point)) }
                    rect.band x=(place(at - 0.45 * width)) y=(place(top.min(zero)))
                        width=(place(0.9 * width)) height=(place((top - zero).abs())) {}
                    path.curve d=(format!("M{} {}h{}", place(at - 0.45 * width), place(top),
                        place(0.9 * width))) {}
                    @if let (Some(low), Some(high)) = (point.low, point.high) {
                        path.whisker d=(format!("M{} {}V{}", place(at), place(y.place(low)),
                            place(y.place(high)))) {}
                    }
                }
            }
        }
    }
}
