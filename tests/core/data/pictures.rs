//! JPEG, PNG, WebP and GIF files against PIL's decoder, and files of other formats.

use std::path::Path;

use proptest::prelude::*;
use repro::data::{
    DataError,
    picture::{Picture, decode},
};
use repro::{data::resize::resize_bytes, experiment::Resolution};

use super::fixtures::{goldens, reference, sha256, size};

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(goldens().join(name)).unwrap()
}

fn read(bytes: &[u8]) -> Result<Picture, DataError> {
    decode(Path::new("picture"), bytes)
}

#[track_caller]
fn refused(bytes: &[u8], words: &str) {
    let error = read(bytes).unwrap_err().to_string();
    assert!(error.contains(words), "{error}\ndoes not say: {words}");
}

/// Equal to the last level: every sampling, progressive scans, restarts, coarse tables, grey,
/// palettes, alpha, CMYK, an orientation that is ignored, a GIF with the name of a JPEG, and JPEGs
/// that libjpeg warns about: without their last rows or their last scan.
#[test]
fn images_are_decoded_and_resized_to_pils_bytes() {
    let reference = reference();
    let cases = reference["pictures"].as_object().unwrap();
    assert_eq!(cases.len(), 31);
    for (name, expected) in cases {
        let picture = read(&bytes(&format!("pictures/{name}")));
        let picture = picture.unwrap_or_else(|error| panic!("{name}: {error}"));
        let shape = (3, picture.height, picture.width);
        assert_eq!(serde_json::json!([shape.0, shape.1, shape.2]), expected["shape"], "{name}");
        assert_eq!(sha256(&picture.pixels), expected["sha256"], "{name}");
        for (words, digest) in expected["at"].as_object().unwrap() {
            let (side, through) = size(words);
            let side = side as usize;
            let resized = match through {
                Resolution::Native => resize_bytes(&picture.pixels, shape, [side, side]),
                Resolution::Pixels(through) => {
                    let through = through as usize;
                    let small = resize_bytes(&picture.pixels, shape, [through, through]);
                    resize_bytes(&small, (3, through, through), [side, side])
                }
            };
            assert_eq!(sha256(&resized), *digest, "{name} at {words}");
        }
    }
}

#[test]
fn other_formats_and_colour_spaces_are_refused_by_name() {
    refused(b"", "failed to decode the image picture: it is empty");
    refused(b"<!doctype html>", "it is a web page, and not JPEG, PNG, WebP or GIF");
    refused(b"version https://git-lfs.github.com/spec/v1", "it is a Git LFS pointer");
    refused(b"PK\x03\x04", "it is a zip archive");
    refused(b"\0\0\0\x1cftypavif", "it is an AVIF image");
    refused(b"bmx", "it begins with `bmx`, and is not JPEG, PNG, WebP or GIF");
    refused(b"GIF89a", "it is truncated");
    refused(&bytes("refused/windows.bmp.png"), "it is a BMP image");
    refused(&bytes("refused/deep.png"), "it has 16 bits");
}

/// What PIL puts around a first frame depends on its version.
#[test]
fn a_gif_whose_first_frame_is_a_part_or_has_no_palette_is_refused() {
    let mut gif = bytes("pictures/palette.gif");
    gif[6] += 1;
    refused(&gif, "its first frame is a part of the image");
    let mut gif = bytes("pictures/palette.gif");
    // The global palette of 64 colours becomes one of 2, and what follows is no GIF.
    gif[10] &= 0xf8;
    assert!(read(&gif).is_err());
}

#[test]
fn an_image_cut_at_any_byte_is_refused() {
    for name in [
        "odd-420.jpg",
        "progressive.jpg",
        "restarts.jpg",
        "grey.png",
        "palette.png",
        "palette.gif",
        "lossy.webp",
    ] {
        let whole = bytes(&format!("pictures/{name}"));
        let expected = read(&whole).unwrap();
        let mut accepted = Vec::new();
        for end in 0..whole.len() {
            if let Ok(picture) = read(&whole[..end]) {
                // Only an end marker is missing then.
                assert_eq!(picture, expected, "{name} cut at {end}");
                accepted.push(whole.len() - end);
            }
        }
        // The twelve bytes of a PNG's last chunk and the checksum before it; a GIF's trailer, the
        // end of its blocks and of its codes; a WebP's padding. A JPEG without its end marker is
        // refused.
        let most = match name.rsplit_once('.').unwrap().1 {
            "png" => 16,
            "gif" => 3,
            "webp" => 2,
            _ => 0,
        };
        assert!(accepted.iter().all(|missing| *missing <= most), "{name}: {accepted:?}");
    }
}

#[test]
fn a_header_with_huge_sizes_allocates_nothing() {
    let mut jpeg = bytes("pictures/odd-420.jpg");
    let frame = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff, 0x00, 0xff, 0x00]);
    refused(&jpeg, "exceeds limit");
    let mut png = bytes("pictures/grey.png");
    png[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let mut checksum = flate2::Crc::new();
    checksum.update(&png[12..29]);
    png[29..33].copy_from_slice(&checksum.sum().to_be_bytes());
    refused(&png, "it has 65536 x 65536 pixels");
    let mut cmyk = bytes("pictures/cmyk.jpg");
    let frame = cmyk.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    cmyk[frame + 5..frame + 7].copy_from_slice(&[0, 0]);
    refused(&cmyk, "it has no rows or no columns");
}

#[test]
fn a_png_whose_checksum_is_wrong_is_refused() {
    let mut png = bytes("pictures/colour.png");
    let middle = png.len() / 2;
    png[middle] ^= 1;
    assert!(read(&png).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoders_panic(
        which in 0..9_usize, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        early: bool,
    ) {
        let name = ["odd-420.jpg", "progressive.jpg", "restarts.jpg", "grey.jpg", "palette.png", "alpha.png", "interlaced.gif", "lossy.webp", "cmyk.jpg"][which];
        let mut bytes = bytes(&format!("pictures/{name}"));
        let length = if early { 60 } else { bytes.len() };
        for (at, byte) in changes {
            let at = at.index(length);
            bytes[at] = byte;
        }
        if let Ok(picture) = read(&bytes) {
            prop_assert_eq!(picture.pixels.len(), 3 * picture.height * picture.width);
        }
    }
}
