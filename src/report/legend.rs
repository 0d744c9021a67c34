//! What the words of a report mean: verdicts, cell, reading, points, and the source models.

use maud::{Markup, html};

use crate::{
    experiment::{EvidenceKind, Verdict},
    report::html::badge,
};

/// What a verdict says.
#[must_use]
pub(super) fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Supported => "the confidence intervals show what the hypothesis asks",
        Verdict::Refuted => "the confidence intervals show the contrary of what it asks",
        Verdict::Inconclusive => "the intervals allow both: more seeds may decide",
        Verdict::Incomplete => "the evidence does not have every run that is compared",
    }
}

/// Words that are no verdict.
const WORDS: [(&str, &str); 9] = [
    (
        "cell",
        "one target at one number of images (and of blocks, or pixels), where two source models \
         are compared over seeds. A claim says how many of its cells must hold.",
    ),
    (
        "reading",
        "a secondary hypothesis: the same claim asked in another way, fixed in advance. It never \
         changes the verdict.",
    ),
    ("points", "percentage points of test accuracy; a difference, not a ratio."),
    ("margin", "the value that a difference is tested against; 0 unless a claim states another."),
    (
        "seed",
        "one repetition: another subset of images, another head, another order. The intervals are \
         over seeds.",
    ),
    ("after Holm", "with p-values corrected for testing several cells of one hypothesis."),
    ("borderline", "a shift of one point in every cell would change the verdict."),
    (
        "published, smoke and other evidence",
        "where the runs are from: the authors' own log, or local runs of a small set-up. Kinds of \
         evidence are never combined.",
    ),
    ("power", "the chance that so many seeds find a difference of a given size, if it is there."),
];

/// The legend, one click away.
#[must_use]
pub(super) fn legend<'a>(
    kinds: &[EvidenceKind],
    sources: impl Fn(EvidenceKind) -> Vec<(&'a str, &'a str)>,
) -> Markup {
    let verdicts =
        [Verdict::Supported, Verdict::Refuted, Verdict::Inconclusive, Verdict::Incomplete];
    html! {
        details.legend-of-words id="legend" {
            summary { "What the words mean: verdicts, cells, readings, points, sources" }
            dl.definitions.within {
                @for verdict in verdicts { dt { (badge(verdict)) } dd { (meaning(verdict)) "." } }
                @for (word, meaning) in WORDS { dt { (word) } dd { (meaning) } }
            }
            @for kind in kinds {
                @let named = sources(*kind);
                @if !named.is_empty() {
                    h3.within { "Sources: the models that " (kind) " runs start from" }
                    dl.definitions.within {
                        @for (name, words) in named { dt { code { (name) } } dd { (words) } }
                    }
                }
            }
        }
    }
}
