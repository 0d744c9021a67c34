//! What the documents say is what is there: the README's verdicts and its example of a claim,
//! DESIGN.md's modules.

use std::path::Path;

use repro::{
    assets::bundled,
    claim::{check, suite::Suite},
    evidence::Evidence,
    experiment::{EvidenceKind, Key, Moment, Threat},
    judge::judge,
    plan::sensitivity::CHOICES,
    replication::{Remark, Sameness},
    world::{OwnNames, World},
};

const README: &str = include_str!("../../README.md");

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

/// What caveats and reasons say of figures 2 and 3 is what their published points give.
#[test]
fn what_claims_say_of_figures_2_and_3_is_what_their_points_give() {
    let suite = Suite::embedded(&World::paper()).unwrap_or_else(|error| panic!("{error}"));
    let points = Evidence::published_points().unwrap_or_else(|error| panic!("{error}"));
    let mean = |figure: &str, target: &str, source: &str, images: u32, at: Option<u32>| {
        let is = |key: &Key| (&*key.target, &*key.source, key.images) == (target, source, images);
        let at = at.map_or(Moment::Last, Moment::Epoch);
        let found = points
            .means
            .iter()
            .find(|mean| mean.figure == figure && is(&mean.key) && mean.at == at);
        found.unwrap_or_else(|| panic!("{figure} {target} {source} {images} {at:?}")).mean
    };
    let lead = |target: &str, images: u32| {
        mean("2", target, "l2_3", images, None) - mean("2", target, "natural", images, None)
    };
    let shrinks = |target: &&str| {
        let few = [100, 200, 400, 800, 1600].map(|images| lead(target, images));
        few.iter().sum::<f64>() / 5.0 - lead(target, 6400)
    };
    let targets = ["cifar10", "cifar100", "svhn", "kmnist", "fmnist", "mnist"];
    let average = targets.iter().map(shrinks).sum::<f64>() / 6.0;
    let reason = &suite.get("gap_shrinks_with_images").unwrap().expected[&EvidenceKind::Published];
    let says = format!("it shrinks by {average:.1} points on average");
    assert!(reason.reason.contains(&says), "{says}");
    let says = format!("on CIFAR-100 it stays ({:.1})", shrinks(&"cifar100"));
    assert!(reason.reason.contains(&says), "{says}");

    let early = |target: &str| {
        let at = |source, epoch| mean("3", target, source, 3200, Some(epoch));
        at("l2_3", 11) - at("natural", 150)
    };
    let says = format!(
        "the early lead is {:+.1} points on SVHN, {:+.1} on CIFAR-100 and {:+.1} on Fashion-MNIST",
        early("svhn"),
        early("cifar100"),
        early("fmnist")
    );
    let caveats = &suite.get("faster_convergence").unwrap().expected[&EvidenceKind::Published];
    assert!(caveats.caveats.iter().any(|caveat| caveat.contains(&says)), "{says}");
}

/// The five claims, in the order of the README's table of choices.
const FIVE: [&str; 5] = [
    "robust_beats_natural",
    "faster_convergence",
    "fewer_blocks_for_similar",
    "l2_best",
    "shape_bias",
];

/// What `repro sensitivity` printed of a claim (`goldens/smoke/sensitivity`).
fn printed(claim: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/smoke/sensitivity");
    std::fs::read_to_string(folder.join(format!("{claim}.txt"))).unwrap()
}

/// Choice to verdict and mean.
fn sensitivity(claim: &str) -> Vec<(String, String)> {
    let text = printed(claim);
    let header = text.lines().find(|line| line.starts_with("choice")).unwrap();
    let (verdict, mean) = (header.find("verdict").unwrap(), header.find("mean").unwrap());
    let table = text.lines().skip_while(|line| !line.starts_with("choice")).skip(1);
    let row = |line: &str| {
        let words: Vec<&str> = line[verdict..].split_whitespace().collect();
        assert!(line.len() >= mean, "{line}");
        (line[..verdict].trim_end().to_owned(), format!("{} {}", words[0], words[2]))
    };
    table.take_while(|line| !line.is_empty()).map(row).collect()
}

#[test]
fn the_table_of_choices_is_what_the_program_printed() {
    let printed = FIVE.map(|claim| (claim, sensitivity(claim)));
    for choice in CHOICES {
        let of = |(_, rows): &(&str, Vec<(String, String)>)| {
            let row = rows.iter().find(|(words, _)| words == choice.words);
            row.map_or_else(|| "–".to_owned(), |(_, found)| found.clone())
        };
        let cells: Vec<String> = printed.iter().map(of).collect();
        let row = format!("| {} | {} |", choice.words, cells.join(" | "));
        assert!(README.lines().any(|line| line == row), "README.md should have the row:\n{row}");
    }
    // The paper's recipe is the one that the claims' own verdicts are of.
    let suite = Suite::embedded(&World::smoke()).unwrap_or_else(|error| panic!("{error}"));
    for (claim, rows) in &printed {
        let expected = suite.get(claim).unwrap().expected[&EvidenceKind::Smoke].verdict;
        assert!(rows[0].1.starts_with(&expected.to_string()), "{claim}: {}", rows[0].1);
    }
}

