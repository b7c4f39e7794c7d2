//! Whether a string is a `dateTime` (RFC 7643 §2.3.5: xsd:dateTime with a date and a time). It is stored as sent;
//! its instant is [`crate::filter`]'s concern.

/// `2008-01-23T04:56:22Z`, with any fraction of a second and with or without an offset.
pub(super) fn is_date_time(text: &str) -> bool {
    parts(text).is_some()
}

fn parts(text: &str) -> Option<()> {
    let (date, time) = text.split_once('T')?;
    is_date(date)?;
    let (clock, offset) = split_offset(time)?;
    is_clock(clock)?;
    offset.map_or(Some(()), is_offset)
}

fn is_date(text: &str) -> Option<()> {
    let mut fields = text.splitn(3, '-');
    let year: u32 = number(fields.next()?, 4)?;
    let month = number(fields.next()?, 2)?;
    let day = number(fields.next()?, 2)?;
    (1..=days_in(year, month)?).contains(&day).then_some(())
}

fn days_in(year: u32, month: u32) -> Option<u32> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

fn split_offset(time: &str) -> Option<(&str, Option<&str>)> {
    if let Some(clock) = time.strip_suffix('Z') {
        return Some((clock, None));
    }
    match time.find(['+', '-']) {
        Some(at) => Some((time.get(..at)?, time.get(at + 1..))),
        None => Some((time, None)),
    }
}

fn is_clock(text: &str) -> Option<()> {
    let (clock, fraction) = text.split_once('.').map_or((text, "0"), |(clock, fraction)| (clock, fraction));
    let mut fields = clock.splitn(3, ':');
    let hour = number(fields.next()?, 2)?;
    let minute = number(fields.next()?, 2)?;
    let second = number(fields.next()?, 2)?;
    let digits = !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit());
    (digits && hour < 24 && minute < 60 && second < 60).then_some(())
}

fn is_offset(text: &str) -> Option<()> {
    let (hours, minutes) = text.split_once(':')?;
    (number(hours, 2)? <= 14 && number(minutes, 2)? < 60).then_some(())
}

/// ASCII digits only, exactly so many.
fn number(text: &str, digits: usize) -> Option<u32> {
    let plain = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_time_has_a_real_date_a_real_time_and_perhaps_an_offset() {
        for text in [
            "2008-01-23T04:56:22Z",
            "2011-05-13T04:42:34.123456789Z",
            "2024-02-29T00:00:00+05:30",
            "2000-02-29T23:59:59-14:00",
            "2026-01-31T12:00:00",
        ] {
            assert!(is_date_time(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_time() {
        for text in [
            "",
            "2008-01-23",
            "04:56:22Z",
            "2008-01-23 04:56:22Z",
            "2008-01-23T04:56Z",
            "2008-1-23T04:56:22Z",
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2008-13-01T00:00:00Z",
            "2008-00-01T00:00:00Z",
            "2008-04-31T00:00:00Z",
            "2008-01-23T24:00:01Z",
            "2008-01-23T04:60:22Z",
            "2008-01-23T04:56:22.Z",
            "2008-01-23T04:56:22+5",
            "2008-01-23T04:56:22+15:00",
            "2008-01-23T04:56:22ZZ",
            "２008-01-23T04:56:22Z",
            "yesterday",
        ] {
            assert!(!is_date_time(text), "{text}");
        }
    }
}
