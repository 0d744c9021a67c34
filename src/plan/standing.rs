//! How far a campaign is: for each claim, which fine-tunes are recorded, run now, wait, or can't
//! run here; and the rate at which records came lately. From the claims and the ledger alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    claim::Claim,
    experiment::Trial,
    plan::{
        self, Outstanding,
        campaign::{Campaign, Gathered, NextTrials},
        cost::{Cost, Throughput},
    },
    store::{Ended, Entry, LedgerError},
};

/// How far a campaign is.
#[derive(Debug)]
pub struct Standing {
    /// The fine-tunes of each claim, in the order of the claims. Claims share fine-tunes.
    pub claims: Vec<(String, FineTunes)>,
    /// The fine-tunes of all claims, each once.
    pub all: FineTunes,
    /// The records of fine-tunes that failed.
    pub failed: Vec<Entry>,
    /// What is needed next.
    pub next: NextTrials,
    /// How many fine-tunes could be needed at most, with every look.
    pub at_most: usize,
    /// Every fine-tune that could be needed, by the name of its record.
    pub trials: BTreeMap<String, Trial>,
    /// The rate of the last hour, of all workers together; `None` if no record came in it.
    pub rate: Option<Throughput>,
}

/// Numbers of fine-tunes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FineTunes {
    /// Finished.
    pub done: usize,
    /// Failed: the record says why.
    pub failed: usize,
    /// Run now, by a worker with a lease.
    pub leased: usize,
    /// Needed next, and run by nobody yet.
    pub waiting: usize,
    /// Needed next, while something is missing on this machine.
    pub unavailable: usize,
}

impl FineTunes {
    /// What the claims want as far as the records say: they may need more at a later look.
    #[must_use]
    pub fn wanted(&self) -> usize {
        self.done + self.failed + self.leased + self.waiting + self.unavailable
    }
}

/// What a fine-tune is counted as.
#[derive(Clone, Copy)]
enum State {
    Done,
    Failed,
    Leased,
    Waiting,
    Unavailable,
}

impl Campaign<'_> {
    /// How far these claims are at a time, in seconds since 1970. `leased` are the names of trials
    /// that a worker runs now.
    ///
    /// # Errors
    /// If an existing entry can't be read.
    pub fn standing(
        &self,
        claims: &[&Claim],
        gathered: &Gathered,
        leased: &BTreeSet<&str>,
        now: u64,
    ) -> Result<Standing, LedgerError> {
        let at_most = plan::at_most(claims, self.world);
        let next = self.outstanding(claims, gathered);
        let mut counted = Counted::new(claims);
        let (count, mut trials) = (at_most.len(), BTreeMap::new());
        let (mut failures, mut lately) = (Vec::new(), Vec::new());
        for ((key, seed), needed_by) in at_most {
            let Ok(named) = self.identify(key, seed) else { continue };
            let entry = self.ledger.get(&named.id, &mut |_| ())?;
            trials.insert(named.id, named.trial);
            let Some(entry) = entry else { continue };
            let failed = matches!(entry.outcome, Ended::Failed { .. });
            counted.add(&needed_by, if failed { State::Failed } else { State::Done });
            if failed {
                failures.push(entry);
            } else if ended(&entry) + HOUR >= now as f64 {
                lately.push(entry);
            }
        }
        for planned in &next.planned {
            let leased = leased.contains(&*planned.named.id);
            let state = if leased { State::Leased } else { State::Waiting };
            counted.add(&planned.needed_by, state);
        }
        for needed_by in next.missing.values().flat_map(Outstanding::values) {
            counted.add(needed_by, State::Unavailable);
        }
        let cost = Cost::of_trials(lately.iter().map(|entry| &entry.trial), self.world);
        let begun = lately.iter().map(|entry| entry.provenance.started);
        let rate = rate(cost, begun.min(), now);
        let Counted { claims, all } = counted;
        Ok(Standing { claims, all, failed: failures, next, at_most: count, trials, rate })
    }
}

impl Standing {
    /// The seconds that what is needed next takes at the measured rate; `None` without one.
    #[must_use]
    pub fn seconds_left(&self, world: &crate::world::World) -> Option<f64> {
        let trials = self.next.planned.iter().map(|planned| &planned.named.trial);
        let left = Cost::of_trials(trials, world);
        self.rate.map(|rate| rate.seconds(left))
    }
}

/// When a fine-tune ended, in seconds since 1970 by the clock of its machine.
fn ended(entry: &Entry) -> f64 {
    entry.provenance.started as f64 + entry.provenance.seconds
}

/// Seconds that the rate is measured over.
const HOUR: f64 = 3600.0;

/// The operations a second of fine-tunes that ended in the last hour, the first of which began at
/// `begun`.
fn rate(cost: Cost, begun: Option<u64>, now: u64) -> Option<Throughput> {
    let seconds = (now.saturating_sub(begun?) as f64).max(1.0);
    (cost.flops > 0.0).then_some(Throughput(cost.flops / seconds))
}

/// Fine-tunes, counted by claim and in all.
struct Counted {
    claims: Vec<(String, FineTunes)>,
    all: FineTunes,
}

impl Counted {
    fn new(claims: &[&Claim]) -> Self {
        let claims = claims.iter().map(|claim| (claim.id.clone(), FineTunes::default())).collect();
        Self { claims, all: FineTunes::default() }
    }

    /// Counts a fine-tune for the claims of these hypotheses, once each.
    fn add(&mut self, needed_by: &BTreeSet<String>, state: State) {
        let claim = |name: &str| name.split('/').next().map(str::to_owned);
        let needed_by: BTreeSet<String> = needed_by.iter().filter_map(|name| claim(name)).collect();
        let of_claims = self.claims.iter_mut().filter(|(id, _)| needed_by.contains(id));
        for counts in of_claims.map(|(_, counts)| counts).chain([&mut self.all]) {
            *match state {
                State::Done => &mut counts.done,
                State::Failed => &mut counts.failed,
                State::Leased => &mut counts.leased,
                State::Waiting => &mut counts.waiting,
                State::Unavailable => &mut counts.unavailable,
            } += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(flops: f64) -> Cost {
        Cost { flops, ..Cost::default() }
    }

    #[test]
    fn the_rate_is_what_ended_over_the_time_since_the_first_of_it_began() {
        assert_eq!(rate(cost(600.0), Some(900), 1000), Some(Throughput(6.0)));
        assert_eq!(rate(cost(0.0), None, 1000), None);
        assert_eq!(rate(cost(0.0), Some(900), 1000), None);
        // Another machine's clock may be ahead.
        assert_eq!(rate(cost(5.0), Some(1010), 1000), Some(Throughput(5.0)));
    }

    #[test]
    fn a_fine_tune_counts_once_for_each_claim_and_once_in_all() {
        let claims = ["a", "b"].map(|id| (id.to_owned(), FineTunes::default())).to_vec();
        let mut counted = Counted { claims, all: FineTunes::default() };
        let by = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        counted.add(&by(&["a", "a/secondary", "b/other"]), State::Done);
        counted.add(&by(&["b"]), State::Waiting);
        let [(_, a), (_, b)] = &counted.claims[..] else { panic!("two claims") };
        assert_eq!((a.done, a.wanted()), (1, 1));
        assert_eq!((b.done, b.waiting, b.wanted()), (1, 1, 2));
        assert_eq!(counted.all.wanted(), 2);
    }
}
