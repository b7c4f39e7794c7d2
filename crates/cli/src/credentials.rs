//! `usher credential …`: the credentials of every kind that a tenant's identity providers use. Several may live at once, so that one can be
//! changed for another without a gap.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Value, json};
use staff::CredentialRequest;
use tenant_registry::CredentialKind;

use crate::{
    commands::{CredentialAct, NewCredential, NewIssuer, NewKind, Options, Target},
    mistake::Mistake,
    output::{self, cell, facts, list, member, with},
    session::Session,
};

pub(crate) fn run(act: CredentialAct, options: &Options) -> Result<(), Mistake> {
    if let CredentialAct::Revoke { key_id, .. } | CredentialAct::Test { key_id, .. } = &act {
        check_key_id(key_id)?;
    }
    let session = Session::open(options)?;
    match act {
        CredentialAct::Add { kind } => add(&session, kind),
        CredentialAct::List(target) => {
            let listed = session.client.all(&target.path("/credentials"), "key_id")?;
            session.show(&listed, |listed| {
                let rows: Vec<Value> = output::elements(listed).iter().map(in_words).collect();
                list(
                    [
                        "key_id",
                        "kind",
                        "scopes",
                        "made_by",
                        "created",
                        "expires",
                        "revoked",
                        "last_used",
                        "warning",
                        "note",
                    ],
                    &rows,
                )
            })
        }
        CredentialAct::Revoke { target, key_id } => {
            session.client.delete(&target.path(&format!("/credentials/{key_id}")))?;
            session.show(&json!({ "key_id": key_id, "revoked": true }), |_| {
                format!("Credential {key_id} of {target} is revoked.")
            })
        }
        CredentialAct::RotateSigningKey { region } => {
            let body = region.map_or_else(|| json!({}), |region| json!({ "region": region }));
            let made = session.client.post("signing-keys", &body)?;
            session.show(&made, |made| list(["region", "kid", "created"], output::elements(made)))
        }
        CredentialAct::Test { target, key_id } => test(&session, &target, &key_id),
    }
}

/// A secret that was pasted instead of its id must not be sent in a URL, where logs would keep it. The message does not repeat it.
pub(crate) fn check_key_id(key_id: &str) -> Result<(), Mistake> {
    let shows = "`usher credential list` shows the ids";
    if key_id.starts_with("ush_") || key_id.starts_with("ushk_") || key_id.starts_with("ushs_") {
        return Err(Mistake::usage(format!("That is a token or a key, not its id; {shows}.")));
    }
    if key_id.is_empty() || !key_id.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(Mistake::usage(format!("A credential's id is letters and digits; {shows}.")));
    }
    Ok(())
}

/// The scopes of a listed credential as one word.
fn in_words(listed: &Value) -> Value {
    let scopes = member(listed, "scopes").as_array().into_iter().flatten().filter_map(Value::as_str);
    with(listed.clone(), "scopes", scopes.collect::<Vec<_>>().join(","))
}

fn add(session: &Session, kind: NewKind) -> Result<(), Mistake> {
    let (kind, new, own) = match kind {
        NewKind::Bearer(new) => (CredentialKind::Bearer, new, CredentialRequest::default()),
        NewKind::Basic(new) => (CredentialKind::Basic, new, CredentialRequest::default()),
        NewKind::Oauth { new, client_id } => {
            (CredentialKind::Oauth, new, CredentialRequest { client_id, ..CredentialRequest::default() })
        }
        NewKind::Issuer(issuer) => {
            let (new, own) = trust(*issuer)?;
            (CredentialKind::Issuer, new, own)
        }
    };
    let NewCredential { target, scopes, expires_in_days, note, made_by } = new;
    let body = CredentialRequest {
        kind,
        scopes: Some(scopes).filter(|scopes| !scopes.is_empty()),
        expires_in_days: expires_in_days.map(i64::from),
        note,
        made_by,
        ..own
    };
    let issued = session.client.post(&target.path("/credentials"), &json!(body))?;
    session.show(&issued, |issued| {
        let secret: &[&str] = match kind {
            CredentialKind::Issuer => return trusted(issued),
            CredentialKind::Bearer => &["token"],
            CredentialKind::Basic => &["key", "secret"],
            CredentialKind::Oauth => &["token_url", "client_id", "client_secret"],
        };
        let names = ["base_url"].iter().chain(secret).chain(&["key_id", "expires"]).copied();
        let what = if kind == CredentialKind::Bearer { "token" } else { "secret" };
        let facts = facts(names, issued);
        format!("{facts}\n\nThe {what} is shown this once: enter it in the identity provider now.")
    })
}

/// The part of a request that tells of an issuer.
fn trust(issuer: NewIssuer) -> Result<(NewCredential, CredentialRequest), Mistake> {
    let NewIssuer { new, issuer, audience, jwks_url, jwks_file, algorithms, claims, purpose, client_id } =
        issuer;
    let of_file = |file: &Path| {
        let cannot = |why: String| Mistake::failed(format!("{} {why}.", file.display()));
        let text = fs::read(file).map_err(|error| cannot(format!("cannot be read: {error}")))?;
        serde_json::from_slice(&text).map_err(|error| cannot(format!("is no JSON: {error}")))
    };
    let number = claims.len();
    let claims: BTreeMap<String, String> = claims.into_iter().collect();
    if claims.len() < number {
        return Err(Mistake::usage("A claim has one value; name it once.".to_owned()));
    }
    let own = CredentialRequest {
        issuer: Some(issuer),
        audiences: Some(audience),
        jwks_url,
        jwks: jwks_file.as_deref().map(of_file).transpose()?,
        algorithms: Some(algorithms).filter(|algorithms| !algorithms.is_empty()),
        claims: Some(claims),
        purpose: Some(purpose),
        client_id,
        ..CredentialRequest::default()
    };
    Ok((new, own))
}

fn trusted(issued: &Value) -> String {
    let several = |name: &str| {
        let words = member(issued, name).as_array().into_iter().flatten().filter_map(Value::as_str);
        words.collect::<Vec<_>>().join(", ")
    };
    let shown = with(issued.clone(), "audiences", several("audiences"));
    let shown = with(shown, "algorithms", several("algorithms"));
    let names: &[&str] = match cell(issued, "for").as_str() {
        "assertion" => &["token_url", "client_id"],
        _ => &["base_url"],
    };
    let names =
        names.iter().chain(&["key_id", "issuer", "audiences", "jwks_url", "algorithms", "for"]).copied();
    format!("{}\n\nTokens of this issuer are trusted from now on.", facts(names, &shown))
}

fn test(session: &Session, target: &Target, key_id: &str) -> Result<(), Mistake> {
    let tested = session.client.post(&target.path(&format!("/credentials/{key_id}/test")), &json!({}))?;
    let is_served = cell(&tested, "credential") == "ok" && cell(&tested, "provisioning") == "active";
    session.show(&tested, |tested| cell(tested, "sentence"))?;
    if is_served {
        Ok(())
    } else {
        Err(Mistake::failed("A request with this credential would not be served."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_place_of_its_id_is_not_sent_and_not_repeated() {
        for pasted in ["ush_ire_secret", "ushk_ire_x:secret", "../secret"] {
            let Err(Mistake::Usage(sentence)) = check_key_id(pasted) else { panic!("taken for an id") };
            assert!(!sentence.contains("secret"), "{sentence}");
        }
    }
}
