//! The speed that a plan's time estimates rest on.

use super::super::{Failure, exit, local::RunContext, messages::message, runtime::Machine};
use crate::plan::{campaign::Gathered, cost::Throughput};

/// The basis of an estimate where nothing was timed here.
const REFERENCE: &str = "by the speed of a reference machine";

/// The speed, and how it is known, if nothing has to be timed for it.
pub(super) fn known(
    context: &RunContext,
    machine: Option<&dyn Machine>,
    gathered: &Gathered,
) -> Option<(Throughput, &'static str)> {
    let small_on_a_cpu = context.kind.is_small() && machine.is_none_or(|machine| machine.is_cpu());
    match context.speed(gathered) {
        Some(speed) => Some((speed, "by the records of this processor")),
        None if small_on_a_cpu => Some((Throughput::REFERENCE, REFERENCE)),
        None => None,
    }
}

/// The same, timed by a short fine-tune if there is an engine to run one.
pub(super) fn timed(
    context: &RunContext,
    machine: Option<&dyn Machine>,
) -> Result<(Throughput, &'static str), Failure> {
    let Some(machine) = machine else { return Ok((Throughput::REFERENCE, REFERENCE)) };
    message!("timing a short fine-tune of random weights");
    let speed = machine.calibrate(&context.world).map_err(|cause| {
        let help = "`--format jsonl` lists the fine-tunes without timing; `--device cpu` times one on \
                    the CPU";
        let failed = format!("failed to time a fine-tune here: {cause}");
        Failure::new(exit::INPUT, miette::miette!(help = help, "{failed}"))
    })?;
    Ok((speed, "by a short fine-tune here"))
}
