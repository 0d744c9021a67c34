//! The fields of formats that pages list are those of the JSON Schemas, of the worlds' files and of
//! the list of exit codes.
//!
//! A marker `<!-- schema: NAME #/PATH -->` stands before a table whose first column has every name
//! there: the properties of an object, or the values of a list of words. In a path `[]` is a list's
//! items, and `*` any name. A marker `<!-- toml: FILES PATH ... -->` stands before a table that has
//! every key which the files have there.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{assert_none, docs, files, markdown::names, page, read};

/// Folder of the schemas, and how their names end.
const SCHEMAS: &str = "claims/schemas";
const ENDING: &str = ".schema.json";

struct Schema {
    root: Value,
}

impl Schema {
    fn read(name: &str) -> Self {
        let text = read(format!("{SCHEMAS}/{name}{ENDING}"));
        Self { root: serde_json::from_str(&text).unwrap() }
    }

    /// A part of it, and all that it may be in its place.
    fn alternatives<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        let mut all = vec![schema];
        if let Some(path) = schema.get("$ref").and_then(Value::as_str) {
            let target = self.root.pointer(path.trim_start_matches('#'));
            all.extend(self.alternatives(target.expect("a reference leads somewhere")));
        }
        for list in ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|key| schema.get(key)) {
            let parts = list.as_array().into_iter().flatten();
            all.extend(parts.flat_map(|part| self.alternatives(part)));
        }
        all
    }

    /// The part at a path.
    fn at(&self, path: &str) -> Option<&Value> {
        let mut part = &self.root;
        for step in path.trim_start_matches('#').split('/').filter(|step| !step.is_empty()) {
            let next = |schema: &&'_ Value| match step {
                "[]" => schema.get("items").cloned(),
                "*" => schema.get("additionalProperties").filter(|of| of.is_object()).cloned(),
                name => schema.get("properties").and_then(|of| of.get(name)).cloned(),
            };
            let has = |schema: &&Value| next(schema).is_some();
            let found = self.alternatives(part).into_iter().find(has)?;
            part = match step {
                "[]" => &found["items"],
                "*" => &found["additionalProperties"],
                name => &found["properties"][name],
            };
        }
        Some(part)
    }

    /// Names that a part has, each with what must be said of it.
    fn names(&self, part: &Value) -> Vec<(String, Said)> {
        let mut names = Vec::new();
        for schema in self.alternatives(part) {
            let required: Vec<&str> = match schema.get("required").and_then(Value::as_array) {
                Some(list) => list.iter().filter_map(Value::as_str).collect(),
                None => Vec::new(),
            };
            for (name, property) in properties(schema) {
                // An old spelling is taken, and listed elsewhere.
                if property.get("deprecated") == Some(&Value::Bool(true)) {
                    continue;
                }
                let default = property.get("default").filter(|of| !of.is_null() && !is_table(of));
                let said = Said {
                    required: required.contains(&name.as_str()),
                    default: default.map(written),
                };
                names.push((name.clone(), said));
            }
            let one = schema.get("const").into_iter();
            let several = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
            let words = one.chain(several).filter_map(Value::as_str);
            names.extend(words.map(|word| (word.to_owned(), Said::default())));
        }
        names
    }
}

fn is_table(value: &Value) -> bool {
    value.is_object()
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

/// A default as a page writes it.
fn written(value: &Value) -> String {
    match value {
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(written).collect();
            format!("[{}]", values.join(", "))
        }
        value => value.to_string(),
    }
}

/// What a table must say of a field, where it has a column for it.
#[derive(Default)]
struct Said {
    required: bool,
    default: Option<String>,
}

#[test]
fn the_fields_that_pages_list_are_those_of_the_schemas() {
    let mut findings = Vec::new();
    let mut count = 0;
    for page in docs() {
        for (number, words) in page.markers("schema") {
            let [name, path] = &words[..] else {
                panic!("{}", page.finding(number, "NAME #/PATH"))
            };
            let schema = Schema::read(name);
            let Some(part) = schema.at(path) else {
                findings.push(page.finding(number, &format!("{name} has no {path}")));
                continue;
            };
            let table = page.table_below(number);
            let default = table[0].iter().position(|head| head == "default");
            let mut left: BTreeSet<&str> =
                table[1..].iter().flat_map(|row| names(&row[0])).collect();
            for (field, said) in schema.names(part) {
                count += 1;
                let row = table[1..].iter().find(|row| names(&row[0]).contains(&field.as_str()));
                let Some(row) = row else {
                    findings.push(
                        page.finding(number, &format!("`{field}` of {name} {path} is missing")),
                    );
                    continue;
                };
                left.remove(field.as_str());
                let Some(column) = default else { continue };
                if (row[column] == "required") != said.required {
                    findings.push(page.finding(number, &format!("`{field}`: required or not?")));
                }
                // A list of none needs no word.
                let value = said.default.filter(|value| value != "[]" && value != "\"\"");
                if let Some(value) = value.filter(|value| !row[column].contains(value)) {
                    findings
                        .push(page.finding(number, &format!("`{field}` has the default {value}")));
                }
            }
            let unknown = left.iter().map(|field| format!("{name} {path} has no `{field}`"));
            findings.extend(unknown.map(|what| page.finding(number, &what)));
        }
    }
    assert!(count > 100, "fields were found: {count}");
    assert_none(&findings);
}

