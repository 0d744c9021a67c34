//! Surveys of small logs of the shapes that people have.

use std::{fs, path::Path};

use super::{Survey, Unused, arms_of};
use crate::study::{Study, StudyError, draft, raw::Form};

/// The survey of files in a folder of their own; of one file without a folder, that file's.
fn survey(files: &[(&str, String)]) -> Result<Survey, StudyError> {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let survey = match files {
        [(path, _)] if !path.contains('/') => Survey::of(&folder.path().join(path)),
        _ => Survey::of(folder.path()),
    }?;
    completed(&survey, folder.path());
    Ok(survey)
}

/// What is written for a survey is refused until it has no TODO, and then the log is read by it.
fn completed(survey: &Survey, folder: &Path) {
    let text = draft::log(survey, &survey.shape.files, true);
    let parse = |text: &str| Study::parse(Path::new("log.toml"), text);
    assert!(parse(&text).unwrap_err().to_string().contains("has a TODO"), "{text}");
    if survey.replicates.len() != 1 || survey.cells.duplicates > 0 || survey.factors.is_empty() {
        return;
    }
    let complete = text
        .replace("better = \"TODO\"", "better = \"higher\"")
        .replace("planned = \"TODO\"", "planned = 5")
        .replace("default = \"TODO\"", "default = \"none\"")
        .replace("\"TODO\"", "\"decided\"");
    let study = parse(&complete).unwrap_or_else(|error| panic!("{error}\n{complete}"));
    let runs = study.read(folder).unwrap_or_else(|error| panic!("{error}\n{complete}"));
    assert_eq!(runs.files.len(), survey.files);
    let combinations: std::collections::HashSet<_> =
        runs.runs.iter().map(|run| run.point.clone()).collect();
    assert_eq!(combinations.len(), survey.cells.points.len(), "{complete}");
}

fn columns(survey: &Survey) -> [Vec<&str>; 4] {
    let factors = survey.factors.iter().map(|of| of.named.column.as_str()).collect();
    let replicates = survey.replicates.iter().map(|of| of.column.as_str()).collect();
    let metrics = survey.metrics.iter().map(|of| of.named.column.as_str()).collect();
    let progress = survey.progress.iter().map(|of| of.named.column.as_str()).collect();
    [factors, replicates, metrics, progress]
}

fn unused<'a>(survey: &'a Survey, column: &str) -> Option<&'a Unused> {
    survey.unused.iter().find(|(name, _)| name == column).map(|(_, why)| why)
}

/// A value that differs from row to row.
fn noise(index: usize) -> String {
    format!("{:.4}", (index as f64 * 0.618_034).fract())
}

#[test]
fn a_table_of_runs_has_factors_a_replicate_and_metrics() {
    let mut text = ",data set,method,family,seed,f1,n_parameters,host\n".to_owned();
    let methods = [("mlp", "deep"), ("tree", "trees"), ("forest", "trees")];
    let mut index = 0;
    for data in ["adult", "helena"] {
        for (method, family) in methods {
            for seed in 0..4 {
                if (data, method, seed) == ("helena", "forest", 3) {
                    continue;
                }
                let size = 100 * method.len() + data.len();
                text += &format!(
                    "{index},{data},{method},{family},{seed},{},{size},gpu1\n",
                    noise(index)
                );
                index += 1;
            }
        }
    }
    let survey = survey(&[("runs.csv", text)]).unwrap();
    assert_eq!(
        columns(&survey),
        [vec!["data set", "method"], vec!["seed"], vec!["f1"], vec![]],
        "{survey:?}"
    );
    assert!(survey.replicate_by_name);
    assert_eq!(survey.factors[0].named.name, "data_set");
    assert_eq!(survey.factors[1].values, ["mlp", "tree", "forest"]);
    assert_eq!(unused(&survey, ""), Some(&Unused::Unnamed));
    assert_eq!(unused(&survey, "family"), Some(&Unused::FollowsFrom("method".into())));
    assert_eq!(unused(&survey, "n_parameters"), Some(&Unused::OfCombinations));
    assert_eq!(unused(&survey, "host"), Some(&Unused::Constant("gpu1".into())));
    let cells = &survey.cells;
    assert_eq!((cells.replicates.as_slice(), cells.possible), (&[(4, 5), (3, 1)][..], Some(6)));
    assert_eq!(cells.fewest.as_deref(), Some("helena, forest"));
    assert_eq!(arms_of(&survey.factors).unwrap().named.name, "method");
}

#[test]
fn two_candidates_are_left_to_a_person() {
    let rows = |index: usize| {
        let (method, seed, fold) = (["a", "b"][index / 10], index % 2, index / 2 % 5);
        format!("{method},{seed},{fold},{}\n", noise(index))
    };
    let text = format!("method,seed,fold,auc\n{}", (0..20).map(rows).collect::<String>());
    let survey = survey(&[("runs.csv", text)]).unwrap();
    assert_eq!(columns(&survey)[1], ["seed", "fold"]);
    let text = draft::log(&survey, "runs.csv", true);
    assert!(text.contains("one of `seed`, `fold`") && text.contains("name = \"TODO\""), "{text}");
}

