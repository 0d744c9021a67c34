//! Folders of images that are not laid out as they should be, and lists that do not fit them.

use std::fs;

use repro::data::official::{Format, Official};

use super::fixtures::{Copy, files, fixture, read};

#[track_caller]
fn refused(format: Format, copy: &Copy, words: &str) {
    let error = read(format, copy.root()).unwrap_err().to_string();
    assert!(error.contains(words), "{error}\ndoes not say: {words}");
}

#[test]
fn hidden_files_are_passed_over_and_counted() {
    let target = fixture("folder");
    assert_eq!(files(&target.train).hidden(), 1);
    assert_eq!(files(&target.train).len(), 4);
    let copy = Copy::of("folder");
    copy.write("train/.git/x", "").write("train/Zebra/._b.PNG", "");
    let target = read(Format::Folder, copy.root()).unwrap();
    assert_eq!((files(&target.train).hidden(), target.train.len()), (3, 4));
    // Told where their absence may be what is wrong.
    let tests = target.test.len();
    let check = |train, test| Official::folder((train, test), 2).check(copy.root(), &target);
    let said = check(7, tests).unwrap_err().to_string();
    assert!(said.contains("has 4 training images, and 7 are expected"), "{said}");
    assert!(said.ends_with("(3 names that begin with a dot are passed over)"), "{said}");
    let said = check(4, tests + 1).unwrap_err().to_string();
    assert!(said.ends_with("(1 name that begins with a dot is passed over)"), "{said}");
    check(4, tests).unwrap();
}

