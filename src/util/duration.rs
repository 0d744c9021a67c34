//! Durations as people read them: the two largest units, and years where there are many.

const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;
/// The mean year of the Gregorian calendar.
const YEAR: f64 = 365.2425 * DAY;

/// A duration in words: `8.3 s`, `45 s`, `2 min 5 s`, `3 h 5 min`, `3 days 4 h`, `140 days`,
/// `14.6 years`. What is no number of seconds is `unknown`; below zero counts as zero.
#[must_use]
pub fn duration(seconds: f64) -> String {
    if seconds.is_nan() || seconds == f64::INFINITY {
        return "unknown".to_owned();
    }
    let seconds = seconds.max(0.0);
    // Each limit is where the number that is printed would reach the next unit.
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let whole = |unit: f64| (seconds / unit).round();
    if whole(1.0) < 60.0 {
        return format!("{} s", whole(1.0));
    }
    if whole(1.0) < HOUR {
        return two(whole(1.0), MINUTE, "min", 1.0, "s");
    }
    if whole(MINUTE) * MINUTE < DAY {
        return two(whole(MINUTE) * MINUTE, HOUR, "h", MINUTE, "min");
    }
    if whole(HOUR) * HOUR < 100.0 * DAY {
        let rounded = whole(HOUR) * HOUR;
        let days = if rounded < 2.0 * DAY { "day" } else { "days" };
        return two(rounded, DAY, days, HOUR, "h");
    }
    if seconds < YEAR {
        return format!("{} days", whole(DAY));
    }
    let years = seconds / YEAR;
    let decimals = usize::from(years < 99.95);
    format!("{years:.decimals$} years")
}

/// Whole seconds in two units; the smaller one is left out where there is none of it.
fn two(seconds: f64, large: f64, large_name: &str, small: f64, small_name: &str) -> String {
    let (many, rest) = ((seconds / large).floor(), (seconds % large / small).round());
    if rest == 0.0 {
        format!("{many} {large_name}")
    } else {
        format!("{many} {large_name} {rest} {small_name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_have_the_two_largest_units() {
        for (seconds, text) in [
            (0.0, "0.0 s"),
            (-3.0, "0.0 s"),
            (8.26, "8.3 s"),
            (9.96, "10 s"),
            (59.4, "59 s"),
            (59.6, "1 min"),
            (125.0, "2 min 5 s"),
            (3599.6, "1 h"),
            (3.0 * HOUR + 5.0 * MINUTE, "3 h 5 min"),
            (DAY - 20.0, "1 day"),
            (DAY + HOUR, "1 day 1 h"),
            (3.0 * DAY + 4.2 * HOUR, "3 days 4 h"),
            (140.0 * DAY, "140 days"),
            (YEAR, "1.0 years"),
            // What was once printed as 128277:24:14.
            (461_798_654.0, "14.6 years"),
            (1234.0 * YEAR, "1234 years"),
            (f64::NAN, "unknown"),
            (f64::INFINITY, "unknown"),
        ] {
            assert_eq!(duration(seconds), text, "{seconds}");
        }
    }

    /// The seconds that a text states.
    fn read(text: &str) -> f64 {
        let words: Vec<&str> = text.split(' ').collect();
        let unit = |name| match name {
            "s" => 1.0,
            "min" => MINUTE,
            "h" => HOUR,
            "day" | "days" => DAY,
            "years" => YEAR,
            other => panic!("{other}"),
        };
        words.chunks(2).map(|pair| pair[0].parse::<f64>().unwrap() * unit(pair[1])).sum()
    }

    proptest! {
        #[test]
        fn a_text_states_its_duration_and_no_unit_is_full(exponent in -1.0..12.0_f64) {
            let seconds = 10_f64.powf(exponent);
            let text = duration(seconds);
            // Half a unit of the last place: of ten seconds, or of a year with one decimal.
            prop_assert!((read(&text) - seconds).abs() <= (0.051 * seconds).max(0.051), "{text}");
            for full in ["60 s", "60 min", "24 h"] {
                prop_assert!(!text.contains(full), "{text}");
            }
        }
    }
}
