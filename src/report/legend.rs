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

/// Words of a study's own log in the place of those of this paper; `None` leaves a word out.
fn of_study(word: &str, meaning: &'static str) -> Option<&'static str> {
    match word {
        "cell" => Some(
            "one combination of the study's factors, at which arms are compared over replicates. \
             A claim says how many of its cells must hold.",
        ),
        "points" => Some("percentage points of a share; a difference, not a ratio."),
        "seed" => Some(
            "one replicate of a run, by whatever name the study gives it. The intervals are over \
             replicates.",
        ),
        "borderline" | "published, smoke and other evidence" => None,
        _ => Some(meaning),
    }
}

fn words(is_study: bool) -> impl Iterator<Item = (&'static str, &'static str)> {
    let own = move |(word, meaning)| {
        let meaning = if is_study { of_study(word, meaning) } else { Some(meaning) };
        meaning.map(|meaning| (word, meaning))
    };
    WORDS.into_iter().filter_map(own)
}

/// The legend, one click away.
#[must_use]
pub(super) fn legend<'a>(
    kinds: &[EvidenceKind],
    is_study: bool,
    sources: impl Fn(EvidenceKind) -> Vec<(&'a str, &'a str)>,
) -> Markup {
    let verdicts =
        [Verdict::Supported, Verdict::Refuted, Verdict::Inconclusive, Verdict::Incomplete];
    html! {
        details.legend-of-words id="legend" {
            summary {
                "What the words mean: verdicts, cells, readings, points"
                @if !is_study { ", sources" }
            }
            dl.definitions.within {
                @for verdict in verdicts { dt { (badge(verdict)) } dd { (meaning(verdict)) "." } }
                @for (word, meaning) in words(is_study) { dt { (word) } dd { (meaning) } }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_study_are_not_those_of_this_paper() {
        let all: String = words(true).map(|(word, meaning)| format!("{word} {meaning} ")).collect();
        for other in ["image", "block", "pixel", "head", "smoke", "source model", "accuracy"] {
            assert!(!all.contains(other), "{other}: {all}");
        }
        assert_eq!(words(false).count(), WORDS.len());
    }
}
