//! Every link of a page leads somewhere, and the list of pages is complete.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{assert_none, docs, markdown::joined, page, pages, root};

/// Where a link leads: a file of the project, and a heading in it.
fn resolved(from: &Path, target: &str) -> (PathBuf, Option<String>) {
    let (path, fragment) = match target.split_once('#') {
        Some((path, fragment)) => (path, Some(fragment.to_owned())),
        None => (target, None),
    };
    let folder = from.parent().unwrap_or(Path::new(""));
    let path = if path.is_empty() { from.to_owned() } else { joined(folder, path) };
    (path, fragment)
}

fn is_elsewhere(target: &str) -> bool {
    ["http://", "https://", "mailto:"].iter().any(|begins| target.starts_with(begins))
}

#[test]
fn every_link_leads_to_a_file_and_to_a_heading_in_it() {
    let mut findings = Vec::new();
    let mut count = 0;
    for from in pages() {
        for link in from.links().into_iter().filter(|link| !is_elsewhere(&link.target)) {
            count += 1;
            let (path, fragment) = resolved(&from.path, &link.target);
            if !root().join(&path).exists() {
                findings
                    .push(from.finding(link.number, &format!("there is no {}", path.display())));
                continue;
            }
            let Some(fragment) = fragment else { continue };
            if !page(&path).fragments().contains(&fragment) {
                let what = format!("{} has no heading #{fragment}", path.display());
                findings.push(from.finding(link.number, &what));
            }
        }
        findings.extend(from.loose_references());
    }
    assert!(count > 100, "links were found: {count}");
    assert_none(&findings);
}

#[test]
fn the_summary_lists_every_page_once_and_nothing_else() {
    let summary = page("docs/SUMMARY.md");
    let listed: Vec<PathBuf> =
        summary.links().iter().map(|link| resolved(&summary.path, &link.target).0).collect();
    let listed_once: BTreeSet<&PathBuf> = listed.iter().collect();
    assert_eq!(listed.len(), listed_once.len(), "a page is listed twice");
    let there: Vec<PathBuf> = docs().into_iter().map(|page| page.path).collect();
    let there: BTreeSet<&PathBuf> = there.iter().filter(|path| **path != summary.path).collect();
    let missing: Vec<_> = there.difference(&listed_once).collect();
    let unknown: Vec<_> = listed_once.difference(&there).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing: {missing:?}, unknown: {unknown:?}");
}
