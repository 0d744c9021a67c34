//! The workflows of this repository: their pinned actions, that every command in them exists and is
//! valid shell, and that they build with the oldest toolchain that Cargo.toml allows.

use std::{io::Write, process::Command};

use saphyr::{LoadableYamlNode, Yaml};

const WORKFLOW: &str = include_str!("../../.github/workflows/ci.yml");
/// Mutation testing, once a week.
const MUTANTS: &str = include_str!("../../.github/workflows/mutants.yml");
/// Programs and wheels of a version.
const RELEASE: &str = include_str!("../../.github/workflows/release.yml");
/// The report of the current commit.
const PAGES: &str = include_str!("../../.github/workflows/pages.yml");
/// Faults on a Slurm, once a week.
const FAULTS: &str = include_str!("../../.github/workflows/faults.yml");
const ALL: [&str; 5] = [WORKFLOW, MUTANTS, RELEASE, PAGES, FAULTS];
const MANIFEST: &str = include_str!("../../Cargo.toml");
const MAKEFILE: &str = include_str!("../../Makefile");

/// The text of a key in every step of all jobs.
fn values(workflow: &str, key: &str) -> Vec<String> {
    let documents = Yaml::load_from_str(workflow).expect("YAML");
    let jobs = documents[0]["jobs"].as_mapping().expect("jobs");
    let steps = jobs.values().flat_map(|job| job["steps"].as_sequence().expect("steps"));
    let text = |step: &Yaml<'_>| step.as_mapping_get(key).and_then(Yaml::as_str).map(str::to_owned);
    steps.filter_map(text).collect()
}

#[test]
fn every_action_is_pinned_to_a_commit_and_names_its_version() {
    assert!(values(WORKFLOW, "uses").len() >= 5);
    assert_eq!(values(MUTANTS, "uses").len(), 2);
    let lines = ALL.into_iter().flat_map(str::lines);
    for line in lines.filter(|line| line.trim_start().starts_with("uses:")) {
        let (action, version) = line.split_once(" # v").unwrap_or_else(|| panic!("{line}"));
        let commit = action.rsplit('@').next().unwrap();
        let digits = commit.chars().all(|digit| digit.is_ascii_hexdigit());
        assert!(commit.len() == 40 && digits, "{line}");
        assert!(version.split('.').all(|number| number.parse::<u32>().is_ok()), "{line}");
    }
}

#[test]
fn every_command_is_valid_shell_without_pasted_expressions() {
    let commands = values(WORKFLOW, "run");
    assert!(commands.len() >= 6, "{commands:?}");
    for command in ALL.into_iter().flat_map(|workflow| values(workflow, "run")) {
        assert!(!command.contains("${{"), "{command}");
        let mut script = tempfile::NamedTempFile::new().unwrap();
        script.write_all(command.as_bytes()).unwrap();
        let read = Command::new("bash").arg("-n").arg(script.path()).status().unwrap();
        assert!(read.success(), "{command}");
        for script in command.split_whitespace().filter(|word| word.starts_with("scripts/")) {
            assert!(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(script).is_file());
        }
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

/// Every scenario is in the schedule, and its program is another one than that of `two_versions`.
#[test]
fn faults_on_a_slurm_are_tried_by_schedule_with_two_versions() {
    let documents = Yaml::load_from_str(FAULTS).expect("YAML");
    assert!(documents[0]["on"]["schedule"].as_sequence().is_some());
    let runs = values(FAULTS, "run");
    let last = runs.last().unwrap().split_whitespace().filter(|word| *word != "\\");
    let words: Vec<&str> = last.skip_while(|word| *word != "python3").collect();
    let programs = ["--other", "../other/target/release/repro", "target/release/repro"];
    assert_eq!(words, [&["python3", "scripts/slurm_faults.py"][..], &programs].concat());
}

#[test]
fn it_builds_with_the_oldest_allowed_toolchain() {
    let manifest: toml::Table = toml::from_str(MANIFEST).unwrap();
    let oldest = manifest["package"]["rust-version"].as_str().unwrap();
    for workflow in ALL {
        assert!(workflow.contains(&format!("RUSTUP_TOOLCHAIN: \"{oldest}\"")));
        let runs = values(workflow, "run").into_iter();
        for install in runs.filter(|run| run.contains("rustup toolchain install")) {
            assert!(install.contains(&format!("install {oldest} ")), "{install}");
        }
    }
}

/// The matrix has all parts, and the modules exist.
#[test]
fn mutation_testing_runs_every_part_of_the_modules_that_decide() {
    let documents = Yaml::load_from_str(MUTANTS).expect("YAML");
    let job = &documents[0]["jobs"]["mutants"];
    let parts = job["strategy"]["matrix"]["shard"].as_sequence().expect("parts");
    let parts: Vec<i64> = parts.iter().map(|part| part.as_integer().expect("a number")).collect();
    assert_eq!(parts, (0..32).collect::<Vec<i64>>());
    assert!(values(MUTANTS, "run").iter().any(|run| run.contains("--shard \"$SHARD/32\"")));
    assert!(documents[0]["on"]["schedule"].as_sequence().is_some());
    let config: toml::Table = toml::from_str(include_str!("../../.cargo/mutants.toml")).unwrap();
    let globs = config["examine_globs"].as_array().unwrap().iter();
    let folders = globs.map(|glob| glob.as_str().and_then(|glob| glob.strip_suffix("/**/*.rs")));
    let folders: Vec<&str> = folders.map(|folder| folder.expect("all files of one")).collect();
    // The judge has the join.
    assert_eq!(folders, ["src/stats", "src/judge", "src/plan", "src/store"]);
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(folders.iter().all(|folder| root.join(folder).is_dir()));
}

/// A release is made of the version's own program, for every platform with a checksum, and by a tag
/// alone.
#[test]
fn a_release_is_published_by_a_tag_alone_and_without_libtorch() {
    let documents = Yaml::load_from_str(RELEASE).expect("YAML");
    let jobs = &documents[0]["jobs"];
    assert_eq!(jobs["publish"]["if"].as_str(), Some("github.ref_type == 'tag'"));
    assert_eq!(documents[0]["permissions"]["contents"].as_str(), Some("read"));
    let builds = jobs["build"]["strategy"]["matrix"]["include"].as_sequence().expect("builds");
    let targets: Vec<&str> = builds.iter().map(|of| of["target"].as_str().unwrap()).collect();
    assert!(targets.contains(&"x86_64-unknown-linux-musl"), "{targets:?}");
    assert!(targets.contains(&"aarch64-apple-darwin"), "{targets:?}");
    let runs = values(RELEASE, "run");
    assert!(runs.iter().any(|run| run.contains("--no-default-features --locked")), "{runs:?}");
    assert!(runs.iter().any(|run| run.contains("SHA256SUMS")), "{runs:?}");
}
