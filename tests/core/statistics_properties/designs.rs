//! Properties of distributions, of designs with several looks, and of proportions.

use super::*;

proptest! {
    #[test]
    fn a_quantile_undoes_its_tail(tail in 1e-12..0.5, df in 1.0..200.0) {
        let t = t_upper_quantile(tail, df);
        prop_assert!((t_upper_tail(t, df) / tail - 1.0).abs() <= ROUNDING);
        let lower = t_upper_quantile(1.0 - tail, df);
        prop_assert_eq!(lower, -t_upper_quantile(1.0 - (1.0 - tail), df));
    }

    #[test]
    fn fewer_degrees_of_freedom_have_heavier_tails(
        tail in 1e-6..0.4,
        df in 1.0..100.0,
        more in 0.1..100.0,
    ) {
        prop_assert!(t_upper_quantile(tail, df) > t_upper_quantile(tail, df + more));
        prop_assert!(t_upper_quantile(tail, df + more) > normal_upper_quantile(tail));
    }

    #[test]
    fn more_looks_need_stronger_evidence(
        seeds in prop::collection::btree_set(2..60_usize, 2..6),
        alpha in levels(),
    ) {
        let looks = Looks::new(seeds.iter().copied().collect()).unwrap();
        prop_assert!(close(looks.level(alpha).level() * looks.count() as f64, alpha.level(), 0.0));
        for (seeds, critical) in looks.seeds().iter().zip(looks.critical_values(alpha)) {
            let fixed = Looks::new(vec![*seeds]).unwrap().critical_values(alpha)[0];
            prop_assert!(critical > fixed);
        }
    }

    #[test]
    fn spending_more_early_lowers_the_early_boundary_and_raises_the_last(
        early in 0.1..0.9,
        alpha in levels(),
    ) {
        let fractions = Fractions::new(vec![early, 1.0]).unwrap();
        let late = spending_boundaries(Spending::OBrienFleming, &fractions, alpha);
        let even = spending_boundaries(Spending::Pocock, &fractions, alpha);
        let once = normal_upper_quantile(alpha.level());
        prop_assert!(late[0] > even[0] && even[0] > once);
        prop_assert!(even[1] > late[1] && late[1] > once - ROUNDING);
    }

    #[test]
    fn evidence_grows_with_t(
        t in 0.0..50.0,
        more in 0.001..50.0,
        n in 2..100_usize,
        g in 0.01..10.0,
    ) {
        prop_assert!(e_value(t, n, g) < e_value(t + more, n, g));
        prop_assert!(e_value(t + more, n, g) < e_value(f64::INFINITY, n, g));
        prop_assert_eq!(e_value(-t, n, g), e_value(t, n, g));
    }

    #[test]
    fn wilson_contains_the_proportion_and_mirrors_failures(
        (successes, trials) in (1..5_000_u64).prop_flat_map(|trials| (0..=trials, Just(trials))),
        alpha in levels(),
    ) {
        let hits = wilson(successes, trials, alpha).unwrap();
        prop_assert!(hits.contains(successes as f64 / trials as f64));
        prop_assert!(0.0 <= hits.low && hits.high <= 1.0);
        let misses = wilson(trials - successes, trials, alpha).unwrap();
        prop_assert!(close(misses.low, 1.0 - hits.high, 0.0));
        prop_assert!(close(misses.high, 1.0 - hits.low, 0.0));
    }

    #[test]
    fn mcnemar_is_symmetric_and_falls_as_the_counts_diverge(
        fewer in 0..2_000_u64,
        apart in 1..500_u64,
    ) {
        let p = mcnemar_exact(fewer, fewer + apart);
        prop_assert_eq!(p, mcnemar_exact(fewer + apart, fewer));
        prop_assert!(0.0 < p && p <= 1.0);
        prop_assert!(mcnemar_exact(fewer, fewer + apart + 1) < p || p == 1.0);
    }

    #[test]
    fn a_bootstrap_stays_within_the_values(
        values in differences(),
        resamples in 1..100_u32,
        indices in prop::collection::vec(any::<prop::sample::Index>(), 1..50),
    ) {
        let found = sample(values.clone());
        let mut indices = indices.into_iter().cycle();
        let draw = |n| indices.next().unwrap().index(n);
        let resamples = resamples.try_into().unwrap();
        let interval = percentile_bootstrap(&found, resamples, draw, Alpha::CONVENTIONAL);
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        prop_assert!(low - ROUNDING <= interval.low && interval.high <= high + ROUNDING);
        prop_assert!(interval.low <= interval.high);
    }
}
