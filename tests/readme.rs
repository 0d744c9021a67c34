//! What the documents say is what is there: the README's verdicts and its example of a claim,
//! DESIGN.md's modules.

use repro::{
    claim::{check, suite::Suite},
    evidence::{Evidence, EvidenceKind},
    judge::judge,
    pretrain::Threat,
    shipped,
    world::World,
};

const README: &str = include_str!("../README.md");

#[test]
fn the_table_of_verdicts_is_what_the_judge_says_today() {
    let suite = Suite::embedded(&World::paper()).unwrap_or_else(|error| panic!("{error}"));
    let evidence = Evidence::published().unwrap_or_else(|error| panic!("{error}"));
    for claim in suite.claims() {
        let verdict = judge(claim, &evidence);
        let row = format!("| `{}` | **{}** | {} |", claim.id, verdict.verdict, verdict.reason);
        assert!(README.lines().any(|line| line == row), "README.md should have the row:\n{row}");
    }
}

/// What comes out of our own runs is held to the specs by `claims`, and the README to the specs here.
#[test]
fn the_table_of_our_own_runs_is_what_the_specs_expect() {
    let suite = Suite::embedded(&World::smoke()).unwrap_or_else(|error| panic!("{error}"));
    for claim in suite.claims() {
        let expected = &claim.expected[&EvidenceKind::Smoke];
        let row = format!("| `{}` | **{}** | {} |", claim.id, expected.verdict, expected.reason);
        assert!(README.lines().any(|line| line == row), "README.md should have the row:\n{row}");
    }
}

/// The words for a source model say what its card says.
#[test]
fn the_world_tells_what_each_source_model_costs() {
    let world = World::smoke();
    for (role, words) in &world.sources {
        let card = shipped::card(role).unwrap_or_else(|| panic!("{role} has no card"));
        assert!(words.contains(&format!("{:.2} %", card.clean_accuracy)), "{role}: {words}");
        if let Threat::Attack { epsilon, .. } = card.threat {
            assert!(words.contains(&format!("eps {epsilon}")), "{role}: {words}");
        }
    }
}

#[test]
fn the_example_of_a_claim_checks_and_comes_out_as_it_says() {
    let (_, example) = README.split_once("```toml\n").expect("an example in TOML");
    let (example, _) = example.split_once("```").expect("the example ends");
    let claim = check::claim("gap_on_svhn.toml", example, &World::paper())
        .unwrap_or_else(|error| panic!("{error}"));
    let evidence = Evidence::published().unwrap_or_else(|error| panic!("{error}"));
    let expected = &claim.expected[&evidence.kind];
    assert_eq!(judge(&claim, &evidence).verdict, expected.verdict);
}

/// Every source file below a folder.
fn modules(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            modules(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_design_has_a_sentence_for_every_module() {
    let design = include_str!("../DESIGN.md");
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    modules(&source, &mut found);
    assert!(found.len() > 50, "the source was found");
    for path in found {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let name = match stem {
            "mod" => path.parent().unwrap().file_name().unwrap().to_str().unwrap(),
            "lib" => continue,
            stem => stem,
        };
        let named =
            [format!("`{name}`"), format!("/{name}`")].iter().any(|name| design.contains(name));
        assert!(named, "DESIGN.md has no word of {}", path.display());
    }
}
