//! The secondary hypotheses (readings) of a claim on the page, folded: their verdicts, and the
//! cells of each.

use maud::{Markup, html};

use super::{
    Judged, cells, estimand, how_far,
    html::badge,
    section::{has_mean, sentence},
    titles::{self, with_code},
};
use crate::{
    figure::{axis::plain, groups::together, numbers::signed},
    judge::{SecondaryVerdict, scales::scale},
};

/// The readings on one evidence; `several` says whether anchors name the evidence.
#[must_use]
pub(super) fn readings(one: &Judged<'_>, several: bool) -> Markup {
    let (verdict, world) = (&one.verdict, &one.evidence.world);
    let address = |reading: &SecondaryVerdict| {
        if several {
            format!("{}-{}-{}", one.claim.id, reading.id, one.evidence.kind)
        } else {
            format!("{}-{}", one.claim.id, reading.id)
        }
    };
    let unit = |reading: &SecondaryVerdict| {
        let unit = reading.unit.name();
        let comma = if unit.is_empty() { "" } else { ", " };
        format!("{unit}{comma}margin {}", plain(reading.margin))
    };
    html! {
        @if !verdict.readings.is_empty() {
            details {
            summary { "Readings" span.count { (counted(&verdict.readings)) } }
            div.within {
            p.aside { "Secondary hypotheses, fixed in advance, which never change the verdict." }
            table.readings.sortable {
                thead {
                    tr {
                        th scope="col" { "hypothesis" }
                        th scope="col" { "verdict" }
                        th scope="col" { "reason" }
                    }
                }
                tbody {
                    @for reading in &verdict.readings {
                        tr id=(address(reading)) {
                            td {
                                (with_code(&reading.sentence))
                                a.id href=(format!("#{}", address(reading))) {
                                    code { (reading.id) }
                                }
                            }
                            td {
                                @if reading.judged {
                                    (badge(reading.verdict))
                                    @if let Some(manner) = how_far::manner(&reading.how_far) {
                                        " " (manner)
                                    }
                                    @let others = &reading.other_scales;
                                    @if let Some(scale) =
                                        scale(reading.verdict, &reading.unit, others)
                                    {
                                        " " (scale)
                                    }
                                } @else {
                                    span.badge.descriptive { "not judged" }
                                }
                            }
                            td {
                                @let of = reading.averages.iter().chain(&reading.cells);
                                (with_code(&titles::in_titles(&reading.reason, of, world))) "."
                                @if reading.hinges_on_one_seed == Some(true) {
                                    " " (world.with_its_replicate("Hinges on one seed."))
                                }
                                @for sentence in how_far::of_reading(one.claim, reading) {
                                    " " (world.with_its_replicate(&sentence)) "."
                                }
                                @for about in estimand::of_reading(verdict, reading) {
                                    " " (sentence(&about))
                                }
                                @if let Some(means) = means_in_words(reading) { " " (means) }
                            }
                        }
                    }
                }
            }
            @for reading in verdict.readings.iter().filter(|reading| has_mean(&reading.cells)) {
                details {
                    summary {
                        "Cells of " code { (reading.id) } span.count { (reading.cells.len()) }
                    }
                    @if !reading.averages.is_empty() {
                        @let caption = format!("Averages ({})", unit(reading));
                        (cells::table(&reading.averages, world, &caption))
                    }
                    (cells::table(&reading.cells, world, &format!("Cells ({})", unit(reading))))
                }
            }
            }
            }
        }
    }
}

/// `7: 5 supported, 1 refuted, 1 not judged`.
fn counted(readings: &[SecondaryVerdict]) -> String {
    let word = |reading: &SecondaryVerdict| {
        if reading.judged { reading.verdict.name() } else { "not judged" }
    };
    let of = together(readings.iter().map(|reading| (word(reading), ())));
    let parts: Vec<String> =
        of.iter().map(|(word, readings)| format!("{} {word}", readings.len())).collect();
    format!("{}: {}", readings.len(), parts.join(", "))
}

/// The range of the cell means, for a secondary hypothesis that is not judged.
fn means_in_words(reading: &SecondaryVerdict) -> Option<String> {
    let means: Vec<f64> =
        reading.cells.iter().filter_map(|cell| cell.mean).filter(|mean| mean.is_finite()).collect();
    let (low, high) =
        crate::figure::axis::range(means.iter().copied()).filter(|_| !reading.judged)?;
    let of = format!("{} of {} cells have a mean", means.len(), reading.cells.len());
    Some(format!(
        "{of}, from {} to {}{}.",
        signed(Some(low)),
        signed(Some(high)),
        reading.unit.after()
    ))
}
