//! What commands need from the engine, as traits, so that they compile without it. The program
//! `repro-engine` passes its engine to [`super::main`]; `repro` passes none, and hands a command
//! that needs one over ([`super::handoff`]).

use std::sync::atomic::AtomicBool;

use clap::ValueEnum;

use super::{Failure, Outcome, distance::Distance, pretrain::Pretrain};
use crate::{
    assets::Assets,
    experiment::{Precision, Trial},
    plan::{
        cost::Throughput,
        queue::{Queue, Report},
    },
    store::Ledger,
    world::World,
};

/// An engine: the part of the program that computes.
pub(super) trait Engine: Sync {
    /// Prepares it, before anything else runs.
    fn start(&self);
    /// Opens a device to compute on.
    ///
    /// # Errors
    /// If this machine has no such device.
    fn open(&self, request: DeviceRequest) -> Result<Box<dyn Machine>, Failure>;
    /// What it found on this machine, for `repro doctor`: names with values.
    fn inventory(&self) -> Vec<(&'static str, String)>;
    /// Trains source models.
    ///
    /// # Errors
    /// Those of the command.
    fn pretrain(&self, command: &Pretrain) -> Result<Outcome, Failure>;
    /// Measures distances between features.
    ///
    /// # Errors
    /// Those of the command.
    fn distance(&self, command: &Distance) -> Result<Outcome, Failure>;
}

/// Which device to open, and for images of which size.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "engine"), expect(dead_code, reason = "only the engine reads it"))]
pub(super) struct DeviceRequest {
    /// What was named.
    pub device: DeviceArgument,
    /// Whether `auto` means the CPU.
    pub rather_cpu: bool,
    /// Rows and columns of the images, in pixels.
    pub side: u32,
    /// Threads, if the user names a number.
    pub threads: Option<usize>,
}

/// An open device, with its workers.
pub(super) trait Machine: Send + Sync {
    /// The name of its processor, as records have it.
    fn processor(&self) -> String;
    /// Whether it is the CPU.
    fn is_cpu(&self) -> bool;
    /// How many fine-tunes run at once.
    fn at_once(&self) -> usize;
    /// Why it can't compute in a precision; `None` where it can.
    fn refuses(&self, precision: Precision) -> Option<String>;
    /// Runs the trials of a queue and keeps their records.
    ///
    /// # Errors
    /// If they do not run to their end.
    fn run(&self, place: &Place<'_>, queue: &dyn Queue, report: Report<'_>) -> Result<(), Failure>;
    /// Times a short fine-tune of random weights.
    ///
    /// # Errors
    /// The cause, if it can't run.
    fn calibrate(&self, world: &World) -> Result<Throughput, String>;
    /// Losses of the first step of each trial, in nats: of the first batch before it, and over the
    /// test set after it, unless that is too large.
    ///
    /// # Errors
    /// The cause, if one can't run.
    fn first_steps(
        &self,
        assets: &dyn Assets,
        trials: &[Trial],
    ) -> Result<Vec<(f64, Option<f64>)>, String>;
}

/// What trials run on.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "engine"), expect(dead_code, reason = "only the engine reads it"))]
pub(super) struct Place<'a> {
    /// Where records go.
    pub ledger: &'a Ledger,
    /// Source models and images.
    pub assets: &'a dyn Assets,
    /// Set to `true` to stop.
    pub stop: &'a AtomicBool,
}

/// A device, as named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DeviceArgument {
    /// The CPU for smoke, where results then agree to the last bit; else a GPU if there is one
    Auto,
    Cpu,
    Cuda,
}
