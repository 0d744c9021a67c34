//! What is submitted: a number of identical workers, and a job that writes the report.

use std::path::PathBuf;

use super::time_limit::TimeLimit;

/// Identical workers on one ledger.
#[derive(Clone, Debug)]
pub(super) struct Workers {
    /// A name for people: the set-up.
    pub name: String,
    /// How many.
    pub count: u32,
    /// Whether each gets a GPU.
    pub gpu: bool,
    /// Threads of each, if they are named.
    pub threads: Option<u16>,
    /// The time of each, from its start or its start again.
    pub time: Option<TimeLimit>,
    /// Slurm's partition.
    pub partition: Option<String>,
    /// Slurm's account.
    pub account: Option<String>,
    /// Further options of Slurm, as words.
    pub extra: Vec<String>,
    /// The program.
    pub program: String,
    /// The words that select claims, for both jobs: `--evidence`, ids, `--claims`.
    pub selection: Vec<String>,
    /// The device and threads of a worker, as words.
    pub placement: Vec<String>,
    /// The ledger, an absolute path.
    pub ledger: PathBuf,
    /// The data folder, an absolute path.
    pub data: PathBuf,
}

impl Workers {
    /// The command line of a worker, as words.
    pub fn work(&self) -> Vec<String> {
        let mut words = vec![self.program.clone(), "work".to_owned()];
        words.extend(self.selection.iter().cloned());
        words.extend(self.folders());
        words.extend(self.placement.iter().cloned());
        if let Some(time) = self.time {
            words.extend(["--for".to_owned(), format!("{}m", time.minutes())]);
        }
        words.push("--leave".to_owned());
        words
    }

    /// The command line that judges the ledger and writes a report, as words.
    pub fn verify(&self, report: &str) -> Vec<String> {
        let mut words = vec![self.program.clone(), "verify".to_owned()];
        words.extend(self.selection.iter().cloned());
        words.extend(self.folders());
        words.extend(["--no-run", "--report", report].map(str::to_owned));
        words
    }

    fn folders(&self) -> [String; 4] {
        let path = |path: &PathBuf| path.display().to_string();
        ["--ledger".to_owned(), path(&self.ledger), "--data".to_owned(), path(&self.data)]
    }

    /// The first word that can't be in a job file: one with a control character, such as a new
    /// line, or a path that is not UTF-8.
    pub fn unusable_word(&self) -> Option<String> {
        let paths = [&self.ledger, &self.data];
        if let Some(path) = paths.iter().find(|path| path.to_str().is_none()) {
            return Some(path.display().to_string());
        }
        let named = [&self.partition, &self.account].into_iter().flatten();
        let words = self.work().into_iter().chain(self.extra.iter().cloned());
        let mut words = words.chain(named.cloned());
        words.find(|word| word.is_empty() || word.chars().any(char::is_control))
    }
}

/// A command line of words, quoted for a shell.
pub(super) fn command_line(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| crate::util::shell::quoted(word)).collect();
    words.join(" ")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Workers with words that a shell, or Slurm, would change.
    pub fn workers(count: u32) -> Workers {
        Workers {
            name: "paper".to_owned(),
            count,
            gpu: true,
            threads: None,
            time: Some(TimeLimit(7200)),
            partition: Some("gpu".to_owned()),
            account: Some("my \"lab\"".to_owned()),
            extra: vec!["-C".to_owned(), "a100&nvlink".to_owned()],
            program: "/opt/my programs/repro".to_owned(),
            selection: ["--evidence", "paper", "l2_best"].map(str::to_owned).to_vec(),
            placement: Vec::new(),
            ledger: "/scratch/it's 100%".into(),
            data: "/data".into(),
        }
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(
            command_line(&workers(1).work()),
            "'/opt/my programs/repro' work --evidence paper l2_best \
             --ledger '/scratch/it'\\''s 100%' --data /data --for 120m --leave"
        );
    }

    #[test]
    fn control_characters_and_empty_words_are_refused() {
        assert_eq!(workers(1).unusable_word(), None);
        let extra = vec!["--comment=a\nexec evil".to_owned()];
        let found = Workers { extra: extra.clone(), ..workers(1) }.unusable_word();
        assert_eq!(found, Some(extra[0].clone()));
        let ledger = "/a\rb".into();
        assert!(Workers { ledger, ..workers(1) }.unusable_word().is_some());
        let partition = Some(String::new());
        assert!(Workers { partition, ..workers(1) }.unusable_word().is_some());
    }
}
