//! `repro init` and `repro new`: they write files for a person to complete, never over another one.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use super::{Ran, Sandbox};

const RUNS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tabular/runs.csv");

const TABLE: &str = "method,data,seed,f1\n\
    mlp,adult,1,.81\nmlp,adult,2,.82\nmlp,yahoo,1,.61\nmlp,yahoo,2,.62\n\
    tree,adult,1,.84\ntree,adult,2,.83\n";

impl Sandbox {
    pub(super) fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(super) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Names of what a folder has.
    pub(super) fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path().join(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(super) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let mut command: Command = self.command();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

#[test]
fn a_log_is_surveyed_and_described_for_a_person_to_complete() {
    let sandbox = Sandbox::new();
    sandbox.put("mine/runs.csv", TABLE);
    let ran = sandbox.run(&["init", "mine/runs.csv"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    for line in [
        "6 rows in 1 file\n",
        "  method  2 values: mlp, tree\n",
        "replicate: seed\n",
        "replicates: 2 in 3 of 3 combinations\n",
        "missing: 1 combination, such as (tree, yahoo)\n",
        "duplicates: none\n",
        "  f1  0.61 to 0.84\n",
        "next: complete both files, then `repro verify --claims mine`\n",
    ] {
        assert!(ran.out.contains(line), "{line}\n{}", ran.out);
    }
    assert_eq!(sandbox.names("mine"), ["first_claim.toml", "log.toml", "runs.csv"]);
    let log = sandbox.read("mine/log.toml");
    assert!(log.contains("files = \"runs.csv\"") && log.contains("better = \"TODO\""), "{log}");
    let claim: toml::Table = sandbox.read("mine/first_claim.toml").parse().unwrap();
    assert_eq!(claim["id"].as_str(), Some("first_claim"));
    assert_eq!(claim["arms"]["mlp"]["method"].as_str(), Some("mlp"));
    // Only one of the data sets has both arms.
    let cells = claim["hypothesis"]["cells"]["data"].as_array().unwrap();
    assert_eq!(cells, &[toml::Value::from("adult")]);
    assert_eq!(claim["caveats"][0].as_str(), Some("Chosen with the log at hand."));

    // Neither file is written over, and nothing is written if one exists.
    fs::remove_file(sandbox.path().join("mine/first_claim.toml")).unwrap();
    let again = sandbox.run(&["init", "mine/runs.csv"]);
    assert_eq!(again.code, 64);
    assert!(again.err.contains("failed to write mine/log.toml: the file exists"), "{}", again.err);
    assert_eq!(sandbox.names("mine"), ["log.toml", "runs.csv"]);
}

#[test]
fn the_runs_of_the_second_paper_are_surveyed() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["init", RUNS, "--output", "mine"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    for line in [
        "2249 rows in 1 file\n",
        "replicates: 15 in 149, 14 in 1 of 150 combinations; fewest in (aloi, node, default)\n",
        "missing: 114 combinations",
        "one value in each combination: n_parameters\n",
    ] {
        assert!(ran.out.contains(line), "{line}\n{}", ran.out);
    }
    // A log that is not in the folder is named with --log.
    assert!(ran.out.contains("--claims mine --log "), "{}", ran.out);
}

#[test]
fn folders_compressed_files_and_standard_input_are_surveyed() {
    let sandbox = Sandbox::new();
    for (seed, score) in [(0, 0.85), (1, 0.86), (2, 0.84)] {
        for method in ["mlp", "tree"] {
            let text = format!("{{\"metrics\": {{\"score\": {score}}}, \"method\": \"{method}\"}}");
            sandbox.put(&format!("mine/runs/{method}/{seed}.json"), text);
        }
    }
    let ran = sandbox.run(&["init", "mine/runs", "--output", "mine"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let log = sandbox.read("mine/log.toml");
    assert!(log.contains("files = \"runs/{method}/{part_2}.json\""), "{log}");
    assert!(log.contains("column = \"part_2\""), "a number in the path may be the seed: {log}");

    let ran = sandbox.run_with_input(&["init", "-", "--output", "input"], TABLE.as_bytes());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(sandbox.read("input/log.toml").contains("files = \"-\""));
}

#[test]
fn logs_of_other_forms_are_named_with_what_makes_a_table_of_them() {
    let sandbox = Sandbox::new();
    sandbox.put("runs.parquet", b"PAR1");
    sandbox.put("npy/mlp/1.npy", b"\x93NUMPY\x01\0");
    sandbox.put("events/events.out.tfevents.1", b"\x18\0\0\0\0\0\0\0abcd\tbrain.Event:2");
    sandbox.put("mlruns/0/meta.yaml", "artifact_location: x\n");
    sandbox.put("runs.db", b"SQLite format 3\0");
    sandbox.put("table.csv", "method,adult\nmlp,0.85 ± 0.01\n");
    for (log, says) in [
        ("runs.parquet", "read_parquet"),
        ("npy", "numpy.load"),
        ("events", "tbparse"),
        ("mlruns", "mlflow experiments csv"),
        ("runs.db", "sqlite3 -header -csv"),
        ("table.csv", "a mean and a spread in one cell"),
        ("none.csv", "failed to read the log none.csv"),
    ] {
        let ran = sandbox.run(&["init", log, "--output", "mine"]);
        assert_eq!(ran.code, 66, "{log}: {}", ran.err);
        assert!(ran.err.contains(says), "{log}: {}", ran.err);
    }
    assert!(!sandbox.path().join("mine").exists());
}

#[test]
fn a_claim_to_complete_names_what_the_folder_has() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["new", "gap"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(ran.out, "wrote gap.toml: complete it where it has TODO\n");
    let claim: toml::Table = sandbox.read("gap.toml").parse().unwrap();
    assert_eq!(claim["id"].as_str(), Some("gap"));
    let again = sandbox.run(&["new", "gap"]);
    assert_eq!(again.code, 64);
    assert!(again.err.contains("failed to write gap.toml: the file exists"), "{}", again.err);
    for id in ["Gap", "1gap", "../gap", "lock", "log", "coverage", "a b"] {
        assert_eq!(sandbox.run(&["new", id]).code, 64, "{id}");
    }

    sandbox.put("mine/runs.csv", TABLE);
    assert_eq!(sandbox.run(&["init", "mine/runs.csv"]).code, 0);
    let open = sandbox.run(&["new", "trees_win", "--claims", "mine"]);
    assert_eq!(open.code, 64);
    assert!(open.err.contains("has a TODO: decide it"), "{}", open.err);
    let log = sandbox.read("mine/log.toml");
    let log = log.replace("better = \"TODO\"", "better = \"higher\"");
    sandbox.put("mine/log.toml", log.replace("planned = \"TODO\"", "planned = 2"));
    let ran = sandbox.run(&["new", "trees_win", "--claims", "mine"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let claim = sandbox.read("mine/trees_win.toml");
    for part in ["# Factors of log.toml: method, data.", "# of log.toml: f1", "data = \"TODO\""] {
        assert!(claim.contains(part), "{part}\n{claim}");
    }
    claim.parse::<toml::Table>().unwrap();
}

#[test]
fn a_completed_claim_needs_no_paper() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(&["new", "gap", "--claims", "mine"]).code, 0);
    let refused = sandbox.run(&["show", "gap", "--claims", "mine"]);
    assert_eq!(refused.code, 64, "{}", refused.out);
    let text = sandbox.read("mine/gap.toml");
    let text = text.replace("one = { source = \"TODO\"", "one = { source = \"l2_3\"");
    let text = text.replace("other = { source = \"TODO\"", "other = { source = \"natural\"");
    let text = text.replace("target = \"TODO\"", "target = \"svhn\"");
    let text = text.replace("images = \"TODO\"", "images = \"few\"").replace("TODO", "A gap.");
    sandbox.put("mine/gap.toml", text);
    let ran = sandbox.run(&["show", "gap", "--claims", "mine"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
fn commands_about_this_paper_refuse_claims_about_another_log() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tabular");
    for (arguments, code, says) in [
        (&["list"][..], 0, "transformer_beats_mlp"),
        (&["show", "transformer_beats_mlp"], 0, "score (higher is better)"),
        (&["power", "transformer_beats_mlp"], 0, "adult tuned"),
        (&["verify", "--brief"], 1, "4 claims: 2 supported, 1 refuted, 1 inconclusive"),
        (&["verify"], 1, "    data set            ahead"),
        (&["verify", "--evidence", "smoke"], 64, "--evidence published is the log that log.toml"),
        (&["plan"], 64, "about the log that log.toml declares"),
        (&["sensitivity", "l2_best"], 64, "about the log that log.toml declares"),
        (&["compare"], 64, "no table of them"),
        (&["figure"], 0, "transformer_beats_mlp"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_repro"))
            .args(arguments)
            .args(["--claims", folder])
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].map(|of| String::from_utf8(of).unwrap()).concat();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(says), "{arguments:?}: {text}");
        for word in ["Utrera", "fine-tune", "source model", "images"] {
            let of_verdicts = code < 64 && arguments[0] != "power" && arguments[0] != "list";
            assert!(!of_verdicts || !text.contains(word), "{arguments:?}: {word}: {text}");
        }
    }
}

/// Names of files as people write them: their parts are factors where they make a grid.
#[test]
fn parts_of_names_that_make_a_grid_are_factors() {
    let sandbox = Sandbox::new();
    let put = |folder: &str, data: &str, method: &str, seed: u32| {
        let f1 = f64::from(seed) / 100.0 + if method == "crf" { 0.8 } else { 0.7 };
        let text = format!("{{\"f1\": {f1}, \"loss\": {}}}\n", 1.0 - f1);
        sandbox.put(&format!("{folder}/{data}_{method}_seed{seed}.jsonl"), text);
    };
    for data in ["conll", "onto"] {
        for seed in 1..=5 {
            put("whole", data, "crf", seed);
            put("whole", data, "lstm", seed);
            put("part", data, "crf", seed);
        }
    }
    (1..=5).for_each(|seed| put("part", "conll", "lstm", seed));
    let whole = sandbox.run(&["init", "whole"]);
    assert_eq!(whole.code, 0, "{}", whole.err);
    for says in [
        "2 x 2 x 5, 20 of 20 combinations",
        "2 values: conll, onto",
        "2 values: crf, lstm",
        "replicate: seed",
        "replicates: 5 in 4 of 4 combinations",
    ] {
        assert!(whole.out.contains(says), "{says}\n{}", whole.out);
    }
    let log = sandbox.read("whole/log.toml");
    assert!(log.contains("\nfiles = \"{part_1}_{part_1_2}_seed{seed}.jsonl\"\n"), "{log}");
    let part = sandbox.run(&["init", "part"]);
    assert!(part.out.contains("2 x 2 x 5, 15 of 20 combinations"), "{}{}", part.out, part.err);
    let log = sandbox.read("part/log.toml");
    assert!(log.contains("\nfiles = \"{part_1}_seed{seed}.jsonl\"\n"), "{log}");
    assert!(log.contains("\n# files = \"{part_1}_{part_1_2}_seed{seed}.jsonl\"\n"), "{log}");
    assert!(log.contains("# TODO: the files' names may have more factors"), "{log}");
}
