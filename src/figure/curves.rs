//! A figure of curves as plain data: for each point a mean and a 95 % confidence interval, the
//! paired differences, and notes about the points. [`chart`](super::chart) draws it.

use std::sync::Arc;

use super::{
    chance,
    groups::distinct,
    legend::{Notes, difference_label, difference_mark, label},
    numbers::grouped,
    of_study,
    published::{Place, PublishedFigure},
    steps::{Step, steps},
    svg::Mark,
};
use crate::{
    claim::{Arm, Cell, InfluenceMatch, Metric, Plot, PlotAxis, Share, Term},
    evidence::Evidence,
    experiment::{EvidenceKind, Inverse, Key, Moment, Ranking},
    judge::join::{Joined, join},
    stats::{Alpha, Sample, t_interval},
};

/// A figure of curves, one panel per target.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Name within the claim.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// What all of its curves have in common; may be empty.
    pub subtitle: String,
    /// The quantity on the horizontal axis.
    pub x: PlotAxis,
    /// Ticks of the horizontal axis; empty for epochs and ranks.
    pub ticks: Vec<Tick>,
    /// The labels of the curves, in the order of their colours.
    pub labels: Vec<String>,
    /// The labels of the differences, `a − b`, in the order of their colours.
    pub differences: Vec<String>,
    /// The mark of each difference: that of the curve that it belongs to, if one of its arms has a
    /// curve and the other has none.
    pub difference_marks: Vec<Mark>,
    /// The paper's figure whose published curves are drawn behind, if any.
    pub published: Option<String>,
    /// One panel per target with records.
    pub panels: Vec<Panel>,
    /// Notes about the points, as sentences.
    pub notes: Vec<String>,
    /// Words and scales that depend on what is measured.
    pub wording: Wording,
}

/// Words and scales of a chart.
#[derive(Clone, Debug)]
pub struct Wording {
    /// Title of the horizontal axis.
    pub x: String,
    /// Title of the vertical axis.
    pub y: String,
    /// What has a scale, in a note: `accuracy`.
    pub scale: String,
    /// What a difference is in, as it follows its name: `, points`.
    pub difference: String,
    /// What is said of differences in the legend.
    pub paired: String,
    /// What repeats a run, in one word.
    pub replicate: String,
    /// The least and the largest possible value.
    pub limits: (f64, f64),
    /// The least amount by which bands may widen the range of the means to either side; `None` for
    /// half of the middle band.
    pub slack: Option<f64>,
    /// Whether means are drawn as bars.
    pub bars: bool,
    /// Where the horizontal axis of a run's progress begins; `None` for another axis.
    pub begins: Option<f64>,
}

impl Wording {
    fn of_paper(x: &PlotAxis) -> Self {
        let ranks = *x == PlotAxis::Rank;
        Self {
            x: match x {
                PlotAxis::Images => "training images",
                PlotAxis::Epoch => "epochs",
                PlotAxis::Blocks => "fine-tuned blocks",
                PlotAxis::Resolution => "resolution in pixels",
                PlotAxis::Rank => "rank of the training image by influence",
                PlotAxis::Own(name) => name,
            }
            .to_owned(),
            y: if ranks { "test images with its class, %" } else { "test accuracy, %" }.to_owned(),
            scale: if ranks { "shares" } else { "accuracy" }.to_owned(),
            difference: ", points".to_owned(),
            paired: ", paired within seeds".to_owned(),
            replicate: "seed".to_owned(),
            limits: (0.0, 100.0),
            slack: Some(4.0),
            bars: false,
            begins: matches!(x, PlotAxis::Epoch | PlotAxis::Rank).then_some(0.0),
        }
    }
}

/// A tick of the horizontal axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Value on the axis.
    pub at: f64,
    /// Label.
    pub label: String,
}

/// The curves of one target.
#[derive(Clone, Debug)]
pub struct Panel {
    /// The title of the target.
    pub title: String,
    /// Test accuracy in percent; on an axis of ranks, the percentage of test images that have the
    /// class of the training image of that rank.
    pub curves: Vec<Curve>,
    /// One curve minus another, paired within seeds, in points; `colour` counts differences.
    pub differences: Vec<Curve>,
    /// Values on the axis where differences are missing because recipes are mixed.
    pub incomparable: Vec<f64>,
    /// Published means of the same arms.
    pub published: Vec<Curve>,
    /// Published differences.
    pub published_differences: Vec<Curve>,
    /// The ticks of this target.
    pub ticks: Vec<Tick>,
}

