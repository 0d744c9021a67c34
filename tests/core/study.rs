//! A study's own log: verdicts on the runs of another paper, against scipy; and logs that do not
//! carry a verdict.

use std::{fs, path::Path, sync::Arc};

use repro::{
    claim::suite::Suite,
    evidence::Evidence,
    experiment::Verdict,
    judge::{CellVerdict, ClaimVerdict, Flag, judge},
    study::Study,
    world::World,
};
use serde_json::Value;

/// Every verdict on a folder of claims with its log.
fn verdicts(folder: &Path) -> Result<Vec<ClaimVerdict>, String> {
    let study = Study::of_folder(folder).map_err(|error| error.to_string())?;
    let study = Arc::new(study.expect("the folder has a log.toml"));
    let suite = Suite::from_folder(folder, &World::of_study(study.clone()))
        .map_err(|error| error.to_string())?;
    let evidence = Evidence::of_study(&study, folder, None).map_err(|error| error.to_string())?;
    Ok(suite.claims().iter().map(|claim| judge(claim, &evidence)).collect())
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-8 * other.abs().max(1e-3)
}

/// Compares cells with those of the reference: by data set, or by method and data set.
fn agree(name: &str, cells: &[CellVerdict], reference: &Value) -> usize {
    let reference = reference[name].as_object().unwrap_or_else(|| panic!("no reference {name}"));
    assert_eq!(cells.len(), reference.len(), "{name}");
    for cell in cells {
        let dataset = cell.factor("dataset");
        let method = cell.contrast.strip_prefix("resnet - ").unwrap_or_default();
        let expected = reference.get(&dataset);
        let expected = expected.or_else(|| reference.get(&format!("{method} {dataset}")));
        let expected = expected.unwrap_or_else(|| panic!("{name}: no reference for {dataset}"));
        for (what, value) in [
            ("mean", cell.mean),
            ("low", cell.low),
            ("high", cell.high),
            ("t", cell.t),
            ("p", cell.p),
        ] {
            let (value, scipy) = (value.unwrap(), expected[what].as_f64().unwrap());
            assert!(close(value, scipy), "{name}, {dataset} {method}, {what}: {value}, {scipy}");
        }
        assert_eq!(cell.seeds as u64, expected["seeds"].as_u64().unwrap());
    }
    cells.len()
}

#[test]
fn every_cell_of_another_paper_agrees_with_scipy() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/tabular");
    let reference = fs::read_to_string(folder.join("reference.json")).unwrap();
    let reference: Value = serde_json::from_str(&reference).unwrap();
    let mut compared = 0;
    for verdict in verdicts(&folder).unwrap() {
        compared += agree(&verdict.claim, &verdict.cells, &reference);
        for reading in &verdict.readings {
            let name = format!("{}.{}", verdict.claim, reading.id);
            if reference.get(&name).is_some() {
                compared += agree(&name, &reading.cells, &reference);
            }
        }
    }
    assert_eq!(compared, 10 + 10 + 44 + 11 + 3 * 9);
}

#[test]
fn the_other_paper_s_claims_have_these_verdicts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/tabular");
    let found = verdicts(&folder).unwrap();
    let found: Vec<(&str, Verdict)> =
        found.iter().map(|verdict| (verdict.claim.as_str(), verdict.verdict)).collect();
    assert_eq!(
        found,
        [
            ("no_superior_family", Verdict::Refuted),
            ("resnet_is_a_strong_baseline", Verdict::Inconclusive),
            ("transformer_beats_mlp", Verdict::Supported),
            ("transformer_beats_resnet", Verdict::Supported),
        ]
    );
}

const LOG: &str = r#"
format = 1
files = "runs.csv"
[[factor]]
name = "method"
[replicate]
name = "fold"
[[metric]]
name = "f1"
better = "higher"
scale = "share"
items = 1000
"#;

