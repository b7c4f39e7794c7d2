//! Parameters of the admin API: an unknown one is a mistake, not nothing.

use super::problem;
use crate::running::roomy;

#[test]
fn an_unknown_parameter_of_any_route_is_named_and_nothing_is_done() {
    let (gateway, acme) = roomy();
    let (tenants, tenant) = ("/regions/ire/tenants".to_owned(), acme.admin_path());
    let routes = [
        ("GET", "/regions".to_owned()),
        ("GET", tenants.clone()),
        ("POST", tenants.clone()),
        ("GET", tenant.clone()),
        ("PATCH", tenant.clone()),
        ("POST", format!("{tenant}/suspend")),
        ("POST", format!("{tenant}/resume")),
        ("GET", format!("{tenant}/tokens")),
        ("POST", format!("{tenant}/tokens")),
        ("DELETE", format!("{tenant}/tokens/x")),
        ("GET", format!("{tenant}/seats")),
        ("PATCH", format!("{tenant}/seats")),
        ("GET", format!("{tenant}/seats/audit")),
        ("GET", format!("{tenant}/schemas")),
        ("POST", format!("{tenant}/schemas")),
        ("GET", format!("{tenant}/schemas/urn:example:hr:2.0:User")),
        ("PUT", format!("{tenant}/schemas/urn:example:hr:2.0:User")),
        ("DELETE", format!("{tenant}/schemas/urn:example:hr:2.0:User")),
        ("GET", format!("{tenant}/changes")),
        ("GET", format!("{tenant}/dropped")),
        ("GET", format!("{tenant}/export")),
        ("POST", format!("{tenant}/restore")),
        ("POST", format!("{tenant}/preview")),
        ("POST", format!("{tenant}/reconcile")),
        ("POST", "/regions/ire/import".to_owned()),
        ("DELETE", tenant.clone()),
    ];
    for (method, route) in &routes {
        let refused = gateway.admin(method, &format!("{route}?dry_run=true"), None);
        assert!(problem(&refused, 400).contains("\"dry_run\""), "{method} {route}: {}", refused.text);
    }
    for (route, known) in
        [("/tokens", "limit and after"), ("/changes", "limit and resource"), ("/seats", "none")]
    {
        let refused = gateway.admin("GET", &format!("{tenant}{route}?Limit=1"), None);
        assert!(problem(&refused, 400).contains(&format!("takes {known}")), "{}", refused.text);
    }
    let twice = gateway.admin("GET", &format!("{tenant}/changes?limit=1&limit=2"), None);
    assert!(problem(&twice, 400).contains("twice"));
    problem(&gateway.admin("GET", &format!("{tenant}/changes?limit=many"), None), 400);
    problem(&gateway.admin("GET", &format!("{tenants}?after=No%20Key"), None), 400);
    problem(&gateway.admin("GET", &format!("{tenant}?%0a{}", "x".repeat(5_000)), None), 400);
    // The same routes without: the tenant is still there, served, and has its one token.
    assert_eq!(
        gateway.admin("GET", &format!("{tenant}/tokens?"), None).expect(200).body.as_array().unwrap().len(),
        1
    );
    assert_eq!(
        gateway
            .admin("GET", &format!("{tenant}/changes?limit=1"), None)
            .expect(200)
            .body
            .as_array()
            .unwrap()
            .len(),
        1
    );
    acme.get("/Users").expect(200);
}
