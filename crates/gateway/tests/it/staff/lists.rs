//! Lists of the admin API come in pages, and a walk over them meets each lasting entry exactly once.

use serde_json::{Value, json};
use testkit::{gateway::Gateway, http::Answer};

use crate::running::{gateway, roomy};

fn names(answer: &Answer, name: &str) -> Vec<String> {
    let elements = answer.body.as_array().unwrap().iter();
    elements.map(|element| element[name].as_str().unwrap().to_owned()).collect()
}

/// Where the `Link` to the next page leads, below `/admin/v1`.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link")?;
    let path = link.strip_prefix("</admin/v1")?.strip_suffix(">; rel=\"next\"")?;
    Some(path.to_owned())
}

fn onboard(gateway: &Gateway, key: &str) {
    let body = json!({ "key": key, "name": key });
    gateway.admin("POST", "/regions/ire/tenants", Some(&body)).expect(201);
}

#[test]
fn a_walk_over_tenants_meets_who_stays_once_whoever_comes_and_goes() {
    let gateway = gateway();
    ["a1", "a2", "b1", "b2", "c1"].iter().for_each(|key| onboard(&gateway, key));
    let first = gateway.admin("GET", "/regions/ire/tenants?limit=2", None).expect(200);
    assert_eq!(names(&first, "key"), ["a1", "a2"]);
    gateway.admin("DELETE", "/regions/ire/tenants/a2", None).expect(204);
    gateway.admin("DELETE", "/regions/ire/tenants/b2", None).expect(204);
    onboard(&gateway, "a0");
    onboard(&gateway, "b3");
    let second = gateway.admin("GET", &next(&first).unwrap(), None).expect(200);
    assert_eq!(names(&second, "key"), ["b1", "b3"]);
    let last = gateway.admin("GET", &next(&second).unwrap(), None).expect(200);
    assert_eq!((names(&last, "key"), next(&last)), (vec!["c1".to_owned()], None));
    let all = gateway.admin("GET", "/regions/ire/tenants", None).expect(200);
    assert_eq!((names(&all, "key").len(), next(&all)), (5, None));
    let told: Value = serde_json::from_str(&gateway.cli_ok(&["tenant", "list", "--json"])).unwrap();
    assert_eq!(told, all.body, "the command line walks over all pages and regions");
}

#[test]
fn a_list_that_names_no_limit_has_one() {
    let gateway = gateway();
    // As many as a page holds, and some: the rows alone, because a store for each takes its time.
    crate::running::sql(
        &gateway.data_dir().join("ire").join("registry.db"),
        "INSERT INTO tenants (id, company_key, name, state, profile, settings, created_ms) \
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1204) \
         SELECT printf('00000000-0000-0000-0000-%012d', i), printf('t%04d', i), 'T', 'active', 'default', '{}', 0 FROM n",
    );
    let sizes = |query: &str| {
        let page = gateway.admin("GET", &format!("/regions/ire/tenants{query}"), None).expect(200);
        (page.body.as_array().unwrap().len(), next(&page).is_some())
    };
    assert_eq!(sizes(""), (100, true));
    assert_eq!(sizes("?limit=1000000"), (1_000, true));
    assert_eq!(sizes("?limit=1000&after=t0999"), (205, false));
    let told: Value =
        serde_json::from_str(&gateway.cli_ok(&["tenant", "list", "--region", "ire", "--json"])).unwrap();
    assert_eq!(told.as_array().unwrap().len(), 1_205);
}

#[test]
fn tokens_come_in_pages_oldest_first() {
    let (gateway, acme) = roomy();
    let path = format!("{}/tokens", acme.admin_path());
    (0..4).for_each(|_| drop(gateway.admin("POST", &path, None).expect(201)));
    let all = names(&gateway.admin("GET", &path, None).expect(200), "key_id");
    assert_eq!(all.len(), 5);
    let (mut met, mut page) =
        (Vec::new(), gateway.admin("GET", &format!("{path}?limit=2"), None).expect(200));
    loop {
        met.extend(names(&page, "key_id"));
        let Some(next) = next(&page) else { break };
        page = gateway.admin("GET", &next, None).expect(200);
    }
    assert_eq!(met, all);
    let told: Value = serde_json::from_str(
        &gateway.cli_ok(&["token", "list", "--region", "ire", "--key", "acme", "--json"]),
    )
    .unwrap();
    assert_eq!(told.as_array().unwrap().len(), 5);
}
