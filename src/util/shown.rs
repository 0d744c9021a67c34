//! Text of other people's files as it is shown: what a terminal, a spreadsheet or a CI system would
//! interpret is escaped, and what is too long is cut.

use std::{borrow::Cow, path::Path};

/// The number of characters of a text that are shown.
const LONGEST: usize = 40;

/// Whether a character can't be seen: a control character or line break, or one that hides text or
/// turns its direction (Unicode's general category Cf without the joiners that words need).
#[must_use]
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// What is wrong with a name; `None` for any printable text without spaces around it.
#[must_use]
pub(crate) fn fault_of_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("is not a name")
    } else if name.contains(is_hidden) {
        Some("has a line break or a character that can't be seen")
    } else if name.trim() != name {
        Some("begins or ends with a space")
    } else {
        None
    }
}

/// The beginning of a text: hidden characters, and spaces that are no plain space, are escaped.
#[must_use]
pub(crate) fn shown(text: &str) -> String {
    let (start, rest) = match text.char_indices().nth(LONGEST) {
        Some((end, _)) => (&text[..end], "…"),
        None => (text, ""),
    };
    let mut shown = String::with_capacity(start.len());
    for c in start.chars() {
        if is_hidden(c) || (c.is_whitespace() && c != ' ') {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown + rest
}

/// A text in whole: hidden characters are escaped.
#[must_use]
pub(crate) fn visible(text: &str) -> String {
    let escaped = |c: char| {
        let hidden = is_hidden(c).then(|| c.escape_default());
        let plain = hidden.is_none().then_some(c);
        hidden.into_iter().flatten().chain(plain)
    };
    text.chars().flat_map(escaped).collect()
}

/// A path in whole: hidden characters are escaped.
#[must_use]
pub(crate) fn path(path: &Path) -> String {
    visible(&path.to_string_lossy())
}

/// Text without commands to a CI system, which takes a line that begins with `::`, and `##[` within
/// a line, for one.
#[must_use]
pub(crate) fn inert(text: &str) -> Cow<'_, str> {
    let is_command = |line: &str| line.trim_start().starts_with("::") || line.contains("##[");
    if !text.split(['\n', '\r']).any(is_command) {
        return Cow::Borrowed(text);
    }
    let inert = |line: &str| {
        let line = line.replace("##[", "#\\#[");
        let start = line.len() - line.trim_start().len();
        match line.split_at(start) {
            (space, rest) if rest.starts_with("::") => format!("{space}\\{rest}"),
            _ => line,
        }
    };
    Cow::Owned(text.split_inclusive(['\n', '\r']).map(inert).collect())
}

/// Names in one line, the first few of them in quotes: `` `a`, `b` and 7 more``. `after` adds to
/// each one.
#[must_use]
pub(crate) fn few<'a>(
    names: impl IntoIterator<Item = &'a str>,
    after: impl Fn(&str) -> String,
) -> String {
    const FEW: usize = 3;
    let names: Vec<&str> = names.into_iter().collect();
    let one = |name: &&str| format!("`{}`{}", shown(name), after(name));
    let named: Vec<String> = names.iter().take(FEW).map(one).collect();
    match (named.as_slice(), names.len().saturating_sub(FEW)) {
        ([first @ .., last], 0) if !first.is_empty() => {
            format!("{} and {last}", first.join(", "))
        }
        (named, 0) => named.concat(),
        (named, more) => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_interpreted_or_not_seen_is_escaped() {
        assert_eq!(shown("a\n::error::b"), "a\\n::error::b");
        assert_eq!(shown("\u{1b}[31mred"), "\\u{1b}[31mred");
        assert_eq!(shown("ours\u{a0}"), "ours\\u{a0}");
        assert_eq!(shown("ours\u{202e}"), "ours\\u{202e}");
        assert_eq!(shown("méthode BNG(breast-w)"), "méthode BNG(breast-w)");
        assert_eq!(path(Path::new("runs/\u{1b}[31m é.csv")), "runs/\\u{1b}[31m é.csv");
        assert_eq!(shown(&"x".repeat(5_000_000)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn any_printable_name_is_a_name() {
        for name in ["facebook/opt-125m", "BNG(breast-w)", "méthode", "=1+1", "a, b", "模型"] {
            assert_eq!(fault_of_name(name), None, "{name}");
        }
        for name in ["", " a", "a\u{a0}", "a\nb", "a\u{202e}b", "a\u{200b}", "\u{feff}a"] {
            assert!(fault_of_name(name).is_some(), "{name:?}");
        }
    }

    #[test]
    fn no_line_is_a_workflow_command() {
        assert_eq!(inert("a :: b\nc"), "a :: b\nc");
        assert_eq!(inert("a\n  ::error::b\n"), "a\n  \\::error::b\n");
        assert_eq!(inert("a\r::error::b"), "a\r\\::error::b");
        assert_eq!(inert("a ##[add-mask]b"), "a #\\#[add-mask]b");
    }

    #[test]
    fn many_names_are_one_line() {
        let names = |count: usize| ["a", "b", "c", "d", "e"].into_iter().take(count);
        let listed = |count| few(names(count), |_| String::new());
        assert_eq!(listed(1), "`a`");
        assert_eq!(listed(3), "`a`, `b` and `c`");
        assert_eq!(listed(5), "`a`, `b`, `c` and 2 more");
    }
}
