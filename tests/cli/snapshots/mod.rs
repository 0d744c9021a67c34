//! Everything that people read, held as snapshots in `goldens/cli`, so that the diff of these files shows a
//! change of words in every place where it is read. `INSTA_UPDATE=always cargo test --test cli snapshots`
//! writes them again.

mod checkpoints;
mod claims;
#[cfg(feature = "engine")]
mod engine;
mod fetch;
mod help;
mod ledger;
mod logs;
mod outputs;
mod pickles;
#[cfg(not(feature = "engine"))]
mod recipes;
mod report;
mod shapes;
mod texts;
mod usage;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use super::common::stderr::stderr_text;

/// The environment variables that are kept: paths of programs and libraries, and of coverage.
const KEPT: [&str; 4] = ["PATH", "HOME", "LD_LIBRARY_PATH", "LLVM_PROFILE_FILE"];

/// Commands in a folder of their own, each with its exit code and its output.
struct Transcript {
    folder: tempfile::TempDir,
    environment: Vec<(&'static str, &'static str)>,
    text: String,
}

impl Transcript {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, environment: Vec::new(), text: String::new() }
    }

    /// The same in an environment with one thing more.
    fn with(mut self, variable: &'static str, value: &'static str) -> Self {
        self.environment.push((variable, value));
        self
    }

    /// Writes a file, and the folders that it lies in.
    fn file(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    /// Copies a file of the project into the folder.
    fn golden(&self, name: &str, golden: &str) {
        self.file(name, self::golden(golden));
    }

    /// Says in the snapshot what was done before the next command.
    fn note(&mut self, what: &str) {
        self.text += &format!("# {what}\n");
    }

    /// Runs a command as a shell would, which knows single quotes and nothing else.
    fn run(&mut self, command: &str) {
        let output = self.output(command);
        self.text += &output;
    }

    /// The same for a long text: lines that have no new word are left out.
    fn run_in_short(&mut self, command: &str) {
        let output = self.output(command);
        self.text += &shapes::in_short(&output);
    }

    /// The same without lines of JSON.
    #[cfg(not(feature = "engine"))]
    fn run_for_people(&mut self, command: &str) {
        let output = self.output(command);
        let for_people = output.split_inclusive('\n').filter(|line| !line.starts_with('{'));
        self.text.extend(for_people);
    }

    fn output(&self, command: &str) -> String {
        let words = words(command);
        assert_eq!(words[0], "repro", "{command}");
        let mut program = Command::new(assert_cmd::cargo::cargo_bin!("repro"));
        program.env_clear().args(&words[1..]).current_dir(self.folder.path()).stdin(Stdio::null());
        program.envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        // A width, letters that can be drawn, and folders that nobody else fills.
        program.envs([("COLUMNS", "100"), ("LC_ALL", "C.UTF-8"), ("NO_COLOR", "1")]);
        program.envs([("REPRO_LEDGER", "ledger"), ("REPRO_DATA", "data")]);
        program.envs(self.environment.iter().copied());
        let ran = program.output().unwrap();
        let mut output = String::new();
        for (variable, value) in &self.environment {
            output += &format!("$ export {variable}={value}\n");
        }
        let code = ran.status.code().expect("no signal");
        output += &format!("$ {command}\nexit {code}\n");
        let stdout = self.hidden(&String::from_utf8(ran.stdout).unwrap());
        let stderr = self.hidden(&stderr_text(&ran.stderr));
        output += &stdout;
        if !stdout.is_empty() && !stderr.is_empty() {
            output += "(standard error)\n";
        }
        output + &stderr + "\n"
    }

    /// The first lines of a file that a command wrote.
    fn begins(&mut self, name: &str, lines: usize) {
        let text = self.read(name);
        let begins: Vec<&str> = text.lines().take(lines).collect();
        self.text += &format!("{name} begins:\n{}\n\n", self.hidden(&begins.join("\n")));
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// A text without what differs from machine to machine.
    fn hidden(&self, text: &str) -> String {
        let folder = self.folder.path();
        let real = fs::canonicalize(folder).unwrap();
        let text = text.replace(&real.display().to_string(), "DIR");
        let text = text.replace(&folder.display().to_string(), "DIR");
        let text = text.replace(env!("CARGO_MANIFEST_DIR"), "PROJECT");
        text.lines().map(|line| untimed(line.trim_end()) + "\n").collect()
    }

    fn snapshot(&self, name: &str) {
        snapshot(name, &self.text);
    }
}

/// A line without the speed of a download.
fn untimed(line: &str) -> String {
    match line.rsplit_once(", all of it, in ") {
        Some((before, speed)) if speed.ends_with("B/s") => {
            format!("{before}, all of it, in TIME, SPEED")
        }
        _ => line.to_owned(),
    }
}

/// Compares a text with the snapshot of a name.
fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path("../../../goldens/cli");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// A file of the project.
fn golden(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens").join(name)).unwrap()
}

/// A command's words.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut quoted, mut open) = (Vec::new(), false, false);
    for character in command.chars() {
        match character {
            '\'' => quoted = !quoted,
            ' ' if !quoted => {
                open = false;
                continue;
            }
            _ => (),
        }
        if !open {
            words.push(String::new());
            open = true;
        }
        if character != '\'' {
            words.last_mut().unwrap().push(character);
        }
    }
    words
}
