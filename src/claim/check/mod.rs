//! Checks a spec and makes a claim of it: the world knows every name, each arm and its cells
//! together fix every coordinate exactly once, and no part contradicts another. A claim that passes
//! can't fail later because of its spec.

mod association;
mod coordinates;
mod hypothesis;
mod of_study;
mod repeated;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use miette::{NamedSource, SourceSpan};
use serde::Deserialize;
use toml::de::{DeTable, Deserializer};

use super::{
    Arm, Axis, Cell, Claim, Design, Expected, Metric, Plot, PlotAxis, SecondaryHypothesis,
    digest::digest,
    raw::{Name, RawArm, RawClaim, RawDesign, RawHypothesis, RawPlot, RawSecondaryHypothesis},
};
use crate::{
    experiment::EvidenceKind,
    stats::{Alpha, Looks, MOST_SEEDS},
    study::{TODO, open_line},
    util::{
        OldSpelling,
        spelling::{self, HIDDEN, Renamed},
        suggest::{did_you_mean, with_suggestion},
    },
    world::World,
};

/// An error in a spec, with its place.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{file}, line {line}: {what}")]
pub struct ClaimError {
    /// The file's name.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, with the nearest valid name if one is near.
    pub what: String,
    #[source_code]
    source_code: NamedSource<String>,
    /// `None` where the error has no place within one line.
    #[label("here")]
    span: Option<SourceSpan>,
    #[help]
    help: String,
}

/// An error and its place, in bytes.
struct Fault {
    at: Range<usize>,
    what: String,
    help: &'static str,
}

type Checked<T> = Result<T, Fault>;

/// Help with a spec that is not in the format.
pub(crate) const GRAMMAR: &str = "see the format in claims/schemas/claim.schema.json";

/// Help with a name that the world does not know.
pub const NAMES: &str =
    "add your own targets and source models in worlds/own.toml in your folder of claims";

/// Spellings of older versions.
const RENAMED: [Renamed; 7] = [
    Renamed::Key { at: &[], old: "sentence", new: "statement" },
    Renamed::Key { at: &["hypothesis"], old: "sentence", new: "statement" },
    Renamed::Key { at: &["reading"], old: "sentence", new: "statement" },
    Renamed::Key { at: &["reading"], old: "shown", new: "descriptive" },
    Renamed::Key { at: &["reading", "descriptive"], old: "because", new: "reason" },
    Renamed::Key { at: &["arms", "*"], old: "draw", new: "seed_stream" },
    Renamed::Key { at: &["expected"], old: "sister", new: "salman" },
];

/// Ids of figures that a claim has beside its own: a plot of this id would write the same file.
const DRAWN: [&str; 2] = ["forest", "gallery"];

/// An unknown target or source model.
fn unknown<T>(at: Range<usize>, what: impl Into<String>) -> Checked<T> {
    Err(Fault { at, what: what.into(), help: NAMES })
}

fn fault<T>(at: Range<usize>, what: impl Into<String>) -> Checked<T> {
    Err(Fault { at, what: what.into(), help: GRAMMAR })
}

/// Parses and checks one spec.
///
/// # Errors
/// The first error in it, with file, line and, for a wrong name, the nearest valid name.
pub fn claim(file: &str, text: &str, world: &World) -> Result<Claim, Box<ClaimError>> {
    claim_with_notes(file, text, world).map(|(claim, _)| claim)
}

/// As [`claim`], with the old spellings that the spec has.
pub(super) fn claim_with_notes(
    file: &str,
    text: &str,
    world: &World,
) -> Result<(Claim, Vec<OldSpelling>), Box<ClaimError>> {
    let outcome = read(text, world.study.is_some()).and_then(|(raw, found)| {
        let claim = Checker { world, arms: &raw.arms }.claim(&raw)?;
        Ok((claim, found.notes(file, text)))
    });
    outcome.map_err(|Fault { at, what, help }| {
        let start = at.start.min(text.len());
        Box::new(ClaimError {
            file: file.to_owned(),
            line: spelling::line(text, start),
            what,
            source_code: NamedSource::new(file, text.to_owned()).with_language("toml"),
            span: within_a_line(text, start..at.end.clamp(start, text.len())),
            help: help.to_owned(),
        })
    })
}

