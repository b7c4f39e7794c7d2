//! `usher tenant create --guide`: from nothing to the first person, with what the guide says and nothing else.

use serde_json::{Value, json};
use testkit::{gateway::Gateway, http::Request, signing::SigningKey};

use super::{pair, text};
use crate::{
    issuers::{server::Issuer, token, trusting},
    running::{gateway, user_body},
};

fn made(gateway: &Gateway, key: &str, more: &[&str]) -> Value {
    let words = ["tenant", "create", "--region", "ire", "--key", key, "--name", "Acme", "--json"];
    serde_json::from_str(&gateway.cli_ok(&[&words[..], more].concat())).unwrap()
}

/// Makes the first person, with this `Authorization`.
fn first_person(base_url: &str, authorization: &str) {
    let body = user_body(&json!({ "userName": "ada@acme.example", "userType": "member_lite" }));
    let request = Request::new("POST", &format!("{base_url}/Users")).header("authorization", authorization);
    let made = request.json(&body).send().expect(201);
    assert_eq!(made.body["userName"], "ada@acme.example");
}

#[test]
fn a_newcomer_comes_from_nothing_to_the_first_person_by_oauth() {
    let gateway = gateway();
    let tenant = made(&gateway, "acme", &["--guide", "entra", "--seats", "member_lite=5"]);
    let (guide, client) = (&tenant["guide"], &tenant["guide"]["credential"]);
    let basic = pair(text(client, "client_id"), text(client, "client_secret"));
    let form = Request::new("POST", text(client, "token_url")).header("authorization", &basic);
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    let answer = form.bytes(b"grant_type=client_credentials&scope=scim").send().expect(200);
    first_person(text(client, "base_url"), &format!("Bearer {}", text(&answer.body, "access_token")));
    let mapped: Vec<&str> = guide["mapping"].as_array().unwrap().iter().map(|row| text(row, "to")).collect();
    assert!(mapped.contains(&"userName") && mapped.contains(&"active"), "{guide}");
    assert_eq!(guide["roles"][0]["to"], "userType");
    assert!(text(guide, "base_url_expression").ends_with("/{region}/{company key}/scim/v2"), "{guide}");
    assert!(!text(guide, "test").contains(text(client, "client_secret")));
}

#[test]
fn a_newcomer_comes_to_the_first_person_without_a_secret() {
    let (gateway, key) = (trusting(), SigningKey::rsa(0, "one"));
    let entra = Issuer::start(&[&key]);
    let tenant = made(&gateway, "acme", &["--guide", "entra-wif", "--seats", "member_lite=5"]);
    let told = &tenant["guide"]["credential"];
    // The administrator tells directory and application, and support puts them into the command.
    let (directory, object) = ("https://login.microsoftonline.com/DIRECTORY_ID", "3f2504e0");
    let command = text(told, "command").replace(&format!("{directory}/v2.0"), &entra.name());
    let command = command.replace(&format!("{directory}/discovery/v2.0/keys"), &entra.url());
    let command = command.replace("OBJECT_ID", object);
    gateway.cli_ok(&command.split_whitespace().skip(1).collect::<Vec<_>>());
    let aud = text(told, "audience");
    let assertion = token(&key, &entra, json!({ "sub": object, "aud": aud }));
    let form = Request::new("POST", text(told, "token_url"))
        .header("content-type", "application/x-www-form-urlencoded")
        .bytes(
            format!(
                "grant_type=client_credentials&scope=scim&client_id={}&client_assertion={assertion}\
                 &client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                text(told, "client_id")
            )
            .as_bytes(),
        );
    let answer = form.send().expect(200);
    first_person(text(told, "base_url"), &format!("Bearer {}", text(&answer.body, "access_token")));
    let words = ["tenant", "create", "--region", "ire", "--key", "globex", "--name", "Globex"];
    let told = gateway.cli_ok(&[&words[..], &["--guide", "entra-wif"]].concat());
    for part in [
        "Workload identity federation",
        "/ire/globex/oauth/token",
        "usher credential add issuer",
        "entra-globex",
    ] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
}

#[test]
fn the_guide_for_okta_takes_the_kind_that_the_profile_has_and_says_what_to_type_in() {
    let gateway = gateway();
    let token = made(&gateway, "acme", &["--guide", "okta", "--seats", "member_lite=5"]);
    let token = &token["guide"]["credential"];
    first_person(text(token, "base_url"), &format!("Bearer {}", text(token, "token")));
    let words =
        ["tenant", "create", "--region", "ire", "--key", "globex", "--name", "Globex", "--guide", "okta"];
    let told = gateway.cli_ok(&words);
    for part in [
        "SCIM connector base URL",
        "/ire/globex/scim/v2",
        "HTTP Header",
        "user.login",
        "userType",
        "member_lite",
    ] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
    assert_eq!(
        gateway.cli(&["tenant", "create", "--region", "ire", "--name", "A", "--guide", "none"]).status.code(),
        Some(2)
    );
}
