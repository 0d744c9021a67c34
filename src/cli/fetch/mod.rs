//! `repro fetch`: downloads data sets and checkpoints, or imports them from a folder.

mod report;

use std::{collections::HashSet, io::Write, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum, builder::PossibleValue};

use super::{
    Failure, Outcome, exit,
    folders::Data,
    format::{Format, Offered, OneOf, json},
    interrupt, kind,
    messages::{message, old_spelling, stdout},
    progress::DownloadProgress,
};
use crate::{
    experiment::EvidenceKind,
    fetch::{
        Catalogue, CatalogueError, FetchError, Fetcher, Item, Network, Proxies, RetryPolicy,
        Source, Zoo,
    },
};

pub(super) use report::FetchReport;

pub(super) const EXAMPLES: &str = "\
Examples:
  repro fetch                                list every item and its state
  repro fetch cifar10 authors/l2_3           two items
  repro fetch salman                         every checkpoint of Salman et al. (2020)
  repro fetch --world paper                  all targets of the paper, and the authors' checkpoints
  repro fetch --world salman                 the same targets, and the checkpoints of Salman et al.
  repro fetch --world paper --zoo authors,salman    the same targets, and both
  repro fetch celeba --from ~/downloads      import files: found by name, verified, copied

Complete files are left alone, and an interrupted download is resumed. HTTP_PROXY, HTTPS_PROXY, \
ALL_PROXY and NO_PROXY are obeyed; SSL_CERT_FILE names certificates of your own. Archives are kept \
beside the unpacked files, so that these can be verified; --remove-archives deletes them. If a \
provider publishes no checksum, the SHA-256 of the first download is recorded in FILE.sha256 and \
later downloads have to match it; delete FILE.sha256 to accept another file. Such a checkpoint is \
accepted only if it can be read and has the architecture of its zoo.

Exit codes: 64 unknown name; 66 some item could not be downloaded or imported; 73 can't write; 130 \
stopped by Ctrl-C.";

#[derive(Args)]
pub(super) struct Fetch {
    /// Items, or zoos (`authors`, `salman`) [default: list every item]
    #[arg(value_name = "NAME", value_delimiter = ',')]
    names: Vec<String>,
    /// Everything that a set-up needs: its targets, and the checkpoints of its source models
    #[arg(long, value_parser = kind::one_of(kind::PAPER))]
    world: Option<EvidenceKind>,
    /// Whose checkpoints --world downloads; repeat it or separate several with commas
    /// [default: the set-up's own]
    #[arg(long, value_enum, value_delimiter = ',', requires = "world")]
    zoo: Vec<ZooArgument>,
    /// Import the files from this folder, or a folder in it, by their official names
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    #[command(flatten)]
    data: Data,
    /// List the state of each item, and download nothing
    #[arg(long)]
    list: bool,
    /// Delete archives after they are unpacked
    #[arg(long)]
    remove_archives: bool,
    /// Retries in a row without new data before an address is given up
    #[arg(
        long,
        value_name = "N",
        default_value_t = RetryPolicy::default().attempts - 1,
        value_parser = clap::value_parser!(u32).range(0..=99)
    )]
    retries: u32,
    /// The old spelling of --retries, which counts the first attempt too
    #[arg(
        long,
        hide = true,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=100),
        conflicts_with = "retries"
    )]
    tries: Option<u32>,
    /// Close a connection that sends no data for this long
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    timeout: Duration,
    /// The old spelling of --timeout
    #[arg(
        long,
        hide = true,
        value_name = "SECONDS",
        value_parser = seconds,
        conflicts_with = "timeout"
    )]
    stall: Option<Duration>,
    /// Wait this long before the first retry, and twice as long before each further one
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pause: Duration,
    /// A catalogue of your own, such as one of mirrors [default: claims/worlds/downloads.toml]
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// Text for people, or JSON for programs
    #[arg(long, value_parser = OneOf(FORMATS), default_value = "text")]
    format: Format,
}

const FORMATS: &[Offered] =
    &[(Format::Text, None), (Format::Json, Some("By the schema of `repro schema fetch`"))];

#[derive(Clone, Copy)]
enum ZooArgument {
    Authors,
    Salman,
    /// The old spelling of `salman`.
    Sister,
}

impl ValueEnum for ZooArgument {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Authors, Self::Salman, Self::Sister]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Authors => PossibleValue::new("authors")
                .help("The paper's: torchvision's natural model, Engstrom et al.'s robust ones"),
            Self::Salman => PossibleValue::new("salman")
                .help("Those of Salman et al. (2020), with their own natural model"),
            Self::Sister => PossibleValue::new("sister").hide(true),
        })
    }
}

