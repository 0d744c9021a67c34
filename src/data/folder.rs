//! Image folders, a folder a class: `{train,test}/CLASS/*.{jpg,jpeg,png}`, as torchvision's
//! `ImageFolder`, but that nothing is passed over without a word: a file of another kind is an error,
//! and so is a folder within a class or a class without an image. Hidden files are left out and counted.
//! Links are followed; since nothing is looked for deeper than this, there is no loop to be caught in.

use std::path::{Path, PathBuf};

use super::{DataError, ImageFiles, Images, Target};

/// Extensions of image files, in any case.
const EXTENSIONS: [&str; 3] = ["jpg", "jpeg", "png"];
/// The folder of training images, and those that test images may lie in: the first that is there.
const TRAIN: &str = "train";
const TEST: [&str; 2] = ["test", "val"];

/// What lies in a folder: names in the order of their bytes.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub folders: Vec<String>,
    pub files: Vec<String>,
    /// How many names begin with a dot.
    pub hidden: usize,
}

impl Listing {
    pub fn of(folder: &Path) -> Result<Self, DataError> {
        let unreadable =
            |path: &Path, cause| DataError::Unreadable { path: path.to_owned(), cause };
        let mut listing = Self::default();
        for entry in std::fs::read_dir(folder).map_err(|cause| unreadable(folder, cause))? {
            let path = entry.map_err(|cause| unreadable(folder, cause))?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                return Err(fault(&path, "its name is not UTF-8"));
            };
            if name.starts_with('.') {
                listing.hidden += 1;
                continue;
            }
            // Follows a link, and fails on one that leads nowhere.
            let about = path.metadata().map_err(|cause| unreadable(&path, cause))?;
            let list = if about.is_dir() { &mut listing.folders } else { &mut listing.files };
            list.push(name.to_owned());
        }
        listing.folders.sort_unstable();
        listing.files.sort_unstable();
        Ok(listing)
    }
}

/// Training and test images of a folder of one's own.
///
/// # Errors
/// If the folder is not laid out as this module says, or training and test classes differ.
pub fn read(root: &Path) -> Result<Target, DataError> {
    let train = classes(&root.join(TRAIN))?;
    let test = TEST.map(|name| root.join(name)).into_iter().find(|folder| folder.is_dir());
    let Some(test) = test else {
        return Err(fault(root, "there is neither a folder `test` nor `val` in it"));
    };
    let test = classes(&test)?;
    let differs = |left: &ImageFiles, right: &ImageFiles| {
        left.classes().iter().find(|class| !right.classes().contains(class)).cloned()
    };
    for (of, left, right) in [("training", &train, &test), ("test", &test, &train)] {
        if let Some(class) = differs(left, right) {
            return Err(fault(root, format!("class `{class}` has {of} images only")));
        }
    }
    Ok(Target { train: Images::Files(train), test: Images::Files(test) })
}

/// The images of each class of a folder, in the order of their names' bytes.
///
/// # Errors
/// If something in it is neither a class nor an image of one.
pub fn classes(folder: &Path) -> Result<ImageFiles, DataError> {
    let Listing { folders, files, mut hidden } = Listing::of(folder)?;
    if let Some(file) = files.first() {
        return Err(fault(&folder.join(file), "it lies beside the classes, in none of them"));
    }
    if folders.is_empty() {
        return Err(fault(folder, "there is no folder of a class in it"));
    }
    let mut images = Vec::new();
    for (label, class) in folders.iter().enumerate() {
        let (names, passed) = images_of(folder, class)?;
        hidden += passed;
        images.extend(names.into_iter().map(|name| (name, label as u32)));
    }
    Ok(ImageFiles::new(folder.to_owned(), images, folders, hidden))
}

/// Names of the images that lie in a folder below `root`, from `root` on, and how many hidden files
/// lie there too.
pub(super) fn images_of(root: &Path, below: &str) -> Result<(Vec<String>, usize), DataError> {
    let folder = root.join(below);
    let Listing { folders, files, hidden } = Listing::of(&folder)?;
    if let Some(inner) = folders.first() {
        return Err(fault(&folder.join(inner), "it is a folder, where images lie"));
    }
    if let Some(file) = files.iter().find(|name| !is_image(name)) {
        let fault_ = format!("it is none of {}", EXTENSIONS.join(", "));
        return Err(fault(&folder.join(file), fault_));
    }
    if files.is_empty() {
        return Err(fault(&folder, "there is no image in it"));
    }
    Ok((files.into_iter().map(|name| format!("{below}/{name}")).collect(), hidden))
}

/// Whether a file's name is that of an image.
fn is_image(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|found| EXTENSIONS.iter().any(|known| found.eq_ignore_ascii_case(known)))
}

pub(super) fn fault(path: &Path, fault: impl Into<String>) -> DataError {
    DataError::Layout { path: PathBuf::from(path), fault: fault.into() }
}
