//! Tests of the project itself: documents, workflows, scripts, and the order of its modules.

#[path = "../common/mod.rs"]
mod common;

mod cluster;
mod continuous_integration;
mod docs;
mod features;
mod history;
mod layers;
mod readme;
mod scripts;
mod setup;
mod wheel;
mod words;
mod workflow;
