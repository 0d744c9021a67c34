//! Titles in place of ids in the reason of a verdict: `cifar10 12800 images, cifar10 25600 images`
//! becomes `CIFAR-10 at 12,800 and 25,600 images`. What is recorded keeps its ids.

use std::sync::LazyLock;

use maud::{Markup, html};

use crate::{
    figure::{groups::together, numbers::grouped},
    judge::CellVerdict,
    world::World,
};

/// A text with the titles of targets, and consecutive cells of one target taken together.
#[must_use]
pub(super) fn in_titles<'a>(
    text: &str,
    cells: impl IntoIterator<Item = &'a CellVerdict>,
    world: &World,
) -> String {
    let mut cells: Vec<&CellVerdict> = cells.into_iter().collect();
    // The longest name first: `100 images` ends the name of a cell of a target.
    cells.sort_by_key(|cell| std::cmp::Reverse(cell.name.len()));
    let named = |text: &str| {
        let begins = |cell: &&&CellVerdict| {
            let rest = text.strip_prefix(cell.name.as_str());
            !cell.name.is_empty() && rest.is_some_and(|rest| !rest.starts_with(in_a_word))
        };
        cells.iter().find(begins).copied()
    };
    let (mut titled, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        if let Some(cell) = named(rest) {
            let mut run = vec![cell];
            rest = &rest[cell.name.len()..];
            while let Some(next) = rest.strip_prefix(", ").and_then(named) {
                run.push(next);
                rest = &rest[2 + next.name.len()..];
            }
            titled += &list(&run, world);
            continue;
        }
        if let Some((word, after)) = quoted(rest).filter(|(word, _)| title(word, world) != *word) {
            titled += title(word, world);
            rest = after;
            continue;
        }
        let word = rest.find(|c| !in_a_word(c)).unwrap_or(rest.len()).max(first.len_utf8());
        titled += title(&rest[..word], world);
        rest = &rest[word..];
    }
    titled
}

/// A target's title. One that a set-up does not have keeps the paper's. What the paper's titles say
/// after a comma, the question that is asked of the images, is no part of a sentence.
fn title<'a>(target: &'a str, world: &'a World) -> &'a str {
    static PAPER: LazyLock<World> = LazyLock::new(World::paper);
    let (own, of_paper) = (world.title(target), PAPER.title(target));
    if own == of_paper || (own == target && world.absent.contains_key(target)) {
        return of_paper.split(", ").next().unwrap_or(of_paper);
    }
    own
}

/// The text between backquotes with which this one begins, and what follows.
fn quoted(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('`')?.split_once('`')
}

/// A text whose parts between backquotes are code. A backquote without a second one stays.
#[must_use]
pub(super) fn with_code(text: &str) -> Markup {
    let mut parts: Vec<&str> = text.split('`').collect();
    let unpaired = parts.len().is_multiple_of(2).then(|| parts.pop()).flatten();
    html! {
        @for (at, part) in parts.iter().enumerate() {
            @if at % 2 == 0 { (part) } @else { code { (part) } }
        }
        @if let Some(rest) = unpaired { "`" (rest) }
    }
}

fn in_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Cells in the order of their targets: `CIFAR-10 at 12,800 and 25,600 images; MNIST`.
fn list(cells: &[&CellVerdict], world: &World) -> String {
    let named = |((title, other), sizes): ((&str, &str), Vec<Option<String>>)| {
        let sizes: Vec<String> = sizes.into_iter().flatten().collect();
        let place = match sizes.as_slice() {
            [] => other.to_owned(),
            sizes => format!("{} images", listed(sizes)),
        };
        match (title.is_empty(), place.is_empty()) {
            (true, _) => place,
            (_, true) => title.to_owned(),
            _ => format!("{title} at {place}"),
        }
    };
    together(cells.iter().map(|cell| place(cell, world)))
        .into_iter()
        .map(named)
        .collect::<Vec<_>>()
        .join("; ")
}

/// A cell's target by title with its coordinates in words, apart from the number of images.
fn place<'a>(cell: &'a CellVerdict, world: &'a World) -> ((&'a str, &'a str), Option<String>) {
    let target = cell.target.as_deref().filter(|target| cell.name.starts_with(target));
    let rest = cell.name[target.map_or(0, str::len)..].trim_start();
    let size = rest.strip_suffix(" images").and_then(|count| count.parse().ok());
    // Other coordinates than the number of images stay as they are named.
    let other = if size.is_some() { "" } else { rest };
    ((target.map_or("", |target| title(target, world)), other), size.map(grouped))
}

/// `100, 200 and 400`.
pub(super) fn listed(words: &[String]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        words => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{claim::suite::Suite, evidence::Evidence, judge::judge};

    #[test]
    fn cells_of_one_target_are_taken_together_and_have_its_title() {
        let world = World::paper();
        let suite = Suite::embedded(&world).unwrap();
        let evidence = Evidence::published().unwrap();
        let verdict = judge(suite.get("robust_beats_natural").unwrap(), &evidence);
        let titled = |text: &str| in_titles(text, &verdict.cells, &world);
        assert_eq!(
            titled(
                "not: cifar10 12800 images, cifar10 25600 images, svhn 100 images, such as svhn."
            ),
            "not: CIFAR-10 at 12,800 and 25,600 images; SVHN at 100 images, such as SVHN."
        );
        // Neither a part of a word nor other text is changed.
        assert_eq!(titled("my_svhn: \u{2212}3 & <svhn2> é"), "my_svhn: \u{2212}3 & <svhn2> é");
        assert_eq!(titled(""), "");
    }

    #[test]
    fn a_target_that_a_set_up_does_not_have_keeps_its_title() {
        let titled = |text: &str| in_titles(text, [], &World::smoke());
        assert_eq!(
            titled("celeba from l2_3 (`celeba` is not available: `see it`)"),
            "CelebA from l2_3 (CelebA is not available: `see it`)"
        );
        assert_eq!(titled("`nothing` and ` alone"), "`nothing` and ` alone");
    }

    #[test]
    fn text_between_backquotes_is_code() {
        let shown = |text: &str| with_code(text).into_string();
        assert_eq!(shown("a `b<c` d"), "a <code>b&lt;c</code> d");
        assert_eq!(shown("`a` and ` alone"), "<code>a</code> and ` alone");
        assert_eq!(shown(""), "");
    }
}
