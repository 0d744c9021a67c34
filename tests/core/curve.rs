//! The specification curve: a made-up one, its forms, and the ones that were run and kept.

use std::{collections::BTreeSet, fs, path::Path};

use repro::{
    claim::{Claim, suite::Suite},
    evidence::{Evidence, Record, Status},
    experiment::{Evaluation, EvidenceKind, Key, Seed, Verdict},
    figure::{specification_curve::draw, svg},
    judge::{decide, judge, observe::Censored},
    plan::{
        at_most,
        sensitivity::{
            Estimate,
            curve::{Combination, Counts, Curve, at_first_look, kept},
        },
    },
    report::{Judged, html, spreadsheet_of_curve},
    stats::Alpha,
    world::World,
};

use crate::common;

fn suite() -> Suite {
    Suite::embedded(&World::smoke()).unwrap_or_else(|error| panic!("{error}"))
}

/// Records of the first look of a claim in one recipe. With each further recipe the lead of l2_3
/// over natural grows by a point, from -5; at the best epoch it is 4 points larger.
fn evidence(claim: &Claim, combination: &Combination, place: u32) -> Evidence {
    let world = combination.world(claim, World::smoke());
    let record = |(at, (key, seed)): (usize, (Key, Seed))| {
        let (lead, more) =
            if &*key.source == "l2_3" { (f64::from(place) - 5.0, 4.0) } else { (0.0, 0.0) };
        let accuracy = 50.0 + lead + (at * 7 % 5) as f64 / 10.0;
        let evaluation = |epoch, test_accuracy| Evaluation {
            epoch,
            test_accuracy,
            test_loss: 1.0,
            train_accuracy: 50.0,
            train_loss: 1.0,
            seconds: 1.0,
        };
        let evaluations = vec![evaluation(12, accuracy + more), evaluation(24, accuracy)];
        let digest = world.digest(&world.recipe(key.clone()));
        Record::new(key, seed, digest, Status::Finished, evaluations).unwrap()
    };
    let needed = at_most(&[&at_first_look(claim)], &world).into_keys();
    let records = needed.enumerate().map(record).collect();
    Evidence { world: world.clone(), ..common::own_evidence(EvidenceKind::Smoke, records) }
}

fn made_up(claim: &Claim) -> Curve {
    let of = |(place, combination): (u32, Combination)| {
        let evidence = evidence(claim, &combination, place);
        (combination, evidence)
    };
    Curve::new(claim, &(0..).zip(Combination::all()).map(of).collect::<Vec<_>>())
}

/// What is wrong with a curve: specifications that are not each combination once, in the order of
/// means, and numbers that do not follow from the values by seed.
fn problems(curve: &Curve, claim: &Claim) -> Vec<String> {
    let mut problems = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            problems.push(what);
        }
    };
    let subsets: BTreeSet<Vec<String>> = (0..1_usize << curve.factors.len())
        .map(|bits| {
            let chosen = curve.factors.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
            chosen.map(|(_, factor)| factor.choice.clone()).collect()
        })
        .collect();
    let found: BTreeSet<Vec<String>> =
        curve.specifications.iter().map(|one| one.choices.clone()).collect();
    let all_once = found == subsets && curve.specifications.len() == subsets.len();
    expect(all_once, "not every combination once".to_owned());
    let verdicts = curve.specifications.iter().map(|one| one.verdict);
    expect(curve.counts == Counts::of(verdicts), "counts".to_owned());
    expect(curve.is_of(claim, &World::smoke()), "another claim, world or choices".to_owned());
    let means = || curve.specifications.iter().map(|one| one.estimate.mean);
    let sorted = means().zip(means().skip(1)).all(|(before, next)| match (before, next) {
        (Some(before), Some(next)) => before <= next,
        (before, next) => before.is_some() || next.is_none(),
    });
    expect(sorted, "order".to_owned());

    let alpha = Alpha::new(curve.alpha).unwrap();
    let (relation, resolution) = (claim.hypothesis.relation, claim.hypothesis.metric.resolution());
    for one in &curve.specifications {
        let mut by_seed: Vec<Vec<Censored>> = vec![Vec::new(); curve.seeds.len()];
        for unit in &one.units {
            expect(unit.values.len() == curve.seeds.len(), format!("{}: seeds", one.id()));
            let values: Vec<Censored> =
                unit.values.iter().flatten().map(|value| Censored::from(*value)).collect();
            let verdict = Verdict::from(decide(&values, relation, alpha, resolution).side);
            let same = unit.verdict == verdict || unit.verdict == Verdict::Incomplete;
            expect(same, format!("{}: verdict of {}", one.id(), unit.name));
            for (values, value) in by_seed.iter_mut().zip(&unit.values) {
                values.extend(value.map(Censored::from));
            }
        }
        let whole = by_seed.iter().filter(|values| values.len() == one.units.len());
        let mean = |values: &Vec<Censored>| {
            let of = |bound: fn(&Censored) -> f64| {
                values.iter().map(bound).sum::<f64>() / values.len() as f64
            };
            let finished = values.iter().all(|value| value.finished);
            Censored { low: of(|value| value.low), high: of(|value| value.high), finished }
        };
        let again = Estimate::new(&whole.map(mean).collect::<Vec<_>>(), alpha, resolution);
        let pairs = [
            (again.mean, one.estimate.mean),
            (again.low, one.estimate.low),
            (again.high, one.estimate.high),
        ];
        let near = |(again, kept): &(Option<f64>, Option<f64>)| match (again, kept) {
            (Some(again), Some(kept)) => (again - kept).abs() < 1e-9,
            (again, kept) => again == kept,
        };
        expect(pairs.iter().all(near), format!("{}: {again:?} {:?}", one.id(), one.estimate));
    }
    problems
}

