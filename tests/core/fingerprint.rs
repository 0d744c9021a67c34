//! Recognising the authors' source models by two losses: the losses in their log, and the findings
//! for the right model, another model and an unknown model.

use repro::{
    evidence::{Evidence, Records},
    replication::fingerprint::{Authors, BLOCKS, Comparison, Finding, Found, IMAGES},
};

/// Mean and standard deviation of the first batch's loss over ten seeds, computed from the authors'
/// raw logs by another program: natural, l2_3, linf_4 and, if it exists, linf_8.
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
    Authors::from_records(&Evidence::published().unwrap().records)
}

/// One model alone, on one target.
fn compare(role: &str, target: &str, first: &[f64], test: &[f64]) -> Comparison {
    let found = [Found {
        target: target.to_owned(),
        first_losses: first.to_vec(),
        test_losses: test.to_vec(),
    }];
    authors().compare(&[(role, &found)]).remove(0)
}

/// The authors' log divided by seeds, in every possible way: three seeds as the found losses, the
/// other seven as the expected ones.
struct Parted {
    expected: Authors,
    found: Authors,
}

impl Parted {
    fn all() -> Vec<Self> {
        let records: Vec<_> = {
            let records = Evidence::published().unwrap().records;
            let first_steps = records
                .iter()
                .filter(|record| record.key.images == IMAGES && record.key.blocks == BLOCKS);
            first_steps.cloned().collect()
        };
        let mut seeds: Vec<_> = records.iter().map(|record| record.seed).collect();
        seeds.sort();
        seeds.dedup();
        assert_eq!(seeds.len(), 10);
        let mut parted = Vec::new();
        for chosen in 0_u32..1 << seeds.len() {
            if chosen.count_ones() != 3 {
                continue;
            }
            let part = |bit: u32| {
                let is_chosen = |seed| {
                    let place = seeds.iter().position(|one| *one == seed).unwrap();
                    chosen >> place & 1 == bit
                };
                let some = records.iter().filter(|record| is_chosen(record.seed));
                Authors::from_records(&Records::new(some.cloned()).unwrap())
            };
            parted.push(Self { expected: part(0), found: part(1) });
        }
        assert_eq!(parted.len(), 120);
        parted
    }

    /// The losses of a model on all its targets; with or without the step.
    fn found(&self, role: &str, with_step: bool) -> Vec<Found> {
        let of = |(target, _): (&str, _)| {
            let losses = self.found.of_model(role, target)?;
            let test_losses = losses.test_losses.values().to_vec();
            Some(Found {
                target: target.to_owned(),
                first_losses: losses.first_losses.values().to_vec(),
                test_losses: if with_step { test_losses } else { Vec::new() },
            })
        };
        FIRST_LOSSES.into_iter().filter_map(of).collect()
    }
}

#[test]
fn the_logs_first_losses_are_the_published_ones() {
    let authors = authors();
    for (target, expected) in FIRST_LOSSES {
        for (role, (mean, deviation)) in ROLES.into_iter().zip(expected) {
            let found = &authors.of_model(role, target).unwrap().first_losses;
            assert_eq!(found.len(), 10);
            // They were rounded to a tenth from numbers that were already rounded.
            assert!((found.mean() - mean).abs() < 0.061, "{role} {target}: {}", found.mean());
            let spread = found.standard_deviation();
            assert!((spread - deviation).abs() < 0.061, "{role} {target}: {spread}");
        }
    }
    assert!(authors.of_model("linf_8", "mnist").is_none());
}

#[test]
fn one_step_nearly_makes_the_natural_model_diverge_but_not_the_robust_one() {
    let authors = authors();
    for (target, _) in FIRST_LOSSES {
        let mean = |role| {
            let losses = &authors.of_model(role, target).unwrap().test_losses;
            let sum: f64 = losses.values().iter().map(|loss| loss.ln()).sum();
            (sum / losses.len() as f64).exp()
        };
        assert!((600.0..1e5).contains(&mean("natural")), "{target}: {}", mean("natural"));
        assert!((40.0..220.0).contains(&mean("l2_3")), "{target}: {}", mean("l2_3"));
    }
}

/// `repro doctor` on the authors' own models: three of their seeds against the other seven.
#[test]
fn the_authors_weights_are_recognised_in_nearly_every_run() {
    for with_step in [true, false] {
        let mut alarms = 0;
        let all = Parted::all();
        for parted in &all {
            let found = ROLES.map(|role| (role, parted.found(role, with_step)));
            let models: Vec<_> = found.iter().map(|(role, found)| (*role, &found[..])).collect();
            let answers = parted.expected.compare(&models);
            let differs = |answer: &Comparison| answer.finding == Finding::Differs;
            alarms += usize::from(answers.iter().any(differs));
            assert!(answers.iter().all(|answer| answer.finding != Finding::Unknown));
        }
        println!("with the step: {with_step}: {alarms} false alarms in {} runs", all.len());
        // The documented rate is one in fifty runs; these 120 runs overlap.
        assert!(alarms <= 4, "{alarms}");
    }
}

