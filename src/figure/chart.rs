//! Draws a figure of curves: accuracy above, the paired differences below, with 95 % bands.

use maud::{Markup, html};

use super::{
    axis::{Axis, Scale, padded, plain, range, rounded, step, ticks},
    bars::draw_bars,
    curve::{draw_curve, draw_published},
    curves::{Chart, Curve, Panel, Point, Wording},
    numbers::{counted, place, signed, signed_to, value},
    svg::{Drawing, Mark, PANEL_WIDTH, PanelDrawing, text_width},
};
use crate::{claim::PlotAxis, util::decimals::decimals};

/// The frames of the plots within a panel, in pixels.
const LEFT: f64 = 34.0;
const RIGHT: f64 = PANEL_WIDTH - 8.0;
const ACCURACY: (f64, f64) = (188.0, 36.0);
const DIFFERENCE: (f64, f64) = (304.0, 226.0);
/// Space below a frame for tick labels, numbers of seeds and the title of the axis.
const BELOW: f64 = 51.0;

/// The drawing of a chart; `None` if it has no panel.
#[must_use]
pub fn draw(chart: &Chart, name: String) -> Option<Drawing> {
    if chart.panels.is_empty() {
        return None;
    }
    let frame = Frame { chart, difference: difference_scale(chart) };
    let mut legend: Vec<(Mark, String)> = chart
        .labels
        .iter()
        .enumerate()
        .map(|(index, label)| (Mark::Curve(index), label.clone()))
        .collect();
    legend.extend(
        chart
            .difference_marks
            .iter()
            .zip(&chart.differences)
            .map(|(mark, label)| (*mark, format!("{label}{}", chart.wording.paired))),
    );
    legend.extend(
        chart.published.as_ref().map(|figure| {
            (Mark::Published, format!("published means, the paper's figure {figure}"))
        }),
    );
    let points = |panel: &Panel| {
        panel.curves.iter().flat_map(|curve| curve.points.clone()).collect::<Vec<_>>()
    };
    if chart.panels.iter().flat_map(points).any(|point| point.mixed) {
        legend.push((Mark::Open(0), "mixed recipes".to_owned()));
    }
    Some(Drawing {
        name,
        title: chart.title.clone(),
        subtitle: chart.subtitle.clone(),
        legend,
        panels: chart.panels.iter().map(|panel| frame.panel(panel)).collect(),
        notes: std::iter::once(key(chart)).chain(chart.notes.clone()).collect(),
    })
}

/// The first note: what points and bands are, and which scales panels share.
fn key(chart: &Chart) -> String {
    let of = &chart.wording.scale;
    let scales = match (chart.panels.len(), chart.differences.len()) {
        (1, _) => String::new(),
        (_, 0) => format!(" Each panel has its own {of} scale."),
        _ => format!(" Each panel has its own {of} scale; all panels share that of differences."),
    };
    let published = match &chart.published {
        Some(_) => {
            " Pale dashed: the authors' published means (ResNet-50 at 224 pixels, their final run) \
             with 95 % bootstrap bands."
        }
        None => "",
    };
    let slack = chart.wording.slack;
    let bands = if chart.wording.bars { "lines" } else { "bands" };
    let cut = match chart.panels.iter().any(|panel| is_cut(all(panel), None, slack)) || {
        let differences = chart.panels.iter().flat_map(differences);
        is_cut(differences, Some(0.0), slack)
    } {
        true => format!(" The widest {bands} are clipped at the frame."),
        false => String::new(),
    };
    let (points, bands) = if chart.wording.bars { ("Bars", "Lines") } else { ("Points", "Bands") };
    let replicate = &chart.wording.replicate;
    format!(
        "{points}: means over n {replicate}s. {bands}: 95 % confidence \
         intervals.{cut}{published}{scales}"
    )
}

/// The common scale of differences of all panels: contains every mean, and bands up to a limit.
fn difference_scale(chart: &Chart) -> ((f64, f64), Vec<f64>) {
    let differences = chart.panels.iter().flat_map(differences);
    let (low, high) = reach(differences, Some(0.0), chart.wording.slack);
    padded(low, high, 4)
}

/// Every point of a difference, including published ones.
fn differences(panel: &Panel) -> impl Iterator<Item = &Point> {
    let curves = panel.differences.iter().chain(&panel.published_differences);
    curves.flat_map(|curve| &curve.points)
}

