//! Every route with every kind of credential that is not its own: one uniform refusal, and nothing changed (rows 5 and 18).

use std::collections::BTreeSet;

use serde_json::json;
use testkit::{
    gateway::{Gateway, Tenant},
    http::{Answer, Request},
};

use crate::credentials::{Held, of_every_kind};

use super::{everything, face, gateway_with, group, roomy};

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"];

/// Every route of SCIM, built or not, and paths that are none.
const SCIM: [&str; 26] = [
    "",
    "/Users",
    "/Users/{user}",
    "/Groups",
    "/Groups/{group}",
    "/ServiceProviderConfig",
    "/ResourceTypes",
    "/ResourceTypes/User",
    "/Schemas",
    "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
    "/.search",
    "/Users/.search",
    "/Groups/.search",
    "/Licenses/.search",
    "/Roles/.search",
    "/Bulk",
    "/Me",
    "/Me/x",
    "/Licenses",
    "/Licenses/member",
    "/Roles",
    "/Roles/admin",
    "/nothing",
    "/Users/{user}/groups",
    "/Users/",
    "//Users",
];

/// Every route of the admin API below `/admin/v1`, and paths that are none.
const ADMIN: [&str; 64] = [
    "",
    "/regions",
    "/tokens",
    "/tokens/nobody",
    "/acts",
    "/profiles",
    "/profiles/default",
    "/diagnose",
    "/signing-keys",
    "/tick",
    "/regions/ire/tenants",
    "/regions/ire/cells",
    "/regions/ire/cells/c1",
    "/regions/ire/import",
    "/regions/ire/acts",
    "/regions/ire/health",
    "/regions/ire/log-level",
    "/regions/ire/tenants/b",
    "/regions/ire/tenants/b/activate",
    "/regions/ire/tenants/b/suspend",
    "/regions/ire/tenants/b/resume",
    "/regions/ire/tenants/b/credentials",
    "/regions/ire/tenants/b/credentials/{key_id}",
    "/regions/ire/tenants/b/credentials/{key_id}/test",
    "/regions/ire/tenants/b/tokens",
    "/regions/ire/tenants/b/tokens/{key_id}",
    "/regions/ire/tenants/b/seats",
    "/regions/ire/tenants/b/seats/audit",
    "/regions/ire/tenants/b/seats/waiting",
    "/regions/ire/tenants/b/seats/lines",
    "/regions/ire/tenants/b/seats/lines/1",
    "/regions/ire/tenants/b/schemas",
    "/regions/ire/tenants/b/schemas/urn:example:hr:2.0:User",
    "/regions/ire/tenants/b/profile",
    "/regions/ire/tenants/b/profile/overrides",
    "/regions/ire/tenants/b/profile/reapply",
    "/regions/ire/tenants/b/users",
    "/regions/ire/tenants/b/users/{user}",
    "/regions/ire/tenants/b/users/{user}/release",
    "/regions/ire/tenants/b/groups",
    "/regions/ire/tenants/b/groups/{group}",
    "/regions/ire/tenants/b/groups/{group}/release",
    "/regions/ire/tenants/b/breaker",
    "/regions/ire/tenants/b/breaker/release",
    "/regions/ire/tenants/b/breaker/rollback",
    "/regions/ire/tenants/b/acts",
    "/regions/ire/tenants/b/changes",
    "/regions/ire/tenants/b/log",
    "/regions/ire/tenants/b/log-level",
    "/regions/ire/tenants/b/explain?user=x",
    "/regions/ire/tenants/b/health",
    "/regions/ire/tenants/b/dropped",
    "/regions/ire/tenants/b/export",
    "/regions/ire/tenants/b/move",
    "/regions/ire/tenants/b/restore",
    "/regions/ire/tenants/b/preview",
    "/regions/ire/tenants/b/reconcile",
    "/regions/ire/tenants/b/undo",
    "/nothing",
    "/regions/ire/nothing",
    "/regions/mars/tenants",
    "/regions/ire/tenants/b/nothing",
    "/regions/ire/tenants/nobody",
    "/regions/ire/tenants/nobody/credentials",
];

struct Place {
    gateway: Gateway,
    a: Tenant,
    b: Tenant,
    user: String,
    group: String,
}

fn place() -> Place {
    let gateway = gateway_with(&[("USHER__LIMITS__WRONG_SECRETS", "1000000")]);
    let (a, b) = (roomy(&gateway, "ire", "a"), roomy(&gateway, "ire", "b"));
    let user = b.create_user("bob", "user").expect(201).id();
    let group = b.post("/Groups", &group("club", &[&user])).expect(201).id();
    Place { gateway, a, b, user, group }
}

fn send(method: &str, url: &str, credential: Option<&str>) -> Answer {
    let mut request = Request::new(method, url);
    if let Some(credential) = credential {
        request = request.header("authorization", credential);
    }
    if matches!(method, "POST" | "PUT" | "PATCH") {
        request = request
            .json(&json!({ "schemas": [super::USER], "userName": "stolen", "settings": { "strict": true } }));
    }
    request.send()
}

