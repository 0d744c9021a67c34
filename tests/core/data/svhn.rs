//! MATLAB files as MATLAB writes them, and invalid ones.

use std::{io::Write, path::Path};

use flate2::{Compression, write::ZlibEncoder};
use proptest::prelude::*;
use repro::data::{DataError, Dataset, mat, svhn};

use super::fixtures::{fixture, goldens};

fn read(bytes: &[u8]) -> Result<Dataset, DataError> {
    svhn::read(Path::new("svhn.mat"), bytes)
}

#[track_caller]
fn refused(bytes: &[u8], words: &str) {
    let error = read(bytes).unwrap_err().to_string();
    assert!(error.contains(words), "{error}\ndoes not say: {words}");
}

fn element(kind: u32, content: &[u8]) -> Vec<u8> {
    let mut element = [kind.to_le_bytes(), (content.len() as u32).to_le_bytes()].concat();
    element.extend(content);
    element.resize(element.len().next_multiple_of(8), 0);
    element
}

/// A small element: at most four bytes within the tag.
fn small(kind: u16, content: &[u8]) -> Vec<u8> {
    let mut element = [kind.to_le_bytes(), (content.len() as u16).to_le_bytes()].concat();
    element.extend(content);
    element.resize(8, 0);
    element
}

fn array(flags: u32, dimensions: &[i32], name: &str, values: &[u8]) -> Vec<u8> {
    let flags = [flags.to_le_bytes(), [0; 4]].concat();
    let sides: Vec<u8> = dimensions.iter().flat_map(|side| side.to_le_bytes()).collect();
    let name = small(1, name.as_bytes());
    let content = [&element(6, &flags), &element(5, &sides), &name, values].map(Vec::from).concat();
    element(14, &content)
}

fn packed(element_: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(element_).unwrap();
    let content = encoder.finish().unwrap();
    [&15_u32.to_le_bytes()[..], &(content.len() as u32).to_le_bytes(), &content].concat()
}

fn file(elements: &[Vec<u8>]) -> Vec<u8> {
    let mut header = b"MATLAB 5.0 MAT-file, Platform: GLNXA64".to_vec();
    header.resize(124, b' ');
    header.extend([0x00, 0x01, b'I', b'M']);
    [header, elements.concat()].concat()
}

/// Two images; `X` is of class uint8.
fn x() -> Vec<u8> {
    let values: Vec<u8> = (0..2 * 3072_u32).map(|at| (at % 251) as u8).collect();
    array(9, &[32, 32, 3, 2], "X", &element(2, &values))
}

/// Labels as bytes, in which MATLAB stores doubles that are small whole numbers.
fn y(labels: &[u8]) -> Vec<u8> {
    array(6, &[labels.len() as i32, 1], "y", &small(2, labels))
}

#[test]
fn a_matlab_file_is_read_in_any_order_compressed_or_not() {
    let dataset = read(&file(&[x(), y(&[10, 4])])).unwrap();
    assert_eq!((dataset.len(), dataset.shape(), dataset.classes()), (2, (3, 32, 32), 10));
    assert_eq!(dataset.labels(), [0, 4]);
    // Row 1, column 2, channel 1 of image 1; in the file the row index is the fastest.
    let place = 1 + 32 * 2 + 32 * 32 + 3072;
    assert_eq!(dataset.pixels()[3072 + 1024 + 32 + 2], (place % 251) as u8);
    assert_eq!(read(&file(&[packed(&y(&[10, 4])), packed(&x())])).unwrap(), dataset);

    // MATLAB leaves out a last dimension of 1, and may store labels as other types.
    let one: Vec<u8> = vec![7; 3072];
    let x = array(9, &[32, 32, 3], "X", &element(2, &one));
    for (class, stored) in [
        (9, small(2, &[10])),
        (6, element(9, &10_f64.to_le_bytes())),
        (6, small(3, &10_i16.to_le_bytes())),
        (7, small(7, &10_f32.to_le_bytes())),
        (12, small(5, &10_i32.to_le_bytes())),
        (8, small(1, &[10])),
    ] {
        let dataset = read(&file(&[x.clone(), array(class, &[1, 1], "y", &stored)])).unwrap();
        assert_eq!((dataset.len(), dataset.labels()), (1, [0].as_slice()));
    }
}