/// The range of points with their bands. Bands widen the range of the means by at most its width to
/// either side, or by `slack` if that is more: one cell of two seeds must not flatten all others.
fn reach<'a>(
    points: impl Iterator<Item = &'a Point>,
    and: Option<f64>,
    slack: Option<f64>,
) -> (f64, f64) {
    let points: Vec<&Point> = points.collect();
    let means = range(points.iter().map(|point| point.mean).chain(and)).unwrap_or((0.0, 1.0));
    let least = slack.unwrap_or_else(|| {
        let half = |point: &&Point| Some((point.high? - point.low?) / 2.0);
        let mut halves: Vec<f64> = points.iter().filter_map(half).collect();
        halves.sort_by(f64::total_cmp);
        halves.get(halves.len() / 2).copied().unwrap_or_default()
    });
    let slack = (means.1 - means.0).max(least);
    let ends = points.iter().flat_map(|point| [point.low, point.high]).flatten();
    let (low, high) = range(ends.chain([means.0, means.1])).unwrap_or(means);
    (low.max(means.0 - slack), high.min(means.1 + slack))
}

/// Whether any band exceeds that range.
fn is_cut<'a>(
    points: impl Iterator<Item = &'a Point>,
    and: Option<f64>,
    slack: Option<f64>,
) -> bool {
    let points: Vec<&Point> = points.collect();
    let (low, high) = reach(points.iter().copied(), and, slack);
    let ends = points.iter().flat_map(|point| [point.low, point.high]).flatten();
    ends.into_iter().any(|end| end < low || end > high)
}

struct Frame<'a> {
    chart: &'a Chart,
    difference: ((f64, f64), Vec<f64>),
}

