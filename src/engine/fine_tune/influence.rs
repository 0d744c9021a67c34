//! Influence at the end of a fine-tune: its last layer over its own subset and the target's test set,
//! in evaluation mode and without augmentation, as the authors measured it
//! (`influence_functions` of their code, which sums the Hessian over the subset and counts no weight decay).
//!
//! One thing differs: they took gradients in single precision, in which a test image that is fitted well
//! has no gradient for its own class. Here, features are the network's and all that follows is in double precision.

use tch::{Kind, Tensor};

use super::Material;
use crate::{
    engine::{
        OnDevice,
        influence::{Curvature, Eigenpairs, Influence, InfluenceError, LastLayer, Scores, Shares},
        model::{Mode, Network},
        no_grad, transform,
    },
    experiment::{
        Counts, Found, InfluentialExample, Inverse, MeasuredInfluence, OtherRankings, Pictured,
        RankedCounts, Seed,
        random::{self, Purpose},
    },
};

/// The number of test images that a record keeps as pictures: the first of each of the first classes,
/// the same for every source and seed.
const EXHIBITS: i64 = 6;
/// Pixels a side of these pictures.
const LOOKED_AT: i64 = 32;

/// Measures influence by each of these inverses. `subset` has the indices of the training images in the
/// target. The seed draws the start of the search for eigenvectors.
#[must_use]
pub(crate) fn measure_influence(
    network: &Network,
    material: &Material<'_>,
    subset: &[usize],
    inverses: &[Inverse],
    seed: Seed,
) -> Vec<MeasuredInfluence> {
    let counted = no_grad::without(|| counts(network, material, subset, inverses, seed));
    match counted {
        Ok(counts) => {
            let found = counts.into_iter().map(Found::Counts);
            let each = inverses.iter().zip(found);
            each.map(|(&inverse, found)| MeasuredInfluence { inverse, found }).collect()
        }
        Err(error) => {
            let found = Found::Nothing { reason: error.to_string() };
            let each = inverses.iter();
            each.map(|&inverse| MeasuredInfluence { inverse, found: found.clone() }).collect()
        }
    }
}

fn counts(
    network: &Network,
    material: &Material<'_>,
    subset: &[usize],
    inverses: &[Inverse],
    seed: Seed,
) -> Result<Vec<Counts>, InfluenceError> {
    let Some(finest) = inverses.iter().map(|inverse| inverse.truncation).reduce(f64::min) else {
        return Ok(Vec::new());
    };
    let train = seen(network, material.train)?;
    let test = seen(network, material.test)?;
    // One search for the finest cut serves all others.
    let mut generator = random::generator(seed, Purpose::Influence);
    let pairs = Curvature::new(&train).top(finest, &mut generator)?;
    let mut counted = Vec::new();
    for (place, inverse) in inverses.iter().enumerate() {
        let influence = Influence::new(&train, &test, &pairs, *inverse)?;
        let shares = Shares::new(&influence, train.labels(), test.labels());
        let (gallery, other_rankings) = match place {
            0 => (
                gallery(material, subset, &test.predicted(), &shares),
                Some(Box::new(other_rankings(&train, &test, &pairs, *inverse)?)),
            ),
            _ => (Vec::new(), None),
        };
        counted.push(Counts {
            kept: influence.kept() as u32,
            largest: influence.largest(),
            chance: shares.by_chance(train.labels(), test.labels()),
            matches: shares.matches,
            three_of_five: shares.three_of_five,
            first: shares.first,
            other_rankings,
            gallery,
        });
    }
    Ok(counted)
}

/// Counts by influence on the loss of the predicted class, and by features alone.
fn other_rankings(
    train: &LastLayer,
    test: &LastLayer,
    pairs: &Eigenpairs,
    inverse: Inverse,
) -> Result<OtherRankings, InfluenceError> {
    let ranked = |scores: &Scores, labels: &Tensor| {
        let shares = Shares::by(scores, train.labels(), labels);
        RankedCounts {
            chance: shares.by_chance(train.labels(), labels),
            matches: shares.matches,
            three_of_five: shares.three_of_five,
            first: shares.first,
        }
    };
    let predicted = test.as_predicted();
    let influence = Influence::new(train, &predicted, pairs, inverse)?;
    Ok(OtherRankings {
        influence_on_predicted: ranked(influence.scores(), predicted.labels()),
        features: ranked(&Scores::of_features(train, test), test.labels()),
    })
}

/// The features, logits and gradients of images at the last layer.
fn seen(network: &Network, images: &OnDevice) -> Result<LastLayer, InfluenceError> {
    let features = images.mapped(|pixels| {
        let features = network.features(&transform::to_unit(pixels), Mode::Evaluate);
        features.to_kind(Kind::Double)
    });
    let logits = network.classify_in_double(&features.pixels);
    LastLayer::new(&features.pixels, &logits, &features.labels)
}

fn gallery(
    material: &Material<'_>,
    subset: &[usize],
    predicted: &Tensor,
    shares: &Shares,
) -> Vec<InfluentialExample> {
    let Material { train, test, classes, .. } = material;
    let labels = Vec::<i64>::try_from(&test.labels).expect("one dimension");
    let first = |class: i64| labels.iter().position(|label| *label == class);
    (0..i64::from(*classes).min(EXHIBITS))
        .filter_map(first)
        .map(|image| {
            let (most, influence) = shares.strongest[image];
            InfluentialExample {
                test: pictured(test, image, image),
                predicted: predicted.int64_value(&[image as i64]) as u32,
                train: pictured(train, most, subset[most]),
                influence,
            }
        })
        .collect()
}

/// The image at index `place`, with its number `image` in the target.
fn pictured(images: &OnDevice, place: usize, image: usize) -> Pictured {
    let one = images.pixels.narrow(0, place as i64, 1);
    let (_, _, height, width) = one.size4().expect("images have four dimensions");
    let small = transform::resize(&one, [height.min(LOOKED_AT), width.min(LOOKED_AT)]);
    Pictured {
        image: image as u32,
        label: images.labels.int64_value(&[place as i64]) as u32,
        png: picture::png_in_base64(&small.squeeze_dim(0)),
    }
}

mod picture {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use tch::Tensor;

    /// Bytes `[C,H,W]` of one or three channels as a PNG file.
    pub fn png_in_base64(pixels: &Tensor) -> String {
        let (channels, height, width) = pixels.size3().expect("an image has three dimensions");
        let bytes = pixels.permute([1, 2, 0]).contiguous().view([-1]);
        let bytes = Vec::<u8>::try_from(&bytes).expect("one dimension");
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_color(if channels == 1 {
            png::ColorType::Grayscale
        } else {
            png::ColorType::Rgb
        });
        let mut writer = encoder.write_header().expect("a size that PNG has");
        writer.write_image_data(&bytes).expect("as many bytes as pixels");
        writer.finish().expect("memory has room");
        STANDARD.encode(file)
    }
}
