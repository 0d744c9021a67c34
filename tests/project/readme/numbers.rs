//! Numbers in sentences: what the goldens, the published figures, the cards and the comparison give.

use std::path::Path;

use repro::{
    assets::bundled,
    claim::suite::Suite,
    evidence::Evidence,
    experiment::{EvidenceKind, Key, Moment, Threat},
    plan::sensitivity::CHOICES,
    replication::{Remark, Sameness},
    world::{FIRST_ZOO, World},
};

use super::page::{text, words};

/// The claims that were asked under every choice, in the order of the tables.
pub const FIVE: [&str; 5] = [
    "robust_beats_natural",
    "faster_convergence",
    "fewer_blocks_for_similar",
    "l2_best",
    "shape_bias",
];

/// What `repro sensitivity` printed of a claim, in `goldens/smoke/sensitivity` or a folder there.
fn printed(folder: &str, claim: &str) -> String {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/smoke/sensitivity");
    std::fs::read_to_string(kept.join(folder).join(format!("{claim}.txt"))).unwrap()
}

/// Choice to verdict and mean.
pub fn sensitivity(folder: &str, claim: &str) -> Vec<(String, String)> {
    let text = printed(folder, claim);
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

/// Fails unless a document has this phrase, wherever its lines break.
fn says(path: &str, phrase: &str) {
    assert!(words(path).contains(phrase), "{path} should say: {phrase}");
}

/// A lead says little without how well models do that lead and follow.
#[test]
fn the_accuracies_under_choices_are_what_the_program_printed() {
    let text = printed("", "robust_beats_natural");
    let (_, accuracies) = text.split_once("Accuracy after the last epoch").unwrap();
    let header = accuracies.lines().find(|line| line.starts_with("choice")).unwrap();
    assert_eq!(header.split_whitespace().collect::<Vec<_>>(), ["choice", "l2_3", "natural"]);
    for id in ["paper", "batch_norm", "gentle", "gentle_long"] {
        let words = CHOICES.iter().find(|choice| choice.id == id).unwrap().words;
        let row = accuracies.lines().find(|line| line.starts_with(words)).unwrap();
        let means: Vec<&str> = row.split_whitespace().rev().take(2).collect();
        let phrase = format!("l2_3 ends at {} %, natural at {} %", means[1], means[0]);
        says("docs/results/sensitivity.md", &phrase);
    }
}

#[test]
fn a_quarter_of_pretraining_says_what_the_program_printed() {
    let text = printed("", "robust_beats_natural");
    let row = |words: &str, of: &str| -> Vec<String> {
        let (_, table) = text.split_once(of).unwrap();
        let row = table.lines().find(|line| line.starts_with(words)).unwrap();
        row[words.len()..].split_whitespace().map(str::to_owned).collect()
    };
    let quarter = CHOICES.iter().find(|choice| choice.id == "pretraining").unwrap().words;
    let lead = |words: &str| row(words, "verdict").last().unwrap().clone();
    let difference = row(quarter, "difference");
    for phrase in [
        format!("{} points on average, in place of {}", lead(quarter), lead("the paper's recipe")),
        format!(
            "the difference is {} points, with an interval from {} to {}",
            difference[0], difference[1], difference[2]
        ),
    ] {
        says("docs/results/sensitivity.md", &phrase);
    }
}

#[test]
fn shares_of_the_specification_curve_are_those_of_the_golden() {
    for (claim, share) in [("shape_bias", "Half"), ("robust_beats_natural", "2 of the 32")] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("goldens/smoke/sensitivity/curve-{claim}.json"));
        let curve: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let specifications = curve["specifications"].as_array().unwrap();
        let count =
            |verdict: &str| specifications.iter().filter(|one| one["verdict"] == verdict).count();
        let mean = |one: &serde_json::Value| one["mean"].as_f64().unwrap();
        let paper = specifications.iter().find(|one| one["choices"].as_array().unwrap().is_empty());
        let counts = format!(
            "**`{claim}`**: of {} specifications {} are supported, {} are refuted and {} are \
             inconclusive. By the paper's recipe the mean over cells is {:+.1} points",
            specifications.len(),
            count("supported"),
            count("refuted"),
            count("inconclusive"),
            mean(paper.unwrap())
        );
        says("docs/results/sensitivity.md", &counts);
        let below = specifications.iter().filter(|one| mean(one) < 0.0).count();
        match share {
            "Half" => assert_eq!(2 * below, specifications.len()),
            _ => assert_eq!((below, specifications.len()), (2, 32)),
        }
        says("docs/results/sensitivity.md", share);
    }
}

#[test]
fn the_lead_under_gentle_choices_is_what_the_program_printed() {
    let rows = sensitivity("", "robust_beats_natural");
    let lead = |id: &str| {
        let words = CHOICES.iter().find(|choice| choice.id == id).unwrap().words;
        let (_, found) = rows.iter().find(|(choice, _)| choice == words).unwrap();
        found.split(' ').nth(1).unwrap()
    };
    let phrase = format!("falls from {} to {} points", lead("paper"), lead("gentle_long"));
    says("README.md", &phrase);
    says("docs/results/index.md", &phrase);
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
    let phrase = format!("{:.1} points on Fashion-MNIST", early("fmnist"));
    self::says("docs/results/verdicts.md", &phrase);
}

/// What a world says of its source models is what the cards of its zoos say.
#[test]
fn the_worlds_say_what_their_source_models_cost() {
    let (one, ten) = (World::smoke_one_zoo(), World::smoke());
    for (world, zoos) in [(&one, &[FIRST_ZOO][..]), (&ten, &ten.zoos.places)] {
        for (role, words) in &world.sources {
            let cards = zoos.iter().filter_map(|zoo| bundled::card_of(role, *zoo));
            let accuracies: Vec<f64> = cards.clone().map(|card| card.clean_accuracy).collect();
            let least = accuracies.iter().copied().fold(f64::INFINITY, f64::min);
            let most = accuracies.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let says = if zoos.len() == 1 {
                format!("{least:.2} %")
            } else {
                format!("{least:.1} to {most:.1} %")
            };
            assert!(words.contains(&says), "{role}: {words}: {says}");
            for card in cards {
                if let Threat::Attack { epsilon, .. } = card.threat {
                    assert!(words.contains(&format!("eps {epsilon}")), "{role}: {words}");
                }
            }
        }
    }
}

#[test]
fn what_is_said_of_the_comparison_is_what_comes_out() {
    let evidence = Evidence::published().unwrap_or_else(|error| panic!("{error}"));
    let points = Evidence::published_points().unwrap_or_else(|error| panic!("{error}"));
    let comparison = repro::replication::compare(&evidence, &points);
    let single = comparison.differences.iter().filter(|cell| {
        cell.decision == Some(Sameness::BothOpen) && cell.remarks.contains(&Remark::SingleSeed)
    });
    let (single, found) = (single.count(), comparison.counts);
    for phrase in [
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
        says("docs/results/replication.md", &phrase);
    }
    assert_eq!(found.opposite, 0);
}

/// The number of logged fine-tunes, wherever it is stated.
#[test]
fn the_number_of_logged_fine_tunes_is_that_of_the_log() {
    let evidence = Evidence::published().unwrap_or_else(|error| panic!("{error}"));
    let count = evidence.records.len();
    let count = format!("{},{:03}", count / 1000, count % 1000);
    for path in ["README.md", "docs/guide/getting-started.md", "docs/results/verdicts.md"] {
        assert!(text(path).contains(&count), "{path} should have {count}");
    }
}
