//! The time limit of a job, as Slurm or people write it.

use std::str::FromStr;

/// A time limit, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct TimeLimit(pub u64);

impl FromStr for TimeLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match parse(text) {
            Some(seconds) if seconds > 0 => Ok(Self(seconds)),
            _ => Err("a time is like 55m, 12h, 2d, or as Slurm has it: minutes, H:MM:SS or \
                      D-HH:MM:SS"
                .to_owned()),
        }
    }
}

impl TimeLimit {
    /// As Slurm has it: `D-HH:MM:SS`.
    pub fn slurm(self) -> String {
        let Self(seconds) = self;
        let (minutes, hours) = (seconds / 60, seconds / 3600);
        format!("{}-{:02}:{:02}:{:02}", hours / 24, hours % 24, minutes % 60, seconds % 60)
    }

    /// In whole minutes, for a worker that is given this time; at least one.
    pub fn minutes(self) -> u64 {
        (self.0 / 60).max(1)
    }
}

fn parse(text: &str) -> Option<u64> {
    for (unit, seconds) in [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)] {
        if let Some(count) = text.strip_suffix(unit) {
            return number(count)?.checked_mul(seconds);
        }
    }
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(number(days)?), rest),
        None => (None, text),
    };
    let parts = rest.split(':').map(number).collect::<Option<Vec<u64>>>()?;
    // With days the first part is hours; without, two parts are minutes and seconds.
    let [hours, minutes, seconds] = match (days, &parts[..]) {
        (Some(_), [hours]) => [*hours, 0, 0],
        (Some(_), [hours, minutes]) => [*hours, *minutes, 0],
        (None, [minutes]) => [0, *minutes, 0],
        (None, [minutes, seconds]) => [0, *minutes, *seconds],
        (_, [hours, minutes, seconds]) => [*hours, *minutes, *seconds],
        _ => return None,
    };
    Some(days.unwrap_or(0) * 86_400 + hours * 3600 + minutes * 60 + seconds)
}

/// A number of at most six digits, so that no sum overflows.
fn number(text: &str) -> Option<u64> {
    let plain = (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_slurm_and_people_write_them() {
        for (text, seconds) in [
            ("55m", 3300),
            ("12h", 43_200),
            ("2d", 172_800),
            ("90s", 90),
            ("60", 3600),
            ("60:30", 3630),
            ("1:02:03", 3723),
            ("1-0", 86_400),
            ("1-02:30", 95_400),
            ("1-02:03:04", 93_784),
        ] {
            assert_eq!(text.parse(), Ok(TimeLimit(seconds)), "{text}");
        }
        for wrong in ["", "m", "0", "1:2:3:4", "-1", "1-", "1h30", "1.5h", "9999999h", "UNLIMITED"]
        {
            assert!(wrong.parse::<TimeLimit>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_limit_is_written_as_slurm_reads_it() {
        assert_eq!(TimeLimit(93_784).slurm(), "1-02:03:04");
        assert_eq!(TimeLimit(93_784).slurm().parse(), Ok(TimeLimit(93_784)));
        assert_eq!((TimeLimit(3599).minutes(), TimeLimit(30).minutes()), (59, 1));
    }
}
