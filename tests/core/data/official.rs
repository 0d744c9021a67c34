//! Data sets with official names must have the official numbers of images.

use repro::{
    data::{
        DataError,
        official::{OFFICIAL, Official, names, target},
    },
    world::World,
};

use super::fixtures::{Copy, FIXTURES, goldens, read};

#[test]
fn every_target_of_the_paper_has_its_number_of_training_images() {
    let world = World::paper();
    assert_eq!(world.targets.len(), 8);
    for (name, about) in &world.targets {
        let official = OFFICIAL.iter().find(|official| official.name == name).unwrap();
        assert_eq!(official.train, about.train as usize, "{name}");
    }
}

/// Torchvision's numbers: `len` of its data sets, and of CelebA's list of parts.
#[test]
fn the_numbers_of_images_are_those_of_torchvision() {
    for (name, train, test) in [
        ("cifar10", 50_000, 10_000),
        ("cifar100", 50_000, 10_000),
        ("svhn", 73_257, 26_032),
        ("mnist", 60_000, 10_000),
        ("kmnist", 60_000, 10_000),
        ("fmnist", 60_000, 10_000),
        ("celeba", 162_770, 19_962),
        // 8,677 in all.
        ("caltech101", 101 * 30, 8_677 - 101 * 30),
    ] {
        let official = OFFICIAL.iter().find(|official| official.name == name).unwrap();
        assert_eq!((official.train, official.test), (train, test), "{name}");
    }
}

#[test]
fn a_smaller_set_under_an_official_name_is_refused() {
    for name in names().filter(|name| !["kmnist", "fmnist"].contains(name)) {
        let error = target(name, &goldens()).unwrap_err();
        match (name, &error) {
            // The set has fewer than 30 images to train on.
            ("caltech101", DataError::Layout { .. }) | (_, DataError::Count { .. }) => {}
            (name, error) => panic!("{name}: {error}"),
        }
    }
    // MNIST's format under the names of related data sets.
    let data = tempfile::tempdir().unwrap();
    for name in ["kmnist", "fmnist"] {
        std::os::unix::fs::symlink(goldens().join("mnist"), data.path().join(name)).unwrap();
        let error = target(name, data.path()).unwrap_err();
        assert!(matches!(error, DataError::Count { expected: 60_000, .. }), "{name}: {error}");
    }
    let error = target("svhn", &goldens()).unwrap_err().to_string();
    let words = "svhn: 5 training images, expected 73257";
    assert!(error.ends_with(words), "{error}");
}

#[test]
fn both_counts_the_classes_and_the_size_are_checked() {
    for (name, format) in FIXTURES {
        let found = read(format, &goldens().join(name)).unwrap();
        let (train, test) = (found.train.len(), found.test.len());
        let shape = (name == "mnist").then_some((1, 28, 28));
        let classes = found.train.classes();
        let right = Official { name: "test", format, train, test, classes, shape };
        let check = |official: Official| official.check(&goldens(), &found);
        check(right).unwrap_or_else(|error| panic!("{name}: {error}"));
        for wrong in [
            Official { train: train + 1, ..right },
            Official { test: test - 1, ..right },
            Official { classes: classes + 1, ..right },
        ] {
            assert!(matches!(check(wrong), Err(DataError::Count { .. })), "{name}");
        }
    }
    let found = read(FIXTURES[0].1, &goldens().join("mnist")).unwrap();
    let (train, test) = (4, 3);
    let wide = Official { train, test, shape: Some((3, 32, 32)), ..OFFICIAL[3] };
    let error = wide.check(&goldens(), &found).unwrap_err().to_string();
    let words = "images have 1 x 28 x 28 values, the official ones 3 x 32 x 32";
    assert!(error.ends_with(words), "{error}");
}

#[test]
fn a_wrong_name_or_a_missing_file_has_help() {
    let error = target("cifar-10", &goldens()).unwrap_err().to_string();
    assert_eq!(error, "failed to find the data set `cifar-10`, did you mean `cifar10`?");
    let error = target("kmnist", &goldens()).unwrap_err().to_string();
    assert!(error.contains("kmnist/train-images-idx3-ubyte.gz: No such file"), "{error}");
    for (name, file) in [
        ("cifar10", "cifar-10-batches-bin/data_batch_4.bin"),
        ("cifar100", "cifar-100-binary/test.bin"),
        ("svhn", "test_32x32.mat"),
        ("celeba", "list_eval_partition.txt"),
        ("tiny-imagenet", "tiny-imagenet-200/wnids.txt"),
    ] {
        let copy = Copy::new(name);
        std::fs::remove_file(copy.path(file)).unwrap();
        let (_, format) = FIXTURES.into_iter().find(|(known, _)| *known == name).unwrap();
        let error = read(format, copy.root()).unwrap_err();
        assert!(matches!(error, DataError::Unreadable { .. }), "{name}: {error}");
        assert!(error.to_string().contains(file), "{error}");
    }
}

/// A file that is far too large for an image or a list.
#[test]
fn a_file_larger_than_any_of_its_kind_is_not_read() {
    let copy = Copy::new("celeba");
    let file = std::fs::File::create(copy.path("list_attr_celeba.txt")).unwrap();
    // A sparse file: no blocks are written.
    file.set_len((1 << 27) + 1).unwrap();
    let error = repro::data::celeba::read(copy.root()).unwrap_err();
    assert!(matches!(error, DataError::TooLarge { limit: 134_217_728, .. }), "{error}");
}
