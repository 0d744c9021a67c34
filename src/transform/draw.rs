//! What is drawn for an image: a recipe's ranges, and one image's parameters from them.

use serde::{Deserialize, Serialize};

use super::{Jitter, Operation, Placement};

/// Every order of the three operations.
const ORDERS: [[Operation; 3]; 6] = {
    use Operation::{Brightness as B, Contrast as C, Saturation as S};
    [[B, C, S], [B, S, C], [C, B, S], [C, S, B], [S, B, C], [S, C, B]]
};

/// The ranges that a recipe draws from; 0 leaves a step out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Pixels of zeros all round before the crop to the same size.
    pub padding: u32,
    /// Probability that an image is mirrored.
    pub flip: f64,
    /// How far the factors of brightness, contrast and saturation may lie from 1.
    pub jitter: f64,
    /// Largest angle in degrees, to either side.
    pub degrees: f64,
}

impl Augmentation {
    /// The paper's, for every target (its code, `make_train_and_test_set`, 224 by 224 pixels).
    pub const PAPER: Self = Self { padding: 4, flip: 0.5, jitter: 0.25, degrees: 2.0 };
    /// None.
    pub const NONE: Self = Self { padding: 0, flip: 0.0, jitter: 0.0, degrees: 0.0 };

    /// Draws for `count` images from a source of uniform numbers in [0, 1).
    ///
    /// Always eight numbers an image, whatever the recipe leaves out: recipes that differ in one step
    /// share the draws of all others, and stay paired.
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
        let around = |drawn: f64, most: f64| (2.0 * drawn - 1.0) * most;
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
