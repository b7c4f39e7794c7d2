//! `usher token …`: the credentials that a tenant's identity provider uses. Several may live at once, so that one can be
//! changed for another without a gap.

use serde_json::{Value, json};

use super::{
    Options, Target, TokenAct,
    answer::cell,
    client::Client,
    mistake::Mistake,
    output::{self, Output},
    path_word::KeyId,
};

pub(super) fn run(act: TokenAct, options: &Options) -> Result<(), Mistake> {
    if let TokenAct::Revoke { key_id: Some(key_id), .. } = &act {
        refuse_a_whole_token(key_id)?;
    }
    let client = options.connect()?;
    let output = options.output();
    match act {
        TokenAct::Issue { target, expires_in_days } => issue(&client, &target, expires_in_days, output),
        TokenAct::List(target) => list(&client, &target, output),
        TokenAct::Revoke { target, key_id } => revoke(&client, &target, key_id, output),
    }
}

/// A token pasted for its id must not travel in a URL, where logs would keep it; nor is it said again here.
fn refuse_a_whole_token(key_id: &KeyId) -> Result<(), Mistake> {
    if key_id.as_str().starts_with("ush_") {
        return Err(Mistake::usage("That is a token, not its id; `usher token list` shows the ids."));
    }
    Ok(())
}

fn tokens_of(target: &Target) -> String {
    format!("{}/tokens", target.path())
}

fn issue(
    client: &Client,
    target: &Target,
    expires_in_days: Option<u32>,
    output: Output,
) -> Result<(), Mistake> {
    let body = expires_in_days.map_or_else(|| json!({}), |days| json!({ "expires_in_days": days }));
    let issued = client.post(&tokens_of(target), &body)?;
    if output == Output::Json {
        return output::json(&issued);
    }
    let named = ["base_url", "token", "key_id", "expires"];
    output::facts(&named.map(|name| [name.replace('_', " "), cell(&issued, name)]))?;
    output::text("\nThe token is shown this once: enter it in the identity provider now.")
}

fn list(client: &Client, target: &Target, output: Output) -> Result<(), Mistake> {
    let tokens = client.all(&tokens_of(target), "key_id")?;
    if output == Output::Json {
        return output::json(&tokens.into());
    }
    let row = |token: &Value| {
        ["key_id", "created", "expires", "revoked", "last_used"].map(|name| cell(token, name))
    };
    let rows: Vec<_> = tokens.iter().map(row).collect();
    output::table(["KEY ID", "CREATED", "EXPIRES", "REVOKED", "LAST USED"], &rows)
}

fn revoke(client: &Client, target: &Target, key_id: Option<KeyId>, output: Output) -> Result<(), Mistake> {
    let key_id = match key_id {
        Some(named) => named,
        None => the_only_one(client, target)?,
    };
    client.delete(&format!("{}/{key_id}", tokens_of(target)))?;
    match output {
        Output::Json => output::json(&json!({ "key_id": key_id.as_str(), "revoked": true })),
        Output::Human => output::text(&format!("Token {key_id} of {} is revoked.", target.label())),
    }
}

/// The one that is not revoked; where there are several, guessing would cut off an identity provider.
fn the_only_one(client: &Client, target: &Target) -> Result<KeyId, Mistake> {
    let tokens = client.all(&tokens_of(target), "key_id")?;
    let live = tokens.iter().filter(|token| token.get("revoked").is_none_or(Value::is_null));
    let ids: Vec<String> = live.map(|token| cell(token, "key_id")).collect();
    match ids.as_slice() {
        [] => Err(Mistake::failed(format!("{} has no token to revoke.", target.label()))),
        [only] => only.parse().map_err(|_| Mistake::failed("The gateway named a token by no token id.")),
        several => Err(Mistake::usage(format!(
            "{} has {} live tokens; say which one to revoke: {}.",
            target.label(),
            several.len(),
            several.join(", ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_place_of_its_id_is_not_sent_and_not_repeated() {
        let Err(Mistake::Usage(sentence)) = refuse_a_whole_token(&"ush_ire_secret".parse().unwrap()) else {
            panic!("taken for an id");
        };
        assert!(!sentence.contains("secret"), "{sentence}");
    }
}
