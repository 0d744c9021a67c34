//! A campaign: evidence from local runs. It repeats three steps (gather records from the ledger,
//! plan the outstanding fine-tunes, run them) until the judge needs no more. A fine-tune with a
//! record is never run again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use crate::{
    assets::{Assets, IdentifiedTrial, Missing},
    claim::Claim,
    evidence::{Evidence, Records, Replicates, SamplingDesign},
    experiment::{EvidenceKind, Key, Seed, Trial},
    plan::{
        self, Outlook,
        cost::{Cost, Throughput, Throughputs},
        known::Known,
        queue::{Listed, Queue, Report},
    },
    store::{Damaged, Entry, Ledger, LedgerError, Worker},
    util::hexadecimal,
    world::World,
};

/// Runs trials and stores their entries in the ledger: the engine, or a fake in tests.
pub trait Runner {
    /// The error that ends a run.
    type Error: From<LedgerError>;

    /// The name of the processor that trials run on, as in records.
    ///
    /// # Errors
    /// If no processor is available.
    fn processor(&self) -> Result<String, Self::Error>;

    /// How many families of trials it runs at once.
    fn at_once(&self) -> usize {
        1
    }

    /// Runs the families of a queue and stores their entries ([`drain`](super::queue::drain) does both); calls
    /// `report` after each is stored.
    ///
    /// # Errors
    /// If a trial can't be run, an entry can't be stored, or the run was interrupted.
    fn run(&self, queue: &dyn Queue, report: Report<'_>) -> Result<(), Self::Error>;
}

/// An event while trials run.
#[derive(Debug)]
pub enum Event<'a> {
    /// A trial has ended in this process, and its entry is stored.
    Ended(&'a Entry),
    /// Another process with the same ledger has run a trial, perhaps while this one did.
    Found(&'a Entry),
    /// Another process has run a trial while this one did, with other bits. The first record
    /// stays.
    Differs {
        /// The record.
        first: &'a Entry,
        /// What was run here, which is not stored.
        entry: &'a Entry,
    },
    /// The state of a fine-tune that takes long can't be kept: it can't resume if it is interrupted.
    NotKept(&'a std::io::Error),
    /// Damaged files in the ledger, of trials that are run now, were set aside.
    Damaged(&'a [Damaged]),
    /// Other processes hold the leases of all remaining trials; reported at every poll.
    Waits,
}

/// The fine-tunes of a world, in a ledger.
#[derive(Debug)]
pub struct Campaign<'a> {
    /// The kind of evidence.
    pub kind: EvidenceKind,
    /// The world.
    pub world: &'a World,
    /// Its source models and images.
    pub assets: &'a dyn Assets,
    /// The ledger.
    pub ledger: &'a Ledger,
}

/// Callbacks for the progress of a campaign.
pub trait Progress: Sync {
    /// Files in the ledger that are passed over, each once.
    fn damaged(&self, files: &[Damaged]);
    /// Trials are about to run, and `at_most` with them until the judge needs no more; `speed` is
    /// measured on the same processor, if known.
    fn begins(&self, trials: &[IdentifiedTrial], at_most: usize, speed: Option<Throughput>);
    /// Needed fine-tunes that can't run here, by missing asset.
    fn missing(&self, missing: &BTreeMap<Missing, plan::Outstanding>);
    /// An event while trials run.
    fn happens(&self, event: Event<'_>);
}

/// The records in the ledger.
#[derive(Debug)]
pub struct Gathered {
    /// The evidence for the judge.
    pub evidence: Evidence,
    /// Names of entries after a missing seed: the judge ignores them, and they are not run again.
    pub beyond: BTreeSet<String>,
    /// Measured speeds, from these entries.
    pub speeds: Throughputs,
    /// Files that were passed over.
    pub damaged: Vec<Damaged>,
}

/// The trials that claims need next.
#[derive(Clone, Debug, Default)]
pub struct NextTrials {
    /// Trials, the most expensive first, so that threads end at about the same time.
    pub planned: Vec<Planned>,
    /// Those that can't run here, by missing asset.
    pub missing: BTreeMap<Missing, plan::Outstanding>,
}

/// An outstanding trial.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The trial with its record name.
    pub named: IdentifiedTrial,
    /// Names of the hypotheses or figures that need it.
    pub needed_by: BTreeSet<String>,
}

impl Campaign<'_> {
    /// Reads the entries of every fine-tune that these claims may need.
    ///
    /// # Errors
    /// If an existing entry can't be read.
    pub fn gather(&self, claims: &[&Claim]) -> Result<Gathered, LedgerError> {
        let mut wanted = plan::at_most(claims, self.world);
        wanted.extend(plan::read_by_associations(claims, self.world));
        let mut gathered = self.read(wanted, &mut Known::default())?;
        // Early stopping saved the missing seeds of decided claims, unless an undecided claim may
        // still need them. Keys without any record were never started and are not counted.
        let evidence = &gathered.evidence;
        let is_open = |claim: &Claim| !plan::outstanding(&[claim], evidence).is_empty();
        let (open, done): (Vec<&Claim>, Vec<&Claim>) =
            claims.iter().copied().partition(|claim| is_open(claim));
        let open = plan::at_most(&open, self.world);
        let done = plan::at_most(&done, self.world);
        let exists = |key: &Key, seed: Seed| {
            evidence.records.seeds(key).is_none_or(|seeds| seeds.contains_key(&seed))
        };
        let spared =
            |trial: &&(Key, Seed)| !exists(&trial.0, trial.1) && !open.contains_key(*trial);
        gathered.evidence.spared = Some(done.keys().filter(spared).count());
        Ok(gathered)
    }

    /// The same for a worker that plans again and again, without what only a verdict shows.
    ///
    /// # Errors
    /// If the ledger can't be listed, or an existing entry can't be read.
    pub(super) fn gather_again(
        &self,
        claims: &[&Claim],
        known: &mut Known,
    ) -> Result<Gathered, LedgerError> {
        known.list(self.ledger)?;
        self.read(plan::at_most(claims, self.world), known)
    }

    /// Reads the entries of every fine-tune that these points are drawn from.
    ///
    /// # Errors
    /// If an existing entry can't be read.
    pub(crate) fn gather_points(&self, needed: &plan::Points) -> Result<Gathered, LedgerError> {
        self.read(plan::points(needed, plan::MOST_SEEDS, self.world), &mut Known::default())
    }

    fn read(&self, at_most: plan::Outstanding, known: &mut Known) -> Result<Gathered, LedgerError> {
        let mut damaged = Vec::new();
        let mut entries: Vec<Arc<Entry>> = Vec::new();
        let mut beyond = BTreeSet::new();
        let mut incomplete: Option<Key> = None;
        for (key, seed) in at_most.into_keys() {
            let identify = || self.identify(key.clone(), seed);
            let Ok(named) = known.identify(&key, seed, identify) else { continue };
            // Seeds are in their fixed order, and the judge uses those before the first missing
            // one: a seed that was run out of order must not be selected.
            match known.entry(self.ledger, &named.id, &mut |file| damaged.push(file))? {
                None => incomplete = Some(key),
                Some(_) if incomplete.as_ref() == Some(&key) => drop(beyond.insert(named.id)),
                Some(entry) => entries.push(entry),
            }
        }
        let mut digest = Sha256::new();
        for entry in &entries {
            digest.update(&entry.id);
            digest.update(entry.bits());
        }
        let records = Records::new(entries.iter().map(|entry| entry.record(self.world)))
            .expect("keys and seeds are distinct");
        let evidence = Evidence {
            kind: self.kind,
            title: format!("local runs in the {} set-up", self.world.id),
            file: None,
            sha256: hexadecimal(&digest.finalize()),
            spared: None,
            world: self.world.clone(),
            design: SamplingDesign::GroupSequential,
            records,
            replicates: Replicates::default(),
            means: Vec::new(),
            notes: Vec::new(),
        };
        let speeds = Throughputs::by_records(entries.iter().map(|entry| &**entry), self.world);
        Ok(Gathered { evidence, beyond, speeds, damaged })
    }

    /// Gathers evidence for these claims and runs the missing fine-tunes, look by look, until the
    /// judge needs no more.
    ///
    /// # Errors
    /// If a trial can't be prepared, an entry can't be stored or read, or the run was interrupted.
    pub fn complete<R: Runner>(
        &self,
        claims: &[&Claim],
        runner: &R,
        progress: &dyn Progress,
    ) -> Result<Gathered, R::Error> {
        self.run(
            &|| self.gather(claims),
            &|evidence| plan::outlook(claims, evidence),
            runner,
            progress,
        )
    }

    /// Gathers evidence for these points and runs the missing fine-tunes of the first `seeds` seeds
    /// of each.
    ///
    /// # Errors
    /// As [`complete`](Self::complete).
    pub fn complete_points<R: Runner>(
        &self,
        needed: &plan::Points,
        seeds: usize,
        runner: &R,
        progress: &dyn Progress,
    ) -> Result<Gathered, R::Error> {
        self.run(
            &|| self.gather_points(needed),
            &|evidence| {
                let next = plan::outstanding_points(needed, seeds, evidence);
                Outlook { at_most: next.clone(), next }
            },
            runner,
            progress,
        )
    }

    /// Gathers, plans and runs until nothing is outstanding.
    fn run<R: Runner>(
        &self,
        gather: &dyn Fn() -> Result<Gathered, LedgerError>,
        outlook: &dyn Fn(&Evidence) -> Outlook,
        runner: &R,
        progress: &dyn Progress,
    ) -> Result<Gathered, R::Error> {
        let mut reported = BTreeSet::new();
        loop {
            let gathered = gather()?;
            // They stay where they are until their trials run again, so each gathering finds them.
            let mut new = gathered.damaged.clone();
            new.retain(|file| reported.insert(file.path.clone()));
            progress.damaged(&new);
            let Outlook { next, at_most } = outlook(&gathered.evidence);
            let outstanding = self.planned(next, &gathered);
            if outstanding.planned.is_empty() {
                progress.missing(&outstanding.missing);
                self.ledger.tidy();
                return Ok(gathered);
            }
            let planned = outstanding.planned.into_iter();
            let trials: Vec<IdentifiedTrial> = planned.map(|planned| planned.named).collect();
            let at_most = self.planned(at_most, &gathered).planned.len();
            progress.begins(&trials, at_most, gathered.speeds.on_processor(&runner.processor()?));
            let worker = Worker::of_process();
            let queue = Listed::new(self.ledger, worker, &trials, runner.at_once())?;
            runner.run(&queue, &|event| progress.happens(event))?;
        }
    }

    /// The trials that these claims need next.
    #[must_use]
    pub fn outstanding(&self, claims: &[&Claim], gathered: &Gathered) -> NextTrials {
        self.planned(plan::outstanding(claims, &gathered.evidence), gathered)
    }

    /// Outstanding fine-tunes as trials, separated into those that can run here and those that
    /// can't.
    #[must_use]
    pub fn planned(&self, outstanding: plan::Outstanding, gathered: &Gathered) -> NextTrials {
        let mut next = self.planned_again(outstanding, gathered, &mut Known::default());
        let flops = |planned: &Planned| self.cost(&planned.named).flops;
        next.planned.sort_by(|left, right| flops(right).total_cmp(&flops(left)));
        next
    }

    /// The same in no order, for a worker that plans again and again.
    pub(super) fn planned_again(
        &self,
        outstanding: plan::Outstanding,
        gathered: &Gathered,
        known: &mut Known,
    ) -> NextTrials {
        let mut next = NextTrials::default();
        for ((key, seed), needed_by) in outstanding {
            let missing = match known.identify(&key, seed, || self.identify(key.clone(), seed)) {
                Ok(named) if gathered.beyond.contains(&named.id) => continue,
                Ok(named) => match self.assets.unavailable(&key, self.world.zoo_of(&key, seed)) {
                    None => {
                        next.planned.push(Planned { named, needed_by });
                        continue;
                    }
                    Some(missing) => missing,
                },
                Err(missing) => missing,
            };
            next.missing.entry(missing).or_default().insert((key, seed), needed_by);
        }
        next
    }

    /// The trial of a key and seed under the world's protocol, with its record name.
    ///
    /// # Errors
    /// If the source model or the target has no digest.
    pub fn identify(&self, key: Key, seed: Seed) -> Result<IdentifiedTrial, Missing> {
        let zoo = self.world.zoo_of(&key, seed);
        self.assets.identify(Trial { recipe: self.world.recipe(key), seed }, zoo)
    }

    fn cost(&self, named: &IdentifiedTrial) -> Cost {
        Cost::of_recipe(&named.trial.recipe, self.world)
    }
}
