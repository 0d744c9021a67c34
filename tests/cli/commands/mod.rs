//! The program as people use it: what it prints, where, and with which exit code.

mod figures;
mod summary;
mod tables;

use crate::common;

use std::{fs, path::Path};

use assert_cmd::Command;
use common::{Run, claim_text, log, rows, run, stderr::stderr_text};

fn repro() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("repro"));
    // Anyone who runs the tests may have set these.
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").env_remove("COLUMNS");
    command.env("LC_ALL", "C.UTF-8");
    command
}

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

fn ran(arguments: &[&str]) -> Ran {
    finished(repro().args(arguments))
}

fn finished(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().expect("no signal"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: stderr_text(&output.stderr),
    }
}

/// An error's text without the frame and the line breaks that it is drawn with.
fn flat(text: &str) -> String {
    text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

/// A folder with one claim, `gap`, and a log of its own.
fn bench(relation: &str, runs: &[Run<'_>]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("gap.toml"), claim_text(relation)).unwrap();
    fs::write(folder.path().join("runs.csv"), log(&rows(runs))).unwrap();
    folder
}

pub fn leads(points: &[f64]) -> Vec<Run<'static>> {
    let pair =
        |(lead, seed): (&f64, u64)| [run("l2_3", seed, 50.0 + lead), run("natural", seed, 50.0)];
    points.iter().zip(1..).flat_map(pair).collect()
}

fn verify(folder: &Path, more: &[&str]) -> Ran {
    let log = folder.join("runs.csv");
    finished(repro().arg("verify").arg("--claims").arg(folder).arg("--log").arg(log).args(more))
}

#[test]
fn the_worst_verdict_gives_the_exit_code() {
    for (points, code) in [([5.0, 6.0, 5.5], 0), ([-5.0, -6.0, -5.5], 1), ([5.0, -6.0, 5.5], 2)] {
        let folder = bench("greater_than = 0.0", &leads(&points));
        let ran = verify(folder.path(), &[]);
        assert_eq!(ran.code, code, "{}", ran.stdout);
    }
    let robust: Vec<Run<'_>> =
        leads(&[5.0, 6.0]).into_iter().filter(|run| run.source == "l2_3").collect();
    assert_eq!(verify(bench("greater_than = 0.0", &robust).path(), &[]).code, 3);
    assert_eq!(
        ran(&["verify", "--evidence", "published"]).code,
        3,
        "some published claims have no records"
    );
}

#[test]
fn with_expected_the_exit_code_compares_verdicts() {
    assert_eq!(ran(&["verify", "--evidence", "published", "--expected"]).code, 0);
    let supported = bench("greater_than = 0.0", &leads(&[5.0, 6.0, 5.5]));
    assert_eq!(verify(supported.path(), &["--expected"]).code, 0);
    let refuted =
        verify(bench("greater_than = 0.0", &leads(&[-5.0, -6.0, -5.5])).path(), &["--expected"]);
    assert_eq!(refuted.code, 4);
    assert!(
        refuted.stderr.contains("unexpected: gap on log evidence is refuted"),
        "{}",
        refuted.stderr
    );
    // A claim that expects nothing of this evidence can't pass the comparison by saying nothing.
    let text = claim_text("greater_than = 0.0").replace("expected.log", "expected.published");
    fs::write(supported.path().join("gap.toml"), text).unwrap();
    assert_eq!(verify(supported.path(), &["--expected"]).code, 64);
}

#[test]
fn usage_errors_exit_with_64_and_say_what_was_meant() {
    for (arguments, what) in [
        (vec!["verify", "--claim", "shape-bias"], "did you mean `shape_bias`?"),
        (vec!["show", "l2_bets"], "did you mean `l2_best`?"),
        (vec!["verfy"], "verify"),
        (vec!["verify", "--evidence", "publshed"], "published"),
        (vec![], "Usage"),
    ] {
        let ran = ran(&arguments);
        assert_eq!(ran.code, 64, "{arguments:?}: {}", ran.stderr);
        assert!(flat(&ran.stderr).contains(what), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stdout.is_empty());
    }
}

#[test]
fn a_malformed_claim_exits_with_64_and_shows_the_line() {
    let folder = bench("greater_than = 0.0", &leads(&[5.0, 6.0]));
    let text = claim_text("greater_than = 0.0").replace("svhn", "svnh");
    fs::write(folder.path().join("gap.toml"), text).unwrap();
    let ran = verify(folder.path(), &[]);
    assert_eq!(ran.code, 64);
    for part in ["gap.toml", "line 17", "did you mean `svhn`?", "svnh"] {
        assert!(flat(&ran.stderr).contains(part), "{part}: {}", ran.stderr);
    }
    fs::rename(folder.path().join("gap.toml"), folder.path().join("other.toml")).unwrap();
    fs::write(folder.path().join("other.toml"), claim_text("greater_than = 0.0")).unwrap();
    let misnamed = verify(folder.path(), &[]);
    assert_eq!(misnamed.code, 64);
    assert!(flat(&misnamed.stderr).contains("rename the file to gap.toml"), "{}", misnamed.stderr);
}

#[test]
fn missing_or_damaged_input_exits_with_66_and_names_the_file() {
    let folder = bench("greater_than = 0.0", &leads(&[5.0, 6.0]));
    let log = folder.path().join("runs.csv");
    let text = fs::read_to_string(&log).unwrap();
    for (spoiled, what) in [
        (text.replace(",55,", ",nan,"), "line 3, column test_accuracy_percent: `nan`"),
        (text.replace("test_loss", "tst_loss"), "did you mean `test_loss`?"),
        (text[..text.len() / 2].to_owned(), "fields, the header has 11"),
        (format!("{text}{}", rows(&leads(&[5.0]))[0].clone() + "\n"), "is given twice"),
    ] {
        assert_ne!(spoiled, text, "{what}");
        fs::write(&log, spoiled).unwrap();
        let ran = verify(folder.path(), &[]);
        assert_eq!(ran.code, 66, "{what}: {}", ran.stderr);
        let error = flat(&ran.stderr);
        assert!(error.contains(what) && error.contains("help"), "{what}: {}", ran.stderr);
        assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    }
    fs::write(&log, text).unwrap();
    fs::remove_file(&log).unwrap();
    assert_eq!(verify(folder.path(), &[]).code, 66);
    assert_eq!(ran(&["verify", "--claims", "no/such/folder"]).code, 66);
}

#[test]
fn a_spec_that_is_huge_or_no_text_exits_with_66() {
    let folder = bench("greater_than = 0.0", &leads(&[5.0, 6.0]));
    for bytes in [vec![b'#'; (1 << 20) + 1], vec![0xff, 0xfe, 0x00]] {
        fs::write(folder.path().join("gap.toml"), bytes).unwrap();
        let ran = verify(folder.path(), &[]);
        assert_eq!(ran.code, 66, "{}", ran.stderr);
        assert!(ran.stderr.contains("gap.toml"), "{}", ran.stderr);
    }
}

#[test]
fn runs_that_no_claim_can_use_are_reported() {
    let mut runs = leads(&[5.0, 6.0]);
    runs[0].source = "l2-3";
    let ran = verify(bench("greater_than = 0.0", &runs).path(), &[]);
    assert!(ran.stderr.contains("unknown source `l2-3`, did you mean `l2_3`?"), "{}", ran.stderr);
    let known = verify(bench("greater_than = 0.0", &leads(&[5.0, 6.0])).path(), &[]);
    assert!(known.stderr.is_empty(), "{}", known.stderr);
}

#[test]
fn the_printed_commands_give_the_same_verdicts_again() {
    let folder = bench("greater_than = 0.0", &leads(&[-5.0, -6.0, -5.5]));
    let asked = verify(folder.path(), &["--expected", "--format", "json"]);
    assert_eq!(asked.code, 4, "{}", asked.stderr);
    let cited: serde_json::Value = serde_json::from_str(&asked.stdout).unwrap();
    let again = |command: &serde_json::Value| {
        let words = command.as_str().unwrap().strip_prefix("repro ").unwrap();
        finished(repro().args(words.split(' ')))
    };
    let whole = again(&cited["command"]);
    assert_eq!(whole.code, 4, "{}", whole.stderr);
    let one = again(&cited["claims"][0]["again"]);
    assert_eq!(one.code, 1, "{}", one.stderr);
}

#[test]
fn an_unwritable_report_folder_exits_with_73_and_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken");
    fs::write(&file, "").unwrap();
    let report = file.join("report");
    let ran = finished(
        repro()
            .args(["verify", "--evidence", "published", "--claim", "l2_best", "--report"])
            .arg(&report),
    );
    assert_eq!(ran.code, 73, "{}", ran.stderr);
    assert!(ran.stderr.contains("taken"), "{}", ran.stderr);
}

