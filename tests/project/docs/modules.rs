//! The list of modules names every file of the source.

use super::{assert_none, files, read};

/// Where the list is.
const LIST: &str = "docs/design/architecture.md";

#[test]
fn the_architecture_names_every_module() {
    let list = read(LIST);
    let named =
        |name: &str| list.contains(&format!("`{name}`")) || list.contains(&format!("/{name}`"));
    let sources = files("src", ".rs");
    assert!(sources.len() > 50, "the source was found");
    let mut findings = Vec::new();
    for path in &sources {
        let name = match path.file_stem().unwrap().to_str().unwrap() {
            "lib" => continue,
            "mod" => path.parent().unwrap().file_name().unwrap().to_str().unwrap(),
            stem => stem,
        };
        if !named(name) {
            findings.push(format!("{LIST} does not name {}", path.display()));
        }
    }
    assert_none(&findings);
}
