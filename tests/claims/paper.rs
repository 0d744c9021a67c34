//! Claims at the paper's scale (`--features gpu`): fine-tunes of ResNet-50 from the authors'
//! checkpoints, on a GPU. If files or the GPU are missing, the tests are ignored with the command
//! that helps, or fail with `REPRO_REQUIRE=paper`.

use std::{collections::BTreeSet, path::Path};

use libtest_mimic::{Failed, Trial};
use repro::{
    assets::{for_world, no_progress},
    claim::{Claim, suite::Suite},
    cli::hints,
    engine::device,
    experiment::{EvidenceKind, Verdict},
    plan::{self, campaign::Campaign},
    store::Ledger,
    world::World,
};
use tch::Device;

use super::local_runs;

/// A test for each claim that has fine-tunes at this scale, with data from a folder.
pub fn trials(data: &Path, required: bool) -> Vec<Trial> {
    let world = World::paper();
    let suite = Suite::embedded(&world).unwrap_or_else(|error| panic!("{error}"));
    let planned = suite.claims().iter().filter(|claim| !plan::at_most(&[claim], &world).is_empty());
    planned.map(|claim| trial(claim, &world, data, required)).collect()
}

/// The tests without the feature `gpu`: none, or, if they are required, one that fails.
pub fn not_built(required: bool) -> Vec<Trial> {
    let failing = || {
        Trial::test("claims::paper", || {
            Err(Failed::from(
                "REPRO_REQUIRE=paper needs the feature `gpu`: build with `--features gpu`",
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
    let (claim, assets) = (claim.clone(), for_world(world, data, no_progress));
    Trial::test(name, move || {
        let verdict = local_runs::verdict(&claim, EvidenceKind::Paper, &*assets, Device::Cuda(0))?;
        match expected(&claim) {
            expected if verdict.verdict == expected => Ok(()),
            expected => {
                Err(format!("{}, not {expected}: {}", verdict.verdict, verdict.reason).into())
            }
        }
    })
}

/// The verdict that the spec expects at this scale, or else on the authors' logs, or else the
/// paper's own answer.
fn expected(claim: &Claim) -> Verdict {
    let expected = |kind| claim.expected.get(&kind).map(|expected| expected.verdict);
    let published = expected(EvidenceKind::Published);
    let expected_verdict = expected(EvidenceKind::Paper)
        .or_else(|| published.filter(|verdict| *verdict != Verdict::Incomplete));
    expected_verdict.unwrap_or(Verdict::Supported)
}

/// The missing inputs of a claim's fine-tunes, with help.
pub fn missing(claim: &Claim, world: &World, data: &Path) -> BTreeSet<String> {
    let assets = for_world(world, data, no_progress);
    let ledger = Ledger::new(Ledger::default_folder());
    let campaign = Campaign { kind: EvidenceKind::Paper, world, assets: &*assets, ledger: &ledger };
    let trials = plan::at_most(&[claim], world).into_keys();
    let unavailable = trials.filter_map(|(key, seed)| campaign.identify(key, seed).err());
    let mut missing: BTreeSet<String> =
        unavailable.map(|unavailable| hints::missing(&unavailable)).collect();
    missing.extend(device::missing_cuda());
    missing
}
