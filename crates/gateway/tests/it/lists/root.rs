//! Lists of all resource types, at the base URL (RFC 7644 §3.4.2.1).

use serde_json::{Value, json};
use testkit::gateway::Tenant;

use super::{SEARCH_REQUEST, cursor, ids, list, names};
use crate::running::{new_group, roomy, user_body};

/// Six users and five groups, made in turns; every second user is a Dr, every name exists in both types.
fn mixed(tenant: &Tenant) {
    for n in 0..6 {
        let title = (n % 2 == 0).then_some("Dr");
        let body = json!({ "userName": format!("user-{n}"), "displayName": format!("Name {}", 9 - n), "title": title });
        let user = tenant.post("/Users", &user_body(&body)).expect(201).id();
        if n < 5 {
            new_group(tenant, &format!("Name {}", 9 - n), &[&user]);
        }
    }
    let total = |path: &str| tenant.get(path).expect(200).body["totalResults"].clone();
    assert_eq!((total("/Users?count=0"), total("/Groups?count=0")), (json!(6), json!(5)));
}

fn types(page: &Value) -> Vec<&str> {
    page["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["meta"]["resourceType"].as_str().unwrap())
        .collect()
}

#[test]
fn one_list_holds_resources_of_both_types_in_the_order_of_their_creation() {
    let (_gateway, acme) = roomy();
    mixed(&acme);
    let all = acme.get("").expect(200).body;
    assert_eq!(all["totalResults"], 11);
    assert_eq!(
        types(&all),
        ["User", "Group", "User", "Group", "User", "Group", "User", "Group", "User", "Group", "User"]
    );
    assert_eq!(acme.get("/").expect(200).body, all);
    for resource in all["Resources"].as_array().unwrap() {
        let location = resource["meta"]["location"].as_str().unwrap().strip_prefix(&acme.base_url).unwrap();
        assert_eq!(&acme.get(location).expect(200).body, resource, "{location}");
    }
    let page = acme.get("?startIndex=4&count=3").expect(200).body;
    assert_eq!(ids(&page), ids(&all)[3..6]);
    assert_eq!(
        (&page["startIndex"], &page["itemsPerPage"], &page["totalResults"]),
        (&json!(4), &json!(3), &json!(11))
    );
    for (start, found) in [("10", 2), ("11", 1), ("12", 0), ("9223372036854775807", 0)] {
        let page = list(&acme, "", &[("startIndex", start), ("count", "5")]).expect(200).body;
        assert_eq!((ids(&page).len(), &page["totalResults"]), (found, &json!(11)), "{start}");
    }
    let total = acme.get("?count=0").expect(200).body;
    assert_eq!((&total["totalResults"], &total["Resources"]), (&json!(11), &json!([])));
    let members = acme.get("?attributes=displayName,members.value,userName").expect(200).body;
    for resource in members["Resources"].as_array().unwrap() {
        assert_eq!(resource.get("userName").is_some(), resource.get("members").is_none(), "{resource}");
        assert!(resource.get("displayName").is_some() && resource.get("meta").is_none(), "{resource}");
    }
    acme.request("POST", "").json(&json!({})).send().expect_error(405, "");
}

#[test]
fn what_one_type_does_not_know_has_no_value_there_and_what_none_knows_is_refused() {
    let (_gateway, acme) = roomy();
    mixed(&acme);
    let id = ids(&acme.find("/Users", "userName eq \"user-0\"").expect(200).body)[0].clone();
    for (filter, users, groups) in [
        ("displayName eq \"name 9\"", 1, 1),
        ("userName eq \"USER-3\"", 1, 0),
        ("userName pr", 6, 0),
        ("not (userName pr)", 0, 5),
        ("title eq \"dr\"", 3, 0),
        ("title ne \"dr\"", 3, 5),
        ("title eq \"dr\" or members pr", 3, 5),
        ("title eq \"dr\" and members pr", 0, 0),
        ("members pr", 0, 5),
        (&format!("members.value eq \"{id}\""), 0, 1),
        (&format!("members eq \"{id}\" or id eq \"{id}\""), 1, 1),
        ("meta.resourceType eq \"User\"", 6, 0),
        ("meta.resourceType eq \"Group\"", 0, 5),
        ("meta.resourceType eq \"Group\" and displayName sw \"name\"", 0, 5),
        ("meta.resourceType eq \"User\" and userName eq \"user-1\"", 1, 0),
        ("not (meta.resourceType eq \"User\")", 0, 5),
        ("meta.resourceType eq \"Nothing\"", 0, 0),
        ("urn:ietf:params:scim:schemas:core:2.0:Group:displayName eq \"name 9\"", 0, 1),
        ("meta.created pr", 6, 5),
    ] {
        let page = acme.find("", filter).expect(200).body;
        let found = types(&page);
        let of = |kind: &str| found.iter().filter(|found| **found == kind).count();
        assert_eq!((of("User"), of("Group")), (users, groups), "{filter}");
        assert_eq!(page["totalResults"], users + groups, "{filter}");
    }
    for filter in [
        "shoeSize pr",
        "password pr",
        "userName eq \"x\" and shoeSize eq \"y\"",
        "meta.resourceType eq \"User\" and shoeSize pr",
        "",
    ] {
        acme.find("", filter).expect_error(400, "invalidFilter");
        acme.post("/.search", &json!({ "schemas": [SEARCH_REQUEST], "filter": filter }))
            .expect_error(400, "invalidFilter");
    }
}

#[test]
fn both_types_are_sorted_as_one_list() {
    let (_gateway, acme) = roomy();
    mixed(&acme);
    let sorted = list(&acme, "", &[("sortBy", "displayName")]).expect(200).body;
    let displayed: Vec<&str> =
        sorted["Resources"].as_array().unwrap().iter().map(|r| r["displayName"].as_str().unwrap()).collect();
    let mut expected = displayed.clone();
    expected.sort_unstable();
    assert_eq!(displayed, expected);
    assert_eq!(displayed[..3], ["Name 4", "Name 5", "Name 5"]);
    // Groups have no userName: last when ascending, first when descending.
    let ascending = list(&acme, "", &[("sortBy", "userName")]).expect(200).body;
    assert_eq!(names(&ascending)[..6], ["user-0", "user-1", "user-2", "user-3", "user-4", "user-5"]);
    let descending = list(&acme, "", &[("sortBy", "userName"), ("sortOrder", "descending")]).expect(200).body;
    assert_eq!(names(&descending)[5..], ["user-5", "user-4", "user-3", "user-2", "user-1", "user-0"]);
    assert_eq!(types(&descending)[..5], ["Group"; 5]);
    for sort_by in ["shoeSize", "password", "name"] {
        list(&acme, "", &[("sortBy", sort_by)]).expect_error(400, "invalidPath");
    }
}

#[test]
fn a_walk_over_both_types_meets_everybody_once_forth_and_back() {
    let (_gateway, acme) = roomy();
    mixed(&acme);
    for parameters in [
        vec![],
        vec![("sortBy", "displayName")],
        vec![("sortBy", "userName"), ("sortOrder", "descending")],
        vec![("sortBy", "meta.lastModified")],
        vec![("sortBy", "title")],
        vec![("filter", "title pr or members pr")],
        vec![("filter", "meta.resourceType eq \"Group\""), ("sortBy", "displayName")],
        vec![("filter", "displayName co \"name\""), ("sortBy", "members.value"), ("sortOrder", "descending")],
    ] {
        let all = list(&acme, "", &parameters).expect(200).body;
        for count in ["1", "2", "4"] {
            let page = |cursor: &str| {
                list(&acme, "", &[&parameters[..], &[("cursor", cursor), ("count", count)]].concat())
                    .expect(200)
                    .body
            };
            let mut walked = Vec::new();
            let mut current = page("");
            assert!(current.get("previousCursor").is_none());
            loop {
                assert_eq!(current["totalResults"], all["totalResults"], "{parameters:?}");
                walked.push(ids(&current));
                let Some(next) = cursor(&current, "nextCursor") else { break };
                current = page(&next);
            }
            assert_eq!(walked.concat(), ids(&all), "{parameters:?} by {count}");
            let mut back = walked.pop().unwrap();
            while let Some(previous) = cursor(&current, "previousCursor") {
                current = page(&previous);
                assert_eq!(current["totalResults"], all["totalResults"], "{parameters:?}");
                back = [ids(&current), back].concat();
            }
            assert_eq!(back, ids(&all), "{parameters:?} back by {count}");
        }
    }
}
