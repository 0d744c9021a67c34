//! BibTeX entries to cite: the project, and the paper or study that was judged.

use super::{Judged, subject::Subject, verdict_table::latex_escaped};
use crate::{figure::groups::distinct, util::shown::visible};

/// The commit that the program was built from; `None` of a build that does not know it.
pub(super) const COMMIT: Option<&str> = option_env!("REPRO_COMMIT");

/// The entries. A study has one if it has a title of its own; a log that says nothing of itself
/// has none.
#[must_use]
pub fn bibtex(judged: &[Judged<'_>]) -> String {
    let mut project = vec![
        ("title", "{{repro}: an executable paper}".to_owned()),
        ("author", "{{The contributors to repro}}".to_owned()),
        ("version", braced(env!("CARGO_PKG_VERSION"))),
    ];
    let of_evidence = |one: &Judged<'_>| {
        let evidence = one.evidence;
        format!("{} evidence {}", evidence.kind, short(&evidence.sha256))
    };
    let commit = COMMIT.map(|commit| {
        let changed = if commit.ends_with("-dirty") { " with changes" } else { "" };
        format!("commit {}{changed}", short(commit))
    });
    let judged_on = distinct(judged.iter().map(of_evidence));
    let note: Vec<String> = commit.into_iter().chain(judged_on).collect();
    if !note.is_empty() {
        project.push(("note", braced(&note.join(", "))));
    }
    let project = entry("software", "repro", &project);
    let subject = Subject::of(judged);
    let title = ("title", format!("{{{}}}", braced(subject.title())));
    let authors = subject.authors();
    let author = (!authors.is_empty()).then(|| ("author", names(&authors)));
    let of_subject = match subject {
        Subject::ThisPaper => [
            ("year", braced("2020")),
            ("eprint", braced("2007.05869")),
            ("archivePrefix", braced("arXiv")),
            (
                "note",
                braced(
                    "Published at ICLR 2021 as \"Adversarially-Trained Deep Nets Transfer Better: \
                     Illustration on Image Classification\"",
                ),
            ),
        ]
        .to_vec(),
        Subject::Study(study) => {
            study.link.iter().map(|link| ("howpublished", braced(link))).collect()
        }
        Subject::SomeLog(Some(_)) => Vec::new(),
        Subject::SomeLog(None) => return project,
    };
    let fields: Vec<_> = std::iter::once(title).chain(author).chain(of_subject).collect();
    let name = if subject.is_this_paper() { "utrera2020" } else { "study" };
    format!("{project}\n{}", entry("misc", name, &fields))
}

/// The first twelve digits of a digest.
fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

fn entry(kind: &str, name: &str, fields: &[(&str, String)]) -> String {
    let fields = fields.iter().map(|(name, value)| format!("  {name} = {value},\n"));
    format!("@{kind}{{{name},\n{}}}\n", fields.collect::<String>())
}

/// A value in braces, with what BibTeX and LaTeX would interpret escaped.
fn braced(text: &str) -> String {
    format!("{{{}}}", latex_escaped(&visible(text)))
}

/// Names joined as BibTeX reads them; one that would be read as several, or in another order, is in
/// braces.
fn names(authors: &[String]) -> String {
    let one = |name: &String| {
        let name = visible(name);
        let escaped = latex_escaped(&name);
        let is_plain = !name.contains(',') && !name.split(' ').any(|word| word == "and");
        if is_plain { escaped } else { format!("{{{escaped}}}") }
    };
    format!("{{{}}}", authors.iter().map(one).collect::<Vec<String>>().join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_and_is_one_author() {
        let authors = ["Ada Lovelace", "Smith and Sons", "O'Neil_x"].map(str::to_owned);
        assert_eq!(names(&authors), "{Ada Lovelace and {Smith and Sons} and O'Neil\\_x}");
    }

    #[test]
    fn the_project_is_cited_without_verdicts_too() {
        let text = bibtex(&[]);
        assert!(text.starts_with("@software{repro,\n"), "{text}");
        assert!(text.contains("eprint = {2007.05869}"), "{text}");
        assert_eq!(text.matches('{').count(), text.matches('}').count());
    }
}
