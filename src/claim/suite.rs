//! A suite of claims: those of the project, which are embedded so that the program works in any
//! folder, or those of a user's folder.

use std::path::{Path, PathBuf};

use super::{Claim, ClaimError, check, lock::Lock};
use crate::{
    study,
    util::{OldSpelling, files, suggest::did_you_mean},
    world::World,
};

macro_rules! embedded {
    ($id:literal) => {
        (concat!("claims/", $id, ".toml"), include_str!(concat!("../../claims/", $id, ".toml")))
    };
}

/// The project's specs, in the order of tables and reports: the paper's five claims first.
const EMBEDDED: [(&str, &str); 14] = [
    embedded!("robust_beats_natural"),
    embedded!("faster_convergence"),
    embedded!("fewer_blocks_for_similar"),
    embedded!("l2_best"),
    embedded!("shape_bias"),
    embedded!("gap_shrinks_with_images"),
    embedded!("gap_grows_with_dissimilarity"),
    embedded!("few_blocks_best"),
    embedded!("similar_need_smaller_constraint"),
    embedded!("natural_wins_at_high_resolution"),
    embedded!("influence_follows_class"),
    embedded!("robustness_survives_fewer_blocks"),
    embedded!("control_more_images"),
    embedded!("control_same_source"),
];

/// The lock of the project's claims.
const EMBEDDED_LOCK: &str = include_str!("../../claims/lock.toml");

/// The name of a folder's lock.
pub(crate) const LOCK: &str = "lock.toml";

/// Files of a folder of claims that are no claims: readers of claims pass them over.
pub(crate) const RESERVED: [&str; 3] = [LOCK, study::FILE, "coverage.toml"];

/// Whether a file of a folder of claims is a claim.
pub(crate) fn is_claim(file: &Path) -> bool {
    let is_toml = file.extension().is_some_and(|extension| extension == "toml");
    is_toml && file.file_name().is_some_and(|name| RESERVED.iter().all(|other| *name != **other))
}

/// A suite of claims that can't be loaded.
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
        /// The system's error.
        cause: std::io::Error,
    },
    /// A folder has no spec.
    #[error("failed to find a claim in {path}: it has no .toml file")]
    #[diagnostic(code(claim::folder))]
    NoClaims {
        /// The folder.
        path: PathBuf,
    },
    /// The lock is not in its format.
    #[error("failed to read {path}: {what}")]
    #[diagnostic(code(claim::lock))]
    Lock {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The file's name is not the claim's id.
    #[error("failed to load {file}: the claim in it has the id `{id}`")]
    #[diagnostic(help("rename the file to {id}.toml, or change the id to the file's name"))]
    Misnamed {
        /// The file.
        file: String,
        /// The id in it.
        id: String,
    },
    /// The suite has no such claim.
    #[error("unknown claim `{id}`{hint}")]
    #[diagnostic(code(claim::unknown))]
    Unknown {
        /// The id that was given.
        id: String,
        /// The nearest id, if one is near.
        hint: String,
    },
}

/// Size limit of a spec; the project's largest has 6 KB.
const LARGEST_SPEC_BYTES: u64 = 1 << 20;

/// Claims in the order of tables and reports.
#[derive(Debug)]
pub struct Suite {
    claims: Vec<Claim>,
    lock: Lock,
    notes: Vec<OldSpelling>,
}

impl Suite {
    /// The project's claims.
    ///
    /// # Errors
    /// If a spec or the lock is malformed, which a test rules out.
    pub fn embedded(world: &World) -> Result<Self, SuiteError> {
        let texts = EMBEDDED.map(|(file, text)| (file.to_owned(), text.to_owned()));
        let lock = read_lock(Path::new("claims").join(LOCK), EMBEDDED_LOCK)?;
        Self::from_texts(texts, lock, world)
    }

    /// The claims of a folder: every `.toml` file in it that is a claim, sorted by name; and its
    /// lock, if it has one.
    ///
    /// # Errors
    /// If the folder or a file can't be read, or a spec or the lock is malformed.
    pub fn from_folder(folder: &Path, world: &World) -> Result<Self, SuiteError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |cause| SuiteError::Unreadable { path, cause }
        };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable(folder))? {
            let path = entry.map_err(unreadable(folder))?.path();
            if is_claim(&path) {
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
        let path = folder.join(LOCK);
        let lock = match files::text(&path, LARGEST_SPEC_BYTES) {
            Ok(text) => read_lock(path, &text)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Lock::default(),
            Err(error) => return Err(unreadable(&path)(error)),
        };
        let mut suite = Self::from_texts(texts, lock, world)?;
        suite.claims.iter_mut().for_each(|claim| claim.is_own = true);
        Ok(suite)
    }

    fn from_texts(
        texts: impl IntoIterator<Item = (String, String)>,
        lock: Lock,
        world: &World,
    ) -> Result<Self, SuiteError> {
        let (mut claims, mut notes) = (Vec::new(), Vec::new());
        for (file, text) in texts {
            let (mut claim, old) = check::claim_with_notes(&file, &text, world)?;
            let is_named = Path::new(&file).file_stem().is_some_and(|stem| *stem == *claim.id);
            if !is_named {
                return Err(SuiteError::Misnamed { file, id: claim.id });
            }
            lock.mark(&mut claim);
            claims.push(claim);
            notes.extend(old);
        }
        Ok(Self { claims, lock, notes })
    }

    /// All claims.
    #[must_use]
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// The lock of the folder; empty if it has none.
    #[must_use]
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// Old spellings in the files, each once a file.
    #[must_use]
    pub fn notes(&self) -> &[OldSpelling] {
        &self.notes
    }

    /// The claim with this id.
    ///
    /// # Errors
    /// If the suite has no such claim, with the nearest id.
    pub fn get(&self, id: &str) -> Result<&Claim, SuiteError> {
        self.claims.iter().find(|claim| claim.id == id).ok_or_else(|| SuiteError::Unknown {
            id: id.to_owned(),
            hint: did_you_mean(id, self.claims.iter().map(|claim| claim.id.as_str())),
        })
    }

    /// The claims with these ids, in the suite's order; all claims if no id is given.
    ///
    /// # Errors
    /// If the suite has no claim with one of the ids.
    pub fn select(&self, ids: &[String]) -> Result<Vec<&Claim>, SuiteError> {
        for id in ids {
            self.get(id)?;
        }
        Ok(self.claims.iter().filter(|claim| ids.is_empty() || ids.contains(&claim.id)).collect())
    }
}

fn read_lock(path: PathBuf, text: &str) -> Result<Lock, SuiteError> {
    Lock::parse(text).map_err(|what| SuiteError::Lock { path, what })
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
    fn an_unknown_claim_gets_the_nearest_id() {
        let suite = Suite::embedded(&World::paper()).unwrap_or_else(|error| panic!("{error}"));
        let error = suite.get("shape-bias").unwrap_err();
        assert_eq!(error.to_string(), "unknown claim `shape-bias`, did you mean `shape_bias`?");
    }
}
