//! The worlds that ship with the project, embedded so that the program works from any folder. Each
//! is parsed once.

use std::sync::LazyLock;

use super::World;

const PAPER: &str = include_str!("../../claims/worlds/paper.toml");
/// What the checkpoints of Salman et al. change in it.
const SALMAN: &str = include_str!("../../claims/worlds/salman.toml");
const LAB: &str = include_str!("../../claims/worlds/lab.toml");
const SMOKE: &str = include_str!("../../claims/worlds/smoke.toml");
/// What one zoo for all seeds changes in it.
const SMOKE_ONE_ZOO: &str = include_str!("../../claims/worlds/smoke_one_zoo.toml");

/// Smoke, smoke with one zoo, lab, paper and Salman et al., in this order.
static WORLDS: LazyLock<[World; 5]> = LazyLock::new(|| {
    let read = |text| toml::from_str::<toml::Table>(text).expect("an embedded world parses");
    let changed = |text, changes| {
        let mut table = read(text);
        table.extend(read(changes));
        table
    };
    let (one_zoo, salman) = (changed(SMOKE, SMOKE_ONE_ZOO), changed(PAPER, SALMAN));
    [read(SMOKE), one_zoo, read(LAB), read(PAPER), salman]
        .map(|table| toml::Value::Table(table).try_into().expect("an embedded world parses"))
});

impl World {
    /// The smoke world.
    #[must_use]
    pub fn smoke() -> Self {
        WORLDS[0].clone()
    }

    /// The smoke world where every seed starts from its first zoo.
    #[must_use]
    pub fn smoke_one_zoo() -> Self {
        WORLDS[1].clone()
    }

    /// The lab world.
    #[must_use]
    pub fn lab() -> Self {
        WORLDS[2].clone()
    }

    /// The paper's world.
    #[must_use]
    pub fn paper() -> Self {
        WORLDS[3].clone()
    }

    /// The paper's world with the checkpoints of Salman et al. 2020 (arXiv 2007.08489).
    #[must_use]
    pub fn salman() -> Self {
        WORLDS[4].clone()
    }

    /// Every world.
    #[must_use]
    pub fn all() -> [Self; 5] {
        WORLDS.clone()
    }
}
