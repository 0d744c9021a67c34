//! The state of items, before and after a download or import, in words and as JSON.

use std::{io::Write, path::Path};

use schemars::JsonSchema;
use serde::Serialize;

use super::super::{Failure, exit, progress::megabytes};
use crate::{
    fetch::{FetchError, Fetched, Fetcher, Item, State},
    figure::numbers::counted,
    report::terminal,
};

/// What `repro fetch --format json` prints.
#[derive(Serialize, JsonSchema)]
pub(in super::super) struct FetchReport {
    /// Version of this form: 1. Within a version, fields are added and none is changed.
    format_version: u32,
    /// The data folder.
    folder: String,
    /// The items, in the order in which they were asked for or are listed.
    pub(super) items: Vec<ItemReport>,
    /// Names that a set-up needs and the catalogue does not have.
    pub(super) missing_in_catalogue: Vec<String>,
}

/// An item: a data set or a checkpoint.
#[derive(Serialize, JsonSchema)]
pub(super) struct ItemReport {
    /// Its name on the command line.
    id: String,
    /// A description in words.
    description: String,
    /// Licence or terms of use.
    terms: String,
    /// Its folder within the data folder.
    folder: String,
    /// Sum of the known sizes of its files, in bytes.
    known_bytes: u64,
    /// Whether the sizes of all of its files are known.
    all_sizes_known: bool,
    /// Its state.
    state: ItemState,
    /// The state in words.
    state_in_words: String,
    /// Files that this command downloaded or imported.
    downloaded: Vec<String>,
    /// Files that were complete before; empty in a list.
    already_present: Vec<String>,
    /// Files, of either list, whose provider publishes no checksum.
    unchecked: Vec<String>,
    /// Why the item could not be downloaded or imported; null if nothing failed.
    pub(super) error: Option<String>,
}

/// The state of an item, by its least complete file.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ItemState {
    /// Complete, and verified by its official checksum.
    Complete,
    /// Complete; the provider publishes no checksum of some file.
    Unchecked,
    /// Partially downloaded.
    Partial,
    /// Another file has the name of one of its files.
    Wrong,
    /// Downloaded, and not unpacked.
    Packed,
    /// Missing.
    Missing,
    /// Missing, and to be downloaded by hand.
    MissingManual,
    /// It could not be downloaded or imported.
    Failed,
}

/// The state of each item.
pub(super) fn states(items: &[&Item], fetcher: &Fetcher<'_>) -> Result<FetchReport, Failure> {
    let mut report = FetchReport::new(fetcher);
    for item in items {
        let states = fetcher.states(item).map_err(|error| match error {
            FetchError::Interrupted { .. } => Failure::new(exit::INTERRUPTED, error),
            error => Failure::new(exit::INPUT, error),
        })?;
        let (state, words) = summary(item, &states);
        report.items.push(ItemReport { state_in_words: words, ..ItemReport::new(item, state) });
    }
    Ok(report)
}

impl FetchReport {
    pub(super) fn new(fetcher: &Fetcher<'_>) -> Self {
        Self {
            format_version: 1,
            folder: fetcher.data.display().to_string(),
            items: Vec::new(),
            missing_in_catalogue: Vec::new(),
        }
    }

    pub(super) fn add_fetched(&mut self, item: &Item, fetched: Fetched) {
        let checked = fetched.unchecked.is_empty();
        let state = if checked { ItemState::Complete } else { ItemState::Unchecked };
        self.items.push(ItemReport {
            downloaded: fetched.downloaded,
            already_present: fetched.already_present,
            unchecked: fetched.unchecked,
            ..ItemReport::new(item, state)
        });
    }

    pub(super) fn add_failed(&mut self, item: &Item, error: String) {
        let failed = ItemReport::new(item, ItemState::Failed);
        self.items.push(ItemReport { error: Some(error), ..failed });
    }

    /// Prints the states as a table.
    pub(super) fn print(&self, out: &mut impl Write) -> Result<(), Failure> {
        let rows = self.items.iter().map(|item| {
            let size = match (item.known_bytes, item.all_sizes_known) {
                (0, false) => "?".to_owned(),
                (bytes, true) => megabytes(bytes),
                (bytes, false) => format!("{} or more", megabytes(bytes)),
            };
            let state = item.state_in_words.clone();
            vec![item.id.clone(), state, size, item.description.clone(), item.terms.clone()]
        });
        let header = ["item", "state", "size", "what", "terms"];
        writeln!(out, "{}", terminal::table(&header, rows))?;
        let note = format!(
            "in {}; complete: every file is there and verified by its official checksum; \
             unchecked: the provider publishes no checksum",
            self.folder
        );
        writeln!(out, "\n{}", terminal::prose(&note))?;
        Ok(())
    }
}

