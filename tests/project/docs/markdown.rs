//! A page of Markdown, taken apart as far as the tests need it: lines outside of code, blocks of
//! code, headings with the fragments that lead to them, links, code spans, and tables below a
//! marker.

use std::path::{Path, PathBuf};

/// A page.
pub(super) struct Page {
    /// From the project's folder.
    pub(super) path: PathBuf,
    lines: Vec<Line>,
}

/// A line of a page.
#[derive(Clone)]
pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: usize,
    pub(super) text: String,
    /// The language of the block of code that it is in; empty where the block names none.
    code: Option<String>,
    /// Whether it begins or ends a block of code.
    is_fence: bool,
}

/// A block of code.
pub(super) struct Block {
    pub(super) language: String,
    /// Of its first line.
    pub(super) number: usize,
    pub(super) lines: Vec<String>,
}

/// A link, as written.
pub(super) struct Link {
    pub(super) number: usize,
    pub(super) target: String,
}

impl Page {
    pub(super) fn new(path: PathBuf, text: &str) -> Self {
        let mut language: Option<String> = None;
        let mut lines = Vec::new();
        for (index, text) in text.lines().enumerate() {
            let fence = text.trim_start().strip_prefix("```");
            let mut line = Line {
                number: index + 1,
                text: text.to_owned(),
                code: language.clone(),
                is_fence: false,
            };
            if let Some(named) = fence {
                line.is_fence = true;
                language = match language {
                    Some(_) => None,
                    None => Some(named.trim().to_owned()),
                };
            }
            lines.push(line);
        }
        assert!(language.is_none(), "{}: a block of code does not end", path.display());
        Self { path, lines }
    }

    /// A finding at a line, such as `docs/a.md:3: no such file`.
    pub(super) fn finding(&self, number: usize, what: &str) -> String {
        format!("{}:{number}: {what}", self.path.display())
    }

    /// Lines outside of blocks of code.
    pub(super) fn text(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.code.is_none() && !line.is_fence)
    }

    /// Blocks of code.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut inside = false;
        for line in &self.lines {
            match &line.code {
                Some(language) if !line.is_fence => {
                    if !inside {
                        let (language, number) = (language.clone(), line.number);
                        blocks.push(Block { language, number, lines: Vec::new() });
                    }
                    inside = true;
                    blocks.last_mut().expect("one was begun").lines.push(line.text.clone());
                }
                _ => inside = false,
            }
        }
        blocks
    }

    /// The fragments that lead to its headings, as GitHub and mdBook make them.
    pub(super) fn fragments(&self) -> Vec<String> {
        let mut fragments: Vec<String> = Vec::new();
        for heading in self.text().filter_map(|line| heading(&line.text)) {
            let name = fragment(heading);
            let same = |known: &&String| {
                **known == name || known.strip_prefix(&format!("{name}-")).is_some_and(is_number)
            };
            fragments.push(match fragments.iter().filter(same).count() {
                0 => name,
                count => format!("{name}-{count}"),
            });
        }
        fragments
    }

    /// Links to pages, files and addresses: those in the text, and definitions for the others.
    pub(super) fn links(&self) -> Vec<Link> {
        let mut links = Vec::new();
        for line in self.text() {
            if let Some((_, target)) = definition(&line.text) {
                links.push(Link { number: line.number, target: target.to_owned() });
                continue;
            }
            let text = without_code(&line.text);
            for (at, _) in text.match_indices("](") {
                let target = text[at + 2..].split([')', ' ']).next().unwrap_or_default();
                links.push(Link { number: line.number, target: target.to_owned() });
            }
        }
        links
    }

    /// Definitions that nothing uses, and uses without a definition.
    pub(super) fn loose_references(&self) -> Vec<String> {
        let defined: Vec<(usize, &str)> =
            self.text().filter_map(|line| Some((line.number, definition(&line.text)?.0))).collect();
        let text: Vec<(usize, String)> = self
            .text()
            .filter(|line| definition(&line.text).is_none())
            .map(|line| (line.number, without_code(&line.text)))
            .collect();
        let mut findings = Vec::new();
        for (number, label) in &defined {
            let used = format!("[{label}]");
            if !text.iter().any(|(_, text)| text.contains(&used)) {
                findings.push(self.finding(*number, &format!("nothing uses [{label}]")));
            }
        }
        for (number, text) in &text {
            for (at, _) in text.match_indices("][") {
                let label = text[at + 2..].split(']').next().unwrap_or_default();
                if !defined.iter().any(|(_, known)| *known == label) {
                    findings.push(self.finding(*number, &format!("[{label}] is not defined")));
                }
            }
        }
        findings
    }

    /// What stands between backquotes, outside of blocks of code.
    pub(super) fn spans(&self) -> Vec<(usize, String)> {
        let mut spans = Vec::new();
        for line in self.text() {
            let parts = line.text.split('`').skip(1).step_by(2);
            spans.extend(parts.map(|part| (line.number, part.to_owned())));
        }
        spans
    }

    /// Markers `<!-- NAME: WORDS -->`: their lines and words.
    pub(super) fn markers(&self, name: &str) -> Vec<(usize, Vec<String>)> {
        let words = |text: &str| {
            let words = text.trim().strip_prefix("<!-- ")?.strip_suffix(" -->")?;
            let words = words.strip_prefix(name)?.strip_prefix(':')?;
            Some(words.split_whitespace().map(str::to_owned).collect())
        };
        self.text().filter_map(|line| Some((line.number, words(&line.text)?))).collect()
    }

    /// The first table below a line: its rows, the head first, each split into its cells.
    pub(super) fn table_below(&self, number: usize) -> Vec<Vec<String>> {
        let below = self.lines[number..].iter().skip_while(|line| !line.text.starts_with('|'));
        let rows = below.take_while(|line| line.text.starts_with('|'));
        let rows = rows.map(|line| cells(&line.text)).filter(|row| !is_rule(row));
        rows.collect()
    }

    /// The first block of code below a line, where it comes before any table.
    pub(super) fn block_below(&self, number: usize) -> Option<Block> {
        let mut below = self.lines[number..].iter().filter(|line| !line.text.trim().is_empty());
        let first = below.next().filter(|line| line.is_fence)?;
        self.blocks().into_iter().find(|block| block.number == first.number + 1)
    }

    /// The heading that a line is below.
    pub(super) fn heading_above(&self, number: usize) -> Option<&str> {
        let above = self.text().take_while(|line| line.number < number);
        above.filter_map(|line| heading(&line.text)).last()
    }
}