impl ZooArgument {
    fn zoo(self) -> Zoo {
        match self {
            Self::Authors => Zoo::Authors,
            Self::Salman => Zoo::Salman,
            Self::Sister => {
                old_spelling("`sister`", "`salman`");
                Zoo::Salman
            }
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().map_err(|error| error.to_string())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if seconds <= 3600.0 && !duration.is_zero() => Ok(duration),
        _ => Err("expected more than 0 and at most 3600 seconds".to_owned()),
    }
}

impl Fetch {
    pub(super) fn run(&self) -> Result<Outcome, Failure> {
        let catalogue = match &self.catalogue {
            None => Catalogue::embedded(),
            Some(path) => Catalogue::read(path).map_err(unusable)?,
        };
        let (items, absent) = self.items(&catalogue)?;
        let policy = self.policy();
        let data = self.data.folder();
        let progress = DownloadProgress::default();
        let fetcher = Fetcher {
            data: &data,
            stop: interrupt::flag(),
            progress: &progress,
            remove_archives: self.remove_archives,
        };
        if self.list || items.is_empty() {
            let items = if items.is_empty() { catalogue.items.iter().collect() } else { items };
            let report = report::states(&items, &fetcher)?;
            match self.format {
                Format::Json => json(&mut stdout(), &report)?,
                _ => report.print(&mut stdout())?,
            }
            return Ok(Outcome::Done);
        }
        let network;
        let source = match &self.from {
            Some(folder) => Source::Folder(folder),
            None => {
                let proxies = Proxies::from_environment()
                    .map_err(|error| Failure::new(exit::USAGE, error))?;
                network = Network::new(proxies, policy);
                Source::Network(&network)
            }
        };
        message!("{}, into {}", report::size(&items), data.display());
        let mut report = fetch(&items, &fetcher, &source)?;
        report.missing_in_catalogue = absent;
        let mut out = stdout();
        match self.format {
            Format::Json => json(&mut out, &report)?,
            _ => {
                for line in report.items.iter().filter_map(|item| item.result(&data)) {
                    writeln!(out, "{line}")?;
                }
            }
        }
        let failed = report.items.iter().filter(|item| item.error.is_some()).count();
        if !report.missing_in_catalogue.is_empty() {
            message!("the catalogue has no {}", report.missing_in_catalogue.join(", "));
        }
        if failed > 0 {
            let what = if self.from.is_some() { "imported" } else { "downloaded" };
            message!("{failed} of {} items could not be {what}", items.len());
        }
        if report.missing_in_catalogue.is_empty() && failed == 0 {
            return Ok(Outcome::Done);
        }
        Err(Failure::silent(exit::INPUT))
    }

    fn policy(&self) -> RetryPolicy {
        if self.tries.is_some() {
            old_spelling("--tries N", "--retries N-1 (it counts no first attempt)");
        }
        if self.stall.is_some() {
            old_spelling("--stall", "--timeout");
        }
        RetryPolicy {
            timeout: self.stall.unwrap_or(self.timeout),
            attempts: self.tries.unwrap_or(self.retries + 1),
            pause: self.pause,
            ..RetryPolicy::default()
        }
    }

    /// The items that the user names, each once; and the names of those that a set-up needs and the
    /// catalogue has not.
    fn items<'a>(&self, catalogue: &'a Catalogue) -> Result<(Vec<&'a Item>, Vec<String>), Failure> {
        let (mut items, mut absent) = (Vec::new(), Vec::new());
        if let Some(kind) = self.world {
            let world = kind.world();
            let mut zoos: Vec<Zoo> = self.zoo.iter().map(|zoo| zoo.zoo()).collect();
            if zoos.is_empty() {
                zoos.extend(Zoo::for_world(&world));
            }
            for zoo in zoos {
                let (found, missing) = catalogue.for_world(&world, zoo);
                items.extend(found);
                absent.extend(missing);
            }
        }
        for name in &self.names {
            items.extend(named(catalogue, name)?);
        }
        let mut seen = HashSet::new();
        items.retain(|item| seen.insert(&item.id));
        Ok((items, absent))
    }
}

/// Items by name: a catalogue may call Salman et al.'s models by either spelling of the zoo's name.
fn named<'a>(catalogue: &'a Catalogue, name: &str) -> Result<Vec<&'a Item>, Failure> {
    const OLD: &str = "sister";
    const NEW: &str = "salman";
    let renamed = |from: &str, to: &str| {
        let rest = name.strip_prefix(from)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| format!("{to}{rest}"))
    };
    if let (Err(_), Some(old)) = (catalogue.named(name), renamed(NEW, OLD))
        && let Ok(items) = catalogue.named(&old)
    {
        return Ok(items);
    }
    if let Some(new) = renamed(OLD, NEW)
        && let Ok(items) = catalogue.named(&new)
    {
        old_spelling(&format!("`{name}`"), &format!("`{new}`"));
        return Ok(items);
    }
    catalogue.named(name).map_err(unusable)
}

fn unusable(error: CatalogueError) -> Failure {
    let code = match error {
        CatalogueError::Unreadable { .. } => exit::INPUT,
        CatalogueError::Malformed { .. } | CatalogueError::Unknown { .. } => exit::USAGE,
    };
    Failure::new(code, error)
}

/// Downloads or imports items. The error of one is printed, and the others continue.
fn fetch(
    items: &[&Item],
    fetcher: &Fetcher<'_>,
    source: &Source<'_>,
) -> Result<FetchReport, Failure> {
    let unwritten = |error| Failure::new(exit::OUTPUT, error);
    fetcher.check_writable(items, source).map_err(unwritten)?;
    let mut report = FetchReport::new(fetcher);
    for item in items {
        match fetcher.fetch(item, source) {
            Ok(fetched) => report.add_fetched(item, fetched),
            Err(error) if error.is_about_writing() => {
                return Err(Failure::new(exit::OUTPUT, error));
            }
            Err(error @ FetchError::Interrupted { .. }) => {
                return Err(Failure::new(exit::INTERRUPTED, error));
            }
            Err(error) => {
                report.add_failed(item, error.to_string());
                let _ = Failure::new(exit::INPUT, error).report();
            }
        }
    }
    Ok(report)
}
