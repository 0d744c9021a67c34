//! Telling the authors' source models by two losses: what their log holds, and what is said of losses
//! that are theirs, another model's or nobody's.

use repro::{
    evidence::Evidence,
    fingerprint::{Authors, Finding},
};

/// Mean and standard deviation of the first batch's loss over ten seeds, as computed from the authors'
/// raw logs by another program: natural, l2_3, linf_4 and, where there is one, linf_8.
const FIRST_LOSSES: [(&str, &[(f64, f64)]); 6] = [
    ("cifar10", &[(36.8, 5.4), (23.6, 3.2), (30.0, 3.5), (24.4, 3.2)]),
    ("cifar100", &[(65.4, 7.9), (41.1, 2.6), (49.8, 3.1)]),
    ("svhn", &[(36.6, 4.9), (23.8, 3.1), (29.3, 2.3), (23.9, 2.7)]),
    ("fmnist", &[(37.0, 3.8), (22.1, 2.7), (27.4, 2.4)]),
    ("kmnist", &[(35.8, 4.2), (21.5, 2.2), (24.9, 2.3)]),
    ("mnist", &[(36.7, 5.0), (20.3, 3.1), (23.8, 3.0)]),
];
const ROLES: [&str; 4] = ["natural", "l2_3", "linf_4", "linf_8"];

fn authors() -> Authors {
    Authors::of(&Evidence::published().unwrap().records)
}

#[test]
fn the_log_s_first_losses_are_the_published_ones() {
    let authors = authors();
    for (target, expected) in FIRST_LOSSES {
        for (role, (mean, deviation)) in ROLES.into_iter().zip(expected) {
            let found = &authors.of_model(role, target).unwrap().first_losses;
            assert_eq!(found.len(), 10);
            // They were rounded to a tenth from rounded numbers.
            assert!((found.mean() - mean).abs() < 0.061, "{role} {target}: {}", found.mean());
            let spread = found.standard_deviation();
            assert!((spread - deviation).abs() < 0.061, "{role} {target}: {spread}");
        }
    }
    assert!(authors.of_model("linf_8", "mnist").is_none());
}

#[test]
fn one_step_nearly_blows_the_natural_model_up_and_far_less_the_robust_one() {
    let authors = authors();
    for (target, _) in FIRST_LOSSES {
        let mean = |role| authors.of_model(role, target).unwrap().test_losses.mean().exp();
        assert!((600.0..1e5).contains(&mean("natural")), "{target}: {}", mean("natural"));
        assert!((40.0..220.0).contains(&mean("l2_3")), "{target}: {}", mean("l2_3"));
    }
}

/// Every model of theirs, held to the others' seeds.
#[test]
fn the_authors_own_losses_are_theirs() {
    let authors = authors();
    for (target, roles) in FIRST_LOSSES {
        for role in &ROLES[..roles.len()] {
            let own = authors.of_model(role, target).unwrap();
            let test: Vec<f64> = own.test_losses.values().iter().map(|loss| loss.exp()).collect();
            let found = authors.compare(role, target, own.first_losses.values(), &test);
            assert_eq!(found.finding, Finding::Alike, "{role} {target}: {}", found.text);
            assert!(found.text.starts_with("these are the authors' weights"), "{}", found.text);
        }
    }
}

#[test]
fn a_natural_model_in_a_robust_one_s_place_is_told() {
    let authors = authors();
    for (target, _) in FIRST_LOSSES {
        for (role, other) in [("natural", "l2_3"), ("l2_3", "natural")] {
            let own = authors.of_model(other, target).unwrap();
            let test: Vec<f64> = own.test_losses.values().iter().map(|loss| loss.exp()).collect();
            let found = authors.compare(role, target, &own.first_losses.values()[..3], &test[..3]);
            assert_eq!(found.finding, Finding::Differs, "{role} {target}: {}", found.text);
            assert!(found.text.contains(other), "{}", found.text);
            assert!(found.text.contains("exchanged"), "{}", found.text);
        }
    }
}

#[test]
fn what_can_t_be_told_apart_is_said() {
    let found = authors().compare("l2_3", "cifar10", &[24.0], &[]);
    assert_eq!(found.finding, Finding::Alike);
    assert!(found.text.contains("linf_8"), "{}", found.text);
    assert!(found.text.contains("would not be told apart"), "{}", found.text);
    // The step tells them apart: ten times as large.
    let found = authors().compare("l2_3", "cifar10", &[24.0; 10], &[110.0; 10]);
    assert!(!found.text.contains("told apart"), "{}", found.text);
}

#[test]
fn a_head_of_pytorchs_own_and_pixels_up_to_255_are_not_theirs() {
    let authors = authors();
    let gentle = authors.compare("natural", "cifar10", &[2.4], &[3.0]);
    assert_eq!(gentle.finding, Finding::Differs);
    assert!(gentle.text.contains("N(0, 1)"), "{}", gentle.text);
    let wild = authors.compare("natural", "cifar10", &[400.0, 420.0], &[1e9, f64::INFINITY]);
    assert_eq!(wild.finding, Finding::Differs);
    assert!(wild.text.contains("normalised"), "{}", wild.text);
}

#[test]
fn a_step_that_is_not_theirs_is_told_though_the_first_batch_is() {
    let found = authors().compare("natural", "cifar10", &[36.0, 37.0, 38.0], &[30.0, 31.0, 33.0]);
    assert_eq!(found.finding, Finding::Differs);
    assert!(found.text.contains("learning rate"), "{}", found.text);
    for blown in [f64::NAN, f64::INFINITY] {
        let found = authors().compare("natural", "cifar10", &[36.0], &[blown]);
        assert_eq!(found.finding, Finding::Differs, "{}", found.text);
    }
}

#[test]
fn nothing_to_compare_is_said_and_nothing_panics() {
    let authors = authors();
    for (role, target, losses) in [
        ("gaussian", "cifar10", &[30.0][..]),
        ("natural", "celeba", &[30.0]),
        ("natural", "mnist", &[]),
    ] {
        let found = authors.compare(role, target, losses, &[1.0]);
        assert_eq!(found.finding, Finding::Unknown, "{}", found.text);
    }
    let found = authors.compare("natural", "mnist", &[f64::NAN], &[]);
    assert_eq!(found.finding, Finding::Differs, "{}", found.text);
}
