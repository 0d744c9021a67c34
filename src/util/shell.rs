//! Commands that are printed to be run again.

use std::path::Path;

/// A word as a shell takes it back whole.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// An option with a folder, and the space before it, for a command that is printed to be run again.
#[must_use]
pub fn option(name: &str, folder: &Path) -> String {
    format!(" {name} {}", quoted(&folder.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_given_to_a_shell_again() {
        assert_eq!(quoted("runs/my-log.csv.gz"), "runs/my-log.csv.gz");
        assert_eq!(quoted("my log.csv"), "'my log.csv'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
