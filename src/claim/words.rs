//! A claim in words, for `repro show` and the report. The words are made from the checked claim, so
//! they can't differ from what is judged.

use std::{collections::BTreeSet, fmt::Write};

use super::{
    Attacked, Axis, Cell, Claim, Holds, Hypothesis, InfluenceMatch, Metric, Over, PaperRef,
    Relation, Share, Threshold, label::arm,
};
use crate::{
    experiment::{Moment, Ranking},
    world::World,
};

/// Where the claim is made, such as `paper: figure 2; reproduction: figures A1, A2`.
#[must_use]
pub fn place(place: &PaperRef) -> String {
    let numbered = |noun: &str, which: &[String]| match which {
        [] => None,
        [one] => Some(format!("{noun} {one}")),
        several => Some(format!("{noun}s {}", several.join(", "))),
    };
    let of_paper: Vec<String> = [
        numbered("figure", &place.figures),
        numbered("table", &place.tables),
        numbered("section", &place.sections),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut parts = Vec::new();
    if !of_paper.is_empty() {
        parts.push(format!("paper: {}", of_paper.join(", ")));
    }
    if let Some(figures) = numbered("figure", &place.reproduction) {
        parts.push(format!("reproduction: {figures}"));
    }
    parts.join("; ")
}

/// The metric in words.
#[must_use]
pub fn metric(metric: &Metric) -> String {
    match metric {
        Metric::Accuracy(at) => format!("test accuracy in points, {}", when(*at)),
        Metric::LogOdds(at) => {
            format!("log-odds of the test accuracy, {}", when(*at))
        }
        Metric::LogError(at) => {
            format!("minus the logarithm of the test error, {}", when(*at))
        }
        Metric::Loss(at) => format!("test loss in nats, {}", when(*at)),
        Metric::EpochsTo(Threshold::Accuracy(percent)) => {
            format!("epochs until a test accuracy of {percent} % is first reached")
        }
        Metric::EpochsTo(Threshold::FinalAccuracyOf(source)) => {
            format!("epochs until the final test accuracy of {source} (same seed) is first reached")
        }
        Metric::EpochsTo(Threshold::ShareOfOwnEnd(share)) => {
            let share = share * 100.0;
            format!("epochs until {share:.0} % of a run's own final test accuracy is first reached")
        }
        Metric::AreaBelowOwnEnd => {
            "mean shortfall of the test accuracy below the run's own end, over the logged part of \
             the schedule, in points"
                .to_owned()
        }
        Metric::InfluenceMatch(InfluenceMatch { share, inverse, by }) => {
            let (most, by, class, how) = match by {
                Ranking::Influence => {
                    ("most influential", "influence", "their class", format!(" ({inverse})"))
                }
                Ranking::InfluenceOnPredicted => (
                    "most influential",
                    "influence",
                    "the class that the model predicts for them",
                    format!(" (influence on the loss of that class, {inverse})"),
                ),
                Ranking::Features => (
                    "nearest",
                    "features",
                    "their class",
                    " (by the cosine between features, without gradients)".to_owned(),
                ),
            };
            let counted = match share {
                Share::Rank(1) => format!("whose {most} training image has {class}"),
                Share::Rank(rank) => {
                    format!("whose training image of rank {rank} by {by} has {class}")
                }
                Share::ThreeOfFive => {
                    format!("of whose 5 {most} training images at least 3 have {class}")
                }
            };
            format!("share of test images {counted}, in points{how}")
        }
        Metric::Study(of) => of.in_words(),
        Metric::AdversarialAccuracy(Attacked { images }) => {
            let images =
                images.map_or_else(String::new, |images| format!(" on {images} test images"));
            format!("test accuracy under attack in points{images}, at the last epoch")
        }
    }
}

fn when(at: Moment) -> String {
    match at {
        Moment::Last => "at the last epoch".to_owned(),
        Moment::Best => "at the best logged epoch (chosen on the test set)".to_owned(),
        Moment::Epoch(epoch) => format!("at epoch {epoch}"),
        Moment::FromShare(share) => {
            format!("at the first logged epoch from {:.0} % of the schedule on", share * 100.0)
        }
    }
}

/// How the contrast must compare with the margin.
#[must_use]
pub fn relation(hypothesis: &Hypothesis) -> String {
    let unit = hypothesis.metric.unit().after();
    match hypothesis.relation {
        Relation::GreaterThan(margin) => format!("greater than {margin}{unit}"),
        Relation::NotWorseThan(margin) => format!("not worse by more than {margin}{unit}"),
        Relation::EquivalentWithin(margin) => format!("within {margin}{unit} of zero"),
    }
}

/// The quantifier in words: how many units must hold.
#[must_use]
pub fn holds(hypothesis: &Hypothesis) -> String {
    let axes: Vec<&str> = hypothesis.average_over.iter().map(axis_name).collect();
    let units = |noun: &str| match axes.as_slice() {
        [] => noun.replace("unit", "cell"),
        axes => {
            let noun = noun.replace("unit", "average");
            format!("{noun} over {} within a seed", axes.join(" and "))
        }
    };
    let (count, all) = (hypothesis.units(), units("units"));
    match (hypothesis.holds, count) {
        (_, 1) => format!("in the only {}", units("unit")),
        (Holds::Every, _) => format!("in every one of {count} {all}"),
        (Holds::AtLeast(least), _) => format!("in at least {least} of {count} {all}"),
        (Holds::MoreThanChance, _) => {
            format!("in more of {count} {all} than chance would support")
        }
    }
}

fn axis_name(axis: &Axis) -> &str {
    match axis {
        Axis::Target => "targets",
        Axis::Images => "sizes",
        Axis::Blocks => "blocks",
        Axis::Resolution => "resolutions",
        Axis::Factor(name) => name,
    }
}

/// A list of cells: their targets, sizes, blocks and resolutions.
#[must_use]
pub fn cells(cells: &[Cell]) -> String {
    fn distinct<T: ToString>(values: impl Iterator<Item = Option<T>>) -> Vec<String> {
        let mut seen: Vec<String> = Vec::new();
        for value in values.flatten() {
            let value = value.to_string();
            if !seen.contains(&value) {
                seen.push(value);
            }
        }
        seen
    }
    let parts = [
        ("targets", distinct(cells.iter().map(|cell| cell.target.clone()))),
        ("images", distinct(cells.iter().map(|cell| cell.images))),
        ("blocks", distinct(cells.iter().map(|cell| cell.blocks))),
        ("resolution", distinct(cells.iter().map(|cell| cell.resolution))),
        (
            "repetitions up to",
            cells
                .iter()
                .filter_map(|cell| cell.repetition)
                .max()
                .map(|last| last.to_string())
                .into_iter()
                .collect(),
        ),
    ];
    let names: BTreeSet<&str> =
        cells.iter().flat_map(|cell| cell.factors.keys()).map(|name| &**name).collect();
    let of = |name: &str| distinct(cells.iter().map(|cell| cell.factors.get(name)));
    let named: Vec<String> = parts
        .into_iter()
        .chain(names.into_iter().map(|name| (name, of(name))))
        .filter(|(_, values)| !values.is_empty())
        .map(|(name, values)| format!("{name} {}", values.join(", ")))
        .collect();
    named.join("; ")
}

/// The whole claim, for `repro show`.
#[must_use]
pub fn claim(claim: &Claim, world: &World) -> String {
    let mut text = String::new();
    let mut line = |line: &str| {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{line}");
    };
    line(&format!("{}: {}", claim.id, claim.title));
    line("");
    line(&format!("  {}", claim.statement));
    let place = place(&claim.paper);
    if !place.is_empty() {
        line(&format!("  place      {place}"));
    }
    if !claim.paper.note.is_empty() {
        line(&format!("  note       {}", claim.paper.note));
    }
    line("");
    line("primary hypothesis");
    for part in hypothesis(&claim.hypothesis, world) {
        line(&part);
    }
    for reading in &claim.readings {
        line("");
        line(&format!("secondary hypothesis (reading) {}", reading.id));
        for part in hypothesis(&reading.hypothesis, world) {
            line(&part);
        }
        if let Some(descriptive) = &reading.descriptive {
            line(&format!("  judged     no, reported only: {}", descriptive.reason));
        }
    }
    for association in &claim.associations {
        line("");
        line(&format!("association {}", association.id));
        line(&format!("  {}", association.statement));
        line(&format!("  effect     {}", association.effect.label));
        line(&format!("  similarity {}", association.similarity.in_words()));
        line("  judged     no: it is reported beside the verdict");
    }
    line("");
    if let Some(study) = &world.study {
        line(&study.replicate.name);
        line(&format!(
            "  the log has one look, at the level {} (the {:.0} % interval)",
            claim.design.alpha.level(),
            100.0 - 200.0 * claim.design.alpha.level()
        ));
    } else {
        seeds(claim, world, &mut line);
    }
    line("");
    line("expected");
    if claim.expected.is_empty() {
        line("  no verdict yet");
    }
    for (kind, expected) in &claim.expected {
        line(&format!("  {kind}: {}, because {}", expected.verdict, expected.reason));
        for caveat in &expected.caveats {
            line(&format!("  - {caveat}"));
        }
    }
    if !claim.caveats.is_empty() {
        line("");
        line("caveats");
        for caveat in &claim.caveats {
            line(&format!("  - {caveat}"));
        }
    }
    text
}

/// The looks of a claim, and what the authors planned.
fn seeds(claim: &Claim, world: &World, line: &mut impl FnMut(&str)) {
    line("seeds");
    line(&format!(
        "  local runs have looks at {} seeds, each at the one-sided level {:.4}",
        claim.design.looks.seeds().iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        claim.design.looks.level(claim.design.alpha).level()
    ));
    if !claim.readings.is_empty() {
        let looks = claim.design.secondary_looks.seeds();
        let looks: Vec<String> = looks.iter().map(ToString::to_string).collect();
        line(&format!(
            "  secondary hypotheses (readings) have looks at {} seeds",
            looks.join(", ")
        ));
    }
    line(&format!(
        "  published logs have one look, at the level {} (the {:.0} % interval)",
        claim.design.alpha.level(),
        100.0 - 200.0 * claim.design.alpha.level()
    ));
    for plan in &world.seeds {
        line(&format!(
            "  their authors planned {} for each cell with at most {} images",
            match plan.count {
                1 => "1 seed".to_owned(),
                count => format!("{count} seeds"),
            },
            plan.images_up_to
        ));
    }
}

fn hypothesis(hypothesis: &Hypothesis, world: &World) -> Vec<String> {
    let mut lines = vec![format!("  {}", hypothesis.statement)];
    for contrast in &hypothesis.contrasts {
        lines.push(format!("  contrast   {}", contrast.label));
        for term in &contrast.terms {
            lines.push(format!("             {:+} x {}", term.weight, arm(&term.arm, world)));
        }
        lines.push(format!("  cells      {}", cells(&contrast.cells)));
    }
    let terms = hypothesis.contrasts.iter().flat_map(|contrast| &contrast.terms);
    let exception = if terms.clone().any(|term| term.arm.at.is_some()) {
        ", except for an arm that names its own epoch"
    } else {
        ""
    };
    lines.push(format!("  metric     {}{exception}", metric(&hypothesis.metric)));
    lines.push(format!("  relation   {}", relation(hypothesis)));
    lines.push(format!("  must hold  {}", holds(hypothesis)));
    // The default needs no word.
    if hypothesis.over == Over::SeedsAndImages {
        lines.push("  over       seeds and test images together".to_owned());
    }
    lines.push(format!("  lock       {}", hypothesis.lock.in_words()));
    lines
}
