//! The workflow of this repository: its pinned actions, that every command in it exists and is valid
//! shell, and that it builds with the oldest toolchain that Cargo.toml allows.

use std::{io::Write, process::Command};

use saphyr::{LoadableYamlNode, Yaml};

const WORKFLOW: &str = include_str!("../../.github/workflows/ci.yml");
const MANIFEST: &str = include_str!("../../Cargo.toml");
const MAKEFILE: &str = include_str!("../../Makefile");

/// The text of a key in every step of all jobs.
fn values(key: &str) -> Vec<String> {
    let documents = Yaml::load_from_str(WORKFLOW).expect("YAML");
    let jobs = documents[0]["jobs"].as_mapping().expect("jobs");
    let steps = jobs.values().flat_map(|job| job["steps"].as_sequence().expect("steps"));
    let text = |step: &Yaml<'_>| step.as_mapping_get(key).and_then(Yaml::as_str).map(str::to_owned);
    steps.filter_map(text).collect()
}

#[test]
fn every_action_is_pinned_to_a_commit_and_names_its_version() {
    assert!(values("uses").len() >= 5);
    for line in WORKFLOW.lines().filter(|line| line.trim_start().starts_with("uses:")) {
        let (action, version) = line.split_once(" # v").unwrap_or_else(|| panic!("{line}"));
        let commit = action.rsplit('@').next().unwrap();
        let digits = commit.chars().all(|digit| digit.is_ascii_hexdigit());
        assert!(commit.len() == 40 && digits, "{line}");
        assert!(version.split('.').all(|number| number.parse::<u32>().is_ok()), "{line}");
    }
}

#[test]
fn every_command_is_valid_shell_without_pasted_expressions() {
    let commands = values("run");
    assert!(commands.len() >= 6, "{commands:?}");
    for command in commands {
        assert!(!command.contains("${{"), "{command}");
        let mut script = tempfile::NamedTempFile::new().unwrap();
        script.write_all(command.as_bytes()).unwrap();
        let read = Command::new("bash").arg("-n").arg(script.path()).status().unwrap();
        assert!(read.success(), "{command}");
        for target in command.lines().filter_map(|line| line.trim().strip_prefix("make ")) {
            assert!(MAKEFILE.contains(&format!("\n{target}:")), "make {target}");
        }
    }
}

#[test]
fn the_job_that_runs_every_test_has_the_whole_history_and_requires_it() {
    let documents = Yaml::load_from_str(WORKFLOW).expect("YAML");
    let steps = documents[0]["jobs"]["everything"]["steps"].as_sequence().expect("steps");
    let step = |key: &str, text: &str| {
        let has = |step: &&Yaml<'_>| {
            let value = step.as_mapping_get(key).and_then(Yaml::as_str);
            value.is_some_and(|value| value.contains(text))
        };
        steps.iter().find(has).unwrap_or_else(|| panic!("no step with {text}"))
    };
    let checkout = step("uses", "actions/checkout@");
    assert_eq!(checkout["with"]["fetch-depth"].as_integer(), Some(0));
    let all = step("run", ".ci/run");
    assert_eq!(all["env"]["REPRO_REQUIRE"].as_str(), Some("history"));
}

#[test]
fn it_builds_with_the_oldest_allowed_toolchain() {
    let manifest: toml::Table = toml::from_str(MANIFEST).unwrap();
    let oldest = manifest["package"]["rust-version"].as_str().unwrap();
    assert!(WORKFLOW.contains(&format!("RUSTUP_TOOLCHAIN: \"{oldest}\"")));
    let installs = values("run").into_iter().filter(|run| run.contains("rustup toolchain install"));
    for install in installs {
        assert!(install.contains(&format!("install {oldest} ")), "{install}");
    }
}