const CLAIM: &str = r#"
format = 1
id = "better"
title = "New is better"
statement = "The new method is better."
[arms]
new = { method = "new" }
old = { method = "old" }
[hypothesis]
statement = "F1 of the new method is higher."
contrasts = [{ terms = { new = 1.0, old = -1.0 } }]
metric = "f1"
relation = { greater_than = 0.0 }
holds = "every"
cells = {}
"#;

/// The verdict on a small study; `Err` with the error's text.
fn verdict(log: &str, claim: &str, runs: &str) -> Result<ClaimVerdict, String> {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in [("log.toml", log), ("better.toml", claim), ("runs.csv", runs)] {
        fs::write(folder.path().join(file), text).unwrap();
    }
    verdicts(folder.path()).map(|mut verdicts| verdicts.remove(0))
}

/// Runs of two methods with a lead of `lead` over six folds.
fn runs(lead: f64) -> String {
    let mut text = "method,fold,f1\n".to_owned();
    for fold in 0..6 {
        let old = 0.5 + 0.01 * f64::from(fold * 5 % 7);
        let new = old + lead + 0.002 * f64::from(fold % 3);
        text.push_str(&format!("old,f{fold},{old}\nnew,f{fold},{new}\n"));
    }
    text
}

#[test]
fn a_metric_s_direction_decides_what_better_means() {
    let higher = verdict(LOG, CLAIM, &runs(0.1)).unwrap();
    assert_eq!(higher.verdict, Verdict::Supported, "{}", higher.reason);
    assert!((higher.cells[0].mean.unwrap() - 10.2).abs() < 1e-9, "{:?}", higher.cells[0].mean);
    let lower = LOG.replace("\"higher\"", "\"lower\"");
    assert_eq!(verdict(&lower, CLAIM, &runs(0.1)).unwrap().verdict, Verdict::Refuted);
    assert_eq!(verdict(&lower, CLAIM, &runs(-0.1)).unwrap().verdict, Verdict::Supported);
}

#[test]
fn names_that_log_toml_does_not_have_are_errors_with_the_nearest() {
    for (from, to, says) in [
        ("method = \"new\"", "metod = \"new\"", "unknown factor `metod`, did you mean `method`?"),
        ("metric = \"f1\"", "metric = \"f2\"", "unknown metric `f2`"),
        ("metric = \"f1\"", "metric = { f1 = \"best\" }", "names no progress"),
        ("cells = {}", "cells = { method = \"new\" }", "remove one of them"),
        ("{ method = \"old\" }", "{}", "neither arm `old` nor the cells fix method"),
        ("{ method = \"old\" }", "{ method = \"every\" }", "needs the values of method"),
        ("holds = \"every\"", "holds = \"every\"\naverage_over = [\"images\"]", "unknown factor"),
        ("holds = \"every\"", "holds = \"every\"\nover = \"seeds_and_images\"", "remove `over`"),
    ] {
        assert!(CLAIM.contains(from), "{from}");
        let error = verdict(LOG, &CLAIM.replacen(from, to, 1), &runs(0.1)).unwrap_err();
        assert!(error.contains(says), "{to}: {error}");
    }
    let values = LOG.replace("name = \"method\"", "name = \"method\"\nvalues = [\"new\", \"odd\"]");
    let error = verdict(&values, CLAIM, &runs(0.1)).unwrap_err();
    assert!(error.contains("method has no value `old` in log.toml"), "{error}");
}

#[test]
fn values_on_the_wrong_scale_are_refused() {
    let percent = LOG.replace("scale = \"share\"\nitems = 1000", "scale = \"percent\"");
    let error = verdict(&percent, CLAIM, &runs(0.1)).unwrap_err();
    assert!(
        error.contains("line 2: no value of f1 of old is above 1: are they shares?"),
        "{error}"
    );
    let insisted = percent.replace("\"percent\"", "\"percent_below_one\"");
    assert!(verdict(&insisted, CLAIM, &runs(0.1)).is_ok());
    let error = verdict(LOG, CLAIM, &runs(10.0)).unwrap_err();
    assert!(error.contains("a share of 1 lies between 0 and 1"), "{error}");
}

