//! What a person can do next, in words and command lines: the only place that knows how the commands
//! of this program are spelled for what the library says as data.

use std::path::PathBuf;

use crate::{
    assets::Lacking,
    claim::check::{GRAMMAR, NAMES},
    fetch::FetchError,
    figure::catalogue::Missing,
    util::{
        Command, Folders, Hint,
        shell::{option, quoted},
    },
};

/// Help that names a command or an option, by the code of the error that it belongs to.
const HELP: [(&str, &str); 16] = [
    ("checkpoint::weights", "`repro inspect` lists the tensors that the file has"),
    ("claim::folder", "give --claims a folder that holds the specs, one <id>.toml a claim"),
    ("claim::unknown", "`repro list` shows every claim"),
    ("engine::another_training", "delete it to begin again, or give --out another folder"),
    (
        "engine::device",
        "nothing is kept of that one, finished ones are; see `repro doctor` and `nvidia-smi`, then the same \
         command goes on from there",
    ),
    ("engine::precision", "`--device cuda` takes a GPU; `--no-run` judges what the ledger has"),
    ("fetch::catalogue", "name a catalogue with --catalogue, or leave it out to use the project's"),
    ("fetch::unknown", "`repro fetch` lists what there is"),
    (
        "fetch::unwritten",
        "name another folder with --data or REPRO_DATA, or make room in this one; what is there is kept",
    ),
    ("figure::unknown", "`repro figure` lists every figure; `repro figure all` draws them all"),
    ("report::pixels", "its SVG can be had: `repro figure NAME --format svg`"),
    ("store::bundle", "name a file of records, as `repro runs --export FILE` writes it"),
    (
        "store::bundle_size",
        "export fewer at a time: `repro runs` selects by world, target, source and more",
    ),
    ("store::ledger", "name another folder with --ledger or REPRO_LEDGER, or mend this one"),
    (
        "store::version",
        "take the version of the program that wrote it, or another ledger with --ledger or REPRO_LEDGER",
    ),
    ("world::own_names", "`repro show --help` has an example of the file"),
];

/// What the command line adds to an error's own help; `None` where that says all.
pub(super) fn help(error: &miette::Report) -> Option<String> {
    if let Some(code) = error.code().map(|code| code.to_string()) {
        return HELP.iter().find(|(known, _)| *known == code).map(|(_, help)| (*help).to_owned());
    }
    let own = error.help()?.to_string();
    let more = match error.downcast_ref::<FetchError>() {
        Some(FetchError::Nowhere { item, .. } | FetchError::ByHand { item, .. }) => {
            format!(": {}", spelled(&Command::Import { item: item.clone(), data: None }))
        }
        _ if own == GRAMMAR => "; `repro show` puts a claim into words".to_owned(),
        _ if own == NAMES => ": `repro show --help` has an example".to_owned(),
        _ => return None,
    };
    Some(own + &more)
}

/// A hint as help: a sentence without a full stop.
pub(super) fn text(hint: &Hint) -> String {
    match hint {
        Hint::Run(command) => format!("run `{}`", spelled(command)),
        Hint::DeleteAndRun(command) => format!("delete it and run `{}`", spelled(command)),
        Hint::OwnNames { world } => format!(
            "`claims/worlds/{world}.toml` says what it has; names of your own are found with --claims"
        ),
        Hint::Inspect { otherwise } => {
            format!("`repro inspect` lists the tensors that the file has; or {otherwise}")
        }
        Hint::Manual(words) => words.clone(),
    }
}

/// What is missing, and what to do about it, in one line.
pub fn missing(lacking: &Lacking) -> String {
    format!("{lacking}: {}", text(&lacking.help))
}

/// What is missing of a figure, and the commands that make it, in one line.
pub fn missing_of_figure(missing: &Missing) -> String {
    let commands: Vec<String> = missing.commands.iter().map(spelled).collect();
    format!("{}: run `{}`", missing.why, commands.join("`, then `"))
}

/// A command, to be given to a shell.
#[must_use]
pub fn spelled(command: &Command) -> String {
    let at = |data: &Option<PathBuf>| {
        data.as_deref().map(|folder| option("--data", folder)).unwrap_or_default()
    };
    match command {
        Command::Fetch { items, data } => format!("repro fetch {}{}", items.join(" "), at(data)),
        Command::Import { item, data } => format!("repro fetch {item} --from DIR{}", at(data)),
        Command::FetchWorld { world, data } => {
            format!("repro fetch --world {world}{}", at(data))
        }
        Command::Pretrain { world, data } => {
            format!("repro pretrain --world {world}{}", at(data))
        }
        Command::Pack { folder, names } => {
            let names: String = names.iter().map(|name| format!(" --{name} PATH")).collect();
            let folder = quoted(&folder.display().to_string());
            format!("python3 scripts/pack_lab.py --out {folder}{names}")
        }
        Command::Figure { name, evidence, folders } => {
            format!("repro figure {name} --evidence {evidence} --run{}", options(folders))
        }
    }
}

/// Folders that were named, as options.
pub(super) fn options(folders: &Folders) -> String {
    let ledger = folders.ledger.as_deref().map(|folder| option("--ledger", folder));
    let data = folders.data.as_deref().map(|folder| option("--data", folder));
    ledger.unwrap_or_default() + &data.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_the_command_that_brings_what_is_missing() {
        let nowhere = FetchError::Nowhere {
            item: "thing".to_owned(),
            file: "thing.bin".to_owned(),
            page: "a page".to_owned(),
            failed: Vec::new(),
        };
        let told = help(&nowhere.into()).unwrap();
        assert!(told.ends_with("and bring it: repro fetch thing --from DIR"), "{told}");
    }

    /// A code without words would leave its error without help.
    #[test]
    fn every_code_in_the_sources_is_known() {
        let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut found = std::collections::BTreeSet::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                let codes = text.split("#[diagnostic(code(").skip(1);
                found.extend(codes.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())));
            }
        }
        // This file spells the pattern itself.
        found.retain(|code| code.contains("::"));
        let known = HELP.iter().map(|(code, _)| (*code).to_owned()).collect();
        assert_eq!(found, known);
    }

    #[test]
    fn every_code_has_help_and_all_else_keeps_its_own() {
        for (code, words) in HELP {
            let error = miette::miette!(code = code, "an error");
            assert_eq!(help(&error).as_deref(), Some(words));
        }
        assert_eq!(help(&miette::miette!(help = "do this", "an error")), None);
        assert_eq!(help(&miette::miette!("an error")), None);
    }
}
