//! Many small image files in one, as `scripts/pack_lab.py` writes it: a safetensors file with `front`,
//! the bytes that all of them begin with, and for each split `files` (what follows, one after the
//! other), `ends` (where each ends) and `labels`. Its metadata name the classes and say what the
//! images are made from. Of a photograph of 64 pixels a third of a JPEG is its tables, so thousands of
//! them are smaller together.

use std::{borrow::Cow, path::Path};

use safetensors::{Dtype, SafeTensors};

use super::{
    DataError, Dataset, Images, Target,
    image_files::contents,
    images::in_threads,
    picture::{self, Picture},
};

/// A file that is larger is refused: a GPU's memory holds no more images decoded.
const LARGEST_BYTES: u64 = 1 << 30;
/// The form's version.
const VERSION: &str = "1";

/// What a packed file holds.
#[derive(Debug)]
pub struct Packed {
    /// Both splits, decoded: bytes of one size.
    pub target: Target,
    /// The classes' names; a label is a place in this list.
    pub classes: Vec<String>,
    /// What the images are made from, in words.
    pub made_from: String,
}

/// Reads a packed file and decodes its images, in threads, one a core.
///
/// # Errors
/// If it can't be read, is cut short or contradicts itself, or an image is damaged or of another size
/// than the first.
pub fn read(path: &Path) -> Result<Packed, DataError> {
    let bytes = contents(path, LARGEST_BYTES)?;
    let file = File::new(path, &bytes)?;
    let split = |name: &str| file.split(name).map(Images::Bytes);
    let target = Target { train: split("train")?, test: split("test")? };
    Ok(Packed { target, classes: file.classes.clone(), made_from: file.made_from.clone() })
}

/// What the images of a packed file are made from, in words, without decoding them.
///
/// # Errors
/// If it can't be read.
pub fn made_from(path: &Path) -> Result<String, DataError> {
    Ok(File::new(path, &contents(path, LARGEST_BYTES)?)?.made_from)
}

/// How many images a packed file says that it has to train on and to test on, and of how many classes, without
/// decoding them.
///
/// # Errors
/// If it can't be read.
pub fn counts(path: &Path) -> Result<(u64, u64, u32), DataError> {
    let bytes = contents(path, LARGEST_BYTES)?;
    let file = File::new(path, &bytes)?;
    let labels = |split| file.numbers(&format!("{split}.labels"));
    let (train, test) = (labels("train")?.len() as u64, labels("test")?.len() as u64);
    Ok((train, test, file.classes.len() as u32))
}

/// A file whose header was read.
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
            value.ok_or_else(|| fail(format!("its metadata have no `{name}`")))
        };
        let version = field("images")?;
        if version != VERSION {
            return Err(fail(format!("it is of version {version}, this program reads {VERSION}")));
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

    /// A tensor's bytes, of this kind and in one dimension.
    fn tensor(&self, name: &str, dtype: Dtype) -> Result<&'a [u8], DataError> {
        let view = self.tensors.tensor(name).map_err(|error| self.fail(error.to_string()))?;
        if view.dtype() != dtype || view.shape().len() != 1 {
            let (found, shape) = (view.dtype(), view.shape());
            let what = format!("`{name}` is {found:?} {shape:?}, not a row of {dtype:?}");
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
            let what = "does not end where its files do, one a label";
            return Err(self.fail(format!("`{split}.ends` {what}")));
        }
        let decoded = |at: usize| -> Result<Picture, DataError> {
            let start = at.checked_sub(1).map_or(0, |before| ends[before] as usize);
            let whole = [&self.front, &files[start..ends[at] as usize]].concat();
            let name = format!("{}, {split} image {at}", self.path.display());
            picture::decode(Path::new(&name), &whole)
        };
        let first = decoded(0)?;
        let (height, width) = (first.height, first.width);
        let pictures = in_threads(labels.len(), &super::quietly, |at| {
            let picture = decoded(at)?;
            if (picture.height, picture.width) == (height, width) {
                return Ok(picture.pixels);
            }
            let of = format!("{} x {}", picture.height, picture.width);
            Err(self.fail(format!("{split} image {at} is {of}, the first {height} x {width}")))
        })?;
        Dataset::new(pictures.concat(), (3, height, width), labels, self.classes.len() as u32)
            .map_err(|cause| DataError::Dataset { path: self.path.to_owned(), cause })
    }
}
