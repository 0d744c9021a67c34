//! The rules that hold for every command: names, lists, old spellings, options, forms for programs,
//! exit codes.

mod forms;
mod init;
mod lists;
mod lock;
mod names;
mod old_spellings;
mod outputs;
mod pipes;
mod records;
mod scripts;
mod seven_shapes;
mod study;

use std::{path::Path, process::Command};

use crate::common::stderr::stderr_text;

/// Records that ship with the project.
const RECORDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/goldens/store/records-0.1.0.jsonl.gz");
/// The first digits of the name of one of them.
const RECORD: &str = "e7c84a04";

/// A folder to run commands in, with a ledger and a data folder of its own.
struct Sandbox {
    folder: tempfile::TempDir,
}

/// Exit code, standard output, and standard error without frames and line breaks.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Sandbox {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// One whose ledger has the records of the project.
    fn with_records() -> Self {
        let sandbox = Self::new();
        assert_eq!(sandbox.run(&["records", "import", RECORDS]).code, 0);
        sandbox
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_repro"));
        command.current_dir(self.path()).env("NO_COLOR", "1").env_remove("CLICOLOR_FORCE");
        command.env("LC_ALL", "C.UTF-8").env_remove("COLUMNS");
        command.env("REPRO_LEDGER", "ledger").env("REPRO_DATA", "data");
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command().args(arguments).output().unwrap();
        let err = stderr_text(&output.stderr);
        Ran {
            code: output.status.code().expect("no signal"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: err.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" "),
        }
    }
}
