//! Checked names: each fits into a path, a host name and a log line as it is.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::by::ROOT;

/// A name does not have its form; contains the rule.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadName(&'static str);

macro_rules! checked_name {
    ($name:ident, $check:ident, $wrong:literal) => {
        checked_name!($name, $check, str::to_owned, $wrong);
    };
    ($name:ident, $check:ident, $spelt:expr, $wrong:literal) => {
        impl $name {
            /// Checks the form.
            ///
            /// # Errors
            /// [`BadName`] with the rule.
            pub fn new(text: &str) -> Result<Self, BadName> {
                let text = $spelt(text);
                if $check(text.as_bytes()) { Ok(Self(text)) } else { Err(BadName($wrong)) }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;

            fn try_from(text: String) -> Result<Self, BadName> {
                Self::new(&text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// A region's code, such as `ire`: part of base URLs, tokens and paths.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct RegionCode(String);

checked_name!(
    RegionCode,
    is_region,
    "a region code is 2 to 16 lower-case letters and digits, a letter first"
);

/// A tenant's public name inside its region, part of its base URL. Not a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct CompanyKey(String);

checked_name!(
    CompanyKey,
    is_company_key,
    spelt,
    "a company key is 1 to 63 lower-case letters, digits and hyphens, and does not begin with a hyphen"
);

impl CompanyKey {
    /// Whether a path that says this means the tenant: letter by letter, a GUID in either letter case (MC22).
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.0 == text || (Self::is_guid(text) && self.0.eq_ignore_ascii_case(text))
    }

    /// Whether the text is a GUID: `8-4-4-4-12` hexadecimal digits.
    #[must_use]
    pub fn is_guid(text: &str) -> bool {
        const HYPHENS: [usize; 4] = [8, 13, 18, 23];
        let has_its_place = |(at, byte): (usize, u8)| {
            if HYPHENS.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() }
        };
        text.len() == 36 && text.bytes().enumerate().all(has_its_place)
    }
}

/// A company key as it is stored: a GUID, which people write in either letter case, in lower case (MC22).
fn spelt(key: &str) -> String {
    if CompanyKey::is_guid(key) { key.to_ascii_lowercase() } else { key.to_owned() }
}

/// A tenant's own id, made here: the only thing that names its store. Many places remember it, so all of them share the text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(Arc<str>);

impl From<TenantId> for String {
    fn from(id: TenantId) -> Self {
        id.as_str().to_owned()
    }
}

checked_name!(TenantId, is_tenant_id, Arc::<str>::from, "a tenant id is a UUID in lower case");

/// A cell's name in the settings, such as `c1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct CellName(String);

checked_name!(
    CellName,
    is_cell,
    "a cell's name is 1 to 63 lower-case letters, digits and hyphens, does not begin with a hyphen, and is not `file`"
);

/// The name of an admin token, such as `lena`: the actor in the records of what it did.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct TokenName(String);

checked_name!(
    TokenName,
    is_token_name,
    "the name of an admin token is 1 to 40 lower-case letters, digits, dots, hyphens and underscores, a letter or digit first, \
     and is not `root`"
);

fn lower_or_digit(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit()
}

fn is_region(text: &[u8]) -> bool {
    (2..=16).contains(&text.len())
        && text.first().is_some_and(u8::is_ascii_lowercase)
        && text.iter().all(|b| lower_or_digit(*b))
}

/// `^[a-z0-9][a-z0-9-]{0,62}$`
fn is_company_key(text: &[u8]) -> bool {
    (1..=63).contains(&text.len())
        && text.first().is_some_and(|b| lower_or_digit(*b))
        && text.iter().all(|b| lower_or_digit(*b) || *b == b'-')
}

fn is_cell(text: &[u8]) -> bool {
    is_company_key(text) && text != b"file"
}

fn is_token_name(text: &[u8]) -> bool {
    (1..=40).contains(&text.len())
        && text.first().is_some_and(|b| lower_or_digit(*b))
        && text.iter().all(|b| lower_or_digit(*b) || b"._-".contains(b))
        && text != ROOT.as_bytes()
}

fn is_tenant_id(text: &[u8]) -> bool {
    text.len() == 36 && text.iter().all(|b| lower_or_digit(*b) || *b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_7_a_company_key_has_one_form() {
        for key in ["acme", "4real", "a", "a-b-", &"x".repeat(63)] {
            assert!(CompanyKey::new(key).is_ok(), "{key}");
        }
        for key in ["", "-a", "Acme", "a/b", "..", "é", "a b", "a_b", "x\"; DROP", &"x".repeat(64), "a\0"] {
            assert!(CompanyKey::new(key).is_err(), "{key}");
        }
    }

    #[test]
    fn mc22_a_guid_is_one_company_key_in_either_letter_case() {
        let lower = "0a1b2c3d-4e5f-6789-abcd-ef0123456789";
        let key = CompanyKey::new(lower).unwrap();
        let spellings = [lower, &lower.to_uppercase(), "0A1b2c3d-4e5f-6789-ABCD-ef0123456789"];
        for spelling in spellings {
            assert_eq!(CompanyKey::new(spelling).unwrap(), key);
            assert!(key.is(spelling) && CompanyKey::is_guid(spelling), "{spelling}");
        }
        for other in
            ["0A1B2C3D4E5F6789ABCDEF0123456789", "0A1B2C3D-4E5F-6789-ABCD-EF012345678G", "{0A1B2C3D}"]
        {
            assert!(CompanyKey::new(other).is_err() && !key.is(other), "{other}");
        }
        let acme = CompanyKey::new("acme").unwrap();
        assert!(acme.is("acme") && !acme.is("ACME") && !acme.is(lower));
    }

    #[test]
    fn an_admin_tokens_name_fits_a_path_and_is_never_the_roots() {
        for name in ["lena", "lena.b", "on-call_2", "7", &"x".repeat(40)] {
            assert!(TokenName::new(name).is_ok(), "{name}");
        }
        for name in ["", "root", "Lena", ".", "..", "-a", "a/b", "a b", "é", &"x".repeat(41)] {
            assert!(TokenName::new(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_region_code_has_one_form() {
        assert!(RegionCode::new("ire").is_ok());
        for code in ["", "i", "IRE", "1re", "a-b", "../x"] {
            assert!(RegionCode::new(code).is_err(), "{code}");
        }
    }
}
