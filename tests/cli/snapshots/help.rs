//! The help of every command.

use super::{Transcript, snapshot};

/// The commands that the program's help lists, so that none is left out.
fn commands() -> Vec<String> {
    let output = Transcript::new().output("repro --help");
    let (_, listed) = output.split_once("\nCommands:\n").unwrap();
    let (listed, _) = listed.split_once("\n\n").unwrap();
    let names = listed.lines().filter_map(|line| line.strip_prefix("  "));
    let names = names.filter(|line| !line.starts_with(' '));
    names.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn help_is_short_or_long_and_the_version_is_printed() {
    let mut all = Transcript::new();
    all.run("repro --help");
    all.snapshot("help");
    let mut short = Transcript::new();
    short.run("repro -h");
    short.run("repro verify -h");
    short.run("repro help show");
    short.run("repro --version");
    short.run("repro");
    short.run("repro help figures");
    snapshot("help-in-short", &short.text.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn every_command_has_help() {
    let commands = commands();
    assert!(commands.len() > 15, "{commands:?}");
    let goldens = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/cli");
    for file in std::fs::read_dir(goldens).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        if let Some(name) = file.strip_prefix("help-").and_then(|rest| rest.strip_suffix(".snap")) {
            let known = name == "in-short" || commands.iter().any(|command| command == name);
            assert!(known, "{file} is the help of a command that the program's help does not list");
        }
    }
    for command in commands {
        let mut help = Transcript::new();
        help.run(&format!("repro {command} --help"));
        help.snapshot(&format!("help-{command}"));
    }
}
