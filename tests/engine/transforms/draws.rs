//! Random draws: their ranges, and the draws that recipes share.

use std::collections::HashSet;

use repro::{engine::transform::*, experiment::Augmentation};

use super::reference::{Reference, assert_same_bytes, difference};

/// A reproducible source of uniform numbers: the Weyl sequence of the golden ratio.
fn uniform() -> impl FnMut() -> f64 {
    let mut at = 0.0_f64;
    move || {
        at = (at + 0.618_033_988_749_894_9).fract();
        at
    }
}

#[test]
fn draws_cover_the_ranges_of_the_recipe() {
    let mut source = uniform();
    let draws = Augmentation::PAPER.draw(5_000, &mut source);
    let rows: HashSet<i64> = draws.iter().map(|draw| draw.placement.rows).collect();
    let columns: HashSet<i64> = draws.iter().map(|draw| draw.placement.columns).collect();
    assert_eq!(rows, (-4..=4).collect());
    assert_eq!(columns, (-4..=4).collect());
    let orders: HashSet<_> =
        draws.iter().map(|draw| draw.jitter.order.map(|operation| operation as usize)).collect();
    assert_eq!(orders.len(), 6);
    for order in orders {
        assert_eq!(order.iter().sum::<usize>(), 3);
        assert_eq!(HashSet::from(order).len(), 3);
    }
    let within = |values: Vec<f64>, low: f64, high: f64| {
        let (least, most) = values.iter().fold((f64::MAX, f64::MIN), |(least, most), &value| {
            (least.min(value), most.max(value))
        });
        // Of 5,000 values, some are within a hundredth of the range from its ends.
        let near = (high - low) / 100.0;
        low <= least && least < low + near && high - near < most && most <= high
    };
    assert!(within(draws.iter().map(|draw| draw.degrees).collect(), -2.0, 2.0));
    for at in 0..3 {
        let factors = draws.iter().map(|draw| f64::from(draw.jitter.factors[at])).collect();
        assert!(within(factors, 0.75, 1.25));
    }
    let flips = draws.iter().filter(|draw| draw.placement.flip).count();
    assert!((2_400..2_600).contains(&flips), "{flips} of 5,000");
}

#[test]
fn a_step_that_is_left_out_changes_no_other_draw() {
    let paper = Augmentation::PAPER;
    let drawn = |augmentation: Augmentation| augmentation.draw(20, &mut uniform());
    let unflipped = drawn(Augmentation { flip: 0.0, ..paper });
    let unpadded = drawn(Augmentation { padding: 0, ..paper });
    let plain = drawn(Augmentation { jitter: 0.0, ..paper });
    let upright = drawn(Augmentation { degrees: 0.0, ..paper });
    for (at, draw) in drawn(paper).into_iter().enumerate() {
        let Placement { rows, columns, flip } = draw.placement;
        let placement = Placement { rows, columns, flip: false };
        assert_eq!(unflipped[at], Draw { placement, ..draw });
        let placement = Placement { rows: 0, columns: 0, flip };
        assert_eq!(unpadded[at], Draw { placement, ..draw });
        let jitter = Jitter { factors: [1.0; 3], ..draw.jitter };
        assert_eq!(plain[at], Draw { jitter, ..draw });
        assert_eq!(upright[at], Draw { degrees: 0.0, ..draw });
    }
}

#[test]
fn a_recipe_without_augmentation_changes_no_image() {
    let reference = Reference::read();
    let images = reference.array("colour");
    let draws = Augmentation::NONE.draw(3, &mut uniform());
    assert_same_bytes(&augment(images, &draws), images, "no augmentation");
    let draws = Augmentation::PAPER.draw(3, &mut uniform());
    assert!(difference(&augment(images, &draws), images).0 > 0);
}
