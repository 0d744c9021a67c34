//! The figures of the paper and of its reproduction, by name: a list as data
//! (`claims/worlds/figures.toml`), applied to a world. Figures read records by the same keys as
//! claims. [`missing`] finds missing records and the commands that provide them; `report` renders.

mod missing;
mod raw;

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

pub use missing::{MissingRecords, missing};
use raw::{RawCurves, RawFigure, RawFigureCatalogue};

use crate::{
    claim::{
        Arm, Cell, InfluenceMatch, Metric, Plot, PlotAxis, Share, check, raw::Name, raw::RawPlot,
    },
    evidence::Evidence,
    experiment::{EvidenceKind, Inverse, Key, Moment, Ranking},
    util::suggest::did_you_mean,
    world::World,
};

/// The embedded list.
const EMBEDDED: &str = include_str!("../../../claims/worlds/figures.toml");

/// Every figure, applied to one world.
#[derive(Clone, Debug)]
pub struct FigureCatalogue {
    /// The figures, in display order.
    pub figures: Vec<Figure>,
}

/// One figure.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Its name: `2` to `6` are the paper's, `A1` to `A13` the reproduction's.
    pub name: String,
    /// Title.
    pub title: String,
    /// What is drawn.
    pub content: Content,
}

/// What a figure draws.
#[derive(Clone, Debug)]
pub enum Content {
    /// Curves of accuracy, or of influence by rank.
    Curves(Box<Curves>),
    /// Test images with their most influential training image, one column per line.
    Pictures(Box<Curves>),
}

/// Curves applied to a world.
#[derive(Clone, Debug)]
pub struct Curves {
    /// The curves.
    pub plot: Plot,
    /// The paper's figure whose published means are drawn behind.
    pub published_figure: Option<String>,
    /// One sentence per target that replaces one of the original figure.
    pub stand_ins: Vec<String>,
}

/// No figure has this name.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("unknown figure `{name}`{hint}")]
#[diagnostic(code(figure::unknown))]
pub struct UnknownFigure {
    name: String,
    hint: String,
}

impl FigureCatalogue {
    /// The embedded figures, applied to a world.
    ///
    /// # Panics
    /// Never in a released program: a test reads the embedded list in every world.
    #[must_use]
    pub fn new(world: &World) -> Self {
        Self::read(EMBEDDED, world)
            .unwrap_or_else(|what| panic!("claims/worlds/figures.toml: {what}"))
    }

    fn read(text: &str, world: &World) -> Result<Self, String> {
        let raw: RawFigureCatalogue = toml::from_str(text).map_err(|error| error.to_string())?;
        if raw.format != 1 {
            return Err(format!("format is {}, this version reads 1", raw.format));
        }
        let figure = |figure: &RawFigure| {
            let read = |curves: &RawCurves| Curves::read(figure, curves, &raw, world).map(Box::new);
            let content = match (&figure.curves, &figure.pictures) {
                (Some(curves), None) => read(curves).map(Content::Curves),
                (None, Some(pictures)) => read(pictures).map(Content::Pictures),
                _ => Err("it must have either curves or pictures".to_owned()),
            };
            let content = content.map_err(|what| format!("figure {}: {what}", figure.name))?;
            Ok(Figure { name: figure.name.clone(), title: figure.title.clone(), content })
        };
        let figures: Vec<Figure> = raw.figures.iter().map(figure).collect::<Result<_, String>>()?;
        let names: BTreeSet<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
        if names.len() == figures.len() {
            Ok(Self { figures })
        } else {
            Err("two figures have the same name".to_owned())
        }
    }

    /// The figures with these names, in display order; `all` selects every figure.
    ///
    /// # Errors
    /// If a name is unknown; the error suggests the nearest one.
    pub fn select(&self, names: &[String]) -> Result<Vec<&Figure>, UnknownFigure> {
        let known = || self.figures.iter().map(|figure| figure.name.as_str());
        for name in names.iter().filter(|name| *name != "all") {
            if !known().any(|known| known == name) {
                // Names are short, so the case must match before the nearest one is useful.
                let hint = did_you_mean(&name.to_uppercase(), known());
                return Err(UnknownFigure { name: name.clone(), hint });
            }
        }
        let all = names.iter().any(|name| name == "all");
        let selected = |figure: &&Figure| all || names.contains(&figure.name);
        Ok(self.figures.iter().filter(selected).collect())
    }
}

