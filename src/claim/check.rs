//! From a spec as written to a claim that means something: every name is known to the world, every
//! arm and cell together fix each coordinate exactly once, and no part contradicts another. What
//! passes here can't fail later for a reason that lies in the spec.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use miette::{NamedSource, SourceSpan};
use toml::Spanned;

use super::{
    Arm, Axis, Cell, Claim, Contrast, Design, Expected, Holds, Hypothesis, Metric, Moment, Plot,
    PlotAxis, Reading, Relation, Term, Threshold, label,
    raw::{
        Name, OneOrMany, RawArm, RawCells, RawClaim, RawContrast, RawHolds, RawHypothesis,
        RawMetric, RawPlot, RawReading, RawRelation,
    },
};
use crate::{
    evidence::EvidenceKind,
    ledger::Resolution,
    nearest::did_you_mean,
    stats::{Alpha, Looks},
    world::World,
};

/// What is wrong with a spec, and where.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{file}, line {line}: {what}")]
pub struct ClaimError {
    /// The file's name.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, with the nearest valid name where one is near.
    pub what: String,
    #[source_code]
    source_code: NamedSource<String>,
    #[label("here")]
    span: SourceSpan,
    #[help]
    help: String,
}

/// A fault and the bytes it stands at.
struct Fault {
    at: Range<usize>,
    what: String,
    help: &'static str,
}

type Checked<T> = Result<T, Fault>;

const GRAMMAR: &str = "claims/schemas/claim.schema.json has the grammar; `repro show` puts a \
                       claim into words";

fn fault<T>(at: Range<usize>, what: impl Into<String>) -> Checked<T> {
    Err(Fault { at, what: what.into(), help: GRAMMAR })
}

/// Parses and checks one spec.
///
/// # Errors
/// The first fault found, with file, line and, for a wrong name, the nearest valid one.
pub fn claim(file: &str, text: &str, world: &World) -> Result<Claim, Box<ClaimError>> {
    let outcome = toml::from_str::<RawClaim>(text)
        .map_err(|error| Fault {
            at: error.span().unwrap_or(0..0),
            what: grammar(error.message()),
            help: GRAMMAR,
        })
        .and_then(|raw| Checker { world, raw: &raw }.claim());
    outcome.map_err(|Fault { at, what, help }| {
        let start = at.start.min(text.len());
        Box::new(ClaimError {
            file: file.to_owned(),
            line: text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1,
            what,
            source_code: NamedSource::new(file, text.to_owned()).with_language("toml"),
            span: (start..at.end.clamp(start, text.len())).into(),
            help: help.to_owned(),
        })
    })
}

/// Serde's own message, with the nearest valid name where it lists the valid ones.
fn grammar(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let message = message.trim_end();
    match quoted.as_slice() {
        [wrong, valid @ ..] if message.starts_with("unknown ") => {
            format!("{message}{}", did_you_mean(wrong, valid.iter().copied()))
        }
        _ => message.to_owned(),
    }
}

struct Checker<'a> {
    world: &'a World,
    raw: &'a RawClaim,
}

