//! `sortBy` and `sortOrder` (RFC 7644 §3.4.2.3).

use serde_json::{Value, json};

use super::{ids, list, names};
use crate::running::{ENTERPRISE, SEAT, new_group, replace, roomy, user_body};

#[test]
fn users_are_sorted_by_any_attribute_and_those_without_it_are_last_or_first() {
    let (_gateway, acme) = roomy();
    let people = [
        json!({ "userName": "Cleo", "title": "b", "active": false, "name": { "familyName": "Zed" } }),
        json!({ "userName": "ada", "externalId": "B", "emails": [
            { "value": "z@x.example", "type": "home" }, { "value": "B@x.example", "type": "work", "primary": true },
        ] }),
        json!({ "userName": "Bob", "title": "A", "externalId": "a", "name": { "familyName": "alder" }, "emails": [
            { "value": "c@x.example", "type": "work" }, { "value": "a@x.example", "type": "home" },
        ], ENTERPRISE: { "department": "Ops" } }),
        json!({ "userName": "dan", "title": "a", "userType": "member_lite", ENTERPRISE: { "department": "design" } }),
    ];
    let mut made = Vec::new();
    for person in &people {
        made.push(acme.post("/Users", &user_body(person)).expect(201).id());
    }
    new_group(&acme, "Zoo", &[&made[0]]);
    new_group(&acme, "Alps", &[&made[3]]);
    acme.patch(&format!("/Users/{}", made[1]), &replace("nickName", "A")).expect(200);
    let department = format!("{ENTERPRISE}:department");
    let license = format!("{SEAT}:requestedLicense");
    for (sort_by, ascending) in [
        ("userName", ["ada", "Bob", "Cleo", "dan"]),
        ("urn:ietf:params:scim:schemas:core:2.0:User:USERNAME", ["ada", "Bob", "Cleo", "dan"]),
        ("id", ["Cleo", "ada", "Bob", "dan"]),
        ("meta.created", ["Cleo", "ada", "Bob", "dan"]),
        ("meta.lastModified", ["Cleo", "Bob", "dan", "ada"]),
        // Case counts for externalId and not for title; equal titles are in the order of creation.
        ("externalId", ["ada", "Bob", "Cleo", "dan"]),
        ("title", ["Bob", "dan", "Cleo", "ada"]),
        ("name.familyName", ["Bob", "Cleo", "ada", "dan"]),
        ("NAME.FAMILYNAME", ["Bob", "Cleo", "ada", "dan"]),
        ("active", ["Cleo", "ada", "Bob", "dan"]),
        ("emails", ["ada", "Bob", "Cleo", "dan"]),
        ("emails.value", ["ada", "Bob", "Cleo", "dan"]),
        ("emails[type eq \"home\"].value", ["Bob", "ada", "Cleo", "dan"]),
        ("groups.display", ["dan", "Cleo", "ada", "Bob"]),
        (&department, ["dan", "Bob", "Cleo", "ada"]),
        (&license, ["Cleo", "ada", "Bob", "dan"]),
        ("meta.resourceType", ["Cleo", "ada", "Bob", "dan"]),
    ] {
        let page = list(&acme, "/Users", &[("sortBy", sort_by)]).expect(200).body;
        assert_eq!(names(&page), ascending, "{sort_by}");
        for order in ["ascending", "ASCENDING", ""] {
            let told = list(&acme, "/Users", &[("sortby", sort_by), ("SortOrder", order)]).expect(200).body;
            assert_eq!(told, page, "{sort_by} {order}");
        }
        let paged: Vec<String> = (1..=4)
            .flat_map(|start| {
                let start = start.to_string();
                let one =
                    list(&acme, "/Users", &[("sortBy", sort_by), ("startIndex", &start), ("count", "1")]);
                names(&one.expect(200).body)
            })
            .collect();
        assert_eq!(paged, ascending, "{sort_by} one by one");
    }
    for (sort_by, descending) in [
        ("userName", ["dan", "Cleo", "Bob", "ada"]),
        ("externalId", ["Cleo", "dan", "Bob", "ada"]),
        // Equal ones stay in the order of creation: the sort is stable in both directions.
        ("title", ["ada", "Cleo", "Bob", "dan"]),
        ("id", ["dan", "Bob", "ada", "Cleo"]),
    ] {
        let page =
            list(&acme, "/Users", &[("sortBy", sort_by), ("sortOrder", "Descending")]).expect(200).body;
        assert_eq!(names(&page), descending, "{sort_by}");
    }
}

#[test]
fn groups_are_sorted_too_and_filters_paging_and_projection_hold() {
    let (_gateway, acme) = roomy();
    for name in ["beta", "Alpha", "gamma", "Delta", "alp"] {
        new_group(&acme, name, &[]);
    }
    let sorted = list(&acme, "/Groups", &[("sortBy", "displayName"), ("filter", "displayName co \"a\"")]);
    let sorted = sorted.expect(200).body;
    assert_eq!(names(&sorted), ["alp", "Alpha", "beta", "Delta", "gamma"]);
    let page = list(
        &acme,
        "/Groups",
        &[
            ("sortBy", "displayName"),
            ("sortOrder", "descending"),
            ("filter", "displayName sw \"a\""),
            ("startIndex", "2"),
            ("count", "1"),
            ("attributes", "externalId"),
        ],
    );
    let page = page.expect(200).body;
    assert_eq!(
        (&page["totalResults"], &page["startIndex"], &page["itemsPerPage"]),
        (&json!(2), &json!(2), &json!(1))
    );
    assert_eq!(ids(&page), [ids(&sorted)[0].clone()]);
    assert!(page["Resources"][0].get("displayName").is_none(), "sorted by what is not shown");
}

#[test]
fn attack_30_no_order_tells_a_password_and_what_names_nothing_is_refused() {
    let (_gateway, acme) = roomy();
    acme.create_user("ada", "").expect(201);
    for sort_by in [
        "password",
        "PASSWORD",
        "urn:ietf:params:scim:schemas:core:2.0:User:password",
        "shoeSize",
        "name",
        "emails.shoeSize",
        "members",
        "userName;--",
    ] {
        list(&acme, "/Users", &[("sortBy", sort_by)]).expect_error(400, "invalidPath");
    }
    list(&acme, "/Groups", &[("sortBy", "userName")]).expect_error(400, "invalidPath");
    list(&acme, "/Users", &[("sortBy", "emails[type eq].value")]).expect_error(400, "invalidFilter");
    for order in ["up", "desc", "ascending descending"] {
        list(&acme, "/Users", &[("sortBy", "userName"), ("sortOrder", order)])
            .expect_error(400, "invalidValue");
        list(&acme, "/Users", &[("sortOrder", order)]).expect_error(400, "invalidValue");
    }
    acme.get("/Users?sortBy=userName&sortby=title").expect_error(400, "invalidValue");
    let plain: Value = acme.get("/Users").expect(200).body;
    assert_eq!(
        list(&acme, "/Users", &[("sortOrder", "descending")]).expect(200).body,
        plain,
        "no order without sortBy"
    );
    assert_eq!(list(&acme, "/Users", &[("sortBy", "")]).expect(200).body, plain);
}
