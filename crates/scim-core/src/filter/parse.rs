//! Reads the filter grammar of RFC 7644 §3.4.2.2 figure 1 by hand, one function for each rule. Length, depth and
//! terms are counted before they cost anything: in Rust a stack overflow ends the process.

use std::mem::discriminant;

use serde_json::Number;

use super::cursor::{Cursor, split_quoted};
use super::{Filter, Instant, Literal, Op};
use crate::ScimError;
use crate::attribute_name::{self, AttributeName, Field};
use crate::leniency::{Leniency, Tolerance};
use crate::schema::{Attribute, ResourceType, Type};

impl Filter {
    /// Longest filter that is read, in bytes.
    pub const MAX_BYTES: usize = 16_384;
    /// Deepest nesting of parentheses and brackets.
    pub const MAX_DEPTH: usize = 32;
    /// Most comparisons in one filter.
    pub const MAX_TERMS: usize = 200;

    /// Reads a filter over resources of this type.
    ///
    /// # Errors
    /// 400 `invalidFilter` that says where: a filter is understood as a whole or refused, never taken in part.
    pub fn parse(text: &str, rt: &ResourceType, tolerance: &mut Tolerance) -> Result<Self, ScimError> {
        Self::parse_among(text, rt, &[], tolerance)
    }

    /// Reads a filter over resources of several types for one of them: what only the others know has no value in it
    /// (RFC 7644 §3.4.2.1).
    ///
    /// # Errors
    /// As [`Filter::parse`]; also for a name that none of the types knows.
    pub fn parse_among(
        text: &str,
        rt: &ResourceType,
        others: &[&ResourceType],
        tolerance: &mut Tolerance,
    ) -> Result<Self, ScimError> {
        let mut parser =
            Parser::new(Cursor::new(text, text), Names::Of(rt, others), Limits::USUAL, tolerance)?;
        let filter = parser.disjunction()?;
        parser.input.blanks();
        if !parser.input.rest.is_empty() {
            return Err(parser.input.error("expected \"and\", \"or\" or the end"));
        }
        Ok(filter)
    }
}

/// How long a filter may be.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// With all around it.
    pub(crate) bytes: usize,
    /// Comparisons.
    pub(crate) terms: usize,
}

impl Limits {
    /// Of any filter.
    pub(crate) const USUAL: Self = Self { bytes: Filter::MAX_BYTES, terms: Filter::MAX_TERMS };
}

/// Reads `[filter]` over elements of the attribute at the cursor; what follows the bracket is returned with it.
pub(crate) fn bracketed<'a>(
    attribute: &'a Attribute,
    input: Cursor<'a>,
    limits: Limits,
    tolerance: &'a mut Tolerance,
) -> Result<(Filter, &'a str), ScimError> {
    let mut parser = Parser::new(input, Names::Elements(attribute), limits, tolerance)?;
    parser.input.expect('[')?;
    let filter = parser.nested(']')?;
    Ok((filter, parser.input.rest))
}

/// What a name in the filter may mean.
#[derive(Clone, Copy)]
enum Names<'a> {
    /// An attribute of a resource, or of one of the other types that are searched with it.
    Of(&'a ResourceType, &'a [&'a ResourceType]),
    /// A sub-attribute, between brackets.
    Elements(&'a Attribute),
}

impl Names<'_> {
    /// The error for an unknown name. An attribute that is never returned counts as unknown.
    fn unknown(self, name: &str) -> String {
        if name.is_empty() {
            return "expected the name of an attribute".into();
        }
        let shown: String = name.chars().take(100).collect();
        match self {
            Self::Of(rt, []) => {
                format!("{shown} is no attribute of a {} that can be filtered", rt.kind.name())
            }
            Self::Of(..) => format!("{shown} is no attribute of any resource here that can be filtered"),
            Self::Elements(attribute) => {
                format!("{shown} is no sub-attribute of {} that can be filtered", attribute.name)
            }
        }
    }
}

struct Parser<'a> {
    input: Cursor<'a>,
    names: Names<'a>,
    depth: usize,
    terms: usize,
    limits: Limits,
    tolerance: &'a mut Tolerance,
}

