//! A malformed or contradictory spec gives one error with file, line and help.

use crate::common;
use common::claim_text;
use repro::{
    claim::{Claim, ClaimError, Hypothesis, Metric, Relation, check, suite::Suite, words},
    world::World,
};

fn checked(text: &str) -> Result<Claim, Box<ClaimError>> {
    check::claim("gap.toml", text, &World::paper())
}

fn good() -> String {
    claim_text("greater_than = 0.0")
}

/// The error of the valid spec with one part replaced.
fn error(from: &str, to: &str) -> ClaimError {
    let text = good();
    assert!(text.contains(from), "{from}");
    *checked(&text.replacen(from, to, 1)).expect_err(to)
}

#[test]
fn the_spec_that_other_tests_change_is_valid() {
    let claim = checked(&good()).unwrap();
    assert_eq!(claim.hypothesis.contrasts[0].label, "l2_3 - natural");
    assert_eq!(claim.hypothesis.contrasts[0].cells.len(), 1);
}

#[test]
fn the_description_of_a_claim_has_its_expected_verdict_if_any() {
    let words = |text: &str| words::claim(&checked(text).unwrap(), &World::paper());
    let whole = good();
    let (without, _) = whole.split_once("[expected.").expect("it expects something");
    assert!(words(&whole).contains("log: supported, because a test"), "{}", words(&whole));
    assert!(words(without).contains("expected\n  no verdict yet"), "{}", words(without));
}

/// The valid spec with these contrasts, and a quantifier.
fn contrasts(terms: &[&str], holds: &str) -> String {
    let terms: Vec<String> = terms.iter().map(|terms| format!("{{ terms = {terms} }}")).collect();
    let one = "contrasts = [{ terms = { robust = 1.0, natural = -1.0 } }]";
    let text = good().replace(one, &format!("contrasts = [{}]", terms.join(", ")));
    text.replace("holds = \"every\"", &format!("holds = {holds}")).replace(
        "[hypothesis]",
        "other = { source = \"l2_3\" }\nthird = { source = \"linf_4\" }\n[hypothesis]",
    )
}

#[test]
fn one_cell_twice_is_refused_whatever_its_arms_are_called_and_however_it_is_scaled() {
    const GAP: &str = "{ robust = 1.0, natural = -1.0 }";
    const THIRD: &str = "{ other = 1e-6, third = 1.0, robust = -1e-6, natural = -1.0 }";
    let refused = |again: &str, holds: &str| {
        let error = *checked(&contrasts(&[GAP, again, THIRD], holds)).expect_err(again);
        assert_eq!(error.line, 15, "{error}");
        error.to_string()
    };
    for again in [
        GAP,
        "{ natural = -1.0, robust = 1.0 }",
        "{ robust = 0.3, natural = -0.3 }",
        "{ other = 2.0, natural = -2.0 }",
        "{ robust = 0.5, natural = -1.0, other = 0.5 }",
    ] {
        for holds in ["\"every\"", "{ at_least = 1 }", "\"more_than_chance\""] {
            let error = refused(again, holds);
            assert!(error.contains("one cell is there twice"), "{error}");
        }
    }
    // The other direction is another question, but not of an equivalence.
    let mirrored = contrasts(&[GAP, "{ natural = 1.0, robust = -1.0 }", THIRD], "\"every\"");
    assert!(checked(&mirrored).is_ok());
    let within = mirrored.replace("greater_than = 0.0", "equivalent_within = 1.0");
    assert!(checked(&within).unwrap_err().to_string().contains("one cell is there twice"));
}

#[test]
fn more_than_chance_needs_cells_that_share_no_run() {
    let shared =
        ["{ robust = 1.0, natural = -1.0 }", "{ third = 1.0, natural = -0.5, other = -0.5 }"];
    let text = contrasts(&shared, "\"more_than_chance\"");
    let error = checked(&text).unwrap_err().to_string();
    assert!(error.contains("both `"), "{error}");
    assert!(error.contains("read svhn from l2_3, 100 images, 3 blocks"), "{error}");
    let stated = text.replace("holds = ", "shared_runs = true\nholds = ");
    assert!(checked(&stated).is_ok());
    let every = contrasts(&shared, "\"every\"");
    assert!(checked(&every).is_ok(), "every has no need of it");
    // The same run at two epochs is one run.
    let early = text
        .replace("{ source = \"l2_3\" }\nthird", "{ source = \"natural\", at = \"best\" }\nthird");
    assert!(checked(&early).is_err());
}

