//! The page's part on power: for each claim the seeds that its cells would need, and the smallest effect
//! that the seeds in hand can see.

use maud::{Markup, html};

use super::{Judged, html::wide};
use crate::figure::numbers::{NONE, grouped, signed, value};
use crate::judge::power::{self, CellPower, ClaimPower, POWER};

/// The section.
#[must_use]
pub fn section(judged: &[Judged<'_>]) -> Markup {
    let all: Vec<(&Judged<'_>, ClaimPower<'_>)> =
        judged.iter().map(|one| (one, power::of(one.claim, one.evidence, &one.verdict))).collect();
    html! {
        section.page id="power" aria-labelledby="power-title" {
            h2 id="power-title" { a href="#power" { "What the seeds can see" } }
            p.lead {
                "For each claim: the seeds that would support it with a chance of " (percent()) " at the effect and spread that were seen, and the smallest effect that is visible to the seeds in hand with that chance."
            }
            p.aside {
                "Power is a t test's, one-sided, of one cell or average at a time; where seeds were added look by look, each look has its share of the risk. A claim needs as many cells as its quantifier asks for, and all of them must come out, so its own chance lies below that of its cells. An effect that was seen is not the true one: this says how much a design can see, not whether the effect is there."
            }
            (claims(&all))
            (cells(&all))
        }
    }
}

fn percent() -> String {
    format!("{:.0} %", POWER * 100.0)
}

fn claims(all: &[(&Judged<'_>, ClaimPower<'_>)]) -> Markup {
    html! {
        (wide("Power of every claim", "power", &html! {
                thead { tr {
                    th scope="col" { "claim" }
                    th scope="col" { "evidence" }
                    th.number scope="col" { "cells" }
                    th.number scope="col" { "must hold" }
                    th.number scope="col" { "have " (percent()) }
                    th.number scope="col" { "seeds in hand" }
                    th.number scope="col" { "seeds needed" }
                    th.number scope="col" { "smallest visible effect" }
                    th scope="col" { "unit" }
                } }
                tbody { @for (one, power) in all {
                    tr {
                        th scope="row" { a href=(format!("#{}", one.claim.id)) { (one.claim.title) } }
                        td { (one.evidence.kind) }
                        @if let Some(nothing) = power.nothing {
                            td.number { (power.asked) }
                            td.number { (must_hold(power)) }
                            td colspan="5" { (nothing) }
                        } @else {
                            td.number { (of_cells(power)) }
                            td.number { (must_hold(power)) }
                            td.number { (power.enough()) }
                            td.number { (in_hand(power)) }
                            td.number { (power.needed().map_or_else(|| NONE.to_owned(), |needed| needed.to_string())) }
                            td.number { (power.sees().map_or_else(|| NONE.to_owned(), |(least, most)| range(value(least), value(most)))) }
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

/// Cells that have a spread, of those that were asked for.
fn of_cells(power: &ClaimPower<'_>) -> String {
    if power.cells.len() == power.asked {
        power.asked.to_string()
    } else {
        format!("{} of {}", power.cells.len(), power.asked)
    }
}

fn in_hand(power: &ClaimPower<'_>) -> String {
    let seeds = || power.cells.iter().map(|of| of.cell.seeds);
    let (least, most) = (seeds().min().unwrap_or(0), seeds().max().unwrap_or(0));
    range(least.to_string(), most.to_string())
}

fn range(least: String, most: String) -> String {
    if least == most { least } else { format!("{least} to {most}") }
}

/// Every cell of every claim.
fn cells(all: &[(&Judged<'_>, ClaimPower<'_>)]) -> Markup {
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
                            th scope="col" { "target" }
                            th.number scope="col" { "images" }
                            th.number scope="col" { "effect over the margin" }
                            th.number scope="col" { "spread" }
                            th.number scope="col" { "seeds in hand" }
                            th.number scope="col" { "seeds needed" }
                            th.number scope="col" { "smallest visible effect" }
                        } }
                        tbody { @for (one, power) in all { @for of in &power.cells { (row(one, of)) } } }
                }))
            }
        }
    }
}

fn row(one: &Judged<'_>, of: &CellPower<'_>) -> Markup {
    let cell = of.cell;
    let world = &one.evidence.world;
    // What few cells have stands with the contrast.
    let pixels = cell.resolution.map(|pixels| format!(", {pixels} px"));
    let repetition = cell.repetition.map(|count| format!(", repetition {count}"));
    html! {
        tr {
            td { (one.claim.id) }
            td { (one.evidence.kind) }
            td { (cell.contrast) (pixels.unwrap_or_default()) (repetition.unwrap_or_default()) }
            td { (cell.target.as_deref().map_or(NONE, |target| world.title(target))) }
            td.number { (cell.images.map_or_else(|| NONE.to_owned(), grouped)) }
            td.number.strong { (signed(Some(of.effect))) }
            td.number { (value(of.spread)) }
            td.number { (cell.seeds) }
            td.number { (of.needed) }
            td.number { (value(of.sees)) }
        }
    }
}
