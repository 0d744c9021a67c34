//! The engine for the commands: opens devices and runs trials on them.

mod distance;
mod doctor;
mod estimate;
mod pretrain;

use std::sync::Once;

use super::{
    Failure, Outcome,
    distance::Distance,
    exit, hints,
    local::unusable,
    messages::message,
    pretrain::Pretrain,
    runtime::{DeviceArgument, DeviceRequest, Engine, Machine, Place},
};
use crate::{
    assets::Assets,
    engine::{
        device::{self, Device},
        executor::{
            ExecutorError, FirstSteps, Local, MaterialError, NoFirstStep, Workers, calibrate,
        },
    },
    experiment::{Precision, Trial},
    plan::{
        cost::Throughput,
        queue::{Queue, Report},
    },
    world::World,
};

/// The engine that computes with libtorch.
pub(super) struct Torch;

impl Engine for Torch {
    fn start(&self) {
        // Before any other call into libtorch, which looks for its CUDA half once.
        #[cfg(feature = "gpu")]
        let _ = device::open_cuda();
    }

    fn open(&self, request: DeviceRequest) -> Result<Box<dyn Machine>, Failure> {
        let DeviceRequest { device, rather_cpu, side, threads } = request;
        Ok(Box::new(Opened(Workers::new(named(device, rather_cpu)?, side, threads))))
    }

    fn inventory(&self) -> Vec<(&'static str, String)> {
        doctor::in_words(&device::inventory())
    }

    fn pretrain(&self, command: &Pretrain) -> Result<Outcome, Failure> {
        command.train()
    }

    fn distance(&self, command: &Distance) -> Result<Outcome, Failure> {
        command.measure()
    }
}

/// The named device; for `auto` the CPU if `rather_cpu`, otherwise a GPU if there is one.
fn named(device: DeviceArgument, rather_cpu: bool) -> Result<Device, Failure> {
    match (device, device::missing_cuda()) {
        (DeviceArgument::Cpu, _) => Ok(Device::Cpu),
        (DeviceArgument::Auto, _) if rather_cpu => Ok(Device::Cpu),
        (DeviceArgument::Auto | DeviceArgument::Cuda, None) => Ok(Device::Cuda(0)),
        (DeviceArgument::Auto, Some(missing)) => {
            static REPORTED: Once = Once::new();
            // A machine without a GPU has no use for the note.
            if device::has_gpu_driver() {
                REPORTED.call_once(|| message!("running on the CPU: {missing}"));
            }
            Ok(Device::Cpu)
        }
        (DeviceArgument::Cuda, Some(missing)) => Err(Failure::usage(
            format!("this machine has no usable GPU: {missing}"),
            "leave out --device, or name another",
        )),
    }
}

struct Opened(Workers);

impl Machine for Opened {
    fn processor(&self) -> String {
        device::name(self.0.device)
    }

    fn is_cpu(&self) -> bool {
        self.0.device == Device::Cpu
    }

    fn at_once(&self) -> usize {
        self.0.at_once
    }

    fn refuses(&self, precision: Precision) -> Option<String> {
        precision.check(self.0.device).err().map(|refused| refused.to_string())
    }

    fn run(
        &self,
        &Place { ledger, assets, stop }: &Place<'_>,
        queue: &dyn Queue,
        report: Report<'_>,
    ) -> Result<(), Failure> {
        Local { ledger, assets, workers: self.0, stop }.work(queue, report).map_err(stopped)
    }

    fn calibrate(&self, world: &World) -> Result<Throughput, String> {
        device::set_threads(self.0.threads_each);
        calibrate(world, self.0.device)
    }

    fn first_steps(
        &self,
        assets: &dyn Assets,
        trials: &[Trial],
    ) -> Result<Vec<(f64, Option<f64>)>, String> {
        device::set_threads(self.0.threads_each);
        let mut first_steps = FirstSteps::new(self.0.device, assets);
        let step = |trial| match first_steps.first_step(trial) {
            Ok(step) => Ok((step.first_loss, step.test_loss)),
            Err(NoFirstStep::Material(MaterialError::Missing(missing))) => {
                Err(hints::missing(&missing))
            }
            Err(error) => Err(error.to_string()),
        };
        trials.iter().map(step).collect()
    }
}

/// Why trials did not run to their end.
fn stopped(error: ExecutorError) -> Failure {
    match error {
        ExecutorError::Interrupted => Failure::new(exit::INTERRUPTED, error),
        ExecutorError::Material { cause: MaterialError::Missing(ref missing), .. } => {
            let help = format!("{}; finished fine-tunes are kept", hints::text(&missing.help));
            Failure::new(exit::INPUT, miette::miette!(help = help, "{error}"))
        }
        ExecutorError::Material { .. } | ExecutorError::Precision(_) => {
            Failure::new(exit::INPUT, error)
        }
        ExecutorError::Device { .. } => Failure::new(exit::FAILED, error).of_device(),
        ExecutorError::Exhausted { .. } => Failure::new(exit::FAILED, error),
        ExecutorError::Ledger(error) => unusable(error),
    }
}
