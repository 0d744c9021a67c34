//! Associations of a claim, in text and on the page.

use maud::{Markup, html};

use super::html::wide;
use crate::{
    figure::numbers::{counted, grouped, probability, signed, value},
    judge::{AssociatedTarget, AssociationAt, AssociationResult},
};

/// The measure that is a distance, which is shown without its sign.
const DISTANCE: &str = "frechet_distance";

/// One sentence an association and size, each with its indent.
pub(super) fn sentences(associations: &[AssociationResult]) -> Vec<(usize, String)> {
    let of = |association: &AssociationResult| {
        let head = format!("association {}: {}", association.id, association.similarity);
        let head = (2, head);
        let sizes = association.sizes.iter();
        let why = association.unavailable.clone().or_else(|| distances(association));
        let why = why.map(|why| (4, why));
        let each = sizes.map(|size| (4, format!("{}: {}", place(size), in_words(size))));
        std::iter::once(head).chain(why).chain(each).collect::<Vec<_>>()
    };
    associations.iter().flat_map(of).collect()
}

/// Each target's distance from the source, where the similarity is one.
fn distances(association: &AssociationResult) -> Option<String> {
    let size = association.sizes.first().filter(|_| association.measure == DISTANCE)?;
    let of = |target: &AssociatedTarget| {
        Some(format!("{} {}", target.target, value(-target.similarity?)))
    };
    let each: Vec<String> = size.targets.iter().filter_map(of).collect();
    Some(format!("distances: {}", each.join(", ")))
}

fn place(size: &AssociationAt) -> String {
    size.images.map_or_else(
        || "averaged over sizes".to_owned(),
        |images| format!("{} images", grouped(images)),
    )
}

fn in_words(size: &AssociationAt) -> String {
    let mut parts = Vec::new();
    if let (Some(difference), Some(ways), Some(least)) = (size.difference, size.ways, size.least_p)
    {
        let p = size.p.map(|p| {
            let (p, least) = (probability(Some(p)), probability(Some(least)));
            format!(", p {p} over {ways} ways to group (least possible {least})")
        });
        let groups = format!("groups differ by {} points", signed(Some(difference)));
        parts.push(groups + &p.unwrap_or_default());
    }
    if let Some(tau) = size.tau {
        let p = size.tau_p.map(|p| format!(", exact p {}", probability(Some(p))));
        parts.push(format!("Kendall's tau {}{}", signed(Some(tau)), p.unwrap_or_default()));
    }
    if !size.blocks.is_empty() {
        let blocks: Vec<String> = size.blocks.iter().map(u32::to_string).collect();
        let targets = counted(size.targets.len(), "target");
        parts.push(format!("{targets}, best of {} blocks", blocks.join(", ")));
    }
    parts.extend(size.reason.clone());
    parts.join("; ")
}

/// Its numbers by size, and each target's, on the page.
pub(super) fn table(associations: &[AssociationResult]) -> Markup {
    html! {
        @for association in associations {
            details {
                summary { "Association " code { (association.id) } }
                div.within {
                    p {
                        (association.sentence) " It never changes the verdict. Similarity: "
                        (association.similarity) "."
                    }
                    @if let Some(why) = &association.unavailable { p { "Here it is " (why) "." } }
                    @if !association.sizes.is_empty() {
                        ul {
                            @for size in &association.sizes {
                                li { (place(size)) ": " (in_words(size)) "." }
                            }
                        }
                        (wide(
                            "Targets, with the effect and the similarity of each", "",
                            &targets(association),
                        ))
                    }
                }
            }
        }
    }
}

fn targets(association: &AssociationResult) -> Markup {
    let distance = association.measure == DISTANCE;
    let similarity = |similarity: Option<f64>| {
        let shown = |of: f64| value(if distance { -of } else { 100.0 * of });
        similarity.map_or_else(String::new, shown)
    };
    let effect = |effect: Option<f64>| effect.map_or_else(String::new, |of| signed(Some(of)));
    html! {
        thead { tr {
            th scope="col" { "size" }
            th scope="col" { "target" }
            th scope="col" { "group" }
            th.number scope="col" { @if distance { "distance" } @else { "similarity, %" } }
            th.number scope="col" { "effect, points" }
            th.number scope="col" { "seeds of the similarity" }
            th.number scope="col" { "seeds of the effect" }
        } }
        tbody {
            @for size in &association.sizes {
                @for target in &size.targets {
                    tr {
                        td { (place(size)) }
                        td { (target.target) }
                        td { @if target.similar { "similar" } @else { "other" } }
                        td.number { (similarity(target.similarity)) }
                        td.number { (effect(target.effect)) }
                        td.number { (target.similarity_seeds) }
                        td.number { (target.effect_seeds) }
                    }
                }
            }
        }
    }
}
