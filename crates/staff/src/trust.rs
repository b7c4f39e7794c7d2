//! What staff say of an issuer that a tenant trusts, checked.

use std::collections::BTreeMap;

use serde_json::Value;
use tenant_registry::{KeySource, PublicKeyAlgorithm, Trust, TrustedFor};

use crate::printable::line;

/// Longest issuer, audience, address, name or value of a claim, in characters.
const MAX_TEXT: usize = 500;
/// Most audiences, and most claims.
const MAX_MANY: usize = 20;

/// The words of staff about an issuer; each absent for a credential of another kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustRequest {
    pub(crate) issuer: Option<String>,
    pub(crate) audiences: Option<Vec<String>>,
    pub(crate) jwks_url: Option<String>,
    pub(crate) jwks: Option<Value>,
    pub(crate) algorithms: Option<Vec<PublicKeyAlgorithm>>,
    pub(crate) claims: Option<BTreeMap<String, String>>,
    pub(crate) purpose: Option<TrustedFor>,
}

impl TrustRequest {
    /// The first thing that is said of an issuer, by its name in the body.
    pub(crate) fn said(&self) -> Option<&'static str> {
        let said = [
            ("issuer", self.issuer.is_some()),
            ("audiences", self.audiences.is_some()),
            ("jwks_url", self.jwks_url.is_some()),
            ("jwks", self.jwks.is_some()),
            ("algorithms", self.algorithms.is_some()),
            ("claims", self.claims.is_some()),
            ("for", self.purpose.is_some()),
        ];
        said.into_iter().find(|(_, is_said)| *is_said).map(|(name, _)| name)
    }

    /// The trust, or the first fault, without a full stop.
    pub(crate) fn check(self) -> Result<Trust, String> {
        let Self { issuer, audiences, jwks_url, jwks, algorithms, claims, purpose } = self;
        let keys = match (jwks_url, jwks) {
            (Some(url), None) => KeySource::Url(address(&url)?),
            (None, Some(set)) => KeySource::Set(set),
            _ => return Err("An issuer has either jwks_url or jwks".to_owned()),
        };
        let audiences = audiences.unwrap_or_default();
        let claims = claims.unwrap_or_default();
        if !(1..=MAX_MANY).contains(&audiences.len()) {
            return Err(format!("An issuer has 1 to {MAX_MANY} audiences"));
        }
        if claims.len() > MAX_MANY {
            return Err(format!("An issuer has at most {MAX_MANY} claims"));
        }
        let algorithms = algorithms.unwrap_or_else(|| vec![PublicKeyAlgorithm::RS256]);
        if algorithms.is_empty() {
            return Err("algorithms names at least one".to_owned());
        }
        let own = ["iss", "aud", "exp", "nbf"];
        if let Some(name) = own.into_iter().find(|name| claims.contains_key(*name)) {
            return Err(format!("The claim {name} is checked without being named; leave it out of claims"));
        }
        let audience = |text: &String| line("an audience", text, MAX_TEXT);
        let claim = |(name, value): (&String, &String)| {
            Ok((line("the name of a claim", name, MAX_TEXT)?, line("the value of a claim", value, MAX_TEXT)?))
        };
        Ok(Trust {
            issuer: line("issuer", &issuer.unwrap_or_default(), MAX_TEXT)?,
            audiences: audiences.iter().map(audience).collect::<Result<_, _>>()?,
            keys,
            algorithms,
            claims: claims.iter().map(claim).collect::<Result<_, String>>()?,
            purpose: purpose.unwrap_or_default(),
        })
    }
}

/// An address of keys. A name or a password in it would be shown with it.
fn address(text: &str) -> Result<String, String> {
    let url = line("jwks_url", text, MAX_TEXT)?;
    let rest = ["https://", "http://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if host.is_empty() || host.contains('@') || url.contains([' ', '#']) {
        return Err("jwks_url is an address such as https://login.example.com/keys".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked() -> TrustRequest {
        TrustRequest {
            issuer: Some("https://login.example.com".into()),
            audiences: Some(vec!["usher".into()]),
            jwks_url: Some("https://login.example.com/keys".into()),
            ..TrustRequest::default()
        }
    }

    #[test]
    fn an_issuer_signs_with_rs256_for_requests_unless_staff_say_otherwise() {
        let trust = asked().check().unwrap();
        assert_eq!((trust.purpose, trust.algorithms), (TrustedFor::Bearer, vec![PublicKeyAlgorithm::RS256]));
    }

    #[test]
    fn what_an_issuer_lacks_is_said() {
        let url = |url: &str| TrustRequest { jwks_url: Some(url.into()), ..asked() };
        let wrong = [
            (TrustRequest { issuer: None, ..asked() }, "issuer is 1"),
            (TrustRequest { audiences: None, ..asked() }, "1 to 20 audiences"),
            (TrustRequest { audiences: Some(vec![" ".into()]), ..asked() }, "an audience is 1"),
            (TrustRequest { jwks_url: None, ..asked() }, "either jwks_url or jwks"),
            (TrustRequest { jwks: Some(json!({})), ..asked() }, "either jwks_url or jwks"),
            (TrustRequest { algorithms: Some(Vec::new()), ..asked() }, "at least one"),
            (TrustRequest { claims: Some([("aud".into(), "x".into())].into()), ..asked() }, "claim aud"),
            (url("ftp://login.example.com/keys"), "jwks_url is an address"),
            (url("https://name:password@login.example.com/keys"), "jwks_url is an address"),
            (url("https://"), "jwks_url is an address"),
        ];
        for (asked, said) in wrong {
            let fault = asked.check().unwrap_err();
            assert!(fault.contains(said), "{fault}");
        }
    }
}
