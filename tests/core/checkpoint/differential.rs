//! Generated checkpoints against torch: `goldens/checkpoint/make_differential.py` writes each with
//! what `torch.load` reads from it.

use std::{collections::BTreeMap, io::Read};

use repro::checkpoint::{Checkpoint, Inspection};
use serde::Deserialize;

use super::{fixture, read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    key: Option<String>,
    prefix: String,
    tensors: BTreeMap<String, (Vec<usize>, String, String)>,
}

/// Compares what was read with what torch reads.
fn compare(case: usize, checkpoint: &Checkpoint, known: &Known) {
    let inspection = Inspection::new(checkpoint).unwrap();
    assert_eq!((&inspection.key, &inspection.prefix), (&known.key, &known.prefix), "case {case}");
    assert_eq!(inspection.tensors.len(), known.tensors.len(), "case {case}");
    for (found, (name, (shape, dtype, digest))) in inspection.tensors.iter().zip(&known.tensors) {
        assert_eq!((&found.name, &found.shape), (name, shape), "case {case}");
        assert_eq!(&found.dtype, dtype, "case {case}: {name}");
        assert!(found.sha256.starts_with(digest), "case {case}: {name}");
    }
}

#[test]
fn generated_checkpoints_are_read_as_by_torch_or_refused() {
    let mut cases = Vec::new();
    let packed = fixture("differential.bin.gz");
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut cases).unwrap();
    let mut rest = &cases[..];
    let mut part = || {
        let (length, more) = rest.split_first_chunk()?;
        let (part, more) = more.split_at(u32::from_le_bytes(*length) as usize);
        rest = more;
        Some(part)
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.pt");
    let (mut tried, mut sound) = (0, 0);
    while let Some(bytes) = part() {
        let known: Option<Known> = serde_json::from_slice(part().unwrap()).unwrap();
        // By seeking and from memory it is the same.
        std::fs::write(&path, bytes).unwrap();
        for checkpoint in [read(bytes), Checkpoint::open(&path)] {
            match (checkpoint, &known) {
                (Ok(checkpoint), Some(known)) => compare(tried, &checkpoint, known),
                (Err(_), None) => (),
                (found, known) => {
                    panic!("case {tried}: torch reads it: {}, we: {found:?}", known.is_some())
                }
            }
        }
        (tried, sound) = (tried + 1, sound + usize::from(known.is_some()));
    }
    assert!(tried >= 1000 && (800..tried - 200).contains(&sound), "{sound} of {tried}");
}
