//! The list of figures as its TOML file has it (`claims/worlds/figures.toml`), in the grammar of a claim's
//! arms and cells. What it means in a world is left to [`Gallery`](super::Gallery).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::claim::raw::{Name, PlotAxis, RawArm, RawCells};

/// Every figure.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawGallery {
    /// Version of this grammar: 1.
    pub format: u32,
    /// The arms that figures draw, by name.
    pub arms: BTreeMap<Name, RawArm>,
    /// In the order in which they are shown.
    #[serde(rename = "figure")]
    pub figures: Vec<RawFigure>,
}

/// One figure: curves, or pictures.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFigure {
    /// Its name in the paper (2 to 6) or in the reproduction (A1 to A13).
    pub name: String,
    /// What it shows, in a few words.
    pub title: String,
    /// The curves.
    pub curves: Option<RawCurves>,
    /// Test images with their most influential training image: of these lines, in these cells.
    pub pictures: Option<RawCurves>,
}

/// Curves of accuracy, a panel a target.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCurves {
    /// Horizontal axis.
    pub x: PlotAxis,
    /// Arms drawn as curves.
    pub lines: Vec<Name>,
    /// Cells that they run through.
    pub cells: RawCells,
    /// Pairs of lines whose difference is drawn below.
    #[serde(default)]
    pub differences: Vec<[String; 2]>,
    /// Whether the whole training set of each target is a size as well.
    #[serde(default)]
    pub whole: bool,
    /// The paper's figure whose published means are drawn behind.
    pub behind: Option<String>,
}
