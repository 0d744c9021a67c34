//! Commands that take a log of a user's own: figures, records, published means, power.

use super::{Ran, Sandbox};

const LOG: &str = r#"
format = 1
title = "Trees and networks"
files = "runs.csv"
[[factor]]
name = "data"
[[factor]]
name = "method"
[replicate]
name = "fold"
planned = 4
[progress]
name = "epoch"
planned = 3
[[metric]]
name = "f1"
title = "F1"
better = "higher"
scale = "share"
"#;

const CLAIM: &str = r#"
format = 1
id = "trees_win"
title = "Trees win"
statement = "Trees are better."
[arms]
tree = { method = "tree" }
net = { method = "net" }
[hypothesis]
statement = "F1 of trees is higher on each data set."
contrasts = [{ terms = { tree = 1.0, net = -1.0 } }]
metric = "f1"
relation = { greater_than = 0.0 }
holds = "every"
cells = { data = ["adult", "yahoo"] }
[[plot]]
id = "by_data"
title = "F1 by data set"
x = "data"
lines = ["tree", "net"]
difference = true
cells = { data = ["adult", "yahoo"] }
"#;

fn runs() -> String {
    let mut text = "data,method,fold,epoch,f1\n".to_owned();
    for (data, base) in [("adult", 0.5), ("yahoo", 0.3)] {
        for fold in 0..4 {
            for epoch in 1..=3 {
                let net = base + 0.01 * f64::from(fold * 3 % 4) + 0.03 * f64::from(epoch);
                let tree = net + 0.1 + 0.003 * f64::from(fold % 3);
                text += &format!("{data},net,{fold},{epoch},{net:.4}\n");
                text += &format!("{data},tree,{fold},{epoch},{tree:.4}\n");
            }
        }
    }
    text
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    for (file, text) in [("log.toml", LOG), ("trees_win.toml", CLAIM), ("runs.csv", &runs())] {
        sandbox.put(&format!("mine/{file}"), text);
    }
    sandbox
}

/// Nothing that a stranger reads is about the project's own paper.
fn is_the_stranger_s(text: &str) {
    let lower = text.to_lowercase();
    for word in
        ["utrera", "transfer better", "natural", "resnet-50", "accuracy", "fine-tune", "seed"]
    {
        assert!(!lower.contains(word), "{word}\n{text}");
    }
}

