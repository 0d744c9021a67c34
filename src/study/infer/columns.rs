//! Which columns a log has and how its rows lie in its files; then all of its rows.

use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
};

use serde_json::Value as Json;

use super::{folder, observed::Observed, words};
use crate::{
    study::{
        StudyError,
        pattern::{Matched, STANDARD_INPUT},
        raw::Form,
        table::{self, Layout, Row},
    },
    util::shown::{self, few, shown},
};

/// A log with more columns is no table of runs.
const MOST_COLUMNS: usize = 20_000;

/// Where a log's files are, and how rows lie in them, as `log.toml` states it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The file, or the pattern of files, from the log's folder.
    pub files: String,
    /// Another pattern that the files' names may have, with more factors in them.
    pub other_files: Option<String>,
    /// The form, where the files' names do not say it.
    pub form: Option<Form>,
    /// What separates columns, if it is neither a comma nor a tab.
    pub separator: Option<char>,
    /// The path of the rows in a JSON document.
    pub rows: Option<String>,
}

/// What a log's files hold, and what should be known of them.
pub(super) fn observe(log: &Path) -> Result<(Shape, Observed, Vec<String>), StudyError> {
    let mut notes = Vec::new();
    let (mut files, mut pattern) = if log.is_dir() {
        let found = folder::find(log)?;
        notes.extend(found.notes);
        (found.files, Some(found.pattern))
    } else {
        (vec![Matched { path: log.to_owned(), values: Default::default() }], None)
    };
    // Standard input can be read once.
    let mut input = None;
    let mut bytes_of = |file: &Matched| -> Result<Vec<u8>, StudyError> {
        if file.path != Path::new(STANDARD_INPUT) {
            return table::bytes(&file.path);
        }
        match input.take() {
            Some(bytes) => Ok(bytes),
            None => {
                let bytes = table::bytes(&file.path)?;
                input = Some(bytes.clone());
                Ok(bytes)
            }
        }
    };
    let mut shape = Shape::default();
    let mut columns = Columns::default();
    for (index, file) in files.iter().enumerate() {
        let bytes = bytes_of(file)?;
        let fault = |what: String| StudyError::Row { file: name(file), line: 1, what };
        if index == 0 {
            shape = shape_of(&file.path, &bytes);
        }
        columns.read(&shape, &file.path, &bytes).map_err(fault)?;
    }
    notes.extend(columns.notes(&shape));
    let is_json = matches!(form(&shape, log, &files), Form::Json | Form::Jsonl);
    let path = match &mut pattern {
        None => Vec::new(),
        Some(pattern) => {
            pattern.name_apart_from(columns.taken());
            for file in &mut files {
                file.values = pattern.values(&file.path);
            }
            pattern.names()
        }
    };
    let mut seen = Observed::new(&path, &columns.names);
    let wanted: Vec<&str> = path.iter().chain(&columns.names).map(String::as_str).collect();
    let rows = shape.rows.clone();
    let layout = Layout {
        form: shape.form,
        separator: shape.separator.and_then(|separator| u8::try_from(separator).ok()),
        rows: rows.as_deref(),
    };
    for file in &files {
        seen.files.push(name(file));
        let bytes = bytes_of(file)?;
        let mut sink = |row: &Row<'_>| seen.push(row.line, row.fields);
        table::read(&layout, file, &bytes, &wanted, &mut sink)?;
    }
    shape.other_files = pattern.as_ref().and_then(folder::Pattern::other);
    shape.files = match &mut pattern {
        None if log == Path::new(STANDARD_INPUT) => STANDARD_INPUT.to_owned(),
        None => log.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        Some(pattern) => {
            pattern.name_by_columns(&mut seen, is_json);
            pattern.to_string()
        }
    };
    Ok((shape, seen, notes))
}

fn name(file: &Matched) -> String {
    shown::path(&file.path)
}

fn form(shape: &Shape, log: &Path, files: &[Matched]) -> Form {
    table::form(shape.form, files.first().map_or(log, |file| &file.path))
}

/// How rows lie in a file, by its beginning.
fn shape_of(path: &Path, bytes: &[u8]) -> Shape {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let named = table::form(None, path);
    let stated = |form: Form| (form != named).then_some(form);
    if start.starts_with(b"{") || start.starts_with(b"[") {
        let lines = start.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let objects = lines.take(2).map(serde_json::from_slice::<Json>);
        let objects: Vec<bool> = objects.map(|row| row.is_ok_and(|row| row.is_object())).collect();
        let is_lines = objects == [true, true] || (objects == [true] && named == Form::Jsonl);
        let form = if is_lines { Form::Jsonl } else { Form::Json };
        let rows = if is_lines { None } else { rows_of(start) };
        return Shape { form: stated(form), rows, ..Shape::default() };
    }
    // What stands most often in the header separates it, outside of quotes.
    let header = start.split(|byte| b"\n\r".contains(byte)).next().unwrap_or_default();
    let mut quoted = false;
    let mut counts = [(b',', 0), (b'\t', 0), (b';', 0), (b'|', 0)];
    for byte in header {
        quoted ^= *byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(of, _)| !quoted && of == byte) {
            *count += 1;
        }
    }
    let most = counts.iter().rev().max_by_key(|(_, count)| *count);
    match most.filter(|(_, count)| *count > 0).map_or(b',', |(byte, _)| *byte) {
        b'\t' => Shape { form: stated(Form::Tsv), ..Shape::default() },
        b',' => Shape { form: stated(Form::Csv), ..Shape::default() },
        other => Shape {
            form: stated(Form::Csv),
            separator: Some(char::from(other)),
            ..Shape::default()
        },
    }
}

