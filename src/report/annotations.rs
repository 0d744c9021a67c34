//! Verdicts as GitHub's workflow commands, which stand beside a run as annotations.

use std::fmt::Write;

use super::Judged;
use crate::experiment::Verdict;

/// A line for each verdict: an error where a claim is refuted (or, with `expected`, where its verdict
/// is not the one that its spec expects), a warning where it is open, else a notice.
#[must_use]
pub fn annotations(judged: &[Judged<'_>], expected: bool) -> String {
    let mut text = String::new();
    for one in judged {
        let Judged { claim, evidence, verdict, .. } = one;
        let spec = claim.expected.get(&evidence.kind);
        let as_expected = spec.is_some_and(|expected| verdict.is(expected));
        let level = match (expected, verdict.verdict) {
            (true, _) if as_expected => "notice",
            (true, _) | (false, Verdict::Refuted) => "error",
            (false, Verdict::Supported) => "notice",
            (false, Verdict::Inconclusive | Verdict::Incomplete) => "warning",
        };
        let title = property(&format!("{}, {} evidence", claim.id, evidence.kind));
        let unexpected = if expected && !as_expected {
            format!("; {}", one.expectation())
        } else {
            String::new()
        };
        let message = message(&format!("{}: {}{unexpected}", verdict.verdict, verdict.reason));
        // Writing to a String can't fail.
        let _ = writeln!(text, "::{level} title={title}::{message}");
    }
    text
}

/// What may not stand in a command's message.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What may not stand in a command's property.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_command_is_escaped() {
        assert_eq!(message("95 % of\n9"), "95 %25 of%0A9");
        assert_eq!(property("a: b, 5 %"), "a%3A b%2C 5 %25");
    }
}
