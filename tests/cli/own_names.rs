//! Targets and source models of a user's own, which a folder of claims adds to every world.

use crate::common;
use std::{fs, path::Path};

use common::{Run, gap_text, log, rows, run, stderr::stderr_text};

const OWN: &str = r#"
format = 1
[targets.flowers]
title = "Flowers"
train = 1020
test = 6149
[sources.l2_5]
description = "trained adversarially, L2 eps 5"
"#;

/// A claim that l2_5 leads natural on flowers, and three seeds that say so.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let cells = "target = \"flowers\", images = 100, blocks = 3";
    let text = gap_text("log", "greater_than = 0.0", cells, "").replace("l2_3", "l2_5");
    fs::write(folder.path().join("gap.toml"), text).unwrap();
    let runs = [(1, 61.0), (2, 60.0), (3, 61.5)].map(|(seed, accuracy)| {
        let on = |source, accuracy| Run { target: "flowers", ..run(source, seed, accuracy) };
        [on("l2_5", accuracy), on("natural", 50.0)]
    });
    fs::write(folder.path().join("runs.csv"), log(&rows(runs.as_flattened()))).unwrap();
    folder
}

fn own(folder: &Path, text: &str) {
    fs::create_dir_all(folder.join("worlds")).unwrap();
    fs::write(folder.join("worlds/own.toml"), text).unwrap();
}

/// Exit code, standard output and standard error, without line breaks and the frame of messages.
fn ran(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_repro"));
    let command = command.args(arguments).arg("--claims").arg(folder).current_dir(folder);
    let output = command.env("NO_COLOR", "1").output().unwrap();
    let said = stderr_text(&output.stderr);
    let flat = said.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    let text = String::from_utf8(output.stdout).unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (output.status.code().unwrap(), text, flat)
}

const LOGGED: [&str; 3] = ["verify", "--log", "runs.csv"];

#[test]
fn a_log_of_other_targets_and_models_is_judged_by_claims_that_name_them() {
    let folder = folder();
    let (code, _, said) = ran(folder.path(), &LOGGED);
    assert_eq!(code, 64);
    assert!(said.contains("unknown source `l2_5`") && said.contains("worlds/own.toml"), "{said}");
    own(folder.path(), OWN);
    let (code, text, said) = ran(folder.path(), &LOGGED);
    assert_eq!((code, said.as_str()), (0, ""), "{text}");
    assert!(text.contains("supported"), "{text}");
    // The authors planned seeds for their own targets alone.
    let (_, json, _) = ran(folder.path(), &[&LOGGED[..], &["--format", "json"]].concat());
    assert!(
        json.contains("\"missing_seeds\": 0") && !json.contains("\"missing_seeds\": 7"),
        "{json}"
    );
    let (code, text, _) = ran(folder.path(), &["show", "gap"]);
    assert_eq!(code, 0);
    assert!(text.contains("flowers"), "{text}");
}

#[test]
fn evidence_that_has_none_of_them_is_incomplete_and_says_why() {
    let folder = folder();
    own(folder.path(), OWN);
    let asked = ["verify", "--evidence", "published", "--evidence", "smoke", "--ledger", "none"];
    let (code, text, said) = ran(folder.path(), &asked);
    assert_eq!(code, 3, "{text}{said}");
    assert!(text.contains("flowers from l2_5, 100 images, 3 blocks"), "{text}");
    let asked = ["verify", "--evidence", "paper", "--ledger", "none", "--data", "data"];
    let (code, _, said) = ran(folder.path(), &asked);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("`l2_5` has no checkpoint in the paper set-up"), "{said}");
}

#[test]
fn a_name_that_means_something_already_stops_every_command() {
    let folder = folder();
    own(folder.path(), &OWN.replace("targets.flowers", "targets.svhn"));
    for command in [&LOGGED[..], &["list"], &["show", "gap"]] {
        let (code, _, said) = ran(folder.path(), command);
        assert_eq!(code, 64);
        assert!(
            said.contains("own.toml") && said.contains("the name `svhn` is already in use"),
            "{said}"
        );
    }
}

#[test]
fn a_recipe_can_name_them() {
    let folder = folder();
    own(folder.path(), OWN);
    let recipe = "world = \"paper\"
        [key]
        target = \"flowers\"
        source = \"natural\"
        blocks = 3
        images = 100";
    fs::write(folder.path().join("mine.toml"), recipe).unwrap();
    let asked =
        ["run", "--recipe", "mine.toml", "--seed", "1", "--data", "data", "--ledger", "none"];
    let (code, _, said) = ran(folder.path(), &asked);
    assert_eq!(code, 66, "{said}");
    assert!(said.contains("is missing"), "{said}");
    fs::write(folder.path().join("mine.toml"), recipe.replace("flowers", "flours")).unwrap();
    let (code, _, said) = ran(folder.path(), &asked);
    assert_eq!(code, 64, "{said}");
}

