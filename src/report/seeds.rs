//! The page's part on power: for each claim the seeds that its cells would need, and the smallest effect
//! that the seeds in hand can see.

use maud::{Markup, html};

use super::{
    Judged,
    numbers::{NONE, grouped, signed, value},
};
use crate::power::{self, CellPower, ClaimPower, POWER};

/// The section.
#[must_use]
pub fn section(judged: &[Judged<'_>]) -> Markup {
    let all: Vec<(&Judged<'_>, ClaimPower<'_>)> =
        judged.iter().map(|one| (one, power::of(one.claim, one.evidence, &one.verdict))).collect();
    html! {
        section.page id="power" aria-labelledby="power-title" {
            h2 id="power-title" { a href="#power" { "What the seeds can see" } }
            p.lead {
                "For each claim: the seeds that would support it with a chance of " (percent()) " at the effect and spread that were seen, and the smallest effect that the seeds in hand can see with that chance."
            }
            p.aside {
                "Power is a t test's, one-sided, of one cell or average at a time; where seeds were added look by look, each look has its share of the risk. A claim needs as many cells as its quantifier asks for, and all of them must come out, so its own chance lies below that of its cells. An effect that was seen is not the true one: this says how much a design can see, not whether the effect is there."
            }
            (claims(&all))
            @for (one, power) in &all { (cells(one, power)) }
        }
    }
}

fn percent() -> String {
    format!("{:.0} %", POWER * 100.0)
}

fn claims(all: &[(&Judged<'_>, ClaimPower<'_>)]) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label="Power of every claim" {
            table.cells.sortable.power {
                caption { "Power of every claim" }
                thead { tr {
                    th scope="col" { "claim" }
                    th scope="col" { "evidence" }
                    th.number scope="col" { "cells" }
                    th.number scope="col" { "must hold" }
                    th.number scope="col" { "have " (percent()) }
                    th.number scope="col" { "seeds in hand" }
                    th.number scope="col" { "seeds needed" }
                    th.number scope="col" { "smallest effect seen" }
                    th scope="col" { "unit" }
                } }
                tbody { @for (one, power) in all {
                    tr {
                        th scope="row" { a href=(format!("#{}", one.claim.id)) { (one.claim.title) } }
                        td { (one.evidence.kind) }
                        @if let Some(nothing) = power.nothing {
                            td.number { (power.asked) }
                            td.number { (or_none(power.must_hold)) }
                            td colspan="5" { (nothing) }
                        } @else {
                            td.number { (of_cells(power)) }
                            td.number { (power.must_hold.map_or_else(|| "more than chance".to_owned(), |count| count.to_string())) }
                            td.number { (power.enough()) }
                            td.number { (in_hand(power)) }
                            td.number { (power.needed().map_or_else(|| NONE.to_owned(), |needed| needed.to_string())) }
                            td.number { (power.sees().map_or_else(|| NONE.to_owned(), |(least, most)| range(value(least), value(most)))) }
                            td { (one.verdict.unit.name()) }
                        }
                    }
                } }
            }
        }
    }
}

fn or_none(count: Option<usize>) -> String {
    count.map_or_else(|| NONE.to_owned(), |count| count.to_string())
}

/// Cells that have a spread, of those that were asked for.
fn of_cells(power: &ClaimPower<'_>) -> String {
    match power.cells.len() == power.asked {
        true => power.asked.to_string(),
        false => format!("{} of {}", power.cells.len(), power.asked),
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

/// Every cell of one claim.
fn cells(one: &Judged<'_>, power: &ClaimPower<'_>) -> Markup {
    let (id, kind) = (&one.claim.id, one.evidence.kind);
    let caption = format!("Power of {id} on {kind} evidence");
    let world = &one.evidence.world;
    let has = |of: fn(&CellPower<'_>) -> bool| power.cells.iter().any(of);
    let several = power.cells.iter().any(|of| of.cell.contrast != power.cells[0].cell.contrast);
    let target = has(|of| of.cell.target.is_some());
    let images = has(|of| of.cell.images.is_some());
    let repetition = has(|of| of.cell.repetition.is_some());
    let pixels = has(|of| of.cell.resolution.is_some());
    html! {
        @if !power.cells.is_empty() {
            details id=(format!("power-{id}-{kind}")) {
                summary { (one.claim.title) ", " (kind) " evidence" span.count { (power.cells.len()) } }
                div.wide tabindex="0" role="region" aria-label=(caption) {
                    table.cells.sortable {
                        caption { (caption) }
                        thead { tr {
                            @if several { th scope="col" { "contrast" } }
                            @if target { th scope="col" { "target" } }
                            @if images { th.number scope="col" { "images" } }
                            @if pixels { th.number scope="col" { "pixels" } }
                            @if repetition { th.number scope="col" { "repetition" } }
                            th.number scope="col" { "effect over the margin" }
                            th.number scope="col" { "spread" }
                            th.number scope="col" { "seeds in hand" }
                            th.number scope="col" { "seeds needed" }
                            th.number scope="col" { "smallest effect seen" }
                        } }
                        tbody { @for of in &power.cells {
                            tr {
                                @if several { td { (of.cell.contrast) } }
                                @if target { td { (of.cell.target.as_deref().map_or(NONE, |target| world.title(target))) } }
                                @if images { td.number { (of.cell.images.map_or_else(|| NONE.to_owned(), grouped)) } }
                                @if pixels { td.number { (of.cell.resolution.map_or_else(|| NONE.to_owned(), |pixels| pixels.to_string())) } }
                                @if repetition { td.number { (of.cell.repetition.map_or_else(|| NONE.to_owned(), grouped)) } }
                                td.number.strong { (signed(Some(of.effect))) }
                                td.number { (value(of.spread)) }
                                td.number { (of.cell.seeds) }
                                td.number { (of.needed) }
                                td.number { (value(of.sees)) }
                            }
                        } }
                    }
                }
            }
        }
    }
}
