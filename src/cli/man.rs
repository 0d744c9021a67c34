//! `repro man`: manual pages, made from the help texts.

use std::{io::Write, path::PathBuf};

use clap::{Args, Command};
use clap_mangen::Man as Page;

use super::{Failure, Outcome, exit, messages::stdout};
use crate::util::files;

pub(super) const EXAMPLES: &str = "\
Examples:
  repro man | man -l -
  repro man --out ~/.local/share/man/man1";

#[derive(Args)]
pub(super) struct Man {
    /// Write a page for the program and for each command into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(&self, mut command: Command) -> Result<Outcome, Failure> {
        // Sets the names and usage lines of commands within commands.
        command.build();
        let mut out = stdout();
        let Some(folder) = &self.out else {
            out.write_all(&page(&command, "repro")?)?;
            return Ok(Outcome::Done);
        };
        let mut pages = Vec::new();
        collect(&command, "repro", &mut pages)?;
        for (name, text) in pages {
            let path = folder.join(format!("{name}.1"));
            files::replace(&path, &text).map_err(|cause| {
                let report = miette::miette!(
                    help = "check that the folder is writable and has free space",
                    "failed to write {}: {cause}",
                    path.display()
                );
                Failure::new(exit::OUTPUT, report)
            })?;
            writeln!(out, "{}", path.display())?;
        }
        Ok(Outcome::Done)
    }
}

/// The page of a command, in roff.
fn page(command: &Command, name: &str) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    Page::new(command.clone().name(name.to_owned())).render(&mut text)?;
    Ok(text)
}

/// The pages of a command and of the commands within it, by their names.
fn collect(
    command: &Command,
    name: &str,
    pages: &mut Vec<(String, Vec<u8>)>,
) -> Result<(), Failure> {
    pages.push((name.to_owned(), page(command, name)?));
    let within = command.get_subcommands();
    for command in within.filter(|command| !command.is_hide_set() && command.get_name() != "help") {
        collect(command, &format!("{name}-{}", command.get_name()), pages)?;
    }
    Ok(())
}