#[test]
fn old_spellings_are_accepted_with_one_note_for_each_file_and_key() {
    let folder = folder();
    let claim = folder.path().join("gap.toml");
    let text = fs::read_to_string(&claim).unwrap().replace("statement =", "sentence =");
    fs::write(&claim, text).unwrap();
    own(folder.path(), &OWN.replace("description =", "words ="));
    // The suite is read once for each evidence.
    let asked = ["verify", "--evidence", "published", "--evidence", "smoke", "--ledger", "none"];
    let (_, _, said) = ran(folder.path(), &asked);
    for note in [
        "gap.toml, line 4: `sentence` is now called `statement`",
        "own.toml, line 8: `words` is now called `description`",
    ] {
        assert_eq!(said.matches(note).count(), 1, "{said}");
    }
    let recipe = "world = \"sister\"\n[key]\ntarget = \"flowers\"\nsource = \"natural\"\n\
                  blocks = 3\nimages = 100\ndraw = 1\n";
    fs::write(folder.path().join("mine.toml"), recipe).unwrap();
    let asked =
        ["run", "--recipe", "mine.toml", "--seed", "1", "--ledger", "none", "--data", "data"];
    let (_, _, said) = ran(folder.path(), &asked);
    if cfg!(feature = "engine") {
        for note in [
            "note: mine.toml, line 1: `sister` is now called `salman`",
            "note: mine.toml, line 7: `draw` is now called `seed_stream`",
        ] {
            assert_eq!(said.matches(note).count(), 1, "{said}");
        }
    }
}

/// Names of models and data sets elsewhere have slashes, brackets and letters beyond ASCII.
#[test]
fn any_printable_name_may_stand_in_a_log() {
    for name in ["facebook/opt-125m", "BNG(breast-w)", "méthode", "=1+1", "../up"] {
        let folder = folder();
        let renamed = |file: &str| {
            let path = folder.path().join(file);
            let text = fs::read_to_string(&path).unwrap();
            let text = text.replace("l2_5", name).replace("flowers", &format!("{name} set"));
            fs::write(path, text).unwrap();
        };
        renamed("gap.toml");
        renamed("runs.csv");
        let own_text = OWN
            .replace("targets.flowers", &format!("targets.\"{name} set\""))
            .replace("sources.l2_5", &format!("sources.\"{name}\""));
        own(folder.path(), &own_text);
        let (code, text, said) = ran(folder.path(), &LOGGED);
        assert_eq!((code, said.as_str()), (0, ""), "{text}");
        let (_, csv, _) = ran(folder.path(), &[&LOGGED[..], &["--format", "csv"]].concat());
        assert!(!csv.contains(",=1"), "{csv}");
    }
}

#[test]
fn many_names_that_nobody_knows_are_one_note() {
    let folder = folder();
    own(folder.path(), OWN);
    let path = folder.path().join("runs.csv");
    let mut text = fs::read_to_string(&path).unwrap();
    let row = text.lines().nth(1).unwrap().to_owned();
    for number in 0..1000 {
        text.push_str(&row.replace("l2_5", &format!("run-{number}")));
        text.push('\n');
    }
    text.push_str(&row.replace("l2_5", &"x".repeat(100_000)));
    fs::write(&path, text).unwrap();
    let (code, _, said) = ran(folder.path(), &LOGGED);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("1001 unknown sources: `run-0`, `run-1`, `run-10` and 998 more"),
        "{said}"
    );
    assert!(said.len() < 500 && said.matches("note:").count() == 1, "{said}");
}

#[test]
fn a_log_s_paper_may_be_named() {
    let folder = folder();
    let named =
        OWN.replace("format = 1", "format = 1\ntitle = \"Flowers\"\nauthors = [\"A. Author\"]");
    own(folder.path(), &named);
    let report = [&LOGGED[..], &["--report", "report"]].concat();
    let (code, _, said) = ran(folder.path(), &report);
    assert_eq!(code, 0, "{said}");
    let page = fs::read_to_string(folder.path().join("report/index.html")).unwrap();
    assert!(page.contains("Verdicts on Flowers") && page.contains("A. Author"));
    assert!(!page.contains("Utrera"));
    own(folder.path(), &OWN.replace("format = 1", "format = 1\nauthors = [\"A. Author\"]"));
    let (code, _, said) = ran(folder.path(), &LOGGED);
    assert!(code == 64 && said.contains("authors need the title"), "{said}");
}