#[test]
fn a_metric_of_influence_needs_an_inverse_of_the_world() {
    let metric = "metric = { accuracy = \"last\" }";
    let asked =
        |of: &str| good().replace(metric, &format!("metric = {{ influence_match = {of} }}"));
    for good in [
        "{ share = \"top_1\" }",
        "{ share = \"three_of_five\", truncation = 0.05 }",
        "{ share = { rank = 100 }, truncation = 0.01, damping = 0.0 }",
        "{ share = { rank = 2 }, truncation = 0.05, by = \"influence_on_predicted\" }",
    ] {
        let claim = checked(&asked(good)).unwrap_or_else(|error| panic!("{error}"));
        let arm = &claim.hypothesis.contrasts[0].terms[0].arm;
        let keys = arm.keys(&claim.hypothesis.contrasts[0].cells[0], &claim.hypothesis.metric);
        assert!(keys.iter().all(|key| key.influence));
    }
    for (wrong, what) in [
        ("{ share = { rank = 0 } }", "rank is 0: it must be from 1 to 100"),
        ("{ share = { rank = 101 } }", "rank is 101: it must be from 1 to 100"),
        (
            "{ share = \"top_1\", truncation = 0.2 }",
            "the paper set-up measures influence with truncation 0.05; truncation 0.01",
        ),
        ("{ share = \"top_1\", damping = 1.0 }", "the paper set-up measures influence with"),
        (
            "{ share = \"top_1\", by = \"features\", truncation = 0.01 }",
            "a `by` other than influence is measured with truncation 0.05 only",
        ),
        ("{ share = \"top_1\", by = \"loss\" }", "unknown variant `loss`"),
        ("{ share = \"top_2\" }", "unknown variant `top_2`"),
        ("{ share = \"top_1\", cut = 1.0 }", "unknown field `cut`"),
    ] {
        let error = checked(&asked(wrong)).expect_err(wrong);
        assert!(error.what.contains(what), "{}", error.what);
        assert_eq!(error.line, 14, "{wrong}");
    }
}

