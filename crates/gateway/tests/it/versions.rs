//! Entity tags (RFC 7644 §3.14): weak, equal to `meta.version`; what changes a version and what does not.

use serde_json::json;
use testkit::{at_once::at_once, gateway::Tenant, http::Answer};

use crate::running::{entitled, gateway, new_group, replace, roomy, user_body};

fn tag(answer: &Answer) -> String {
    let tag = answer.header("etag").unwrap_or_else(|| panic!("no ETag beside {}", answer.text)).to_owned();
    if answer.body.is_object() {
        assert_eq!(answer.body["meta"]["version"], tag);
    }
    tag
}

fn get_unless(tenant: &Tenant, path: &str, tag: &str) -> Answer {
    tenant.request("GET", path).header("if-none-match", tag).send()
}

#[test]
fn a_conditional_get_of_an_unchanged_user_is_304_without_a_body() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201);
    let path = format!("/Users/{}", ada.id());
    let tag = tag(&ada);
    assert!(tag.starts_with("W/\""), "{tag}");
    for sent in [tag.clone(), tag.replace("W/", ""), format!("\"x\", {tag}"), "*".into()] {
        let unchanged = get_unless(&acme, &path, &sent);
        assert_eq!((unchanged.status, unchanged.text.as_str()), (304, ""), "{sent}");
        assert_eq!(unchanged.header("etag"), Some(tag.as_str()));
    }
    get_unless(&acme, &path, "W/\"0\"").expect(200);
    acme.patch(&path, &replace("title", "Dr")).expect(200);
    get_unless(&acme, &path, &tag).expect(200);
}

#[test]
fn a_conditional_get_of_a_user_sees_current_groups_after_every_membership_change() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201);
    let path = format!("/Users/{}", ada.id());
    let version = tag(&ada);
    let crew = new_group(&acme, "Crew", &[]);
    let group = format!("/Groups/{crew}");
    let groups = || get_unless(&acme, &path, &version).expect(200).body["groups"].clone();
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": ada.id() }] }]);
    acme.patch(&group, &add).expect(204);
    assert_eq!(groups()[0]["display"], "Crew");
    acme.patch(&group, &replace("displayName", "Team")).expect(204);
    assert_eq!(groups()[0]["display"], "Team");
    acme.patch(&group, &json!([{ "op": "remove", "path": "members" }])).expect(204);
    assert!(groups().is_null());
    acme.patch(&group, &add).expect(204);
    acme.delete(&group).expect(204);
    assert!(groups().is_null());
}

#[test]
fn whoever_asks_for_no_groups_or_for_any_version_is_told_nothing_of_a_membership_change() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201);
    let path = format!("/Users/{}", ada.id());
    new_group(&acme, "Crew", &[&ada.id()]);
    get_unless(&acme, &path, &tag(&ada)).expect(200);
    get_unless(&acme, &path, "*").expect(304);
    for choice in ["excludedAttributes=groups", "attributes=userName"] {
        get_unless(&acme, &format!("{path}?{choice}"), &tag(&ada)).expect(304);
    }
    get_unless(&acme, &format!("{path}?attributes=groups.value"), &tag(&ada)).expect(200);
}

#[test]
fn a_rename_of_a_group_is_seen_by_users_whose_own_version_is_newer_than_their_membership() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201).id();
    let crew = new_group(&acme, "Crew", &[&ada]);
    let path = format!("/Users/{ada}");
    let edited = acme.patch(&path, &replace("title", "Dr")).expect(200);
    assert_eq!(get_unless(&acme, &path, &tag(&edited)).status, 304, "the edit is newer than the membership");
    acme.patch(&format!("/Groups/{crew}"), &replace("displayName", "Team")).expect(204);
    let read = get_unless(&acme, &path, &tag(&edited)).expect(200);
    assert_eq!(read.body["groups"][0]["display"], "Team");
}

#[test]
fn a_membership_change_gives_the_group_a_new_version_and_its_users_none() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201);
    let group = format!("/Groups/{}", new_group(&acme, "Crew", &[]));
    let before = acme.get(&group).expect(200);
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": ada.id() }] }]);
    let added = acme.patch(&group, &add).expect(204);
    let after = acme.get(&group).expect(200);
    assert_ne!(tag(&after), tag(&before));
    assert_eq!(tag(&added), tag(&after));
    let user = acme.get(&format!("/Users/{}", ada.id())).expect(200);
    assert_eq!(user.body["meta"], ada.body["meta"]);
    let again = acme.patch(&group, &add).expect(204);
    assert_eq!(tag(&again), tag(&after), "nothing changed");
    assert_eq!(acme.get(&group).expect(200).body, after.body);
    acme.delete(&format!("/Users/{}", ada.id())).expect(204);
    assert_ne!(tag(&acme.get(&group).expect(200)), tag(&after), "a deleted member leaves");
}

