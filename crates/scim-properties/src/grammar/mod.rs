//! Grammars that take bytes as choices: a fuzzer that changes the bytes changes what is made, and most of it gets past the first
//! check of a parser. The first choice of every list is the one that ends, so that spent bytes end everything.

pub mod bulks;
pub mod filters;
pub mod patches;
pub mod resources;
pub mod schemas;

use std::sync::LazyLock;

use arbitrary::Unstructured;

use crate::seeds;

/// Choices made from bytes; with no bytes left, each choice is the first one.
#[derive(Debug)]
pub struct Choices<'b>(Unstructured<'b>);

impl<'b> Choices<'b> {
    /// All of these bytes.
    #[must_use]
    pub fn new(bytes: &'b [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    /// Whether there is another one: mostly, while bytes are left.
    pub fn more(&mut self) -> bool {
        !self.0.is_empty() && !self.one_in(8)
    }

    /// True once in `n` times, and never when the bytes are spent.
    pub fn one_in(&mut self, n: u8) -> bool {
        !self.0.ratio(n - 1, n).unwrap()
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0.choose_index(n).unwrap()
    }

    /// One of these.
    pub fn one_of<'t, T>(&mut self, these: &'t [T]) -> &'t T {
        self.0.choose(these).unwrap()
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
        static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| seeds::listed("words"));
        if !self.one_in(6) {
            return self.one_of(&WORDS).clone();
        }
        let pieces = self.some(4, |choices| match choices.below(3) {
            0 => choices.one_of(&WORDS).clone(),
            1 => char::from(choices.0.arbitrary::<u8>().unwrap()).to_string(),
            _ => choices.0.arbitrary::<char>().unwrap().to_string(),
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
