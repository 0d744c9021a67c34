//! The batched transforms against torchvision's on PIL images, with given parameters, bit for bit.
//! `transforms/draws.rs` tests the random draws.
//!
//! `goldens/transforms/make_reference.py` makes `reference.npz`. Each test also checks a near miss:
//! a plausible wrong transform, which the test must reject.

use std::collections::HashSet;

use repro::engine::transform::*;
use tch::{Kind, Tensor};

mod draws;
mod reference;

use reference::{Reference, assert_same_bytes, difference, numbers};

fn size(words: &str) -> [i64; 2] {
    let (height, width) = words.split_once('x').unwrap();
    [height.parse().unwrap(), width.parse().unwrap()]
}

#[test]
fn images_are_resized_up_and_down_as_by_pil() {
    let reference = Reference::read();
    for (name, case) in reference.under("resize/") {
        let images = match case[0] {
            "red" => reference.array("colour").narrow(0, 0, 1).narrow(1, 0, 1),
            other => reference.array(other).shallow_clone(),
        };
        let expected = reference.array(name);
        assert_same_bytes(&resize(&images, size(case[1])), expected, name);

        // Bilinear between the nearest four pixels, which is not antialiased.
        let [height, width] = size(case[1]);
        let (from_height, from_width) = (images.size()[2], images.size()[3]);
        let floats = images.to_kind(Kind::Float);
        let plain = floats.upsample_bilinear2d([height, width], false, None, None).round();
        let (differ, levels) = difference(&plain, expected);
        if height < from_height || width < from_width {
            assert!(levels > 5, "{name}: without antialiasing only {levels} levels difference");
        } else {
            // When enlarging it is the same, except for PIL's rounding to bytes between passes.
            assert!(differ > 0 && levels == 1, "{name}: {differ} differ, by up to {levels}");
        }
    }
}

#[test]
fn an_image_resized_without_tensors_has_the_same_bytes() {
    let reference = Reference::read();
    let mut cases = 0;
    for (name, case) in reference.under("resize/") {
        let images = match case[0] {
            "red" => reference.array("colour").narrow(0, 0, 1).narrow(1, 0, 1),
            other => reference.array(other).shallow_clone(),
        };
        let expected = reference.array(name);
        let [channels, height, width] = [1, 2, 3].map(|side| images.size()[side] as usize);
        let to = size(case[1]).map(|side| side as usize);
        for image in 0..images.size()[0] {
            let bytes = |images: &Tensor| Vec::<u8>::try_from(images.get(image).flatten(0, -1));
            let found = repro::data::resize::resize_bytes(
                &bytes(&images).unwrap(),
                (channels, height, width),
                to,
            );
            assert_eq!(found, bytes(expected).unwrap(), "{name}, image {image}");
            cases += 1;
        }
    }
    assert!(cases > 10, "{cases}");
}

#[test]
fn a_data_set_resized_in_parts_equals_each_resized_image() {
    let reference = Reference::read();
    let expected = reference.array("resize/red/224x224");
    let red = reference.array("colour").narrow(0, 0, 1).narrow(1, 0, 1);
    // 400 times 224 times 224 values are more than 2^24.
    let found = resize(&red.expand([400, 1, 32, 32], false), [224, 224]);
    assert_same_bytes(&found, &expected.expand([400, 1, 224, 224], false), "400 images");
}

#[test]
fn resizing_to_the_same_size_is_the_identity_and_an_empty_batch_stays_empty() {
    let reference = Reference::read();
    let images = reference.array("odd");
    assert_same_bytes(&resize(images, [31, 47]), images, "same size");
    let none = resize(&images.narrow(0, 0, 0), [5, 6]);
    assert_eq!(none.size(), [0, 3, 5, 6]);
    assert_eq!(augment(&none, &[]).size(), [0, 3, 5, 6]);
}

#[test]
fn images_are_downscaled_and_upscaled_again_as_by_pil() {
    let reference = Reference::read();
    for (name, case) in reference.under("through/") {
        let (through, side) = (case[1].parse().unwrap(), case[2].parse().unwrap());
        let images = reference.array(case[0]);
        let expected = reference.array(name);
        assert_same_bytes(&downscale_then_upscale(images, through, side), expected, name);
        assert!(
            difference(&resize(images, [side, side]), expected).1 > 5,
            "{name}: no detail lost"
        );
    }
}

/// One step of the chain, with the draws of its images.
type Step = fn(&Tensor, &[Draw]) -> Tensor;

fn crop_alone(pixels: &Tensor, draws: &[Draw]) -> Tensor {
    let given = |draw: &Draw| Placement { flip: false, ..draw.placement };
    place(pixels, &draws.iter().map(given).collect::<Vec<_>>())
}

fn flip_alone(pixels: &Tensor, draws: &[Draw]) -> Tensor {
    let given = |draw: &Draw| Placement { flip: draw.placement.flip, ..Placement::default() };
    place(pixels, &draws.iter().map(given).collect::<Vec<_>>())
}

fn jitter_alone(pixels: &Tensor, draws: &[Draw]) -> Tensor {
    jitter(pixels, &draws.iter().map(|draw| draw.jitter).collect::<Vec<_>>())
}

fn rotate_alone(pixels: &Tensor, draws: &[Draw]) -> Tensor {
    rotate(pixels, &draws.iter().map(|draw| draw.degrees).collect::<Vec<_>>())
}

