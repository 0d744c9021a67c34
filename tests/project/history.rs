//! Hypotheses are locked before their results, by the history of this repository: the commit that
//! first has a result with a hypothesis's digest comes after one that has the digest in the lock.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    path::Path,
    process::{Command, Output},
};

use crate::common::require::required;

/// The lock, seen from the project's folder.
const LOCK: &str = "claims/lock.toml";
/// The results that state digests of hypotheses (`tests/claims/smoke.rs` writes them).
const RESULTS: &str = "goldens/claims/*-smoke.json";

/// What a history says.
#[derive(Debug, PartialEq)]
enum Found {
    /// Every result came after its lock: how many digests have a result.
    Locked(usize),
    /// Results whose digest no earlier commit had locked.
    Late(Vec<String>),
    /// The history does not reach back far enough, or there is none.
    Unknown(String),
}

/// The standard output of git in a folder, or why it failed.
fn git<A: AsRef<OsStr>>(folder: &Path, arguments: &[A]) -> Result<String, String> {
    let mut command = Command::new("git");
    command.current_dir(folder).args(arguments);
    let Output { status, stdout, stderr } =
        command.output().map_err(|error| format!("git does not start: {error}"))?;
    if status.success() {
        String::from_utf8(stdout).map_err(|error| error.to_string())
    } else {
        Err(String::from_utf8_lossy(&stderr).trim().to_owned())
    }
}

fn history(project: &Path) -> Found {
    check(project).unwrap_or_else(Found::Unknown)
}

fn check(project: &Path) -> Result<Found, String> {
    if git(project, &["rev-parse", "--is-shallow-repository"])?.trim() != "false" {
        return Err("the clone is shallow".to_owned());
    }
    // A folder that another repository contains has no history of its own.
    git(project, &["ls-files", "--error-unmatch", LOCK])?;
    let log = git(
        project,
        &[
            ["log", "--reverse", "--topo-order", "--full-history", "-m", "-p", "-U0"].as_slice(),
            &["--no-renames", "--no-color", "--no-ext-diff", "--format=commit %H %P", "--"],
            &[RESULTS],
        ]
        .concat(),
    )?;
    let (mut seen, mut late, mut roots) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
    let (mut commit, mut parents) = ("", Vec::new());
    for line in log.lines() {
        if let Some(of) = line.strip_prefix("commit ") {
            let mut hashes = of.split(' ').filter(|hash| !hash.is_empty());
            commit = hashes.next().unwrap_or_default();
            parents = hashes.collect();
        }
        let Some(digest) = line.strip_prefix('+').and_then(digest) else { continue };
        if !seen.insert(digest) {
            continue;
        }
        if parents.is_empty() {
            roots.insert(commit);
        } else if !parents.iter().any(|parent| has_locked(project, parent, digest)) {
            let subject = git(project, &["log", "-1", "--format=%h (%s)", commit])?;
            late.push(format!("{digest}: no commit before {} locked it", subject.trim()));
        }
    }
    if !late.is_empty() {
        return Ok(Found::Late(late));
    }
    match roots.first() {
        Some(root) => Err(format!("the history begins at {root}, with results in it")),
        None => Ok(Found::Locked(seen.len())),
    }
}

/// The digest that a line of a result states.
fn digest(line: &str) -> Option<&str> {
    line.trim().strip_prefix("\"digest\": \"")?.split('"').next()
}

/// Whether the lock of a commit has a digest; a commit without a lock has none.
fn has_locked(project: &Path, commit: &str, digest: &str) -> bool {
    let lock = git(project, &["show", &format!("{commit}:./{LOCK}")]).unwrap_or_default();
    lock.contains(&format!("digest = \"{digest}\""))
}

#[test]
fn every_hypothesis_with_a_result_was_locked_before_it() {
    match history(Path::new(env!("CARGO_MANIFEST_DIR"))) {
        Found::Locked(count) => println!("{count} hypotheses were locked before their results"),
        Found::Late(late) => panic!("results without an earlier lock:\n{}", late.join("\n")),
        Found::Unknown(why) => {
            assert!(!required("history"), "REPRO_REQUIRE=history, and {why}");
            eprintln!("skipped: when hypotheses were locked is not checked, since {why}");
        }
    }
}

/// A small repository, to which a test adds commits.
struct Repository(tempfile::TempDir);

