//! How what is missing or damaged comes here, in words.

use std::{fmt::Display, path::Path};

use miette::Diagnostic as _;

use super::Lacking;
use crate::checkpoint::ReadError;

/// How what is missing comes here.
pub(super) enum Bring {
    /// By a command.
    Command(String),
    /// By its owner, in words.
    Hand(String),
}

impl Bring {
    pub fn missing(&self, path: &Path) -> Lacking {
        let mend = match self {
            Self::Command(command) => format!("run `{command}`"),
            Self::Hand(what) => format!("put there {what}"),
        };
        Lacking { what: format!("{} is not there", path.display()), mend }
    }

    /// A checkpoint that can't be read; what its reader advises is of use where nothing else brings it.
    pub fn unread(&self, error: &ReadError) -> Lacking {
        let mut lacking = self.damaged(error);
        if let (Self::Hand(_), Some(help)) = (self, error.help()) {
            lacking.mend = format!("{help}; or {}", lacking.mend);
        }
        lacking
    }

    pub fn damaged(&self, error: &dyn Display) -> Lacking {
        let mend = match self {
            Self::Command(command) => format!("delete it and run `{command}`"),
            Self::Hand(_) => "mend it, or what `worlds/own.toml` says of it".to_owned(),
        };
        Lacking { what: error.to_string(), mend }
    }
}
