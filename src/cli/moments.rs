//! Spans of time and moments as values of options.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A span such as `55m`, `1h30m`, `90s` or `2d`.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    const HELP: &str = "give numbers with units, such as 55m, 1h30m, 90s or 2d";
    let mut seconds: u64 = 0;
    let mut digits = String::new();
    for c in text.chars() {
        let unit = match c {
            '0'..='9' => {
                digits.push(c);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(HELP.to_owned()),
        };
        let number: u64 = digits.parse().map_err(|_| HELP.to_owned())?;
        let more = number.checked_mul(unit).and_then(|more| seconds.checked_add(more));
        seconds = more.ok_or_else(|| HELP.to_owned())?;
        digits.clear();
    }
    // A century is as good as no limit, and clocks can count to its end.
    if text.is_empty() || !digits.is_empty() || seconds > 36_525 * 86_400 {
        return Err(HELP.to_owned());
    }
    Ok(Duration::from_secs(seconds))
}

/// A moment: `2026-11-30T17:05` or with seconds, in the local time of this machine or with a `Z` in
/// UTC; or seconds since 1970, as in Slurm's `SLURM_JOB_END_TIME`.
pub(super) fn moment(text: &str) -> Result<SystemTime, String> {
    const HELP: &str = "give a time such as 2026-11-30T17:05, or seconds since 1970";
    let seconds = match text.parse::<u64>() {
        Ok(seconds) => Some(seconds),
        Err(_) => of_date(text),
    };
    seconds
        .and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)))
        .ok_or_else(|| HELP.to_owned())
}

fn of_date(text: &str) -> Option<u64> {
    let (text, is_utc) = text.strip_suffix('Z').map_or((text, false), |text| (text, true));
    let (date, time) = text.split_once(['T', ' '])?;
    let numbers = |text: &str, separator| -> Option<Vec<i32>> {
        let number = |part: &str| {
            let digits = part.bytes().all(|byte| byte.is_ascii_digit()) && part.len() <= 4;
            part.parse().ok().filter(|_| digits)
        };
        text.split(separator).map(number).collect()
    };
    let (&[year, month, day], time) = (numbers(date, '-')?.as_slice(), numbers(time, ':')?) else {
        return None;
    };
    let (hour, minute, second) = match *time.as_slice() {
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let is_valid = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !is_valid {
        return None;
    }
    // SAFETY: every bit pattern of `tm` is one.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    (tm.tm_year, tm.tm_mon, tm.tm_mday) = (year - 1900, month - 1, day);
    (tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_isdst) = (hour, minute, second, -1);
    // SAFETY: both read and write this `tm` alone, and the environment's time zone, which nothing
    // here changes.
    let seconds =
        unsafe { if is_utc { libc::timegm(&raw mut tm) } else { libc::mktime(&raw mut tm) } };
    // A day that the month does not have becomes one of the next month.
    (tm.tm_mday == day).then(|| u64::try_from(seconds).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_numbers_with_units() {
        for (text, seconds) in
            [("55m", 3300), ("1h30m", 5400), ("90s", 90), ("2d", 172_800), ("0s", 0)]
        {
            assert_eq!(span(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "55", "m", "1h30", "-1m", "1.5h", "1 h", "99999999999999999999s", "40000d"]
        {
            assert!(span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn moments_are_dates_or_seconds() {
        let seconds =
            |text| moment(text).map(|at| at.duration_since(UNIX_EPOCH).unwrap().as_secs());
        assert_eq!(seconds("1600000000"), Ok(1_600_000_000));
        assert_eq!(seconds("2020-09-13T12:26:40Z"), Ok(1_600_000_000));
        assert_eq!(seconds("2020-09-13 12:26Z"), Ok(1_599_999_960));
        // At most a day from UTC.
        assert!(seconds("2020-09-13T12:26:40").unwrap().abs_diff(1_600_000_000) <= 86_400);
        for text in ["", "17:05", "2020-02-30T00:00Z", "2020-13-01T00:00", "2020-09-13T24:00", "x"]
        {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
