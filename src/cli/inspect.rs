//! `repro inspect`: the tensors of a checkpoint.

use std::{io::Write, path::PathBuf};

use clap::Args;

use super::{
    Failure, Outcome,
    format::{Format, OneOf, TEXT_OR_JSON, json},
    messages::stdout,
};
use crate::{
    checkpoint::{Checkpoint, Choice, Container, Inspection, Wrapping, printable},
    report::terminal,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro inspect imagenet_l2_3_0.pt
  repro inspect imagenet_l2_3_0.pt --format json | jq -r '.tensors[].name'
  repro inspect model_best.pth.tar --key state_dict_ema --prefix module

It reads safetensors, PyTorch's zip format and its legacy format (before 1.6). No code in a file \
is run: objects that only the program that wrote it can read are listed under `skipped`.";

/// What to take of a checkpoint that has several networks.
#[derive(Args)]
pub(super) struct ChoiceArguments {
    /// The keys that lead to the state dict, joined by dots [default: what the names say]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// What the network's names begin with, and is taken off [default: what the names say]
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
}

impl ChoiceArguments {
    pub(super) fn choice(&self) -> Choice {
        Choice { key: self.key.clone(), prefix: self.prefix.clone() }
    }
}

#[derive(Args)]
pub(super) struct Inspect {
    /// The checkpoint
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    choice: ChoiceArguments,
    /// Text for people, or JSON for programs (`repro schema inspection` has its schema)
    #[arg(long, value_parser = OneOf(TEXT_OR_JSON), default_value = "text")]
    format: Format,
}

impl Inspect {
    pub(super) fn run(&self) -> Result<Outcome, Failure> {
        let checkpoint = Checkpoint::open_with(&self.file, &self.choice.choice())?;
        let inspection = Inspection::new(&checkpoint)?;
        let mut out = stdout();
        if let Format::Json = self.format {
            json(&mut out, &inspection)?;
            return Ok(Outcome::Done);
        }
        let bytes: usize = checkpoint.tensors().map(|tensor| tensor.bytes_len()).sum();
        writeln!(out, "container  {}", container(inspection.container))?;
        writeln!(out, "wrapping   {}", wrapping(inspection.wrapping))?;
        for (what, value) in about(&inspection) {
            writeln!(out, "{what:<9}  {value}")?;
        }
        writeln!(out, "tensors    {}, {:.1} MB\n", checkpoint.tensors().len(), bytes as f64 / 1e6)?;
        let rows = checkpoint.tensors().zip(&inspection.tensors).map(|(tensor, inspected)| {
            let shape = format!("{:?}", inspected.shape);
            // Enough digits to distinguish tensors; JSON has all of them.
            let digest = inspected.sha256[..16].to_owned();
            vec![tensor.printable_name(), shape, inspected.dtype.clone(), digest]
        });
        writeln!(out, "{}", terminal::table(&["name", "shape", "dtype", "sha256"], rows))?;
        if !inspection.skipped.is_empty() {
            writeln!(out, "\nskipped:")?;
        }
        for line in &inspection.skipped {
            for (at, part) in terminal::wrapped(line, terminal::width() - 4).iter().enumerate() {
                let indent = if at == 0 { 2 } else { 4 };
                writeln!(out, "{:indent$}{part}", "")?;
            }
        }
        Ok(Outcome::Done)
    }
}

fn container(container: Container) -> String {
    let what = match container {
        Container::Safetensors => return container.name().to_owned(),
        Container::Zip => "PyTorch's since 1.6",
        Container::Legacy => "PyTorch's before 1.6",
    };
    format!("{} ({what})", container.name())
}

/// What was taken off the names, and what could be chosen instead, each with its label.
fn about(inspection: &Inspection) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let others = |names: &[String], option: &str| match names {
        [] => String::new(),
        names => {
            let names: Vec<String> = names.iter().map(|name| chosen(name)).collect();
            format!("; {option} chooses {}", names.join(" or "))
        }
    };
    let (keys, prefixes) = (&inspection.other_keys, &inspection.other_prefixes);
    if inspection.key.is_some() || !keys.is_empty() {
        let key = inspection.key.as_ref().map_or("none".to_owned(), |key| format!("`{key}`"));
        lines.push(("key", key + &others(keys, "--key")));
    }
    if !inspection.prefix.is_empty() || !prefixes.is_empty() {
        let prefix = match inspection.prefix.as_str() {
            "" => "none taken off".to_owned(),
            prefix => format!("`{prefix}` taken off"),
        };
        lines.push(("prefix", prefix + &others(prefixes, "--prefix")));
    }
    lines.into_iter().map(|(what, line)| (what, printable(&line))).collect()
}

/// A key or a prefix as a message names it.
pub(super) fn chosen(name: &str) -> String {
    match name {
        "" => "\"\" (no prefix)".to_owned(),
        name => format!("`{}`", printable(name)),
    }
}

fn wrapping(wrapping: Wrapping) -> String {
    let what = match wrapping {
        Wrapping::Plain => "a state dict",
        Wrapping::Nested => "a state dict in a dict",
        Wrapping::DataParallel => "`module.` before the network's names",
        Wrapping::Prefixed => "other names before the network's",
        Wrapping::Robustness => "the robustness library's: the network beside its attacker",
    };
    format!("{} ({what})", wrapping.name())
}