#[test]
fn duplicates_and_missing_combinations_are_named() {
    let text = "method,data,seed,acc\na,x,1,.5\nb,x,1,.6\na,y,1,.7\na,x,2,.8\na,x,1,.55\n";
    let survey = survey(&[("runs.csv", text.to_owned())]).unwrap();
    let cells = &survey.cells;
    assert_eq!(cells.missing, ["b, y"]);
    let place = ("line 6".to_owned(), "line 2".to_owned());
    assert_eq!((cells.duplicates, cells.first_duplicate.clone()), (1, Some(place)));
}

#[test]
fn settings_are_factors_where_runs_differ_in_them() {
    let row = |index: usize| {
        let lr = ["0.1", "1e-2"][index % 2];
        format!("sgd,{lr},{},{},{}\n", index / 2 % 3, index / 6, noise(index))
    };
    let text = format!("name,lr,seed,depth_index,loss\n{}", (0..12).map(row).collect::<String>());
    let survey = survey(&[("runs.csv", text)]).unwrap();
    assert_eq!(columns(&survey)[0], ["lr", "depth_index"], "{survey:?}");
    assert!(survey.factors[0].number);
    assert_eq!(survey.factors[0].values, ["1e-2", "0.1"]);
}

#[test]
fn rows_of_a_run_have_its_progress() {
    let row = |index: usize| {
        let (method, seed, epoch) = (["ours", "base"][index / 15], index / 5 % 3, index % 5 + 1);
        format!("{method};{seed};{epoch};{}\n", noise(index))
    };
    let text = format!("method;seed;epoch;loss\n{}", (0..30).map(row).collect::<String>());
    let survey = survey(&[("runs.csv", text)]).unwrap();
    assert_eq!(columns(&survey)[3], ["epoch"]);
    assert_eq!((survey.progress[0].low, survey.progress[0].high), (1.0, 5.0));
    assert_eq!((survey.shape.separator, survey.cells.duplicates), (Some(';'), 0));
}

#[test]
fn folders_of_documents_have_factors_in_their_paths() {
    let mut files = Vec::new();
    for (index, data) in ["adult", "helena"].iter().enumerate() {
        for (place, method) in ["mlp", "ft_transformer"].iter().enumerate() {
            for seed in 0..3 {
                let value = noise(10 * index + 3 * place + seed);
                files.push((
                    format!("{data}/{method}/tuned/{seed}/stats.json"),
                    format!(
                        r#"{{"algorithm": "{method}", "config": {{"seed": {seed}, "lr": {value}}},
                            "metrics": {{"test": {{"acc": {value}}}, "val": {{"acc": 0{value}1}}}},
                            "time": "0:02:{seed}{index}", "layers": [1, 2]}}"#
                    )
                    .replace(": 00.", ": 0."),
                ));
            }
        }
    }
    let files: Vec<(&str, String)> =
        files.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    let survey = survey(&files).unwrap();
    assert_eq!(survey.shape.files, "{part_1}/{algorithm}/tuned/{seed}/stats.json");
    let [factors, replicates, metrics, _] = columns(&survey);
    assert_eq!((factors, replicates), (vec!["part_1", "algorithm"], vec!["seed"]));
    assert_eq!(metrics[..2], ["metrics.test.acc", "metrics.val.acc"]);
    assert_eq!(survey.metrics[0].named.name, "test_acc");
    assert_eq!(unused(&survey, "time"), Some(&Unused::Identifier));
    assert!(survey.notes[0].contains("lists are not read: `layers`"));
}

#[test]
fn a_file_a_run_and_a_table_a_task_are_read() {
    let run = |seed: usize| -> String {
        let line =
            |step: usize| format!("{{\"step\": {step}, \"val/acc\": {}}}\n", noise(step + seed));
        (0..4).map(line).collect()
    };
    let files =
        ["adam_seed0.jsonl", "adam_seed1.jsonl", "ft_sgd_seed0.jsonl", "ft_sgd_seed1.jsonl"];
    let files: Vec<(&str, String)> =
        files.iter().enumerate().map(|(index, name)| (*name, run(index))).collect();
    let survey_of_runs = survey(&files).unwrap();
    assert_eq!(survey_of_runs.shape.files, "{part_1}_seed{seed}.jsonl");
    assert_eq!(
        columns(&survey_of_runs),
        [vec!["part_1"], vec!["seed"], vec!["val/acc"], vec!["step"]]
    );

    let task = |shift: usize| -> String {
        let row = |index: usize| {
            format!("{},{},{}\n", ["cnn", "vit"][index / 3], index % 3, noise(index + shift))
        };
        format!("model,seed,acc\n{}", (0..6).map(row).collect::<String>())
    };
    let survey = survey(&[("mnist.csv", task(0)), ("svhn.csv", task(9))]).unwrap();
    assert_eq!(survey.shape.files, "{part_1}.csv");
    assert_eq!(columns(&survey)[0], ["part_1", "model"]);
}

