//! Caltech101 (Fei-Fei et al. 2004): `101_ObjectCategories/CLASS/image_NNNN.jpg`. The folder of clutter,
//! `BACKGROUND_Google`, is no class and is left out; `Faces` and `Faces_easy` are two.
//!
//! The set has no official split. **Ours:** 30 images of each class train, all others test, as in Salman
//! et al. (arXiv 2007.08489), whose own draw is not published. Those 30 are the first by the SHA-256 of
//! `repro split 1: CLASS/image_NNNN.jpg`. So the split depends on nothing but the names, every program can
//! draw it again, and neither images nor classes that are near by name go together.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::{
    DataError, ImageFiles, Images, Target,
    folder::{Listing, fault, images_of},
};

/// Training images of a class.
pub const TRAIN_OF_EACH: usize = 30;
/// The folder that is no class.
const CLUTTER: &str = "BACKGROUND_Google";
/// The folder that has the classes.
const CLASSES: &str = "101_ObjectCategories";

/// Reads the set; `of_each` images of a class train ([`TRAIN_OF_EACH`] in the official split).
///
/// # Errors
/// If the folder is laid out in another way, or a class has no image left to test on.
pub fn read(folder: &Path, of_each: usize) -> Result<Target, DataError> {
    let root = folder.join(CLASSES);
    let Listing { folders, files, hidden } = Listing::of(&root)?;
    if let Some(file) = files.first() {
        return Err(fault(&root.join(file), "it lies beside the classes, in none of them"));
    }
    let classes: Vec<String> = folders.into_iter().filter(|class| class != CLUTTER).collect();
    let (mut train, mut test, mut hidden) = (Vec::new(), Vec::new(), hidden);
    for (label, class) in classes.iter().enumerate() {
        let (names, passed) = images_of(&root, class)?;
        hidden += passed;
        if names.len() <= of_each {
            let found = names.len();
            let few = format!("it has {found} images, and {of_each} are to train and some to test");
            return Err(fault(&root.join(class), few));
        }
        let drawn = drawn(&names, of_each);
        for (name, drawn) in names.into_iter().zip(drawn) {
            if drawn { &mut train } else { &mut test }.push((name, label as u32));
        }
    }
    if classes.is_empty() {
        return Err(fault(&root, "there is no folder of a class in it"));
    }
    let split =
        |images, classes| Images::Files(ImageFiles::new(root.clone(), images, classes, hidden));
    Ok(Target { train: split(train, classes.clone()), test: split(test, classes) })
}

/// Which of a class's images train.
fn drawn(names: &[String], of_each: usize) -> Vec<bool> {
    let place = |name: &str| Sha256::digest(format!("repro split 1: {name}"));
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_cached_key(|&image| place(&names[image]));
    let mut drawn = vec![false; names.len()];
    order[..of_each].iter().for_each(|&image| drawn[image] = true);
    drawn
}
