//! Fuzzes the readers of checkpoints with libFuzzer, which searches for inputs that reach new code:
//!
//!     cargo +nightly fuzz run checkpoint --sanitizer none
//!
//! The first byte of an input selects the container of the rest, so that a pickle in a zip archive
//! has the right checksum. `goldens/checkpoint/corpus.bin.gz` is an initial corpus, whose format is
//! described in `tests/core/checkpoint/fuzz.rs`.

#![no_main]

#[allow(dead_code, reason = "the tests use the other functions")]
#[path = "../../tests/core/checkpoint/assembly.rs"]
mod assembly;

use libfuzzer_sys::fuzz_target;
use repro::checkpoint::{Checkpoint, Inspection, Wrapping, write_safetensors};

/// Limit on the bytes of all tensors, so that an input takes little time.
const MAX_BYTES: usize = 1 << 20;

fuzz_target!(|input: &[u8]| {
    let Ok(checkpoint) = Checkpoint::read("file", assembly::of_input(input)) else { return };
    if checkpoint.tensors().map(|tensor| tensor.bytes_len()).sum::<usize>() > MAX_BYTES {
        return;
    }
    let list = |checkpoint: &Checkpoint| -> Vec<(String, String)> {
        let tensors = Inspection::new(checkpoint).unwrap().tensors.into_iter();
        tensors.map(|tensor| (tensor.name, tensor.sha256)).collect()
    };
    let mut again = Vec::new();
    write_safetensors(&checkpoint, &mut again).expect("memory is written");
    let again = Checkpoint::read("again", again).expect("a written checkpoint is valid");
    if again.wrapping() == Wrapping::Plain {
        assert_eq!(list(&again), list(&checkpoint));
    }
});
