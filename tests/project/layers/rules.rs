//! The rules. Each takes sources as data and returns its findings, one line a finding.

use std::{collections::BTreeMap, path::Path};

use super::{COMMANDS, MAX_MODULES, MODULES, source::*};

pub(super) fn rank(module: &str) -> Option<usize> {
    MODULES.iter().position(|name| *name == module)
}

/// Uses of a module by a later one in the list.
pub(super) fn against_the_order(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        let Some(module) = file.top_module() else { continue };
        let Some(rank) = rank(&module) else {
            findings.push(file.finding(1, &format!("`{module}` is not in the list of modules")));
            continue;
        };
        let uses = file.uses.iter().filter(|found| !found.in_test);
        findings.extend(uses.filter_map(|found| misplaced(file, &module, rank, found)));
    }
    findings
}

pub(super) fn misplaced(file: &File, module: &str, own_rank: usize, found: &Use) -> Option<String> {
    let written = &found.written;
    let what = match found.target.first().map(String::as_str) {
        None | Some("*") => format!("`{written}` names the crate's root: name the module"),
        Some(used) => match rank(used) {
            None => format!("`{written}` does not begin with a module of the list"),
            Some(rank) if rank < own_rank => {
                format!("`{module}` uses `{used}`, which comes before it (`{written}`)")
            }
            Some(_) => return None,
        },
    };
    Some(file.finding(found.line, &what))
}

/// The modules that each module uses, with one place where it does.
pub(super) type Edges = BTreeMap<String, BTreeMap<String, String>>;

pub(super) fn edges(files: &[File]) -> Edges {
    let mut edges = Edges::new();
    for file in files {
        let Some(module) = file.top_module() else { continue };
        let used = edges.entry(module.clone()).or_default();
        for found in file.uses.iter().filter(|found| !found.in_test) {
            if let Some(other) = found.target.first().filter(|other| **other != module) {
                used.entry(other.clone()).or_insert_with(|| file.place(found.line));
            }
        }
    }
    edges
}

/// A cycle between modules, if there is one, whatever the order of the list. Modules that use none
/// of the remaining modules are removed until nothing changes; what remains leads to a cycle.
pub(super) fn cycle(files: &[File]) -> Vec<String> {
    let mut edges = edges(files);
    loop {
        let left: Vec<String> = edges.keys().cloned().collect();
        for used in edges.values_mut() {
            used.retain(|module, _| left.contains(module));
        }
        edges.retain(|_, used| !used.is_empty());
        if edges.len() == left.len() {
            break;
        }
    }
    edges.keys().next().map(|start| walk_cycle(&edges, start)).into_iter().collect()
}

/// Follows uses until a module occurs again. Every module in `edges` uses another one in it.
pub(super) fn walk_cycle(edges: &Edges, start: &str) -> String {
    let (mut module, mut trail) = (start, Vec::new());
    while !trail.iter().any(|(passed, _)| *passed == module) {
        let (next, place) = edges[module].first_key_value().expect("it uses a remaining module");
        trail.push((module, place));
        module = next;
    }
    let steps = trail.iter().skip_while(|(passed, _)| *passed != module);
    let steps: Vec<String> =
        steps.map(|(module, place)| format!("{module} (by {place}) -> ")).collect();
    format!("cycle: {}{module}", steps.concat())
}

/// Checks that `src/lib.rs` and the list have the same modules, and not too many.
pub(super) fn modules_of_the_crate(files: &[File]) -> Vec<String> {
    let Some(lib) = files.iter().find(|file| file.path == Path::new("src/lib.rs")) else {
        return vec!["src/lib.rs is missing".to_owned()];
    };
    let modules = modules(lib);
    let unknown = modules.iter().filter(|(name, _)| rank(name).is_none());
    let unknown = unknown.map(|(name, line)| {
        lib.finding(*line, &format!("module `{name}` is not in the list of modules"))
    });
    let declared = |module: &str| modules.iter().any(|(name, _)| *name == module);
    let missing = MODULES.iter().filter(|module| !declared(module));
    let missing =
        missing.map(|module| lib.finding(1, &format!("module `{module}` of the list is missing")));
    let mut findings: Vec<String> = unknown.chain(missing).collect();
    if modules.len() > MAX_MODULES {
        let what = format!("{} modules, {MAX_MODULES} at most", modules.len());
        findings.push(lib.finding(1, &what));
    }
    findings
}

/// The modules that a file declares, outside of any brace, with their lines.
pub(super) fn modules(file: &File) -> Vec<(&str, usize)> {
    let (mut depth, mut modules) = (0, Vec::new());
    for pair in file.tokens.windows(2) {
        match pair[0].text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "mod" if depth == 0 => modules.push((pair[1].text.as_str(), pair[1].line)),
            _ => {}
        }
    }
    modules
}

/// libtorch outside `engine/`.
pub(super) fn libtorch_outside_engine(files: &[File]) -> Vec<String> {
    tokens_outside("src/engine", files, |file, index| {
        let text = file.token(Some(index));
        let named = ["tch", "torch_sys"].contains(&text);
        named.then(|| format!("`{text}` outside src/engine/"))
    })
}

