//! Secrets that are made here. A bearer token is `ush_<region>_<random>`: the random part is a public key id, which finds the record,
//! followed by the secret; the secret of an OAuth client, `ushs_<region>_<random>`, is made likewise. A pair for HTTP Basic is the key `ushk_<region>_<key id>` and the secret (CX17). Only a salted hash of the
//! whole is stored. Named admin tokens, `ush_admin_<region>_<random>`, are made likewise.

use std::fmt;

use rand::{RngExt as _, distr::Alphanumeric};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{kind::CredentialKind, names::RegionCode};

/// Characters of the key id: 71 bits.
const KEY_ID: usize = 12;
/// Characters of the secret: 190 bits.
const SECRET: usize = 32;

/// A token, or a key with its secret, as a caller sent it or as it was just made. Its text never reaches a log: `Debug` shows the key
/// id only.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    kind: CredentialKind,
    /// Of a pair both, with a colon between them, as HTTP Basic has it.
    text: String,
    region: RegionCode,
    key_id: String,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({} {}_{}***)", self.kind, self.region, self.key_id)
    }
}

/// A named admin token: the region is that of the registry in which it rests, whatever it reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedToken(Token);

/// What a named admin token has in place of [`TENANTS`].
const STAFF: &str = "ush_admin_";
/// What a tenant's token begins with.
const TENANTS: &str = "ush_";
/// What the key of a pair begins with.
const KEYS: &str = "ushk_";
/// What the secret of an OAuth client begins with.
const SECRETS: &str = "ushs_";
/// What the id of an OAuth client begins with.
const CLIENTS: &str = "ushc_";

impl NamedToken {
    /// A new token from the system's random source.
    #[must_use]
    pub fn generate(region: &RegionCode) -> Self {
        Self(Token::generate_with(STAFF, region))
    }

    /// Parses a token; `None` if it does not have the form. The root token has another: no region.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Token::parse_with(STAFF, text).map(Self)
    }

    /// The region in whose registry it rests.
    #[must_use]
    pub fn region(&self) -> &RegionCode {
        self.0.region()
    }

    /// The public part that finds the record.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.0.key_id()
    }

    /// The whole token, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// See [`Token::compare_with_nothing`].
    pub fn compare_with_nothing(&self) {
        self.0.compare_with_nothing();
    }

    pub(crate) fn salted(&self) -> (String, String) {
        self.0.salted()
    }

    pub(crate) fn is(&self, salt: &str, expected: &str) -> bool {
        self.0.is(salt, expected)
    }
}

