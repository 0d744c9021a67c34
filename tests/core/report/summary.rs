//! The answer on one screen, at every width.

use proptest::prelude::*;
use repro::{
    judge::ClaimVerdict,
    report::summary::{Glyphs, SCREEN, bottom_line, text},
};
use textwrap::core::display_width;

const KINDS: [&str; 3] = ["published", "smoke", "smoke_one_zoo"];
const VERDICTS: [&str; 4] = ["supported", "refuted", "inconclusive", "incomplete"];
const DIRECTIONS: [&str; 4] = ["above", "below", "mixed", "none"];

/// A verdict of which only the summary's fields matter. `is` picks them: verdict, direction,
/// borderline, undecided, a refuted reading, how many cells.
fn verdict(claim: usize, title: &str, kind: &str, is: u32) -> ClaimVerdict {
    let pick = |of: u32, by: u32| is / by % of;
    let verdict = VERDICTS[pick(4, 1) as usize];
    let undecided = (verdict == "inconclusive" && pick(2, 32) == 1)
        .then(|| serde_json::json!({"seeds": 3, "of": 10}));
    let cell = |at: u32| {
        serde_json::json!({
            "name": "a cell", "contrast": "a", "unit": "points", "seeds": 5, "target": null,
            "images": null, "blocks": null, "resolution": null, "repetition": null,
            "mean": f64::from(at) - 1.25, "low": -123.456, "high": 23.5,
            "confidence": 95.0, "t": 1.0, "p": 0.001, "p_adjusted": 0.001,
            "verdict": "supported", "reason": "", "flags": [],
            "missing_seeds": 0, "spared_seeds": 0, "unmatched_seeds": 0, "failed_seeds": 0,
            "look": null, "e_value": null, "welch": null, "test_images": null,
        })
    };
    let reading = serde_json::json!({
        "id": "r", "verdict": "refuted", "reason": "", "sentence": "", "judged": true,
        "unit": "points", "margin": 0.0, "cells": [], "averages": [],
    });
    serde_json::from_value(serde_json::json!({
        "claim": format!("claim_{claim}"), "evidence": kind, "verdict": verdict, "reason": "",
        "title": title, "unit": "points", "margin": 0.0, "alpha": 0.025,
        "borderline": pick(2, 16) == 1, "undecided": undecided,
        "direction": DIRECTIONS[pick(4, 4) as usize], "conditional_on": [],
        "cells": (0..pick(4, 128)).map(cell).collect::<Vec<_>>(), "averages": [],
        "readings": if pick(2, 64) == 1 { vec![reading] } else { vec![] },
    }))
    .unwrap()
}

fn verdicts(titles: &[String], kinds: usize, is: &[u32]) -> Vec<ClaimVerdict> {
    let each = titles.iter().enumerate();
    let each =
        each.flat_map(|(at, title)| KINDS[..kinds].iter().map(move |kind| (at, title, kind)));
    each.zip(is.iter().cycle())
        .map(|((at, title, kind), is)| verdict(at, title, kind, *is))
        .collect()
}

fn laid_out(verdicts: &[ClaimVerdict], width: usize, lines: Option<usize>) -> String {
    let all: Vec<&ClaimVerdict> = verdicts.iter().collect();
    anstream::adapter::strip_str(&text(&all, width, lines, Glyphs::Unicode)).to_string()
}

/// A title that begins with a word of its own.
fn titles(most_words: usize) -> impl Strategy<Value = Vec<String>> {
    let words = prop::collection::vec("[a-z]{1,12}", 1..=most_words);
    prop::collection::vec(words, 1..=12).prop_map(|all| {
        let titled = |(at, words): (usize, Vec<String>)| format!("T{at:02} {}", words.join(" "));
        all.into_iter().enumerate().map(titled).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_claim_and_evidence_comes_once_and_no_line_is_too_wide(
        titles in titles(12),
        kinds in 1..=3_usize,
        is in prop::collection::vec(0..512_u32, 36),
        width in prop::sample::select(vec![24, 40, 60, 80, 100, 120, 200]),
    ) {
        let all = verdicts(&titles, kinds, &is);
        let text = laid_out(&all, width, None);
        for line in text.lines() {
            let one_word = line.split_whitespace().count() <= 2;
            prop_assert!(display_width(line) <= width || one_word, "{width}: {line:?}\n{text}");
            prop_assert_eq!(line.trim_end(), line);
        }
        for at in 0..titles.len() {
            let name = format!("T{at:02} ");
            prop_assert_eq!(text.matches(&name).count(), 1, "{}\n{}", name, text);
        }
        let signs = ["✔ ", "✘ ", "? ", "… "].map(|sign| text.matches(sign).count());
        prop_assert_eq!(signs.iter().sum::<usize>(), titles.len() * kinds, "{}", text);
        let lines = text.lines().filter(|line| line.starts_with("On ")).count();
        prop_assert_eq!(lines, kinds);
    }

    #[test]
    fn twenty_four_verdicts_are_on_one_screen(
        words in prop::collection::vec(prop::collection::vec("[a-z]{1,12}", 1..14), 12),
        is in prop::collection::vec(0..512_u32, 24),
    ) {
        let titles: Vec<String> = words.iter().map(|words| words.join(" ")).collect();
        let all = verdicts(&titles, 2, &is);
        let (width, most) = SCREEN;
        let text = laid_out(&all, width, Some(most));
        prop_assert!(text.lines().count() <= 30, "{} lines:\n{}", text.lines().count(), text);
        prop_assert!(text.lines().all(|line| display_width(line) <= 80), "{text}");
    }
}

#[test]
fn marks_need_neither_colour_nor_unicode() {
    let all = verdicts(&["a title".to_owned()], 1, &[2 + 8 + 16 + 64]);
    let all: Vec<&ClaimVerdict> = all.iter().collect();
    let ascii = anstream::adapter::strip_str(&text(&all, 80, None, Glyphs::Ascii)).to_string();
    assert!(ascii.is_ascii());
    assert_eq!(
        ascii,
        "claim    published\n\
         a title  ? inconclusive rbm\n\
         r: a reading is refuted; b: borderline, one point changes it; m: cells on both\n\
         sides\n\
         On published evidence the claim is inconclusive (borderline, mixed).\n"
    );
}

#[test]
fn numbers_come_from_120_columns_on() {
    let all = verdicts(&["a title".to_owned()], 2, &[128]);
    assert!(laid_out(&all, 120, None).contains("✔ supported  -1.25 (-123.46 to +23.50)"));
    assert!(!laid_out(&all, 119, None).contains("-1.25"));
}

#[test]
fn an_open_claim_says_after_how_many_seeds() {
    let all = verdicts(&["a title".to_owned()], 1, &[2 + 32]);
    let text = laid_out(&all, 80, None);
    assert!(text.contains("? undecided 3/10"), "{text}");
    let line = bottom_line(&all.iter().collect::<Vec<_>>());
    assert_eq!(line, "On published evidence the claim is undecided after 3 of 10 seeds.");
}

#[test]
fn a_title_of_somebody_else_can_t_write_on_the_terminal() {
    let all = verdicts(&["a\u{1b}[31m\ntitle".to_owned()], 1, &[0]);
    let all: Vec<&ClaimVerdict> = all.iter().collect();
    let text = text(&all, 80, None, Glyphs::Unicode);
    assert!(text.contains("a\\u{1b}[31m\\ntitle"), "{text}");
}
