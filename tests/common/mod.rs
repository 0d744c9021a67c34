//! Small logs and claims for tests: the fewest records that a question needs, in the published
//! format.

#![allow(dead_code, reason = "each test program uses another part of this module")]

#[cfg(feature = "engine")]
pub mod kmnist;
pub mod require;
#[cfg(feature = "engine")]
pub mod stand_in;
pub mod stderr;

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::atomic::{AtomicUsize, Ordering},
};

use repro::{
    assets::{IdentifiedTrial, Missing},
    claim::{Claim, check},
    evidence::{
        Evidence, Record, Records, Replicates, SamplingDesign,
        published::{self, COLUMNS},
    },
    experiment::EvidenceKind,
    plan::{
        Outstanding,
        campaign::{Event, Progress},
        cost::Throughput,
    },
    store::Damaged,
    world::World,
};

/// A run of a log: its key, its seed, and test accuracy by epoch.
pub struct Run<'a> {
    pub target: &'a str,
    pub source: &'a str,
    pub blocks: u32,
    pub images: u32,
    pub seed: u64,
    pub accuracy: Vec<(u32, f64)>,
}

/// One finished run on SVHN with 3 blocks and 100 images.
pub fn run(source: &str, seed: u64, accuracy: f64) -> Run<'_> {
    let accuracy = vec![(1, accuracy / 2.0), (100, accuracy)];
    Run { target: "svhn", source, blocks: 3, images: 100, seed, accuracy }
}

/// Rows of a log, without its header. The training loss differs between seeds, as in real runs.
pub fn rows(runs: &[Run<'_>]) -> Vec<String> {
    let mut rows = Vec::new();
    for Run { target, source, blocks, images, seed, accuracy } in runs {
        let train_loss = 0.5 + (*seed as f64 - 1.0) / 1024.0;
        for (epoch, accuracy) in accuracy {
            rows.push(format!(
                "{target},{source},{blocks},{images},{seed},{epoch},{accuracy},1.5,50,{train_loss},10"
            ));
        }
    }
    rows
}

/// A whole log.
pub fn log(rows: &[String]) -> String {
    let mut text = COLUMNS.join(",");
    for row in rows {
        let _ = write!(text, "\n{row}");
    }
    text.push('\n');
    text
}

/// Evidence of a log's text.
pub fn evidence(text: &str, looking: SamplingDesign) -> Evidence {
    Evidence {
        kind: EvidenceKind::Log,
        title: "a test's own runs".to_owned(),
        file: None,
        sha256: String::new(),
        spared: None,
        world: World::paper(),
        design: looking,
        records: published::read("test.csv", text.as_bytes()).unwrap(),
        replicates: Replicates::default(),
        means: Vec::new(),
        notes: Vec::new(),
    }
}

/// Evidence of local fine-tunes, with several looks.
pub fn own_evidence(kind: EvidenceKind, records: Vec<Record>) -> Evidence {
    Evidence {
        kind,
        title: "a test's own runs".to_owned(),
        file: None,
        sha256: String::new(),
        spared: None,
        world: kind.world(),
        design: SamplingDesign::GroupSequential,
        records: Records::new(records).unwrap(),
        replicates: Replicates::default(),
        means: Vec::new(),
        notes: Vec::new(),
    }
}

/// l2_3 minus natural on SVHN at 100 images, with a relation such as `greater_than = 0.0`.
pub fn claim_text(relation: &str) -> String {
    gap_text("log", relation, "target = \"svhn\", images = 100, blocks = 3", "")
}

/// l2_3 minus natural in every one of these cells, with the expected verdict on one kind of
/// evidence and more TOML.
pub fn gap_text(kind: &str, relation: &str, cells: &str, more: &str) -> String {
    format!(
        r#"format = 1
id = "gap"
title = "a gap"
statement = "a gap"
paper = {{ figures = ["2"] }}

[arms]
robust = {{ source = "l2_3" }}
natural = {{ source = "natural" }}

[hypothesis]
statement = "a gap"
contrasts = [{{ terms = {{ robust = 1.0, natural = -1.0 }} }}]
metric = {{ accuracy = "last" }}
relation = {{ {relation} }}
holds = "every"
cells = {{ {cells} }}
{more}
[expected.{kind}]
verdict = "supported"
reason = "a test"
"#
    )
}

/// A design with one look.
pub fn one_look(seeds: usize) -> String {
    format!("[design]\nlooks = [{seeds}]\nreading_seeds = {seeds}\n")
}

/// A checked claim from a spec's text.
pub fn claim(text: &str) -> Claim {
    check::claim("gap.toml", text, &World::paper()).unwrap_or_else(|error| panic!("{error}"))
}

/// Counts the fine-tunes that ran, and the kinds of missing inputs.
#[derive(Default)]
pub struct Counted {
    ran: AtomicUsize,
    unavailable: AtomicUsize,
}

impl Counted {
    pub fn ran(&self) -> usize {
        self.ran.load(Ordering::Relaxed)
    }

    pub fn unavailable(&self) -> usize {
        self.unavailable.load(Ordering::Relaxed)
    }
}

impl Progress for Counted {
    fn damaged(&self, files: &[Damaged]) {
        assert!(files.is_empty());
    }

    fn begins(&self, trials: &[IdentifiedTrial], at_most: usize, _speed: Option<Throughput>) {
        assert!(trials.len() <= at_most);
    }

    fn missing(&self, unavailable: &BTreeMap<Missing, Outstanding>) {
        self.unavailable.store(unavailable.len(), Ordering::Relaxed);
    }

    fn happens(&self, event: Event<'_>) {
        if let Event::Ended(_) = event {
            self.ran.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A command that judges a claim again, as the command line spells it.
pub fn again(claim: &Claim, evidence: &Evidence) -> String {
    format!("repro verify --claim {} --evidence {}", claim.id, evidence.kind)
}

/// A command that judges a claim on a log, as the command line spells it.
pub fn on_a_log(claim: &Claim) -> String {
    format!("repro verify --claim {} --log FILE", claim.id)
}

/// A command that computes a claim's specification curve, as the command line spells it.
pub fn as_curve(claim: &Claim) -> String {
    format!("repro sensitivity {} --curve --evidence smoke", claim.id)
}

/// A command that judges a claim under other choices, as the command line spells it.
pub fn under_choices(claim: &Claim, kind: &str) -> String {
    format!("repro sensitivity {} --evidence {kind}", claim.id)
}