#[test]
fn a_file_cut_at_any_byte_is_refused() {
    for name in ["train_32x32.mat", "test_32x32.mat"] {
        let whole = std::fs::read(goldens().join("svhn").join(name)).unwrap();
        for end in 0..whole.len() {
            match read(&whole[..end]).unwrap_err() {
                DataError::Mat { offset, .. } => assert!(offset <= end, "{name} {end}: {offset}"),
                error => panic!("{name} {end}: {error}"),
            }
        }
    }
}

#[test]
fn other_files_are_refused_by_their_first_bytes() {
    refused(b"", "offset 0: the file ends within its header of 128 bytes");
    refused(&b"<!DOCTYPE html>".repeat(20), "offset 124: found [43, 54, 59, 50]");
    let mut big = file(&[x()]);
    big[124..128].copy_from_slice(&[1, 0, b'M', b'I']);
    refused(&big, "offset 124: the file is big-endian");
    let mut new = file(&[x()]);
    new[125] = 2;
    refused(&new, "offset 124: the file is of version 7.3 (HDF5)");
}

#[test]
fn variables_other_than_svhns_are_refused_by_name() {
    refused(&file(&[x()]), "the variable `X` or `y` is missing");
    refused(&file(&[x(), x()]), "duplicate variable `X`");
    refused(
        &file(&[x(), y(&[1, 2]), array(9, &[1, 1], "z", &small(2, &[1]))]),
        "unexpected variable `z`",
    );
    refused(&file(&[x(), y(&[1, 2, 3])]), "`y` is [3, 1], but there are 2 images");
    let row = array(9, &[1, 2], "y", &small(2, &[1, 2]));
    refused(&file(&[x(), row]), "`y` is [1, 2], but there are 2 images");
    let flat = array(9, &[3072, 2], "X", &element(2, &[0; 6144]));
    refused(&file(&[flat, y(&[1, 2])]), "`X` is [3072, 2], not bytes of [32, 32, 3, images]");
    let doubles = array(6, &[32, 32, 3, 1], "X", &element(9, &[0; 8 * 3072]));
    refused(&file(&[doubles, y(&[1])]), "not bytes of");
    // Complex numbers, text, a cell.
    refused(&file(&[array(0x0806, &[1, 1], "y", &small(2, &[1]))]), "no plain numeric array");
    refused(&file(&[array(4, &[1, 1], "y", &small(2, &[1]))]), "an array of class 4");
    refused(&file(&[element(2, &[1, 2, 3])]), "an element of type 2, not an array");
    refused(&file(&[packed(&element(2, &[1, 2, 3]))]), "an element of type 2, not an array");
    refused(&file(&[array(9, &[1, 1], "y", &element(18, b"text"))]), "values of type 18");
}

#[test]
fn a_label_out_of_range_is_reported_with_its_image() {
    refused(&file(&[x(), y(&[1, 0])]), "image 1: its label is 0, but must be 1 to 10");
    refused(&file(&[x(), y(&[11, 1])]), "image 0: its label is 11, but must be 1 to 10");
    for odd in [2.5, f64::NAN, -1.0, f64::INFINITY] {
        let values = [odd.to_le_bytes(), 1_f64.to_le_bytes()].concat();
        let y = array(6, &[2, 1], "y", &element(9, &values));
        refused(&file(&[x(), y]), &format!("image 0: its label is {odd}, but"));
    }
}

