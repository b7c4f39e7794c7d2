//! One attribute of a schema document: its characteristics in the RFC's words and defaults (RFC 7643 §2.2 and §7), and
//! which of them go together.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::faults::Faults;
use super::name;
use crate::schema::{Attribute, Mutability, Returned, Type, Uniqueness};

/// Most sub-attributes of one attribute.
pub const MAX_SUB_ATTRIBUTES: usize = 50;
/// Longest description, in characters.
pub(super) const MAX_DESCRIPTION: usize = 1_000;
/// Most canonical values and reference types of one attribute.
const MAX_WORDS: usize = 100;
/// Longest of them, in characters.
const MAX_WORD: usize = 200;

/// The resource types here, and the RFC's own words (RFC 7643 §7).
const REFERENCE_TYPES: [&str; 6] = ["User", "Group", "License", "Role", "external", "uri"];

const CHARACTERISTICS: [&str; 12] = [
    "name",
    "type",
    "multiValued",
    "description",
    "required",
    "canonicalValues",
    "caseExact",
    "mutability",
    "returned",
    "uniqueness",
    "referenceTypes",
    "subAttributes",
];

/// One attribute of the document, with its full name for the faults.
struct Described<'d> {
    at: String,
    members: &'d Map<String, Value>,
}

/// Reads attributes and collects their faults.
pub(super) struct Reader<'f> {
    pub(super) faults: &'f mut Faults,
}

impl Reader<'_> {
    /// The attributes of a list; `parent` is the attribute whose sub-attributes they are.
    pub(super) fn attributes(&mut self, list: &[Value], parent: Option<&str>) -> Vec<Attribute> {
        let mut attributes: Vec<Attribute> = Vec::with_capacity(list.len());
        for (index, value) in list.iter().enumerate() {
            let Some(members) = value.as_object() else {
                self.fault(&place(parent, &format!("attribute {}", index + 1)), "it must be an object");
                continue;
            };
            let Some(name) = self.name(members, index, parent) else {
                // Its other faults are reported too.
                self.attribute(members, format!("attribute {}", index + 1), parent);
                continue;
            };
            if attributes.iter().any(|other| other.name.eq_ignore_ascii_case(&name)) {
                self.fault(&place(parent, &name), "it stands twice; letter case does not tell names apart");
                continue;
            }
            let attribute = self.attribute(members, name, parent);
            attributes.push(attribute);
        }
        attributes
    }

    fn name(&mut self, members: &Map<String, Value>, index: usize, parent: Option<&str>) -> Option<String> {
        let nameless = place(parent, &format!("attribute {}", index + 1));
        let Some(name) = members.get("name").and_then(Value::as_str) else {
            self.fault(&nameless, "its name is missing");
            return None;
        };
        match name::check_attribute(name, parent.is_some()) {
            Ok(()) => Some(name.to_owned()),
            Err(fault) => {
                self.fault(&format!("{nameless} ({})", name::shown(name)), &fault);
                None
            }
        }
    }

    fn attribute(&mut self, members: &Map<String, Value>, name: String, parent: Option<&str>) -> Attribute {
        let described = Described { at: place(parent, &name), members };
        let at = described.at.as_str();
        for key in members.keys().filter(|key| !CHARACTERISTICS.contains(&key.as_str())) {
            self.fault(at, &format!("{} is no characteristic of an attribute", name::shown(key)));
        }
        let kind: Type = self.word(
            &described,
            "type",
            "string, boolean, decimal, integer, dateTime, binary, reference or complex",
        );
        let attribute = Attribute {
            kind,
            multi_valued: self.flag(&described, "multiValued", false),
            description: self.description(&described),
            required: self.flag(&described, "required", false),
            canonical_values: self.words(&described, "canonicalValues"),
            binding_values: false,
            // RFC 7643 §2.3.6 and §2.3.7: binary values and references are case exact.
            case_exact: self.flag(&described, "caseExact", matches!(kind, Type::Binary | Type::Reference)),
            mutability: self.word(&described, "mutability", "readOnly, readWrite, immutable or writeOnly"),
            returned: self.word(&described, "returned", "always, never, default or request"),
            uniqueness: self.word(&described, "uniqueness", "none, server or global"),
            reference_types: self.reference_types(&described),
            sub_attributes: self.sub_attributes(&described, kind, parent),
            name,
        };
        combinations(&attribute, parent.is_some()).for_each(|fault| self.fault(at, fault));
        attribute
    }

    fn sub_attributes(
        &mut self,
        described: &Described<'_>,
        kind: Type,
        parent: Option<&str>,
    ) -> Vec<Attribute> {
        let at = described.at.as_str();
        let list = match described.members.get("subAttributes") {
            None | Some(Value::Null) => &[][..],
            Some(Value::Array(list)) => list,
            Some(_) => {
                self.fault(at, "subAttributes must be an array");
                return Vec::new();
            }
        };
        match (kind, parent) {
            // Said of its type already.
            (_, Some(_)) => {}
            (Type::Complex, None) if list.is_empty() => {
                self.fault(at, "a complex attribute needs subAttributes")
            }
            (Type::Complex, None) if list.len() > MAX_SUB_ATTRIBUTES => {
                self.fault(at, &format!("it may have at most {MAX_SUB_ATTRIBUTES} sub-attributes"));
            }
            (Type::Complex, None) => return self.attributes(list, Some(at)),
            (_, None) if !list.is_empty() => self.fault(at, "only a complex attribute has subAttributes"),
            _ => {}
        }
        Vec::new()
    }

    fn fault(&mut self, at: &str, fault: &str) {
        self.faults.add(format!("{at}: {fault}."));
    }

    /// One characteristic; where it is absent or at fault, its default.
    fn characteristic<T>(
        &mut self,
        described: &Described<'_>,
        key: &str,
        form: &str,
        default: T,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> T {
        match described.members.get(key) {
            None | Some(Value::Null) => default,
            Some(value) => read(value).unwrap_or_else(|| {
                self.fault(&described.at, &format!("{key} must be {form}"));
                default
            }),
        }
    }

    fn flag(&mut self, described: &Described<'_>, key: &str, default: bool) -> bool {
        self.characteristic(described, key, "true or false", default, Value::as_bool)
    }

    fn word<T: DeserializeOwned + Default>(&mut self, at: &Described<'_>, key: &str, known: &str) -> T {
        self.characteristic(at, key, known, T::default(), |value| T::deserialize(value).ok())
    }

    fn words(&mut self, described: &Described<'_>, key: &str) -> Vec<String> {
        let form = format!("an array of at most {MAX_WORDS} texts of 1 to {MAX_WORD} characters");
        self.characteristic(described, key, &form, Vec::new(), |value| {
            value.as_array().filter(|list| list.len() <= MAX_WORDS)?.iter().map(word).collect()
        })
    }

    fn reference_types(&mut self, described: &Described<'_>) -> Vec<String> {
        let types = self.words(described, "referenceTypes");
        if types.iter().any(|kind| !REFERENCE_TYPES.contains(&kind.as_str())) {
            self.fault(&described.at, &format!("referenceTypes are of {}", REFERENCE_TYPES.join(", ")));
        }
        types
    }

    fn description(&mut self, described: &Described<'_>) -> String {
        let form = format!("text on one line, at most {MAX_DESCRIPTION} characters");
        self.characteristic(described, "description", &form, String::new(), |value| {
            let fits =
                |text: &&str| text.chars().count() <= MAX_DESCRIPTION && !text.contains(char::is_control);
            value.as_str().filter(fits).map(str::to_owned)
        })
    }
}

