//! Faulty files for as long as one likes:
//!
//!     REPRO_FUZZ_SECONDS=3600 cargo test --release --test checkpoint -- --ignored --nocapture fuzz
//!
//! The file that is being tried lies under `target/fuzz/` (or `REPRO_FUZZ_DIR`; in memory it goes ten
//! times as fast) until it has been, so that what stops the process is found there; what panics is
//! kept there too. Those that mattered are kept in `goldens/checkpoint/found/`, and tried again by
//! every run of the tests.

use std::{
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
    folder,
    mutation::{Corpus, any_fault, try_out},
};

/// Longer than any file of a few kilobytes may take.
const SLOW: Duration = Duration::from_secs(2);

#[test]
fn what_a_fuzzer_found_stays_found() {
    let found = folder().join("found");
    let Ok(files) = std::fs::read_dir(&found) else { return };
    for file in files {
        let path = file.unwrap().path();
        let begin = Instant::now();
        try_out(std::fs::read(&path).unwrap());
        assert!(begin.elapsed() < SLOW, "{} takes {:?}", path.display(), begin.elapsed());
    }
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
    let begin = Instant::now();
    let (mut tried, mut read, mut faults) = (0_u64, 0_u64, 0_u64);
    let (mut slowest, mut told) = (Duration::ZERO, begin);
    while begin.elapsed() < Duration::from_secs(seconds) {
        let (file, edits) = strategy.new_tree(&mut runner).unwrap().current();
        let bytes = corpus.faulty(file.into(), &edits);
        std::fs::write(&current, &bytes).unwrap();
        let once = Instant::now();
        let outcome = catch_unwind(|| try_out(bytes.clone()));
        let took = once.elapsed();
        slowest = slowest.max(took);
        tried += 1;
        read += u64::from(matches!(outcome, Ok(true)));
        if outcome.is_err() || took > SLOW {
            faults += 1;
            let name = format!("{}.bin", blake3::hash(&bytes).to_hex());
            std::fs::write(keep.join(name), &bytes).unwrap();
        }
        if told.elapsed() > Duration::from_secs(60) {
            told = Instant::now();
            let elapsed = begin.elapsed().as_secs();
            println!(
                "{elapsed} s: {tried} tried, {read} read, {faults} faults, slowest {slowest:?}"
            );
        }
    }
    let _ = std::fs::remove_file(&current);
    println!(
        "{tried} files tried in {seconds} s, {read} read, {faults} faults, slowest {slowest:?}"
    );
    assert_eq!(faults, 0, "they are in {}", keep.display());
}
