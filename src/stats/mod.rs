//! The statistics behind a verdict: what a handful of seeds says about a mean, and how sure that
//! is.
//!
//! Everything here is a pure function of numbers. What is compared with what, which seeds pair,
//! when the judge looks and what a result means for a claim is left to the judge; where the numbers
//! come from, to the ledger. Invariants live in constructors ([`Sample`], [`Alpha`], [`Looks`],
//! [`Fractions`]), so that every statistic is total: no input makes one panic, and a number that
//! can't be had is NaN, which no comparison takes for evidence.
//!
//! Values are in the units of the metric (accuracy points, in this project) unless a function says
//! otherwise; `p`, levels and tails are probabilities between 0 and 1.

pub mod anytime;
pub mod distribution;
pub mod equivalence;
pub mod interval;
pub mod multiplicity;
pub mod power;
pub mod proportion;
pub mod replication;
pub mod resampling;
pub mod sample;
pub mod sequential;
pub mod spending;
pub mod ttest;

pub use anytime::e_value;
pub use distribution::{
    normal_upper_quantile, normal_upper_tail, t_quantile, t_upper_quantile, t_upper_tail,
};
pub use equivalence::{Equivalence, tost};
pub use interval::{Alpha, AlphaError, Interval, prediction_interval, t_interval};
pub use multiplicity::{holm, intersection_union, partial_conjunction};
pub use power::{MOST_SEEDS, detectable, noncentral_t_upper_tail, power, seeds_needed};
pub use proportion::{ProportionError, binomial_upper_tail, mcnemar_exact, wilson};
pub use replication::{Replication, replication, spread_behind, with_both_spreads};
pub use resampling::{percentile_bootstrap, tallied_bootstrap};
pub use sample::{Sample, SampleError};
pub use sequential::{Looks, LooksError};
pub use spending::{Fractions, FractionsError, Spending, spending_boundaries};
pub use ttest::{TTest, paired_t, welch_contrast};
