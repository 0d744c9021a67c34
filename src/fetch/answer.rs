//! What an answer says of itself, compared with what is known: its length, which part of which version of
//! the file it is, and whether it is the file at all.

use std::io::Read;

use ureq::http::{HeaderMap, StatusCode};

/// Where nobody knows a file's size, it has no more bytes than this.
pub(super) const LARGEST_BYTES: u64 = 16 << 30;

/// What a server answered.
pub(super) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Box<dyn Read>,
}

/// The rest of a file, as it was asked for.
pub(super) struct Asked<'a> {
    /// Its first byte.
    pub from: u64,
    /// The version that it should be of, where that has a name.
    pub version: Option<&'a str>,
    /// The whole file's length, where an earlier answer said it.
    pub total: Option<u64>,
}

impl Answer {
    /// A header's value, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }

    /// Its status in words.
    pub fn status(&self) -> String {
        let status = StatusCode::from_u16(self.status).ok();
        status.map_or_else(|| self.status.to_string(), |status| status.to_string())
    }

    /// The length that it says it has.
    pub fn length(&self) -> Result<Option<u64>, String> {
        let unread = |value: &str| format!("it says that its length is `{value}`");
        self.header("content-length")
            .map(|value| value.parse().map_err(|_| unread(value)))
            .transpose()
    }

    /// The server's name for the file's version, if it is one that a range may be asked for by: a strong
    /// ETag, else a date.
    pub fn version(&self) -> Option<String> {
        let etag = self.header("etag").filter(|etag| etag.starts_with('"'));
        etag.or_else(|| self.header("last-modified")).map(str::to_owned)
    }

    /// Checks that it is the part that was asked for; the whole file's length, where it says it.
    pub fn check_part(&self, asked: &Asked<'_>) -> Result<Option<u64>, String> {
        let Some((from, to, total)) = self.header("content-range").and_then(range) else {
            return Err("it sends a part and does not say which".to_owned());
        };
        let span = (to - from).checked_add(1);
        if from != asked.from || self.length()?.is_some_and(|length| Some(length) != span) {
            let wanted = asked.from;
            return Err(format!(
                "it sends bytes {from} to {to} where those from {wanted} were asked for"
            ));
        }
        if total.zip(asked.total).is_some_and(|(total, known)| total != known) {
            return Err("the file has another length by now".to_owned());
        }
        let etag =
            self.header("etag").filter(|_| asked.version.is_some_and(|v| v.starts_with('"')));
        if etag.is_some() && etag != asked.version {
            return Err("the file has changed by now".to_owned());
        }
        Ok(total)
    }

    /// Whether it calls itself a web page.
    pub fn is_page(&self) -> bool {
        let kind = self.header("content-type").unwrap_or_default().to_ascii_lowercase();
        kind.starts_with("text/html") || kind.starts_with("application/xhtml")
    }

    /// That it is a web page, in words.
    pub fn page(&self) -> String {
        let kind = self.header("content-type").unwrap_or("no type");
        format!(
            "it answers with a web page ({kind}) in place of the file: open the address in a browser to \
             see what it asks for"
        )
    }
}

/// Compares the length that a server promises for the whole file with what is known.
pub(super) fn promised(total: Option<u64>, official: Option<u64>) -> Result<(), String> {
    match (total, official) {
        (Some(total), Some(official)) if total != official => {
            Err(format!("it has {total} bytes to send where the official file has {official}"))
        }
        (Some(total), None) if total > LARGEST_BYTES => {
            Err(format!("it has {total} bytes to send, more than any such file has"))
        }
        _ => Ok(()),
    }
}

/// Whether bytes begin as a web page does.
pub(super) fn begins_as_page(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    ["<!doctype html", "<html", "<head", "<script"].iter().any(|tag| {
        text.get(..tag.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(tag.as_bytes()))
    })
}

/// `bytes 100-199/200`: from, to, and the total where it is said.
fn range(value: &str) -> Option<(u64, u64, Option<u64>)> {
    let (range, total) = value.strip_prefix("bytes")?.trim().split_once('/')?;
    let (from, to) = range.split_once('-')?;
    let (from, to) = (from.trim().parse().ok()?, to.trim().parse::<u64>().ok()?);
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse::<u64>().ok()?),
    };
    (from <= to && total.is_none_or(|total| to < total)).then_some((from, to, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_or_refused() {
        assert_eq!(range("bytes 5-9/10"), Some((5, 9, Some(10))));
        assert_eq!(range("bytes 5-9/*"), Some((5, 9, None)));
        for bad in ["", "bytes", "bytes */10", "bytes 9-5/10", "bytes 5-10/10", "lines 1-2/3"] {
            assert_eq!(range(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_page_is_known_by_its_beginning() {
        for page in ["<!DOCTYPE html>", "\n  <HTML lang=en>", "\u{feff}<!doctype HTML PUBLIC"] {
            assert!(begins_as_page(page.as_bytes()), "{page}");
        }
        for file in [&b"\x1f\x8b\x08"[..], b"PK\x03\x04", b"MATLAB 5.0", b"<htm", b""] {
            assert!(!begins_as_page(file));
        }
    }
}
