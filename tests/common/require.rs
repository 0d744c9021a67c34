//! `REPRO_REQUIRE`: the kinds of tests that must not be skipped where they can't run.

/// Tests that need more than every machine has: a GPU, or also the paper's checkpoints and images,
/// the repository's whole history, Slurm (with munge and GNU parallel) and root, or a browser.
const KINDS: [&str; 5] = ["gpu", "paper", "history", "slurm", "browser"];

/// Whether the variable requires a kind.
///
/// # Panics
/// If it names an unknown kind: with a typing error all tests would seem to pass.
pub fn required(kind: &str) -> bool {
    let value = std::env::var_os("REPRO_REQUIRE").unwrap_or_default();
    lists(&value.to_string_lossy(), kind).unwrap_or_else(|error| panic!("{error}"))
}

/// Whether a comma-separated list requires a kind.
pub fn lists(value: &str, kind: &str) -> Result<bool, String> {
    let kinds: Vec<&str> = value.split(',').filter(|word| !word.is_empty()).collect();
    match kinds.iter().find(|word| !KINDS.contains(word)) {
        Some(unknown) => {
            Err(format!("unknown kind `{unknown}` in REPRO_REQUIRE (known: {})", KINDS.join(", ")))
        }
        None => Ok(kinds.contains(&kind)),
    }
}
