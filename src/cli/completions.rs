//! `repro completions`: a shell's completions.

use clap::Args;

use super::{Failure, Outcome};

#[derive(Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

impl Completions {
    pub(super) fn run(&self, command: &mut clap::Command) -> Result<Outcome, Failure> {
        // Made in memory first: clap_complete panics where standard output is closed.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, command, "repro", &mut script);
        std::io::Write::write_all(&mut super::stdout(), &script)?;
        Ok(Outcome::Done)
    }
}
