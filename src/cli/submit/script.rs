//! Command lines that start workers with GNU parallel, xargs or HyperQueue.

use super::workers::{Workers, command_line};
use crate::util::shell::quoted;

/// The lines, each under a comment that names its tool.
pub(super) fn lines(workers: &Workers) -> String {
    let count = workers.count;
    let last = count - 1;
    let work = command_line(&workers.work());
    // A worker sees one GPU, by its number.
    let device = if workers.gpu { "CUDA_VISIBLE_DEVICES=$1 " } else { "" };
    let each = quoted(&format!("{device}exec {work}"));
    // Without a command GNU parallel runs whole lines, and replaces nothing in them.
    let format = quoted(&format!("sh -c {} repro %s\\n", quoted_for_printf(&each)));
    let resource = if workers.gpu { " --resource gpus/nvidia=1" } else { "" };
    let whole = quoted(&format!("exec {work}"));
    format!(
        "# xargs\n\
         seq 0 {last} | xargs -P {count} -n 1 sh -c {each} repro\n\
         # GNU parallel\n\
         printf {format} $(seq 0 {last}) | parallel --jobs {count} --line-buffer\n\
         # HyperQueue\n\
         hq submit --array 1-{count}{resource} -- sh -c {whole}\n"
    )
}

/// Text that `printf` prints as it is.
fn quoted_for_printf(text: &str) -> String {
    text.replace('\\', r"\\").replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt, process::Command};

    use super::{super::workers::tests::workers, *};

    /// Runs the line of a tool, with `echo` as the program, and returns its lines in order.
    fn ran(tool: &str, workers: &Workers) -> Vec<String> {
        let text = lines(workers);
        let comment = format!("# {tool}");
        let line = text.lines().skip_while(|line| *line != comment).nth(1).unwrap();
        let ran = Command::new("bash").args(["-c", line]).output().unwrap();
        let text = String::from_utf8(ran.stdout).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    fn echoing() -> Workers {
        Workers { program: "echo".to_owned(), ..workers(3) }
    }

    const SAID: &str = "work --evidence paper l2_best --ledger /scratch/it's 100% --data /data \
                        --for 120m --leave";

    #[test]
    fn xargs_starts_a_worker_for_each() {
        assert_eq!(ran("xargs", &echoing()), [SAID; 3]);
    }

    #[test]
    fn gnu_parallel_starts_a_worker_for_each() {
        if Command::new("parallel").arg("--version").output().is_err() {
            return;
        }
        assert_eq!(ran("GNU parallel", &echoing()), [SAID; 3]);
    }

    #[test]
    fn each_worker_sees_a_gpu_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        std::fs::write(&program, "#!/bin/sh\necho $CUDA_VISIBLE_DEVICES\n").unwrap();
        std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        let workers = Workers { program: program.display().to_string(), ..workers(2) };
        assert_eq!(ran("xargs", &workers), ["0", "1"]);
        assert!(!lines(&Workers { gpu: false, ..workers }).contains("CUDA"));
    }
}
