//! A table of text on lines of some width. Numbers and names stay whole: where a row is too long,
//! columns of words fold; where that is not enough, each row becomes a list of its values.

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
    let columns: Vec<Column> = (0..header.len()).map(|at| Column::new(at, header, &rows)).collect();
    let taken = |of: fn(&Column) -> usize| columns.iter().map(|one| of(one) + GAP).sum::<usize>();
    if taken(|one| one.cut()) > width {
        return stacked(header, &columns, &rows, width);
    }
    let words_fit = taken(|one| one.least) <= width;
    let folds = taken(|one| one.natural) > width;
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
            let least = if words_fit { layout.least } else { layout.cut() };
            let least = u16::try_from(least + GAP).unwrap_or(u16::MAX);
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
        }
    }
    table.add_rows(rows);
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

struct Column {
    is_numeric: bool,
    /// Whether it has names or intervals, which are never folded.
    is_named: bool,
    /// Its width where nothing is folded.
    natural: usize,
    /// Its smallest width that leaves words whole.
    least: usize,
}

impl Column {
    fn new(at: usize, header: &[&str], rows: &[Vec<String>]) -> Self {
        let is_number = |cell: &str| {
            cell.is_empty()
                || cell.starts_with(['+', '-'])
                || cell.starts_with(|first: char| first.is_ascii_digit())
        };
        let is_numeric = rows.iter().all(|row| is_number(&row[at]));
        let is_named = at == 0 || WHOLE.contains(&header[at]);
        let cells = || std::iter::once(header[at]).chain(rows.iter().map(|row| row[at].as_str()));
        let natural = cells().map(display_width).max().unwrap_or(0);
        let words = cells().flat_map(|cell| cell.split(' ')).map(display_width);
        let word = words.max().unwrap_or(0);
        let least = if is_named || is_numeric { natural } else { word };
        Self { is_numeric, is_named, natural, least }
    }

    /// Its smallest width: words that are longer than this may break, before a row becomes a list.
    fn cut(&self) -> usize {
        const WORD: usize = 12;
        if self.is_named || self.is_numeric { self.least } else { self.least.min(WORD) }
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
}