impl Curves {
    fn read(
        figure: &RawFigure,
        curves: &RawCurves,
        catalogue: &RawFigureCatalogue,
        world: &World,
    ) -> Result<Self, String> {
        let raw = RawPlot {
            id: Spanned::new(0..0, figure.name.clone()),
            title: figure.title.clone(),
            x: Spanned::new(0..0, curves.x.clone()),
            lines: curves.lines.clone(),
            cells: curves.cells.clone(),
            metric: None,
            difference: false,
        };
        let mut plot = check::plot(&raw, &catalogue.arms, world)?;
        let arm = |name: &Name| check::arm_of_plot(name, &plot, &catalogue.arms, world);
        let pair = |[first, second]: &[Name; 2]| Ok((arm(first)?, arm(second)?));
        plot.differences = curves.differences.iter().map(pair).collect::<Result<_, String>>()?;
        let stand_ins = replace_targets(&mut plot, world);
        if curves.full_training_set {
            plot.cells.extend(full_training_sets(&plot.cells, world));
        }
        Ok(Self { plot, published_figure: curves.published_figure.clone(), stand_ins })
    }

    /// The metric of the first step of the axis; it determines the keys of records.
    #[must_use]
    pub fn metric(&self) -> Metric {
        match self.plot.x {
            PlotAxis::Rank => Metric::InfluenceMatch(InfluenceMatch {
                share: Share::Rank(1),
                inverse: Inverse::AUTHORS,
                by: Ranking::Influence,
            }),
            _ => Metric::Accuracy(Moment::Last),
        }
    }
}

/// Replaces targets that are not available in the world by its stand-ins, in the title too. Returns
/// one sentence per replacement.
fn replace_targets(plot: &mut Plot, world: &World) -> Vec<String> {
    let mut sentences = BTreeMap::new();
    for cell in &mut plot.cells {
        let Some(target) = &cell.target else { continue };
        let (original, Some(other)) = (target.to_string(), world.stand_ins.get(&**target)) else {
            continue;
        };
        let reason = world.absent.get(&original).map(|reason| format!(" ({reason})"));
        let sentence = format!(
            "{} replaces {}, which is not available in the {} set-up{}.",
            world.title(other),
            World::paper().title(&original),
            world.id,
            reason.unwrap_or_default()
        );
        plot.title = plot.title.replace(World::paper().title(&original), world.title(other));
        sentences.insert(original, sentence);
        cell.target = Some(other.as_str().into());
    }
    sentences.into_values().collect()
}

/// A cell for each target with its full training set, or as many images as the world allows.
fn full_training_sets(cells: &[Cell], world: &World) -> Vec<Cell> {
    let mut added: Vec<Cell> = Vec::new();
    for cell in cells {
        let target = cell.target.as_ref().and_then(|target| world.targets.get(&**target));
        let images = target.map(|target| target.max_images.unwrap_or(target.train));
        let cell = Cell { images, ..cell.clone() };
        if cell.images.is_some() && !cells.contains(&cell) && !added.contains(&cell) {
            added.push(cell);
        }
    }
    added
}

/// Every key that figures need, with the names of these figures.
#[must_use]
pub fn needed_keys(figures: &[&Figure]) -> BTreeMap<Key, BTreeSet<String>> {
    let mut needed: BTreeMap<Key, BTreeSet<String>> = BTreeMap::new();
    for figure in figures {
        for key in figure.keys() {
            needed.entry(key).or_default().insert(format!("figure {}", figure.name));
        }
    }
    needed
}

impl Figure {
    /// Its origin, such as `Figure 2 of the paper`.
    #[must_use]
    pub fn origin(&self) -> String {
        if self.is_of_the_paper() {
            format!("Figure {} of the paper", self.name)
        } else {
            format!("Figure {} of the reproduction", self.name)
        }
    }

    /// Whether it is a figure of the paper; the others are of the reproduction.
    #[must_use]
    pub(crate) fn is_of_the_paper(&self) -> bool {
        !self.name.starts_with('A')
    }

    /// The name of its files for one evidence, without extension.
    #[must_use]
    pub fn file(&self, kind: EvidenceKind) -> String {
        format!("figure-{}-{kind}", self.name)
    }

    /// Every key that it needs.
    #[must_use]
    pub fn keys(&self) -> BTreeSet<Key> {
        let (Content::Curves(curves) | Content::Pictures(curves)) = &self.content;
        let Plot { lines, cells, differences, .. } = &curves.plot;
        let metric = curves.metric();
        let compared = differences.iter().flat_map(|(first, second)| [first, second]);
        let arms: Vec<&Arm> = lines.iter().chain(compared).collect();
        cells.iter().flat_map(|cell| arms.iter().flat_map(|arm| arm.keys(cell, &metric))).collect()
    }

    /// The number of its keys with a record, and the number of its keys. Seeds are not counted.
    #[must_use]
    pub fn coverage(&self, evidence: &Evidence) -> (usize, usize) {
        let keys = self.keys();
        let found = keys.iter().filter(|key| evidence.records.seeds(key).is_some());
        (found.count(), keys.len())
    }
}