#[test]
fn what_changes_nothing_keeps_version_and_last_modified() {
    let (_gateway, acme) = roomy();
    let body = user_body(&json!({
        "userName": "ada", "title": "Dr", "active": true,
        "name": { "givenName": "Ada" }, "emails": [{ "value": "a@x.example", "type": "work", "primary": true }],
    }));
    let made = acme.post("/Users", &body).expect(201);
    let path = format!("/Users/{}", made.id());
    let idle = [
        replace("title", "Dr"),
        json!([{ "op": "Add", "path": "active", "value": "True" }]),
        json!([{ "op": "remove", "path": "nickName" }]),
        json!([{ "op": "add", "path": "emails", "value": [{ "value": "a@x.example", "type": "work", "primary": true }] }]),
        json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "a@x.example" }]),
        json!([{ "op": "replace", "path": "name", "value": { "givenName": "Ada" } }]),
        json!([]),
        json!([{ "op": "replace", "path": "title", "value": "x" }, { "op": "replace", "path": "title", "value": "Dr" }]),
    ];
    for operations in idle {
        let answer = acme.patch(&path, &operations).expect(200);
        assert_eq!(answer.body, made.body, "{operations}");
        assert_eq!(tag(&answer), tag(&made));
    }
    assert_eq!(acme.put(&path, &body).expect(200).body, made.body);
    let group = json!({ "schemas": [crate::running::GROUP], "displayName": "Crew", "members": [{ "value": made.id() }] });
    let crew = acme.post("/Groups", &group).expect(201);
    assert_eq!(acme.put(&format!("/Groups/{}", crew.id()), &group).expect(200).body, crew.body);
}

#[test]
fn a_write_on_a_stale_version_is_412_and_changes_nothing() {
    let (gateway, acme) = roomy();
    let ada = acme.create_user("ada", "user").expect(201);
    let crew = new_group(&acme, "Crew", &[&ada.id()]);
    let patch = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": replace("displayName", "X"),
    });
    let group_body = json!({ "schemas": [crate::running::GROUP], "displayName": "X" });
    for (path, body) in [
        (format!("/Users/{}", ada.id()), user_body(&json!({ "userName": "x" }))),
        (format!("/Groups/{crew}"), group_body),
    ] {
        let before = acme.get(&path).expect(200);
        for condition in ["W/\"7\"", "\"0\""] {
            let stale = |method: &str| acme.request(method, &path).header("if-match", condition);
            stale("PATCH").json(&patch).send().expect_error(412, "");
            stale("PUT").json(&body).send().expect_error(412, "");
            stale("DELETE").send().expect_error(412, "");
        }
        assert_eq!(acme.get(&path).expect(200).body, before.body);
        let current = tag(&before);
        let done = acme.request("PATCH", &path).header("if-match", &current).json(&patch).send();
        assert!(matches!(done.status, 200 | 204), "{}", done.text);
        acme.request("DELETE", &path).header("if-match", "*").send().expect(204);
    }
    gateway.audit(&acme);
}

/// RFC 7232 §3.1, §3.2 and §6; an unknown resource is 404 under any conditions (§5).
#[test]
fn every_method_heeds_both_conditions_in_every_spelling() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201);
    let crew = new_group(&acme, "Crew", &[]);
    let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [] });
    let put = |path: &str| match path.starts_with("/Users") {
        true => user_body(&json!({ "userName": "ada" })),
        false => json!({ "schemas": [crate::running::GROUP], "displayName": "Crew" }),
    };
    for path in [format!("/Users/{}", ada.id()), format!("/Groups/{crew}")] {
        let ask = |method: &str, conditions: &[(&str, &str)]| {
            let request = acme.request(method, &path);
            let request =
                conditions.iter().fold(request, |request, (name, value)| request.header(name, value));
            let request = match method {
                "PUT" => request.json(&put(&path)),
                "PATCH" => request.json(&patch),
                _ => request,
            };
            request.send().status
        };
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            for stale in ["W/\"9\"", "\"9\"", "9", "", "W/\"8\", \"9\"", "\u{e9}"] {
                assert_eq!(ask(method, &[("if-match", stale)]), 412, "{method} {path} {stale}");
            }
            let two_lines = [("if-match", "\"8\""), ("if-match", "\"9\"")];
            assert_eq!(ask(method, &two_lines), 412, "{method} {path}");
            for known in ["W/\"1\"", "\"1\"", "*", "\"9\", W/\"1\""] {
                let barred = if method == "GET" { 304 } else { 412 };
                assert_eq!(ask(method, &[("if-none-match", known)]), barred, "{method} {path} {known}");
                let both = [("if-match", "\"9\""), ("if-none-match", known)];
                assert_eq!(ask(method, &both), 412, "{method} {path} {known}");
            }
        }
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            let two_lines = [("if-match", "\"9\""), ("if-match", "W/\"1\""), ("if-none-match", "\"9\"")];
            assert!(matches!(ask(method, &two_lines), 200 | 204), "{method} {path}");
        }
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            for condition in ["if-match", "if-none-match"] {
                for tag in ["*", "\"1\""] {
                    assert_eq!(ask(method, &[(condition, tag)]), 404, "{method} {path} {condition} {tag}");
                }
            }
        }
    }
    let eve = user_body(&json!({ "userName": "eve" }));
    let post = acme.request("POST", "/Users").header("if-none-match", "*").header("if-match", "\"9\"");
    post.json(&eve).send().expect(201);
}

