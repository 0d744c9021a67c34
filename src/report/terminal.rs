//! Verdicts as text: for each claim verdict, reason, a table of cells at most 96 columns wide, and
//! the secondary hypotheses. Colour codes are written here; `cli` strips them where the output is
//! no terminal.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    sync::OnceLock,
};

use anstyle::{AnsiColor, Style};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm, core::display_width};

use super::{
    Judged, beside, estimand,
    grid::{grid, write_grid},
    how_far,
    summary::{Glyphs, sign},
};
use crate::figure::numbers::{self, confidence};
use crate::{
    claim::words,
    evidence::Evidence,
    experiment::{EvidenceKind, Verdict},
    judge::{CellVerdict, Flag, factors, scales},
    util::decimals::{decimals, signed},
    world::World,
};

/// The width of text, in columns, if the output is no terminal; also the maximum: wider lines are
/// hard to read.
pub(super) const WIDTH: usize = 100;
/// The maximum width of tables of cells, in columns.
const TABLE: usize = 96;
/// The smallest width, in columns, that anything is laid out for.
const NARROWEST: usize = 24;
/// What text is laid out for.
static SCREEN: OnceLock<Screen> = OnceLock::new();

/// What text is laid out for.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Its width, in columns.
    pub columns: usize,
    /// The signs that it can print.
    pub glyphs: Glyphs,
}

impl Default for Screen {
    fn default() -> Self {
        Self { columns: WIDTH, glyphs: Glyphs::Unicode }
    }
}

/// Sets what text is laid out for. To be called once, before anything is written.
pub fn fit(screen: Screen) {
    let _ = SCREEN.set(Screen { columns: screen.columns.max(NARROWEST), ..screen });
}

/// What text is laid out for; 100 columns if nothing was set.
#[must_use]
pub fn screen() -> Screen {
    SCREEN.get().copied().unwrap_or_default()
}

/// The width of running text, in columns: at most 100.
#[must_use]
pub fn width() -> usize {
    screen().columns.min(WIDTH)
}

/// Text wrapped to the width.
#[must_use]
pub(crate) fn prose(text: &str) -> String {
    wrapped(text, width()).join("\n")
}