/// A heading's text.
fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let depth = line.len() - text.len();
    ((1..=6).contains(&depth) && text.starts_with(' ')).then(|| text.trim())
}

/// The fragment that leads to a heading, were there no other of its name.
fn fragment(heading: &str) -> String {
    let mut name = String::new();
    let mut rest = heading;
    // Of a link, its text.
    while let Some((before, after)) = rest.split_once("](") {
        name += before;
        rest = after.split_once(')').map_or("", |(_, rest)| rest);
    }
    name += rest;
    let name = name.to_lowercase();
    let known = |c: char| c.is_alphanumeric() || c == '_' || c == '-' || c == ' ';
    name.chars().filter(|c| known(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A definition `[label]: target`.
fn definition(line: &str) -> Option<(&str, &str)> {
    let (label, target) = line.strip_prefix('[')?.split_once("]: ")?;
    (!label.contains(']')).then(|| (label, target.trim()))
}

/// A line with blanks in place of what stands between backquotes, so that places stay.
fn without_code(line: &str) -> String {
    let parts = line.split('`').enumerate();
    let kept = parts.map(|(index, part)| match index % 2 {
        0 => part.to_owned(),
        _ => " ".repeat(part.len()),
    });
    kept.collect::<Vec<_>>().join("`")
}

fn cells(row: &str) -> Vec<String> {
    let row = row.trim().trim_matches('|').replace("\\|", "\u{1}");
    row.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect()
}

fn is_rule(row: &[String]) -> bool {
    row.iter().all(|cell| !cell.is_empty() && cell.bytes().all(|byte| b"-:".contains(&byte)))
}

/// The names between backquotes in a cell.
pub(super) fn names(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// A path with its `..` taken away.
pub(super) fn joined(folder: &Path, target: &str) -> PathBuf {
    let mut path = folder.to_owned();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = path.pop(),
            part => path.push(part),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# A `b` [c](d.md), e\n\
See [one](a.md#x) and [two][t], not `[three](b.md)`.\n\
<!-- golden: a b -->\n\
```text\n[in code](c.md)\n```\n\
<!-- schema: n # -->\n\
| f | g |\n|---|---|\n| `h`, `i` | j \\| k |\n\
## Again\n## Again\n\
[t]: z.md\n[u]: y.md\n";

    fn page() -> Page {
        Page::new("p.md".into(), TEXT)
    }

    #[test]
    fn links_are_those_outside_of_code() {
        let links: Vec<String> = page().links().into_iter().map(|link| link.target).collect();
        assert_eq!(links, ["d.md", "a.md#x", "z.md", "y.md"]);
        let loose = page().loose_references();
        assert_eq!(loose, ["p.md:14: nothing uses [u]"]);
        let loose = Page::new("p.md".into(), "[a][b]\n").loose_references();
        assert_eq!(loose, ["p.md:1: [b] is not defined"]);
    }

    #[test]
    fn headings_have_the_fragments_that_github_gives_them() {
        assert_eq!(page().fragments(), ["a-b-c-e", "again", "again-1"]);
        assert_eq!(fragment("`[paper]`, x/y: Z_1"), "paper-xy-z_1");
    }

    #[test]
    fn markers_find_the_table_or_the_block_below_them() {
        let page = page();
        let [(golden, words)] = &page.markers("golden")[..] else { panic!("one marker") };
        assert_eq!(*words, ["a", "b"]);
        assert_eq!(page.block_below(*golden).unwrap().lines, ["[in code](c.md)"]);
        let [(schema, _)] = &page.markers("schema")[..] else { panic!("one marker") };
        assert!(page.block_below(*schema).is_none());
        let table = page.table_below(*schema);
        assert_eq!(table, [["f", "g"], ["`h`, `i`", "j | k"]]);
        assert_eq!(names(&table[1][0]), ["h", "i"]);
        assert_eq!(page.heading_above(9), Some("A `b` [c](d.md), e"));
    }

    #[test]
    fn paths_are_joined_without_dots() {
        assert_eq!(joined(Path::new("docs/a"), "../b/./c.md"), Path::new("docs/b/c.md"));
    }
}
