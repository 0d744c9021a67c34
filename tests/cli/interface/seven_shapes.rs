//! The shapes in which people have their runs: each is read, completed and judged, or refused with
//! the reason.

use super::Sandbox;

/// Every data set, method and seed, with a metric by which trees are better.
fn runs() -> impl Iterator<Item = (&'static str, &'static str, u32, f64)> {
    let data = [("adult", 0.85), ("helena", 0.38)].into_iter();
    data.flat_map(|(data, base)| {
        [("tree", 0.02), ("mlp", 0.0)].into_iter().flat_map(move |(method, lead)| {
            let f1 = move |seed: u32| base + lead + 0.001 * f64::from((seed * 7 + 3) % 5);
            let f1 = move |seed| f1(seed) + lead * 0.01 * f64::from(seed);
            (0..5).map(move |seed| (data, method, seed, f1(seed)))
        })
    })
}

/// Surveys a log, completes what is left to a person, and judges the first claim on two data sets.
fn is_judged(log: &str, folder: &str, factors: [&str; 2], completed: &[(&str, &str)]) {
    let sandbox = Sandbox::new();
    put(&sandbox);
    let surveyed = sandbox.run(&["init", log]);
    assert_eq!((surveyed.code, surveyed.err.as_str()), (0, ""), "{log}");
    assert!(surveyed.out.contains("replicates: 5 in 4 of 4"), "{log}: {}", surveyed.out);
    let open = sandbox.run(&["verify", "--claims", folder]);
    assert_eq!(open.code, 64, "{log}: a TODO is refused: {}", open.out);
    let [data, method] = factors;
    let complete = |file: &str, more: &[(&str, &str)]| {
        let mut text = sandbox.read(&format!("{folder}/{file}"));
        for (from, to) in completed.iter().chain(more) {
            text = text.replace(from, to);
        }
        sandbox.put(&format!("{folder}/{file}"), text);
    };
    let log_toml =
        [("better = \"TODO\"", "better = \"higher\""), ("planned = \"TODO\"", "planned = 5")];
    complete("log.toml", &log_toml);
    let arm = |name: &str, value: &str| format!("{name} = {{ {method} = \"{value}\" }}");
    let every = format!("cells = {{ {data} = \"every\", {method} = \"every\" }}");
    let claim = [
        ("one = { TODO = \"TODO\" }", arm("one", "tree")),
        ("other = { TODO = \"TODO\" }", arm("other", "mlp")),
        (every.as_str(), format!("cells = {{ {data} = \"every\" }}")),
        ("metric = \"TODO\"", "metric = \"f1\"".to_owned()),
        ("TODO: ", String::new()),
        ("TODO", "Trees win".to_owned()),
    ];
    let claim: Vec<(&str, &str)> = claim.iter().map(|(from, to)| (*from, to.as_str())).collect();
    complete("first_claim.toml", &claim);
    let judged = sandbox.run(&["verify", "--claims", folder]);
    assert_eq!(judged.code, 0, "{log}: {}{}", judged.out, judged.err);
    assert!(judged.out.contains("all 2 cells are supported"), "{log}: {}", judged.out);
}

fn put(sandbox: &Sandbox) {
    let mut exported =
        "Name,State,Created,Runtime,dataset,method,seed,lr,f1,_timestamp\n".to_owned();
    let mut tables = [("adult", String::new()), ("helena", String::new())];
    for (number, (data, method, seed, f1)) in runs().enumerate() {
        let document = format!("{{\"metrics\": {{\"f1\": {f1:.4}}}, \"config\": {{\"lr\": 0.1}}}}");
        sandbox.put(&format!("documents/{data}/{method}/{seed}.json"), document);
        let rows = format!("{{\"epoch\": 1, \"f1\": 0.1}}\n{{\"epoch\": 2, \"f1\": {f1:.4}}}\n");
        sandbox.put(&format!("lines/{data}_{method}_seed{seed}.jsonl"), rows);
        exported += &format!(
            "brave-sun-{number},finished,2026-01-{:02}T10:00:00Z,{}.5,{data},{method},{seed},\
             0.1,{f1:.4},17{number:03}\n",
            number + 1,
            number * 3 % 17,
        );
        let (_, table) = tables.iter_mut().find(|(of, _)| *of == data).unwrap();
        *table += &format!("{method},{seed},{f1:.4}\n");
        let scores = format!(
            "{{\"results\": {{\"{data}\": {{\"f1\": {f1:.4}, \"alias\": \"{data}\"}}}}, \
             \"config\": {{\"model\": \"hf\", \"random_seed\": {seed}}}}}"
        );
        sandbox.put(&format!("scores/{method}/{data}/results_{seed}.json"), scores);
    }
    sandbox.put("exported/runs.csv", exported);
    for (data, table) in tables {
        sandbox.put(&format!("tables/{data}.csv"), format!("method,seed,f1\n{table}"));
    }
}

#[test]
fn folders_of_documents_are_judged() {
    let seed = ("name = \"TODO\"\ncolumn = \"part_3\"", "name = \"seed\"\ncolumn = \"part_3\"");
    is_judged("documents", "documents", ["part_1", "part_2"], &[seed]);
}

#[test]
fn lines_a_run_are_judged() {
    let length = ("name = \"epoch\"\nplanned = \"TODO\"", "name = \"epoch\"\nplanned = 2");
    is_judged("lines", "lines", ["part_1", "part_1_2"], &[length]);
}

#[test]
fn a_table_a_task_is_judged() {
    is_judged("tables", "tables", ["part_1", "method"], &[]);
}

#[test]
fn an_exported_table_of_runs_is_judged() {
    is_judged("exported/runs.csv", "exported", ["dataset", "method"], &[]);
}

/// Each task's score has a column of its own; a document has some of them.
#[test]
fn documents_of_an_evaluation_are_surveyed() {
    let sandbox = Sandbox::new();
    put(&sandbox);
    let surveyed = sandbox.run(&["init", "scores"]);
    assert_eq!(surveyed.code, 0, "{}", surveyed.err);
    for says in ["results.adult.f1", "results.helena.f1", "2 values: mlp, tree"] {
        assert!(surveyed.out.contains(says), "{says}\n{}", surveyed.out);
    }
}

#[test]
fn arrays_and_means_are_refused_with_the_reason() {
    let sandbox = Sandbox::new();
    sandbox.put("arrays/mlp_0.npy", b"\x93NUMPY\x01\0v\0{'descr': '<f8', }\n");
    let table = "method,adult,helena\ntree,81.2 \u{b1} 0.3,38.0 \u{b1} 0.1\nmlp,80.1 \u{b1} 0.3,39.1 \u{b1} 0.2\n";
    sandbox.put("means.csv", table);
    for (log, says) in [
        ("arrays", "it is a NumPy array"),
        ("means.csv", "holds a mean and a spread in one cell (`81.2 \u{b1} 0.3`)"),
    ] {
        let refused = sandbox.run(&["init", log]);
        assert_eq!((refused.code, refused.out.as_str()), (66, ""), "{log}");
        let words = refused.err.split_whitespace().filter(|word| *word != "│");
        let words = words.collect::<Vec<_>>().join(" ");
        assert!(words.contains(says), "{says}\n{}", refused.err);
    }
}
