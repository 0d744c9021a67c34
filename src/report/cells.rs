//! HTML tables of cells, and the list of flags with the cells that have them.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{
    beside, how_far,
    html::{wide, word},
    titles::with_code,
};
use crate::figure::groups::{distinct, together};
use crate::figure::numbers::{self, NONE, confidence, grouped, probability, signed, signed_to};
use crate::{
    judge::{CellVerdict, Flag, factors},
    util::decimals::decimals,
    world::World,
};

/// A table of cells with their numbers, without empty columns.
#[must_use]
pub fn table(cells: &[CellVerdict], world: &World, caption: &str) -> Markup {
    let several = cells.iter().any(|cell| cell.contrast != cells[0].contrast);
    let has = |of: fn(&CellVerdict) -> bool| cells.iter().any(of);
    let (target, images) = (has(|cell| cell.target.is_some()), has(|cell| cell.images.is_some()));
    // Coordinates that all cells share go into the caption.
    let all: Vec<&CellVerdict> = cells.iter().collect();
    let (differ, same) = factors(&all);
    let blocks = cells.iter().any(|cell| cell.blocks != cells[0].blocks);
    let resolution = cells.iter().any(|cell| cell.resolution != cells[0].resolution);
    let shared = cells.first().map(|cell| {
        let blocks = cell.blocks.filter(|_| !blocks).map(numbers::blocks);
        let pixels = cell.resolution.filter(|_| !resolution).map(|pixels| format!("{pixels} px"));
        let factors = cell.factors_in_words(&same);
        blocks
            .into_iter()
            .chain(pixels)
            .chain(factors)
            .map(|part| format!(", {part}"))
            .collect::<String>()
    });
    let caption = caption.to_owned() + &shared.unwrap_or_default();
    let ends = confidence(cells).map_or_else(
        || "end of the confidence interval".to_owned(),
        |of| format!("end of the {of} confidence interval"),
    );
    let look = has(|cell| cell.look.is_some());
    let test_images = has(|cell| cell.test_images.is_some());
    let with_images = has(|cell| cell.seeds_and_images.is_some());
    let e_value = has(|cell| cell.e_value.is_some());
    let ahead = has(|cell| cell.seeds_ahead.is_some());
    let signs = has(|cell| cell.sign_flip_p.is_some());
    let range = has(|cell| cell.range_over_targets.is_some());
    let corrected = has(|cell| cell.flags.contains(&Flag::StoppedEarly));
    html! {
        (wide(&caption, "", &html! {
                thead { tr {
                    @if several { th scope="col" { "contrast" } }
                    @if target { th scope="col" { "target" } }
                    @for name in &differ { th scope="col" { (world.factor_title(name)) } }
                    @if images { th.number scope="col" { "images" } }
                    @if blocks { th.number scope="col" { "blocks" } }
                    @if resolution { th.number scope="col" { "pixels" } }
                    th.number scope="col" { "mean" }
                    @if corrected {
                        th.number scope="col"
                            title="estimate after a sequential design: the spread is held"
                        {
                            "median-unbiased"
                        }
                        th.number scope="col"
                            title="of a mean that stopped early, if its effect were the true one"
                        {
                            "bias"
                        }
                    }
                    @if range { th scope="col" { "over targets" } }
                    th.number scope="col" title=(ends) { "low" }
                    th.number scope="col" title=(ends) { "high" }
                    @if with_images {
                        th.number scope="col" title="confidence interval for new seeds and images" {
                            "over seeds and images"
                        }
                    }
                    @if test_images {
                        th.number scope="col"
                            title="95 % interval over test images, seeds fixed: paired bootstrap"
                        {
                            "over test images"
                        }
                    }
                    th scope="col" { "verdict" }
                    th.number scope="col" { (world.with_its_replicate("seeds")) }
                    @if ahead { th.number scope="col" { "ahead" } }
                    @if look { th.number scope="col" { "look" } }
                    th.number.symbol scope="col" { "t" }
                    th.number.symbol scope="col" { "p" }
                    th.number.symbol scope="col" { "p, Holm" }
                    @if signs {
                        th.number scope="col" title="exact sign-flip p, at this look" { "p, signs" }
                    }
                    @if e_value { th.number scope="col" { "e-value" } }
                    th scope="col" { "flags" }
                } }
                tbody {
                    @for cell in cells {
                        tr {
                            @if several { td { (cell.contrast) } }
                            @if target {
                                @let target = cell.target.as_deref();
                                td { (target.map_or(NONE, |target| world.title(target))) }
                            }
                            @for name in &differ { td { (cell.factor(name)) } }
                            @if images { td.number { (or_none(cell.images.map(grouped))) } }
                            @if blocks { td.number { (or_none(cell.blocks.map(grouped))) } }
                            @if resolution {
                                td.number {
                                    (or_none(cell.resolution.map(|pixels| pixels.to_string())))
                                }
                            }
                            @let ends = [cell.mean, cell.low, cell.high];
                            @let places = decimals(ends.into_iter().flatten());
                            td.number.strong { (signed_to(cell.mean, places)) }
                            @if corrected {
                                td.number { (signed(cell.median_unbiased)) }
                                td.number { (signed(cell.stopping_bias)) }
                            }
                            @if range { td { (or_none(beside::range(cell))) } }
                            td.number { (signed_to(cell.low, places)) }
                            td.number { (signed_to(cell.high, places)) }
                            @if with_images {
                                td.number { (or_none(how_far::over_seeds_and_images(cell))) }
                            }
                            @if test_images { td.number { (over_test_images(cell)) } }
                            td { (word(cell.verdict)) }
                            td.number { (cell.seeds) }
                            @if ahead {
                                td.number { (or_none(cell.seeds_ahead.map(|it| it.to_string()))) }
                            }
                            @if look {
                                td.number { (or_none(cell.look.map(|look| look.to_string()))) }
                            }
                            td.number { (signed(cell.t)) }
                            td.number { (probability(cell.p)) }
                            td.number { (probability(cell.p_adjusted)) }
                            @if signs { td.number { (probability(cell.sign_flip_p)) } }
                            @if e_value { td.number { (e_value_in_words(cell.e_value)) } }
                            td.flags { (flags_of(cell)) }
                        }
                    }
                }
        }))
    }
}