#[test]
fn standard_output_is_json_alone_and_valid_by_its_schema() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report");
    let ran = finished(
        repro()
            .args(["verify", "--evidence", "published", "--format", "json", "--report"])
            .arg(&report),
    );
    let verdicts: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let schema: serde_json::Value =
        serde_json::from_str(&self::ran(&["schema", "verdicts"]).stdout).unwrap();
    assert!(jsonschema::is_valid(&schema, &verdicts));
    assert!(report.join("index.html").exists());
    // What is printed and what lies beside the page are one.
    assert_eq!(fs::read_to_string(report.join("repro-verdicts.json")).unwrap(), ran.stdout);

    assert_eq!(verdicts["format_version"], 1);
    let claims = verdicts["claims"].as_array().unwrap();
    assert_eq!(claims.len(), 14);
    let cells = |id: &str| {
        let claim = claims.iter().find(|claim| claim["claim"] == id).unwrap();
        claim["cells"].as_array().unwrap().clone()
    };
    // Every target x images x blocks that the claim names is there, whatever the quantifier.
    assert_eq!(cells("robust_beats_natural").len(), 6 * 9);
    assert_eq!(cells("l2_best").len(), 6 * 5 + 2 * 5);
    assert_eq!(cells("shape_bias").len(), 2 * 3);
    // What the contrast varies is null, and named in it.
    let varied = &cells("fewer_blocks_for_similar")[0];
    assert!(varied["target"].is_null() && varied["blocks"].is_null());
    let contrast = varied["contrast"].as_str().unwrap();
    assert!(contrast.contains("similar") && contrast.contains("blocks"), "{contrast}");
    for cell in cells("shape_bias") {
        assert!(cell["mean"].is_null() && cell["p"].is_null());
        assert_eq!(cell["verdict"], "incomplete");
    }
}

