//! Reads many small image files packed into one by `scripts/pack_lab.py`: a safetensors file with
//! `front` (the common first bytes of all images) and for each split `files` (the rest of each
//! image, concatenated), `ends` (where each one ends) and `labels`. Its metadata name the classes
//! and the origin of the images. The tables of a JPEG take a third of a photograph of 64 pixels, so
//! packing them once saves space.

use std::{borrow::Cow, path::Path};

use safetensors::{Dtype, SafeTensors};

use super::{
    DataError, Dataset, Images, Target,
    image_files::contents,
    images::in_threads,
    picture::{self, Picture},
};

/// Size limit in bytes: more decoded images do not fit into the memory of a GPU.
const LARGEST_BYTES: u64 = 1 << 30;
/// The version of the format.
const VERSION: &str = "1";

/// The contents of a packed file.
#[derive(Debug)]
pub struct Packed {
    /// Both splits, decoded: images of one size.
    pub target: Target,
    /// Names of the classes; a label is an index of this list.
    pub classes: Vec<String>,
    /// A description of what the images were made from.
    pub made_from: String,
}

/// Reads a packed file and decodes its images, with one thread per core.
///
/// # Errors
/// If the file is missing, truncated or inconsistent, or an image is damaged or of another size
/// than the first.
pub fn read(path: &Path) -> Result<Packed, DataError> {
    let bytes = contents(path, LARGEST_BYTES)?;
    let file = File::new(path, &bytes)?;
    let split = |name: &str| file.split(name).map(Images::Bytes);
    let target = Target { train: split("train")?, test: split("test")? };
    Ok(Packed { target, classes: file.classes.clone(), made_from: file.made_from.clone() })
}

/// A description of what the images of a packed file were made from, without decoding them.
///
/// # Errors
/// If the file can't be read.
pub fn made_from(path: &Path) -> Result<String, DataError> {
    Ok(File::new(path, &contents(path, LARGEST_BYTES)?)?.made_from)
}

/// The numbers of training images, test images and classes of a packed file, without decoding them.
///
/// # Errors
/// If the file can't be read.
pub fn counts(path: &Path) -> Result<(u64, u64, u32), DataError> {
    let bytes = contents(path, LARGEST_BYTES)?;
    let file = File::new(path, &bytes)?;
    let labels = |split| file.numbers(&format!("{split}.labels"));
    let (train, test) = (labels("train")?.len() as u64, labels("test")?.len() as u64);
    Ok((train, test, file.classes.len() as u32))
}

/// A file with a parsed header.
struct File<'a> {
    path: &'a Path,
    tensors: SafeTensors<'a>,
    front: Cow<'a, [u8]>,
    classes: Vec<String>,
    made_from: String,
}

impl<'a> File<'a> {
    fn new(path: &'a Path, bytes: &'a [u8]) -> Result<Self, DataError> {
        let fail = |fault: String| DataError::Packed { path: path.to_owned(), fault };
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| fail(error.to_string()))?;
        let (_, header) =
            SafeTensors::read_metadata(bytes).map_err(|error| fail(error.to_string()))?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let field = |name: &str| {
            let value = metadata.get(name).cloned();
            value.ok_or_else(|| fail(format!("`{name}` is missing from its metadata")))
        };
        let version = field("images")?;
        if version != VERSION {
            return Err(fail(format!(
                "it has version {version}, but this program reads version {VERSION}"
            )));
        }
        let classes: Vec<String> =
            serde_json::from_str(&field("classes")?).map_err(|error| fail(error.to_string()))?;
        let made_from = field("made_from")?;
        let mut file = Self { path, tensors, front: Cow::Borrowed(&[]), classes, made_from };
        file.front = file.bytes("front")?;
        Ok(file)
    }

    fn fail(&self, fault: impl Into<String>) -> DataError {
        DataError::Packed { path: self.path.to_owned(), fault: fault.into() }
    }

    /// The bytes of a one-dimensional tensor of a type.
    fn tensor(&self, name: &str, dtype: Dtype) -> Result<&'a [u8], DataError> {
        let view = self.tensors.tensor(name).map_err(|error| self.fail(error.to_string()))?;
        if view.dtype() != dtype || view.shape().len() != 1 {
            let (found, shape) = (view.dtype(), view.shape());
            let what = format!("`{name}` is {found:?} {shape:?}, not one-dimensional {dtype:?}");
            return Err(self.fail(what));
        }
        Ok(view.data())
    }

    fn bytes(&self, name: &str) -> Result<Cow<'a, [u8]>, DataError> {
        self.tensor(name, Dtype::U8).map(Cow::Borrowed)
    }

    fn numbers(&self, name: &str) -> Result<Vec<u32>, DataError> {
        let four = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        Ok(self.tensor(name, Dtype::U32)?.chunks_exact(4).map(four).collect())
    }

    fn split(&self, split: &str) -> Result<Dataset, DataError> {
        let files = self.bytes(&format!("{split}.files"))?;
        let ends = self.numbers(&format!("{split}.ends"))?;
        let labels = self.numbers(&format!("{split}.labels"))?;
        let rising = ends.is_sorted() && ends.last().map(|end| *end as usize) == Some(files.len());
        if !rising || ends.len() != labels.len() {
            let what = "does not match the sizes of its files and labels";
            return Err(self.fail(format!("`{split}.ends` {what}")));
        }
        let decode = |at: usize| -> Result<Picture, DataError> {
            let start = at.checked_sub(1).map_or(0, |previous| ends[previous] as usize);
            let whole = [&self.front, &files[start..ends[at] as usize]].concat();
            let name = format!("{}, {split} image {at}", self.path.display());
            picture::decode(Path::new(&name), &whole)
        };
        let first = decode(0)?;
        let (height, width) = (first.height, first.width);
        let pictures = in_threads(labels.len(), &super::no_progress, |at| {
            let picture = decode(at)?;
            if (picture.height, picture.width) == (height, width) {
                return Ok(picture.pixels);
            }
            let found = format!("{} x {}", picture.height, picture.width);
            let what =
                format!("{split} image {at} is {found}, but the first is {height} x {width}");
            Err(self.fail(what))
        })?;
        Dataset::new(pictures.concat(), (3, height, width), labels, self.classes.len() as u32)
            .map_err(|cause| DataError::Dataset { path: self.path.to_owned(), cause })
    }
}
