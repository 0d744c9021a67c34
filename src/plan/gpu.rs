//! Speeds of GPUs that are not at hand: peaks from their makers' data sheets, and the share of a
//! peak that training a ResNet-50 reaches (`gpus.toml`). An assumption, and printed as one; a
//! measured speed ([`super::cost::Throughputs`]) is better.

use std::sync::LazyLock;

use serde::Deserialize;

use super::cost::Throughput;
use crate::experiment::Precision;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let table: Table = toml::from_str(include_str!("gpus.toml")).expect("the table is valid");
    assert_eq!(table.format, 1, "the format of the table of GPUs");
    table
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    format: u32,
    share: Shares,
    #[serde(rename = "gpu")]
    gpus: Vec<Gpu>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shares {
    fp32: Share,
    tf32: Share,
    bf16: Share,
}

/// The share of a peak that training reaches.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Share {
    value: f64,
    /// The GPU that it was measured on.
    measured: String,
}

/// A GPU by its data sheet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpu {
    /// Its name on the command line.
    pub id: String,
    /// Its name, with its memory where there are several.
    pub name: String,
    memory_gib: u64,
    fp32: f64,
    tf32: Option<f64>,
    bf16: Option<f64>,
    /// The data sheet.
    pub source: String,
}

/// A speed that is assumed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AssumedSpeed {
    /// The data sheet's operations a second, for dense operands.
    pub peak: f64,
    /// The share of it that is assumed.
    pub share: f64,
    /// The GPU that the share was measured on.
    pub measured: &'static str,
}

impl AssumedSpeed {
    /// Operations a second.
    #[must_use]
    pub fn throughput(self) -> Throughput {
        Throughput(self.peak * self.share)
    }
}

impl Gpu {
    /// All of the table, in its order.
    ///
    /// # Panics
    /// Never: the table is embedded, and a test parses it.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &TABLE.gpus
    }

    /// The GPU of this name on the command line.
    #[must_use]
    pub fn named(id: &str) -> Option<&'static Self> {
        Self::all().iter().find(|gpu| gpu.id == id)
    }

    /// Its memory in bytes. Data sheets state units of 2^30 bytes as GB.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.memory_gib << 30
    }

    /// Its speed in a precision; `None` where it has no units for it.
    #[must_use]
    pub fn speed(&self, precision: Precision) -> Option<AssumedSpeed> {
        let shares = &TABLE.share;
        let (peak, share) = match precision {
            Precision::Fp32 => (Some(self.fp32), &shares.fp32),
            Precision::Tf32 => (self.tf32, &shares.tf32),
            Precision::Bf16 => (self.bf16, &shares.bf16),
        };
        peak.map(|peak| AssumedSpeed {
            peak: peak * 1e12,
            share: share.value,
            measured: share.measured.as_str(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::experiment::{Architecture, MultiplyAdds};

    #[test]
    fn every_gpu_has_its_own_name_a_source_and_plausible_peaks() {
        let ids: BTreeSet<&str> = Gpu::all().iter().map(|gpu| gpu.id.as_str()).collect();
        assert_eq!(ids.len(), Gpu::all().len());
        for gpu in Gpu::all() {
            assert!(gpu.source.starts_with("NVIDIA "), "{gpu:?}");
            assert!(gpu.fp32 > 1.0 && gpu.fp32 < 100.0, "{gpu:?}");
            // Units for tf32 came with those for bf16.
            assert_eq!(gpu.tf32.is_some(), gpu.bf16.is_some(), "{gpu:?}");
            if let (Some(tf32), Some(bf16)) = (gpu.tf32, gpu.bf16) {
                assert!(tf32 >= gpu.fp32 && bf16 > tf32, "{gpu:?}");
            }
        }
        assert_eq!(Gpu::named("t4").unwrap().speed(Precision::Tf32), None);
        assert!(Gpu::named("abacus").is_none());
    }

    /// Images a second of NVIDIA's measurements, on the GPU that each share names.
    #[test]
    fn the_shares_are_those_of_the_measurements() {
        let image =
            2.0 * 3.0 * MultiplyAdds::new(&Architecture::resnet50(1000), 224).forward() as f64;
        for (id, precision, images) in [
            ("v100", Precision::Fp32, 367.0),
            ("a100", Precision::Tf32, 938.0),
            ("a100", Precision::Bf16, 2470.0),
        ] {
            let speed = Gpu::named(id).unwrap().speed(precision).unwrap();
            assert!((images * image / speed.peak - speed.share).abs() < 0.005, "{speed:?}");
            assert_eq!(speed.measured.to_lowercase(), id);
            assert_eq!(speed.throughput().0, speed.peak * speed.share);
        }
    }
}
