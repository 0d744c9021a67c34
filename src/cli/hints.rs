//! Help of errors: the next command or edit, in words. The library gives hints as data; only this
//! module spells them as command lines of this program.

use std::path::PathBuf;

use crate::{
    assets::Missing,
    claim::check::{GRAMMAR, NAMES},
    fetch::FetchError,
    figure::catalogue::MissingRecords,
    util::{
        Command, Folders, Hint,
        shell::{option, quoted},
    },
};

/// Help that names a command or an option, by the diagnostic code of the error.
const HELP: [(&str, &str); 22] = [
    (
        "checkpoint::key",
        "choose one with --key, or of a source in `worlds/own.toml` with key = \"KEY\"",
    ),
    ("checkpoint::no_key", "leave out --key, or `key` of a source in `worlds/own.toml`"),
    (
        "checkpoint::prefix",
        "choose one with --prefix, or of a source in `worlds/own.toml` with prefix = \"PREFIX\"",
    ),
    ("checkpoint::weights", "`repro inspect` lists the tensors that the file has"),
    ("claim::folder", "give --claims a folder of claims, each in a file <id>.toml"),
    ("claim::lock", "restore the file; or delete it, and `repro lock` writes it with today's date"),
    ("claim::unknown", "`repro list` lists every claim"),
    ("engine::another_training", "delete it to start again, or name another folder with --out"),
    (
        "engine::device",
        "this fine-tune is lost, finished ones are kept; see `repro doctor` and `nvidia-smi`, then \
         run the same command again to resume",
    ),
    (
        "engine::exhausted",
        "finished fine-tunes are kept, and this one has no record: give fewer --threads or use a \
         machine with more memory, then run the same command again to resume",
    ),
    ("engine::precision", "`--device cuda` uses a GPU; `--no-run` judges the records alone"),
    ("fetch::catalogue", "name a catalogue with --catalogue, or leave it out to use the project's"),
    ("fetch::unknown", "`repro fetch` lists every item"),
    (
        "fetch::unwritten",
        "name another folder with --data or REPRO_DATA, or free some space; downloads are kept",
    ),
    ("figure::unknown", "`repro figure` lists every figure; `repro figure all` draws them all"),
    ("report::pixels", "draw it as SVG: `repro figure NAME --format svg`"),
    ("store::bundle", "name a file of records: `repro records export FILE` writes one"),
    (
        "store::bundle_size",
        "export fewer records at a time: --world, --target, --source and more select them",
    ),
    ("store::ledger", "name another folder with --ledger or REPRO_LEDGER, or fix this one"),
    ("store::invalid", "this is an error of the program: please report it with this message"),
    (
        "store::version",
        "use the version of the program that wrote it, or name another ledger with --ledger or \
         REPRO_LEDGER",
    ),
    ("world::own_names", "`repro show --help` has an example of the file"),
];

/// An error's help with its commands; `None` where the error's own help needs none.
pub(super) fn help(error: &miette::Report) -> Option<String> {
    if let Some(code) = error.code().map(|code| code.to_string()) {
        return HELP.iter().find(|(known, _)| *known == code).map(|(_, help)| (*help).to_owned());
    }
    let own = error.help()?.to_string();
    let more = match error.downcast_ref::<FetchError>() {
        Some(
            FetchError::AllAddressesFailed { item, .. } | FetchError::ManualDownload { item, .. },
        ) => {
            format!(": {}", spelled(&Command::Import { item: item.clone(), data: None }))
        }
        _ if own == GRAMMAR => "; `repro show` prints a claim in words".to_owned(),
        _ if own == NAMES => ": `repro show --help` has an example".to_owned(),
        _ => return None,
    };
    Some(own + &more)
}

/// A hint as help, without a full stop.
pub(super) fn text(hint: &Hint) -> String {
    match hint {
        Hint::Run(command) => format!("run `{}`", spelled(command)),
        Hint::DeleteAndRun(command) => format!("delete it and run `{}`", spelled(command)),
        Hint::UserNames { world } => format!(
            "`claims/worlds/{world}.toml` lists its names; --claims DIR adds those of \
             DIR/worlds/own.toml"
        ),
        Hint::Inspect { otherwise } => {
            format!("`repro inspect` lists the tensors that the file has; or {otherwise}")
        }
        Hint::Manual(words) => words.clone(),
        Hint::ByHand { page, delete, command } => {
            let delete = if *delete { "delete it, " } else { "" };
            format!(
                "{delete}download its files by hand from {page} into a folder DIR, and run `{}`",
                spelled(command)
            )
        }
        Hint::Or { words, otherwise } => format!("{words}; or {}", text(otherwise)),
    }
}

/// A missing input and its fix, in one line; after a list of files, the fix has a line of its own.
pub fn missing(missing: &Missing) -> String {
    let fix = text(&missing.help);
    match missing.what.contains('\n') {
        true => format!("{missing}\nhelp: {fix}"),
        false => format!("{missing}: {fix}"),
    }
}

/// What a figure is missing, and the commands that produce it, in one line.
pub fn missing_of_figure(missing: &MissingRecords) -> String {
    let commands: Vec<String> = missing.commands.iter().map(spelled).collect();
    format!("{}: run `{}`", missing.why, commands.join("`, then `"))
}

/// A command line, quoted for a shell.
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

/// The folders that the user named, as options.
pub(super) fn options(folders: &Folders) -> String {
    let ledger = folders.ledger.as_deref().map(|folder| option("--ledger", folder));
    let data = folders.data.as_deref().map(|folder| option("--data", folder));
    ledger.unwrap_or_default() + &data.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_the_command_that_imports_a_file() {
        let nowhere = FetchError::AllAddressesFailed {
            item: "thing".to_owned(),
            file: "thing.bin".to_owned(),
            page: "a page".to_owned(),
            failed: Vec::new(),
        };
        let help = help(&nowhere.into()).unwrap();
        assert!(help.ends_with("import it: repro fetch thing --from DIR"), "{help}");
    }

    /// A code that is not in the table would leave its error without help.
    #[test]
    fn the_table_has_every_code_of_the_sources() {
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
    fn a_code_gives_help_and_other_errors_keep_their_own() {
        for (code, words) in HELP {
            let error = miette::miette!(code = code, "an error");
            assert_eq!(help(&error).as_deref(), Some(words));
        }
        assert_eq!(help(&miette::miette!(help = "do this", "an error")), None);
        assert_eq!(help(&miette::miette!("an error")), None);
    }
}
