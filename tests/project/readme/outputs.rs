//! Outputs in documents are what the program prints. The commands of a page run in order, in a folder
//! of their own with an empty ledger; files of the page are written where their markers stand.

use std::{cell::RefCell, fs, path::Path};

use super::page::{HELP, Kind, documents, hold, root, text, updating};

/// Lines that are left out.
const LEFT_OUT: &str = "...";

/// What a command printed, and with which exit code it ended.
struct Ran {
    printed: Vec<String>,
    errors: Vec<String>,
    status: Option<i32>,
}

/// Runs a command of a page. Paths below the page's folder are printed as from there.
fn run(command: &str, folder: &Path) -> Ran {
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("repro"), "`{command}` does not call the program");
    assert!(!command.contains(['\'', '"', '|', '>', '$']), "`{command}` needs a shell");
    let ran = assert_cmd::Command::new(assert_cmd::cargo::cargo_bin!("repro"))
        .args(words)
        .current_dir(folder)
        .env("REPRO_LEDGER", folder.join(".ledger"))
        .env("REPRO_DATA", folder.join(".data"))
        .env("LC_ALL", "C.UTF-8")
        .env("NO_COLOR", "1")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("NO_GRAPHICS")
        .env_remove("COLUMNS")
        .output()
        .unwrap();
    let here = format!("{}/", folder.display());
    let lines = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).unwrap().replace(&here, "");
        text.trim_end().lines().map(|line| line.trim_end().to_owned()).collect()
    };
    Ran { printed: lines(ran.stdout), errors: lines(ran.stderr), status: ran.status.code() }
}

/// Whole lines of an excerpt, and whether lines are left out before and after them.
fn pieces(shown: &[String]) -> Vec<&[String]> {
    shown.split(|line| line == LEFT_OUT).collect()
}

/// Why an excerpt is not one of what was printed. A piece stands as a whole, after the one before
/// it; the first is the beginning and the last is the end, unless lines are left out there.
fn not_in(shown: &[String], printed: &[String]) -> Option<String> {
    let pieces = pieces(shown);
    let mut at = 0;
    for (place, piece) in pieces.iter().enumerate() {
        let (first, last) = (place == 0, place + 1 == pieces.len());
        if piece.is_empty() && (first || last) && pieces.len() > 1 {
            continue;
        }
        let from = match (first, last) {
            (true, true) => return (*piece != printed).then(|| "the whole output".to_owned()),
            (true, false) => printed.starts_with(piece).then_some(0),
            (false, true) => printed
                .ends_with(piece)
                .then(|| printed.len() - piece.len())
                .filter(|&from| from >= at),
            (false, false) => {
                let mut starts = at..=printed.len().saturating_sub(piece.len());
                starts.find(|&from| printed[from..].starts_with(piece) && !piece.is_empty())
            }
        };
        let Some(from) = from else {
            return Some(piece.join("\n"));
        };
        at = from + piece.len();
    }
    None
}

/// The place of the line that is most like this one, of equals the nearest to `near`.
fn most_like(line: &str, printed: &[String], from: usize, near: usize) -> usize {
    let score = |at: &usize| {
        let distance = at.abs_diff(near) as f64;
        strsim::normalized_levenshtein(line, &printed[*at]) - 1e-3 * distance
    };
    (from..printed.len()).max_by(|a, b| score(a).total_cmp(&score(b))).unwrap_or(from)
}

/// The excerpt with today's lines: each piece from the line most like its first to the one most like
/// its last. It is a proposal, and the difference is for a person to read.
fn renewed(shown: &[String], printed: &[String]) -> Vec<String> {
    let pieces = pieces(shown);
    if pieces.len() == 1 {
        return printed.to_vec();
    }
    let mut lines = Vec::new();
    let mut at = 0;
    for (place, piece) in pieces.iter().enumerate() {
        if place > 0 {
            lines.push(LEFT_OUT.to_owned());
        }
        let (Some(first), Some(last)) = (piece.first(), piece.last()) else { continue };
        let (begins, ends) = (place == 0, place + 1 == pieces.len());
        // The last piece lies at the end, wherever else its first line may be found.
        let near = if ends { printed.len().saturating_sub(piece.len()) } else { at };
        let from = if begins { 0 } else { most_like(first, printed, at, near) };
        let near = from + piece.len() - 1;
        let to = if ends { printed.len() } else { most_like(last, printed, from, near) + 1 };
        lines.extend(printed.iter().take(to).skip(from).cloned());
        at = to;
    }
    lines
}

