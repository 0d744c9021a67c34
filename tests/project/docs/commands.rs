//! The command line as pages have it: `docs/reference/cli.md` is what the program prints, and every
//! command line in a page is one that the program takes.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{assert_none, markdown::Page, pages, read, root};

/// The page that is made from the program's help.
const PAGE: &str = "docs/reference/cli.md";
/// What rewrites it.
const UPDATE: &str = "REPRO_UPDATE_DOCS";

const INTRODUCTION: &str = "\
# The command line

Every command and every option, as `repro COMMAND --help` prints them. This page is generated from
the program, and a test compares it. To rewrite it, run
`REPRO_UPDATE_DOCS=1 cargo test --release --test project docs::`.

[Exit codes](exit-codes.md), [JSON and other formats](json.md) and
[environment variables](environment.md) have pages of their own.
";

/// What the program prints as its help, where it takes the words; `None` where it does not.
fn help(words: &[&str]) -> Option<String> {
    let mut command = assert_cmd::Command::new(assert_cmd::cargo::cargo_bin!("repro"));
    command.args(words).arg("--help").env("COLUMNS", "100").env("NO_COLOR", "1");
    let ran = command.env_remove("CLICOLOR_FORCE").output().unwrap();
    let text = String::from_utf8(ran.stdout).unwrap();
    ran.status.success().then_some(text)
}

/// The commands that a help lists.
fn commands(help: &str) -> Vec<String> {
    let Some((_, list)) = help.split_once("\nCommands:\n") else { return Vec::new() };
    let list = list.lines().take_while(|line| !line.is_empty());
    let named = list.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = named.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// Every command, those of commands included, with its help; the program's own first.
fn all() -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let mut left = vec![Vec::new()];
    while let Some(words) = left.pop() {
        let asked: Vec<&str> = words.iter().map(String::as_str).collect();
        let help = help(&asked).unwrap_or_else(|| panic!("repro {asked:?} --help fails"));
        let within = commands(&help).into_iter().rev();
        left.extend(within.map(|name| [words.clone(), vec![name]].concat()));
        found.push((words, help));
    }
    found
}

#[test]
fn the_page_of_the_command_line_is_what_the_program_prints() {
    let mut text = INTRODUCTION.to_owned();
    for (words, help) in all() {
        let name = [vec!["repro".to_owned()], words].concat().join(" ");
        write!(text, "\n## `{name}`\n\n```text\n").unwrap();
        for line in help.trim_end().lines() {
            writeln!(text, "{}", line.trim_end()).unwrap();
        }
        text += "```\n";
    }
    if std::env::var(UPDATE).is_ok_and(|update| update == "1") {
        std::fs::write(root().join(PAGE), &text).unwrap();
    }
    let kept = read(PAGE);
    let differs = text.lines().zip(kept.lines()).find(|(now, kept)| now != kept);
    assert!(text == kept, "{PAGE} is out of date ({differs:?}): run this with {UPDATE}=1");
}

/// The command lines in a text of a shell, without comments, continued lines put together.
fn lines(block: &[String]) -> Vec<(usize, String)> {
    // Where some lines have a prompt, the others are what was printed.
    let prompted = block.iter().any(|line| line.starts_with("$ "));
    let (mut lines, mut continued): (Vec<(usize, String)>, bool) = (Vec::new(), false);
    for (index, line) in block.iter().enumerate() {
        let text = match line.strip_prefix("$ ") {
            Some(text) => text,
            None if prompted && !continued => continue,
            None => line,
        };
        let text = without_comment(text);
        let (text, more) = match text.strip_suffix('\\') {
            Some(text) => (text, true),
            None => (text, false),
        };
        match lines.last_mut().filter(|_| continued) {
            Some((_, last)) => *last += text,
            None => lines.push((index, text.to_owned())),
        }
        continued = more;
    }
    lines
}

fn without_comment(line: &str) -> &str {
    let comment = line.match_indices('#').find(|(at, _)| *at == 0 || line[..*at].ends_with(' '));
    comment.map_or(line, |(at, _)| &line[..at]).trim_end()
}

/// The words of each call of the program in a line, without its name.
fn calls(line: &str) -> Vec<Vec<String>> {
    let mut calls: Vec<Vec<String>> = Vec::new();
    let mut inside = false;
    for word in words(line) {
        let ends = ["|", "||", "&&", ";", "&", ">", ">>", "2>"].contains(&word.as_str());
        if ends {
            inside = false;
        } else if !inside && (word == "repro" || word.ends_with("/repro")) && !word.contains('=') {
            inside = true;
            calls.push(Vec::new());
        } else if inside {
            calls.last_mut().expect("one was begun").push(word);
        }
    }
    calls
}

/// The words of a line, quotes taken off.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, c) if c.is_whitespace() => words.push(std::mem::take(&mut word)),
            (_, c) => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Helps by command, each asked for once.
#[derive(Default)]
struct Helps(BTreeMap<Vec<String>, Option<String>>);

impl Helps {
    fn of(&mut self, words: &[String]) -> Option<&str> {
        let ask = || help(&words.iter().map(String::as_str).collect::<Vec<_>>());
        self.0.entry(words.to_vec()).or_insert_with(ask).as_deref()
    }

