//! What claims or figures need, and what exists of it.

use super::{
    super::{
        Failure,
        local::{RunContext, unusable},
    },
    costs::Trials,
};
use crate::{
    claim::Claim,
    experiment::Trial,
    plan::{
        self, Outstanding, Points,
        campaign::{Gathered, NextTrials},
    },
};

/// What claims or figures need.
pub(super) struct PlanRequest {
    /// The records that exist.
    pub gathered: Gathered,
    /// What is needed next.
    pub next: Outstanding,
    /// What could be needed at most.
    pub at_most: Trials,
}

/// Numbers of fine-tunes.
#[derive(Clone, Copy)]
pub(super) struct Counts {
    /// To run next.
    pub to_run: usize,
    /// With a record.
    pub recorded: usize,
    /// Needed at most.
    pub at_most: usize,
}

impl PlanRequest {
    pub fn by_claims(claims: &[&Claim], context: &RunContext) -> Result<Self, Failure> {
        let gathered = context.campaign().gather(claims).map_err(unusable)?;
        let next = plan::outstanding(claims, &gathered.evidence);
        let at_most = plan::at_most(claims, &context.world).into_keys().collect();
        Ok(Self { gathered, next, at_most })
    }

    pub fn by_figures(needed: &Points, context: &RunContext) -> Result<Self, Failure> {
        let gathered = context.campaign().gather_points(needed).map_err(unusable)?;
        let next = plan::outstanding_points(needed, plan::FIRST_SEEDS, &gathered.evidence);
        let at_most = plan::points(needed, plan::MOST_SEEDS, &context.world).into_keys().collect();
        Ok(Self { gathered, next, at_most })
    }

    pub fn counts(&self, next: &NextTrials) -> Counts {
        let recorded = self.gathered.evidence.records.len();
        Counts { to_run: to_run(next).len(), recorded, at_most: self.at_most.len() }
    }
}

/// The fine-tunes to run next, whether they can run here or not.
pub(super) fn to_run(next: &NextTrials) -> Trials {
    let planned = next.planned.iter().map(|planned| {
        let Trial { recipe, seed } = &planned.named.trial;
        (recipe.key.clone(), *seed)
    });
    let missing = next.missing.values().flat_map(|outstanding| outstanding.keys().cloned());
    planned.chain(missing).collect()
}
