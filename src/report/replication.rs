//! The replication section of the HTML report: the records of an evidence and the published
//! numbers, with figures, all cells, and the cells that only one side has.

use maud::{Markup, html};

use super::{
    comparison::{missing_differences, missing_means, only_local, sentences},
    downloads,
    html::wide,
};
use crate::figure::{
    comparison_words::{remarks, side},
    numbers::{NONE, grouped, interval, probability, signed, value},
};
use crate::{
    replication::{Agreement, Comparison, DifferenceCell, Ends, MeanCell, Remark, Sameness},
    world::World,
};

/// The section; empty without comparisons.
#[must_use]
pub fn section(comparisons: &[Comparison]) -> Markup {
    html! {
        @if !comparisons.is_empty() {
            section.page id="replication" aria-labelledby="replication-title" {
                h2 id="replication-title" {
                    a href="#replication" { "Comparison with the published numbers" }
                }
                p.lead {
                    "Figures 2 to 5 of the paper and its authors' table give means without seeds. \
                     For each cell: is the published mean compatible with these seeds, and is the \
                     decision on each published difference the same?"
                }
                p.aside {
                    "A published mean is compatible if it lies in the 95 % prediction interval for \
                     the mean of k" sub { "published" } " further seeds: mean \u{00b1} \
                     t\u{00b7}s\u{00b7}\u{221a}(1/k + 1/k" sub { "published" } "), with the \
                     standard deviation s over the k seeds here, and k" sub { "published" } " as \
                     the authors planned. The interval needs no published standard deviation and \
                     is exact for any number of seeds. Both sides share checkpoints, test images \
                     and the pool of training images. Where a figure has a band, the interval from \
                     both standard deviations (Welch) is given as well."
                }
                @for comparison in comparisons {
                    (comparison_section(comparison, comparisons.len() > 1))
                }
            }
        }
    }
}

fn comparison_section(comparison: &Comparison, several: bool) -> Markup {
    let kind = comparison.evidence;
    let means: Vec<&MeanCell> =
        comparison.means.iter().filter(|cell| cell.ours.is_some()).collect();
    let differences: Vec<&DifferenceCell> =
        comparison.differences.iter().filter(|cell| cell.ours.is_some()).collect();
    html! {
        div.evidence id=(format!("replication-{kind}")) {
            @if several {
                h3 { a href=(format!("#replication-{kind}")) { "The " (kind) " evidence" } }
            }
            ul.findings { @for sentence in sentences(comparison) { li { (sentence) } } }
            @let figures = downloads::of_comparison(comparison);
            @if !figures.is_empty() {
                details {
                    summary { "Figures of both sides" span.count { (figures.len()) } }
                    div.within { @for figure in &figures { (downloads::figure(figure)) } }
                }
            }
            @if !means.is_empty() {
                details {
                    summary { "Means on both sides" span.count { (means.len()) } }
                    (means_table(comparison, &means))
                }
            }
            @if !differences.is_empty() {
                details {
                    summary { "Differences on both sides" span.count { (differences.len()) } }
                    (differences_table(comparison, &differences))
                }
            }
            (glossary(comparison))
            (one_sided(
                "Means published only",
                comparison.counts.only_published,
                &missing_means(comparison),
            ))
            (one_sided(
                "Differences published only",
                comparison.counts.differences - differences.len(),
                &missing_differences(comparison),
            ))
            (one_sided(
                &format!("Cells on {} evidence only", comparison.evidence),
                comparison.counts.only_ours,
                &only_local(comparison),
            ))
        }
    }
}

fn means_table(comparison: &Comparison, cells: &[&MeanCell]) -> Markup {
    let world = World::paper();
    let compared = comparison.same_experiment;
    let caption = format!("Means on {} evidence and the published ones", comparison.evidence);
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
                        th.number scope="col" { "prediction interval" }
                        th.number scope="col" { "Welch interval" }
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
                                td.number { (range(ends)) }
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
    let caption = format!("Differences on {} evidence and the published ones", comparison.evidence);
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
                    th scope="col" { "direction" }
                    th.number scope="col" { (side(comparison)) }
                    th.number scope="col" { "interval" }
                    th.number scope="col" { "seeds" }
                    th scope="col" { "direction" }
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
                        td {
                            @if let Some(decision) = cell.decision {
                                span class=(decided(decision)) { (decision.name()) }
                            } @else { (NONE) }
                        }
                        td.flags { (remarks(&cell.remarks)) }
                    }
                } }
        }))
    }
}

/// An interval of means, without signs.
fn range(of: Option<Ends>) -> String {
    of.map_or_else(dash, |Ends { low, high }| format!("{} to {}", value(low), value(high)))
}

/// An interval of differences, with signs.
fn ends(of: Option<Ends>) -> String {
    interval(of.map(|ends| ends.low), of.map(|ends| ends.high))
}

fn dash() -> String {
    NONE.to_owned()
}

/// The CSS class of an answer: incompatible ones differ by weight as well as by colour.
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

/// The remarks on any of the cells, each with its explanation.
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
                dl.definitions.within {
                    @for remark in seen { dt { (remark.name()) } dd { (remark.in_words()) } }
                }
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