    /// What the program would not take of a call; `None` where it would take all of it.
    fn fault(&mut self, call: &[String]) -> Option<String> {
        let mut command: Vec<String> = Vec::new();
        let mut words = call.iter().peekable();
        while let Some(word) = words.next() {
            let help = self.of(&command).expect("it was asked for").to_owned();
            let within = commands(&help);
            if !word.starts_with('-') {
                if !within.is_empty() {
                    let next = [command.clone(), vec![word.clone()]].concat();
                    // An old spelling is hidden, and taken all the same.
                    if self.of(&next).is_none() {
                        return Some(format!("`{word}` is no command"));
                    }
                    command = next;
                }
                continue;
            }
            let (name, given) = match word.split_once('=') {
                Some((name, given)) => (name, Some(given.to_owned())),
                None => (word.as_str(), None),
            };
            let Some(option) = Described::find(&help, name) else {
                return Some(format!("`repro {}` has no {name}", command.join(" ")));
            };
            if option.takes_value {
                // A sentence may leave it out, and `xargs` adds it.
                let value = given.or_else(|| words.next().cloned());
                if let Some(value) = value.filter(|value| !option.takes(value)) {
                    return Some(format!("{name} does not take `{value}`"));
                }
            }
        }
        None
    }
}

/// An option, as a help describes it.
struct Described {
    takes_value: bool,
    /// Values that it takes, where the help lists them.
    values: Vec<String>,
}

impl Described {
    fn find(help: &str, name: &str) -> Option<Self> {
        let defines = |line: &&str| {
            let line = line.trim_start();
            let names = line.split("  ").next().unwrap_or_default();
            line.starts_with('-') && names.split([',', ' ']).any(|word| word == name)
        };
        let mut lines = help.lines().skip_while(|line| !defines(line));
        let first = lines.next()?;
        let is_option = |line: &&str| {
            line.trim_start().starts_with("--") || line.trim_start().starts_with("-h")
        };
        let below = lines
            .take_while(|line| !is_option(line) && (line.is_empty() || line.starts_with("  ")));
        let all: Vec<&str> = std::iter::once(first).chain(below).collect();
        let text = all.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        let inline =
            text.split_once("[possible values: ").and_then(|(_, rest)| rest.split_once(']'));
        let mut values: Vec<String> =
            inline.map_or_else(Vec::new, |(list, _)| list.split(", ").map(str::to_owned).collect());
        let listed = all.iter().filter_map(|line| line.trim_start().strip_prefix("- "));
        if text.contains("Possible values:") {
            values
                .extend(listed.filter_map(|line| Some(line.split([':', ' ']).next()?.to_owned())));
        }
        let definition = first.trim_start().split("  ").next().unwrap_or_default();
        Some(Self { takes_value: definition.contains('<'), values })
    }

    /// Placeholders such as `DIR` stand for any value.
    fn takes(&self, value: &str) -> bool {
        let placeholder = value.chars().all(|c| c.is_ascii_uppercase() || "._-".contains(c));
        self.values.is_empty()
            || placeholder
            || value.split(',').all(|one| self.values.iter().any(|v| v == one))
    }
}

/// The command lines of a page, with their lines: those in blocks of a shell, and those that stand
/// in a sentence.
fn command_lines(page: &Page) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for block in page.blocks() {
        if ["console", "sh", "bash", "shell"].contains(&block.language.as_str()) {
            let lines = lines(&block.lines).into_iter();
            found.extend(lines.map(|(index, line)| (block.number + index, line)));
        }
    }
    for (number, span) in page.spans() {
        // A list of alternatives, or a line that is cut, is none.
        let whole = !span.contains(['[', '{', '…']) && !span.contains("...");
        let old = page.heading_above(number) == Some("Old spellings");
        if whole && !old && span.starts_with("repro ") {
            found.push((number, span));
        }
    }
    found
}

#[test]
fn every_command_line_in_a_page_is_one_that_the_program_takes() {
    let mut helps = Helps::default();
    let (mut findings, mut count) = (Vec::new(), 0);
    for page in pages() {
        for (number, line) in command_lines(&page) {
            for call in calls(&line) {
                count += 1;
                // Words in capitals stand for any command.
                if call.first().is_some_and(|word| word == "COMMAND") {
                    continue;
                }
                let fault = helps.fault(&call);
                findings
                    .extend(fault.map(|what| page.finding(number, &format!("{what}: `{line}`"))));
            }
        }
    }
    assert!(count > 40, "command lines were found: {count}");
    assert_none(&findings);
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELP: &str = "\
Judge

Usage: repro verify [OPTIONS] [ID]...

Commands:
  list  Lists
  help  Print this

Options:
      --evidence <KIND>
          The evidence

          Possible values:
          - published: The log
          - smoke

      --format <FORMAT>  Text [default: text] [possible values: text, json]
  -v, --verbose          More
      --brief
          Less
";

    #[test]
    fn a_help_text_has_commands_options_and_values() {
        assert_eq!(commands(HELP), ["list"]);
        let evidence = Described::find(HELP, "--evidence").unwrap();
        assert_eq!(evidence.values, ["published", "smoke"]);
        assert!(evidence.takes("smoke") && evidence.takes("KIND") && !evidence.takes("paper"));
        let format = Described::find(HELP, "--format").unwrap();
        assert!(format.takes_value && format.takes("json") && !format.takes("xml"));
        assert!(!Described::find(HELP, "-v").unwrap().takes_value);
        assert!(!Described::find(HELP, "--brief").unwrap().takes_value);
        assert!(Described::find(HELP, "--within").is_none());
    }

    #[test]
    fn a_shell_s_text_is_taken_apart() {
        let block =
            ["A=1 repro plan \\", "  --claim x | jq '.a | b'  # c", "# d"].map(str::to_owned);
        let found = lines(&block);
        assert_eq!(found.len(), 2);
        assert_eq!(calls(&found[0].1), [["plan", "--claim", "x"]]);
        let prompted = ["$ repro list", "printed"].map(str::to_owned);
        assert_eq!(lines(&prompted).len(), 1);
        assert_eq!(calls("target/release/repro list && repro show"), [["list"], ["show"]]);
    }
}
