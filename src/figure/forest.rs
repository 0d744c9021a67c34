//! The forest plot of a hypothesis: one row per cell with its confidence interval and the margin,
//! grouped into panels. First the rows as data, then their drawing.

use maud::{Markup, html};

use super::{
    axis::{Axis, Scale, padded, plain, range},
    groups::{distinct, together},
    numbers::{self, confidence, grouped, interval, place, signed_to},
    svg::{Drawing, Mark, PANEL_WIDTH, PanelDrawing, text_width},
};
use crate::{
    claim::{Claim, Relation, Unit},
    experiment::Verdict,
    judge::{CellVerdict, ClaimVerdict, factors},
    util::decimals::decimals,
    world::World,
};

/// Rows of one target, or of one contrast where the claim has several.
#[derive(Clone, Debug)]
pub struct Group {
    /// What its rows have in common.
    pub heading: String,
    /// The noun of labels that are bare numbers; otherwise empty.
    pub counted: &'static str,
    /// Whether its rows are the judged averages.
    pub averages: bool,
    /// One row per cell.
    pub rows: Vec<Row>,
}

/// One cell.
#[derive(Clone, Debug)]
pub struct Row {
    /// What distinguishes it from the others of its group.
    pub label: String,
    /// Mean contrast; `None` if it can't be judged.
    pub mean: Option<f64>,
    /// Lower end of its confidence interval.
    pub low: Option<f64>,
    /// Upper end of its confidence interval.
    pub high: Option<f64>,
    /// Its verdict.
    pub verdict: Verdict,
}

impl Row {
    fn mark(&self) -> Mark {
        match self.mean {
            None => Mark::Unjudged,
            Some(_) => Mark::Verdict(self.verdict),
        }
    }
}

/// The cells of the primary hypothesis in groups, its averages first.
#[must_use]
pub fn groups(verdict: &ClaimVerdict, world: &World) -> Vec<Group> {
    let mut groups = grouping(&verdict.averages, world, true);
    groups.extend(grouping(&verdict.cells, world, false));
    groups
}

fn grouping(cells: &[CellVerdict], world: &World, averages: bool) -> Vec<Group> {
    let contrasts = distinct(cells.iter().map(|cell| cell.contrast.as_str())).len();
    let targets = distinct(cells.iter().map(|cell| (&cell.contrast, &cell.target))).len();
    // If every target had a group of one row, targets are rows instead.
    let by_target = targets < cells.len() || averages;
    let heading = |cell: &CellVerdict| {
        let target = cell.target.as_deref().filter(|_| by_target).map(|target| world.title(target));
        let contrast = Some(cell.contrast.as_str()).filter(|_| contrasts > 1);
        let parts: Vec<&str> = target.into_iter().chain(contrast).collect();
        match (averages, parts.is_empty()) {
            (true, true) => "Averages (judged)".to_owned(),
            (true, false) => format!("Averages, {}", parts.join(", ")),
            (false, true) => "Cells".to_owned(),
            (false, false) => parts.join(", "),
        }
    };
    let (differ, _) = factors(&cells.iter().collect::<Vec<_>>());
    let varies = |of: fn(&CellVerdict) -> String| distinct(cells.iter().map(of)).len() > 1;
    let blocks = varies(|cell| format!("{:?}", cell.blocks));
    let resolution = varies(|cell| format!("{:?}", cell.resolution));
    let images = varies(|cell| format!("{:?}", cell.images));
    let repetition = varies(|cell| format!("{:?}", cell.repetition));
    let bare = images && by_target && !blocks && !resolution;
    let counted = match (bare, repetition) {
        (true, _) => "images",
        (false, true) => "repetition",
        (false, false) => "",
    };
    let label = |cell: &CellVerdict| {
        if let (true, Some(repetition)) = (repetition, cell.repetition) {
            return repetition.to_string();
        }
        let mut parts = cell.factors_in_words(&differ);
        if !by_target {
            parts.extend(cell.target.as_deref().map(|target| world.title(target).to_owned()));
        }
        if images || parts.is_empty() {
            let noun = if bare { "" } else { " images" };
            parts.extend(cell.images.map(|images| grouped(images) + noun));
        }
        if blocks {
            parts.extend(cell.blocks.map(numbers::blocks));
        }
        if resolution {
            parts.extend(cell.resolution.map(|resolution| format!("{resolution} px")));
        }
        if parts.is_empty() { "all cells".to_owned() } else { parts.join(", ") }
    };
    let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
    let row = |cell: &CellVerdict| Row {
        label: label(cell),
        mean: finite(cell.mean),
        low: finite(cell.low),
        high: finite(cell.high),
        verdict: cell.verdict,
    };
    let groups = together(cells.iter().map(|cell| (heading(cell), row(cell)))).into_iter();
    groups.map(|(heading, rows)| Group { heading, counted, averages, rows }).collect()
}