/// A spec as written, its old spellings replaced.
fn read(text: &str, of_study: bool) -> Checked<(RawClaim, spelling::Found)> {
    let malformed = |error: toml::de::Error| Fault {
        at: error.span().unwrap_or(0..0),
        what: with_suggestion(error.message()),
        help: GRAMMAR,
    };
    if let Some(line) = open_line(text) {
        let start = text.split_inclusive('\n').take(line - 1).map(str::len).sum::<usize>();
        return fault(start..start, format!("a {TODO} is left on this line: decide it"));
    }
    let mut document = DeTable::parse(text).map_err(malformed)?;
    let found = spelling::modernise(document.get_mut(), &RENAMED).map_err(|both| Fault {
        what: both.to_string(),
        at: both.at,
        help: GRAMMAR,
    })?;
    if let Some(at) = spelling::hidden(document.get_ref()) {
        return fault(at, HIDDEN);
    }
    if of_study {
        super::of_study::rewrite(document.get_mut());
    }
    let raw = RawClaim::deserialize(Deserializer::from(document)).map_err(malformed)?;
    Ok((raw, found))
}

/// Checks one figure of the catalogue of figures, which has its own arms, as a claim's plots are
/// checked.
///
/// # Errors
/// The first error in it.
pub fn plot(raw: &RawPlot, arms: &BTreeMap<Name, RawArm>, world: &World) -> Result<Plot, String> {
    Checker { world, arms }.plot(raw, None).map_err(|fault| fault.what)
}

/// A place to mark in an error: none for a missing key, whose place is a whole table or file.
fn within_a_line(text: &str, at: Range<usize>) -> Option<SourceSpan> {
    let marked = text.get(at.clone())?;
    (!marked.is_empty() && !marked.contains('\n')).then(|| at.into())
}

/// Checks an arm of a figure's difference, which needs no curve of its own, against its cells.
///
/// # Errors
/// The first error in it.
pub fn arm_of_plot(
    name: &Name,
    plot: &Plot,
    arms: &BTreeMap<Name, RawArm>,
    world: &World,
) -> Result<Arm, String> {
    let arm = Checker { world, arms }.arm(name).map_err(|fault| fault.what)?;
    coordinates::fits(&arm, &plot.cells, &name.span(), None).map_err(|fault| fault.what)?;
    Ok(arm)
}

struct Checker<'a> {
    world: &'a World,
    arms: &'a BTreeMap<Name, RawArm>,
}

/// Checks the id of a claim, a reading or a plot: file names and addresses contain it.
fn checked_id(name: &Name) -> Checked<String> {
    let id = name.as_ref();
    let first = id.starts_with(|first: char| first.is_ascii_lowercase());
    let is_valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if first && id.chars().all(is_valid) {
        Ok(id.clone())
    } else {
        fault(name.span(), "an id has the characters a-z, 0-9 and _, and begins with a letter")
    }
}