#[test]
fn every_schema_has_its_place_on_the_page_of_formats() {
    let formats = read("docs/reference/json.md");
    for path in files(SCHEMAS, ENDING) {
        let name = path.file_name().unwrap().to_str().unwrap().trim_end_matches(ENDING);
        assert!(
            formats.contains(&format!("`{name}`")),
            "docs/reference/json.md does not name {name}"
        );
    }
    // And the other way round: what the table of forms calls a schema is one.
    let formats = page("docs/reference/json.md");
    let forms = formats.text().find(|line| line.text == "## Forms").expect("a table of forms");
    for row in formats.table_below(forms.number).iter().skip(1) {
        for name in names(&row[2]) {
            read(format!("{SCHEMAS}/{name}{ENDING}"));
        }
    }
}

/// The keys that tables have at a path: `*` is any name, and a list stands for each of its tables.
fn keys(value: &toml::Value, path: &[&str], found: &mut BTreeSet<String>) {
    match (value, path) {
        (toml::Value::Array(values), path) => {
            values.iter().for_each(|value| keys(value, path, found));
        }
        (toml::Value::Table(table), []) => found.extend(table.keys().cloned()),
        (toml::Value::Table(table), ["*", rest @ ..]) => {
            table.values().for_each(|value| keys(value, rest, found));
        }
        (toml::Value::Table(table), [name, rest @ ..]) => {
            table.get(*name).into_iter().for_each(|value| keys(value, rest, found));
        }
        _ => {}
    }
}

#[test]
fn the_fields_that_pages_list_are_those_of_the_files_in_worlds() {
    let mut findings = Vec::new();
    let mut count = 0;
    for page in docs() {
        for (number, words) in page.markers("toml") {
            let (which, paths) = words.split_first().expect("names files");
            let is_meant = |path: &&std::path::PathBuf| {
                let stem = path.file_stem().unwrap().to_str().unwrap();
                let other = ["downloads", "figures"].contains(&stem);
                if which == "world" { !other } else { stem == which }
            };
            let all = files("claims/worlds", ".toml");
            let mut found = BTreeSet::new();
            for path in all.iter().filter(is_meant) {
                let file: toml::Value = toml::Value::Table(read(path).parse().unwrap());
                let whole = [String::new()];
                for path in if paths.is_empty() { &whole[..] } else { paths } {
                    let steps: Vec<&str> =
                        path.split('.').filter(|step| !step.is_empty()).collect();
                    keys(&file, &steps, &mut found);
                }
            }
            count += found.len();
            let table = page.table_below(number);
            let listed: BTreeSet<&str> = table[1..].iter().flat_map(|row| names(&row[0])).collect();
            let missing = found.iter().filter(|key| !listed.contains(key.as_str()));
            findings
                .extend(missing.map(|key| page.finding(number, &format!("`{key}` is missing"))));
        }
    }
    assert!(count > 50, "keys were found: {count}");
    assert_none(&findings);
}

#[test]
fn examples_in_toml_can_be_read() {
    let mut findings = Vec::new();
    for page in docs() {
        for block in page.blocks().into_iter().filter(|block| block.language == "toml") {
            let read: Result<toml::Table, _> = block.lines.join("\n").parse();
            findings.extend(read.err().map(|error| page.finding(block.number, &error.to_string())));
        }
    }
    assert_none(&findings);
}

#[test]
fn the_page_of_exit_codes_has_every_code_of_the_source() {
    let source = read("src/cli/exit.rs");
    let constant = |line: &str| {
        let (name, code) = line.strip_prefix("pub const ")?.split_once(": u8 = ")?;
        Some((name.to_owned(), code.trim_end_matches(';').to_owned()))
    };
    let codes: Vec<(String, String)> = source.lines().filter_map(constant).collect();
    assert!(codes.len() >= 5, "{codes:?}");
    let page = page("docs/reference/exit-codes.md");
    let table = page.table_below(0);
    for (name, code) in codes {
        let row = table.iter().find(|row| names(&row[1]).contains(&name.as_str()));
        let row =
            row.unwrap_or_else(|| panic!("docs/reference/exit-codes.md does not name {name}"));
        assert_eq!(row[0], code, "{name}");
    }
}
