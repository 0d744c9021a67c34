//! Lists and ranges as values of options.

use super::Sandbox;

#[test]
fn kinds_of_evidence_and_forms_are_lists() {
    let sandbox = Sandbox::new();
    let judged = |evidence: &[&str]| {
        let always = ["verify", "l2_best", "--brief", "--no-run"];
        sandbox.run(&[&always[..], evidence].concat()).out
    };
    let both = judged(&["--evidence", "published,smoke"]);
    assert!(both.contains("1 claim on 2 kinds of evidence"), "{both}");
    assert_eq!(judged(&["--evidence", "smoke", "--evidence", "published"]), both);
    assert_eq!(judged(&[]), both);
    let draw = ["figure", "2", "--evidence", "published", "--format", "svg,csv", "--out", "f"];
    let drawn = sandbox.run(&draw);
    assert_eq!(drawn.out, "f/figure-2-published.svg\nf/figure-2-published.csv\n");
}

#[test]
fn a_wrong_range_says_what_is_wrong() {
    let sandbox = Sandbox::new();
    for (seeds, what) in [
        ("3..1", "the range 3..1 is empty: write 1..3"),
        ("1-3", "`1-3` is not a number; examples: 5, or 1..3, or 1..3,7"),
        ("1..99999999", "a range has at most 10000 numbers"),
        ("1,,2", "is not a number"),
    ] {
        let ran = sandbox.run(&["run", "--recipe", "mine.toml", "--seed", seeds]);
        assert_eq!(ran.code, 64);
        assert!(ran.err.contains(what), "{}", ran.err);
    }
}

#[test]
fn commands_that_run_nothing_have_no_options_of_running() {
    let sandbox = Sandbox::new();
    let nothing: [&[&str]; 5] =
        [&["list"], &["show"], &["compare"], &["power"], &["records", "list"]];
    for command in nothing {
        for option in [&["--threads", "1"], &["--device", "cpu"]] {
            let ran = sandbox.run(&[command, option].concat());
            assert_eq!(ran.code, 64, "{command:?} {option:?}");
            assert!(ran.err.contains("unexpected argument"), "{}", ran.err);
        }
    }
}

#[test]
fn a_wrong_time_or_name_of_a_worker_says_what_is_wrong() {
    let sandbox = Sandbox::new();
    let both = ["--for", "1h", "--until", "1600000000"];
    let cases: [(&[&str], &str); 4] = [
        (&["--for", "55"], "give numbers with units, such as 55m"),
        (&["--until", "17:05"], "give a time such as 2026-11-30T17:05"),
        (&both, "cannot be used with"),
        (&["--margin=-1m"], "--margin"),
    ];
    for (options, what) in cases {
        let ran = sandbox.run(&[&["work"], options].concat());
        assert_eq!(ran.code, 64, "{}", ran.err);
        assert!(ran.err.contains(what), "{}", ran.err);
    }
}
