//! Fuzzes the decoders of images, and the readers of MATLAB's and IDX files, with libFuzzer:
//!
//!     cargo +nightly fuzz run picture --sanitizer none
//!
//! The first byte of an input selects the reader of the rest. The images of `goldens/data/pictures`
//! with a zero in front are an initial corpus.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use repro::data::{idx, mat, picture};

fuzz_target!(|input: &[u8]| {
    let Some((reader, bytes)) = input.split_first() else { return };
    let path = Path::new("file");
    match reader % 3 {
        0 => {
            let decoded = picture::decode(path, bytes);
            if let Ok(picture) = &decoded {
                assert_eq!(picture.pixels.len(), 3 * picture.height * picture.width);
            }
            // What passes the check of a target is decoded by a fine-tune.
            assert!(picture::check(path, bytes).is_err() || decoded.is_ok());
        }
        1 => drop(mat::read(path, bytes)),
        _ => {
            let half = bytes.len() / 2;
            drop(idx::read(("images", &bytes[..half]), ("labels", &bytes[half..]), 10));
        }
    }
});
