//! The embedded catalogue agrees with the publishers, and invalid catalogues are refused.

use std::collections::HashSet;

use repro::{
    fetch::{Algorithm, Catalogue, ItemKind, Zoo},
    world::World,
};

use super::server;

#[test]
fn the_catalogue_has_every_item_of_the_paper_with_either_zoo() {
    let catalogue = Catalogue::embedded();
    let world = World::paper();
    for zoo in Zoo::ALL {
        let (items, absent) = catalogue.for_world(&world, zoo);
        assert_eq!(absent, [""; 0]);
        assert_eq!(items.len(), world.targets.len() + world.sources.len());
        let other = |item: &&repro::fetch::Item| matches!(&item.kind, ItemKind::Checkpoint { zoo: own, .. } if *own != zoo);
        assert!(!items.iter().any(other), "zoos are not mixed");
        assert_eq!(catalogue.named(zoo.name()).unwrap().len(), world.sources.len());
    }
    // No file of one zoo is a file of the other.
    let checkpoints =
        catalogue.items.iter().filter(|item| matches!(item.kind, ItemKind::Checkpoint { .. }));
    let names: Vec<&str> = checkpoints.map(|item| item.files[0].name.as_str()).collect();
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), 8);
}

/// Checksums as stated by torchvision 0.26, the CIFAR page and the model's card.
const STATED: [(&str, &str, &str); 21] = [
    ("mnist", "train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
    ("mnist", "train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
    ("mnist", "t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
    ("mnist", "t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ("fmnist", "train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
    ("fmnist", "t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    ("kmnist", "train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
    ("kmnist", "t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
    ("cifar10", "cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"),
    ("cifar100", "cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"),
    ("svhn", "train_32x32.mat", "e26dedcc434d2e4c54c9b2d4a06d8373"),
    ("svhn", "test_32x32.mat", "eb5a983be6a315427106f1b164d9cef3"),
    ("caltech101", "caltech-101.zip", "3138e1922a9193bfa496528edbbc45d0"),
    ("celeba", "img_align_celeba.zip", "00d2c5bc6d35e252742224ab0c1e8fcb"),
    ("celeba", "list_attr_celeba.txt", "75e246fa4810816ffd6ee81facbd244c"),
    ("celeba", "list_eval_partition.txt", "d32c9cbf5e040fd4025c592c306e6668"),
    ("tiny-imagenet", "tiny-imagenet-200.zip", "90528d7ca1a48142e341f4ef8d21d0de"),
    (
        "sister/natural",
        "resnet50_l2_eps0.ckpt",
        "72d4a99582db5d7fa86c3fd2a089f0bfd6a10f69d635bca51f6ad72ac6b458f0",
    ),
    (
        "sister/l2_3",
        "resnet50_l2_eps3.ckpt",
        "380b14e6f9750bffa1447cf7017f65da4dc5ce71a3dd112f107515dcf7b14d9d",
    ),
    (
        "sister/linf_4",
        "resnet50_linf_eps4.0.ckpt",
        "9e62216975c111b8081481533b6142dec34be69abe5d90b54d7f860015c263db",
    ),
    (
        "sister/linf_8",
        "resnet50_linf_eps8.0.ckpt",
        "b907957f8e3ce209816813d8811c682e965a1b0f48455def828d35a4cc2953dc",
    ),
];

#[test]
fn checksums_are_those_of_the_publishers() {
    let catalogue = Catalogue::embedded();
    let file = |item: &str, name: &str| {
        let item = catalogue.named(item).unwrap().remove(0);
        item.files.iter().find(|file| file.name == name).unwrap().clone()
    };
    for (item, name, stated) in STATED {
        assert_eq!(file(item, name).checksum().unwrap().hexadecimal, stated, "{item} {name}");
    }
    // For its weights torchvision states the first digits of the SHA-256, in the file's name.
    let natural = file("authors/natural", "resnet50-19c8e357.pth").checksum().unwrap();
    assert_eq!(natural.algorithm, Algorithm::Sha256);
    assert!(natural.hexadecimal.starts_with("19c8e357"));
    // There is no official checksum of Engstrom's checkpoints.
    for role in ["l2_3", "linf_4", "linf_8"] {
        let item = catalogue.named(&format!("authors/{role}")).unwrap().remove(0);
        assert!(item.files[0].checksum().is_none());
        // Dropbox answers with a page about the file if its link ends in dl=0.
        assert!(item.files[0].addresses.iter().all(|address| address.ends_with("dl=1")));
    }
}

/// Readers of data sets and checkpoints rely on these paths.
#[test]
fn every_file_is_stored_where_readers_expect_it() {
    let catalogue = Catalogue::embedded();
    let mut places: Vec<String> = Vec::new();
    for item in &catalogue.items {
        for file in &item.files {
            let name = file.unpack.as_ref().map_or(&file.name, |unpack| &unpack.folder);
            places.push(item.folder().join(name).to_str().unwrap().to_owned());
        }
    }
    for place in [
        "mnist/train-images-idx3-ubyte.gz",
        "fmnist/t10k-labels-idx1-ubyte.gz",
        "kmnist/t10k-images-idx3-ubyte.gz",
        "cifar10/cifar-10-batches-bin",
        "cifar100/cifar-100-binary",
        "svhn/train_32x32.mat",
        "svhn/test_32x32.mat",
        "caltech101/101_ObjectCategories",
        "celeba/img_align_celeba",
        "celeba/list_attr_celeba.txt",
        "celeba/list_eval_partition.txt",
        "tiny-imagenet/tiny-imagenet-200",
        "zoos/authors/resnet50-19c8e357.pth",
        "zoos/authors/imagenet_l2_3_0.pt",
        "zoos/sister/resnet50_l2_eps0.ckpt",
    ] {
        assert!(places.iter().any(|known| known == place), "{place}");
    }
}

#[test]
fn a_bad_catalogue_is_refused_by_item_and_file() {
    let good = server::catalogue(&["http://a.org/x".to_owned()], "no_checksum = \"none\"");
    assert!(Catalogue::parse("good.toml", &good).is_ok());
    let unpack = "unpack = { format = \"zip\", folder = \"F\", most_entries = 1, most_bytes = 1 }";
    for (from, to) in [
        ("thing.bin", "../thing.bin"),
        ("thing.bin", "/etc/thing.bin"),
        ("thing.bin", ".lock"),
        ("thing.bin", ""),
        ("target = \"thing\"", "target = \"../thing\""),
        ("target = \"thing\"", "target = \".thing\""),
        ("target = \"thing\"", "zoo = \"mine\", role = \"natural\""),
        ("http://a.org/x", "file:///etc/passwd"),
        ("[\"http://a.org/x\"]", "[]"),
        ("no_checksum = \"none\"", ""),
        ("no_checksum = \"none\"", "md5 = \"123\""),
        ("no_checksum = \"none\"", "sha256 = \"00000000000000000000000000000000\""),
        ("no_checksum", "md5 = \"00000000000000000000000000000000\"\nno_checksum"),
        ("no_checksum", "sha1 = \"x\"\nno_checksum"),
        ("format = 1", "format = 2"),
        (
            "no_checksum",
            &unpack.replace("F", "../x").replace("unpack", "no_checksum = \"\"\nunpack"),
        ),
        (
            "no_checksum = \"none\"",
            &format!("no_checksum = \"none\"\n{}", unpack.replace('F', "a/b")),
        ),
        (
            "no_checksum = \"none\"",
            &format!(
                "no_checksum = \"none\"\n{}",
                unpack.replace("zip\"", "tar.gz\", inner = \"x\"")
            ),
        ),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good, "{from}");
        let error = Catalogue::parse("bad.toml", &bad).unwrap_err().to_string();
        assert!(
            error.starts_with("failed to parse the catalogue bad.toml: "),
            "{from} -> {to}: {error}"
        );
    }
    let twice = format!("{good}{}", good.replace("format = 1\n", ""));
    assert!(Catalogue::parse("bad.toml", &twice).unwrap_err().to_string().contains("listed twice"));
}
