//! How what is missing or damaged comes here.

use std::{fmt::Display, path::Path};

use miette::Diagnostic as _;

use super::Lacking;
use crate::{
    checkpoint::ReadError,
    util::{Command, Hint},
};

/// How what is missing comes here.
pub(super) enum Remedy {
    /// By a command.
    Run(Command),
    /// By its owner, in words.
    Manual(String),
}

impl Remedy {
    pub fn missing(&self, path: &Path) -> Lacking {
        let help = match self {
            Self::Run(command) => Hint::Run(command.clone()),
            Self::Manual(what) => Hint::Manual(format!("put there {what}")),
        };
        Lacking { what: format!("{} is not there", path.display()), help }
    }

    /// A checkpoint that can't be read. Its reader's own help is added where no command downloads it.
    pub fn unread(&self, error: &ReadError) -> Lacking {
        let mut lacking = self.damaged(error);
        if let Hint::Manual(words) = &lacking.help {
            lacking.help = match error.help() {
                Some(help) => Hint::Manual(format!("{help}; or {words}")),
                None => Hint::Inspect { otherwise: words.clone() },
            };
        }
        lacking
    }

    pub fn damaged(&self, error: &dyn Display) -> Lacking {
        let help = match self {
            Self::Run(command) => Hint::DeleteAndRun(command.clone()),
            Self::Manual(_) => {
                Hint::Manual("mend it, or what `worlds/own.toml` says of it".to_owned())
            }
        };
        Lacking { what: error.to_string(), help }
    }
}