impl Repository {
    fn new() -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.commit("README.md", "A small repository.");
        repository
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn git(&self, arguments: &[&str]) {
        let identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
        let unsigned = ["-c", "commit.gpgsign=false"];
        let all = [identity.as_slice(), &unsigned, arguments].concat();
        git(self.path(), &all).unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn commit(&self, file: &str, text: &str) {
        self.write(file, text);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", file]);
    }

    fn lock(&self, digests: &[&str]) {
        self.commit(LOCK, &lock(digests));
    }

    fn result(&self, claim: &str, digests: &[&str]) {
        self.commit(&format!("goldens/claims/{claim}-smoke.json"), &result(digests));
    }

    /// The places of the late digests in a list, or `None` if the history says nothing.
    fn late(&self, digests: &[&str]) -> Option<Vec<usize>> {
        let late = match history(self.path()) {
            Found::Locked(count) => {
                assert_eq!(count, digests.len());
                return Some(Vec::new());
            }
            Found::Late(late) => late,
            Found::Unknown(_) => return None,
        };
        let place = |late: &String| digests.iter().position(|digest| late.starts_with(digest));
        Some(late.iter().map(|late| place(late).unwrap()).collect())
    }
}

fn lock(digests: &[&str]) -> String {
    let line = |digest: &&str| format!("\"of_{digest}\" = {{ digest = \"{digest}\" }}\n");
    digests.iter().map(line).collect()
}

fn result(digests: &[&str]) -> String {
    let of = |digest: &&str| format!("  \"of_{digest}\": {{\n    \"digest\": \"{digest}\"\n  }}");
    format!("{{\n{}\n}}\n", digests.iter().map(of).collect::<Vec<_>>().join(",\n"))
}

#[test]
fn results_after_their_locks_are_fine() {
    let repository = Repository::new();
    repository.lock(&["one"]);
    assert_eq!(repository.late(&[]), Some(vec![]));
    repository.result("a", &["one"]);
    repository.lock(&["one", "two"]);
    repository.result("b", &["two"]);
    // A hypothesis that is changed is locked again, and a digest counts once.
    repository.lock(&["one", "three"]);
    repository.result("b", &["three"]);
    repository.result("a", &["one", "three"]);
    assert_eq!(repository.late(&["one", "two", "three"]), Some(vec![]));
}

#[test]
fn a_result_before_or_beside_its_lock_is_late() {
    let repository = Repository::new();
    repository.lock(&["one"]);
    repository.result("a", &["one", "two"]);
    // A lock after the result does not help.
    repository.lock(&["one", "two"]);
    assert_eq!(repository.late(&["one", "two"]), Some(vec![1]));
    // Neither does one in the same commit.
    repository.write(LOCK, &lock(&["one", "two", "three"]));
    repository.result("b", &["three"]);
    assert_eq!(repository.late(&["one", "two", "three"]), Some(vec![1, 2]));
    // A digest that the lock had once and lost before the result is not locked.
    repository.lock(&["four"]);
    repository.lock(&["one"]);
    repository.result("b", &["four"]);
    assert_eq!(repository.late(&["one", "two", "three", "four"]), Some(vec![1, 2, 3]));
}

#[test]
fn a_lock_on_another_branch_is_no_earlier_lock() {
    let repository = Repository::new();
    repository.lock(&["one"]);
    repository.git(&["switch", "--quiet", "--create", "results"]);
    repository.result("a", &["one", "two"]);
    repository.git(&["switch", "--quiet", "main"]);
    repository.lock(&["one", "two"]);
    repository.git(&["merge", "--quiet", "--no-edit", "results"]);
    assert_eq!(repository.late(&["one", "two"]), Some(vec![1]));
}

#[test]
fn a_merge_of_a_locked_result_is_fine() {
    let repository = Repository::new();
    repository.git(&["switch", "--quiet", "--create", "results"]);
    repository.lock(&["one"]);
    repository.result("a", &["one"]);
    repository.git(&["switch", "--quiet", "main"]);
    repository.commit("README.md", "Another text.");
    repository.git(&["merge", "--quiet", "--no-edit", "results"]);
    assert_eq!(repository.late(&["one"]), Some(vec![]));
}

#[test]
fn a_history_that_does_not_reach_back_says_nothing() {
    let repository = Repository::new();
    assert_eq!(repository.late(&[]), None, "a project without a lock");
    repository.lock(&["one"]);
    repository.result("a", &["one"]);
    let clone = tempfile::tempdir().unwrap();
    let (from, to) = (format!("file://{}", repository.path().display()), clone.path());
    let to_text = to.to_str().unwrap();
    repository.git(&["clone", "--quiet", "--depth", "1", &from, to_text]);
    assert_eq!(history(to), Found::Unknown("the clone is shallow".to_owned()));
    // Lock and results in the first commit of all.
    let begun = Repository(tempfile::tempdir().unwrap());
    begun.git(&["init", "--quiet", "--initial-branch=main"]);
    begun.write(LOCK, &lock(&["one"]));
    begun.result("a", &["one"]);
    assert_eq!(begun.late(&["one"]), None);
    // No repository.
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(history(folder.path()), Found::Unknown(_)));
}
