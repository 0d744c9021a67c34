//! The table of verdicts in Markdown.

use super::{HEADER, caption, rows};
use crate::report::Judged;

/// The table, with a line that says what its columns hold.
#[must_use]
pub fn markdown(judged: &[Judged<'_>]) -> String {
    let line = |fields: &[String]| format!("| {} |\n", fields.join(" | "));
    let header = line(&HEADER.map(str::to_owned));
    let rule = "|---|---|---|---:|---:|---:|---:|---|\n";
    let rows = rows(judged);
    let rows = rows.iter().map(|row| line(&row.fields().map(escaped)));
    format!("{header}{rule}{}\n{}\n", rows.collect::<String>(), caption(judged))
}

/// Text as Markdown shows it, within a cell of a table: nothing in it is markup, HTML or a link.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '@') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    // GitHub makes links of bare addresses.
    escaped.replace("://", "\\://").replace("www.", "www\\.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_no_markup() {
        assert_eq!(escaped("a | b"), "a \\| b");
        assert_eq!(escaped("<img src=x> [a](b)"), "\\<img src=x\\> \\[a\\](b)");
        assert_eq!(escaped("https://a.b www.c.d"), "https\\://a.b www\\.c.d");
        assert_eq!(escaped("Control: more images, 5 %"), "Control: more images, 5 %");
    }
}
