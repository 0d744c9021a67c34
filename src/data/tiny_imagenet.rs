//! Reads Tiny ImageNet (Stanford CS231n): `train/WNID/images/*.JPEG` with a list of boxes per
//! class, which is ignored, and validation images in one folder with their classes in
//! `val_annotations.txt`. The official test images have no labels, so the validation images are the
//! test set. A class is a WordNet id; labels are indices of the ids sorted by their bytes, as in
//! torchvision's `ImageFolder`, not in the order of `wnids.txt`.

use std::{collections::BTreeSet, path::Path};

use super::{
    DataError, ImageFiles, Images, Target,
    celeba::check_name,
    folder::{self, Listing, fault, images_of},
    image_files::contents,
};

const ROOT: &str = "tiny-imagenet-200";
const WNIDS: &str = "wnids.txt";
const ANNOTATIONS: &str = "val_annotations.txt";
/// Size limit of a list in bytes.
const LARGEST_LIST: u64 = 1 << 24;

/// Reads the data set, with any number of classes.
///
/// # Errors
/// If the layout is another one, or a list names a missing class or image.
pub fn read(folder: &Path) -> Result<Target, DataError> {
    let root = folder.join(ROOT);
    let train = train(&root.join("train"))?;
    let listed = text(&root.join(WNIDS))?;
    let listed: BTreeSet<&str> = listed.split_ascii_whitespace().collect();
    let found: BTreeSet<&str> = train.classes().iter().map(String::as_str).collect();
    if let Some(wnid) = listed.symmetric_difference(&found).next() {
        let only = if found.contains(wnid) { "missing from" } else { "only in" };
        return Err(fault(&root, format!("class `{wnid}` is {only} {WNIDS}")));
    }
    let test = validation(&root.join("val"), train.classes())?;
    Ok(Target { train: Images::Files(train), test: Images::Files(test) })
}

/// Reads the training images: a folder per class, with a folder of images in it.
///
/// # Errors
/// If the layout is another one.
pub fn train(root: &Path) -> Result<ImageFiles, DataError> {
    let Listing { folders: classes, mut hidden, .. } = Listing::read(root)?;
    let mut images = Vec::new();
    for (label, class) in classes.iter().enumerate() {
        let boxes = format!("{class}_boxes.txt");
        let contents = Listing::read(&root.join(class))?;
        let other = contents.files.iter().find(|name| **name != boxes);
        if let Some(other) = other.or(contents.folders.iter().find(|name| *name != "images")) {
            return Err(fault(
                &root.join(class).join(other),
                "it is neither `images` nor the list of boxes",
            ));
        }
        let (names, skipped) = images_of(root, &format!("{class}/images"))?;
        hidden += contents.hidden + skipped;
        images.extend(names.into_iter().map(|name| (name, label as u32)));
    }
    if images.is_empty() {
        return Err(fault(root, "it has no folder of a class"));
    }
    Ok(ImageFiles::new(root.to_owned(), images, classes, hidden))
}

/// Reads the validation images, with classes by the list or, if a user sorted them into folders and
/// there is no list, by folder.
fn validation(root: &Path, classes: &[String]) -> Result<ImageFiles, DataError> {
    let list = root.join(ANNOTATIONS);
    if !list.exists() {
        let sorted = folder::classes(root)?;
        return if sorted.classes() == classes {
            Ok(sorted)
        } else {
            Err(fault(root, "its classes differ from those of the training images"))
        };
    }
    let (names, hidden) = images_of(root, "images")?;
    let text = text(&list)?;
    let mut labels = vec![None; names.len()];
    for (index, line) in text.lines().enumerate() {
        let fail = |fault| DataError::List { path: list.clone(), line: index + 1, fault };
        let mut words = line.split('\t');
        let (name, wnid) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        check_name(name).map_err(fail)?;
        let Ok(label) = classes.binary_search_by(|class| class.as_str().cmp(wnid)) else {
            return Err(fail(format!("class `{wnid}` has no training images")));
        };
        let Ok(image) = names.binary_search(&format!("images/{name}")) else {
            return Err(fail(format!("`{name}` is missing from `images`")));
        };
        if labels[image].replace(label as u32).is_some() {
            return Err(fail(format!("duplicate line for `{name}`")));
        }
    }
    let mut images = Vec::with_capacity(names.len());
    for (name, label) in names.into_iter().zip(labels) {
        let label = label
            .ok_or_else(|| fault(&root.join(&name), format!("it is missing from {ANNOTATIONS}")))?;
        images.push((name, label));
    }
    Ok(ImageFiles::new(root.to_owned(), images, classes.to_vec(), hidden))
}

fn text(path: &Path) -> Result<String, DataError> {
    String::from_utf8(contents(path, LARGEST_LIST)?).map_err(|_| DataError::List {
        path: path.to_owned(),
        line: 1,
        fault: "it is not text".into(),
    })
}
