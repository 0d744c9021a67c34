//! Figures of a study's own log: curves of a metric along a run's progress or along a factor whose
//! values are numbers, and bars where they are texts. One panel for each combination of the other
//! factors, one curve an arm.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    curves::{Chart, Curve, Panel, Point, Tick, Wording},
    groups::distinct,
    legend::{difference_label, difference_mark},
};
use crate::{
    claim::{Arm, Axis, Cell, Claim, Metric, Plot, PlotAxis, Read, StudyMetric, Term, label},
    evidence::Evidence,
    experiment::Value,
    judge::{
        join::{Joined, Row, join},
        resolution::resolution,
    },
    stats::{Alpha, Sample, welch_contrast},
    study::{Study, raw::Better},
};

/// The most steps of a run's progress that are drawn.
const MOST_STEPS: usize = 120;

/// A place on the horizontal axis.
struct Step {
    at: f64,
    label: String,
    /// The value of the axis' factor; `None` along a run's progress.
    value: Option<Value>,
    read: Read,
}

/// The figure of a plot from a study's log. A panel without runs is left out, and a note names it.
pub(super) fn chart(plot: &Plot, of: &StudyMetric, study: &Study, evidence: &Evidence) -> Chart {
    let name: &str = match &plot.x {
        PlotAxis::Own(name) => name,
        _ => "",
    };
    let progress = study.progress.as_ref().filter(|progress| progress.name == *name);
    let factor = study.factors.iter().find(|factor| factor.name == *name && progress.is_none());
    let bars = factor.is_none_or(|factor| !factor.number) && progress.is_none();
    let (steps, thinned) = match progress {
        Some(_) => along_progress(plot, evidence),
        None => (along_factor(plot, of, name), None),
    };
    let axis = Axis::Factor(name.into());
    let cells: Vec<Cell> = distinct(plot.cells.iter().map(|cell| cell.without(&axis)));
    let mut draft = Draft { plot, of, evidence, name, steps: &steps, notes: Notes::default() };
    let mut panels = Vec::new();
    for cell in &cells {
        let panel = draft.panel(cell, &cells);
        if panel.curves.iter().any(|curve| !curve.points.is_empty()) {
            panels.push(panel);
        } else {
            draft.notes.empty.push(panel.title);
        }
    }
    let notes = draft.notes.in_words(&study.replicate.name, thinned);
    let ticks = ticks(&steps, progress.is_some());
    let marks = plot.differences.iter().enumerate();
    let difference_marks = marks.map(|(index, pair)| difference_mark(index, pair, plot)).collect();
    Chart {
        id: plot.id.clone(),
        title: plot.title.clone(),
        subtitle: String::new(),
        x: plot.x.clone(),
        ticks,
        labels: plot.lines.iter().map(|line| line.name.clone()).collect(),
        differences: plot.differences.iter().map(|pair| difference_label(pair, plot)).collect(),
        difference_marks,
        published: None,
        panels,
        notes,
        wording: Wording {
            x: match (progress, factor) {
                (Some(progress), _) => progress.name.clone(),
                (None, Some(factor)) => factor.title.clone(),
                (None, None) => String::new(),
            },
            y: title(of, progress.is_some()),
            scale: of.metric.title.clone(),
            difference: of.unit().after().replacen(' ', ", ", 1),
            paired: paired(study),
            replicate: study.replicate.name.clone(),
            limits: limits(of),
            slack: None,
            bars,
            begins: progress.map(|progress| progress.from),
        },
    }
}

/// What is said of a difference in the legend.
fn paired(study: &Study) -> String {
    match (study.replicate.paired, &study.replicate.nested_in) {
        (false, _) => String::new(),
        (true, Some(unit)) => format!(", paired within {unit}"),
        (true, None) => format!(", paired within {}s", study.replicate.name),
    }
}

/// The title of the vertical axis: the metric with its unit, which evaluation is read, and which
/// direction is better.
fn title(of: &StudyMetric, along_progress: bool) -> String {
    let StudyMetric { metric, read, progress, .. } = of;
    let unit = match of.unit() {
        unit if unit.name().is_empty() => String::new(),
        unit => format!(", {}", unit.name()),
    };
    let read = match read {
        _ if along_progress || &**progress == "row" => String::new(),
        Read::Last => String::new(),
        Read::Best => format!(", best {progress}"),
        Read::Step(step) => format!(", {progress} {step}"),
        Read::FromShare(share) => format!(", from {:.0} % of the planned length", 100.0 * share),
        Read::StepsTo(value) => {
            return format!("{progress}s until {} reaches {value}", metric.title);
        }
    };
    let better = match metric.better {
        Better::Higher => "",
        Better::Lower => " (lower is better)",
    };
    format!("{}{unit}{read}{better}", metric.title)
}

