//! `usher token …`: the bearer tokens among a tenant's credentials, in fewer words.

use serde_json::{Value, json};

use crate::{
    commands::{Options, Target, TokenAct},
    credentials::check_key_id,
    mistake::Mistake,
    output::{self, cell, facts, list},
    session::Session,
};

pub(crate) fn run(act: TokenAct, options: &Options) -> Result<(), Mistake> {
    if let TokenAct::Revoke { key_id: Some(key_id), .. } = &act {
        check_key_id(key_id)?;
    }
    let session = Session::open(options)?;
    match act {
        TokenAct::Issue { target, expires_in_days } => issue(&session, &target, expires_in_days),
        TokenAct::List(target) => {
            let tokens = session.client.all(&target.path("/tokens"), "key_id")?;
            session.show(&tokens, |tokens| {
                list(
                    ["key_id", "created", "expires", "revoked", "last_used", "made_by"],
                    output::elements(tokens),
                )
            })
        }
        TokenAct::Revoke { target, key_id } => revoke(&session, &target, key_id),
    }
}

fn issue(session: &Session, target: &Target, expires_in_days: Option<u32>) -> Result<(), Mistake> {
    let body = expires_in_days.map_or_else(|| json!({}), |days| json!({ "expires_in_days": days }));
    let issued = session.client.post(&target.path("/tokens"), &body)?;
    session.show(&issued, |issued| {
        let facts = facts(["base_url", "token", "key_id", "expires"], issued);
        format!("{facts}\n\nThe token is shown this once: enter it in the identity provider now.")
    })
}

fn revoke(session: &Session, target: &Target, key_id: Option<String>) -> Result<(), Mistake> {
    let key_id = match key_id {
        Some(named) => named,
        None => only_live(session, target)?,
    };
    session.client.delete(&target.path(&format!("/tokens/{key_id}")))?;
    session.show(&json!({ "key_id": key_id, "revoked": true }), |_| {
        format!("Token {key_id} of {target} is revoked.")
    })
}

/// The only live token. With several, a guess could cut off an identity provider.
fn only_live(session: &Session, target: &Target) -> Result<String, Mistake> {
    let tokens = session.client.all(&target.path("/tokens"), "key_id")?;
    let live =
        output::elements(&tokens).iter().filter(|token| token.get("revoked").is_none_or(Value::is_null));
    let ids: Vec<String> = live.map(|token| cell(token, "key_id")).collect();
    match ids.as_slice() {
        [] => Err(Mistake::failed(format!("{target} has no token to revoke."))),
        [only] => check_key_id(only).map(|()| only.clone()),
        several => Err(Mistake::usage(format!(
            "{target} has {} live tokens; say which one to revoke: {}.",
            several.len(),
            several.join(", ")
        ))),
    }
}
