//! The table of verdicts in LaTeX, without any package.

use super::{CAPTION, HEADER, rows};
use crate::report::Judged;

/// The table as a `tabular`, after a comment that says what its columns hold.
#[must_use]
pub fn latex(judged: &[Judged<'_>]) -> String {
    let line = |fields: &[String]| format!("{} \\\\\n", fields.join(" & "));
    let header = line(&HEADER.map(str::to_owned));
    let rows = rows(judged);
    let rows: String = rows
        .iter()
        .map(|row| {
            let [title, evidence, verdict, cells, n, mean, interval, unit] = row.fields();
            line(&[
                escaped(title),
                escaped(evidence),
                escaped(verdict),
                escaped(cells),
                escaped(n),
                numbers(mean),
                numbers(interval),
                escaped(unit),
            ])
        })
        .collect();
    format!(
        "% {CAPTION}\n\\begin{{tabular}}{{lllrrrrl}}\n\\hline\n{header}\\hline\n{rows}\\hline\n\
         \\end{{tabular}}\n"
    )
}

/// Text that LaTeX prints as it is.
pub(in crate::report) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '|' => escaped.push_str("\\textbar{}"),
            '{' | '}' | '$' | '&' | '#' | '%' | '_' => escaped.extend(['\\', c]),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Text with signed numbers, each in mathematics, so that a minus is one.
fn numbers(text: &str) -> String {
    let number = |word: &str| match word.starts_with(['+', '-']) && word.len() > 1 {
        true => format!("${word}$"),
        false => escaped(word),
    };
    text.split(' ').map(number).collect::<Vec<String>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_characters_are_escaped_and_a_minus_is_one() {
        assert_eq!(
            escaped("50 % of a_b & {c} #1 $x^2$"),
            "50 \\% of a\\_b \\& \\{c\\} \\#1 \\$x\\textasciicircum{}2\\$"
        );
        assert_eq!(escaped("\\input{x}"), "\\textbackslash{}input\\{x\\}");
        assert_eq!(numbers("-0.22 to +2.73 (98.3 %)"), "$-0.22$ to $+2.73$ (98.3 \\%)");
        assert_eq!(numbers("- to +1"), "- to $+1$");
    }
}
