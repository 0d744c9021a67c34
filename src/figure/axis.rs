//! Axes: the mapping from values to coordinates of a drawing, and round tick values.
//! [`chart`](super::chart) and [`forest`](super::forest) draw them.

/// The scale of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Equal steps for equal differences.
    Linear,
    /// Equal steps for equal ratios; values must be positive.
    Logarithmic,
}

/// An axis: maps a range of values to a range of coordinates.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    scale: Scale,
    values: (f64, f64),
    places: (f64, f64),
}

impl Axis {
    /// Maps the range `values` to the range `places` (in pixels). An empty range is widened, so
    /// that a single value lies in the middle.
    #[must_use]
    pub fn new(scale: Scale, values: (f64, f64), places: (f64, f64)) -> Self {
        let (low, high) = values;
        let values = match scale {
            _ if low < high => values,
            Scale::Linear => (low - 1.0, low + 1.0),
            Scale::Logarithmic => (low / 2.0, low * 2.0),
        };
        Self { scale, values, places }
    }

    /// The coordinate of a value, clamped to the range.
    #[must_use]
    pub fn place(&self, value: f64) -> f64 {
        let (low, high) = self.values;
        let value = value.clamp(low, high);
        let share = match self.scale {
            Scale::Linear => (value - low) / (high - low),
            Scale::Logarithmic => (value / low).ln() / (high / low).ln(),
        };
        self.places.0 + share * (self.places.1 - self.places.0)
    }

    /// The range of values.
    #[must_use]
    pub fn values(&self) -> (f64, f64) {
        self.values
    }
}

/// The smallest and the largest finite value; `None` if there is none.
#[must_use]
pub fn range(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values.into_iter().filter(|value| value.is_finite()).fold(None, |range, value| {
        let (low, high) = range.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })
}

/// The step of 1, 2 or 5 times a power of ten that cuts a width into at most `most` parts.
#[must_use]
pub fn step(width: f64, most: u32) -> f64 {
    let least = (width / f64::from(most.max(1))).max(f64::MIN_POSITIVE);
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|digit| digit * power)
        .find(|step| *step >= least * 0.999_999)
        .unwrap_or(10.0 * power)
}

/// The multiples of a step from low to high, both included where they are multiples.
#[must_use]
pub fn ticks(low: f64, high: f64, step: f64) -> Vec<f64> {
    const MOST: usize = 100;
    let first = (low / step - 1e-9).ceil();
    (0..MOST)
        .map(|index| {
            #[expect(clippy::cast_precision_loss, reason = "at most a hundred")]
            let count = index as f64;
            // Adding 0 turns -0 into 0.
            (first + count) * step + 0.0
        })
        .take_while(|tick| *tick <= high + step * 1e-9)
        .collect()
}

/// A range widened to multiples of a round step, with those multiples.
#[must_use]
pub fn rounded(low: f64, high: f64, most: u32) -> ((f64, f64), Vec<f64>) {
    let (low, high) = if low < high { (low, high) } else { (low - 1.0, low + 1.0) };
    let step = step(high - low, most);
    let low = (low / step + 1e-9).floor() * step;
    let high = (high / step - 1e-9).ceil() * step;
    ((low, high), ticks(low, high, step))
}

/// A range padded at both ends, and the multiples of a round step within it.
#[must_use]
pub(crate) fn padded(low: f64, high: f64, most: u32) -> ((f64, f64), Vec<f64>) {
    const PADDING: f64 = 0.04;
    let width = if high > low { high - low } else { 1.0 };
    let (low, high) = (low - PADDING * width, high + PADDING * width);
    ((low, high), ticks(low, high, step(high - low, most)))
}

/// The shortest text of a tick's value, to 1e-6.
#[must_use]
pub fn plain(value: f64) -> String {
    let rounded = (value * 1e6).round() / 1e6 + 0.0;
    rounded.to_string().replace('-', "\u{2212}")
}

/// The tick label of a number of images: `800`, `1.6k`.
#[must_use]
pub fn thousands(count: u32) -> String {
    if count < 1000 { count.to_string() } else { format!("{}k", f64::from(count) / 1000.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_axis_spaces_doublings_equally() {
        let axis = Axis::new(Scale::Logarithmic, (100.0, 400.0), (0.0, 200.0));
        assert!((axis.place(200.0) - 100.0).abs() < 1e-9);
        assert!((axis.place(400.0) - 200.0).abs() < 1e-9);
    }

    #[test]
    fn a_single_value_lies_in_the_middle() {
        for scale in [Scale::Linear, Scale::Logarithmic] {
            let axis = Axis::new(scale, (100.0, 100.0), (0.0, 10.0));
            assert!((axis.place(100.0) - 5.0).abs() < 1e-9, "{scale:?}");
        }
    }

    #[test]
    fn ticks_are_round_and_span_the_values() {
        let ((low, high), ticks) = rounded(-3.2, 27.0, 5);
        assert_eq!((low, high), (-10.0, 30.0));
        assert_eq!(ticks, [-10.0, 0.0, 10.0, 20.0, 30.0]);
        assert_eq!(rounded(5.0, 5.0, 4).1, [4.0, 4.5, 5.0, 5.5, 6.0]);
        assert_eq!(
            rounded(0.0, 0.3, 3).1.iter().map(|tick| plain(*tick)).collect::<Vec<_>>(),
            ["0", "0.1", "0.2", "0.3"]
        );
    }

    #[test]
    fn a_padded_range_has_its_ticks_inside() {
        let ((low, high), ticks) = padded(0.0, 25.0, 5);
        assert_eq!((low, high), (-1.0, 26.0));
        assert_eq!(ticks, [0.0, 10.0, 20.0]);
    }

    #[test]
    fn tick_labels_are_short() {
        assert_eq!(thousands(800), "800");
        assert_eq!(thousands(25_600), "25.6k");
        assert_eq!(thousands(50_000), "50k");
        assert_eq!(plain(-10.0), "\u{2212}10");
    }
}
