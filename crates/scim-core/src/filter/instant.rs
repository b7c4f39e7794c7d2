//! A point in time, read from `dateTime` text (RFC 7643 §2.3.5, xsd:dateTime), so that `2011-05-13T04:42:34+02:00`
//! and `2011-05-13T02:42:34Z` compare equal.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::{Date, Month};

/// 1970-01-01, counted in the days of [`Date::to_julian_day`].
const JULIAN_DAY_OF_1970: i32 = 2_440_588;

/// Seconds and nanoseconds since 1970 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Instant {
    seconds: i64,
    nanos: u32,
}

impl Instant {
    /// Reads `YYYY-MM-DDThh:mm:ss`, with or without a fraction and a zone; without a zone it is UTC.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = Rest(text);
        let (year, month, day) = (rest.number(4)?, rest.after('-')?.number(2)?, rest.after('-')?.number(2)?);
        rest.0 = rest.0.strip_prefix(['T', 't'])?;
        let (hour, minute, second) =
            (rest.number(2)?, rest.after(':')?.number(2)?, rest.after(':')?.number(2)?);
        let nanos = rest.fraction()?;
        let offset = rest.zone()?;
        let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
        let date =
            Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
        let days = i64::from(date.to_julian_day() - JULIAN_DAY_OF_1970);
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset;
        // A leap second is the first of the next minute, 24:00:00 of the next day.
        let is_day_end = (hour, minute, second, nanos) == (24, 0, 0, 0);
        (is_day_end || hour <= 23 && minute <= 59 && second <= 60).then_some(Self { seconds, nanos })
    }

    /// Whether the text of an instant has `t` or `z`, which xsd:dateTime does not know.
    #[must_use]
    pub fn has_small_letters(text: &str) -> bool {
        text.contains(['t', 'z'])
    }

    /// So many milliseconds after 1970 in UTC, or before.
    #[must_use]
    pub fn from_millis(ms: i64) -> Self {
        let nanos = u32::try_from(ms.rem_euclid(1000)).unwrap_or_default() * 1_000_000;
        Self { seconds: ms.div_euclid(1000), nanos }
    }

    /// Milliseconds since 1970 in UTC; `None` when the instant is finer than that.
    #[must_use]
    pub fn as_whole_millis(self) -> Option<i64> {
        self.as_millis().filter(|_| self.nanos.is_multiple_of(1_000_000))
    }

    /// Milliseconds since 1970 in UTC; of a finer instant those before it.
    #[must_use]
    pub fn as_millis(self) -> Option<i64> {
        self.seconds.checked_mul(1000)?.checked_add(i64::from(self.nanos / 1_000_000))
    }
}

/// Seconds since 1970 with nine decimals: equal instants have equal texts.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.seconds, self.nanos)
    }
}

/// The unread rest.
struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn after(&mut self, separator: char) -> Option<&mut Self> {
        self.0 = self.0.strip_prefix(separator)?;
        Some(self)
    }

    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        if number.bytes().all(|b| b.is_ascii_digit()) { number.parse().ok() } else { None }
    }

    /// Nanoseconds; further digits are cut.
    fn fraction(&mut self) -> Option<u32> {
        let Some(rest) = self.0.strip_prefix('.') else {
            return Some(0);
        };
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, rest) = rest.split_at(end);
        self.0 = rest;
        let nine: String = digits.chars().chain(std::iter::repeat('0')).take(9).collect();
        if digits.is_empty() { None } else { nine.parse().ok() }
    }

    /// Seconds east of UTC.
    fn zone(&mut self) -> Option<i64> {
        let sign = match self.0 {
            "" | "Z" | "z" => return Some(0),
            text if text.starts_with('+') => 1,
            text if text.starts_with('-') => -1,
            _ => return None,
        };
        self.0 = self.0.get(1..)?;
        let (hours, minutes) = (self.number(2)?, self.after(':')?.number(2)?);
        (self.0.is_empty() && hours <= 14 && minutes <= 59).then_some(sign * (hours * 3_600 + minutes * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_and_fractions_are_one_line_of_time() {
        let at = |text| Instant::parse(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(at("1970-01-01T00:00:00Z"), Instant { seconds: 0, nanos: 0 });
        assert_eq!(at("2011-05-13T04:42:34Z").seconds, 1_305_261_754);
        assert_eq!(at("2011-05-13T04:42:34+02:00"), at("2011-05-13T02:42:34z"));
        assert_eq!(at("2024-02-29T23:59:59.5"), at("2024-02-29T23:59:59.500000000999Z"));
        assert_eq!(at("2011-12-31T24:00:00Z"), at("2012-01-01T00:00:00.000Z"));
        assert!(at("2011-05-13T04:42:34.001Z") > at("2011-05-13T04:42:34Z"));
        assert!(at("0001-01-01T00:00:00Z") < at("9999-12-31T23:59:59Z"));
        assert_eq!(Instant::from_millis(-1), at("1969-12-31T23:59:59.999Z"));
        for ms in [i64::MIN, -1500, -1, 0, 1, 999, 1_305_261_754_001, i64::MAX] {
            let whole = Instant::from_millis(ms).as_whole_millis();
            assert!(whole == Some(ms) || ms == i64::MIN, "{ms}: {whole:?}");
        }
    }

    #[test]
    fn what_is_no_date_time_is_none() {
        for text in [
            "",
            "2011",
            "2011-05-13",
            "yesterday",
            "04:56:22Z",
            "2008-01-23T04:56Z",
            "2008-1-23T04:56:22Z",
            "1900-02-29T00:00:00Z",
            "2008-00-01T00:00:00Z",
            "2008-04-31T00:00:00Z",
            "2008-01-23T04:60:22Z",
            "2008-01-23T04:56:22+15:00",
            "2011-13-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2011-05-13T24:00:01Z",
            "2011-05-13T24:00:00.1Z",
            "2011-05-13T25:00:00Z",
            "2011-05-13T04:42:34.Z",
            "2011-05-13T04:42:34Zx",
            "2011-05-13T04:42:34+2",
            "2011-05-13 04:42:34Z",
            "+011-05-13T04:42:34Z",
            "\u{661}970-01-01T00:00:00Z",
        ] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }
}
