//! Rows of files of any form: CSV, TSV, JSON and JSON lines.

use std::{borrow::Cow, path::Path};

use serde_json::Value as Json;

pub(super) use super::packed::bytes;
use super::{Study, StudyError, pattern::Matched, raw::Form};
use crate::util::{shown, suggest::did_you_mean};

/// How rows lie in a file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Layout<'a> {
    /// The form, where it is stated.
    pub(super) form: Option<Form>,
    /// What separates columns, where it is stated.
    pub(super) separator: Option<u8>,
    /// The path of the rows in a JSON document.
    pub(super) rows: Option<&'a str>,
}

impl Study {
    /// How rows lie in its files.
    pub(super) fn layout(&self) -> Layout<'_> {
        Layout { form: self.form, separator: self.separator, rows: self.rows.as_deref() }
    }
}

/// A row: the texts of the wanted columns, in their order.
pub(super) struct Row<'a> {
    /// The line, or the number of the row in a JSON document, counted from 1.
    pub(super) line: u64,
    /// `None` where the row has no value.
    pub(super) fields: &'a [Option<Cow<'a, str>>],
}

/// What reads a row; a text is an error in it.
pub(super) type Sink<'a> = dyn FnMut(&Row<'_>) -> Result<(), String> + 'a;

/// Reads the rows of a file. Returns the columns that `wanted` does not have; none for JSON, whose
/// documents have whatever they have.
pub(super) fn read(
    layout: &Layout<'_>,
    file: &Matched,
    bytes: &[u8],
    wanted: &[&str],
    sink: &mut Sink<'_>,
) -> Result<Vec<String>, StudyError> {
    let name = shown::path(&file.path);
    let error = |line, what| StudyError::Row { file: name.clone(), line, what };
    let of_path: Vec<Option<&str>> =
        wanted.iter().map(|column| file.values.get(*column).map(String::as_str)).collect();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match form(layout.form, &file.path) {
        Form::Csv => csv(layout.separator.unwrap_or(b','), bytes, wanted, &of_path, sink)
            .map_err(|(l, w)| error(l, w)),
        Form::Tsv => csv(b'\t', bytes, wanted, &of_path, sink).map_err(|(l, w)| error(l, w)),
        Form::Json => json(layout.rows, bytes, wanted, &of_path, sink)
            .map(|()| Vec::new())
            .map_err(|(line, what)| error(line, what)),
        Form::Jsonl => {
            for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
                let number = index as u64 + 1;
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                let row =
                    serde_json::from_slice(line).map_err(|why| error(number, why.to_string()))?;
                object(&row, number, wanted, &of_path, sink).map_err(|what| error(number, what))?;
            }
            Ok(Vec::new())
        }
    }
}

/// The form of a file: as stated, else by its name; a table of commas where the name says nothing.
pub(super) fn form(stated: Option<Form>, path: &Path) -> Form {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase());
    let name = name.unwrap_or_default();
    let packed = [".gz", ".zst"].iter().find_map(|end| name.strip_suffix(end));
    let name = packed.unwrap_or(&name);
    let ends = |end: &str| name.ends_with(end);
    stated.unwrap_or_else(|| match () {
        () if ends(".tsv") => Form::Tsv,
        () if ends(".json") => Form::Json,
        () if ends(".jsonl") || ends(".ndjson") => Form::Jsonl,
        () => Form::Csv,
    })
}

type AtLine<T> = Result<T, (u64, String)>;

