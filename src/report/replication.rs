//! The page's part on replication: an evidence's records beside the published numbers, with figures, every
//! cell, and what only one side has.

use maud::{Markup, html};

use super::{
    comparison::{missing_differences, missing_means, ours_alone, sentences},
    html::wide,
};
use crate::figure::{
    comparison_words::{remarks, side},
    numbers::{NONE, grouped, interval, probability, signed, value},
    scatter, svg,
};
use crate::{
    replication::{Agreement, Comparison, DifferenceCell, MeanCell, Remark, Sameness},
    world::World,
};

/// The section; nothing where there is no comparison.
#[must_use]
pub fn section(comparisons: &[Comparison]) -> Markup {
    html! {
        @if !comparisons.is_empty() {
            section.page id="replication" aria-labelledby="replication-title" {
                h2 id="replication-title" { a href="#replication" { "Beside the published numbers" } }
                p.lead { "The paper's figures 2 to 5 and its authors' table have means without seeds. Cell by cell: is the published mean one that these seeds could have given, and is the decision on each published difference the same?" }
                p.aside {
                    "A published mean is compatible where it lies in the prediction interval of as many further seeds: the mean here \u{00b1} t\u{00b7}s\u{00b7}\u{221a}(1/k + 1/k" sub { "published" } "), with the spread s over the k seeds here and the seeds that the authors planned. It needs no published spread, and holds at 95 % for any number of seeds. Checkpoints, test images and the pool that subsets are drawn from are shared by both sides and cancel. Where a figure has a band, the interval from both spreads stands beside it."
                }
                @for comparison in comparisons { (of(comparison, comparisons.len() > 1)) }
            }
        }
    }
}

fn of(comparison: &Comparison, several: bool) -> Markup {
    let kind = comparison.evidence;
    let means: Vec<&MeanCell> =
        comparison.means.iter().filter(|cell| cell.ours.is_some()).collect();
    let differences: Vec<&DifferenceCell> =
        comparison.differences.iter().filter(|cell| cell.ours.is_some()).collect();
    html! {
        div.evidence id=(format!("replication-{kind}")) {
            @if several { h3 { a href=(format!("#replication-{kind}")) { "The " (kind) " evidence" } } }
            ul.said { @for sentence in sentences(comparison) { li { (sentence) } } }
            @for drawing in scatter::draw(comparison) { (svg::figure(&drawing)) }
            @if !means.is_empty() {
                details {
                    summary { "Every mean that both have" span.count { (means.len()) } }
                    (means_table(comparison, &means))
                }
            }
            @if !differences.is_empty() {
                details {
                    summary { "Every difference that both have" span.count { (differences.len()) } }
                    (differences_table(comparison, &differences))
                }
            }
            (glossary(comparison))
            (one_sided("Means that are published alone", comparison.counts.only_published, &missing_means(comparison)))
            (one_sided(
                "Differences that are published alone",
                comparison.counts.differences - differences.len(),
                &missing_differences(comparison),
            ))
            (one_sided(
                &format!("Cells that {} alone has", if several || side(comparison) == "ours" { "this evidence" } else { "the log" }),
                comparison.counts.only_ours,
                &ours_alone(comparison),
            ))
        }
    }
}

fn means_table(comparison: &Comparison, cells: &[&MeanCell]) -> Markup {
    let world = World::paper();
    let compared = comparison.same_experiment;
    let caption = format!("Means on {} evidence beside the published ones", comparison.evidence);
    html! {
        (wide(&caption, "", &html! {
                thead { tr {
                    th scope="col" { "figure" }
                    th scope="col" { "target" }
                    th scope="col" { "source" }
                    th.number scope="col" { "blocks" }
                    th.number scope="col" { "images" }
                    th scope="col" { "read at" }
                    th.number scope="col" { "published" }
                    th.number scope="col" { (side(comparison)) }
                    th.number scope="col" { "seeds" }
                    th.number scope="col" { "spread" }
                    @if compared {
                        th.number scope="col" { "predicted" }
                        th.number scope="col" { "by both spreads" }
                        th.number.symbol scope="col" { "p" }
                        th.number.symbol scope="col" { "p, Holm" }
                    }
                    th scope="col" { "answer" }
                    th scope="col" { "remarks" }
                } }
                tbody { @for cell in cells {
                    @let ours = cell.ours.as_ref();
                    tr {
                        td { (cell.figure) }
                        td { (world.title(&cell.target)) }
                        td { (cell.source) }
                        td.number { (cell.blocks) }
                        td.number { (grouped(cell.images)) }
                        td { (cell.at) }
                        td.number.strong { (value(cell.published.mean)) }
                        td.number.strong { (ours.map_or_else(dash, |ours| value(ours.mean))) }
                        td.number { (ours.map_or_else(dash, |ours| ours.seeds.to_string())) }
                        td.number { (ours.and_then(|ours| ours.spread).map_or_else(dash, value)) }
                        @if compared {
                            @for ends in [cell.predicted, cell.with_both_spreads] {
                                td.number { (ends.map_or_else(dash, |ends| format!("{} to {}", value(ends.low), value(ends.high)))) }
                            }
                            td.number { (probability(cell.p)) }
                            td.number { (probability(cell.p_adjusted)) }
                        }
                        td { span class=(answer(cell.agreement)) { (cell.agreement.name()) } }
                        td.flags { (remarks(&cell.remarks)) }
                    }
                } }
        }))
    }
}

