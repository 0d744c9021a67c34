//! The page of environment variables lists those that the source, the build script and the scripts
//! read.

use std::collections::BTreeSet;

use super::{files, markdown::names, page, read};

/// The page.
const PAGE: &str = "docs/reference/environment.md";

/// Variables that a table of the page lists, by what its marker says reads them.
fn listed(by: &str) -> BTreeSet<String> {
    let page = page(PAGE);
    let markers = page.markers("read by").into_iter();
    let mut listed = BTreeSet::new();
    for (number, words) in markers {
        if words.iter().any(|word| word == by) {
            for row in page.table_below(number).iter().skip(1) {
                listed.extend(names(&row[0]).into_iter().map(str::to_owned));
            }
        }
    }
    assert!(!listed.is_empty(), "{PAGE} lists nothing that {by} reads");
    listed
}

/// String literals that follow a call in a text.
fn literals_after(text: &str, call: &str) -> Vec<String> {
    let literal = |at: usize| {
        let rest = text[at + call.len()..].trim_start().strip_prefix('"')?;
        Some(rest.split('"').next()?.to_owned())
    };
    text.match_indices(call).filter_map(|(at, _)| literal(at)).collect()
}

/// Whether cargo sets it for the compiler.
fn is_cargos(name: &str) -> bool {
    name.starts_with("CARGO") || name == "OUT_DIR"
}

/// Variables that Rust sources read: by a call with a literal, by a constant that such a call
/// takes, or by a name that means nothing else.
fn read_by_sources() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut sources = files("src", ".rs");
    sources.push("build.rs".into());
    for path in sources {
        let text = read(&path);
        // What tests set for themselves is no part of the program.
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for call in ["env::var(", "env::var_os(", "default_folder(", "env!("] {
            found.extend(literals_after(text, call));
        }
        let constant = |line: &str| {
            let (_, value) = line.split_once(": &str = \"")?;
            let value = value.split('"').next()?;
            value.starts_with("REPRO_").then(|| value.to_owned())
        };
        found.extend(text.lines().filter_map(constant));
        let quoted = text.split('"').skip(1).step_by(2);
        let proxies = quoted.filter(|name| name.to_lowercase().ends_with("_proxy"));
        found.extend(proxies.map(str::to_owned));
    }
    found.retain(|name| {
        !is_cargos(name) && name.chars().all(|c| c.is_ascii_alphabetic() || c == '_')
    });
    found
}

#[test]
fn what_the_source_reads_is_what_the_page_lists() {
    let (listed, found) = (listed("src"), read_by_sources());
    assert!(found.len() > 10, "{found:?}");
    let unlisted: Vec<_> = found.difference(&listed).collect();
    assert!(unlisted.is_empty(), "{PAGE} does not list {unlisted:?}");
    // `LIBTORCH_INCLUDE` and the like are read by the build script; all that is listed must be
    // somewhere.
    let sources: String =
        files("src", ".rs").iter().map(read).collect::<String>() + &read("build.rs");
    let unread: Vec<_> =
        listed.iter().filter(|name| !sources.contains(&name.to_string())).collect();
    assert!(unread.is_empty(), "{PAGE} lists {unread:?}, which nothing reads");
}

/// Variables that a shell script takes with a default, and those that a Python script looks up.
fn read_by_scripts() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in files("scripts", ".sh") {
        let text = read(&path);
        for (at, _) in text.match_indices("${") {
            let rest = text[at + 2..].trim_start_matches('!');
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(0);
            let (name, after) = rest.split_at(end);
            let is_name = name.starts_with(|c: char| c.is_ascii_uppercase());
            if is_name && (after.starts_with(":-") || after.starts_with(":+")) {
                found.insert(name.to_owned());
            }
        }
    }
    for path in files("scripts", ".py") {
        let text = read(&path);
        for call in ["os.environ[", "os.environ.get("] {
            found.extend(literals_after(&text, call));
        }
        let looked_up = text.match_indices(" in os.environ").filter_map(|(at, _)| {
            let name = text[..at].strip_suffix('"')?.rsplit('"').next()?;
            Some(name.to_owned())
        });
        found.extend(looked_up);
    }
    found
}

#[test]
fn what_the_scripts_read_is_what_the_page_lists() {
    let (mut listed, found) = (listed("scripts"), read_by_scripts());
    listed.extend(self::listed("src"));
    assert!(found.len() > 10, "{found:?}");
    let unlisted: Vec<_> = found.difference(&listed).collect();
    assert!(unlisted.is_empty(), "{PAGE} does not list {unlisted:?}");
}
