//! Claims at the paper's own scale (`--features gpu`): fine-tunes of ResNet-50 from the authors'
//! checkpoints, on a GPU. Where something is missing they are ignored, with the command that mends it,
//! or fail if `REPRO_REQUIRE=paper` is set. What is expected is what the authors' own logs say, or,
//! where these are silent, what the paper does.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, atomic::AtomicBool},
};

use libtest_mimic::{Failed, Trial};
use repro::{
    claim::{Claim, suite::Suite},
    device,
    evidence::EvidenceKind,
    executor::{Local, Workers},
    fetch,
    judge::judge,
    ledger::{Damaged, Entry, Ledger},
    own::{Own, Watch},
    plan,
    price::Speed,
    stock::{Lacking, Named, Stock},
    verdict::Verdict,
    world::World,
};
use tch::Device;

/// One claim at a time: each uses the whole GPU.
static TURN: Mutex<()> = Mutex::new(());

pub fn trials() -> Vec<Trial> {
    let world = Arc::new(World::paper());
    let suite = Suite::embedded(&world).unwrap_or_else(|error| panic!("{error}"));
    let required = std::env::var("REPRO_REQUIRE").is_ok_and(|required| required == "paper");
    let asked = suite.claims().iter().filter(|claim| !plan::at_most(&[claim], &world).is_empty());
    asked.map(|claim| trial(claim, &world, required)).collect()
}

fn trial(claim: &Claim, world: &Arc<World>, required: bool) -> Trial {
    let name = format!("claims::{}::paper", claim.id);
    let missing = missing(claim, world);
    if !missing.is_empty() {
        let reason = missing.into_iter().collect::<Vec<_>>().join("; ");
        return match required {
            true => Trial::test(name, move || Err(Failed::from(reason))),
            false => super::ignored(name, reason),
        };
    }
    let (claim, world) = (claim.clone(), world.clone());
    Trial::test(name, move || {
        let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let ledger = Ledger::new(Ledger::default_folder());
        let stock = Stock::of(&world, &fetch::default_folder());
        let own = Own { kind: EvidenceKind::Paper, world: &world, stock: &stock, ledger: &ledger };
        let stop = AtomicBool::new(false);
        let workers = Workers::new(Device::Cuda(0), world.protocol.side, None);
        let local = Local { ledger: &ledger, stock: &stock, workers, stop: &stop };
        let gathered = own.complete(&[&claim], &local, &Told).map_err(|error| error.to_string())?;
        let verdict = judge(&claim, &gathered.evidence);
        match expected(&claim) {
            expected if verdict.verdict == expected => Ok(()),
            expected => {
                Err(format!("{}, not {expected}: {}", verdict.verdict, verdict.reason).into())
            }
        }
    })
}

/// What the authors' logs say, or, where they have no record, what the paper says.
fn expected(claim: &Claim) -> Verdict {
    let published = claim.expected.get(&EvidenceKind::Published).map(|expected| expected.verdict);
    published.filter(|verdict| *verdict != Verdict::Incomplete).unwrap_or(Verdict::Supported)
}

/// What keeps a claim's fine-tunes from running here.
fn missing(claim: &Claim, world: &World) -> BTreeSet<String> {
    let stock = Stock::of(world, &fetch::default_folder());
    let ledger = Ledger::new(Ledger::default_folder());
    let own = Own { kind: EvidenceKind::Paper, world, stock: &stock, ledger: &ledger };
    let trials = plan::at_most(&[claim], world).into_keys();
    let lacking = trials.filter_map(|(key, seed)| own.named(key, seed).err());
    let mut missing: BTreeSet<String> = lacking.map(|lacking| lacking.to_string()).collect();
    missing.extend(device::missing_cuda());
    missing
}

/// Tells on standard error how it goes.
struct Told;

impl Watch for Told {
    fn damaged(&self, files: &[Damaged]) {
        for Damaged { path, reason } in files {
            eprintln!("damaged: {}: {reason}", path.display());
        }
    }

    fn lacking(&self, lacking: &BTreeMap<Lacking, usize>) {
        assert!(lacking.is_empty(), "looked for before: {lacking:?}");
    }

    fn begins(&self, trials: &[Named], _speed: Option<Speed>) {
        eprintln!("{} fine-tunes to run", trials.len());
    }

    fn ended(&self, entry: &Entry) {
        eprintln!("{}, seed {}: done", entry.trial.recipe.key, entry.trial.seed.0);
    }
}