#[test]
fn numbers_in_json_are_not_rounded() {
    let ran = ran(&[
        "verify",
        "--evidence",
        "published",
        "--claim",
        "robust_beats_natural",
        "--format",
        "json",
    ]);
    assert_eq!(ran.code, 0);
    let verdicts: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let cells = verdicts["claims"][0]["cells"].as_array().unwrap();
    let cell = cells.iter().find(|cell| cell["target"] == "svhn" && cell["images"] == 800).unwrap();
    assert!((cell["low"].as_f64().unwrap() - 20.005_465_384_001).abs() < 1e-10);
    assert_eq!(cell["unit"], "points");
}

#[test]
fn text_fits_a_hundred_columns_and_is_plain_without_a_terminal() {
    for arguments in [
        &["verify", "--evidence", "published"][..],
        &["list"],
        &["verify", "--evidence", "published", "--brief"],
    ] {
        let ran = ran(arguments);
        assert!(!ran.stdout.contains('\u{1b}'), "{arguments:?}");
        for line in ran.stdout.lines() {
            assert!(line.chars().count() <= 100, "{arguments:?}: {line}");
        }
    }
    let text = ran(&["verify", "--evidence", "published"]).stdout;
    assert!(
        text.contains("robust_beats_natural") && text.contains("supported on published evidence")
    );
    assert!(text.contains("conditional on"));
}

#[test]
fn colour_can_be_forced_and_no_color_wins() {
    let colour = finished(
        repro().args(["verify", "--evidence", "published", "--brief"]).env("CLICOLOR_FORCE", "1"),
    );
    assert!(colour.stdout.contains("\u{1b}["));
    let plain = finished(
        repro().args(["verify", "--evidence", "published", "--brief"]).env("NO_COLOR", "1"),
    );
    assert!(!plain.stdout.contains("\u{1b}["));
}