/// As [`LOG`], with epochs.
fn with_epochs(more: &str) -> String {
    LOG.replace("[replicate]", &format!("[progress]\nname = \"epoch\"\n{more}\n[replicate]"))
}

/// As [`runs`], with three epochs a run; `last` gives the number of the last epoch.
fn curves(last: impl Fn(&str, u32) -> u32) -> String {
    let mut text = "method,fold,epoch,f1\n".to_owned();
    for fold in 0..6 {
        let old = 0.4 + 0.01 * f64::from(fold * 5 % 7);
        for (method, lead) in [("old", 0.0), ("new", 0.1 + 0.002 * f64::from(fold % 3))] {
            for epoch in 1..=last(method, fold) {
                let f1 = old + lead + 0.02 * f64::from(epoch);
                text.push_str(&format!("{method},f{fold},{epoch},{f1}\n"));
            }
        }
    }
    text
}

#[test]
fn a_run_that_stopped_may_have_ended_anywhere_in_the_range() {
    let log = with_epochs("planned = 3");
    assert_eq!(verdict(&log, CLAIM, &curves(|_, _| 3)).unwrap().verdict, Verdict::Supported);
    let stopped = curves(|method, fold| if method == "new" && fold == 1 { 2 } else { 3 });
    let found = verdict(&log, CLAIM, &stopped).unwrap();
    assert_eq!(found.verdict, Verdict::Inconclusive, "{}", found.reason);
    assert_eq!(found.cells[0].failed_seeds, 1);
    // Without a range nothing can be said.
    let boundless = log.replace("scale = \"share\"\nitems = 1000", "");
    let found = verdict(&boundless, CLAIM, &stopped).unwrap();
    assert!(found.reason.contains("states no `range`"), "{}", found.reason);
    // What a run reached is what it reached.
    let epoch = CLAIM.replace("\"f1\"", "{ f1 = { step = 2.0 } }");
    assert_eq!(verdict(&log, &epoch, &stopped).unwrap().verdict, Verdict::Supported);
}

#[test]
fn metrics_are_read_at_best_at_steps_at_shares_and_as_steps_to_a_value() {
    let log = with_epochs("planned = 3");
    let of = |metric: &str| {
        let claim = CLAIM.replace("metric = \"f1\"", &format!("metric = {{ f1 = {metric} }}"));
        verdict(&log, &claim, &curves(|_, _| 3)).unwrap()
    };
    for metric in ["\"last\"", "\"best\"", "{ step = 1.0 }", "{ from_share = 0.66 }"] {
        let found = of(metric);
        assert_eq!(found.verdict, Verdict::Supported, "{metric}: {}", found.reason);
    }
    let far = of("{ from_share = 0.1 }");
    assert_eq!(far.verdict, Verdict::Inconclusive);
    assert!(far.reason.contains("beyond 1.5"), "{}", far.reason);
}

#[test]
fn steps_to_a_value_lie_between_two_evaluations() {
    let log = with_epochs("planned = 10");
    let of = |margin: &str| {
        let claim = CLAIM
            .replace("metric = \"f1\"", "metric = { f1 = { steps_to = 55.5 } }")
            .replace("greater_than = 0.0", &format!("greater_than = {margin}"));
        verdict(&log, &claim, &curves(|_, _| 10)).unwrap()
    };
    // The old method is there after 8, 6, 7, 8, 5 and 6 epochs, the new one after 3, 1, 2, 3, 1 and
    // 1; each could have been there up to an epoch earlier. So it saves from 3.8 to 5.8 epochs.
    let found = of("0.0");
    assert_eq!(found.unit.name(), "epochs");
    assert_eq!(found.verdict, Verdict::Supported, "{}", found.reason);
    assert_eq!(found.cells[0].seeds_ahead, Some(6));
    assert_eq!(of("2.9").cells[0].seeds_ahead, Some(6));
    assert_eq!(of("3.0").cells[0].seeds_ahead, Some(5));
    assert_eq!(of("7.0").verdict, Verdict::Refuted);
}

