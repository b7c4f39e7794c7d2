//! Named admin tokens: what each reaches, and when it ends.

use serde_json::{Value, json};
use testkit::{
    database::Database,
    gateway::Gateway,
    http::{Answer, Request},
};

use super::{problem, token};
use crate::running::{at, gateway, gateway_with, roomy, two_processes};

/// A token that the root token makes by the command line; the whole answer.
fn add(gateway: &Gateway, name: &str, bound: &[&str]) -> Value {
    let words = [&["admin-token", "add", "--json", "--name", name], bound].concat();
    serde_json::from_str(&gateway.cli_ok(&words)).unwrap()
}

fn text(added: &Value) -> String {
    added["token"].as_str().unwrap().to_owned()
}

/// A request to the admin API with this token.
fn with(gateway: &Gateway, token: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let request = Request::new(method, &format!("{}/admin/v1{path}", gateway.url)).bearer(token);
    body.into_iter().fold(request, Request::json).send()
}

#[test]
fn me2_a_bound_token_reaches_its_tenant_or_its_region_and_nothing_else() {
    let (gateway, acme) = roomy();
    gateway.tenant("ire", "globex", None, None);
    gateway.tenant("us", "acme", None, None);
    let (of_tenant, of_region, of_all) = (
        add(&gateway, "of-tenant", &["--tenant", "ire/acme"]),
        add(&gateway, "of-region", &["--region", "ire"]),
        add(&gateway, "of-all", &[]),
    );
    assert_eq!(of_tenant["tenant"], "ire/acme");
    assert_eq!((&of_tenant["name"], &of_all["tenant"]), (&json!("of-tenant"), &Value::Null));
    assert!(of_tenant["id"].is_string(), "{of_tenant}");
    let statuses = |path: &str| {
        [&of_tenant, &of_region, &of_all].map(|token| with(&gateway, &text(token), "GET", path, None).status)
    };
    assert_eq!(statuses("/regions/ire/tenants/acme"), [200, 200, 200]);
    assert_eq!(statuses("/regions/ire/tenants/acme/seats/audit"), [200, 200, 200]);
    assert_eq!(statuses("/regions/ire/tenants/acme/acts"), [200, 200, 200]);
    assert_eq!(statuses("/regions/ire/tenants/globex"), [403, 200, 200]);
    assert_eq!(statuses("/regions/ire/tenants"), [403, 200, 200]);
    assert_eq!(statuses("/regions/ire/acts"), [403, 200, 200]);
    assert_eq!(statuses("/regions/us/tenants/acme"), [403, 403, 200]);
    assert_eq!(statuses("/regions"), [403, 403, 200]);
    assert_eq!(statuses("/acts"), [403, 403, 200]);
    assert_eq!(statuses("/tokens"), [403, 403, 200]);

    // Only who reaches everything makes tokens, and revokes them.
    let new = json!({ "name": "another" });
    for (bound, sentence) in [
        (&of_tenant, "The admin token of-tenant reaches only ire/acme."),
        (&of_region, "The admin token of-region reaches only region ire."),
    ] {
        let refused = with(&gateway, &text(bound), "POST", "/tokens", Some(&new));
        assert_eq!(problem(&refused, 403), sentence);
        assert_eq!(with(&gateway, &text(bound), "DELETE", "/tokens/of-all", None).status, 403);
        // The path is judged before the body is read, and nothing was done.
        let bytes = super::send(&gateway, "GET", "/regions/ire/tenants/globex", "", b"");
        assert_eq!(bytes.body["mode"], "lenient");
        let strict = json!({ "settings": { "strict": "maybe" } });
        let elsewhere = with(&gateway, &text(bound), "PATCH", "/regions/us/tenants/acme", Some(&strict));
        assert_eq!(elsewhere.status, 403, "{}", elsewhere.text);
    }
    with(&gateway, &text(&of_all), "POST", "/tokens", Some(&new)).expect(201);
    let listed = gateway.admin("GET", "/tokens", None).expect(200);
    let of = |name: &str| listed.body.as_array().unwrap().iter().find(|t| t["name"] == name).unwrap().clone();
    assert_eq!(of("another")["made_by"], "of-all");
    assert_eq!(of("of-tenant")["made_by"], "root");
    assert!(!listed.text.contains(&text(&of_tenant)), "{}", listed.text);

    // No token of staff opens a tenant, and no tenant's token a door of staff.
    for token in [&of_tenant, &of_all] {
        let users = format!("{}/Users", acme.base_url);
        Request::new("GET", &users).bearer(&text(token)).send().expect_error(401, "");
    }
    assert_eq!(with(&gateway, &acme.token, "GET", "/regions/ire/tenants/acme", None).status, 401);
    let metrics = gateway.metrics();
    assert!(metrics.contains("usher_admin_auth_failures_total{reason=\"out_of_reach\"}"), "{metrics}");
}

