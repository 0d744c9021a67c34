//! The end of `verify`: the summary, what was expected, what changed, and its forms.

use std::fs;

use super::*;

const TITLED: &str = "title = \"a gap\"";

fn clear() -> Vec<Run<'static>> {
    leads(&[5.0, 6.0, 5.5])
}

#[test]
fn verify_ends_with_a_row_and_a_sentence_and_quiet_prints_these_alone() {
    let folder = bench("greater_than = 0.0", &clear());
    let end = "claim  log\na gap  ✔ supported\nOn log evidence the claim is supported.\n";
    let whole = verify(folder.path(), &[]);
    assert!(whole.stdout.ends_with(end) && whole.stdout.len() > end.len(), "{}", whole.stdout);
    for quiet in ["-q", "--quiet"] {
        let ran = verify(folder.path(), &[quiet]);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, end));
    }
    assert_eq!(verify(folder.path(), &["-q", "--format", "json"]).code, 64);
}

#[test]
fn the_screen_of_every_published_claim_is_small() {
    let ran = finished(repro().args(["verify", "-q", "--no-run"]).env("REPRO_LEDGER", "/nowhere"));
    assert_eq!(ran.code, 3);
    assert!(ran.stdout.lines().count() <= 30, "{}", ran.stdout);
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
}

#[test]
fn expected_counts_the_verdicts_that_are() {
    let folder = bench("greater_than = 0.0", &clear());
    let ran = verify(folder.path(), &["-q", "--expected"]);
    assert!(ran.code == 0 && ran.stdout.ends_with("\n1 of 1 as expected\n"), "{}", ran.stdout);
    let folder = bench("greater_than = 0.0", &leads(&[-5.0, -6.0, -5.5]));
    let ran = verify(folder.path(), &["--format", "csv", "--expected"]);
    assert!(ran.code == 4 && ran.stderr.contains("0 of 1 as expected\n"), "{}", ran.stderr);
}

#[test]
fn columns_and_locale_say_how_wide_and_in_which_signs() {
    let folder = bench("greater_than = 0.0", &clear());
    let at = |columns: &str, locale: &str| {
        let mut command = repro();
        command.args(["verify", "--claims"]).arg(folder.path());
        command.arg("--log").arg(folder.path().join("runs.csv"));
        finished(command.env("COLUMNS", columns).env("LC_ALL", locale)).stdout
    };
    for columns in [40, 60, 80, 120, 200] {
        let text = at(&columns.to_string(), "C.UTF-8");
        for line in text.lines().filter(|line| !line.starts_with("sha256 ")) {
            let is_long = line.split_whitespace().any(|word| word.len() > 30);
            assert!(line.chars().count() <= columns || is_long, "{columns}: {line}\n{text}");
        }
        for whole in ["+4.26 to +6.74", "+5.50"] {
            assert!(text.contains(whole), "{columns}: {whole}\n{text}");
        }
        assert_eq!(text.contains("+5.50 (+4.26 to +6.74)"), columns >= 120, "{text}");
    }
    assert!(
        at("80", "C").ends_with("a gap  + supported\nOn log evidence the claim is supported.\n")
    );
}

