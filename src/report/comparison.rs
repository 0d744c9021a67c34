//! A comparison with the published numbers as text, and the sentences that text and page share.

use super::terminal::{table, width, wrapped};
use crate::{
    figure::{
        comparison_words::{remarks, side},
        groups::together,
        numbers::{blocks, grouped},
    },
    replication::{Agreement, Comparison, Decided, OnlyOurs, Sameness},
};

/// What it all comes to, in sentences.
#[must_use]
pub(crate) fn sentences(comparison: &Comparison) -> Vec<String> {
    let counts = &comparison.counts;
    let mut said = vec![comparison.note.clone()];
    if counts.compared > 0 {
        said.push(format!(
            "{} of {} published means lie in their prediction interval, {} outside. Chance alone puts \
             {:.1} outside (5 % of {}), if every cell is a replication; after Holm over the {} cells {} \
             remain.",
            counts.compatible,
            counts.compared,
            counts.incompatible,
            counts.expected_by_chance,
            counts.compared,
            counts.compared,
            counts.incompatible_after_holm,
        ));
        if counts.incompatible > 0 {
            said.push(match counts.incompatible_on_the_same_schedule {
                0 => "All of the incompatible ones had another schedule than the published runs."
                    .to_owned(),
                all if all == counts.incompatible => {
                    "None of the incompatible ones had another schedule than the published runs."
                        .to_owned()
                }
                same => format!("{same} of the incompatible ones had the published schedule."),
            });
        }
    }
    let mut others = Vec::new();
    for (count, what) in [
        (counts.same_runs, "are of the very same runs"),
        (counts.shown, "are shown and not compared"),
        (counts.open, "stay open"),
        (counts.only_published, "have no record here"),
    ] {
        if count > 0 {
            others.push(format!("{count} {what}"));
        }
    }
    if !others.is_empty() {
        let besides = if counts.compared > 0 {
            "Of the other published means "
        } else {
            "Of the published means "
        };
        said.push(format!("{besides}{}.", others.join(", ")));
    }
    let same_runs = counts.differences_of_the_same_runs;
    if counts.decisions + same_runs > 0 {
        let apart = match same_runs {
            0 => String::new(),
            same => {
                format!(", {same} of them of the very same runs; of the other {}", counts.decisions)
            }
        };
        said.push(format!(
            "Of {} published differences {} have a counterpart here{apart}: {} are decided the same way, \
             {} by one side alone, {} the opposite way; {} both sides leave open.",
            counts.differences,
            counts.decisions + same_runs,
            counts.same,
            counts.half_open,
            counts.opposite,
            counts.both_open,
        ));
    }
    if counts.only_ours > 0 {
        said.push(format!(
            "{} cells here (target, source, blocks and images) have no published mean.",
            counts.only_ours
        ));
    }
    said
}

/// What stands in the tables.
const WITHIN: &str = "\
within: how far from ours the published mean may lie, t * s * sqrt(1/k + 1/k_published), with 95 %";

/// The comparison as text; with `brief`, without its tables.
#[must_use]
pub fn text(comparison: &Comparison, brief: bool) -> String {
    let mut text = said(comparison);
    if brief {
        return text;
    }
    let side = side(comparison);
    text += &means(comparison, side);
    text += &differences(comparison, side);
    if comparison.counts.compared > 0 {
        text += &format!("\n{WITHIN}\n");
    }
    text += &list("published alone, means:", &missing_means(comparison));
    text += &list("published alone, differences:", &missing_differences(comparison));
    text += &list(&format!("{side} alone:"), &ours_alone(comparison));
    text
}

