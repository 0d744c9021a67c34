//! Marks beside a verdict's word. None needs colour, and each has a letter or sign of ASCII.

use crate::{
    experiment::Verdict,
    judge::{ClaimVerdict, Direction},
};

/// The signs that can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// Those of Unicode.
    Unicode,
    /// ASCII alone.
    Ascii,
}

/// The sign of a verdict, one column wide. Its word always stands beside it.
#[must_use]
pub const fn sign(verdict: Verdict, glyphs: Glyphs) -> &'static str {
    match (verdict, glyphs) {
        (Verdict::Supported, Glyphs::Unicode) => "✔",
        (Verdict::Supported, Glyphs::Ascii) => "+",
        (Verdict::Refuted, Glyphs::Unicode) => "✘",
        (Verdict::Refuted, Glyphs::Ascii) => "x",
        (Verdict::Inconclusive, _) => "?",
        (Verdict::Incomplete, Glyphs::Unicode) => "…",
        (Verdict::Incomplete, Glyphs::Ascii) => ".",
    }
}

/// What a letter after the word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// A secondary hypothesis is refuted.
    ReadingRefuted,
    /// A point in every value would change the verdict.
    Borderline,
    /// Cells surely lie on both sides of the threshold.
    Mixed,
}

impl Remark {
    /// Every remark, in the order of their letters.
    pub const ALL: [Self; 3] = [Self::ReadingRefuted, Self::Borderline, Self::Mixed];

    /// The remarks on a verdict.
    #[must_use]
    pub fn of(verdict: &ClaimVerdict) -> Vec<Self> {
        let mut all = Self::ALL.to_vec();
        all.retain(|remark| match remark {
            Self::ReadingRefuted => {
                let mut judged = verdict.readings.iter().filter(|reading| reading.judged);
                judged.any(|reading| reading.verdict == Verdict::Refuted)
            }
            Self::Borderline => verdict.borderline,
            Self::Mixed => verdict.direction == Some(Direction::Mixed),
        });
        all
    }

    /// Its letter.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::ReadingRefuted => 'r',
            Self::Borderline => 'b',
            Self::Mixed => 'm',
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadingRefuted => "reading refuted",
            Self::Borderline => "borderline",
            Self::Mixed => "mixed",
        }
    }

    /// The letter in words.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::ReadingRefuted => "a reading is refuted",
            Self::Borderline => "borderline, one point changes it",
            Self::Mixed => "cells on both sides",
        }
    }
}
