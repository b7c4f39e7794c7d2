//! Where in a resource a value stands, for error texts. It is put together only when there is something to say,
//! because every value that is read has one.

use std::fmt;

use crate::ScimError;

/// `userName`, `name.givenName`, `urn:…:User:manager.value`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    urn: Option<&'a str>,
    attribute: &'a str,
    sub: Option<&'a str>,
}

impl<'a> Place<'a> {
    pub(super) fn of(attribute: &'a str) -> Self {
        Self { urn: None, attribute, sub: None }
    }

    pub(super) fn within(urn: &'a str, attribute: &'a str) -> Self {
        Self { urn: Some(urn), attribute, sub: None }
    }

    pub(super) fn sub(self, name: &'a str) -> Self {
        Self { sub: Some(name), ..self }
    }

    /// Whether this is the whole core attribute of that name: one of the tenant's own may be called the same.
    pub(super) fn is_core(self, name: &str) -> bool {
        self.is_part_of_core(name) && self.sub.is_none()
    }

    /// Whether this is the core attribute of that name, or a sub-attribute of it.
    pub(super) fn is_part_of_core(self, name: &str) -> bool {
        self.urn.is_none() && self.attribute == name
    }

    /// 400 `invalidValue`: what this place holds has the wrong form. The value itself is never repeated.
    pub(super) fn must_be(self, form: &str) -> ScimError {
        ScimError::invalid_value(format!("{self} must be {form}."))
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = self.urn {
            write!(f, "{urn}:")?;
        }
        f.write_str(self.attribute)?;
        self.sub.map_or(Ok(()), |sub| write!(f, ".{sub}"))
    }
}