impl Checker<'_> {
    fn claim(&self) -> Checked<Claim> {
        let raw = self.raw;
        if raw.format != 1 {
            return fault(0..0, format!("format is {}, this version reads 1", raw.format));
        }
        let id = raw.id.as_ref();
        if !id.starts_with(|first: char| first.is_ascii_lowercase())
            || !id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        {
            return fault(raw.id.span(), "an id is made of a-z, 0-9 and _, a letter first");
        }
        let hypothesis = self.hypothesis(&raw.hypothesis)?;
        let readings = self.readings()?;
        let plots = raw.plots.iter().map(|plot| self.plot(plot)).collect::<Checked<Vec<_>>>()?;
        self.every_arm_is_used()?;
        let mut expected = std::collections::BTreeMap::new();
        for (name, raw) in &raw.expected {
            let Some(kind) = EvidenceKind::named(name.as_ref()) else {
                let hint = did_you_mean(name.as_ref(), EvidenceKind::NAMES);
                return fault(name.span(), format!("unknown evidence `{}`{hint}", name.as_ref()));
            };
            let reason = raw.reason.clone();
            expected.insert(kind, Expected { verdict: raw.verdict, reason });
        }
        Ok(Claim {
            id: id.clone(),
            title: raw.title.clone(),
            sentence: raw.sentence.clone(),
            stands: raw.paper.clone(),
            design: self.design()?,
            hypothesis,
            readings,
            plots,
            caveats: raw.caveats.clone(),
            expected,
        })
    }

    fn design(&self) -> Checked<Design> {
        let raw = &self.raw.design;
        let g = *raw.e_value_g.as_ref();
        if !(g.is_finite() && g > 0.0) {
            return fault(raw.e_value_g.span(), "e_value_g must be a positive number");
        }
        let alpha = match Alpha::new(*raw.alpha.as_ref()) {
            Ok(alpha) => alpha,
            Err(error) => return fault(raw.alpha.span(), error.to_string()),
        };
        let looks = match Looks::new(raw.looks.as_ref().clone()) {
            Ok(looks) => looks,
            Err(error) => return fault(raw.looks.span(), error.to_string()),
        };
        Ok(Design { looks, alpha, e_value_g: g })
    }

    fn readings(&self) -> Checked<Vec<Reading>> {
        let mut seen = BTreeSet::new();
        let mut readings = Vec::new();
        for raw in &self.raw.readings {
            if !seen.insert(raw.id.as_ref().clone()) {
                return fault(raw.id.span(), format!("a second reading `{}`", raw.id.as_ref()));
            }
            readings.push(self.reading(raw)?);
        }
        Ok(readings)
    }

    /// A reading is the primary hypothesis with parts replaced; it is checked as a whole.
    fn reading(&self, raw: &RawReading) -> Checked<Reading> {
        let primary = &self.raw.hypothesis;
        let merged = RawHypothesis {
            sentence: raw.sentence.clone(),
            contrasts: raw.contrasts.clone().unwrap_or_else(|| primary.contrasts.clone()),
            cells: raw.cells.clone().unwrap_or_else(|| primary.cells.clone()),
            metric: raw.metric.clone().unwrap_or_else(|| primary.metric.clone()),
            relation: raw.relation.clone().unwrap_or_else(|| primary.relation.clone()),
            average_over: raw.average_over.clone().unwrap_or_else(|| primary.average_over.clone()),
            holds: raw.holds.clone().unwrap_or_else(|| primary.holds.clone()),
        };
        Ok(Reading {
            id: raw.id.as_ref().clone(),
            hypothesis: self.hypothesis(&merged)?,
            shown: raw.shown.clone(),
        })
    }

    fn hypothesis(&self, raw: &RawHypothesis) -> Checked<Hypothesis> {
        let metric = self.metric(&raw.metric)?;
        let contrasts = raw
            .contrasts
            .iter()
            .map(|contrast| self.contrast(contrast, &raw.cells, &metric))
            .collect::<Checked<Vec<_>>>()?;
        if contrasts.is_empty() {
            return fault(raw.holds.span(), "a hypothesis needs at least one contrast");
        }
        let average_over: BTreeSet<Axis> = raw.average_over.iter().copied().collect();
        let mut units = 0;
        for contrast in &contrasts {
            let averaged: BTreeSet<Cell> = contrast
                .cells
                .iter()
                .map(|cell| {
                    average_over.iter().fold(cell.clone(), |cell, axis| cell.without(*axis))
                })
                .collect();
            units += averaged.len();
        }
        for axis in &average_over {
            let fixed = |cell: &Cell| cell.without(*axis) != *cell;
            if !contrasts.iter().any(|contrast| contrast.cells.iter().any(fixed)) {
                return fault(
                    raw.holds.span(),
                    format!("average_over names {axis:?}, which no cell varies").to_lowercase(),
                );
            }
        }
        Ok(Hypothesis {
            sentence: raw.sentence.clone(),
            contrasts,
            metric,
            relation: relation(&raw.relation)?,
            average_over,
            holds: holds(&raw.holds, units)?,
        })
    }

    fn metric(&self, raw: &Spanned<RawMetric>) -> Checked<Metric> {
        Ok(match raw.as_ref() {
            RawMetric::Accuracy(at) => Metric::Accuracy(moment(*at, raw.span())?),
            RawMetric::Loss(at) => Metric::Loss(moment(*at, raw.span())?),
            RawMetric::EpochsTo(Threshold::Accuracy(percent))
                if !(*percent > 0.0 && *percent <= 100.0) =>
            {
                return fault(raw.span(), "an accuracy to reach lies in 0 to 100 percent");
            }
            RawMetric::EpochsTo(Threshold::FinalAccuracyOf(source)) => {
                self.source(source, &raw.span())?;
                Metric::EpochsTo(Threshold::FinalAccuracyOf(source.clone()))
            }
            RawMetric::EpochsTo(threshold) => Metric::EpochsTo(threshold.clone()),
            RawMetric::InfluenceMatch => Metric::InfluenceMatch,
        })
    }

    fn contrast(
        &self,
        raw: &Spanned<RawContrast>,
        cells: &RawCells,
        metric: &Metric,
    ) -> Checked<Contrast> {
        let at = raw.span();
        let raw = raw.as_ref();
        let mut terms = Vec::new();
        // In the order in which the spec has them, which a map loses and the places in it keep.
        let mut in_order: Vec<(&Name, f64)> =
            raw.terms.iter().map(|(name, &weight)| (name, weight)).collect();
        in_order.sort_by_key(|(name, _)| name.span().start);
        for (name, weight) in in_order {
            if !weight.is_finite() || weight == 0.0 {
                return fault(
                    name.span(),
                    format!("the weight of `{}` is {weight}", name.as_ref()),
                );
            }
            let arm = self.arm(name)?;
            let timed = matches!(metric, Metric::EpochsTo(_) | Metric::InfluenceMatch);
            if timed && arm.at.is_some() {
                return fault(name.span(), "an arm with `at` can't be read by this metric");
            }
            terms.push(Term { weight, arm });
        }
        let sum: f64 = terms.iter().map(|term| term.weight).sum();
        if terms.len() < 2 || sum.abs() > 1e-12 {
            return fault(at, format!("the weights of a contrast sum to zero, not to {sum}"));
        }
        let cells = self.cells(raw.cells.as_ref().unwrap_or(cells), &at)?;
        for term in &terms {
            self.fits(&term.arm, &cells, &at)?;
        }
        if terms.windows(2).any(|pair| same_records(&pair[0].arm, &pair[1].arm)) {
            return fault(at, "two arms of this contrast are the same runs: it is always zero");
        }
        Ok(Contrast { label: label::contrast(&terms, self.world), terms, cells })
    }

    /// Each coordinate is fixed by the arm or by the cell, not by both and not by neither.
    fn fits(&self, arm: &Arm, cells: &[Cell], at: &Range<usize>) -> Checked<()> {
        let first = &cells[0];
        let coordinates = [
            ("target", !arm.target.is_empty(), first.target.is_some()),
            ("images", !arm.images.is_empty(), first.images.is_some()),
            ("blocks", !arm.blocks.is_empty(), first.blocks.is_some()),
            ("resolution", !arm.resolution.is_empty(), first.resolution.is_some()),
        ];
        for (name, of_arm, of_cell) in coordinates {
            if of_arm && of_cell {
                let arm = &arm.name;
                let what = format!("arm `{arm}` fixes {name}, and so do the cells: leave one out");
                return fault(at.clone(), what);
            }
            // Native resolution is the one coordinate that nobody has to name.
            if !of_arm && !of_cell && name != "resolution" {
                let arm = &arm.name;
                return fault(at.clone(), format!("nothing fixes {name} for arm `{arm}`"));
            }
        }
        Ok(())
    }

    fn cells(&self, raw: &RawCells, at: &Range<usize>) -> Checked<Vec<Cell>> {
        fn each<T: Clone>(values: &[T]) -> Vec<Option<T>> {
            if values.is_empty() { vec![None] } else { values.iter().cloned().map(Some).collect() }
        }
        let target = self.targets(raw.target.as_ref())?;
        let images = many(raw.images.as_ref(), at)?;
        let blocks = many(raw.blocks.as_ref(), at)?;
        let resolution = many(raw.resolution.as_ref(), at)?;
        let mut cells = Vec::new();
        for target in &each(&target) {
            for &images in &each(&images) {
                for &blocks in &each(&blocks) {
                    for &resolution in &each(&resolution) {
                        cells.push(Cell { target: target.clone(), images, blocks, resolution });
                    }
                }
            }
        }
        Ok(cells)
    }

    fn arm(&self, name: &Name) -> Checked<Arm> {
        let Some((key, raw)) = self.raw.arms.iter().find(|(arm, _)| arm.as_ref() == name.as_ref())
        else {
            let names = self.raw.arms.keys().map(|arm| arm.as_ref().as_str());
            let hint = did_you_mean(name.as_ref(), names);
            return fault(name.span(), format!("unknown arm `{}`{hint}", name.as_ref()));
        };
        let RawArm { source, target, blocks, images, resolution, at } = raw;
        let Some(source) = source else {
            return fault(key.span(), format!("arm `{}` names no source", key.as_ref()));
        };
        for name in &source.as_ref().0 {
            self.source(name, &source.span())?;
        }
        let sources = many(Some(source.as_ref()), &source.span())?;
        Ok(Arm {
            name: key.as_ref().clone(),
            source: sources.into_iter().map(Arc::from).collect(),
            target: self.targets(target.as_ref())?,
            blocks: many(blocks.as_ref(), &key.span())?,
            images: many(images.as_ref(), &key.span())?,
            resolution: many::<Resolution>(resolution.as_ref(), &key.span())?,
            at: at.map(|at| moment(at, key.span())).transpose()?,
        })
    }

    fn source(&self, name: &str, at: &Range<usize>) -> Checked<()> {
        if self.world.sources.contains_key(name) {
            return Ok(());
        }
        let hint = did_you_mean(name, self.world.sources.keys().map(String::as_str));
        fault(at.clone(), format!("unknown source `{name}`{hint}"))
    }

    fn targets(&self, raw: Option<&Spanned<OneOrMany<String>>>) -> Checked<Vec<Arc<str>>> {
        let Some(raw) = raw else { return Ok(Vec::new()) };
        let mut targets = Vec::new();
        for name in many(Some(raw.as_ref()), &raw.span())? {
            let Some(members) = self.world.expand(&name) else {
                let hint = did_you_mean(&name, self.world.target_names());
                return fault(raw.span(), format!("unknown target `{name}`{hint}"));
            };
            targets.extend(members);
        }
        match first_twice(&targets) {
            Some(target) => fault(raw.span(), format!("target `{target}` stands there twice")),
            None => Ok(targets),
        }
    }

    fn plot(&self, raw: &RawPlot) -> Checked<Plot> {
        let lines = raw.lines.iter().map(|name| self.arm(name)).collect::<Checked<Vec<_>>>()?;
        if lines.is_empty() || (raw.difference && lines.len() < 2) {
            return fault(raw.id.span(), "a plot needs a line, and a difference needs two");
        }
        let cells = self.cells(&raw.cells, &raw.id.span())?;
        for arm in &lines {
            self.fits(arm, &cells, &raw.id.span())?;
        }
        // A panel is a target and a curve is an arm: nothing else but the axis may vary.
        let panels = |cell: &Cell| match raw.x {
            PlotAxis::Images => cell.without(Axis::Images),
            PlotAxis::Blocks => cell.without(Axis::Blocks),
            PlotAxis::Resolution => cell.without(Axis::Resolution),
            PlotAxis::Epoch => cell.clone(),
        };
        let shapes: BTreeSet<Cell> =
            cells.iter().map(|cell| panels(cell).without(Axis::Target)).collect();
        if shapes.len() > 1 {
            let what = "the cells of a plot may vary targets and what lies along x, nothing else";
            return fault(raw.id.span(), what);
        }
        Ok(Plot {
            id: raw.id.as_ref().clone(),
            title: raw.title.clone(),
            x: raw.x,
            lines,
            cells,
            difference: raw.difference,
        })
    }

    fn every_arm_is_used(&self) -> Checked<()> {
        let readings = self.raw.readings.iter().filter_map(|reading| reading.contrasts.as_ref());
        let contrasts = std::iter::once(&self.raw.hypothesis.contrasts).chain(readings).flatten();
        let mut used: BTreeSet<&str> = contrasts
            .flat_map(|contrast| contrast.as_ref().terms.keys())
            .map(|name| name.as_ref().as_str())
            .collect();
        used.extend(
            self.raw.plots.iter().flat_map(|plot| &plot.lines).map(|name| name.as_ref().as_str()),
        );
        match self.raw.arms.keys().find(|name| !used.contains(name.as_ref().as_str())) {
            Some(name) => fault(name.span(), format!("nothing uses arm `{}`", name.as_ref())),
            None => Ok(()),
        }
    }
}

