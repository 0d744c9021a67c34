//! The arrays of goldens/transforms, by name, and how two batches of bytes are compared.

use std::collections::HashMap;

use repro::engine::transform::{Draw, Jitter, Operation, Placement};
use tch::{Kind, Tensor};

pub struct Reference(HashMap<String, Tensor>);

impl Reference {
    pub fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/goldens/transforms/reference.npz");
        Self(Tensor::read_npz(path).unwrap().into_iter().collect())
    }

    #[track_caller]
    pub fn array(&self, name: &str) -> &Tensor {
        self.0.get(name).unwrap_or_else(|| panic!("no array {name}"))
    }

    pub fn numbers(&self, name: &str) -> Vec<f64> {
        numbers(self.array(name))
    }

    /// What went into a case, again and again, until there are as many images as came out.
    pub fn repeated(&self, name: &str, count: i64) -> Tensor {
        self.array(name).repeat([count, 1, 1, 1]).narrow(0, 0, count)
    }

    /// Names under a prefix, each with the parts that follow it. Never none.
    pub fn under(&self, prefix: &str) -> Vec<(&str, Vec<&str>)> {
        let mut names: Vec<_> = self
            .0
            .keys()
            .filter_map(|name| {
                Some((name.as_str(), name.strip_prefix(prefix)?.split('/').collect()))
            })
            .collect();
        names.sort_unstable();
        assert!(!names.is_empty(), "nothing under {prefix}");
        names
    }

    pub fn draws(&self, case: &str) -> Vec<Draw> {
        self.numbers(&format!("draws/{case}")).chunks_exact(10).map(draw).collect()
    }
}

fn draw(row: &[f64]) -> Draw {
    let operation = |at: f64| match at as usize {
        0 => Operation::Brightness,
        1 => Operation::Contrast,
        _ => Operation::Saturation,
    };
    Draw {
        placement: Placement { rows: row[0] as i64, columns: row[1] as i64, flip: row[2] != 0.0 },
        jitter: Jitter {
            factors: [row[3] as f32, row[4] as f32, row[5] as f32],
            order: [operation(row[6]), operation(row[7]), operation(row[8])],
        },
        degrees: row[9],
    }
}

pub fn numbers(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.to_kind(Kind::Double).flatten(0, -1)).unwrap()
}

/// How many bytes of two batches differ, and by how many grey levels at most.
pub fn difference(found: &Tensor, expected: &Tensor) -> (i64, i64) {
    let apart = (found.to_kind(Kind::Int64) - expected.to_kind(Kind::Int64)).abs();
    (apart.count_nonzero(None).int64_value(&[]), apart.max().int64_value(&[]))
}

#[track_caller]
pub fn assert_same_bytes(found: &Tensor, expected: &Tensor, what: &str) {
    assert_eq!(found.kind(), Kind::Uint8, "{what}");
    assert_eq!(found.size(), expected.size(), "{what}");
    let (differ, levels) = difference(found, expected);
    assert_eq!(differ, 0, "{what}: {differ} of {} bytes differ, by up to {levels}", found.numel());
}
