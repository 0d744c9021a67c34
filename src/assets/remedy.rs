//! How to fix a missing or damaged file of the data folder.

use std::{fmt::Display, path::Path};

use miette::Diagnostic as _;

use super::Missing;
use crate::{
    checkpoint::ReadError,
    util::{Command, Hint},
};

/// How a missing file can be provided.
pub(super) enum Remedy {
    /// By a command that downloads or makes it.
    Run(Command),
    /// By the user: an instruction in words.
    Manual(String),
}

impl Remedy {
    /// The error for a missing file.
    pub fn missing(&self, path: &Path) -> Missing {
        let help = match self {
            Self::Run(command) => Hint::Run(command.clone()),
            Self::Manual(instruction) => Hint::Manual(instruction.clone()),
        };
        Missing { what: format!("{} is missing", path.display()), help }
    }

    /// The error for a checkpoint that can't be read. If no command provides it, the help of its
    /// reader comes first.
    pub fn unreadable(&self, error: &ReadError) -> Missing {
        let mut missing = self.damaged(error);
        if let Hint::Manual(instruction) = &missing.help {
            missing.help = match error.help() {
                Some(help) => Hint::Manual(format!("{help}; or {instruction}")),
                None => Hint::Inspect { otherwise: instruction.clone() },
            };
        }
        missing
    }

    /// The error for a damaged file.
    pub fn damaged(&self, error: &dyn Display) -> Missing {
        let help = match self {
            Self::Run(command) => Hint::DeleteAndRun(command.clone()),
            Self::Manual(_) => {
                Hint::Manual("fix the file, or its entry in `worlds/own.toml`".to_owned())
            }
        };
        Missing { what: error.to_string(), help }
    }
}
