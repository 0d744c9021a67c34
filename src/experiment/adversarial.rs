//! Adversarial accuracy after the last epoch: how it is measured, and its result in a record.

use serde::{Deserialize, Serialize};

use super::{Constraint, bits};

/// How adversarial accuracy is measured: projected gradient ascent (PGD) on the loss of the first
/// test images, with the network in evaluation mode. Each image starts at a random point of the
/// ball's surface (L2) or of the cube (L-infinity), which the seed draws, and its point of the
/// highest loss is kept.
///
/// Names of records are digests of these fields.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdversarialTest {
    /// The norm of a perturbation.
    pub constraint: Constraint,
    /// The largest perturbation, on the scale of images in [0, 1].
    pub epsilon: f64,
    /// Length of a step, in the same norm and on the same scale.
    pub step: f64,
    /// Steps.
    pub steps: u32,
    /// How many test images are attacked: the first ones of the target.
    pub images: u32,
}

/// An invalid value of an [`AdversarialTest`].
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{field} is {found}: it must be {expected}")]
pub struct AdversarialTestError {
    /// The field.
    pub field: &'static str,
    /// Its value.
    pub found: f64,
    /// The valid values.
    pub expected: &'static str,
}

impl AdversarialTest {
    /// Checks its values for a target with `test` test images.
    ///
    /// # Errors
    /// The first invalid field.
    pub fn check(&self, test: u32) -> Result<(), AdversarialTestError> {
        let Self { epsilon, step, steps, images, .. } = *self;
        let fault = |field, found, expected| Err(AdversarialTestError { field, found, expected });
        let length = |value: f64| value.is_finite() && value >= 0.0;
        match self {
            _ if !length(epsilon) => fault("epsilon", epsilon, "a number of at least 0"),
            _ if !length(step) => fault("step", step, "a number of at least 0"),
            _ if steps == 0 => fault("steps", steps.into(), "at least 1"),
            _ if images == 0 || images > test => {
                fault("images", images.into(), "from 1 to the target's test images")
            }
            _ => Ok(()),
        }
    }
}

impl std::fmt::Display for AdversarialTest {
    /// Such as `PGD-20, L2 0.75, first 500 test images`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { constraint, epsilon, steps, images, .. } = self;
        let norm = match constraint {
            Constraint::L2 => "L2",
            Constraint::Linf => "L-infinity",
        };
        write!(formatter, "PGD-{steps}, {norm} {epsilon}, first {images} test images")
    }
}

/// Adversarial accuracy after the last epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredAdversarial {
    /// How it was measured.
    pub test: AdversarialTest,
    /// For each attacked test image, whether it is still classified correctly.
    #[serde(with = "bits")]
    pub correct: Vec<bool>,
}

impl MeasuredAdversarial {
    /// Adversarial accuracy in percent of the attacked images; NaN without any.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        let correct = self.correct.iter().filter(|correct| **correct).count();
        100.0 * correct as f64 / self.correct.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEST: AdversarialTest = AdversarialTest {
        constraint: Constraint::L2,
        epsilon: 0.75,
        step: 0.09375,
        steps: 20,
        images: 500,
    };

    #[test]
    fn invalid_values_are_errors_that_name_the_field() {
        assert_eq!(TEST.check(500), Ok(()));
        let field = |test: AdversarialTest, images| test.check(images).map_err(|error| error.field);
        assert_eq!(field(TEST, 499), Err("images"));
        assert_eq!(field(AdversarialTest { images: 0, ..TEST }, 500), Err("images"));
        assert_eq!(field(AdversarialTest { steps: 0, ..TEST }, 500), Err("steps"));
        assert_eq!(field(AdversarialTest { step: f64::NAN, ..TEST }, 500), Err("step"));
        assert_eq!(field(AdversarialTest { epsilon: -0.1, ..TEST }, 500), Err("epsilon"));
        let error = AdversarialTest { epsilon: -0.1, ..TEST }.check(500).unwrap_err();
        assert_eq!(error.to_string(), "epsilon is -0.1: it must be a number of at least 0");
    }

    #[test]
    fn a_measurement_is_read_back_and_has_its_share_in_percent() {
        let measured =
            MeasuredAdversarial { test: TEST, correct: vec![true, false, false, false, true] };
        assert_eq!(measured.accuracy(), 40.0);
        let json = serde_json::to_string(&measured).unwrap();
        assert_eq!(serde_json::from_str::<MeasuredAdversarial>(&json).unwrap(), measured);
        assert_eq!(TEST.to_string(), "PGD-20, L2 0.75, first 500 test images");
    }
}
