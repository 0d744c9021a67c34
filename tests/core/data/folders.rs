//! Folders of images with a wrong layout, and lists that do not match them.

use std::fs;

use repro::data::{
    no_progress,
    official::{Format, Official},
};

use super::fixtures::{Copy, files, fixture, goldens, read};

#[track_caller]
fn refused(format: Format, copy: &Copy, words: &str) {
    let error = read(format, copy.root()).unwrap_err().to_string();
    assert!(error.contains(words), "{error}\ndoes not say: {words}");
}

#[test]
fn hidden_files_are_skipped_and_counted() {
    let target = fixture("folder");
    assert_eq!(files(&target.train).hidden(), 1);
    assert_eq!(files(&target.train).len(), 4);
    let copy = Copy::new("folder");
    copy.write("train/.git/x", "").write("train/Zebra/._b.PNG", "");
    copy.write("train/Zebra/Thumbs.db", "").write("train/Desktop.ini", "");
    let target = read(Format::Folder, copy.root()).unwrap();
    assert_eq!((files(&target.train).hidden(), target.train.len()), (5, 4));
    // Reported where the skipped files may be the cause of an error.
    let tests = target.test.len();
    let check = |train, test| Official::folder((train, test), 2).check(copy.root(), &target);
    let message = check(7, tests).unwrap_err().to_string();
    assert!(message.contains(": 4 training images, expected 7"), "{message}");
    assert!(message.ends_with("(5 hidden files are skipped)"), "{message}");
    let message = check(4, tests + 1).unwrap_err().to_string();
    assert!(message.ends_with("(1 hidden file is skipped)"), "{message}");
    check(4, tests).unwrap();
}

/// Every format that is decoded has an extension by which it is taken, and the other way round.
#[test]
fn an_image_is_taken_by_the_extension_of_each_format_that_is_decoded() {
    let copy = Copy::new("folder");
    for name in ["lossy.webp", "palette.gif", "grey.png", "grey.jpg"] {
        fs::copy(goldens().join("pictures").join(name), copy.path("train/ant").join(name)).unwrap();
    }
    fs::write(copy.path("train/ant/GREY.JPEG"), fs::read(copy.path("train/ant/grey.jpg")).unwrap())
        .unwrap();
    let target = read(Format::Folder, copy.root()).unwrap();
    assert_eq!(target.train.len(), 9);
    assert_eq!(target.undecodable(&copy.path("kept"), &no_progress).unwrap(), []);
    for name in ["a.bmp", "b.tiff", "c.ppm"] {
        copy.write(&format!("train/ant/{name}"), "x");
    }
    refused(
        Format::Folder,
        &copy,
        "a.bmp: its extension is none of jpg, jpeg, png, webp, gif, like those of 2 more files in \
         its folder",
    );
}

