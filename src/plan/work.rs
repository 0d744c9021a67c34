//! A worker's queue: it plans from claims and ledger, and again when its list is used up or every
//! two seconds, so that the looks of a sequential design need no barrier between workers. It begins
//! nothing that does not fit the time that is left.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use super::{
    Outlook,
    campaign::{Campaign, Progress},
    cost::{Cost, Throughput},
    families::{halved, whole},
    known::Known,
    order::{Candidate, order},
    queue::{Next, Queue, log_family},
};
use crate::{
    assets::IdentifiedTrial,
    claim::Claim,
    store::{Entry, Lease, LedgerError, Put, Worker},
    world::World,
};

/// The time after which a worker plans again, unless planning takes more than a twentieth of it.
const EVERY: Duration = Duration::from_secs(2);

/// When a worker leaves.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nothing is begun that would end later.
    pub until: Option<Instant>,
    /// Whether it leaves when other workers run all that is left, instead of waiting for them.
    pub leave: bool,
}

/// Why a worker's queue ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ending {
    /// Nothing is left that can run here.
    Done,
    /// Other workers run all that is left.
    Elsewhere {
        /// How many fine-tunes that is.
        fine_tunes: usize,
    },
    /// What is left does not fit the time.
    NoTime {
        /// How many fine-tunes that is.
        fine_tunes: usize,
        /// The time that the shortest takes, in seconds; `None` if no speed is known.
        shortest: Option<f64>,
    },
}

/// A queue that plans.
pub struct Work<'a> {
    campaign: &'a Campaign<'a>,
    claims: &'a [&'a Claim],
    worker: &'a Worker,
    limits: Limits,
    /// The processor that trials run on, as in records.
    processor: String,
    /// How fast it is, if no record says so and the time is limited.
    timed: &'a (dyn Fn() -> Option<Throughput> + Sync),
    threads: usize,
    progress: &'a dyn Progress,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: Known,
    list: VecDeque<Vec<IdentifiedTrial>>,
    /// Trials that are run alone before anything else.
    alone: VecDeque<IdentifiedTrial>,
    planned: Option<Instant>,
    /// How long planning took.
    took: Duration,
    /// Whether nothing of the present list could be taken so far.
    fruitless: bool,
    /// Names of trials of the present list that others run.
    elsewhere: Vec<String>,
    /// How many of the present list take too long.
    too_long: usize,
    speed: Option<Throughput>,
    shortest: Option<f64>,
    /// Trials that were reported as outstanding and have no record yet.
    awaited: HashSet<String>,
    /// Files and missing inputs that were reported.
    reported: HashSet<String>,
    /// One more owner for each family that runs.
    running: Arc<()>,
    ended: Option<Ending>,
    stored: usize,
    missing: usize,
}

