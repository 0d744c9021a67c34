//! How a verdict depends on the choices of the paper: what `repro sensitivity` printed once and is
//! kept with the program, or the command and its price.

use maud::{Markup, html};

use super::Judged;
use crate::{
    experiment::EvidenceKind,
    figure::numbers::counted,
    plan::{
        cost::Throughput,
        sensitivity::{
            kept::{KeptChoice, KeptSensitivity, kept},
            price,
        },
    },
};

/// A sentence beside the verdict; empty where the evidence is a user's log.
#[must_use]
pub(super) fn line(one: &Judged<'_>) -> Markup {
    html! {
        @match kept(one.claim, one.evidence) {
            Some(kept) => p.strength { strong { "Sensitivity: " } (sentence(&kept)) },
            None if one.evidence.is_a_log() => {},
            None if one.evidence.kind == EvidenceKind::Published => p.strength {
                strong { "Sensitivity: " }
                "the log has one recipe, so only local runs can vary it."
            },
            None if one.claim.hypothesis.unavailable(&one.evidence.world).is_some() => {
                p.strength {
                    strong { "Sensitivity: " }
                    "not possible in this set-up, which can't run every fine-tune that it compares."
                }
            },
            None if one.evidence.kind.is_local() => p.strength {
                strong { "Sensitivity: " } "not run. " (cost(one)) ": "
                code { (one.under_choices) }
            },
            None => {},
        }
    }
}

/// The whole table, folded; empty if none is kept.
#[must_use]
pub(super) fn table(one: &Judged<'_>) -> Markup {
    let Some(kept) = kept(one.claim, one.evidence) else { return html! {} };
    html! {
        details {
            summary { "Sensitivity" span.count { (kept.choices.len()) } }
            div.within {
                p { "Run once and kept with the program. Again:" }
                pre { code { (one.under_choices) } }
                pre.kept tabindex="0" { code { (kept.text) } }
            }
        }
    }
}

fn cost(one: &Judged<'_>) -> String {
    let (count, cost) = price(one.claim, &one.evidence.world);
    let minutes = Throughput::REFERENCE.seconds(cost) / 60.0;
    let time = if minutes < 600.0 {
        format!("{minutes:.0} minutes")
    } else {
        format!("{:.0} hours", minutes / 60.0)
    };
    format!(
        "Under every other choice it takes at most {}, about {time} on one thread of the reference \
         machine",
        counted(count, "fine-tune")
    )
}

/// Which choices keep the verdict of the paper's recipe and which change it.
fn sentence(kept: &KeptSensitivity) -> String {
    let Some((paper, others)) = kept.choices.split_first() else { return String::new() };
    let changed: Vec<&KeptChoice> =
        others.iter().filter(|choice| choice.verdict != paper.verdict).collect();
    let listed: Vec<String> =
        changed.iter().map(|choice| format!("{} ({})", choice.words, choice.verdict)).collect();
    let recipe = format!("{} by the paper's recipe; ", paper.verdict);
    if listed.is_empty() {
        format!("{recipe}none of {} other choices gives another verdict.", others.len())
    } else {
        let (changed, others) = (changed.len(), others.len());
        format!(
            "{recipe}{changed} of {others} other choices give another verdict: {}.",
            listed.join(", ")
        )
    }
}
