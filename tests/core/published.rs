//! The bundled published log: its bytes, its known faults, and its numbers against scipy
//! (`goldens/published/reference.py`, which shares only the file with this crate).

use std::path::Path;

use repro::{
    claim::suite::Suite,
    evidence::{Evidence, Status},
    experiment::{Key, Verdict},
    judge::{CellVerdict, ClaimVerdict, Flag, judge},
    world::World,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Two implementations of one formula on one log differ only by rounding. It is larger in the tails
/// of p, which scipy and statrs compute by different series.
const RELATIVE_TOLERANCE: f64 = 1e-8;

#[derive(Deserialize)]
struct Reference {
    cells: Vec<ReferenceCell>,
}

#[derive(Deserialize)]
struct ReferenceCell {
    claim: String,
    target: Option<String>,
    images: Option<u32>,
    blocks: Option<u32>,
    contrast: usize,
    seeds: usize,
    mean: f64,
    low: f64,
    high: f64,
    t: f64,
    p: f64,
}

fn goldens() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/goldens/published"))
}

fn published() -> Evidence {
    Evidence::published().unwrap_or_else(|error| panic!("{error}"))
}

fn verdict(id: &str) -> ClaimVerdict {
    let suite = Suite::embedded(&World::paper()).unwrap_or_else(|error| panic!("{error}"));
    judge(suite.get(id).unwrap(), &published())
}

fn close(ours: f64, reference: f64) -> bool {
    (ours - reference).abs() <= RELATIVE_TOLERANCE * reference.abs().max(f64::MIN_POSITIVE)
}

#[test]
fn the_bundled_files_have_the_listed_checksums() {
    let listed = std::fs::read_to_string(goldens().join("SHA256SUMS")).unwrap();
    let mut checked = 0;
    for line in listed.lines() {
        let (sum, file) = line.split_once("  ").unwrap();
        let found = Sha256::digest(std::fs::read(goldens().join(file)).unwrap());
        assert_eq!(repro::util::hexadecimal(&found), sum, "{file}");
        checked += 1;
    }
    assert_eq!(checked, 2, "both bundled files are listed");
}

#[test]
fn every_cell_of_every_primary_hypothesis_agrees_with_scipy() {
    let text = std::fs::read_to_string(goldens().join("reference.json")).unwrap();
    let reference: Reference = serde_json::from_str(&text).unwrap();
    let suite = Suite::embedded(&World::paper()).unwrap_or_else(|error| panic!("{error}"));
    let evidence = published();
    let mut compared = 0;
    for claim in suite.claims() {
        let verdict = judge(claim, &evidence);
        let mut contrasts: Vec<&str> = Vec::new();
        for cell in &verdict.cells {
            if !contrasts.contains(&cell.contrast.as_str()) {
                contrasts.push(&cell.contrast);
            }
        }
        let units = verdict.averages.iter().chain(&verdict.cells);
        for ours in units.filter(|cell| cell.verdict != Verdict::Incomplete && cell.mean.is_some())
        {
            let contrast = contrasts.iter().position(|label| *label == ours.contrast).unwrap();
            let same = |other: &&ReferenceCell| {
                other.claim == claim.id
                    && other.contrast == contrast
                    && (&other.target, other.images, other.blocks)
                        == (&ours.target, ours.images, ours.blocks)
            };
            // The scipy script leaves out single cells that are used only in averages.
            let Some(other) = reference.cells.iter().find(same) else {
                assert!(!verdict.averages.is_empty(), "{}: {}", claim.id, ours.name);
                continue;
            };
            agrees(ours, other);
            compared += 1;
        }
    }
    assert_eq!(compared, reference.cells.len(), "every reference cell was met");
}

fn agrees(ours: &CellVerdict, other: &ReferenceCell) {
    assert_eq!(ours.seeds, other.seeds, "{}: {}", other.claim, ours.name);
    for (name, ours, other_value) in [
        ("mean", ours.mean, other.mean),
        ("low", ours.low, other.low),
        ("high", ours.high, other.high),
        ("t", ours.t, other.t),
        ("p", ours.p, other.p),
    ] {
        let place = (&other.claim, &other.target, other.images, name);
        assert!(
            ours.is_some_and(|ours| close(ours, other_value)),
            "{place:?}: {ours:?} {other_value}"
        );
    }
}

#[test]
fn two_cells_have_the_pinned_values() {
    let verdict = verdict("robust_beats_natural");
    let cell = |target: &str, images| {
        let found = verdict
            .cells
            .iter()
            .find(|cell| cell.target.as_deref() == Some(target) && cell.images == Some(images));
        found.unwrap().clone()
    };
    let svhn = cell("svhn", 800);
    assert!(close(svhn.mean.unwrap(), 22.02446));
    assert!(close(svhn.t.unwrap(), 24.677_029_622_0));
    assert!(close(svhn.low.unwrap(), 20.005_465_384_0));
    assert!(close(svhn.high.unwrap(), 24.043_454_616_0));
    assert_eq!(svhn.verdict, Verdict::Supported);
    let cifar100 = cell("cifar100", 200);
    assert!(close(cifar100.mean.unwrap(), 0.205));
    assert!(close(cifar100.low.unwrap(), -0.365_835_587_043));
    assert!(close(cifar100.high.unwrap(), 0.775_835_587_043));
    assert_eq!(cifar100.verdict, Verdict::Inconclusive);
}