fn limits(of: &StudyMetric) -> (f64, f64) {
    match of.metric.range.filter(|_| of.scale.is_none() && of.is_a_value()) {
        Some([least, largest]) => (least, largest),
        None => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

/// What raw values are of those that the judge compares: steps to a value are negative there, and a
/// metric whose lower values are better is multiplied by -1.
fn sign(of: &StudyMetric) -> f64 {
    if of.is_a_value() { of.metric.sign() } else { -1.0 }
}

/// Every logged step of the lines' runs, or as many as can be distinguished; then the number of all.
fn along_progress(plot: &Plot, evidence: &Evidence) -> (Vec<Step>, Option<usize>) {
    let metric = Metric::Study(plot.metric.clone().expect("a study's plot has a metric"));
    let keys = plot.cells.iter().flat_map(|cell| {
        plot.lines.iter().flat_map(|line| line.keys(cell, &metric)).collect::<Vec<_>>()
    });
    let mut logged: BTreeSet<u64> = BTreeSet::new();
    for key in keys.collect::<BTreeSet<_>>() {
        let records = evidence.records.seeds(&key).into_iter().flat_map(|seeds| seeds.values());
        for run in records.filter_map(|record| record.logged.as_ref()) {
            logged.extend(run.progress.iter().map(|at| ordered(*at)));
        }
    }
    let all: Vec<f64> = logged.into_iter().map(unordered).collect();
    let every = all.len().div_ceil(MOST_STEPS).max(1);
    let step =
        |at: &f64| Step { at: *at, label: at.to_string(), value: None, read: Read::Step(*at) };
    // The last one of each stretch, so that the end is drawn.
    let kept = all.rchunks(every).rev().filter_map(|stretch| stretch.last());
    let steps: Vec<Step> = kept.map(step).collect();
    (steps, (every > 1).then_some(all.len()))
}

/// The bits of a finite number, in the order of numbers.
fn ordered(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn unordered(bits: u64) -> f64 {
    f64::from_bits(if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits })
}

/// The values of the axis' factor: numbers by size, texts in the order of the cells. Without a
/// factor there is one place.
fn along_factor(plot: &Plot, of: &StudyMetric, name: &str) -> Vec<Step> {
    let mut values = distinct(plot.cells.iter().map(|cell| cell.factors.get(name).cloned()));
    if values.iter().all(|value| matches!(value, Some(Value::Number(_)))) {
        values.sort();
    }
    #[expect(clippy::cast_precision_loss, reason = "the number of cells is limited")]
    let step = |(index, value): (usize, Option<Value>)| Step {
        at: index as f64,
        label: value.as_ref().map_or_else(String::new, ToString::to_string),
        value,
        read: of.read,
    };
    values.into_iter().enumerate().map(step).collect()
}

fn ticks(steps: &[Step], along_progress: bool) -> Vec<Tick> {
    let tick = |step: &Step| Tick { at: step.at, label: step.label.clone() };
    if along_progress { Vec::new() } else { steps.iter().map(tick).collect() }
}

#[derive(Default)]
struct Notes {
    /// Panels without a run.
    empty: Vec<String>,
    /// Curves that have no runs, or none of the metric, at some steps.
    absent: Vec<String>,
    /// Runs that stopped, and so have no value.
    stopped: Vec<String>,
    one: bool,
}

impl Notes {
    fn in_words(self, replicate: &str, thinned: Option<usize>) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(all) = thinned {
            notes.push(format!("Drawn are at most {MOST_STEPS} of {all} logged steps."));
        }
        for (list, what) in [
            (&self.empty, "Not drawn, no runs"),
            (&self.absent, "Without a value"),
            (&self.stopped, "Runs that stopped or are absent, left out"),
        ] {
            if !list.is_empty() {
                notes.push(format!("{what}: {}.", list.join("; ")));
            }
        }
        if self.one {
            notes.push(format!("Points without an interval have one {replicate}."));
        }
        notes
    }
}

struct Draft<'a> {
    plot: &'a Plot,
    of: &'a StudyMetric,
    evidence: &'a Evidence,
    name: &'a str,
    steps: &'a [Step],
    notes: Notes,
}

