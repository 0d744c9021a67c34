//! Warnings about a cell, each with its name in JSON and its words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A warning about a cell.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// At least one arm has no record.
    NoRecords,
    /// Recipes differ where the contrast does not vary them: the cell can't be judged.
    MixedRecipes,
    /// Every arm lies below the metric's floor (5 % for adversarial accuracy): the cell can't be
    /// judged.
    AtTheFloor,
    /// Every seed of an arm has the same numbers, three runs or more: the cell can't be judged.
    Deterministic,
    /// Seeds of an arm with the numbers of an earlier seed.
    SameNumbers,
    /// The first logged epoch from a share of the schedule on lies beyond 1.5 times the share: the
    /// cell can't be judged.
    ShareNotLogged,
    /// One seed: no spread, so no confidence interval.
    SingleSeed,
    /// Planned seeds missing from every arm.
    MissingSeeds,
    /// Seeds missing from at least one arm, but not from all.
    UnmatchedSeeds,
    /// Runs that stopped early.
    FailedTrials,
    /// Runs that were planned and are not in the log.
    AbsentRuns,
    /// An arm's mean lies above 97 % of the metric's range: t intervals err more often there.
    NearCeiling,
    /// Runs that finished and diverged: their loss is not finite, so the cell has no interval.
    Diverged,
    /// Values known only up to the logged epochs (interval-censored).
    Censored,
    /// Schedules differ between the compared targets or sizes.
    ScheduleDiffers,
    /// Subsets above a quarter of their pool: seeds share images, and the interval is too narrow.
    SubsetOverPool,
    /// Read at the best epoch on the test set: optimistic.
    BestOnTest,
    /// The standard deviation over seeds was raised to half the metric's resolution.
    SpreadFloored,
    /// Welch's unpaired interval alone gives another verdict.
    WelchDisagrees,
    /// The interval over seeds and test images together gives another verdict.
    ChangedByTestImages,
    /// Asked over seeds and test images, and judged over seeds alone, since a record does not say
    /// which images it classifies correctly or a run failed.
    SeedsAlone,
    /// The interval ends within a point of the margin: rounding on another processor may change
    /// the verdict.
    Borderline,
    /// Published means without seeds.
    MeansOnly,
    /// A sequential design stopped before its last look: the mean is biased.
    StoppedEarly,
}

impl Flag {
    /// The flag's name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoRecords => "no_records",
            Self::MixedRecipes => "mixed_recipes",
            Self::AtTheFloor => "at_the_floor",
            Self::Deterministic => "deterministic",
            Self::SameNumbers => "same_numbers",
            Self::ShareNotLogged => "share_not_logged",
            Self::SingleSeed => "single_seed",
            Self::MissingSeeds => "missing_seeds",
            Self::UnmatchedSeeds => "unmatched_seeds",
            Self::FailedTrials => "failed_trials",
            Self::AbsentRuns => "absent_runs",
            Self::NearCeiling => "near_ceiling",
            Self::Diverged => "diverged",
            Self::Censored => "censored",
            Self::ScheduleDiffers => "schedule_differs",
            Self::SubsetOverPool => "subset_over_pool",
            Self::BestOnTest => "best_on_test",
            Self::SpreadFloored => "spread_floored",
            Self::WelchDisagrees => "welch_disagrees",
            Self::ChangedByTestImages => "changed_by_test_images",
            Self::SeedsAlone => "seeds_alone",
            Self::Borderline => "borderline",
            Self::MeansOnly => "means_only",
            Self::StoppedEarly => "stopped_early",
        }
    }

    /// The flag in words.
    #[must_use]
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::NoRecords => "at least one arm has no record",
            Self::MixedRecipes => {
                "recipes differ where the contrast does not vary them; the cell can't be judged"
            }
            Self::AtTheFloor => {
                "every arm lies below the metric's floor, where a difference says little; the cell \
                 can't be judged"
            }
            Self::Deterministic => {
                "every seed of an arm has the same numbers: its seed changes nothing, and the cell \
                 can't be judged"
            }
            Self::SameNumbers => {
                "seeds whose numbers are all those of an earlier seed of their arm: a copy, or a \
                 coincidence of few numbers"
            }
            Self::ShareNotLogged => {
                "no epoch is logged near the share of the schedule that is read; the cell can't be \
                 judged"
            }
            Self::SingleSeed => "one seed: no spread, so no confidence interval",
            Self::MissingSeeds => "planned seeds missing from every arm: they were never run",
            Self::UnmatchedSeeds => "seeds missing from at least one arm, excluded from the pairs",
            Self::FailedTrials => {
                "runs that stopped early; the verdict must hold without them and with them at \
                 their worst value"
            }
            Self::AbsentRuns => {
                "planned runs that are not in the log; the verdict must hold wherever in the \
                 metric's range they lie"
            }
            Self::NearCeiling => {
                "an arm lies above 97 % of the metric's range, where t intervals err more often \
                 than they say; `log_error` in place of points errs less"
            }
            Self::Diverged => {
                "runs that diverged: their loss is not finite, so there is no interval"
            }
            Self::Censored => {
                "known only up to the logged epochs; the verdict must hold at both bounds"
            }
            Self::ScheduleDiffers => "schedules differ between the compared targets or sizes",
            Self::SubsetOverPool => {
                "subsets above a quarter of their pool: seeds share images, so the confidence \
                 interval is too narrow"
            }
            Self::BestOnTest => "read at the best epoch on the test set: optimistic",
            Self::SpreadFloored => {
                "seeds agree so closely that the standard deviation was raised to half the \
                 metric's resolution"
            }
            Self::WelchDisagrees => "Welch's unpaired interval alone gives another verdict",
            Self::ChangedByTestImages => {
                "the interval over seeds and test images together gives another verdict"
            }
            Self::SeedsAlone => {
                "asked over seeds and test images, but judged over seeds alone: a record does not \
                 say which images it classifies correctly, or a run failed"
            }
            Self::Borderline => {
                "the confidence interval ends within a point of the margin; rounding on another \
                 processor may change the verdict"
            }
            Self::MeansOnly => "published means without seeds: not judged",
            Self::StoppedEarly => {
                "decided before the last look: on average such a mean lies too far from the margin"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The schema lists them all.
    #[test]
    fn every_flag_has_the_name_that_json_has_and_words_of_its_own() {
        let schema = serde_json::to_value(schemars::schema_for!(Flag)).unwrap();
        let of = |one: &serde_json::Value| one["const"].as_str().unwrap().to_owned();
        let names: Vec<String> = schema["oneOf"].as_array().unwrap().iter().map(of).collect();
        assert!(names.len() > 20, "{names:?}");
        let mut words = std::collections::BTreeSet::new();
        for name in names {
            let flag: Flag = serde_json::from_value(name.clone().into()).unwrap();
            assert_eq!(flag.name(), name);
            assert!(flag.in_words().len() > 10 && words.insert(flag.in_words()), "{name}");
        }
    }
}