#[test]
fn what_is_discovered_has_a_tag_too() {
    let gateway = gateway();
    let (acme, globex) = (entitled(&gateway, "acme", None, None), entitled(&gateway, "globex", None, None));
    let schema = format!("/Schemas/{}", crate::running::USER);
    let mut tags = Vec::new();
    for path in ["/ServiceProviderConfig", "/ResourceTypes/User", &schema, "/Licenses/member", "/Roles/admin"]
    {
        let first = acme.get(path).expect(200);
        let tag = tag(&first);
        assert!(tag.starts_with("W/\""), "{tag}");
        let unchanged = get_unless(&acme, path, &tag).expect(304);
        assert_eq!((unchanged.text.as_str(), unchanged.header("etag")), ("", Some(tag.as_str())));
        get_unless(&acme, path, "\"1\"").expect(200);
        acme.request("GET", path).header("if-match", "\"1\"").send().expect_error(412, "");
        acme.request("GET", path).header("if-match", &tag).send().expect(200);
        assert_ne!(globex.get(path).header("etag"), Some(tag.as_str()), "another tenant's base");
        tags.push(tag);
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 5);
    for list in ["/ResourceTypes", "/Schemas", "/Licenses", "/Roles"] {
        let listed = acme.get(list).expect(200);
        for resource in listed.body["Resources"].as_array().unwrap() {
            let location = resource["meta"]["location"].as_str().unwrap().trim_start_matches(&acme.base_url);
            assert_eq!(acme.get(location).expect(200).body, *resource, "the same version in a list");
        }
    }
    let license = tag(&acme.get("/Licenses/member").expect(200));
    acme.create_user("ada", "user").expect(201);
    assert_ne!(tag(&acme.get("/Licenses/member").expect(200)), license, "its count has changed");
}

#[test]
fn attack_47_of_eight_patches_with_one_if_match_one_wins() {
    let (_gateway, acme) = roomy();
    for round in 0..10 {
        let ada = acme.create_user(&format!("ada-{round}"), "").expect(201);
        let path = format!("/Users/{}", ada.id());
        let condition = tag(&ada);
        let answers = at_once(8, |client| {
            let patch = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": replace("title", format!("by {client}")),
            });
            acme.request("PATCH", &path).header("if-match", &condition).json(&patch).send()
        });
        let won: Vec<usize> = (0..8).filter(|client| answers[*client].status == 200).collect();
        assert_eq!(won.len(), 1);
        assert_eq!(acme.get(&path).expect(200).body["title"], format!("by {}", won[0]));
        for answer in answers.into_iter().filter(|a| a.status != 200) {
            answer.expect_error(412, "");
        }
    }
}

#[test]
fn versions_only_grow_and_last_modified_never_goes_back() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201);
    let path = format!("/Users/{}", ada.id());
    let mut last = (1, ada.body["meta"]["lastModified"].as_str().unwrap().to_owned());
    for turn in 0..5 {
        let answer = acme.patch(&path, &replace("title", format!("{turn}"))).expect(200);
        let version: i64 = tag(&answer).trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
        let now = (version, answer.body["meta"]["lastModified"].as_str().unwrap().to_owned());
        assert!(now.0 == last.0 + 1 && now.1 >= last.1, "{last:?} {now:?}");
        assert_eq!(answer.body["meta"]["created"], ada.body["meta"]["created"]);
        last = now;
    }
}