#[test]
fn every_combination_is_judged_at_both_epochs_in_the_order_of_means() {
    let suite = suite();
    for (id, cells) in [("robust_beats_natural", 9), ("shape_bias", 3)] {
        let claim = suite.get(id).unwrap();
        let curve = made_up(claim);
        assert_eq!(problems(&curve, claim), Vec::<String>::new());
        assert_eq!((curve.specifications.len(), curve.seeds.len()), (32, 3), "{id}");
        let units: BTreeSet<usize> =
            curve.specifications.iter().map(|one| one.units.len()).collect();
        assert_eq!(units, BTreeSet::from([cells]), "{id}");
        // The paper's recipe has the least lead, and all gentle choices at the best epoch the most.
        let ids: Vec<String> = curve.specifications.iter().map(|one| one.id()).collect();
        assert_eq!(ids[0], "paper");
        assert_eq!(ids[31], "learning_rate+head+batch_norm+augmentation+best_epoch");
        assert!(curve.counts.supported > 0 && curve.counts.refuted > 0, "{:?}", curve.counts);
        assert_eq!(curve.counts.incomplete, 0);
        assert_eq!(made_up(claim), curve, "the same input gives the same order");
    }
}

#[test]
fn a_changed_curve_is_found() {
    let suite = suite();
    let claim = suite.get("shape_bias").unwrap();
    let whole = made_up(claim);
    let found = |change: fn(&mut Curve)| {
        let mut curve = whole.clone();
        change(&mut curve);
        problems(&curve, claim)
    };
    let lost = found(|curve| {
        curve.specifications.pop();
    });
    assert_eq!(lost, ["not every combination once", "counts"]);
    assert_eq!(found(|curve| curve.counts.supported += 1), ["counts"]);
    assert_eq!(found(|curve| curve.specifications.reverse()), ["order"]);
    let twice = |curve: &mut Curve| curve.specifications[1] = curve.specifications[0].clone();
    assert_eq!(found(twice)[0], "not every combination once");
    let shifted = |curve: &mut Curve| {
        curve.specifications[0].estimate.high = Some(100.0);
    };
    assert_eq!(found(shifted).len(), 1);
    let turned = |curve: &mut Curve| {
        curve.specifications[0].units[0].verdict = Verdict::Supported;
    };
    assert_eq!(found(turned).len(), 1);
    assert_eq!(found(|curve| curve.margin = 1.0), ["another claim, world or choices"]);
}

#[test]
fn a_specification_without_records_is_incomplete_and_last() {
    let suite = suite();
    let claim = suite.get("shape_bias").unwrap();
    let of = |(place, combination): (u32, Combination)| {
        let mut evidence = evidence(claim, &combination, place);
        if place == 0 {
            evidence.records = repro::evidence::Records::new([]).unwrap();
        }
        (combination, evidence)
    };
    let curve = Curve::new(claim, &(0..).zip(Combination::all()).map(of).collect::<Vec<_>>());
    assert_eq!(problems(&curve, claim), Vec::<String>::new());
    assert_eq!(curve.counts.incomplete, 2);
    let last: Vec<String> = curve.specifications[30..].iter().map(|one| one.id()).collect();
    assert_eq!(last, ["paper", "best_epoch"]);
    assert!(curve.specifications[31].estimate.mean.is_none());
    assert!(curve.specifications[31].units.iter().all(|unit| unit.values == [None; 3]));
    let drawing = draw(&curve, "curve".to_owned()).unwrap();
    assert!(drawing.notes[1].contains("2 specifications"), "{:?}", drawing.notes);
}

