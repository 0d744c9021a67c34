//! The claims at hand: those that ship with the project, embedded so that the binary works from any
//! folder, or a folder of one's own.

use std::path::{Path, PathBuf};

use super::{Claim, ClaimError, check};
use crate::{
    util::{files, suggest::did_you_mean},
    world::World,
};

macro_rules! embedded {
    ($id:literal) => {
        (concat!("claims/", $id, ".toml"), include_str!(concat!("../../claims/", $id, ".toml")))
    };
}

/// The project's own specs, in the order in which they are shown: the paper's five first.
const EMBEDDED: [(&str, &str); 12] = [
    embedded!("robust_beats_natural"),
    embedded!("faster_convergence"),
    embedded!("fewer_blocks_for_similar"),
    embedded!("l2_best"),
    embedded!("shape_bias"),
    embedded!("gap_shrinks_with_images"),
    embedded!("gap_grows_with_dissimilarity"),
    embedded!("few_blocks_best"),
    embedded!("natural_wins_at_high_resolution"),
    embedded!("influence_follows_class"),
    embedded!("control_more_images"),
    embedded!("control_same_source"),
];

/// Why no suite of claims could be had.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SuiteError {
    /// A spec is malformed or contradicts itself.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Claim(#[from] Box<ClaimError>),
    /// A folder or file of specs can't be read.
    #[error("failed to read {path}: {cause}")]
    #[diagnostic(code(claim::folder))]
    Unreadable {
        /// Folder or file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A folder holds no spec.
    #[error("no claim in {path}: it holds no .toml file")]
    #[diagnostic(code(claim::folder))]
    NoClaims {
        /// The folder.
        path: PathBuf,
    },
    /// The file's name and the id in it differ.
    #[error("{file} holds the claim `{id}`")]
    #[diagnostic(help("call the file {id}.toml, or give the claim the file's name"))]
    Misnamed {
        /// The file.
        file: String,
        /// The id in it.
        id: String,
    },
    /// Nobody knows this claim.
    #[error("unknown claim `{id}`{hint}")]
    #[diagnostic(code(claim::unknown))]
    Unknown {
        /// What was asked for.
        id: String,
        /// The nearest id.
        hint: String,
    },
}

/// A spec larger than this is refused: the project's largest has 6 KB.
const LARGEST_SPEC_BYTES: u64 = 1 << 20;

/// Claims in the order in which they are shown.
#[derive(Debug)]
pub struct Suite {
    claims: Vec<Claim>,
}

impl Suite {
    /// The project's own claims.
    ///
    /// # Errors
    /// Where a spec is malformed, which a test rules out.
    pub fn embedded(world: &World) -> Result<Self, SuiteError> {
        Self::from_texts(EMBEDDED.map(|(file, text)| (file.to_owned(), text.to_owned())), world)
    }

    /// The claims of a folder: every `.toml` file in it, by name.
    ///
    /// # Errors
    /// Where the folder or a file can't be read, or a spec is malformed.
    pub(crate) fn from_folder(folder: &Path, world: &World) -> Result<Self, SuiteError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |cause| SuiteError::Unreadable { path, cause }
        };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable(folder))? {
            let path = entry.map_err(unreadable(folder))?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                files.push(path);
            }
        }
        files.sort();
        let mut texts = Vec::new();
        for path in &files {
            let text = files::text(path, LARGEST_SPEC_BYTES).map_err(unreadable(path))?;
            texts.push((path.display().to_string(), text));
        }
        if texts.is_empty() {
            return Err(SuiteError::NoClaims { path: folder.to_owned() });
        }
        Self::from_texts(texts, world)
    }

    fn from_texts(
        texts: impl IntoIterator<Item = (String, String)>,
        world: &World,
    ) -> Result<Self, SuiteError> {
        let mut claims = Vec::new();
        for (file, text) in texts {
            let claim = check::claim(&file, &text, world)?;
            let named = Path::new(&file).file_stem().is_some_and(|stem| *stem == *claim.id);
            if !named {
                return Err(SuiteError::Misnamed { file, id: claim.id });
            }
            claims.push(claim);
        }
        Ok(Self { claims })
    }

    /// All claims.
    #[must_use]
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// One claim.
    ///
    /// # Errors
    /// Where nobody knows it, with the nearest id.
    pub fn get(&self, id: &str) -> Result<&Claim, SuiteError> {
        self.claims.iter().find(|claim| claim.id == id).ok_or_else(|| SuiteError::Unknown {
            id: id.to_owned(),
            hint: did_you_mean(id, self.claims.iter().map(|claim| claim.id.as_str())),
        })
    }

    /// The claims of these ids in the suite's order; all of them where no id is given.
    ///
    /// # Errors
    /// Where an id is unknown.
    pub fn select(&self, ids: &[String]) -> Result<Vec<&Claim>, SuiteError> {
        for id in ids {
            self.get(id)?;
        }
        Ok(self.claims.iter().filter(|claim| ids.is_empty() || ids.contains(&claim.id)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spec_in_the_folder_is_embedded_and_checks_in_every_world() {
        for world in World::all() {
            let suite = Suite::embedded(&world).unwrap_or_else(|error| panic!("{error}"));
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("claims");
            let of_folder = Suite::from_folder(&folder, &world).unwrap();
            let ids = |suite: &Suite| {
                let mut ids: Vec<String> =
                    suite.claims().iter().map(|claim| claim.id.clone()).collect();
                ids.sort();
                ids
            };
            assert_eq!(ids(&suite), ids(&of_folder));
        }
    }

    #[test]
    fn an_unknown_claim_is_answered_with_the_nearest() {
        let suite = Suite::embedded(&World::paper()).unwrap_or_else(|error| panic!("{error}"));
        let error = suite.get("shape-bias").unwrap_err();
        assert_eq!(error.to_string(), "unknown claim `shape-bias`, did you mean `shape_bias`?");
    }
}