/// The path of the rows in a JSON document: its only list of objects, unless metrics lie outside.
fn rows_of(bytes: &[u8]) -> Option<String> {
    let document: Json = serde_json::from_slice(bytes).ok()?;
    let mut found = Flat::default();
    found.object(&document, "");
    match &found.tables[..] {
        [only] if !found.leaves.iter().any(|leaf| words::metric(leaf)) => Some(only.clone()),
        _ => None,
    }
}

/// Names of columns in the order in which they are first seen.
#[derive(Default)]
struct Columns {
    names: Vec<String>,
    known: HashSet<String>,
    lists: HashSet<String>,
}

impl Columns {
    fn read(&mut self, shape: &Shape, path: &Path, bytes: &[u8]) -> Result<(), String> {
        match table::form(shape.form, path) {
            Form::Csv | Form::Tsv => self.header(shape, path, bytes),
            Form::Json => {
                let document: Json = serde_json::from_slice(without_bom(bytes))
                    .map_err(|why| format!("it is no JSON: {why}"))?;
                let rows = match &shape.rows {
                    Some(path) => table::at(&document, path).unwrap_or(&Json::Null),
                    None => &document,
                };
                match rows {
                    Json::Array(rows) => rows.iter().try_for_each(|row| self.object(row)),
                    row => self.object(row),
                }
            }
            Form::Jsonl => {
                let lines = without_bom(bytes).split(|byte| *byte == b'\n');
                for line in lines.filter(|line| !line.trim_ascii().is_empty()) {
                    let row: Json = serde_json::from_slice(line)
                        .map_err(|why| format!("a line is no JSON: {why}"))?;
                    self.object(&row)?;
                }
                Ok(())
            }
        }
    }

    fn header(&mut self, shape: &Shape, path: &Path, bytes: &[u8]) -> Result<(), String> {
        let separator = match (shape.separator, table::form(shape.form, path)) {
            (Some(separator), _) => u8::try_from(separator).unwrap_or(b','),
            (None, Form::Tsv) => b'\t',
            (None, _) => b',',
        };
        let mut reader =
            csv::ReaderBuilder::new().delimiter(separator).from_reader(without_bom(bytes));
        let header = reader.headers().map_err(|_| "the header is not valid UTF-8".to_owned())?;
        if header.len() < 2 {
            return Err("the header has one column: which character separates them?".to_owned());
        }
        header.iter().try_for_each(|name| self.add(name))
    }

    fn object(&mut self, row: &Json) -> Result<(), String> {
        let mut found = Flat::default();
        found.object(row, "");
        self.lists.extend(found.lists);
        found.leaves.iter().try_for_each(|leaf| self.add(leaf))
    }

    fn add(&mut self, name: &str) -> Result<(), String> {
        if self.known.contains(name) {
            return Ok(());
        }
        if self.names.len() == MOST_COLUMNS {
            let columns = format!("it has more than {MOST_COLUMNS} columns");
            return Err(format!("{columns}: JSON by columns is written as a row an object"));
        }
        self.known.insert(name.to_owned());
        self.names.push(name.to_owned());
        Ok(())
    }

    /// Names that no part of the files' path may have: those of columns, of lists, and of what lies
    /// around them in a document.
    fn taken(&self) -> BTreeSet<String> {
        let all = self.names.iter().chain(&self.lists);
        let around = |name: &String| {
            let dots = name.match_indices('.').map(|(dot, _)| name[..dot].to_owned());
            dots.chain([name.clone()]).collect::<Vec<_>>()
        };
        all.flat_map(around).collect()
    }

    fn notes(&self, shape: &Shape) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(rows) = &shape.rows {
            notes.push(format!(
                "rows are read from `{}` of each document; what lies outside it is not read",
                shown(rows)
            ));
        }
        if !self.lists.is_empty() {
            let mut lists: Vec<&str> = self.lists.iter().map(String::as_str).collect();
            lists.sort_unstable();
            notes.push(format!("lists are not read: {}", few(lists, |_| String::new())));
        }
        notes
    }
}

fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// What a JSON object holds, by paths.
#[derive(Default)]
struct Flat {
    /// Single values.
    leaves: Vec<String>,
    /// Lists of values.
    lists: Vec<String>,
    /// Lists of objects.
    tables: Vec<String>,
}

impl Flat {
    fn object(&mut self, value: &Json, path: &str) {
        let Json::Object(object) = value else { return };
        for (key, value) in object {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match value {
                Json::Object(_) => self.object(value, &path),
                Json::Array(rows) if rows.len() > 1 && rows.iter().all(Json::is_object) => {
                    self.tables.push(path.clone());
                    self.lists.push(path);
                }
                Json::Array(_) => self.lists.push(path),
                _ => self.leaves.push(path),
            }
        }
    }
}