impl<'a> Work<'a> {
    /// The queue of a worker on a processor.
    ///
    /// # Errors
    /// If the ledger can't be read or written.
    #[expect(clippy::too_many_arguments, reason = "each says one thing of the worker")]
    pub fn new(
        campaign: &'a Campaign<'a>,
        claims: &'a [&'a Claim],
        worker: &'a Worker,
        limits: Limits,
        processor: String,
        timed: &'a (dyn Fn() -> Option<Throughput> + Sync),
        threads: usize,
        progress: &'a dyn Progress,
    ) -> Result<Self, LedgerError> {
        campaign.ledger.check_writable()?;
        let state = Mutex::default();
        let work =
            Self { campaign, claims, worker, limits, processor, timed, threads, progress, state };
        work.plan(&mut work.lock(), &mut Next::default())?;
        Ok(work)
    }

    /// Why it ended; `None` before.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        self.lock().ended
    }

    /// How many fine-tunes that are needed can't run here, since something is missing.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.lock().missing
    }

    /// How many entries were stored.
    #[must_use]
    pub fn stored(&self) -> usize {
        self.lock().stored
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panicked with the lock")
    }

    /// Plans from what the ledger has now.
    fn plan(&self, state: &mut State, found: &mut Next) -> Result<(), LedgerError> {
        let begun = Instant::now();
        let gathered = self.campaign.gather_again(self.claims, &mut state.known)?;
        let mut damaged = gathered.damaged.clone();
        damaged.retain(|file| state.reported.insert(file.path.display().to_string()));
        self.progress.damaged(&damaged);
        let Outlook { next, at_most } = super::outlook(self.claims, &gathered.evidence);
        let outstanding = self.campaign.planned_again(next, &gathered, &mut state.known);
        let mut missing = outstanding.missing;
        state.missing = missing.values().map(BTreeMap::len).sum();
        missing.retain(|missing, _| state.reported.insert(missing.what.clone()));
        self.progress.missing(&missing);

        let planned = outstanding.planned.into_iter();
        let trials: Vec<IdentifiedTrial> = planned.map(|planned| planned.named).collect();
        // What others have run, and what is not needed any more.
        let left: HashSet<&str> = trials.iter().map(|named| &*named.id).collect();
        let gone = state.awaited.extract_if(|id| !left.contains(&**id));
        for id in gone.collect::<Vec<_>>() {
            let entry = state.known.entry(self.campaign.ledger, &id, &mut |_| ())?;
            found.found.extend(entry.map(|entry| Entry::clone(&entry)));
        }
        state.speed = gathered.speeds.on_processor(&self.processor).or(state.speed);
        if state.speed.is_none() && self.limits.until.is_some() && !trials.is_empty() {
            state.speed = (self.timed)();
        }
        let new = trials.iter().filter(|named| state.awaited.insert(named.id.clone())).count();
        if new > 0 {
            let at_most = self.campaign.planned_again(at_most, &gathered, &mut state.known);
            self.progress.begins(&trials, at_most.planned.len(), state.speed);
        }
        state.list = self.ordered(&trials);
        (state.elsewhere, state.too_long, state.shortest) = (Vec::new(), 0, None);
        state.fruitless = true;
        state.planned = Some(Instant::now());
        state.took = begun.elapsed();
        Ok(())
    }

    /// The trials as families, in the order of this worker.
    fn ordered(&self, trials: &[IdentifiedTrial]) -> VecDeque<Vec<IdentifiedTrial>> {
        let places: HashMap<u64, usize> = (0..super::MOST_SEEDS.max(self.most_seeds()))
            .map(|place| (World::seed(place).0, place))
            .collect();
        let look = |named: &IdentifiedTrial| {
            let place = places.get(&named.trial.seed.0).copied().unwrap_or(usize::MAX);
            let passed = |claim: &&Claim| {
                claim.design.looks.seeds().iter().filter(|seeds| **seeds <= place).count()
            };
            self.claims.iter().map(passed).min().unwrap_or(0)
        };
        let candidates = whole(trials).into_iter().map(|family| Candidate {
            name: format!("{} {}", family[0].weights, family[0].trial.family()),
            look: family.iter().copied().map(look).min().unwrap_or(0),
            cost: self.cost(&family).flops,
            family,
        });
        let ordered = order(self.worker.name(), candidates.collect());
        let families = halved(ordered.into(), self.threads, trials.len()).into_iter();
        families.map(|family| family.into_iter().cloned().collect()).collect()
    }

    fn most_seeds(&self) -> usize {
        self.claims.iter().map(|claim| claim.design.looks.last()).max().unwrap_or(0)
    }

    fn cost(&self, family: &[&IdentifiedTrial]) -> Cost {
        Cost::of_trials(family.iter().map(|named| &named.trial), self.campaign.world)
    }

    /// How long a family takes, in seconds, if that does not fit the time that is left.
    fn too_long(&self, state: &State, family: &[IdentifiedTrial]) -> Option<Option<f64>> {
        let left = self.limits.until?.saturating_duration_since(Instant::now());
        let seconds =
            state.speed.map(|speed| speed.seconds(self.cost(&family.iter().collect::<Vec<_>>())));
        let fits = seconds.unwrap_or(0.0) <= left.as_secs_f64() && !left.is_zero();
        (!fits).then_some(seconds)
    }

    /// As many trials of a family as fit the time; notes those that do not.
    fn fitting(&self, state: &mut State, mut family: Vec<IdentifiedTrial>) -> Vec<IdentifiedTrial> {
        while let Some(seconds) = self.too_long(state, &family)
            && !family.is_empty()
        {
            family.pop();
            state.too_long += 1;
            if let Some(seconds) = seconds {
                let shortest = state.shortest.map_or(seconds, |shortest| shortest.min(seconds));
                state.shortest = Some(shortest);
            }
        }
        family
    }

    /// Takes the next family of the list; `false` if the list is used up.
    fn take(&self, state: &mut State, next: &mut Next) -> Result<bool, LedgerError> {
        loop {
            let family = match state.alone.pop_front() {
                Some(named) => vec![named],
                None => match state.list.pop_front() {
                    Some(family) => family,
                    None => return Ok(false),
                },
            };
            let family = self.fitting(state, family);
            let others = next.lease(self.campaign.ledger, self.worker, family, |_, _| true)?;
            state.elsewhere.extend(others.into_iter().map(|named| named.id));
            for entry in &next.found {
                state.awaited.remove(&entry.id);
            }
            let mut again = next.alone_if_taken_over();
            again.append(&mut state.alone);
            state.alone = again;
            if !next.family.is_empty() {
                // Afterwards there is more to plan from.
                state.fruitless = false;
                next.runs = Some(Arc::clone(&state.running));
                return Ok(true);
            }
        }
    }

    /// Why nothing is left to take, if so.
    fn ends(&self, state: &State) -> Option<Ending> {
        let State { ref elsewhere, too_long, shortest, .. } = *state;
        let is_over = self.limits.until.is_some_and(|until| until <= Instant::now());
        match (elsewhere.len(), too_long) {
            (0, 0) => Some(Ending::Done),
            (0, fine_tunes) => Some(Ending::NoTime { fine_tunes, shortest }),
            (_, fine_tunes) if is_over && fine_tunes > 0 => {
                Some(Ending::NoTime { fine_tunes, shortest })
            }
            (fine_tunes, _) if self.limits.leave || is_over => {
                Some(Ending::Elsewhere { fine_tunes })
            }
            _ => None,
        }
    }
}

