//! Of runs that may lie at either end of their ranges, in arms that share no replicates: how many
//! of each arm at the upper end make Welch's interval or a p-value worst.
//!
//! Mean and variance of an arm follow from how many of its runs lie at the upper end, by running
//! sums. So do estimate, error and degrees of freedom of every combination, without a sample. The
//! t of a level differs between combinations by their degrees of freedom: it is computed for those
//! alone that could be worst with the most or the fewest degrees of freedom of all.

use std::collections::BTreeSet;

use super::{
    decide::{Group, Test},
    ends::Ends,
    worst_ends::{moments, t_of},
};
use crate::{
    claim::Relation,
    stats::{Alpha, t_upper_quantile, t_upper_tail},
};

/// The most combinations that are all looked at. With more, those on a grid are, and from the
/// worst of these the search continues to neighbours.
const MOST: usize = 1024;

/// What is asked of every case of several groups.
#[derive(Clone, Debug)]
pub(super) struct WorstOfSeveral {
    relation: Relation,
    alpha: Alpha,
    test_to_train: f64,
    /// For each group, replicates that are left out and the least standard deviation.
    groups: Vec<(usize, f64)>,
}

/// Mean of a group, variance of the mean, and degrees of freedom.
#[derive(Clone, Copy)]
struct Moments {
    mean: f64,
    variance: f64,
    freedom: f64,
}

/// What is asked: a bound of the interval, or a p.
#[derive(Clone, Copy)]
enum Asked {
    Low,
    High,
    Towards,
    Away,
}

/// A combination: what follows from how many runs of each group lie at the upper end.
#[derive(Clone, Copy)]
struct Combination {
    estimate: f64,
    error: f64,
    freedom: f64,
}

impl WorstOfSeveral {
    pub(super) fn new(groups: &[Group], test: Test) -> Self {
        let of = |group: &Group| (group.left_out, (group.resolution / 2.0).max(0.0));
        Self {
            relation: test.relation,
            alpha: test.alpha,
            test_to_train: test.test_to_train.max(0.0),
            groups: groups.iter().map(of).collect(),
        }
    }

    /// As [`Worst::counts`](super::worst_ends::Worst::counts).
    pub(super) fn counts(&self, ends: &[Ends]) -> Vec<Vec<usize>> {
        let moments: Vec<Vec<Moments>> =
            ends.iter().zip(&self.groups).map(|(ends, of)| self.moments(ends, *of)).collect();
        let most: Vec<usize> = moments.iter().map(|of| of.len() - 1).collect();
        let Grid { steps, points } = Grid::new(&most);
        let all = Grid::combinations(&points, &moments);
        let mut found: BTreeSet<Vec<usize>> = BTreeSet::from([vec![0; most.len()], most]);
        for asked in [Asked::Low, Asked::High, Asked::Towards, Asked::Away] {
            let Some(worst) = self.worst(&all, asked) else { continue };
            found.insert(self.nearby(Grid::counts(&points, worst), &steps, &moments, asked));
        }
        found.into_iter().collect()
    }

    fn moments(&self, (known, ends): &Ends, (left_out, floor): (usize, f64)) -> Vec<Moments> {
        let count = (known.len() + ends.len()) as f64;
        let of_mean = 1.0 / count + self.test_to_train;
        let freedom = count + left_out as f64 - 1.0;
        let of = |(mean, deviation): (f64, f64)| {
            let variance = deviation.max(floor).powi(2) * of_mean;
            Moments { mean, variance, freedom }
        };
        moments(known, ends).into_iter().map(of).collect()
    }

