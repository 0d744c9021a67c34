//! A malformed or contradictory spec gets one error with file, line and the next step.

use crate::common;
use common::claim_text;
use repro::{
    claim::{Claim, ClaimError, check, words},
    world::World,
};

fn checked(text: &str) -> Result<Claim, Box<ClaimError>> {
    check::claim("gap.toml", text, &World::paper())
}

fn good() -> String {
    claim_text("greater_than = 0.0")
}

/// The error of the good spec with one part replaced; its place must be where the part is.
fn error(from: &str, to: &str) -> ClaimError {
    let text = good();
    assert!(text.contains(from), "{from}");
    *checked(&text.replacen(from, to, 1)).expect_err(to)
}

#[test]
fn the_spec_that_the_others_spoil_is_good() {
    let claim = checked(&good()).unwrap();
    assert_eq!(claim.hypothesis.contrasts[0].label, "l2_3 - natural");
    assert_eq!(claim.hypothesis.contrasts[0].cells.len(), 1);
}

#[test]
fn a_claim_in_words_says_what_is_expected_or_that_nothing_is() {
    let words = |text: &str| words::claim(&checked(text).unwrap(), &World::paper());
    let whole = good();
    let (without, _) = whole.split_once("[expected.").expect("it expects something");
    assert!(words(&whole).contains("log: supported, because a test"), "{}", words(&whole));
    assert!(words(without).contains("expected\n  nothing yet"), "{}", words(without));
}

#[test]
fn influence_is_asked_for_as_a_world_measures_it() {
    let metric = "metric = { accuracy = \"last\" }";
    let asked =
        |of: &str| good().replace(metric, &format!("metric = {{ influence_match = {of} }}"));
    for good in [
        "{ share = \"top_1\" }",
        "{ share = \"three_of_five\", truncation = 0.05 }",
        "{ share = { rank = 100 }, truncation = 0.01, damping = 0.0 }",
    ] {
        let claim = checked(&asked(good)).unwrap_or_else(|error| panic!("{error}"));
        let arm = &claim.hypothesis.contrasts[0].terms[0].arm;
        let keys = arm.keys(&claim.hypothesis.contrasts[0].cells[0], &claim.hypothesis.metric);
        assert!(keys.iter().all(|key| key.influence));
    }
    for (wrong, what) in [
        ("{ share = { rank = 0 } }", "rank 0: ranks are counted from 1 to 100"),
        ("{ share = { rank = 101 } }", "rank 101: ranks are counted from 1 to 100"),
        (
            "{ share = \"top_1\", truncation = 0.2 }",
            "the paper world measures influence by truncation 0.05; truncation 0.01",
        ),
        ("{ share = \"top_1\", damping = 1.0 }", "the paper world measures influence by"),
        ("{ share = \"top_2\" }", "unknown variant `top_2`"),
        ("{ share = \"top_1\", cut = 1.0 }", "unknown field `cut`"),
    ] {
        let error = checked(&asked(wrong)).expect_err(wrong);
        assert!(error.what.contains(what), "{}", error.what);
        assert_eq!(error.line, 14, "{wrong}");
    }
}

