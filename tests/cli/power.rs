//! `repro power`: seeds needed and effects that can be seen, from verdicts that there are.

use crate::common;
use assert_cmd::Command;
use common::claim_text;

#[test]
fn each_cell_has_its_effect_spread_and_seeds_and_nothing_is_run() {
    let ran = Command::new(assert_cmd::cargo::cargo_bin!("repro"))
        .args(["power", "--claim", "l2_best"])
        .output()
        .unwrap();
    let text = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success(), "{text}");
    // 10 seeds lead by 1.28 points with a spread of 1.27: an effect of one standard deviation, for which
    // scipy's noncentral t asks for 10 seeds.
    let line = text.lines().find(|line| line.contains("l2_3 - linf_4: 100 images")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[words.len() - 5..], ["+1.28", "1.27", "10", "10", "1.27"], "{line}");
}

#[test]
fn an_effect_against_the_hypothesis_is_never_supported_however_many_seeds() {
    let folder = tempfile::tempdir().unwrap();
    let text = claim_text("greater_than = 0.0").replace("expected.log", "expected.published");
    // The lead turned round: natural over l2_3.
    let text =
        text.replace("natural = { source = \"natural\" }", "natural = { source = \"l2_3\" }");
    let text = text.replace("robust = { source = \"l2_3\" }", "robust = { source = \"natural\" }");
    std::fs::write(folder.path().join("gap.toml"), text).unwrap();
    let ran = Command::new(assert_cmd::cargo::cargo_bin!("repro"))
        .args(["power", "--claims", folder.path().to_str().unwrap()])
        .output()
        .unwrap();
    let text = String::from_utf8(ran.stdout).unwrap();
    assert!(text.contains("never"), "{text}{}", String::from_utf8_lossy(&ran.stderr));
}