    /// The place of the combination with the least badness: those that can't have it are passed over
    /// without their t.
    fn worst(&self, all: &[Combination], asked: Asked) -> Option<usize> {
        let freedom = all.iter().map(|of| of.freedom);
        let fewest = freedom.clone().fold(f64::INFINITY, f64::min);
        let most = freedom.fold(0.0, f64::max);
        // The least that a combination can have, and what the worst has at most.
        let critical = |freedom| t_upper_quantile(self.alpha.level(), freedom);
        let large = critical(fewest);
        let least = |of: &Combination| match asked {
            Asked::Low | Asked::High => of.bound(asked, large),
            Asked::Towards | Asked::Away => self.t(of, asked),
        };
        let limit = match asked {
            Asked::Low | Asked::High => {
                let small = critical(most);
                all.iter().map(|of| of.bound(asked, small)).fold(f64::INFINITY, f64::min)
            }
            Asked::Towards | Asked::Away => {
                let worst = all.iter().min_by(|one, other| least(one).total_cmp(&least(other)))?;
                let p = t_upper_tail(least(worst), worst.freedom);
                t_upper_quantile(p, if p < 0.5 { fewest } else { most })
            }
        };
        let limit = limit + 1e-9 * limit.abs();
        // A limit of NaN passes nothing over.
        let may_be = |of: &&Combination| limit.is_nan() || least(of) <= limit;
        let all = all.iter().enumerate().filter(|(_, of)| may_be(of));
        let badness = all.map(|(place, of)| (self.badness(of, asked), place));
        badness.min_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, place)| place)
    }

    /// The least bound or minus the largest p.
    fn badness(&self, of: &Combination, asked: Asked) -> f64 {
        match asked {
            Asked::Low | Asked::High => {
                of.bound(asked, t_upper_quantile(self.alpha.level(), of.freedom))
            }
            Asked::Towards | Asked::Away => -t_upper_tail(self.t(of, asked), of.freedom),
        }
    }

    fn t(&self, of: &Combination, asked: Asked) -> f64 {
        let [towards, away] = t_of(self.relation, of.estimate, of.error);
        if matches!(asked, Asked::Away) { away } else { towards }
    }

    /// From the worst combination of a grid to its neighbours, as long as one is worse; in steps of
    /// one at last. Nothing is between the points of a grid of all.
    fn nearby(
        &self,
        from: Vec<usize>,
        steps: &[usize],
        moments: &[Vec<Moments>],
        asked: Asked,
    ) -> Vec<usize> {
        let (mut at, mut steps) = (from, steps.to_vec());
        if steps.iter().all(|step| *step <= 1) {
            return at;
        }
        let badness = |counts: &[usize]| {
            let of = moments.iter().zip(counts).map(|(of, high)| of[*high]);
            self.badness(&Combination::of(of), asked)
        };
        let mut least = badness(&at);
        loop {
            let mut better: Option<Vec<usize>> = None;
            for counts in neighbours(&at, &steps, moments) {
                let found = badness(&counts);
                if found < least {
                    (least, better) = (found, Some(counts));
                }
            }
            match better {
                Some(counts) => at = counts,
                None if steps.iter().all(|step| *step <= 1) => return at,
                None => steps.iter_mut().for_each(|step| *step = step.div_ceil(2)),
            }
        }
    }
}

impl Combination {
    /// Welch's estimate and error with Satterthwaite's degrees of freedom; without any spread, the
    /// fewest degrees of freedom, as [`welch_contrast`](crate::stats::welch_contrast) has them.
    fn of(groups: impl Iterator<Item = Moments> + Clone) -> Self {
        let estimate = groups.clone().map(|of| of.mean).sum();
        let largest = groups.clone().map(|of| of.variance).fold(0.0, f64::max);
        if largest == 0.0 {
            let freedom = groups.map(|of| of.freedom).fold(f64::INFINITY, f64::min);
            return Self { estimate, error: 0.0, freedom };
        }
        let shares = groups.map(|of| (of.variance / largest, of.freedom));
        let total: f64 = shares.clone().map(|(share, _)| share).sum();
        let divisor: f64 = shares.map(|(share, freedom)| share * share / freedom).sum();
        let (error, freedom) = ((largest * total).sqrt(), total * total / divisor);
        Self { estimate, error, freedom }
    }

    /// Lower end of an interval, or minus the upper one.
    fn bound(&self, asked: Asked, critical: f64) -> f64 {
        let estimate = if matches!(asked, Asked::High) { -self.estimate } else { self.estimate };
        estimate - critical * self.error
    }
}

/// The combinations that are looked at: all where they are few.
struct Grid {
    /// The step of each group.
    steps: Vec<usize>,
    /// The numbers of upper ends of each group.
    points: Vec<Vec<usize>>,
}

