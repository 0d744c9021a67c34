//! A claim judged on fine-tunes of our own, which are run where the ledger lacks them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError, atomic::AtomicBool},
};

use libtest_mimic::Failed;
use repro::{
    assets::{Lacking, Named, Stock},
    claim::Claim,
    engine::executor::{Local, Workers},
    experiment::EvidenceKind,
    judge::{ClaimVerdict, judge},
    plan::{
        Outstanding,
        campaign::{Campaign, Event, Watch},
        cost::{Price, Speed},
    },
    store::{Damaged, Ended, Ledger},
    world::World,
};
use tch::Device;

/// One claim at a time: each uses all that there is.
static TURN: Mutex<()> = Mutex::new(());

/// The verdict, after running what it needs on a device.
pub fn verdict(
    claim: &Claim,
    kind: EvidenceKind,
    stock: &Stock,
    device: Device,
) -> Result<ClaimVerdict, Failed> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let world = &kind.world();
    let ledger = &Ledger::new(Ledger::default_folder());
    let workers = Workers::new(device, world.protocol.side, None);
    let stop = &AtomicBool::new(false);
    let own = Campaign { kind, world, stock, ledger };
    let local = Local { ledger, stock, workers, stop };
    let gathered = own
        .complete(&[claim], &local, &Told { world, at_once: workers.at_once })
        .map_err(|error| error.to_string())?;
    Ok(judge(claim, &gathered.evidence))
}

/// Tells on standard error how it goes.
struct Told<'a> {
    world: &'a World,
    at_once: usize,
}

impl Watch for Told<'_> {
    fn damaged(&self, files: &[Damaged]) {
        for Damaged { path, reason, .. } in files {
            eprintln!("damaged: {}: {reason}", path.display());
        }
    }

    fn lacking(&self, lacking: &BTreeMap<Lacking, Outstanding>) {
        assert!(lacking.is_empty(), "a claim that lacks something is not asked: {lacking:?}");
    }

    fn begins(&self, trials: &[Named], speed: Option<Speed>) {
        let prices = trials.iter().map(|named| Price::of(&named.trial.recipe, self.world));
        let seconds = speed.unwrap_or(Speed::ELSEWHERE).seconds(prices.sum());
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
