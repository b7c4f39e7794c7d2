//! Every departure from the letter of the RFC that Usher tolerates, by name, in one list, with the behaviour of a strict
//! tenant. The code of each rule checks its leniencies; the tests send a request for every one of them.

use strum::{IntoStaticStr, VariantArray};

use crate::ScimError;

/// One kind of input that is outside the RFC, known from an identity provider, and accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Leniency {
    /// An attribute or sub-attribute that no schema of the tenant knows is dropped.
    UnknownAttribute,
    /// A URI in `schemas`, or a block under a URN, that is not registered is ignored (Entra's ADSCIM, OneLogin).
    UnknownSchema,
    /// `"True"` for `true` (Entra, OneLogin).
    BooleanAsString,
    /// `manager` as a string or as an array of one (Entra).
    ManagerShape,
    /// Data of an extension whose URN is not in `schemas` (Entra, Keycloak).
    MissingExtensionUrn,
    /// `""` where an attribute is meant to be absent (Okta, Entra).
    NullOrEmpty,
    /// A PATCH without any operation (Microsoft's validator).
    EmptyOperations,
    /// `Add`, `Replace`, `Remove` (Entra).
    CapitalisedOp,
    /// Paths, or the core schema's URN, as keys of a body or of a PATCH value (Entra, authentik, laravel-scim-server).
    PathlessKeys,
    /// A value path that matches nothing makes the element (Entra).
    AbsentElementMade,
    /// `replace` of `emails[type eq "work"]` with a value without a `type`: the element keeps its own.
    SelectorKept,
    /// An array of one for a single value, or for the one object of a PATCH (older Entra, SCIM-SDK).
    ArrayOfOne,
    /// `remove` with a value (Entra, authentik, JumpCloud).
    RemoveWithValue,
    /// A filter outside the grammar of RFC 7644 §3.4.2.2 whose meaning is plain (Entra).
    FilterDialect,
    /// JSON as a text where an object or a list belongs, or inside an element's `value` (Entra's roles without its flag).
    JsonInValue,
    /// The same `type` and `value` twice in one attribute; held once.
    RepeatedElement,
    /// More than one `primary` in one attribute; the last one stays.
    SecondPrimary,
    /// A group's member whose `type` is not that of its id; responses hold the true one.
    MemberType,
    /// `post` for `POST` in an operation of a bulk; methods have a letter case (RFC 9110 §9.1).
    LowerCaseMethod,
    /// A member, a role, an entitlement, or the element that a value path selects, as a bare text: its `value` (SCIM
    /// 1.1's habit).
    BareValue,
    /// One value of a multi-valued attribute in a PATCH, without an array around it.
    SingleForList,
    /// `"path": null` for no path.
    NullPath,
    /// `?count=`: a parameter of a query without a value, from a template without a result.
    EmptyParameter,
    /// An element with a `type` or `primary` and no `value` is dropped (Okta's empty addresses).
    LabelWithoutValue,
    /// `t` and `z` in a time (RFC 3339 §5.6 allows them, xsd:dateTime does not); responses have capitals.
    LowerCaseTime,
    /// A body without `schemas`, or with none in it (authentik, several SDKs).
    MissingSchemas,
    /// A PATCH in a bulk as the bare list of its operations (RFC 7644 §3.7.3 prints it so).
    BareOperations,
    /// `"failOnErrors": 0` for none (SCIM-SDK).
    ZeroFailOnErrors,
    /// A byte order mark before the JSON (RFC 8259 §8.1).
    ByteOrderMark,
    /// `attributes=userName emails`: a blank where a comma belongs.
    BlankForComma,
    /// The value of a PATCH in an object under the attribute's own name: `{"active": false}` at the path `active`.
    WrappedValue,
}

/// What a strict tenant does where others are lenient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InStrict {
    /// 400.
    Refused,
    /// Takes the value literally.
    Literal,
    /// The same: the RFC leaves it to the service, or asks for it.
    Same,
}

impl Leniency {
    /// Every leniency.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// What `--strict` makes of it.
    #[must_use]
    pub fn in_strict(self) -> InStrict {
        match self {
            Self::SelectorKept | Self::LabelWithoutValue => InStrict::Literal,
            // RFC 7643 §2.5: null and an empty array are as absent. RFC 7644 §3.5.2.1: `add` makes an element that is not
            // there; a `replace` of it is refused. RFC 7643 §2.4: the service keeps one primary and no type and value
            // twice. A list of names with blanks is read as names; otherwise the response would look as if every other
            // value were gone.
            Self::NullOrEmpty
            | Self::AbsentElementMade
            | Self::RepeatedElement
            | Self::SecondPrimary
            | Self::BlankForComma => InStrict::Same,
            _ => InStrict::Refused,
        }
    }

