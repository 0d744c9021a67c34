//! The output of commands that succeed.

use repro::{claim::suite::Suite, world::World};

use super::Transcript;
use crate::{
    commands::leads,
    common::{Run, claim_text, log, rows},
};

#[test]
fn claims_are_listed_and_shown_in_words() {
    let mut claims = Transcript::new();
    claims.run("repro list");
    let suite = Suite::embedded(&World::paper()).unwrap_or_else(|error| panic!("{error}"));
    for claim in suite.claims() {
        claims.run(&format!("repro show {}", claim.id));
    }
    let good = claim_text("greater_than = 0.0");
    let (unexpected, _) = good.split_once("[expected.").unwrap();
    for (from, to) in [
        ("accuracy = \"last\"", "loss = \"last\""),
        ("accuracy = \"last\"", "epochs_to = { accuracy = 50.0 }"),
        ("accuracy = \"last\"", "epochs_to = { final_accuracy_of = \"natural\" }"),
        ("accuracy = \"last\"", "accuracy = { epoch = 21 }"),
        ("accuracy = \"last\"", "accuracy = { from_share = 0.5 }"),
        ("accuracy = \"last\"", "accuracy = \"best\""),
        ("greater_than = 0.0", "equivalent_within = 1.0"),
        ("holds = \"every\"", "holds = \"more_than_chance\""),
        ("holds = \"every\"", "holds = { at_least_share = 0.5 }"),
    ] {
        claims.file("mine/gap.toml", unexpected.replacen(from, to, 1));
        claims.note(&format!("in mine/gap.toml: {from:?} is {to:?}"));
        claims.run("repro show gap --claims mine");
    }
    claims.snapshot("claims");
}

#[test]
fn verdicts_on_the_published_log_are_printed() {
    let mut verdicts = Transcript::new();
    verdicts.run("repro verify --evidence published");
    verdicts.snapshot("verify-published");
    let mut brief = Transcript::new();
    brief.run("repro verify --evidence published --brief");
    brief.run("repro verify --evidence published --format github");
    brief.run(
        "repro verify --evidence published --claim shape_bias --claim l2_best --expected --brief",
    );
    brief.run("repro verify --no-run --brief --claim l2_best --claim shape_bias");
    brief.run("repro verify --no-run --brief --evidence lab --evidence paper --evidence sister");
    brief.snapshot("verify-in-short");
}

#[test]
fn each_verdict_is_printed_on_a_small_log() {
    let mut verdicts = Transcript::new();
    let robust: Vec<Run<'_>> =
        leads(&[5.0, 6.0]).into_iter().filter(|run| run.source == "l2_3").collect();
    for relation in ["greater_than = 0.0", "not_worse_than = 1.0", "equivalent_within = 1.0"] {
        verdicts.file("mine/gap.toml", claim_text(relation));
        verdicts.note(&format!("mine/gap.toml asks for {relation}"));
        for (verdict, runs) in [
            ("supports", leads(&[0.5, 0.6, 0.55])),
            ("refutes", leads(&[-5.0, -6.0, -5.5])),
            ("leaves open", leads(&[5.0, -6.0, 5.5])),
            (
                "has no runs of an arm",
                leads(&[5.0, 6.0]).into_iter().filter(|run| run.source == "l2_3").collect(),
            ),
        ] {
            verdicts.file("runs.csv", log(&rows(&runs)));
            verdicts.note(verdict);
            verdicts.run("repro verify --claims mine --log runs.csv");
        }
    }
    verdicts.file("runs.csv", log(&rows(&robust)));
    verdicts.run("repro list --claims mine");
    verdicts.snapshot("verify-small");
}

#[test]
fn seeds_comparisons_and_choices_are_printed() {
    let mut power = Transcript::new();
    power.run_in_short("repro power");
    power.run("repro power --claim l2_best");
    power.run("repro power --evidence smoke");
    power.snapshot("power");
    let mut compared = Transcript::new();
    compared.run_in_short("repro compare");
    compared.run("repro compare --brief");
    for kind in ["smoke", "lab", "paper", "sister"] {
        compared.run(&format!("repro compare --evidence {kind} --brief"));
    }
    compared.snapshot("compare");
    let mut choices = Transcript::new();
    choices.run("repro sensitivity --claim robust_beats_natural --no-run --threads 2");
    choices.run(
        "repro sensitivity --claim faster_convergence --choice best_epoch --no-run --threads 2",
    );
    choices.run(
        "repro sensitivity --claim shape_bias --choice head --no-run --evidence lab --threads 2",
    );
    choices.run("repro sensitivity --claim natural_wins_at_high_resolution --choice head --no-run --threads 2");
    choices.snapshot("sensitivity");
}

#[test]
fn figures_are_listed_and_drawn() {
    let mut figures = Transcript::new();
    figures.run("repro figure");
    figures.run("repro figure --evidence published --evidence paper");
    figures.run("repro figure A5 --evidence published --format csv");
    figures.begins("figures/figure-A5-published.csv", 4);
    figures.run("repro figure 2 --evidence published --format svg --out elsewhere");
    figures.run("repro figure A1 A8 --evidence smoke --format csv");
    figures.run("repro figure all --evidence published --format csv");
    figures.snapshot("figure");
}

/// With an engine the output depends on the device.
#[test]
fn plans_are_printed_with_their_costs() {
    let mut plans = Transcript::new();
    plans.run_in_short("repro plan --evidence smoke --threads 2");
    plans.run_in_short("repro plan --claim l2_best --threads 2");
    plans.run_in_short("repro plan --figure A5 --threads 2");
    plans.snapshot("plan");
}

#[cfg(not(feature = "engine"))]
#[test]
fn plans_of_larger_worlds_report_what_is_missing() {
    let mut plans = Transcript::new();
    plans.run_in_short("repro plan --evidence lab --threads 2");
    plans.run_in_short("repro plan --evidence paper --claim shape_bias --threads 2");
    plans.run_in_short("repro plan --evidence sister --figure A8 --threads 2");
    plans.run_for_people("repro plan --evidence paper --claim shape_bias --format jsonl");
    plans.snapshot("plan-without-engine");
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = Transcript::new().output(&format!("repro completions {shell}"));
        assert!(output.contains("exit 0\n") && output.contains("repro"), "{shell}: {output}");
    }
}