/// What a block should be: what its command prints today. What is wrong is added to `wrong`.
fn held(
    kind: &Kind,
    shown: &[String],
    folder: &Path,
    wrong: &RefCell<Vec<String>>,
) -> Option<Vec<String>> {
    match kind {
        Kind::Table(_) => None,
        Kind::File(name) => {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, shown.join("\n") + "\n").unwrap();
            None
        }
        Kind::Output { command, errors, status } => {
            let mut ran = run(command, folder);
            if ran.status != Some(*status) {
                let said = ran.errors.join("\n");
                let ended = ran.status;
                wrong.borrow_mut().push(format!("`{command}` ended with {ended:?}\n{said}"));
                return Some(shown.to_vec());
            }
            if *errors {
                ran.printed.append(&mut ran.errors);
            }
            let Some(piece) = not_in(shown, &ran.printed) else { return Some(shown.to_vec()) };
            if updating() {
                return Some(renewed(shown, &ran.printed));
            }
            wrong.borrow_mut().push(format!("`{command}` does not print:\n{piece}"));
            Some(shown.to_vec())
        }
    }
}

#[test]
fn outputs_in_documents_are_what_the_program_prints() {
    let mut count = 0;
    let mut failures = Vec::new();
    for path in documents() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().canonicalize().unwrap();
        std::os::unix::fs::symlink(root().join("goldens"), here.join("goldens")).unwrap();
        let wrong = RefCell::new(Vec::new());
        count += hold(&path, |kind, shown| held(kind, shown, &here, &wrong));
        failures.extend(wrong.take().into_iter().map(|failure| format!("{path}: {failure}")));
    }
    assert!(failures.is_empty(), "{}\n\n{HELP}", failures.join("\n\n"));
    assert!(count >= 10, "{count} outputs are marked");
}

/// A reader has to see the command whose output is shown.
#[test]
fn the_command_of_an_output_stands_in_a_console_block_of_its_page() {
    for path in documents() {
        let text = text(&path);
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for mark in super::page::marks(&path, &lines) {
            let Kind::Output { command, .. } = mark.kind else { continue };
            let calls =
                |line: &str| line.split(" #").next().unwrap().trim_end().ends_with(&command);
            assert!(text.lines().any(calls), "{path}: no line calls `{command}`");
        }
    }
}

fn lines(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn an_excerpt_is_whole_lines_in_their_order() {
    let printed = lines("a b c d e");
    for shown in ["a b c d e", "a ... e", "... b c ...", "a b ... d ...", "... e", "a ..."] {
        assert_eq!(not_in(&lines(shown), &printed), None, "{shown}");
    }
    for shown in ["a b", "b ...", "... d", "a ... c b ...", "a c ... e", "... x ...", "a ... a ..."]
    {
        assert!(not_in(&lines(shown), &printed).is_some(), "{shown}");
    }
}

#[test]
fn a_renewed_excerpt_is_one_of_what_is_printed_today() {
    let printed = lines("alpha beta+ gamma delta- epsilon");
    for (shown, renewed_to) in [
        ("alpha ... epsilon", "alpha ... epsilon"),
        ("alpha ... delta ...", "alpha ... delta- ..."),
        ("... beta gamma ...", "... beta+ gamma ..."),
        ("anything", "alpha beta+ gamma delta- epsilon"),
    ] {
        let renewed = renewed(&lines(shown), &printed);
        assert_eq!(renewed, lines(renewed_to), "{shown}");
        assert_eq!(not_in(&renewed, &printed), None, "{shown}");
    }
    let printed = lines("{ alpha+ } beta }");
    assert_eq!(renewed(&lines("{ alpha ... }"), &printed), lines("{ alpha+ ... }"));
}
