//! The device that a plan is priced for, its speed, and how that is known.

use super::super::{Failure, exit, local::RunContext, messages::message, runtime::Machine};
use crate::{
    experiment::Precision,
    plan::{
        campaign::Gathered,
        cost::{Cost, Throughput},
        gpu::{AssumedSpeed, Gpu},
        price::Priced,
    },
    util::{duration, machine},
    world::World,
};

/// Images of the fine-tune that is timed on a CPU.
const TIMED_IMAGES: f64 = 16.0;

/// What the speed rests on.
#[derive(Clone, Copy)]
pub(super) enum Basis {
    /// Records of this processor.
    Records,
    /// A reference machine: nothing was timed here.
    Reference,
    /// A short fine-tune on this device.
    Timed,
    /// The command line.
    Given,
    /// A data sheet.
    Sheet(AssumedSpeed),
    /// Nothing: no time is estimated.
    Unknown(Option<Unusable>),
}

/// Why a device has no speed for a set-up.
#[derive(Clone, Copy)]
pub(super) enum Unusable {
    /// It does not compute in the precision of the recipe.
    Precision(Precision),
}

/// A device to price for, and what is known of it.
pub(super) struct Pricing {
    pub priced: Priced,
    pub basis: Basis,
    /// The GPU that was named on the command line.
    pub card: Option<&'static Gpu>,
    /// Whether it is this machine's CPU.
    pub on_a_cpu: bool,
}

impl Pricing {
    /// The price of a GPU by its data sheet.
    pub fn of_card(card: &'static Gpu, world: &World) -> Self {
        let precision = world.protocol.precision;
        let (speed, basis) = match card.speed(precision) {
            Some(assumed) => (Some(assumed.throughput()), Basis::Sheet(assumed)),
            None => (None, Basis::Unknown(Some(Unusable::Precision(precision)))),
        };
        let priced = Priced { speed, at_once: 1, memory: Some(card.memory()) };
        Self { priced, basis, card: Some(card), on_a_cpu: false }
    }

    /// The price at a speed, whatever has it.
    pub fn at(rate: f64) -> Self {
        let priced = Priced { speed: Some(Throughput(rate)), at_once: 1, memory: None };
        Self { priced, basis: Basis::Given, card: None, on_a_cpu: false }
    }

    /// The price on this machine, without timing anything.
    pub fn here(context: &RunContext, machine: Option<&dyn Machine>, gathered: &Gathered) -> Self {
        let precision = context.world.protocol.precision;
        let on_a_cpu = machine.is_none_or(|machine| machine.is_cpu());
        let refused = machine.is_some_and(|machine| machine.refuses(precision).is_some());
        let (speed, basis) = match context.speed(gathered) {
            _ if refused => (None, Basis::Unknown(Some(Unusable::Precision(precision)))),
            Some(speed) => (Some(speed), Basis::Records),
            // The reference machine is a CPU with small images.
            None if on_a_cpu && context.kind.is_small() => {
                (Some(Throughput::REFERENCE), Basis::Reference)
            }
            None => (None, Basis::Unknown(None)),
        };
        let memory = on_a_cpu.then(machine::memory).flatten();
        let priced = Priced { speed, at_once: context.at_once(), memory };
        Self { priced, basis, card: None, on_a_cpu }
    }

    /// The same, timed by a short fine-tune where no speed is known: on a GPU, and with `asked` on
    /// a CPU too, where it takes minutes.
    pub fn timed(
        self,
        context: &RunContext,
        machine: Option<&dyn Machine>,
        asked: bool,
    ) -> Result<Self, Failure> {
        let Basis::Unknown(None) = self.basis else { return Ok(self) };
        let Some(machine) = machine.filter(|_| asked || !self.on_a_cpu) else { return Ok(self) };
        if self.on_a_cpu {
            let seconds = Throughput::REFERENCE.seconds(timed(&context.world));
            message!(
                "timing a short fine-tune of random weights, about {} on one thread of the \
                 reference machine",
                duration(seconds)
            );
        } else {
            message!("timing a short fine-tune of random weights");
        }
        let speed = machine.calibrate(&context.world).map_err(|cause| {
            let help = "`--card NAME` or `--device-rate OPERATIONS` prices without timing; \
                        `--device cpu` times one on the CPU";
            let failed = format!("failed to time a fine-tune here: {cause}");
            Failure::new(exit::INPUT, miette::miette!(help = help, "{failed}"))
        })?;
        let priced = Priced { speed: Some(speed), ..self.priced };
        Ok(Self { priced, basis: Basis::Timed, ..self })
    }

    /// How the speed is known, in words; `None` if it is not.
    pub fn words(&self) -> Option<String> {
        Some(match self.basis {
            Basis::Records => "by the records of this processor".to_owned(),
            Basis::Reference => "by the speed of a reference machine".to_owned(),
            Basis::Timed => "by a short fine-tune here".to_owned(),
            Basis::Given => "at the given speed".to_owned(),
            Basis::Sheet(AssumedSpeed { peak, share, measured }) => {
                let card = self.card?;
                format!(
                    "for the {}, which is not at hand: {:.0} % of its dense peak of {peak:.3e} \
                     ({}), which is assumed, since training a ResNet-50 reaches it on the {measured}",
                    card.name,
                    100.0 * share,
                    card.source
                )
            }
            Basis::Unknown(_) => return None,
        })
    }
}

/// The operations of the short fine-tune on a CPU: five epochs of three blocks, and two tests.
fn timed(world: &World) -> Cost {
    let counted = crate::experiment::MultiplyAdds::new(world.architecture(), world.protocol.side);
    let blocks = world.blocks(crate::experiment::PAPER_BLOCKS[2]);
    let each = 5.0 * counted.training(blocks) as f64 + 4.0 * counted.forward() as f64;
    Cost { flops: 2.0 * TIMED_IMAGES * each, ..Cost::default() }
}