#[test]
fn what_changed_since_earlier_verdicts_is_said_and_exits_with_4() {
    let folder = bench("greater_than = 0.0", &clear());
    let file = folder.path().join("verdicts.json");
    let earlier = verify(folder.path(), &["--format", "json"]).stdout;
    fs::write(&file, &earlier).unwrap();
    let against = ["-q", "--against", file.to_str().unwrap()];
    let same = verify(folder.path(), &against);
    assert_eq!(same.code, 0);
    assert!(flat(&same.stdout).contains("nothing changed since "), "{}", same.stdout);
    // Another log, on which the claim is refuted: 4, not 1.
    fs::write(folder.path().join("runs.csv"), log(&rows(&leads(&[-5.0, -6.0, -5.5])))).unwrap();
    let other = verify(folder.path(), &against);
    assert_eq!(other.code, 4);
    let change = "changed: gap on log evidence is refuted, was supported; the evidence changed\n";
    assert!(other.stdout.ends_with(change), "{}", other.stdout);
    // In a form for programs it is a message.
    let csv = verify(folder.path(), &["--format", "csv", "--against", file.to_str().unwrap()]);
    assert!(csv.code == 4 && csv.stderr.contains(change), "{}", csv.stderr);
    // A claim that is new, and one that is gone.
    fs::write(&file, earlier.replace("\"claim\": \"gap\"", "\"claim\": \"g\\u001b[31mone\""))
        .unwrap();
    let new = verify(folder.path(), &against);
    assert_eq!(new.code, 4);
    for change in ["appeared: gap on log evidence is refuted", "vanished: g\\u{1b}[31mone on log"] {
        assert!(new.stdout.contains(change), "{}", new.stdout);
    }
    // Those of another kind of evidence were not asked for.
    fs::write(&file, earlier.replace("\"evidence\": \"log\"", "\"evidence\": \"smoke\"")).unwrap();
    let ran = verify(folder.path(), &against);
    assert!(flat(&ran.stdout).contains("; 1 verdict in it not judged now"), "{}", ran.stdout);
}

#[test]
fn a_file_without_verdicts_is_refused_before_anything_runs() {
    let folder = bench("greater_than = 0.0", &clear());
    let file = folder.path().join("verdicts.json");
    for (text, cause) in [
        ("", "it is no JSON of verdicts"),
        ("{\"format_version\": 2, \"claims\": []}", "its format is version 2"),
        ("{\"claims\": 1}\u{1b}[31m", "it is no JSON of verdicts"),
        (
            "{\"format_version\": 1, \"claims\": [{\"claim\": \"a\", \"evidence\": \"log\", \
             \"verdict\": \"refuted\"}, {\"claim\": \"a\", \"evidence\": \"log\", \"verdict\": \
             \"refuted\"}]}",
            "it has two verdicts on log evidence of `a`",
        ),
    ] {
        fs::write(&file, text).unwrap();
        let ran = verify(folder.path(), &["--against", file.to_str().unwrap()]);
        assert_eq!((ran.code, ran.stdout.as_str()), (66, ""));
        assert!(
            flat(&ran.stderr).contains(cause) && !ran.stderr.contains('\u{1b}'),
            "{}",
            ran.stderr
        );
    }
    assert_eq!(verify(folder.path(), &["--against", "/nowhere/verdicts.json"]).code, 66);
}

#[test]
fn forms_for_documents_escape_titles() {
    let folder = bench("greater_than = 0.0", &clear());
    let titled = claim_text("greater_than = 0.0").replace(TITLED, "title = \"5 % | <b>_x_\"");
    fs::write(folder.path().join("gap.toml"), titled).unwrap();
    let form = |name: &str| verify(folder.path(), &["--format", name]).stdout;
    let row = "| 5 % \\| \\<b\\>\\_x\\_ | log | supported | 1 of 1 | 3 | +5.50 | +4.26 to +6.74 \
               (95 %) | points |\n";
    assert!(form("markdown").contains(row), "{}", form("markdown"));
    let row = "5 \\% \\textbar{} \\textless{}b\\textgreater{}\\_x\\_ & log & supported & 1 of 1 & \
               3 & $+5.50$ & $+4.26$ to $+6.74$ (95 \\%) & points \\\\\n";
    assert!(form("latex").contains(row), "{}", form("latex"));
    let badge: serde_json::Value = serde_json::from_str(&form("badge")).unwrap();
    let expected = serde_json::json!({
        "schemaVersion": 1, "label": "claims", "message": "1 of 1 supported",
        "color": "brightgreen",
    });
    assert_eq!(badge, expected);
    // A user's log is no paper.
    assert!(!form("bibtex").contains("2007.05869"), "{}", form("bibtex"));
    let ours = ran(&["verify", "l2_best", "--evidence", "published", "--format", "bibtex"]).stdout;
    let citation = include_str!("../../../CITATION.cff");
    for author in ["Utrera", "Kravitz", "Erichson", "Khanna", "Mahoney"] {
        assert!(citation.contains(author) && ours.contains(author), "{ours}");
    }
    assert!(ours.contains("eprint = {2007.05869}"), "{ours}");
}
