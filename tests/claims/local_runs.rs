//! A claim judged on local fine-tunes. Those that are missing from the ledger are run first.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError, atomic::AtomicBool},
};

use libtest_mimic::Failed;
use repro::{
    assets::{Assets, IdentifiedTrial, Missing},
    claim::Claim,
    engine::executor::{Local, Workers},
    experiment::EvidenceKind,
    judge::{ClaimVerdict, judge},
    plan::{
        Outstanding,
        campaign::{Campaign, Event, Progress},
        cost::{Cost, Throughput},
    },
    store::{Damaged, Ended, Ledger},
    world::World,
};
use tch::Device;

/// One claim at a time, since each uses the whole machine.
static RUNNING: Mutex<()> = Mutex::new(());

/// The verdict, after running missing fine-tunes on a device.
pub fn verdict(
    claim: &Claim,
    kind: EvidenceKind,
    assets: &dyn Assets,
    device: Device,
) -> Result<ClaimVerdict, Failed> {
    let _running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let world = &kind.world();
    let ledger = &Ledger::new(Ledger::default_folder());
    let workers = Workers::new(device, world.protocol.side, None);
    let stop = &AtomicBool::new(false);
    let campaign = Campaign { kind, world, assets, ledger };
    let local = Local { ledger, assets, workers, stop };
    let gathered = campaign
        .complete(&[claim], &local, &Reporter { world, at_once: workers.at_once })
        .map_err(|error| error.to_string())?;
    Ok(judge(claim, &gathered.evidence))
}

/// Prints the progress on standard error.
struct Reporter<'a> {
    world: &'a World,
    at_once: usize,
}

impl Progress for Reporter<'_> {
    fn damaged(&self, files: &[Damaged]) {
        for Damaged { path, reason, .. } in files {
            eprintln!("damaged: {}: {reason}", path.display());
        }
    }

    fn missing(&self, unavailable: &BTreeMap<Missing, Outstanding>) {
        assert!(unavailable.is_empty(), "inputs are missing: {unavailable:?}");
    }

    fn begins(&self, trials: &[IdentifiedTrial], _at_most: usize, speed: Option<Throughput>) {
        let costs = trials.iter().map(|named| Cost::of_recipe(&named.trial.recipe, self.world));
        let seconds = speed.unwrap_or(Throughput::REFERENCE).seconds(costs.sum());
        let (count, seconds) = (trials.len(), seconds / self.at_once as f64);
        eprintln!("{}: {count} fine-tunes to run, about {seconds:.0} s", self.world.id);
    }

    fn happens(&self, event: Event<'_>) {
        if let Event::Ended(entry) | Event::Found(entry) = event
            && let Ended::Failed { reason } = &entry.outcome
        {
            eprintln!("failed: {}: {reason}", entry.trial.recipe.key);
        }
    }
}
