//! Bytes as choices: what a fuzzer changes in them changes what is made, and all that is made is well-formed enough to get
//! behind the first error. The first choice of every list is the one that ends, so that spent bytes end everything.

pub mod bulks;
pub mod filters;
pub mod patches;
pub mod resources;
pub mod schemas;

/// Bytes that are taken one by one; none left is zeros for ever.
#[derive(Debug)]
pub struct Choices<'b> {
    rest: std::slice::Iter<'b, u8>,
}

impl<'b> Choices<'b> {
    /// All of these bytes.
    #[must_use]
    pub fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes.iter() }
    }

    fn byte(&mut self) -> u8 {
        self.rest.next().copied().unwrap_or(0)
    }

    /// Whether there is another one; seldom not while bytes are left.
    pub fn more(&mut self) -> bool {
        !self.byte().is_multiple_of(8)
    }

    /// Seldom; never when the bytes are spent.
    pub fn one_in(&mut self, n: u8) -> bool {
        self.byte() % n == 1
    }

    /// Below `n`, of at most 256.
    pub fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n
    }

    /// One of these.
    pub fn one_of<'t, T>(&mut self, these: &'t [T]) -> &'t T {
        &these[self.below(these.len())]
    }

    /// Up to `most` of what `make` makes.
    pub fn some<T>(&mut self, most: usize, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut made = Vec::new();
        while made.len() < most && self.more() {
            made.push(make(self));
        }
        made
    }

    /// A text: mostly one of few, so that two of them are often equal or alike.
    pub fn text(&mut self) -> String {
        const WORDS: &[&str] = &[
            "",
            "a",
            "A",
            "work",
            "home",
            "WORK",
            "ada@example.com",
            "ADA@example.com",
            "true",
            "False",
            " ",
            "x\ty",
            "%_",
            "a\"b\\c",
            "e\u{301}",
            "\u{e9}",
            "\u{df}",
            "ss",
            "\u{131}",
            "I",
            "\u{130}",
            "\u{ff21}",
            "\u{212a}",
            "k",
            "a\u{200b}",
            "\u{202e}a",
            "\u{3a3}",
            "\u{3c2}",
            "\u{1f600}",
            "\r\n",
            "[type eq \"work\"]",
            "a.b",
            "urn:x:y",
            "{\"value\":\"25\",\"displayName\":\"R\"}",
            "{",
            "null",
            "12",
            "1.5",
            "2026-01-31T08:00:00Z",
            "2026-01-31T08:00:00.5+02:00",
            "aGVsbG8=",
            "\u{feff}",
            "\u{0}",
        ];
        if !self.one_in(6) {
            return (*self.one_of(WORDS)).to_owned();
        }
        let pieces = self.some(4, |choices| match choices.below(3) {
            0 => (*choices.one_of(WORDS)).to_owned(),
            1 => char::from(choices.byte()).to_string(),
            _ => {
                let number = u32::from(choices.byte()) * 257 + u32::from(choices.byte());
                char::from_u32(number).unwrap_or('\u{fffd}').to_string()
            }
        });
        pieces.concat()
    }

    /// The word, in other letter case now and then.
    pub fn respelled(&mut self, word: &str) -> String {
        match self.below(8) {
            1 => word.to_ascii_uppercase(),
            2 => word.to_ascii_lowercase(),
            _ => word.to_owned(),
        }
    }
}
