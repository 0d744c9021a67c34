//! CIFAR's binary files with faults.

use std::path::Path;

use proptest::prelude::*;
use repro::data::{DataError, cifar::Cifar};

use super::fixtures::goldens;

fn read(kind: Cifar, bytes: &[u8]) -> Result<(Vec<u8>, Vec<u32>), DataError> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    kind.append(Path::new("batch"), bytes, (&mut pixels, &mut labels))?;
    Ok((pixels, labels))
}

fn fixture(kind: Cifar) -> (Vec<u8>, usize) {
    let (name, record) = match kind {
        Cifar::Ten => ("cifar10/cifar-10-batches-bin/data_batch_1.bin", 3073),
        Cifar::Hundred => ("cifar100/cifar-100-binary/train.bin", 3074),
    };
    (std::fs::read(goldens().join(name)).unwrap(), record)
}

#[test]
fn a_file_cut_within_a_record_is_refused_and_between_records_is_shorter() {
    for kind in [Cifar::Ten, Cifar::Hundred] {
        let (bytes, record) = fixture(kind);
        for end in 0..bytes.len() {
            match read(kind, &bytes[..end]) {
                Ok((_, labels)) => {
                    assert_eq!((end % record, labels.len()), (0, end / record));
                }
                Err(DataError::Records { offset, left, .. }) => {
                    assert_eq!((left, offset), (end % record, end - end % record));
                }
                Err(error) => panic!("{end}: {error}"),
            }
        }
    }
    let (bytes, _) = fixture(Cifar::Ten);
    let error = read(Cifar::Ten, &bytes[..4000]).unwrap_err().to_string();
    assert_eq!(
        error,
        "failed to read batch, offset 3073: 927 bytes are left, but a record has 3073"
    );
}

#[test]
fn a_label_out_of_range_is_reported_with_its_image() {
    let (mut bytes, record) = fixture(Cifar::Ten);
    bytes[record] = 10;
    let error = read(Cifar::Ten, &bytes).unwrap_err().to_string();
    assert_eq!(error, "failed to read batch, image 1: its label is 10, but must be 0 to 9");
    let (good, record) = fixture(Cifar::Hundred);
    for (at, label, words) in [(0, 20, "0 to 19 (coarse)"), (1, 100, "0 to 99 (fine)")] {
        let mut bytes = good.clone();
        bytes[2 * record + at] = label;
        let error = read(Cifar::Hundred, &bytes).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("failed to read batch, image 2: its label is {label}, but must be {words}")
        );
    }
}

#[test]
fn an_html_page_of_the_right_length_is_refused() {
    for (kind, record) in [(Cifar::Ten, 3073), (Cifar::Hundred, 3074)] {
        let page = b"<!DOCTYPE html>".repeat(1000);
        assert!(matches!(read(kind, &page[..14_000]), Err(DataError::Records { .. })));
        assert!(matches!(read(kind, &page[..2 * record]), Err(DataError::Label { .. })));
    }
    // One version, read as the other.
    let (ten, _) = fixture(Cifar::Ten);
    assert!(matches!(read(Cifar::Hundred, &ten), Err(DataError::Records { .. })));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..7000)) {
        let _ = read(Cifar::Ten, &bytes);
        let _ = read(Cifar::Hundred, &bytes);
    }
}
