//! Reads Caltech101 (Fei-Fei et al. 2004): `101_ObjectCategories/CLASS/image_NNNN.jpg`. The folder
//! of clutter, `BACKGROUND_Google`, is no class and is ignored; `Faces` and `Faces_easy` are two
//! classes.
//!
//! The data set has no official split. **The split of this project:** 30 images of each class are
//! training images and the others test images, as in Salman et al. (arXiv 2007.08489), whose split
//! is not published. The 30 are the first by the SHA-256 of `repro split 1: CLASS/image_NNNN.jpg`.
//! So the split depends on the names alone, every program can compute it, and images with similar
//! names are not grouped.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::{
    DataError, ImageFiles, Images, Target,
    folder::{Listing, fault, images_of},
};

/// Training images per class.
pub const TRAIN_PER_CLASS: usize = 30;
/// The folder that is no class.
const CLUTTER: &str = "BACKGROUND_Google";
/// The folder with the classes.
const CLASSES: &str = "101_ObjectCategories";

/// Reads the data set with `per_class` training images per class ([`TRAIN_PER_CLASS`] in the paper
/// world).
///
/// # Errors
/// If the layout is another one, or a class has no image left for testing.
pub fn read(folder: &Path, per_class: usize) -> Result<Target, DataError> {
    let root = folder.join(CLASSES);
    let Listing { folders, files, hidden } = Listing::read(&root)?;
    if let Some(file) = files.first() {
        return Err(fault(&root.join(file), "it is outside the folders of classes"));
    }
    let classes: Vec<String> = folders.into_iter().filter(|class| class != CLUTTER).collect();
    let (mut train, mut test, mut hidden) = (Vec::new(), Vec::new(), hidden);
    for (label, class) in classes.iter().enumerate() {
        let (names, skipped) = images_of(&root, class)?;
        hidden += skipped;
        if names.len() <= per_class {
            let found = names.len();
            let few = format!("it has {found} images, but needs more than {per_class}");
            return Err(fault(&root.join(class), few));
        }
        let trains = training_images(&names, per_class);
        for (name, trains) in names.into_iter().zip(trains) {
            if trains { &mut train } else { &mut test }.push((name, label as u32));
        }
    }
    if classes.is_empty() {
        return Err(fault(&root, "it has no folder of a class"));
    }
    let split =
        |images, classes| Images::Files(ImageFiles::new(root.clone(), images, classes, hidden));
    Ok(Target { train: split(train, classes.clone()), test: split(test, classes) })
}

/// Whether each image of a class is a training image.
fn training_images(names: &[String], per_class: usize) -> Vec<bool> {
    let key = |name: &str| Sha256::digest(format!("repro split 1: {name}"));
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_cached_key(|&image| key(&names[image]));
    let mut trains = vec![false; names.len()];
    order[..per_class].iter().for_each(|&image| trains[image] = true);
    trains
}
