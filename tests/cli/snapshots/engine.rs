//! The messages of a build with the engine, before it computes anything.

use std::{fs, process::Command};

use super::{Transcript, snapshot, stderr_text};

#[test]
fn missing_inputs_of_the_engine_are_reported() {
    let mut here = Transcript::new();
    here.run("repro pretrain --world smoke --device cpu --out zoo");
    here.run("repro pretrain --world smoke --device cpu --out zoo --from nowhere");
    here.file("images/train-images-idx3-ubyte", "<html>");
    here.note("images/train-images-idx3-ubyte is a page");
    here.run("repro pretrain --world smoke --device cpu --out zoo --from images");
    here.run("repro pretrain --world lab --device cpu --out zoo");
    here.file("source.safetensors", "<html>");
    here.note("source.safetensors is a page");
    here.run("repro pretrain --world lab --device cpu --out zoo --from source.safetensors");
    let key = "target = \"kmnist\"\nsource = \"l2_3\"\nblocks = 3\nimages = 0\n";
    here.file("mine.toml", format!("world = \"smoke\"\n[key]\n{key}"));
    here.note("mine.toml asks for no image");
    here.run("repro run --recipe mine.toml --seed 1 --device cpu --threads 2");
    here.snapshot("messages-with-engine");
}

/// On one line each: they name a folder whose length decides where lines break.
#[test]
fn programs_of_different_builds_are_reported() {
    let here = Transcript::new();
    let program = assert_cmd::cargo::cargo_bin!("repro");
    let alone = here.folder.path().join("repro");
    fs::copy(program, &alone).unwrap();
    let engine = Command::new(program.with_file_name("repro-engine"));
    let mut output = String::new();
    let apart = Command::new(&alone);
    for (what, mut command, word) in [
        ("repro, and no repro-engine beside it", apart, "doctor"),
        ("repro-engine, called by another repro", engine, "list"),
    ] {
        command.arg(word).env("REPRO_ENGINE_CALLER", "another");
        let ran = command.env("NO_COLOR", "1").env("LC_ALL", "C.UTF-8").output().unwrap();
        let words = stderr_text(&ran.stderr);
        let words: Vec<&str> = words.split_whitespace().filter(|word| *word != "│").collect();
        // A path is broken after a slash.
        let line = here.hidden(&words.join(" ").replace("/ ", "/"));
        output += &format!("# {what}\nexit {}\n{line}\n", ran.status.code().expect("no signal"));
    }
    snapshot("messages-programs", &output);
}
