//! Dates and times in UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Today's date in UTC, such as `2020-07-11`.
#[must_use]
pub fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    date(since.as_secs() / 86_400)
}

/// A date and time in UTC, such as `2020-07-11 09:30:00 UTC`, from the time since 1970.
#[must_use]
pub fn time(since: Duration) -> String {
    let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{} {hours:02}:{minutes:02}:{seconds:02} UTC", date(days))
}

/// The Gregorian date this many days after 1970-01-01: years begin in March, so that a leap day is
/// the last day of its year (`civil_from_days` of Howard Hinnant's chrono-compatible algorithms).
fn date(days: u64) -> String {
    const DAYS_OF_400_YEARS: u64 = 146_097;
    let days = days + 719_468;
    let (era, day) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{date, time};

    #[test]
    fn seconds_are_times() {
        assert_eq!(time(Duration::from_secs(18_454 * 86_400 - 1)), "2020-07-10 23:59:59 UTC");
        assert_eq!(time(Duration::from_millis(3_723_999)), "1970-01-01 01:02:03 UTC");
    }

    #[test]
    fn days_are_dates() {
        for (days, text) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (18_454, "2020-07-11"),
            (18_627, "2020-12-31"),
            (18_628, "2021-01-01"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(date(days), text);
        }
    }
}
