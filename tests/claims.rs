//! Every claim as a test, `claims::<id>::<evidence>`: its verdict is the one that its spec expects,
//! and its numbers are those of its golden. A claim without records in the evidence is ignored with
//! the reason; with `--include-ignored` it fails.
//!
//! Missing smoke evidence is run first (ledger: `REPRO_LEDGER`, or `.ledger` in the project). That
//! takes minutes with an empty ledger and seconds with a full one. With the feature `gpu`, which is
//! on by default, claims at the paper's scale are tests too.

#[path = "claims/ignored.rs"]
mod ignored;
#[path = "claims/local_runs.rs"]
mod local_runs;
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
    // Before any other call into libtorch. Without its CUDA half, everything runs on the CPU.
    if let Some(reason) = repro::engine::device::missing_cuda() {
        eprintln!("running on the CPU: {reason}");
    }
    let required = require::required("paper");
    let paper = if cfg!(feature = "gpu") {
        paper::trials(&fetch::default_folder(), required)
    } else {
        paper::not_built(required)
    };
    let trials: Vec<Trial> =
        published::trials().into_iter().chain(smoke::trials()).chain(paper).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

/// Whether a verdict is the one that its spec expects.
fn as_expected(claim: &Claim, verdict: &ClaimVerdict) -> Result<(), Failed> {
    let expected = claim.expected.get(&verdict.evidence);
    if expected.is_some_and(|expected| verdict.is(expected)) {
        return Ok(());
    }
    let expected = expected.map(|expected| expected.verdict);
    let (found, reason) = (verdict.verdict, &verdict.reason);
    Err(format!("{found}, its spec expects {expected:?}: {reason}").into())
}
