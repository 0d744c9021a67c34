//! The check of all images before the first fine-tune, and what is said about images that are
//! missing, in another form, or damaged.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use repro::{
    assets::{Missing, for_world, no_progress as unreported},
    data::{folder, no_progress},
    util::{Command, Hint},
    world::{UserNames, World},
};

use super::fixtures::Copy;

#[test]
fn each_image_that_can_t_be_decoded_is_listed_before_any_is_used() {
    let copy = Copy::new("folder");
    copy.write("train/ant/10.jpg", "<!DOCTYPE html>").write("val/Zebra/b.PNG", "GIF89a");
    let kept = copy.path("kept/checked");
    let decoded = AtomicUsize::new(0);
    let count = |_| {
        decoded.fetch_add(1, Ordering::Relaxed);
    };
    let check = || folder::read(copy.root()).unwrap().undecodable(&kept, &count).unwrap();
    let found = check();
    let names: Vec<&Path> =
        found.iter().map(|one| Path::new(&one.file).strip_prefix(copy.root()).unwrap()).collect();
    assert_eq!(names, [Path::new("train/ant/10.jpg"), Path::new("val/Zebra/b.PNG")]);
    assert_eq!(found[0].fault, "it is a web page, and not JPEG, PNG, WebP or GIF");
    assert_eq!(decoded.load(Ordering::Relaxed), 8, "training and test images");
    assert_eq!(check(), found);
    assert_eq!(decoded.load(Ordering::Relaxed), 8, "nothing is decoded again");
    // Another file is checked, and so is every image if the cache is damaged or of other rules.
    fs::copy(copy.path("train/ant/9.jpg"), copy.path("train/ant/10.jpg")).unwrap();
    assert_eq!(check(), found[1..]);
    let text = fs::read_to_string(&kept).unwrap();
    for other in ["", "{}", &text.replace("\"rules\": ", "\"rules\": 9")] {
        let before = decoded.load(Ordering::Relaxed);
        fs::write(&kept, other).unwrap();
        assert_eq!(check(), found[1..]);
        assert_eq!(decoded.load(Ordering::Relaxed), before + 8, "{other}");
    }
    // A file that can't be read is no image that can't be decoded.
    let target = folder::read(copy.root()).unwrap();
    fs::remove_file(copy.path("val/Zebra/b.PNG")).unwrap();
    assert!(target.undecodable(&kept, &no_progress).is_err());
}

/// The paper's world with a target `insects` that a user added.
fn world(train: usize) -> World {
    let claims = tempfile::tempdir().unwrap();
    fs::create_dir(claims.path().join("worlds")).unwrap();
    let text =
        format!("format = 1\n[targets.insects]\ntitle = \"Insects\"\ntrain = {train}\ntest = 4\n");
    fs::write(claims.path().join("worlds/own.toml"), text).unwrap();
    World::paper().with(&UserNames::read(claims.path()).unwrap())
}

/// A data folder with one target, as a copy of a fixture.
fn with(target: &str, fixture: &str) -> Copy {
    let copy = Copy::new(fixture);
    let inner = tempfile::tempdir_in(copy.root()).unwrap().keep();
    for entry in fs::read_dir(copy.root()).unwrap().map(Result::unwrap) {
        if entry.path() != inner {
            fs::rename(entry.path(), inner.join(entry.file_name())).unwrap();
        }
    }
    fs::rename(inner, copy.path(target)).unwrap();
    copy
}

fn missing(data: &Path, train: usize, target: &str) -> Missing {
    for_world(&world(train), data, unreported).target(target).unwrap_err()
}

/// Records that are there can still be judged: their names need only the bytes of files.
#[test]
fn a_target_with_a_damaged_image_is_listed_and_keeps_its_digest() {
    let data = with("insects", "folder");
    let assets = || for_world(&world(4), data.root(), unreported);
    assets().target("insects").unwrap();
    data.write("insects/train/ant/10.jpg", "BM, a bitmap").write("insects/val/ant/9.jpg", "");
    let digest = assets().images_digest("insects").unwrap();
    let Missing { what, help } = assets().target("insects").unwrap_err();
    let file = |name: &str| data.path(&format!("insects/{name}")).display().to_string();
    let expected = format!(
        "2 of 8 images of `insects` can't be decoded:\n{}: it is a BMP image, and not JPEG, PNG, \
         WebP or GIF\n{}: it is empty",
        file("train/ant/10.jpg"),
        file("val/ant/9.jpg")
    );
    assert_eq!(what, expected);
    let Hint::Manual(words) = help else { panic!("{help:?}") };
    assert!(
        words.starts_with("convert these files to JPEG, PNG, WebP or GIF of 8 bits"),
        "{words}"
    );
    assert_eq!(assets().images_digest("insects").unwrap(), digest);
    for at in 0..25 {
        data.write(&format!("insects/train/ant/bad {at}.png"), "x");
    }
    let what = missing(data.root(), 29, "insects").what;
    assert!(what.starts_with("27 of 33 images"), "{what}");
    assert_eq!(what.lines().count(), 22);
    assert!(what.contains("\nand 7 more, which "), "{what}");
    let list = fs::read_to_string(data.path("insects/.checked")).unwrap();
    assert_eq!(list.matches("bad ").count(), 25);
}

