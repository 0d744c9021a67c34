//! Every claim as a test, `claims::<id>::<evidence>`: its verdict is the one its spec expects, and
//! its numbers are those of its golden. A claim that the evidence has no records for is ignored
//! with the reason; asked for all the same (`--include-ignored`), it fails.

use std::{fmt::Write, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};
use repro::{
    claim::{Claim, suite::Suite},
    evidence::Evidence,
    judge::{CellVerdict, ClaimVerdict, judge},
    verdict::Verdict,
    world::World,
};

/// Significant digits of a golden's numbers. Another CPU's last bits differ by some 1e-15 of a
/// value, which seven digits do not see; a change to the statistics or the joining they do.
const GOLDEN_DIGITS: usize = 7;

fn main() {
    let arguments = Arguments::from_args();
    // Before any other call into libtorch; where there is no CUDA half, everything runs on the CPU.
    #[cfg(feature = "gpu")]
    if let Some(reason) = repro::device::missing_cuda() {
        eprintln!("running on the CPU: {reason}");
    }
    let suite = Suite::embedded(&World::paper()).unwrap_or_else(|error| panic!("{error}"));
    let evidence = Arc::new(Evidence::published().unwrap_or_else(|error| panic!("{error}")));
    let trials = suite.claims().iter().map(|claim| trial(claim, &evidence)).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(claim: &Claim, evidence: &Arc<Evidence>) -> Trial {
    let name = format!("claims::{}::{}", claim.id, evidence.kind);
    let verdict = judge(claim, evidence);
    if verdict.verdict == Verdict::Incomplete {
        eprintln!("ignored: {name}: {}", verdict.reason);
        return Trial::test(name, move || Err(Failed::from(verdict.reason)))
            .with_kind("no records")
            .with_ignored_flag(true);
    }
    let expected = claim.expected.get(&evidence.kind).map(|expected| expected.verdict);
    Trial::test(name, move || {
        if expected != Some(verdict.verdict) {
            let found = verdict.verdict;
            return Err(
                format!("{found}, its spec expects {expected:?}: {}", verdict.reason).into()
            );
        }
        golden(&verdict);
        Ok(())
    })
}

fn golden(verdict: &ClaimVerdict) {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path("../goldens/claims");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::assert_snapshot!(format!("{}-{}", verdict.claim, verdict.evidence), text(verdict));
    });
}

fn text(verdict: &ClaimVerdict) -> String {
    let mut text = format!("{}: {}\n", verdict.verdict, verdict.reason);
    rows(&mut text, "average", &verdict.averages);
    rows(&mut text, "cell", &verdict.cells);
    for reading in &verdict.readings {
        let _ = writeln!(text, "\nreading {}: {}: {}", reading.id, reading.verdict, reading.reason);
        rows(&mut text, "average", &reading.averages);
        rows(&mut text, "cell", &reading.cells);
    }
    text
}

fn rows(text: &mut String, kind: &str, cells: &[CellVerdict]) {
    let number = |value: Option<f64>| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.*e}", GOLDEN_DIGITS - 1))
    };
    for cell in cells {
        let flags: Vec<&str> = cell.flags.iter().map(|flag| flag.name()).collect();
        let _ = writeln!(
            text,
            "{kind} {}, {}: {}, {} seeds, mean {} [{}, {}] t {} p {} holm {} e {} {}",
            cell.name(),
            cell.contrast,
            cell.verdict,
            cell.seeds,
            number(cell.mean),
            number(cell.low),
            number(cell.high),
            number(cell.t),
            number(cell.p),
            number(cell.p_adjusted),
            number(cell.e_value),
            flags.join(" "),
        );
    }
}
