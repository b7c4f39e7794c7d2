//! One attribute's characteristics (RFC 7643 §2.2 and §7), in the words and the defaults of the RFC.

use serde::{Deserialize, Serialize};

use crate::fold::fold;

/// RFC 7643 §2.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the RFC's own words")]
pub enum Type {
    #[default]
    String,
    Boolean,
    Decimal,
    Integer,
    DateTime,
    Binary,
    Reference,
    Complex,
}

/// RFC 7643 §7, `mutability`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the RFC's own words")]
pub enum Mutability {
    ReadOnly,
    #[default]
    ReadWrite,
    Immutable,
    WriteOnly,
}

/// RFC 7643 §7, `returned`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the RFC's own words")]
pub enum Returned {
    Always,
    Never,
    #[default]
    Default,
    Request,
}

/// RFC 7643 §7, `uniqueness`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the RFC's own words")]
pub enum Uniqueness {
    #[default]
    None,
    Server,
    Global,
}

/// One attribute or sub-attribute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attribute {
    /// In the schema's spelling, which every response uses.
    pub name: String,
    /// The data type of one value.
    #[serde(rename = "type")]
    pub kind: Type,
    /// Whether the value is an array of such values.
    #[serde(default)]
    pub multi_valued: bool,
    /// One sentence for people.
    #[serde(default)]
    pub description: String,
    /// Whether a resource must have it.
    #[serde(default)]
    pub required: bool,
    /// Suggested values; hints, unless the tenant's profile binds them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canonical_values: Vec<String>,
    /// Whether no other values than the canonical ones are accepted; no characteristic of the RFC.
    #[serde(skip)]
    pub binding_values: bool,
    /// Whether strings compare with their letter case.
    #[serde(default)]
    pub case_exact: bool,
    /// Whether and when clients may write it.
    #[serde(default)]
    pub mutability: Mutability,
    /// When responses hold it.
    #[serde(default)]
    pub returned: Returned,
    /// The scope in which its value is unique.
    #[serde(default)]
    pub uniqueness: Uniqueness,
    /// What a reference may point to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_types: Vec<String>,
    /// Of a complex attribute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_attributes: Vec<Attribute>,
}

impl Attribute {
    /// An optional attribute with one value that clients write, every other characteristic at the default of the RFC.
    #[must_use]
    pub fn simple(name: &str, kind: Type, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            multi_valued: false,
            description: description.to_owned(),
            required: false,
            canonical_values: Vec::new(),
            binding_values: false,
            case_exact: false,
            mutability: Mutability::default(),
            returned: Returned::default(),
            uniqueness: Uniqueness::default(),
            reference_types: Vec::new(),
            sub_attributes: Vec::new(),
        }
    }

    /// The sub-attribute of this name, letter case ignored.
    #[must_use]
    pub fn sub_attribute(&self, name: &str) -> Option<&Attribute> {
        self.sub_attributes.iter().find(|a| a.is_called(name))
    }

    /// Whether this is its name, letter case ignored (RFC 7643 §2.1).
    pub(crate) fn is_called(&self, name: &str) -> bool {
        // Most clients spell it as the schema does, which is quicker to check.
        self.name == name || self.name.eq_ignore_ascii_case(name)
    }

    /// Accepts no other values than the canonical ones from here on, and says so in the description; `false` when there are
    /// none.
    pub(super) fn bind_values(&mut self) -> bool {
        let has_some = !self.canonical_values.is_empty();
        if has_some && !self.binding_values {
            self.binding_values = true;
            let all = format!("{} No other values than the canonical ones are accepted.", self.description);
            self.description = all.trim_start().to_owned();
        }
        has_some
    }

    /// Whether the text is one of the canonical values.
    #[must_use]
    pub fn is_canonical(&self, text: &str) -> bool {
        let is = |canonical: &String| {
            if self.case_exact { canonical == text } else { alike(canonical) == alike(text) }
        };
        self.canonical_values.iter().any(is)
    }

    /// Whether clients write its values and the directory stores them: the server computes readOnly ones and drops writeOnly
    /// ones.
    pub(crate) fn is_stored(&self) -> bool {
        matches!(self.mutability, Mutability::ReadWrite | Mutability::Immutable)
    }

    /// Whether its values are stored and not returned by default.
    pub(crate) fn hides(&self) -> bool {
        let is_stored = !matches!(self.mutability, Mutability::WriteOnly);
        is_stored && matches!(self.returned, Returned::Never | Returned::Request)
    }

    pub(super) fn hides_values(&self) -> bool {
        self.hides() || self.hides_parts()
    }

    /// Whether some sub-attribute is stored and not returned by default.
    #[must_use]
    pub fn hides_parts(&self) -> bool {
        self.sub_attributes.iter().any(Self::hides)
    }
}

/// MO1: legal values compare folded, as every name does, with blanks, underscores and hyphens alike.
#[must_use]
pub fn alike(value: &str) -> String {
    let alike = |c: char| if matches!(c, ' ' | '-') { '_' } else { c };
    fold(value).trim().chars().map(alike).collect()
}
