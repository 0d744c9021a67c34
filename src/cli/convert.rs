//! `repro convert`: a checkpoint as safetensors.

use std::{
    ffi::OsString,
    fs::File,
    io::{BufWriter, ErrorKind, Write},
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    Failure, Outcome, exit,
    inspect::{ChoiceArguments, chosen},
    messages::{message, stdout},
};
use crate::{
    checkpoint::{Checkpoint, WriteError, printable, write_safetensors},
    util::{
        files::{self, Existing},
        named_file,
        shell::quoted,
    },
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro convert imagenet_l2_3_0.pt
  repro convert imagenet_l2_3_0.pt --output zoo/l2_3.safetensors

Names become torchvision's; types and values do not change. Skipped tensors are printed on \
standard error. A file that is already there is replaced only if --output names it.";

/// Endings of checkpoints, which a made-up name does not keep. Any other one distinguishes a file
/// from its siblings (`checkpoint.pt.best`, `checkpoint.pt.latest`).
const ENDINGS: [&str; 6] = ["pt", "pth", "ckpt", "bin", "tar", "th"];

#[derive(Args)]
pub(super) struct Convert {
    /// The checkpoint
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file to write; it is replaced [default: FILE with the ending .safetensors, if there is
    /// no such file]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    choice: ChoiceArguments,
}

impl Convert {
    pub(super) fn run(&self) -> Result<Outcome, Failure> {
        let (output, existing) = match &self.output {
            Some(output) => (output.clone(), Existing::Replace),
            None => (made_up(&self.file), Existing::Keep),
        };
        let real = |path: &PathBuf| std::fs::canonicalize(path).ok();
        let is_there = self.file.exists();
        if is_there && real(&output).is_some_and(|path| Some(path) == real(&self.file)) {
            let message = format!("{} would overwrite itself", self.file.display());
            return Err(Failure::usage(message, "name another file with --output"));
        }
        // Before minutes of reading; the file is created only if there is still none.
        if is_there && existing == Existing::Keep && output.symlink_metadata().is_ok() {
            return Err(kept(&output));
        }
        let checkpoint = Checkpoint::open_with(&self.file, &self.choice.choice())?;
        for skipped in checkpoint.skipped() {
            message!("skipped {skipped}");
        }
        let mut unread = None;
        let mut write = |file: &mut File| {
            let mut file = BufWriter::new(file);
            match write_safetensors(&checkpoint, &mut file) {
                Ok(()) => file.flush(),
                Err(WriteError::Io(cause)) => Err(cause),
                Err(WriteError::Read(error)) => {
                    unread = Some(error);
                    Err(ErrorKind::Other.into())
                }
            }
        };
        let written = match existing {
            Existing::Replace => named_file::write_with(&output, &mut write),
            Existing::Keep => files::write_with(&output, existing, &mut write),
        };
        if let Some(error) = unread {
            return Err(error.into());
        }
        written.map_err(|cause| match (existing, cause.kind()) {
            (Existing::Keep, ErrorKind::AlreadyExists) => kept(&output),
            _ => unwritten(&output, &cause),
        })?;
        for (what, other) in [
            ("key", &checkpoint.unwrapped().other_keys),
            ("prefix", &checkpoint.unwrapped().other_prefixes),
        ] {
            for name in other {
                message!("note: --{what} {} chooses another network of this file", chosen(name));
            }
        }
        let prefix = &checkpoint.unwrapped().prefix;
        if !prefix.is_empty() {
            message!("taken off every name: `{}`", printable(prefix));
        }
        let count = checkpoint.tensors().len();
        let what = format!("{count} tensors written to {}", quoted(&output.display().to_string()));
        // Standard output may be what was written to.
        if named_file::is_replaced(&output) {
            writeln!(stdout(), "{what}")?;
        } else {
            message!("{what}");
        }
        Ok(Outcome::Done)
    }
}

/// The file to write if the command names none.
fn made_up(file: &Path) -> PathBuf {
    let ending = file.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    if ending.is_some_and(|ending| ENDINGS.contains(&&*ending) || ending == "safetensors") {
        return file.with_extension("safetensors");
    }
    let mut name = file.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".safetensors");
    file.with_file_name(name)
}

/// The failure to write a file that is there and that no option names.
fn kept(output: &Path) -> Failure {
    let report = miette::miette!(
        help = "name the file to write with --output: it is replaced",
        "failed to write {}: this file exists, and nothing asked to replace it",
        output.display()
    );
    Failure::new(exit::OUTPUT, report)
}

fn unwritten(output: &Path, cause: &std::io::Error) -> Failure {
    let report = miette::miette!(
        help = "check that the folder is writable and has free space",
        "failed to write {}: {cause}",
        output.display()
    );
    Failure::new(exit::OUTPUT, report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_lie_side_by_side_get_names_of_their_own() {
        for (file, name) in [
            ("zoo/l2_3.pt", "zoo/l2_3.safetensors"),
            ("model.PTH", "model.safetensors"),
            ("checkpoint.pth.tar", "checkpoint.pth.safetensors"),
            ("checkpoint.pt.best", "checkpoint.pt.best.safetensors"),
            ("checkpoint.pt.latest", "checkpoint.pt.latest.safetensors"),
            ("eps0.01", "eps0.01.safetensors"),
            ("eps0.03", "eps0.03.safetensors"),
            ("weights", "weights.safetensors"),
            (".pt", ".pt.safetensors"),
        ] {
            assert_eq!(made_up(Path::new(file)), Path::new(name), "{file}");
        }
    }
}
