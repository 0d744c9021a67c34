//! Shortened texts: of lines that differ only in their numbers, one is kept.

use std::collections::HashSet;

/// A text without the lines of a paragraph whose cells were all there before but for their numbers.
pub fn in_short(text: &str) -> String {
    let mut short = String::new();
    let (mut seen, mut left_out) = (HashSet::new(), 0);
    for line in text.lines() {
        if line.is_empty() {
            seen.clear();
        }
        let cells: Vec<String> =
            line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(shape).collect();
        let new = cells.into_iter().filter(|cell| seen.insert(cell.clone())).count();
        if new == 0 && !line.is_empty() {
            left_out += 1;
            continue;
        }
        short += &omitted(left_out);
        left_out = 0;
        short += line;
        short.push('\n');
    }
    short + &omitted(left_out)
}

/// Says that so many lines are not shown.
pub fn omitted(left_out: usize) -> String {
    match left_out {
        0 => String::new(),
        1 => "(1 more)\n".to_owned(),
        count => format!("({count} more)\n"),
    }
}

/// A cell with every number as 0, and every name of a record too.
pub fn shape(cell: &str) -> String {
    let mut shape: Vec<&str> = Vec::new();
    for word in cell.split(|c: char| c.is_whitespace() || "()[],:;".contains(c)) {
        if word.is_empty() {
            continue;
        }
        let number = word.starts_with(|c: char| c.is_ascii_digit() || "+-−.".contains(c))
            && word.contains(|c: char| c.is_ascii_digit());
        let record = word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let word = if number || record { "0" } else { word };
        if shape.last() != Some(&word) {
            shape.push(word);
        }
    }
    shape.join(" ")
}

#[test]
fn lines_that_differ_only_in_numbers_are_shown_once() {
    let text = "cell  mean\na     +1.5\na     -2.0\nb     3\nb     4\n\na  1\n";
    assert_eq!(in_short(text), "cell  mean\na     +1.5\n(1 more)\nb     3\n(1 more)\n\na  1\n");
    assert_eq!(shape("+1.28 to -0.3, 0123456789abcdef"), "0 to 0");
}
