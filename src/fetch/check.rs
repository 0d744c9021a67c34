//! Checks of a catalogue that its grammar can't make: names that stay in their folder, one checksum or the
//! reason for none, addresses of the web.

use super::catalogue::{File, Format, Is, Item};

impl Item {
    /// Whether it is one, or what is wrong with it.
    pub(super) fn check(&self) -> Result<(), String> {
        let (Is::Target { target: name } | Is::Checkpoint { role: name, .. }) = &self.is;
        if !is_plain(name) {
            return Err(format!("`{name}` is no name of a target or a role"));
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
            return Err("its name is no plain file name".to_owned());
        }
        let stated = [&self.md5, &self.sha256, &self.no_checksum];
        if stated.into_iter().flatten().count() != 1 {
            return Err("it needs one of md5, sha256 and no_checksum".to_owned());
        }
        if let Some(checksum) = self.checksum().filter(|checksum| !checksum.is_well_formed()) {
            return Err(format!("`{checksum}` is no such checksum"));
        }
        if self.addresses.is_empty() != by_hand {
            return Err("it needs an address, or its item needs by_hand".to_owned());
        }
        for address in &self.addresses {
            if !address.starts_with("https://") && !address.starts_with("http://") {
                return Err(format!("{address} is no address of the web"));
            }
        }
        let Some(unpack) = &self.unpack else { return Ok(()) };
        if !is_plain(&unpack.folder) || unpack.folder == self.name {
            return Err(format!("`{}` is no name of a folder to unpack", unpack.folder));
        }
        if unpack.inner.is_some() && unpack.format != Format::Zip {
            return Err("only a zip has an archive inside it".to_owned());
        }
        Ok(())
    }
}

/// Whether a name stays in its folder, and is not one of those that the program hides its own files
/// under.
fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    !name.is_empty() && name.len() < 200 && !name.starts_with('.') && name.chars().all(plain)
}
