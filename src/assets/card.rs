//! Reads the card of a source model from disk: how it was trained, and its digest.

use std::path::{Path, PathBuf};

use crate::{experiment::Card, util::files};

/// Size limit of a card. The largest bundled one has some 100 kB.
const LARGEST_BYTES: u64 = 64 << 20;

/// A missing or invalid card.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CardError {
    /// The file is missing or can't be read.
    #[error("failed to read {path}: {cause}")]
    #[diagnostic(help("check that the folder exists, is writable and has free space"))]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        cause: std::io::Error,
    },
    /// The file is no valid card.
    #[error("failed to parse the card {path}: {cause}")]
    #[diagnostic(help("train the model again, which also writes its card"))]
    Format {
        /// The file.
        path: PathBuf,
        /// The error of the parser.
        cause: String,
    },
}

/// Reads a card.
///
/// # Errors
/// If the file can't be read, is larger than 64 MiB, or is no valid card.
pub fn read_card(path: &Path) -> Result<Card, CardError> {
    let unreadable = |cause| CardError::Io { path: path.to_owned(), cause };
    let format = |cause| CardError::Format { path: path.to_owned(), cause };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > LARGEST_BYTES {
        return Err(format(format!(
            "it has {length} bytes, more than the limit of {LARGEST_BYTES}"
        )));
    }
    let bytes = files::bytes(path, LARGEST_BYTES).map_err(unreadable)?;
    serde_json::from_slice(&bytes).map_err(|error| format(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::WeightsPrecision;

    #[test]
    fn a_card_names_the_precision_of_its_weights_unless_it_is_single() {
        let shipped = crate::assets::bundled::card("natural").unwrap();
        assert_eq!(shipped.weights_precision, WeightsPrecision::Single);
        let text = |card: &Card| serde_json::to_string(card).unwrap();
        assert!(!text(shipped).contains("weights_precision"));
        let half = Card { weights_precision: WeightsPrecision::Half, ..shipped.clone() };
        assert!(text(&half).contains("\"weights_precision\":\"half\""));
        assert_eq!(serde_json::from_str::<Card>(&text(&half)).unwrap(), half);
    }

    #[test]
    fn bundled_cards_keep_their_bytes_and_infinite_losses_are_read() {
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
            // Compared as text, since NaN is not equal to itself.
            assert_eq!(format!("{:?}", read_card(&file).unwrap()), format!("{card:?}"));
        }
    }
}
