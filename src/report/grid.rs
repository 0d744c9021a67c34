//! A table of text on lines of some width. Numbers and names stay whole: where a row is too long,
//! columns of words fold; where that is not enough, each row becomes a list of its values.

use std::{
    borrow::Borrow,
    io::{Result, Write},
};

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width};
use textwrap::core::display_width;

use super::terminal::wrapped;

/// Columns between two columns of a table.
const GAP: usize = 2;
/// Columns that are never folded, so that they can be searched and copied.
const WHOLE: [&str; 2] = ["interval", "verdict"];
/// Holds words together while others are wrapped.
const NO_BREAK: &str = "\u{a0}";

/// A table without rules, numbers aligned to the right, without a line end after the last line.
#[must_use]
pub(super) fn grid(header: &[&str], rows: Vec<Vec<String>>, width: usize) -> String {
    let columns = Column::all(header, rows.iter());
    if taken(&columns, Column::cut) > width {
        return stacked(header, &columns, &rows, width);
    }
    let words_fit = taken(&columns, Column::least) <= width;
    let folds = taken(&columns, |one| one.natural) > width;
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table.set_header(header.to_vec());
    for (column, layout) in table.column_iter_mut().zip(&columns) {
        if layout.is_numeric {
            column.set_cell_alignment(CellAlignment::Right);
        }
        column.set_padding((0, 2));
        if layout.is_named || (folds && layout.is_numeric) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        } else if folds {
            let least = if words_fit { layout.least() } else { layout.cut() };
            let least = u16::try_from(least + GAP).unwrap_or(u16::MAX);
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
        }
    }
    table.add_rows(rows);
    lines(&table)
}

fn lines(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// The columns that a table takes if its columns have these widths.
fn taken(columns: &[Column], of: fn(&Column) -> usize) -> usize {
    columns.iter().map(|one| of(one) + GAP).sum()
}

/// Writes the same table, with a line end, of rows that are made when they are written, `most` at a
/// time: memory does not grow with their number. A table of more rows than that is laid out by the
/// widths of its columns alone, so that all of its parts look alike.
///
/// # Errors
/// If it can't be written.
pub(super) fn write_grid<T>(
    out: &mut impl Write,
    header: &[&str],
    items: &[T],
    row: &dyn Fn(&T) -> Vec<String>,
    (width, most): (usize, usize),
) -> Result<()> {
    if items.len() <= most {
        return writeln!(out, "{}", grid(header, items.iter().map(row).collect(), width));
    }
    let columns = Column::all(header, items.iter().map(row));
    let (widths, mut header_row) = (widths(&columns, width), Some(header));
    for items in items.chunks(most) {
        let rows: Vec<Vec<String>> = items.iter().map(row).collect();
        let text = match &widths {
            None => stacked(header, &columns, &rows, width),
            Some(widths) => fixed(header_row.take(), &columns, rows, widths),
        };
        writeln!(out, "{text}")?;
    }
    Ok(())
}

/// The width of each column: its natural one, and less for columns of words where they do not fit;
/// `None` where rows become lists.
fn widths(columns: &[Column], width: usize) -> Option<Vec<usize>> {
    let mut room = width.checked_sub(taken(columns, Column::cut))?;
    let words_fit = taken(columns, Column::least) <= width;
    let least = |one: &Column| if words_fit { one.least() } else { one.cut() };
    room -= columns.iter().map(|one| least(one) - one.cut()).sum::<usize>();
    let widths = columns.iter().map(|one| {
        let more = room.min(one.natural - least(one));
        room -= more;
        least(one) + more
    });
    Some(widths.collect())
}

/// Rows in columns of these widths.
fn fixed(
    header: Option<&[&str]>,
    columns: &[Column],
    rows: Vec<Vec<String>>,
    widths: &[usize],
) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(header) = header {
        table.set_header(header.to_vec());
    }
    table.add_rows(rows);
    for ((column, layout), width) in table.column_iter_mut().zip(columns).zip(widths) {
        if layout.is_numeric {
            column.set_cell_alignment(CellAlignment::Right);
        }
        column.set_padding((0, 2));
        let width = u16::try_from(width + GAP).unwrap_or(u16::MAX);
        column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
    }
    lines(&table)
}

struct Column {
    is_numeric: bool,
    /// Whether it has names or intervals, which are never folded.
    is_named: bool,
    /// Its width where nothing is folded.
    natural: usize,
    /// The width of its longest word.
    word: usize,
}

impl Column {
    fn all(header: &[&str], rows: impl Iterator<Item: Borrow<Vec<String>>>) -> Vec<Self> {
        let mut columns: Vec<Self> = header.iter().enumerate().map(Self::empty).collect();
        for row in rows {
            columns.iter_mut().zip(row.borrow()).for_each(|(column, cell)| column.see(cell));
        }
        columns
    }

    /// One without rows.
    fn empty((at, name): (usize, &&str)) -> Self {
        let is_named = at == 0 || WHOLE.contains(name);
        let mut column = Self { is_numeric: true, is_named, natural: 0, word: 0 };
        column.fit(name);
        column
    }

    fn see(&mut self, cell: &str) {
        self.is_numeric &= cell.is_empty()
            || cell.starts_with(['+', '-'])
            || cell.starts_with(|first: char| first.is_ascii_digit());
        self.fit(cell);
    }

    fn fit(&mut self, cell: &str) {
        self.natural = self.natural.max(display_width(cell));
        self.word = cell.split(' ').map(display_width).fold(self.word, usize::max);
    }

