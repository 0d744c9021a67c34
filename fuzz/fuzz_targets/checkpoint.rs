//! Checkpoints by libFuzzer, which looks for inputs that reach new code:
//!
//!     LD_LIBRARY_PATH=$(echo $PWD/.libtorch/*/lib) cargo +nightly fuzz run checkpoint --sanitizer none
//!
//! An input's first byte says what the rest is put in, so that a pickle in a zip archive has the right
//! checksum. `goldens/checkpoint/corpus.bin.gz` is a corpus to begin with (tests/checkpoint/fuzz.rs
//! has its form).

#![no_main]

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../../tests/checkpoint/assembly.rs"]
mod assembly;

use libfuzzer_sys::fuzz_target;
use repro::checkpoint::{Checkpoint, Inspection, Wrapping, to_safetensors};

/// Bytes written out that a run is given time for.
const MOST_BYTES: usize = 1 << 20;

fuzz_target!(|input: &[u8]| {
    let Ok(checkpoint) = Checkpoint::read("file", assembly::of_input(input)) else { return };
    if checkpoint.tensors().map(|tensor| tensor.bytes_len()).sum::<usize>() > MOST_BYTES {
        return;
    }
    let list = |checkpoint: &Checkpoint| -> Vec<(String, String)> {
        let tensors = Inspection::of(checkpoint).tensors.into_iter();
        tensors.map(|tensor| (tensor.name, tensor.sha256)).collect()
    };
    let again = Checkpoint::read("again", to_safetensors(&checkpoint)).expect("what was written");
    if again.wrapping() == Wrapping::Plain {
        assert_eq!(list(&again), list(&checkpoint));
    }
});
