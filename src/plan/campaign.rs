//! Evidence of our own: what the ledger has of the fine-tunes that claims ask for, and what it lacks,
//! with its price. One question after another (gather, plan, run) leads from an empty ledger to
//! verdicts; what is there already is never run again.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::{
    assets::{Lacking, Named, Stock},
    claim::Claim,
    evidence::{Evidence, Looking, Records},
    experiment::{EvidenceKind, Key, Seed, Trial},
    plan::{
        self,
        cost::{Price, Speed, Speeds},
    },
    store::{Damaged, Entry, Ledger, LedgerError},
    util::hexadecimal,
    world::World,
};

/// What runs trials and keeps their entries in the ledger: the engine, or a fake in tests.
pub trait Runner {
    /// Why trials were not run to their end.
    type Error: From<LedgerError>;

    /// The processor that they run on, by the name that records have of it.
    ///
    /// # Errors
    /// If there is none to run on.
    fn processor(&self) -> Result<String, Self::Error>;

    /// Runs trials and keeps their entries; `report` hears of every one as soon as it is kept.
    ///
    /// # Errors
    /// If one can't be run at all or can't be kept, or a stop was asked for.
    fn run(&self, trials: &[Named], report: &(dyn Fn(Event<'_>) + Sync))
    -> Result<(), Self::Error>;
}

/// What happens while trials are run.
#[derive(Debug)]
pub enum Event<'a> {
    /// One has ended here, and is kept.
    Ended(&'a Entry),
    /// Another process, which has the same ledger, has run one.
    Found(&'a Entry),
    /// Files in the ledger were set aside.
    Damaged(&'a [Damaged]),
    /// Other processes are running all that is left; told each time that nothing has come of it yet.
    Waits,
}

/// A world's evidence in a ledger.
#[derive(Debug)]
pub struct Campaign<'a> {
    /// Which evidence that is.
    pub kind: EvidenceKind,
    /// The world.
    pub world: &'a World,
    /// Its source models and images.
    pub stock: &'a Stock,
    /// The ledger.
    pub ledger: &'a Ledger,
}

/// Whoever wants to know how it goes.
pub trait Watch: Sync {
    /// Files that were set aside.
    fn damaged(&self, files: &[Damaged]);
    /// Trials are about to run, each at this speed by what ran on the same processor so far.
    fn begins(&self, trials: &[Named], speed: Option<Speed>);
    /// Fine-tunes that are wanted and can't be run here, for each thing that is lacking.
    fn lacking(&self, lacking: &BTreeMap<Lacking, plan::Outstanding>);
    /// Something has happened to one of them.
    fn happens(&self, event: Event<'_>);
}

/// What the ledger has.
#[derive(Debug)]
pub struct Gathered {
    /// For the judge.
    pub evidence: Evidence,
    /// Names of entries that are there, after a seed that is not: they need not be run again.
    pub beyond: BTreeSet<String>,
    /// How fast fine-tunes ran, by the entries that are there.
    pub speeds: Speeds,
    /// Files that were set aside.
    pub damaged: Vec<Damaged>,
}

/// What claims need next.
#[derive(Clone, Debug, Default)]
pub struct NextTrials {
    /// Trials, the dearest first, so that threads end together.
    pub planned: Vec<Planned>,
    /// Those that can't be run here, for each thing that is lacking.
    pub lacking: BTreeMap<Lacking, plan::Outstanding>,
}

/// An outstanding trial.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The trial, by name.
    pub named: Named,
    /// Claims and readings that want it.
    pub wanted_by: BTreeSet<String>,
}

impl Campaign<'_> {
    /// Reads the entries of every fine-tune that these claims could ask for.
    ///
    /// # Errors
    /// If an entry is there and can't be read.
    pub fn gather(&self, claims: &[&Claim]) -> Result<Gathered, LedgerError> {
        let mut gathered = self.read(plan::at_most(claims, self.world))?;
        // Of claims that wait for nothing, what was begun and is not there need not be run at all, unless one that
        // waits may still ask for it.
        let evidence = &gathered.evidence;
        let waits = |claim: &&&Claim| !plan::outstanding(&[**claim], evidence).is_empty();
        let (open, done): (Vec<&Claim>, Vec<&Claim>) =
            claims.iter().copied().partition(|claim| waits(&claim));
        let open = plan::at_most(&open, self.world);
        let done = plan::at_most(&done, self.world);
        let there = |key: &Key, seed: Seed| {
            evidence.records.seeds(key).is_none_or(|seeds| seeds.contains_key(&seed))
        };
        let spared = |place: &&(Key, Seed)| !there(&place.0, place.1) && !open.contains_key(*place);
        gathered.evidence.spared = Some(done.keys().filter(spared).count());
        Ok(gathered)
    }

    /// Reads the entries of every fine-tune that these points are drawn from.
    ///
    /// # Errors
    /// If an entry is there and can't be read.
    pub(crate) fn gather_points(&self, wanted: &plan::Points) -> Result<Gathered, LedgerError> {
        self.read(plan::points(wanted, plan::MOST_SEEDS, self.world))
    }

    fn read(&self, at_most: plan::Outstanding) -> Result<Gathered, LedgerError> {
        let mut damaged = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        let mut beyond = BTreeSet::new();
        let mut hole: Option<Key> = None;
        for (key, seed) in at_most.into_keys() {
            let Ok(named) = self.named(key.clone(), seed) else { continue };
            // Seeds come in their order, and the judge sees them up to the first that is not there:
            // one that somebody ran out of turn is not to be picked.
            match self.ledger.get(&named.id, &mut |file| damaged.push(file))? {
                None => hole = Some(key),
                Some(entry) if hole.as_ref() == Some(&key) => drop(beyond.insert(entry.id)),
                Some(entry) => entries.push(entry),
            }
        }
        let mut digest = Sha256::new();
        for entry in &entries {
            digest.update(&entry.id);
            digest.update(entry.bits());
        }
        let records = Records::new(entries.iter().map(|entry| entry.record(self.world)))
            .expect("names differ");
        let evidence = Evidence {
            kind: self.kind,
            title: format!("our own fine-tunes in the {} world", self.world.id),
            file: None,
            sha256: hexadecimal(&digest.finalize()),
            spared: None,
            world: self.world.clone(),
            looking: Looking::Sequential,
            records,
            means: Vec::new(),
        };
        let speeds = Speeds::by_records(&entries, self.world);
        Ok(Gathered { evidence, beyond, speeds, damaged })
    }

    /// Evidence for these claims: runs what the judge needs and the ledger lacks, look by look, until
    /// it needs no more.
    ///
    /// # Errors
    /// If a trial can't be prepared, an entry can't be kept or read, or a stop was asked for.
    pub fn complete<R: Runner>(
        &self,
        claims: &[&Claim],
        runner: &R,
        watch: &dyn Watch,
    ) -> Result<Gathered, R::Error> {
        self.run(
            &|| self.gather(claims),
            &|evidence| plan::outstanding(claims, evidence),
            runner,
            watch,
        )
    }

    /// Evidence for these points: runs what the ledger lacks of the first seeds of each point.
    ///
    /// # Errors
    /// As [`complete`](Self::complete).
    pub fn complete_points<R: Runner>(
        &self,
        wanted: &plan::Points,
        seeds: usize,
        runner: &R,
        watch: &dyn Watch,
    ) -> Result<Gathered, R::Error> {
        self.run(
            &|| self.gather_points(wanted),
            &|evidence| plan::outstanding_points(wanted, seeds, evidence),
            runner,
            watch,
        )
    }

    /// Runs what is outstanding until nothing is.
    fn run<R: Runner>(
        &self,
        gather: &dyn Fn() -> Result<Gathered, LedgerError>,
        outstanding: &dyn Fn(&Evidence) -> plan::Outstanding,
        runner: &R,
        watch: &dyn Watch,
    ) -> Result<Gathered, R::Error> {
        loop {
            let gathered = gather()?;
            watch.damaged(&gathered.damaged);
            let outstanding = self.planned(outstanding(&gathered.evidence), &gathered);
            if outstanding.planned.is_empty() {
                watch.lacking(&outstanding.lacking);
                return Ok(gathered);
            }
            let planned = outstanding.planned.into_iter();
            let trials: Vec<Named> = planned.map(|planned| planned.named).collect();
            watch.begins(&trials, gathered.speeds.of(&runner.processor()?));
            runner.run(&trials, &|event| watch.happens(event))?;
        }
    }

    /// What these claims need next.
    #[must_use]
    pub fn outstanding(&self, claims: &[&Claim], gathered: &Gathered) -> NextTrials {
        self.planned(plan::outstanding(claims, &gathered.evidence), gathered)
    }

    /// What is wanted, as trials, and what of it can't be run here.
    #[must_use]
    pub fn planned(&self, wanted: plan::Outstanding, gathered: &Gathered) -> NextTrials {
        let mut outstanding = NextTrials::default();
        for ((key, seed), wanted_by) in wanted {
            let lacking = match self.named(key.clone(), seed) {
                Ok(named) if gathered.beyond.contains(&named.id) => continue,
                Ok(named) => match self.stock.lacks(&key) {
                    None => {
                        outstanding.planned.push(Planned { named, wanted_by });
                        continue;
                    }
                    Some(lacking) => lacking,
                },
                Err(lacking) => lacking,
            };
            outstanding.lacking.entry(lacking).or_default().insert((key, seed), wanted_by);
        }
        let price = |planned: &Planned| self.price(&planned.named).operations;
        outstanding.planned.sort_by(|left, right| price(right).total_cmp(&price(left)));
        outstanding
    }

    /// The trial of a key and seed by the world's own protocol.
    ///
    /// # Errors
    /// If its source or its target is not here.
    pub fn named(&self, key: Key, seed: Seed) -> Result<Named, Lacking> {
        self.stock.named(Trial { recipe: self.world.recipe(key), seed })
    }

    fn price(&self, named: &Named) -> Price {
        Price::of(&named.trial.recipe, self.world)
    }
}