impl Checker<'_> {
    fn claim(&self, raw: &RawClaim) -> Checked<Claim> {
        if raw.format != 1 {
            return fault(0..0, format!("format is {}: this version reads format 1", raw.format));
        }
        let id = checked_id(&raw.id)?;
        let design = design(&raw.design)?;
        let mut hypothesis = self.hypothesis(&raw.hypothesis)?;
        let Design { looks, alpha, .. } = &design;
        hypothesis.digest = Some(digest(&raw.hypothesis, self.arms, looks, *alpha, None));
        let readings = self.readings(raw, &design)?;
        if let (Some(_), Some(first)) = (&self.world.study, raw.associations.first()) {
            let what = "claims about a study's log have no associations with similarity";
            return fault(first.id.span(), what);
        }
        let associations = self.associations(&raw.associations)?;
        let mut seen = BTreeSet::new();
        let plot = |raw: &RawPlot| {
            let id = checked_id(&raw.id)?;
            if DRAWN.contains(&&*id) {
                let what = format!("`{id}` is a figure that every report draws: give another id");
                return fault(raw.id.span(), what);
            }
            if !seen.insert(id) {
                return fault(
                    raw.id.span(),
                    format!("two plots have the id `{}`", raw.id.as_ref()),
                );
            }
            self.plot(raw, Some(&hypothesis.metric))
        };
        let plots = raw.plots.iter().map(plot).collect::<Checked<Vec<_>>>()?;
        every_arm_is_used(raw)?;
        let mut expected = BTreeMap::new();
        for (name, raw) in &raw.expected {
            let Some(kind) = EvidenceKind::named(name.as_ref()) else {
                let hint = did_you_mean(name.as_ref(), EvidenceKind::NAMES);
                return fault(name.span(), format!("unknown evidence `{}`{hint}", name.as_ref()));
            };
            let (reason, caveats) = (raw.reason.clone(), raw.caveats.clone());
            let (verdict, or) = (raw.verdict, raw.or);
            expected.insert(kind, Expected { verdict, or, reason, caveats });
        }
        Ok(Claim {
            id,
            title: raw.title.clone(),
            statement: raw.statement.clone(),
            paper: raw.paper.clone(),
            design,
            hypothesis,
            readings,
            associations,
            plots,
            caveats: raw.caveats.clone(),
            expected,
            is_own: false,
        })
    }

    fn readings(&self, claim: &RawClaim, design: &Design) -> Checked<Vec<SecondaryHypothesis>> {
        let Design { secondary_looks, alpha, .. } = design;
        // Each reading as a whole hypothesis, so that a later one may repeat it.
        let mut whole: BTreeMap<&str, RawHypothesis> = BTreeMap::new();
        let mut readings = Vec::new();
        for raw in &claim.readings {
            let id = checked_id(&raw.id)?;
            if whole.contains_key(&*id) {
                return fault(raw.id.span(), format!("two readings have the id `{id}`"));
            }
            let repeated = match &raw.of {
                None => &claim.hypothesis,
                Some(of) => match whole.get(of.as_ref().as_str()) {
                    Some(earlier) => earlier,
                    None => {
                        let of = of.as_ref();
                        let hint = did_you_mean(of, whole.keys().copied());
                        let what = format!("unknown reading `{of}` above this one{hint}");
                        return fault(raw.id.span(), what);
                    }
                },
            };
            let merged = merged(raw, repeated);
            let descriptive = raw.descriptive.clone();
            let mut hypothesis = self.hypothesis(&merged)?;
            let digest = digest(&merged, self.arms, secondary_looks, *alpha, descriptive.as_ref());
            hypothesis.digest = Some(digest);
            readings.push(SecondaryHypothesis { id, hypothesis, descriptive });
            whole.insert(raw.id.as_ref(), merged);
        }
        Ok(readings)
    }

    /// `of` is the metric of the claim's hypothesis, which a plot of a study's log has by default.
    fn plot(&self, raw: &RawPlot, of: Option<&Metric>) -> Checked<Plot> {
        let lines = raw.lines.iter().map(|name| self.arm(name)).collect::<Checked<Vec<_>>>()?;
        if lines.is_empty() || (raw.difference && lines.len() < 2) {
            return fault(
                raw.id.span(),
                "a plot needs at least one line, and a difference needs two",
            );
        }
        let cells = self.cells(&raw.cells, &raw.id.span())?;
        for arm in &lines {
            coordinates::fits(arm, &cells, &raw.id.span(), self.world.study.as_deref())?;
        }
        let differences = match lines.as_slice() {
            [first, second, ..] if raw.difference => vec![(first.clone(), second.clone())],
            _ => Vec::new(),
        };
        let (id, title) = (raw.id.as_ref().clone(), raw.title.clone());
        if let Some(study) = &self.world.study {
            let own = raw.metric.as_ref().map(|metric| self.metric(metric)).transpose()?;
            let (x, metric) = of_study::plot(study, raw, own.as_ref().or(of), &cells)?;
            let metric = Some(metric);
            return Ok(Plot { id, title, x, lines, cells, differences, metric });
        }
        if let Some(metric) = &raw.metric {
            return fault(metric.span(), "a plot has a metric where the folder has a log.toml");
        }
        // A panel is a target and a curve is an arm, so cells may vary only in target and axis.
        let panels = |cell: &Cell| match raw.x.as_ref() {
            PlotAxis::Images => cell.without(&Axis::Images),
            PlotAxis::Blocks => cell.without(&Axis::Blocks),
            PlotAxis::Resolution => cell.without(&Axis::Resolution),
            PlotAxis::Epoch | PlotAxis::Rank | PlotAxis::Own(_) => cell.clone(),
        };
        if let PlotAxis::Own(name) = raw.x.as_ref() {
            let known = ["images", "epoch", "blocks", "resolution", "rank"];
            let hint = did_you_mean(name, known);
            let known = known.join(", ");
            let what = format!("unknown axis `{name}`{hint}; the axes are {known}");
            return fault(raw.x.span(), what);
        }
        let shapes: BTreeSet<Cell> =
            cells.iter().map(|cell| panels(cell).without(&Axis::Target)).collect();
        if shapes.len() > 1 {
            let what = "the cells of a plot may vary only in the target and along x";
            return fault(raw.id.span(), what);
        }
        Ok(Plot { id, title, x: raw.x.as_ref().clone(), lines, cells, differences, metric: None })
    }
}

