//! Readers of data sets and the subsets that are drawn from them. This file tests MNIST's format
//! and subsets; the other formats have a module each, with the small sets of `goldens/data`.

mod cifar;
mod damaged;
mod fixtures;
mod folders;
mod formats;
mod official;
mod pictures;
mod svhn;
mod undecodable;

use std::{collections::HashSet, io::Write};

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use repro::{
    data::{
        Dataset, Subset, SubsetError,
        idx::{self, IdxError},
    },
    experiment::{
        Seed,
        random::{Purpose, generator, permutation},
    },
};

/// Three images of 2 x 3 pixels and their labels, as IDX files.
fn good() -> (Vec<u8>, Vec<u8>) {
    let mut images = vec![0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 3];
    images.extend(0..18);
    (images, vec![0, 0, 8, 1, 0, 0, 0, 3, 0, 1, 0])
}

fn read(images: &[u8], labels: &[u8]) -> Result<Dataset, IdxError> {
    idx::read(("images", images), ("labels", labels), 2)
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn an_idx_pair_is_read_plain_and_compressed() {
    let (images, labels) = good();
    let dataset = read(&images, &labels).unwrap();
    assert_eq!((dataset.len(), dataset.shape(), dataset.classes()), (3, (1, 2, 3), 2));
    assert_eq!(dataset.labels(), [0, 1, 0]);
    assert_eq!(dataset.pixels()[6..12], [6, 7, 8, 9, 10, 11]);
    assert_eq!(read(&packed(&images), &packed(&labels)).unwrap(), dataset);
}

#[test]
fn a_file_that_is_truncated_or_too_long_is_refused_by_name() {
    let (images, labels) = good();
    for end in 0..images.len() {
        let error = read(&images[..end], &labels).unwrap_err();
        assert!(error.to_string().starts_with("failed to read images, offset "), "{end}: {error}");
    }
    let whole = packed(&images);
    for end in 2..whole.len() {
        let error = read(&whole[..end], &labels).unwrap_err();
        assert!(matches!(error, IdxError::Damaged { .. }), "{end}: {error}");
    }
    // All members are read, and nothing but zeros may follow them.
    let members = [packed(&images[..9]), packed(&images[9..]), vec![0; 20]].concat();
    assert_eq!(read(&members, &labels).unwrap(), read(&images, &labels).unwrap());
    for after in [&b"x"[..], b"\0x", b"\x1f\x8b"] {
        let error = read(&[&whole[..], after].concat(), &labels).unwrap_err();
        assert!(matches!(error, IdxError::Damaged { .. }), "{after:?}: {error}");
    }
    let longer = [images.as_slice(), &[0]].concat();
    let error = read(&longer, &labels).unwrap_err().to_string();
    assert_eq!(error, "failed to read images, offset 16: 19 bytes follow, the header states 18");
}

#[test]
fn a_header_with_huge_sizes_allocates_nothing() {
    let (_, labels) = good();
    let moon = [0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2];
    assert!(matches!(read(&moon, &labels), Err(IdxError::Length { found: 2, .. })));
}

#[test]
fn swapped_files_and_html_pages_are_refused_by_their_magic_number() {
    let (images, labels) = good();
    assert!(matches!(read(&labels, &labels), Err(IdxError::Magic { found: 0x801, .. })));
    assert!(matches!(read(b"<!DOCTYPE html>", &labels), Err(IdxError::Magic { .. })));
    assert!(matches!(read(&images, &images), Err(IdxError::Magic { found: 0x803, .. })));
}

#[test]
fn a_label_out_of_range_or_a_count_that_differs_is_refused() {
    let (images, mut labels) = good();
    labels[9] = 2;
    let error = read(&images, &labels).unwrap_err().to_string();
    assert_eq!(
        error,
        "failed to read labels: image 1 has label 2, but there are 2 classes, counted from 0"
    );
    let two = [0, 0, 8, 1, 0, 0, 0, 2, 0, 1];
    assert!(matches!(read(&images, &two), Err(IdxError::Mismatch { .. })));
}

fn labelled(labels: Vec<u32>, classes: u32) -> Dataset {
    Dataset::new(vec![0; labels.len()], (1, 1, 1), labels, classes).unwrap()
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..16_usize) {
        let (mut images, labels) = good();
        let _ = read(&bytes, &labels);
        images[at] = bytes.first().copied().unwrap_or(7);
        let _ = read(&images, &bytes);
        let _ = read(&images, &labels);
    }

    #[test]
    fn a_subset_has_its_size_every_class_and_no_image_twice(
        labels in prop::collection::vec(0..6_u32, 6..200), size in 6..200_usize, seed in any::<u64>(),
    ) {
        let dataset = labelled(labels.clone(), 6);
        let order = permutation(labels.len(), &mut generator(Seed(seed), Purpose::Subset));
        let subset = Subset::draw(&dataset, size.min(labels.len()), &order).unwrap();
        let images: HashSet<usize> = subset.images().iter().copied().collect();
        prop_assert_eq!(images.len(), size.min(labels.len()));
        let of = |images: &HashSet<usize>| images.iter().map(|image| labels[*image]).collect::<HashSet<_>>();
        prop_assert_eq!(of(&images), labels.iter().copied().collect::<HashSet<_>>());
    }

    #[test]
    fn a_smaller_subset_is_part_of_the_larger_one(
        labels in prop::collection::vec(0..6_u32, 6..200), sizes in (6..200_usize, 6..200_usize), seed in any::<u64>(),
    ) {
        let dataset = labelled(labels.clone(), 6);
        let order = permutation(labels.len(), &mut generator(Seed(seed), Purpose::Subset));
        let draw = |size: usize| -> HashSet<usize> {
            let subset = Subset::draw(&dataset, size.min(labels.len()), &order).unwrap();
            subset.images().iter().copied().collect()
        };
        let (small, large) = (draw(sizes.0.min(sizes.1)), draw(sizes.0.max(sizes.1)));
        prop_assert!(small.is_subset(&large));
    }
}

#[test]
fn a_subset_includes_rare_classes() {
    // One image of class 1, at the end of the order.
    let mut labels = vec![0; 99];
    labels.push(1);
    let dataset = labelled(labels, 2);
    let order: Vec<usize> = (0..100).collect();
    assert_eq!(Subset::draw(&dataset, 3, &order).unwrap().images(), [0, 1, 99]);
}

#[test]
fn an_impossible_subset_is_refused_with_the_possible_sizes() {
    let dataset = labelled(vec![0, 1, 2, 0], 3);
    let order = [0, 1, 2, 3];
    let draw = |size, order: &[usize]| Subset::draw(&dataset, size, order).unwrap_err();
    assert_eq!(draw(5, &order), SubsetError::TooMany { requested: 5, pool: 4 });
    assert_eq!(draw(2, &order), SubsetError::TooFew { requested: 2, classes: 3 });
    assert_eq!(draw(3, &[0, 1, 1, 3]), SubsetError::InvalidOrder { found: 4, pool: 4 });
    assert_eq!(draw(3, &[0, 1, 2]), SubsetError::InvalidOrder { found: 3, pool: 4 });
}
