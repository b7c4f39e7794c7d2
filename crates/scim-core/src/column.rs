//! A column of a table of resources, such as a list of people that an identity provider exports: the attribute that its header names
//! by a path, and what a cell says of it.

use serde_json::{Map, Number, Value, json};

use crate::attribute_name::AttributeName;
use crate::filter::Filter;
use crate::fold::user_name_key;
use crate::leniency::Tolerance;
use crate::patch::made_from;
use crate::path::Path;
use crate::schema::{Mutability, ResourceType, Type};
use crate::{Document, Field, ScimError};

/// One column.
#[derive(Clone, Debug)]
pub struct Column {
    /// The header.
    text: String,
    path: Path,
    /// What a cell is.
    leaf: Field,
}

impl Column {
    /// The column of this header: a path to one value that clients may write.
    ///
    /// # Errors
    /// 400 `invalidPath` or `invalidFilter`, which names the header.
    pub fn parse(rt: &ResourceType, header: &str, tolerance: &mut Tolerance) -> Result<Self, ScimError> {
        let text = header.trim();
        let path = Path::parse(rt, text, tolerance)?;
        let unfit = |why: &str| Err(ScimError::invalid_path(format!("The column {text} {why}.")));
        let Some(name) = path.attribute() else {
            return unfit("is a whole extension; name one of its attributes");
        };
        let leaf = path.sub().unwrap_or_else(|| name.leaf()).clone();
        let selects = matches!(path, Path::Elements { .. });
        if name.attribute.multi_valued && !selects {
            return unfit("has several values; select one, as in emails[type eq \"work\"].value");
        }
        if leaf.kind == Type::Complex {
            return unfit("has parts; name one of them, as in name.givenName");
        }
        if let Path::Elements { filter, .. } = &path
            && (made_from(filter).is_none() || path.sub().is_none())
        {
            return unfit("selects otherwise than by one eq on type or primary");
        }
        if name.attribute.mutability == Mutability::ReadOnly || leaf.mutability == Mutability::ReadOnly {
            return unfit("is read-only");
        }
        if name.is_never_returned() {
            return unfit("is never stored");
        }
        Ok(Self { text: text.to_owned(), path, leaf })
    }

    /// The header.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is of the same values as another.
    #[must_use]
    pub fn is_of_the_same(&self, other: &Self) -> bool {
        self.path == other.path
    }

    /// Whether it is this core attribute.
    #[must_use]
    pub fn is_name(&self, name: &str) -> bool {
        matches!(&self.path, Path::Attribute(of) if of.is_name(name, None))
    }

    /// The full name of the attribute that it is a part of, an extension's with its URN.
    #[must_use]
    pub fn attribute(&self) -> Option<String> {
        self.path.attribute().map(|of| AttributeName { sub: None, ..of.clone() }.to_string())
    }

