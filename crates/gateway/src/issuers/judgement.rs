//! A signed token against one trust.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Map, Value};
use tenant_registry::{Trust, TrustedFor};

/// How much an issuer's clock may be ahead, in seconds.
const AHEAD: i64 = 60;

/// What a token says of itself.
pub(super) type Claims = Map<String, Value>;

/// How a token and a trust go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// The token meets the trust, and expires at this second since 1970 UTC.
    Met { exp: i64 },
    /// It has expired, is not valid yet, or lives longer than an assertion may.
    Untimely,
    /// No key of the issuer has signed it, or by an algorithm that is not trusted.
    BadSignature,
    /// It is for somebody else.
    WrongAudience,
    /// A claim has another value than the trust asks for.
    WrongClaim,
    /// The issuer's keys cannot be had for so many seconds.
    Later { seconds: u64 },
}

/// The end of a token whose times are right; `exp` must be there.
pub(super) fn end(claims: &Claims, now: i64, longest: Option<i64>) -> Option<i64> {
    let exp = claims.get("exp").and_then(seconds)?;
    let begins = match claims.get("nbf") {
        Some(nbf) => seconds(nbf)? <= now + AHEAD,
        None => true,
    };
    let is_short = longest.is_none_or(|longest| exp <= now + longest);
    (exp > now && begins && is_short).then_some(exp)
}

/// Whole seconds of a NumericDate (RFC 7519 §2), which may have a fraction.
fn seconds(value: &Value) -> Option<i64> {
    match value.as_i64() {
        Some(seconds) => Some(seconds),
        None => format!("{:.0}", value.as_f64()?.floor()).parse().ok(),
    }
}

/// Base64url without padding, as tokens have it.
pub(super) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The claims, if this key has signed them.
pub(super) fn verified(sent: &str, algorithm: Algorithm, key: &DecodingKey) -> Option<Claims> {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    decode::<Claims>(sent, key, &validation).ok().map(|data| data.claims)
}

/// Judges what is signed; the times were judged before.
pub(super) fn judge(claims: &Claims, trust: &Trust, exp: i64) -> Judgement {
    let audience =
        |value: &Value| value.as_str().is_some_and(|aud| trust.audiences.iter().any(|own| own == aud));
    let is_for_us = match claims.get("aud") {
        Some(Value::Array(several)) => several.iter().any(audience),
        Some(one) => audience(one),
        None => false,
    };
    if claims.get("iss").and_then(Value::as_str) != Some(&trust.issuer) {
        return Judgement::WrongClaim;
    }
    if !is_for_us {
        return Judgement::WrongAudience;
    }
    let fits = |(name, value): (&String, &String)| claims.get(name).is_some_and(|claim| has(claim, value));
    if trust.claims.iter().all(fits) { Judgement::Met { exp } } else { Judgement::WrongClaim }
}

/// Whether a claim is this text, or a list that has it.
fn has(claim: &Value, value: &str) -> bool {
    match claim {
        Value::String(text) => text == value,
        Value::Array(several) => several.iter().any(|one| !one.is_array() && has(one, value)),
        Value::Number(_) | Value::Bool(_) => value.parse().is_ok_and(|value: Value| value == *claim),
        Value::Null | Value::Object(_) => false,
    }
}

/// Whether an assertion proves this client: the trust names its subject, or the subject is the client (RFC 7523 §3).
pub(super) fn proves(claims: &Claims, trust: &Trust, client_id: &str) -> bool {
    trust.purpose == TrustedFor::Assertion
        && (trust.claims.contains_key("sub") || claims.get("sub").and_then(Value::as_str) == Some(client_id))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tenant_registry::{KeySource, PublicKeyAlgorithm};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn claims(value: Value) -> Claims {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn attack_17_a_token_has_an_end_and_its_times_are_numbers() {
        let end = |value: Value| end(&claims(value), NOW, None);
        assert_eq!(end(json!({ "exp": NOW + 1 })), Some(NOW + 1));
        assert_eq!(end(json!({ "exp": 1_800_000_001.5 })), Some(NOW + 1));
        assert_eq!(end(json!({ "exp": NOW + 1, "nbf": NOW + AHEAD })), Some(NOW + 1));
        let untimely = [
            json!({}),
            json!({ "exp": NOW }),
            json!({ "exp": NOW - 300 }),
            json!({ "exp": null }),
            json!({ "exp": (NOW + 1).to_string() }),
            json!({ "exp": NOW + 1, "nbf": NOW + AHEAD + 1 }),
            json!({ "exp": NOW + 1, "nbf": "0" }),
            json!({ "exp": NOW + 1, "nbf": null }),
        ];
        for value in untimely {
            assert_eq!(end(value.clone()), None, "{value}");
        }
    }

    #[test]
    fn an_assertion_lives_no_longer_than_it_may() {
        let lives = |seconds: i64| end(&claims(json!({ "exp": NOW + seconds })), NOW, Some(5_400)).is_some();
        assert!(lives(5_400) && !lives(5_401));
    }

    #[test]
    fn issuer_audience_and_claims_are_compared_exactly() {
        let trust = Trust {
            issuer: "https://login.example.com/".into(),
            audiences: vec!["usher".into(), "api://usher".into()],
            keys: KeySource::Url("https://login.example.com/keys".into()),
            algorithms: vec![PublicKeyAlgorithm::RS256],
            claims: [("roles".into(), "scim".into()), ("ver".into(), "2".into())].into(),
            purpose: TrustedFor::Bearer,
        };
        let iss = "https://login.example.com/";
        let good = json!({ "iss": iss, "aud": "usher", "roles": ["x", "scim"], "ver": 2 });
        let with = |name: &str, value: Value| {
            let mut changed = claims(good.clone());
            changed.insert(name.to_owned(), value);
            judge(&changed, &trust, NOW)
        };
        assert_eq!(with("aud", json!(["other", "api://usher"])), Judgement::Met { exp: NOW });
        for aud in
            [json!("Usher"), json!("usher "), json!(["other"]), json!([["usher"]]), json!({}), json!(null)]
        {
            assert_eq!(with("aud", aud.clone()), Judgement::WrongAudience, "{aud}");
        }
        for iss in [json!("https://login.example.com"), json!(["https://login.example.com/"]), json!(null)] {
            assert_eq!(with("iss", iss.clone()), Judgement::WrongClaim, "{iss}");
        }
        for roles in [json!("Scim"), json!(["x"]), json!([["scim"]]), json!({ "scim": true }), json!(null)] {
            assert_eq!(with("roles", roles.clone()), Judgement::WrongClaim, "{roles}");
        }
        assert_eq!(with("ver", json!("2")), Judgement::Met { exp: NOW });
    }
}
