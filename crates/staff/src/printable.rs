//! Texts that staff write and others read, in mails, logs and terminals: every character must be visible.

/// Longest name of a tenant, in characters.
pub const MAX_NAME: usize = 200;
/// Longest contact, in characters: a link may be long.
pub const MAX_CONTACT: usize = 500;

/// Whether a character is visible: no control character, no line or paragraph separator, nothing invisible, nothing that changes the
/// direction of the text, no unassigned code point. These are the characters that `Debug` escapes.
pub fn is_printable(character: char) -> bool {
    if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') {
        return false;
    }
    // `Debug` escapes a combining mark only at the beginning of a text.
    let shown = format!("a{character}");
    character.is_whitespace() || !shown.escape_debug().to_string().contains("\\u{")
}

/// The text on one line; an invisible character becomes a question mark.
pub fn on_one_line(text: &str) -> String {
    let shown = |c: char| if is_printable(c) { c } else { '?' };
    text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { shown(c) }).collect()
}

/// Checks one line of 1 to `most` visible characters; blanks around it are cut off.
///
/// # Errors
/// What is wrong with it, without a full stop.
pub fn line(what: &str, text: &str, most: usize) -> Result<String, String> {
    if let Some(hidden) = text.chars().find(|c| !is_printable(*c)) {
        return Err(format!(
            "{what} holds the character U+{:04X}, which does not show; leave it out",
            u32::from(hidden)
        ));
    }
    let text = text.trim();
    if text.is_empty() || text.chars().count() > most {
        return Err(format!("{what} is 1 to {most} characters on one line"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_writings_show() {
        for name in [
            "Acme",
            "Åse & Søn",
            "株式会社\u{3000}例",
            "e\u{301}",
            "שלום",
            "a\u{a0}b",
            "\u{2764}\u{fe0f}",
            "\\u{41}",
        ] {
            assert_eq!(line("A name", name, 20), Ok(name.to_owned()));
        }
        assert_eq!(line("A name", "  Acme ", 20), Ok("Acme".to_owned()));
    }

    #[test]
    fn attack_24_what_does_not_show_is_named() {
        let hidden = [
            '\0',
            '\t',
            '\n',
            '\r',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{9b}',
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{200e}',
            '\u{2028}',
            '\u{2029}',
            '\u{202e}',
            '\u{2066}',
            '\u{feff}',
            '\u{e0041}',
            '\u{e000}',
            '\u{ffff}',
        ];
        for character in hidden {
            let said = line("A name", &format!("a{character}b"), 20).unwrap_err();
            assert!(said.contains(&format!("U+{:04X}", u32::from(character))), "{said}");
            assert!(line("A name", &format!("{character}ab"), 20).is_err(), "at an end too: {said}");
            assert!(!on_one_line(&format!("a{character}b")).contains(character), "{said}");
        }
    }

    #[test]
    fn a_line_has_a_length() {
        assert!(line("A name", "  ", 20).is_err());
        assert!(line("A name", &"é".repeat(20), 20).is_ok());
        assert!(line("A name", &"é".repeat(21), 20).unwrap_err().contains("1 to 20"));
    }
}