/// The verdict on every claim, then the counts and what the verdicts are conditional on. With
/// `brief`, without tables of cells.
#[must_use]
pub fn verdicts(judged: &[Judged<'_>], brief: bool) -> String {
    let mut text = String::new();
    for judged in judged {
        // A table ends with a blank line, which what follows it in a claim needs.
        text.push_str(claim(judged, brief).trim_end());
        text.push_str("\n\n");
    }
    text.push_str(&super::two_zoos::text(judged, width()));
    text.push_str(&summary(judged));
    text
}

fn claim(judged: &Judged<'_>, brief: bool) -> String {
    let Judged { claim, verdict, .. } = judged;
    let mut text = String::new();
    let mut line = |indent: usize, body: &str| {
        for part in wrapped(body, width() - indent) {
            // Writing to a String can't fail.
            let _ = writeln!(text, "{:indent$}{part}", "");
        }
    };
    let style = style(verdict.verdict);
    line(0, &format!("{style}{}{style:#}  {}", mark(verdict.verdict), claim.id));
    let said = scales::on_scale(verdict.verdict, &verdict.unit, &verdict.other_scales);
    let (then, on) = (how_far::after_verdict(&verdict.how_far, " "), verdict.evidence);
    line(2, &format!("{style}{said}{style:#}{then}on {on} evidence"));
    line(2, &verdict.reason);
    if let Some(scales) = scales::in_words(verdict.verdict, &verdict.other_scales) {
        line(2, &scales);
    }
    let world = &judged.evidence.world;
    for sentence in how_far::sentences(&verdict.how_far, &claim.hypothesis) {
        line(2, &world.with_its_replicate(&sentence));
    }
    line(2, &estimand::sentence(verdict));
    if verdict.borderline {
        line(2, super::BORDERLINE);
    }
    if verdict.hinges_on_one_seed == Some(true) {
        line(2, &world.with_its_replicate(super::HINGES));
    }
    line(2, &format!("hypothesis: {}", claim.hypothesis.statement));
    // An incomplete claim has a table if any of its cells has a mean.
    let has_cells = || {
        verdict.verdict != Verdict::Incomplete
            || verdict.cells.iter().chain(&verdict.averages).any(|cell| cell.mean.is_some())
    };
    if !brief && has_cells() {
        line(0, "");
        if !verdict.averages.is_empty() {
            line(2, &format!("must hold: {}", words::holds(&claim.hypothesis)));
            line(0, &cells(&verdict.averages, &judged.evidence.world));
            line(2, "each cell by itself:");
        }
        line(0, &cells(&verdict.cells, &judged.evidence.world));
    }
    for reading in &verdict.readings {
        // The reason of one that is not judged says so.
        let judged = reading.judged.then(|| {
            let style = self::style(reading.verdict);
            let said = scales::on_scale(reading.verdict, &reading.unit, &reading.other_scales);
            let then = how_far::after_verdict(&reading.how_far, ", ");
            format!("{style}{said}{style:#}{then}")
        });
        let judged = judged.unwrap_or_default();
        let hinges = match reading.hinges_on_one_seed {
            Some(true) => world.with_its_replicate("; hinges on one seed"),
            _ => String::new(),
        };
        let how_far = how_far::of_reading(claim, reading);
        let about = estimand::of_reading(verdict, reading);
        let how_far = how_far.iter().map(|of| world.with_its_replicate(of));
        let how_far: String =
            how_far.chain(about).map(|sentence| format!("; {sentence}")).collect();
        // A reason that begins with the verdict does not repeat it.
        let repeated = format!("{} ", reading.verdict);
        let reason = reading.reason.strip_prefix(&repeated).unwrap_or(&reading.reason);
        line(2, &format!("reading {}: {judged}{reason}{how_far}{hinges}", reading.id));
    }
    for (indent, sentence) in super::associations::sentences(&verdict.associations) {
        line(indent, &sentence);
    }
    text
}

fn summary(judged: &[Judged<'_>]) -> String {
    let mut text = String::new();
    for verdict in
        [Verdict::Supported, Verdict::Refuted, Verdict::Inconclusive, Verdict::Incomplete]
    {
        let count = judged.iter().filter(|judged| judged.verdict.verdict == verdict).count();
        if count > 0 {
            let style = style(verdict);
            let separator = if text.is_empty() { "" } else { ", " };
            let _ = write!(text, "{separator}{count} {style}{verdict}{style:#}");
        }
    }
    let text = wrapped(&format!("{}: {text}", counted(judged)), width());
    let mut text = text.join("\n") + "\n";
    let mut described: Vec<EvidenceKind> = Vec::new();
    for Judged { evidence, .. } in judged {
        if described.contains(&evidence.kind) {
            continue;
        }
        described.push(evidence.kind);
        let (kind, title, sha256) = (evidence.kind, &evidence.title, &evidence.sha256);
        let records = numbers::counted(evidence.records.len(), "record");
        let spared = match evidence.spared {
            Some(spared) => {
                format!(", {} saved by early stopping", numbers::counted(spared, "fine-tune"))
            }
            None => String::new(),
        };
        let notes = [
            format!("{kind} evidence: {title}, {records}{spared}, sha256 {sha256};"),
            conditional(evidence),
        ];
        for part in notes.iter().flat_map(|note| wrapped(note, width())) {
            let _ = writeln!(text, "{part}");
        }
    }
    if let Some(sentence) = super::false_supports(judged) {
        let _ = writeln!(text, "{}", prose(&sentence));
    }
    text
}

/// What verdicts on an evidence do not reach beyond.
fn conditional(evidence: &Evidence) -> String {
    match &evidence.world.study {
        Some(_) => "conditional on the arms as they were run, on their test data, and on what \
                    log.toml says that the log means"
            .to_owned(),
        None => format!(
            "conditional on {}, and on the test set of each target",
            evidence.world.checkpoints
        ),
    }
}

/// `2 claims`, or `2 claims on 2 kinds of evidence`.
fn counted(judged: &[Judged<'_>]) -> String {
    let claims: BTreeSet<&str> = judged.iter().map(|one| one.claim.id.as_str()).collect();
    let kinds: BTreeSet<EvidenceKind> = judged.iter().map(|one| one.evidence.kind).collect();
    let claims = numbers::counted(claims.len(), "claim");
    match kinds.len() {
        0 | 1 => claims,
        count => format!("{claims} on {count} kinds of evidence"),
    }
}

/// One table per contrast, with an explanation of the flags below.
fn cells(cells: &[CellVerdict], world: &World) -> String {
    let mut text = String::new();
    let mut contrasts: Vec<&str> = Vec::new();
    for cell in cells {
        if !contrasts.contains(&cell.contrast.as_str()) {
            contrasts.push(&cell.contrast);
        }
    }
    let mut flags: Vec<Flag> = cells.iter().flat_map(|cell| cell.flags.clone()).collect();
    flags.sort_unstable();
    flags.dedup();
    for contrast in contrasts {
        let rows: Vec<&CellVerdict> =
            cells.iter().filter(|cell| cell.contrast == contrast).collect();
        let confidence = confidence(rows.iter().copied());
        let confidence =
            confidence.map_or_else(String::new, |of| format!(", {of} confidence intervals"));
        let unit = rows[0].unit.name();
        let unit = if unit.is_empty() { String::new() } else { format!(", {unit}") };
        let heading = format!("{contrast}{unit}{confidence}{}", shared(&rows));
        for part in wrapped(&heading, width() - 4) {
            let _ = writeln!(text, "    {part}");
        }
        for row in of_cells(&rows, &flags, world).lines() {
            let _ = writeln!(text, "    {row}");
        }
        if let Some(line) = how_far::with_images(&rows) {
            for part in wrapped(&line, width() - 4) {
                let _ = writeln!(text, "    {part}");
            }
        }
    }
    for note in beside::notes(cells, world) {
        for part in wrapped(&note, width() - 4) {
            let _ = writeln!(text, "    {part}");
        }
    }
    for (reason, names) in unjudged(cells) {
        let more = match names.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        for part in wrapped(&format!("{}{more}: {reason}", names[0]), width() - 4) {
            let _ = writeln!(text, "    {part}");
        }
    }
    for (index, flag) in flags.iter().enumerate() {
        let words = world.with_its_replicate(flag.in_words());
        for part in wrapped(&format!("{} {}: {}", letter(index), flag.name(), words), width() - 4) {
            let _ = writeln!(text, "    {part}");
        }
    }
    text
}

/// The reasons why cells have no confidence interval, each with its cells.
fn unjudged(cells: &[CellVerdict]) -> BTreeMap<&str, Vec<&str>> {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for cell in cells.iter().filter(|cell| cell.has_no_interval()) {
        reasons.entry(&cell.reason).or_default().push(&cell.name);
    }
    reasons
}

/// A coordinate of a cell as text, if the cell has it.
type Coordinate = fn(&CellVerdict) -> Option<String>;

/// The coordinates in the order of their columns; a table omits those that no cell has.
const COORDINATES: [(&str, Coordinate); 5] = [
    ("target", |cell| cell.target.clone()),
    ("images", |cell| cell.images.map(|images| images.to_string())),
    ("blocks", |cell| cell.blocks.map(|blocks| blocks.to_string())),
    ("pixels", |cell| cell.resolution.map(|resolution| resolution.to_string())),
    ("repetition", |cell| cell.repetition.map(|repetition| repetition.to_string())),
];

/// Whether several cells share a coordinate, which then goes into the heading.
fn is_shared(cells: &[&CellVerdict], of: Coordinate) -> bool {
    cells.len() > 1 && cells.iter().all(|cell| of(cell) == of(cells[0]))
}

/// The coordinates that all cells share, for the heading: `, 3 blocks, 32 pixels`.
fn shared(cells: &[&CellVerdict]) -> String {
    let shared = COORDINATES.iter().filter(|(_, of)| is_shared(cells, *of));
    let named = shared.filter_map(|(name, of)| match *name {
        "target" | "repetition" => of(cells[0]),
        "blocks" => cells[0].blocks.map(numbers::blocks),
        name => Some(format!("{} {name}", of(cells[0])?)),
    });
    let factors = cells[0].factors_in_words(&factors(cells).1);
    named.chain(factors).map(|part| format!(", {part}")).collect()
}

fn of_cells(cells: &[&CellVerdict], flags: &[Flag], world: &World) -> String {
    let mut coordinates = COORDINATES.to_vec();
    coordinates
        .retain(|(_, of)| !is_shared(cells, *of) && cells.iter().any(|cell| of(cell).is_some()));
    let (differ, _) = factors(cells);
    let mut header: Vec<&str> = coordinates.iter().map(|(name, _)| *name).collect();
    header.extend(differ.iter().map(|name| world.factor_title(name)));
    let seeds = if cells.iter().any(|cell| cell.seeds_ahead.is_some()) { "ahead" } else { "seeds" };
    let seeds = world.with_its_replicate(seeds);
    header.extend([seeds.as_str(), "mean", "interval", "p", "p, Holm", "verdict", "flags"]);
    let rows = cells.iter().map(|cell| {
        let mut row: Vec<String> =
            coordinates.iter().map(|(_, of)| of(cell).unwrap_or_default()).collect();
        row.extend(differ.iter().map(|name| cell.factor(name)));
        let marks =
            cell.flags.iter().filter_map(|flag| flags.iter().position(|known| known == flag));
        let places = decimals([cell.mean, cell.low, cell.high].into_iter().flatten());
        let number = |value: Option<f64>| number(value, places);
        row.extend([
            ahead(cell),
            number(cell.mean),
            match (cell.low, cell.high) {
                (None, None) => "-".to_owned(),
                (low, high) => format!("{} to {}", number(low), number(high)),
            },
            probability(cell.p),
            probability(cell.p_adjusted),
            cell.verdict.name().to_owned(),
            marks.map(letter).collect(),
        ]);
        row
    });
    table(&header, rows)
}

/// The seeds ahead of the margin, of all: `9/10`. Only their number where none can be ahead.
fn ahead(cell: &CellVerdict) -> String {
    match cell.seeds_ahead {
        Some(ahead) => format!("{ahead}/{}", cell.seeds),
        None => cell.seeds.to_string(),
    }
}

fn letter(index: usize) -> char {
    char::from(b'a' + u8::try_from(index).unwrap_or(25).min(25))
}

/// A signed number; a dash if missing.
fn number(value: Option<f64>, places: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| signed(value, places))
}

pub(super) fn probability(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(p) if p < 0.0001 => format!("{p:.0e}"),
        Some(p) => format!("{p:.4}"),
    }
}

/// A plain table without rules, numbers aligned to the right, at most 96 columns wide; less, by the
/// indent of the tables of cells, on a narrower screen.
#[must_use]
pub fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    grid(header, rows.into_iter().collect(), TABLE.min(width() - 4))
}

