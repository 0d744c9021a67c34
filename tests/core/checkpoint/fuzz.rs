//! Reads faulty files for a chosen time:
//!
//!     REPRO_FUZZ_SECONDS=3600 cargo test --release --test core -- --ignored --nocapture fuzz
//!
//! Each file is under `target/fuzz/` while it is read (or `REPRO_FUZZ_DIR`; a folder in memory is
//! ten times as fast), so that a file that aborts the process can be found there. Files that cause
//! a panic are kept there as well. `fuzz/` does the same with libFuzzer, which needs a nightly
//! compiler.

use std::{
    io::Read,
    panic::catch_unwind,
    path::Path,
    time::{Duration, Instant},
};

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::{
    assembly::of_input,
    fixture,
    mutation::{Corpus, any_fault, try_out},
};

/// The time limit of a file of a few kilobytes.
const SLOW: Duration = Duration::from_secs(2);

/// The inputs that libFuzzer (`fuzz/`) kept of seventeen million: those of at most 650 bytes that
/// together reach all code that such inputs reached. None of them found a fault; add one that does.
/// The file is a gzip of inputs, each after its length in four bytes.
#[test]
fn the_corpus_of_the_fuzzer_is_read_or_refused() {
    let mut packed = Vec::new();
    let file = fixture("corpus.bin.gz");
    flate2::read::GzDecoder::new(&file[..]).read_to_end(&mut packed).unwrap();
    let (mut rest, mut tried, mut read) = (&packed[..], 0, 0);
    while let Some((length, more)) = rest.split_first_chunk() {
        let (input, more) = more.split_at(u32::from_le_bytes(*length) as usize);
        let begin = Instant::now();
        read += u32::from(try_out(of_input(input)));
        assert!(begin.elapsed() < SLOW, "input {tried} takes {:?}", begin.elapsed());
        (rest, tried) = (more, tried + 1);
    }
    assert!(tried > 1000, "{tried} tried, {read} of them read");
}

#[test]
#[ignore = "as long as REPRO_FUZZ_SECONDS says"]
fn fuzz() {
    let variable =
        |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seconds = variable("REPRO_FUZZ_SECONDS").unwrap_or(10);
    let seed = variable("REPRO_FUZZ_SEED").unwrap_or(1);
    let keep = std::env::var_os("REPRO_FUZZ_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fuzz"),
        std::path::PathBuf::from,
    );
    std::fs::create_dir_all(&keep).unwrap();
    let current = keep.join(format!("current-{seed}"));
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let corpus = Corpus::read(70_000);
    let strategy = (any::<u16>(), prop::collection::vec(any_fault(), 1..4));
    let (mut tried, mut read, mut faults) = (0_u64, 0_u64, 0_u64);
    let (mut slowest, mut minutes) = (Duration::ZERO, 0);
    // Time in which the process was suspended does not count.
    let mut spent = Duration::ZERO;
    while spent < Duration::from_secs(seconds) {
        let begin = Instant::now();
        let (file, edits) = strategy.new_tree(&mut runner).unwrap().current();
        let bytes = corpus.faulty(file.into(), &edits);
        std::fs::write(&current, &bytes).unwrap();
        let once = || {
            let once = Instant::now();
            (catch_unwind(|| try_out(bytes.clone())), once.elapsed())
        };
        let (outcome, mut took) = once();
        if took > SLOW {
            took = took.min(once().1);
        }
        slowest = slowest.max(took);
        tried += 1;
        read += u64::from(matches!(outcome, Ok(true)));
        if outcome.is_err() || took > SLOW {
            faults += 1;
            let name = format!("{}.bin", blake3::hash(&bytes).to_hex());
            std::fs::write(keep.join(name), &bytes).unwrap();
        }
        spent += begin.elapsed().min(SLOW);
        if spent.as_secs() / 60 > minutes {
            minutes = spent.as_secs() / 60;
            println!(
                "{minutes} min: {tried} tried, {read} read, {faults} faults, slowest {slowest:?}"
            );
        }
    }
    let _ = std::fs::remove_file(&current);
    println!(
        "{tried} files tried in {seconds} s, {read} read, {faults} faults, slowest {slowest:?}"
    );
    assert_eq!(faults, 0, "they are in {}", keep.display());
}
