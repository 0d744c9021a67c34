//! Every format as written by an independent program (`goldens/data/make_fixtures.py`), and the
//! operations of a fine-tune on data sets.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use repro::{
    data::{Images, no_progress},
    experiment::Resolution,
};
#[cfg(feature = "engine")]
use {repro::engine::OnDevice, tch::Device};

use super::fixtures::{Copy, FIXTURES, fixture, read, reference, sha256, size};

#[test]
fn each_format_is_read_as_it_was_written() {
    let reference = reference();
    for (name, format) in FIXTURES {
        let target = read(format, &super::fixtures::goldens().join(name));
        let target = target.unwrap_or_else(|error| panic!("{name}: {error}"));
        for (split, images) in [("train", &target.train), ("test", &target.test)] {
            let expected = &reference[name][split];
            let what = format!("{name}, {split}");
            assert_eq!(serde_json::json!(images.labels()), expected["labels"], "{what}");
            match images {
                Images::Bytes(dataset) => {
                    let (channels, height, width) = dataset.shape();
                    let shape = serde_json::json!([channels, height, width]);
                    assert_eq!(shape, expected["shape"], "{what}");
                    assert_eq!(sha256(dataset.pixels()), expected["sha256"], "{what}");
                }
                Images::Files(files) => {
                    assert_eq!(serde_json::json!(files.names()), expected["names"], "{what}");
                    assert_eq!(serde_json::json!(files.classes()), expected["classes"], "{what}");
                    assert_eq!(images.digest(&no_progress).unwrap(), expected["digest"], "{what}");
                    let all: Vec<usize> = (0..images.len()).collect();
                    let sizes = expected["at"].as_object().unwrap();
                    assert_eq!(sizes.len(), 3);
                    for (words, digest) in sizes {
                        let (side, through) = size(words);
                        let found = images.at(&all, through, side, &no_progress).unwrap();
                        assert_eq!(sha256(found.pixels()), *digest, "{what} at {words}");
                    }
                }
            }
        }
    }
}

/// Images in memory and images in files give the same tensors.
#[test]
fn images_are_returned_in_the_requested_order_and_size() {
    let chosen = [3, 0, 2, 0];
    for name in ["mnist", "svhn"] {
        let train = fixture(name).train;
        let Images::Bytes(dataset) = &train else { panic!("bytes") };
        for resolution in [Resolution::Native, Resolution::Pixels(7)] {
            let found = train.at(&chosen, resolution, 40, &no_progress).unwrap();
            #[cfg(feature = "engine")]
            {
                let tensors = OnDevice::new(dataset, Device::Cpu).select(&chosen);
                let tensors = tensors.resized(resolution, 40);
                assert_eq!(found.shape(), (dataset.shape().0, 40, 40));
                let expected = Vec::<u8>::try_from(tensors.pixels.flatten(0, -1)).unwrap();
                assert!(found.pixels() == expected, "{name} {resolution}");
            }
            let labels = dataset.labels();
            assert_eq!(found.labels(), [labels[3], labels[0], labels[2], labels[0]]);
        }
    }
    let train = fixture("folder").train;
    let all = train.at(&[0, 1, 2, 3], Resolution::Native, 9, &no_progress).unwrap();
    let one = |image: usize| all.pixels()[image * 243..][..243].to_vec();
    let found = train.at(&chosen, Resolution::Native, 9, &no_progress).unwrap();
    assert_eq!(found.pixels(), [one(3), one(0), one(2), one(0)].concat());
    assert_eq!((found.labels(), found.classes()), ([1, 0, 1, 0].as_slice(), 2));
    let none = train.at(&[], Resolution::Native, 9, &no_progress).unwrap();
    assert_eq!((none.len(), none.shape()), (0, (3, 9, 9)));
}