/// What is done to a copy, and what is then said.
type Fault = (fn(&Copy), &'static str);

fn add(copy: &Copy, below: &str) {
    copy.write(below, "x");
}

#[test]
fn nothing_in_an_image_folder_is_dropped_without_a_word() {
    let faults: [Fault; 9] = [
        (|c| add(c, "train/ant/notes.txt"), "notes.txt: it is none of jpg, jpeg, png"),
        (|c| add(c, "train/ant/noext"), "noext: it is none of jpg, jpeg, png"),
        (|c| add(c, "train/ant/in/1.jpg"), "ant/in: it is a folder, where images lie"),
        (|c| add(c, "train/1.jpg"), "train/1.jpg: it lies beside the classes"),
        (|c| fs::create_dir(c.path("train/bee")).unwrap(), "train/bee: there is no image in it"),
        (|c| add(c, "train/bee/1.jpg"), "class `bee` has training images only"),
        (|c| add(c, "val/bee/1.jpg"), "class `bee` has test images only"),
        (|c| fs::remove_dir_all(c.path("val")).unwrap(), "neither a folder `test` nor `val`"),
        (|c| fs::remove_dir_all(c.path("train")).unwrap(), "failed to read"),
    ];
    for (damage, words) in faults {
        let copy = Copy::of("folder");
        damage(&copy);
        refused(Format::Folder, &copy, words);
    }
    let copy = Copy::of("folder");
    fs::remove_dir_all(copy.path("val/ant")).unwrap();
    fs::remove_dir_all(copy.path("val/Zebra")).unwrap();
    refused(Format::Folder, &copy, "val: there is no folder of a class in it");
}

#[test]
fn test_goes_before_val() {
    let copy = Copy::of("folder");
    for class in ["ant", "Zebra"] {
        copy.write(&format!("test/{class}/only.png"), "x");
    }
    let target = read(Format::Folder, copy.root()).unwrap();
    assert_eq!(files(&target.test).names(), ["Zebra/only.png", "ant/only.png"]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_lead_into_no_loop() {
    use std::os::unix::fs::symlink;
    let copy = Copy::of("folder");
    fs::rename(copy.path("train/ant"), copy.path("ants")).unwrap();
    symlink(copy.path("ants"), copy.path("train/ant")).unwrap();
    let target = read(Format::Folder, copy.root()).unwrap();
    let expected = fixture("folder");
    assert_eq!(files(&target.train).names(), files(&expected.train).names());
    symlink(copy.path("train"), copy.path("train/ant/loop")).unwrap();
    refused(Format::Folder, &copy, "loop: it is a folder, where images lie");
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
    let copy = Copy::of("folder");
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
    // Not the first by name.
    assert_ne!(train.names()[..3], ["1", "2", "3"].map(|at| format!("Faces/image_000{at}.jpg")));
    // Another class's images change nothing, nor does what is in the files.
    let copy = Copy::of("caltech101");
    copy.write("101_ObjectCategories/zebra/image_0001.jpg", "x");
    refused(Format::Caltech101, &copy, "zebra: it has 1 images, and 3 are to train");
    for at in 2..=4 {
        copy.write(&format!("101_ObjectCategories/zebra/image_000{at}.jpg"), "x");
    }
    let more = read(Format::Caltech101, copy.root()).unwrap();
    assert_eq!(files(&more.train).names()[..9], *train.names());
}

#[test]
fn celeba_s_lists_are_held_to_each_other_and_to_the_images() {
    let attributes = "list_attr_celeba.txt";
    let partition = "list_eval_partition.txt";
    for (list, from, to, words) in [
        (attributes, "7\n", "8\n", "line 9: the list ends after 7 images of 8"),
        (attributes, "7\n", "6\n", "line 9: the list ends after 7 images of 6"),
        (attributes, "7\n", "seven\n", "line 1: `seven` is not the number of images"),
        (attributes, "Male", "Female", "line 2: there is no `Male` among the attributes"),
        (attributes, "000002.jpg  1", "000002.jpg  0", "line 4: `0` is neither -1 nor 1"),
        (attributes, "000002.jpg  1", "000002.jpg", "line 4: 2 values, and there are 3 attributes"),
        (attributes, "000002.jpg", "000001.jpg", "line 4: a second line for `000001.jpg`"),
        (attributes, "000002.jpg", "../02.jpg", "line 4: `../02.jpg` is no name of an image"),
        (attributes, "000002.jpg", "\n000002.jpg", "line 4: `` is no name of an image"),
        (attributes, "000002.jpg", "000009.jpg", "list_attr_celeba.txt has no `000002.jpg`"),
        (partition, "000003.jpg 0", "000003.jpg 3", "line 3: it is not a name and 0, 1 or 2"),
        (partition, "000003.jpg 0", "000003.jpg", "line 3: it is not a name and 0, 1 or 2"),
        (partition, "000003.jpg 0\n", "", "6 images, and list_attr_celeba.txt has 7"),
        (partition, "000003.jpg", "000001.jpg", "line 3: `000001.jpg` is out of order"),
        (partition, "000001.jpg", "/etc/passwd", "line 1: `/etc/passwd` is no name"),
    ] {
        let copy = Copy::of("celeba");
        copy.replace(list, from, to);
        refused(Format::Celeba, &copy, words);
    }
    let copy = Copy::of("celeba");
    fs::remove_file(copy.path("img_align_celeba/000007.jpg")).unwrap();
    refused(Format::Celeba, &copy, "line 7: there is no `000007.jpg` in img_align_celeba");
    let copy = Copy::of("celeba");
    copy.write("img_align_celeba/000008.jpg", "x");
    refused(Format::Celeba, &copy, "000008.jpg: list_eval_partition.txt has no such image");
    for list in [attributes, partition] {
        let copy = Copy::of("celeba");
        copy.write(list, "<!DOCTYPE html>\n<html>\n");
        refused(Format::Celeba, &copy, "line 1");
        copy.write(list, [b"7\n".as_slice(), &[0xff]].concat());
        refused(Format::Celeba, &copy, "line 2: it is not text");
    }
}

/// Cut anywhere, a list is refused: but for the newline at its end.
#[test]
fn celeba_s_lists_cut_at_any_byte_are_refused() {
    for list in ["list_attr_celeba.txt", "list_eval_partition.txt"] {
        let copy = Copy::of("celeba");
        let whole = fs::read(copy.path(list)).unwrap();
        for end in 0..whole.len() - 1 {
            copy.write(list, &whole[..end]);
            assert!(read(Format::Celeba, copy.root()).is_err(), "{list} cut at {end}");
        }
    }
}

#[test]
fn tiny_imagenet_s_lists_are_held_to_the_folders() {
    let (root, boxes) = ("tiny-imagenet-200", "n01443537_boxes.txt");
    let list = format!("{root}/val/val_annotations.txt");
    let wnids = format!("{root}/wnids.txt");
    for (list, from, to, words) in [
        (&list, "n01629819", "n09999999", "line 1: `n09999999` is no class of the training images"),
        (&list, "val_1.JPEG", "val_7.JPEG", "line 2: there is no `val_7.JPEG` in `images`"),
        (&list, "val_1.JPEG", "val_0.JPEG", "line 2: a second line for `val_0.JPEG`"),
        (&list, "val_1.JPEG", "../val_1.JPEG", "line 2: `../val_1.JPEG` is no name"),
        (
            &list,
            "val_2.JPEG\tn01629819\t0\t0\t9\t9\n",
            "",
            "val_2.JPEG: val_annotations.txt lacks it",
        ),
        (&wnids, "n01443537\n", "", "class `n01443537` is not in wnids.txt"),
        (&wnids, "n01443537\n", "n01443537\nn5\n", "class `n5` is only in wnids.txt"),
    ] {
        let copy = Copy::of("tiny-imagenet");
        copy.replace(list, from, to);
        refused(Format::TinyImagenet, &copy, words);
    }
    let copy = Copy::of("tiny-imagenet");
    copy.write(&format!("{root}/train/n01443537/notes.txt"), "x");
    refused(Format::TinyImagenet, &copy, "notes.txt: it is neither `images` nor boxes");
    let copy = Copy::of("tiny-imagenet");
    copy.write(&format!("{root}/train/n01443537/images/notes.txt"), "x");
    refused(Format::TinyImagenet, &copy, "notes.txt: it is none of jpg, jpeg, png");
    // Without boxes it is as good.
    let copy = Copy::of("tiny-imagenet");
    fs::remove_file(copy.path(&format!("{root}/train/n01443537/{boxes}"))).unwrap();
    assert!(read(Format::TinyImagenet, copy.root()).is_ok());
}

/// Many people sort the validation images into folders and leave the list out.
#[test]
fn tiny_imagenet_s_validation_images_may_lie_in_folders_of_their_classes() {
    let copy = Copy::of("tiny-imagenet");
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
    refused(Format::TinyImagenet, &copy, "its classes are not those of the training images");
}