#[test]
fn every_fault_is_named_with_its_line() {
    let cases = [
        ("title =", "titel =", 3, "unknown field `titel`"),
        ("holds =", "hold =", 16, "did you mean `holds`?"),
        ("title = \"a gap\"", "title = 3", 3, "invalid type: integer `3`, expected a string"),
        ("format = 1", "format = 2", 1, "format is 2, this version reads 1"),
        ("id = \"gap\"", "id = \"Gap!\"", 2, "an id is made of a-z, 0-9 and _"),
        (
            "source = \"l2_3\"",
            "source = \"l2_30\"",
            8,
            "unknown source `l2_30`, did you mean `l2_3`?",
        ),
        (
            "target = \"svhn\"",
            "target = \"svnh\"",
            17,
            "unknown target `svnh`, did you mean `svhn`?",
        ),
        (
            "target = \"svhn\"",
            "target = [\"svhn\", \"dissimilar\"]",
            17,
            "target `svhn` stands there twice",
        ),
        ("robust = 1.0", "robst = 1.0", 13, "unknown arm `robst`, did you mean `robust`?"),
        ("robust = 1.0", "robust = 0.0", 13, "the weight of `robust` is 0"),
        ("robust = 1.0", "robust = 2.0", 13, "sum to zero, not to 1"),
        ("source = \"natural\"", "source = \"l2_3\"", 13, "it is always zero"),
        (
            "source = \"l2_3\"",
            "source = \"l2_3\", blocks = 1",
            13,
            "arm `robust` fixes blocks, and so do the cells",
        ),
        (", blocks = 3", "", 13, "nothing fixes blocks for arm `robust`"),
        ("images = 100", "images = []", 17, "an empty list fixes nothing"),
        ("images = 100", "images = [100, 100]", 17, "100 stands there twice"),
        ("images = 100", "images = -5", 17, "invalid value"),
        ("images = 100", "images = 0", 17, "a size of 0 images"),
        ("accuracy = \"last\"", "accuracy = \"first\"", 14, "unknown variant `first`"),
        ("accuracy = \"last\"", "accuracy = { epoch = 0 }", 14, "epochs are counted from 1"),
        ("accuracy = \"last\"", "accuracy = { from_share = 1.5 }", 14, "a share of the schedule"),
        ("accuracy = \"last\"", "epochs_to = { accuracy = 0.0 }", 14, "an accuracy to reach"),
        (
            "accuracy = \"last\"",
            "epochs_to = { final_accuracy_of = \"natral\" }",
            14,
            "did you mean `natural`?",
        ),
        (
            "images = 100",
            "images = \"feww\"",
            17,
            "unknown list of sizes `feww`, did you mean `few`?",
        ),
        ("images = 100", "images = [\"few\", 100]", 17, "100 stands there twice"),
        (
            "blocks = 3 }",
            "blocks = 3, resolution = \"lowest\" }",
            17,
            "unknown list of resolutions `lowest`, did you mean `lower`?",
        ),
        ("blocks = 3 }", "blocks = 3, repetitions = 2 }", 13, "must say which draw it is"),
        ("blocks = 3 }", "blocks = 3, repetitions = 0 }", 13, "counted from 1"),
        ("source = \"l2_3\"", "source = \"l2_3\", draw = 1", 13, "no cell repeats"),
        ("source = \"l2_3\"", "source = \"l2_3\", draw = 3", 8, "two draws, 1 and 2"),
        ("[hypothesis]", "[design]\nreading_seeds = 2\n[hypothesis]", 12, "the first look, of 3"),
        ("greater_than = 0.0", "greater_than = nan", 15, "this margin must be a number"),
        ("greater_than = 0.0", "not_worse_than = -1.0", 15, "this margin can't be negative"),
        ("greater_than = 0.0", "equivalent_within = 0.0", 15, "this margin must be positive"),
        ("holds = \"every\"", "holds = { at_least = 2 }", 16, "2 cells must hold, and there are 1"),
        ("holds = \"every\"", "holds = { at_least_share = 0.0 }", 16, "a share of cells"),
        (
            "holds = \"every\"",
            "holds = \"every\"\naverage_over = [\"resolution\"]",
            16,
            "which no cell varies",
        ),
        ("expected.log", "expected.logs", 19, "unknown evidence `logs`, did you mean `log`?"),
        ("\"supported\"", "\"suported\"", 20, "did you mean `supported`?"),
        (
            "natural = { source",
            "third = { source = \"linf_4\" }\nnatural = { source",
            9,
            "nothing uses arm `third`",
        ),
        ("[hypothesis]", "[design]\nalpha = 0.7\n[hypothesis]", 12, "0.7"),
        ("[hypothesis]", "[design]\nlooks = [5, 3]\n[hypothesis]", 12, "looks"),
        // Nothing of these sizes is ever made.
        ("[hypothesis]", "[design]\nlooks = [3, 20000000]\n[hypothesis]", 12, "a look at 20000000"),
        ("blocks = 3", "blocks = 3, repetitions = 4000000000", 13, "4000000000 repetitions"),
        ("[hypothesis]", "[hypothesis", 11, "expected"),
    ];
    for (from, to, line, what) in cases {
        let error = error(from, to);
        assert!(error.what.contains(what), "{to}: {}", error.what);
        assert_eq!(error.line, line, "{to}: {}", error.what);
        assert!(error.to_string().starts_with("gap.toml, line "), "{error}");
        let help = miette::Diagnostic::help(&error).map(|help| help.to_string());
        assert!(help.is_some_and(|help| !help.is_empty()), "{to} has a next step");
    }
}

