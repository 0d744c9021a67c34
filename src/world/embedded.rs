//! The worlds that ship with the project, embedded so that the program works from any folder.

use super::World;

/// The paper's world as it ships with the project.
const PAPER: &str = include_str!("../../claims/worlds/paper.toml");
/// What the sister paper's checkpoints change in it.
const SISTER: &str = include_str!("../../claims/worlds/sister.toml");
/// The lab world likewise.
const LAB: &str = include_str!("../../claims/worlds/lab.toml");
/// The smoke world likewise.
const SMOKE: &str = include_str!("../../claims/worlds/smoke.toml");

impl World {
    /// The paper's world.
    ///
    /// # Panics
    /// Never in a built project: the file is embedded, and a test parses it.
    #[must_use]
    pub fn paper() -> Self {
        toml::from_str(PAPER).expect("the embedded world parses")
    }

    /// The paper's world with the sister paper's checkpoints.
    ///
    /// # Panics
    /// Never in a built project: the files are embedded, and a test parses them.
    #[must_use]
    pub fn sister() -> Self {
        let read = |text| toml::from_str::<toml::Table>(text).expect("the embedded world parses");
        let mut table = read(PAPER);
        table.extend(read(SISTER));
        toml::Value::Table(table).try_into().expect("the embedded world parses")
    }

    /// The lab world.
    ///
    /// # Panics
    /// Never in a built project: the file is embedded, and a test parses it.
    #[must_use]
    pub fn lab() -> Self {
        toml::from_str(LAB).expect("the embedded world parses")
    }

    /// The smoke world.
    ///
    /// # Panics
    /// Never in a built project: the file is embedded, and a test parses it.
    #[must_use]
    pub fn smoke() -> Self {
        toml::from_str(SMOKE).expect("the embedded world parses")
    }

    /// Every world.
    #[must_use]
    pub fn all() -> [Self; 4] {
        [Self::smoke(), Self::lab(), Self::paper(), Self::sister()]
    }
}
