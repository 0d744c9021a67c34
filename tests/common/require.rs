//! What `REPRO_REQUIRE` asks of tests: that none of a kind is left out where it can't be run.

/// Tests that need what not every machine has: a GPU, and besides the paper's checkpoints and images.
const KINDS: [&str; 2] = ["gpu", "paper"];

/// Whether the variable asks for a kind.
///
/// # Panics
/// If it asks for something else: who mistypes a name would be told that all is well.
pub fn required(kind: &str) -> bool {
    let asked = std::env::var_os("REPRO_REQUIRE").unwrap_or_default();
    asks(&asked.to_string_lossy(), kind).unwrap_or_else(|error| panic!("{error}"))
}

/// Whether these words, with commas between them, ask for a kind.
pub fn asks(words: &str, kind: &str) -> Result<bool, String> {
    let asked: Vec<&str> = words.split(',').filter(|word| !word.is_empty()).collect();
    match asked.iter().find(|word| !KINDS.contains(word)) {
        Some(unknown) => {
            Err(format!("REPRO_REQUIRE asks for `{unknown}`; it can ask for {}", KINDS.join(", ")))
        }
        None => Ok(asked.contains(&kind)),
    }
}