#[test]
fn a_spec_of_more_cells_than_anyone_looks_at_is_refused() {
    let sizes: Vec<String> = (1..=10_001).map(|size| size.to_string()).collect();
    let error = error("images = 100", &format!("images = [{}]", sizes.join(", ")));
    assert!(error.what.contains("10001 cells"), "{}", error.what);
}

#[test]
fn a_reading_is_checked_as_a_whole_and_named_once() {
    let reading = "\n[[reading]]\nid = \"loose\"\nsentence = \"looser\"\nrelation = { not_worse_than = 1.0 }\n";
    let claim = checked(&format!("{}{reading}", good())).unwrap();
    assert_eq!(claim.readings[0].hypothesis.contrasts[0].label, "l2_3 - natural");
    let twice = checked(&format!("{}{reading}{reading}", good())).unwrap_err();
    assert!(twice.what.contains("a second reading `loose`"), "{}", twice.what);
}

/// Files are called by them, so that one that leads elsewhere would write there.
#[test]
fn ids_of_readings_and_plots_are_names_as_those_of_claims_are() {
    let plot = "\n[[plot]]\nid = \"ID\"\ntitle = \"t\"\nx = \"images\"\nlines = [\"robust\"]\n\
                cells = { target = \"svhn\", images = [100, 200], blocks = 3 }\n";
    let reading = "\n[[reading]]\nid = \"ID\"\nsentence = \"s\"\nholds = \"every\"\n";
    for part in [plot, reading] {
        let with = |id: &str| checked(&format!("{}{}", good(), part.replace("ID", id)));
        assert!(with("a_plot").is_ok());
        for id in ["../escaped", "/tmp/x", "x/../../../evil", "a b", "", "A", "1"] {
            let error = with(id).expect_err(id);
            assert!(error.what.contains("an id is made of a-z"), "{id}: {}", error.what);
            assert!(error.line > 1, "{id}");
        }
    }
    let plot = plot.replace("ID", "p");
    let twice = checked(&format!("{}{plot}{plot}", good())).unwrap_err();
    assert!(twice.what.contains("a second plot `p`"), "{}", twice.what);
}

#[test]
fn a_plot_varies_nothing_but_targets_and_its_axis() {
    let plot = |cells: &str| {
        let plot = format!(
            "\n[[plot]]\nid = \"p\"\ntitle = \"t\"\nx = \"images\"\nlines = [\"robust\"]\ncells = {{ {cells} }}\n"
        );
        checked(&format!("{}{plot}", good()))
    };
    assert!(plot("target = \"svhn\", images = [100, 200], blocks = 3").is_ok());
    let error = plot("target = \"svhn\", images = [100, 200], blocks = [1, 3]").unwrap_err();
    assert!(error.what.contains("may vary targets and what lies along x"), "{}", error.what);
}

#[test]
fn the_published_schemas_are_those_of_this_version() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("claims/schemas");
    let claim = schemars::schema_for!(repro::claim::raw::RawClaim);
    let verdicts = schemars::schema_for!(repro::judge::Verdicts);
    let comparison = schemars::schema_for!(repro::replication::Comparison);
    let citation = schemars::schema_for!(repro::report::citation::Citation);
    let sensitivity = schemars::schema_for!(repro::plan::sensitivity::Answers);
    for (name, schema) in [
        ("claim", claim),
        ("verdicts", verdicts),
        ("citation", citation),
        ("comparison", comparison),
        ("sensitivity", sensitivity),
    ] {
        let file = folder.join(format!("{name}.schema.json"));
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let shipped: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        assert_eq!(
            shipped,
            serde_json::to_value(schema).unwrap(),
            "write it anew: repro schema {name} > claims/schemas/{name}.schema.json"
        );
    }
}

#[test]
fn every_embedded_spec_is_valid_by_its_schema() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("claims");
    let schema = serde_json::to_value(schemars::schema_for!(repro::claim::raw::RawClaim)).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let spec: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        let spec = serde_json::to_value(spec).unwrap();
        let faults: Vec<String> =
            validator.iter_errors(&spec).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{}: {faults:?}", path.display());
        checked += 1;
    }
    assert!(checked >= 10);
}
