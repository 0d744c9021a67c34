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

#[cfg(feature = "engine")]
#[test]
fn primary_hypotheses_at_small_sizes_have_their_own_price() {
    let output = plan(&["--threads", "2"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let (table, _) = text.split_once("fine-tunes to run next").expect("it ends with a sum");
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{text}");
    let row = |part: &str| -> Vec<String> {
        let line = text.lines().find(|line| line.contains(part)).expect(part);
        let after = line.split_once(part).unwrap().1;
        after.split_whitespace().map(str::to_owned).collect()
    };
    let speed: f64 = {
        let line = text.lines().find(|line| line.starts_with("priced by a short")).unwrap();
        line.split_whitespace().find_map(|word| word.parse().ok()).unwrap()
    };
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