#[test]
fn every_error_has_its_line_and_help() {
    let cases = [
        ("title =", "titel =", 3, "unknown field `titel`"),
        ("holds =", "hold =", 16, "did you mean `holds`?"),
        ("title = \"a gap\"", "title = 3", 3, "invalid type: integer `3`, expected a string"),
        ("format = 1", "format = 2", 1, "format is 2: this version reads format 1"),
        ("id = \"gap\"", "id = \"Gap!\"", 2, "an id has the characters a-z, 0-9 and _"),
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
            "target `svhn` is given twice",
        ),
        ("robust = 1.0", "robst = 1.0", 13, "unknown arm `robst`, did you mean `robust`?"),
        ("robust = 1.0", "robust = 0.0", 13, "the weight of `robust` is 0"),
        ("robust = 1.0", "robust = 2.0", 13, "must sum to zero, and these sum to 1"),
        ("source = \"natural\"", "source = \"l2_3\"", 13, "it is always zero"),
        (
            "source = \"l2_3\"",
            "source = \"l2_3\", blocks = 1",
            13,
            "both arm `robust` and the cells fix blocks",
        ),
        (", blocks = 3", "", 13, "neither arm `robust` nor the cells fix blocks"),
        ("images = 100", "images = []", 17, "the list is empty"),
        ("images = 100", "images = [100, 100]", 17, "100 is given twice"),
        ("images = 100", "images = -5", 17, "invalid value"),
        ("images = 100", "images = 0", 17, "images is 0"),
        ("accuracy = \"last\"", "accuracy = \"first\"", 14, "unknown variant `first`"),
        ("accuracy = \"last\"", "accuracy = { epoch = 0 }", 14, "epochs are counted from 1"),
        ("accuracy = \"last\"", "accuracy = { from_share = 1.5 }", 14, "a share of the schedule"),
        (
            "accuracy = \"last\"",
            "epochs_to = { accuracy = 0.0 }",
            14,
            "the accuracy must be above 0",
        ),
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
        ("images = 100", "images = [\"few\", 100]", 17, "100 is given twice"),
        (
            "blocks = 3 }",
            "blocks = 3, resolution = \"lowest\" }",
            17,
            "unknown list of resolutions `lowest`, did you mean `lower`?",
        ),
        ("blocks = 3 }", "blocks = 3, repetitions = 2 }", 13, "needs a seed_stream, 1 or 2"),
        ("blocks = 3 }", "blocks = 3, repetitions = 0 }", 13, "repetitions is 0"),
        ("source = \"l2_3\"", "source = \"l2_3\", seed_stream = 1", 13, "no cell repeats"),
        ("source = \"l2_3\"", "source = \"l2_3\", seed_stream = 3", 8, "two seed streams: 1 and 2"),
        ("[hypothesis]", "[design]\nreading_seeds = 2\n[hypothesis]", 12, "the first look, 3"),
        ("greater_than = 0.0", "greater_than = nan", 15, "this margin must be a number"),
        ("greater_than = 0.0", "not_worse_than = -1.0", 15, "this margin can't be negative"),
        ("greater_than = 0.0", "equivalent_within = 0.0", 15, "this margin must be positive"),
        (
            "holds = \"every\"",
            "holds = { at_least = 2 }",
            16,
            "2 cells must hold, but the number must be from 1 to 1",
        ),
        ("holds = \"every\"", "holds = { at_least_share = 0.0 }", 16, "a share of cells"),
        (
            "holds = \"every\"",
            "holds = \"every\"\naverage_over = [\"resolution\"]",
            16,
            "which no cell fixes",
        ),
        ("expected.log", "expected.logs", 19, "unknown evidence `logs`, did you mean `log`?"),
        ("\"supported\"", "\"suported\"", 20, "did you mean `supported`?"),
        (
            "natural = { source",
            "third = { source = \"linf_4\" }\nnatural = { source",
            9,
            "no contrast and no plot uses arm `third`",
        ),
        ("[hypothesis]", "[design]\nalpha = 0.7\n[hypothesis]", 12, "0.7"),
        ("[hypothesis]", "[design]\nlooks = [5, 3]\n[hypothesis]", 12, "looks"),
        // No memory of this size is allocated.
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
fn a_spec_with_more_cells_than_the_limit_is_an_error() {
    let sizes: Vec<String> = (1..=10_001).map(|size| size.to_string()).collect();
    let error = error("images = 100", &format!("images = [{}]", sizes.join(", ")));
    assert!(error.what.contains("10001 cells"), "{}", error.what);
}

#[test]
fn a_reading_is_checked_as_a_claim_and_has_its_own_id() {
    let reading = "\n[[reading]]\nid = \"loose\"\nstatement = \"looser\"\nrelation = { not_worse_than = 1.0 }\n";
    let claim = checked(&format!("{}{reading}", good())).unwrap();
    assert_eq!(claim.readings[0].hypothesis.contrasts[0].label, "l2_3 - natural");
    let twice = checked(&format!("{}{reading}{reading}", good())).unwrap_err();
    assert!(twice.what.contains("two readings have the id `loose`"), "{}", twice.what);
}

#[test]
fn a_reading_may_repeat_an_earlier_reading() {
    let loose = "\n[[reading]]\nid = \"loose\"\nstatement = \"looser\"\nrelation = { not_worse_than = 1.0 }\n";
    let repeats = "\n[[reading]]\nid = \"odds\"\nof = \"loose\"\nstatement = \"s\"\nmetric = { log_odds = \"last\" }\n";
    let claim = checked(&format!("{}{loose}{repeats}", good())).unwrap();
    let odds = &claim.readings[1].hypothesis;
    assert_eq!(odds.relation, claim.readings[0].hypothesis.relation);
    assert_eq!(odds.metric.unit().name(), "log-odds");
    // Only one above it, so that no reading can repeat itself.
    let early = checked(&format!("{}{repeats}{loose}", good())).unwrap_err();
    assert!(early.what.contains("unknown reading `loose` above this one"), "{}", early.what);
}

/// A difference of differences may have another sign on another scale, so each has both.
#[test]
fn every_difference_of_differences_is_judged_on_both_logarithmic_scales() {
    let suite = Suite::embedded(&World::paper()).unwrap();
    let mut found = 0;
    for claim in suite.claims() {
        let judged = claim.readings.iter().filter(|reading| reading.descriptive.is_none());
        let all: Vec<&Hypothesis> = std::iter::once(&claim.hypothesis)
            .chain(judged.map(|reading| &reading.hypothesis))
            .collect();
        for asked in &all {
            let four = asked.contrasts.iter().all(|contrast| contrast.terms.len() >= 4);
            let Metric::Accuracy(at) = asked.metric else { continue };
            // A margin in points is none on another scale.
            let zero = asked.relation == Relation::GreaterThan(0.0);
            if !four || !zero {
                continue;
            }
            found += 1;
            for scale in [Metric::LogOdds(at), Metric::LogError(at)] {
                let same = |other: &&&Hypothesis| {
                    other.metric == scale
                        && other.contrasts == asked.contrasts
                        && other.relation == asked.relation
                        && other.average_over == asked.average_over
                        && other.holds == asked.holds
                };
                assert!(all.iter().any(|other| same(&other)), "{}: {}", claim.id, asked.statement);
            }
        }
    }
    assert!(found >= 10, "{found}");
}

/// A claim with every key whose spelling changed, in the spelling of version 0.1.0 and in the
/// current one.
fn old_and_new() -> (String, String) {
    let reading = "\n[[reading]]\nid = \"plain\"\nstatement = \"s\"\n\
                   descriptive = { reason = \"a test\", means_of_figure = \"2\" }\n";
    let new = good()
        .replace("source = \"l2_3\"", "source = \"l2_3\", seed_stream = 1")
        .replace("source = \"natural\"", "source = \"natural\", seed_stream = 2")
        .replace("blocks = 3 }", "blocks = 3, repetitions = 2 }")
        .replace("[expected.log]", "[expected.salman]")
        + reading;
    let old = new
        .replace("statement =", "sentence =")
        .replace("descriptive = { reason =", "shown = { because =")
        .replace("seed_stream =", "draw =")
        .replace("[expected.salman]", "[expected.sister]");
    assert_ne!(old, new);
    (old, new)
}

#[test]
fn old_and_new_spellings_give_the_same_claim() {
    let (old, new) = old_and_new();
    let [old, new] = [old, new].map(|text| format!("{:?}", checked(&text).unwrap()));
    assert_eq!(old, new);
}

#[test]
fn a_key_in_both_spellings_is_an_error_that_names_both() {
    let (_, new) = old_and_new();
    for (new_key, old_key) in [
        ("statement =", "sentence = \"a gap\"\n"),
        ("reason = \"a test\", means", "because = \"a test\", "),
        ("seed_stream = 1", "draw = 1, "),
        ("[expected.salman]", "[expected.sister]\nverdict = \"supported\"\nreason = \"a test\"\n"),
    ] {
        let both = new.replacen(new_key, &format!("{old_key}{new_key}"), 1);
        let error = checked(&both).expect_err(old_key);
        let words = |text: &str| {
            let start = |c: char| !c.is_ascii_lowercase();
            let text = text.trim_start_matches("[expected.");
            text.split(start).next().unwrap().to_owned()
        };
        let [old, new] = [words(old_key), words(new_key)];
        assert!(error.what.contains(&format!("its old spelling `{old}`")), "{}", error.what);
        assert!(error.what.contains(&new), "{}", error.what);
        assert!(error.line > 1);
    }
}

#[test]
fn errors_and_the_schema_list_only_new_spellings() {
    let error = error("statement =", "statment =");
    assert!(error.what.ends_with("did you mean `statement`?"), "{}", error.what);
    assert!(!error.what.contains("`sentence`"), "{}", error.what);
    let schema = schemars::schema_for!(repro::claim::raw::RawClaim).to_value().to_string();
    for old in ["sentence", "shown", "because", "draw"] {
        assert!(!schema.contains(&format!("\"{old}\":")), "{old}");
    }
}

/// File names contain ids, so that an id with a path would write to another folder.
#[test]
fn ids_of_readings_and_plots_follow_the_rule_for_ids_of_claims() {
    let plot = "\n[[plot]]\nid = \"ID\"\ntitle = \"t\"\nx = \"images\"\nlines = [\"robust\"]\n\
                cells = { target = \"svhn\", images = [100, 200], blocks = 3 }\n";
    let reading = "\n[[reading]]\nid = \"ID\"\nstatement = \"s\"\nholds = \"every\"\n";
    for part in [plot, reading] {
        let with = |id: &str| checked(&format!("{}{}", good(), part.replace("ID", id)));
        assert!(with("a_plot").is_ok());
        for id in ["../escaped", "/tmp/x", "x/../../../evil", "a b", "", "A", "1"] {
            let error = with(id).expect_err(id);
            assert!(error.what.contains("an id has the characters a-z"), "{id}: {}", error.what);
            assert!(error.line > 1, "{id}");
        }
    }
    let plot = plot.replace("ID", "p");
    let twice = checked(&format!("{}{plot}{plot}", good())).unwrap_err();
    assert!(twice.what.contains("two plots have the id `p`"), "{}", twice.what);
    // A report draws them for every claim, in files of these names.
    for drawn in ["forest", "gallery"] {
        let plot = plot.replace("\"p\"", &format!("\"{drawn}\""));
        let error = checked(&format!("{}{plot}", good())).unwrap_err();
        assert!(error.what.contains("every report draws"), "{}", error.what);
    }
}

#[test]
fn a_plot_varies_only_targets_and_its_axis() {
    let plot = |cells: &str| {
        let plot = format!(
            "\n[[plot]]\nid = \"p\"\ntitle = \"t\"\nx = \"images\"\nlines = [\"robust\"]\ncells = {{ {cells} }}\n"
        );
        checked(&format!("{}{plot}", good()))
    };
    assert!(plot("target = \"svhn\", images = [100, 200], blocks = 3").is_ok());
    let error = plot("target = \"svhn\", images = [100, 200], blocks = [1, 3]").unwrap_err();
    assert!(error.what.contains("may vary only in the target and along x"), "{}", error.what);
}

#[test]
fn the_published_schemas_are_those_of_this_version() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("claims/schemas");
    let claim = schemars::schema_for!(repro::claim::raw::RawClaim);
    let study = schemars::schema_for!(repro::study::raw::RawStudy);
    let verdicts = schemars::schema_for!(repro::judge::Verdicts);
    let comparison = schemars::schema_for!(repro::replication::Comparison);
    let citation = schemars::schema_for!(repro::report::citation::Citation);
    let sensitivity = schemars::schema_for!(repro::plan::sensitivity::Answers);
    for (name, schema) in [
        ("claim", claim),
        ("study", study),
        ("verdicts", verdicts),
        ("citation", citation),
        ("comparison", comparison),
        ("sensitivity", sensitivity),
    ] {
        let file = folder.join(format!("{name}.schema.json"));
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let published: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        assert_eq!(
            published,
            serde_json::to_value(schema).unwrap(),
            "write it again: repro schema {name} > claims/schemas/{name}.schema.json"
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
        // Not a claim.
        if path.ends_with("coverage.toml") || path.ends_with("lock.toml") {
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

/// Characters that a terminal or a CI system interprets.
#[test]
fn texts_with_hidden_characters_are_refused_with_their_line() {
    for (from, to) in [
        ("title = \"", "title = \"\\u001b[31m"),
        ("title = \"", "title = \"\\u202e"),
        ("statement = \"", "statement = \"\\r::error::"),
    ] {
        assert!(good().contains(from), "{from}");
        let error = checked(&good().replacen(from, to, 1)).unwrap_err();
        assert!(error.what.contains("can't be seen"), "{}", error.what);
    }
}
