//! Dependencies have the same features in every build: with the engine and without, for programs and
//! for tests. Otherwise cargo compiles them, and all that depends on them, once for each.

use std::{collections::BTreeSet, process::Command};

/// The packages of a build of this platform, each with its version and features.
fn packages(arguments: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--prefix", "none", "--format", "{p} [{f}]"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree {arguments:?}: {stderr}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| line.trim_end_matches(" (*)").to_owned());
    let others = lines.filter(|line| !line.is_empty() && !line.starts_with("repro "));
    others.collect()
}

#[test]
fn a_dependency_has_the_same_features_in_every_build() {
    let programs = ["--edges", "normal,build"];
    let tests = ["--edges", "normal,build,dev"];
    let judge = |edges: [&'static str; 2]| packages(&[edges[0], edges[1], "--no-default-features"]);
    let everything = packages(&tests);
    assert!(everything.len() > 300, "{}", everything.len());
    for (build, packages) in [
        ("the programs", packages(&programs)),
        ("the judge", judge(programs)),
        ("the judge's tests", judge(tests)),
    ] {
        assert!(packages.len() > 150, "{build}: {}", packages.len());
        let other: Vec<_> = packages.difference(&everything).collect();
        assert!(
            other.is_empty(),
            "of {build} alone; name the crate in Cargo.toml with the features that `cargo tree \
             --edges features,normal,build,dev --invert CRATE` shows for all tests: {other:#?}"
        );
    }
}