/// Its title and its sentences, wrapped.
fn said(comparison: &Comparison) -> String {
    let title = format!(
        "{} evidence beside the published numbers: {}",
        comparison.evidence, comparison.title
    );
    let bodies = [title, String::new()].into_iter().chain(sentences(comparison));
    let lines = bodies.flat_map(|body| wrapped(&body, width()));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Means with a record of ours, a table for each figure and number of blocks.
fn means(comparison: &Comparison, side: &str) -> String {
    let header =
        ["target", "source", "images", "published", side, "within", "seeds", "answer", "remarks"];
    let cells =
        comparison.means.iter().filter(|cell| cell.ours.is_some()).map(|cell| {
            (format!("{}{}", figure(&cell.figure, &cell.at), blocks(cell.blocks)), cell)
        });
    tables(&header, cells, |cell| {
        let ours = cell.ours.as_ref();
        vec![
            cell.target.clone(),
            cell.source.clone(),
            cell.images.to_string(),
            format!("{:.2}", cell.published.mean),
            ours.map_or_else(String::new, |ours| format!("{:.2}", ours.mean)),
            cell.predicted
                .map_or_else(String::new, |ends| format!("± {:.2}", (ends.high - ends.low) / 2.0)),
            ours.map_or_else(String::new, |ours| ours.seeds.to_string()),
            cell.agreement.name().to_owned(),
            remarks(&cell.remarks),
        ]
    })
}

/// Differences with records of ours, a table for each figure, contrast and number of blocks.
fn differences(comparison: &Comparison, side: &str) -> String {
    let header = ["target", "images", "published", "", side, "", "decision", "remarks"];
    let cells = comparison.differences.iter().filter(|cell| cell.ours.is_some()).map(|cell| {
        let of = cell.blocks.map(|count| format!(", {}", blocks(count))).unwrap_or_default();
        (format!("{}{}{of}", figure(&cell.figure, &cell.at), cell.contrast), cell)
    });
    let told =
        |side: &Decided| [format!("{:+.2}", side.value.mean), side.direction.name().to_owned()];
    tables(&header, cells, |cell| {
        let ours = cell.ours.as_ref().map_or_else(Default::default, told);
        let front = vec![cell.target.clone(), cell.images.to_string()];
        let end = [cell.decision.map_or("", Sameness::name).to_owned(), remarks(&cell.remarks)];
        front.into_iter().chain(told(&cell.published)).chain(ours).chain(end).collect()
    })
}

/// Cells of the same heading in one table under it, each a row.
fn tables<T>(
    header: &[&str],
    cells: impl Iterator<Item = (String, T)>,
    row: impl Fn(&T) -> Vec<String>,
) -> String {
    let headed = together(cells).into_iter();
    headed
        .map(|(heading, cells)| format!("\n{heading}\n{}\n", table(header, cells.iter().map(&row))))
        .collect()
}

/// Places under a heading, or nothing where there are none.
fn list(heading: &str, places: &[String]) -> String {
    if places.is_empty() {
        return String::new();
    }
    let parts = places.iter().flat_map(|place| wrapped(place, width() - 2));
    format!("\n{heading}\n") + &parts.map(|part| format!("  {part}\n")).collect::<String>()
}

/// Published means without a record of ours, the sizes of each source and target together.
#[must_use]
pub fn missing_means(comparison: &Comparison) -> Vec<String> {
    let cells = comparison.means.iter().filter(|cell| cell.agreement == Agreement::OnlyPublished);
    gathered(cells.map(|cell| {
        (
            figure(&cell.figure, &cell.at)
                + &format!("{} from {}, {}", cell.target, cell.source, blocks(cell.blocks)),
            cell.images,
        )
    }))
}

/// Published differences without records of ours.
#[must_use]
pub(crate) fn missing_differences(comparison: &Comparison) -> Vec<String> {
    let cells = comparison.differences.iter().filter(|cell| cell.ours.is_none());
    gathered(cells.map(|cell| {
        let of = cell.blocks.map(|count| format!(", {}", blocks(count))).unwrap_or_default();
        (
            figure(&cell.figure, &cell.at) + &format!("{}: {}{of}", cell.target, cell.contrast),
            cell.images,
        )
    }))
}

/// Fine-tunes of ours of which nothing was published.
#[must_use]
pub fn ours_alone(comparison: &Comparison) -> Vec<String> {
    gathered(comparison.only_ours.iter().map(|cell: &OnlyOurs| {
        let besides =
            if cell.besides.is_empty() { String::new() } else { format!(", {}", cell.besides) };
        (
            format!("{} from {}, {}{besides}", cell.target, cell.source, blocks(cell.blocks)),
            cell.images,
        )
    }))
}

/// `figure 3 (epoch 11): `; the last and the best epoch go without saying, a figure has one of them.
fn figure(figure: &str, at: &str) -> String {
    let at = if at.starts_with("epoch") { format!(" ({at})") } else { String::new() };
    match figure.parse::<u32>() {
        Ok(number) => format!("figure {number}{at}: "),
        Err(_) => format!("{figure}{at}: "),
    }
}

/// Places that differ in their size alone, together.
fn gathered(places: impl Iterator<Item = (String, u32)>) -> Vec<String> {
    let all = together(places.map(|(place, images)| (place, grouped(images))));
    all.into_iter().map(|(place, sizes)| format!("{place}; {} images", sizes.join(", "))).collect()
}
