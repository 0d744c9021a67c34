//! The fine-tune loop on the smoke world's images and source models: the same bits for the same
//! seed, the effect of each field of a protocol, and the recorded outcome.

use crate::common;
use std::sync::atomic::AtomicBool;

use common::kmnist::Fixture;
use repro::{
    engine::fine_tune::{
        FineTuneError, Material, Sibling, fine_tune, fine_tune_siblings, fixed_features,
    },
    experiment::{
        Augmentation, BatchNorm, Head, Outcome, Precision, Protocol, Resolution, Seed,
        random::{self, Purpose},
    },
    world::World,
};
use tch::Device;

/// The relative tolerance of losses for convolutions over another batch, which round differently.
/// Training amplifies that. Measured: up to 4e-6 over two epochs.
const REORDERED: f64 = 1e-4;

/// A short protocol of the smoke world.
fn short() -> Protocol {
    Protocol { epochs: 2, evaluate: vec![1, 2], ..World::smoke().protocol }
}

/// KMNIST with one whole batch and a partial one.
fn on_kmnist() -> Fixture {
    Fixture::on(Device::Cpu, 150)
}

impl Fixture {
    fn run(&self, blocks: u32, protocol: &Protocol, seed: u64) -> Outcome {
        self.try_run(blocks, protocol, seed, &AtomicBool::new(false)).unwrap()
    }

    fn try_run(
        &self,
        blocks: u32,
        protocol: &Protocol,
        seed: u64,
        stop: &AtomicBool,
    ) -> Result<Outcome, FineTuneError> {
        fine_tune(&self.material(), blocks, protocol, Seed(seed), stop)
    }
}