#[test]
fn a_value_outside_the_declared_range_is_an_error_with_its_line() {
    let log = LOG.replace("scale = \"share\"\nitems = 1000", "range = [0.0, 0.7]\nunit = \"F\"");
    let error = verdict(&log, CLAIM, &runs(0.2)).unwrap_err();
    assert!(
        error.contains("line 5: f1 is 0.752 F, outside its range in log.toml, 0 to 0.7 F"),
        "{error}"
    );
    assert!(verdict(&log, CLAIM, &runs(0.1)).is_ok());
    // The range of a share is in points, like its values.
    let share = LOG.replace("items = 1000", "range = [0, 1]");
    let error = verdict(&share, CLAIM, &runs(0.2)).unwrap_err();
    assert!(error.contains(" points, outside its range in log.toml, 0 to 1 points"), "{error}");
    // A run that diverged has no value.
    assert!(verdict(&log, CLAIM, &format!("{}old,f9,nan\nnew,f9,.6\n", runs(0.1))).is_ok());
}

/// A study in a folder: its claims and evidence.
fn opened(log: &str, claim: &str, runs: &str) -> Result<(Suite, Evidence), String> {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in [("log.toml", log), ("better.toml", claim), ("runs.csv", runs)] {
        fs::write(folder.path().join(file), text).unwrap();
    }
    let study = Arc::new(Study::of_folder(folder.path()).unwrap().unwrap());
    let suite = Suite::from_folder(folder.path(), &World::of_study(study.clone()))
        .map_err(|error| error.to_string())?;
    Ok((suite, Evidence::of_study(&study, folder.path(), None).unwrap()))
}

const PLOT: &str = r#"
[[plot]]
id = "along"
title = "F1 along training"
x = "epoch"
lines = ["new", "old"]
cells = {}
difference = true
"#;

#[test]
fn a_curve_ends_where_the_verdict_is() {
    for replicate in ["", "\npaired = false", "\ntest_to_train = 0.2"] {
        for better in ["higher", "lower"] {
            let log = with_epochs("planned = 3")
                .replace("name = \"fold\"", &format!("name = \"fold\"{replicate}"))
                .replace("\"higher\"", &format!("\"{better}\""));
            let claim = format!("{CLAIM}{PLOT}");
            let (suite, evidence) = opened(&log, &claim, &curves(|_, _| 3)).unwrap();
            let claim = &suite.claims()[0];
            let chart = repro::figure::curves::chart(&claim.plots[0], &evidence);
            assert_eq!(chart.labels, ["new", "old"]);
            let panel = &chart.panels[0];
            assert_eq!(panel.curves[0].points.len(), 3);
            let last = panel.differences[0].points.last().unwrap();
            let cell = &judge(claim, &evidence).cells[0];
            let sign = if better == "higher" { 1.0 } else { -1.0 };
            assert!(close(last.mean, sign * cell.mean.unwrap()), "{last:?} {cell:?}");
            let ends = [cell.low.unwrap(), cell.high.unwrap()].map(|end| sign * end);
            let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
            assert!(close(last.low.unwrap(), low), "{replicate} {last:?} {cell:?}");
            assert!(close(last.high.unwrap(), high), "{replicate} {last:?} {cell:?}");
            // Old runs end at 40 to 46 points and three epochs of two.
            let old = panel.curves[1].points.last().unwrap();
            assert!(close(old.mean, 40.0 + 19.0 / 6.0 + 6.0), "{old:?}");
        }
    }
}

