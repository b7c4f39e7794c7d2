//! The tree of a filter, and its text.

use std::fmt;

use serde_json::{Number, Value};
use strum::{Display, EnumString};

use crate::attribute_name::AttributeName;

/// One filter. `And` and `Or` hold at least two parts and never their own kind directly.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Every part matches.
    And(Vec<Filter>),
    /// At least one part matches.
    Or(Vec<Filter>),
    /// The part does not match.
    Not(Box<Filter>),
    /// `path op value`.
    Compare {
        /// The compared attribute; never a complex one: of those the `value` is compared.
        path: AttributeName,
        /// The operator.
        op: Op,
        /// The value of the comparison, of the attribute's type.
        value: Literal,
    },
    /// `path pr`: there is a value that is not empty.
    Present(AttributeName),
    /// `path[filter]`: one element matches the whole inner filter.
    ValuePath {
        /// A complex attribute.
        path: AttributeName,
        /// Over one element: its paths are sub-attributes.
        filter: Box<Filter>,
    },
}

/// The comparison operators of RFC 7644 §3.4.2.2, table 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString)]
#[cfg_attr(test, derive(strum::VariantArray))]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
#[allow(missing_docs, reason = "the RFC's own words")]
pub enum Op {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
}

impl Op {
    /// Whether the operator asks for an order.
    #[must_use]
    pub fn is_ordering(self) -> bool {
        matches!(self, Self::Gt | Self::Ge | Self::Lt | Self::Le)
    }

    /// Whether the operator looks into a text.
    #[must_use]
    pub fn is_substring(self) -> bool {
        matches!(self, Self::Co | Self::Sw | Self::Ew)
    }
}

/// `compValue` of RFC 7644 figure 1.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "JSON's own words")]
pub enum Literal {
    String(String),
    Number(Number),
    Boolean(bool),
    Null,
}

impl Filter {
    /// Whether it asks for this core or common attribute, or for a part of it.
    #[must_use]
    pub fn asks_for(&self, attribute: &str) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(|part| part.asks_for(attribute)),
            Self::Not(part) => part.asks_for(attribute),
            Self::Compare { path, .. } | Self::Present(path) | Self::ValuePath { path, .. } => {
                path.is_part_of(attribute)
            }
        }
    }

    /// The ids that `value eq "…" or value eq "…"` asks for, if it asks for nothing else.
    #[must_use]
    pub fn values(&self) -> Option<Vec<&str>> {
        match self {
            Self::Compare { path, op: Op::Eq, value: Literal::String(id) } if path.is_name("value", None) => {
                Some(vec![id])
            }
            Self::Or(parts) => {
                let lists: Option<Vec<Vec<&str>>> = parts.iter().map(Self::values).collect();
                lists.map(|lists| lists.concat())
            }
            _ => None,
        }
    }

    /// How many comparisons one evaluation may cost.
    #[must_use]
    pub fn terms(&self) -> usize {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::terms).sum(),
            Self::Not(part) => part.terms(),
            Self::ValuePath { filter, .. } => filter.terms(),
            Self::Compare { .. } | Self::Present(_) => 1,
        }
    }
}

/// The text of the filter: parsing it gives the same tree.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => join(f, parts, " and ", |part| matches!(part, Self::Or(_))),
            Self::Or(parts) => join(f, parts, " or ", |_| false),
            Self::Not(part) => write!(f, "not ({part})"),
            Self::Compare { path, op, value } => write!(f, "{path} {op} {value}"),
            Self::Present(path) => write!(f, "{path} pr"),
            Self::ValuePath { path, filter } => write!(f, "{path}[{filter}]"),
        }
    }
}

fn join(
    f: &mut fmt::Formatter<'_>,
    parts: &[Filter],
    word: &str,
    grouped: impl Fn(&Filter) -> bool,
) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        if grouped(part) {
            write!(f, "({part})")?;
        } else {
            write!(f, "{part}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => write!(f, "{}", Value::from(text.as_str())),
            Self::Number(number) => write!(f, "{number}"),
            Self::Boolean(boolean) => write!(f, "{boolean}"),
            Self::Null => f.write_str("null"),
        }
    }
}
