//! Where the parts of the summary stand on lines of some width: evidences side by side, or one
//! below the other under the claim's title where they do not fit.

use textwrap::core::display_width;

use super::Glyphs;
use crate::{
    experiment::Verdict,
    report::terminal::{style, wrapped},
};

/// Columns between two columns of the table.
const GAP: usize = 2;
/// Titles have at least so many columns beside verdicts, or as many as the longest title.
const TITLE: usize = 30;
/// The heading of the titles.
const CLAIM: &str = "claim";

/// A claim with a cell for each evidence, `None` where it was not judged.
pub(super) struct Row {
    pub title: String,
    pub cells: Vec<Option<Cell>>,
}

/// A verdict: mark and word, letters, numbers.
pub(super) struct Cell {
    pub verdict: Verdict,
    pub word: String,
    pub letters: String,
    pub numbers: String,
}

/// The widths of the parts of cells, in columns.
#[derive(Clone, Copy, Default)]
struct Widths {
    word: usize,
    letters: usize,
    numbers: usize,
}

impl Widths {
    fn of<'a>(cells: impl Iterator<Item = &'a Cell>) -> Self {
        cells.fold(Self::default(), |widths, cell| Self {
            word: widths.word.max(display_width(&cell.word)),
            letters: widths.letters.max(display_width(&cell.letters)),
            numbers: widths.numbers.max(display_width(&cell.numbers)),
        })
    }

    fn without_numbers(self) -> Self {
        Self { numbers: 0, ..self }
    }

    fn all(self) -> usize {
        let after = |part: usize, gap: usize| if part == 0 { 0 } else { gap + part };
        self.word + after(self.letters, 1) + after(self.numbers, GAP)
    }

    /// A cell in these widths, without space after it.
    fn cell(self, cell: &Cell) -> Padded {
        let style = style(cell.verdict);
        let mut padded = Padded::default();
        padded.push(&cell.word, &format!("{style}{}{style:#}", cell.word));
        if self.letters > 0 && !cell.letters.is_empty() {
            padded.to(self.word + 1);
            padded.push(&cell.letters, &cell.letters);
        }
        if self.numbers > 0 && !cell.numbers.is_empty() {
            padded.to(self.without_numbers().all() + GAP);
            padded.push(&cell.numbers, &cell.numbers);
        }
        padded
    }
}

/// A line with the number of its columns, colour codes aside.
#[derive(Default)]
struct Padded {
    text: String,
    columns: usize,
}

impl Padded {
    fn push(&mut self, plain: &str, text: &str) {
        self.text += text;
        self.columns += display_width(plain);
    }

    /// Spaces up to this column.
    fn to(&mut self, column: usize) {
        let spaces = column.saturating_sub(self.columns);
        self.text.extend(std::iter::repeat_n(' ', spaces));
        self.columns += spaces;
    }
}

/// The table, each line with its end. With `cut`, a title has one line.
pub(super) fn table(evidences: &[&str], rows: &[Row], width: usize, cut: Option<Glyphs>) -> String {
    let of = |index: usize| rows.iter().filter_map(move |row| row.cells[index].as_ref());
    let with: Vec<Widths> = (0..evidences.len()).map(|index| Widths::of(of(index))).collect();
    let without: Vec<Widths> = with.iter().map(|widths| widths.without_numbers()).collect();
    for widths in [&with, &without] {
        let beside: Vec<usize> = evidences
            .iter()
            .zip(widths)
            .map(|(name, widths)| display_width(name).max(widths.all()))
            .collect();
        let taken: usize = beside.iter().map(|columns| GAP + columns).sum();
        if taken + narrowest(rows, cut) <= width {
            return side_by_side(evidences, rows, &beside, widths, width - taken, cut);
        }
    }
    stacked(evidences, rows, width, cut)
}

/// The fewest columns that titles can have beside verdicts.
fn narrowest(rows: &[Row], cut: Option<Glyphs>) -> usize {
    let longest = rows.iter().map(|row| display_width(&row.title)).max().unwrap_or(0);
    let words = rows.iter().flat_map(|row| row.title.split(' ')).map(display_width);
    let word = if cut.is_some() { 0 } else { words.max().unwrap_or(0) };
    longest.min(TITLE).max(word).max(CLAIM.len())
}

fn side_by_side(
    evidences: &[&str],
    rows: &[Row],
    beside: &[usize],
    widths: &[Widths],
    most: usize,
    cut: Option<Glyphs>,
) -> String {
    let longest = rows.iter().map(|row| display_width(&row.title)).max().unwrap_or(0);
    let column = longest.max(CLAIM.len()).min(most);
    let mut head = Padded::default();
    head.push(CLAIM, CLAIM);
    let mut at = column;
    for (name, columns) in evidences.iter().zip(beside) {
        head.to(at + GAP);
        head.push(name, name);
        at += GAP + columns;
    }
    let mut text = head.text + "\n";
    for row in rows {
        let mut title = titled(&row.title, column, cut).into_iter();
        let first = title.next().unwrap_or_default();
        let mut line = Padded::default();
        line.push(&first, &first);
        let mut at = column;
        for ((cell, columns), widths) in row.cells.iter().zip(beside).zip(widths) {
            line.to(at + GAP);
            if let Some(cell) = cell {
                let cell = widths.cell(cell);
                line.text += &cell.text;
                line.columns += cell.columns;
            }
            at += GAP + columns;
        }
        text += line.text.trim_end();
        text.push('\n');
        title.for_each(|rest| text += &format!("{rest}\n"));
    }
    text
}

fn stacked(evidences: &[&str], rows: &[Row], width: usize, cut: Option<Glyphs>) -> String {
    let name = evidences.iter().map(|name| display_width(name)).max().unwrap_or(0);
    let all = Widths::of(rows.iter().flat_map(|row| row.cells.iter().flatten()));
    let fits = |widths: Widths| GAP + name + GAP + widths.all() <= width;
    let widths = if fits(all) { all } else { all.without_numbers() };
    let mut text = String::new();
    for row in rows {
        for line in titled(&row.title, width, cut) {
            text += &format!("{line}\n");
        }
        for (evidence, cell) in evidences.iter().zip(&row.cells) {
            let Some(cell) = cell else { continue };
            let mut line = Padded::default();
            line.to(GAP);
            line.push(evidence, evidence);
            // A name and a word that are too long for a line have one each.
            if fits(widths) {
                line.to(GAP + name + GAP);
            } else {
                text += &format!("{}\n", line.text);
                line = Padded::default();
                line.to(2 * GAP);
            }
            text += &format!("{}{}\n", line.text, widths.cell(cell).text);
        }
    }
    text
}

/// A title on lines of this width, or cut to one.
fn titled(title: &str, width: usize, cut: Option<Glyphs>) -> Vec<String> {
    let Some(glyphs) = cut.filter(|_| display_width(title) > width) else {
        return wrapped(title, width);
    };
    let end = match glyphs {
        Glyphs::Unicode => "…",
        Glyphs::Ascii => "...",
    };
    let mut start = title.to_owned();
    while !start.is_empty() && display_width(&start) + display_width(end) > width {
        start.pop();
    }
    vec![start.trim_end().to_owned() + end]
}