/// A part of the path has no name that a document has: `results` of `results_2.json` is an object.
#[test]
fn documents_of_an_evaluation_are_read() {
    let file = |index: usize| {
        let (value, seed) = (noise(index), index % 3);
        let results = format!("{{\"hellaswag\": {{\"acc,none\": {value}}}}}");
        let text = format!("{{\"results\": {results}, \"config\": {{\"random_seed\": {seed}}}}}");
        (format!("{}/results_{seed}.json", ["gpt2", "opt"][index / 3]), text)
    };
    let files: Vec<(String, String)> = (0..6).map(file).collect();
    let files: Vec<(&str, String)> =
        files.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    let survey = survey(&files).unwrap();
    assert!(!survey.shape.files.contains("{results}"), "{}", survey.shape.files);
    assert_eq!(columns(&survey)[2], ["results.hellaswag.acc,none"]);
    assert_eq!(survey.replicates.len(), 1);
}

#[test]
fn an_exported_table_of_runs_has_a_status_and_names_of_runs() {
    let row = |index: usize| {
        let state = if index == 3 { "crashed" } else { "finished" };
        let (model, seed) = (["vit", "cnn"][index / 4], index % 4);
        format!(
            "run-{index},{state},2024-01-01T00:0{index}:00.000Z,{model},{seed},{}\n",
            noise(index)
        )
    };
    let text =
        format!("Name,State,Created,model,seed,val/acc\n{}", (0..8).map(row).collect::<String>());
    let survey = survey(&[("export.csv", text)]).unwrap();
    let (status, values) = survey.status.clone().unwrap();
    assert_eq!((status.column.as_str(), values[1].clone()), ("State", ("crashed".to_owned(), 1)));
    assert_eq!(columns(&survey)[0], ["model"]);
    assert_eq!(unused(&survey, "Name"), Some(&Unused::Identifier));
}

#[test]
fn rows_within_a_document_and_lines_in_a_file_called_json_are_found() {
    let document = r#"{"config": {"lr": 0.1}, "history": [{"method": "a", "seed": 1, "loss": 1.5},
        {"method": "b", "seed": 1, "loss": 2.5}]}"#;
    let found = survey(&[("runs.json", document.to_owned())]).unwrap();
    assert_eq!((found.shape.rows.as_deref(), found.rows), (Some("history"), 2));
    let lines = "{\"method\": \"a\", \"seed\": 1, \"loss\": 1}\n{\"method\": \"b\", \"seed\": 1, \"loss\": 2}\n";
    let found = survey(&[("runs.json", lines.to_owned())]).unwrap();
    assert_eq!((found.shape.form, found.rows), (Some(Form::Jsonl), 2));
}

#[test]
fn logs_without_runs_are_refused_with_the_reason() {
    for (text, says) in [
        ("method,adult\nmlp,0.85 ± 0.01\ntree,0.86 ± .02\n", "a mean and a spread in one cell"),
        ("method,seed0,seed1\na,.1,.2\nb,.3,.4\n", "a column for each replicate"),
        ("Step,r1 - acc,r1 - acc__MIN\n0,.1,.1\n", "a column for each run"),
        ("method,seed\na,1\nb,2\n", "no column of numbers"),
        ("method,seed,acc\n", "it has no rows"),
        ("method\na\n", "the header has one column"),
        ("PAR1....", "a Parquet file"),
        ("{\"a\": ", "it is no JSON"),
    ] {
        let error = survey(&[("runs.csv", text.to_owned())]).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn no_value_of_a_log_begins_a_line_of_a_file() {
    let odd = "a\nfiles = \"/etc/passwd\"";
    let text = format!(
        "method,seed,acc,\"x\ny = 1\"\n\"{odd}\",1,.5,1\n\"{odd}\",2,.6,2\nb,1,.7,3\n",
        odd = odd.replace('"', "\"\"")
    );
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("runs.csv"), text).unwrap();
    let survey = Survey::of(&folder.path().join("runs.csv")).unwrap();
    for text in [draft::log(&survey, "runs.csv", true), draft::first(&survey)] {
        let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert!(!table.contains_key("y") && !text.contains("\nfiles = \"/etc"), "{text}");
    }
    assert!(!draft::in_words(&survey).contains("\nfiles"));
    assert!(survey.notes.iter().any(|note| note.contains("can't be seen")), "{:?}", survey.notes);
}