const TOP: f64 = 38.0;
const ROW: f64 = 19.0;
const BELOW: f64 = 38.0;
/// The least widths of the columns of intervals and of means, which hold four digits.
const INTERVAL: f64 = 98.0;
const MEAN: f64 = 48.0;

/// The drawing of a claim's forest plot; `None` if no cell has a mean.
#[must_use]
pub fn draw(claim: &Claim, verdict: &ClaimVerdict, world: &World, name: String) -> Option<Drawing> {
    let groups = groups(verdict, world);
    let rows = || groups.iter().flat_map(|group| &group.rows);
    let means = range(rows().filter_map(|row| row.mean))?;
    let margins = match claim.hypothesis.relation {
        Relation::EquivalentWithin(margin) => vec![-margin, margin],
        Relation::GreaterThan(_) | Relation::NotWorseThan(_) => vec![verdict.margin],
    };
    let means = range([means.0, means.1].into_iter().chain(margins.iter().copied()))?;
    let unit = verdict.unit.name();
    // An interval far wider than the range of the means is cut and ends in an arrow.
    let least = if matches!(verdict.unit, Unit::Own(_)) { 0.0 } else { 1.0 };
    let slack = (means.1 - means.0).max(least);
    let ends = range(
        rows().flat_map(|row| [row.low, row.high, row.mean]).flatten().chain([means.0, means.1]),
    )?;
    let visible = (ends.0.max(means.0 - slack), ends.1.min(means.1 + slack));
    let labels = rows().map(|row| text_width(&row.label, 11.0)).fold(0.0, f64::max);
    let width = |of: &dyn Fn(&Row) -> String| {
        rows().map(|row| text_width(&of(row), 11.0) + 12.0).fold(0.0, f64::max)
    };
    let mean_at = PANEL_WIDTH - width(&|row: &Row| interval(row.low, row.high)).max(INTERVAL);
    let left = (labels + 8.0).clamp(44.0, 130.0);
    let right = mean_at - width(&|row: &Row| mean_of(row)).max(MEAN);
    let range = with_room(visible, right - left);
    let plot = Plot { margins: &margins, range, left, unit, mean_at, right };
    let mut marks: Vec<(Mark, String)> = Vec::new();
    for verdict in [Verdict::Supported, Verdict::Refuted, Verdict::Inconclusive] {
        if rows().any(|row| row.mark() == Mark::Verdict(verdict)) {
            marks.push((Mark::Verdict(verdict), verdict.name().to_owned()));
        }
    }
    if rows().any(|row| row.mark() == Mark::Unjudged) {
        marks.push((Mark::Unjudged, "not judged".to_owned()));
    }
    let margin = margins.iter().map(|margin| plain(*margin)).collect::<Vec<_>>().join(" and ");
    let contrasts =
        distinct(claim.hypothesis.contrasts.iter().map(|contrast| contrast.label.as_str()));
    let lines = match confidence(verdict.cells.iter().chain(&verdict.averages)) {
        Some(of) => format!("{of} confidence intervals"),
        None => "confidence intervals".to_owned(),
    };
    Some(Drawing {
        name,
        title: "Every cell with its confidence interval and the margin".to_owned(),
        subtitle: contrasts.join("; "),
        legend: marks,
        panels: groups.iter().map(|group| plot.panel(group)).collect(),
        notes: vec![format!(
            "Lines: {lines}. Dashed: the margin, {margin}{}.",
            verdict.unit.after()
        )],
    })
}

/// The padded range of values and its ticks: as many as have room beside each other in `width`
/// pixels, four at most.
fn with_room((low, high): (f64, f64), width: f64) -> ((f64, f64), Vec<f64>) {
    let fits = |((low, high), ticks): &((f64, f64), Vec<f64>)| {
        let widest = ticks.iter().map(|tick| text_width(&plain(*tick), 10.0)).fold(0.0, f64::max);
        let apart = ticks.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
        apart / (high - low) * width >= widest + 6.0
    };
    let with = |most| padded(low, high, most);
    (2..=4).rev().map(with).find(fits).unwrap_or_else(|| with(1))
}

struct Plot<'a> {
    margins: &'a [f64],
    range: ((f64, f64), Vec<f64>),
    left: f64,
    unit: &'a str,
    /// Right ends of the column of means and of the plot.
    mean_at: f64,
    right: f64,
}

/// A mean with the decimals of its interval.
fn mean_of(row: &Row) -> String {
    let places = decimals([row.mean, row.low, row.high].into_iter().flatten());
    signed_to(row.mean, places)
}

