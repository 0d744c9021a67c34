//! Claims at the paper's own scale (`--features gpu`): fine-tunes of ResNet-50 from the authors'
//! checkpoints, on a GPU. Where something is missing they are ignored, with the command that mends it,
//! or fail if `REPRO_REQUIRE=paper` is set.

use std::{collections::BTreeSet, path::Path};

use libtest_mimic::{Failed, Trial};
use repro::{
    assets::Stock,
    claim::{Claim, suite::Suite},
    cli::hints,
    engine::device,
    experiment::{EvidenceKind, Verdict},
    plan::{self, campaign::Campaign},
    store::Ledger,
    world::World,
};
use tch::Device;

use super::own;

/// A test for each claim that can be asked here, with data from a folder.
pub fn trials(data: &Path, required: bool) -> Vec<Trial> {
    let world = World::paper();
    let suite = Suite::embedded(&world).unwrap_or_else(|error| panic!("{error}"));
    let asked = suite.claims().iter().filter(|claim| !plan::at_most(&[claim], &world).is_empty());
    asked.map(|claim| trial(claim, &world, data, required)).collect()
}

/// In place of these where the program is built without the feature: nothing, or, where they are required,
/// one test that fails.
pub fn not_built(required: bool) -> Vec<Trial> {
    let failing = || {
        Trial::test("claims::paper", || {
            Err(Failed::from(
                "REPRO_REQUIRE asks for the paper's scale: build with `--features gpu`",
            ))
        })
    };
    required.then(failing).into_iter().collect()
}

fn trial(claim: &Claim, world: &World, data: &Path, required: bool) -> Trial {
    let name = format!("claims::{}::paper", claim.id);
    let missing = missing(claim, world, data);
    if !missing.is_empty() {
        let reason = missing.into_iter().collect::<Vec<_>>().join("; ");
        return match required {
            true => Trial::test(name, move || Err(Failed::from(reason))),
            false => super::ignored(name, reason),
        };
    }
    let (claim, stock) = (claim.clone(), Stock::of(world, data));
    Trial::test(name, move || {
        let verdict = own::verdict(&claim, EvidenceKind::Paper, &stock, Device::Cuda(0))?;
        match expected(&claim) {
            expected if verdict.verdict == expected => Ok(()),
            expected => {
                Err(format!("{}, not {expected}: {}", verdict.verdict, verdict.reason).into())
            }
        }
    })
}

/// What the spec expects, or else what the authors' logs say, or, where they have no record, what the
/// paper says.
fn expected(claim: &Claim) -> Verdict {
    let expected = |kind| claim.expected.get(&kind).map(|expected| expected.verdict);
    let published = expected(EvidenceKind::Published);
    let told = expected(EvidenceKind::Paper)
        .or_else(|| published.filter(|verdict| *verdict != Verdict::Incomplete));
    told.unwrap_or(Verdict::Supported)
}

/// What keeps a claim's fine-tunes from running here.
pub fn missing(claim: &Claim, world: &World, data: &Path) -> BTreeSet<String> {
    let stock = Stock::of(world, data);
    let ledger = Ledger::new(Ledger::default_folder());
    let own = Campaign { kind: EvidenceKind::Paper, world, stock: &stock, ledger: &ledger };
    let trials = plan::at_most(&[claim], world).into_keys();
    let lacking = trials.filter_map(|(key, seed)| own.named(key, seed).err());
    let mut missing: BTreeSet<String> = lacking.map(|lacking| hints::missing(&lacking)).collect();
    missing.extend(device::missing_cuda());
    missing
}
