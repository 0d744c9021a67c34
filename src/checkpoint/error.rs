//! What can be wrong with a checkpoint.

use miette::Diagnostic;

use crate::checkpoint::WeightsError;

/// A checkpoint that can't be used, and why.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {fault}")]
pub struct ReadError {
    /// The file's name.
    pub file: String,
    /// What is wrong with it.
    pub fault: Fault,
}

impl Diagnostic for ReadError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.fault.help()
    }
}

/// What is wrong with a checkpoint.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Fault {
    /// It can't be read.
    #[error("failed to read it: {cause}")]
    #[diagnostic(help("check that the file is there and may be read"))]
    Io {
        /// What the system said.
        cause: std::io::Error,
    },
    /// It is something else.
    #[error("it is {what}")]
    #[diagnostic(help("{help}"))]
    Foreign {
        /// What it is.
        what: String,
        /// What to do.
        help: &'static str,
    },
    /// Its structure is broken.
    #[error("{place}: {what}")]
    #[diagnostic(help("the file is damaged or cut short: get it again, and compare its checksum"))]
    Damaged {
        /// Where: an offset, an entry, a name.
        place: String,
        /// What is broken.
        what: String,
    },
    /// It is sound, and of a kind that is not read.
    #[error("{place}: {what}")]
    #[diagnostic(help("load it with PyTorch and save its state dict again"))]
    Unsupported {
        /// Where: an offset, an entry, a name.
        place: String,
        /// What is not read.
        what: String,
    },
    /// It is larger than what is read.
    #[error("{place}: {what}")]
    #[diagnostic(help(
        "no checkpoint of a residual network comes near this bound: is it the right file?"
    ))]
    Bound {
        /// Where: an offset, an entry, a name.
        place: String,
        /// Which bound it exceeds.
        what: String,
    },
    /// A tensor can't be had without calling what nobody here calls.
    #[error("tensor `{name}` depends on `{global}`, which is not known here and is never called")]
    #[diagnostic(help(
        "only what builds tensors is known; where you trust the file, load it with PyTorch and save \
         its state dict again"
    ))]
    Opaque {
        /// The tensor's name.
        name: String,
        /// The function or class, or what else stands where a part of the tensor should.
        global: String,
    },
    /// There are no named tensors in it.
    #[error("it holds {found}, and no named tensors")]
    #[diagnostic(help(
        "a checkpoint is a state dict, alone or under `state_dict` or `model`; of a whole model save \
         one: torch.save(model.state_dict(), \"weights.pt\")"
    ))]
    NoTensors {
        /// What there is in their place.
        found: String,
    },
    /// A tensor that the network has was left out, for a reason.
    #[error("failed to use tensor `{name}`: it was left out, {why}")]
    #[diagnostic(help("load the file with PyTorch and save this tensor as one of floats"))]
    LeftOut {
        /// The tensor's name.
        name: String,
        /// The reason.
        why: String,
    },
    /// Its tensors are not the network's.
    #[error("{cause}")]
    #[diagnostic(code(checkpoint::weights))]
    Weights {
        /// What does not fit.
        cause: WeightsError,
    },
}

impl Fault {
    pub(super) fn of(self, file: &str) -> ReadError {
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

/// A name from a file, as it may be shown: short, on one line, and nothing in it that a terminal
/// would obey.
pub(super) fn shown(name: &str) -> String {
    const LONGEST: usize = 120;
    let mut characters = name.chars();
    let mut shown: String = characters
        .by_ref()
        .take(LONGEST)
        .map(|c| if is_plain(c) { c } else { char::REPLACEMENT_CHARACTER })
        .collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Whether a terminal shows a character and does nothing else with it: no control character, and none
/// that turns the direction of writing.
fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