#[test]
fn me2_a_bound_token_moves_no_tenant_out_of_its_region() {
    let (gateway, acme) = roomy();
    let path = format!("{}/move", acme.admin_path());
    let abroad = json!({ "to_cell": "file", "to_region": "us" });
    for bound in [["--tenant", "ire/acme"], ["--region", "ire"]] {
        let added = add(&gateway, "lena", &bound);
        let refused = with(&gateway, &text(&added), "POST", &path, Some(&abroad));
        assert!(problem(&refused, 403).ends_with("; it moves nothing to region us."), "{}", refused.text);
        gateway.cli_ok(&["admin-token", "revoke", "--name", "lena"]);
    }
    acme.get("/Users").expect(200);
}

#[test]
fn me2_an_admin_token_is_bound_to_the_tenant_and_not_to_its_key() {
    let (gateway, _acme) = roomy();
    let bound = text(&add(&gateway, "lena", &["--tenant", "ire/acme"]));
    let show = || with(&gateway, &bound, "GET", "/regions/ire/tenants/acme", None).status;
    assert_eq!(show(), 200);
    gateway.cli_ok(&["tenant", "delete", "--region", "ire", "--key", "acme", "--yes"]);
    gateway.tenant("ire", "acme", None, None);
    assert_eq!(show(), 401, "another tenant has the key now");
    // The name is free again.
    add(&gateway, "lena", &["--tenant", "ire/acme"]);
}

#[test]
fn me2_a_revoked_token_is_refused_by_the_next_request_of_every_process() {
    let [one, other] = two_processes(&[]);
    let tenant = one.tenant("ire", "acme", None, None);
    let tenant = at(&other, &tenant);
    for bound in [&["--tenant", "ire/acme"][..], &["--region", "ire"], &[]] {
        let lena = text(&add(&one, "lena", bound));
        let show = |process: &Gateway| with(process, &lena, "GET", &tenant.admin_path(), None).status;
        assert_eq!((show(&one), show(&other)), (200, 200));
        one.cli_ok(&["admin-token", "revoke", "--name", "lena"]);
        assert_eq!((show(&other), show(&one)), (401, 401));
    }
    let again = one.admin("DELETE", "/tokens/lena", None);
    assert_eq!(problem(&again, 404), "there is no admin token lena.");
}

#[test]
fn mo10_a_tenants_token_lives_on_when_its_maker_is_revoked() {
    let (gateway, acme) = roomy();
    let lena = text(&add(&gateway, "lena", &[]));
    let tokens = format!("{}/tokens", acme.admin_path());
    let issued = with(&gateway, &lena, "POST", &tokens, None).expect(201);
    let held = testkit::gateway::Tenant { token: text(&issued.body), ..acme.clone() };
    held.get("/Users").expect(200);
    gateway.cli_ok(&["admin-token", "revoke", "--name", "lena"]);
    assert_eq!(with(&gateway, &lena, "GET", "/regions", None).status, 401);
    held.get("/Users").expect(200);
    held.create_user("ada", "").expect(201);
    let makers = gateway.admin("GET", &tokens, None).expect(200);
    let makers: Vec<_> =
        makers.body.as_array().unwrap().iter().map(|token| token["made_by"].clone()).collect();
    assert_eq!(makers, ["root", "lena"], "the maker is kept");
    let acts = gateway.admin("GET", &format!("{}/acts?limit=1", acme.admin_path()), None).expect(200);
    assert_eq!(acts.body[0]["act"], "credential.maker_revoked");
    assert_eq!(acts.body[0]["actor"], "root");
    assert_eq!(acts.body[0]["detail"], json!({ "keyId": issued.body["key_id"], "maker": "lena" }));
}

