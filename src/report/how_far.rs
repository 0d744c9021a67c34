//! How far a verdict stands, in words, for text and page.

use crate::{
    claim::{Claim, Hypothesis, Relation},
    figure::numbers::signed,
    judge::{CellVerdict, HowFar, RefutedAs, SecondaryVerdict, SeedsAndImages},
    util::decimals::plain,
};

/// The manner in which a hypothesis is refuted.
#[must_use]
pub(crate) fn manner(how_far: &HowFar) -> Option<&'static str> {
    how_far.refuted_as.map(|manner| match manner {
        RefutedAs::Reversed => "reversed",
        RefutedAs::SmallerThanAsked => "smaller than asked",
    })
}

/// What separates a verdict from the text after it: `, reversed, `, or `otherwise`.
#[must_use]
pub(super) fn after_verdict(how_far: &HowFar, otherwise: &str) -> String {
    manner(how_far).map_or_else(|| otherwise.to_owned(), |manner| format!(", {manner}, "))
}

/// How far a verdict on a hypothesis stands, in sentences without a full stop.
#[must_use]
pub(super) fn sentences(how_far: &HowFar, hypothesis: &Hypothesis) -> Vec<String> {
    let (unit, relation) = (hypothesis.metric.unit(), hypothesis.relation);
    let unit = unit.after();
    let stands = how_far.stands_to.map(|to| match relation {
        Relation::GreaterThan(_) => format!("stands up to a margin of {}{unit}", plain(to)),
        Relation::NotWorseThan(_) if to < 0.0 => {
            format!("stands as not worse than {}{unit}", plain(-to))
        }
        Relation::NotWorseThan(_) => format!("stands even as greater than {}{unit}", plain(to)),
        Relation::EquivalentWithin(_) => format!("stands down to a margin of {}{unit}", plain(to)),
    });
    let detectable = how_far.detectable.map(|effect| match relation {
        Relation::EquivalentWithin(_) => format!(
            "these seeds have 80 % power to show equivalence within {}{unit}, if there is no \
             difference",
            plain(effect)
        ),
        _ => format!(
            "these seeds have 80 % power to find a difference of {}{unit} from the margin",
            plain(effect)
        ),
    });
    let checkpoints = how_far.stands_to_checkpoint_sd.map(|sd| {
        format!(
            "falls if leads differ between checkpoints by a standard deviation above {}{unit}",
            plain(sd)
        )
    });
    let images = how_far.changed_by_test_images.then(|| {
        "an interval over seeds and test images together would change this verdict".to_owned()
    });
    [stands, detectable, checkpoints, images].into_iter().flatten().collect()
}

/// The interval of a cell over seeds and test images: `+1.2 to +3.4`.
#[must_use]
pub(super) fn over_seeds_and_images(cell: &CellVerdict) -> Option<String> {
    let SeedsAndImages { low, high, .. } = cell.seeds_and_images.as_ref()?;
    Some(format!("{} to {}", signed(Some(*low)), signed(Some(*high))))
}

/// The intervals of cells over seeds and test images, in one line: a column would break numbers.
#[must_use]
pub(super) fn with_images(cells: &[&CellVerdict]) -> Option<String> {
    let of = |cell: &&CellVerdict| Some(format!("{} {}", cell.name, over_seeds_and_images(cell)?));
    let intervals: Vec<String> = cells.iter().filter_map(of).collect();
    let together = "over seeds and test images together";
    (!intervals.is_empty()).then(|| format!("{together}: {}", intervals.join("; ")))
}

/// How far the verdict on a secondary hypothesis of a claim stands.
#[must_use]
pub(super) fn of_reading(claim: &Claim, reading: &SecondaryVerdict) -> Vec<String> {
    let known = claim.readings.iter().find(|known| known.id == reading.id);
    known.map_or_else(Vec::new, |known| sentences(&reading.how_far, &known.hypothesis))
}
