//! `repro sensitivity`: a claim judged again under other choices, one at a time, from records that are
//! kept and found again.

use crate::common;
use std::{path::Path, process::Output};

use assert_cmd::Command;
use common::{Run, claim, claim_text, evidence, gap_text, log, one_look, rows, run};
use repro::{
    evidence::SamplingDesign,
    plan::sensitivity::{accuracies, curve::Curve},
    world::World,
};
#[cfg(feature = "engine")]
use repro::{judge::Verdicts, plan::sensitivity::Answers, report::COLUMNS};
#[cfg(feature = "engine")]
use serde_json::Value::{self, Array, Null};

/// A folder of claims with l2_3 above natural with 100 images of KMNIST and no block, at one look of three
/// seeds.
fn with_claim() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let cells = "target = \"kmnist\", images = 100, blocks = 0";
    let claim = gap_text("smoke", "greater_than = 0.0", cells, &one_look(3));
    std::fs::create_dir(folder.path().join("claims")).unwrap();
    std::fs::write(folder.path().join("claims/gap.toml"), claim).unwrap();
    folder
}

fn sensitivity(folder: &Path, more: &[&str]) -> Output {
    Command::new(assert_cmd::cargo::cargo_bin!("repro"))
        .args(["sensitivity", "--claim", "gap", "--claims"])
        .arg(folder.join("claims"))
        .arg("--ledger")
        .arg(folder.join("ledger"))
        .args(more)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[cfg(feature = "engine")]
#[test]
fn each_choice_is_priced_run_judged_and_set_beside_the_paper_s_recipe() {
    let folder = with_claim();
    let choices = ["--choice", "head", "--choice", "best_epoch", "--choice", "gentle"];

    let priced = sensitivity(folder.path(), &[&choices[..], &["--no-run"]].concat());
    let said = text(&priced.stderr);
    assert!(said.contains("the paper's recipe\n  6 fine-tunes to run next"), "{said}");
    assert!(said.contains("PyTorch's own head\n  6 fine-tunes"), "{said}");
    assert!(!folder.path().join("ledger/entries").exists());

    let figures = folder.path().join("figures");
    let with_figure = [&choices[..], &["--figures", figures.to_str().unwrap()]].concat();
    let ran = sensitivity(folder.path(), &with_figure);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    let table = text(&ran.stdout);
    for words in
        ["the paper's recipe", "PyTorch's own head", "the best epoch", "all gentle choices"]
    {
        assert!(table.contains(words), "{words}: {table}");
    }
    assert!(table.lines().any(|line| line.contains("the paper's recipe") && line.contains("kept")));
    let figure = std::fs::read_to_string(figures.join("gap-sensitivity.svg")).unwrap();
    assert!(figure.contains("PyTorch's own head"), "each choice has its rows");

    // How well each source model does stands in a table of its own.
    let (_, second) = table.split_once("Accuracy after the last epoch").unwrap();
    let header = second.lines().find(|line| line.starts_with("choice")).unwrap();
    assert_eq!(header.split_whitespace().collect::<Vec<_>>(), ["choice", "l2_3", "natural"]);
    let row = second.lines().find(|line| line.starts_with("PyTorch's own head")).unwrap();
    let means: Vec<f64> =
        row.split_whitespace().rev().take(2).map(|mean| mean.parse().unwrap()).collect();
    assert!(means.iter().all(|mean| (5.0..60.0).contains(mean)), "{row}");

    // The best epoch is read off the paper's own fine-tunes: three recipes, six fine-tunes each.
    let kept = std::fs::read_dir(folder.path().join("ledger/entries")).unwrap().count();
    let again = sensitivity(folder.path(), &choices);
    assert_eq!(text(&again.stdout), table);
    let now = std::fs::read_dir(folder.path().join("ledger/entries")).unwrap().count();
    assert_eq!(kept, now);

    let json = sensitivity(folder.path(), &[&choices[..], &["--format", "json"]].concat());
    let value: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    for schema in [schemars::schema_for!(Answers), schemars::schema_for!(Verdicts)] {
        assert!(jsonschema::is_valid(&serde_json::to_value(schema).unwrap(), &value));
    }
    let answers = value["claims"].as_array().unwrap();
    let ids: Vec<&str> = answers.iter().map(|one| one["choice"]["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["paper", "head", "best_epoch", "gentle"]);
    assert_eq!(answers[0]["effect"], "kept");
    // The difference from the paper's recipe is paired: with one cell and one set of seeds, its mean
    // is the difference of the means, and its interval is not that of either.
    assert_eq!((&answers[0]["difference"], &answers[0]["differences"]), (&Null, &Array(vec![])));
    for (answer, seeds) in answers[1..].iter().map(|answer| (answer, &answer["cells"][0]["seeds"]))
    {
        let (of_cell, of_mean) = (&answer["differences"][0], &answer["difference"]);
        assert_eq!((&of_cell["seeds"], &of_mean["seeds"]), (seeds, seeds));
        let [mean, before, now] =
            [of_mean, &answers[0], answer].map(|it| it["mean"].as_f64().unwrap());
        assert!((mean - (now - before)).abs() < 1e-9, "{mean} {now} {before}");
        let number = |of: &Value, name: &str| of[name].as_f64().unwrap();
        for name in ["low", "high"] {
            assert!((number(of_cell, name) - number(of_mean, name)).abs() < 1e-9);
        }
        assert!(number(of_mean, "low") < mean && mean < number(of_mean, "high"));
    }
    let (_, paired) = table.split_once("Minus the paper's recipe").unwrap();
    let row = paired.lines().find(|line| line.starts_with("PyTorch's own head")).unwrap();
    let shown: Vec<&str> = row.split_whitespace().rev().take(4).collect();
    let exact = |name: &str| format!("{:+.2}", answers[1]["difference"][name].as_f64().unwrap());
    assert_eq!(shown, ["3".to_owned(), exact("high"), exact("low"), exact("mean")]);
    let rounded: Vec<String> = ["l2_3", "natural"]
        .map(|source| format!("{:.1}", answers[1]["accuracies"][source].as_f64().unwrap()))
        .to_vec();
    let read: Vec<String> = means.iter().rev().map(|mean| format!("{mean:.1}")).collect();
    assert_eq!(rounded, read, "the second table's numbers");
    assert_eq!(answers[1]["mean"], answers[1]["cells"][0]["mean"], "one cell is its own mean");

    // As CSV, a line for each cell under each choice: here one cell and four choices.
    let csv = sensitivity(folder.path(), &[&choices[..], &["--format", "csv"]].concat());
    let mut reader = csv::Reader::from_reader(&csv.stdout[..]);
    let header = reader.headers().unwrap().clone();
    assert_eq!(header.iter().collect::<Vec<_>>(), [&["choice"], &COLUMNS[..]].concat());
    let lines: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let field = |line: &csv::StringRecord, name: &str| {
        line[header.iter().position(|column| column == name).unwrap()].to_owned()
    };
    assert_eq!(lines.iter().map(|line| &line[0]).collect::<Vec<_>>(), ids);
    for (line, answer) in lines.iter().zip(answers) {
        let mean: f64 = field(line, "mean").parse().unwrap();
        assert_eq!(Some(mean), answer["mean"].as_f64());
    }

    let unknown = sensitivity(folder.path(), &["--choice", "haed"]);
    assert_eq!(unknown.status.code(), Some(64));
    assert!(text(&unknown.stderr).contains("did you mean `head`?"), "{}", text(&unknown.stderr));
}

#[test]
fn every_choice_has_a_price_if_nothing_can_run() {
    let folder = with_claim();
    let data = folder.path().join("data");
    let asked = ["--evidence", "paper", "--no-run", "--data", data.to_str().unwrap()];
    let priced = sensitivity(folder.path(), &asked);
    let said = text(&priced.stderr);
    assert!(priced.status.success(), "{said}");
    assert!(said.contains("18 fine-tunes to run next"), "to choose rates by: {said}");
    assert_eq!(said.matches("fine-tunes to run next").count(), 11, "{said}");
    for row in ["the same in ten times as many epochs", "each source's own best learning rate"] {
        assert!(text(&priced.stdout).contains(row), "{row}");
    }
    // Without --no-run what can be judged is judged, and the rest names what is missing.
    let run = sensitivity(folder.path(), &[&asked[..2], &asked[3..]].concat());
    let said = text(&run.stderr);
    assert!(run.status.success() && said.contains("is missing"), "{said}");
    assert!(text(&run.stdout).contains("the same in ten times as many epochs"));
}

#[test]
fn a_specification_curve_is_priced_before_it_runs_and_judges_what_is_there() {
    let folder = with_claim();
    let priced = sensitivity(folder.path(), &["--curve", "--no-run", "--format", "json"]);
    let said = text(&priced.stderr);
    // 16 recipes, two arms, three seeds.
    assert!(priced.status.success() && said.contains("96 fine-tunes to run next"), "{said}");
    let curve: Curve = serde_json::from_slice(&priced.stdout).unwrap();
    assert_eq!((curve.specifications.len(), curve.counts.incomplete), (32, 32));
    assert!(!folder.path().join("ledger/entries").exists());
    let both = sensitivity(folder.path(), &["--curve", "--choice", "head"]);
    assert_eq!(both.status.code(), Some(64), "{}", text(&both.stderr));
}

/// Two sources, three rates, three held-out seeds; then three seeds of each source at its own.
#[cfg(feature = "engine")]
#[test]
fn each_source_s_own_rate_is_chosen_on_held_out_seeds_and_then_judged() {
    let folder = with_claim();
    let priced = sensitivity(folder.path(), &["--choice", "own_rates", "--no-run"]);
    let said = text(&priced.stderr);
    assert!(said.contains("18 fine-tunes to run next"), "{said}");
    assert!(said.contains("to choose rates by"), "{said}");

    let ran = sensitivity(folder.path(), &["--choice", "own_rates"]);
    let said = text(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    let own: Vec<&str> = said.lines().filter(|line| line.contains("is best over 3")).collect();
    assert_eq!(own.len(), 2, "{said}");
    assert!(own[0].starts_with("  l2_3: ") && own[1].starts_with("  natural: "), "{own:?}");
    let table = text(&ran.stdout);
    let row = table.lines().find(|line| line.contains("own best learning rate")).unwrap();
    assert!(row.contains("supported") || row.contains("inconclusive") || row.contains("refuted"));
    assert!(!table.contains("mixes"), "rates of their own are part of the arms: {table}");

    // What the rates were chosen by is kept, and never run again.
    let kept = std::fs::read_dir(folder.path().join("ledger/entries")).unwrap().count();
    let again = sensitivity(folder.path(), &["--choice", "own_rates"]);
    assert_eq!(text(&again.stdout), table);
    assert_eq!(std::fs::read_dir(folder.path().join("ledger/entries")).unwrap().count(), kept);
}

#[test]
fn a_source_s_accuracy_is_the_mean_over_keys_of_the_means_over_the_first_look_s_seeds() {
    let claim =
        claim(&claim_text("greater_than = 0.0").replace("images = 100", "images = [100, 400]"));
    let seed = |place| World::seed(place).0;
    let runs = [
        run("l2_3", seed(0), 40.0),
        run("l2_3", seed(1), 60.0),
        Run { images: 400, ..run("l2_3", seed(0), 80.0) },
        run("natural", seed(0), 30.0),
        // What the claim does not ask for, or not at its first look.
        run("natural", seed(3), 90.0),
        Run { target: "cifar10", ..run("natural", seed(0), 90.0) },
        run("linf_4", seed(0), 90.0),
    ];
    let found = accuracies(&claim, &evidence(&log(&rows(&runs)), SamplingDesign::FixedSample));
    let found: Vec<(&str, f64)> = found.iter().map(|(source, mean)| (&**source, *mean)).collect();
    assert_eq!(found, [("l2_3", 65.0), ("natural", 30.0)]);
}
