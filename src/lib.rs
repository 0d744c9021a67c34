//! `repro`: an executable paper. Each claim of "Adversarially-Trained Deep Nets Transfer Better"
//! (Utrera et al., arXiv 2007.05869) is a spec that is run, tested over seeds and judged.
//!
//! Data flow one way: claims, evidence, joined samples, judge, report. `DESIGN.md` gives every
//! module a sentence.

#![deny(missing_docs)]

pub mod attack;
pub mod attempt;
pub mod bus;
pub mod checkpoint;
pub mod claim;
pub mod cli;
pub mod compare;
pub mod data;
pub mod device;
pub mod evidence;
pub mod executor;
pub mod fetch;
pub mod files;
pub mod fingerprint;
pub mod gallery;
pub mod gradients;
pub mod influence;
pub mod join;
pub mod judge;
pub mod ledger;
pub mod memory;
pub mod model;
pub mod nearest;
pub mod observe;
pub mod own;
pub mod plan;
pub mod power;
pub mod pretrain;
pub mod price;
pub mod random;
pub mod report;
pub mod sensitivity;
pub mod shell;
pub mod shipped;
pub mod stats;
pub mod stock;
pub mod transform;
pub mod trial;
pub mod verdict;
pub mod world;