#[test]
fn attack_21_wrong_named_tokens_are_counted_like_any_wrong_admin_token() {
    let gateway = gateway_with(&[("USHER__LIMITS__WRONG_SECRETS", "3")]);
    let lena = text(&add(&gateway, "lena", &["--region", "ire"]));
    let unknown = [
        format!("{}{}", &lena[..lena.len() - 1], if lena.ends_with('a') { 'b' } else { 'a' }),
        lena.replace("_ire_", "_us_"),
        lena.replace("_ire_", "_zz_"),
    ];
    for wrong in &unknown {
        let refused = with(&gateway, wrong, "GET", "/regions/ire/tenants", None);
        assert_eq!(problem(&refused, 401), "Send the admin token as Authorization: Bearer.");
    }
    let limited = with(&gateway, &unknown[0], "GET", "/regions/ire/tenants", None);
    problem(&limited, 429);
    assert!(limited.header("retry-after").is_some());
    with(&gateway, &lena, "GET", "/regions/ire/tenants", None).expect(200);
    assert_eq!(gateway.admin("GET", "/regions", None).status, 200);
}

#[test]
fn attack_22_of_a_named_token_only_a_hash_rests_and_no_log_shows_it() {
    let gateway = gateway();
    let lena = text(&add(&gateway, "lena", &[]));
    with(&gateway, &lena, "GET", "/regions", None).expect(200);
    let secret = &lena[lena.len() - 32..];
    assert!(!gateway.log().contains(secret));
    if Database::is_wanted() {
        return;
    }
    for region in std::fs::read_dir(gateway.data_dir()).unwrap().map(|entry| entry.unwrap().path()) {
        for name in ["registry.db", "registry.db-wal"] {
            let bytes = std::fs::read(region.join(name)).unwrap_or_default();
            assert!(
                !bytes.windows(secret.len()).any(|found| found == secret.as_bytes()),
                "{}",
                region.display()
            );
        }
    }
}

#[test]
fn an_admin_token_has_a_name_that_is_unique_and_what_it_is_bound_to_exists() {
    let (gateway, _acme) = roomy();
    add(&gateway, "lena", &["--region", "us"]);
    let add = |body: Value| gateway.admin("POST", "/tokens", Some(&body));
    let sentence = "there is an admin token lena already; revoke it, or choose another name.";
    assert_eq!(problem(&add(json!({ "name": "lena" })), 409), sentence, "in whichever region it rests");
    for (body, status) in [
        (json!({ "name": "root" }), 400),
        (json!({ "name": "Lena" }), 400),
        (json!({ "name": "ann", "tenant": "acme" }), 400),
        (json!({ "name": "ann", "tenant": "ire/acme", "region": "ire" }), 400),
        (json!({ "name": "ann", "for": "ever" }), 400),
        (json!({ "name": "ann", "tenant": "ire/nobody" }), 404),
        (json!({ "name": "ann", "region": "zz" }), 404),
    ] {
        assert_eq!(add(body.clone()).status, status, "{body}");
    }
    assert_eq!(gateway.admin("GET", "/tokens", None).body.as_array().unwrap().len(), 1);
    let both =
        gateway.cli(&["admin-token", "add", "--name", "ann", "--tenant", "ire/acme", "--region", "ire"]);
    assert_eq!(both.status.code(), Some(2));
    assert!(gateway.cli_ok(&["admin-token", "list"]).contains("lena"));
    assert!(token(&gateway).starts_with("ush_admin_"));
}