impl ItemReport {
    fn new(item: &Item, state: ItemState) -> Self {
        let (known_bytes, all_sizes_known) = item.bytes();
        let words = match state {
            ItemState::Complete => "complete",
            ItemState::Unchecked => "complete, unchecked",
            ItemState::Partial => "partial",
            ItemState::Wrong => "wrong",
            ItemState::Packed => "packed",
            ItemState::Missing => "missing",
            ItemState::MissingManual => "missing, by hand",
            ItemState::Failed => "failed",
        };
        Self {
            id: item.id.clone(),
            description: item.what.clone(),
            terms: item.terms.clone(),
            folder: item.folder().display().to_string(),
            known_bytes,
            all_sizes_known,
            state,
            state_in_words: words.to_owned(),
            downloaded: Vec::new(),
            already_present: Vec::new(),
            unchecked: Vec::new(),
            error: None,
        }
    }

    /// What was done, in a line; `None` if it failed, which was printed before.
    pub(super) fn result(&self, data: &Path) -> Option<String> {
        if self.error.is_some() {
            return None;
        }
        let id = &self.id;
        let folder = data.join(&self.folder);
        let folder = folder.display();
        let mut text = match (self.downloaded.is_empty(), self.already_present.is_empty()) {
            (true, _) => format!("{id}: already present in {folder}"),
            (false, true) => format!("{id}: downloaded to {folder}"),
            (false, false) => format!(
                "{id}: downloaded {} to {folder}; {} already present",
                self.downloaded.join(", "),
                self.already_present.join(", ")
            ),
        };
        for name in &self.unchecked {
            text.push_str(&format!(
                "; {name} is unchecked: its provider publishes no checksum (the SHA-256 of this \
                 file is recorded beside it)"
            ));
        }
        Some(text)
    }
}

/// How many items and files there are, and their size.
pub(super) fn size(items: &[&Item]) -> String {
    let bytes = items.iter().map(|item| item.bytes().0).sum();
    let files: Vec<_> = items.iter().flat_map(|item| &item.files).collect();
    let unknown = files.iter().filter(|file| file.bytes.is_none()).count();
    let size = match unknown {
        0 => megabytes(bytes),
        unknown if unknown == files.len() => "of unknown size".to_owned(),
        unknown => format!("{} and {unknown} of unknown size", megabytes(bytes)),
    };
    format!("{}, {}, {size}", counted(items.len(), "item"), counted(files.len(), "file"))
}

/// The state of an item, by its least complete file, and in words.
fn summary(item: &Item, states: &[State]) -> (ItemState, String) {
    let usable = states.iter().filter(|state| state.is_usable()).count();
    let any = |wanted: fn(&State) -> bool| states.iter().any(wanted);
    let plain = |state| (state, ItemReport::new(item, state).state_in_words);
    if usable == states.len() {
        let unchecked = any(|state| *state == State::Unchecked);
        return plain(if unchecked { ItemState::Unchecked } else { ItemState::Complete });
    }
    if any(|state| matches!(state, State::Wrong { .. })) {
        return plain(ItemState::Wrong);
    }
    let partial = states.iter().filter_map(|state| match state {
        State::Partial { bytes } => Some(*bytes),
        _ => None,
    });
    match (usable, partial.sum::<u64>()) {
        (0, 0) if any(|state| *state == State::Packed) => plain(ItemState::Packed),
        (0, 0) if item.by_hand.is_some() => plain(ItemState::MissingManual),
        (0, 0) => plain(ItemState::Missing),
        (usable, 0) => (ItemState::Partial, format!("{usable} of {} files", states.len())),
        (0, bytes) => (ItemState::Partial, format!("partial, {}", megabytes(bytes))),
        (usable, bytes) => (
            ItemState::Partial,
            format!("{usable} of {} files, and {}", states.len(), megabytes(bytes)),
        ),
    }
}
