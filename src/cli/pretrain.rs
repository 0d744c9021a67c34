//! `repro pretrain`: train a world's source models.

use std::{collections::BTreeSet, path::PathBuf, str::FromStr};

use clap::{Args, ValueEnum};

use super::{Failure, Outcome, Suites, folders::Data, handoff, runtime::DeviceArgument};
use crate::experiment::Seed;

pub(super) const EXAMPLES: &str = "\
Examples:
  repro fetch fmnist && repro pretrain --world smoke --out zoo
  repro pretrain --world smoke --from ~/fashion-mnist --out zoo
  repro pretrain --world smoke --seeds 2..11 --out zoos
  repro pretrain --world smoke --seeds 2..4 --roles natural,l2_3 --steps-share 0.25 --out quarter
  repro pretrain --world lab --device cuda

It writes <role>.safetensors and <role>.json (a card: command, seed, data, accuracies, curve) for each \
source model, and keeps a checkpoint of each one's latest epoch: the same command resumes where it was \
stopped, with the same source. It is written when Ctrl-C stops it, and else every ten seconds at most.

With --seeds it trains one further zoo for each seed, in <out>/<seed>: by the recipe of the \
bundled zoo, whose seed is 1, at the eps that the bundled zoo chose; a Gaussian model for seeds \
2 to 6 only. Weights are stored in half precision, and each card measures its model as it is stored. \
--steps-share trains them for less: each epoch ends after that share of its steps, rounded up; initial \
weights, order of images and learning rates are those of the zoo of the same seed.";

#[derive(Args)]
pub(super) struct Pretrain {
    /// The world whose source models are made
    #[arg(long, value_enum)]
    pub(super) world: WorldArgument,
    /// Train one further zoo for each of these seeds, such as 2..11 (both ends included) or 2..4,7;
    /// for smoke only
    #[arg(long, value_name = "SEEDS")]
    pub(super) seeds: Option<Seeds>,
    /// Train only these of a further zoo's models; repeat it or separate several with commas [default:
    /// all]
    #[arg(long, value_name = "ROLE", value_delimiter = ',', requires = "seeds")]
    pub(super) roles: Vec<String>,
    /// Take only this share of each epoch's steps, above 0 and at most 1 [default: all]
    #[arg(long, value_name = "SHARE", value_parser = share, requires = "seeds")]
    pub(super) steps_share: Option<f64>,
    /// The source's images: for smoke the folder that holds Fashion-MNIST's four official files (IDX,
    /// plain or .gz) [default: where `repro fetch fmnist` puts them], for lab the packed file
    /// [default: lab/source.safetensors in the data folder]
    #[arg(long, value_name = "PATH")]
    pub(super) from: Option<PathBuf>,
    #[command(flatten)]
    pub(super) data: Data,
    /// Where weights, cards and checkpoints go [default: for smoke zoo, for lab zoos/lab in the data
    /// folder]
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// What they are trained on
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) device: DeviceArgument,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum WorldArgument {
    /// Thin networks on six classes of Fashion-MNIST
    Smoke,
    /// ResNet-18 on Tiny ImageNet at 64 pixels: for a GPU
    Lab,
}

impl Pretrain {
    pub(super) fn run(&self, suites: &Suites<'_>) -> Result<Outcome, Failure> {
        handoff::required(suites.engine)?.pretrain(self)
    }
}

/// A share of steps.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| format!("`{text}` is no number above 0 and at most 1"))
}

/// Seeds from whole numbers and inclusive ranges, separated by commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seeds(pub BTreeSet<Seed>);

/// The longest range: a longer one is a typing error, as each zoo takes minutes.
const MOST_SEEDS: u64 = 1000;

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            text.parse::<u64>().map_err(|_| {
                format!(
                    "`{text}` is no seed: give whole numbers and ranges, such as 2..11 or 2..4,7"
                )
            })
        };
        let mut seeds = BTreeSet::new();
        for part in text.split(',').map(str::trim) {
            let (first, last) = match part.split_once("..") {
                Some((first, last)) => (number(first)?, number(last)?),
                None => (number(part)?, number(part)?),
            };
            if first > last {
                return Err(format!("the range {part} is empty: it ends before it begins"));
            }
            if last - first >= MOST_SEEDS {
                return Err(format!("the range {part} has more than {MOST_SEEDS} seeds"));
            }
            seeds.extend((first..=last).map(Seed));
        }
        Ok(Self(seeds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_numbers_and_inclusive_ranges_each_once_in_rising_order() {
        let read = |text: &str| -> Vec<u64> {
            text.parse::<Seeds>().unwrap().0.into_iter().map(|seed| seed.0).collect()
        };
        assert_eq!(read("2..11"), (2..=11).collect::<Vec<_>>());
        assert_eq!(read("2..4,7"), [2, 3, 4, 7]);
        assert_eq!(read("7, 2..4,3"), [2, 3, 4, 7]);
        assert_eq!(read("5..5"), [5]);
    }

    #[test]
    fn a_share_of_steps_is_above_0_and_at_most_1() {
        assert_eq!((share("0.25"), share("1")), (Ok(0.25), Ok(1.0)));
        for text in ["0", "-0.5", "1.01", "nan", "inf", "a quarter", ""] {
            assert!(share(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_list_of_seeds_is_rejected_with_the_part_that_is_wrong() {
        for (text, part) in [
            ("", "`` is no seed"),
            ("2,", "`` is no seed"),
            ("2..", "`` is no seed"),
            ("..4", "`` is no seed"),
            ("two", "`two` is no seed"),
            ("-1", "`-1` is no seed"),
            ("2...4", "`.4` is no seed"),
            ("2..=4", "`=4` is no seed"),
            ("4..2", "the range 4..2 is empty"),
            ("0..18446744073709551615", "has more than 1000 seeds"),
        ] {
            let error = text.parse::<Seeds>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