impl Grid {
    fn new(most: &[usize]) -> Self {
        let product = most.iter().fold(1_usize, |all, most| all.saturating_mul(most + 1));
        let groups = u32::try_from(most.len()).unwrap_or(u32::MAX);
        // Points a group: at least its two ends.
        let fit = |points: &usize| points.checked_pow(groups).is_some_and(|all| all <= MOST);
        let points = (2..).take_while(fit).last().unwrap_or(2);
        let points = if product <= MOST { usize::MAX } else { points };
        let steps: Vec<usize> = most.iter().map(|most| most.div_ceil(points - 1).max(1)).collect();
        let of = |(most, step): (&usize, &usize)| {
            let counts: BTreeSet<usize> = (0..=*most).step_by(*step).chain([*most]).collect();
            counts.into_iter().collect()
        };
        let points = most.iter().zip(&steps).map(of).collect();
        Self { steps, points }
    }

    /// Every combination; the numbers of the last group vary fastest.
    fn combinations(points: &[Vec<usize>], moments: &[Vec<Moments>]) -> Vec<Combination> {
        let count = points.iter().map(Vec::len).product();
        let mut places = vec![0; points.len()];
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            let of = places.iter().zip(points).zip(moments);
            all.push(Combination::of(of.map(|((place, points), of)| of[points[*place]])));
            for (place, points) in places.iter_mut().zip(points).rev() {
                *place += 1;
                if *place < points.len() {
                    break;
                }
                *place = 0;
            }
        }
        all
    }

    /// The numbers of upper ends of the combination in this place.
    fn counts(points: &[Vec<usize>], mut place: usize) -> Vec<usize> {
        let mut counts: Vec<usize> = Vec::new();
        for points in points.iter().rev() {
            counts.push(points[place % points.len()]);
            place /= points.len();
        }
        counts.reverse();
        counts
    }
}

