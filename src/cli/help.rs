//! What `repro --help` prints below the commands: examples, exit codes, environment variables.

use clap::builder::StyledStr;

use super::exit;

const EXAMPLES: &str = "\
Examples:
  repro verify                               judge every claim, on published logs and local runs
  repro plan                                 list local fine-tunes that would run, and costs
  repro verify shape_bias                    one claim alone
  repro verify --log runs.csv --format json  judge a log of your own, for programs
  repro verify --report report               also write report/index.html and report/gallery.html
  repro figure A5                            draw a figure of the paper or its reproduction, by name
  repro show robust_beats_natural            explain a claim in words";

/// Every variable that the program, or a library in it, reads while it runs.
const ENVIRONMENT: &str = "\
Environment variables (an option on the command line wins over a variable):
  REPRO_LEDGER         the folder of records, as --ledger
  REPRO_DATA           the folder of downloaded files, as --data
  HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY
                       proxies of `fetch`, as curl reads them; lower-case names win
  SSL_CERT_FILE, SSL_CERT_DIR
                       certificates of `fetch`, in place of the system's
  LD_LIBRARY_PATH      where the loader looks for libtorch first
  ATEN_CPU_CAPABILITY  default or avx2: narrower vectors in libtorch, and other bits
  CUDA_VISIBLE_DEVICES the GPUs that a process sees
  OMP_NUM_THREADS      libtorch's threads outside fine-tunes
  NO_COLOR             no colours
  CLICOLOR, CLICOLOR_FORCE, FORCE_COLOR, TERM, COLORTERM, CI
                       whether there are colours
  NO_GRAPHICS          error messages as plain sentences
  LC_ALL, LC_CTYPE, LANG
                       whether marks and the lines of error messages are Unicode or ASCII
  COLUMNS              width of text and tables, instead of the terminal's
  TMPDIR               the folder of temporary files
  SLURM_JOB_ID, SLURM_ARRAY_JOB_ID, SLURM_ARRAY_TASK_ID
                       the job that `work` names in its leases
  REPRO_WORK_UNTIL     internal: when the time ends of a worker that started itself again
  REPRO_ENGINE_CALLER  internal: the build of `repro` that started `repro-engine`";

/// Below the short help.
pub(super) fn after() -> StyledStr {
    format!("{EXAMPLES}\n\n{}\n\n`repro --help` lists environment variables too.", exit::TABLE)
        .into()
}

/// Below the long help.
pub(super) fn after_long() -> StyledStr {
    format!("{EXAMPLES}\n\n{}\n\n{ENVIRONMENT}", exit::TABLE).into()
}
