//! Tests of the library without the engine: claims, evidence, statistics, records, figures,
//! checkpoints and downloads. They need no libtorch.

#[path = "../common/mod.rs"]
mod common;

mod after_stopping;
mod bundle;
mod checkpoint;
mod curve;
mod data;
mod failed;
mod fetch;
mod fingerprint;
mod forms;
mod frozen;
mod gallery;
mod judge;
mod judge_properties;
mod judge_simulations;
mod lease;
mod ledger;
mod logs;
mod page;
mod plan;
mod published;
mod records;
mod replicate_simulations;
mod report;
mod scale;
mod simulations;
mod source_models;
mod specs;
mod statistics;
mod statistics_properties;
mod study;
mod work;
