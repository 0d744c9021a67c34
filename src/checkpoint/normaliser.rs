//! What a checkpoint states about the normalisation of its images.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    bytes::Bytes, error::Fault, fit::single_precision, layout::Layout, prefix::normaliser_of,
};
use crate::experiment::Normalisation;

/// Limit on the channels of a normaliser.
const MAX_CHANNELS: usize = 16;

/// The normalisation of images in each channel: (x - mean) / std.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Normaliser {
    /// The mean of each channel.
    pub mean: Vec<f32>,
    /// The standard deviation of each channel.
    pub std: Vec<f32>,
}

impl Normaliser {
    /// What three channels in [0, 1] are normalised by: one value for all of them is repeated, and
    /// values for images in [0, 255] are divided by 255. `None` if no image can be normalised so.
    #[must_use]
    pub fn of_colours(&self) -> Option<Normalisation> {
        let three = |values: &[f32]| match *values {
            [one] => Some([one; 3]),
            [red, green, blue] => Some([red, green, blue]),
            _ => None,
        };
        let (mean, std) = three(&self.mean).zip(three(&self.std))?;
        let is_usable = mean.iter().chain(&std).all(|value| value.is_finite())
            && std.iter().all(|value| *value > 0.0);
        // No mean of images in [0, 1] is above 1.
        let scale = if mean.iter().any(|mean| *mean > 1.0) { 255.0 } else { 1.0 };
        let scaled = |values: [f32; 3]| values.map(|value| value / scale);
        is_usable.then(|| Normalisation { mean: scaled(mean), std: scaled(std) })
    }
}

/// The normaliser, if the tensors are exactly its mean and its standard deviation.
pub(super) fn normaliser(
    tensors: &[(&str, Option<&Layout>)],
    file: &Bytes,
) -> Result<Option<Normaliser>, Fault> {
    let &[(first, Some(one)), (second, Some(other))] = tensors else { return Ok(None) };
    let [(module, first), (beside, second)] = match [first, second].map(normaliser_of) {
        [Some(first), Some(second)] => [first, second],
        _ => return Ok(None),
    };
    if module != beside || first == second {
        return Ok(None);
    }
    let values = |layout: &Layout| -> Result<Option<Vec<f32>>, Fault> {
        if layout.bytes() > MAX_CHANNELS * layout.dtype().bytes() {
            return Ok(None);
        }
        let bytes = layout.contiguous(file)?;
        Ok(single_precision(layout.dtype(), &bytes).map(|(values, _)| values))
    };
    let (mean, std) = if second { (one, other) } else { (other, one) };
    Ok(values(mean)?.zip(values(std)?).map(|(mean, std)| Normaliser { mean, std }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_normalise_three_channels_is_used() {
        let of = |mean: &[f32], std: &[f32]| {
            let used = Normaliser { mean: mean.to_vec(), std: std.to_vec() }.of_colours();
            used.map(|Normalisation { mean, std }| (mean, std))
        };
        assert_eq!(
            of(&[0.5, 0.4, 0.3], &[0.1, 0.2, 0.3]),
            Some(([0.5, 0.4, 0.3], [0.1, 0.2, 0.3]))
        );
        assert_eq!(of(&[0.5], &[0.25]), Some(([0.5; 3], [0.25; 3])));
        assert_eq!(of(&[1.0], &[1.0]), Some(([1.0; 3], [1.0; 3])));
        assert_eq!(of(&[0.0; 3], &[0.5, 2.0, 1.0]), Some(([0.0; 3], [0.5, 2.0, 1.0])));
        // For images in [0, 255].
        assert_eq!(of(&[127.5], &[51.0]), Some(([0.5; 3], [0.2; 3])));
        for (mean, std) in [
            (&[f32::NAN; 3][..], &[0.2; 3][..]),
            (&[0.5; 3], &[f32::INFINITY; 3]),
            (&[0.5; 3], &[0.2, 0.0, 0.2]),
            (&[0.5; 3], &[0.2, 0.2, -0.2]),
            (&[0.5; 2], &[0.2; 2]),
            (&[0.5; 4], &[0.2; 3]),
            (&[], &[]),
        ] {
            assert_eq!(of(mean, std), None, "{mean:?} {std:?}");
        }
    }
}
