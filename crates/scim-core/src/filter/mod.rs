//! Filters (RFC 7644 §3.4.2.2) as a tree whose names are already resolved. [`parse`] reads the text, `matches` evaluates
//! the tree in memory; a store may compile it to SQL, with the same results.
//!
//! The semantics, once for all readers of the tree: a multi-valued path matches when any of its values does, with `ne`
//! too (RFC 7644 §3.4.2.2), so that `emails.value ne "x"` is `emails[value ne "x"]`; of a single value `ne` is exactly
//! `not eq`, and an absent value differs from every value; `x eq null` means that `x` is absent; an absent `primary` is
//! false (RFC 7643 §2.4); strings compare folded unless their attribute is `caseExact`.

pub(crate) mod cursor;
mod instant;
mod matches;
pub(crate) mod parse;
mod quantity;
mod reduce;
mod tree;

pub use instant::Instant;
pub use quantity::Quantity;
pub use reduce::Reduced;
pub use tree::{Filter, Literal, Op};

#[cfg(test)]
mod tests;
