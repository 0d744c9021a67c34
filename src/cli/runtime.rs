//! What commands need of the engine, so that they are compiled, and most of them run, without it. The
//! program that computes passes its engine to [`super::main`]; the one that judges passes none, and a
//! command that comes to need one is handed over ([`super::handoff`]).

use std::sync::atomic::AtomicBool;

use clap::ValueEnum;

use super::{Failure, Outcome, pretrain::Pretrain};
use crate::{
    assets::{Named, Stock},
    experiment::{Precision, Trial},
    plan::{campaign::Event, cost::Speed},
    store::Ledger,
    world::World,
};

/// What can compute.
pub(super) trait Engine: Sync {
    /// What has to be done before anything else.
    fn start(&self);
    /// A device to compute on.
    ///
    /// # Errors
    /// If the one that was named is not there.
    fn open(&self, wanted: DeviceRequest) -> Result<Box<dyn Machine>, Failure>;
    /// What it is, for `repro doctor`: names with what was found.
    fn inventory(&self) -> Vec<(&'static str, String)>;
    /// Trains source models.
    ///
    /// # Errors
    /// As the command has them.
    fn pretrain(&self, command: &Pretrain) -> Result<Outcome, Failure>;
}

/// Which device is wanted, and for images of which size.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "engine"), expect(dead_code, reason = "only the engine reads it"))]
pub(super) struct DeviceRequest {
    /// What was named.
    pub device: DeviceArgument,
    /// Whether it is the CPU where nobody names one.
    pub rather_cpu: bool,
    /// Rows and columns of the images that are computed on.
    pub side: u32,
    /// Threads, where somebody says.
    pub threads: Option<usize>,
}

/// A device that was opened, with its workers.
pub(super) trait Machine: Send + Sync {
    /// Its processor, by the name that records have of it.
    fn processor(&self) -> String;
    /// Whether it is no GPU.
    fn is_cpu(&self) -> bool;
    /// Fine-tunes at once.
    fn at_once(&self) -> usize;
    /// Why it can't compute in a precision; `None` where it can.
    fn refuses(&self, precision: Precision) -> Option<String>;
    /// Runs trials and keeps their entries.
    ///
    /// # Errors
    /// If they are not run to their end.
    fn run(
        &self,
        place: &Place<'_>,
        trials: &[Named],
        report: &(dyn Fn(Event<'_>) + Sync),
    ) -> Result<(), Failure>;
    /// Times a short fine-tune of random weights.
    ///
    /// # Errors
    /// If it can't be run: then why.
    fn calibrate(&self, world: &World) -> Result<Speed, String>;
    /// Losses of the first step of each trial: of the first batch in front of it, and over the test set
    /// after it, where that is not too large.
    ///
    /// # Errors
    /// If one can't be run: then why.
    fn first_steps(
        &self,
        stock: &Stock,
        trials: &[Trial],
    ) -> Result<Vec<(f64, Option<f64>)>, String>;
}

/// Where trials are run.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "engine"), expect(dead_code, reason = "only the engine reads it"))]
pub(super) struct Place<'a> {
    /// Where entries go.
    pub ledger: &'a Ledger,
    /// What trials work on.
    pub stock: &'a Stock,
    /// Set to stop.
    pub stop: &'a AtomicBool,
}

/// A device as it is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DeviceArgument {
    /// The CPU for smoke, where results then agree to the last bit; else a GPU if there is one
    Auto,
    Cpu,
    Cuda,
}