#[test]
fn progress_counts_every_image_once() {
    let target = fixture("celeba");
    let reported = Mutex::new(Vec::new());
    let report = |done| reported.lock().unwrap().push(done);
    target.train.at(&[0, 1, 2, 3], Resolution::Native, 8, &report).unwrap();
    let mut seen = std::mem::take(&mut *reported.lock().unwrap());
    seen.sort_unstable();
    assert_eq!(seen, [1, 2, 3, 4]);
    // The count continues from the first split to the second.
    target.digest(&report).unwrap();
    let mut seen = reported.into_inner().unwrap();
    seen.sort_unstable();
    assert_eq!(seen, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_damaged_file_is_an_error_when_it_is_decoded() {
    let copy = Copy::new("folder");
    copy.write("train/ant/10.jpg", "<!DOCTYPE html>");
    let target = repro::data::folder::read(copy.root()).unwrap();
    assert!(target.train.at(&[0, 1, 3], Resolution::Native, 8, &no_progress).is_ok());
    let error = target.train.at(&[0, 2, 1], Resolution::Native, 8, &no_progress).unwrap_err();
    let expected = "train/ant/10.jpg: it is a web page, and not JPEG, PNG, WebP or GIF";
    assert!(error.to_string().ends_with(expected), "{error}");
}

/// An image whose file is missing is an error, also when other threads are busy.
#[test]
fn the_error_is_that_of_a_file_that_fails() {
    let copy = Copy::new("folder");
    let target = repro::data::folder::read(copy.root()).unwrap();
    std::fs::remove_file(copy.path("train/Zebra/c.jpeg")).unwrap();
    for _ in 0..20 {
        let many: Vec<usize> = [0, 2, 3].into_iter().cycle().take(60).chain([1]).collect();
        let error = target.train.at(&many, Resolution::Native, 8, &no_progress).unwrap_err();
        assert!(error.to_string().contains("failed to read"), "{error}");
        assert!(error.to_string().contains("c.jpeg"), "{error}");
    }
    assert!(target.train.digest(&no_progress).is_err());
    assert!(target.train.stamp().is_err());
}

#[test]
fn a_digest_depends_on_contents_names_and_labels_but_not_on_compression() {
    let digest =
        |copy: &Copy| repro::data::folder::read(copy.root()).unwrap().digest(&no_progress).unwrap();
    let copy = Copy::new("folder");
    let first = digest(&copy);
    assert_eq!(digest(&Copy::new("folder")), first);
    copy.write("train/Zebra/.hidden", "hidden");
    assert_eq!(digest(&copy), first, "a hidden file is none of it");
    std::fs::rename(copy.path("train/ant/9.jpg"), copy.path("train/ant/8.jpg")).unwrap();
    let renamed = digest(&copy);
    assert_ne!(renamed, first);
    std::fs::copy(copy.path("train/ant/10.jpg"), copy.path("train/ant/8.jpg")).unwrap();
    assert!(![first, renamed].contains(&digest(&copy)));

    // One is compressed, the other is not.
    let copy = Copy::new("mnist");
    let packed = repro::data::official::Format::Idx { classes: 10 };
    let before = packed.read(copy.root()).unwrap();
    let gz = copy.path("train-images-idx3-ubyte.gz");
    let mut plain = Vec::new();
    let file = std::fs::File::open(&gz).unwrap();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(file), &mut plain).unwrap();
    copy.write("train-images-idx3-ubyte", plain);
    std::fs::remove_file(gz).unwrap();
    let after = packed.read(copy.root()).unwrap();
    assert_eq!(after.digest(&no_progress).unwrap(), before.digest(&no_progress).unwrap());
}

#[test]
fn a_kept_digest_is_used_until_a_file_changes() {
    let copy = Copy::new("folder");
    let kept = copy.path("kept/digest");
    let read = || repro::data::folder::read(copy.root()).unwrap();
    let made = AtomicUsize::new(0);
    let count = |_| {
        made.fetch_add(1, Ordering::Relaxed);
    };
    // `kept` is not a split of the folder.
    let first = read().cached_digest(&kept, &count).unwrap();
    assert_eq!(first, read().digest(&no_progress).unwrap());
    assert_eq!(made.load(Ordering::Relaxed), 8);
    assert_eq!(read().cached_digest(&kept, &count).unwrap(), first);
    assert_eq!(made.load(Ordering::Relaxed), 8, "nothing was read again");
    std::fs::copy(copy.path("train/ant/10.jpg"), copy.path("train/ant/9.jpg")).unwrap();
    let second = read().cached_digest(&kept, &count).unwrap();
    assert_ne!(second, first);
    assert_eq!(made.load(Ordering::Relaxed), 16);
    for damaged in ["", "nonsense", "two words", &format!("{} ", "0".repeat(64))] {
        std::fs::write(&kept, damaged).unwrap();
        assert_eq!(read().cached_digest(&kept, &no_progress).unwrap(), second, "{damaged:?}");
    }
    // If the cache can't be written, the digest is only computed again.
    let nowhere = copy.path("train/ant/9.jpg/digest");
    assert_eq!(read().cached_digest(&nowhere, &no_progress).unwrap(), second);
}

#[cfg(feature = "bundled")]
#[test]
fn the_bundled_data_is_a_target_like_any_other() {
    let bundled = repro::assets::bundled::target("mnist").unwrap();
    let train = bundled.train.clone();
    let target = repro::data::Target::from(bundled);
    assert_eq!(target.train, Images::Bytes(train));
    assert_eq!(target.test.classes(), 10);
    assert_eq!(super::fixtures::files(&fixture("caltech101").train).hidden(), 0);
}
