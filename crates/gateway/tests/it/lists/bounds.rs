//! What a list may cost: a page is bounded in bytes, a search in memory in time, and a look-up is as good for who is in many
//! groups as for everybody else.

use serde_json::{Value, json};
use testkit::gateway::Tenant;

use super::{cursor, ids, list};
use crate::running::{gateway_with, new_group, replace, roomy, user_body};

/// Users of nearly 1 MiB each.
fn heavy(tenant: &Tenant, count: usize) {
    for n in 0..count {
        let emails: Vec<Value> =
            (0..16).map(|i| json!({ "value": format!("{i}{}", "x".repeat(60_000)) })).collect();
        let body = json!({ "userName": format!("user-{n:02}"), "emails": emails, "title": "Dr" });
        tenant.post("/Users", &user_body(&body)).expect(201);
    }
}

#[test]
fn attack_38_a_page_ends_before_it_grows_too_long_and_who_walks_meets_everybody_all_the_same() {
    let (_gateway, acme) = roomy();
    heavy(&acme, 20);
    let all = ids(&list(&acme, "/Users", &[("attributes", "userName")]).expect(200).body);
    assert_eq!(all.len(), 20, "what is not shown does not count");

    let mut walked = Vec::new();
    while walked.len() < 20 {
        let start = (walked.len() + 1).to_string();
        let answer = list(&acme, "/Users", &[("startIndex", &start), ("count", "100")]).expect(200);
        assert!(answer.text.len() < 17 << 20);
        assert_eq!(answer.body["totalResults"], 20);
        let page = ids(&answer.body);
        assert_eq!(answer.body["itemsPerPage"], page.len());
        assert!((1..20).contains(&page.len()), "{}", page.len());
        walked.extend(page);
    }
    assert_eq!(walked, all);

    for parameters in [vec![], vec![("sortBy", "userName"), ("filter", "title eq \"Dr\"")]] {
        let page = |cursor: &str| {
            let parameters = [&parameters[..], &[("cursor", cursor), ("count", "100")]].concat();
            list(&acme, "/Users", &parameters).expect(200).body
        };
        let mut current = page("");
        let mut walked = ids(&current);
        while let Some(next) = cursor(&current, "nextCursor") {
            current = page(&next);
            walked.extend(ids(&current));
        }
        assert_eq!(walked, all);
        // Back from the last page: the nearest are given, and there are more before them.
        let mut back = ids(&current);
        while let Some(previous) = cursor(&current, "previousCursor") {
            current = page(&previous);
            back = [ids(&current), back].concat();
        }
        assert_eq!(back, all);
    }
}

#[test]
fn a_search_in_memory_has_its_time_and_what_an_index_finds_needs_none() {
    let gateway = gateway_with(&[("USHER__LIMITS__SEARCH_SECONDS", "0")]);
    let acme = gateway.tenant("ire", "acme", None, None);
    let ann = acme.create_user("ann", "").expect(201).id();
    new_group(&acme, "Crew", &[&ann]);
    for (path, parameters) in [
        ("/Users", vec![("filter", "title co \"x\"")]),
        ("/Users", vec![("filter", "not (title pr)"), ("count", "0")]),
        ("/Users", vec![("sortBy", "title")]),
        ("/Users", vec![("filter", "title pr"), ("cursor", "")]),
        ("/Groups", vec![("sortBy", "members.value")]),
        ("", vec![("filter", "title pr or displayName eq \"crew\"")]),
    ] {
        let refused = list(&acme, path, &parameters).expect_error(400, "tooMany");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains("narrow it by an attribute that is indexed"), "{detail}");
    }
    for (path, parameters) in [
        ("/Users", vec![]),
        ("/Users", vec![("filter", "userName eq \"ann\"")]),
        ("/Users", vec![("filter", "userName sw \"b\"")]),
        ("/Users", vec![("sortBy", "userName"), ("cursor", "")]),
        ("/Groups", vec![("filter", "displayName co \"crew\"")]),
        ("", vec![("sortBy", "meta.created")]),
    ] {
        list(&acme, path, &parameters).expect(200);
    }
}

#[test]
fn who_is_in_many_groups_or_in_groups_in_groups_is_told_of_them_however_it_is_asked() {
    let (_gateway, acme) = roomy();
    let ann = acme.create_user("ann", "").expect(201).id();
    let told = || {
        let whole = acme.get(&format!("/Users/{ann}")).expect(200);
        let etag = whole.body["meta"]["version"].as_str().unwrap().to_owned();
        let found = acme.find("/Users", "userName eq \"ann\"").expect(200).body;
        assert_eq!(found["Resources"], json!([whole.body]));
        assert_eq!(list(&acme, "/Users", &[]).expect(200).body["Resources"][0], whole.body);
        let sorted = list(&acme, "/Users", &[("sortBy", "groups.display")]).expect(200).body;
        assert_eq!(sorted["Resources"][0], whole.body);
        let none = acme.get(&format!("/Users/{ann}?excludedAttributes=groups")).expect(200).body;
        assert!(none.get("groups").is_none() && none["meta"]["version"] == etag);
        whole.body.get("groups").map_or(0, |groups| groups.as_array().unwrap().len())
    };
    assert_eq!(told(), 0);
    let mut last = String::new();
    for n in 1..=18 {
        last = new_group(&acme, &format!("Group {n}"), &[&ann]);
        if [1, 16, 17, 18].contains(&n) {
            assert_eq!(told(), n);
        }
    }
    new_group(&acme, "Above", &[&last]);
    assert_eq!(told(), 19);
    acme.patch(&format!("/Groups/{last}"), &replace("displayName", "Renamed")).expect(204);
    assert_eq!(told(), 19);
    acme.get("/Users/0").expect_error(404, "");
    assert_eq!(acme.find("/Users", "userName eq \"bob\"").expect(200).body["totalResults"], 0);
    let total = list(&acme, "/Users", &[("filter", "userName eq \"ann\""), ("count", "0")]).expect(200).body;
    assert_eq!((&total["totalResults"], &total["Resources"]), (&json!(1), &json!([])));
}