impl Panel {
    /// The smallest and the largest number of seeds of the points at `x`.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "points take their values from the same steps")]
    pub(crate) fn seeds_at(&self, x: f64) -> Option<(usize, usize)> {
        extent(self.curves.iter().flat_map(|curve| &curve.points).filter(|point| point.x == x))
    }

    /// The smallest and the largest number of seeds of all points.
    #[must_use]
    pub fn seeds(&self) -> Option<(usize, usize)> {
        extent(self.curves.iter().flat_map(|curve| &curve.points))
    }
}

fn extent<'a>(points: impl Iterator<Item = &'a Point>) -> Option<(usize, usize)> {
    points.map(|point| point.seeds).fold(None, |range, seeds| {
        let (low, high) = range.unwrap_or((seeds, seeds));
        Some((low.min(seeds), high.max(seeds)))
    })
}

/// Points in the order of the horizontal axis.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Index among the chart's labels, which gives colour and shape.
    pub colour: usize,
    /// The points.
    pub points: Vec<Point>,
}

/// A mean over seeds, of the evidence or published.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Value on the horizontal axis: images, epochs, ranks, or the index of a tick.
    pub x: f64,
    /// Mean over finished runs, in points.
    pub mean: f64,
    /// Lower end of the 95 % t interval, or of the published bootstrap band; `None` for one seed or
    /// mixed recipes.
    pub low: Option<f64>,
    /// Upper end, likewise.
    pub high: Option<f64>,
    /// Number of seeds; 0 for a published mean, whose number is unknown.
    pub seeds: usize,
    /// Whether it mixes runs of different recipes.
    pub mixed: bool,
}

/// The figure of a plot from evidence. A target without records has no panel, and a note names it.
#[must_use]
pub fn chart(plot: &Plot, evidence: &Evidence) -> Chart {
    match (&plot.metric, &evidence.world.study) {
        (Some(metric), Some(study)) => of_study::chart(plot, metric, study, evidence),
        _ => chart_over(plot, evidence, None),
    }
}

/// The figure of a plot from evidence, with the published curves of the same arms and cells behind.
/// On the published evidence, a target with published means only has a panel too.
#[must_use]
pub(crate) fn chart_over(
    plot: &Plot,
    evidence: &Evidence,
    published: Option<PublishedFigure<'_>>,
) -> Chart {
    let targets: Vec<Option<Arc<str>>> =
        distinct(plot.cells.iter().map(|cell| cell.target.clone()));
    let steps = steps(&plot.x, &plot.cells, &plot.lines, &evidence.records);
    let mut draft = Draft { plot, evidence, published, steps, notes: Notes::default() };
    let mut panels = Vec::new();
    for target in &targets {
        let panel = draft.panel(target.as_ref());
        let drawn = |curves: &[Curve]| curves.iter().any(|curve| !curve.points.is_empty());
        if drawn(&panel.curves) {
            panels.push(panel);
            continue;
        }
        draft.notes.absent.retain(|(title, _), _| *title != panel.title);
        if evidence.kind == EvidenceKind::Published && drawn(&panel.published) {
            draft.notes.means_only.push(panel.title.clone());
            panels.push(panel);
        } else {
            draft.notes.no_records.push(panel.title);
        }
    }
    let labels: Vec<String> = plot.lines.iter().map(|line| label(line, &plot.lines)).collect();
    let differences = plot.differences.iter().map(|pair| difference_label(pair, plot)).collect();
    let marks = plot.differences.iter().enumerate();
    let difference_marks = marks.map(|(index, pair)| difference_mark(index, pair, plot)).collect();
    let over = |panel: &Panel| panel.published.iter().any(|curve| !curve.points.is_empty());
    let published = published.filter(|_| panels.iter().any(over));
    let by_chance = chance::sentence(plot, &draft.metric(Step::Rank(1)), evidence);
    let notes = draft.notes.in_words().into_iter().chain(by_chance).collect();
    Chart {
        id: plot.id.clone(),
        title: plot.title.clone(),
        subtitle: String::new(),
        x: plot.x.clone(),
        wording: Wording::of_paper(&plot.x),
        ticks: draft.ticks(),
        labels,
        differences,
        difference_marks,
        published: published.map(|published| published.figure.to_owned()),
        panels,
        notes,
    }
}