#[test]
fn sizes_that_do_not_fit_are_reported_with_their_offset() {
    let short = array(9, &[32, 32, 3, 2], "X", &element(2, &[0; 3072]));
    refused(&file(&[short]), "`X` has 3072 bytes of values, but its dimensions are [32, 32, 3, 2]");
    let negative = array(9, &[32, 32, 3, -1], "X", &element(2, &[0; 3072]));
    refused(&file(&[negative]), "of 1 bytes each (limit: 1073741824 bytes)");
    let mut whole = file(&[y(&[1, 2])]);
    let size = whole.len() as u32;
    whole[132..136].copy_from_slice(&size.to_le_bytes());
    refused(&whole, &format!("an element of {size} bytes, but"));
    // The array's stated length differs from that of its parts.
    for (change, words) in [(8, "bytes, but the array has"), (-8, "the element ends here")] {
        let mut element = y(&[1, 2]);
        let size = u32::from_le_bytes(element[4..8].try_into().unwrap());
        element[4..8].copy_from_slice(&size.strict_add_signed(change).to_le_bytes());
        if change < 0 {
            element.truncate(element.len() - 8);
            element.extend_from_slice(&[]);
        } else {
            element.extend([0; 8]);
        }
        refused(&file(&[element]), words);
    }
    let mut followed = y(&[1, 2]);
    followed.extend([0; 8]);
    refused(&file(&[packed(&followed)]), "unexpected bytes follow the array");
    // Bytes that the compressed stream does not use: only zeros may be there.
    let unused = |bytes: &[u8]| {
        let element = packed(&y(&[1, 2]));
        let size = ((element.len() - 8 + bytes.len()) as u32).to_le_bytes();
        [&element[..4], &size, &element[8..], bytes].concat()
    };
    refused(&file(&[x(), unused(b"x")]), "other bytes than zeros follow its end");
    assert!(read(&file(&[x(), unused(&[0; 8])])).is_ok());
    let mut unchecked = file(&[packed(&x())]);
    *unchecked.last_mut().unwrap() ^= 1;
    refused(&unchecked, "failed to unpack");
}

#[test]
fn compressed_data_is_not_unpacked_beyond_the_limit() {
    // The compressed data are a thousandth of the unpacked.
    let bomb = vec![0; 1 << 24];
    let packed_ = packed(&[array(9, &[32, 32, 3, 1 << 20], "X", &[]), bomb.clone()].concat());
    assert!(packed_.len() < bomb.len() / 500);
    refused(&file(&[packed_]), "offset 64 after unpacking: values of type 0");
    // Three gigabytes in the dimensions and in the tag, without data.
    let tag = [2_u32.to_le_bytes(), (3_u32 << 30).to_le_bytes()].concat();
    refused(&file(&[array(9, &[32, 32, 3, 1 << 20], "X", &tag)]), "(limit: 1073741824 bytes)");
    // The maximum allowed size, of which a few bytes are present.
    let tag = [2_u32.to_le_bytes(), (1_u32 << 30).to_le_bytes()].concat();
    refused(&file(&[array(9, &[1 << 15, 1 << 15], "X", &tag)]), "the element ends here");
    // A name or dimensions that are too long.
    let name = element(1, &[b'X'; 4000]);
    let flags = element(6, &[9, 0, 0, 0, 0, 0, 0, 0]);
    let long = element(14, &[flags.clone(), element(5, &[1; 8]), name].concat());
    refused(&file(&[long]), "a name of 4000 bytes, more than the limit of 63");
    let many = element(14, &[flags, element(5, &[1; 4000])].concat());
    refused(&file(&[many]), "dimensions of 4000 bytes, more than the limit of 32");
}

#[test]
fn columns_are_not_read_as_rows() {
    // A reader that confuses columns with rows gives transposed digits.
    let repro::data::Images::Bytes(dataset) = fixture("svhn").test else { panic!("bytes") };
    let bytes = std::fs::read(goldens().join("svhn/test_32x32.mat")).unwrap();
    let arrays = mat::read(Path::new("test"), &bytes).unwrap();
    let mat::Values::Bytes(columns) = &arrays[0].values else { panic!("bytes") };
    assert_ne!(dataset.pixels(), columns);
    assert_eq!(dataset.pixels()[1], columns[32]);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(
        changes in prop::collection::vec((0..400_usize, any::<u8>()), 1..6), pack: bool, cut in 0..7000_usize,
    ) {
        let elements = [y(&[1, 2]), x()];
        let mut bytes = file(&if pack { elements.map(|element| packed(&element)) } else { elements });
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        let _ = read(&bytes);
        bytes.truncate(cut);
        let _ = read(&bytes);
        // Changes within the compressed data, which a checksum would find otherwise.
        let mut element = y(&[1, 2]);
        let place = cut % element.len();
        element[place] ^= 1 << (cut % 8);
        let _ = read(&file(&[x(), packed(&element)]));
    }
}
