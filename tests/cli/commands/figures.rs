//! Figures by name, on the command line.

use std::fs;

use super::{bench, finished, flat, leads, ran, repro};

#[test]
fn figures_are_written_as_files_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let ran = finished(
        repro()
            .args([
                "verify",
                "--evidence",
                "published",
                "--claim",
                "robust_beats_natural",
                "--figures",
            ])
            .arg(folder.path()),
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let svg = fs::read_to_string(folder.path().join("robust_beats_natural-forest.svg")).unwrap();
    assert!(svg.contains("<svg"));
    assert!(folder.path().join("robust_beats_natural-accuracy_by_images.svg").exists());
}

#[test]
fn figures_are_listed_and_a_wrong_name_gets_a_suggestion() {
    let ledger = tempfile::tempdir().unwrap();
    let listed = finished(repro().arg("figure").env("REPRO_LEDGER", ledger.path()));
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    for name in ["2 ", "5 ", "6 ", "A1 ", "A13 "] {
        assert!(listed.stdout.lines().any(|line| line.starts_with(name)), "{}", listed.stdout);
    }
    assert!(listed.stdout.contains("A12: "), "{}", listed.stdout);
    let wrong = ran(&["figure", "A55"]);
    assert_eq!(wrong.code, 64);
    assert!(
        flat(&wrong.stderr).contains("unknown figure `A55`, did you mean `A5`?"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn a_figure_is_written_in_the_forms_that_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    let drawn = ran(&["figure", "A5", "--evidence", "published", "--out", out]);
    assert_eq!(drawn.code, 0, "{}", drawn.stderr);
    let files = ["svg", "png"].map(|ending| format!("{out}/figure-A5-published.{ending}"));
    assert_eq!(drawn.stdout.lines().collect::<Vec<_>>(), files);
    assert!(drawn.stderr.contains("missing records of 4 of 12"), "{}", drawn.stderr);
    for file in files {
        assert!(fs::metadata(file).unwrap().len() > 1000);
    }
    let table = ran(&["figure", "2", "--evidence", "published", "--format", "csv", "--out", out]);
    assert_eq!((table.code, table.stderr.as_str()), (0, ""));
    assert!(table.stdout.ends_with("figure-2-published.csv\n"), "{}", table.stdout);
    let bench = bench("greater_than = 0.0", &leads(&[20.0, 21.0, 22.0]));
    let of_log = bench.path().join("runs.csv");
    let of_log = ["figure", "2", "--log", of_log.to_str().unwrap(), "--out", out];
    let of_log = ran(&of_log);
    assert_eq!(of_log.code, 0, "{}", of_log.stderr);
    assert!(of_log.stdout.contains("figure-2-log.svg"), "{}", of_log.stdout);
}

#[test]
fn a_figure_without_evidence_is_incomplete_and_names_the_command_that_makes_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let run = |name: &str, kind: &str| {
        let mut command = repro();
        command.args(["figure", name, "--evidence", kind, "--out"]).arg(&out);
        finished(command.env("REPRO_LEDGER", folder.path()).env("REPRO_DATA", folder.path()))
    };
    for (name, kind, command) in [
        ("A8", "published", "repro figure A8 --evidence paper --run"),
        ("A8", "smoke", "repro fetch celeba --from DIR"),
        ("A1", "smoke", "repro figure A1 --evidence smoke --run"),
        ("A12", "paper", "repro figure A12 --evidence paper --run"),
        ("6", "published", "repro figure 6 --evidence paper --run"),
    ] {
        let ran = run(name, kind);
        assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{name} on {kind}");
        assert!(ran.stderr.contains(command), "{}", ran.stderr);
    }
    fs::write(&out, "").unwrap();
    assert_eq!(run("A1", "published").code, 73);
}

#[test]
fn a_plan_lists_the_missing_fine_tunes_of_a_figure() {
    let ledger = tempfile::tempdir().unwrap();
    let mut command = repro();
    command.args(["plan", "--figure", "A3", "--format", "jsonl"]);
    let planned = finished(command.env("REPRO_LEDGER", ledger.path()));
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    let lines: Vec<serde_json::Value> =
        planned.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Two models, three seeds.
    assert_eq!(lines.len(), 6, "{}", planned.stdout);
    for line in lines {
        assert_eq!(line["wanted_by"], serde_json::json!(["figure A3"]));
        assert_eq!(line["trial"]["recipe"]["key"]["target"], "kmnist");
    }
    assert_eq!(ran(&["plan", "--figure", "A3", "--claim", "l2_best"]).code, 64);
}

/// Two logs would write files of one name into the default folder.
#[test]
fn a_figure_of_another_log_does_not_replace_one_in_the_default_folder() {
    let folder = tempfile::tempdir().unwrap();
    let log = |accuracy: f64| {
        let rows: Vec<String> = ["natural", "l2_3"]
            .iter()
            .flat_map(|source| {
                [1, 2].map(|seed| {
                    format!(
                        "svhn,{source},3,100,{seed},100,{},1,100,0,1",
                        accuracy + f64::from(seed)
                    )
                })
            })
            .collect();
        let columns = repro::evidence::published::COLUMNS.join(",");
        fs::write(folder.path().join("runs.csv"), format!("{columns}\n{}\n", rows.join("\n")))
            .unwrap();
    };
    let draw = |more: &[&str]| {
        let command = ["figure", "2", "--log", "runs.csv", "--format", "csv"];
        finished(repro().args(command).args(more).current_dir(folder.path()))
    };
    log(50.0);
    let first = draw(&[]);
    let file = folder.path().join(first.stdout.trim());
    let drawn = fs::read(&file).unwrap_or_else(|error| panic!("{error}: {}", first.stderr));
    // The same figure again is no other file.
    assert_eq!(draw(&[]).stdout, first.stdout);
    log(60.0);
    let other = draw(&[]);
    assert_eq!(other.code, 73, "{}", other.stderr);
    assert!(flat(&other.stderr).contains("another file has this name"), "{}", other.stderr);
    assert_eq!(fs::read(&file).unwrap(), drawn);
    let named = draw(&["--out", "figures"]);
    assert_ne!(named.code, 73, "{}", named.stderr);
    assert_ne!(fs::read(&file).unwrap(), drawn);
}
