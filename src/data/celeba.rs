//! Reads CelebA, aligned and cropped (Liu et al. 2015): `img_align_celeba/NNNNNN.jpg`, a list of
//! attributes, and a list of the official partition (0: training, 1: validation, 2: test). The
//! class is the attribute `Male`; validation images are not used.

use std::{collections::HashMap, path::Path};

use super::{
    DataError, ImageFiles, Images, Target,
    folder::{Listing, fault},
    image_files::contents,
};

/// The attribute that is the class.
pub const ATTRIBUTE: &str = "Male";
const IMAGES: &str = "img_align_celeba";
const ATTRIBUTES: &str = "list_attr_celeba.txt";
const PARTITION: &str = "list_eval_partition.txt";
/// Size limit of a list in bytes. The official ones have 27 MB and 3 MB.
const LARGEST_LIST: u64 = 1 << 27;

/// Reads the lists, and checks that every training and test image exists.
///
/// # Errors
/// If a list is damaged, the lists have different images, or an image is missing.
pub fn read(folder: &Path) -> Result<Target, DataError> {
    let (attributes, partition) = (folder.join(ATTRIBUTES), folder.join(PARTITION));
    let male = attribute(&attributes, &contents(&attributes, LARGEST_LIST)?)?;
    let parts = parts(&partition, &contents(&partition, LARGEST_LIST)?)?;
    if male.len() != parts.len() {
        let fault = format!("{} images, but {ATTRIBUTES} has {}", parts.len(), male.len());
        return Err(DataError::List { path: partition, line: parts.len(), fault });
    }
    let root = folder.join(IMAGES);
    let Listing { files, folders, hidden } = Listing::read(&root)?;
    if let ([], Some(inner)) = (&files[..], folders.first()) {
        return Err(fault(&root.join(inner), "it is a folder in place of the images"));
    }
    let listed = |name: &String| parts.binary_search_by(|(known, _)| known.cmp(name)).is_ok();
    if let Some(other) = files.iter().find(|name| !listed(name)) {
        return Err(fault(&root.join(other), format!("it is missing from {PARTITION}")));
    }
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (line, (name, part)) in parts.into_iter().enumerate() {
        let fail = |fault| DataError::List { path: partition.clone(), line: line + 1, fault };
        let Some(&male) = male.get(&name) else {
            return Err(fail(format!("`{name}` is missing from {ATTRIBUTES}")));
        };
        let split = match part {
            0 => &mut train,
            2 => &mut test,
            _ => continue,
        };
        if files.binary_search(&name).is_err() {
            return Err(fail(format!("`{name}` is missing from {IMAGES}")));
        }
        split.push((name, u32::from(male)));
    }
    let classes = || vec!["not male".to_owned(), "male".to_owned()];
    let split = |images| Images::Files(ImageFiles::new(root.clone(), images, classes(), hidden));
    Ok(Target { train: split(train), test: split(test) })
}

/// The lines of a list with their numbers, from 1.
///
/// # Errors
/// If it is not UTF-8.
fn lines<'a>(
    path: &'a Path,
    bytes: &'a [u8],
) -> Result<impl Iterator<Item = (usize, &'a str)>, DataError> {
    let text = str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|&byte| byte == b'\n').count();
        DataError::List { path: path.to_owned(), line, fault: "it is not text".into() }
    })?;
    Ok(text.lines().enumerate().map(|(index, line)| (index + 1, line)))
}

/// Whether each image has [`ATTRIBUTE`]. The list has a line with the number of images, a line with
/// the names of attributes, and a line per image with its name and -1 or 1 for each attribute.
///
/// # Errors
/// If a line is invalid, or the number of images differs.
fn attribute(path: &Path, bytes: &[u8]) -> Result<HashMap<String, bool>, DataError> {
    let fail = |line, fault| DataError::List { path: path.to_owned(), line, fault };
    let mut lines = lines(path, bytes)?;
    let (_, first) = lines.next().unwrap_or((1, ""));
    let count: usize = first.trim().parse().map_err(|_| {
        let first: String = first.chars().take(40).collect();
        fail(1, format!("`{first}` is not the number of images"))
    })?;
    let (_, names) = lines.next().unwrap_or((2, ""));
    let names: Vec<&str> = names.split_ascii_whitespace().collect();
    let Some(index) = names.iter().position(|name| *name == ATTRIBUTE) else {
        return Err(fail(2, format!("the attribute `{ATTRIBUTE}` is missing")));
    };
    let mut of_images = HashMap::new();
    let mut last = 2;
    for (line, text) in lines {
        last = line;
        let mut words = text.split_ascii_whitespace();
        let name = words.next().unwrap_or_default();
        check_name(name).map_err(|fault| fail(line, fault))?;
        let mut has = Vec::with_capacity(names.len());
        for word in words {
            match word {
                "1" => has.push(true),
                "-1" => has.push(false),
                other => return Err(fail(line, format!("`{other}` is neither -1 nor 1"))),
            }
        }
        if has.len() != names.len() {
            let fault = format!("{} values, but there are {} attributes", has.len(), names.len());
            return Err(fail(line, fault));
        }
        if of_images.insert(name.to_owned(), has[index]).is_some() {
            return Err(fail(line, format!("duplicate line for `{name}`")));
        }
    }
    if of_images.len() != count {
        let fault = format!("the list ends after {} images of {count}", of_images.len());
        return Err(fail(last, fault));
    }
    Ok(of_images)
}

/// Each image and its partition, in order.
///
/// # Errors
/// If a line is invalid, or names are not in increasing order.
fn parts(path: &Path, bytes: &[u8]) -> Result<Vec<(String, u8)>, DataError> {
    let fail = |line, fault| DataError::List { path: path.to_owned(), line, fault };
    let mut parts: Vec<(String, u8)> = Vec::new();
    for (line, text) in lines(path, bytes)? {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let (name, part) = match words[..] {
            [name, "0"] => (name, 0),
            [name, "1"] => (name, 1),
            [name, "2"] => (name, 2),
            _ => return Err(fail(line, "expected a name and 0, 1 or 2".into())),
        };
        check_name(name).map_err(|fault| fail(line, fault))?;
        if parts.last().is_some_and(|(previous, _)| previous.as_str() >= name) {
            return Err(fail(line, format!("`{name}` is out of order")));
        }
        parts.push((name.to_owned(), part));
    }
    Ok(parts)
}

/// Checks that the name of an image can't lead out of its folder.
///
/// # Errors
/// If it is empty or hidden, or has a separator.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
        Err(format!("`{}` is no valid name of an image", name.escape_debug()))
    } else {
        Ok(())
    }
}
