//! Every claim as a test, `claims::<id>::<evidence>`: its verdict is the one its spec expects, and
//! its numbers are those of its golden. A claim that the evidence has no records for is ignored
//! with the reason; asked for all the same (`--include-ignored`), it fails.
//!
//! Smoke evidence is run where the ledger lacks it (`REPRO_LEDGER`, or `.ledger` in the project):
//! minutes on an empty one, seconds on a full one. With `--features gpu`, the paper's own scale too.

#[path = "claims/ignored.rs"]
mod ignored;
#[path = "claims/own.rs"]
mod own;
#[path = "claims/paper.rs"]
mod paper;
#[path = "claims/published.rs"]
mod published;
#[path = "common/require.rs"]
mod require;
#[path = "claims/smoke.rs"]
mod smoke;

use ignored::ignored;
use libtest_mimic::{Arguments, Failed, Trial};
use repro::{claim::Claim, fetch, judge::ClaimVerdict};

fn main() {
    let arguments = Arguments::from_args();
    // Before any other call into libtorch; where there is no CUDA half, everything runs on the CPU.
    #[cfg(feature = "gpu")]
    if let Some(reason) = repro::engine::device::missing_cuda() {
        eprintln!("running on the CPU: {reason}");
    }
    let required = require::required("paper");
    let paper = match cfg!(feature = "gpu") {
        true => paper::trials(&fetch::default_folder(), required),
        false => paper::not_built(required),
    };
    let trials: Vec<Trial> =
        published::trials().into_iter().chain(smoke::trials()).chain(paper).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

/// Whether a verdict is the one that its spec expects.
fn as_expected(claim: &Claim, verdict: &ClaimVerdict) -> Result<(), Failed> {
    let expected = claim.expected.get(&verdict.evidence);
    match expected.is_some_and(|expected| verdict.is(expected)) {
        true => Ok(()),
        false => {
            let expected = expected.map(|expected| expected.verdict);
            let (found, reason) = (verdict.verdict, &verdict.reason);
            Err(format!("{found}, its spec expects {expected:?}: {reason}").into())
        }
    }
}
