//! Keys of nobody: a token that no key can verify costs a signature too, so that its time does not tell whether its issuer is trusted.

use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, crypto};
use rand::RngExt as _;
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
    },
};

use super::judgement::encoded;

/// One key and a signature of the right length.
struct Key {
    key: DecodingKey,
    signature: String,
}

impl Key {
    fn new(key: DecodingKey, length: usize) -> Self {
        Self { key, signature: encoded(vec![1; length]) }
    }
}

/// One key for each kind of algorithm.
pub(super) struct Nobody {
    rsa: Key,
    p256: Key,
    p384: Key,
    ed25519: Key,
}

impl Nobody {
    /// # Errors
    /// One sentence for the operator, when the system has no randomness.
    pub(super) fn new() -> Result<Self, String> {
        // Of 2,048 bits and odd, so that it is work to verify with it.
        let mut modulus: [u8; 256] = rand::rng().random();
        let [first, .., last] = &mut modulus;
        (*first, *last) = (*first | 0x80, *last | 1);
        let failed = |_| "no key could be made".to_owned();
        let seed: [u8; 32] = rand::rng().random();
        let ed25519 = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(failed)?;
        Ok(Self {
            rsa: Key::new(DecodingKey::from_rsa_raw_components(&modulus, &[1, 0, 1]), 256),
            p256: Key::new(on_curve(&ECDSA_P256_SHA256_FIXED_SIGNING)?, 64),
            p384: Key::new(on_curve(&ECDSA_P384_SHA384_FIXED_SIGNING)?, 96),
            ed25519: Key::new(DecodingKey::from_ed_der(ed25519.public_key().as_ref()), 64),
        })
    }

    /// Does the work of one signature by this algorithm.
    pub(super) fn verify(&self, sent: &str, algorithm: Algorithm) {
        let (key, algorithm) = match (algorithm, algorithm.family()) {
            (Algorithm::ES384, _) => (&self.p384, algorithm),
            (_, AlgorithmFamily::Ec) => (&self.p256, Algorithm::ES256),
            (_, AlgorithmFamily::Ed) => (&self.ed25519, algorithm),
            (_, AlgorithmFamily::Rsa) => (&self.rsa, algorithm),
            _ => (&self.rsa, Algorithm::RS256),
        };
        let _of_no_use = crypto::verify(&key.signature, sent.as_bytes(), &key.key, algorithm);
    }
}

fn on_curve(algorithm: &'static EcdsaSigningAlgorithm) -> Result<DecodingKey, String> {
    let (random, failed) = (SystemRandom::new(), || "no key could be made".to_owned());
    let text = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| failed())?;
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, text.as_ref(), &random).map_err(|_| failed())?;
    Ok(DecodingKey::from_ec_der(pair.public_key().as_ref()))
}