    /// The URN of the extension that it is a part of; `None` for a core attribute.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        self.path.attribute()?.urn.as_deref()
    }

    /// What a cell says; `None`, when it is empty: the attribute is absent.
    ///
    /// # Errors
    /// 400 `invalidValue` for a text that is none of the attribute's type.
    pub fn read(&self, cell: &str) -> Result<Option<Value>, ScimError> {
        if cell.is_empty() {
            return Ok(None);
        }
        let must_be = |form: &str| ScimError::invalid_value(format!("{} must be {form}.", self.text));
        Ok(Some(match self.leaf.kind {
            Type::Boolean if cell.eq_ignore_ascii_case("true") => Value::Bool(true),
            Type::Boolean if cell.eq_ignore_ascii_case("false") => Value::Bool(false),
            Type::Boolean => return Err(must_be("true or false")),
            Type::Integer => cell.parse::<i64>().map_err(|_| must_be("a whole number"))?.into(),
            Type::Decimal => decimal(cell).ok_or_else(|| must_be("a number"))?.into(),
            _ => Value::from(cell),
        }))
    }

    /// The value in a stored resource.
    #[must_use]
    pub fn find<'a>(&'a self, document: &'a Document) -> Option<&'a Value> {
        self.path.values(&document.0).next()
    }

    /// Whether two values are the same to whoever compares lists: userNames without letter case, numbers by their value, all others as
    /// they are.
    #[must_use]
    pub fn is_same(&self, one: Option<&Value>, other: Option<&Value>) -> bool {
        match (one, other) {
            (Some(Value::String(one)), Some(Value::String(other))) if self.is_name("userName") => {
                user_name_key(one) == user_name_key(other)
            }
            (Some(Value::Number(one)), Some(Value::Number(other))) => {
                one == other || one.as_f64() == other.as_f64()
            }
            _ => one == other,
        }
    }

    /// Puts a value into the body of a new resource.
    pub fn put(&self, body: &mut Map<String, Value>, value: Value) {
        let Some(of) = self.path.attribute() else { return };
        let block = match &of.urn {
            Some(urn) => object(body.entry(urn.clone()).or_insert_with(|| json!({}))),
            None => Some(body),
        };
        let Some(block) = block else { return };
        let slot = match &self.path {
            Path::Elements { filter, .. } => {
                let list = block.entry(of.attribute.name.clone()).or_insert_with(|| json!([]));
                element(list, filter)
            }
            _ => Some(block.entry(of.attribute.name.clone()).or_insert(Value::Null)),
        };
        match (slot, self.path.sub()) {
            (Some(slot), Some(sub)) => {
                if slot.is_null() {
                    *slot = json!({});
                }
                if let Some(parts) = object(slot) {
                    parts.insert(sub.name.clone(), value);
                }
            }
            (Some(slot), None) => *slot = value,
            (None, _) => {}
        }
    }

    /// The operation of a PATCH of this resource that sets the value, or takes it away. A value that is not there yet is added:
    /// a `replace` needs an element that its filter selects.
    #[must_use]
    pub fn operation(&self, document: &Document, value: Option<Value>) -> Value {
        let op = match (&value, self.find(document)) {
            (Some(_), Some(_)) => "replace",
            (Some(_), None) => "add",
            (None, _) => "remove",
        };
        let mut operation = Map::new();
        operation.insert("op".to_owned(), op.into());
        operation.insert("path".to_owned(), self.text.clone().into());
        if let Some(value) = value {
            operation.insert("value".to_owned(), value);
        }
        operation.into()
    }
}

fn object(value: &mut Value) -> Option<&mut Map<String, Value>> {
    value.as_object_mut()
}

/// The element that the filter selects, made of it if there is none.
fn element<'a>(list: &'a mut Value, filter: &Filter) -> Option<&'a mut Value> {
    let elements = list.as_array_mut()?;
    let at = elements.iter().position(|element| filter.matches_element(element));
    let at = match at {
        Some(at) => at,
        None => {
            elements.push(made_from(filter)?);
            elements.len() - 1
        }
    };
    elements.get_mut(at)
}

