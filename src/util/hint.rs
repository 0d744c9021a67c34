//! The next step for the user, as data. The library names the step that fixes an error; spelling it
//! as a command line is left to `cli`.

use std::path::PathBuf;

/// How the user can fix something missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hint {
    /// Run a command.
    Run(Command),
    /// Delete the file or folder, then run a command that downloads or makes it again.
    DeleteAndRun(Command),
    /// Correct an argument of the command: user-defined names are in a folder of claims, and other
    /// names in the file of this world.
    UserNames {
        /// The world.
        world: String,
    },
    /// List the tensors of a checkpoint.
    Inspect {
        /// Another way to fix it, in words.
        otherwise: String,
    },
    /// Follow an instruction in words, for which there is no command.
    Manual(String),
    /// Download files by hand from a page, since no program can, and import them by a command.
    ByHand {
        /// The provider's web page.
        page: String,
        /// Whether the file or folder that is there has to be deleted first.
        delete: bool,
        /// The command that imports them.
        command: Box<Command>,
    },
    /// Follow an instruction in words, or another hint.
    Or {
        /// The instruction.
        words: String,
        /// The other hint.
        otherwise: Box<Hint>,
    },
}

/// A command that provides something missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Command {
    /// Download items of the catalogue.
    Fetch {
        /// Their names.
        items: Vec<String>,
        /// The data folder, if it is not the default one.
        data: Option<PathBuf>,
    },
    /// Import a file that has to be downloaded by hand into the data folder.
    Import {
        /// The catalogue's item.
        item: String,
        /// The data folder, if it is not the default one.
        data: Option<PathBuf>,
    },
    /// Download all items that a world needs.
    FetchWorld {
        /// The world.
        world: String,
        /// The data folder, if it is not the default one.
        data: Option<PathBuf>,
    },
    /// Train a world's source models.
    Pretrain {
        /// The world.
        world: String,
        /// The data folder, if it is not the default one.
        data: Option<PathBuf>,
    },
    /// Pack the images of a world into few files.
    Pack {
        /// The folder to write to.
        folder: PathBuf,
        /// The names of the images to pack: the source, or targets.
        names: Vec<String>,
    },
    /// Run the fine-tunes that a figure draws.
    Figure {
        /// Its name.
        name: String,
        /// The kind of evidence.
        evidence: &'static str,
        /// The folders of its evidence.
        folders: Folders,
    },
}

/// The folders of local evidence; `None` for a default folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Folders {
    /// The ledger.
    pub ledger: Option<PathBuf>,
    /// The data folder.
    pub data: Option<PathBuf>,
}
