//! Forms for programs: JSON by the schemas that the project publishes, and `--verbose`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Sandbox;

/// Commands that print a form, with the name of its schema.
const FORMS: [(&[&str], &str); 9] = [
    (&["list"], "list"),
    (&["show", "l2_best"], "show"),
    (&["power", "l2_best"], "power"),
    (&["show", "--coverage"], "coverage"),
    (&["power", "--one-seed"], "one-seed"),
    (&["table", "accuracies"], "table"),
    (&["plan", "l2_best"], "plan"),
    (&["doctor"], "doctor"),
    (&["fetch", "--list", "cifar10"], "fetch"),
];

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn json_is_valid_by_its_schema_and_the_schema_is_published() {
    let sandbox = Sandbox::new();
    for (arguments, name) in FORMS {
        let ran = sandbox.run(&[arguments, &["--format", "json"]].concat());
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
        let form = json(&ran.out);
        assert_eq!(form["format_version"], 1);
        let schema = json(&sandbox.run(&["schema", name]).out);
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&form).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        let file = format!("claims/schemas/{name}.schema.json");
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
        let published = json(&std::fs::read_to_string(path).unwrap());
        assert_eq!(published, schema, "write it again: repro schema {name} > {file}");
    }
}

#[test]
fn every_field_of_a_form_has_a_description() {
    let sandbox = Sandbox::new();
    for (_, name) in FORMS {
        let schema = json(&sandbox.run(&["schema", name]).out);
        let parts = schema["$defs"].as_object().into_iter().flat_map(|parts| parts.values());
        for part in std::iter::once(&schema).chain(parts) {
            for (field, of) in part["properties"].as_object().into_iter().flatten() {
                assert!(of["description"].is_string(), "{name}: {field}");
            }
        }
    }
}

#[test]
fn a_plan_has_the_same_fine_tunes_in_either_form() {
    let sandbox = Sandbox::new();
    let plan = |form| sandbox.run(&["plan", "l2_best", "--format", form]).out;
    let whole = json(&plan("json"));
    let lines: Vec<Value> = plan("jsonl").lines().map(json).collect();
    assert!(lines.len() > 5);
    // Beside its siblings a fine-tune takes a part of what the plan is priced at.
    let sum = |field: &str| lines.iter().map(|line| line[field].as_f64().unwrap()).sum::<f64>();
    let price = whole["price"]["next"]["operations"].as_f64().unwrap();
    let (alone, beside) = (sum("operations"), sum("operations_beside_siblings"));
    assert!((beside / price - 1.0).abs() < 1e-9 && beside < 0.99 * alone, "{beside} {alone}");
    let families: BTreeSet<&str> =
        lines.iter().map(|line| line["family"].as_str().unwrap()).collect();
    assert!(families.len() > 1 && families.len() < lines.len());
    assert_eq!(whole["trials"], Value::Array(lines));
}

#[test]
fn verbose_prints_sources_with_digests_on_standard_error() {
    let sandbox = Sandbox::new();
    for command in [
        &["verify", "l2_best", "--evidence", "published", "--brief"][..],
        &["compare", "--brief"],
        &["figure", "2", "--evidence", "published", "--format", "csv"],
    ] {
        let (brief, verbose) = (sandbox.run(command), sandbox.run(&[command, &["-v"]].concat()));
        assert_eq!((brief.code, brief.out), (verbose.code, verbose.out));
        assert!(!brief.err.contains("SHA-256"), "{}", brief.err);
        assert!(verbose.err.contains("published evidence: "), "{}", verbose.err);
        assert!(verbose.err.contains("SHA-256 92e80547"), "{}", verbose.err);
    }
}
