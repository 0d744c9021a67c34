//! Figures as plain data, by name, and as drawings.
//!
//! The [`catalogue`] lists the figures of the paper and of its reproduction. [`curves`],
//! [`forest`], [`scatter`], [`specification_curve`] and [`influential`] compute their content, [`chart`] and [`svg`] draw
//! it, and [`png`] renders the drawing. `report` writes files and pages.

pub(crate) mod axis;
mod bars;
pub mod catalogue;
mod chance;
pub mod chart;
mod classes;
pub(crate) mod comparison_words;
mod curve;
pub mod curves;
pub mod forest;
pub(crate) mod groups;
pub mod influential;
pub(crate) mod legend;
pub(crate) mod numbers;
pub(crate) mod of_study;
pub(crate) mod palette;
pub mod png;
pub mod published;
pub mod scatter;
pub mod specification_curve;
pub(crate) mod steps;
pub mod svg;
