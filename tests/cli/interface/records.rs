//! `repro records` and its commands.

use super::{RECORD, RECORDS, Sandbox};

#[test]
fn records_lists_and_list_is_the_default() {
    let sandbox = Sandbox::with_records();
    let listed = sandbox.run(&["records"]);
    assert_eq!(listed.code, 0, "{}", listed.err);
    assert!(listed.out.contains(RECORD) && listed.out.contains("31 records in"), "{}", listed.out);
    assert_eq!(sandbox.run(&["records", "list"]).out, listed.out);
    let some = sandbox.run(&["records", "list", "--source", "l2_3,gaussian", "--images", "1..100"]);
    assert!(some.out.contains("15 records in"), "{}", some.out);
    let none = sandbox.run(&["records", "--blocks", "0,9"]);
    assert!(none.out.contains("0 records in"), "{}", none.out);
    assert!(none.err.contains("none of the 31"), "{}", none.err);
    let unknown = sandbox.run(&["records", "--target", "mnits"]);
    let suggested = "no record has the target `mnits`, did you mean `mnist`?";
    assert!(unknown.err.contains(suggested), "{}", unknown.err);
}

#[test]
fn several_records_are_shown_and_an_unknown_one_gets_a_suggestion() {
    let sandbox = Sandbox::with_records();
    let shown = sandbox.run(&["records", "show", RECORD, "91a0154d,c04846d6"]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert_eq!(shown.out.matches("test loss").count(), 3, "{}", shown.out);
    let json = sandbox.run(&["records", "show", RECORD, "--format", "json"]);
    let entry: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert!(entry["id"].as_str().unwrap().starts_with(RECORD));
    let unknown = sandbox.run(&["records", "show", "e7c84a05"]);
    assert_eq!(unknown.code, 64);
    assert!(unknown.err.contains("did you mean `e7c84a04`?"), "{}", unknown.err);
    assert_eq!(sandbox.run(&["records", "show"]).code, 64);
}

/// Commands that read one record, and that read all: the damaged one is named, and the others are
/// listed.
#[test]
fn a_damaged_record_is_named_and_hides_no_other() {
    let sandbox = Sandbox::with_records();
    let folder = sandbox.path().join("ledger/entries").join(&RECORD[..2]);
    let files: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    let is_it = |path: &&std::path::PathBuf| path.to_string_lossy().contains(RECORD);
    let path = files.iter().find(is_it).unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, &bytes).unwrap();
    let (name, reason) = (path.file_name().unwrap().to_string_lossy(), "do not match its digest");
    for (command, code) in [
        (&["records"][..], 0),
        (&["records", "show", RECORD], 66),
        (&["rerun", RECORD], 66),
        (&["records", "export", "all.gz"], 0),
    ] {
        let ran = sandbox.run(command);
        assert_eq!(ran.code, code, "{command:?}: {}", ran.err);
        let said = ran.err.replace(' ', "");
        let is_named = said.contains(&*name) && ran.err.contains(reason);
        assert!(is_named, "{command:?}: {}", ran.err);
        assert!(!ran.err.contains("did you mean"), "{command:?}: {}", ran.err);
        assert_eq!(std::fs::read(path).unwrap(), bytes, "it stays where it is");
    }
    assert!(sandbox.run(&["records"]).out.contains("30 records in"));
}

#[test]
fn a_file_of_records_that_cannot_be_written_gets_help_on_writing() {
    let sandbox = Sandbox::with_records();
    let ran = sandbox.run(&["records", "export", "/proc/nowhere/all.gz"]);
    assert_eq!(ran.code, 73, "{}", ran.err);
    assert!(ran.err.contains("folder that you may write to"), "{}", ran.err);
}

#[test]
fn records_travel_in_a_file_from_one_ledger_to_another() {
    let (from, to) = (Sandbox::with_records(), Sandbox::new());
    let file = to.path().join("some.jsonl.gz");
    let file = file.to_str().unwrap();
    let exported = from.run(&["records", "export", file, "--source", "natural"]);
    assert!(exported.out.contains("10 records written to"), "{}", exported.out);
    let imported = to.run(&["records", "import", file, "--verbose"]);
    assert_eq!(imported.code, 0);
    assert!(imported.err.contains("10 records imported from"), "{}", imported.err);
    assert_eq!(imported.err.matches("seed").count(), 10, "a line for each: {}", imported.err);
    let again = to.run(&["records", "import", file]);
    assert!(again.err.contains("10 records were already present"), "{}", again.err);
    assert_eq!(to.run(&["records", "import", "missing"]).code, 66);
}

#[test]
fn runs_is_a_hidden_alias_with_one_note() {
    let sandbox = Sandbox::new();
    for (arguments, new) in [
        (&["runs", "--import", RECORDS][..], "`repro records import FILE`"),
        (&["runs", "--source", "l2_3"], "`repro records list`"),
        (&["runs", RECORD], "`repro records show RECORD`"),
        (&["runs", "--export", "all.gz"], "`repro records export FILE`"),
    ] {
        let ran = sandbox.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
        assert_eq!(ran.err.matches("is an old spelling: use").count(), 1, "{}", ran.err);
        assert!(ran.err.contains(new), "{}", ran.err);
    }
    let help = sandbox.run(&["--help"]).out;
    assert!(!help.lines().any(|line| line.starts_with("  runs ")), "{help}");
}
