//! `repro fetch`: bring data sets and checkpoints.

use std::{
    collections::HashSet,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, ValueEnum};

use super::{
    Failure, Outcome, exit, interrupt, kind,
    progress::{Flow, megabytes},
    stdout,
};
use crate::{
    experiment::EvidenceKind,
    fetch::{
        Catalogue, CatalogueError, FetchError, Fetched, Fetcher, Item, Network, Patience, Proxies,
        Source, State, Zoo, default_folder,
    },
    report::terminal,
};

pub(super) const EXAMPLES: &str = "\
Examples:
  repro fetch                                what there is, and how it stands with each
  repro fetch cifar10 authors/l2_3           two items
  repro fetch sister                         all checkpoints of the sister paper's zoo
  repro fetch --world paper                  all targets of the paper, and the authors' checkpoints
  repro fetch --world sister                 the same targets, and the sister paper's checkpoints
  repro fetch --world paper --zoo authors --zoo sister    the same targets, and both
  repro fetch celeba --from ~/downloads      files that you bring: found by name, checked, copied

What is there and right is left alone. A download that was cut, by whomever, goes on where it was cut. \
HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY are obeyed; SSL_CERT_FILE names certificates of your own. \
Archives are kept beside what comes out of them, so that it can be checked; --remove-archives removes them. \
A file whose maker states no checksum is marked so; its SHA-256 is recorded beside it when it first comes \
(FILE.sha256), and it has to match from there on; remove FILE.sha256 where another file is meant. Such a \
checkpoint comes only if it can be read and is of the zoo's network.

Exit codes: 64 unknown name; 66 some item did not come; 73 can't write; 130 stopped by Ctrl-C";

/// Where fetched files are kept.
#[derive(Args)]
pub(super) struct Data {
    /// Where fetched files are kept [default: REPRO_DATA, or .data in the project]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Data {
    pub fn folder(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(default_folder)
    }

    /// The folder, if one was given.
    pub fn given(&self) -> Option<&PathBuf> {
        self.data.as_ref()
    }

    /// The option as it was given, for a command that is printed to be run again.
    #[cfg(feature = "engine")]
    pub fn named(&self) -> String {
        self.data
            .as_ref()
            .map(|folder| crate::util::shell::option("--data", folder))
            .unwrap_or_default()
    }
}

