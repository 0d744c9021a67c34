//! What verdicts are about: this paper, a study that names itself, or a log of a user's own, which
//! says nothing of that.

use super::Judged;
use crate::{experiment::EvidenceKind, study::Study};

/// What is judged.
pub(super) enum Subject<'a> {
    /// The project's own paper.
    ThisPaper,
    /// The study of a log.
    Study(&'a Study),
    /// A user's claims about a user's log, with title and authors of its paper if the user names
    /// them.
    SomeLog(Option<(&'a str, &'a [String])>),
}

impl<'a> Subject<'a> {
    pub fn of(judged: &[Judged<'a>]) -> Self {
        match judged.first() {
            Some(one) if one.evidence.world.study.is_some() => {
                let study = one.evidence.world.study.as_deref();
                study.map_or(Self::SomeLog(None), Self::Study)
            }
            Some(one) if one.evidence.kind == EvidenceKind::Log && one.claim.is_own => {
                Self::SomeLog(one.evidence.world.user_names.paper())
            }
            _ => Self::ThisPaper,
        }
    }

    /// Its title; that of a log without one is its name as evidence.
    pub fn title(&self) -> &str {
        match self {
            Self::ThisPaper => "Adversarially-Trained Deep Nets Transfer Better",
            Self::Study(study) => study.title(),
            Self::SomeLog(Some((title, _))) => title,
            Self::SomeLog(None) => "Claims about a log",
        }
    }

    pub fn authors(&self) -> Vec<String> {
        match self {
            Self::ThisPaper => [
                "Francisco Utrera",
                "Evan Kravitz",
                "N. Benjamin Erichson",
                "Rajiv Khanna",
                "Michael W. Mahoney",
            ]
            .map(str::to_owned)
            .to_vec(),
            Self::Study(study) => study.authors.clone(),
            Self::SomeLog(paper) => paper.map_or_else(Vec::new, |(_, authors)| authors.to_vec()),
        }
    }

    /// What repeats a run, in one word.
    pub fn replicate(&self) -> &str {
        match self {
            Self::ThisPaper | Self::SomeLog(_) => "seed",
            Self::Study(study) => &study.replicate.name,
        }
    }

    pub fn is_this_paper(&self) -> bool {
        matches!(self, Self::ThisPaper)
    }
}
