//! Reads image folders with a folder per class, `{train,test}/CLASS/IMAGE`, like torchvision's
//! `ImageFolder`, but without ignoring anything silently: files without the extension of an image,
//! folders inside a class and empty classes are errors. Hidden files are skipped and counted, those
//! of Windows too. Links are followed; the fixed depth makes loops impossible.

use std::path::{Path, PathBuf};

use super::{DataError, ImageFiles, Images, Target, picture::EXTENSIONS};

/// Files that Windows hides, in upper or lower case.
const HIDDEN: [&str; 3] = ["Thumbs.db", "ehthumbs.db", "desktop.ini"];
/// The folder of training images, and those of test images, of which the first that exists is read.
const TRAIN: &str = "train";
const TEST: [&str; 2] = ["test", "val"];

/// The contents of a folder: names, sorted by their bytes.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub folders: Vec<String>,
    pub files: Vec<String>,
    /// The number of hidden files: names that begin with a dot, and those of [`HIDDEN`].
    pub hidden: usize,
}

impl Listing {
    /// Lists a folder.
    ///
    /// # Errors
    /// If it can't be read, a link in it is broken, or a name is not UTF-8.
    pub fn read(folder: &Path) -> Result<Self, DataError> {
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
            // Follows a link, and fails if it is broken.
            let metadata = path.metadata().map_err(|cause| unreadable(&path, cause))?;
            if metadata.is_dir() {
                listing.folders.push(name.to_owned());
            } else if HIDDEN.iter().any(|hidden| name.eq_ignore_ascii_case(hidden)) {
                listing.hidden += 1;
            } else {
                listing.files.push(name.to_owned());
            }
        }
        listing.folders.sort_unstable();
        listing.files.sort_unstable();
        Ok(listing)
    }
}

/// Reads the training and test images of an image folder.
///
/// # Errors
/// If its layout is another one, or training and test classes differ.
pub fn read(root: &Path) -> Result<Target, DataError> {
    let train = classes(&root.join(TRAIN))?;
    let test = TEST.map(|name| root.join(name)).into_iter().find(|folder| folder.is_dir());
    let Some(test) = test else {
        return Err(fault(root, "it has no folder `test` or `val`"));
    };
    let test = classes(&test)?;
    let unmatched = |left: &ImageFiles, right: &ImageFiles| {
        left.classes().iter().find(|class| !right.classes().contains(class)).cloned()
    };
    for (split, left, right) in [("training", &train, &test), ("test", &test, &train)] {
        if let Some(class) = unmatched(left, right) {
            return Err(fault(root, format!("class `{class}` has {split} images only")));
        }
    }
    Ok(Target { train: Images::Files(train), test: Images::Files(test) })
}

/// The images of each class of a folder. Classes and images are sorted by the bytes of their names.
///
/// # Errors
/// If it has something other than folders of images.
pub fn classes(folder: &Path) -> Result<ImageFiles, DataError> {
    let Listing { folders, files, mut hidden } = Listing::read(folder)?;
    if let Some(file) = files.first() {
        return Err(fault(&folder.join(file), "it is outside the folders of classes"));
    }
    if folders.is_empty() {
        return Err(fault(folder, "it has no folder of a class"));
    }
    let mut images = Vec::new();
    for (label, class) in folders.iter().enumerate() {
        let (names, skipped) = images_of(folder, class)?;
        hidden += skipped;
        images.extend(names.into_iter().map(|name| (name, label as u32)));
    }
    Ok(ImageFiles::new(folder.to_owned(), images, folders, hidden))
}

/// The names of the images in a folder, relative to `root`, and its number of hidden files.
///
/// # Errors
/// If it has no image, or something else.
pub(super) fn images_of(root: &Path, subfolder: &str) -> Result<(Vec<String>, usize), DataError> {
    let folder = root.join(subfolder);
    let Listing { folders, files, hidden } = Listing::read(&folder)?;
    if let Some(inner) = folders.first() {
        return Err(fault(&folder.join(inner), "it is a folder inside a class"));
    }
    let mut others = files.iter().filter(|name| !is_image(name));
    if let Some(file) = others.next() {
        let extensions = EXTENSIONS.join(", ");
        let more = match others.count() {
            0 => String::new(),
            1 => ", like that of 1 more file in its folder".to_owned(),
            more => format!(", like those of {more} more files in its folder"),
        };
        let what = format!("its extension is none of {extensions}{more}");
        return Err(fault(&folder.join(file), what));
    }
    if files.is_empty() {
        return Err(fault(&folder, "it has no image"));
    }
    Ok((files.into_iter().map(|name| format!("{subfolder}/{name}")).collect(), hidden))
}

/// Whether a file has the extension of an image.
fn is_image(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|found| EXTENSIONS.iter().any(|known| found.eq_ignore_ascii_case(known)))
}

/// The error for a wrong layout at a path.
pub(super) fn fault(path: &Path, fault: impl Into<String>) -> DataError {
    DataError::Layout { path: PathBuf::from(path), fault: fault.into() }
}