fn differences_table(comparison: &Comparison, cells: &[&DifferenceCell]) -> Markup {
    let world = World::paper();
    let caption =
        format!("Differences on {} evidence beside the published ones", comparison.evidence);
    html! {
        (wide(&caption, "", &html! {
                thead { tr {
                    th scope="col" { "figure" }
                    th scope="col" { "difference" }
                    th scope="col" { "target" }
                    th.number scope="col" { "blocks" }
                    th.number scope="col" { "images" }
                    th scope="col" { "read at" }
                    th.number scope="col" { "published" }
                    th.number scope="col" { "interval" }
                    th scope="col" { "decides" }
                    th.number scope="col" { (side(comparison)) }
                    th.number scope="col" { "interval" }
                    th.number scope="col" { "seeds" }
                    th scope="col" { "decides" }
                    th scope="col" { "decision" }
                    th scope="col" { "remarks" }
                } }
                tbody { @for cell in cells {
                    @let ours = cell.ours.as_ref();
                    tr {
                        td { (cell.figure) }
                        td { (cell.contrast.replace(" - ", " \u{2212} ")) }
                        td { (world.title(&cell.target)) }
                        td.number { (cell.blocks.map_or_else(dash, |blocks| blocks.to_string())) }
                        td.number { (grouped(cell.images)) }
                        td { (cell.at) }
                        td.number.strong { (signed(Some(cell.published.value.mean))) }
                        td.number { (ends(cell.published.value.interval)) }
                        td { (cell.published.direction.name()) }
                        td.number.strong { (signed(ours.map(|ours| ours.value.mean))) }
                        td.number { (ends(ours.and_then(|ours| ours.value.interval))) }
                        td.number { (ours.map_or_else(dash, |ours| ours.value.seeds.to_string())) }
                        td { (ours.map_or(NONE, |ours| ours.direction.name())) }
                        td { @if let Some(decision) = cell.decision { span class=(decided(decision)) { (decision.name()) } } @else { (NONE) } }
                        td.flags { (remarks(&cell.remarks)) }
                    }
                } }
        }))
    }
}

fn ends(of: Option<crate::replication::Ends>) -> String {
    interval(of.map(|ends| ends.low), of.map(|ends| ends.high))
}

fn dash() -> String {
    NONE.to_owned()
}

/// The class of an answer: what differs stands out, by weight as well as colour.
fn answer(agreement: Agreement) -> &'static str {
    match agreement {
        Agreement::Compatible => "answer-agrees",
        Agreement::Incompatible => "answer-differs",
        _ => "answer-other",
    }
}

fn decided(sameness: Sameness) -> &'static str {
    match sameness {
        Sameness::Same => "answer-agrees",
        Sameness::Opposite => "answer-differs",
        Sameness::HalfOpen | Sameness::BothOpen => "answer-other",
    }
}

/// The remarks that some cell carries, each in a sentence.
fn glossary(comparison: &Comparison) -> Markup {
    let of_means = comparison.means.iter().flat_map(|cell| &cell.remarks);
    let of_differences = comparison.differences.iter().flat_map(|cell| &cell.remarks);
    let mut seen: Vec<Remark> = of_means.chain(of_differences).copied().collect();
    seen.sort_unstable();
    seen.dedup();
    html! {
        @if !seen.is_empty() {
            details {
                summary { "What the remarks mean" span.count { (seen.len()) } }
                dl.asked.within { @for remark in seen { dt { (remark.name()) } dd { (remark.in_words()) } } }
            }
        }
    }
}

fn one_sided(heading: &str, count: usize, places: &[String]) -> Markup {
    html! {
        @if count > 0 {
            details {
                summary { (heading) span.count { (count) } }
                ul.places { @for place in places { li { (place) } } }
            }
        }
    }
}
