//! From the program that judges to the one that computes: what only judges never waits for libtorch, and
//! a message of one line says why the other program can't start.

use std::{path::Path, process::Command};

/// What a command said on standard error, in one line, and its exit code.
fn said(command: &mut Command) -> (String, Option<i32>) {
    let ended = command.output().unwrap();
    let text = String::from_utf8(ended.stderr).unwrap();
    (text.split_whitespace().collect::<Vec<_>>().join(" "), ended.status.code())
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_repro"))
}

/// Commands that need no fine-tune.
const JUDGES: [&[&str]; 5] = [
    &["list"],
    &["show", "shape_bias"],
    &["verify", "--evidence", "published", "--claim", "shape_bias", "--brief"],
    &["power", "--claim", "shape_bias"],
    &["figure"],
];

#[cfg(target_os = "linux")]
#[test]
fn the_program_that_judges_is_not_linked_with_libtorch() {
    let names = |program: &Path, library: &[u8]| {
        let bytes = std::fs::read(program).unwrap();
        bytes.windows(library.len()).any(|part| part == library)
    };
    for library in [&b"libtorch_cpu.so\0"[..], b"libc10.so\0"] {
        assert!(!names(program(), library));
        // So that the names are known to be found where they are.
        if cfg!(feature = "engine") {
            assert!(names(&program().with_file_name("repro-engine"), library));
        }
    }
}

/// Images and weights are the engine's: the program that judges has cards and digests alone.
#[test]
fn the_program_that_judges_has_no_image_and_no_weights() {
    let bytes = std::fs::read(program()).unwrap();
    let engine = program().with_file_name("repro-engine");
    let engine = cfg!(feature = "bundled").then(|| std::fs::read(engine).unwrap());
    let has = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|other| other == part);
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/smoke");
    let files = [
        "zoo/natural.safetensors",
        "zoos/2/natural.safetensors",
        "images/kmnist-train-images-idx3-ubyte.gz",
    ];
    for file in files {
        let bundled = std::fs::read(goldens.join(file)).unwrap();
        let part = &bundled[bundled.len() / 2..][..32];
        assert!(!has(&bytes, part), "{file}");
        assert!(engine.as_ref().is_none_or(|engine| has(engine, part)), "{file}");
    }
    for card in ["zoo/natural.json", "zoos/2/natural.json"] {
        let card = std::fs::read(goldens.join(card)).unwrap();
        let part = &card[card.len() / 2..][..32];
        assert!(has(&bytes, part), "cards are in it");
    }
}

#[cfg(not(feature = "engine"))]
#[test]
fn commands_that_need_the_engine_name_the_build() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().to_str().unwrap();
    for words in [
        &["verify", "--evidence", "smoke", "--claim", "l2_best", "--ledger", ledger][..],
        &["figure", "A1", "--evidence", "smoke", "--run", "--ledger", ledger],
        &["sensitivity", "--claim", "l2_best", "--ledger", ledger],
        &["pretrain", "--world", "smoke"],
        &["doctor", "--world", "paper"],
    ] {
        let (text, code) = said(Command::new(program()).args(words));
        assert_eq!(code, Some(64), "{words:?}: {text}");
        assert!(text.contains("this build of repro has no engine"), "{text}");
        assert!(text.contains("`make build`"), "{text}");
    }
}

#[cfg(not(feature = "engine"))]
#[test]
fn what_needs_no_fine_tune_works_without_the_engine() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().to_str().unwrap();
    let more: [&[&str]; 3] = [
        &["plan", "--claim", "l2_best", "--ledger", ledger],
        &["doctor", "--ledger", ledger],
        &["verify", "--claim", "l2_best", "--no-run", "--ledger", ledger],
    ];
    for words in JUDGES.iter().chain(&more) {
        let (text, code) = said(Command::new(program()).args(*words));
        assert!(code.is_some_and(|code| code <= 3), "{words:?}: {code:?} {text}");
    }
}

#[cfg(all(feature = "engine", target_os = "linux"))]
mod with_the_engine {
    use super::*;

    /// A libtorch that is none, as another version in `LD_LIBRARY_PATH` is.
    fn foreign(folder: &Path) -> &Path {
        let source = folder.join("foreign.c");
        std::fs::write(&source, "void nothing(void) {}\n").unwrap();
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-Wl,-soname,libtorch_cpu.so", "-o"]);
        let made = compile.arg(folder.join("libtorch_cpu.so")).arg(&source).status().unwrap();
        assert!(made.success());
        folder
    }

    #[test]
    fn a_foreign_libtorch_is_reported_and_judging_still_works() {
        let folder = tempfile::tempdir().unwrap();
        let path = foreign(folder.path());
        for words in JUDGES {
            let mut command = Command::new(program());
            let (text, code) = said(command.args(words).env("LD_LIBRARY_PATH", path));
            assert!(code.is_some_and(|code| code <= 3), "{words:?}: {code:?} {text}");
        }
        let (text, code) = said(Command::new(program()).arg("doctor").env("LD_LIBRARY_PATH", path));
        assert_eq!(code, Some(66), "{text}");
        assert!(
            text.contains("failed to start") && text.contains("unset LD_LIBRARY_PATH"),
            "{text}"
        );
    }

    #[test]
    fn a_removed_working_folder_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        std::fs::create_dir(&gone).unwrap();
        let script = "rmdir ../gone && exec \"$0\" doctor";
        let mut command = Command::new("sh");
        let (text, code) = said(command.args(["-c", script]).arg(program()).current_dir(&gone));
        assert_eq!(code, Some(66), "{text}");
        assert!(text.contains("failed to find the working folder"), "{text}");
    }

    #[test]
    fn a_program_without_its_engine_judges_and_says_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let alone = folder.path().join("repro");
        std::fs::copy(program(), &alone).unwrap();
        let (text, code) = said(Command::new(&alone).arg("list"));
        assert_eq!(code, Some(0), "{text}");
        let (text, code) = said(Command::new(&alone).arg("doctor"));
        assert_eq!(code, Some(66), "{text}");
        assert!(text.contains("repro-engine") && text.contains("cargo build --release"), "{text}");
    }

    #[test]
    fn an_engine_refuses_a_caller_of_another_build() {
        let engine = program().with_file_name("repro-engine");
        let mut command = Command::new(engine);
        let (text, code) = said(command.arg("list").env("REPRO_ENGINE_CALLER", "another"));
        assert_eq!(code, Some(66), "{text}");
        assert!(text.contains("another build"), "{text}");
    }
}
