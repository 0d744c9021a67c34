//! What a command will write is tried before its work, which may take hours.

use super::Sandbox;

/// Commands that would run fine-tunes and then write into a folder.
const WRITING: [&[&str]; 7] = [
    &["verify", "l2_best", "--evidence", "smoke", "--report"],
    &["verify", "l2_best", "--evidence", "smoke", "--figures"],
    &["verify", "l2_best", "--evidence", "published,smoke", "--report", "good", "--figures"],
    &["figure", "A7", "--evidence", "smoke", "--run", "--out"],
    &["sensitivity", "l2_best", "--choice", "head", "--figures"],
    &["sensitivity", "l2_best", "--curve", "--figures"],
    &["verify", "l2_best", "--evidence", "lab", "--report"],
];

/// Without an engine, a command that began its work would exit with 64.
#[test]
fn a_folder_that_is_not_writable_ends_a_command_before_any_fine_tune() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path().join("file"), "").unwrap();
    for arguments in WRITING {
        let ran = sandbox.run(&[arguments, &["file/folder"]].concat());
        assert_eq!(ran.code, 73, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains("failed to make the folder file/folder: "), "{}", ran.err);
        assert!(ran.out.is_empty() && !ran.err.contains("to run"), "{}", ran.err);
        assert!(!sandbox.path().join("ledger").exists(), "{arguments:?}");
    }
}

#[test]
fn a_folder_in_the_place_of_a_file_of_the_report_is_found_first_too() {
    for name in ["index.html", "gallery.html", "repro-verdicts.json"] {
        let sandbox = Sandbox::new();
        std::fs::create_dir_all(sandbox.path().join("report").join(name)).unwrap();
        let ran = sandbox.run(&["verify", "l2_best", "--evidence", "smoke", "--report", "report"]);
        assert_eq!(ran.code, 73, "{name}: {}", ran.err);
        assert!(ran.err.contains(&format!("failed to write report/{name}: ")), "{}", ran.err);
        assert!(!sandbox.path().join("ledger").exists(), "{name}");
    }
}

/// A wrong name or option outranks a folder: nothing is made for a command that can't begin.
#[test]
fn a_command_that_cannot_begin_makes_no_folder() {
    let sandbox = Sandbox::new();
    for arguments in [
        &["verify", "nonsense", "--evidence", "smoke", "--report", "out"][..],
        &["figure", "nonsense", "--run", "--out", "out"],
        &["sensitivity", "nonsense", "--figures", "out"],
        &["sensitivity", "l2_best", "--choice", "nonsense", "--figures", "out"],
    ] {
        assert_eq!(sandbox.run(arguments).code, 64, "{arguments:?}");
        assert!(!sandbox.path().join("out").exists(), "{arguments:?}");
    }
}