fn term(weight: f64, arm: &Arm) -> Term {
    Term { weight, arm: arm.clone() }
}

struct Draft<'a> {
    plot: &'a Plot,
    evidence: &'a Evidence,
    published: Option<PublishedFigure<'a>>,
    steps: Vec<Step>,
    notes: Notes,
}

impl Draft<'_> {
    fn panel(&mut self, target: Option<&Arc<str>>) -> Panel {
        // The cells of a plot differ in target and axis only; the check of its spec requires that.
        let first = self.plot.cells.iter().find(|cell| cell.target.as_ref() == target);
        let cell = first.cloned().unwrap_or_default();
        let lines = &self.plot.lines;
        let curves = lines
            .iter()
            .enumerate()
            .map(|(colour, line)| Curve { colour, points: self.curve(&[term(1.0, line)], &cell) });
        let curves = curves.collect();
        let (mut differences, mut incomparable) = (Vec::new(), Vec::new());
        for (colour, pair) in self.plot.differences.iter().enumerate() {
            let (points, missing) = self.difference(pair, &cell);
            differences.push(Curve { colour, points });
            let new: Vec<f64> =
                missing.into_iter().filter(|at| !incomparable.contains(at)).collect();
            incomparable.extend(new);
        }
        Panel {
            title: self.title(target.map(AsRef::as_ref)),
            curves,
            differences,
            incomparable,
            published: self.published.map_or_else(Vec::new, |published| {
                published.curves(self.plot, &self.places(&cell))
            }),
            published_differences: self.published.map_or_else(Vec::new, |published| {
                published.differences(self.plot, &self.places(&cell))
            }),
            ticks: self.ticks_of(&cell),
        }
    }

    /// Where published points can lie, each with its cell; on an axis of epochs, all points of the
    /// one cell.
    fn places(&self, cell: &Cell) -> Vec<(Place, Cell)> {
        if self.plot.x == PlotAxis::Epoch {
            return vec![(Place::OwnEpoch, cell.clone())];
        }
        let place =
            |(index, step): (usize, Step)| (Place::At(step.place(index)), step.apply_to(cell));
        self.steps_of(cell).map(place).collect()
    }

    /// The steps of a target.
    fn steps_of(&self, cell: &Cell) -> impl Iterator<Item = (usize, Step)> {
        let named = |step: &Step| {
            !matches!(step, Step::Images(_)) || self.plot.cells.contains(&step.apply_to(cell))
        };
        self.steps.iter().copied().enumerate().filter(move |(_, step)| named(step))
    }

    fn title(&self, target: Option<&str>) -> String {
        target.map_or("all targets", |target| self.evidence.world.title(target)).to_owned()
    }

    fn curve(&mut self, terms: &[Term], cell: &Cell) -> Vec<Point> {
        let mut points = Vec::new();
        let mut absent = Vec::new();
        for (x, cell, joined, step) in self.along(terms, cell) {
            if !joined.absent.is_empty() {
                absent.push(self.label(step, &cell));
                continue;
            }
            let point = point(x, &joined);
            self.notes.one_seed |= point.is_some_and(|point| point.seeds == 1);
            points.extend(point);
            self.notes.mixed.extend(joined.mixed_recipes.clone());
            let stopped = joined.rows.iter().filter(|row| !row.contrast.finished).count();
            if stopped > 0 && !matches!(step, Step::Epoch(_) | Step::Rank(_)) {
                let images = cell.images.map(|images| format!(" at {} images", grouped(images)));
                let place = self.title(cell.target.as_deref()) + &images.unwrap_or_default();
                *self.notes.stopped.entry(place).or_default() += stopped;
            }
        }
        if !absent.is_empty() {
            if points.is_empty() {
                absent.clear();
            }
            let label = label(&terms[0].arm, &self.plot.lines);
            self.notes.absent.insert((self.title(cell.target.as_deref()), label), absent);
        }
        points
    }

    /// The points of a difference, and the axis values where mixed recipes rule one out.
    fn difference(&mut self, pair: &(Arm, Arm), cell: &Cell) -> (Vec<Point>, Vec<f64>) {
        let (mut points, mut incomparable) = (Vec::new(), Vec::new());
        let mut absent = Vec::new();
        let terms = [term(1.0, &pair.0), term(-1.0, &pair.1)];
        for (x, cell, joined, step) in self.along(&terms, cell) {
            // What is missing from a curve is noted with the curve.
            if joined.absent.iter().any(|key| !self.drawn(key, &cell)) {
                absent.push(self.label(step, &cell));
            }
            match point(x, &joined) {
                Some(_) if joined.mixed_recipes.is_some() => incomparable.push(x),
                point => points.extend(point),
            }
        }
        self.notes.incomparable |= !incomparable.is_empty();
        if !absent.is_empty() {
            if points.is_empty() {
                absent.clear();
            }
            let label = difference_label(pair, self.plot);
            self.notes.absent.insert((self.title(cell.target.as_deref()), label), absent);
        }
        (points, incomparable)
    }

    /// Whether a curve needs this key in this cell.
    fn drawn(&self, key: &Key, cell: &Cell) -> bool {
        self.plot.lines.iter().any(|line| line.keys(cell, &ACCURACY).contains(key))
    }

    /// A contrast joined at every step of the plot: axis value, cell, values, step.
    fn along(&self, terms: &[Term], cell: &Cell) -> Vec<(f64, Cell, Joined, Step)> {
        let mut found = Vec::new();
        for (index, step) in self.steps_of(cell) {
            let cell = step.apply_to(cell);
            if matches!(step, Step::Images(_)) && !self.plot.cells.contains(&cell) {
                continue;
            }
            let metric = self.metric(step);
            let joined = join(terms, std::slice::from_ref(&cell), &metric, self.evidence);
            found.push((step.place(index), cell, joined, step));
        }
        found
    }

    /// The metric at a step: accuracy, or the share of test images that have the class of the
    /// training image of a rank, by the world's first inverse of the Hessian.
    fn metric(&self, step: Step) -> Metric {
        match step {
            Step::Epoch(epoch) => Metric::Accuracy(Moment::Epoch(epoch)),
            Step::Rank(rank) => {
                let inverse = self.evidence.world.influence.first();
                let inverse = inverse.copied().unwrap_or(Inverse::AUTHORS);
                let by = Ranking::Influence;
                Metric::InfluenceMatch(InfluenceMatch { share: Share::Rank(rank), inverse, by })
            }
            _ => ACCURACY,
        }
    }

    fn ticks(&self) -> Vec<Tick> {
        let tick =
            |(index, step): (usize, &Step)| Tick { at: step.place(index), label: step.label() };
        match self.plot.x {
            PlotAxis::Epoch | PlotAxis::Rank => Vec::new(),
            _ => self.steps.iter().enumerate().map(tick).collect(),
        }
    }

    /// The ticks of one target; the full training set is labelled `all`.
    fn ticks_of(&self, cell: &Cell) -> Vec<Tick> {
        if matches!(self.plot.x, PlotAxis::Epoch | PlotAxis::Rank) {
            return Vec::new();
        }
        let tick = |(index, step): (usize, Step)| Tick {
            at: step.place(index),
            label: self.label(step, cell),
        };
        self.steps_of(cell).map(tick).collect()
    }

    fn label(&self, step: Step, cell: &Cell) -> String {
        let of = cell.target.as_ref().and_then(|target| self.evidence.world.targets.get(&**target));
        match step {
            Step::Images(images) if of.is_some_and(|of| of.train == images) => "all".to_owned(),
            step => step.label(),
        }
    }
}

/// The default metric.
const ACCURACY: Metric = Metric::Accuracy(Moment::Last);

/// The mean over finished runs. The standard deviation has the judge's floor.
fn point(x: f64, joined: &Joined) -> Option<Point> {
    let finished = joined.rows.iter().filter(|row| row.contrast.finished);
    let values: Vec<f64> = finished.map(|row| row.contrast.middle()).collect::<Option<_>>()?;
    let mixed = joined.mixed_recipes.is_some();
    let (mean, interval) = match values.as_slice() {
        [] => return None,
        [one] => (*one, None),
        several => {
            let resolution = ACCURACY.resolution();
            let sample = Sample::new(several.to_vec()).ok()?.with_resolution(resolution);
            (sample.mean(), Some(t_interval(&sample, Alpha::CONVENTIONAL)))
        }
    };
    let interval = interval.filter(|_| !mixed);
    Some(Point {
        x,
        mean,
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        seeds: values.len(),
        mixed,
    })
}