/// A form is as its schema says, and the schema as it is published.
fn is_by_its_schema(sandbox: &Sandbox, name: &str, form: &serde_json::Value) {
    let schema = serde_json::from_str(&sandbox.run(&["schema", name]).out).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(form).map(|it| it.to_string()).collect();
    assert!(errors.is_empty(), "{name}: {errors:?}");
    let file = format!("{}/claims/schemas/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
    let published: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(published, schema, "write it again: repro schema {name}");
}

fn ran(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    sandbox.run(&[arguments, &["--claims", "mine"]].concat())
}

#[test]
fn figures_of_a_claim_are_its_forest_bars_curves_and_plots() {
    let sandbox = sandbox();
    let listed = ran(&sandbox, &["figure"]);
    assert_eq!((listed.code, listed.err.as_str()), (0, ""));
    for name in ["trees_win-forest", "trees_win-bars", "trees_win-curves", "trees_win-by_data"] {
        assert!(listed.out.contains(name), "{name}\n{}", listed.out);
    }
    let drawn = ran(&sandbox, &["figure", "all", "--format", "svg,csv", "--out", "f"]);
    assert_eq!((drawn.code, drawn.err.as_str()), (0, ""));
    assert_eq!(drawn.out.lines().count(), 8, "{}", drawn.out);
    for what in ["forest", "bars", "curves", "by_data"] {
        is_the_stranger_s(&sandbox.read(&format!("f/trees_win-{what}.svg")));
    }
    let curves = sandbox.read("f/trees_win-curves.csv");
    // Two data sets, three curves of three epochs.
    assert_eq!(curves.lines().count(), 1 + 2 * 3 * 3, "{curves}");
    assert!(curves.contains("adult,F1,net,3,60.5"), "{curves}");
    assert!(sandbox.read("f/trees_win-curves.svg").contains("epoch, n = 4"));
    let bars = sandbox.read("f/trees_win-by_data.csv");
    assert!(bars.contains("F1,net,yahoo,40.5"), "{bars}");
    let again = ran(&sandbox, &["figure", "trees_win-forest", "--format", "svg"]);
    assert_eq!(again.out, "figures/trees_win-forest.svg\n", "{}", again.err);
    let wrong = ran(&sandbox, &["figure", "trees_win-bar"]);
    assert_eq!(wrong.code, 64);
    assert!(wrong.err.contains("did you mean `trees_win-bars`?"), "{}", wrong.err);
    let evidence = ran(&sandbox, &["figure", "all", "--evidence", "smoke"]);
    assert_eq!(evidence.code, 64, "{}", evidence.err);
}

#[test]
fn a_report_draws_the_plots_that_a_claim_declares() {
    let sandbox = sandbox();
    let ran = ran(&sandbox, &["verify", "--report", "report"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let page = sandbox.read("report/index.html");
    assert!(page.contains("F1 by data set") && page.contains("trees_win-by_data"));
    assert!(page.contains("folds available") && page.contains("folds needed"));
    assert!(!page.contains("Utrera") && !page.contains("seeds needed"));
}

#[test]
fn records_are_the_runs_of_a_log() {
    let sandbox = sandbox();
    let all = ran(&sandbox, &["records"]);
    assert_eq!((all.code, all.err.as_str()), (0, ""));
    assert!(all.out.contains("16 runs in mine/runs.csv"), "{}", all.out);
    is_the_stranger_s(&all.out);
    let some = ran(&sandbox, &["records", "list", "--where", "method=net", "--where", "fold=2"]);
    let row = "adult  net        2  finished      3          61";
    assert!(some.out.contains(row) && some.out.contains("2 runs"), "{}", some.out);
    let json = ran(&sandbox, &["records", "--where", "data=adult", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    is_by_its_schema(&sandbox, "runs", &json);
    let runs = json["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 8);
    assert_eq!(runs[0]["metrics"]["f1"].as_array().unwrap().len(), 3);
    assert_eq!(runs[0]["factors"]["data"], "adult");
    for (arguments, says) in [
        (&["records", "--where", "metod=net"][..], "did you mean `method`?"),
        (&["records", "--where", "net"], "has no `=`"),
        (&["records", "--target", "adult"], "--where FACTOR=VALUE"),
        (&["records", "show", "3f"], "have no names"),
        (&["records", "export", "all.csv", "--target", "adult"], "--where FACTOR=VALUE"),
        (&["records", "import", "all.csv"], "`repro verify --log FILE`"),
    ] {
        let wrong = ran(&sandbox, arguments);
        assert_eq!(wrong.code, 64, "{}", wrong.err);
        let words = wrong.err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(says), "{says}\n{}", wrong.err);
    }
}

#[test]
fn one_run_of_a_log_is_shown_with_its_rows_and_its_place() {
    let sandbox = sandbox();
    let of = ["--where", "data=yahoo", "--where", "method=net", "--where", "fold=3"];
    let one = ran(&sandbox, &[&["records", "show"][..], &of].concat());
    assert_eq!((one.code, one.err.as_str()), (0, ""));
    let shown = "data    yahoo\nmethod  net\nfold    3\nend     finished\n\
                 from    mine/runs.csv, line 44\n";
    assert!(one.out.starts_with(shown), "{}", one.out);
    assert_eq!(one.out.lines().count(), 5 + 1 + 3, "{}", one.out);
    assert!(one.out.contains("epoch  F1, points"), "{}", one.out);
    is_the_stranger_s(&one.out);
    let json = ran(&sandbox, &[&["records", "show", "--format", "json"][..], &of].concat());
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    is_by_its_schema(&sandbox, "runs", &json);
    assert_eq!((&json["runs"][0]["line"], json["runs"].as_array().unwrap().len()), (&44.into(), 1));
}

/// An exported table is a log of the same study, with the same verdicts.
#[test]
fn exported_runs_are_judged_as_the_log_is() {
    let sandbox = sandbox();
    for file in ["all.csv", "all.csv.gz"] {
        let written = ran(&sandbox, &["records", "export", file]);
        assert_eq!(written.out, format!("16 runs written to {file}\n"), "{}", written.err);
        let cells =
            |more: &[&str]| ran(&sandbox, &[&["verify", "--format", "csv"][..], more].concat()).out;
        assert_eq!(cells(&["--log", file]), cells(&[]));
    }
    let some = ran(&sandbox, &["records", "export", "some.csv", "--where", "method=net"]);
    assert_eq!(some.out, "8 runs written to some.csv\n", "{}", some.err);
    let text = sandbox.read("some.csv");
    assert!(text.starts_with("data,method,fold,epoch,f1\nadult,net,0,1,0.5300\n"), "{text}");
}

#[test]
fn a_log_is_compared_with_a_table_of_published_means() {
    let sandbox = sandbox();
    // Net on adult: 50, 53, 52, 51 plus 9 points; the table is on the scale of the log.
    let table = "data,method,mean,replicates,standard_deviation\n\
                 adult,net,0.61,4,0.013\nadult,tree,0.9,4,\nyahoo,net,0.4,,\n\
                 letter,net,0.4,4,\n";
    sandbox.put("means.csv", table);
    let text = ran(&sandbox, &["compare", "--means", "means.csv"]);
    assert_eq!(text.code, 4, "{}{}", text.out, text.err);
    is_the_stranger_s(&text.out);
    for line in [
        "1 of 2 published means lie in their 95 % prediction interval, 1 outside.",
        "not compared: yahoo, net: the table has no number of replicates",
        "not compared: letter, net: the log has none of its runs",
    ] {
        assert!(text.out.contains(line), "{line}\n{}", text.out);
    }
    let json = ran(&sandbox, &["compare", "--means", "means.csv", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    is_by_its_schema(&sandbox, "study-comparison", &json);
    let net = &json["means"][0];
    let close = |value: &serde_json::Value, expected: f64| {
        let value = value.as_f64().unwrap();
        assert!((value - expected).abs() < 1e-6, "{value}, {expected}");
    };
    close(&net["log"]["mean"], 60.5);
    // scipy: t.ppf(.975, 3) = 3.182446305; s = 1.290994449; times sqrt(1/4 + 1/4).
    let half = 3.182_446_305 * 1.290_994_449 * 0.5_f64.sqrt();
    close(&net["predicted"]["low"], 60.5 - half);
    close(&net["predicted"]["high"], 60.5 + half);
    let csv = ran(&sandbox, &["compare", "--means", "means.csv", "--format", "csv"]);
    assert_eq!(csv.out.lines().count(), 5, "{}", csv.out);
    for (table, says) in [
        ("data,method,mean\nadult,net,60.5\n", "line 2: f1 is 6050 points, outside its range"),
        ("data,method,mean\nadult,net,.5\nadult,net,.6\n", "line 3: a mean of the same"),
        ("data,mean\nadult,.5\n", "`method` is missing or empty"),
    ] {
        sandbox.put("wrong.csv", table);
        let wrong = ran(&sandbox, &["compare", "--means", "wrong.csv"]);
        assert_eq!(wrong.code, 66, "{}", wrong.err);
        assert!(wrong.err.contains(says), "{says}\n{}", wrong.err);
    }
    assert_eq!(ran(&sandbox, &["compare"]).code, 64);
}

#[test]
fn folds_units_and_differences_are_compared_with_a_table_of_means() {
    let sandbox = sandbox();
    let compared = |replicate: &str, table: &str| {
        let log = LOG.replace("name = \"fold\"", &format!("name = \"fold\"\n{replicate}"));
        sandbox.put("mine/log.toml", log);
        sandbox.put("means.csv", table);
        let json = ran(&sandbox, &["compare", "--means", "means.csv", "--format", "json"]);
        let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
        is_by_its_schema(&sandbox, "study-comparison", &json);
        let text = ran(&sandbox, &["compare", "--means", "means.csv"]).out;
        is_the_stranger_s(&text);
        let mean = &json["means"][0];
        assert_eq!(mean["reason"], "", "{text}");
        let high = mean["predicted"]["high"].as_f64().unwrap();
        let log = mean["log"]["mean"].as_f64().unwrap();
        (log, high - log, text.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    // scipy: t.ppf(.975, 3) = 3.182446305; s² of net on adult is 5/3.
    let net = "data,method,mean,replicates\nadult,net,0.61,4\n";
    let (mean, half, text) = compared("test_to_train = 0.3333", net);
    let shares = 2.0 * (0.25 + 0.3333);
    assert!((mean - 60.5).abs() < 1e-9);
    assert!((half - 3.182_446_305 * (5.0_f64 / 3.0 * shares).sqrt()).abs() < 1e-6, "{half}");
    assert!(text.contains("sqrt(1/k + r + 1/k_published + r) with r = 0.3333"), "{text}");
    // Differences 10, 10.3, 10.6, 10: s = 0.287228.
    let difference = "data,method,minus_method,mean,replicates\nadult,tree,net,0.11,4\n";
    let (mean, half, text) = compared("", difference);
    assert!((mean - 10.225).abs() < 1e-9 && text.contains("adult, tree minus net"), "{text}");
    assert!((half - 3.182_446_305 * 0.287_228_1 * 0.5_f64.sqrt()).abs() < 1e-5, "{half}");
    let (mean, unpaired, text) = compared("paired = false", difference);
    assert!((mean - 10.225).abs() < 1e-9 && text.contains("by Welch's t"), "{text}");
    // scipy: variances 5/3 and 2.249166667, 4 of each, t.ppf(.975, 5.870105908) = 2.460096970.
    let error = (0.5 * (5.0_f64 / 3.0 + 2.249_166_667)).sqrt();
    assert!((unpaired - 2.460_096_970 * error).abs() < 1e-6, "{unpaired}");
    for (table, says) in [
        ("data,method,minus_method,mean\nadult,net,net,0\n", "line 2: the two arms"),
        ("data,method,minus_method,mean\nadult,net,trees,0\n", "not compared"),
    ] {
        sandbox.put("means.csv", table);
        let wrong = ran(&sandbox, &["compare", "--means", "means.csv"]);
        assert!((wrong.err + &wrong.out).contains(says), "{says}");
    }
}

#[test]
fn power_counts_replicates_of_pairs_of_unpaired_arms_and_of_folds() {
    let sandbox = sandbox();
    let needed = |replicate: &str| {
        let log = LOG.replace("name = \"fold\"", &format!("name = \"fold\"\n{replicate}"));
        sandbox.put("mine/log.toml", log);
        let text = ran(&sandbox, &["power"]);
        assert_eq!(text.code, 0, "{}", text.err);
        assert!(text.out.contains("folds  needed"), "{}", text.out);
        is_the_stranger_s(&text.out);
        let json = ran(&sandbox, &["power", "--format", "json"]);
        let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
        let cell = &json["cells"][0];
        let at = |name: &str| cell[name].as_f64().unwrap();
        (at("spread"), cell["needed_seeds"].as_u64().unwrap(), at("single_runs"))
    };
    // Differences 10, 10.3, 10.6, 10: the standard deviation is 0.287.
    let (pairs, needed_pairs, single) = needed("");
    assert!((pairs - 0.287_228).abs() < 1e-5, "{pairs}");
    assert!((single - 3.182_446 * pairs).abs() < 1e-5, "{single}");
    let (folds, needed_folds, _) = needed("test_to_train = 0.3333");
    assert!((folds - pairs).abs() < 1e-9, "{folds}");
    // Single runs differ by the spread of either arm.
    let (unpaired, needed_unpaired, _) = needed("paired = false");
    assert!(unpaired > 5.0 * pairs, "{unpaired}");
    assert!(needed_pairs <= needed_folds && needed_folds <= needed_unpaired);
    // scipy: 10.225 apart, variances 1.666667 and 1.675833, power .8 from 2 a side on.
    assert_eq!((needed_pairs, needed_unpaired), (2, 2));
}

#[test]
fn a_study_s_claims_are_listed_without_places_that_none_has() {
    let sandbox = sandbox();
    let listed = ran(&sandbox, &["list"]);
    let header = listed.out.lines().next().unwrap();
    let words: Vec<&str> = header.split_whitespace().collect();
    assert_eq!(words, ["claim", "what", "it", "says", "log"], "{}", listed.err);
    is_the_stranger_s(&listed.out);
    let json = ran(&sandbox, &["list", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    is_by_its_schema(&sandbox, "list", &json);
    assert_eq!(json["claims"][0]["place"], "");
    let place = CLAIM.replace("[arms]", "[paper]\ntables = [\"3\"]\n[arms]");
    sandbox.put("mine/trees_win.toml", &place);
    let listed = ran(&sandbox, &["list"]);
    assert!(listed.out.lines().next().unwrap().contains("place"), "{}{}", listed.out, listed.err);
}

#[test]
fn tables_of_the_project_s_own_paper_are_none_of_a_study() {
    let sandbox = sandbox();
    for arguments in [&["table"][..], &["table", "A1"], &["table", "A2", "--format", "csv"]] {
        let refused = ran(&sandbox, arguments);
        assert_eq!((refused.code, refused.out.as_str()), (64, ""), "{arguments:?}");
        let words = refused.err.split_whitespace().filter(|word| *word != "│");
        let words = words.collect::<Vec<_>>().join(" ");
        for says in ["of the project's own paper", "repro verify --format markdown --claims mine"] {
            assert!(words.contains(says), "{says}\n{}", refused.err);
        }
    }
    let verdicts = ran(&sandbox, &["verify", "--format", "markdown"]);
    assert_eq!(verdicts.code, 0, "{}", verdicts.err);
    is_the_stranger_s(&verdicts.out);
}

#[test]
fn cells_as_csv_have_the_factors_of_the_study() {
    let sandbox = sandbox();
    let cells = ran(&sandbox, &["verify", "--format", "csv"]);
    assert_eq!(cells.code, 0, "{}", cells.err);
    let mut rows = csv::Reader::from_reader(cells.out.as_bytes());
    let header = rows.headers().unwrap().clone();
    let data = header.iter().position(|name| name == "data");
    let data = data.unwrap_or_else(|| panic!("{header:?}"));
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    let of: Vec<&str> = rows.iter().map(|row| &row[data]).collect();
    assert_eq!(of, ["adult", "yahoo"]);
}

#[test]
fn a_study_s_log_may_come_from_standard_input() {
    let sandbox = sandbox();
    let from_file = ran(&sandbox, &["verify", "--format", "csv"]);
    assert_eq!(from_file.code, 0, "{}", from_file.err);
    for command in [&["verify", "--format", "csv"][..], &["records"], &["power"], &["figure"]] {
        let arguments = [command, &["--claims", "mine", "--log", "-"]].concat();
        let ran = sandbox.run_with_input(&arguments, runs().as_bytes());
        assert_eq!(ran.code, 0, "{command:?}: {}", ran.err);
        if command[0] == "verify" {
            assert_eq!(ran.out, from_file.out);
        }
    }
    let broken = ["verify", "--claims", "mine", "--log", "-"];
    let broken = sandbox.run_with_input(&broken, b"data,method,fold,epoch,f1\nadult,net,0,1,7\n");
    assert_eq!(broken.code, 66);
    assert!(broken.err.contains("line 2: f1 is 7"), "{}", broken.err);
}

#[test]
fn a_verdict_names_the_command_that_gives_it_again() {
    let sandbox = sandbox();
    let many = LOG.replace("\"runs.csv\"", "[\"runs.csv\", \"more/{data}.csv\"]");
    sandbox.put("mine/log.toml", many);
    let more = runs().lines().filter(|line| line.contains("yahoo")).collect::<Vec<_>>().join("\n");
    sandbox.put("mine/more/letter.csv", "method,fold,epoch,f1\nnet,0,3,.5\n");
    assert!(!more.is_empty());
    let ran = ran(&sandbox, &["verify", "--report", "report"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let page = sandbox.read("report/index.html");
    assert!(page.contains("repro verify --claims mine --claim trees_win<"), "no such command");
}

/// The log that a study declares and another one of the same study stand side by side, each with
/// the verdict that it has alone.
#[test]
fn a_study_s_log_is_judged_beside_another() {
    let sandbox = sandbox();
    // Trees are worse in the second log.
    let other = runs().replace(",net,", ",x,").replace(",tree,", ",net,").replace(",x,", ",tree,");
    sandbox.put("other.csv", &other);
    let beside = ["verify", "--evidence", "published", "--log", "other.csv"];
    let both = ran(&sandbox, &beside);
    assert_eq!(both.code, 1, "{}{}", both.out, both.err);
    for says in ["supported on published evidence", "refuted, reversed, on log evidence"] {
        assert!(both.out.contains(says), "{says}\n{}", both.out);
    }
    is_the_stranger_s(&both.out);
    let cells = |more: &[&str]| {
        let ran = ran(&sandbox, &[&["verify", "--format", "csv"][..], more].concat());
        ran.out.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let as_published = |line: &String| line.replace("trees_win,log,", "trees_win,published,");
    let declared: Vec<String> = cells(&[]).iter().map(as_published).collect();
    assert_eq!(cells(&["--evidence", "published"]), declared);
    assert_eq!(cells(&beside[1..]), [declared, cells(&["--log", "other.csv"])].concat());
    let report = ran(&sandbox, &[&beside[..], &["--report", "report"]].concat());
    assert_eq!(report.code, 1, "{}", report.err);
    let page = sandbox.read("report/index.html");
    assert!(page.contains("published evidence") && page.contains("log evidence"));
    assert!(page.contains("repro verify --claims mine --claim trees_win --evidence published<"));
    assert!(!page.contains("Utrera") && !page.contains("fine-tune"));
    let json = ran(&sandbox, &[&beside[..], &["--format", "json"]].concat());
    is_by_its_schema(&sandbox, "citation", &serde_json::from_str(&json.out).unwrap());
    for evidence in ["smoke", "paper", "published,lab"] {
        let refused = ran(&sandbox, &["verify", "--evidence", evidence, "--log", "other.csv"]);
        assert_eq!((refused.code, refused.out.as_str()), (64, ""), "{evidence}");
        let words = refused.err.split_whitespace().filter(|word| *word != "│");
        let words = words.collect::<Vec<_>>().join(" ");
        for says in ["fine-tunes of the project's own paper", "runs differ in data, method"] {
            assert!(words.contains(says), "{says}\n{}", refused.err);
        }
    }
}

#[test]
fn a_log_is_judged_beside_other_evidence() {
    let sandbox = Sandbox::new();
    let log = concat!(env!("CARGO_MANIFEST_DIR"), "/goldens/published/runs.csv.gz");
    let arguments = ["verify", "l2_best", "--evidence", "published", "--log", log, "--brief"];
    let both = sandbox.run(&arguments);
    for evidence in ["on published evidence", "on log evidence"] {
        assert!(both.out.contains(evidence), "{evidence}\n{}\n{}", both.out, both.err);
    }
    assert!(both.out.contains("2 claims on") || both.out.contains("1 claim on 2 kinds"));
}

#[test]
fn records_and_power_take_a_log_in_the_published_columns() {
    let sandbox = Sandbox::new();
    let log = concat!(env!("CARGO_MANIFEST_DIR"), "/goldens/published/runs.csv.gz");
    let of = ["--where", "target=svhn", "--where", "images=73257"];
    let runs = sandbox.run(&[&["records", "--log", log][..], &of].concat());
    assert_eq!((runs.code, runs.err.as_str()), (0, ""));
    assert!(runs.out.contains("12 runs in "), "{}", runs.out);
    let json = sandbox.run(&[&["records", "--log", log, "--format", "json"][..], &of].concat());
    is_by_its_schema(&sandbox, "runs", &serde_json::from_str(&json.out).unwrap());
    let power = sandbox.run(&["power", "gap_shrinks_with_images", "--log", log]);
    let published = sandbox.run(&["power", "gap_shrinks_with_images"]);
    assert_eq!((power.code, &power.out), (0, &published.out), "{}", power.err);
    let neither = sandbox.run(&["records", "--where", "target=svhn"]);
    assert_eq!(neither.code, 64, "{}", neither.err);
}
