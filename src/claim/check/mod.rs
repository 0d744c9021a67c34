//! From a spec as written to a claim that means something: every name is known to the world, every
//! arm and cell together fix each coordinate exactly once, and no part contradicts another. What
//! passes here can't fail later for a reason that lies in the spec.

mod coordinates;
mod hypothesis;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use miette::{NamedSource, SourceSpan};

use super::{
    Axis, Cell, Claim, Design, Expected, Plot, PlotAxis, Reading,
    raw::{Name, RawArm, RawClaim, RawDesign, RawHypothesis, RawPlot, RawReading},
};
use crate::{
    experiment::EvidenceKind,
    stats::{Alpha, Looks, MOST_SEEDS},
    util::suggest::did_you_mean,
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

/// Help with a spec that breaks the grammar.
pub(crate) const GRAMMAR: &str = "claims/schemas/claim.schema.json has the grammar";

/// Help with a name that the world does not know.
pub const NAMES: &str =
    "targets and source models of your own are named in worlds/own.toml beside your claims";

/// A target or a source that the world does not know.
fn unknown<T>(at: Range<usize>, what: impl Into<String>) -> Checked<T> {
    Err(Fault { at, what: what.into(), help: NAMES })
}

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
        .and_then(|raw| Checker { world, arms: &raw.arms }.claim(&raw));
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

/// Checks one plot of a list of figures that has arms of its own, as a claim's plots are checked.
///
/// # Errors
/// What is wrong with it.
pub fn plot(raw: &RawPlot, arms: &BTreeMap<Name, RawArm>, world: &World) -> Result<Plot, String> {
    Checker { world, arms }.plot(raw).map_err(|fault| fault.what)
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
    arms: &'a BTreeMap<Name, RawArm>,
}

/// An id: of a claim, a reading or a plot. Files and addresses are made of it.
fn checked_id(name: &Name) -> Checked<String> {
    let id = name.as_ref();
    let first = id.starts_with(|first: char| first.is_ascii_lowercase());
    let of_these = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if first && id.chars().all(of_these) {
        Ok(id.clone())
    } else {
        fault(name.span(), "an id is made of a-z, 0-9 and _, a letter first")
    }
}

impl Checker<'_> {
    fn claim(&self, raw: &RawClaim) -> Checked<Claim> {
        if raw.format != 1 {
            return fault(0..0, format!("format is {}, this version reads 1", raw.format));
        }
        let id = checked_id(&raw.id)?;
        let hypothesis = self.hypothesis(&raw.hypothesis)?;
        let readings = self.readings(raw)?;
        let mut seen = BTreeSet::new();
        let plot = |raw: &RawPlot| {
            // Files are called by it.
            if !seen.insert(checked_id(&raw.id)?) {
                return fault(raw.id.span(), format!("a second plot `{}`", raw.id.as_ref()));
            }
            self.plot(raw)
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
            sentence: raw.sentence.clone(),
            stands: raw.paper.clone(),
            design: design(&raw.design)?,
            hypothesis,
            readings,
            plots,
            caveats: raw.caveats.clone(),
            expected,
        })
    }

    fn readings(&self, claim: &RawClaim) -> Checked<Vec<Reading>> {
        let mut seen = BTreeSet::new();
        let mut readings = Vec::new();
        for raw in &claim.readings {
            if !seen.insert(checked_id(&raw.id)?) {
                return fault(raw.id.span(), format!("a second reading `{}`", raw.id.as_ref()));
            }
            readings.push(self.reading(raw, &claim.hypothesis)?);
        }
        Ok(readings)
    }

    /// A reading is the primary hypothesis with parts replaced; it is checked as a whole.
    fn reading(&self, raw: &RawReading, primary: &RawHypothesis) -> Checked<Reading> {
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

    fn plot(&self, raw: &RawPlot) -> Checked<Plot> {
        let lines = raw.lines.iter().map(|name| self.arm(name)).collect::<Checked<Vec<_>>>()?;
        if lines.is_empty() || (raw.difference && lines.len() < 2) {
            return fault(raw.id.span(), "a plot needs a line, and a difference needs two");
        }
        let cells = self.cells(&raw.cells, &raw.id.span())?;
        for arm in &lines {
            coordinates::fits(arm, &cells, &raw.id.span())?;
        }
        // A panel is a target and a curve is an arm: nothing else but the axis may vary.
        let panels = |cell: &Cell| match raw.x {
            PlotAxis::Images => cell.without(Axis::Images),
            PlotAxis::Blocks => cell.without(Axis::Blocks),
            PlotAxis::Resolution => cell.without(Axis::Resolution),
            PlotAxis::Epoch | PlotAxis::Rank => cell.clone(),
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
            differences: if raw.difference { vec![(0, 1)] } else { Vec::new() },
        })
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
            let what = format!("a look at {} seeds: at most {MOST_SEEDS} can be", looks.last());
            return fault(raw.looks.span(), what);
        }
        Ok(looks) => looks,
        Err(error) => return fault(raw.looks.span(), error.to_string()),
    };
    // The first look always is one of theirs: a design of one look has it for all.
    let most = *raw.reading_seeds.as_ref();
    let theirs = looks.seeds().iter().copied().filter(|look| *look <= most);
    let reading_looks = match Looks::new(theirs.collect()) {
        Ok(looks) => looks,
        Err(_) => {
            let first = looks.seeds()[0];
            let what = format!("readings need the first look, of {first} seeds");
            return fault(raw.reading_seeds.span(), what);
        }
    };
    Ok(Design { looks, reading_looks, alpha, e_value_g: g })
}

fn every_arm_is_used(raw: &RawClaim) -> Checked<()> {
    let readings = raw.readings.iter().filter_map(|reading| reading.contrasts.as_ref());
    let contrasts = std::iter::once(&raw.hypothesis.contrasts).chain(readings).flatten();
    let mut used: BTreeSet<&str> = contrasts
        .flat_map(|contrast| contrast.as_ref().terms.keys())
        .map(|name| name.as_ref().as_str())
        .collect();
    used.extend(raw.plots.iter().flat_map(|plot| &plot.lines).map(|name| name.as_ref().as_str()));
    match raw.arms.keys().find(|name| !used.contains(name.as_ref().as_str())) {
        Some(name) => fault(name.span(), format!("nothing uses arm `{}`", name.as_ref())),
        None => Ok(()),
    }
}