fn decimal(cell: &str) -> Option<Number> {
    let whole = cell.parse::<i64>().ok().map(Number::from);
    whole.or_else(|| cell.parse::<f64>().ok().and_then(Number::from_f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    const DEPARTMENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";

    fn column(header: &str) -> Result<Column, ScimError> {
        Column::parse(&schema::user(), header, &mut Tolerance::lenient())
    }

    #[test]
    fn a_header_is_a_path_to_one_value_that_may_be_written() {
        for header in [
            "userName",
            "USERNAME",
            " active ",
            "name.givenName",
            "emails[type eq \"work\"].value",
            "roles[primary eq true].value",
            DEPARTMENT,
            "externalId",
            "manager.value",
        ] {
            assert!(column(header).is_ok(), "{header}");
        }
        for (header, why) in [
            ("shoeSize", "The path \"shoeSize\" names no attribute of a User."),
            ("", "The path \"\" names no attribute of a User."),
            ("name", "The column name has parts; name one of them, as in name.givenName."),
            (
                "emails.value",
                "The column emails.value has several values; select one, as in emails[type eq \"work\"].value.",
            ),
            (
                "emails[value ew \"x\"].value",
                "The column emails[value ew \"x\"].value selects otherwise than by one eq on type or primary.",
            ),
            ("id", "The column id is read-only."),
            ("groups[type eq \"direct\"].value", "The column groups[type eq \"direct\"].value is read-only."),
            ("password", "The column password is never stored."),
        ] {
            assert_eq!(column(header).unwrap_err().detail, why, "{header}");
        }
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        assert!(column(urn).unwrap_err().detail.contains("whole extension"));
        assert!(column("userName").unwrap().is_of_the_same(&column("USERNAME").unwrap()));
        assert!(!column("name.givenName").unwrap().is_of_the_same(&column("name.familyName").unwrap()));
        assert_eq!(column(DEPARTMENT).unwrap().attribute().unwrap(), DEPARTMENT);
    }

    #[test]
    fn a_cell_is_a_value_of_the_attributes_type() {
        let active = column("active").unwrap();
        for (cell, value) in [("TRUE", Some(true)), ("false", Some(false)), ("", None)] {
            assert_eq!(active.read(cell).unwrap(), value.map(Value::from), "{cell}");
        }
        assert_eq!(active.read("1").unwrap_err().detail, "active must be true or false.");
        assert_eq!(column("title").unwrap().read(" x ").unwrap(), Some(" x ".into()));
        assert_eq!((decimal("7"), decimal("7.5")), (Some(7.into()), Number::from_f64(7.5)));
        assert_eq!((decimal("seven"), decimal("inf")), (None, None));
    }

    #[test]
    fn what_is_put_is_found_and_parts_of_one_element_meet() {
        let mut body = Map::new();
        let cells = [
            ("userName", "ann"),
            ("name.givenName", "Ann"),
            ("name.familyName", "Lee"),
            ("emails[type eq \"work\"].value", "ann@a.example"),
            ("emails[type eq \"work\"].display", "Ann"),
            ("emails[type eq \"home\"].value", "ann@b.example"),
            (DEPARTMENT, "Sales"),
        ];
        for (header, cell) in cells {
            column(header).unwrap().put(&mut body, cell.into());
        }
        let document = Document(body);
        for (header, cell) in cells {
            assert_eq!(column(header).unwrap().find(&document), Some(&cell.into()), "{header}");
        }
        assert_eq!(document.0["emails"].as_array().unwrap().len(), 2);
        assert_eq!(column("title").unwrap().find(&document), None);
    }

    #[test]
    fn an_operation_replaces_or_removes_a_value_and_adds_one_that_is_not_there() {
        let document = json!({ "userName": "ann", "emails": [{ "type": "home", "value": "a@b.example" }] });
        let document = Document(document.as_object().unwrap().clone());
        for (header, value, op) in [
            ("userName", Some("Ann"), "replace"),
            ("userName", None, "remove"),
            ("title", Some("Dr"), "add"),
            ("emails[type eq \"home\"].value", Some("x@b.example"), "replace"),
            ("emails[type eq \"work\"].value", Some("x@b.example"), "add"),
        ] {
            let operation = column(header).unwrap().operation(&document, value.map(Value::from));
            assert_eq!((&operation["op"], &operation["path"]), (&json!(op), &json!(header)));
            assert_eq!(operation.get("value"), value.map(Value::from).as_ref());
        }
        assert_eq!(column("title").unwrap().extension(), None);
        assert_eq!(column(DEPARTMENT).unwrap().extension(), DEPARTMENT.strip_suffix(":department"));
    }

    #[test]
    fn user_names_are_the_same_in_any_letter_case_and_numbers_by_their_value() {
        let (name, title) = (column("userName").unwrap(), column("title").unwrap());
        let (upper, lower) = (Value::from("ANN"), Value::from("ann"));
        assert!(name.is_same(Some(&upper), Some(&lower)) && !title.is_same(Some(&upper), Some(&lower)));
        assert!(title.is_same(Some(&json!(1)), Some(&json!(1.0))) && !title.is_same(Some(&lower), None));
    }
}
