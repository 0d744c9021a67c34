//! Verdicts as GitHub workflow commands, which GitHub displays as annotations of a run.

use std::fmt::Write;

use super::Judged;
use crate::experiment::Verdict;

/// One line per verdict: an error for a refuted claim (with `expected`, for a verdict that the spec
/// does not expect), a warning for an inconclusive or incomplete one, otherwise a notice.
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

/// Escapes the message of a workflow command.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a workflow command.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_characters_are_escaped() {
        assert_eq!(message("95 % of\n9"), "95 %25 of%0A9");
        assert_eq!(property("a: b, 5 %"), "a%3A b%2C 5 %25");
    }
}
