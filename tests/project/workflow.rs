//! The workflow that a user's repository can call: its form, its pinned actions, that every command
//! in it exists, and a run of its script.

use crate::common;
use std::{path::Path, process::Command};

use common::{claim_text, log, rows, run};
use saphyr::{LoadableYamlNode, Yaml};

const WORKFLOW: &str = include_str!("../../.github/workflows/verify.yml");
const SCRIPT: &str = include_str!("../../scripts/judge.sh");

fn repro() -> &'static Path {
    assert_cmd::cargo::cargo_bin!("repro")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn workflow() -> Yaml<'static> {
    let mut documents = Yaml::load_from_str(WORKFLOW).expect("YAML");
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

/// The text of a key in every step, in order.
fn values(key: &str) -> Vec<String> {
    let workflow = workflow();
    let steps = workflow["jobs"]["verify"]["steps"].as_sequence().expect("steps");
    let of = |step: &Yaml<'_>| step.as_mapping_get(key).and_then(Yaml::as_str).map(str::to_owned);
    let found: Vec<String> = steps.iter().filter_map(of).collect();
    assert!(steps.iter().all(|step| of_either(step)), "a step uses an action or runs a command");
    found
}

fn of_either(step: &Yaml<'_>) -> bool {
    step.as_mapping_get("uses").is_some() != step.as_mapping_get("run").is_some()
}

#[test]
fn every_action_is_pinned_to_a_commit() {
    let actions = values("uses");
    assert!(actions.len() >= 5, "{actions:?}");
    for action in actions {
        let (name, commit) = action.split_once('@').expect("a commit");
        assert!(name.starts_with("actions/"), "{action}");
        let digits = commit.chars().all(|digit| digit.is_ascii_hexdigit());
        assert!(commit.len() == 40 && digits, "{action}");
    }
}

/// Each input is declared and used, and reaches a shell only as a variable, never as text of a
/// script.
#[test]
fn inputs_are_declared_and_used_and_never_pasted_into_a_command() {
    let workflow = workflow();
    let inputs = workflow["on"]["workflow_call"]["inputs"].as_mapping().expect("inputs");
    let declared: Vec<&str> = inputs.keys().filter_map(Yaml::as_str).collect();
    assert_eq!(declared, ["project", "ref", "claims", "evidence", "log", "expected", "artifact"]);
    for (name, input) in inputs {
        let name = name.as_str().unwrap();
        assert!(
            input["description"].as_str().is_some() && input["type"].as_str().is_some(),
            "{name}"
        );
        let required = input.as_mapping_get("required").and_then(Yaml::as_bool) == Some(true);
        assert!(required != input.as_mapping_get("default").is_some(), "{name}");
        assert_eq!(WORKFLOW.matches(&format!("${{{{ inputs.{name} }}}}")).count(), 1, "{name}");
    }
    for command in values("run") {
        assert!(!command.contains("${{"), "{command}");
    }
}

#[test]
fn every_make_target_and_every_option_of_the_program_exists() {
    let makefile = include_str!("../../Makefile");
    let mut targets = 0;
    for command in values("run") {
        if let Some(target) = command.strip_prefix("make ") {
            targets += 1;
            assert!(
                makefile.lines().any(|line| line.starts_with(&format!("{target}: "))),
                "{target}"
            );
        } else if let Some(script) = command.strip_prefix("bash ") {
            let script = script.trim_start_matches("../repro/");
            assert!(root().join(script).is_file(), "{script}");
        } else {
            assert!(command.starts_with("rustup ") || command == decides(), "{command}");
        }
    }
    assert_eq!(targets, 2);
    let mut commands = 0;
    for line in SCRIPT.lines().filter_map(|line| line.trim_start().strip_prefix("\"$repro\" ")) {
        commands += 1;
        let name = line.split(' ').next().unwrap();
        let help = Command::new(repro()).args([name, "--help"]).output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        assert!(help.contains("Usage: repro"), "{name}");
        let options =
            SCRIPT.split_whitespace().filter(|word| word.starts_with("--") && name == "verify");
        for option in options.map(|word| word.trim_end_matches([')', ']'])) {
            assert!(help.contains(option), "{name} has no {option}");
        }
    }
    assert_eq!(commands, 4);
}

/// The command that decides whether fine-tunes are asked for.
fn decides() -> String {
    let commands = values("run").into_iter();
    commands.into_iter().find(|command| command.contains("GITHUB_OUTPUT")).expect("it decides")
}