fn place(parent: Option<&str>, name: &str) -> String {
    parent.map_or_else(|| name.to_owned(), |parent| format!("{parent}.{name}"))
}

fn word(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let fits =
        !text.trim().is_empty() && text.chars().count() <= MAX_WORD && !text.contains(char::is_control);
    fits.then(|| text.to_owned())
}

/// What does not go together, each with its reason.
fn combinations(a: &Attribute, is_sub: bool) -> impl Iterator<Item = &'static str> {
    let is_text = matches!(a.kind, Type::String | Type::Reference);
    let compares = is_text || matches!(a.kind, Type::Integer | Type::Decimal | Type::DateTime);
    let is_unique = a.uniqueness != Uniqueness::None;
    let rules = [
        (is_sub && a.kind == Type::Complex, "a sub-attribute cannot be complex (RFC 7643, section 2.3.8)"),
        (is_sub && a.multi_valued, "a sub-attribute cannot be multi-valued here"),
        (is_sub && is_unique, "a sub-attribute cannot be unique; make it an attribute of its own"),
        (is_unique && a.multi_valued, "a multi-valued attribute cannot be unique"),
        (is_unique && !compares, "this type cannot be unique (RFC 7643, section 2.3)"),
        (is_unique && !a.is_stored(), "only what clients write and this server keeps can be unique"),
        (a.required && !a.is_stored(), "only what clients write and this server keeps can be required"),
        (
            a.mutability == Mutability::WriteOnly && a.returned != Returned::Never,
            "what is writeOnly is never returned: say \"returned\": \"never\"",
        ),
        (
            a.case_exact && !(is_text || a.kind == Type::Binary),
            "this type has no letter case: leave caseExact out",
        ),
        (!a.case_exact && a.kind == Type::Binary, "binary values are case exact (RFC 7643, section 2.3.6)"),
        (!a.case_exact && a.kind == Type::Reference, "references are case exact (RFC 7643, section 2.3.7)"),
        (!a.canonical_values.is_empty() && !is_text, "only texts have canonicalValues"),
        (!a.reference_types.is_empty() && a.kind != Type::Reference, "only a reference has referenceTypes"),
        (
            is_sub && a.name == "$ref" && a.kind != Type::Reference,
            "$ref is a reference (RFC 7643, section 2.4)",
        ),
        (
            is_sub && a.name.eq_ignore_ascii_case("primary") && a.kind != Type::Boolean,
            "primary is a boolean (RFC 7643, section 2.4)",
        ),
    ];
    rules.into_iter().filter(|(broken, _)| *broken).map(|(_, fault)| fault)
}