/// `+1.2 to +3.4`.
fn over_test_images(cell: &CellVerdict) -> String {
    or_none(
        cell.test_images
            .as_ref()
            .map(|images| format!("{} to {}", signed(Some(images.low)), signed(Some(images.high)))),
    )
}

fn or_none(text: Option<String>) -> String {
    text.unwrap_or_else(|| NONE.to_owned())
}

fn e_value_in_words(value: Option<f64>) -> String {
    match value {
        Some(value) if value >= 1000.0 => format!("{value:.1e}"),
        Some(value) => format!("{value:.2}"),
        None => NONE.to_owned(),
    }
}

/// A cell's flags with their counts, or the reason why it can't be judged.
fn flags_of(cell: &CellVerdict) -> String {
    let counted = |flag: &Flag| match flag {
        Flag::MissingSeeds => format!("{} {}", cell.missing_seeds, words(*flag)),
        Flag::UnmatchedSeeds => format!("{} {}", cell.unmatched_seeds, words(*flag)),
        Flag::SameNumbers => format!("{} {}", cell.same_seeds, words(*flag)),
        Flag::FailedTrials => format!("{} {}", cell.failed_seeds, words(*flag)),
        flag => words(*flag),
    };
    let flags = cell.flags.iter().map(counted).collect::<Vec<_>>().join(", ");
    match (cell.mean, flags.is_empty()) {
        (None, true) => cell.reason.clone(),
        _ => flags,
    }
}

/// The name of a flag in words.
fn words(flag: Flag) -> String {
    flag.name().replace('_', " ")
}

/// The flags of the cells, each explained, with the cells that have it.
#[must_use]
pub fn flags(heading: &str, cells: &[CellVerdict], world: &World) -> Markup {
    let mut concerned: BTreeMap<Flag, Vec<&CellVerdict>> = BTreeMap::new();
    for cell in cells {
        for flag in &cell.flags {
            concerned.entry(*flag).or_default().push(cell);
        }
    }
    html! {
        @if !concerned.is_empty() {
            h4 { (heading) }
            dl.flags {
                @for (flag, of) in &concerned {
                    dt { (words(*flag)) span.count { (of.len()) " of " (cells.len()) } }
                    dd {
                        (with_code(&world.with_its_replicate(flag.in_words()))) "."
                        p.where { (places(of, cells, world)) }
                    }
                }
            }
        }
    }
}

/// Cells in a few words: the numbers of images by target, and by contrast where there are several.
fn places(of: &[&CellVerdict], all: &[CellVerdict], world: &World) -> String {
    if of.len() == all.len() {
        return if all.len() == 1 { "the one cell".to_owned() } else { "every cell".to_owned() };
    }
    let several = all.iter().any(|cell| cell.contrast != all[0].contrast);
    let (differ, _) = factors(&all.iter().collect::<Vec<_>>());
    let place = |cell: &&CellVerdict| {
        let contrast = Some(cell.contrast.as_str()).filter(|_| several);
        let target = cell.target.as_deref().map(|target| world.title(target));
        let factors = cell.factors_in_words(&differ);
        let factors = factors.iter().map(String::as_str);
        let name = contrast.into_iter().chain(target).chain(factors).collect::<Vec<_>>().join(", ");
        (name, cell.images.map(grouped))
    };
    let named = |(place, sizes): (String, Vec<Option<String>>)| {
        let sizes = distinct(sizes.into_iter().flatten());
        match (place.is_empty(), sizes.as_slice()) {
            (_, []) => place,
            (true, sizes) => format!("{} images", listed(sizes)),
            (false, sizes) => format!("{place} at {}", listed(sizes)),
        }
    };
    together(of.iter().map(place)).into_iter().map(named).collect::<Vec<_>>().join("; ")
}

/// `100, 200 and 400`.
fn listed(words: &[String]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        words => words.join(""),
    }
}
