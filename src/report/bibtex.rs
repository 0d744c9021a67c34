//! A BibTeX entry for the verdicts of a report, with the digest of each evidence.

use std::fmt::Write;

use super::{Judged, subject::Subject};
use crate::figure::groups::distinct;

/// The commit that the program was built from; `None` of a build that does not know it.
pub(super) const COMMIT: Option<&str> = option_env!("REPRO_COMMIT");

/// The entries: the program with what it judged, and the paper if it is this one.
#[must_use]
pub(super) fn bibtex(judged: &[Judged<'_>]) -> String {
    let subject = Subject::of(judged);
    let evidence = distinct(
        judged
            .iter()
            .map(|one| format!("{} evidence {}", one.evidence.kind, short(&one.evidence.sha256))),
    );
    let mut note = format!("Version {}", env!("CARGO_PKG_VERSION"));
    if let Some(commit) = COMMIT {
        // Writing to a String can't fail.
        let changed = if commit.ends_with("-dirty") { " with changes" } else { "" };
        let _ = write!(note, ", commit {}{changed}", short(commit));
    }
    let _ = write!(note, "; {}", evidence.join(", "));
    let mut text = format!(
        "@software{{repro-verdicts,\n  title   = {{{{Verdicts on: {}}}}},\n  note    = {{repro. \
         {note}}}\n}}\n",
        plain(subject.title())
    );
    if subject.is_this_paper() {
        let _ = write!(
            text,
            "\n@inproceedings{{utrera2021adversarially,\n  title     = {{{{{}}}}},\n  author    = \
             {{{}}},\n  booktitle = {{International Conference on Learning Representations}},\n  \
             year      = {{2021}},\n  eprint    = {{2007.05869}},\n  \
             archivePrefix = {{arXiv}}\n}}\n",
            plain(subject.title()),
            subject.authors().join(" and ")
        );
    }
    text
}

/// The first twelve digits of a digest.
fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// Text without the characters that have a meaning in BibTeX.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '{' | '}' | '\\' | '@' | '%' | '#' | '$')).collect()
}
