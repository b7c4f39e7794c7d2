//! Times as SCIM writes them (RFC 7643 §2.3.5): UTC, to the millisecond, always of the same length.

use time::OffsetDateTime;

/// Milliseconds since 1970 UTC as `2026-11-22T00:23:00.123Z`.
#[must_use]
pub fn iso(ms: i64) -> String {
    let mut text = String::with_capacity(24);
    push_iso(&mut text, ms);
    text
}

/// Adds a time to a text.
pub(crate) fn push_iso(text: &mut String, ms: i64) {
    let (seconds, millis) = (ms.div_euclid(1000), ms.rem_euclid(1000));
    let t = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    push(text, t.year().unsigned_abs(), 4, '-');
    push(text, u8::from(t.month()), 2, '-');
    push(text, t.day(), 2, 'T');
    push(text, t.hour(), 2, ':');
    push(text, t.minute(), 2, ':');
    push(text, t.second(), 2, '.');
    push(text, u32::try_from(millis).unwrap_or_default(), 3, 'Z');
}

/// A number with its leading zeros, and a character after it. By hand, because every response has three times in it and
/// formatting them was a tenth of a look-up.
fn push(text: &mut String, number: impl Into<u32>, digits: u32, after: char) {
    let number = number.into();
    for place in (0..digits).rev() {
        let digit = u8::try_from(number / 10_u32.pow(place) % 10).unwrap_or_default();
        text.push(char::from(b'0' + digit));
    }
    text.push(after);
}

#[cfg(test)]
mod tests {
    use super::iso;

    #[test]
    fn times_are_utc_and_of_one_length() {
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(1_795_307_003_007), "2026-11-22T00:23:23.007Z");
        assert_eq!(iso(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(iso(-1), "1969-12-31T23:59:59.999Z");
    }
}
