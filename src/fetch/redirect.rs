//! The address that a redirect leads to.

use ureq::http::Uri;

/// A location as an address that may be sent: bytes that no address has, such as spaces and letters
/// outside ASCII, are percent-encoded, as browsers do. Servers send them in names of files.
pub(super) fn encoded(location: &[u8]) -> String {
    let is_kept = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    let encode = |byte: &u8| match *byte {
        byte if is_kept(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    location.trim_ascii().iter().map(encode).collect()
}

/// Resolves a redirect's location against the address that it comes from (RFC 3986, 5.2.2), without
/// its fragment; `None` if the result is no http address.
pub(super) fn resolve(address: &str, location: &str) -> Option<String> {
    let location = location.split('#').next()?;
    let (base_scheme, base_authority, base_path, base_query) = parts(address);
    let (scheme, authority, path, query) = parts(location);
    let (scheme, authority, path, query) = match (scheme, authority) {
        (Some(scheme), authority) => (scheme, authority, without_dots(path), query),
        (None, Some(authority)) => (base_scheme?, Some(authority), without_dots(path), query),
        (None, None) if path.is_empty() => {
            (base_scheme?, base_authority, base_path.to_owned(), query.or(base_query))
        }
        (None, None) if path.starts_with('/') => {
            (base_scheme?, base_authority, without_dots(path), query)
        }
        (None, None) => {
            let folder = base_path.rsplit_once('/').map_or("", |(folder, _)| folder);
            (base_scheme?, base_authority, without_dots(&format!("{folder}/{path}")), query)
        }
    };
    let scheme = scheme.to_ascii_lowercase();
    if !matches!(scheme.as_str(), "http" | "https") {
        return None;
    }
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let next = format!("{scheme}://{}{path}{query}", authority?);
    next.parse::<Uri>().ok().and_then(|uri| uri.host().map(|_| ()))?;
    Some(next)
}

/// Scheme, authority, path and query of a reference (RFC 3986, appendix B).
fn parts(reference: &str) -> (Option<&str>, Option<&str>, &str, Option<&str>) {
    let is_scheme = |text: &str| {
        let rest = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.chars().all(rest)
    };
    let (scheme, rest) = match reference.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
        _ => (None, reference),
    };
    let (hierarchy, query) = match rest.split_once('?') {
        Some((hierarchy, query)) => (hierarchy, Some(query)),
        None => (rest, None),
    };
    match hierarchy.strip_prefix("//") {
        None => (scheme, None, hierarchy, query),
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            (scheme, Some(authority), path, query)
        }
    }
}

/// A path without the segments `.` and `..` (RFC 3986, 5.2.4).
fn without_dots(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    let mut rest = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = rest.next() {
        match segment {
            "." | ".." => {
                if segment == ".." {
                    segments.pop();
                }
                // `/a/.` is the folder `/a/`.
                if rest.peek().is_none() {
                    segments.push("");
                }
            }
            segment => segments.push(segment),
        }
    }
    if path.is_empty() { String::new() } else { format!("/{}", segments.join("/")) }
}

#[cfg(test)]
mod tests {
    use super::{encoded, resolve};

    #[test]
    fn what_no_address_has_is_encoded() {
        for (location, to) in [
            (&b" /a b\t "[..], "/a%20b"),
            (b"/caf\xc3\xa9?q=\"x\"#\xff", "/caf%C3%A9?q=%22x%22#%FF"),
            (b"http://[::1]:80/a;b,c=%20%zz~", "http://[::1]:80/a;b,c=%20%zz~"),
            (b"", ""),
        ] {
            assert_eq!(encoded(location), to);
        }
    }

    #[test]
    fn redirects_are_resolved_against_their_address() {
        let from = "https://a.org:8443/x/y.zip?dl=1";
        for (location, to) in [
            ("https://b.org/z", Some("https://b.org/z")),
            ("HTTPS://b.org/z", Some("https://b.org/z")),
            ("http://b.org/z#part", Some("http://b.org/z")),
            ("http://b.org?q=1", Some("http://b.org?q=1")),
            ("//b.org/z", Some("https://b.org/z")),
            ("/z?q=1", Some("https://a.org:8443/z?q=1")),
            ("/z?u=http://c.org/../d", Some("https://a.org:8443/z?u=http://c.org/../d")),
            ("z", Some("https://a.org:8443/x/z")),
            ("z:1", None),
            ("./z:1", Some("https://a.org:8443/x/z:1")),
            ("1:z", Some("https://a.org:8443/x/1:z")),
            ("../../z", Some("https://a.org:8443/z")),
            ("?dl=2", Some("https://a.org:8443/x/y.zip?dl=2")),
            ("", Some("https://a.org:8443/x/y.zip?dl=1")),
            ("#part", Some("https://a.org:8443/x/y.zip?dl=1")),
            ("ftp://b.org/z", None),
            ("javascript:alert(1)", None),
            ("https://", None),
            ("https:/z", None),
        ] {
            assert_eq!(resolve(from, location).as_deref(), to, "{location}");
        }
        assert_eq!(resolve("http://a.org", "z").as_deref(), Some("http://a.org/z"));
        assert_eq!(resolve("http://a.org", "?q").as_deref(), Some("http://a.org?q"));
    }

    /// The examples of RFC 3986, 5.4, but for those of other schemes than http.
    #[test]
    fn references_are_resolved_as_in_the_standard() {
        for (reference, to) in [
            ("g", "b/c/g"),
            ("./g", "b/c/g"),
            ("g/", "b/c/g/"),
            ("/g", "g"),
            ("?y", "b/c/d;p?y"),
            ("g?y", "b/c/g?y"),
            ("#s", "b/c/d;p?q"),
            ("g#s", "b/c/g"),
            ("g?y#s", "b/c/g?y"),
            (";x", "b/c/;x"),
            ("g;x", "b/c/g;x"),
            ("g;x?y#s", "b/c/g;x?y"),
            ("", "b/c/d;p?q"),
            (".", "b/c/"),
            ("./", "b/c/"),
            ("..", "b/"),
            ("../", "b/"),
            ("../g", "b/g"),
            ("../..", ""),
            ("../../", ""),
            ("../../g", "g"),
            ("../../../g", "g"),
            ("../../../../g", "g"),
            ("/./g", "g"),
            ("/../g", "g"),
            ("g.", "b/c/g."),
            (".g", "b/c/.g"),
            ("g..", "b/c/g.."),
            ("..g", "b/c/..g"),
            ("./../g", "b/g"),
            ("./g/.", "b/c/g/"),
            ("g/./h", "b/c/g/h"),
            ("g/../h", "b/c/h"),
            ("g;x=1/./y", "b/c/g;x=1/y"),
            ("g;x=1/../y", "b/c/y"),
            ("g?y/./x", "b/c/g?y/./x"),
            ("g?y/../x", "b/c/g?y/../x"),
            ("g#s/./x", "b/c/g"),
        ] {
            let expected = format!("http://a/{to}");
            let found = resolve("http://a/b/c/d;p?q", reference);
            assert_eq!(found.as_deref(), Some(expected.as_str()), "{reference}");
        }
        assert_eq!(resolve("http://a/b/c/d;p?q", "//g").as_deref(), Some("http://g"));
    }
}
