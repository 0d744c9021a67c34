//! Scripts for a machine with a GPU, with fake programs: their calls, the results that they keep, and
//! that they continue after a failure.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A folder of fake programs, and a folder for results.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn program(&self, name: &str, body: &str) -> PathBuf {
        let path = self.at(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// `scripts/gpu.sh` with a program that works, a test that never ends, and a benchmark that fails.
    fn gpu(&self, torch: &str) -> Output {
        self.gpu_with(torch, &[])
    }

    /// The same with other steps.
    fn gpu_with(&self, torch: &str, more: &[(&str, &Path)]) -> Output {
        let repro = self.program(
            "repro",
            "echo $* with $LD_LIBRARY_PATH\n\
             case $1 in\n\
             records) echo '0123456789abcdef  kmnist  1  failed  0.1'; echo 'fedcba9876543210  kmnist  2  55.10  1.5';;\n\
             verify) exit 3;;\n\
             esac",
        );
        let fidelity = self.program("fidelity", "echo $REPRO_REQUIRE $*; exec sleep 60");
        let python = self.program(
            "python",
            &format!(
                "if [ \"$1\" = -c ]; then echo {torch} /there/torch; else echo $*; exit 3; fi"
            ),
        );
        let mut command = Command::new("bash");
        command.arg(project().join("scripts/gpu.sh")).arg(self.at("out"));
        command.env("REPRO", repro).env("FIDELITY", fidelity).env("BENCH", "/there/bench");
        command.env("PYTHON", python).env("LIMIT", "1").env("LD_LIBRARY_PATH", "/kept");
        for name in ["EXECUTOR", "CARD", "PLAN", "CLAIM", "TOLERANCE"] {
            command.env_remove(name);
        }
        command.envs(more.iter().copied());
        command.stdin(Stdio::null()).output().unwrap()
    }
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn gpu_checks_run_step_by_step_after_failures() {
    let machine = Machine::new();
    let ended = machine.gpu("2.11.0");
    assert_eq!(ended.status.code(), Some(1), "{}", err(&ended));
    let summary = machine.read("out/summary.txt");
    let steps: Vec<&str> = summary.lines().filter_map(|line| line.split(',').next()).collect();
    assert_eq!(steps, ["doctor: exit 0", "fidelity: exit 124", "bench: exit 3"]);
    assert_eq!(summary, String::from_utf8_lossy(&ended.stdout));
    assert_eq!(machine.read("out/doctor.log"), "doctor with /there/torch/lib:/kept\n");
    let fidelity = machine.read("out/fidelity.log");
    assert!(
        fidelity.starts_with("gpu --exact fidelity::ten_steps_on_a_gpu_agree_with_pytorch"),
        "{fidelity}"
    );
    let bench = machine.read("out/bench.log");
    assert!(bench.contains("bench.py --device cuda --timeout 1 --repro /there/bench"), "{bench}");
}

#[test]
fn further_gpu_checks_run_when_they_are_named() {
    let machine = Machine::new();
    let tests = machine.program("tests", "echo $REPRO_REQUIRE $*");
    let more = [
        ("EXECUTOR", &*tests),
        ("CARD", &tests),
        ("PLAN", Path::new("paper")),
        ("CLAIM", Path::new("control_more_images")),
    ];
    let ended = machine.gpu_with("2.11.0", &more);
    let summary = machine.read("out/summary.txt");
    let steps: Vec<&str> = summary.lines().filter_map(|line| line.split(',').next()).collect();
    let after =
        ["executor: exit 0", "card: exit 0", "plan: exit 0", "claim: exit 0", "rerun: exit 0"];
    assert_eq!(steps[3..], after, "{}", err(&ended));
    for (name, of) in [("executor", "executor::"), ("card", "gpu::")] {
        let log = machine.read(&format!("out/{name}.log"));
        assert_eq!(log, format!("gpu {of} --nocapture\n"));
    }
    let on_gpu = format!("--device cuda --ledger {}", machine.at("out/ledger").display());
    for (name, asked) in [
        ("plan", "plan --evidence paper"),
        ("claim", "verify --evidence smoke --claim control_more_images"),
        ("rerun", "rerun fedcba9876543210 --tolerance 2"),
    ] {
        let log = machine.read(&format!("out/{name}.log"));
        assert!(log.starts_with(&format!("{asked} {on_gpu} with /there/torch/lib")), "{log}");
    }
}

#[test]
fn another_version_of_torch_is_refused() {
    let machine = Machine::new();
    let ended = machine.gpu("2.12.1");
    assert_eq!(ended.status.code(), Some(66));
    assert!(err(&ended).contains("has torch 2.12.1"), "{}", err(&ended));
    assert!(!machine.at("out/summary.txt").exists());
}

/// The race when both PyTorch scripts fail, without a real torch.
#[test]
fn a_race_has_the_stated_precision_and_keeps_its_results_after_a_failure() {
    let machine = Machine::new();
    let lap = "[{\"seconds\": 2.0, \"processor_seconds\": 1.0}]";
    let measured = format!(
        "{{\"trained_images\": 64, \"tested_images\": 32, \"training\": {lap}, \"testing\": {lap}, \"peak_bytes\": 1}}"
    );
    let repro = machine.program(
        "repro",
        &format!(
            "echo $* with $LD_LIBRARY_PATH >{}\necho '{measured}'",
            machine.at("asked").display()
        ),
    );
    // It prints whether results are stored before the second way starts.
    let torch = machine.at("modules/torch");
    fs::create_dir_all(&torch).unwrap();
    let (kept, seen) = (machine.at("kept.json"), machine.at("seen"));
    let module = format!("import os\nos.path.exists({kept:?}) and open({seen:?}, 'w')\n");
    fs::write(torch.join("__init__.py"), module).unwrap();
    let mut command = Command::new("python3");
    command.arg(project().join("benches/paper/bench.py")).args(["--device", "cuda"]);
    command.args(["--turns", "1", "--timeout", "60"]).arg("--repro").arg(repro);
    command.arg("--json").arg(&kept).stdin(Stdio::null());
    command.env("PYTHONPATH", machine.at("modules")).env("LD_LIBRARY_PATH", "/kept");
    let ended = command.env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap();

    assert_eq!(ended.status.code(), Some(1), "{}", err(&ended));
    assert!(err(&ended).contains("failed: turn 1, good; turn 1, authors; the floor in bf16"));
    let asked = machine.read("asked");
    assert!(asked.contains("--protocol {\"precision\": \"bf16\"} with "), "{asked}");
    assert!(asked.ends_with(&format!("{}/lib:/kept\n", torch.display())), "{asked}");
    assert!(seen.exists(), "nothing is kept before the end");
    let kept: Value = serde_json::from_str(&machine.read("kept.json")).unwrap();
    assert_eq!(kept["runs"]["repro"][0]["trained_images"], 64);
    assert!(kept["runs"]["good"][0]["failed"].as_str().unwrap().contains("good.py"), "{kept}");
    assert_eq!(
        kept["medians"],
        serde_json::json!({ "repro, training": 32.0, "repro, testing": 16.0 })
    );
    let table = String::from_utf8_lossy(&ended.stdout);
    let row = table.lines().find(|line| line.trim_start().starts_with("repro")).unwrap();
    assert!(row.contains("bf16") && row.contains("32 (32 to 32)"), "{table}");
}

#[test]
fn packing_without_pillow_names_what_to_install() {
    let machine = Machine::new();
    fs::create_dir(machine.at("none")).unwrap();
    fs::write(machine.at("none/PIL.py"), "raise ImportError(\"no Pillow\")").unwrap();
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let packed = Command::new("python3")
        .arg(project.join("scripts/pack_lab.py"))
        .arg("--tiny-imagenet")
        .arg(project.join("goldens/data/tiny-imagenet"))
        .arg("--out")
        .arg(machine.at("packed"))
        .env("PYTHONPATH", machine.at("none"))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&packed.stderr);
    assert_eq!(packed.status.code(), Some(1), "{stderr}");
    assert_eq!(
        stderr,
        "failed to pack images: no Pillow: install Pillow with WebP: \
         `python3 -m pip install pillow`\n"
    );
    assert!(!machine.at("packed").exists());
}
