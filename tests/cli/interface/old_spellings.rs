//! Old spellings are accepted, each with one note.

use super::Sandbox;

#[test]
fn an_old_spelling_is_accepted_with_one_note_that_names_the_new_one() {
    let sandbox = Sandbox::with_records();
    for (arguments, new) in [
        (&["verify", "l2_best", "--evidence", "sister", "--no-run"][..], "use `salman`"),
        (&["fetch", "--list", "--world", "sister"], "use `salman`"),
        (&["fetch", "--list", "--world", "paper", "--zoo", "sister"], "use `salman`"),
        (&["fetch", "--list", "--tries", "3"], "use --retries"),
        (&["fetch", "--list", "--stall", "9"], "use --timeout"),
        // No record has that name.
        (&["rerun", "0000", "--within", "2"], "use --tolerance"),
    ] {
        let ran = sandbox.run(arguments);
        assert!(ran.code != 64 || arguments[0] == "rerun", "{arguments:?}: {}", ran.err);
        assert_eq!(ran.err.matches(new).count(), 1, "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn an_old_and_a_new_spelling_do_not_go_together() {
    let sandbox = Sandbox::new();
    for arguments in [
        &["fetch", "--tries", "3", "--retries", "2"][..],
        &["fetch", "--stall", "3", "--timeout", "2"],
        &["rerun", "0", "--within", "3", "--tolerance", "2"],
    ] {
        let ran = sandbox.run(arguments);
        assert_eq!(ran.code, 64);
        assert!(ran.err.contains("cannot be used with"), "{}", ran.err);
    }
}

#[test]
fn no_help_shows_an_old_spelling() {
    let sandbox = Sandbox::new();
    for command in ["fetch", "rerun", "verify", "plan"] {
        let help = sandbox.run(&[command, "--help"]).out;
        for old in ["--tries", "--stall", "--within", "sister"] {
            assert!(!help.contains(old), "{command}: {old}");
        }
    }
}
