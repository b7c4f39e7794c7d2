//! The cryptography behind `jsonwebtoken`, by `ring`, which TLS uses already: Ed25519 for what is signed here, and the public-key algorithms of
//! other issuers.

use jsonwebtoken::{
    Algorithm, DecodingKey, DecodingKeyKind, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind},
    signature::{self, Signer, Verifier},
};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, Ed25519KeyPair, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes it the process's; more than once does no harm.
pub(crate) fn install() {
    let _is_installed_already = PROVIDER.install_default();
}

struct Signs(Ed25519KeyPair);

/// The key is the seed of 32 bytes.
fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    let pair = Ed25519KeyPair::from_seed_unchecked(key.as_bytes());
    match (algorithm, pair) {
        (Algorithm::EdDSA, Ok(pair)) => Ok(Box::new(Signs(pair))),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

impl Signer<Vec<u8>> for Signs {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.0.sign(message).as_ref().to_vec())
    }
}

impl JwtSigner for Signs {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

/// A public key with the one algorithm that it is used by.
enum PublicKey {
    /// Modulus and exponent, both without zeros in front.
    Rsa(&'static RsaParameters, RsaPublicKeyComponents<Vec<u8>>),
    /// A point of a curve.
    Curve(UnparsedPublicKey<Vec<u8>>),
}

struct Verifies {
    algorithm: Algorithm,
    key: PublicKey,
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    let algorithm = *algorithm;
    let curve = |of: &'static dyn VerificationAlgorithm| {
        key.try_get_as_bytes().map(|point| PublicKey::Curve(UnparsedPublicKey::new(of, point.to_vec())))
    };
    let key = match (algorithm, key.kind()) {
        (Algorithm::EdDSA, _) => curve(&ED25519)?,
        (Algorithm::ES256, _) => curve(&ECDSA_P256_SHA256_FIXED)?,
        (Algorithm::ES384, _) => curve(&ECDSA_P384_SHA384_FIXED)?,
        (_, DecodingKeyKind::RsaModulusExponent { n, e }) => {
            let parameters = rsa(algorithm).ok_or(ErrorKind::InvalidAlgorithm)?;
            let (n, e) = (without_zeros(n), without_zeros(e));
            PublicKey::Rsa(parameters, RsaPublicKeyComponents { n, e })
        }
        _ => return Err(ErrorKind::InvalidAlgorithm.into()),
    };
    Ok(Box::new(Verifies { algorithm, key }))
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::RS256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Some(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Some(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Some(&RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Some(&RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Some(&RSA_PSS_2048_8192_SHA512),
        _ => None,
    }
}

/// Some issuers write zeros in front of a number, which `ring` refuses.
fn without_zeros(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|byte| *byte == 0).collect()
}

impl Verifier<Vec<u8>> for Verifies {
    fn verify(&self, message: &[u8], sent: &Vec<u8>) -> Result<(), signature::Error> {
        let verified = match &self.key {
            PublicKey::Rsa(parameters, key) => key.verify(parameters, message, sent),
            PublicKey::Curve(key) => key.verify(message, sent),
        };
        verified.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Verifies {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