impl Plot<'_> {
    fn panel(&self, group: &Group) -> PanelDrawing {
        #[expect(clippy::cast_precision_loss, reason = "a handful of rows")]
        let bottom = TOP + group.rows.len() as f64 * ROW;
        let x = Axis::new(Scale::Linear, self.range.0, (self.left + 6.0, self.right));
        let vertical = |value: f64| {
            format!("M{} {}V{}", place(x.place(value)), place(TOP - 4.0), place(bottom))
        };
        let margins: String = self.margins.iter().map(|margin| vertical(*margin)).collect();
        let (left, right) = (place(self.left), place(self.right + 6.0));
        let body = html! {
            text.t x="0" y="12" { (shortened(&group.heading)) }
            @if !group.counted.is_empty() {
                text.s.r x=(place(self.left - 6.0)) y="27" { (group.counted) }
            }
            text.s.r x=(place(self.mean_at)) y="27" { "mean" }
            text.s.r x=(place(PANEL_WIDTH)) y="27" { "interval" }
            path.grid d=(self.range.1.iter().map(|tick| vertical(*tick)).collect::<String>()) {}
            path.margin d=(margins) {}
            @for (row, y) in group.rows.iter().zip(heights()) {
                (self.row(row, group.averages, &x, y))
            }
            path.axis d=(format!("M{left} {}H{right}", place(bottom))) {}
            @for tick in &self.range.1 {
                text.s.n.m x=(place(x.place(*tick))) y=(place(bottom + 14.0)) { (plain(*tick)) }
            }
            text.s.m x=(place(f64::midpoint(self.left, self.right))) y=(place(bottom + 29.0)) {
                (self.unit)
            }
        };
        PanelDrawing {
            title: format!("{}: forest plot of {} cells", group.heading, group.rows.len()),
            description: in_words(group),
            height: bottom + BELOW,
            body,
        }
    }

    fn row(&self, row: &Row, bold: bool, x: &Axis, y: f64) -> Markup {
        let (least, most) = x.values();
        let text = y + 4.0;
        let right = if bold { "n r b" } else { "n r" };
        html! {
            text class=(right) x=(place(self.left - 6.0)) y=(place(text)) {
                (within(&row.label, self.left - 6.0))
            }
            g class=(row.mark().class()) {
                @if let (Some(low), Some(high)) = (row.low, row.high) {
                    @let (left, right) = (place(x.place(low)), place(x.place(high)));
                    path.whisker d=(format!("M{left} {}H{right}", place(y))) {}
                    @if low < least {
                        @let end = place(x.place(least));
                        path.whisker d=(format!("M{end} {}m4-3l-4 3l4 3", place(y))) {}
                    }
                    @if high > most {
                        @let end = place(x.place(most));
                        path.whisker d=(format!("M{end} {}m-4-3l4 3l-4 3", place(y))) {}
                    }
                }
                // A cell that can't be judged has no value; its dash is drawn at the margin.
                (row.mark().draw(x.place(row.mean.unwrap_or(self.margins[0])), y))
            }
            text class=(right) x=(place(self.mean_at)) y=(place(text)) { (mean_of(row)) }
            text class=(right) x=(place(PANEL_WIDTH)) y=(place(text)) {
                (interval(row.low, row.high))
            }
        }
    }
}

/// A label cut to the width of its column; the description has the full label.
fn within(label: &str, width: f64) -> String {
    let fits = |text: &str| text_width(text, 11.0) <= width;
    if fits(label) {
        return label.to_owned();
    }
    let ends = label.char_indices().map(|(end, _)| end).rev();
    let mut cut = ends.map(|end| format!("{}\u{2026}", label[..end].trim_end_matches([' ', ','])));
    cut.find(|text| fits(text)).unwrap_or_default()
}

/// A heading cut to the width of its panel.
fn shortened(heading: &str) -> String {
    const MOST: usize = 52;
    match heading.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}\u{2026}", heading[..end].trim_end()),
        None => heading.to_owned(),
    }
}

fn heights() -> impl Iterator<Item = f64> {
    std::iter::successors(Some(TOP + ROW / 2.0), |height| Some(height + ROW))
}

fn in_words(group: &Group) -> String {
    let cells: Vec<String> = group
        .rows
        .iter()
        .map(|row| match row.mean {
            Some(_) => format!("{}: {} ({})", row.label, mean_of(row), row.verdict),
            None => format!("{}: not judged", row.label),
        })
        .collect();
    cells.join("; ") + "."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_as_many_as_have_room() {
        let count = |width| with_room((0.0, 0.0004), width).1.len();
        assert_eq!(count(200.0), padded(0.0, 0.0004, 4).1.len());
        assert!(count(40.0) < count(200.0));
        for width in [40.0, 60.0, 90.0, 120.0, 200.0] {
            let ((low, high), ticks) = with_room((0.0, 0.0004), width);
            let [first, second, ..] = ticks[..] else { continue };
            let apart = width * (second - first) / (high - low);
            let label = text_width(&plain(second), 10.0);
            assert!(apart > label, "{width}: {ticks:?}");
        }
    }
}
