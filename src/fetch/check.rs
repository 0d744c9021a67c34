//! Checks of a catalogue that its types can't express: names that stay in their folder, one
//! checksum or the reason for its absence, and HTTP addresses.

use super::catalogue::{File, Format, Item, ItemKind};

impl Item {
    /// Checks an item.
    ///
    /// # Errors
    /// What is wrong with it, naming the file.
    pub(super) fn check(&self) -> Result<(), String> {
        let (ItemKind::Target { target: name } | ItemKind::Checkpoint { role: name, .. }) =
            &self.kind;
        if !is_plain(name) {
            return Err(format!("`{name}` is no valid name of a target or a source model"));
        }
        if self.files.is_empty() {
            return Err("it has no file".to_owned());
        }
        self.files.iter().try_for_each(|file| {
            file.check(self.by_hand.is_some())
                .map_err(|what| format!("file `{}`: {what}", file.name))
        })
    }
}

impl File {
    fn check(&self, by_hand: bool) -> Result<(), String> {
        if !is_plain(&self.name) {
            return Err(
                "its name is no plain file name (letters, digits, -, _, . and +)".to_owned()
            );
        }
        let stated = [&self.md5, &self.sha256, &self.no_checksum];
        if stated.into_iter().flatten().count() != 1 {
            return Err("it needs exactly one of md5, sha256 and no_checksum".to_owned());
        }
        if let Some(checksum) = self.checksum().filter(|checksum| !checksum.is_well_formed()) {
            return Err(format!("`{checksum}` is no valid checksum"));
        }
        if self.addresses.is_empty() != by_hand {
            return Err("it needs addresses, or its item needs by_hand (not both)".to_owned());
        }
        for address in &self.addresses {
            if !address.starts_with("https://") && !address.starts_with("http://") {
                return Err(format!("`{address}` is no http or https address"));
            }
        }
        let Some(unpack) = &self.unpack else { return Ok(()) };
        if !is_plain(&unpack.folder) || unpack.folder == self.name {
            return Err(format!("`{}` is no valid name of a folder to unpack", unpack.folder));
        }
        if unpack.inner.is_some() && unpack.format != Format::Zip {
            return Err("`inner` is allowed for a zip only".to_owned());
        }
        Ok(())
    }
}

/// Whether a name stays in its folder and is not hidden: the program's own files there begin with a
/// dot.
fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    !name.is_empty() && name.len() < 200 && !name.starts_with('.') && name.chars().all(plain)
}