/// Without fine-tunes nothing of libtorch is set up; with them everything is.
#[test]
fn only_fine_tunes_need_the_engine() {
    let folder = tempfile::tempdir().unwrap();
    for (log, evidence, needed) in [
        ("runs.csv", "published", "false"),
        ("runs.csv", "smoke", "false"),
        ("", "published", "false"),
        ("", "smoke", "true"),
        ("", "published smoke", "true"),
    ] {
        let output = folder.path().join("output");
        let mut command = Command::new("bash");
        command.args(["-e", "-c", &decides()]).env("LOG", log).env("EVIDENCE", evidence);
        assert!(command.env("GITHUB_OUTPUT", &output).status().unwrap().success());
        let written = std::fs::read_to_string(&output).unwrap();
        assert_eq!(written, format!("needed={needed}\n"), "{log} {evidence}");
        std::fs::remove_file(&output).unwrap();
    }
    let workflow = workflow();
    let steps = workflow["jobs"]["verify"]["steps"].as_sequence().expect("steps");
    for step in steps {
        let text = |key| step.as_mapping_get(key).and_then(Yaml::as_str).unwrap_or_default();
        let for_engine = ["libtorch", "make ", "rustup ", ".ledger"];
        let path = step.as_mapping_get("with").and_then(|with| with.as_mapping_get("path"));
        let path = path.and_then(Yaml::as_str).unwrap_or_default();
        if for_engine.iter().any(|word| text("run").contains(word) || path.contains(word)) {
            assert_eq!(text("if"), "steps.engine.outputs.needed == 'true'", "{}", text("name"));
        }
    }
}

/// A release's program comes with its checksum; a program that does not agree is refused.
#[test]
fn the_program_of_a_release_is_compared_with_its_checksum() {
    let folder = tempfile::tempdir().unwrap();
    let release = folder.path().join("OWNER/repro/releases/download/v9.9.9");
    std::fs::create_dir_all(release.join("repro")).unwrap();
    std::fs::write(release.join("repro/repro"), "#!/bin/sh\necho released\n").unwrap();
    let shell = |script: &str| {
        let ran = Command::new("bash").args(["-e", "-c", script]).current_dir(&release).status();
        assert!(ran.unwrap().success(), "{script}");
    };
    let get = || {
        let mut command = Command::new("bash");
        command.arg(root().join("scripts/judge_program.sh")).current_dir(folder.path());
        command.env("SERVER", format!("file://{}", folder.path().display()));
        command.envs([("PROJECT", "OWNER/repro"), ("REF", "v9.9.9"), ("OUT", "bin")]);
        command.output().unwrap()
    };
    shell(
        "archive=repro-$(uname -m)-unknown-linux-musl.tar.gz; tar -czf $archive repro; \
         sha256sum $archive >SHA256SUMS",
    );
    let got = get();
    assert!(got.status.success(), "{got:?}");
    let ran = Command::new(folder.path().join("bin/repro")).output().unwrap();
    assert_eq!(ran.stdout, b"released\n");
    shell("echo more >>repro-$(uname -m)-unknown-linux-musl.tar.gz");
    assert_eq!(get().status.code(), Some(66));
    // No checksum of it at all.
    shell(": >SHA256SUMS");
    assert_eq!(get().status.code(), Some(66));
}

fn judged(variables: &[(&str, &str)], folder: &Path) -> (i32, String) {
    let mut command = Command::new("bash");
    command.arg(root().join("scripts/judge.sh")).current_dir(folder).env("REPRO", repro());
    for name in ["CLAIMS", "EVIDENCE", "LOG", "EXPECTED", "REPORT"] {
        command.env_remove(name);
    }
    let ran = command.envs(variables.iter().copied()).output().unwrap();
    (ran.status.code().unwrap(), String::from_utf8(ran.stdout).unwrap())
}

#[test]
fn the_script_annotates_writes_every_file_and_has_the_verdicts_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let claims = folder.path().join("my claims");
    std::fs::create_dir(&claims).unwrap();
    std::fs::write(claims.join("gap.toml"), claim_text("greater_than = 0.0")).unwrap();
    let leads = [-5.0, -6.0, -5.5].iter().zip(1..);
    let runs: Vec<_> = leads
        .flat_map(|(lead, seed)| [run("l2_3", seed, 50.0 + lead), run("natural", seed, 50.0)])
        .collect();
    std::fs::write(folder.path().join("runs.csv"), log(&rows(&runs))).unwrap();
    let variables = [("CLAIMS", "my claims"), ("LOG", "runs.csv")];
    let (code, annotations) = judged(&variables, folder.path());
    assert_eq!(code, 1, "{annotations}");
    assert!(annotations.starts_with("::error "), "{annotations}");
    let file =
        |name: &str| std::fs::read_to_string(folder.path().join("report").join(name)).unwrap();
    assert!(file("verdicts.xml").contains("<failure type=\"refuted\""));
    assert!(
        file("cells.csv").lines().count() == 2 && file("comparison.csv").starts_with("what,figure")
    );
    assert!(file("index.html").contains("id=\"gap\""));
    assert!(file("repro-verdicts.json").contains("\"format_version\": 1"));
    // Without evidence there is no verdict.
    assert_eq!(judged(&[("LOG", "nowhere.csv")], folder.path()).0, 66);
    // The spec expects "supported".
    let expected = [("CLAIMS", "my claims"), ("LOG", "runs.csv"), ("EXPECTED", "true")];
    assert_eq!(judged(&expected, folder.path()).0, 4);
}