impl<'a> Parser<'a> {
    fn new(
        input: Cursor<'a>,
        names: Names<'a>,
        limits: Limits,
        tolerance: &'a mut Tolerance,
    ) -> Result<Self, ScimError> {
        if input.text.len() > limits.bytes {
            let limit = limits.bytes;
            return Err(ScimError::invalid_filter(format!(
                "The filter is longer than {limit} bytes; ask in several requests."
            )));
        }
        Ok(Self { input, names, depth: 0, terms: 0, limits, tolerance })
    }

    /// `FILTER = … / FILTER "or" FILTER`
    fn disjunction(&mut self) -> Result<Filter, ScimError> {
        let mut parts = vec![self.conjunction()?];
        while self.keyword("or")? {
            parts.push(self.conjunction()?);
        }
        Ok(any_of(parts))
    }

    /// `FILTER "and" FILTER` binds tighter than "or" (RFC 7644 §3.4.2.2).
    fn conjunction(&mut self) -> Result<Filter, ScimError> {
        let mut parts = vec![self.factor()?];
        while self.keyword("and")? {
            parts.push(self.factor()?);
        }
        Ok(all_of(parts))
    }

    /// `attrExp / valuePath / *1"not" "(" FILTER ")"`
    fn factor(&mut self) -> Result<Filter, ScimError> {
        self.input.blanks();
        if self.input.eat('(') {
            return self.nested(')');
        }
        let start = self.input.rest;
        let name = self.input.take_while(|c| c.is_ascii_alphanumeric() || "-_$:.".contains(c));
        if name.eq_ignore_ascii_case("not") {
            self.input.blanks();
            self.input.expect('(')?;
            return Ok(Filter::Not(Box::new(self.nested(')')?)));
        }
        if self.input.rest.starts_with('[') {
            return self.value_path(name, start);
        }
        let (path, definition) = self.attribute(name, start)?;
        self.expression(path, definition)
    }

    /// A filter up to the closing character; the only place that goes deeper.
    fn nested(&mut self, closing: char) -> Result<Filter, ScimError> {
        if self.depth >= Filter::MAX_DEPTH {
            return Err(self.input.error(&format!("nested deeper than {}", Filter::MAX_DEPTH)));
        }
        self.depth += 1;
        let filter = self.disjunction()?;
        self.depth -= 1;
        self.input.blanks();
        self.input.expect(closing)?;
        Ok(filter)
    }

    /// `valuePath = attrPath "[" valFilter "]"`, and Entra's `emails[type eq "work"].value eq "x"`.
    fn value_path(&mut self, name: &str, start: &'a str) -> Result<Filter, ScimError> {
        let (path, definition) = self.attribute(name, start)?;
        if path.sub.is_some() || !has_elements(definition) {
            return Err(self.input.error_at(start, "this attribute has no elements that [ ] could select"));
        }
        self.input.expect('[')?;
        let outer = std::mem::replace(&mut self.names, Names::Elements(definition));
        let inner = self.nested(']')?;
        let filter = if self.input.eat('.') {
            let input = self.input;
            let refusal = || input.error("name the sub-attribute between the brackets");
            self.tolerance.allow(Leniency::FilterDialect, &path.to_string(), refusal)?;
            let start = self.input.rest;
            let sub_name = self.input.take_while(|c| c.is_ascii_alphanumeric() || "-_$".contains(c));
            let (sub, sub_definition) = self.attribute(sub_name, start)?;
            element_has(path, inner, self.expression(sub, sub_definition)?)
        } else {
            Filter::ValuePath { path, filter: Box::new(inner) }
        };
        self.names = outer;
        Ok(filter)
    }

    /// What the name means here.
    fn attribute(&mut self, name: &str, start: &'a str) -> Result<(AttributeName, &'a Attribute), ScimError> {
        let found = match self.names {
            Names::Of(rt, others) => attribute_name::find_among(rt, others, name),
            Names::Elements(attribute) if attribute.kind != Type::Complex => name
                .eq_ignore_ascii_case("value")
                .then(|| (AttributeName::of_simple_element(attribute), attribute)),
            Names::Elements(attribute) => {
                attribute.sub_attribute(name).map(|sub| (AttributeName::of_element(attribute, sub), sub))
            }
        };
        let found = found.filter(|(path, _)| !path.is_never_returned());
        let found = found.ok_or_else(|| self.input.error_at(start, &self.names.unknown(name)))?;
        if let Names::Of(rt, _) = self.names
            && found.0.is_of(rt)
        {
            let (input, names) = (self.input, self.names);
            let refusal = || input.error_at(start, &names.unknown(name));
            attribute_name::allow_missing_urn(&found.0, name, self.tolerance, refusal)?;
        }
        Ok(found)
    }

