//! The engine as commands need it: devices that are opened, trials that are run on them.

mod doctor;
mod pretrain;

use std::sync::Once;

use super::{
    Failure, Outcome, exit, hints,
    local::unusable,
    pretrain::Pretrain,
    runtime::{DeviceArgument, DeviceRequest, Engine, Machine, Place},
};
use crate::{
    assets::{Named, Stock},
    engine::{
        device::{self, Device},
        executor::{
            ExecutorError, FirstSteps, Local, MaterialError, NoFirstStep, Workers, calibrate,
        },
    },
    experiment::{Precision, Trial},
    plan::{campaign::Event, cost::Speed},
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

    fn open(&self, wanted: DeviceRequest) -> Result<Box<dyn Machine>, Failure> {
        let DeviceRequest { device, rather_cpu, side, threads } = wanted;
        Ok(Box::new(Opened(Workers::new(named(device, rather_cpu)?, side, threads))))
    }

    fn inventory(&self) -> Vec<(&'static str, String)> {
        doctor::in_words(&device::inventory())
    }

    fn pretrain(&self, command: &Pretrain) -> Result<Outcome, Failure> {
        command.train()
    }
}

/// The device; where nobody names one, the CPU if it is to be that, else a GPU if there is one.
fn named(device: DeviceArgument, rather_cpu: bool) -> Result<Device, Failure> {
    match (device, device::missing_cuda()) {
        (DeviceArgument::Cpu, _) => Ok(Device::Cpu),
        (DeviceArgument::Auto, _) if rather_cpu => Ok(Device::Cpu),
        (DeviceArgument::Auto | DeviceArgument::Cuda, None) => Ok(Device::Cuda(0)),
        (DeviceArgument::Auto, Some(missing)) => {
            static TOLD: Once = Once::new();
            if cfg!(feature = "gpu") {
                TOLD.call_once(|| anstream::eprintln!("running on the CPU: {missing}"));
            }
            Ok(Device::Cpu)
        }
        (DeviceArgument::Cuda, Some(missing)) => Err(Failure::usage(
            format!("there is no GPU to run on: {missing}"),
            "leave --device out, or name another",
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
        &Place { ledger, stock, stop }: &Place<'_>,
        trials: &[Named],
        report: &(dyn Fn(Event<'_>) + Sync),
    ) -> Result<(), Failure> {
        Local { ledger, stock, workers: self.0, stop }.run(trials, report).map_err(stopped)
    }

    fn calibrate(&self, world: &World) -> Result<Speed, String> {
        device::set_threads(self.0.threads_each);
        calibrate(world, self.0.device)
    }

    fn first_steps(
        &self,
        stock: &Stock,
        trials: &[Trial],
    ) -> Result<Vec<(f64, Option<f64>)>, String> {
        device::set_threads(self.0.threads_each);
        let mut first_steps = FirstSteps::new(self.0.device, stock);
        let step = |trial| match first_steps.of(trial) {
            Ok(step) => Ok((step.first_loss, step.test_loss)),
            Err(NoFirstStep::Material(MaterialError::Lacking(lacking))) => {
                Err(hints::missing(&lacking))
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
        ExecutorError::Material { cause: MaterialError::Lacking(ref lacking), .. } => {
            let help = format!("{}; finished fine-tunes are kept", hints::text(&lacking.help));
            Failure::new(exit::INPUT, miette::miette!(help = help, "{error}"))
        }
        ExecutorError::Material { .. }
        | ExecutorError::Precision(_)
        | ExecutorError::Device { .. } => Failure::new(exit::INPUT, error),
        ExecutorError::Ledger(error) => unusable(error),
    }
}