#[test]
fn the_binary_works_from_any_folder() {
    let elsewhere = tempfile::tempdir().unwrap();
    let ran = finished(
        repro()
            .args(["verify", "--evidence", "published", "--claim", "l2_best"])
            .current_dir(elsewhere.path()),
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn list_show_doctor_and_completions_print_what_they_promise() {
    let list = ran(&["list"]);
    assert!(list.code == 0 && list.stdout.contains("shape_bias") && list.stdout.contains("0/12"));
    let show = ran(&["show", "robust_beats_natural"]);
    for part in [
        "figure 2",
        "l2_3 - natural",
        "greater than 0 points",
        "in at least 49 of 54",
        "3, 5, 10 seeds",
    ] {
        assert!(show.stdout.contains(part), "{part}: {}", show.stdout);
    }
    let doctor = ran(&["doctor"]);
    assert_eq!(doctor.code, 0);
    let engine: &[&str] = match cfg!(feature = "engine") {
        true => &["libtorch", "2.11.0", "threads", "cuda"],
        false => &["engine", "none in this build"],
    };
    for part in engine.iter().chain(&["ledger", "influence_follows_class"]) {
        assert!(doctor.stdout.contains(part), "{part}: {}", doctor.stdout);
    }
    assert!(ran(&["completions", "bash"]).stdout.contains("repro"));
    assert!(ran(&["--help"]).stdout.contains("Examples:"));
    assert!(ran(&["verify", "--help"]).stdout.contains("Examples:"));
}

#[test]
fn a_closed_pipe_is_no_crash() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("repro"))
        .args(["verify", "--evidence", "published", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.code().is_some(), "no signal");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
}

#[cfg(not(feature = "gpu"))]
#[cfg(feature = "engine")]
#[test]
fn a_missing_gpu_is_refused_before_anything_runs() {
    let ledger = tempfile::tempdir().unwrap();
    let folder = ledger.path().to_str().unwrap();
    let asked = ["verify", "--evidence", "smoke", "--device", "cuda", "--ledger", folder];
    let refused = ran(&asked);
    assert_eq!(refused.code, 64, "{}", refused.stderr);
    assert!(flat(&refused.stderr).contains("this machine has no usable GPU"), "{}", refused.stderr);
    assert_eq!(fs::read_dir(ledger.path()).unwrap().count(), 0);
}

#[test]
fn a_run_that_is_longer_than_all_others_is_reported() {
    let mut runs = leads(&[5.0, 6.0, 5.5]);
    let folder = bench("greater_than = 0.0", &runs);
    let plain = verify(folder.path(), &[]);
    assert_eq!((plain.code, plain.stderr.as_str()), (0, ""));
    let last = runs.iter_mut().rfind(|run| run.source == "natural").unwrap();
    last.accuracy.push((120, 50.5));
    fs::write(folder.path().join("runs.csv"), log(&rows(&runs))).unwrap();
    let stray = verify(folder.path(), &[]);
    assert_eq!(stray.code, 2, "{}", stray.stdout);
    let said = flat(&stray.stderr);
    let expected = "note: 2 of 3 runs of svhn from natural, 100 images, 3 blocks end before epoch 120, the end of other runs, and are \
                    assumed to have stopped early; if they ended as planned, remove the later epochs of the others";
    assert_eq!(said, expected);
}

/// What a program writes to a terminal of so many columns, by Python's own.
fn on_a_terminal(columns: u16, arguments: &[&str]) -> String {
    let script = "import fcntl, os, pty, struct, sys, termios\n\
                  main, sub = pty.openpty()\n\
                  fcntl.ioctl(sub, termios.TIOCSWINSZ, struct.pack('HHHH', 24, int(sys.argv[1]), 0, 0))\n\
                  pid = os.fork()\n\
                  if pid == 0:\n\
                  \tos.dup2(sub, 1)\n\
                  \tos.execv(sys.argv[2], sys.argv[2:])\n\
                  os.close(sub)\n\
                  while True:\n\
                  \ttry: some = os.read(main, 65536)\n\
                  \texcept OSError: break\n\
                  \tif not some: break\n\
                  \tsys.stdout.buffer.write(some)\n";
    let program = assert_cmd::cargo::cargo_bin("repro");
    let mut command = std::process::Command::new("python3");
    command.args(["-c", script, &columns.to_string()]).arg(program).args(arguments);
    let output = command.env("NO_COLOR", "1").output().unwrap();
    String::from_utf8(output.stdout).unwrap().replace('\r', "")
}

#[test]
fn sentences_fit_the_terminal_and_numbers_stay_whole() {
    let longest = |text: &str| text.lines().map(|line| line.chars().count()).max().unwrap();
    for (columns, fits) in [(72, 72), (200, 100)] {
        let verify = &["verify", "--claim", "l2_best", "--evidence", "published", "--brief"];
        for arguments in [&verify[..], &["show", "l2_best"]] {
            let text = on_a_terminal(columns, arguments);
            let longest = longest(&text);
            assert!(longest <= fits && longest > fits - 15, "{longest} of {fits}:\n{text}");
        }
        let table = on_a_terminal(columns, &verify[..5]);
        // On 72 columns, each row is a list.
        let row = match columns {
            72 => "ahead 7/10; mean +1.28; interval +0.37 to +2.19; p 0.0055;",
            _ => "  100   7/10  +1.28  +0.37 to +2.19  0.0055   0.0055  supported",
        };
        assert!(table.contains(row), "{table}");
        assert!(longest(&table) <= fits, "{table}");
    }
}

/// Paragraphs are one line each, so that clap breaks them where the terminal ends.
#[test]
fn help_fits_the_terminal() {
    for command in ["verify", "sensitivity", "fetch", "plan", "compare"] {
        let text = on_a_terminal(80, &[command, "--help"]);
        let (_, after) = text.split_once("Examples:").unwrap();
        let lines: Vec<&str> = after.lines().collect();
        for pair in lines.windows(2).filter(|pair| !pair[0].is_empty() && !pair[1].is_empty()) {
            let is_prose = pair.iter().all(|line| !line.starts_with(' '));
            let word = pair[1].split(' ').next().unwrap().chars().count();
            let room = 80usize.saturating_sub(pair[0].chars().count() + 1);
            assert!(!is_prose || word > room, "{command}: broken early: {pair:?}");
        }
    }
}
