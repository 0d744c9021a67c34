//! The answer on one screen: a table of claims by evidence, and a sentence for each evidence. Pure:
//! the width and the signs that can be printed are arguments.

mod bottom_line;
mod layout;
mod marks;
pub(super) mod numbers;

pub use bottom_line::bottom_line;
pub use marks::{Glyphs, Remark, sign};

use crate::{
    experiment::EvidenceKind,
    figure::groups::{distinct, together},
    judge::ClaimVerdict,
    report::terminal::{WIDTH, wrapped},
    util::shown::visible,
};
use layout::{Cell, Row};

/// From this width on, numbers stand beside the words.
const WIDE: usize = 120;
/// Columns and lines of the summary that `verify -q` prints.
pub const SCREEN: (usize, usize) = (80, 30);

/// A row a claim with a word and marks for each evidence, then the bottom line of each evidence.
///
/// No line is wider than `width` columns, except a single word that is. With `lines`, titles are
/// cut where the text would otherwise have more lines.
#[must_use]
pub fn text(
    verdicts: &[&ClaimVerdict],
    width: usize,
    lines: Option<usize>,
    glyphs: Glyphs,
) -> String {
    let whole = [table(verdicts, width, glyphs, false), below(verdicts, width)].concat();
    match lines {
        Some(most) if whole.lines().count() > most => {
            [table(verdicts, width, glyphs, true), below(verdicts, width)].concat()
        }
        _ => whole,
    }
}

fn table(verdicts: &[&ClaimVerdict], width: usize, glyphs: Glyphs, cut: bool) -> String {
    let kinds: Vec<EvidenceKind> = kinds(verdicts);
    let by_claim = together(verdicts.iter().map(|one| (one.claim.as_str(), *one)));
    let rows: Vec<Row> = by_claim
        .into_iter()
        .map(|(_, of_claim)| Row {
            title: visible(&of_claim[0].title),
            cells: kinds
                .iter()
                .map(|kind| {
                    let verdict = of_claim.iter().find(|one| one.evidence == *kind)?;
                    Some(cell(verdict, glyphs, width >= WIDE))
                })
                .collect(),
        })
        .collect();
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    layout::table(&names, &rows, width, cut.then_some(glyphs))
}

/// The kinds of evidence, in the order in which they first come.
fn kinds(verdicts: &[&ClaimVerdict]) -> Vec<EvidenceKind> {
    let mut kinds = distinct(verdicts.iter().map(|one| one.evidence));
    kinds.sort_unstable();
    kinds
}

fn cell(verdict: &ClaimVerdict, glyphs: Glyphs, with_numbers: bool) -> Cell {
    let word = match verdict.undecided {
        Some(open) => format!("undecided {}/{}", open.seeds, open.of),
        None => verdict.verdict.name().to_owned(),
    };
    let sign = sign(verdict.verdict, glyphs);
    let letters: String = Remark::of(verdict).into_iter().map(Remark::letter).collect();
    Cell {
        verdict: verdict.verdict,
        word: format!("{sign} {word}"),
        letters,
        numbers: if with_numbers { numbers::in_short(verdict) } else { String::new() },
    }
}

/// What the letters mean, and the bottom lines.
fn below(verdicts: &[&ClaimVerdict], width: usize) -> String {
    let mut legend: Vec<String> = Remark::ALL
        .into_iter()
        .filter(|remark| verdicts.iter().any(|one| Remark::of(one).contains(remark)))
        .map(|remark| format!("{}: {}", remark.letter(), remark.in_words()))
        .collect();
    if let Some(open) = verdicts.iter().find_map(|one| one.undecided) {
        legend
            .push(format!("{}/{}: after {} of {} seeds", open.seeds, open.of, open.seeds, open.of));
    }
    if width >= WIDE && verdicts.iter().any(|one| !numbers::in_short(one).is_empty()) {
        legend.push(numbers::LEGEND.to_owned());
    }
    let lines = kinds(verdicts).into_iter().map(|kind| {
        let of: Vec<&ClaimVerdict> =
            verdicts.iter().copied().filter(|one| one.evidence == kind).collect();
        bottom_line(&of)
    });
    let paragraphs = std::iter::once(legend.join("; ")).chain(lines);
    let parts = paragraphs.filter(|text| !text.is_empty());
    let width = width.min(WIDTH);
    parts.flat_map(|text| wrapped(&text, width)).map(|line| line + "\n").collect()
}