/// Writes the same table, with a line end, of any number of rows: they are made when they are
/// written, and memory does not grow with their number.
///
/// # Errors
/// If it can't be written.
pub fn write_table<T>(
    out: &mut impl std::io::Write,
    header: &[&str],
    items: &[T],
    row: &dyn Fn(&T) -> Vec<String>,
) -> std::io::Result<()> {
    const AT_ONCE: usize = 2000;
    write_grid(out, header, items, row, (TABLE.min(width() - 4), AT_ONCE))
}

/// The sign of a verdict on this screen.
fn mark(verdict: Verdict) -> &'static str {
    sign(verdict, screen().glyphs)
}

pub(super) fn style(verdict: Verdict) -> Style {
    let color = match verdict {
        Verdict::Supported => AnsiColor::Green,
        Verdict::Refuted => AnsiColor::Red,
        Verdict::Inconclusive => AnsiColor::Yellow,
        Verdict::Incomplete => AnsiColor::Cyan,
    };
    color.on_default().bold()
}

/// Wraps text to `width` columns at spaces only; colour codes have no width. Lines that fit or are
/// indented stay as they are.
#[must_use]
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let options = Options::new(width)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    let whole = |line: &str| display_width(line) <= width || line.starts_with(' ');
    let lines = |line| {
        if whole(line) {
            vec![line.to_owned()]
        } else {
            textwrap::wrap(line, &options).into_iter().map(Cow::into_owned).collect()
        }
    };
    text.split('\n').flat_map(lines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_codes_have_no_width() {
        assert_eq!(
            wrapped("\u{1b}[31mred\u{1b}[0m and blue", 12),
            ["\u{1b}[31mred\u{1b}[0m and blue"]
        );
        assert_eq!(
            wrapped("\u{1b}[31mred\u{1b}[0m and blue", 11),
            ["\u{1b}[31mred\u{1b}[0m and", "blue"]
        );
    }

    #[test]
    fn long_text_is_wrapped_at_spaces_and_short_text_is_unchanged() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("one two", 8), ["one two"]);
        assert_eq!(wrapped("unbreakable", 4), ["unbreakable"]);
    }

    #[test]
    fn a_missing_number_is_a_dash_and_never_a_zero() {
        assert_eq!(number(None, 2), "-");
        assert_eq!(number(Some(0.0), 2), "+0.00");
        assert_eq!(probability(None), "-");
    }
}
