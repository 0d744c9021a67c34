//! What a person can do next, as data. A library that finds something missing says which step brings
//! it; how that step is spelled, as a command line or otherwise, is left to whoever prints it.

use std::path::PathBuf;

/// What a person can do about something that is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hint {
    /// Run a command.
    Run(Command),
    /// Delete the file or folder, then run a command that brings it again.
    DeleteAndRun(Command),
    /// Correct an argument of the command that was given: names of a user's own are found in a folder
    /// of claims; others are in the file of this world.
    OwnNames {
        /// The world.
        world: String,
    },
    /// Look at the tensors of a checkpoint.
    Inspect {
        /// What to do instead, in words.
        otherwise: String,
    },
    /// Do something that no command does, in words.
    Manual(String),
}

/// A command that brings something, by what it brings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Command {
    /// Download items of the catalogue.
    Fetch {
        /// Their names.
        items: Vec<String>,
        /// The data folder, where it is not the usual one.
        data: Option<PathBuf>,
    },
    /// Take a file that somebody has to get by hand into the data folder.
    Import {
        /// The catalogue's item.
        item: String,
        /// The data folder, where it is not the usual one.
        data: Option<PathBuf>,
    },
    /// Download all that a world needs.
    FetchWorld {
        /// The world.
        world: String,
        /// The data folder, where it is not the usual one.
        data: Option<PathBuf>,
    },
    /// Train a world's source models.
    Pretrain {
        /// The world.
        world: String,
        /// The data folder, where it is not the usual one.
        data: Option<PathBuf>,
    },
    /// Pack the images of a world into few files.
    Pack {
        /// Where they go.
        folder: PathBuf,
        /// What is packed: the source, or targets.
        names: Vec<String>,
    },
    /// Run the fine-tunes that a figure draws.
    Figure {
        /// Its name.
        name: String,
        /// The kind of evidence.
        evidence: &'static str,
        /// Where its evidence lies.
        folders: Folders,
    },
}

/// Folders that were named for local evidence; the usual ones where none is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Folders {
    /// The ledger.
    pub ledger: Option<PathBuf>,
    /// The data folder.
    pub data: Option<PathBuf>,
}