impl Queue for Work<'_> {
    fn waiting(&self) -> Vec<IdentifiedTrial> {
        self.lock().list.iter().flatten().cloned().collect()
    }

    /// All of them: the next look may have more trials than this one.
    fn threads(&self, most: usize) -> usize {
        most
    }

    fn next(&self) -> Result<Option<Next>, LedgerError> {
        let mut state = self.lock();
        let mut next = Next::default();
        if state.ended.is_some() {
            return Ok(None);
        }
        // Whether this call has planned: nothing is decided by an older plan.
        let mut fresh = false;
        loop {
            let every = EVERY.max(20 * state.took);
            let is_due = |planned: Instant| planned.elapsed() >= every;
            // Where it waits, a record of another worker may be what the next look waits for.
            let is_news = |id: &String| self.campaign.ledger.has(id);
            let has_news = state.list.is_empty() && state.elsewhere.iter().any(is_news);
            if state.planned.is_none_or(is_due) || (has_news && !fresh) {
                self.plan(&mut state, &mut next)?;
                fresh = true;
            }
            if self.take(&mut state, &mut next)? {
                return Ok(Some(next));
            }
            if !state.fruitless && !fresh {
                self.plan(&mut state, &mut next)?;
                fresh = true;
                continue;
            }
            if Arc::strong_count(&state.running) > 1 || !next.found.is_empty() {
                // Another thread of this worker runs a family, after which there may be more; or
                // a record is there that the ledger does not list yet.
                next.pauses = true;
                return Ok(Some(next));
            }
            if let Some(ending) = self.ends(&state) {
                if !fresh {
                    self.plan(&mut state, &mut next)?;
                    fresh = true;
                    continue;
                }
                state.ended = Some(ending);
                return Ok(None);
            }
            next.waits = true;
            return Ok(Some(next));
        }
    }

    fn alone(&self, family: Vec<IdentifiedTrial>, why: &str) -> Result<(), LedgerError> {
        log_family(self.campaign.ledger, self.worker, &family, why)?;
        let mut state = self.lock();
        state.fruitless = false;
        family.into_iter().rev().for_each(|named| state.alone.push_front(named));
        Ok(())
    }

    fn store(&self, entry: &Entry, lease: &Lease) -> Result<Put, LedgerError> {
        self.campaign.ledger.log_failure(self.worker, entry)?;
        let put = self.campaign.ledger.put_leased(entry, lease)?;
        let mut state = self.lock();
        state.awaited.remove(&entry.id);
        state.stored += usize::from(put == Put::Stored);
        state.fruitless = false;
        Ok(put)
    }
}