/// An outcome without its times.
fn timeless(mut outcome: Outcome) -> Outcome {
    for evaluation in &mut outcome.evaluations {
        evaluation.seconds = 0.0;
    }
    outcome
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_seed_does_not() {
    let fixture = on_kmnist();
    let first = timeless(fixture.run(3, &short(), 1));
    assert_eq!(first, timeless(fixture.run(3, &short(), 1)));
    let other = timeless(fixture.run(3, &short(), 2));
    assert_ne!(first.weights, other.weights);
    assert_ne!(first.first_losses, other.first_losses);
}

#[test]
fn a_fine_tune_does_not_change_its_source() {
    let fixture = on_kmnist();
    let before = fixture.source.digest();
    let after = fixture.run(9, &short(), 1);
    assert_eq!(fixture.source.digest(), before);
    assert_ne!(after.weights, before);
}

#[test]
fn an_outcome_has_what_a_comparison_with_the_authors_needs() {
    let fixture = on_kmnist();
    let outcome = fixture.run(3, &short(), 1);
    let epochs: Vec<u32> = outcome.evaluations.iter().map(|at| at.epoch).collect();
    assert_eq!(epochs, [1, 2]);
    // Two steps in each epoch, of 128 and of 22 images.
    assert_eq!(outcome.first_losses.len(), 4);
    assert_eq!(outcome.correct.len(), 200);
    let accuracy = outcome.evaluations[1].test_accuracy;
    let correct = outcome.correct.iter().filter(|correct| **correct).count();
    assert!((accuracy - correct as f64 / 2.0).abs() < 1e-9, "{accuracy} {correct}");
    // The loss of an N(0, 1) head starts far above that of chance, ln 10, and the first step at
    // rate 0.1 changes it.
    assert!(outcome.first_losses[0] > 3.0, "{:?}", outcome.first_losses);
    assert!(outcome.test_loss_after_first_step.is_finite());
    assert!(outcome.evaluations[0].train_loss < outcome.first_losses[0]);
}

/// The first loss is computed before any step, so that the number of trained blocks can't change
/// it. In the authors' logs it is the same for 0, 1 and 3 blocks, to the last digit.
#[test]
fn the_first_loss_does_not_depend_on_the_trained_blocks() {
    let fixture = on_kmnist();
    let first = |blocks| fixture.run(blocks, &short(), 7).first_losses[0];
    let of_head = first(0);
    for blocks in [1, 3, 9] {
        assert!((first(blocks) - of_head).abs() < 1e-5 * of_head, "{blocks}");
    }
}

#[test]
fn a_linear_head_starts_near_chance() {
    let fixture = on_kmnist();
    let gentle = Protocol { head: Head::Linear, ..short() };
    let first = fixture.run(0, &gentle, 1).first_losses[0];
    assert!((first - 10_f64.ln()).abs() < 0.5, "{first}");
}

#[test]
fn frozen_norms_keep_the_running_statistics_and_train_mode_moves_them() {
    let fixture = on_kmnist();
    // At rate 0 only running statistics can change.
    let still = Protocol { learning_rate: 0.0, head: Head::Linear, ..short() };
    let frozen = Protocol { batch_norm: BatchNorm::Frozen, ..still.clone() };
    let untouched = fixture.run(3, &frozen, 1);
    let expected = {
        let mut generator = random::generator(Seed(1), Purpose::Head);
        let source = fixture.source.copy_to(Device::Cpu);
        source.with_head(10, Head::Linear, &mut generator).digest()
    };
    assert_eq!(untouched.weights, expected);
    let moved = fixture.run(3, &still, 1);
    assert_ne!(moved.weights, expected);
}

#[test]
fn features_computed_once_and_at_every_step_give_the_same_losses() {
    let fixture = on_kmnist();
    // With a small rate, since diverging losses can't be compared.
    let gentle = Protocol { learning_rate: 0.01, head: Head::Linear, ..short() };
    let kept =
        Protocol { batch_norm: BatchNorm::Frozen, augmentation: Augmentation::NONE, ..gentle };
    assert!(kept.frozen_part_is_fixed());
    // A rotation that moves no pixel, but is not known to be none.
    let at_every_step = Protocol {
        augmentation: Augmentation { degrees: 1e-9, ..Augmentation::NONE },
        ..kept.clone()
    };
    assert!(!at_every_step.frozen_part_is_fixed());
    for blocks in [0, 1, 3, 9] {
        let kept = fixture.run(blocks, &kept, 1);
        let computed = fixture.run(blocks, &at_every_step, 1);
        for (kept, computed) in kept.first_losses.iter().zip(&computed.first_losses) {
            assert!((kept - computed).abs() < REORDERED * computed, "{blocks}: {kept} {computed}");
        }
        let (kept, computed) = (&kept.evaluations[1], &computed.evaluations[1]);
        assert!(
            (kept.test_loss - computed.test_loss).abs() < REORDERED * computed.test_loss,
            "{blocks}"
        );
    }
}

#[test]
fn features_reused_from_another_fine_tune_give_the_same_bits() {
    let fixture = on_kmnist();
    let kept =
        Protocol { batch_norm: BatchNorm::Frozen, augmentation: Augmentation::NONE, ..short() };
    for blocks in [0, 3] {
        let Fixture { source, train, test } = &fixture;
        let features = fixed_features(source, test, blocks, &kept).unwrap().unwrap();
        let test_features = Some(&features);
        let material = Material { source, train, test, test_features, classes: 10 };
        let shared = fine_tune(&material, blocks, &kept, Seed(1), &AtomicBool::new(false)).unwrap();
        assert_eq!(timeless(shared), timeless(fixture.run(blocks, &kept, 1)), "{blocks}");
    }
    assert!(fixed_features(&fixture.source, &fixture.test, 0, &short()).unwrap().is_none());
}

/// Blocks, rates and heads may differ between siblings; their shared frozen blocks are computed
/// once.
#[test]
fn siblings_give_the_same_bits_together_and_alone() {
    let fixture = on_kmnist();
    let gentle = Protocol { learning_rate: 0.01, head: Head::Linear, ..short() };
    let frozen = Protocol { batch_norm: BatchNorm::Frozen, ..short() };
    let families = [
        vec![(9, short()), (0, short()), (3, short()), (1, short()), (3, gentle), (0, short())],
        vec![(1, frozen.clone()), (3, frozen)],
    ];
    for family in families {
        let siblings: Vec<Sibling<'_>> =
            family.iter().map(|(blocks, protocol)| Sibling { blocks: *blocks, protocol }).collect();
        let Fixture { source, train, test } = &fixture;
        let material = Material { source, train, test, test_features: None, classes: 10 };
        let never = AtomicBool::new(false);
        let together = fine_tune_siblings(&material, &siblings, Seed(3), &never).unwrap();
        assert_eq!(together.len(), family.len());
        for ((outcome, _), (blocks, protocol)) in together.into_iter().zip(&family) {
            assert_eq!(timeless(outcome), timeless(fixture.run(*blocks, protocol, 3)), "{blocks}");
        }
    }
}

#[test]
#[should_panic(expected = "siblings are of one family")]
fn fine_tunes_with_another_batch_size_are_no_siblings() {
    let fixture = on_kmnist();
    let (protocol, other) = (short(), Protocol { batch: 64, ..short() });
    let siblings = [&protocol, &other].map(|protocol| Sibling { blocks: 3, protocol });
    let Fixture { source, train, test } = &fixture;
    let material = Material { source, train, test, test_features: None, classes: 10 };
    let _ = fine_tune_siblings(&material, &siblings, Seed(3), &AtomicBool::new(false));
}

/// A bfloat16 has 8 bits of mantissa; weights stay in single precision, so that small steps have an
/// effect.
#[test]
fn a_coarser_precision_changes_losses_a_little_and_still_trains() {
    let fixture = on_kmnist();
    let gentle = Protocol { learning_rate: 0.01, ..short() };
    let fine = fixture.run(3, &gentle, 1);
    let coarse = fixture.run(3, &Protocol { precision: Precision::Bf16, ..gentle.clone() }, 1);
    let (first, other) = (fine.first_losses[0], coarse.first_losses[0]);
    assert_ne!(first, other);
    assert!((first - other).abs() < 0.05 * first, "{first} {other}");
    assert!(coarse.evaluations[1].train_loss < coarse.evaluations[0].train_loss);
    let tf32 = Protocol { precision: Precision::Tf32, ..gentle };
    let refused = fixture.try_run(3, &tf32, 1, &AtomicBool::new(false));
    assert!(matches!(refused, Err(FineTuneError::Precision(_))), "{refused:?}");
}

#[test]
fn a_run_that_diverges_still_has_an_accuracy() {
    let fixture = on_kmnist();
    let wild = Protocol { learning_rate: 1e30, ..short() };
    let outcome = fixture.run(3, &wild, 1);
    assert!(!outcome.evaluations[1].test_loss.is_finite());
    assert!(!outcome.test_loss_after_first_step.is_finite());
    let accuracy = outcome.evaluations[1].test_accuracy;
    assert!((0.0..=30.0).contains(&accuracy), "{accuracy}");
}

#[test]
fn a_stop_interrupts_a_fine_tune_and_too_many_blocks_are_refused() {
    let fixture = on_kmnist();
    let stopped = fixture.try_run(3, &short(), 1, &AtomicBool::new(true));
    assert_eq!(stopped, Err(FineTuneError::Interrupted));
    let refused = fixture.try_run(12, &short(), 1, &AtomicBool::new(false));
    assert!(matches!(refused, Err(FineTuneError::TooManyBlocks(_))), "{refused:?}");
}

#[test]
fn a_low_resolution_equals_a_fine_tune_on_resized_images() {
    let fixture = on_kmnist();
    let same = fixture.test.resized(Resolution::Native, 28);
    assert!(same.pixels.equal(&fixture.test.pixels));
    let low = fixture.test.resized(Resolution::Pixels(7), 28);
    assert_eq!(low.pixels.size(), fixture.test.pixels.size());
    assert!(!low.pixels.equal(&fixture.test.pixels));
    assert!(low.labels.equal(&fixture.test.labels));
}