impl Draft<'_> {
    fn panel(&mut self, cell: &Cell, all: &[Cell]) -> Panel {
        let title = panel_title(cell, all);
        let lines = self.plot.lines.iter().enumerate();
        let curve = |(colour, line): (usize, &Arm)| {
            let points = self.along(&[term(1.0, line)], cell, &title, &line.name);
            Curve { colour, points }
        };
        let curves: Vec<Curve> = lines.map(curve).collect();
        let mut differences = Vec::new();
        for (colour, (first, second)) in self.plot.differences.iter().enumerate() {
            let label = difference_label(&(first.clone(), second.clone()), self.plot);
            let terms = [term(1.0, first), term(-1.0, second)];
            let points = self.along(&terms, cell, &title, &label);
            differences.push(Curve { colour, points });
        }
        Panel {
            ticks: ticks(
                self.steps,
                matches!(self.steps.first(), Some(Step { value: None, read: Read::Step(_), .. })),
            ),
            title,
            curves,
            differences,
            incomparable: Vec::new(),
            published: Vec::new(),
            published_differences: Vec::new(),
        }
    }

    /// The points of a curve or of a difference.
    fn along(&mut self, terms: &[Term], cell: &Cell, panel: &str, label: &str) -> Vec<Point> {
        let (mut points, mut absent) = (Vec::new(), Vec::new());
        let mut stopped = 0;
        let progress = self.evidence.world.study.iter().find_map(|study| study.progress.as_ref());
        let every: Vec<Term>;
        let terms = if progress.is_some_and(|progress| progress.name == self.name) {
            // A curve has every evaluation, also of an arm that is judged at one.
            let without = |arm: &Arm| Arm { at: None, ..arm.clone() };
            let of = |term: &Term| Term { arm: without(&term.arm), ..term.clone() };
            every = terms.iter().map(of).collect();
            &every
        } else {
            terms
        };
        for step in self.steps {
            let mut cell = cell.clone();
            if let Some(value) = &step.value {
                cell.factors.insert(self.name.into(), value.clone());
                if !self.plot.cells.contains(&cell) {
                    continue;
                }
            }
            let metric = Metric::Study(StudyMetric { read: step.read, ..self.of.clone() });
            let cells = std::slice::from_ref(&cell);
            let joined = join(terms, cells, &metric, self.evidence);
            let least = resolution(terms, cells, &metric, self.evidence);
            let overlap = self.evidence.replicates.structure.test_to_train();
            let unfinished = rows(&joined).filter(|row| !row.contrast.finished).count();
            stopped = stopped.max(unfinished);
            match point(step.at, &joined, sign(self.of), least, overlap) {
                Some(point) => {
                    self.notes.one |= point.seeds == 1;
                    points.push(point);
                }
                None => absent.push(step.label.clone()),
            }
        }
        let of = format!("{label}, {panel}");
        // Along a run's progress every step has the runs that logged it.
        let along_factor = self.steps.iter().any(|step| step.value.is_some());
        if !points.is_empty() && !absent.is_empty() && along_factor {
            self.notes.absent.push(format!("{of} at {}", absent.join(", ")));
        } else if points.is_empty() {
            self.notes.absent.push(of.clone());
        }
        if stopped > 0 {
            self.notes.stopped.push(format!("{of} ({stopped})"));
        }
        points
    }
}

fn term(weight: f64, arm: &Arm) -> Term {
    Term { weight, arm: arm.clone() }
}

fn rows(joined: &Joined) -> impl Iterator<Item = &Row> {
    joined.rows.iter().chain(joined.independent.iter().flat_map(|arm| &arm.rows))
}

/// The factors in which panels differ; of one panel all.
fn panel_title(cell: &Cell, all: &[Cell]) -> String {
    let differs = |name: &Arc<str>| {
        all.len() == 1 || all.iter().any(|other| other.factors.get(name) != cell.factors.get(name))
    };
    let named = cell.factors.iter().filter(|(name, _)| differs(name));
    let values: Vec<String> = named.map(|(name, value)| label::with_number(name, value)).collect();
    if values.is_empty() { "all runs".to_owned() } else { values.join(", ") }
}

