//! The two times of `meta` in a filter: a comparison becomes a span of milliseconds.

use scim_core::filter::{Instant, Op};

use super::plan::Plan;

/// Plans a comparison of a time with the predicate that `between` makes of a span.
pub(crate) fn compare<P>(op: Op, text: &str, between: impl FnOnce(i64, i64) -> P) -> Plan<P> {
    match range(op, text) {
        Some((from, to)) => Plan::exactly(between(from, to)),
        None => Plan::none(),
    }
}

/// First and last millisecond that fulfil a comparison; `None` when SQL's milliseconds cannot say it.
fn range(op: Op, text: &str) -> Option<(i64, i64)> {
    let ms = Instant::parse(text)?.as_whole_millis()?;
    match op {
        Op::Eq => Some((ms, ms)),
        Op::Gt => Some((ms + 1, i64::MAX)),
        Op::Ge => Some((ms, i64::MAX)),
        Op::Lt => Some((i64::MIN, ms - 1)),
        Op::Le => Some((i64::MIN, ms)),
        Op::Ne | Op::Co | Op::Sw | Op::Ew => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sailpoint_asks_for_what_changed_since_a_time() {
        assert_eq!(range(Op::Gt, "1970-01-01T00:00:01Z"), Some((1001, i64::MAX)));
        assert_eq!(range(Op::Le, "1970-01-01T01:00:01.5+01:00"), Some((i64::MIN, 1500)));
    }

    #[test]
    fn what_is_finer_than_a_millisecond_is_left_to_memory() {
        assert_eq!(range(Op::Gt, "1970-01-01T00:00:01.0005Z"), None);
    }
}
