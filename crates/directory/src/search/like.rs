//! `LIKE` patterns in which the caller's text means itself.

use scim_core::filter::Op;

/// The character that takes the meaning from `%` and `_`.
pub(crate) const ESCAPE: char = '\\';

/// Longest pattern in bytes; SQLite takes 50,000 and fails above. Folding can make a short text long.
const MAX_BYTES: usize = 40_000;

/// The pattern of an operator that looks into a text; `None` for all others, and for a text too long for SQL.
pub(crate) fn pattern(op: Op, text: &str) -> Option<String> {
    let text = literal(text);
    let pattern = match op {
        Op::Co => format!("%{text}%"),
        Op::Sw => format!("{text}%"),
        Op::Ew => format!("%{text}"),
        Op::Eq | Op::Ne | Op::Gt | Op::Ge | Op::Lt | Op::Le => return None,
    };
    (pattern.len() <= MAX_BYTES).then_some(pattern)
}

fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        if matches!(c, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(c);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_32_wildcards_are_literal() {
        assert_eq!(pattern(Op::Co, r"100%-x_y\").as_deref(), Some(r"%100\%-x\_y\\%"));
        assert_eq!(pattern(Op::Sw, "%").as_deref(), Some(r"\%%"));
        assert_eq!(pattern(Op::Ew, "_").as_deref(), Some(r"%\_"));
    }

    #[test]
    fn a_pattern_that_sqlite_would_refuse_is_left_to_memory() {
        assert!(pattern(Op::Sw, &"x".repeat(MAX_BYTES - 1)).is_some());
        assert_eq!(pattern(Op::Sw, &"x".repeat(MAX_BYTES)), None);
        assert_eq!(pattern(Op::Gt, "x"), None);
    }
}
