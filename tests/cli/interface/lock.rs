//! `repro lock`: it writes what each hypothesis is into the lock of a folder of claims, `--check`
//! compares, and verdicts say what the lock has.

use std::fs;

use super::{Ran, Sandbox};
use crate::common::{claim_text, log, rows, run};

impl Sandbox {
    /// One with the claim `gap` in its folder `mine`.
    fn with_claim() -> Self {
        let sandbox = Self::new();
        fs::create_dir(sandbox.path().join("mine")).unwrap();
        sandbox.claim("gap", &claim_text("greater_than = 0.0"));
        sandbox
    }

    fn claim(&self, id: &str, text: &str) {
        fs::write(self.path().join(format!("mine/{id}.toml")), text).unwrap();
    }

    fn lock(&self, more: &[&str]) -> Ran {
        self.run(&[&["lock", "--claims", "mine"], more].concat())
    }

    fn locked(&self) -> String {
        fs::read_to_string(self.path().join("mine/lock.toml")).unwrap()
    }

    /// Makes every locked hypothesis one of an earlier day.
    fn lock_earlier(&self) {
        let today = date_of(&self.locked());
        let text = self.locked().replace(&today, EARLIER);
        fs::write(self.path().join("mine/lock.toml"), text).unwrap();
    }
}

const EARLIER: &str = "2020-07-11";

/// The date in a lock of one day.
fn date_of(lock: &str) -> String {
    let (_, date) = lock.split_once("date = \"").unwrap();
    date[..EARLIER.len()].to_owned()
}

#[test]
fn lock_writes_a_digest_and_a_date_and_check_writes_nothing() {
    let sandbox = Sandbox::with_claim();
    let checked = sandbox.lock(&["--check"]);
    assert_eq!(checked.code, 4, "{}", checked.err);
    assert!(checked.out.starts_with("new: gap\n"), "{}", checked.out);
    assert!(!sandbox.path().join("mine/lock.toml").exists());

    let locked = sandbox.lock(&[]);
    assert_eq!((locked.code, locked.err.as_str()), (0, ""));
    assert_eq!(locked.out, "new: gap\n1 hypothesis locked in mine/lock.toml\n");
    let file: toml::Table = toml::from_str(&sandbox.locked()).unwrap();
    assert_eq!(file["format"].as_integer(), Some(1));
    let digest = file["hypotheses"]["gap"]["digest"].as_str().unwrap();
    assert!(digest.len() == 64 && digest.chars().all(|digit| digit.is_ascii_hexdigit()));

    let checked = sandbox.lock(&["--check"]);
    assert_eq!(checked.code, 0, "{}", checked.out);
    assert_eq!(checked.out, "1 hypothesis: as locked in mine/lock.toml\n");
}

#[test]
fn a_hypothesis_keeps_its_date_until_what_is_judged_changes() {
    let sandbox = Sandbox::with_claim();
    sandbox.lock(&[]);
    sandbox.lock_earlier();
    let earlier = sandbox.locked();
    // Words are not judged, and locking again changes nothing.
    let text = claim_text("greater_than = 0.0");
    sandbox.claim("gap", &text.replace("a gap", "another sentence"));
    assert_eq!(sandbox.lock(&["--check"]).code, 0);
    assert_eq!(sandbox.lock(&[]).code, 0);
    assert_eq!(sandbox.locked(), earlier);
    // A further claim gets today's date, and the first one keeps its own.
    sandbox.claim("other", &text.replace("id = \"gap\"", "id = \"other\""));
    let checked = sandbox.lock(&["--check"]);
    assert_eq!((checked.code, checked.out.lines().next()), (4, Some("new: other")));
    assert_eq!(sandbox.lock(&[]).code, 0);
    let date = |name: &str| {
        let file: toml::Table = toml::from_str(&sandbox.locked()).unwrap();
        file["hypotheses"][name]["date"].as_str().unwrap().to_owned()
    };
    assert_eq!(date("gap"), EARLIER);
    assert!(date("other").as_str() > "2026", "{}", date("other"));
    // A margin is judged.
    sandbox.claim("gap", &claim_text("greater_than = 1.0"));
    let checked = sandbox.lock(&["--check"]);
    let changed = format!("changed: gap, locked on {EARLIER}");
    assert_eq!((checked.code, checked.out.lines().next()), (4, Some(changed.as_str())));
    assert!(checked.out.ends_with("2 hypotheses: not as locked in mine/lock.toml\n"));
    assert_eq!(sandbox.lock(&[]).code, 0);
    assert_ne!(date("gap"), EARLIER);
}

