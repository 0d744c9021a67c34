//! The project itself: documents, workflows, scripts, and the order of its layers.

#[path = "../common/mod.rs"]
mod common;

mod continuous_integration;
mod layers;
mod readme;
mod scripts;
mod setup;
mod workflow;