    /// `attrExp = (attrPath SP "pr") / (attrPath SP compareOp SP compValue)`
    fn expression(&mut self, path: AttributeName, definition: &Attribute) -> Result<Filter, ScimError> {
        self.terms += 1;
        if self.terms > self.limits.terms {
            return Err(self.input.error(&format!("more than {} comparisons", self.limits.terms)));
        }
        self.input.blank("expected a space and an operator")?;
        let start = self.input.rest;
        let word = self.input.take_while(|c| c.is_ascii_alphabetic());
        if word.eq_ignore_ascii_case("pr") {
            self.input.boundary()?;
            return Ok(Filter::Present(path));
        }
        let op = word.parse::<Op>().map_err(|_| {
            self.input.error_at(start, "expected one of the operators eq, ne, co, sw, ew, gt, ge, lt, le, pr")
        })?;
        self.input.blank("expected a space and a value")?;
        let start = self.input.rest;
        let literal = self.literal()?;
        self.input.boundary()?;
        let path = self.comparable(path, definition, start)?;
        let value = self.typed(&path, op, literal, start)?;
        Ok(Filter::Compare { path, op, value })
    }

    /// A complex attribute compares its `value`: so does RFC 7644 §3.4.2.2, figure 2, with `emails co "example.com"`, of a
    /// multi-valued one; `manager eq "x"` is Entra's.
    fn comparable(
        &mut self,
        mut path: AttributeName,
        definition: &Attribute,
        start: &str,
    ) -> Result<AttributeName, ScimError> {
        if path.leaf().kind != Type::Complex {
            return Ok(path);
        }
        let input = self.input;
        let refusal = || input.error_at(start, "name the sub-attribute to compare");
        let value = definition.sub_attribute("value").ok_or_else(refusal)?;
        if !definition.multi_valued {
            self.tolerance.allow(Leniency::FilterDialect, &path.to_string(), refusal)?;
        }
        path.sub = Some(Field::part(definition, value));
        Ok(path)
    }

    /// The literal as the attribute's type wants it, if the operator fits that type.
    fn typed(
        &mut self,
        path: &AttributeName,
        op: Op,
        literal: Literal,
        start: &str,
    ) -> Result<Literal, ScimError> {
        let equality = matches!(op, Op::Eq | Op::Ne);
        match (path.leaf().kind, literal) {
            (_, Literal::Null) if equality => Ok(Literal::Null),
            (Type::Boolean, literal) if equality => self.boolean(path, literal, start),
            (Type::Boolean, _) => {
                Err(self.input.error_at(start, "true and false compare with eq and ne only"))
            }
            (Type::Integer | Type::Decimal, Literal::Number(number)) if !op.is_substring() => {
                Ok(Literal::Number(number))
            }
            (Type::Integer | Type::Decimal, _) => {
                Err(self.input.error_at(start, "this attribute compares with a number"))
            }
            (Type::Binary, Literal::String(_)) if op.is_ordering() => {
                Err(self.input.error_at(start, "this attribute has no order"))
            }
            (Type::DateTime, Literal::String(text)) if !op.is_substring() => {
                let input = self.input;
                let refusal = || input.error_at(start, "expected a time such as \"2011-05-13T04:42:34Z\"");
                Instant::parse(&text).ok_or_else(refusal)?;
                if Instant::has_small_letters(&text) {
                    self.tolerance.allow(Leniency::LowerCaseTime, &path.to_string(), refusal)?;
                }
                Ok(Literal::String(text))
            }
            (_, Literal::String(text)) => Ok(Literal::String(text)),
            _ => Err(self.input.error_at(start, "this attribute compares with a string in double quotes")),
        }
    }

