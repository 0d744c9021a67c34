//! The text of the report and the gallery, without drawings and numbers.

use std::collections::HashSet;

use super::{Transcript, shapes, snapshot};

/// Elements that a line begins and ends with.
const BLOCKS: [&str; 27] = [
    "article",
    "caption",
    "dd",
    "desc",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "header",
    "li",
    "main",
    "nav",
    "p",
    "pre",
    "section",
    "summary",
    "svg",
    "text",
    "title",
    "tr",
];

/// Attributes that are read, or read aloud.
const READ: [&str; 4] = ["alt", "aria-label", "placeholder", "title"];

/// A page's text, one block a line; of the rows of tables, and of the words in drawings, those that
/// differ from all others in more than numbers.
fn text(page: &str) -> String {
    let mut lines = Lines::default();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once('<') {
        lines.says(before);
        let (tag, after) = after.split_once('>').unwrap();
        rest = after;
        let closes = tag.starts_with('/');
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap();
        let unread = ["script", "style"].contains(&name)
            || (name == "svg" && tag.contains("aria-hidden=\"true\""));
        if unread && !closes {
            rest = after.split_once(&format!("</{name}>")).unwrap().1;
            continue;
        }
        lines.tag(name, tag);
    }
    lines.says(rest);
    lines.ends();
    lines.text + &shapes::omitted(lines.left_out)
}

#[derive(Default)]
struct Lines {
    text: String,
    cells: Vec<String>,
    seen: HashSet<String>,
    left_out: usize,
    /// In a table or a drawing.
    in_short: bool,
}

impl Lines {
    fn tag(&mut self, name: &str, tag: &str) {
        match (name, tag.starts_with('/')) {
            ("table" | "svg", closes) => {
                self.ends();
                self.in_short = !closes;
            }
            ("td" | "th", _) => self.cells.push(String::new()),
            _ => {}
        }
        if BLOCKS.contains(&name) {
            self.ends();
        }
        for attribute in READ {
            if let Some((_, value)) = tag.split_once(&format!(" {attribute}=\"")) {
                let value = value.split('"').next().unwrap();
                self.says(&format!(" [{attribute}: {value}] "));
            }
        }
    }

    fn says(&mut self, text: &str) {
        if self.cells.is_empty() {
            self.cells.push(String::new());
        }
        self.cells.last_mut().unwrap().push_str(text);
    }

    /// A block is over.
    fn ends(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        let cells: Vec<String> =
            cells.iter().map(|cell| plain(cell)).filter(|cell| !cell.is_empty()).collect();
        if cells.is_empty() {
            return;
        }
        let shapes: Vec<String> = cells.iter().map(|cell| shapes::shape(cell)).collect();
        if self.in_short && shapes.iter().all(|shape| self.seen.contains(shape)) {
            self.left_out += 1;
            return;
        }
        self.seen.extend(shapes);
        self.text += &shapes::omitted(std::mem::take(&mut self.left_out));
        self.text += &cells.join(" | ");
        self.text.push('\n');
    }
}

/// A text without references to characters and without line breaks.
fn plain(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    text.replace("&amp;", "&")
}

/// A page as of a build that knows no commit.
fn without_commit(page: &str) -> String {
    let Some(commit) = option_env!("REPRO_COMMIT") else { return page.to_owned() };
    let changed = if commit.ends_with("-dirty") { " with changes" } else { "" };
    let noted = format!("commit {}{changed}, ", &commit[..12]);
    assert!(!page.contains("BibTeX") || page.contains(&noted), "{noted}");
    page.replace(&noted, "").replace(&format!(" ({commit})"), "")
}

#[test]
fn the_text_of_the_report_and_the_gallery_is_held() {
    let report = Transcript::new();
    let output = report.output("repro verify --evidence published --report report --brief");
    assert!(output.contains("exit 3"), "{output}");
    for (file, name) in [("index", "report"), ("gallery", "gallery")] {
        let page = report.hidden(&report.read(&format!("report/{file}.html")));
        let page = without_commit(&page).replace(env!("CARGO_PKG_VERSION"), "VERSION");
        snapshot(name, &text(&page));
    }
}

#[test]
fn tags_and_repeated_rows_are_removed_from_a_page() {
    let page = "<style>p{}</style><p>a <b>b</b> &amp; c</p><table><tr><th>n<th>m<tr><td>x<td>1<tr><td>x<td>2\
                </table><p title=\"t\">x";
    assert_eq!(text(page), "a b & c\nn | m\nx | 1\n(1 more)\n[title: t] x\n");
}