    /// The label in a metric: one of a fixed list, never anything a client sent.
    #[must_use]
    pub fn kind(self) -> &'static str {
        self.into()
    }
}

/// How the requests of a tenant are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// As identity providers send them.
    #[default]
    Lenient,
    /// By the letter of the RFCs.
    Strict,
    /// By the letter of the RFCs, and by the SCIM 2.0 Interoperability Profile where that narrows them
    /// (draft-zollner-scim-interop-profile).
    Interop,
}

impl Mode {
    /// Whether the leniencies are refused.
    #[must_use]
    pub fn is_strict(self) -> bool {
        self != Self::Lenient
    }

    /// Whether the interoperability profile holds.
    #[must_use]
    pub fn is_interop(self) -> bool {
        self == Self::Interop
    }

    /// The refusal of a PATCH that names what no schema defines: `invalidPath`, which the interoperability profile calls
    /// `invalidSyntax`.
    pub(crate) fn undefined(self, detail: impl AsRef<str>) -> ScimError {
        if self.is_interop() { ScimError::invalid_syntax(detail) } else { ScimError::invalid_path(detail) }
    }
}

/// A set of leniencies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leniencies(u64);

impl Leniencies {
    /// Whether it has this one.
    #[must_use]
    pub fn has(self, leniency: Leniency) -> bool {
        // Nearly every product wants all of them.
        self.0 != 0 && self.0 & Self::bit(leniency) != 0
    }

    fn bit(leniency: Leniency) -> u64 {
        Leniency::ALL.iter().position(|known| *known == leniency).map_or(0, |place| 1 << place)
    }
}

impl FromIterator<Leniency> for Leniencies {
    fn from_iter<I: IntoIterator<Item = Leniency>>(leniencies: I) -> Self {
        Self(leniencies.into_iter().fold(0, |set, leniency| set | Self::bit(leniency)))
    }
}

/// Carried through one request: how the tenant reads it, and what was tolerated.
#[derive(Debug, Default)]
pub struct Tolerance {
    /// How this tenant's requests are read.
    pub mode: Mode,
    /// What is refused, or taken literally, although the mode tolerates it: the product does not want it.
    pub refused: Leniencies,
    /// What was tolerated, with the name of the attribute or the URN; never a value.
    pub seen: Vec<(Leniency, String)>,
}

impl Tolerance {
    /// Longest name that is kept, in characters.
    const MAX_NAME: usize = 100;
    /// Most entries that are kept of one request.
    const MAX_SEEN: usize = 50;

    /// For a tenant that takes what identity providers send.
    #[must_use]
    pub fn lenient() -> Self {
        Self::default()
    }

    /// For a tenant that asked for the letter of the RFC.
    #[must_use]
    pub fn strict() -> Self {
        Self::new(Mode::Strict)
    }

    /// For a tenant of this mode.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        Self { mode, ..Self::default() }
    }

    /// Whether this is not tolerated: it is refused, or taken literally.
    #[must_use]
    pub fn refuses(&self, leniency: Leniency) -> bool {
        self.mode.is_strict() || self.refused.has(leniency)
    }

    /// As [`Mode::undefined`].
    pub(crate) fn undefined(&self, detail: impl AsRef<str>) -> ScimError {
        self.mode.undefined(detail)
    }

    /// Remembers one thing tolerated; an equal one is remembered once.
    pub fn note(&mut self, leniency: Leniency, name: &str) {
        let entry = (leniency, name.chars().take(Self::MAX_NAME).collect());
        if self.seen.len() < Self::MAX_SEEN && !self.seen.contains(&entry) {
            self.seen.push(entry);
        }
    }

    /// Remembers it, or refuses it where it is not tolerated.
    ///
    /// # Errors
    /// What `refusal` makes, when it is not tolerated.
    pub fn allow(
        &mut self,
        leniency: Leniency,
        name: &str,
        refusal: impl FnOnce() -> ScimError,
    ) -> Result<(), ScimError> {
        if self.refuses(leniency) {
            return Err(refusal());
        }
        self.note(leniency, name);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
