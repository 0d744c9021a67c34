//! Checks of a server's response before its body is saved: its length, its byte range and version
//! (`Content-Range`, `ETag`), and whether it is a web page in place of the file.

use std::io::Read;

use ureq::http::{HeaderMap, StatusCode};

/// Size limit in bytes of a file whose official size is unknown.
pub(super) const LARGEST_BYTES: u64 = 16 << 30;

/// A server's response.
pub(super) struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Box<dyn Read>,
}

/// The byte range that a resumed download requested.
pub(super) struct ExpectedPart<'a> {
    /// Its first byte.
    pub from: u64,
    /// The version that the earlier bytes are of: an ETag or a date.
    pub version: Option<&'a str>,
    /// The whole file's length in bytes, if an earlier response stated it.
    pub total: Option<u64>,
}

impl Response {
    /// A header's value, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }

    /// The status code and its reason phrase.
    pub fn status(&self) -> String {
        let status = StatusCode::from_u16(self.status).ok();
        status.map_or_else(|| self.status.to_string(), |status| status.to_string())
    }

    /// The value of `Content-Length`, in bytes.
    pub fn length(&self) -> Result<Option<u64>, String> {
        let invalid = |value: &str| format!("invalid Content-Length `{value}`");
        self.header("content-length")
            .map(|value| value.parse().map_err(|_| invalid(value)))
            .transpose()
    }

    /// The version of the file that `If-Range` accepts (RFC 9110, 13.1.5): a strong ETag, else the
    /// date of its last modification.
    pub fn version(&self) -> Option<String> {
        let etag = self.header("etag").filter(|etag| etag.starts_with('"'));
        etag.or_else(|| self.header("last-modified")).map(str::to_owned)
    }

    /// Checks that a response with status 206 is the requested part. Returns the whole file's
    /// length in bytes, if the response states it.
    ///
    /// # Errors
    /// If `Content-Range` is missing, or the range, the length or the version is another one.
    pub fn check_part(&self, expected: &ExpectedPart<'_>) -> Result<Option<u64>, String> {
        let Some((from, to, total)) = self.header("content-range").and_then(range) else {
            return Err("the server sends a part without a valid Content-Range".to_owned());
        };
        let span = (to - from).checked_add(1);
        if from != expected.from || self.length()?.is_some_and(|length| Some(length) != span) {
            let requested = expected.from;
            return Err(format!(
                "the server sends bytes {from} to {to}, but those from {requested} were requested"
            ));
        }
        if total.zip(expected.total).is_some_and(|(total, known)| total != known) {
            return Err("the length of the file on the server has changed".to_owned());
        }
        let etag =
            self.header("etag").filter(|_| expected.version.is_some_and(|v| v.starts_with('"')));
        if etag.is_some() && etag != expected.version {
            return Err("the file on the server has changed (another ETag)".to_owned());
        }
        Ok(total)
    }

    /// The whole file's length in bytes, if a response with status 206 has all of it. A server may
    /// send that in place of the requested part (RFC 9110, 15.3.7).
    pub fn whole(&self) -> Option<u64> {
        let (from, to, total) = self.header("content-range").and_then(range)?;
        let bytes = to.checked_add(1)?;
        let length = self.length().ok()?;
        (from == 0 && total == Some(bytes) && length.is_none_or(|length| length == bytes))
            .then_some(bytes)
    }

    /// Whether a response with status 206 may have the whole file, as far as it says: its bytes are
    /// those from the first, or unknown, and so is the file's length.
    pub fn may_be_whole(&self) -> bool {
        match self.header("content-range").and_then(range) {
            Some((from, _, total)) => from == 0 && total.is_none(),
            None => true,
        }
    }

    /// Whether `Content-Type` is that of a web page.
    pub fn is_page(&self) -> bool {
        let kind = self.header("content-type").unwrap_or_default().to_ascii_lowercase();
        kind.starts_with("text/html") || kind.starts_with("application/xhtml")
    }

    /// The error text for a web page in place of the file.
    pub fn page(&self) -> String {
        let kind = self.header("content-type").unwrap_or("no content type");
        format!(
            "the server sends a web page ({kind}) in place of the file: open the address in a \
             browser to see what it asks for"
        )
    }
}

/// Checks the length in bytes that a server states for the whole file.
///
/// # Errors
/// If it differs from the official size, or exceeds [`LARGEST_BYTES`] where that is unknown.
pub(super) fn check_total(total: Option<u64>, official: Option<u64>) -> Result<(), String> {
    match (total, official) {
        (Some(total), Some(official)) if total != official => {
            Err(format!("the server offers {total} bytes, but the official file has {official}"))
        }
        (Some(total), None) if total > LARGEST_BYTES => {
            Err(format!("the server offers {total} bytes, more than the limit of {LARGEST_BYTES}"))
        }
        _ => Ok(()),
    }
}

/// Whether bytes begin like a web page.
pub(super) fn begins_as_page(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    ["<!doctype html", "<html", "<head", "<script"].iter().any(|tag| {
        text.get(..tag.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(tag.as_bytes()))
    })
}

/// Parses `bytes 100-199/200`: first byte, last byte, and the total if it is stated.
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
    fn a_content_range_is_parsed_or_rejected() {
        assert_eq!(range("bytes 5-9/10"), Some((5, 9, Some(10))));
        assert_eq!(range("bytes 5-9/*"), Some((5, 9, None)));
        for bad in ["", "bytes", "bytes */10", "bytes 9-5/10", "bytes 5-10/10", "lines 1-2/3"] {
            assert_eq!(range(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_web_page_is_detected_by_its_first_bytes() {
        for page in ["<!DOCTYPE html>", "\n  <HTML lang=en>", "\u{feff}<!doctype HTML PUBLIC"] {
            assert!(begins_as_page(page.as_bytes()), "{page}");
        }
        for file in [&b"\x1f\x8b\x08"[..], b"PK\x03\x04", b"MATLAB 5.0", b"<htm", b""] {
            assert!(!begins_as_page(file));
        }
    }
}