    /// Entra compares booleans with the strings `"True"` and `"False"`.
    fn boolean(&mut self, path: &AttributeName, literal: Literal, start: &str) -> Result<Literal, ScimError> {
        let input = self.input;
        let refusal = || input.error_at(start, "this attribute compares with true or false");
        let spelled = match literal {
            Literal::Boolean(boolean) => return Ok(Literal::Boolean(boolean)),
            Literal::String(word) => word.to_ascii_lowercase().parse().map_err(|_| refusal())?,
            _ => return Err(refusal()),
        };
        self.tolerance.allow(Leniency::BooleanAsString, &path.to_string(), refusal)?;
        Ok(Literal::Boolean(spelled))
    }

    /// `compValue = false / null / true / number / string`, as JSON writes them.
    fn literal(&mut self) -> Result<Literal, ScimError> {
        let start = self.input.rest;
        if start.starts_with('"') {
            return self.string().map(Literal::String);
        }
        let word = self.input.take_while(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        match word {
            "true" => Ok(Literal::Boolean(true)),
            "false" => Ok(Literal::Boolean(false)),
            "null" => Ok(Literal::Null),
            _ => serde_json::from_str::<Number>(word).map(Literal::Number).map_err(|_| {
                self.input
                    .error_at(start, "expected a string in double quotes, a number, true, false or null")
            }),
        }
    }

    fn string(&mut self) -> Result<String, ScimError> {
        let start = self.input.rest;
        let Some((quoted, rest)) = split_quoted(start) else {
            return Err(self.input.error_at(start, "the string has no closing quote"));
        };
        self.input.rest = rest;
        // serde_json refuses lone surrogates and raw control characters; NUL is refused here (attacks 31, 42).
        match serde_json::from_str::<String>(quoted) {
            Ok(text) if !text.contains('\0') => Ok(text),
            _ => Err(self.input.error_at(start, "the string is not as JSON writes strings")),
        }
    }

    /// "and", "or", taken only as whole words; after a value a space has already been demanded.
    fn keyword(&mut self, word: &str) -> Result<bool, ScimError> {
        let before = self.input.rest;
        self.input.blanks();
        let found = self.input.take_while(|c| c.is_ascii_alphabetic());
        let ends = self.input.rest.is_empty() || self.input.rest.starts_with([' ', '(', ')', ']']);
        if !ends || !found.eq_ignore_ascii_case(word) {
            self.input.rest = before;
            return Ok(false);
        }
        self.input.blanks();
        if self.input.rest.is_empty() || self.input.rest.starts_with([')', ']']) {
            return Err(self.input.error(&format!("a comparison is missing after \"{word}\"")));
        }
        Ok(true)
    }
}

/// Whether brackets can select among what an attribute holds: parts of a complex value, or several simple ones, of which each
/// is its own `value`.
pub(crate) fn has_elements(attribute: &Attribute) -> bool {
    attribute.kind == Type::Complex || attribute.multi_valued
}

/// One part as itself, several with their own kind dissolved: `a and (b and c)` is one list.
pub(super) fn all_of(parts: Vec<Filter>) -> Filter {
    flattened(parts, Filter::And)
}

pub(super) fn any_of(parts: Vec<Filter>) -> Filter {
    flattened(parts, Filter::Or)
}

fn flattened(mut parts: Vec<Filter>, list: impl Fn(Vec<Filter>) -> Filter) -> Filter {
    if parts.len() == 1
        && let Some(only) = parts.pop()
    {
        return only;
    }
    let kind = discriminant(&list(Vec::new()));
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        let is_same = discriminant(&part) == kind;
        match part {
            Filter::And(inner) | Filter::Or(inner) if is_same => flat.extend(inner),
            other => flat.push(other),
        }
    }
    list(flat)
}

/// `path[inner].sub …`: one element must pass both. The negative forms negate the whole, so that `ne` stays the
/// exact opposite of `eq`, and `eq null` that of `pr`.
fn element_has(path: AttributeName, inner: Filter, test: Filter) -> Filter {
    let (test, negative) = match test {
        Filter::Compare { path, op: Op::Eq, value: Literal::Null } => (Filter::Present(path), true),
        Filter::Compare { path, op: Op::Ne, value: Literal::Null } => (Filter::Present(path), false),
        positive => (positive, false),
    };
    let filter = Filter::ValuePath { path, filter: Box::new(all_of(vec![inner, test])) };
    if negative { Filter::Not(Box::new(filter)) } else { filter }
}
