//! Checked names: each fits into a path, a host name and a log line as it is.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::by::ROOT;

/// A name does not have its form; contains the rule.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadName(&'static str);

macro_rules! checked_name {
    ($name:ident, $check:ident, $wrong:literal) => {
        impl $name {
            /// Checks the form.
            ///
            /// # Errors
            /// [`BadName`] with the rule.
            pub fn new(text: &str) -> Result<Self, BadName> {
                if $check(text.as_bytes()) { Ok(Self(text.to_owned())) } else { Err(BadName($wrong)) }
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
    "a company key is 1 to 63 lower-case letters, digits and hyphens, and does not begin with a hyphen"
);

/// A tenant's own id, made here: the only thing that names its store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct TenantId(String);

checked_name!(TenantId, is_tenant_id, "a tenant id is a UUID in lower case");

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
