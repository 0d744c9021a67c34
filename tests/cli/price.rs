//! What a plan costs, from the command line, against counts by hand.

use crate::common;
use std::process::{Command, Output, Stdio};

use common::gap_text;
use repro::{experiment::MultiplyAdds, world::World};
use serde_json::Value;

/// A gap on CIFAR-10 at a small size and at a large one, read at another small size too; nothing is fetched.
fn plan(more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let reading = r#"
[[reading]]
id = "elsewhere"
statement = "The same at 400 images."
cells = { target = "cifar10", images = 400, blocks = 3 }
"#;
    let cells = "target = \"cifar10\", images = [100, 12800], blocks = 3";
    let text = gap_text("paper", "greater_than = 0.0", cells, reading);
    std::fs::write(folder.path().join("gap.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_repro"));
    command.arg("--claims").arg(folder.path()).args(["plan", "--evidence", "paper"]);
    command.args(["--device", "cpu"]).args(more).stdin(Stdio::null());
    for option in ["--data", "--ledger"] {
        command.arg(option).arg(folder.path().join("nothing"));
    }
    command.output().unwrap()
}

/// Images and operations of one fine-tune of three blocks of ResNet-50 at 224 pixels, on CIFAR-10.
fn by_hand(epochs: f64, evaluations: f64, images: f64) -> (f64, f64) {
    let counted = MultiplyAdds::new(World::paper().architecture(), 224);
    // Ten thousand test images, once more after the first step.
    let (trained, tested) = (epochs * images, (evaluations + 1.0) * 10_000.0);
    let (step, forward) = (counted.training(3) as f64, counted.forward() as f64);
    (trained + tested, 2.0 * (trained * step + tested * forward))
}