/// A lead says little without how well models do that lead and follow.
#[test]
fn the_accuracies_under_choices_are_what_the_program_printed() {
    let text = printed("robust_beats_natural");
    let (_, accuracies) = text.split_once("Accuracy after the last epoch").unwrap();
    let header = accuracies.lines().find(|line| line.starts_with("choice")).unwrap();
    assert_eq!(header.split_whitespace().collect::<Vec<_>>(), ["choice", "l2_3", "natural"]);
    let readme = README.split_whitespace().collect::<Vec<_>>().join(" ");
    for id in ["paper", "batch_norm", "gentle", "gentle_long"] {
        let words = CHOICES.iter().find(|choice| choice.id == id).unwrap().words;
        let row = accuracies.lines().find(|line| line.starts_with(words)).unwrap();
        let means: Vec<&str> = row.split_whitespace().rev().take(2).collect();
        let phrase = format!("l2_3 ends at {} %, natural at {} %", means[1], means[0]);
        assert!(readme.contains(&phrase), "README.md should say of {words}: {phrase}");
    }
}

/// The words for a source model say what its card says.
#[test]
fn the_world_tells_what_each_source_model_costs() {
    let world = World::smoke();
    for (role, words) in &world.sources {
        let card = bundled::card(role).unwrap_or_else(|| panic!("{role} has no card"));
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

#[test]
fn the_example_of_own_names_can_be_read() {
    let example = README.split("```toml\n").nth(2).expect("another example in TOML");
    let (example, _) = example.split_once("```").expect("the example ends");
    let claims = tempfile::tempdir().unwrap();
    std::fs::create_dir(claims.path().join("worlds")).unwrap();
    std::fs::write(claims.path().join("worlds/own.toml"), example).unwrap();
    let own = OwnNames::read(claims.path()).unwrap_or_else(|error| panic!("{error}"));
    assert!(own.has("flowers") && own.has("l2_5"));
}

/// What a command says of itself.
fn help(arguments: &[&str]) -> String {
    let mut command = assert_cmd::Command::new(assert_cmd::cargo::cargo_bin!("repro"));
    let ran = command.args(arguments).arg("--help").output().unwrap();
    assert!(ran.status.success(), "repro {arguments:?} is no command");
    String::from_utf8(ran.stdout).unwrap()
}

/// The lines of the README that call the program, without their comments.
fn calls() -> Vec<&'static str> {
    let calls = README.lines().filter(|line| line.starts_with("repro "));
    calls.map(|line| line.split('#').next().unwrap().trim_end()).collect()
}

#[test]
fn every_command_is_in_the_list_and_every_line_of_the_list_is_a_command_with_its_options() {
    let calls = calls();
    assert!(calls.len() > 20, "{calls:?}");
    let mut told = std::collections::BTreeMap::new();
    for call in &calls {
        let words: Vec<&str> = call.split_whitespace().skip(1).collect();
        let told = told.entry(words[0]).or_insert_with(|| help(&words[..1]));
        for option in words.iter().filter(|word| word.starts_with("--")) {
            assert!(told.contains(option), "`{call}`: there is no {option}");
        }
    }
    let all = help(&[]);
    let commands = all.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let commands =
        commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let commands: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.len() > 15, "{commands:?}");
    // Completions have a sentence of their own below the list.
    for command in commands.iter().filter(|command| !["help", "completions"].contains(command)) {
        let begins = format!("repro {command}");
        assert!(calls.iter().any(|call| call.starts_with(&begins)), "README.md has no `{begins}`");
    }
}

#[test]
fn what_it_says_of_the_comparison_is_what_comes_out() {
    let evidence = Evidence::published().unwrap_or_else(|error| panic!("{error}"));
    let points = Evidence::published_points().unwrap_or_else(|error| panic!("{error}"));
    let comparison = repro::replication::compare(&evidence, &points);
    let single = comparison.differences.iter().filter(|cell| {
        cell.decision == Some(Sameness::BothOpen) && cell.remarks.contains(&Remark::SingleSeed)
    });
    let (single, found) = (single.count(), comparison.counts);
    let text = README.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        format!("beside all {} of them", found.means),
        format!("{} differences that the figures draw", found.differences),
        format!(
            "{} means and {} differences are of the very same runs",
            found.same_runs, found.differences_of_the_same_runs
        ),
        format!(
            "Of {} means of larger sizes, which the authors ran again with longer schedules, {} are \
             compatible, {} are not, and {} stay so after Holm",
            found.compared, found.compatible, found.incompatible, found.incompatible_after_holm
        ),
        format!(
            "Of {} differences {} are decided the same way, {} by one side alone, none the opposite way, \
             and {} both sides leave open ({single} of them have a single seed on each)",
            found.decisions, found.same, found.half_open, found.both_open
        ),
    ] {
        assert!(text.contains(&said), "README.md should say: {said}");
    }
    assert_eq!(found.opposite, 0);
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
    let design = include_str!("../../DESIGN.md");
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
