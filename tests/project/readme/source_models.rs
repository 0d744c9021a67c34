//! Tables of source models: what one zoo and ten zoos say, the models of the ten zoos, and pairs of
//! natural models.

use std::{collections::BTreeMap, fs};

use repro::{
    claim::{Claim, suite::Suite},
    experiment::EvidenceKind,
    world::World,
};
use serde_json::Value;

use super::{page::root, tables::hold_rows};

const PAGE: &str = "docs/results/source-models.md";
/// The zoos of the ten places.
const ZOOS: std::ops::RangeInclusive<usize> = 2..=11;

fn json(path: &str) -> Value {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|why| panic!("{path}: {why}"));
    serde_json::from_str(&text).unwrap_or_else(|why| panic!("{path}: {why}"))
}

fn suite() -> Suite {
    Suite::embedded(&World::smoke()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn verdicts_of_one_zoo_and_of_ten_are_what_the_specs_expect() {
    let row = |claim: &Claim| {
        let verdict = |kind| {
            let expected = claim.expected.get(&kind)?;
            let or = expected.or.map(|or| format!(" or {or}")).unwrap_or_default();
            Some(format!("{}{or}", expected.verdict))
        };
        let [one, ten] = [EvidenceKind::SmokeOneZoo, EvidenceKind::Smoke]
            .map(|kind| verdict(kind).unwrap_or_else(|| "–".to_owned()));
        format!("| `{}` | {one} | {ten} |", claim.id)
    };
    let rows: Vec<String> = suite().claims().iter().map(row).collect();
    hold_rows(PAGE, "verdicts of one zoo and of ten", &rows);
}

/// Mean, standard deviation over seeds and number of seeds, by cell of the primary hypothesis.
fn cells(claim: &Claim, kind: &str) -> BTreeMap<String, String> {
    let golden = json(&format!("goldens/claims/{}-{kind}.json", claim.id));
    let of_reading =
        |name: &str| claim.readings.iter().any(|of| name.starts_with(&format!("{} ", of.id)));
    let cell = |(name, cell): (&String, &Value)| {
        let seeds = cell["seeds"].as_f64()?;
        let deviation = cell["standard_error"].as_f64()? * seeds.sqrt();
        let mean = cell["mean"].as_f64()?;
        (!of_reading(name)).then(|| (name.clone(), format!("{mean:+.1} ({deviation:.1}; {seeds})")))
    };
    golden.as_object().unwrap().iter().filter_map(cell).collect()
}

#[test]
fn cells_of_one_zoo_and_of_ten_are_those_of_the_goldens() {
    let suite = suite();
    let claims = ["robust_beats_natural", "l2_best", "shape_bias"];
    let rows = claims.map(|id| {
        let claim = suite.get(id).unwrap();
        let (one, ten) = (cells(claim, "smoke_one_zoo"), cells(claim, "smoke"));
        assert!(one.keys().eq(ten.keys()), "{id}");
        let row = |(name, one): (&String, &String)| format!("| {name} | {one} | {} |", ten[name]);
        one.iter().map(row).collect::<Vec<_>>()
    });
    hold_rows(PAGE, "cells of one zoo and of ten", &rows.concat());
}

#[test]
fn the_models_of_the_ten_zoos_are_those_of_their_cards() {
    let row = |zoo: usize| {
        let accuracy = |role: &str, attacked: bool| {
            let path = format!("goldens/smoke/zoos/{zoo}/{role}.json");
            if !root().join(&path).exists() {
                return "–".to_owned();
            }
            let card = json(&path);
            let found = if attacked {
                &card["robust_accuracy"][0]["accuracy"]
            } else {
                &card["clean_accuracy"]
            };
            format!("{:.1}", found.as_f64().unwrap())
        };
        let clean =
            ["natural", "l2_3", "linf_4", "linf_8", "gaussian"].map(|of| accuracy(of, false));
        let attacked = ["natural", "l2_3", "linf_4", "linf_8"].map(|of| accuracy(of, true));
        format!("| {zoo} | {} | {} |", clean.join(" | "), attacked.join(" | "))
    };
    hold_rows(PAGE, "models of the ten zoos", &ZOOS.map(row).collect::<Vec<_>>());
}

#[test]
fn pairs_of_natural_models_are_those_of_the_golden() {
    let file = fs::File::open(root().join("goldens/smoke/other_checkpoint.csv")).unwrap();
    let pairs: Vec<BTreeMap<String, String>> =
        csv::Reader::from_reader(file).deserialize().collect::<Result<_, _>>().unwrap();
    assert_eq!(pairs.len(), 90);
    let supported = pairs.iter().filter(|pair| pair["verdict"] == "supported").count();
    let page = super::page::words(PAGE);
    assert!(
        page.contains(&format!("{supported} of the 90 pairs come out supported")),
        "{supported}"
    );
    let row = |one: usize| {
        let of = |other: usize| {
            let contrast = format!("zoo {one} - zoo {other}");
            let Some(pair) = pairs.iter().find(|pair| pair["contrast"] == contrast) else {
                assert_eq!(one, other);
                return "–".to_owned();
            };
            let mean = format!("{:+.1}", pair["mean"].parse::<f64>().unwrap());
            if pair["verdict"] == "supported" { format!("**{mean}**") } else { mean }
        };
        format!("| {one} | {} |", ZOOS.map(of).collect::<Vec<_>>().join(" | "))
    };
    hold_rows(PAGE, "pairs of natural models", &ZOOS.map(row).collect::<Vec<_>>());
}