/// The combinations one step away in any of the groups, within what each has.
fn neighbours(at: &[usize], steps: &[usize], moments: &[Vec<Moments>]) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = Vec::new();
    for (group, (step, of)) in steps.iter().zip(moments).enumerate() {
        for count in [at[group].saturating_sub(*step), (at[group] + step).min(of.len() - 1)] {
            let mut moved = at.to_vec();
            moved[group] = count;
            all.push(moved);
            // Two groups at once, where one alone does not help.
            for (other, (step, of)) in steps.iter().zip(moments).enumerate().skip(group + 1) {
                for second in
                    [at[other].saturating_sub(*step), (at[other] + step).min(of.len() - 1)]
                {
                    let mut both = at.to_vec();
                    (both[group], both[other]) = (count, second);
                    all.push(both);
                }
            }
        }
    }
    all.retain(|counts| counts != at);
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        judge::{
            decide::{Answer, answer, decide_with},
            ends::{Case, all_cases},
            observe::Censored,
        },
        stats::{AddedVariance, Sample},
    };

    fn test(relation: Relation, test_to_train: f64) -> Test {
        let alpha = Alpha::new(0.025).unwrap();
        Test { relation, alpha, added: AddedVariance::NONE, test_to_train, each_end: true }
    }

    fn relation() -> impl Strategy<Value = Relation> {
        prop_oneof![
            Just(Relation::GreaterThan(0.0)),
            (-3.0..3.0).prop_map(Relation::GreaterThan),
            (0.0..3.0).prop_map(Relation::NotWorseThan),
            (0.1..9.0).prop_map(Relation::EquivalentWithin),
        ]
    }

    /// Some known values and up to so many that lie in ranges, of one width or of several.
    fn group(most: usize) -> impl Strategy<Value = Group> {
        let known = prop::collection::vec(-2.0..2.0_f64, 2..9);
        let ranges = prop::collection::vec((-2.0..2.0_f64, 0.0..1.0_f64), 0..=most);
        let width = prop_oneof![Just(0.0), 0.1..1.0, 2.0..100.0_f64];
        let resolution = prop_oneof![Just(0.0), 0.001..2.0_f64];
        let same = any::<bool>();
        (known, ranges, width, resolution, same, 0..2_usize).prop_map(
            |(known, ranges, width, resolution, same, left_out)| {
                let range = |(low, more): (f64, f64)| {
                    let (low, more) = if same { (-width / 2.0, 0.0) } else { (low, more * width) };
                    Censored { low, high: low + width + more, finished: false }
                };
                let known = known.into_iter().map(Censored::exactly);
                let values = known.chain(ranges.into_iter().map(range)).collect();
                Group { values, left_out, resolution }
            },
        )
    }

    fn of_all(groups: &[Group], test: Test) -> Answer {
        let values: Vec<&[Censored]> = groups.iter().map(|group| &*group.values).collect();
        let all = all_cases(&values, None);
        answer(groups, test, (all.clone(), all))
    }

    fn agree(worst: &Answer, all: &Answer, tolerance: f64) {
        assert_eq!((worst.side, worst.estimate), (all.side, all.estimate));
        assert_eq!(worst.spread_floored, all.spread_floored);
        for (one, other) in [
            (worst.low, all.low),
            (worst.high, all.high),
            (worst.p, all.p),
            (worst.p_refuted, all.p_refuted),
        ] {
            let (one, other) = (one.unwrap(), other.unwrap());
            let near = tolerance * other.abs().max(1e-6);
            assert!((one - other).abs() <= near, "{worst:?}, {all:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn the_worst_cases_of_two_arms_give_the_answer_of_all(
            groups in [group(9), group(9)],
            relation in relation(),
            test_to_train in prop_oneof![Just(0.0), 0.05..0.5],
        ) {
            let test = test(relation, test_to_train);
            agree(&decide_with(&groups, test), &of_all(&groups, test), 1e-9);
        }

        #[test]
        fn the_worst_cases_of_three_arms_give_the_answer_of_all(
            groups in [group(4), group(4), group(4)],
            relation in relation(),
        ) {
            let test = test(relation, 0.0);
            agree(&decide_with(&groups, test), &of_all(&groups, test), 1e-9);
        }

        /// Each run at either end by itself, where all have one range: which of them lie there does
        /// not matter, and how many do.
        #[test]
        fn only_how_many_runs_lie_at_each_end_matters(
            known in prop::array::uniform2(prop::collection::vec(-2.0..2.0_f64, 2..6)),
            counts in [0..5_usize, 0..5_usize],
            width in 0.1..50.0_f64,
            relation in relation(),
        ) {
            let unknown = Censored { low: -width, high: width, finished: false };
            let groups = [0, 1].map(|arm| {
                let known = known[arm].iter().copied().map(Censored::exactly);
                let values = known.chain(std::iter::repeat_n(unknown, counts[arm])).collect();
                Group { values, left_out: 0, resolution: 0.0 }
            });
            let sample = |arm: usize, upper: u32| {
                let ends = (0..counts[arm]).map(|run| {
                    if upper >> run & 1 == 1 { width } else { -width }
                });
                Sample::new(known[arm].iter().copied().chain(ends).collect()).unwrap()
            };
            let without = [0, 1].map(|arm: usize| Sample::new(known[arm].clone()).unwrap());
            let mut cases: Vec<Case> = vec![without.to_vec()];
            for one in 0..1_u32 << counts[0] {
                for other in 0..1_u32 << counts[1] {
                    cases.push(vec![sample(0, one), sample(1, other)]);
                }
            }
            let test = test(relation, 0.0);
            let every = answer(&groups, test, (Some(cases.clone()), Some(cases)));
            agree(&decide_with(&groups, test), &every, 1e-9);
        }
    }

    /// Numbers that are spread without a pattern, from 0 to 1.
    fn number(of: u32) -> f64 {
        (f64::from(of) * 0.754_877_666).fract()
    }

    fn large(known: u32, unknown: usize, base: f64) -> Group {
        let known = (0..known).map(|of| Censored::exactly(base + 10.0 * number(of)));
        let ranges =
            std::iter::repeat_n(Censored { low: 0.0, high: 100.0, finished: false }, unknown);
        Group { values: known.chain(ranges).collect(), left_out: 0, resolution: 0.0 }
    }

    /// More combinations than are all looked at.
    #[test]
    fn the_worst_of_very_many_combinations_is_found_from_a_grid() {
        for (counts, base) in [([90, 70], 60.0), ([66, 200], 52.0), ([5, 1500], 70.0)] {
            for relation in [Relation::GreaterThan(0.0), Relation::EquivalentWithin(30.0)] {
                let arm = |unknown: usize, base: f64| large(60, unknown, base);
                let groups = [arm(counts[0], base), arm(counts[1], -base)];
                let test = test(relation, 0.0);
                agree(&decide_with(&groups, test), &of_all(&groups, test), 1e-6);
            }
        }
    }
}
