//! Days in UTC, `2026-12-01`: what is dated begins and ends at 00:00.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::{Date, Month};

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// A day in UTC, from 1970 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(i64);

/// 9999-12-31.
const LAST: i64 = 2_932_896;

impl Day {
    /// The day that begins so many days after 1970-01-01.
    #[must_use]
    pub fn since_1970(days: i64) -> Option<Self> {
        (0..=LAST).contains(&days).then_some(Self(days))
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub fn number(self) -> i64 {
        self.0
    }

    /// The day of this moment.
    #[must_use]
    pub fn of_ms(ms: i64) -> Self {
        Self(ms.div_euclid(DAY_MS).clamp(0, LAST))
    }

    /// Its beginning, in milliseconds since 1970 UTC.
    #[must_use]
    pub fn start_ms(self) -> i64 {
        self.0 * DAY_MS
    }
}

fn epoch() -> i64 {
    Date::from_calendar_date(1970, Month::January, 1).map_or(0, |date| i64::from(date.to_julian_day()))
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no day; write one as 2026-12-01");
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts.as_slice() else { return Err(wrong()) };
        let digits = |part: &str, many| part.len() == many && part.bytes().all(|b| b.is_ascii_digit());
        if !(digits(year, 4) && digits(month, 2) && digits(day, 2)) {
            return Err(wrong());
        }
        let month =
            month.parse::<u8>().ok().and_then(|month| Month::try_from(month).ok()).ok_or_else(wrong)?;
        let year = year.parse().map_err(|_| wrong())?;
        let day = day.parse().map_err(|_| wrong())?;
        let date = Date::from_calendar_date(year, month, day).map_err(|_| wrong())?;
        Self::since_1970(i64::from(date.to_julian_day()) - epoch()).ok_or_else(wrong)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let julian = i32::try_from(self.0 + epoch()).unwrap_or_default();
        let date = Date::from_julian_day(julian).map_err(|_| fmt::Error)?;
        write!(f, "{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_and_written_as_iso_8601_has_them() {
        for (text, number) in
            [("1970-01-01", 0), ("2000-02-29", 11_016), ("2026-12-01", 20_788), ("9999-12-31", LAST)]
        {
            assert_eq!(text.parse::<Day>().unwrap(), Day(number));
            assert_eq!(Day(number).to_string(), text);
            assert_eq!(Day::of_ms(Day(number).start_ms() + DAY_MS - 1), Day(number));
        }
        for text in [
            "",
            "2026-2-1",
            "2026-02-30",
            "2026-13-01",
            "1969-12-31",
            "+026-01-01",
            "2026-12-01T00",
            "20261201",
        ] {
            assert_eq!(text.parse::<Day>(), Err(format!("`{text}` is no day; write one as 2026-12-01")));
        }
    }
}
