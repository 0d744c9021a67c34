//! The commands `repro inspect` and `repro convert`.

use std::path::Path;

use assert_cmd::Command;
use repro::checkpoint::{Checkpoint, Container};

use super::{fixture, folder, reference::Reference};

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

fn ran(arguments: &[&str], folder: &Path) -> Ran {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("repro"));
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").current_dir(folder);
    let output = command.args(arguments).output().unwrap();
    Ran {
        code: output.status.code().expect("no signal"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: crate::common::stderr::stderr_text(&output.stderr),
    }
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn json_fits_its_schema_and_has_numpys_values() {
    let reference = Reference::read();
    let schema = json(&ran(&["schema", "inspection"], &folder()).stdout);
    for file in ["robustness-legacy.pt", "plain-zip.pt", "tiny.safetensors"] {
        let ran = ran(&["inspect", file, "--format", "json"], &folder());
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{file}");
        let inspection = json(&ran.stdout);
        assert!(jsonschema::is_valid(&schema, &inspection), "{file}");
        let known = &reference.files[file];
        assert_eq!(inspection["format_version"], 1);
        assert_eq!(inspection["container"], known.container.as_str());
        assert_eq!(inspection["wrapping"], known.wrapping.as_str());
        let tensors = inspection["tensors"].as_array().unwrap();
        let expected = &reference.sets[known.tensors];
        assert_eq!(tensors.len(), expected.len());
        for (tensor, expected) in tensors.iter().zip(expected) {
            assert_eq!(tensor["name"], expected.name.as_str());
            assert_eq!(tensor["dtype"], expected.dtype.as_str());
            assert_eq!(tensor["sha256"], expected.sha256.as_str());
            let shape: Vec<usize> = serde_json::from_value(tensor["shape"].clone()).unwrap();
            assert_eq!(shape, expected.shape);
        }
        let skipped = inspection["skipped"].as_array().unwrap();
        assert_eq!(skipped.is_empty(), known.skipped.is_empty());
    }
}

#[test]
fn text_fits_100_columns_and_names_what_was_skipped() {
    let ran = ran(&["inspect", "robustness-legacy.pt"], &folder());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for part in
        ["legacy", "robustness", "layer4.0.bn1.weight", "float32", "module.attacker: ", "0.485"]
    {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    for line in ran.stdout.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn a_converted_checkpoint_inspects_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["robustness-legacy.pt", "big-zip.pt"] {
        std::fs::write(folder.path().join(file), fixture(file)).unwrap();
        let converted = ran(&["convert", file], folder.path());
        assert_eq!(converted.code, 0, "{}", converted.stderr);
        let output = file.replace(".pt", ".safetensors");
        assert!(converted.stdout.contains(&output), "{}", converted.stdout);
        let tensors = |file: &str| {
            let ran = ran(&["inspect", file, "--format", "json"], folder.path());
            json(&ran.stdout)["tensors"].clone()
        };
        assert_eq!(tensors(&output), tensors(file), "{file}");
        let skips = file.starts_with("robustness");
        assert_eq!(converted.stderr.contains("skipped "), skips, "{}", converted.stderr);
    }
    let elsewhere = ran(&["convert", "big-zip.pt", "--output", "new/x.safetensors"], folder.path());
    assert_eq!(elsewhere.code, 0, "{}", elsewhere.stderr);
    assert!(folder.path().join("new/x.safetensors").exists());
}

/// The two names that the robustness library writes, two eps, and a stranger's file.
#[test]
fn a_made_up_name_never_replaces_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let names = ["checkpoint.pt.best", "checkpoint.pt.latest", "eps0.01", "eps0.03"];
    for name in names {
        std::fs::write(path(name), fixture("plain-zip.pt")).unwrap();
        assert_eq!(ran(&["convert", name], folder.path()).code, 0, "{name}");
        assert!(path(&format!("{name}.safetensors")).exists(), "{name}");
    }
    std::fs::write(path("model.pt"), fixture("plain-zip.pt")).unwrap();
    std::fs::write(path("model.safetensors"), "somebody else wrote this").unwrap();
    for name in ["model.pt", names[0]] {
        let ran = ran(&["convert", name], folder.path());
        assert_eq!((ran.code, ran.stdout.as_str()), (73, ""), "{}", ran.stderr);
        assert!(ran.stderr.contains("this file exists") && ran.stderr.contains("--output"));
    }
    let kept = std::fs::read(path("model.safetensors")).unwrap();
    assert_eq!(kept, b"somebody else wrote this");
    let named = ran(&["convert", "model.pt", "--output", "model.safetensors"], folder.path());
    assert_eq!(named.code, 0, "{}", named.stderr);
    assert_ne!(std::fs::read(path("model.safetensors")).unwrap(), kept);
}

#[test]
fn damaged_or_missing_checkpoints_exit_with_66_and_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    file("cut.pt", &fixture("plain-legacy.pt")[..700]);
    file("page.pt", b"<!DOCTYPE html>");
    file("evil.pt", &fixture("hostile-tensor-zip.pt"));
    for (name, what) in [
        ("cut.pt", "truncated"),
        ("page.pt", "a page of HTML"),
        ("evil.pt", "posix.system"),
        ("missing.pt", "failed to read"),
        // Its made-up name would be that of the file itself.
        ("missing.safetensors", "failed to read"),
    ] {
        for command in ["inspect", "convert"] {
            let ran = ran(&[command, name], folder.path());
            assert_eq!(ran.code, 66, "{name}: {}", ran.stderr);
            assert!(ran.stdout.is_empty(), "{}", ran.stdout);
            for part in [name, what, "help"] {
                assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
            }
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "nothing was written");
}

/// A device or a pipe is written to: renaming a file to its name would delete it.
#[test]
fn a_pipe_is_written_to_and_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plain.pt"), fixture("plain-zip.pt")).unwrap();
    std::os::unix::fs::symlink("/dev/stdout", folder.path().join("link")).unwrap();
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("repro"));
    let command = command.current_dir(&folder).args(["convert", "plain.pt", "--output", "link"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("tensors written to link"), "{said}");
    let converted = Checkpoint::read("stdout", output.stdout).unwrap();
    assert_eq!(converted.container(), Container::Safetensors);
    assert!(folder.path().join("link").is_symlink());
}

#[test]
fn a_file_never_overwrites_itself_and_an_unwritable_path_exits_with_73() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = fixture("tiny.safetensors");
    std::fs::write(folder.path().join("tiny.safetensors"), &bytes).unwrap();
    for more in [&[][..], &["--output", "./tiny.safetensors"]] {
        let arguments = [&["convert", "tiny.safetensors"], more].concat();
        let ran = ran(&arguments, folder.path());
        assert_eq!(ran.code, 64, "{}", ran.stderr);
    }
    assert_eq!(std::fs::read(folder.path().join("tiny.safetensors")).unwrap(), bytes);
    let taken = ["convert", "tiny.safetensors", "--output", "tiny.safetensors/x.safetensors"];
    let ran = ran(&taken, folder.path());
    assert_eq!(ran.code, 73, "{}", ran.stderr);
    assert!(ran.stderr.contains("failed to write"), "{}", ran.stderr);
}
