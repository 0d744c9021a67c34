//! Evidence of our own: what the ledger has of the fine-tunes that claims ask for, and what it lacks,
//! with its price. One question after another (gather, plan, run) leads from an empty ledger to
//! verdicts; what is there already is never run again.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::{
    claim::Claim,
    data::hexadecimal,
    evidence::{Evidence, EvidenceKind, Looking},
    executor::{ExecutorError, Local, Named},
    ledger::{Damaged, Ended, Entry, Key, Ledger, LedgerError, Records, Seed},
    plan,
    trial::{Recipe, Trial},
    world::World,
};

/// Seconds that one image takes through the thin network and back, a pass, on one thread of the
/// machine that `benches/README.md` tells of: the price before anything was measured here.
const SECONDS_A_PASS: f64 = 1e-4;
/// Test images of a target of the smoke world.
const TESTED: u32 = 2000;

/// A world's evidence in a ledger.
#[derive(Debug)]
pub struct Own<'a> {
    /// The world.
    pub world: &'a World,
    /// The ledger.
    pub ledger: &'a Ledger,
}

/// Whoever wants to know how it goes.
pub trait Watch: Sync {
    /// Files that were set aside.
    fn damaged(&self, files: &[Damaged]);
    /// Trials are about to run, priced by what a pass took so far.
    fn begins(&self, trials: &[Named], seconds_a_pass: f64);
    /// A trial has ended and is kept.
    fn ended(&self, entry: &Entry);
}

/// What the ledger has.
#[derive(Debug)]
pub struct Gathered {
    /// For the judge.
    pub evidence: Evidence,
    /// Names of entries that are there, after a seed that is not: they need not be run again.
    pub beyond: BTreeSet<String>,
    /// Seconds that one pass took here, by the entries that are there.
    pub seconds_a_pass: f64,
    /// Files that were set aside.
    pub damaged: Vec<Damaged>,
}

/// An outstanding trial.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The trial, by name.
    pub named: Named,
    /// Claims and readings that want it.
    pub wanted_by: BTreeSet<String>,
}

impl Own<'_> {
    /// Reads the entries of every fine-tune that these claims could ask for.
    ///
    /// # Errors
    /// If an entry is there and can't be read.
    ///
    /// # Panics
    /// Never: no two names are of one key and seed.
    pub fn gather(&self, claims: &[&Claim]) -> Result<Gathered, LedgerError> {
        let mut damaged = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        let mut beyond = BTreeSet::new();
        let mut hole: Option<Key> = None;
        let at_most = plan::at_most(claims, self.world);
        let count = at_most.len();
        for (key, seed) in at_most.into_keys() {
            let Some(named) = self.named(key.clone(), seed) else { continue };
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
        }
        let records = Records::new(entries.iter().map(Entry::record)).expect("names differ");
        let evidence = Evidence {
            kind: EvidenceKind::Smoke,
            title: format!("our own fine-tunes in the {} world", self.world.id),
            file: None,
            sha256: hexadecimal(&digest.finalize()),
            at_most: Some(count),
            world: self.world.clone(),
            looking: Looking::Sequential,
            records,
            means: Vec::new(),
        };
        Ok(Gathered { evidence, beyond, seconds_a_pass: seconds_a_pass(&entries), damaged })
    }

    /// Evidence for these claims: runs what the judge needs and the ledger lacks, look by look, until
    /// it needs no more.
    ///
    /// # Errors
    /// If a trial can't be prepared, an entry can't be kept or read, or a stop was asked for.
    pub fn complete(
        &self,
        claims: &[&Claim],
        local: &Local<'_>,
        watch: &dyn Watch,
    ) -> Result<Gathered, ExecutorError> {
        loop {
            let gathered = self.gather(claims)?;
            watch.damaged(&gathered.damaged);
            let outstanding = self.outstanding(claims, &gathered);
            if outstanding.is_empty() {
                return Ok(gathered);
            }
            let trials: Vec<Named> = outstanding.into_iter().map(|planned| planned.named).collect();
            watch.begins(&trials, gathered.seconds_a_pass);
            local.run(&trials, &|entry| watch.ended(entry))?;
        }
    }

    /// What these claims need next, the longest first, so that threads end together.
    #[must_use]
    pub fn outstanding(&self, claims: &[&Claim], gathered: &Gathered) -> Vec<Planned> {
        let mut planned: Vec<Planned> = plan::outstanding(claims, &gathered.evidence)
            .into_iter()
            .filter_map(|((key, seed), wanted_by)| {
                Some(Planned { named: self.named(key, seed)?, wanted_by })
            })
            .filter(|planned| !gathered.beyond.contains(&planned.named.id))
            .collect();
        planned.sort_by(|left, right| {
            passes(&right.named.trial).total_cmp(&passes(&left.named.trial))
        });
        planned
    }

    /// The trial of a key and seed by the world's own protocol.
    #[must_use]
    pub fn named(&self, key: Key, seed: Seed) -> Option<Named> {
        Named::new(Trial { recipe: Recipe::of(self.world, key), seed })
    }
}

/// A trial's price in passes.
#[must_use]
pub fn passes(trial: &Trial) -> f64 {
    trial.passes(TESTED)
}

/// The mean price of a pass over the entries, or what another machine took.
#[must_use]
pub fn seconds_a_pass(entries: &[Entry]) -> f64 {
    let finished = || entries.iter().filter(|entry| matches!(entry.outcome, Ended::Finished(_)));
    let seconds: f64 = finished().map(|entry| entry.provenance.seconds).sum();
    let passes: f64 = finished().map(|entry| passes(&entry.trial)).sum();
    if passes > 0.0 { seconds / passes } else { SECONDS_A_PASS }
}
