//! Commands that name something that does not exist.

use super::Transcript;

#[test]
fn usage_errors_suggest_what_was_probably_meant() {
    let mut slips = Transcript::new();
    for command in [
        "repro verfy",
        "repro judge",
        "repro verify --evidnce published",
        "repro verify --evidence publshed",
        "repro verify --evidence log",
        "repro verify --evidence",
        "repro verify shape_bais",
        "repro verify --claim shape-bias",
        "repro verify --claim shape_bias --claim nothing",
        "repro verify --format yaml",
        "repro verify --evidence published --log runs.csv",
        "repro verify --device gpu",
        "repro verify --threads 0",
        "repro verify --threads many",
        "repro verify --threads 100000",
        "repro list --all",
        "repro show shape-bais",
        "repro show l2_bets",
        "repro show l2_best shape_bias",
        "repro power --claim l2-best",
        "repro power --evidence everything",
        "repro compare --evidence papers",
        "repro compare --log a.csv --evidence paper",
        "repro compare --format svg",
        "repro compare --figure replication.png",
        "repro figure A55",
        "repro figure 2 a5",
        "repro figure shape_bias",
        "repro figure A5 --format pdf",
        "repro figure --run",
        "repro figure A5 --run --seeds 11",
        "repro figure A5 --run --log runs.csv",
        "repro sensitivity",
        "repro sensitivity --claim shape-bias --no-run",
        "repro sensitivity --claim shape_bias --choice heads --no-run",
        "repro sensitivity --claim shape_bias --evidence published --no-run",
        "repro plan --figure A5 --claim l2_best",
        "repro plan --format jsn",
        "repro doctor --world smoke",
        "repro schema",
        "repro schema verdict",
        "repro completions",
        "repro completions basch",
        "repro inspect",
        "repro convert",
        "repro run",
        "repro run --recipe mine.toml",
        "repro run --key 3f9c01ab --seed 1",
        "repro run --key 3f9c01ab --recipe mine.toml --seed 1",
        "repro run --recipe mine.toml --seed one",
        "repro rerun",
        "repro rerun 3f9c01ab --within 101",
        "repro rerun 3f9c01ab --within some",
        "repro runs one two",
        "repro runs 3f9c01ab --export one.jsonl.gz",
        "repro runs --blocks three",
        "repro fetch --world smoke",
        "repro fetch --zoo sister",
        "repro fetch --world paper --zoo engstrom",
        "repro fetch mnist --tries 0",
        "repro fetch mnist --stall never",
        "repro fetch mnist --stall 0",
        "repro fetch mnist --pause 4000",
        "repro pretrain",
        "repro pretrain --world paper",
    ] {
        slips.run(command);
    }
    slips.snapshot("messages-usage");
}

/// With an engine their output depends on the machine.
#[cfg(not(feature = "engine"))]
#[test]
fn without_an_engine_the_message_says_how_to_build_it() {
    let mut none = Transcript::new();
    for command in [
        "repro verify --evidence smoke --claim l2_best",
        "repro verify --claim l2_best --brief",
        "repro figure A1 --evidence smoke --run",
        "repro sensitivity --claim l2_best --choice head",
        "repro pretrain --world smoke",
        "repro doctor --world paper",
        "repro doctor",
    ] {
        none.run(command);
    }
    let text = none.text.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    super::snapshot("messages-without-engine", &text);
}
