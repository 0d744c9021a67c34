//! The memory that a fine-tune needs at least, by counting what it holds at once. libtorch needs
//! more: workspaces, and what its allocator keeps. So a device with less memory can't run it, and
//! one with a little more may not.

use crate::{
    experiment::{Architecture, Precision, Recipe},
    world::World,
};

/// Bytes that a fine-tune holds at once, at least: weights with the gradients and momenta of those
/// that are trained, what one step keeps for its backward pass, and the images as bytes.
///
/// # Panics
/// If the world has no such target.
#[must_use]
pub fn needed(recipe: &Recipe, world: &World) -> f64 {
    let (key, protocol) = (&recipe.key, &recipe.protocol);
    let held = Held::new(world.architecture(), protocol.side, recipe.trained_blocks());
    let value = if protocol.precision == Precision::Bf16 { 2.0 } else { 4.0 };
    // Single precision, whatever the precision of products; a source model and its copy.
    let weights = 4.0 * (2.0 * held.weights + 2.0 * held.trained_weights);
    let step = value * f64::from(protocol.batch.min(key.images)) * (held.kept + held.widest);
    let side = f64::from(protocol.side);
    let images = f64::from(key.images) + f64::from(world.targets[&*key.target].test);
    weights + step + 3.0 * side * side * images
}

/// Numbers of values that a fine-tune holds, those of activations for one image.
struct Held {
    weights: f64,
    trained_weights: f64,
    /// Activations that the backward pass through the trained blocks needs: the input of each
    /// convolution and of each batch norm, once each.
    kept: f64,
    /// The largest input and output of a convolution, side by side.
    widest: f64,
}

impl Held {
    fn new(architecture: &Architecture, side: u32, trained: u32) -> Self {
        let mut side = i64::from(side);
        let mut held = Self { weights: 0.0, trained_weights: 0.0, kept: 0.0, widest: 0.0 };
        let area = |side: i64, channels: i64| (side * side * channels) as f64;
        let stem = architecture.first_convolution();
        let input = area(side, stem.input);
        side = (side + stem.stride - 1) / stem.stride;
        held.widest = input + area(side, stem.output);
        held.weights = (stem.kernel * stem.kernel * stem.input * stem.output) as f64;
        if let crate::experiment::Stem::Imagenet = architecture.stem {
            side = (side + 1) / 2;
        }
        let blocks = architecture.residuals();
        let frozen = blocks.len().saturating_sub(trained as usize);
        for (at, block) in blocks.iter().enumerate() {
            let begun = side;
            for (convolution, is_shortcut) in block
                .body
                .iter()
                .map(|convolution| (convolution, false))
                .chain(block.shortcut.iter().map(|shortcut| (shortcut, true)))
            {
                let from = if is_shortcut { begun } else { side };
                let to = (from + convolution.stride - 1) / convolution.stride;
                let (input, output) = (area(from, convolution.input), area(to, convolution.output));
                let weights = (convolution.kernel * convolution.kernel * convolution.input)
                    * convolution.output;
                held.weights += weights as f64;
                held.widest = held.widest.max(input + output);
                if at >= frozen {
                    held.trained_weights += weights as f64;
                    // A shortcut has the input of the body.
                    held.kept += output + if is_shortcut { 0.0 } else { input };
                }
                if !is_shortcut {
                    side = to;
                }
            }
        }
        let head = f64::from(architecture.features()) * f64::from(architecture.classes);
        held.weights += head;
        held.trained_weights += head;
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Key;

    /// ResNet-50 has 25.5 million weights in convolutions and head. By a count of its own (loops over
    /// stages and blocks in Python), the convolutions of its blocks put out 10,311,168 values for an
    /// image of 224 pixels (with the stem 11.1 million, as fvcore counts), and read 8,906,240.
    #[test]
    fn counts_of_resnet_50_are_those_known() {
        let held = Held::new(&Architecture::resnet50(1000), 224, 16);
        assert!((held.weights / 25.5e6 - 1.0).abs() < 0.002, "{}", held.weights);
        assert!((held.trained_weights - held.weights + 9408.0).abs() < 1.0);
        assert_eq!(held.kept, 10_311_168.0 + 8_906_240.0);
        let head = Held::new(&Architecture::resnet50(1000), 224, 0);
        assert_eq!((head.kept, head.trained_weights), (0.0, 2048.0 * 1000.0));
    }

    /// Without trained blocks: a source model and its copy, the head's gradient and momentum, what one
    /// image needs at once for each of a step, and all images.
    #[test]
    fn a_head_alone_needs_what_is_counted_by_hand() {
        let paper = World::paper();
        let recipe = paper.recipe(Key::new("cifar10", "natural", 0, 3200));
        let held = Held::new(paper.architecture(), 224, 0);
        assert_eq!(held.kept, 0.0);
        let batch = f64::from(recipe.protocol.batch);
        let weights = 8.0 * held.weights + 8.0 * held.trained_weights;
        let images = 150_528.0 * 13_200.0;
        assert_eq!(needed(&recipe, &paper), weights + 4.0 * batch * held.widest + images);
    }

    #[test]
    fn a_fine_tune_of_the_paper_needs_a_few_gigabytes() {
        let paper = World::paper();
        let bytes = |blocks, images| {
            needed(&paper.recipe(Key::new("cifar10", "natural", blocks, images)), &paper) / 1e9
        };
        // 10,000 test images and 3,200 training images of 150,528 bytes are 1.99 GB.
        assert!(bytes(3, 3200) > 2.5 && bytes(3, 3200) < 5.0, "{}", bytes(3, 3200));
        assert!(bytes(0, 3200) < bytes(3, 3200) && bytes(3, 3200) < bytes(9, 3200));
        assert!(bytes(3, 100) < bytes(3, 3200));
    }
}