fn many<T: Clone + PartialEq + std::fmt::Debug>(
    raw: Option<&OneOrMany<T>>,
    at: &Range<usize>,
) -> Checked<Vec<T>> {
    let Some(OneOrMany(values)) = raw else { return Ok(Vec::new()) };
    if values.is_empty() {
        return fault(at.clone(), "an empty list fixes nothing: leave the field out");
    }
    match first_twice(values) {
        Some(value) => fault(at.clone(), format!("{value:?} stands there twice")),
        None => Ok(values.clone()),
    }
}

fn first_twice<T: PartialEq>(values: &[T]) -> Option<&T> {
    values
        .iter()
        .enumerate()
        .find(|(index, value)| values[..*index].contains(value))
        .map(|(_, v)| v)
}

fn same_records(left: &Arm, right: &Arm) -> bool {
    left.keys(&Cell::default()) == right.keys(&Cell::default())
        && (&left.source, &left.target, &left.blocks, &left.images, &left.resolution)
            == (&right.source, &right.target, &right.blocks, &right.images, &right.resolution)
        && left.at == right.at
}

fn moment(at: Moment, span: Range<usize>) -> Checked<Moment> {
    match at {
        Moment::Epoch(0) => fault(span, "epochs are counted from 1"),
        Moment::FromShare(share) if !(share > 0.0 && share <= 1.0) => {
            fault(span, "from_share is a share of the schedule, above 0 and up to 1")
        }
        at => Ok(at),
    }
}

