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

use super::raw::{
    Axis, Descriptive, LastEpoch, Name, OneOrMany, Over, RawArm, RawCells, RawContrast, RawHolds, RawHypothesis,
    RawInfluenceMatch, RawMetric, RawRelation, RawShare, Threshold, ValueOrGroup,
};
use crate::{
    experiment::{Moment, Resolution},
    stats::{Alpha, Looks},
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
    line("average_over", &sorted(average_over.iter().map(|axis| axis_text(*axis).to_owned())));
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
    let RawArm { source, target, blocks, images, resolution, seed_stream, zoo, at } = arm;
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
    ])
}

fn cells_text(cells: &RawCells) -> String {
    let RawCells { target, images, blocks, resolution, repetitions } = cells;
    tuple([
        ("target", names(target.as_ref().map(AsRef::as_ref))),
        ("images", values(images.as_ref().map(AsRef::as_ref), size)),
        ("blocks", values(blocks.as_ref(), u32::to_string)),
        ("resolution", resolutions(resolution.as_ref().map(AsRef::as_ref))),
        ("repetitions", repetitions.map_or_else(String::new, |count| count.to_string())),
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
        RawMetric::EpochsTo(Threshold::Accuracy(percent)) => {
            format!("epochs_to accuracy {}", number(*percent))
        }
        RawMetric::EpochsTo(Threshold::FinalAccuracyOf(source)) => {
            format!("epochs_to final_accuracy_of {}", quoted(source))
        }
        RawMetric::EpochsTo(Threshold::ShareOfOwnEnd(share)) => {
            format!("epochs_to share_of_own_end {}", number(*share))
        }
        RawMetric::InfluenceMatch(RawInfluenceMatch { share, truncation, damping }) => {
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
            format!("influence_match {share} truncation {truncation} damping {damping}")
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

fn axis_text(axis: Axis) -> &'static str {
    match axis {
        Axis::Target => "target",
        Axis::Images => "images",
        Axis::Blocks => "blocks",
        Axis::Resolution => "resolution",
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
