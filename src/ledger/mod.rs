//! Records: what a fine-tune left behind, whoever ran it. Published logs and our own runs are
//! read into the same [`Record`]; everything after this module (joining, judging, drawing) cannot
//! tell them apart. Where records come from is left to [`published`].

pub mod means;
pub mod published;
mod record;

pub use record::{
    DuplicateRecord, Evaluation, Key, Recipe, Record, Records, Resolution, Seed, Status,
};
