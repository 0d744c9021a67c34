//! The worlds that ship with the project, embedded so that the program works from any folder. Each
//! is parsed once.

use std::sync::LazyLock;

use super::World;

const PAPER: &str = include_str!("../../claims/worlds/paper.toml");
/// What the checkpoints of Salman et al. change in it.
const SALMAN: &str = include_str!("../../claims/worlds/salman.toml");
const LAB: &str = include_str!("../../claims/worlds/lab.toml");
const SMOKE: &str = include_str!("../../claims/worlds/smoke.toml");

/// Smoke, lab, paper and Salman et al., in this order.
static WORLDS: LazyLock<[World; 4]> = LazyLock::new(|| {
    let read = |text| toml::from_str::<toml::Table>(text).expect("an embedded world parses");
    let mut salman = read(PAPER);
    salman.extend(read(SALMAN));
    [read(SMOKE), read(LAB), read(PAPER), salman]
        .map(|table| toml::Value::Table(table).try_into().expect("an embedded world parses"))
});

impl World {
    /// The smoke world.
    #[must_use]
    pub fn smoke() -> Self {
        WORLDS[0].clone()
    }

    /// The lab world.
    #[must_use]
    pub fn lab() -> Self {
        WORLDS[1].clone()
    }

    /// The paper's world.
    #[must_use]
    pub fn paper() -> Self {
        WORLDS[2].clone()
    }

    /// The paper's world with the checkpoints of Salman et al. 2020 (arXiv 2007.08489).
    #[must_use]
    pub fn salman() -> Self {
        WORLDS[3].clone()
    }

    /// Every world.
    #[must_use]
    pub fn all() -> [Self; 4] {
        WORLDS.clone()
    }
}
