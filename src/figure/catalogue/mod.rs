//! The figures of the paper and of its reproduction, by name: what each draws, as data
//! (`claims/worlds/figures.toml`), filled by a world. They read records by the keys that claims read them
//! by. Drawing them is left to the report; what one lacks, and which command brings it, to [`missing`].

mod missing;
mod raw;

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

pub use missing::{Missing, missing};
use raw::{RawCurves, RawFigure, RawGallery};

use crate::{
    claim::{Cell, InfluenceMatch, Metric, Plot, PlotAxis, Share, check, raw::RawPlot},
    evidence::Evidence,
    experiment::{EvidenceKind, Inverse, Key, Moment},
    util::suggest::did_you_mean,
    world::World,
};

/// The list as it ships with the project.
const SHIPPED: &str = include_str!("../../../claims/worlds/figures.toml");

/// Every figure, as one world has it.
#[derive(Clone, Debug)]
pub struct Gallery {
    /// In the order in which they are shown.
    pub figures: Vec<Figure>,
}

/// One figure.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Its name: `2` to `6` are the paper's, `A1` to `A13` the reproduction's.
    pub name: String,
    /// What it shows, in a few words.
    pub title: String,
    /// What is drawn.
    pub content: Content,
}

/// What a figure draws.
#[derive(Clone, Debug)]
pub enum Content {
    /// Curves of accuracy, or of influence by rank.
    Curves(Box<Curves>),
    /// Test images with the training image that influences each most, by each line's fine-tunes.
    Pictures(Box<Curves>),
}

/// Curves as a world has them.
#[derive(Clone, Debug)]
pub struct Curves {
    /// The curves.
    pub plot: Plot,
    /// The paper's figure whose published means are drawn behind.
    pub behind: Option<String>,
    /// Targets that stand in for those of the original, a sentence each.
    pub stand_ins: Vec<String>,
}

/// Nobody knows this figure.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("unknown figure `{name}`{hint}")]
#[diagnostic(code(figure::unknown))]
pub struct UnknownFigure {
    name: String,
    hint: String,
}

impl Gallery {
    /// The figures that ship with the project, as a world has them.
    ///
    /// # Panics
    /// Never in a built project: the list is embedded, and a test reads it in every world.
    #[must_use]
    pub fn of(world: &World) -> Self {
        Self::read(SHIPPED, world)
            .unwrap_or_else(|what| panic!("claims/worlds/figures.toml: {what}"))
    }

    fn read(text: &str, world: &World) -> Result<Self, String> {
        let raw: RawGallery = toml::from_str(text).map_err(|error| error.to_string())?;
        if raw.format != 1 {
            return Err(format!("format is {}, this version reads 1", raw.format));
        }
        let figure = |figure: &RawFigure| {
            let read = |curves: &RawCurves| Curves::read(figure, curves, &raw, world).map(Box::new);
            let content = match (&figure.curves, &figure.pictures) {
                (Some(curves), None) => read(curves).map(Content::Curves),
                (None, Some(pictures)) => read(pictures).map(Content::Pictures),
                _ => Err("it has either curves or pictures".to_owned()),
            };
            let content = content.map_err(|what| format!("figure {}: {what}", figure.name))?;
            Ok(Figure { name: figure.name.clone(), title: figure.title.clone(), content })
        };
        let figures: Vec<Figure> = raw.figures.iter().map(figure).collect::<Result<_, String>>()?;
        let names: BTreeSet<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
        if names.len() == figures.len() {
            Ok(Self { figures })
        } else {
            Err("two figures have one name".to_owned())
        }
    }

    /// The figures of these names in the gallery's order; all of them for `all`.
    ///
    /// # Errors
    /// Where a name is unknown, with the nearest one.
    pub fn select(&self, names: &[String]) -> Result<Vec<&Figure>, UnknownFigure> {
        let known = || self.figures.iter().map(|figure| figure.name.as_str());
        for name in names.iter().filter(|name| *name != "all") {
            if !known().any(|known| known == name) {
                // Names this short have a nearest one only in the right case.
                let hint = did_you_mean(&name.to_uppercase(), known());
                return Err(UnknownFigure { name: name.clone(), hint });
            }
        }
        let all = names.iter().any(|name| name == "all");
        let asked = |figure: &&Figure| all || names.contains(&figure.name);
        Ok(self.figures.iter().filter(asked).collect())
    }
}

