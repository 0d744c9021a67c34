//! Checkpoints: the output for those that are read, and the errors for files that are none.

use super::{Transcript, golden};

#[test]
fn checkpoints_of_every_kind_are_listed_in_a_table() {
    let mut read = Transcript::new();
    for name in ["plain.safetensors", "nested-zip.pt", "parallel-legacy.pt", "robustness-legacy.pt"]
    {
        read.golden(name, &format!("checkpoint/{name}"));
        read.run(&format!("repro inspect {name}"));
    }
    read.golden("dtypes.safetensors", "checkpoint/dtypes.safetensors");
    read.run("repro inspect dtypes.safetensors");
    read.run("repro convert robustness-legacy.pt");
    read.run("repro convert nested-zip.pt --output 'a folder/nested.safetensors'");
    read.snapshot("inspect");
}

#[test]
fn files_that_are_no_checkpoints_are_named_by_their_kind() {
    let mut files = Transcript::new();
    for name in ["hostile-tensor-zip.pt", "hostile-root-zip.pt", "hostile-beside-zip.pt"] {
        files.golden(name, &format!("checkpoint/{name}"));
        files.run(&format!("repro inspect {name}"));
    }
    for name in ["deflated-zip.pt", "script.pt", "tar.pt", "pickle.pt", "tensor-zip.pt"] {
        files.golden(name, &format!("checkpoint/{name}"));
        files.run(&format!("repro inspect {name}"));
    }
    let (legacy, zip) = (golden("checkpoint/plain-legacy.pt"), golden("checkpoint/plain-zip.pt"));
    let safetensors = golden("checkpoint/plain.safetensors");
    let mut flipped = zip.clone();
    // Among the bytes of a storage.
    let at = flipped.len() / 2;
    flipped[at] ^= 0xff;
    let followed = [&zip[..], b"more"].concat();
    let cases: [(&str, &[u8]); 14] = [
        ("empty", b""),
        ("a page", b"<!DOCTYPE html>"),
        ("a pointer of Git LFS", b"version https://git-lfs.github.com/spec/v1\n"),
        ("gzip", b"\x1f\x8b\x08 and so on"),
        ("HDF5", b"\x89HDF\r\n and so on"),
        ("JSON", b"{\"weights\": \"elsewhere\"}"),
        ("a letter", b"Dear reader, the weights are enclosed."),
        ("a legacy file that is cut short", &legacy[..700]),
        ("a legacy file that is cut in its storages", &legacy[..legacy.len() - 100]),
        ("a zip archive that is cut short", &zip[..zip.len() - 300]),
        ("a zip archive with another byte in it", &flipped),
        ("a zip archive with bytes behind it", &followed),
        ("safetensors that are cut short", &safetensors[..safetensors.len() - 10]),
        ("safetensors that are cut in their header", &safetensors[..40]),
    ];
    for (what, bytes) in cases {
        files.file("model.pt", bytes);
        files.note(&format!("model.pt is {what}"));
        files.run("repro inspect model.pt");
    }
    files.run("repro convert model.pt");
    files.run("repro inspect missing.pt");
    files.run("repro inspect .");
    files.golden("tiny.safetensors", "checkpoint/tiny.safetensors");
    files.run("repro convert tiny.safetensors");
    files.run("repro convert tiny.safetensors --output ./tiny.safetensors");
    files.run("repro convert tiny.safetensors --output tiny.safetensors/x.safetensors");
    files.snapshot("messages-checkpoints");
}
