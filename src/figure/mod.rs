//! Figures: as plain data, by name, and drawn. The [`catalogue`] has those of the paper and of its
//! reproduction; [`curves`], [`forest`], [`scatter`] and [`influential`] say what one shows; [`chart`] and
//! [`svg`] draw it, [`png`] makes pixels of that. Which file or page it goes to is left to the report.

pub(crate) mod axis;
pub mod catalogue;
pub mod chart;
pub(crate) mod comparison_words;
mod curve;
pub mod curves;
pub mod forest;
pub(crate) mod groups;
pub mod influential;
pub(crate) mod legend;
pub(crate) mod numbers;
pub(crate) mod palette;
pub mod png;
pub mod published;
pub mod scatter;
pub(crate) mod steps;
pub mod svg;
