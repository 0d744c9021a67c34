//! The formats for machines: JUnit, GitHub's annotations, citations and CSV agree with the
//! verdicts.

use crate::common;
use common::{claim, claim_text, evidence, log, rows, run};
use repro::{
    claim::Claim,
    evidence::{Evidence, SamplingDesign},
    experiment::Verdict,
    judge::{Verdicts, judge},
    report::{
        COLUMNS, Judged, annotations,
        citation::{Citation, citation},
        junit, spreadsheet,
    },
};

/// A claim that l2_3 leads, on runs in which natural leads; its spec expects "supported".
fn refuted() -> (Claim, Evidence) {
    let runs: Vec<_> = [5.0, 6.0, 5.5, 6.5]
        .iter()
        .zip(1..)
        .flat_map(|(lead, seed)| [run("l2_3", seed, 50.0 - lead), run("natural", seed, 50.0)])
        .collect();
    (
        claim(&claim_text("greater_than = 0.0")),
        evidence(&log(&rows(&runs)), SamplingDesign::FixedSample),
    )
}

/// The same runs with a claim that holds: l2_3 is less than 20 points behind.
fn supported() -> (Claim, Evidence) {
    let (_, evidence) = refuted();
    (claim(&claim_text("greater_than = -20.0")), evidence)
}

/// The first claim without a pair of runs.
fn incomplete() -> (Claim, Evidence) {
    let runs = [run("l2_3", 1, 50.0)];
    (
        claim(&claim_text("greater_than = 0.0")),
        evidence(&log(&rows(&runs)), SamplingDesign::FixedSample),
    )
}

fn rendered<T>(input: &(Claim, Evidence), render: impl Fn(&[Judged<'_>]) -> T) -> T {
    let (claim, evidence) = input;
    let verdict = judge(claim, evidence);
    render(&[Judged {
        claim,
        evidence,
        verdict,
        again: common::again(claim, evidence),
        on_a_log: common::on_a_log(claim),
        as_curve: common::as_curve(claim),
        under_choices: common::under_choices(claim, "smoke"),
    }])
}

#[test]
fn junit_fails_refuted_claims_and_skips_undecided_ones() {
    let plain = |input| rendered(&input, |judged| junit(judged, false));
    let text = plain(refuted());
    assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites"), "{text}");
    assert!(text.contains("<testsuite name=\"log\" tests=\"1\" failures=\"1\" skipped=\"0\">"));
    assert!(text.contains("<failure type=\"refuted\" message=\"mean -5.75 points, "), "{text}");
    let text = plain(supported());
    assert!(text.contains("failures=\"0\" skipped=\"0\"") && !text.contains("<failure"), "{text}");
    let text = plain(incomplete());
    assert!(text.contains("skipped=\"1\"") && text.contains("<skipped message=\"incomplete: "));
    // Compared with the expected verdict, a verdict passes or fails.
    let compared = |input| rendered(&input, |judged| junit(judged, true));
    assert!(compared(incomplete()).contains("failures=\"1\" skipped=\"0\""));
    assert!(compared(refuted()).contains("; its spec expects supported\""));
    assert!(compared(supported()).contains("failures=\"0\" skipped=\"0\""));
}

#[test]
fn annotations_are_one_line_each_at_the_level_of_the_verdict() {
    let level = |input, expected| {
        let text = rendered(&input, |judged| annotations(judged, expected));
        assert_eq!(text.lines().count(), 1, "{text}");
        let (level, rest) = text[2..].split_once(' ').unwrap();
        assert!(rest.starts_with("title=gap%2C log evidence::"), "{text}");
        level.to_owned()
    };
    assert_eq!(level(refuted(), false), "error");
    assert_eq!(level(supported(), false), "notice");
    assert_eq!(level(incomplete(), false), "warning");
    assert_eq!(level(incomplete(), true), "error");
    assert_eq!(level(supported(), true), "notice");
    let text = rendered(&refuted(), |judged| annotations(judged, true));
    assert!(text.trim_end().ends_with("; its spec expects supported"), "{text}");
}

/// A citation is also valid as the judge's output, and the same input gives the same bytes.
#[test]
fn a_citation_fits_its_schema_and_has_everything_to_reproduce_a_verdict() {
    let text = rendered(&refuted(), |judged| citation(judged, "repro verify").text());
    assert_eq!(text, rendered(&refuted(), |judged| citation(judged, "repro verify").text()));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let by = |schema: schemars::Schema| {
        jsonschema::is_valid(&serde_json::to_value(schema).unwrap(), &value)
    };
    assert!(by(schemars::schema_for!(Citation)) && by(schemars::schema_for!(Verdicts)));
    let back: Citation = serde_json::from_str(&text).unwrap();
    assert_eq!(back.text(), text);
    let one = &back.claims[0];
    assert_eq!((one.verdict.verdict, one.expected), (Verdict::Refuted, Some(Verdict::Supported)));
    assert_eq!(one.verdict.cells[0].mean, Some(-5.75));
    assert_eq!(one.again, "repro verify --claim gap --evidence log");
    assert!(!one.verdict.conditional_on.is_empty() && one.stands.contains("figure 2"));
    assert_eq!((back.evidence.len(), back.evidence[0].records), (1, 8));
    assert_eq!((back.format_version, back.paper.arxiv.as_str()), (1, "2007.05869"));
    // The schema refuses a citation without these fields.
    for field in ["program", "paper", "evidence", "command"] {
        let mut incomplete_value = value.clone();
        incomplete_value.as_object_mut().unwrap().remove(field);
        let schema = serde_json::to_value(schemars::schema_for!(Citation)).unwrap();
        assert!(!jsonschema::is_valid(&schema, &incomplete_value), "{field}");
    }
}

#[test]
fn a_spreadsheet_has_every_cell_with_its_numbers() {
    let text = rendered(&refuted(), spreadsheet);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), COLUMNS);
    let lines: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(lines.len(), 1);
    let field = |name: &str| {
        let at = COLUMNS.iter().position(|column| *column == name).unwrap();
        lines[0].get(at).unwrap()
    };
    assert_eq!((field("claim"), field("evidence"), field("reading")), ("gap", "log", ""));
    assert_eq!((field("target"), field("images"), field("seeds")), ("svhn", "100", "4"));
    assert_eq!((field("mean"), field("verdict")), ("-5.75", "refuted"));
    // An unknown value is empty, not zero.
    assert_eq!((field("look"), field("test_images_low")), ("", ""));
    let empty = rendered(&incomplete(), spreadsheet);
    assert!(empty.lines().nth(1).unwrap().contains("incomplete"), "{empty}");
}
