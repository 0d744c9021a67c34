//! Looks, the level and critical value of each, and spending boundaries against published tables.

use super::*;

#[test]
fn three_looks_have_bonferronis_critical_t() {
    let critical = Looks::default().critical_values(Alpha::CONVENTIONAL);
    for (found, digits) in critical.iter().zip(["7.6488", "3.9608", "2.9333"]) {
        assert_rounds_to(*found, digits);
    }
    assert_eq!(critical.len(), 3);
}

#[test]
fn one_look_is_the_fixed_design() {
    let fixed = Looks::new(vec![10]).unwrap();
    assert_eq!(fixed.level(Alpha::CONVENTIONAL), Alpha::CONVENTIONAL);
    assert_rounds_to(fixed.critical_values(Alpha::CONVENTIONAL)[0], "2.2621571628");
}

#[test]
fn looks_increase_from_two_seeds_up() {
    assert_eq!(Looks::new(vec![]), Err(LooksError::None));
    assert_eq!(Looks::new(vec![1, 3]), Err(LooksError::TooFew { seeds: 1 }));
    for (seeds, previous, next) in [(vec![3, 3], 3, 3), (vec![2, 5, 4], 5, 4)] {
        assert_eq!(Looks::new(seeds), Err(LooksError::NotIncreasing { previous, next }));
    }
}

#[test]
fn a_look_is_reached_with_enough_seeds() {
    let looks = Looks::default();
    assert_eq!(looks.reached_by(2).count(), 0);
    assert_eq!(looks.reached_by(5).collect::<Vec<_>>(), [3, 5]);
    assert_eq!(looks.reached_by(11).collect::<Vec<_>>(), [3, 5, 10]);
    assert_eq!((looks.count(), looks.last()), (3, 10));
}

/// Five equal looks at one-sided .025, as tabulated for group sequential designs.
#[test]
fn lan_demets_boundaries_are_those_of_the_tables() {
    let fifths = Fractions::new((1..=5).map(|look| f64::from(look) / 5.0).collect()).unwrap();
    let tables = [
        (Spending::OBrienFleming, ["4.8769", "3.3570", "2.6803", "2.2898", "2.0310"]),
        (Spending::Pocock, ["2.4380", "2.4268", "2.4102", "2.3966", "2.3860"]),
    ];
    for (kind, digits) in tables {
        let found = spending_boundaries(kind, &fifths, Alpha::CONVENTIONAL);
        assert_eq!(found.len(), digits.len());
        for (found, digits) in found.iter().zip(digits) {
            assert_rounds_to(*found, digits);
        }
    }
}

#[test]
fn a_spending_function_spends_everything_at_the_last_look() {
    let once = Fractions::new(vec![1.0]).unwrap();
    for kind in [Spending::OBrienFleming, Spending::Pocock] {
        assert_agrees(kind.spent(1.0, Alpha::CONVENTIONAL), 0.025, &kind);
        let boundary = spending_boundaries(kind, &once, Alpha::CONVENTIONAL);
        assert_agrees(boundary[0], normal_upper_quantile(0.025), &kind);
    }
}

#[test]
fn fractions_increase_up_to_one() {
    for refused in [vec![], vec![0.0, 1.0], vec![0.5, 0.5], vec![0.5, 1.1], vec![f64::NAN]] {
        assert_eq!(Fractions::new(refused), Err(FractionsError));
    }
}

#[test]
fn a_level_lies_above_nought_and_below_one_half() {
    for refused in [0.0, -0.1, 0.5, 1.0, f64::NAN] {
        assert!(Alpha::new(refused).is_err());
    }
    let refused = Alpha::new(0.95).unwrap_err().to_string();
    assert!(refused.contains("0.95") && refused.contains("one-sided"), "{refused}");
    assert_eq!(alpha(0.03).split(3).level(), 0.01);
    assert_eq!(alpha(0.03).split(0), alpha(0.03));
}