/// A reading as a whole: the hypothesis that it repeats, with parts replaced.
fn merged(raw: &RawSecondaryHypothesis, of: &RawHypothesis) -> RawHypothesis {
    RawHypothesis {
        statement: raw.statement.clone(),
        contrasts: raw.contrasts.clone().unwrap_or_else(|| of.contrasts.clone()),
        cells: raw.cells.clone().unwrap_or_else(|| of.cells.clone()),
        metric: raw.metric.clone().unwrap_or_else(|| of.metric.clone()),
        relation: raw.relation.clone().unwrap_or_else(|| of.relation.clone()),
        average_over: raw.average_over.clone().unwrap_or_else(|| of.average_over.clone()),
        holds: raw.holds.clone().unwrap_or_else(|| of.holds.clone()),
        over: raw.over.unwrap_or(of.over),
        shared_runs: of.shared_runs,
    }
}

fn design(raw: &RawDesign) -> Checked<Design> {
    let g = *raw.e_value_g.as_ref();
    if !(g.is_finite() && g > 0.0) {
        return fault(raw.e_value_g.span(), "e_value_g must be a positive number");
    }
    let alpha = match Alpha::new(*raw.alpha.as_ref()) {
        Ok(alpha) => alpha,
        Err(error) => return fault(raw.alpha.span(), error.to_string()),
    };
    let looks = match Looks::new(raw.looks.as_ref().clone()) {
        Ok(looks) if looks.last() > MOST_SEEDS => {
            let what = format!("a look at {} seeds: the limit is {MOST_SEEDS}", looks.last());
            return fault(raw.looks.span(), what);
        }
        Ok(looks) => looks,
        Err(error) => return fault(raw.looks.span(), error.to_string()),
    };
    let limit = *raw.reading_seeds.as_ref();
    let within = looks.seeds().iter().copied().filter(|look| *look <= limit);
    let secondary_looks = match Looks::new(within.collect()) {
        Ok(looks) => looks,
        Err(_) => {
            let first = looks.seeds()[0];
            let what =
                format!("reading_seeds is {limit}: readings need at least the first look, {first}");
            return fault(raw.reading_seeds.span(), what);
        }
    };
    Ok(Design { looks, secondary_looks, alpha, e_value_g: g })
}

fn every_arm_is_used(raw: &RawClaim) -> Checked<()> {
    let readings = raw.readings.iter().filter_map(|reading| reading.contrasts.as_ref());
    let contrasts = std::iter::once(&raw.hypothesis.contrasts).chain(readings).flatten();
    let mut used: BTreeSet<&str> = contrasts
        .flat_map(|contrast| contrast.as_ref().terms.keys())
        .map(|name| name.as_ref().as_str())
        .collect();
    let effects = raw.associations.iter().flat_map(|of| of.effect.as_ref().keys());
    used.extend(effects.map(|name| name.as_ref().as_str()));
    used.extend(raw.plots.iter().flat_map(|plot| &plot.lines).map(|name| name.as_ref().as_str()));
    match raw.arms.keys().find(|name| !used.contains(name.as_ref().as_str())) {
        Some(name) => {
            fault(name.span(), format!("no contrast and no plot uses arm `{}`", name.as_ref()))
        }
        None => Ok(()),
    }
}
