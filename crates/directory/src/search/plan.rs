//! How far SQL can decide a filter. A predicate that is not exact still narrows: every match fulfils it.

use diesel::{BoolExpressionMethods, BoxableExpression, dsl::not, sql_types::Bool};
use scim_core::filter::{Filter, Literal, Op};
use store::StoreBackend;

/// A condition on rows of the table `T`.
pub(crate) type Condition<T> = Box<dyn BoxableExpression<T, StoreBackend, SqlType = Bool>>;

/// The part of a filter that SQL decides.
pub struct Plan<P> {
    /// `None`: every row is a candidate.
    pub predicate: Option<P>,
    /// Whether the predicate is the whole filter.
    pub exact: bool,
    /// Whether the predicate compares a unique column.
    pub at_most_one: bool,
    /// Whether an index leads to the rows of the predicate, which are few as a rule.
    pub by_index: bool,
}

impl<P> Plan<P> {
    /// SQL cannot help.
    pub(crate) fn none() -> Self {
        Self { predicate: None, exact: false, at_most_one: false, by_index: false }
    }

    pub(crate) fn exactly(predicate: P) -> Self {
        Self { predicate: Some(predicate), exact: true, at_most_one: false, by_index: false }
    }

    pub(crate) fn by_index(predicate: P) -> Self {
        Self { by_index: true, ..Self::exactly(predicate) }
    }

    pub(crate) fn one(predicate: P) -> Self {
        Self { at_most_one: true, ..Self::by_index(predicate) }
    }
}

/// The `value` and `type` that a value path compares by `eq`, such as `emails[type eq "work" and value eq "a@b"]`, which
/// `emails[type eq "work"].value eq "a@b"` is parsed to as well.
pub(crate) struct Element<'a> {
    pub(crate) value: Option<&'a str>,
    pub(crate) kind: Option<&'a str>,
    /// Whether these are all its terms.
    pub(crate) is_all: bool,
}

impl<'a> Element<'a> {
    pub(crate) fn of(filter: &'a Filter) -> Self {
        let terms = match filter {
            Filter::And(terms) => terms.as_slice(),
            term => std::slice::from_ref(term),
        };
        let text = |name: &str| {
            terms.iter().find_map(|term| match term {
                Filter::Compare { path, op: Op::Eq, value: Literal::String(text) }
                    if path.is_name(name, None) =>
                {
                    Some(text.as_str())
                }
                _ => None,
            })
        };
        let (value, kind) = (text("value"), text("type"));
        let found = usize::from(value.is_some()) + usize::from(kind.is_some());
        Self { value, kind, is_all: terms.len() == found }
    }
}

/// Plans a whole filter from plans of its leaves.
pub(crate) fn combine<T: 'static>(
    filter: &Filter,
    leaf: &dyn Fn(&Filter) -> Plan<Condition<T>>,
) -> Plan<Condition<T>> {
    match filter {
        Filter::And(terms) => terms.iter().map(|t| combine(t, leaf)).reduce(both).unwrap_or_else(Plan::none),
        Filter::Or(terms) => terms.iter().map(|t| combine(t, leaf)).reduce(either).unwrap_or_else(Plan::none),
        Filter::Not(term) => negation(combine(term, leaf)),
        _ => leaf(filter),
    }
}

/// A condition beside one of our own.
pub(crate) fn within<T: 'static>(
    own: impl BoxableExpression<T, StoreBackend, SqlType = Bool> + 'static,
    predicate: Option<Condition<T>>,
) -> Condition<T> {
    let own: Condition<T> = Box::new(own);
    match predicate {
        Some(predicate) => Box::new(own.and(predicate)),
        None => own,
    }
}

/// One planned side is enough to narrow a conjunction.
fn both<T: 'static>(a: Plan<Condition<T>>, b: Plan<Condition<T>>) -> Plan<Condition<T>> {
    let exact = a.exact && b.exact;
    let at_most_one = a.at_most_one || b.at_most_one;
    let by_index = a.by_index || b.by_index;
    let predicate = match (a.predicate, b.predicate) {
        (Some(a), Some(b)) => {
            let both: Condition<T> = Box::new(a.and(b));
            Some(both)
        }
        (one, other) => one.or(other),
    };
    Plan { predicate, exact, at_most_one, by_index }
}

/// A disjunction narrows only when both sides do.
fn either<T: 'static>(a: Plan<Condition<T>>, b: Plan<Condition<T>>) -> Plan<Condition<T>> {
    let (exact, by_index) = (a.exact && b.exact, a.by_index && b.by_index);
    match (a.predicate, b.predicate) {
        (Some(a), Some(b)) => {
            Plan { predicate: Some(Box::new(a.or(b))), exact, at_most_one: false, by_index }
        }
        _ => Plan::none(),
    }
}

/// The opposite of a superset narrows nothing; no predicate here is ever NULL, so the opposite of an exact one is exact.
fn negation<T: 'static>(plan: Plan<Condition<T>>) -> Plan<Condition<T>> {
    match plan {
        Plan { predicate: Some(predicate), exact: true, .. } => Plan::exactly(Box::new(not(predicate))),
        _ => Plan::none(),
    }
}
