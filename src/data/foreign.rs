//! Recognises the forms in which CIFAR and CelebA are published elsewhere (torchvision, Kaggle), so
//! that an error can say what is there and what is expected.

use std::path::Path;

use super::official::Format;

/// Another form of a data set: names of which one lies in its folder, and what that is.
type Form = (&'static [&'static str], &'static str);

const CIFAR10: [Form; 5] = [
    (
        &["cifar-10-batches-py", "cifar-10-python.tar.gz", "data_batch_1", "batches.meta"],
        "CIFAR-10's Python version, which torchvision downloads",
    ),
    (&["cifar-10-batches-mat", "cifar-10-matlab.tar.gz"], "CIFAR-10's MATLAB version"),
    (&["trainLabels.csv", "train.7z"], "the files of Kaggle's competition"),
    (&["train/airplane", "train/cat"], "image files in a folder for each class"),
    (&["data_batch_1.bin"], "the files of CIFAR-10's binary version without their folder"),
];
const CIFAR100: [Form; 4] = [
    (
        &["cifar-100-python", "cifar-100-python.tar.gz", "meta", "file.txt~"],
        "CIFAR-100's Python version, which torchvision downloads",
    ),
    (&["cifar-100-matlab", "cifar-100-matlab.tar.gz"], "CIFAR-100's MATLAB version"),
    (&["train/apple", "train/TRAIN"], "image files in a folder for each class"),
    (&["train.bin"], "the files of CIFAR-100's binary version without their folder"),
];
const CELEBA: [Form; 4] = [
    (
        &["list_attr_celeba.csv", "list_eval_partition.csv"],
        "Kaggle's version, whose lists are CSV files",
    ),
    (
        &["img_align_celeba/img_align_celeba"],
        "Kaggle's version, whose images are one folder deeper",
    ),
    (&["celeba", "CelebA"], "the files in a further folder"),
    (&["img_celeba", "img_celeba.7z"], "the images that are not aligned and cropped"),
];

/// The form that a data set has in a folder in which its reader found something else, and the form
/// that is expected; `None` if no other form is recognised.
pub(super) fn recognise(format: Format, folder: &Path) -> Option<(&'static str, &'static str)> {
    let (forms, expected): (&[Form], _) = match format {
        Format::Cifar10 => (
            &CIFAR10,
            "`cifar-10-batches-bin` of the binary version, with `data_batch_1.bin` to \
             `data_batch_5.bin` and `test_batch.bin`",
        ),
        Format::Cifar100 => {
            (&CIFAR100, "`cifar-100-binary` of the binary version, with `train.bin` and `test.bin`")
        }
        Format::Celeba => (
            &CELEBA,
            "`img_align_celeba` with `000001.jpg` to `202599.jpg`, `list_attr_celeba.txt` and \
             `list_eval_partition.txt`",
        ),
        _ => return None,
    };
    let there = |names: &[&str]| names.iter().any(|name| folder.join(name).exists());
    forms.iter().find(|(names, _)| there(names)).map(|(_, found)| (*found, expected))
}
