//! What early stopping does to estimates, simulated: the bias of the mean by look and effect, which
//! the judge reads off the golden, and the median-unbiased estimate.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use repro::stats::{Alpha, Looks, Sample, median_unbiased};
use std::fmt::Write as _;

/// The paper's arXiv number; any other seed would do.
const SEED: u64 = 200_705_869;

/// The look at which an experiment stopped, and its seeds' mean and standard deviation, in true
/// spreads, with the margin at 0.
struct Stopped {
    look: usize,
    mean: f64,
    spread: f64,
}

/// A sequential design of one cell with this true effect, as the judge stops it.
struct Design {
    looks: Looks,
    critical: Vec<f64>,
    generator: ChaCha8Rng,
}

impl Design {
    fn new(looks: &[usize], stream: u64) -> Self {
        let looks = Looks::new(looks.to_vec()).unwrap();
        let mut generator = ChaCha8Rng::seed_from_u64(SEED);
        generator.set_stream(stream);
        Self { critical: looks.critical_values(Alpha::CONVENTIONAL), looks, generator }
    }

    fn run(&mut self, effect: f64) -> Stopped {
        let (mut sum, mut squares) = (0.0, 0.0);
        let mut seeds = 0;
        let mut stopped = Stopped { look: 0, mean: f64::NAN, spread: f64::NAN };
        for (look, (&next, critical)) in self.looks.seeds().iter().zip(&self.critical).enumerate() {
            for _ in seeds..next {
                let noise: f64 = self.generator.sample(StandardNormal);
                sum += noise;
                squares += noise * noise;
            }
            seeds = next;
            let k = seeds as f64;
            let variance = (squares - sum * sum / k) / (k - 1.0);
            stopped = Stopped { look, mean: effect + sum / k, spread: variance.sqrt() };
            if stopped.mean.abs() > critical * stopped.spread / k.sqrt() {
                break;
            }
        }
        stopped
    }
}

fn is_as_written_down(name: &str, table: &str) {
    println!("{name}\n{table}");
    insta::with_settings!({
        snapshot_path => "../../goldens/statistics/simulations",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, table);
    });
}

/// The bias of the means that stop at each look above the margin. The judge reads this table.
#[test]
fn means_that_stop_early_are_biased_away_from_the_margin() {
    const DRAWS: u32 = 40_000;
    /// Fewer stops have no bias in the table.
    const FEWEST: u32 = 100;
    const EFFECTS: [f64; 13] = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0];
    let mut table = format!(
        "seed {SEED}, {DRAWS} experiments a row: share that stops above the margin at each look,\n\
         and the bias of their means, in spreads, by the true effect, in spreads\n\
         looks   effect  1st look   bias  2nd look   bias  3rd look   bias\n"
    );
    for looks in [&[3, 5, 10][..], &[3, 5]] {
        let mut design = Design::new(looks, 1);
        let name = looks.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        for effect in EFFECTS {
            let (mut stops, mut sums) = (vec![0_u32; looks.len()], vec![0.0; looks.len()]);
            for _ in 0..DRAWS {
                let Stopped { look, mean, spread } = design.run(effect);
                let decided = design.critical[look] * spread / (looks[look] as f64).sqrt() < mean;
                stops[look] += u32::from(decided);
                sums[look] += if decided { mean - effect } else { 0.0 };
            }
            write!(table, "{name:<7} {effect:>6.2}").unwrap();
            for (stops, sum) in stops.iter().zip(&sums) {
                let share = f64::from(*stops) / f64::from(DRAWS);
                let bias = match *stops {
                    few if few < FEWEST => "-".to_owned(),
                    stops => format!("{:+.2}", sum / f64::from(stops)),
                };
                write!(table, "  {share:>8.4}  {bias:>5}").unwrap();
            }
            // An early stop exaggerates a small effect, and hardly a large one.
            if effect == 1.0 {
                assert!(sums[0] / f64::from(stops[0]) > 0.2);
            }
            if effect == 12.0 {
                assert!((sums[0] / f64::from(stops[0])).abs() < 0.02);
            }
            table.push('\n');
        }
    }
    is_as_written_down("stopping_bias", &table);
}

fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[test]
fn the_median_unbiased_estimate_is_within_a_tenth_of_a_spread() {
    const DRAWS: usize = 4_001;
    let mut design = Design::new(&[3, 5, 10], 2);
    let mut table = format!(
        "seed {SEED}, {DRAWS} experiments a row, looks 3, 5, 10: in spreads\n\
         effect  mean of means  median of means  median of median-unbiased\n"
    );
    for effect in [0.5, 1.0, 2.0] {
        let (mut means, mut estimates) = (Vec::new(), Vec::new());
        for _ in 0..DRAWS {
            let Stopped { look, mean, spread } = design.run(effect);
            let looks = &design.looks.seeds()[..=look];
            let estimate = median_unbiased(looks, &design.critical, mean / spread).unwrap();
            means.push(mean);
            estimates.push(estimate * spread);
        }
        let average = means.iter().sum::<f64>() / DRAWS as f64;
        let (of_means, of_estimates) = (median(&mut means), median(&mut estimates));
        writeln!(table, "{effect:>6.1}  {average:>13.3}  {of_means:>15.3}  {of_estimates:>25.3}")
            .unwrap();
        assert!((of_estimates - effect).abs() < 0.1, "{effect}: {of_estimates}");
    }
    is_as_written_down("median_unbiased", &table);
}

/// The simulated design is that of the judge: its rule of stopping is an interval by t.
#[test]
fn the_simulated_spread_is_that_of_a_sample() {
    let mut design = Design::new(&[10], 3);
    let mut same = design.generator.clone();
    let values: Vec<f64> = (0..10).map(|_| same.sample::<f64, _>(StandardNormal) + 2.0).collect();
    let (sample, stopped) = (Sample::new(values).unwrap(), design.run(2.0));
    assert!((sample.mean() - stopped.mean).abs() < 1e-12);
    assert!((sample.standard_deviation() - stopped.spread).abs() < 1e-12);
}
