//! Figures of influence: the share of test images by rank, and the gallery.

use super::{attributes, common::own_evidence, judged};
use repro::{
    claim::{Claim, PlotAxis, suite::Suite},
    evidence::{Evidence, Record, Status},
    experiment::{
        Chance, Counts, Evaluation, EvidenceKind, Found, InfluentialExample, Inverse, Key,
        MeasuredInfluence, Pictured, RecipeDigest, Resolution, Verdict,
    },
    figure::{curves::chart, influential, svg},
    judge::judge,
    report::{drawings, html},
    world::World,
};

/// The smallest number of test images that is enough.
const TESTS: u32 = 50;

fn claim() -> Claim {
    let suite = Suite::embedded(&World::smoke()).unwrap_or_else(|error| panic!("{error}"));
    suite.get("influence_follows_class").unwrap().clone()
}

fn pictured(image: u32, label: u32) -> Pictured {
    Pictured { image, label, png: format!("picture{image}") }
}

/// Influence with `first` matching test images at the first rank, and one fewer at each next rank.
fn measured(first: u32, train_label: u32) -> Vec<MeasuredInfluence> {
    let counts = |gallery| {
        Found::Counts(Counts {
            kept: 3,
            largest: 1.0,
            matches: (0..100).map(|rank: u32| first.saturating_sub(rank)).collect(),
            three_of_five: first,
            first: (0..TESTS).map(|image| image < first).collect(),
            chance: Some(Chance { mean: 10.0, standard_deviation: 0.75 }),
            other_rankings: None,
            gallery,
        })
    };
    let exhibit = |image: u32| InfluentialExample {
        test: pictured(image, image),
        predicted: 9,
        train: pictured(100 + image, train_label),
        influence: 0.5,
    };
    let fine = Inverse { truncation: 0.01, damping: 0.0 };
    vec![
        MeasuredInfluence {
            inverse: Inverse::AUTHORS,
            found: counts(vec![exhibit(0), exhibit(1)]),
        },
        MeasuredInfluence { inverse: fine, found: counts(Vec::new()) },
    ]
}

fn record(source: &str, target: &str, resolution: Resolution, place: usize) -> Record {
    let key = Key {
        target: target.into(),
        source: source.into(),
        blocks: 3,
        images: 400,
        resolution,
        seed_stream: 0,
        influence: true,
        zoo: None,
        factors: std::sync::Arc::default(),
    };
    let evaluation = Evaluation {
        epoch: 24,
        test_accuracy: 50.0,
        test_loss: 1.0,
        train_accuracy: 50.0,
        train_loss: 1.0,
        seconds: 1.0,
    };
    let recipe = RecipeDigest { epochs: 24, rest: "test".into() };
    let (first, label) = if source == "l2_3" { (40 + place as u32 % 3, 0) } else { (30, 1) };
    Record::new(key, World::seed(place), recipe, Status::Finished, vec![evaluation])
        .unwrap()
        .with_influence(&measured(first, label))
}

fn evidence() -> Evidence {
    let mut records = Vec::new();
    for source in ["l2_3", "natural"] {
        for place in 0..3 {
            for target in ["fmnist_held_out", "kmnist"] {
                records.push(record(source, target, Resolution::Native, place));
            }
            records.push(record(source, "kmnist", Resolution::Pixels(7), place));
        }
    }
    own_evidence(EvidenceKind::Smoke, records)
}

#[test]
fn a_claim_about_influence_is_judged_on_records_of_influence() {
    let verdict = judge(&claim(), &evidence());
    assert_eq!(verdict.verdict, Verdict::Supported, "{}", verdict.reason);
    // 40, 41 and 42 of 50 against 30, and the same difference at every rank up to 30.
    let means: Vec<f64> = verdict.cells.iter().map(|cell| cell.mean.unwrap()).collect();
    assert!(means.iter().all(|mean| (mean - 22.0).abs() < 1e-9), "{means:?}");
    // The interval over test images is computed from the bits in records.
    let of_images = verdict.cells[0].test_images.as_ref().unwrap();
    assert_eq!(of_images.images, TESTS as usize);
    assert!(of_images.low < 22.0 && 22.0 < of_images.high);
    for reading in &verdict.readings {
        // These records are older than other rankings.
        let measured = !["predicted_class", "features_alone"].contains(&&*reading.id);
        let expected = if measured { Verdict::Supported } else { Verdict::Incomplete };
        assert_eq!(reading.verdict, expected, "{}", reading.id);
        assert!(measured || reading.reason.contains("don't contain"), "{}", reading.reason);
    }
}

