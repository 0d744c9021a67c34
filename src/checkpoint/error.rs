//! Errors of checkpoints.

use miette::Diagnostic;

use crate::checkpoint::WeightsError;

/// A checkpoint that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the checkpoint {file}: {fault}")]
pub struct ReadError {
    /// The file's name.
    pub file: String,
    /// What is wrong with it.
    pub fault: Fault,
}

impl Diagnostic for ReadError {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.fault.code()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.fault.help()
    }
}

/// What is wrong with a checkpoint.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Fault {
    /// The file is missing or can't be read.
    #[error("{cause}")]
    #[diagnostic(help("check that the file exists and that you have permission to read it"))]
    Io {
        /// The error of the system.
        cause: std::io::Error,
    },
    /// The file is no checkpoint.
    #[error("it is {what}")]
    #[diagnostic(help("{help}"))]
    Foreign {
        /// What it is.
        what: String,
        /// How to fix it.
        help: &'static str,
    },
    /// The file is damaged.
    #[error("{place}: {what}")]
    #[diagnostic(help(
        "the file is damaged or truncated: download it again, and compare its checksum"
    ))]
    Damaged {
        /// The offset, entry or name.
        place: String,
        /// What is damaged.
        what: String,
    },
    /// The file is valid, but uses an unsupported feature.
    #[error("{place}: {what}")]
    #[diagnostic(help("load it with PyTorch, and save its state dict again"))]
    Unsupported {
        /// The offset, entry or name.
        place: String,
        /// The unsupported feature.
        what: String,
    },
    /// The file exceeds a limit.
    #[error("{place}: {what}")]
    #[diagnostic(help(
        "check that it is the right file; if it is, load it with PyTorch, and save its state dict \
         alone"
    ))]
    Bound {
        /// The offset, entry or name.
        place: String,
        /// The limit.
        what: String,
    },
    /// A tensor depends on an unknown function or class.
    #[error("tensor `{name}` depends on `{global}`, which is unknown and is never called")]
    #[diagnostic(help(
        "if you trust the file, load it with PyTorch, and save its state dict again"
    ))]
    Opaque {
        /// The tensor's name.
        name: String,
        /// The function or class, or another value in place of a part of the tensor.
        global: String,
    },
    /// The file has no named tensors.
    #[error("it has {found}, but no named tensors")]
    #[diagnostic(help(
        "save a state dict, alone or under the key `state_dict` or `model`: \
         torch.save(model.state_dict(), \"weights.pt\")"
    ))]
    NoTensors {
        /// What it has instead.
        found: String,
    },
    /// The state dict is not under the key that was asked for, or is not the only one.
    #[error("{what}{}", listed("", keys))]
    #[diagnostic(code(checkpoint::key))]
    Key {
        /// What is not there, or what there is too much of.
        what: String,
        /// The keys of all dicts of tensors.
        keys: Vec<String>,
    },
    /// A key was asked for in a file whose tensors are under none.
    #[error("{what}")]
    #[diagnostic(code(checkpoint::no_key))]
    NoKey {
        /// What is not there.
        what: String,
    },
    /// No tensor has the prefix that was asked for, or several networks have one.
    #[error("{what}{}", listed("; networks are below ", prefixes))]
    #[diagnostic(code(checkpoint::prefix))]
    Prefix {
        /// What is not there, or what there is too much of.
        what: String,
        /// The prefixes of all networks.
        prefixes: Vec<String>,
    },
    /// A tensor of the network is not supported.
    #[error("tensor `{name}` is not supported: {why}")]
    #[diagnostic(help("load the file with PyTorch, and save this tensor as one of floats"))]
    UnsupportedTensor {
        /// The tensor's name.
        name: String,
        /// What it is.
        why: String,
    },
    /// The tensors do not fit the network.
    #[error("{cause}")]
    #[diagnostic(code(checkpoint::weights))]
    Weights {
        /// The first tensor that does not fit.
        cause: WeightsError,
    },
}

impl From<std::io::Error> for Fault {
    fn from(cause: std::io::Error) -> Self {
        Self::Io { cause }
    }
}

impl Fault {
    pub(super) fn in_file(self, file: &str) -> ReadError {
        ReadError { file: file.to_owned(), fault: self }
    }

    pub(super) fn pickle(offset: usize, what: impl Into<String>) -> Self {
        Self::damaged(format!("offset {offset}"), what)
    }

    pub(super) fn damaged(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Damaged { place: place.into(), what: what.into() }
    }

    pub(super) fn unsupported(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Unsupported { place: place.into(), what: what.into() }
    }

    pub(super) fn bound(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Bound { place: place.into(), what: what.into() }
    }
}

/// Names in a sentence; nothing if there are none.
fn listed(before: &str, names: &[String]) -> String {
    let quoted: Vec<String> =
        names.iter().take(8).map(|name| format!("`{}`", printable(name))).collect();
    match quoted.as_slice() {
        [] => String::new(),
        quoted => {
            let more = if names.len() > quoted.len() { ", ..." } else { "" };
            format!("{before}{}{more}", quoted.join(", "))
        }
    }
}

/// A name from an untrusted file for terminals: short, on one line, without control characters.
pub fn printable(name: &str) -> String {
    const MAX_LENGTH: usize = 120;
    let mut characters = name.chars();
    let mut printable: String = characters
        .by_ref()
        .take(MAX_LENGTH)
        .map(|c| if is_plain(c) { c } else { char::REPLACEMENT_CHARACTER })
        .collect();
    if characters.next().is_some() {
        printable.push('…');
    }
    printable
}

/// Whether a terminal only displays a character: it is no control character, and does not change
/// the text direction.
fn is_plain(c: char) -> bool {
    let changes_text = matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    );
    !c.is_control() && !changes_text
}
