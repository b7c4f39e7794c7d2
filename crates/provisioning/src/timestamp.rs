//! Times as SCIM writes them (RFC 7643 §2.3.5): UTC, to the millisecond, always of the same length.

use std::fmt::Write as _;

use time::OffsetDateTime;

/// Milliseconds since 1970 UTC as `2026-11-22T00:23:00.123Z`.
#[must_use]
pub fn iso(ms: i64) -> String {
    let nanos = i128::from(ms) * 1_000_000;
    let t = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let mut text = String::with_capacity(24);
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        t.year(),
        u8::from(t.month()),
        t.day(),
        t.hour(),
        t.minute(),
        t.second(),
        t.millisecond()
    );
    text
}

#[cfg(test)]
mod tests {
    use super::iso;

    #[test]
    fn times_are_utc_and_of_one_length() {
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(1_795_307_003_007), "2026-11-22T00:23:23.007Z");
        assert_eq!(iso(951_782_400_000), "2000-02-29T00:00:00.000Z");
    }
}
