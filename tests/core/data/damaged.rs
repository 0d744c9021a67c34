//! Damaged JPEGs and GIFs against PIL, which decodes most of them: 2,000 files that
//! `goldens/data/make_damaged.py` makes and PIL 12.2 reads.

use std::{collections::BTreeMap, fs, path::Path};

use repro::data::picture::{check, decode};

use super::fixtures::{goldens, sha256};

/// How this program's answer compares with PIL's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Comparison {
    SamePixels,
    OtherPixels,
    BothRefuse,
    OnlyPilRefuses,
    OnlyPilDecodes,
}

/// A file with edits, as `edited` of `make_damaged.py` makes it.
fn edited(mut bytes: Vec<u8>, edits: &str) -> Vec<u8> {
    for edit in edits.split(',') {
        let words: Vec<&str> = edit.split(':').collect();
        let at = words[1].parse().unwrap();
        match words[0] {
            "set" => bytes[at] = words[2].parse().unwrap(),
            "cut" => bytes.truncate(at),
            "drop" => drop(bytes.drain(at..words[2].parse().unwrap())),
            "add" => {
                let byte = |at| u8::from_str_radix(&words[2][at..at + 2], 16).unwrap();
                let added: Vec<u8> = (0..words[2].len()).step_by(2).map(byte).collect();
                drop(bytes.splice(at..at, added));
            }
            other => panic!("{other}"),
        }
    }
    bytes
}

fn compared(line: &str) -> (Comparison, String) {
    let words: Vec<&str> = line.split(' ').collect();
    let [name, edits, expected] = words[..] else { panic!("{line}") };
    let path = Path::new(name);
    let bytes = edited(fs::read(goldens().join("pictures").join(name)).unwrap(), edits);
    match check(path, &bytes) {
        Err(error) if expected == "refused" => (Comparison::BothRefuse, error.to_string()),
        Err(error) => (Comparison::OnlyPilDecodes, error.to_string()),
        Ok(()) => {
            let found = sha256(&decode(path, &bytes).unwrap().pixels);
            let comparison = match expected {
                "refused" => Comparison::OnlyPilRefuses,
                expected if found.starts_with(expected) => Comparison::SamePixels,
                _ => Comparison::OtherPixels,
            };
            (comparison, String::new())
        }
    }
}

/// Of 110,000 such files (seeds 7, 8 and 11 to 14) none had other pixels, and of 2,500 sound ones
/// none was refused.
#[test]
fn damaged_images_are_decoded_to_pils_pixels_or_refused() {
    let mut counts = BTreeMap::new();
    let lines = fs::read_to_string(goldens().join("damaged.txt")).unwrap();
    for line in lines.lines() {
        let (comparison, fault) = compared(line);
        assert_ne!(comparison, Comparison::OtherPixels, "{line}");
        assert_eq!(
            fault.is_empty(),
            comparison < Comparison::BothRefuse || comparison == Comparison::OnlyPilRefuses
        );
        *counts.entry(comparison).or_insert(0) += 1;
    }
    let expected = [
        (Comparison::SamePixels, 743),
        (Comparison::BothRefuse, 969),
        (Comparison::OnlyPilRefuses, 4),
        (Comparison::OnlyPilDecodes, 284),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}

/// The data of some published files end before their last rows: as far as they go, pixels are
/// right.
#[test]
fn each_kind_of_damage_is_named() {
    let photo = fs::read(goldens().join("pictures/photo-420.jpg")).unwrap();
    let refused = |edits: &str| {
        let bytes = edited(photo.clone(), edits);
        check(Path::new("photo"), &bytes).unwrap_err().to_string()
    };
    let end = photo.len() - 2;
    for (edits, words) in [
        (format!("cut:{end}"), "it is truncated: the marker after its data is missing"),
        (format!("cut:{}", end + 1), "it is truncated: the marker after its data is missing"),
        (
            "set:2000:255,set:2001:200".to_owned(),
            "damaged (a marker is in its data); PIL decodes it",
        ),
        ("drop:1765:1778".to_owned(), "damaged (values are out of range); PIL decodes it"),
    ] {
        let message = refused(&edits);
        assert!(message.contains(words), "{edits}: {message}");
    }
    let early = edited(photo.clone(), "cut:3000,add:3000:ffd9");
    assert!(check(Path::new("photo"), &early).is_ok());
    let (whole, part) = (decode(Path::new("photo"), &photo), decode(Path::new("photo"), &early));
    let (whole, part) = (whole.unwrap(), part.unwrap());
    assert_eq!((whole.height, whole.width), (part.height, part.width));
    assert_eq!(whole.pixels[..4000], part.pixels[..4000]);
}
