//! `repro table`: what the documents say beside what the code does and the log has.

use serde_json::Value;

use super::ran;

fn json(name: &str) -> Value {
    let ran = ran(&["table", name, "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

fn setting<'a>(table: &'a Value, images: Option<&str>, setting: &str) -> &'a Value {
    let mut rows = table["settings"].as_array().unwrap().iter();
    let found = rows.find(|row| row["setting"] == setting && row["images"].as_str() == images);
    found.unwrap_or_else(|| panic!("{setting} of {images:?}"))
}

#[test]
fn without_a_name_every_table_is_listed() {
    let listed = ran(&["table"]);
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    for name in ["A1", "A2", "accuracies"] {
        assert!(listed.stdout.lines().any(|line| line.starts_with(name)), "{}", listed.stdout);
        let table = ran(&["table", name]);
        assert_eq!(table.code, 0, "{}", table.stderr);
        assert_eq!(ran(&["table", &name.to_lowercase()]).stdout, table.stdout);
    }
    let unknown = ran(&["table", "A3"]);
    assert_eq!(unknown.code, 64);
    assert!(unknown.stderr.contains("accuracies"), "{}", unknown.stderr);
    assert_eq!(ran(&["table", "--format", "csv"]).code, 64);
}

#[test]
fn the_recipe_is_the_printed_one_except_where_it_is_marked() {
    let table = json("a1");
    assert_eq!((&table["name"], &table["format_version"]), (&"A1".into(), &1.into()));
    for same in ["learning rate", "batch", "momentum", "weight decay"] {
        let row = setting(&table, None, same);
        assert_eq!((&row["differs"], &row["document"]), (&false.into(), &row["code"]), "{same}");
    }
    let drops = setting(&table, None, "tenfold drops");
    assert_eq!(drops["code"], "after epochs 33, 66, 99 of 100");
    assert_eq!(drops["differs"], true);
    assert_eq!(setting(&table, None, "augmentation")["differs"], true);
    let head = setting(&table, None, "initial head");
    assert_eq!((&head["document"], &head["differs"]), (&Value::Null, &Value::Null));
}

#[test]
fn twenty_printed_seeds_are_ten_in_code_and_log() {
    let table = json("A2");
    let row = setting(&table, Some("100 to 1,600"), "seeds");
    assert_eq!([&row["document"], &row["code"], &row["log"]], ["20", "10", "10"]);
    assert_eq!(row["differs"], true);
    let epochs = setting(&table, Some("100 to 1,600"), "epochs");
    assert_eq!([&epochs["document"], &epochs["code"], &epochs["log"]], ["100"; 3]);
    assert_eq!(epochs["differs"], false);
    for (images, seeds) in [("3,200 and 6,400", "10"), ("12,800 and 25,600", "5"), ("all", "1")] {
        let row = setting(&table, Some(images), "seeds");
        assert_eq!([&row["document"], &row["code"]], [seeds; 2], "{images}");
    }
    let text = ran(&["table", "A2"]).stdout;
    assert!(text.lines().any(|line| line.contains("seeds") && line.contains("differs")), "{text}");
}

/// `t` of 97.5 % with 9 degrees of freedom: scipy.stats.t.ppf(0.975, 9).
const T_9: f64 = 2.262_157_162_740_992;

#[test]
fn reported_accuracies_are_beside_prediction_intervals_of_one_seed() {
    let table = json("accuracies");
    let rows = table["accuracies"].as_array().unwrap();
    let cells: Vec<(&str, u64)> = rows
        .iter()
        .map(|row| (row["source"].as_str().unwrap(), row["blocks"].as_u64().unwrap()))
        .collect();
    let expected = ["l2_3", "natural"].map(|source| [0, 1, 3].map(|blocks| (source, blocks)));
    assert_eq!(cells, expected.concat());
    for row in rows {
        let number = |field: &str| row[field].as_f64().unwrap();
        assert_eq!(number("seeds"), 10.0);
        let half = T_9 * number("standard_deviation") * (1.0_f64 + 0.1).sqrt();
        assert!((number("mean") - half - number("low")).abs() < 1e-9, "{row}");
        assert!((number("mean") + half - number("high")).abs() < 1e-9, "{row}");
        let inside = (number("low")..=number("high")).contains(&number("reported"));
        assert_eq!(row["inside"], inside);
    }
    // 51.89 is the authors' own mean of l2_3 with 3 blocks (their summary table).
    assert!((rows[2]["mean"].as_f64().unwrap() - 51.89).abs() < 0.005, "{}", rows[2]);
    assert_eq!(rows[0]["reported"], 57.0);
    assert_eq!(rows[3]["reported"], 52.0);
}

#[test]
fn csv_has_a_line_for_every_row() {
    for (name, list) in [("A1", "settings"), ("A2", "settings"), ("accuracies", "accuracies")] {
        let csv = ran(&["table", name, "--format", "csv"]).stdout;
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let rows = reader.records().map(Result::unwrap).count();
        assert_eq!(rows, json(name)[list].as_array().unwrap().len(), "{name}");
    }
}
