//! The public keys of an issuer (RFC 7517 §5). A key that cannot verify a signature here is left out: one without a `kid`, with a shared secret,
//! for encryption, or of an unknown kind.

use std::{collections::HashMap, sync::Arc};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, Jwk, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;

/// More keys than an issuer has.
const MOST: usize = 200;

/// One key.
#[derive(Debug, PartialEq)]
pub(super) struct PublicKey {
    jwk: Jwk,
}

impl PublicKey {
    /// As `jsonwebtoken` takes it, if the key is for this algorithm.
    pub(super) fn decoding(&self, algorithm: Algorithm) -> Option<DecodingKey> {
        let is_for =
            self.jwk.common.key_algorithm.is_none_or(|own| own.to_string() == format!("{algorithm:?}"));
        DecodingKey::from_jwk(&self.jwk).ok().filter(|_| is_for)
    }
}

/// The keys by their `kid`.
#[derive(Debug, Default)]
pub(super) struct KeySet(HashMap<String, Arc<PublicKey>>);

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a set.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        Self::of(serde_json::from_slice(text).map_err(|_| "it is no JSON".to_owned())?)
    }

    /// The same of a parsed text.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(super) fn of(value: Value) -> Result<Self, String> {
        let document: Document = serde_json::from_value(value)
            .map_err(|_| "it is no JSON Web Key Set: it has no list keys".to_owned())?;
        let mut keys = HashMap::new();
        for key in document.keys.into_iter().take(MOST) {
            let Ok(jwk) = serde_json::from_value::<Jwk>(key) else { continue };
            let for_encryption = jwk.common.public_key_use == Some(PublicKeyUse::Encryption);
            let is_public = matches!(
                jwk.algorithm,
                AlgorithmParameters::RSA(_)
                    | AlgorithmParameters::EllipticCurve(_)
                    | AlgorithmParameters::OctetKeyPair(_)
            );
            if let (Some(kid), true, false) = (jwk.common.key_id.clone(), is_public, for_encryption) {
                keys.entry(kid).or_insert_with(|| Arc::new(PublicKey { jwk }));
            }
        }
        Ok(Self(keys))
    }

    /// The key of this `kid`.
    pub(super) fn get(&self, kid: &str) -> Option<Arc<PublicKey>> {
        self.0.get(kid).cloned()
    }

    pub(super) fn kids(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_set_has_the_public_keys_that_have_a_name_and_can_verify() {
        let rsa = |more: Value| {
            let mut key = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" });
            key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            key
        };
        let set = json!({ "keys": [
            rsa(json!({ "kid": "one", "use": "sig", "alg": "RS256" })),
            rsa(json!({ "kid": "for encryption", "use": "enc" })),
            rsa(json!({})),
            { "kty": "oct", "kid": "secret", "k": "AQAB" },
            { "kty": "new", "kid": "unknown" },
            { "kty": "EC", "kid": "two", "crv": "P-256", "x": "AQAB", "y": "AQAB" },
            "no key",
        ] });
        let set = KeySet::of(set).unwrap();
        let mut kids: Vec<&String> = set.kids().collect();
        kids.sort();
        assert_eq!(kids, ["one", "two"]);
        assert!(set.get("one").unwrap().decoding(Algorithm::RS256).is_some());
        assert!(set.get("one").unwrap().decoding(Algorithm::PS256).is_none(), "the key names its algorithm");
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for text in ["", "<html>", "[]", "{}", r#"{"keys":{}}"#] {
            assert!(KeySet::read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(KeySet::read(br#"{"keys":[]}"#).unwrap().is_empty());
    }
}