fn is_random(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn random(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

impl Token {
    /// A new token, or a new pair, from the system's random source.
    #[must_use]
    pub fn generate(kind: CredentialKind, region: &RegionCode) -> Self {
        match kind {
            CredentialKind::Bearer => Self::generate_with(TENANTS, region),
            CredentialKind::Basic => {
                let key_id = random(KEY_ID);
                let text = format!("{KEYS}{region}_{key_id}:{}", random(SECRET));
                Self { kind, text, region: region.clone(), key_id }
            }
            CredentialKind::Oauth => Self { kind, ..Self::generate_with(SECRETS, region) },
            // It has a name and no secret.
            CredentialKind::Issuer => {
                Self { kind, text: String::new(), region: region.clone(), key_id: random(KEY_ID) }
            }
        }
    }

    /// The id of a new OAuth client.
    #[must_use]
    pub fn new_client_id(region: &RegionCode) -> String {
        format!("{CLIENTS}{region}_{}", random(KEY_ID))
    }

    fn generate_with(prefix: &str, region: &RegionCode) -> Self {
        let key_id = random(KEY_ID);
        let text = format!("{prefix}{region}_{key_id}{}", random(SECRET));
        Self { kind: CredentialKind::Bearer, text, region: region.clone(), key_id }
    }

    /// Parses a token; `None` if it does not have the form. A parsed token need not be genuine.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_with(TENANTS, text)
    }

    fn parse_with(prefix: &str, text: &str) -> Option<Self> {
        let (region, random) = text.strip_prefix(prefix)?.split_once('_')?;
        let region = RegionCode::new(region).ok()?;
        let key_id = random.get(..KEY_ID).filter(|_| is_random(random, KEY_ID + SECRET))?.to_owned();
        Some(Self { kind: CredentialKind::Bearer, text: text.to_owned(), region, key_id })
    }

    /// Parses a key with its secret, as HTTP Basic sends them: with a colon between them. `None` if they do not have the form.
    #[must_use]
    pub fn parse_pair(text: &str) -> Option<Self> {
        let (key, secret) = text.split_once(':')?;
        let (region, key_id) = key.strip_prefix(KEYS)?.split_once('_')?;
        let region = RegionCode::new(region).ok()?;
        let is_whole = is_random(key_id, KEY_ID) && is_random(secret, SECRET);
        let (kind, key_id) = (CredentialKind::Basic, key_id.to_owned());
        is_whole.then(|| Self { kind, text: text.to_owned(), region, key_id })
    }

    /// Parses the secret of an OAuth client.
    #[must_use]
    pub fn parse_client_secret(text: &str) -> Option<Self> {
        let secret = Self::parse_with(SECRETS, text)?;
        Some(Self { kind: CredentialKind::Oauth, ..secret })
    }

    /// The kind of credential that it is.
    #[must_use]
    pub fn kind(&self) -> CredentialKind {
        self.kind
    }

    /// The key and the secret of a pair, the latter to be shown once.
    #[must_use]
    pub fn pair(&self) -> Option<(&str, &str)> {
        (self.kind == CredentialKind::Basic).then(|| self.text.split_once(':')).flatten()
    }

    /// The region that the token belongs to.
    #[must_use]
    pub fn region(&self) -> &RegionCode {
        &self.region
    }

    /// The public part that finds the record.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The whole token, to be shown once; of a pair both, with a colon between them.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// A new salt and the token's hash under it, both as text.
    pub(crate) fn salted(&self) -> (String, String) {
        let salt = random(22);
        let hash = hash(&salt, &self.text);
        (salt, hash)
    }

    /// Does the work of a comparison without a known token, so that an unknown key id, or a region that is not served, takes as long
    /// as a wrong secret (attack 20).
    pub fn compare_with_nothing(&self) {
        std::hint::black_box(self.is("0000000000000000000000", ""));
    }

    /// Whether the token is the one that was hashed; compared in constant time.
    pub(crate) fn is(&self, salt: &str, expected: &str) -> bool {
        hash(salt, &self.text).as_bytes().ct_eq(expected.as_bytes()).into()
    }
}

fn hash(salt: &str, text: &str) -> String {
    format!("{:x}", Sha256::new().chain_update(salt).chain_update(text).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region() -> RegionCode {
        RegionCode::new("ire").unwrap()
    }

    fn bearer() -> Token {
        Token::generate(CredentialKind::Bearer, &region())
    }

    #[test]
    fn cx17_a_pair_is_a_key_with_its_region_and_a_secret_of_32_characters() {
        let pair = Token::generate(CredentialKind::Basic, &region());
        let (key, secret) = pair.pair().unwrap();
        assert_eq!(key, format!("ushk_ire_{}", pair.key_id()));
        assert_eq!((pair.key_id().len(), secret.len()), (12, 32));
        assert_eq!(Token::parse_pair(pair.reveal()).as_ref(), Some(&pair));
        assert!(Token::parse(pair.reveal()).is_none() && bearer().pair().is_none());
        assert!(!format!("{pair:?}").contains(secret));
        let odd = [
            format!("{key}{secret}"),
            format!("{key}:"),
            format!("{key}:{secret}x"),
            format!("{key}:{secret}:"),
            format!(":{secret}"),
            format!("{}:{secret}", key.replace("ire", "IRE")),
            format!("{}:{secret}", key.replace("ushk", "ush")),
            bearer().reveal().to_owned(),
        ];
        for text in odd {
            assert!(Token::parse_pair(&text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_token_names_its_region_and_survives_being_read_back() {
        let token = bearer();
        let again = Token::parse(token.reveal()).unwrap();
        assert_eq!(token, again);
        assert_eq!(again.region(), &region());
        assert!(token.reveal().starts_with("ush_ire_"));
    }

    #[test]
    fn attack_22_what_rests_is_salted_and_fits_one_token_only() {
        let (token, other) = (bearer(), bearer());
        let ((salt, hash), (salt2, hash2)) = (token.salted(), token.salted());
        assert_ne!((&salt, &hash), (&salt2, &hash2));
        assert!(token.is(&salt, &hash) && !other.is(&salt, &hash));
        assert!(!token.reveal().contains(&hash) && !hash.contains(token.key_id()));
    }

    #[test]
    fn attack_23_debug_does_not_show_the_secret() {
        let token = bearer();
        let secret = &token.reveal()[token.reveal().len() - SECRET..];
        assert!(!format!("{token:?}").contains(secret));
    }

    #[test]
    fn a_named_admin_token_is_no_tenants_token_and_the_root_token_is_neither() {
        let named = NamedToken::generate(&region());
        assert!(named.reveal().starts_with("ush_admin_ire_"));
        assert_eq!(NamedToken::parse(named.reveal()).as_ref(), Some(&named));
        assert!(Token::parse(named.reveal()).is_none());
        // A region may be called so; its tenants' tokens open no door of staff.
        let admin = RegionCode::new("admin").unwrap();
        assert!(NamedToken::parse(Token::generate(CredentialKind::Bearer, &admin).reveal()).is_none());
        let root = format!("ush_admin_{}", random(40));
        assert!(NamedToken::parse(&root).is_none() && Token::parse(&root).is_none());
    }

    #[test]
    fn odd_shapes_are_no_tokens() {
        let good = bearer().reveal().to_owned();
        for text in [
            "",
            "ush_",
            "ush_ire_",
            "ush_ire_abc",
            &good[1..],
            &format!("{good}x"),
            &good.replace("ire", "IRE"),
        ] {
            assert!(Token::parse(text).is_none(), "{text}");
        }
    }
}
