//! What the README says is what the program does: its verdicts, its example of a claim.

use repro::{
    claim::{check, suite::Suite},
    evidence::Evidence,
    judge::judge,
    world::World,
};

const README: &str = include_str!("../README.md");

#[test]
fn the_table_of_verdicts_is_what_the_judge_says_today() {
    let suite = Suite::embedded(&World::paper()).unwrap_or_else(|error| panic!("{error}"));
    let evidence = Evidence::published().unwrap_or_else(|error| panic!("{error}"));
    for claim in suite.claims() {
        let verdict = judge(claim, &evidence);
        let row = format!("| `{}` | **{}** | {} |", claim.id, verdict.verdict, verdict.reason);
        assert!(README.lines().any(|line| line == row), "README.md should have the row:\n{row}");
    }
}

#[test]
fn the_example_of_a_claim_checks_and_comes_out_as_it_says() {
    let (_, example) = README.split_once("```toml\n").expect("an example in TOML");
    let (example, _) = example.split_once("```").expect("the example ends");
    let claim = check::claim("gap_on_svhn.toml", example, &World::paper())
        .unwrap_or_else(|error| panic!("{error}"));
    let evidence = Evidence::published().unwrap_or_else(|error| panic!("{error}"));
    let expected = &claim.expected[&evidence.kind];
    assert_eq!(judge(&claim, &evidence).verdict, expected.verdict);
}
