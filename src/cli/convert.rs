//! `repro convert`: a checkpoint as safetensors.

use std::{io::Write, path::PathBuf};

use clap::Args;

use super::{
    Failure, Outcome, exit,
    messages::{message, stdout},
};
use crate::{
    checkpoint::{Checkpoint, to_safetensors},
    util::{files, shell::quoted},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro convert imagenet_l2_3_0.pt
  repro convert imagenet_l2_3_0.pt --output zoo/l2_3.safetensors

Names become torchvision's; types and values do not change. Skipped tensors are printed on \
standard error.";

#[derive(Args)]
pub(super) struct Convert {
    /// The checkpoint
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file to write [default: FILE with the ending .safetensors]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Convert {
    pub(super) fn run(&self) -> Result<Outcome, Failure> {
        let output = self.output.clone().unwrap_or_else(|| self.file.with_extension("safetensors"));
        let same = |path: &PathBuf| std::fs::canonicalize(path).ok();
        if output == self.file || same(&output).is_some_and(|path| Some(path) == same(&self.file)) {
            let message = format!("{} would overwrite itself", self.file.display());
            return Err(Failure::usage(message, "name another file with --output"));
        }
        let checkpoint = Checkpoint::open(&self.file)?;
        for skipped in checkpoint.skipped() {
            message!("skipped {skipped}");
        }
        let path = output.display().to_string();
        files::replace(&output, &to_safetensors(&checkpoint)).map_err(|cause| {
            let report = miette::miette!(
                help = "check that the folder is writable and has free space",
                "failed to write {path}: {cause}"
            );
            Failure::new(exit::OUTPUT, report)
        })?;
        let count = checkpoint.tensors().len();
        writeln!(stdout(), "{count} tensors written to {}", quoted(&path))?;
        Ok(Outcome::Done)
    }
}
