//! Quoting for shell commands that are printed.

use std::path::Path;

/// A word, quoted if a shell would change it.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// An option with a quoted folder, after a space.
#[must_use]
pub fn option(name: &str, folder: &Path) -> String {
    format!(" {name} {}", quoted(&folder.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_a_shell_would_change_are_quoted() {
        assert_eq!(quoted("runs/my-log.csv.gz"), "runs/my-log.csv.gz");
        assert_eq!(quoted("my log.csv"), "'my log.csv'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
