//! The looks of a sequential design, and the level that each of them gets.
//!
//! The level is split evenly over the looks (Bonferroni), which holds for t at 3 seeds as it does
//! at 300; the spending functions of [`super::spending`] don't, and are there to be compared. When
//! to stop is the judge's.

use super::distribution::t_upper_quantile;
use super::interval::Alpha;

/// Why numbers aren't the looks of a design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LooksError {
    /// A design looks at least once.
    #[error("failed to read the looks: there is none, give at least one number of seeds")]
    None,
    /// A look at fewer than two seeds sees no spread.
    #[error("failed to read the looks: a look at {seeds} seed(s) sees no spread, give at least 2")]
    TooFew {
        /// The number of seeds that was given.
        seeds: usize,
    },
    /// Looks come in their order, each with more seeds than the last.
    #[error(
        "failed to read the looks: {next} does not come after {previous}, \
         list them in increasing order"
    )]
    NotIncreasing {
        /// A look.
        previous: usize,
        /// The look listed after it.
        next: usize,
    },
}

/// Numbers of seeds at which a judge may decide: strictly increasing, each at least 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looks(Vec<usize>);

impl Looks {
    /// Checks the looks of a design, in seeds.
    ///
    /// # Errors
    /// [`LooksError`] when there is none, when one is below 2, or when they don't increase.
    pub fn new(seeds: Vec<usize>) -> Result<Looks, LooksError> {
        let first = *seeds.first().ok_or(LooksError::None)?;
        if first < 2 {
            return Err(LooksError::TooFew { seeds: first });
        }
        match seeds.windows(2).find(|pair| pair[0] >= pair[1]) {
            Some(pair) => Err(LooksError::NotIncreasing { previous: pair[0], next: pair[1] }),
            None => Ok(Looks(seeds)),
        }
    }

    /// The looks, in seeds.
    pub fn seeds(&self) -> &[usize] {
        &self.0
    }

    /// How many looks there are: at least 1.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The seeds of the last look, all that the design asks for.
    pub fn last(&self) -> usize {
        self.0.last().copied().unwrap_or_default()
    }

    /// The looks that `seeds` seeds are enough for, in order.
    pub fn reached_by(&self, seeds: usize) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().copied().take_while(move |&look| look <= seeds)
    }

    /// The one-sided level at each look, alpha divided by the number of looks.
    pub fn level(&self, alpha: Alpha) -> Alpha {
        alpha.split(self.count())
    }

    /// The critical t at each look, with one degree of freedom less than seeds.
    pub fn critical_values(&self, alpha: Alpha) -> Vec<f64> {
        let tail = self.level(alpha).level();
        self.0.iter().map(|&look| t_upper_quantile(tail, (look - 1) as f64)).collect()
    }
}

impl Default for Looks {
    /// Looks at 3, 5 and 10 seeds.
    fn default() -> Looks {
        Looks(vec![3, 5, 10])
    }
}