#[test]
fn primary_hypotheses_at_small_sizes_have_their_own_price() {
    let output = plan(&["--device-rate", "1e13", "--all"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let mut for_people = text.lines().filter(|line| !line.contains("can't run here"));
    assert!(for_people.all(|line| line.chars().count() <= 100), "{text}");
    let (_, table) = text.split_once("images  operations  hours\n").expect("a table of parts");
    let row = |part: &str| -> Vec<String> {
        let line = table.lines().find(|line| line.contains(part)).expect(part);
        let after = line.split_once(part).unwrap().1;
        after.split_whitespace().map(str::to_owned).collect()
    };
    let speed = 1e13;
    assert!(text.contains("priced at the given speed, 1.000e13 operations a second"), "{text}");
    let small = by_hand(100.0, 6.0, 100.0);
    let read = by_hand(100.0, 6.0, 400.0);
    let large = {
        let protocol = World::paper().protocol(12_800);
        by_hand(protocol.epochs.into(), protocol.evaluate.len() as f64, 12_800.0)
    };
    // Two models; looks at 3, 5 and 10 seeds, a reading's at 3 and 5.
    for (part, counts) in [
        ("primary, first look", [6.0, 0.0, 0.0]),
        ("primary, every look", [20.0, 0.0, 0.0]),
        ("secondary ", [0.0, 10.0, 0.0]),
        ("larger sizes ", [0.0, 0.0, 20.0]),
        ("next ", [6.0, 6.0, 6.0]),
    ] {
        let prices = counts.iter().zip([small, read, large]);
        let (images, operations) = prices
            .map(|(count, (images, operations))| (count * images, count * operations))
            .fold((0.0, 0.0), |(images, operations), more| (images + more.0, operations + more.1));
        let row = row(part);
        let count: f64 = counts.iter().sum();
        assert_eq!(
            row[..3],
            [count.to_string(), format!("{images:.2e}"), format!("{operations:.2e}")]
        );
        let (said, hours) = (row[3].parse::<f64>().unwrap(), operations / speed / 3600.0);
        assert!(
            (said / hours - 1.0).abs() < 0.01 || (said - hours).abs() < 0.006,
            "{part}: {said}"
        );
    }
    assert!(text.contains("18 fine-tunes to run next"), "{text}");
    assert!(text.contains("run `repro fetch --world paper --data "), "{text}");
}

#[test]
fn jsonl_has_the_operations_of_fine_tunes_that_cannot_run_here() {
    let output = plan(&["--format", "jsonl"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 18, "{text}");
    for line in &lines {
        assert_eq!((&line["key"], &line["seconds"]), (&Value::Null, &Value::Null), "{line}");
        assert!(line["lacking"].as_str().unwrap().contains("repro fetch"), "{line}");
        let images = &line["trial"]["recipe"]["key"]["images"];
        if images == 100 {
            assert_eq!(line["operations"], by_hand(100.0, 6.0, 100.0).1);
        }
    }
    let of_reading = |line: &&Value| line["wanted_by"] == serde_json::json!(["gap/elsewhere"]);
    assert_eq!(lines.iter().filter(of_reading).count(), 6);
}

fn json(more: &[&str]) -> Value {
    let output = plan(&[&["--format", "json"], more].concat());
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn the_parts_add_up_and_time_is_operations_by_speed() {
    let [slow, fast] = ["1e13", "2e13"].map(|rate| json(&["--device-rate", rate]));
    for plan in [&slow, &fast] {
        let (parts, at_most) = (plan["parts"].as_array().unwrap(), &plan["price"]["at_most"]);
        for field in ["fine_tunes", "operations", "seconds"] {
            let sum: f64 = parts.iter().map(|part| number(&part[field])).sum();
            assert!((sum / number(&at_most[field]) - 1.0).abs() < 1e-12, "{field} {plan}");
        }
        let rate = number(&plan["operations_per_second"]);
        assert_eq!(number(&at_most["seconds"]), number(&at_most["operations"]) / rate);
        // One claim: it is all of them.
        assert_eq!(plan["claims"][0]["at_most"], *at_most);
        assert_eq!(number(&plan["price"]["next"]["fine_tunes"]), 18.0);
    }
    let seconds = |plan: &Value| number(&plan["price"]["next"]["seconds"]);
    assert_eq!(seconds(&slow), 2.0 * seconds(&fast));
    assert_eq!(slow["speed_from"], "at the given speed");
}

#[test]
fn a_card_is_priced_by_its_data_sheet_and_what_is_assumed_is_printed() {
    let plan = json(&["--card", "v100"]);
    assert_eq!(number(&plan["operations_per_second"]), 15.7e12 * 0.57);
    assert_eq!(number(&plan["device_memory_bytes"]), f64::from(16_u32 << 10) * 1_048_576.0);
    let next = &plan["price"]["next"];
    assert_eq!(next["too_large"], 0);
    // CIFAR-10 and two checkpoints, of which the robust one states no size.
    let downloads = &next["downloads"];
    assert_eq!(downloads["known_bytes"], 170_052_171 + 102_502_400);
    assert_eq!(
        (&downloads["files_of_unknown_size"], &next["disk_bytes_at_most"]),
        (&1.into(), &Value::Null)
    );
    let text = String::from_utf8(self::plan(&["--card", "v100"]).stdout).unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "V100 SXM2 16 GB, which is not at hand: 57 % of its dense peak of 1.570e13",
        "(NVIDIA V100 data sheet (2020)), which is assumed",
        "GPU-hours",
        "+1",
        "fp32 (the recipe's) 1.570e13 57 %, V100",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

/// A program that has an engine would ask it for this machine's device.
#[cfg(not(feature = "engine"))]
#[test]
fn without_a_speed_there_is_no_time_but_a_way_to_get_one() {
    let plan = json(&[]);
    assert_eq!(
        (&plan["speed_from"], &plan["price"]["next"]["seconds"]),
        (&Value::Null, &Value::Null)
    );
    let text = String::from_utf8(self::plan(&[]).stdout).unwrap();
    assert!(
        text.contains("no time is estimated") && text.contains("--device-rate 60e12"),
        "{text}"
    );
    assert!(!text.contains(", about "), "{text}");
}

#[test]
fn a_precision_that_a_card_does_not_have_has_no_time() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_repro"));
    command.args(["plan", "control_more_images", "--evidence", "lab", "--card", "t4"]);
    let folder = tempfile::tempdir().unwrap();
    for option in ["--data", "--ledger"] {
        command.arg(option).arg(folder.path().join("nothing"));
    }
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(text.contains("the T4 does not compute in tf32"), "{text}");
}

#[test]
fn speeds_and_cards_that_make_no_sense_are_usage_errors() {
    for more in [
        &["--device-rate", "0"][..],
        &["--device-rate", "inf"],
        &["--device-rate", "fast"],
        &["--card", "abacus"],
        &["--card", "h100", "--device-rate", "1e13"],
        &["--card", "h100", "--time"],
    ] {
        assert_eq!(plan(more).status.code(), Some(64), "{more:?}");
    }
}
