//! The TOML format of the list of figures (`claims/worlds/figures.toml`), with the arms and cells
//! of claims. [`FigureCatalogue`](super::FigureCatalogue) applies it to a world.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::claim::raw::{Name, PlotAxis, RawArm, RawCells};

/// Every figure.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFigureCatalogue {
    /// Version of this format: 1.
    pub format: u32,
    /// The arms that figures draw, by name.
    pub arms: BTreeMap<Name, RawArm>,
    /// The figures, in display order.
    #[serde(rename = "figure")]
    pub figures: Vec<RawFigure>,
}

/// One figure: curves, or pictures.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFigure {
    /// Its name in the paper (2 to 6) or in the reproduction (A1 to A13).
    pub name: String,
    /// Title.
    pub title: String,
    /// The curves.
    pub curves: Option<RawCurves>,
    /// Test images with their most influential training image, for these lines and cells.
    pub pictures: Option<RawCurves>,
}

/// Curves of accuracy, one panel per target.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCurves {
    /// Horizontal axis.
    pub x: PlotAxis,
    /// Arms drawn as curves.
    pub lines: Vec<Name>,
    /// Cells of the curves.
    pub cells: RawCells,
    /// Pairs of arms whose difference is drawn below; they need no curve of their own.
    #[serde(default)]
    pub differences: Vec<[Name; 2]>,
    /// Whether the full training set of each target is added to the numbers of images.
    #[serde(default, rename = "whole")]
    pub full_training_set: bool,
    /// The paper's figure whose published means are drawn behind.
    #[serde(rename = "behind")]
    pub published_figure: Option<String>,
}