/// Printing and clap outside `cli/`; modules other than `cli` in a program.
pub(super) fn printing_outside_cli(files: &[File]) -> Vec<String> {
    let mut findings = tokens_outside("src/cli", files, |file, index| {
        let text = file.token(Some(index));
        prints(file, index).then(|| format!("`{text}` outside src/cli/"))
    });
    for file in files.iter().filter(|file| file.is_program()) {
        let uses = file.uses.iter().filter(|found| found.written.starts_with("repro"));
        let others = uses.filter(|found| found.target.first().is_none_or(|module| module != "cli"));
        findings.extend(others.map(|found| {
            file.finding(found.line, &format!("`{}`: a program calls `cli` only", found.written))
        }));
    }
    findings
}

pub(super) fn prints(file: &File, index: usize) -> bool {
    let (before, after) = (file.token(index.checked_sub(1)), file.token(Some(index + 1)));
    match file.token(Some(index)) {
        "println" | "eprintln" | "print" | "eprint" | "dbg" => after == "!",
        "stdout" | "stderr" => {
            let named = after == "(" || before == "::" || file.tokens[index].in_use;
            named && before != "."
        }
        // Its adapters take styles off a text, and print nothing.
        "anstream" => (after, file.token(Some(index + 2))) != ("::", "adapter"),
        text => text == "clap" || text.starts_with("clap_"),
    }
}

/// The problems of tokens in files outside a folder.
pub(super) fn tokens_outside(
    folder: &str,
    files: &[File],
    problem: impl Fn(&File, usize) -> Option<String>,
) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| !file.path.starts_with(folder)) {
        for (index, token) in file.tokens.iter().enumerate() {
            findings.extend(problem(file, index).map(|what| file.finding(token.line, &what)));
        }
    }
    findings
}

/// Command lines spelled outside `cli/`, and exceptions that allow nothing.
pub(super) fn commands_outside_cli(
    files: &[File],
    exceptions: &[(&str, &str, &str)],
) -> Vec<String> {
    let (mut findings, mut used) = (Vec::new(), vec![false; exceptions.len()]);
    for file in files.iter().filter(|file| !file.path.starts_with("src/cli")) {
        for (line, words) in file.literals.iter().flat_map(command_words) {
            let allows = |(path, allowed, _): &(&str, &str, &str)| {
                file.path == Path::new(path) && words == *allowed
            };
            match exceptions.iter().position(allows) {
                Some(index) => used[index] = true,
                None => {
                    let what = format!("`{words}` is spelled outside src/cli/");
                    findings.push(file.finding(line, &what));
                }
            }
        }
    }
    let unused = exceptions.iter().zip(used).filter(|(_, used)| !used);
    findings.extend(unused.map(|((path, words, reason), _)| {
        format!("{path}: the exception for `{words}` ({reason}) is not needed: delete it")
    }));
    findings
}

/// The commands and options in a literal, with their lines.
pub(super) fn command_words(literal: &Literal) -> Vec<(usize, String)> {
    let text = &literal.text;
    let commands = text.match_indices("repro").filter_map(|(at, _)| Some((at, command(text, at)?)));
    let options = text.match_indices("--").filter_map(|(at, _)| Some((at, option(text, at)?)));
    let mut found: Vec<(usize, String)> = commands.chain(options).collect();
    found.sort();
    let line = |at: usize| literal.line + text[..at].matches('\n').count();
    found.into_iter().map(|(at, words)| (line(at), words)).collect()
}

/// The command at a `repro` in the text: one of the program's, or any word if a backquote precedes.
pub(super) fn command(text: &str, at: usize) -> Option<String> {
    let before = text[..at].chars().next_back();
    let after = &text[at + "repro".len()..];
    let rest = after.trim_start();
    let in_word = before.is_some_and(|char| is_word(char) || char == '-');
    if in_word || rest.len() == after.len() {
        return None;
    }
    let word = &rest[..rest.find(|char| !is_word(char) && char != '-').unwrap_or(rest.len())];
    let quoted = before == Some('`') && rest.starts_with(|char: char| char.is_alphabetic());
    let filled_in = before == Some('`') && rest.starts_with('{');
    if filled_in {
        return Some("repro {".to_owned());
    }
    (quoted || COMMANDS.contains(&word)).then(|| format!("repro {word}"))
}

/// The long option that begins at an index.
pub(super) fn option(text: &str, at: usize) -> Option<String> {
    let begins = match text[..at].chars().next_back() {
        None => true,
        Some(before) => before.is_whitespace() || before == '`',
    };
    let name = &text[at + 2..];
    let end = name.find(|char: char| !char.is_ascii_alphanumeric() && char != '-');
    let name = &name[..end.unwrap_or(name.len())];
    let named = name.starts_with(|char: char| char.is_ascii_alphabetic());
    (begins && named).then(|| format!("--{name}"))
}

// The rules on the sources of this project.
