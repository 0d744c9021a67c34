//! Tables of verdicts and of choices: what the judge, the specs and the goldens say.

use repro::{
    claim::{Claim, suite::Suite},
    evidence::Evidence,
    experiment::EvidenceKind,
    judge::judge,
    plan::sensitivity::CHOICES,
    world::World,
};

use super::{
    numbers::{FIVE, sensitivity},
    page::{Kind, hold},
};

const VERDICTS: &str = "docs/results/verdicts.md";
const ANSWERS: &str = "docs/results/index.md";

/// Compares the rows of a table below its header.
pub fn hold_rows(path: &str, table: &str, rows: &[String]) {
    let held = hold(path, |kind, shown| {
        if *kind != Kind::Table(table.to_owned()) {
            return None;
        }
        Some(shown.iter().take(2).chain(rows).cloned().collect())
    });
    assert_eq!(held, 1, "{path} has one table of {table}");
}

/// What stands between the bars of a table's row.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn smoke() -> Suite {
    Suite::embedded(&World::smoke()).unwrap_or_else(|error| panic!("{error}"))
}

fn paper() -> Suite {
    Suite::embedded(&World::paper()).unwrap_or_else(|error| panic!("{error}"))
}

fn published() -> Evidence {
    Evidence::published().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_table_of_verdicts_is_what_the_judge_says_today() {
    let evidence = published();
    let row = |claim: &Claim| {
        let verdict = judge(claim, &evidence);
        format!("| `{}` | **{}** | {} |", claim.id, verdict.verdict, cell(&verdict.reason))
    };
    let rows: Vec<String> = paper().claims().iter().map(row).collect();
    hold_rows(VERDICTS, "verdicts on published evidence", &rows);
}

/// What comes out of local runs is held to the specs by `claims`, and the page to the specs here.
#[test]
fn the_table_of_smoke_verdicts_is_what_the_specs_expect() {
    let row = |claim: &Claim| {
        let expected = &claim.expected[&EvidenceKind::Smoke];
        format!("| `{}` | **{}** | {} |", claim.id, expected.verdict, cell(&expected.reason))
    };
    let rows: Vec<String> = smoke().claims().iter().map(row).collect();
    hold_rows(VERDICTS, "verdicts on smoke evidence", &rows);
}

/// The numbers of a text: digits, with a decimal point between them.
fn numbers(text: &str) -> Vec<String> {
    let kept = |c: char| if c.is_ascii_digit() || c == '.' { c } else { ' ' };
    let text: String = text.replace(',', "").chars().map(kept).collect();
    let words = text.split_whitespace().map(|word| word.trim_matches('.').to_owned());
    words.filter(|word| !word.is_empty()).collect()
}

/// A cell of the table of findings with the verdict as it should be; its numbers are in the reasons.
fn finding(shown: &str, verdict: &str, reasons: &[&str]) -> String {
    let mut parts: Vec<&str> = shown.split("**").collect();
    assert_eq!(parts.len(), 3, "`{shown}` has one verdict");
    let known = numbers(&reasons.join(" "));
    for number in numbers(parts[2]) {
        assert!(known.contains(&number), "`{shown}`: {number} is not in {reasons:?}");
    }
    parts[1] = verdict;
    parts.join("**")
}

#[test]
fn the_findings_in_the_readme_are_the_verdicts_of_today() {
    let (paper, smoke, evidence) = (paper(), smoke(), published());
    let row = |claim: &Claim, shown: &[String]| {
        let id = format!("`{}`", claim.id);
        let row = shown.iter().find(|row| row.contains(&id));
        let row = row.unwrap_or_else(|| panic!("README.md has no finding of {id}"));
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [what, on_log, on_smoke] = cells[..] else { panic!("{row}") };
        let judged = judge(claim, &evidence);
        let said = &claim.expected[&EvidenceKind::Published].reason;
        let on_log = finding(on_log, &judged.verdict.to_string(), &[&judged.reason, said]);
        let expected = &smoke.get(&claim.id).unwrap().expected[&EvidenceKind::Smoke];
        let on_smoke = finding(on_smoke, &expected.verdict.to_string(), &[&expected.reason]);
        format!("| {what} | {on_log} | {on_smoke} |")
    };
    let held = hold("README.md", |kind, shown| {
        let findings = *kind == Kind::Table("findings".to_owned());
        let rows = || paper.claims().iter().map(|claim| row(claim, shown));
        findings.then(|| shown.iter().take(2).cloned().chain(rows()).collect())
    });
    assert_eq!(held, 1, "README.md has one table of findings");
}

#[test]
fn the_page_of_answers_has_the_verdicts_of_today() {
    let (paper, smoke, evidence) = (paper(), smoke(), published());
    let row = |claim: &Claim, shown: &[String]| {
        let id = format!("`{}`", claim.id);
        let row = shown.iter().find(|row| row.contains(&id));
        let row = row.unwrap_or_else(|| panic!("{ANSWERS} has no answer to {id}"));
        let why = row.trim_matches('|').rsplit('|').next().unwrap().trim();
        let judged = judge(claim, &evidence);
        let expected = &smoke.get(&claim.id).unwrap().expected[&EvidenceKind::Smoke];
        let known = numbers(&format!("{} {}", judged.reason, expected.reason));
        for number in numbers(why) {
            assert!(known.contains(&number), "`{why}`: {number} is in no reason");
        }
        let (title, verdicts) = (&claim.title, [judged.verdict, expected.verdict]);
        format!("| {title} {id} | **{}** | **{}** | {why} |", verdicts[0], verdicts[1])
    };
    let held = hold(ANSWERS, |kind, shown| {
        let answers = *kind == Kind::Table("answers".to_owned());
        let rows = || paper.claims().iter().map(|claim| row(claim, shown));
        answers.then(|| shown.iter().take(2).cloned().chain(rows()).collect())
    });
    assert_eq!(held, 1, "{ANSWERS} has one table of answers");
}

#[test]
fn the_tables_of_choices_are_what_the_program_printed() {
    hold_choices("choices", "", &FIVE, EvidenceKind::Smoke);
    hold_choices("choices from one zoo", "one_zoo", &FIVE, EvidenceKind::SmokeOneZoo);
}

/// Fails unless a table has what was printed of the five claims and is kept in a folder, and the
/// paper's recipe there has the verdict that the claim is expected to have.
fn hold_choices(table: &str, folder: &str, claims: &[&str], kind: EvidenceKind) {
    let printed: Vec<_> = claims.iter().map(|&claim| (claim, sensitivity(folder, claim))).collect();
    let row = |words: &str| {
        let of = |(_, rows): &(&str, Vec<(String, String)>)| {
            let row = rows.iter().find(|(choice, _)| choice == words);
            row.map_or_else(|| "–".to_owned(), |(_, found)| found.clone())
        };
        let cells: Vec<String> = printed.iter().map(of).collect();
        format!("| {words} | {} |", cells.join(" | "))
    };
    let rows: Vec<String> = CHOICES.iter().map(|choice| row(choice.words)).collect();
    hold_rows("docs/results/sensitivity.md", table, &rows);
    let suite = smoke();
    for (claim, rows) in &printed {
        let expected = suite.get(claim).unwrap().expected[&kind].verdict;
        assert!(rows[0].1.starts_with(&expected.to_string()), "{claim}: {}", rows[0].1);
    }
}

#[test]
fn a_finding_has_only_numbers_of_its_reasons() {
    assert_eq!(numbers("by 2.45 points; CIFAR-100, 3,200 images."), ["2.45", "100", "3200"]);
    let shown = "**refuted** in 3 of 4 cells";
    assert_eq!(finding(shown, "supported", &["3 of 4"]), "**supported** in 3 of 4 cells");
    assert!(std::panic::catch_unwind(|| finding(shown, "supported", &["3 of 5"])).is_err());
}
