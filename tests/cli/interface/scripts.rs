//! Completions, manual pages, and what `repro --help` lists.

use std::process::Command;

use super::{RECORD, Sandbox};

#[test]
fn completions_offer_names() {
    let sandbox = Sandbox::with_records();
    for shell in ["bash", "zsh", "fish"] {
        let script = sandbox.run(&["completions", shell]).out;
        for name in ["own_rates", "repro complete-names", "--claims"] {
            assert!(script.contains(name), "{shell}: {name}");
        }
        for (name, asks) in [("A13", "figures"), ("l2_best", "claims"), ("cifar100", "items")] {
            let asks = format!("_repro_names {asks}");
            assert!(script.contains(name) || script.contains(&asks), "{shell}: {name}");
        }
    }
    let names = |of| sandbox.run(&["complete-names", of]).out;
    assert!(names("records").lines().any(|name| name.starts_with(RECORD)));
    assert!(names("claims").lines().any(|name| name == "shape_bias"));
}

/// Old spellings are accepted and not offered.
#[test]
fn completions_offer_no_hidden_name() {
    let sandbox = Sandbox::new();
    for (shell, command) in [("bash", "repro,runs"), ("zsh", "(runs)"), ("fish", "-a \"runs\"")] {
        let script = sandbox.run(&["completions", shell]).out;
        assert!(script.contains(&command.replace("runs", "records")), "{shell}");
        assert!(!script.contains(command), "{shell}");
        let mut names = script.split(|c: char| !c.is_alphanumeric() && !"_-".contains(c));
        let hidden = ["within", "tries", "stall"];
        assert_eq!(names.find(|name| hidden.contains(&name.trim_start_matches('-'))), None);
    }
}

#[test]
fn bash_completes_claims_and_records() {
    let sandbox = Sandbox::with_records();
    let script = sandbox.run(&["completions", "bash"]).out;
    std::fs::write(sandbox.path().join("repro.bash"), script).unwrap();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_repro")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let completed = |words: &str| {
        let count = words.split(' ').count() - 1;
        let script = format!(
            "source repro.bash; COMP_WORDS=({words}); COMP_CWORD={count}\n\
             _repro_with_names repro \"${{COMP_WORDS[COMP_CWORD]}}\" \
             \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let mut command = Command::new("bash");
        command.args(["-c", &script]).current_dir(sandbox.path()).env("PATH", &path);
        let output = command.env("REPRO_LEDGER", "ledger").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(completed("repro verify shape"), "shape_bias\n");
    assert!(completed("repro rerun e7c84").starts_with(RECORD));
    assert!(completed("repro records show e7c84").starts_with(RECORD));
    assert_eq!(completed("repro figure A1"), "A1\nA10\nA11\nA12\nA13\n");
    // Those of a folder that was typed.
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tabular");
    let own = completed(&format!("repro figure --claims {examples} transformer_beats_m"));
    let figures = ["bars", "forest"].map(|what| format!("transformer_beats_mlp-{what}"));
    let mut own: Vec<&str> = own.lines().collect();
    own.sort_unstable();
    assert_eq!(own, figures);
    let claims = completed(&format!("repro verify --claims {examples} res"));
    assert_eq!(claims, "resnet_is_a_strong_baseline\n");
    assert_eq!(completed(&format!("repro verify --claims {examples} shape")), "\n");
}

#[test]
fn manual_pages_are_printed_and_written() {
    let sandbox = Sandbox::new();
    let page = sandbox.run(&["man"]).out;
    assert!(page.contains(".TH repro 1") && page.contains("REPRO_LEDGER"), "{page}");
    let written = sandbox.run(&["man", "--out", "man1"]);
    assert_eq!(written.code, 0, "{}", written.err);
    for name in ["repro", "repro-verify", "repro-records-export"] {
        assert!(written.out.contains(&format!("man1/{name}.1\n")), "{}", written.out);
    }
    assert!(!sandbox.path().join("man1/repro-runs.1").exists());
    std::fs::write(sandbox.path().join("file"), "").unwrap();
    let failed = sandbox.run(&["man", "--out", "file/man1"]);
    assert_eq!(failed.code, 73);
    assert!(failed.err.contains("failed to write file/man1/repro.1: "), "{}", failed.err);
}

#[test]
fn no_message_names_a_temporary_file() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path().join("sealed");
    std::fs::write(&folder, "").unwrap();
    for arguments in [
        &["records", "export", "sealed/x.gz"][..],
        &["man", "--out", "sealed"],
        &["verify", "l2_best", "--evidence", "published", "--brief", "--report", "sealed"],
        &["figure", "2", "--evidence", "published", "--out", "sealed"],
    ] {
        let ran = sandbox.run(arguments);
        assert_eq!(ran.code, 73, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains("sealed"), "{arguments:?}: {}", ran.err);
        for temporary in [".x.gz.", ".repro", ".index", "at path", ".tmp"] {
            assert!(!ran.err.contains(temporary), "{arguments:?}: {}", ran.err);
        }
    }
}

#[test]
fn help_lists_every_exit_code_and_variable() {
    let sandbox = Sandbox::new();
    let help = sandbox.run(&["--help"]).out;
    let source = include_str!("../../../src/cli/exit.rs");
    let constants = source.lines().filter_map(|line| line.strip_prefix("pub const "));
    for constant in constants {
        let (name, code) = constant.split_once(": u8 = ").unwrap();
        let code = code.trim_end_matches(';');
        let row = |line: &str| line.split_whitespace().take(2).eq([code, name]);
        assert!(help.lines().any(row), "{code} {name}: {help}");
    }
    let page = include_str!("../../../docs/reference/environment.md");
    let (_, read) = page.split_once("## Read by `repro`").unwrap();
    let (read, _) = read.split_once("## Read by set-up").unwrap();
    for row in read.lines().filter(|line| line.starts_with("| `")) {
        if row.contains("while compiling") {
            continue;
        }
        let names = row.split('|').nth(1).unwrap();
        for name in names.split('`').skip(1).step_by(2) {
            let upper = name.to_uppercase();
            assert!(help.contains(name) || help.contains(&upper), "{name}: {help}");
        }
    }
}