#[test]
fn what_is_missing_in_another_form_or_damaged_has_help_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let fetch = |target: &str| Command::Fetch {
        items: vec![target.to_owned()],
        data: Some(folder.path().to_owned()),
    };
    let at = |name: &str| folder.path().join(name);
    let write = |name: &str| {
        fs::create_dir_all(at(name).parent().unwrap()).unwrap();
        fs::write(at(name), "x").unwrap();
    };
    let expect = |target: &str, words: &str, help: Hint| {
        let found = missing(folder.path(), 4, target);
        assert!(found.what.contains(words), "{found}\ndoes not say: {words}");
        assert_eq!(found.help, help, "{found}");
    };
    // Nothing is there: no folder, or an empty one.
    expect("cifar10", "cifar10 is missing", Hint::Run(fetch("cifar10")));
    fs::create_dir(at("cifar10")).unwrap();
    expect("cifar10", "data_batch_1.bin: No such file", Hint::Run(fetch("cifar10")));
    // As torchvision and Kaggle have it.
    let binary = "arrange it as `cifar-10-batches-bin` of the binary version, with \
                  `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`";
    let or = |words: &str, otherwise: Hint| Hint::Or {
        words: words.to_owned(),
        otherwise: Box::new(otherwise),
    };
    write("cifar10/trainLabels.csv");
    let help = or(binary, Hint::Run(fetch("cifar10")));
    expect("cifar10", "it has the files of Kaggle's competition, but `cifar-10-b", help.clone());
    write("cifar10/cifar-10-batches-py/data_batch_1");
    expect("cifar10", "it has CIFAR-10's Python version, which torchvision downloads", help);
    // Damaged, though other forms are there too.
    for batch in 1..=5 {
        write(&format!("cifar10/cifar-10-batches-bin/data_batch_{batch}.bin"));
    }
    expect("cifar10", "1 bytes are left", Hint::DeleteAndRun(fetch("cifar10")));
    write("cifar100/train.bin");
    let words = "arrange it as `cifar-100-binary` of the binary version, with `train.bin` and \
                 `test.bin`";
    let help = or(words, Hint::Run(fetch("cifar100")));
    expect("cifar100", "it has the files of CIFAR-100's binary version without their folder", help);

    // A person downloads CelebA.
    let by_hand = |delete| Hint::ByHand {
        page: "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html".to_owned(),
        delete,
        command: Box::new(Command::Import {
            item: "celeba".to_owned(),
            data: Some(folder.path().to_owned()),
        }),
    };
    expect("celeba", "celeba is missing", by_hand(false));
    let faces = with("celeba", "celeba");
    fs::rename(faces.path("celeba"), at("celeba")).unwrap();
    fs::write(at("celeba/list_eval_partition.txt"), "x").unwrap();
    expect("celeba", "expected a name and 0, 1 or 2", by_hand(true));
    fs::rename(at("celeba/list_eval_partition.txt"), at("celeba/list_eval_partition.csv")).unwrap();
    let words = "arrange it as `img_align_celeba` with `000001.jpg` to `202599.jpg`, \
                 `list_attr_celeba.txt` and `list_eval_partition.txt`";
    let help = or(words, by_hand(false));
    expect("celeba", "it has Kaggle's version, whose lists are CSV files", help.clone());
    let faces = with("celeba", "celeba");
    fs::rename(faces.path("celeba/img_align_celeba"), faces.path("inner")).unwrap();
    fs::create_dir(faces.path("celeba/img_align_celeba")).unwrap();
    let inner = faces.path("celeba/img_align_celeba/img_align_celeba");
    fs::rename(faces.path("inner"), inner).unwrap();
    fs::remove_dir_all(at("celeba")).unwrap();
    fs::rename(faces.path("celeba"), at("celeba")).unwrap();
    expect("celeba", "it has Kaggle's version, whose images are one folder deeper", help);

    // A stray file is neither missing nor damaged.
    write("caltech101/101_ObjectCategories/readme.txt");
    let help = or(
        "move what the data set does not have out of its folder",
        Hint::Run(fetch("caltech101")),
    );
    expect("caltech101", "readme.txt: it is outside the folders of classes", help);
    write("insects/train/ant/notes.txt");
    let found = missing(folder.path(), 4, "insects");
    let Hint::Manual(words) = found.help else { panic!("{found}") };
    assert!(words.contains("{train,test}/CLASS/*.{jpg,jpeg,png,webp,gif}"), "{words}");
    assert!(words.ends_with("and move everything else out of it"), "{words}");
}
