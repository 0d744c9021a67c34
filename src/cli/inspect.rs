//! `repro inspect`: the tensors of a checkpoint.

use std::{io::Write, path::PathBuf};

use clap::Args;

use super::{
    Failure, Outcome,
    format::{Format, OneOf, TEXT_OR_JSON, json},
    messages::stdout,
};
use crate::{
    checkpoint::{Checkpoint, Container, Inspection, Wrapping},
    report::terminal,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro inspect imagenet_l2_3_0.pt
  repro inspect imagenet_l2_3_0.pt --format json | jq -r '.tensors[].name'

It reads safetensors, PyTorch's zip format and its legacy format (before 1.6). No code in a file \
is run: objects that only the program that wrote it can read are listed under `skipped`.";

#[derive(Args)]
pub(super) struct Inspect {
    /// The checkpoint
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Text for people, or JSON for programs (`repro schema inspection` has its schema)
    #[arg(long, value_parser = OneOf(TEXT_OR_JSON), default_value = "text")]
    format: Format,
}

impl Inspect {
    pub(super) fn run(&self) -> Result<Outcome, Failure> {
        let checkpoint = Checkpoint::open(&self.file)?;
        let inspection = Inspection::new(&checkpoint);
        let mut out = stdout();
        if let Format::Json = self.format {
            json(&mut out, &inspection)?;
            return Ok(Outcome::Done);
        }
        let bytes: usize = checkpoint.tensors().map(|tensor| tensor.bytes_len()).sum();
        writeln!(out, "container  {}", container(inspection.container))?;
        writeln!(out, "wrapping   {}", wrapping(inspection.wrapping))?;
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

fn wrapping(wrapping: Wrapping) -> String {
    let what = match wrapping {
        Wrapping::Plain => "a state dict",
        Wrapping::Nested => "a state dict in a dict",
        Wrapping::DataParallel => "`module.` before the network's names",
        Wrapping::Robustness => "the robustness library's: the network beside its attacker",
    };
    format!("{} ({what})", wrapping.name())
}
