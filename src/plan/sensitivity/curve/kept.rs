//! The specification curves that were run once and ship with the program (`goldens/smoke`).

use super::Curve;
use crate::{claim::Claim, evidence::Evidence};

/// The claims that have a curve beside them in a report.
pub const CLAIMS: [&str; 2] = ["robust_beats_natural", "shape_bias"];

/// The text of `goldens/smoke/sensitivity/curve-CLAIM.json` of each claim that has one.
const TEXTS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/curves.rs"));

/// The curve of a claim in the world of an evidence; `None` if it was not run.
///
/// # Panics
/// If a kept file is no curve, which a test excludes.
#[must_use]
pub fn kept(claim: &Claim, evidence: &Evidence) -> Option<Curve> {
    let (_, text) = TEXTS.iter().find(|(id, _)| *id == claim.id)?;
    let curve: Curve = serde_json::from_str(text).expect("a kept curve can be read");
    let same = curve.evidence == evidence.kind && curve.is_of(claim, &evidence.world);
    same.then_some(curve)
}
