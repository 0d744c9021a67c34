//! Cards of source models, read from disk.

use std::path::{Path, PathBuf};

use crate::experiment::Card;

/// A card larger than this is refused: the largest that we write has some 100 kB.
const LARGEST_BYTES: u64 = 64 << 20;

/// A card that can't be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CardError {
    /// The file can't be read.
    #[error("failed to read {path}: {cause}")]
    #[diagnostic(help("check that the folder is there, may be written to and has room"))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It is no card.
    #[error("{path} is no card of a source model: {cause}")]
    #[diagnostic(help("make the model again; its card is written beside it"))]
    Format {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        cause: String,
    },
}

/// Reads a card.
///
/// # Errors
/// If it can't be read, or is no card.
pub fn read_card(path: &Path) -> Result<Card, CardError> {
    let unreadable = |cause| CardError::Io { path: path.to_owned(), cause };
    let format = |cause| CardError::Format { path: path.to_owned(), cause };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > LARGEST_BYTES {
        return Err(format(format!("it has {length} bytes, and {LARGEST_BYTES} are the most")));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    serde_json::from_slice(&bytes).map_err(|error| format(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_read_though_losses_blew_up_and_those_that_ship_keep_their_bytes() {
        let zoo = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/smoke/zoo");
        let files = std::fs::read_dir(zoo).unwrap().map(|file| file.unwrap().path());
        let cards: Vec<_> =
            files.filter(|path| path.extension().is_some_and(|of| of == "json")).collect();
        assert!(!cards.is_empty());
        let folder = tempfile::tempdir().unwrap();
        for path in cards {
            let mut card = read_card(&path).unwrap();
            let text = serde_json::to_string_pretty(&card).unwrap() + "\n";
            assert_eq!(text, std::fs::read_to_string(&path).unwrap(), "{}", path.display());
            card.first_losses[1] = f64::NAN;
            card.curve[0].train_loss = f64::INFINITY;
            card.curve[0].test_loss = f64::NAN;
            card.curve[0].first_losses[0] = f64::NEG_INFINITY;
            let file = folder.path().join("diverged.json");
            std::fs::write(&file, serde_json::to_vec(&card).unwrap()).unwrap();
            // By its text, in which a NaN is equal to itself.
            assert_eq!(format!("{:?}", read_card(&file).unwrap()), format!("{card:?}"));
        }
    }
}
