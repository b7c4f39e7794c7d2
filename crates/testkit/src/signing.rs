//! The keys of an issuer, and tokens that they sign.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    rsa::{KeyPairComponents, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    },
};
use serde_json::{Value, json};

/// RSA keys that RFCs show as examples.
const PUBLISHED: &str = include_str!("published_keys.json");

enum Pair {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A key with its name.
pub struct SigningKey {
    pub kid: String,
    /// Its public half, as a JWK.
    pub public: Value,
    pair: Pair,
}

impl SigningKey {
    /// The RSA key of RFC 7515 (0) or of RFC 7520 (1), under this name.
    pub fn rsa(nth: usize, kid: &str) -> Self {
        let published: Value = serde_json::from_str(PUBLISHED).unwrap();
        let key = &published[nth];
        let part = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
        let components = KeyPairComponents {
            public_key: PublicKeyComponents { n: part("n"), e: part("e") },
            d: part("d"),
            p: part("p"),
            q: part("q"),
            dP: part("dp"),
            dQ: part("dq"),
            qInv: part("qi"),
        };
        let pair = Pair::Rsa(Box::new(RsaKeyPair::from_components(&components).unwrap()));
        let public = json!({ "kty": "RSA", "use": "sig", "kid": kid, "n": key["n"], "e": key["e"] });
        Self { kid: kid.to_owned(), public, pair }
    }

    /// A new key for ES256.
    pub fn p256(kid: &str) -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let text = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, text.as_ref(), &random).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let public = json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": encoded(x), "y": encoded(y) });
        Self { kid: kid.to_owned(), public, pair: Pair::P256(pair) }
    }

    /// A new key for EdDSA.
    pub fn ed25519(kid: &str) -> Self {
        let text = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(text.as_ref()).unwrap();
        let x = encoded(pair.public_key().as_ref());
        let public = json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x });
        Self { kid: kid.to_owned(), public, pair: Pair::Ed25519(pair) }
    }

    /// A token with these claims, signed by the algorithm of the key: RS256, ES256 or EdDSA.
    pub fn token(&self, claims: &Value) -> String {
        let alg = match &self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::P256(_) => "ES256",
            Pair::Ed25519(_) => "EdDSA",
        };
        self.token_with(&json!({ "typ": "JWT", "alg": alg, "kid": self.kid }), claims)
    }

    /// The same with a header of the test's own; an RSA key signs by PS256 where it says so.
    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let padding: &dyn RsaEncoding = match header["alg"].as_str() {
                    Some("PS256") => &RSA_PSS_SHA256,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &random, message.as_bytes(), &mut signature).unwrap();
                signature
            }
            Pair::P256(pair) => pair.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
        };
        format!("{message}.{}", encoded(signature))
    }
}

/// A set of the public halves of these keys (RFC 7517 §5).
pub fn key_set(keys: &[&SigningKey]) -> Value {
    json!({ "keys": keys.iter().map(|key| &key.public).collect::<Vec<_>>() })
}

/// Base64url without padding, as tokens have it.
pub fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