#[test]
fn json_and_csv_hold_every_number() {
    let suite = suite();
    let curve = made_up(suite.get("robust_beats_natural").unwrap());
    let text = serde_json::to_string_pretty(&curve).unwrap();
    assert_eq!(serde_json::from_str::<Curve>(&text).unwrap(), curve);
    let schema = serde_json::to_value(schemars::schema_for!(Curve)).unwrap();
    assert!(jsonschema::is_valid(&schema, &serde_json::from_str(&text).unwrap()));

    let csv = spreadsheet_of_curve(&curve);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let column = |name: &str| header.iter().position(|column| column == name).unwrap();
    let lines: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(lines.len(), 32);
    for (line, one) in lines.iter().zip(&curve.specifications) {
        for factor in &curve.factors {
            assert_eq!(line[column(&factor.choice)], one.has(&factor.choice).to_string());
        }
        let numbers =
            [("mean", one.estimate.mean), ("low", one.estimate.low), ("high", one.estimate.high)];
        for (name, number) in numbers {
            assert_eq!(line[column(name)].parse::<f64>().ok(), number, "{name}");
        }
        assert_eq!(line[column("verdict")], one.verdict.to_string());
    }
}

#[test]
fn the_figure_has_a_point_a_specification_above_a_matrix_of_choices() {
    let suite = suite();
    let curve = made_up(suite.get("robust_beats_natural").unwrap());
    let drawing = draw(&curve, "curve".to_owned()).unwrap();
    let body = drawing.panels[0].body.clone().into_string();
    let of = |verdict: Verdict| body.matches(&format!("<g class=\"{verdict}\">")).count();
    let counts = curve.counts;
    assert_eq!(of(Verdict::Supported), counts.supported);
    assert_eq!(of(Verdict::Refuted), counts.refuted);
    assert_eq!(counts.supported + counts.refuted + of(Verdict::Inconclusive), 32);
    assert_eq!(body.matches("class=\"whisker\"").count(), 32);
    // Each of five choices is made by half of the specifications.
    assert_eq!(body.matches("r=\"2\"").count(), 5 * 16);
    assert!(drawing.title.contains(&counts.in_words()), "{}", drawing.title);
    assert!(drawing.notes[0].contains("95 % t interval"), "{:?}", drawing.notes);
    assert!(svg::file(&drawing, "a claim").starts_with("<svg"));
}

/// The page of a claim on made-up records of the paper's recipe.
fn page(claim: &Claim, kind: EvidenceKind) -> String {
    let paper = &Combination::all()[0];
    let evidence = Evidence { kind, ..evidence(claim, paper, 9) };
    let judged = Judged {
        claim,
        evidence: &evidence,
        verdict: judge(claim, &evidence),
        again: common::again(claim, &evidence),
        on_a_log: common::on_a_log(claim),
        as_curve: common::as_curve(claim),
        under_choices: common::under_choices(claim, "smoke"),
    };
    html(&[judged], &[], "repro verify")
}

#[test]
fn a_report_has_the_curve_or_its_command_and_price() {
    let suite = suite();
    for id in kept::CLAIMS {
        let claim = suite.get(id).unwrap();
        let page = page(claim, EvidenceKind::Smoke);
        assert!(page.contains(&common::as_curve(claim)), "{id}");
        let count = if id == "shape_bias" { "288 fine-tunes" } else { "864 fine-tunes" };
        assert!(page.contains(count), "{id}");
        let drawn = golden(id).exists();
        assert_eq!(page.contains(&format!("id=\"{id}-curve\"")), drawn, "{id}");
        assert_eq!(page.contains("<p>Not run. "), !drawn, "{id}");
    }
    // The kept curve is one of the claim as it ships: another margin has none.
    let mut other = suite.get("shape_bias").unwrap().clone();
    other.hypothesis.relation = repro::claim::Relation::GreaterThan(3.0);
    assert!(page(&other, EvidenceKind::Smoke).contains("<p>Not run. "));
    // A log has no fine-tunes to run, and the other claims get no curve.
    let log = page(suite.get("shape_bias").unwrap(), EvidenceKind::Log);
    let without = page(suite.get("l2_best").unwrap(), EvidenceKind::Smoke);
    assert!([log, without].iter().all(|page| !page.contains("Specification curve")));
}

fn golden(claim: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/smoke/sensitivity");
    folder.join(format!("curve-{claim}.json"))
}

#[test]
fn kept_curves_are_complete_and_agree_with_their_values() {
    let suite = suite();
    for id in kept::CLAIMS {
        let (claim, file) = (suite.get(id).unwrap(), golden(id));
        if !file.exists() {
            eprintln!("SKIPPED: {} does not exist: {}", file.display(), common::as_curve(claim));
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let curve: Curve = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{id}: {e}"));
        assert_eq!(serde_json::to_string_pretty(&curve).unwrap(), text.trim_end(), "{id}");
        assert_eq!(problems(&curve, claim), Vec::<String>::new(), "{id}");
        assert_eq!((curve.specifications.len(), curve.counts.incomplete), (32, 0), "{id}");
        assert_eq!(curve.evidence, EvidenceKind::Smoke);
        let evidence = common::own_evidence(EvidenceKind::Smoke, Vec::new());
        assert_eq!(kept::kept(claim, &evidence), Some(curve), "{id} is in the program");
    }
}