fn relation(raw: &Spanned<RawRelation>) -> Checked<Relation> {
    let (relation, valid, what) = match *raw.as_ref() {
        RawRelation::GreaterThan(margin) => {
            (Relation::GreaterThan(margin), margin.is_finite(), "must be a number")
        }
        RawRelation::NotWorseThan(margin) => {
            let valid = margin.is_finite() && margin >= 0.0;
            (Relation::NotWorseThan(margin), valid, "can't be negative")
        }
        RawRelation::EquivalentWithin(margin) => {
            let valid = margin.is_finite() && margin > 0.0;
            (Relation::EquivalentWithin(margin), valid, "must be positive")
        }
    };
    if valid { Ok(relation) } else { fault(raw.span(), format!("this margin {what}")) }
}

fn holds(raw: &Spanned<RawHolds>, units: usize) -> Checked<Holds> {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of at most some hundred cells"
    )]
    let least = match *raw.as_ref() {
        RawHolds::Every => return Ok(Holds::Every),
        RawHolds::AtLeast(least) => least,
        RawHolds::AtLeastShare(share) if !(share > 0.0 && share <= 1.0) => {
            return fault(raw.span(), "a share of cells lies above 0 and up to 1");
        }
        // The rounding up must not make 49 of 54 * 0.9 = 48.6 a 50 for a last bit of 0.9.
        RawHolds::AtLeastShare(share) => (share * units as f64 - 1e-9).ceil() as usize,
    };
    if least == 0 || least > units {
        return fault(raw.span(), format!("{least} cells must hold, and there are {units}"));
    }
    Ok(Holds::AtLeast(least))
}
