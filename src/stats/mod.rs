//! Statistics of few seeds: t tests, confidence and prediction intervals, multiplicity, sequential
//! designs, power.
//!
//! Everything here is a pure function of numbers. The judge decides what is compared, which seeds
//! are paired, when looks (interim analyses) take place and what a result means for a claim; the
//! ledger provides the numbers. Constructors check invariants ([`Sample`], [`Alpha`], [`Looks`],
//! [`Fractions`]), so every statistic is total: no input panics, and an undefined number is NaN,
//! which no comparison treats as evidence.
//!
//! Values are in the units of the metric (accuracy points, in this project) unless a function says
//! otherwise; `p`, levels and tails are probabilities between 0 and 1.

pub(crate) mod after_stopping;
pub(crate) mod anytime;
pub(crate) mod distribution;
pub(crate) mod equivalence;
pub(crate) mod interval;
pub(crate) mod multiplicity;
pub(crate) mod permutation;
pub(crate) mod power;
pub(crate) mod proportion;
pub(crate) mod replication;
pub(crate) mod resampling;
pub(crate) mod sample;
pub(crate) mod seeds_and_images;
pub(crate) mod sequential;
pub(crate) mod shuffled;
pub(crate) mod signs;
pub(crate) mod spending;
pub(crate) mod ttest;

pub use after_stopping::median_unbiased;
pub use anytime::e_value;
pub use distribution::{
    normal_upper_quantile, normal_upper_tail, t_quantile, t_upper_quantile, t_upper_tail,
};
pub use equivalence::{Equivalence, tost};
pub use interval::{Alpha, AlphaError, Interval, prediction_interval, t_interval};
pub use multiplicity::{holm, intersection_union, partial_conjunction};
pub use permutation::{Grouping, RankCorrelation, grouping, kendall};
pub use power::{MOST_SEEDS, TestDesign, detectable, noncentral_t_upper_tail, power, seeds_needed};
pub(crate) use proportion::binomial_upper_tail;
pub use proportion::{ProportionError, mcnemar_exact, wilson};
pub use replication::{
    Replication, replication, spread_behind, unpaired_replication, with_both_spreads,
};
pub use resampling::{percentile_bootstrap, tallied_bootstrap};
pub use sample::{Sample, SampleError};
pub use seeds_and_images::{AddedVariance, t_with_added};
pub use sequential::{Looks, LooksError};
pub use shuffled::{Shuffled, shuffled};
pub use signs::{MOST_SIGNS, sign_flip_p};
pub use spending::{Fractions, FractionsError, Spending, spending_boundaries};
pub use ttest::{TTest, paired_t, welch_contrast};