#[derive(Args)]
pub(super) struct Fetch {
    /// Items, or zoos (`authors`, `sister`); with none, what there is is listed
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// All that a world needs: its targets, and its source models' checkpoints
    #[arg(long, value_parser = kind::one_of(kind::PAPER))]
    world: Option<EvidenceKind>,
    /// Whose checkpoints --world brings [default: the world's own]
    #[arg(long, value_enum, requires = "world")]
    zoo: Vec<ZooArgument>,
    /// A folder that has the files, under their official names, itself or in a folder in it
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    #[command(flatten)]
    data: Data,
    /// List how it stands with each item, and fetch nothing
    #[arg(long)]
    list: bool,
    /// Remove archives when they are unpacked
    #[arg(long)]
    remove_archives: bool,
    /// Tries in a row that bring nothing new before an address is given up
    #[arg(long, value_name = "N", default_value_t = Patience::default().tries, value_parser = clap::value_parser!(u32).range(1..=100))]
    tries: u32,
    /// Give a connection up that brings nothing for so long
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    stall: Duration,
    /// Wait so long before the second try, and twice as long before each further one
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pause: Duration,
    /// A catalogue of your own, in place of the project's (claims/worlds/downloads.toml): mirrors, for one
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ZooArgument {
    /// What the authors fine-tuned: torchvision's natural model, Engstrom's robust ones
    Authors,
    /// The sister paper's (Salman et al.), better trained, with a matched natural model
    Sister,
}

impl ZooArgument {
    fn zoo(self) -> Zoo {
        match self {
            Self::Authors => Zoo::Authors,
            Self::Sister => Zoo::Sister,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().map_err(|error| error.to_string())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if seconds <= 3600.0 && !duration.is_zero() => Ok(duration),
        _ => Err("not between 0 and 3600 seconds".to_owned()),
    }
}

impl Fetch {
    pub(super) fn run(&self) -> Result<Outcome, Failure> {
        let catalogue = match &self.catalogue {
            None => Catalogue::shipped(),
            Some(path) => Catalogue::read(path).map_err(unusable)?,
        };
        let (items, absent) = self.items(&catalogue)?;
        let data = self.data.folder();
        let watch = Flow::default();
        let fetcher = Fetcher {
            data: &data,
            stop: interrupt::flag(),
            watch: &watch,
            removes_archives: self.remove_archives,
        };
        if self.list || items.is_empty() {
            let items = if items.is_empty() { catalogue.items.iter().collect() } else { items };
            return list(&items, &fetcher);
        }
        let network;
        let source = match &self.from {
            Some(folder) => Source::Folder(folder),
            None => {
                let proxies = Proxies::from_environment()
                    .map_err(|error| Failure::new(exit::USAGE, error))?;
                network = Network::new(proxies, self.patience());
                Source::Network(&network)
            }
        };
        anstream::eprintln!("{}; they go to {}", size(&items), data.display());
        let fetched = fetch(&items, &fetcher, &source)?;
        let failed = items.len() - fetched.len();
        let mut out = stdout();
        for (item, fetched) in &fetched {
            writeln!(out, "{}", told(item, fetched, &data))?;
        }
        if absent.is_empty() && failed == 0 {
            return Ok(Outcome::Done);
        }
        if !absent.is_empty() {
            anstream::eprintln!("the catalogue has no {}", absent.join(", "));
        }
        if failed > 0 {
            anstream::eprintln!("{failed} of {} items did not come", items.len());
        }
        Err(Failure::silent(exit::INPUT))
    }

    fn patience(&self) -> Patience {
        Patience { stall: self.stall, tries: self.tries, pause: self.pause, ..Patience::default() }
    }

    /// What was asked for, each once, and what a world needs and the catalogue lacks.
    fn items<'a>(&self, catalogue: &'a Catalogue) -> Result<(Vec<&'a Item>, Vec<String>), Failure> {
        let (mut items, mut absent) = (Vec::new(), Vec::new());
        if let Some(kind) = self.world {
            let world = kind.world();
            let mut zoos: Vec<Zoo> = self.zoo.iter().map(|zoo| zoo.zoo()).collect();
            if zoos.is_empty() {
                zoos.extend(Zoo::of(&world));
            }
            for zoo in zoos {
                let (found, lacking) = catalogue.of_world(&world, zoo);
                items.extend(found);
                absent.extend(lacking);
            }
        }
        for name in &self.names {
            items.extend(catalogue.named(name).map_err(unusable)?);
        }
        let mut seen = HashSet::new();
        items.retain(|item| seen.insert(&item.id));
        Ok((items, absent))
    }
}

fn unusable(error: CatalogueError) -> Failure {
    let code = match error {
        CatalogueError::Unreadable { .. } => exit::INPUT,
        CatalogueError::Malformed { .. } | CatalogueError::Unknown { .. } => exit::USAGE,
    };
    Failure::new(code, error)
}

/// Fetches items; one that fails is told and does not keep the others from coming.
fn fetch<'a>(
    items: &[&'a Item],
    fetcher: &Fetcher<'_>,
    source: &Source<'_>,
) -> Result<Vec<(&'a Item, Fetched)>, Failure> {
    let mut done = Vec::new();
    for item in items {
        match fetcher.fetch(item, source) {
            Ok(fetched) => done.push((*item, fetched)),
            Err(error) if error.is_about_writing() => {
                return Err(Failure::new(exit::OUTPUT, error));
            }
            Err(error @ FetchError::Interrupted { .. }) => {
                return Err(Failure::new(exit::INTERRUPTED, error));
            }
            Err(error) => {
                let _ = Failure::new(exit::INPUT, error).report();
            }
        }
    }
    Ok(done)
}

fn told(item: &Item, fetched: &Fetched, data: &Path) -> String {
    let place = data.join(item.folder());
    let place = place.display();
    let mut text = match (fetched.came.is_empty(), fetched.were_there.is_empty()) {
        (true, _) => format!("{}: was there already, in {place}", item.id),
        (false, true) => format!("{}: came, to {place}", item.id),
        (false, false) => format!(
            "{}: {} came, to {place}; {} was there already",
            item.id,
            fetched.came.join(", "),
            fetched.were_there.join(", ")
        ),
    };
    for name in &fetched.unchecked {
        text.push_str(&format!(
            "; {name} couldn't be checked, since its maker states no checksum (its own is recorded \
             beside it)"
        ));
    }
    text
}

/// How much all of it is.
fn size(items: &[&Item]) -> String {
    let bytes = items.iter().map(|item| item.bytes().0).sum();
    let files: Vec<_> = items.iter().flat_map(|item| &item.files).collect();
    let unknown = files.iter().filter(|file| file.bytes.is_none()).count();
    let size = match unknown {
        0 => megabytes(bytes),
        unknown if unknown == files.len() => "of unknown size".to_owned(),
        unknown => format!("{} and {unknown} of unknown size", megabytes(bytes)),
    };
    let counted = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    };
    format!("{}, {}, {size}", counted(items.len(), "item"), counted(files.len(), "file"))
}

