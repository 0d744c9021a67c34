//! The power section of the HTML report: for each claim, the seeds that its cells need and the
//! smallest effect that its seeds can detect.

use maud::{Markup, html};

use super::{Judged, html::wide, subject::Subject};
use crate::figure::numbers::{NONE, grouped, signed, value};
use crate::{
    experiment::Verdict,
    judge::power::{self, CellPower, ClaimPower, Needed, POWER},
};

/// The section.
#[must_use]
pub fn section(judged: &[Judged<'_>]) -> Markup {
    let all: Vec<(&Judged<'_>, ClaimPower<'_>)> = judged
        .iter()
        .map(|one| (one, power::claim_power(one.claim, one.evidence, &one.verdict)))
        .collect();
    let subject = Subject::of(judged);
    let replicates = format!("{}s", subject.replicate());
    html! {
        section.page id="power" aria-labelledby="power-title" {
            h2 id="power-title" { a href="#power" { "Statistical power" } }
            p.lead {
                "For each claim: the " (replicates) " that give " (percent()) " power at the \
                 observed effect and spread (standard deviation), and the smallest effect that the \
                 available " (replicates) " detect with that power."
            }
            p.aside {
                "Power is that of a one-sided t test of one cell or average; in a sequential \
                 design each look (interim analysis) has its share of the level. A claim needs as \
                 many supported cells as its quantifier requires, all at once, so its power is \
                 below that of its cells. The observed effect is not the true one: power describes \
                 the design and is no evidence for the effect."
            }
            details {
                summary { "Power of every claim" span.count { (all.len()) } }
                (claims(&all, &replicates))
            }
            (cells(&all, &replicates, matches!(subject, Subject::Study(_))))
        }
    }
}

/// The power of a claim in a sentence beside its verdict; empty where nothing is judged.
#[must_use]
pub(super) fn line(one: &Judged<'_>) -> Markup {
    let power = power::claim_power(one.claim, one.evidence, &one.verdict);
    let judged = one.verdict.verdict != Verdict::Incomplete;
    html! {
        @if let Some(reason) = power.unavailable.filter(|_| judged) {
            p.strength { strong { "Power: " } "none is given, since " (reason) "." }
        } @else if judged {
            p.strength { strong { "Power: " } (one.evidence.world.with_its_replicate(&in_words(&power, &one.verdict.unit.after()))) }
        }
    }
}

fn in_words(power: &ClaimPower<'_>, unit: &str) -> String {
    let of = if power.cells.len() == 1 {
        "the one cell".to_owned()
    } else {
        format!("{} of {} cells", power.powered(), power.cells.len())
    };
    let have = match (power.cells.len(), power.powered()) {
        (1, 0) => "does not have",
        (1, _) | (_, 1) => "has",
        _ => "have",
    };
    let needed = match power.needed() {
        Some(Needed::Seeds(seeds)) => {
            format!("; {seeds} seeds would give it to as many as must hold")
        }
        Some(Needed::TooMany) => {
            "; no practical number of seeds gives it to as many as must hold".to_owned()
        }
        Some(Needed::Never) => {
            "; no number of seeds gives it to as many as must hold, since an effect is zero or \
             against the hypothesis"
                .to_owned()
        }
        None => String::new(),
    };
    format!(
        "{of} {have} {} at the observed effect with {} seeds{needed}. Smallest \
         detectable effect: {}{unit}.",
        percent(),
        seeds_available(power),
        smallest_effect(power)
    )
}

fn percent() -> String {
    format!("{:.0} %", POWER * 100.0)
}

fn claims(all: &[(&Judged<'_>, ClaimPower<'_>)], replicates: &str) -> Markup {
    html! {
        (wide("Power of every claim", "power", &html! {
                thead { tr {
                    th scope="col" { "claim" }
                    th scope="col" { "evidence" }
                    th.number scope="col" { "cells" }
                    th.number scope="col" { "must hold" }
                    th.number scope="col" { "with " (percent()) " power" }
                    th.number scope="col" { (replicates) " available" }
                    th.number scope="col" { (replicates) " needed" }
                    th.number scope="col" { "smallest detectable effect" }
                    th scope="col" { "unit" }
                } }
                tbody { @for (one, power) in all {
                    tr {
                        th scope="row" {
                            a href=(format!("#{}", one.claim.id)) { (one.claim.title) }
                        }
                        td { (one.evidence.kind) }
                        @if let Some(reason) = power.unavailable {
                            td.number { (power.units) }
                            td.number { (must_hold(power)) }
                            td colspan="5" { (reason) }
                        } @else {
                            td.number { (of_cells(power)) }
                            td.number { (must_hold(power)) }
                            td.number { (power.powered()) }
                            td.number { (seeds_available(power)) }
                            td.number { (seeds_needed(power)) }
                            td.number { (smallest_effect(power)) }
                            td { (one.verdict.unit.name()) }
                        }
                    }
                } }
        }))
    }
}

fn must_hold(power: &ClaimPower<'_>) -> String {
    power.must_hold.map_or_else(|| "more than chance".to_owned(), |count| count.to_string())
}

/// Cells that have a standard deviation, of all cells of the hypothesis.
fn of_cells(power: &ClaimPower<'_>) -> String {
    if power.cells.len() == power.units {
        power.units.to_string()
    } else {
        format!("{} of {}", power.cells.len(), power.units)
    }
}

fn seeds_needed(power: &ClaimPower<'_>) -> String {
    power.needed().map_or_else(|| NONE.to_owned(), |needed| needed.to_string())
}

fn smallest_effect(power: &ClaimPower<'_>) -> String {
    let effects = power.detectable();
    effects.map_or_else(|| NONE.to_owned(), |(low, high)| range(value(low), value(high)))
}

fn seeds_available(power: &ClaimPower<'_>) -> String {
    let seeds = || power.cells.iter().map(|of| of.cell.seeds);
    let (low, high) = (seeds().min().unwrap_or(0), seeds().max().unwrap_or(0));
    range(low.to_string(), high.to_string())
}

fn range(low: String, high: String) -> String {
    if low == high { low } else { format!("{low} to {high}") }
}

/// Every cell of every claim; those of a study by their names.
fn cells(all: &[(&Judged<'_>, ClaimPower<'_>)], replicates: &str, of_study: bool) -> Markup {
    let count: usize = all.iter().map(|(_, power)| power.cells.len()).sum();
    html! {
        @if count > 0 {
            details {
                summary { "Power of every cell" span.count { (count) } }
                (wide("Power of every cell", "", &html! {
                        thead { tr {
                            th scope="col" { "claim" }
                            th scope="col" { "evidence" }
                            th scope="col" { "contrast" }
                            @if of_study {
                                th scope="col" { "cell" }
                            } @else {
                                th scope="col" { "target" }
                                th.number scope="col" { "images" }
                            }
                            th.number scope="col" { "mean minus margin" }
                            th.number scope="col" { "spread" }
                            th.number scope="col" { (replicates) " available" }
                            th.number scope="col" { (replicates) " needed" }
                            th.number scope="col" { "smallest detectable effect" }
                        } }
                        tbody {
                            @for (one, power) in all { @for of in &power.cells { (row(one, of, of_study)) } }
                        }
                }))
            }
        }
    }
}

fn row(one: &Judged<'_>, of: &CellPower<'_>, of_study: bool) -> Markup {
    let cell = of.cell;
    let world = &one.evidence.world;
    // Coordinates that few cells have are appended to the contrast.
    let pixels = cell.resolution.map(|pixels| format!(", {pixels} px"));
    let repetition = cell.repetition.map(|count| format!(", repetition {count}"));
    html! {
        tr {
            td { (one.claim.title) }
            td { (one.evidence.kind) }
            td { (cell.contrast) (pixels.unwrap_or_default()) (repetition.unwrap_or_default()) }
            @if of_study {
                td { (cell.name) }
            } @else {
                td { (cell.target.as_deref().map_or(NONE, |target| world.title(target))) }
                td.number { (cell.images.map_or_else(|| NONE.to_owned(), grouped)) }
            }
            td.number.strong { (signed(Some(of.effect))) }
            td.number { (value(of.spread)) }
            td.number { (cell.seeds) }
            td.number { (of.needed) }
            td.number { (value(of.detectable)) }
        }
    }
}