/// Shares of runs, in percent, that detect one of the authors' models in place of another. A run
/// that does not nearly always names the other model as indistinguishable.
#[test]
fn weights_of_another_model_are_found_at_the_listed_rates() {
    let all = Parted::all();
    let (mut rates, mut unnamed) = (Vec::new(), 0);
    for role in ROLES {
        for other in ROLES.into_iter().filter(|other| *other != role) {
            let mut share = |with_step| {
                let differs = all.iter().filter(|parted| {
                    let exchanged = parted.found(other, with_step);
                    let models = ROLES.map(|one| {
                        let is_it = one == role;
                        let own = || parted.found(one, with_step);
                        (one, if is_it { exchanged.clone() } else { own() })
                    });
                    let models: Vec<_> =
                        models.iter().map(|(role, found)| (*role, &found[..])).collect();
                    let place = ROLES.iter().position(|one| *one == role).unwrap();
                    let answer = parted.expected.compare(&models).remove(place);
                    let differs = answer.finding == Finding::Differs;
                    unnamed += usize::from(!differs && !answer.text.contains(other));
                    differs
                });
                100 * differs.count() / all.len()
            };
            rates.push((role, other, share(true), share(false)));
        }
    }
    for row in &rates {
        println!("{row:?}");
    }
    assert_eq!(rates, RATES);
    // The rate at which the other model itself is not recognised.
    assert!(unnamed <= 4, "{unnamed}");
}

/// Expected, found, and how often both losses detect it, and the first batch's alone.
const RATES: [(&str, &str, usize, usize); 12] = [
    ("natural", "l2_3", 100, 100),
    ("natural", "linf_4", 91, 78),
    ("natural", "linf_8", 35, 63),
    ("l2_3", "natural", 100, 100),
    ("l2_3", "linf_4", 100, 14),
    ("l2_3", "linf_8", 100, 0),
    ("linf_4", "natural", 100, 98),
    ("linf_4", "l2_3", 100, 60),
    ("linf_4", "linf_8", 31, 42),
    ("linf_8", "natural", 85, 87),
    ("linf_8", "l2_3", 100, 0),
    ("linf_8", "linf_4", 11, 19),
];

#[test]
fn a_natural_model_in_place_of_a_robust_one_is_found_on_one_target() {
    let authors = authors();
    for (target, _) in FIRST_LOSSES {
        for (role, other) in [("natural", "l2_3"), ("l2_3", "natural")] {
            let own = authors.of_model(other, target).unwrap();
            let [first, test] =
                [&own.first_losses, &own.test_losses].map(|losses| &losses.values()[..3]);
            let found = compare(role, target, first, test);
            assert_eq!(found.finding, Finding::Differs, "{role} {target}: {}", found.text);
            assert!(found.text.contains(other), "{}", found.text);
            assert!(found.text.contains("swapped"), "{}", found.text);
        }
    }
}

#[test]
fn models_that_can_t_be_distinguished_are_reported() {
    let found = compare("l2_3", "cifar10", &[24.0], &[]);
    assert_eq!(found.finding, Finding::Alike);
    assert!(found.text.starts_with("compatible with the authors' weights"), "{}", found.text);
    assert!(found.text.contains("linf_8"), "{}", found.text);
    assert!(found.text.contains("would give the same losses"), "{}", found.text);
    assert!(found.text.contains("no test loss was compared"), "{}", found.text);
    // The step distinguishes them: it is ten times as large.
    let found = compare("l2_3", "cifar10", &[24.0; 10], &[110.0; 10]);
    assert!(!found.text.contains("the same losses"), "{}", found.text);
    assert!(!found.text.contains("no test loss"), "{}", found.text);
}

#[test]
fn a_linear_head_and_pixels_up_to_255_are_not_recognised() {
    let gentle = compare("natural", "cifar10", &[2.4], &[3.0]);
    assert_eq!(gentle.finding, Finding::Differs);
    assert!(gentle.text.contains("N(0, 1)"), "{}", gentle.text);
    let wild = compare("natural", "cifar10", &[400.0, 420.0], &[1e9, f64::INFINITY]);
    assert_eq!(wild.finding, Finding::Differs);
    assert!(wild.text.contains("normalised"), "{}", wild.text);
}

#[test]
fn a_wrong_step_is_reported_even_if_the_first_batch_matches() {
    let found = compare("natural", "cifar10", &[36.0, 37.0, 38.0], &[20.0, 21.0, 23.0]);
    assert_eq!(found.finding, Finding::Differs);
    assert!(found.text.contains("learning rate"), "{}", found.text);
    for blown in [f64::NAN, f64::INFINITY] {
        let found = compare("natural", "cifar10", &[36.0], &[blown]);
        assert_eq!(found.finding, Finding::Differs, "{}", found.text);
    }
}

#[test]
fn missing_losses_are_reported_without_a_panic() {
    for (role, target, losses) in [
        ("gaussian", "cifar10", &[30.0][..]),
        ("natural", "celeba", &[30.0]),
        ("natural", "mnist", &[]),
    ] {
        let found = compare(role, target, losses, &[]);
        assert_eq!(found.finding, Finding::Unknown, "{}", found.text);
    }
    let found = compare("natural", "mnist", &[f64::NAN], &[]);
    assert_eq!(found.finding, Finding::Differs, "{}", found.text);
    assert!(authors().compare(&[]).is_empty());
}