#[test]
fn the_figure_says_what_chance_gives_or_that_records_are_older() {
    let (claim, evidence) = (claim(), evidence());
    let notes = chart(&claim.plots[0], &evidence).notes.join(" ");
    let expected = "By chance, with the labels of the training images shuffled, the first rank has: \
                    Fashion-MNIST, four held-out classes 10.00 % (two standard deviations of one \
                    run: 1.50 points); KMNIST 10.00 %";
    assert!(notes.contains(expected), "{notes}");
    let older = evidence.records.iter().map(|record| {
        let mut influence = record.influence.to_vec();
        for measured in &mut influence {
            let Found::Counts(counts) = &mut measured.found else { panic!("they were measured") };
            counts.chance = None;
        }
        record.clone().with_influence(&influence)
    });
    let older = own_evidence(EvidenceKind::Smoke, older.collect());
    let notes = chart(&claim.plots[0], &older).notes.join(" ");
    assert!(notes.contains("the records are older than it"), "{notes}");
}

#[test]
fn shares_are_drawn_by_rank() {
    let (claim, evidence) = (claim(), evidence());
    let chart = chart(&claim.plots[0], &evidence);
    assert_eq!((chart.x, chart.panels.len()), (PlotAxis::Rank, 2));
    let robust = &chart.panels[0].curves[0].points;
    let places: Vec<f64> = robust.iter().map(|point| point.x).collect();
    assert_eq!(places[..11], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0]);
    assert_eq!(places.last(), Some(&100.0));
    // 41 of 50 in the mean; one fewer at each rank.
    assert!((robust[0].mean - 82.0).abs() < 1e-9 && (robust[1].mean - 80.0).abs() < 1e-9);
    let difference = &chart.panels[0].differences[0].points;
    assert!((difference[0].mean - 22.0).abs() < 1e-9);
}

#[test]
fn the_gallery_shows_the_most_influential_images_of_each_source() {
    let (claim, evidence) = (claim(), evidence());
    let gallery = influential::gallery(&claim, &evidence).unwrap();
    assert_eq!(gallery.sources, ["natural", "l2_3"]);
    let titles: Vec<&str> = gallery.panels.iter().map(|panel| panel.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Fashion-MNIST, four held-out classes, 400 images",
            "KMNIST, 400 images",
            "KMNIST at 7 pixels, 400 images",
        ]
    );
    let panel = &gallery.panels[0];
    assert_eq!((panel.seed, panel.rows.len()), (World::seed(0), 2));
    let labels: Vec<u32> = panel.rows[0].most.iter().map(|exhibit| exhibit.train.label).collect();
    assert_eq!(labels, [1, 0]);
    let drawing = influential::draw(&gallery, "gallery".to_owned());
    let file = svg::file(&drawing, &claim.title);
    // Two test images and four training images in each panel, each with its own text.
    assert_eq!(file.matches("<image ").count(), 18);
    assert_eq!(file.matches("href=\"data:image/png;base64,picture").count(), 18);
    assert!(file.contains("training image 100, sandal"));
    // In each panel natural's is of another class for the first image, l2_3's for the second.
    assert_eq!(file.matches("stroke-dasharray=\"4 3\"").count(), 6);
    assert!(file.contains("test image, pullover: sandal for natural (0.50), pullover for l2_3"));
}

#[test]
fn only_claims_of_influence_have_a_gallery() {
    let (claim, evidence) = (claim(), evidence());
    let judged = [judged(&claim, &evidence)];
    let names: Vec<String> =
        drawings(&judged[0], &judged).into_iter().map(|drawing| drawing.name).collect();
    assert_eq!(
        names,
        ["forest", "share_by_rank", "gallery"]
            .map(|what| format!("influence_follows_class-{what}"))
    );
    let page = html(&judged, &[], "a test");
    assert!(page.contains("for natural"));
    assert!(page.contains("image-rendering=\"pixelated\""));
    // The page's policy lets browsers take no style from an attribute.
    assert!(attributes(&page, "style").is_empty(), "{:?}", attributes(&page, "style"));
    let suite = Suite::embedded(&World::smoke()).unwrap_or_else(|error| panic!("{error}"));
    assert!(influential::gallery(suite.get("shape_bias").unwrap(), &evidence).is_none());
}
