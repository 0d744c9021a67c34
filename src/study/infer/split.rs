//! Names of files whose parts are values by themselves, as in `conll_crf_seed3.jsonl`: all have the
//! same separators, and the parts that vary make a complete or nearly complete grid.

use std::collections::BTreeSet;

use super::parts::Part;

/// The share of a grid's combinations from which on it is taken for one.
const GRID: f64 = 0.9;
/// The share from which on it may be one.
const MAYBE: f64 = 0.6;

/// The values of names by their parts.
pub(super) struct Split {
    pub(super) part: Part,
    /// What was seen: `2 x 2 x 5, 20 of 20 combinations`.
    pub(super) seen: String,
    /// Whether it is taken for a grid, and not only possible.
    pub(super) is_grid: bool,
}

/// One part of every name: what is before its value in all of them, and what the value is called.
struct Token {
    before: String,
    /// Not of a part that all names share.
    name: Option<String>,
    values: usize,
}

/// Splits names at `_` and `-`; `None` where their separators differ, fewer than two parts vary, or
/// few of the combinations are there.
pub(super) fn split(level: usize, stems: &[String], after: &str) -> Option<Split> {
    let separators = |stem: &str| stem.replace(|c| !is_separator(c), "");
    let first = separators(stems.first()?);
    if stems.len() < 4 || first.is_empty() || stems.iter().any(|stem| separators(stem) != first) {
        return None;
    }
    let texts: Vec<Vec<&str>> =
        stems.iter().map(|stem| stem.split(is_separator).collect()).collect();
    if texts.iter().flatten().any(|text| text.is_empty()) {
        return None;
    }
    let tokens: Vec<Token> =
        (0..=first.len()).map(|at| token(&texts.iter().map(|texts| texts[at]).collect())).collect();
    let counts: Vec<usize> =
        tokens.iter().filter(|token| token.values > 1).map(|token| token.values).collect();
    let product = counts.iter().fold(1_usize, |all, count| all.saturating_mul(*count));
    #[expect(clippy::cast_precision_loss, reason = "a number of files")]
    let share = stems.len() as f64 / product as f64;
    let is_few = counts.iter().all(|count| 2 * count <= stems.len());
    if counts.len() < 2 || !is_few || share < MAYBE {
        return None;
    }
    let times: Vec<String> = counts.iter().map(usize::to_string).collect();
    let seen = format!("{}, {} of {product} combinations", times.join(" x "), stems.len());
    Some(Split { part: part(level, &tokens, &first, after), seen, is_grid: share >= GRID })
}

fn is_separator(c: char) -> bool {
    c == '_' || c == '-'
}

/// `lr=0.1` and `seed3` have a name, in every text the same.
fn token(texts: &BTreeSet<&str>) -> Token {
    let first = texts.first().copied().unwrap_or_default();
    let values = texts.len();
    if values == 1 {
        return Token { before: first.to_owned(), name: None, values };
    }
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    let before = match first.find('=') {
        Some(at) => &first[..=at],
        None => first.trim_end_matches(|c: char| c.is_ascii_digit()),
    };
    let fits = |text: &&str| {
        text.strip_prefix(before)
            .is_some_and(|value| !value.is_empty() && (before.ends_with('=') || is_number(value)))
    };
    let name = before.trim_end_matches('=');
    if !name.is_empty() && name.chars().all(char::is_alphanumeric) && texts.iter().all(fits) {
        return Token { before: before.to_owned(), name: Some(name.to_owned()), values };
    }
    Token { before: String::new(), name: None, values }
}

/// The pattern of the parts, with the separators between them.
fn part(level: usize, tokens: &[Token], separators: &str, after: &str) -> Part {
    let unnamed = format!("part_{}", level + 1);
    let (mut before, mut names, mut between) = (String::new(), Vec::new(), Vec::new());
    let mut fixed = String::new();
    let separators = std::iter::once(None).chain(separators.chars().map(Some));
    for (token, separator) in tokens.iter().zip(separators) {
        fixed.extend(separator);
        fixed += &token.before;
        if token.values == 1 {
            continue;
        }
        let fixed = std::mem::take(&mut fixed);
        if names.is_empty() {
            before = fixed;
        } else {
            between.push(fixed);
        }
        let count = names.len() + 1;
        let name = token.name.clone().unwrap_or_else(|| match count {
            1 => unnamed.clone(),
            count => format!("{unnamed}_{count}"),
        });
        names.push(name);
    }
    Part::new(&before, &names, between, &(fixed + after))
}
