//! The estimand: the population that a verdict is about, which follows from what differs between its
//! seeds. `conditional_on` names the checkpoints and test sets that it does not reach beyond.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    claim::Hypothesis,
    experiment::EvidenceKind,
    world::{SourceModels, World},
};

/// The population that a verdict is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Population {
    /// Which fine-tunes.
    pub fine_tunes: FineTunes,
    /// Which test images.
    pub test_images: Images,
    /// Both in words.
    pub sentence: String,
}

/// New fine-tunes: with seeds that were not run, by the same protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FineTunes {
    /// Of the same checkpoints: every seed starts from them.
    OfTheseCheckpoints,
    /// Of source models that are trained in the same way: every seed has its own.
    OfNewSourceModels,
}

/// The images on which fine-tunes are tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Images {
    /// Those of the test sets.
    These,
    /// New ones like them: the interval contains the sampling of test images.
    New,
}

impl Population {
    /// The population of a verdict on a hypothesis, on evidence of this kind in its world;
    /// `new_images` if its interval is over seeds and test images together.
    #[must_use]
    pub fn new(
        hypothesis: &Hypothesis,
        kind: EvidenceKind,
        world: &World,
        new_images: bool,
    ) -> Self {
        if let Some(study) = &world.study {
            let replicate = &study.replicate.name;
            return Self {
                fine_tunes: FineTunes::OfTheseCheckpoints,
                test_images: Images::These,
                sentence: format!(
                    "runs with a new {replicate} of the arms as they were run, on the same test data"
                ),
            };
        }
        let mut arms = hypothesis.contrasts.iter().flat_map(|of| &of.terms).map(|term| &term.arm);
        // The seed does not vary the source model of an arm that fixes its zoo.
        let source_models =
            if arms.any(|arm| arm.zoo.is_some()) { SourceModels::One } else { world.source_models };
        // Zoos after the first are trained at the eps that the first chose from the grid.
        let eps = if world.pretraining.is_some() {
            " (with the eps of adversarial training that zoo 1 chose)"
        } else {
            ""
        };
        let (fine_tunes, of) = match (kind, source_models) {
            // A log may have fine-tunes of several checkpoints under one name, and can't say so.
            (EvidenceKind::Log, _) => (
                FineTunes::OfTheseCheckpoints,
                "the checkpoints that the log's fine-tunes started from, which it does not identify"
                    .to_owned(),
            ),
            (_, SourceModels::One) => {
                (FineTunes::OfTheseCheckpoints, "these checkpoints".to_owned())
            }
            (_, SourceModels::OneASeed) => (
                FineTunes::OfNewSourceModels,
                format!("new source models too, trained in the same way{eps}"),
            ),
        };
        let (test_images, on) = if new_images {
            (Images::New, "new test images")
        } else {
            (Images::These, "these test images")
        };
        let sentence = format!("new fine-tunes of {of}, on {on}");
        Self { fine_tunes, test_images, sentence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::suite::Suite;

    fn hypothesis() -> Hypothesis {
        let suite = Suite::embedded(&World::smoke()).unwrap_or_else(|error| panic!("{error}"));
        suite.get("l2_best").unwrap().hypothesis.clone()
    }

    #[test]
    fn seeds_and_images_decide_the_population() {
        let one = World::smoke_one_zoo();
        let several = World { source_models: SourceModels::OneASeed, ..World::smoke() };
        let fetched = World { source_models: SourceModels::OneASeed, ..World::paper() };
        for (kind, world, new_images, sentence) in [
            (EvidenceKind::Smoke, &one, false, "of these checkpoints, on these test images"),
            (EvidenceKind::Smoke, &one, true, "of these checkpoints, on new test images"),
            (
                EvidenceKind::Smoke,
                &several,
                false,
                "of new source models too, trained in the same way (with the eps of adversarial \
                 training that zoo 1 chose), on these test images",
            ),
            (
                EvidenceKind::Paper,
                &fetched,
                true,
                "of new source models too, trained in the same way, on new test images",
            ),
            (
                EvidenceKind::Log,
                &World::paper(),
                false,
                "of the checkpoints that the log's fine-tunes started from, which it does not \
                 identify, on these test images",
            ),
        ] {
            let population = Population::new(&hypothesis(), kind, world, new_images);
            assert_eq!(population.sentence, format!("new fine-tunes {sentence}"));
            assert_eq!(
                population.fine_tunes == FineTunes::OfNewSourceModels,
                world.source_models == SourceModels::OneASeed
            );
            assert_eq!(population.test_images == Images::New, new_images);
        }
    }

    #[test]
    fn an_arm_that_fixes_its_zoo_is_of_this_checkpoint_in_every_world() {
        let several = World { source_models: SourceModels::OneASeed, ..World::smoke() };
        let mut hypothesis = hypothesis();
        hypothesis.contrasts[0].terms[0].arm.zoo = Some(3);
        let population = Population::new(&hypothesis, EvidenceKind::Smoke, &several, false);
        assert_eq!(population.fine_tunes, FineTunes::OfTheseCheckpoints);
    }
}