impl Curves {
    fn read(
        figure: &RawFigure,
        curves: &RawCurves,
        gallery: &RawGallery,
        world: &World,
    ) -> Result<Self, String> {
        let raw = RawPlot {
            id: Spanned::new(0..0, figure.name.clone()),
            title: figure.title.clone(),
            x: curves.x,
            lines: curves.lines.clone(),
            cells: curves.cells.clone(),
            difference: false,
        };
        let mut plot = check::plot(&raw, &gallery.arms, world)?;
        let line = |name: &String| {
            let found = plot.lines.iter().position(|line| line.name == *name);
            found.ok_or_else(|| format!("`{name}` is none of its lines"))
        };
        let pair = |[first, second]: &[String; 2]| Ok((line(first)?, line(second)?));
        plot.differences = curves.differences.iter().map(pair).collect::<Result<_, String>>()?;
        let stand_ins = stand_in(&mut plot, world);
        if curves.whole {
            plot.cells.extend(whole(&plot.cells, world));
        }
        Ok(Self { plot, behind: curves.behind.clone(), stand_ins })
    }
}

impl Curves {
    /// What is read of records, up to the step along the axis.
    #[must_use]
    pub fn metric(&self) -> Metric {
        match self.plot.x {
            PlotAxis::Rank => Metric::InfluenceMatch(InfluenceMatch {
                share: Share::Rank(1),
                inverse: Inverse::AUTHORS,
            }),
            _ => Metric::Accuracy(Moment::Last),
        }
    }
}

/// Puts stand-ins in the place of targets that the world lacks, in the title too, and says so.
fn stand_in(plot: &mut Plot, world: &World) -> Vec<String> {
    let mut said = BTreeMap::new();
    for cell in &mut plot.cells {
        let Some(target) = &cell.target else { continue };
        let (original, Some(other)) = (target.to_string(), world.stand_ins.get(&**target)) else {
            continue;
        };
        let reason = world.absent.get(&original).map(|reason| format!(" ({reason})"));
        let sentence = format!(
            "{} stands in for {}, which the {} world lacks{}.",
            world.title(other),
            World::paper().title(&original),
            world.id,
            reason.unwrap_or_default()
        );
        plot.title = plot.title.replace(World::paper().title(&original), world.title(other));
        said.insert(original, sentence);
        cell.target = Some(other.as_str().into());
    }
    said.into_values().collect()
}

/// A cell of each target with its whole training set, or the most of it that the world draws.
fn whole(cells: &[Cell], world: &World) -> Vec<Cell> {
    let mut added: Vec<Cell> = Vec::new();
    for cell in cells {
        let target = cell.target.as_ref().and_then(|target| world.targets.get(&**target));
        let images = target.map(|target| target.most.unwrap_or(target.train));
        let cell = Cell { images, ..cell.clone() };
        if cell.images.is_some() && !cells.contains(&cell) && !added.contains(&cell) {
            added.push(cell);
        }
    }
    added
}

/// Every key that figures read, each with those that do.
#[must_use]
pub fn wanted(figures: &[&Figure]) -> BTreeMap<Key, BTreeSet<String>> {
    let mut wanted: BTreeMap<Key, BTreeSet<String>> = BTreeMap::new();
    for figure in figures {
        for key in figure.keys() {
            wanted.entry(key).or_default().insert(format!("figure {}", figure.name));
        }
    }
    wanted
}

impl Figure {
    /// Where it is from, in words.
    #[must_use]
    pub fn origin(&self) -> String {
        if self.is_of_the_paper() {
            format!("Figure {} of the paper", self.name)
        } else {
            format!("Figure {} of the reproduction", self.name)
        }
    }

    /// Whether it is the paper's; the others are the reproduction's.
    #[must_use]
    pub(crate) fn is_of_the_paper(&self) -> bool {
        !self.name.starts_with('A')
    }

    /// The name of its files for one evidence, without ending.
    #[must_use]
    pub fn file(&self, kind: EvidenceKind) -> String {
        format!("figure-{}-{kind}", self.name)
    }

    /// Every key that it reads.
    #[must_use]
    pub fn keys(&self) -> BTreeSet<Key> {
        let (Content::Curves(curves) | Content::Pictures(curves)) = &self.content;
        let Plot { lines, cells, .. } = &curves.plot;
        let metric = curves.metric();
        cells
            .iter()
            .flat_map(|cell| lines.iter().flat_map(|line| line.keys(cell, &metric)))
            .collect()
    }

    /// How many of the fine-tunes that it draws have a record, of how many; seeds are not counted.
    #[must_use]
    pub fn coverage(&self, evidence: &Evidence) -> (usize, usize) {
        let keys = self.keys();
        let there = keys.iter().filter(|key| evidence.records.seeds(key).is_some());
        (there.count(), keys.len())
    }
}