impl Frame<'_> {
    fn panel(&self, panel: &Panel) -> PanelDrawing {
        let x = self.horizontal(panel);
        let Wording { bars, slack, limits: (least, largest), .. } = self.chart.wording;
        // A bar begins at zero.
        let (low, high) = reach(all(panel), bars.then_some(0.0), slack);
        let ((low, high), marks) = rounded(low, high, 5);
        // Accuracies lie between 0 and 100, also where a rounded range or a band exceeds that.
        let y = Axis::new(Scale::Linear, (low.max(least), high.min(largest)), ACCURACY);
        let marks: Vec<f64> =
            marks.into_iter().filter(|mark| (least..=largest).contains(mark)).collect();
        let below = !panel.differences.is_empty();
        let bottom = if below { DIFFERENCE.0 } else { ACCURACY.0 };
        let accuracy_tooltip =
            |curve: &Curve, point: &Point| self.tooltip(point, &self.chart.labels[curve.colour]);
        let difference_tooltip = |curve: &Curve, point: &Point| {
            self.tooltip(point, &self.chart.differences[curve.colour])
        };
        let body = html! {
            text.t x=(place(LEFT)) y="12" { (panel.title) }
            text.s x=(place(LEFT)) y="27" { (self.chart.wording.y) }
            (self.frame(panel, &x, &y, &marks, ACCURACY))
            path.axis d=(format!("M{} {}H{}", place(LEFT), place(ACCURACY.0), place(RIGHT))) {}
            @for curve in &panel.published {
                @let mark = Mark::Curve(curve.colour);
                (draw_published(curve, mark, &x, &y, &|point| accuracy_tooltip(curve, point)))
            }
            @for curve in &panel.curves {
                @let mark = Mark::Curve(curve.colour);
                @let tooltip = |point: &Point| accuracy_tooltip(curve, point);
                @if bars {
                    (draw_bars(curve, panel.curves.len(), mark, (&x, &y), &tooltip))
                } @else {
                    (draw_curve(curve, mark, (&x, &y), &[], &tooltip))
                }
            }
            @if below {
                @let y = Axis::new(Scale::Linear, self.difference.0, DIFFERENCE);
                @let label = match self.chart.differences.as_slice() {
                    [only] => only,
                    _ => "difference",
                };
                text.s x=(place(LEFT)) y=(place(DIFFERENCE.1 - 9.0)) { (label) (self.chart.wording.difference) }
                @for at in &panel.incomparable {
                    rect.stripe x=(place(x.place(*at) - 7.0)) y=(place(DIFFERENCE.1)) width="14"
                        height=(place(DIFFERENCE.0 - DIFFERENCE.1)) {}
                }
                (self.frame(panel, &x, &y, &self.difference.1, DIFFERENCE))
                @let zero = place(y.place(0.0));
                path.axis d=(format!("M{} {zero}H{}", place(LEFT), place(RIGHT))) {}
                @for curve in &panel.published_differences {
                    @let mark = self.chart.difference_marks[curve.colour];
                    (draw_published(curve, mark, &x, &y, &|point| {
                        difference_tooltip(curve, point)
                    }))
                }
                @for curve in panel.differences.iter().flat_map(|curve| self.apart(curve)) {
                    @let curve = &curve;
                    @let mark = self.chart.difference_marks[curve.colour];
                    (draw_curve(curve, mark, (&x, &y), &panel.incomparable, &|point| {
                        difference_tooltip(curve, point)
                    }))
                }
            }
            (self.horizontal_labels(panel, &x, bottom))
        };
        PanelDrawing {
            title: if self.chart.title.starts_with(&panel.title) {
                self.chart.title.clone()
            } else {
                format!("{}: {}", panel.title, self.chart.title)
            },
            description: self.in_words(panel),
            height: bottom + BELOW + self.slanted(panel, &x),
            body,
        }
    }

    /// The horizontal axis. Panels share it, except for epochs, which end with those of the target.
    fn horizontal(&self, panel: &Panel) -> Axis {
        let points = all(panel).map(|point| point.x);
        let ticks = self.chart.ticks.iter().map(|tick| tick.at);
        let places = (LEFT + 8.0, RIGHT - 10.0);
        let all = |values: (f64, f64), scale| Axis::new(scale, values, places);
        if let Some(begins) = self.chart.wording.begins {
            let (first, last) = range(points).unwrap_or((begins, begins + 1.0));
            return all((begins.min(first), last), Scale::Linear);
        }
        if self.chart.x == PlotAxis::Images {
            return all(range(ticks).unwrap_or((1.0, 1.0)), Scale::Logarithmic);
        }
        let (low, high) = range(ticks).unwrap_or((0.0, 0.0));
        // Padding, so that the first and the last step don't lie on the frame.
        let padding = if self.chart.wording.bars { 0.5 } else { 0.25 };
        all((low - padding, high + padding), Scale::Linear)
    }

    fn frame(
        &self,
        panel: &Panel,
        x: &Axis,
        y: &Axis,
        marks: &[f64],
        (bottom, top): (f64, f64),
    ) -> Markup {
        let mut grid = String::new();
        for mark in marks {
            grid += &format!("M{} {}H{}", place(LEFT), place(y.place(*mark)), place(RIGHT));
        }
        for (at, _) in self.ticks(panel, x) {
            grid += &format!("M{} {}V{}", place(x.place(at)), place(bottom), place(top));
        }
        html! {
            path.grid d=(grid) {}
            @for mark in marks {
                text.s.n.r x=(place(LEFT - 5.0)) y=(place(y.place(*mark) + 3.5)) { (plain(*mark)) }
            }
        }
    }

    fn ticks(&self, panel: &Panel, x: &Axis) -> Vec<(f64, String)> {
        if self.chart.wording.begins.is_some() {
            let (low, high) = x.values();
            let ticks = ticks(low, high, step(high - low, 6));
            return ticks.into_iter().map(|at| (at, plain(at))).collect();
        }
        panel.ticks.iter().map(|tick| (tick.at, tick.label.clone())).collect()
    }

    /// The text below the axis: tick labels, the number of seeds at each tick, and the title. On an
    /// axis of epochs, which has points between ticks, the title has the number of seeds.
    fn horizontal_labels(&self, panel: &Panel, x: &Axis, bottom: f64) -> Markup {
        let apart = self.chart.x == PlotAxis::Rank || self.chart.wording.begins.is_none();
        let x_title = &self.chart.wording.x;
        let title = match panel.seeds() {
            Some(seeds) if !apart => format!("{x_title}, n = {}", count(seeds, " to ")),
            _ => x_title.clone(),
        };
        let row = apart && panel.seeds().is_some();
        let slanted = self.slanted(panel, x);
        let below = bottom + slanted;
        let title_at = below + if row { 42.0 } else { 29.0 };
        html! {
            @if row {
                text.s.r x=(place(LEFT - 5.0)) y=(place(below + 27.0)) { "n" }
            }
            @for (at, label) in self.ticks(panel, x) {
                @if slanted > 0.0 {
                    @let (at, bottom) = (place(x.place(at) + 3.0), place(bottom + 12.0));
                    text.s.n.r x=(at) y=(bottom) transform=(format!("rotate(-45 {at} {bottom})")) {
                        (shortened(&label))
                    }
                } @else {
                    text.s.n.m x=(place(x.place(at))) y=(place(bottom + 14.0)) { (label) }
                }
                @if let Some(seeds) = panel.seeds_at(at).filter(|_| apart) {
                    text.s.n.m x=(place(x.place(at))) y=(place(below + 27.0)) {
                        (count(seeds, "\u{2013}"))
                    }
                }
            }
            text.s.m x=(place(f64::midpoint(LEFT, RIGHT))) y=(place(title_at)) { (title) }
        }
    }

    /// The height that slanted tick labels need: names of a study, where they have no room beside
    /// each other; 0 elsewhere.
    fn slanted(&self, panel: &Panel, x: &Axis) -> f64 {
        if !self.chart.wording.bars || panel.ticks.len() < 2 {
            return 0.0;
        }
        let widths = panel.ticks.iter().map(|tick| text_width(&shortened(&tick.label), 10.0));
        let widest = widths.fold(0.0, f64::max);
        let step = x.place(1.0) - x.place(0.0);
        if widest + 4.0 <= step { 0.0 } else { 0.71 * widest }
    }

    /// The horizontal coordinate of a point in words.
    fn at(&self, point: &Point) -> String {
        #[expect(clippy::float_cmp, reason = "a point takes its value from the tick")]
        let tick = self.chart.ticks.iter().find(|tick| tick.at == point.x);
        let label = tick.map_or_else(|| plain(point.x), |tick| tick.label.clone());
        match &self.chart.x {
            PlotAxis::Images => format!("{label} images"),
            PlotAxis::Epoch => format!("epoch {label}"),
            PlotAxis::Rank => format!("rank {label}"),
            PlotAxis::Blocks => format!("{label} blocks"),
            PlotAxis::Resolution => format!("{label} px"),
            PlotAxis::Own(_) if self.chart.wording.begins.is_none() => label,
            PlotAxis::Own(name) => format!("{name} {label}"),
        }
    }

    fn tooltip(&self, point: &Point, label: &str) -> String {
        let together = [Some(point.mean), point.low, point.high].into_iter().flatten();
        let of_study = matches!(self.chart.x, PlotAxis::Own(_));
        let places = if of_study { decimals(together) } else { 2 };
        let value = |value: f64| signed_to(Some(value), places).trim_start_matches('+').to_owned();
        let band = match (point.low, point.high) {
            (Some(low), Some(high)) => format!(" [{}, {}]", value(low), value(high)),
            _ => String::new(),
        };
        let seeds = match point.seeds {
            0 => "published mean".to_owned(),
            seeds => counted(seeds, &self.chart.wording.replicate),
        };
        let mixed = if point.mixed { ", mixed recipes" } else { "" };
        format!("{label}, {}: {}{band}, {seeds}{mixed}", self.at(point), value(point.mean))
    }

    /// A difference as it is drawn: over a text factor its points are not connected.
    fn apart(&self, curve: &Curve) -> Vec<Curve> {
        if !self.chart.wording.bars {
            return vec![curve.clone()];
        }
        let one = |point: &Point| Curve { colour: curve.colour, points: vec![*point] };
        curve.points.iter().map(one).collect()
    }

    fn in_words(&self, panel: &Panel) -> String {
        let run = |curve: &Curve, number: fn(f64) -> String| {
            let (first, last) = (curve.points.first()?, curve.points.last()?);
            Some(format!(
                "{} at {} to {} at {}",
                number(first.mean),
                self.at(first),
                number(last.mean),
                self.at(last)
            ))
        };
        let labels = &self.chart.labels;
        let accuracies = |curves: &[Curve], what: &str| {
            let parts = curves.iter().filter_map(|curve| {
                Some(format!("{what}{} from {}", labels[curve.colour], run(curve, value)?))
            });
            parts.collect::<Vec<String>>()
        };
        let mut parts = accuracies(&panel.curves, "");
        parts.extend(panel.differences.iter().filter_map(|curve| {
            let run = run(curve, |mean| signed(Some(mean)))?;
            Some(format!("{} from {run}", self.chart.differences[curve.colour]))
        }));
        parts.extend(accuracies(&panel.published, "published means of "));
        parts.join("; ") + "."
    }
}

/// Every point of accuracy, including published ones.
fn all(panel: &Panel) -> impl Iterator<Item = &Point> {
    panel.curves.iter().chain(&panel.published).flat_map(|curve| &curve.points)
}

/// A tick label cut to a length that has room below the axis.
fn shortened(label: &str) -> String {
    const MOST: usize = 20;
    match label.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}\u{2026}", label[..end].trim_end()),
        None => label.to_owned(),
    }
}

/// A range of numbers of seeds.
fn count((low, high): (usize, usize), to: &str) -> String {
    if low == high { low.to_string() } else { format!("{low}{to}{high}") }
}
