//! The digest of a hypothesis: of what is judged, not of its words, so that anyone can see whether
//! it changed after it was locked. It is of the spec before a world resolves its names, so one
//! digest serves every world.
//!
//! The canonical text is written part by part and by hand: neither the order of fields in a file
//! nor that of a serialiser can change it. Every struct is taken apart completely, so a new part of
//! the format does not compile until it is here. A part that the format gains later is written only
//! where it is not its default: the digests of older hypotheses stay.

use std::{collections::BTreeMap, fmt::Write};

use serde_json::Value;
use toml::Spanned;

use super::raw::{
    Axis, Descriptive, LastEpoch, Name, OneOrMany, Over, RawArm, RawCells, RawContrast, RawFactors,
    RawHolds, RawHypothesis, RawInfluenceMatch, RawMetric, RawRelation, RawShare, RawStudyMetric,
    Threshold, ValueOrGroup,
};
use super::{LogScale, Read};
use crate::{
    experiment::{Moment, Ranking, Resolution},
    stats::{Alpha, Looks},
    study::raw::RawValue,
};

/// The arms of a spec by name.
type Arms = BTreeMap<Name, RawArm>;

/// The digest, BLAKE3 in hexadecimal, of a hypothesis whose arms exist.
pub(super) fn digest(
    hypothesis: &RawHypothesis,
    arms: &Arms,
    looks: &Looks,
    alpha: Alpha,
    descriptive: Option<&Descriptive>,
) -> String {
    let text = canonical(hypothesis, arms, looks, alpha, descriptive);
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

fn canonical(
    hypothesis: &RawHypothesis,
    arms: &Arms,
    looks: &Looks,
    alpha: Alpha,
    descriptive: Option<&Descriptive>,
) -> String {
    // The sentence is words.
    let RawHypothesis {
        statement: _,
        contrasts,
        cells,
        metric,
        relation,
        average_over,
        holds,
        over,
        // What the spec states of its cells: they are the same.
        shared_runs: _,
    } = hypothesis;
    let metric = metric.as_ref();
    let mut text = "repro hypothesis 1\n".to_owned();
    let mut line = |name: &str, value: &str| {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{name} {value}");
    };
    line("looks", &joined(looks.seeds().iter().map(ToString::to_string)));
    line("alpha", &number(alpha.level()));
    line("metric", &measured(metric));
    line("relation", &relation_text(*relation.as_ref()));
    line("holds", &holds_text(*holds.as_ref()));
    line("average_over", &sorted(average_over.iter().map(|axis| axis_text(axis).to_owned())));
    match over {
        Over::Seeds => (),
        Over::SeedsAndImages => line("over", "seeds_and_images"),
    }
    if let Some(Descriptive { reason: _, means_of_figure }) = descriptive {
        line("descriptive", &means_of_figure.as_deref().map_or_else(String::new, quoted));
    }
    // The cells of all contrasts are judged together, in no order.
    let mut of_contrasts: Vec<String> =
        contrasts.iter().map(|of| contrast(of.as_ref(), cells, arms, metric)).collect();
    of_contrasts.sort();
    of_contrasts.iter().for_each(|contrast| line("contrast", contrast));
    text
}

fn contrast(contrast: &RawContrast, cells: &RawCells, arms: &Arms, metric: &RawMetric) -> String {
    let RawContrast { terms, cells: own } = contrast;
    let of_arm = |name: &Name| {
        let mut found = arms.iter().filter(|(arm, _)| arm.as_ref() == name.as_ref());
        arm_text(found.next().expect("the arms of a checked contrast exist").1, metric)
    };
    // An arm's name is words; what it fixes is judged.
    let mut terms: Vec<String> = terms
        .iter()
        .map(|(name, weight)| format!("{} x {}", number(*weight), of_arm(name)))
        .collect();
    terms.sort();
    format!("{} in {}", terms.join(" + "), cells_text(own.as_ref().unwrap_or(cells)))
}

fn arm_text(arm: &RawArm, metric: &RawMetric) -> String {
    let RawArm { source, target, blocks, images, resolution, seed_stream, zoo, at, factors } = arm;
    // The evaluation that is read: the arm's own, or that of the metric.
    let at = match metric {
        RawMetric::Accuracy(moment)
        | RawMetric::LogOdds(moment)
        | RawMetric::LogError(moment)
        | RawMetric::Loss(moment) => Some(at.unwrap_or(*moment)),
        RawMetric::EpochsTo(_)
        | RawMetric::AreaBelowOwnEnd
        | RawMetric::InfluenceMatch(_)
        | RawMetric::AdversarialAccuracy(LastEpoch::Last) => None,
        // The metric's text has its own.
        RawMetric::Study(_) => *at,
    };
    tuple([
        ("source", names(source.as_ref().map(AsRef::as_ref))),
        ("target", names(target.as_ref().map(AsRef::as_ref))),
        ("blocks", values(blocks.as_ref(), u32::to_string)),
        ("images", values(images.as_ref().map(AsRef::as_ref), size)),
        ("resolution", resolutions(resolution.as_ref().map(AsRef::as_ref))),
        ("seed_stream", seed_stream.map_or_else(String::new, |stream| stream.to_string())),
        ("zoo", zoo.map_or_else(String::new, |zoo| zoo.to_string())),
        ("at", at.map_or_else(String::new, moment)),
        ("factors", of_factors(factors)),
    ])
}

fn cells_text(cells: &RawCells) -> String {
    let RawCells { target, images, blocks, resolution, repetitions, factors } = cells;
    tuple([
        ("target", names(target.as_ref().map(AsRef::as_ref))),
        ("images", values(images.as_ref().map(AsRef::as_ref), size)),
        ("blocks", values(blocks.as_ref(), u32::to_string)),
        ("resolution", resolutions(resolution.as_ref().map(AsRef::as_ref))),
        ("repetitions", repetitions.map_or_else(String::new, |count| count.to_string())),
        ("factors", of_factors(factors)),
    ])
}

fn measured(metric: &RawMetric) -> String {
    match metric {
        // Each arm has the evaluation that is read.
        RawMetric::Accuracy(_) => "accuracy".to_owned(),
        RawMetric::LogOdds(_) => "log_odds".to_owned(),
        RawMetric::LogError(_) => "log_error".to_owned(),
        RawMetric::Loss(_) => "loss".to_owned(),
        RawMetric::AreaBelowOwnEnd => "area_below_own_end".to_owned(),
        RawMetric::AdversarialAccuracy(LastEpoch::Last) => "adversarial_accuracy last".to_owned(),
        RawMetric::Study(RawStudyMetric { name, read, scale }) => {
            let read = match read {
                Read::Last => "last".to_owned(),
                Read::Best => "best".to_owned(),
                Read::Step(step) => format!("step {}", number(*step)),
                Read::FromShare(share) => format!("from_share {}", number(*share)),
                Read::StepsTo(value) => format!("steps_to {}", number(*value)),
            };
            let scale = match scale {
                None => "",
                Some(LogScale::LogOdds) => " log_odds",
                Some(LogScale::LogError) => " log_error",
            };
            format!("study {} {read}{scale}", quoted(name))
        }
        RawMetric::EpochsTo(Threshold::Accuracy(percent)) => {
            format!("epochs_to accuracy {}", number(*percent))
        }
        RawMetric::EpochsTo(Threshold::FinalAccuracyOf(source)) => {
            format!("epochs_to final_accuracy_of {}", quoted(source))
        }
        RawMetric::EpochsTo(Threshold::ShareOfOwnEnd(share)) => {
            format!("epochs_to share_of_own_end {}", number(*share))
        }
        RawMetric::InfluenceMatch(RawInfluenceMatch { share, truncation, damping, by }) => {
            let share = match share {
                RawShare::Top1 => "rank 1".to_owned(),
                RawShare::Rank(rank) => format!("rank {rank}"),
                RawShare::ThreeOfFive => "three_of_five".to_owned(),
            };
            // Without a truncation, the inverse is the first that the world measures.
            let truncation = truncation.map(number);
            let damping = damping.or(truncation.as_ref().map(|_| 0.0)).map(number);
            let [truncation, damping] =
                [truncation, damping].map(|value| value.unwrap_or_else(|| "world".to_owned()));
            // Only where it is not the default, which older hypotheses have.
            let by = match by {
                Ranking::Influence => "",
                Ranking::InfluenceOnPredicted => " by influence_on_predicted",
                Ranking::Features => " by features",
            };
            format!("influence_match {share} truncation {truncation} damping {damping}{by}")
        }
    }
}

fn relation_text(relation: RawRelation) -> String {
    match relation {
        RawRelation::GreaterThan(margin) => format!("greater_than {}", number(margin)),
        RawRelation::NotWorseThan(margin) => format!("not_worse_than {}", number(margin)),
        RawRelation::EquivalentWithin(margin) => format!("equivalent_within {}", number(margin)),
    }
}

fn holds_text(holds: RawHolds) -> String {
    match holds {
        RawHolds::Every => "every".to_owned(),
        RawHolds::AtLeast(count) => format!("at_least {count}"),
        RawHolds::AtLeastShare(share) => format!("at_least_share {}", number(share)),
        RawHolds::MoreThanChance => "more_than_chance".to_owned(),
    }
}

fn axis_text(axis: &Axis) -> &str {
    match axis {
        Axis::Target => "target",
        Axis::Images => "images",
        Axis::Blocks => "blocks",
        Axis::Resolution => "resolution",
        Axis::Factor(name) => name,
    }
}

fn moment(at: Moment) -> String {
    match at {
        Moment::Last => "last".to_owned(),
        Moment::Best => "best".to_owned(),
        Moment::Epoch(epoch) => format!("epoch {epoch}"),
        Moment::FromShare(share) => format!("from_share {}", number(share)),
    }
}

/// A study's own factors, each with its values.
fn of_factors(factors: &RawFactors) -> String {
    let text = |value: &RawValue| match value {
        RawValue::Number(value) => number(*value),
        RawValue::Text(text) => quoted(text),
    };
    let of = |(name, list): (&Name, &Spanned<OneOrMany<RawValue>>)| {
        format!("{} [{}]", quoted(name.as_ref()), values(Some(list.as_ref()), text))
    };
    sorted(factors.iter().map(of))
}

/// Named values, without those that are empty.
fn tuple<const N: usize>(parts: [(&str, String); N]) -> String {
    let parts = parts.iter().filter(|(_, value)| !value.is_empty());
    let parts: Vec<String> = parts.map(|(name, value)| format!("{name} {value}")).collect();
    format!("({})", parts.join("; "))
}

fn names(list: Option<&OneOrMany<String>>) -> String {
    values(list, |name| quoted(name))
}

fn size(size: &ValueOrGroup<u32>) -> String {
    match size {
        ValueOrGroup::Value(images) => images.to_string(),
        ValueOrGroup::Name(name) => quoted(name),
    }
}

/// Resolutions; native alone is the default.
fn resolutions(list: Option<&OneOrMany<ValueOrGroup<Resolution>>>) -> String {
    let native = ValueOrGroup::Value(Resolution::Native);
    values(list.filter(|list| list.0 != [native]), |resolution| match resolution {
        ValueOrGroup::Value(resolution) => resolution.to_string(),
        ValueOrGroup::Name(name) => quoted(name),
    })
}

/// The values of a list, whose order means nothing.
fn values<T>(list: Option<&OneOrMany<T>>, text: impl Fn(&T) -> String) -> String {
    sorted(list.into_iter().flat_map(|list| &list.0).map(text))
}

fn sorted(values: impl Iterator<Item = String>) -> String {
    let mut values: Vec<String> = values.collect();
    values.sort();
    values.dedup();
    joined(values.into_iter())
}

fn joined(values: impl Iterator<Item = String>) -> String {
    values.collect::<Vec<_>>().join(" ")
}

/// A name in quotation marks, so that no name can be taken for two or for a value.
fn quoted(name: &str) -> String {
    Value::from(name).to_string()
}

/// The shortest decimal that is this number, without an exponent; minus zero is zero.
fn number(value: f64) -> String {
    (value + 0.0).to_string()
}

#[cfg(test)]
mod tests {
    use crate::{
        claim::{Claim, check, suite::Suite},
        world::World,
    };

    const SPEC: &str = r#"
format = 1
id = "gap"
title = "The gap"
statement = "A claim."
paper = { figures = ["2"] }

[arms]
robust = { source = "l2_3" }
natural = { source = "natural" }

[hypothesis]
statement = "A hypothesis."
contrasts = [{ terms = { robust = 1.0, natural = -1.0 } }]
metric = { accuracy = "last" }
relation = { greater_than = 0.0 }
holds = "every"
cells = { target = ["svhn", "fmnist"], images = ["few", 400], blocks = 3 }

[[reading]]
id = "other"
statement = "A reading."
holds = { at_least = 1 }
"#;

    fn claim(spec: &str) -> Claim {
        check::claim("gap.toml", spec, &World::paper()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn digests(spec: &str) -> [String; 2] {
        let claim = claim(spec);
        [claim.hypothesis, claim.readings[0].hypothesis.clone()]
            .map(|hypothesis| hypothesis.digest.unwrap())
    }

    #[test]
    fn digests_are_pinned_and_the_same_in_every_world() {
        for world in World::all() {
            let suite = Suite::embedded(&world).unwrap_or_else(|error| panic!("{error}"));
            for (id, pinned) in [
                ("faster_convergence", "a5533710fa386c4c0bd54b7ab8b9c22e"),
                ("control_same_source", "c559b41199aef023d18d9fec8b5612c6"),
                ("control_more_images", "766cb8cd1fec968da8058ab8ae349910"),
            ] {
                let digest = suite.get(id).unwrap().hypothesis.digest.clone().unwrap();
                assert!(digest.starts_with(pinned) && digest.len() == 64, "{id}: {digest}");
            }
        }
    }

    #[test]
    fn the_projects_claims_are_as_locked() {
        let suite = Suite::embedded(&World::paper()).unwrap_or_else(|error| panic!("{error}"));
        let (_, differences) = suite.lock().updated(suite.claims(), "2020-07-11");
        assert_eq!(differences, [], "a hypothesis changed after claims/lock.toml was written");
    }

    #[test]
    fn words_names_order_and_defaults_do_not_change_a_digest() {
        for (from, to) in [
            ("A claim.", "Other words."),
            ("A hypothesis.", "Other words."),
            ("A reading.", "Other words."),
            ("The gap", "Other words"),
            ("figures = [\"2\"]", "figures = [\"3\"]"),
            ("robust = 1.0, natural = -1.0", "natural = -1.0, robust = 1.0"),
            ("[\"svhn\", \"fmnist\"]", "[\"fmnist\", \"svhn\"]"),
            ("[\"few\", 400]", "[400, \"few\"]"),
            ("blocks = 3", "blocks = [3], resolution = \"native\""),
            ("\n[arms]", "\n[design]\nlooks = [3, 5, 10]\nalpha = 0.025\n[arms]"),
            ("[arms]\nrobust = {", "[arms]\nrobust = { at = \"last\","),
            ("holds = \"every\"", "holds = \"every\"\naverage_over = []"),
            ("holds = \"every\"", "holds = \"every\"\nover = \"seeds\""),
        ] {
            // `few` has 400 in it, so only one of the two stays.
            let spec = |text: &str| text.replace("[\"few\", 400]", "[400, 1600]");
            let to = to.replace("[400, \"few\"]", "[1600, 400]");
            let (base, from) = (spec(SPEC), spec(from));
            assert!(base.contains(&from), "{from}");
            assert_eq!(digests(&base), digests(&base.replacen(&from, &to, 1)), "{from} -> {to}");
        }
        let base = SPEC.replace("[\"few\", 400]", "400");
        let renamed = base.replace("robust", "strong");
        assert_eq!(digests(&base), digests(&renamed));
        let expected =
            format!("{base}\n[expected.smoke]\nverdict = \"refuted\"\nreason = \"none\"");
        assert_eq!(digests(&base), digests(&expected));
    }

    #[test]
    fn every_judged_part_changes_the_digest() {
        let base = SPEC.replace("[\"few\", 400]", "[400, 1600]");
        let mut seen = vec![digests(&base)];
        for (from, to) in [
            ("source = \"l2_3\"", "source = \"linf_4\""),
            ("source = \"l2_3\"", "source = \"l2_3\", at = \"best\""),
            ("robust = 1.0, natural = -1.0", "robust = 2.0, natural = -2.0"),
            ("robust = 1.0, natural = -1.0", "robust = -1.0, natural = 1.0"),
            ("accuracy = \"last\"", "accuracy = \"best\""),
            ("accuracy = \"last\"", "loss = \"last\""),
            ("accuracy = \"last\"", "log_odds = \"last\""),
            ("accuracy = \"last\"", "log_odds = \"best\""),
            ("accuracy = \"last\"", "log_error = \"last\""),
            ("accuracy = \"last\"", "adversarial_accuracy = \"last\""),
            ("{ accuracy = \"last\" }", "\"area_below_own_end\""),
            ("accuracy = \"last\"", "epochs_to = { share_of_own_end = 0.95 }"),
            ("accuracy = \"last\"", "epochs_to = { share_of_own_end = 0.9 }"),
            ("accuracy = \"last\"", "epochs_to = { accuracy = 50.0 }"),
            ("accuracy = \"last\"", "epochs_to = { final_accuracy_of = \"natural\" }"),
            ("greater_than = 0.0", "greater_than = 1.0"),
            ("greater_than = 0.0", "not_worse_than = 0.0"),
            ("greater_than = 0.0", "equivalent_within = 1.0"),
            ("[\"svhn\", \"fmnist\"]", "[\"svhn\", \"kmnist\"]"),
            ("[400, 1600]", "[400, 800]"),
            ("blocks = 3", "blocks = 1"),
            ("blocks = 3", "blocks = 3, resolution = 32"),
            ("holds = \"every\"", "holds = \"every\"\naverage_over = [\"target\"]"),
            ("holds = \"every\"", "holds = \"every\"\nover = \"seeds_and_images\""),
            ("source = \"natural\"", "source = \"natural\", zoo = 1"),
            ("source = \"natural\"", "source = \"natural\", zoo = 2"),
            ("\n[arms]", "\n[design]\nlooks = [3, 5]\n[arms]"),
            ("\n[arms]", "\n[design]\nalpha = 0.01\n[arms]"),
        ] {
            assert!(base.contains(from), "{from}");
            let spec = base.replacen(from, to, 1);
            seen.push(digests(&spec));
        }
        let primary: std::collections::BTreeSet<&String> = seen.iter().map(|of| &of[0]).collect();
        assert_eq!(primary.len(), seen.len(), "two primary hypotheses have one digest");
        // A reading has the parts of the primary hypothesis that it does not replace.
        let other = base.replace("{ at_least = 1 }", "\"more_than_chance\"");
        let descriptive = format!("{base}descriptive = {{ reason = \"none\" }}");
        let [before, counted, reported] =
            [&base, &other, &descriptive].map(|spec| digests(spec)[1].clone());
        assert!(before != counted && before != reported && counted != reported);
        assert_eq!(digests(&base)[0], digests(&descriptive)[0]);
    }

    #[test]
    fn a_reading_of_an_earlier_one_has_the_digest_of_what_it_repeats() {
        let reading = |id: &str, rest: &str| {
            format!("\n[[reading]]\nid = \"{id}\"\nstatement = \"A reading.\"\n{rest}\n")
        };
        let base = SPEC.replace("[\"few\", 400]", "400");
        let whole = "holds = { at_least = 1 }\nrelation = { greater_than = 1.0 }";
        let spec = format!(
            "{base}{}{}",
            reading("of_other", "of = \"other\"\nrelation = { greater_than = 1.0 }"),
            reading("whole", whole)
        );
        let claim = claim(&spec);
        let digest = |place: usize| claim.readings[place].hypothesis.digest.clone().unwrap();
        assert_eq!(digest(1), digest(2));
        assert_ne!(digest(0), digest(1));
    }
}
