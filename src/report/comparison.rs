//! A comparison with the published numbers as text, and the sentences that the text and the HTML
//! report share.

use super::terminal::{table, width, wrapped};
use crate::{
    figure::{
        comparison_words::{remarks, side},
        groups::together,
        numbers::{blocks, grouped},
    },
    replication::{Agreement, Comparison, Counts, Decided, OnlyLocal, Sameness},
    util::decimals::signed,
};

/// The results in sentences, the note first.
#[must_use]
pub(crate) fn sentences(comparison: &Comparison) -> Vec<String> {
    let counts = &comparison.counts;
    let mut sentences = vec![comparison.note.clone()];
    sentences.extend(compared_means(counts));
    sentences.extend(schedules_of_incompatible(counts));
    sentences.extend(other_means(counts));
    sentences.extend(decisions(counts));
    if counts.only_ours > 0 {
        sentences.push(format!(
            "{} cells here (target, source, blocks and images) have no published mean.",
            counts.only_ours
        ));
    }
    sentences
}

fn compared_means(counts: &Counts) -> Option<String> {
    (counts.compared > 0).then(|| {
        format!(
            "{} of {} published means lie in their 95 % prediction interval, {} outside. If all \
             replicate, {:.1} are expected outside by chance; after Holm over the {} cells, {} \
             remain incompatible.",
            counts.compatible,
            counts.compared,
            counts.incompatible,
            counts.expected_by_chance,
            counts.compared,
            counts.incompatible_after_holm,
        )
    })
}

fn schedules_of_incompatible(counts: &Counts) -> Option<String> {
    match counts.incompatible_on_the_same_schedule {
        _ if counts.incompatible == 0 => None,
        0 => Some("All incompatible cells have another schedule than the published runs.".into()),
        all if all == counts.incompatible => {
            Some("All incompatible cells have the schedule of the published runs.".into())
        }
        same => Some(format!("{same} incompatible cells have the schedule of the published runs.")),
    }
}

/// Published means that are not compared, with the reasons.
fn other_means(counts: &Counts) -> Option<String> {
    let reasons = [
        (counts.same_runs, "from the same runs"),
        (counts.shown, "not compared"),
        (counts.open, "not judged"),
        (counts.only_published, "with missing records"),
    ];
    let reasons: Vec<String> = reasons
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, reason)| format!("{count} {reason}"))
        .collect();
    let subject = if counts.compared > 0 { "Other published means" } else { "Published means" };
    (!reasons.is_empty()).then(|| format!("{subject}: {}.", reasons.join(", ")))
}

fn decisions(counts: &Counts) -> Option<String> {
    let same_runs = counts.differences_of_the_same_runs;
    let both_sides = counts.decisions + same_runs;
    let apart = match same_runs {
        0 => String::new(),
        same => format!(", {same} of them from the same runs; of the other {}", counts.decisions),
    };
    (both_sides > 0).then(|| {
        format!(
            "{both_sides} of {} published differences have a counterpart here{apart}: {} decided \
             the same way, {} the opposite way, {} on one side only, {} on neither side.",
            counts.differences, counts.same, counts.opposite, counts.half_open, counts.both_open,
        )
    })
}

/// The note below the tables.
const WITHIN: &str = "within: half-width of the 95 % prediction interval, \
                      t * s * sqrt(1/k + 1/k_published)";

/// The comparison as text; with `brief`, without its tables.
#[must_use]
pub fn text(comparison: &Comparison, brief: bool) -> String {
    let mut text = summary(comparison);
    if brief {
        return text;
    }
    let side = side(comparison);
    text += &means(comparison, side);
    text += &differences(comparison, side);
    if comparison.counts.compared > 0 {
        text += &format!("\n{WITHIN}\n");
    }
    text += &list("means published only:", &missing_means(comparison));
    text += &list("differences published only:", &missing_differences(comparison));
    text += &list(&format!("{side} only:"), &only_local(comparison));
    text
}

/// The title and the sentences, wrapped.
fn summary(comparison: &Comparison) -> String {
    let title =
        format!("{} evidence and the published numbers: {}", comparison.evidence, comparison.title);
    let bodies = [title, String::new()].into_iter().chain(sentences(comparison));
    let lines = bodies.flat_map(|body| wrapped(&body, width()));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Means on both sides, one table per figure and number of blocks.
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

/// Differences on both sides, one table per figure, contrast and number of blocks.
fn differences(comparison: &Comparison, side: &str) -> String {
    let header = ["target", "images", "published", "", side, "", "decision", "remarks"];
    let cells = comparison.differences.iter().filter(|cell| cell.ours.is_some()).map(|cell| {
        let of = cell.blocks.map(|count| format!(", {}", blocks(count))).unwrap_or_default();
        (format!("{}{}{of}", figure(&cell.figure, &cell.at), cell.contrast), cell)
    });
    let columns = |side: &Decided| [signed(side.value.mean, 2), side.direction.name().to_owned()];
    tables(&header, cells, |cell| {
        let ours = cell.ours.as_ref().map_or_else(Default::default, columns);
        let front = vec![cell.target.clone(), cell.images.to_string()];
        let end = [cell.decision.map_or("", Sameness::name).to_owned(), remarks(&cell.remarks)];
        front.into_iter().chain(columns(&cell.published)).chain(ours).chain(end).collect()
    })
}

/// One table per heading, one row per cell.
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

/// Places under a heading; empty without places.
fn list(heading: &str, places: &[String]) -> String {
    if places.is_empty() {
        return String::new();
    }
    let parts = places.iter().flat_map(|place| wrapped(place, width() - 2));
    format!("\n{heading}\n") + &parts.map(|part| format!("  {part}\n")).collect::<String>()
}

/// Published means with missing records, with the numbers of images of each source and target.
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

/// Published differences with missing records.
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

/// Fine-tunes of the evidence without a published mean.
#[must_use]
pub fn only_local(comparison: &Comparison) -> Vec<String> {
    gathered(comparison.only_ours.iter().map(|cell: &OnlyLocal| {
        let besides =
            if cell.besides.is_empty() { String::new() } else { format!(", {}", cell.besides) };
        (
            format!("{} from {}, {}{besides}", cell.target, cell.source, blocks(cell.blocks)),
            cell.images,
        )
    }))
}

/// `figure 3 (epoch 11): `. The last and the best epoch are left out: a figure has one of them.
fn figure(figure: &str, at: &str) -> String {
    let at = if at.starts_with("epoch") { format!(" ({at})") } else { String::new() };
    match figure.parse::<u32>() {
        Ok(number) => format!("figure {number}{at}: "),
        Err(_) => format!("{figure}{at}: "),
    }
}

/// Places that differ only in the number of images, merged.
fn gathered(places: impl Iterator<Item = (String, u32)>) -> Vec<String> {
    let all = together(places.map(|(place, images)| (place, grouped(images))));
    all.into_iter().map(|(place, sizes)| format!("{place}; {} images", sizes.join(", "))).collect()
}