fn admin_token(gateway: &Gateway) -> String {
    std::fs::read_to_string(gateway.data_dir().join("admin-token")).unwrap().trim().to_owned()
}

#[test]
fn attack_5_every_scim_route_refuses_every_foreign_credential_alike() {
    let Place { gateway, a, b, user, group } = place();
    let before = everything(&b);
    let staff = format!("Bearer {}", admin_token(&gateway));
    let (foreign, revoked) = (of_every_kind(&gateway, &a), of_every_kind(&gateway, &b));
    let opens = |tenant: &Tenant, held: &Held| {
        let answer = send("GET", &format!("{}/Users", tenant.base_url), Some(&held.authorization));
        assert_eq!(answer.status, if held.opens { 200 } else { 401 }, "{}: {}", held.kind, answer.text);
    };
    foreign.iter().for_each(|held| opens(&a, held));
    revoked.iter().for_each(|held| opens(&b, held));
    for key_id in revoked.iter().map(|held| &held.key_id).collect::<BTreeSet<_>>() {
        gateway.admin("DELETE", &format!("{}/credentials/{key_id}", b.admin_path()), None).expect(204);
    }
    let mut credentials = vec![("none", None), ("admin token", Some(staff.as_str()))];
    credentials.extend(foreign.iter().map(|held| (held.kind, Some(held.authorization.as_str()))));
    credentials.extend(revoked.iter().map(|held| (held.kind, Some(held.authorization.as_str()))));
    for method in METHODS {
        let unknown = send(method, &format!("{}/ire/nobody/scim/v2/Users", gateway.url), None);
        assert_eq!(unknown.status, 401, "{method}");
        assert_eq!(unknown.header("www-authenticate"), Some("Bearer, Basic realm=\"usher\""));
        if method != "HEAD" {
            unknown.clone().expect_error(401, "");
        }
        for route in SCIM {
            let url = format!("{}{}", b.base_url, route.replace("{user}", &user).replace("{group}", &group));
            for (kind, credential) in &credentials {
                let refused = send(method, &url, *credential);
                assert_eq!(face(&refused), face(&unknown), "{method} {route} {kind} {credential:?}");
            }
        }
    }
    assert_eq!(everything(&b), before);
    foreign.iter().for_each(|held| opens(&a, held));
}

#[test]
fn attack_18_every_admin_route_refuses_all_but_the_admin_token_alike() {
    let Place { gateway, b, user, group, .. } = place();
    let held = of_every_kind(&gateway, &b);
    let before = gateway.admin("GET", "/regions/ire/tenants", None).expect(200).body;
    let tokens = gateway.admin("GET", &format!("{}/tokens", b.admin_path()), None).expect(200).body;
    let key_id = tokens[0]["key_id"].as_str().unwrap();
    let token = admin_token(&gateway);
    let mut credentials = vec![
        None,
        Some("Bearer ".to_owned()),
        Some("Bearer".to_owned()),
        Some(token.clone()),
        Some(format!("Basic {token}")),
        Some(format!("Bearer {token}x")),
        Some(format!("Bearer {}", &token[..token.len() - 1])),
    ];
    credentials.extend(held.iter().map(|held| Some(held.authorization.clone())));
    for method in METHODS {
        let expected = face(&send(method, &format!("{}/admin/v1/regions", gateway.url), None));
        assert_eq!(expected.0, 401, "{method}");
        for route in ADMIN {
            let route = route.replace("{key_id}", key_id).replace("{user}", &user).replace("{group}", &group);
            let url = format!("{}/admin/v1{route}", gateway.url);
            for credential in &credentials {
                let refused = send(method, &url, credential.as_deref());
                assert_eq!(face(&refused), expected, "{method} {route} {credential:?}");
            }
        }
    }
    assert_eq!(gateway.admin("GET", "/regions/ire/tenants", None).expect(200).body, before);
    let now = gateway.admin("GET", &format!("{}/tokens", b.admin_path()), None).expect(200).body;
    assert!(now.as_array().unwrap().iter().all(|t| t["revoked"].is_null()), "{now}");
    for held in held.iter().filter(|held| held.opens) {
        send("GET", &format!("{}/Users", b.base_url), Some(&held.authorization)).expect(200);
    }
}

#[test]
fn what_needs_no_credential_is_a_short_list_that_tells_nothing_of_tenants() {
    let Place { gateway, .. } = place();
    let metadata = "/.well-known/oauth-authorization-server/ire/b";
    for path in ["/livez", "/readyz", "/s/anything", metadata] {
        let open = send("GET", &format!("{}{path}", gateway.url), None).expect(200);
        super::assert_no_leak(&open, &["club", "bob"]);
    }
    for path in
        ["/metrics", "/admin", "/", "/docs", "/debug", "/.env", "/favicon.ico", "/livez/x", "/.well-known/x"]
    {
        let closed = send("GET", &format!("{}{path}", gateway.url), None);
        assert_eq!(closed.status, 404, "{path}: {}", closed.text);
    }
}