#[test]
fn a_claim_that_is_gone_is_reported_and_dropped() {
    let sandbox = Sandbox::with_claim();
    let text = claim_text("greater_than = 0.0");
    sandbox.claim("other", &text.replace("id = \"gap\"", "id = \"other\""));
    sandbox.lock(&[]);
    fs::remove_file(sandbox.path().join("mine/other.toml")).unwrap();
    let checked = sandbox.lock(&["--check"]);
    assert_eq!(checked.code, 4);
    assert!(checked.err.contains("note: no claim has other, locked on "), "{}", checked.err);
    let locked = sandbox.lock(&[]);
    assert_eq!(locked.code, 0);
    assert!(locked.err.contains("dropped from the lock"), "{}", locked.err);
    assert!(!sandbox.locked().contains("other"));
}

#[test]
fn a_damaged_lock_stops_every_command_that_reads_the_folder() {
    let sandbox = Sandbox::with_claim();
    for text in ["format = 2\n[hypotheses]\n", "format = 1\n[hypotheses.gap]\ndate = 1\n", "?"] {
        fs::write(sandbox.path().join("mine/lock.toml"), text).unwrap();
        for command in ["lock", "list", "show"] {
            let ran = sandbox.run(&[command, "--claims", "mine"]);
            assert_eq!(ran.code, 64, "{command}: {}", ran.err);
            assert!(ran.err.contains("lock.toml") && ran.err.contains("help:"), "{}", ran.err);
        }
    }
}

#[test]
fn verdicts_and_show_say_what_the_lock_has() {
    let sandbox = Sandbox::with_claim();
    let leads = [(1, 61.0), (2, 60.0), (3, 61.5)];
    let runs = leads.map(|(seed, lead)| [run("l2_3", seed, lead), run("natural", seed, 50.0)]);
    fs::write(sandbox.path().join("runs.csv"), log(&rows(runs.as_flattened()))).unwrap();
    let words = |more: &[&str]| {
        let out = sandbox.run(&[more, &["--claims", "mine"]].concat()).out;
        out.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let (on_log, shown) = (["verify", "--log", "runs.csv"], ["show", "gap"]);
    let on_published = ["verify", "--evidence", "published"];
    assert!(words(&on_log).contains("the hypothesis is not locked"), "{}", words(&on_log));
    assert!(words(&shown).contains("lock not locked"));
    sandbox.lock(&[]);
    sandbox.lock_earlier();
    assert!(words(&on_log).contains("the hypothesis was locked on 2020-07-11"));
    assert!(words(&on_published).contains("the hypothesis was chosen with the log at hand"));
    assert!(words(&shown).contains("lock locked on 2020-07-11"));
    let json = words(&[&on_log[..], &["--format", "json"]].concat());
    for field in ["\"locked\": \"locked\"", "\"locked_on\": \"2020-07-11\"", "\"digest\": \""] {
        assert!(json.contains(field), "{json}");
    }
    sandbox.claim("gap", &claim_text("greater_than = 1.0"));
    let changed = "the hypothesis was changed since it was locked on 2020-07-11";
    assert!(words(&on_log).contains(changed), "{}", words(&on_log));
    assert!(words(&shown).contains("lock changed since it was locked on 2020-07-11"));
    // What each is about.
    assert!(
        words(&on_published).contains("about new fine-tunes of these checkpoints, on these test")
    );
    assert!(words(&on_log).contains("about new fine-tunes of the checkpoints that the log's"));
    assert!(words(&shown).contains("population of a verdict published"), "{}", words(&shown));
}
