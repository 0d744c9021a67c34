//! Every command of the program is in the list that the first guide has.

use super::page::text;

/// Where every command is listed.
const LIST: &str = "docs/guide/getting-started.md";

/// The commands that the program lists.
fn commands() -> Vec<String> {
    let mut command = assert_cmd::Command::new(assert_cmd::cargo::cargo_bin!("repro"));
    let help = String::from_utf8(command.arg("--help").output().unwrap().stdout).unwrap();
    let (_, commands) = help.split_once("Commands:\n").expect("a list of commands");
    let lines = commands.lines().take_while(|line| !line.is_empty());
    let named = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    named.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn every_command_of_the_program_is_listed() {
    let list = text(LIST);
    let (_, list) = list.split_once("## All commands").expect("the list");
    let commands = commands();
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands.iter().filter(|command| *command != "help") {
        let begins = format!("repro {command} ");
        assert!(list.lines().any(|line| line.starts_with(&begins)), "{LIST} has no `{begins}`");
    }
}
