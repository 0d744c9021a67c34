//! The looks (interim analyses) of a sequential design, and their levels.
//!
//! The level is split evenly over the looks (Bonferroni), which is valid for t with any number of
//! seeds; the spending functions of [`super::spending`] are not valid with few seeds and serve for
//! comparison. The judge decides when to stop.

use super::distribution::t_upper_quantile;
use super::interval::Alpha;

/// Why numbers aren't the looks of a design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LooksError {
    /// A design has at least one look.
    #[error("failed to read the looks: none given, give at least one number of seeds")]
    None,
    /// Fewer than two seeds have no spread.
    #[error("failed to read the looks: {seeds} seed(s) have no spread, give at least 2")]
    TooFew {
        /// The given number of seeds.
        seeds: usize,
    },
    /// Looks are in increasing order.
    #[error(
        "failed to read the looks: {next} after {previous} is not increasing, \
         list them in increasing order"
    )]
    NotIncreasing {
        /// A look.
        previous: usize,
        /// The look listed after it.
        next: usize,
    },
}

/// The numbers of seeds at which the judge may decide: strictly increasing, each at least 2.
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

    /// The number of looks: at least 1.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The seeds of the last look: the maximum of the design.
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

    /// The critical value of t at each look, with seeds − 1 degrees of freedom.
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