/// The mean over finished runs, with the judge's interval: over pairs, Welch's of arms that share no
/// replicates, or that of folds.
fn point(x: f64, joined: &Joined, sign: f64, resolution: f64, overlap: f64) -> Option<Point> {
    let finished = |rows: &[Row]| -> Option<Vec<f64>> {
        let rows = rows.iter().filter(|row| row.contrast.finished);
        rows.map(|row| Some(sign * row.contrast.middle()?)).collect()
    };
    let groups: Vec<Vec<f64>> = match joined.independent.as_slice() {
        [] => vec![finished(&joined.rows)?],
        arms => arms.iter().map(|arm| finished(&arm.rows)).collect::<Option<_>>()?,
    };
    let seeds = groups.iter().map(Vec::len).min().filter(|seeds| *seeds > 0)?;
    #[expect(clippy::cast_precision_loss, reason = "a handful of runs")]
    let mean = |values: &Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let samples: Result<Vec<Sample>, _> = groups.iter().cloned().map(Sample::new).collect();
    let mixed = joined.mixed_recipes.is_some();
    let (mean, interval) = match samples {
        Ok(samples) => {
            let floored = |sample: Sample| sample.with_resolution(resolution).as_folds(overlap);
            let samples: Vec<Sample> = samples.into_iter().map(floored).collect();
            let of: Vec<(f64, &Sample)> = samples.iter().map(|sample| (1.0, sample)).collect();
            let interval = welch_contrast(&of, 0.0).interval(Alpha::CONVENTIONAL);
            (samples.iter().map(Sample::mean).sum(), Some(interval))
        }
        Err(_) => (groups.iter().map(mean).sum::<f64>(), None),
    };
    let interval = interval.filter(|of| !mixed && of.low.is_finite() && of.high.is_finite());
    Some(Point {
        x,
        mean,
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        seeds,
        mixed,
    })
    .filter(|point| point.mean.is_finite())
}

/// The figures of a claim beside its forest plot: those that it declares, and `bars` of its arms
/// and, where runs have a progress, `curves`. Contrasts with cells of their own have figures of
/// their own, with a number.
#[must_use]
pub(crate) fn plots(claim: &Claim, study: &Study) -> Vec<Plot> {
    let mut plots = claim.plots.clone();
    let Metric::Study(of) = &claim.hypothesis.metric else { return plots };
    let contrasts = claim.hypothesis.contrasts.iter();
    for (index, cells) in distinct(contrasts.map(|contrast| &contrast.cells)).iter().enumerate() {
        let own = claim.hypothesis.contrasts.iter().filter(|contrast| contrast.cells == **cells);
        let terms = own.flat_map(|contrast| &contrast.terms);
        let mut lines: Vec<Arm> = Vec::new();
        for term in terms {
            if lines.iter().all(|line| line.name != term.arm.name) {
                lines.push(term.arm.clone());
            }
        }
        let differences = match lines.as_slice() {
            [first, second] => vec![(first.clone(), second.clone())],
            _ => Vec::new(),
        };
        let number = if index == 0 { String::new() } else { format!("_{}", index + 1) };
        let plot = |what: &str, x: &str, metric: StudyMetric| Plot {
            id: format!("{what}{number}"),
            title: of_arms(study, of, x),
            x: PlotAxis::Own(x.into()),
            lines: lines.clone(),
            cells: (*cells).clone(),
            differences: differences.clone(),
            metric: Some(metric),
        };

        let mut found = vec![plot("bars", &widest(study, cells), of.clone())];
        found.extend(study.progress.as_ref().map(|progress| {
            let metric = StudyMetric { read: Read::Last, scale: None, ..of.clone() };
            plot("curves", &progress.name, metric)
        }));
        let is_new = |plot: &Plot| claim.plots.iter().all(|own| own.id != plot.id);
        plots.extend(found.into_iter().filter(is_new));
    }
    plots
}

/// The title of a figure that a claim does not declare.
fn of_arms(study: &Study, of: &StudyMetric, x: &str) -> String {
    let factor = study.factors.iter().find(|factor| factor.name == *x);
    let by = factor.map_or(x, |factor| &factor.title);
    let title = &of.metric.title;
    if by.is_empty() {
        format!("{title} of each arm")
    } else {
        format!("{title} of each arm by {by}")
    }
}

/// The factor of which cells have the most values; empty if they have none.
fn widest(study: &Study, cells: &[Cell]) -> String {
    let count = |name: &str| distinct(cells.iter().map(|cell| cell.factors.get(name))).len();
    let names = study.factors.iter().map(|factor| factor.name.as_str());
    let fixed = names.filter(|name| cells.iter().all(|cell| cell.factors.contains_key(*name)));
    // Of several, the first.
    fixed.rev().max_by_key(|name| count(name)).unwrap_or_default().to_owned()
}
