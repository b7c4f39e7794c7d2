//! The public keys of an issuer (RFC 7517 §5). A key that cannot verify a signature here is left out: one without a `kid`, with a shared secret,
//! for something else, or of an unknown kind. A set without any other key is none.

use std::{collections::HashMap, sync::Arc};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, Jwk, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// More keys than an issuer has.
const MOST: usize = 200;
/// Longest name of a key, in bytes.
pub(super) const LONGEST_KID: usize = 512;
/// Members that are nobody's but the owner's (RFC 7518 §6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// One key.
#[derive(Debug, PartialEq)]
pub(super) struct PublicKey {
    jwk: Jwk,
}

impl PublicKey {
    pub(super) fn kid(&self) -> &str {
        self.jwk.common.key_id.as_deref().unwrap_or_default()
    }

    /// The members that verification needs.
    fn shown(&self) -> Value {
        let mut shown = json!({ "kid": self.jwk.common.key_id });
        let algorithm = self.jwk.common.key_algorithm.map(|algorithm| algorithm.to_string());
        let parameters = serde_json::to_value(&self.jwk.algorithm).unwrap_or_default();
        if let (Value::Object(members), Value::Object(parameters)) = (&mut shown, parameters) {
            members.extend(parameters);
            members.extend(algorithm.map(|algorithm| ("alg".to_owned(), algorithm.into())));
        }
        shown
    }

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
        for key in document.keys {
            let Ok(jwk) = serde_json::from_value::<Jwk>(key) else { continue };
            let operations = jwk.common.key_operations.as_deref();
            let for_something_else = jwk.common.public_key_use == Some(PublicKeyUse::Encryption)
                || operations.is_some_and(|operations| !operations.contains(&KeyOperations::Verify));
            let is_public = matches!(
                jwk.algorithm,
                AlgorithmParameters::RSA(_)
                    | AlgorithmParameters::EllipticCurve(_)
                    | AlgorithmParameters::OctetKeyPair(_)
            );
            let kid = jwk.common.key_id.clone().filter(|kid| (1..=LONGEST_KID).contains(&kid.len()));
            if let (Some(kid), true, false, true) = (kid, is_public, for_something_else, keys.len() < MOST) {
                keys.entry(kid).or_insert_with(|| Arc::new(PublicKey { jwk }));
            }
        }
        match keys.is_empty() {
            true => Err("it has no public key with a kid that verifies signatures".to_owned()),
            false => Ok(Self(keys)),
        }
    }

    /// What is kept of a set that staff give: the public members of its usable keys.
    ///
    /// # Errors
    /// What is wrong with it, for people; so it is with a private key in it.
    pub(super) fn to_keep(value: &Value) -> Result<Value, String> {
        let all = value.get("keys").and_then(Value::as_array).into_iter().flatten();
        let has_private = |key: &Value| PRIVATE.iter().any(|name| key.get(name).is_some());
        if all.clone().any(has_private) {
            return Err("it holds a private key or a secret; give the public keys alone".to_owned());
        }
        let set = Self::of(value.clone())?;
        let mut keys: Vec<Value> = set.0.values().map(|key| key.shown()).collect();
        keys.sort_by_key(ToString::to_string);
        Ok(json!({ "keys": keys }))
    }

    /// The key of this `kid`.
    pub(super) fn get(&self, kid: &str) -> Option<Arc<PublicKey>> {
        self.0.get(kid).cloned()
    }

    pub(super) fn kids(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
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
            rsa(json!({ "kid": "for wrapping", "key_ops": ["wrapKey"] })),
            rsa(json!({ "kid": "k".repeat(LONGEST_KID + 1) })),
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
    fn what_is_kept_of_a_set_are_its_public_keys() {
        let public = json!({ "kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB" });
        let mut long = public.clone();
        long["x5c"] = json!(["A".repeat(2_000)]);
        let kept = KeySet::to_keep(&json!({ "keys": [long, {}], "more": [0] })).unwrap();
        assert_eq!(kept, json!({ "keys": [public] }));
        assert_eq!(KeySet::to_keep(&kept).unwrap(), kept);
        for (name, value) in [("d", "AQAB"), ("k", "AQAB")] {
            let mut private = public.clone();
            private[name] = json!(value);
            let why = KeySet::to_keep(&json!({ "keys": [public, private] })).unwrap_err();
            assert!(why.contains("private"), "{why}");
        }
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for text in ["", "<html>", "[]", "{}", r#"{"keys":{}}"#] {
            assert!(KeySet::read(text.as_bytes()).is_err(), "{text}");
        }
        let unusable = json!({ "keys": [{ "kty": "oct", "kid": "a", "k": "AQAB" }] });
        for set in [json!({ "keys": [] }), unusable] {
            assert!(KeySet::of(set.clone()).unwrap_err().contains("no public key"), "{set}");
        }
    }
}