fn csv(
    separator: u8,
    bytes: &[u8],
    wanted: &[&str],
    of_path: &[Option<&str>],
    sink: &mut Sink<'_>,
) -> AtLine<Vec<String>> {
    let mut reader =
        csv::ReaderBuilder::new().delimiter(separator).flexible(false).from_reader(bytes);
    let fault = |why: &csv::Error| {
        let line = why.position().map_or(1, csv::Position::line);
        let what = match why.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("the row has {len} fields, the header has {expected_len}")
            }
            csv::ErrorKind::Utf8 { .. } => "the row is not valid UTF-8".to_owned(),
            _ => why.to_string(),
        };
        (line, what)
    };
    let headers = reader.headers().map_err(|why| fault(&why))?.clone();
    let mut places = Vec::with_capacity(wanted.len());
    for (column, of_path) in wanted.iter().zip(of_path) {
        let mut found = headers.iter().enumerate().filter(|(_, name)| name == column);
        let place = found.next().map(|(index, _)| index);
        if found.next().is_some() {
            return Err((1, format!("column `{column}` is given twice")));
        }
        if place.is_some() && of_path.is_some() {
            return Err((1, format!("`{column}` is a column and in the path of the file")));
        }
        places.push(place);
    }
    let present: Vec<&str> = headers.iter().collect();
    if let (&[only], Some(separator)) = (&present[..], separators(&present).first()) {
        let what = format!(
            "the header has one column, `{}`: say in log.toml what separates columns, such as \
             separator = \"{}\"",
            shown::shown(only),
            separator.escape_default(),
        );
        return Err((1, what));
    }
    let unused = present.iter().filter(|name| !wanted.contains(name));
    // As the index that pandas writes.
    let unused = unused.map(|name| if name.is_empty() { "(no name)" } else { *name });
    let unused: Vec<String> = unused.map(str::to_owned).collect();
    // Where a file has no such column, its rows are not what is wrong.
    let of_file = |what: String| {
        let absent = wanted.iter().zip(&places).filter(|(_, place)| place.is_none());
        let mut absent = absent.map(|(column, _)| *column);
        match absent.find(|column| what == format!("{column} is empty")) {
            Some(column) => {
                let hint = did_you_mean(column, present.iter().copied());
                format!("the file has no column `{column}`{hint}")
            }
            None => what,
        }
    };
    let mut row = csv::StringRecord::new();
    let mut fields: Vec<Option<Cow<'_, str>>> = Vec::with_capacity(wanted.len());
    while reader.read_record(&mut row).map_err(|why| fault(&why))? {
        // A header again, as logs have that were appended to.
        if row == headers {
            continue;
        }
        let line = row.position().map_or(0, csv::Position::line);
        fields.clear();
        fields.extend(places.iter().zip(of_path).map(|(place, of_path)| {
            let text = place.and_then(|place| row.get(place)).or(*of_path)?;
            let text = text.trim_matches([' ', '\t']);
            (!text.is_empty()).then(|| Cow::Owned(text.to_owned()))
        }));
        sink(&Row { line, fields: &fields }).map_err(|what| (line, of_file(what)))?;
    }
    Ok(unused)
}

/// What else may separate the columns of a header, the most frequent first.
fn separators(header: &[&str]) -> Vec<char> {
    let count = |of: char| header.iter().map(|name| name.matches(of).count()).sum::<usize>();
    let mut found: Vec<char> = [';', '\t', '|'].into_iter().filter(|of| count(*of) > 0).collect();
    found.sort_by_key(|of| std::cmp::Reverse(count(*of)));
    found
}

fn json(
    rows: Option<&str>,
    bytes: &[u8],
    wanted: &[&str],
    of_path: &[Option<&str>],
    sink: &mut Sink<'_>,
) -> AtLine<()> {
    let document: Json =
        serde_json::from_slice(bytes).map_err(|why| (why.line() as u64, why.to_string()))?;
    let rows = match rows {
        Some(path) => {
            at(&document, path).ok_or_else(|| (1, format!("the document has no `{path}`")))?
        }
        None => &document,
    };
    match rows {
        Json::Array(rows) => rows.iter().enumerate().try_for_each(|(index, row)| {
            let number = index as u64 + 1;
            object(row, number, wanted, of_path, sink).map_err(|what| (number, what))
        }),
        row => object(row, 1, wanted, of_path, sink).map_err(|what| (1, what)),
    }
}

fn object(
    row: &Json,
    line: u64,
    wanted: &[&str],
    of_path: &[Option<&str>],
    sink: &mut Sink<'_>,
) -> Result<(), String> {
    if !row.is_object() {
        return Err("a row is no JSON object".to_owned());
    }
    let field = |(column, of_path): (&&str, &Option<&str>)| match (at(row, column), of_path) {
        (Some(Json::String(text)), _) => Ok(Some(Cow::Owned(text.clone()))),
        (Some(Json::Null), None) | (None, None) => Ok(None),
        (Some(Json::Array(_) | Json::Object(_)), _) => {
            Err(format!("`{column}` is a list or an object, not one value"))
        }
        (Some(value @ (Json::Number(_) | Json::Bool(_))), _) => {
            Ok(Some(Cow::Owned(value.to_string())))
        }
        (None | Some(Json::Null), Some(text)) => Ok(Some(Cow::Owned((*text).to_owned()))),
    };
    let fields = wanted.iter().zip(of_path).map(field).collect::<Result<Vec<_>, _>>()?;
    sink(&Row { line, fields: &fields })
}

/// The value at a path: a key as it is, else parts between dots.
pub(super) fn at<'a>(value: &'a Json, path: &str) -> Option<&'a Json> {
    if let Some(found) = value.get(path) {
        return Some(found);
    }
    path.match_indices('.').find_map(|(dot, _)| at(value.get(&path[..dot])?, &path[dot + 1..]))
}
