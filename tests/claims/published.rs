//! Claims on the authors' logs. The records are the same everywhere, so that goldens have every
//! number to seven digits.

use std::{fmt::Write, sync::Arc};

use libtest_mimic::Trial;
use repro::{
    claim::{Claim, suite::Suite},
    evidence::Evidence,
    experiment::Verdict,
    judge::{CellVerdict, ClaimVerdict, judge},
    world::World,
};

/// Significant digits of a golden's numbers. Another CPU differs by some 1e-15 of a value, which
/// seven digits do not show; they do show a change of the statistics or of the joining.
const GOLDEN_DIGITS: usize = 7;

pub fn trials() -> Vec<Trial> {
    let suite = Suite::embedded(&World::paper()).unwrap_or_else(|error| panic!("{error}"));
    let evidence = Arc::new(Evidence::published().unwrap_or_else(|error| panic!("{error}")));
    suite.claims().iter().map(|claim| trial(claim, &evidence)).collect()
}

fn trial(claim: &Claim, evidence: &Arc<Evidence>) -> Trial {
    let name = format!("claims::{}::{}", claim.id, evidence.kind);
    let verdict = judge(claim, evidence);
    if verdict.verdict == Verdict::Incomplete {
        return super::ignored(name, verdict.reason);
    }
    let claim = claim.clone();
    Trial::test(name, move || {
        super::as_expected(&claim, &verdict)?;
        golden(&verdict);
        Ok(())
    })
}

fn golden(verdict: &ClaimVerdict) {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path("../../goldens/claims");
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
            cell.name,
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