/// A change of a copy, and a part of the error.
type Fault = (fn(&Copy), &'static str);

fn add(copy: &Copy, below: &str) {
    copy.write(below, "x");
}

#[test]
fn an_unexpected_file_in_an_image_folder_is_an_error() {
    let faults: [Fault; 9] = [
        (
            |c| add(c, "train/ant/notes.txt"),
            "notes.txt: its extension is none of jpg, jpeg, png, webp, gif",
        ),
        (
            |c| add(c, "train/ant/noext"),
            "noext: its extension is none of jpg, jpeg, png, webp, gif",
        ),
        (|c| add(c, "train/ant/in/1.jpg"), "ant/in: it is a folder inside a class"),
        (|c| add(c, "train/1.jpg"), "train/1.jpg: it is outside the folders of classes"),
        (|c| fs::create_dir(c.path("train/bee")).unwrap(), "train/bee: it has no image"),
        (|c| add(c, "train/bee/1.jpg"), "class `bee` has training images only"),
        (|c| add(c, "val/bee/1.jpg"), "class `bee` has test images only"),
        (|c| fs::remove_dir_all(c.path("val")).unwrap(), "no folder `test` or `val`"),
        (|c| fs::remove_dir_all(c.path("train")).unwrap(), "failed to read"),
    ];
    for (damage, words) in faults {
        let copy = Copy::new("folder");
        damage(&copy);
        refused(Format::Folder, &copy, words);
    }
    let copy = Copy::new("folder");
    fs::remove_dir_all(copy.path("val/ant")).unwrap();
    fs::remove_dir_all(copy.path("val/Zebra")).unwrap();
    refused(Format::Folder, &copy, "val: it has no folder of a class");
}

#[test]
fn the_test_folder_is_preferred_to_val() {
    let copy = Copy::new("folder");
    for class in ["ant", "Zebra"] {
        copy.write(&format!("test/{class}/only.png"), "x");
    }
    let target = read(Format::Folder, copy.root()).unwrap();
    assert_eq!(files(&target.test).names(), ["Zebra/only.png", "ant/only.png"]);
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_followed_without_loops() {
    use std::os::unix::fs::symlink;
    let copy = Copy::new("folder");
    fs::rename(copy.path("train/ant"), copy.path("ants")).unwrap();
    symlink(copy.path("ants"), copy.path("train/ant")).unwrap();
    let target = read(Format::Folder, copy.root()).unwrap();
    let expected = fixture("folder");
    assert_eq!(files(&target.train).names(), files(&expected.train).names());
    symlink(copy.path("train"), copy.path("train/ant/loop")).unwrap();
    refused(Format::Folder, &copy, "loop: it is a folder inside a class");
    fs::remove_file(copy.path("train/ant/loop")).unwrap();
    symlink(copy.path("nowhere"), copy.path("train/ant/gone.jpg")).unwrap();
    refused(Format::Folder, &copy, "gone.jpg: No such file");
    fs::remove_file(copy.path("train/ant/gone.jpg")).unwrap();
    symlink(copy.path("train/ant/self.jpg"), copy.path("train/ant/self.jpg")).unwrap();
    refused(Format::Folder, &copy, "failed to read");
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_utf_8_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let copy = Copy::new("folder");
    let name = std::ffi::OsStr::from_bytes(b"\xff.jpg");
    fs::write(copy.path("train/ant").join(name), "x").unwrap();
    refused(Format::Folder, &copy, "its name is not UTF-8");
}

#[test]
fn caltech101_is_split_by_name_alone_and_without_its_clutter() {
    let target = fixture("caltech101");
    let (train, test) = (files(&target.train), files(&target.test));
    assert_eq!(train.classes(), ["Faces", "Faces_easy", "anchor"]);
    assert_eq!((train.len(), test.len()), (9, 6));
    for class in 0..3 {
        assert_eq!(train.labels().iter().filter(|label| **label == class).count(), 3);
    }
    let mut all: Vec<&String> = train.names().iter().chain(test.names()).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 15);
    assert!(all.iter().all(|name| !name.starts_with("BACKGROUND")));
    // The selected images are not the first by name.
    assert_ne!(train.names()[..3], ["1", "2", "3"].map(|at| format!("Faces/image_000{at}.jpg")));
    // Neither images of other classes nor the contents of files change the split.
    let copy = Copy::new("caltech101");
    copy.write("101_ObjectCategories/zebra/image_0001.jpg", "x");
    refused(Format::Caltech101, &copy, "zebra: it has 1 images, but needs more than 3");
    for at in 2..=4 {
        copy.write(&format!("101_ObjectCategories/zebra/image_000{at}.jpg"), "x");
    }
    let more = read(Format::Caltech101, copy.root()).unwrap();
    assert_eq!(files(&more.train).names()[..9], *train.names());
}

#[test]
fn celebas_lists_must_match_each_other_and_the_images() {
    let attributes = "list_attr_celeba.txt";
    let partition = "list_eval_partition.txt";
    for (list, from, to, words) in [
        (attributes, "7\n", "8\n", "line 9: the list ends after 7 images of 8"),
        (attributes, "7\n", "6\n", "line 9: the list ends after 7 images of 6"),
        (attributes, "7\n", "seven\n", "line 1: `seven` is not the number of images"),
        (attributes, "Male", "Female", "line 2: the attribute `Male` is missing"),
        (attributes, "000002.jpg  1", "000002.jpg  0", "line 4: `0` is neither -1 nor 1"),
        (attributes, "000002.jpg  1", "000002.jpg", "line 4: 2 values, but there are 3 attributes"),
        (attributes, "000002.jpg", "000001.jpg", "line 4: duplicate line for `000001.jpg`"),
        (attributes, "000002.jpg", "../02.jpg", "line 4: `../02.jpg` is no valid name of an image"),
        (attributes, "000002.jpg", "\n000002.jpg", "line 4: `` is no valid name of an image"),
        (
            attributes,
            "000002.jpg",
            "000009.jpg",
            "`000002.jpg` is missing from list_attr_celeba.txt",
        ),
        (partition, "000003.jpg 0", "000003.jpg 3", "line 3: expected a name and 0, 1 or 2"),
        (partition, "000003.jpg 0", "000003.jpg", "line 3: expected a name and 0, 1 or 2"),
        (partition, "000003.jpg 0\n", "", "6 images, but list_attr_celeba.txt has 7"),
        (partition, "000003.jpg", "000001.jpg", "line 3: `000001.jpg` is out of order"),
        (partition, "000001.jpg", "/etc/passwd", "line 1: `/etc/passwd` is no valid name"),
    ] {
        let copy = Copy::new("celeba");
        copy.replace(list, from, to);
        refused(Format::Celeba, &copy, words);
    }
    let copy = Copy::new("celeba");
    fs::remove_file(copy.path("img_align_celeba/000007.jpg")).unwrap();
    refused(Format::Celeba, &copy, "line 7: `000007.jpg` is missing from img_align_celeba");
    let copy = Copy::new("celeba");
    copy.write("img_align_celeba/000008.jpg", "x");
    refused(Format::Celeba, &copy, "000008.jpg: it is missing from list_eval_partition.txt");
    for list in [attributes, partition] {
        let copy = Copy::new("celeba");
        copy.write(list, "<!DOCTYPE html>\n<html>\n");
        refused(Format::Celeba, &copy, "line 1");
        copy.write(list, [b"7\n".as_slice(), &[0xff]].concat());
        refused(Format::Celeba, &copy, "line 2: it is not text");
    }
}

/// A truncated list is refused, except without its last newline.
#[test]
fn celebas_lists_cut_at_any_byte_are_refused() {
    for list in ["list_attr_celeba.txt", "list_eval_partition.txt"] {
        let copy = Copy::new("celeba");
        let whole = fs::read(copy.path(list)).unwrap();
        for end in 0..whole.len() - 1 {
            copy.write(list, &whole[..end]);
            assert!(read(Format::Celeba, copy.root()).is_err(), "{list} cut at {end}");
        }
    }
}

#[test]
fn tiny_imagenets_lists_must_match_the_folders() {
    let (root, boxes) = ("tiny-imagenet-200", "n01443537_boxes.txt");
    let list = format!("{root}/val/val_annotations.txt");
    let wnids = format!("{root}/wnids.txt");
    for (list, from, to, words) in [
        (&list, "n01629819", "n09999999", "line 1: class `n09999999` has no training images"),
        (&list, "val_1.JPEG", "val_7.JPEG", "line 2: `val_7.JPEG` is missing from `images`"),
        (&list, "val_1.JPEG", "val_0.JPEG", "line 2: duplicate line for `val_0.JPEG`"),
        (&list, "val_1.JPEG", "../val_1.JPEG", "line 2: `../val_1.JPEG` is no valid name"),
        (
            &list,
            "val_2.JPEG\tn01629819\t0\t0\t9\t9\n",
            "",
            "val_2.JPEG: it is missing from val_annotations.txt",
        ),
        (&wnids, "n01443537\n", "", "class `n01443537` is missing from wnids.txt"),
        (&wnids, "n01443537\n", "n01443537\nn5\n", "class `n5` is only in wnids.txt"),
    ] {
        let copy = Copy::new("tiny-imagenet");
        copy.replace(list, from, to);
        refused(Format::TinyImagenet, &copy, words);
    }
    let copy = Copy::new("tiny-imagenet");
    copy.write(&format!("{root}/train/n01443537/notes.txt"), "x");
    refused(Format::TinyImagenet, &copy, "notes.txt: it is neither `images` nor the list of boxes");
    let copy = Copy::new("tiny-imagenet");
    copy.write(&format!("{root}/train/n01443537/images/notes.txt"), "x");
    refused(
        Format::TinyImagenet,
        &copy,
        "notes.txt: its extension is none of jpg, jpeg, png, webp, gif",
    );
    // The list of boxes is optional.
    let copy = Copy::new("tiny-imagenet");
    fs::remove_file(copy.path(&format!("{root}/train/n01443537/{boxes}"))).unwrap();
    assert!(read(Format::TinyImagenet, copy.root()).is_ok());
}

/// Many users sort the validation images into folders and remove the list.
#[test]
fn tiny_imagenets_validation_images_may_be_in_class_folders() {
    let copy = Copy::new("tiny-imagenet");
    let val = "tiny-imagenet-200/val";
    for (image, wnid) in [(0, "n01629819"), (1, "n01443537"), (2, "n01629819")] {
        let to = copy.path(&format!("{val}/{wnid}"));
        fs::create_dir_all(&to).unwrap();
        let name = format!("val_{image}.JPEG");
        fs::rename(copy.path(&format!("{val}/images/{name}")), to.join(&name)).unwrap();
    }
    fs::remove_dir(copy.path(&format!("{val}/images"))).unwrap();
    fs::remove_file(copy.path(&format!("{val}/val_annotations.txt"))).unwrap();
    let target = read(Format::TinyImagenet, copy.root()).unwrap();
    assert_eq!(target.test.labels(), [0, 1, 1]);
    fs::rename(copy.path(&format!("{val}/n01443537")), copy.path(&format!("{val}/n0"))).unwrap();
    refused(Format::TinyImagenet, &copy, "its classes differ from those of the training images");
}
