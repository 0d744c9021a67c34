//! Random parameters of one image's augmentation, drawn from a recipe's ranges.

use super::{Jitter, Operation, Placement};
use crate::experiment::Augmentation;

/// Every order of the three operations.
const ORDERS: [[Operation; 3]; 6] = {
    use Operation::{Brightness as B, Contrast as C, Saturation as S};
    [[B, C, S], [B, S, C], [C, B, S], [C, S, B], [S, B, C], [S, C, B]]
};

impl Augmentation {
    /// Draws for `count` images from a source of uniform numbers in [0, 1).
    ///
    /// Each image takes eight numbers, even if the recipe leaves out a step. Recipes that differ in
    /// one step share the draws of all other steps, and so stay paired.
    #[must_use]
    pub fn draw(&self, count: usize, uniform: &mut impl FnMut() -> f64) -> Vec<Draw> {
        (0..count).map(|_| self.draw_one(uniform)).collect()
    }

    fn draw_one(&self, uniform: &mut impl FnMut() -> f64) -> Draw {
        let [row, column, flip, brightness, contrast, saturation, order, angle] =
            [(); 8].map(|()| uniform());
        let padding = i64::from(self.padding);
        let whole = |drawn: f64, count: i64| ((drawn * count as f64) as i64).min(count - 1);
        let shift = |drawn| whole(drawn, 2 * padding + 1) - padding;
        let around = |drawn: f64, max: f64| (2.0 * drawn - 1.0) * max;
        Draw {
            placement: Placement {
                rows: shift(row),
                columns: shift(column),
                flip: flip < self.flip,
            },
            jitter: Jitter {
                factors: [brightness, contrast, saturation]
                    .map(|drawn| (1.0 + around(drawn, self.jitter)) as f32),
                order: ORDERS[whole(order, 6) as usize],
            },
            degrees: around(angle, self.degrees),
        }
    }
}

/// One image's parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    /// Crop and flip.
    pub placement: Placement,
    /// Colours.
    pub jitter: Jitter,
    /// Angle in degrees, counter-clockwise.
    pub degrees: f64,
}