    /// Its smallest width that leaves words whole.
    fn least(&self) -> usize {
        if self.is_named || self.is_numeric { self.natural } else { self.word }
    }

    /// Its smallest width: words that are longer than this may break, before a row becomes a list.
    fn cut(&self) -> usize {
        const WORD: usize = 12;
        if self.is_named || self.is_numeric { self.natural } else { self.word.min(WORD) }
    }
}

/// Each row as its name and a list of its other values, each after the heading of its column.
fn stacked(header: &[&str], columns: &[Column], rows: &[Vec<String>], width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for row in rows {
        let others = header.iter().zip(columns).zip(row).skip(1);
        let values = others.filter(|(_, cell)| !cell.is_empty()).map(|((name, column), cell)| {
            let together = |text: &str| text.replace(' ', NO_BREAK);
            let is_whole = column.is_numeric || column.is_named;
            let value = if is_whole { together(cell) } else { cell.clone() };
            let first = value.split(' ').next().unwrap_or_default();
            // With the separator after it.
            let taken = display_width(name) + 1 + display_width(first);
            let fits = taken < width - GAP;
            let value = match *name {
                "" => value,
                name => together(name) + if fits { NO_BREAK } else { " " } + &value,
            };
            (name.is_empty(), value)
        });
        let mut list = String::new();
        for (continues, value) in values {
            let separator = match (list.is_empty(), continues) {
                (true, _) => "",
                (false, true) => " ",
                (false, false) => "; ",
            };
            list = list + separator + &value;
        }
        // A name speaks for itself.
        let first = match columns[0].is_numeric {
            true => format!("{} {}", header[0], row[0]),
            false => row[0].clone(),
        };
        lines.extend(wrapped(&first, width));
        let values = wrapped(&list, width - GAP).into_iter().filter(|line| !line.is_empty());
        lines.extend(values.map(|line| format!("  {}", line.replace(NO_BREAK, " "))));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: [&str; 5] = ["target", "images", "interval", "verdict", "why"];

    fn rows() -> Vec<Vec<String>> {
        let row = |images: &str| {
            let why = "all runs are of one schedule";
            ["cifar10", images, "+1.65 to +5.15", "supported", why].map(str::to_owned).to_vec()
        };
        ["100", "25600"].map(row).to_vec()
    }

    fn widest(text: &str) -> usize {
        text.lines().map(display_width).max().unwrap_or(0)
    }

    #[test]
    fn columns_of_words_fold_and_then_rows_become_lists() {
        let wide = grid(&HEADER, rows(), 96);
        assert_eq!(wide.lines().count(), 3, "{wide}");
        let folded = grid(&HEADER, rows(), 60);
        assert!(widest(&folded) <= 60 && folded.lines().count() > 3, "{folded}");
        assert!(folded.starts_with("target"), "{folded}");
        let list = grid(&HEADER, rows(), 40);
        assert_eq!(
            list.lines().take(3).collect::<Vec<_>>(),
            [
                "cifar10",
                "  images 100; interval +1.65 to +5.15;",
                "  verdict supported; why all runs are of",
            ]
        );
    }

    #[test]
    fn numbers_are_whole_at_every_width() {
        for width in 20..100 {
            let text = grid(&HEADER, rows(), width);
            assert!(widest(&text) <= width, "{width}:\n{text}");
            for whole in ["+1.65 to +5.15", "25600", "cifar10", "supported"] {
                assert!(text.contains(whole), "{width}: {whole}\n{text}");
            }
        }
    }

    /// Rows that grow in width, words and numbers among them.
    fn long(count: usize) -> Vec<usize> {
        (0..count).collect()
    }

    fn long_row(number: &usize) -> Vec<String> {
        let why = "runs of one long schedule, ".repeat(number % 4);
        let images = if *number == 7 { "failed".to_owned() } else { number.to_string() };
        [format!("target{number}"), images, "+1.65".to_owned(), "supported".to_owned(), why]
            .to_vec()
    }

    fn written(count: usize, width: usize, most: usize) -> String {
        let mut text = Vec::new();
        write_grid(&mut text, &HEADER, &long(count), &long_row, (width, most)).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_table_in_parts_is_the_table() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        for count in [0, 1, 4, 5, 6, 23] {
            let rows = long(count).iter().map(long_row).collect();
            let whole = |width| grid(&HEADER, Vec::clone(&rows), width) + "\n";
            // Where nothing folds, and where rows are lists.
            for width in [30, 150, 200] {
                assert_eq!(written(count, width, 5), whole(width), "{count} rows, {width}");
            }
            for width in 20..150 {
                let text = written(count, width, 5);
                assert!(widest(&text) <= width, "{width}:\n{text}");
                let (mut found, mut asked) = (words(&text), words(&whole(width)));
                found.sort_unstable();
                asked.sort_unstable();
                // Long words may break at other places.
                if width > 90 {
                    assert_eq!(found, asked, "{count} rows, {width}");
                }
            }
        }
    }

    #[test]
    fn parts_of_a_folded_table_have_the_same_columns() {
        let text = written(23, 80, 5);
        let places: std::collections::BTreeSet<_> =
            text.lines().filter_map(|line| line.find("supported")).collect();
        assert_eq!(places.len(), 1, "{text}");
        assert_eq!(text.matches("verdict").count(), 1, "{text}");
    }
}
