//! Numbers that pages quote from goldens are in those goldens.
//!
//! A marker `<!-- golden: FILE -->` stands before a block of code, each line of which is one of the
//! file's, or before a table, each number of which is one of the file's.

use super::{assert_none, docs, read};

/// The numbers in a cell of a table, as they are written; those between backquotes are names.
fn numbers(cell: &str) -> Vec<String> {
    all_numbers(&cell.split('`').step_by(2).collect::<Vec<_>>().join(" "))
}

/// The numbers in a text.
fn all_numbers(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !(c.is_ascii_digit() || ".,".contains(c)));
    let words = words.map(|word| word.trim_matches([',', '.']));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[test]
fn quoted_numbers_are_those_of_the_goldens() {
    let mut findings = Vec::new();
    let mut quoted = 0;
    for page in docs() {
        for (number, words) in page.markers("golden") {
            let [file] = &words[..] else { panic!("{}", page.finding(number, "name one file")) };
            let golden = read(file);
            let lines: Vec<&str> = golden.lines().map(str::trim).collect();
            let known = all_numbers(&golden);
            let wrong = |what: &str| page.finding(number, &format!("`{what}` is not in {file}"));
            if let Some(block) = page.block_below(number) {
                quoted += block.lines.len();
                let unknown = block.lines.iter().filter(|line| !lines.contains(&line.trim()));
                findings.extend(unknown.map(|line| wrong(line)));
                continue;
            }
            let table = page.table_below(number);
            assert!(
                !table.is_empty(),
                "{}",
                page.finding(number, "neither code nor a table follows")
            );
            for found in table.iter().skip(1).flatten().flat_map(|cell| numbers(cell)) {
                quoted += 1;
                if !known.contains(&found) {
                    findings.push(wrong(&found));
                }
            }
        }
    }
    assert!(quoted > 100, "numbers were found: {quoted}");
    assert_none(&findings);
}

#[test]
fn numbers_are_found_as_they_are_written() {
    assert_eq!(numbers("1.5 s (9 kept), 29,445 and −0.47."), ["1.5", "9", "29,445", "0.47"]);
    assert_eq!(numbers("`l2_3` alone"), Vec::<String>::new());
}
