//! How to fix a missing, foreign or damaged file of the data folder. The three are different: what
//! is missing has to be downloaded, what is foreign has to be laid out as expected, and only what is
//! damaged has to be deleted first.

use std::{fmt::Display, path::Path};

use miette::Diagnostic as _;

use super::Missing;
use crate::{
    checkpoint::{Fault, ReadError},
    data::{DataError, Problem, Undecodable, picture::FORMATS},
    util::{Command, Hint},
};

/// Limit on the images that an error lists.
const LISTED: usize = 20;
/// What to do about a file that the system does not let the program read.
const PERMISSION: &str = "check that you have permission to read it";

/// How a missing file can be provided.
pub(super) enum Remedy {
    /// By a command that downloads or makes it.
    Run(Command),
    /// By the user, who downloads files from a page and imports them by a command.
    ByHand { page: String, command: Command },
    /// By the user: an instruction in words.
    Manual(String),
}

impl Remedy {
    /// The error for a missing file.
    pub fn missing(&self, path: &Path) -> Missing {
        Missing { what: format!("{} is missing", path.display()), help: self.provide() }
    }

    /// The error for a checkpoint that can't be read. If no command provides it, the help of its
    /// reader comes first.
    pub fn unreadable(&self, error: &ReadError) -> Missing {
        if let Fault::Io { .. } = error.fault {
            return Missing { what: error.to_string(), help: Hint::Manual(PERMISSION.to_owned()) };
        }
        let mut missing = self.damaged(error);
        if let Hint::Manual(instruction) = &missing.help {
            missing.help = match error.help() {
                Some(help) => Hint::Manual(format!("{help}; or {instruction}")),
                None => Hint::Inspect { otherwise: instruction.clone() },
            };
        }
        missing
    }

    /// The error for images that can't be read.
    pub fn images(&self, error: &DataError) -> Missing {
        let help = match error.problem() {
            Problem::Missing => self.provide(),
            Problem::Unreadable => Hint::Manual(PERMISSION.to_owned()),
            Problem::Damaged => match (self, error) {
                (Self::Manual(_), DataError::Count { .. }) => Hint::Manual(
                    "correct its numbers in `worlds/own.toml`, or the images in it".to_owned(),
                ),
                _ => return self.damaged(error),
            },
            Problem::Foreign { expected } => match (self, expected) {
                (Self::Manual(instruction), None) => Hint::Manual(format!(
                    "{instruction}, with the same classes in both, and move everything else out of \
                     it"
                )),
                (_, expected) => Hint::Or {
                    words: expected.map_or_else(
                        || "move what the data set does not have out of its folder".to_owned(),
                        |expected| format!("arrange it as {expected}"),
                    ),
                    otherwise: Box::new(self.provide()),
                },
            },
        };
        Missing { what: error.to_string(), help }
    }

    /// The error for a damaged file.
    pub fn damaged(&self, error: &dyn Display) -> Missing {
        let help = match self {
            Self::Run(command) => Hint::DeleteAndRun(command.clone()),
            Self::ByHand { page, command } => {
                Hint::ByHand { page: page.clone(), delete: true, command: command.clone().into() }
            }
            Self::Manual(_) => {
                Hint::Manual("fix the file, or its entry in `worlds/own.toml`".to_owned())
            }
        };
        Missing { what: error.to_string(), help }
    }

    /// The error for images that can't be decoded, of `total` images of a target; `list` has them
    /// all.
    pub fn undecodable(
        &self,
        target: &str,
        total: usize,
        found: &[Undecodable],
        list: &Path,
    ) -> Missing {
        let mut what = format!("{} of {total} images of `{target}` can't be decoded:", found.len());
        for Undecodable { file, fault } in found.iter().take(LISTED) {
            what += &format!("\n{file}: {fault}");
        }
        if let Some(more) = found.len().checked_sub(LISTED).filter(|more| *more > 0) {
            what += &format!("\nand {more} more, which {} lists", list.display());
        }
        let convert = format!("convert these files to {FORMATS} of 8 bits");
        let help = match self {
            Self::Manual(_) => Hint::Manual(convert + ", or download them again"),
            _ => Hint::Or { words: convert, otherwise: Box::new(self.damaged(&"").help) },
        };
        Missing { what, help }
    }

    /// How to get what is not there.
    fn provide(&self) -> Hint {
        match self {
            Self::Run(command) => Hint::Run(command.clone()),
            Self::ByHand { page, command } => {
                Hint::ByHand { page: page.clone(), delete: false, command: command.clone().into() }
            }
            Self::Manual(instruction) => Hint::Manual(instruction.clone()),
        }
    }
}