fn list(items: &[&Item], fetcher: &Fetcher<'_>) -> Result<Outcome, Failure> {
    let mut rows = Vec::new();
    for item in items {
        let states = fetcher.states(item).map_err(|error| match error {
            FetchError::Interrupted { .. } => Failure::new(exit::INTERRUPTED, error),
            error => Failure::new(exit::INPUT, error),
        })?;
        let size = match item.bytes() {
            (0, false) => "?".to_owned(),
            (bytes, true) => megabytes(bytes),
            (bytes, false) => format!("{} or more", megabytes(bytes)),
        };
        rows.push(vec![
            item.id.clone(),
            stands(item, &states),
            size,
            item.what.clone(),
            item.terms.clone(),
        ]);
    }
    let mut out = stdout();
    writeln!(out, "{}", terminal::table(&["item", "state", "size", "what", "terms"], rows))?;
    let words = format!(
        "in {}; there: complete, and right by its maker's checksum; unchecked: its maker states none",
        fetcher.data.display()
    );
    writeln!(out, "\n{}", terminal::prose(&words))?;
    Ok(Outcome::Done)
}

/// How it stands with an item, by its least complete file.
fn stands(item: &Item, states: &[State]) -> String {
    let there = states.iter().filter(|state| state.is_there()).count();
    let any = |wanted: fn(&State) -> bool| states.iter().any(wanted);
    if there == states.len() {
        let unchecked = any(|state| *state == State::Unchecked);
        return if unchecked { "there, unchecked" } else { "there" }.to_owned();
    }
    if any(|state| matches!(state, State::Wrong { .. })) {
        return "wrong".to_owned();
    }
    let partial = states.iter().filter_map(|state| match state {
        State::Partial { bytes } => Some(*bytes),
        _ => None,
    });
    match (there, partial.sum::<u64>()) {
        (0, 0) if any(|state| *state == State::Packed) => "packed".to_owned(),
        (0, 0) if item.by_hand.is_some() => "missing, by hand".to_owned(),
        (0, 0) => "missing".to_owned(),
        (there, 0) => format!("{there} of {} files", states.len()),
        (0, bytes) => format!("partial, {}", megabytes(bytes)),
        (there, bytes) => {
            format!("{there} of {} files, and {}", states.len(), megabytes(bytes))
        }
    }
}