#[test]
fn a_plot_names_an_axis_and_a_metric_of_the_study() {
    let log = with_epochs("planned = 3");
    let of = |plot: &str| opened(&log, &format!("{CLAIM}{plot}"), &curves(|_, _| 3));
    assert!(of(PLOT).is_ok());
    for (from, to, says) in [
        ("x = \"epoch\"", "x = \"epochs\"", "unknown axis `epochs`, did you mean `epoch`?"),
        ("x = \"epoch\"", "x = \"method\"", "the cells of a plot must fix method"),
        ("cells = {}", "cells = {}\nmetric = \"f2\"", "unknown metric `f2`"),
        ("cells = {}", "cells = {}\nmetric = { f1 = \"best\" }", "give its name alone"),
    ] {
        let error = of(&PLOT.replace(from, to)).map(|_| ()).unwrap_err();
        assert!(error.contains(says), "{to}: {error}");
    }
}

#[test]
fn a_share_counts_from_where_nothing_has_been_trained() {
    // Epochs 1 to 3 as 0 to 2: a third of the length is the first of them.
    let zero_based: String = curves(|_, _| 3)
        .lines()
        .map(|line| match line.split(',').collect::<Vec<_>>()[..] {
            [method, fold, epoch, f1] if epoch != "epoch" => {
                format!("{method},{fold},{},{f1}\n", epoch.parse::<u32>().unwrap() - 1)
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let claim = CLAIM.replace("\"f1\"", "{ f1 = { from_share = 0.3333 } }");
    let from = with_epochs("planned = 2\nfrom = -1");
    let found = verdict(&from, &claim, &zero_based).unwrap();
    let same = verdict(&with_epochs("planned = 3"), &claim, &curves(|_, _| 3)).unwrap();
    assert_eq!((found.verdict, found.cells[0].mean), (Verdict::Supported, same.cells[0].mean));
    let unstated = verdict(&with_epochs("planned = 2"), &claim, &zero_based).unwrap();
    assert_eq!(unstated.verdict, Verdict::Inconclusive, "{}", unstated.reason);
}

#[test]
fn arms_of_two_lengths_are_compared_unless_the_study_says_that_they_share_one() {
    let lengths = curves(|method, _| if method == "new" { 2 } else { 3 });
    let found = verdict(&with_epochs(""), CLAIM, &lengths).unwrap();
    assert_eq!(found.verdict, Verdict::Supported, "{}", found.reason);
    for (same_for, place) in [("[]", "all runs: runs up to epoch 2 and 3"), ("[\"method\"]", "")] {
        let log = with_epochs(&format!("same_for = {same_for}"));
        let found = verdict(&log, CLAIM, &lengths).unwrap();
        let cell = &found.cells[0];
        assert_eq!(cell.flags.contains(&Flag::MixedRecipes), !place.is_empty(), "{same_for}");
        assert_eq!(cell.verdict == Verdict::Inconclusive, !place.is_empty(), "{same_for}");
        assert!(cell.reason.contains(place), "{}", cell.reason);
        // Runs of one length that stopped early are no other recipe.
        let stopped = curves(|method, fold| if method == "new" && fold == 1 { 2 } else { 3 });
        let found = verdict(&log, CLAIM, &stopped).unwrap();
        assert!(!found.cells[0].flags.contains(&Flag::MixedRecipes));
    }
    let unknown = verdict(&with_epochs("same_for = [\"methods\"]"), CLAIM, &lengths);
    assert!(unknown.unwrap_err().contains("methods"));
}

#[test]
fn a_run_that_diverged_is_named_by_the_study_s_words() {
    let log = LOG.replace("scale = \"share\"\nitems = 1000", "title = \"F1 score\"");
    let mut runs: Vec<String> = runs(0.1).lines().map(str::to_owned).collect();
    let place = runs.iter().position(|run| run.starts_with("old,f3,")).unwrap();
    "old,f3,inf".clone_into(&mut runs[place]);
    let found = verdict(&log, CLAIM, &(runs.join("\n") + "\n")).unwrap();
    assert_eq!(found.verdict, Verdict::Inconclusive);
    let words = "fold f3, ended with a F1 score that is not finite";
    assert!(found.reason.contains(words), "{}", found.reason);
}

#[test]
fn factors_that_cells_share_are_set_apart_from_those_that_differ() {
    let claim = CLAIM.replace("cells = {}", "cells = { data = \"every\", size = \"small\" }");
    let log = LOG.replacen(
        "[replicate]",
        "[[factor]]\nname = \"data\"\nvalues = [\"a\", \"b\"]\n[[factor]]\nname = \"size\"\n\
         [replicate]",
        1,
    );
    let mut text = "data,size,method,fold,f1\n".to_owned();
    for data in ["a", "b"] {
        for line in runs(0.1).lines().skip(1) {
            text.push_str(&format!("{data},small,{line}\n"));
        }
    }
    let cells = verdict(&log, &claim, &text).unwrap().cells;
    let (differ, shared) = repro::judge::factors(&cells.iter().collect::<Vec<_>>());
    assert_eq!((differ, shared), (vec!["data".to_owned()], vec!["size".to_owned()]));
}

#[test]
fn a_verdict_is_conditional_on_the_study_s_runs() {
    let titled = LOG.replacen("format = 1", "format = 1\ntitle = \"Trees and nets\"", 1);
    for (log, of) in [(LOG, ""), (&titled, " of Trees and nets")] {
        let found = verdict(log, CLAIM, &runs(0.1)).unwrap().conditional_on;
        let arms = format!("the arms as they were run, with the test data of the log{of}");
        assert_eq!(found, [arms, "what log.toml says that the log means".to_owned()]);
    }
}

#[test]
fn a_metric_without_a_value_anywhere_is_named_with_its_column() {
    let notes = |runs: &str| opened(LOG, CLAIM, runs).unwrap().1.notes;
    assert_eq!(notes(&runs(0.1)), [""; 0]);
    let renamed = runs(0.1).replace("method,fold,f1", "method,fold,f2");
    let notes = notes(&renamed);
    let missing = "no row has a value of f1, whose column is `f1`";
    assert!(notes.iter().any(|note| note == missing), "{notes:?}");
    assert!(notes.iter().any(|note| note.contains("`f2`")), "{notes:?}");
}

#[test]
fn runs_with_the_same_numbers_are_copies() {
    let copied = curves(|_, _| 3).replace("old,f1,", "old,f9,");
    let again: String = copied
        .lines()
        .filter(|line| line.starts_with("old,f9,"))
        .map(|line| format!("{}\n", line.replace("f9", "f1")))
        .collect();
    let error = verdict(&with_epochs(""), CLAIM, &format!("{copied}{again}")).unwrap_err();
    assert!(error.contains("runs f1 and f9 of method old are copies"), "{error}");
}

#[test]
fn a_folder_of_documents_gives_the_cells_of_the_table() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let reference = fs::read_to_string(examples.join("tabular/reference.json")).unwrap();
    let reference: Value = serde_json::from_str(&reference).unwrap();
    let found = verdicts(&examples.join("folders")).unwrap().remove(0);
    assert_eq!(found.verdict, Verdict::Supported, "{}", found.reason);
    // Another folder may have the same files.
    let study = Arc::new(Study::of_folder(&examples.join("folders")).unwrap().unwrap());
    let evidence =
        Evidence::of_study(&study, Path::new("elsewhere"), Some(&examples.join("folders")));
    assert!(evidence.unwrap().records.len() > 2);
    for (cell, claim) in
        found.cells.iter().zip(["transformer_beats_mlp", "transformer_beats_resnet"])
    {
        let expected = &reference[claim]["adult"];
        // The document's shares are shown as points.
        for (what, value) in [("mean", cell.mean), ("low", cell.low), ("high", cell.high)] {
            let (value, scipy) = (value.unwrap(), 100.0 * expected[what].as_f64().unwrap());
            assert!(close(value, scipy), "{claim}, {what}: {value}, {scipy}");
        }
    }
}

/// The project's own log, read as a study, gives what the project says of it.
#[test]
fn the_authors_log_as_a_study_has_the_verdicts_of_this_project() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/published");
    let restated = verdicts(&folder).unwrap();
    let (evidence, world) = (Evidence::published().unwrap(), World::paper());
    let suite = Suite::embedded(&world).unwrap_or_else(|error| panic!("{error}"));
    let (mut compared, mut mixed) = (0, 0);
    assert_eq!(restated[0].claim, "all_images");
    assert_eq!(restated[0].verdict, Verdict::Inconclusive);
    for found in &restated[1..] {
        let own = judge(suite.get(&found.claim).unwrap(), &evidence);
        assert_eq!(found.verdict, own.verdict, "{}: {}", found.claim, found.reason);
        // A contrast by its place: the two kinds of claims name coordinates in other words.
        let place = |cells: &[CellVerdict], of: &CellVerdict| {
            let mut labels: Vec<&str> = Vec::new();
            for cell in cells {
                if !labels.contains(&cell.contrast.as_str()) {
                    labels.push(&cell.contrast);
                }
            }
            labels.iter().position(|label| *label == of.contrast)
        };
        let mut same = |found: &[CellVerdict], all: &[CellVerdict]| {
            assert_eq!(found.len(), all.len());
            for own in all {
                let target = own.target.clone().unwrap_or_default();
                let images = own.images.map_or_else(String::new, |images| images.to_string());
                let is = |cell: &&CellVerdict| {
                    place(found, cell) == place(all, own)
                        && cell.factor("target") == target
                        && cell.factor("images") == images
                };
                let cell = found.iter().find(is).unwrap_or_else(|| panic!("{}", own.name));
                mixed += usize::from(own.flags.contains(&Flag::MixedRecipes));
                assert_eq!(cell.verdict, own.verdict, "{}: {}", own.name, cell.reason);
                let Some(mean) = own.mean else { continue };
                assert_eq!(cell.seeds, own.seeds, "{}", own.name);
                assert!(close(cell.mean.unwrap(), mean), "{}", own.name);
                assert!(close(cell.low.unwrap(), own.low.unwrap()), "{}", own.name);
                assert!(close(cell.high.unwrap(), own.high.unwrap()), "{}", own.name);
            }
            all.len()
        };
        compared += same(&found.cells, &own.cells) + same(&found.averages, &own.averages);
        for reading in &found.readings {
            let own = own.readings.iter().find(|own| own.id == reading.id).unwrap();
            assert_eq!(reading.verdict, own.verdict, "{}", reading.id);
            compared += same(&reading.cells, &own.cells) + same(&reading.averages, &own.averages);
        }
    }
    // linf_8 ran 50 epochs on CIFAR-10 where the other arms ran 100.
    assert_eq!((restated.len(), compared), (10, 1344));
    assert!(mixed > 0);
}

#[test]
fn three_fine_tunes_of_the_authors_are_stated_to_have_stopped() {
    let of = |evidence: &Evidence| {
        let stopped = evidence
            .records
            .iter()
            .filter(|record| record.status == repro::evidence::Status::Stopped);
        let mut stopped: Vec<String> = stopped.map(|record| record.key.to_string()).collect();
        stopped.sort();
        stopped
    };
    assert_eq!(
        of(&Evidence::published().unwrap()),
        [
            "svhn from l2_3, 73257 images, 3 blocks",
            "svhn from linf_4, 73257 images, 3 blocks",
            "svhn from natural, 73257 images, 3 blocks",
        ]
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/published");
    let study = Arc::new(Study::of_folder(&folder).unwrap().unwrap());
    let svhn = of(&Evidence::of_study(&study, &folder, None).unwrap());
    let svhn: Vec<&String> = svhn.iter().filter(|key| key.contains("svhn")).collect();
    assert_eq!(
        svhn,
        [
            "blocks 3, images 73257, source l2_3, target svhn",
            "blocks 3, images 73257, source linf_4, target svhn",
            "blocks 3, images 73257, source natural, target svhn",
        ]
    );
}