#[test]
fn the_log_has_as_many_fine_tunes_and_evaluations_as_its_readme_says() {
    let evidence = published();
    assert_eq!(evidence.records.len(), 4806);
    let evaluations: usize = evidence.records.iter().map(|record| record.evaluations().len()).sum();
    assert_eq!(evaluations, 29_445);
    // The 480 of the figures, and of the table those that no figure has: linf_4 and linf_8 with 3
    // blocks.
    assert_eq!(evidence.means.len(), 480 + 120);
}

#[test]
fn exactly_the_three_runs_that_stopped_early_are_found() {
    let evidence = published();
    let mut stopped: Vec<String> = evidence
        .records
        .iter()
        .filter(|record| record.status == Status::Stopped)
        .map(|record| {
            format!("{}: {} of {}", record.key, record.last().unwrap().epoch, record.recipe.epochs)
        })
        .collect();
    stopped.sort();
    let of = |source| format!("svhn from {source}, 73257 images, 3 blocks: 21 of 30");
    assert_eq!(stopped, [of("l2_3"), of("linf_4"), of("natural")]);
}

#[test]
fn mixed_recipes_are_found_exactly_where_the_log_mixes_them() {
    let verdict = verdict("robust_beats_natural");
    let mixed: Vec<String> = verdict
        .cells
        .iter()
        .filter(|cell| cell.flags.contains(&Flag::MixedRecipes))
        .map(|cell| cell.name.clone())
        .collect();
    assert_eq!(mixed, ["cifar10 12800 images", "cifar10 25600 images"]);
    for cell in verdict.cells.iter().filter(|cell| cell.flags.contains(&Flag::MixedRecipes)) {
        assert_eq!(
            (cell.mean, cell.low, cell.high, cell.t, cell.p),
            (None, None, None, None, None)
        );
        assert_eq!(cell.verdict, Verdict::Inconclusive);
    }
}

#[test]
fn missing_seeds_are_counted_in_their_cells() {
    let verdict = verdict("robust_beats_natural");
    let missing: Vec<(String, usize, usize)> = verdict
        .cells
        .iter()
        .filter(|cell| cell.missing_seeds > 0)
        .map(|cell| (cell.name.clone(), cell.seeds, cell.missing_seeds))
        .collect();
    let named = |name: &str, seeds, missing| (name.to_owned(), seeds, missing);
    assert_eq!(missing, [named("cifar10 6400 images", 5, 5), named("cifar10 25600 images", 4, 1)]);
}

#[test]
fn an_average_over_targets_has_the_seeds_that_every_target_has() {
    let verdict = verdict("gap_shrinks_with_images");
    let average = &verdict.averages[0];
    assert_eq!((average.seeds, average.unmatched_seeds), (5, 5));
    assert!(average.flags.contains(&Flag::ScheduleDiffers));
}

#[test]
fn claims_without_published_runs_are_incomplete_with_a_reason() {
    for id in ["shape_bias", "natural_wins_at_high_resolution", "influence_follows_class"] {
        let verdict = verdict(id);
        assert_eq!(verdict.verdict, Verdict::Incomplete, "{id}");
        assert!(verdict.reason.contains("missing records"), "{id}: {}", verdict.reason);
    }
}

#[test]
fn records_are_found_by_key_in_any_order_of_rows() {
    let packed = std::fs::read(goldens().join("runs.csv.gz")).unwrap();
    let bytes = repro::evidence::published::unpack("runs", &packed).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    // A stride that is coprime to the number of rows visits every row once.
    let stride = 10_007;
    let count = rows.len();
    let shuffled: Vec<&str> = (0..count).map(|index| rows[index * stride % count]).collect();
    assert_ne!(rows, shuffled);
    rows.sort_unstable();
    let read = |rows: &[&str]| {
        let text = format!("{header}\n{}\n", rows.join("\n"));
        repro::evidence::published::read("log", text.as_bytes()).unwrap()
    };
    let (sorted, shuffled) = (read(&rows), read(&shuffled));
    assert_eq!(sorted.len(), shuffled.len());
    for record in sorted.iter() {
        assert_eq!(shuffled.seeds(&record.key).unwrap()[&record.seed], *record);
    }
    let key = Key::new("svhn", "l2_3", 3, 800);
    assert_eq!(shuffled.seeds(&key).unwrap().len(), 10);
}