#[track_caller]
fn assert_step(name: &str, step: Step, near_miss: impl Fn(&Draw) -> Draw) {
    let reference = Reference::read();
    for images in ["colour", "grey", "odd"] {
        let name = format!("steps/{images}/{name}");
        let draws = reference.draws(&format!("steps/{images}"));
        let pixels = reference.repeated(images, draws.len() as i64);
        let expected = reference.array(&name);
        assert_same_bytes(&step(&pixels, &draws), expected, &name);

        let others: Vec<Draw> = draws.iter().map(&near_miss).collect();
        let differ = difference(&step(&pixels, &others), expected).0;
        assert!(differ > 0, "{name}: the near miss passes too");
    }
}

#[test]
fn images_are_padded_and_cropped_as_by_torchvision() {
    assert_step("crop", crop_alone, |draw| {
        let placement = Placement { rows: -draw.placement.rows, ..draw.placement };
        Draw { placement, ..*draw }
    });
}

#[test]
fn images_are_flipped_as_by_torchvision() {
    assert_step("flip", flip_alone, |draw| Draw {
        placement: Placement { flip: !draw.placement.flip, ..draw.placement },
        ..*draw
    });
}

#[test]
fn colours_are_jittered_in_each_order_as_by_pil() {
    let orders: HashSet<_> = Reference::read()
        .draws("steps/colour")
        .iter()
        .map(|draw| draw.jitter.order.map(|operation| operation as usize))
        .collect();
    assert_eq!(orders.len(), 6);
    assert_step("jitter", jitter_alone, |draw| {
        let [first, second, third] = draw.jitter.order;
        let jitter = Jitter { order: [third, second, first], ..draw.jitter };
        Draw { jitter, ..*draw }
    });
}

#[test]
fn images_are_rotated_as_by_pil() {
    assert_step("rotate", rotate_alone, |draw| Draw { degrees: -draw.degrees, ..*draw });
}

#[test]
fn every_factor_of_every_colour_operation_blends_and_clips_as_in_pil() {
    let reference = Reference::read();
    let factors = reference.numbers("factors");
    let noise = reference.array("colour").get(2).narrow(1, 0, 16).narrow(2, 0, 16).unsqueeze(0);
    for (at, name) in ["brightness", "contrast", "saturation"].into_iter().enumerate() {
        let image = if name == "saturation" { &noise } else { reference.array("ramp") };
        let given = |near_miss: f32| -> Vec<Jitter> {
            let with = |&factor: &f64| {
                let mut jitter = Jitter::NONE;
                jitter.factors[at] = factor as f32 + near_miss;
                jitter
            };
            factors.iter().map(with).collect()
        };
        let pixels = image.repeat([factors.len() as i64, 1, 1, 1]);
        let expected = reference.array(&format!("factor/{name}"));
        assert_same_bytes(&jitter(&pixels, &given(0.0)), expected, name);
        assert!(difference(&jitter(&pixels, &given(0.005)), expected).0 > 0, "{name}");
    }
}

#[test]
fn saturation_does_not_change_grey_images_and_brightness_does() {
    let reference = Reference::read();
    let grey = reference.array("grey");
    let given = |factors| vec![Jitter { factors, ..Jitter::NONE }; 3];
    assert_same_bytes(&jitter(grey, &given([1.0, 1.0, 0.3])), grey, "saturation");
    assert!(difference(&jitter(grey, &given([1.1, 1.0, 1.0])), grey).0 > 0);
}

#[test]
fn the_papers_two_degrees_move_no_pixel_of_an_image_of_mnists_size() {
    let reference = Reference::read();
    let grey = reference.array("grey");
    assert_same_bytes(&rotate(grey, &[2.0, -2.0, 1.3]), grey, "28 pixels");
    let large = reference.array("large");
    assert!(difference(&rotate(large, &[0.7]), large).0 > 0);
}

#[test]
fn every_angle_rotates_an_image_as_by_pil() {
    let reference = Reference::read();
    let angles = reference.numbers("angles");
    let pixels = reference.array("odd").narrow(0, 0, 1).repeat([angles.len() as i64, 1, 1, 1]);
    assert_same_bytes(&rotate(&pixels, &angles), reference.array("turned"), "angles");
    let others: Vec<f64> = angles.iter().map(|angle| angle * 1.02).collect();
    assert!(difference(&rotate(&pixels, &others), reference.array("turned")).0 > 0);
}

#[test]
fn the_whole_chain_agrees_with_torchvision() {
    let reference = Reference::read();
    for (name, case) in reference.under("chain/") {
        let draws = reference.draws(name);
        let pixels = reference.repeated(case[0], draws.len() as i64);
        let side = case[1].parse().unwrap();
        let found = augment(&resize(&pixels, [side, side]), &draws);
        let expected = reference.array(name);
        assert_same_bytes(&found, expected, name);

        // Colours before the crop: contrast's grey would be that of other pixels.
        let moved = place(
            &jitter_alone(&resize(&pixels, [side, side]), &draws),
            &draws.iter().map(|draw| draw.placement).collect::<Vec<_>>(),
        );
        assert!(difference(&rotate_alone(&moved, &draws), expected).0 > 0, "{name}");
    }
}

#[test]
fn bytes_are_converted_to_floats_as_by_to_tensor() {
    let reference = Reference::read();
    let found = to_unit(reference.array("ramp"));
    assert_eq!(found.kind(), Kind::Float);
    assert_eq!(numbers(&found), reference.numbers("unit"));
}

#[test]
#[should_panic(expected = "as many images as parameters")]
fn parameters_for_fewer_images_panic() {
    let reference = Reference::read();
    let _ = rotate(reference.array("colour"), &[0.0]);
}
