//! How far targets are from the source, where that was measured and ships with the project.

use std::sync::LazyLock;

use super::World;
use crate::experiment::FeatureDistances;

const SMOKE: &str = include_str!("../../goldens/smoke/distances.json");

impl World {
    /// Fréchet distances between a source model's features on the source's and on each target's
    /// test images; `None` where none ship.
    ///
    /// # Panics
    /// Never: the file is embedded, and a test reads it.
    #[must_use]
    pub fn feature_distances(&self) -> Option<&'static FeatureDistances> {
        static OF_SMOKE: LazyLock<FeatureDistances> =
            LazyLock::new(|| serde_json::from_str(SMOKE).expect("embedded distances are valid"));
        (self.recorded_as() == OF_SMOKE.world).then(|| &*OF_SMOKE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smoke_worlds_alone_have_distances_of_all_their_targets() {
        for world in World::all() {
            let found = world.feature_distances();
            assert_eq!(found.is_some(), world.id.starts_with("smoke"), "{}", world.id);
            if let Some(found) = found {
                assert!(found.targets.keys().eq(world.targets.keys()), "{}", world.id);
                assert!(world.sources.contains_key(&found.source), "{}", world.id);
                for (target, of) in &found.targets {
                    assert_eq!(of.images.count, world.targets[target].test, "{target}");
                }
            }
        }
    }
}
