//! `LIKE` patterns in which the caller's text means itself.

/// The character that takes the meaning from `%` and `_`.
pub(super) const ESCAPE: char = '\\';

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

pub(super) fn contains(text: &str) -> String {
    format!("%{}%", literal(text))
}

pub(super) fn starts_with(text: &str) -> String {
    format!("{}%", literal(text))
}

pub(super) fn ends_with(text: &str) -> String {
    format!("%{}", literal(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_32_wildcards_are_literal() {
        assert_eq!(contains(r"100%-x_y\"), r"%100\%-x\_y\\%");
        assert_eq!(starts_with("%"), r"\%%");
        assert_eq!(ends_with("_"), r"%\_");
    }
}
