//! The texts of files that a person completes: `log.toml` for a surveyed log, a first claim about
//! it, and an empty claim. What is not to be guessed is a `TODO`, which the readers refuse.

mod claim;
mod log;
mod words;

pub use claim::{blank, blank_of_study, first};
pub use log::log;
pub use words::in_words;

use std::fmt::Write;

use super::check::TODO;
use crate::util::shown::{is_hidden, shown};

/// The id of the first claim.
pub const FIRST_CLAIM: &str = "first_claim";

/// A text as TOML writes it in one line: what can't be seen is escaped.
fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            // Writing to a String can't fail.
            c if is_hidden(c) => drop(write!(quoted, "\\U{:08X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// A value of a factor as TOML writes it.
fn value(text: &str, number: bool) -> String {
    match text.parse::<f64>() {
        // TOML has no number such as `.5` or `1e-3` in every spelling; Rust's is one.
        Ok(value) if number => format!("{value:?}").trim_end_matches(".0").to_owned(),
        _ => quoted(text),
    }
}

/// `key = [...]`, over several lines where one is too long.
fn list(key: &str, values: &[String]) -> String {
    const WIDTH: usize = 96;
    let one = format!("{key} = [{}]", values.join(", "));
    if one.chars().count() <= WIDTH {
        return one;
    }
    let (mut lines, mut line) = (String::new(), String::new());
    for value in values {
        if line.chars().count() + value.chars().count() + 6 > WIDTH && !line.is_empty() {
            lines += &format!("    {}\n", line.trim_end());
            line.clear();
        }
        line += value;
        line += ", ";
    }
    format!("{key} = [\n{lines}    {}\n]", line.trim_end())
}

/// Comments, each line at most as wide as the file.
fn comment(text: &str) -> String {
    let width = textwrap::Options::new(96).initial_indent("# ").subsequent_indent("# ");
    textwrap::fill(text, width) + "\n"
}

/// Columns in a comment.
fn columns<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{}`", shown(name))).collect();
    names.join(", ")
}
