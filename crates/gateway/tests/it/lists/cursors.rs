//! Pages by cursor (RFC 9865): what they look like, and which cursors are none.

use serde_json::{Value, json};
use testkit::gateway::Tenant;

use super::{SEARCH_REQUEST, cursor, ids, list, names};
use crate::running::{gateway, gateway_with, new_group, roomy};

fn people(tenant: &Tenant, count: usize) {
    for n in 0..count {
        tenant.create_user(&format!("user-{n:02}"), "").expect(201);
    }
}

fn keys(page: &Value) -> Vec<&str> {
    page.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn an_empty_cursor_asks_for_the_first_page_and_each_page_names_its_neighbours() {
    let (_gateway, acme) = roomy();
    people(&acme, 7);
    let first = acme.get("/Users?cursor&count=3").expect(200).body;
    assert_eq!(acme.get("/Users?cursor=&count=3").expect(200).body["Resources"], first["Resources"]);
    assert_eq!(
        keys(&first),
        ["schemas", "totalResults", "nextCursor", "itemsPerPage", "Resources"],
        "no startIndex"
    );
    assert_eq!((&first["totalResults"], &first["itemsPerPage"]), (&json!(7), &json!(3)));
    let next = |page: &Value| {
        list(&acme, "/Users", &[("cursor", &cursor(page, "nextCursor").unwrap()), ("count", "3")])
            .expect(200)
            .body
    };
    let back = |page: &Value| {
        list(&acme, "/Users", &[("cursor", &cursor(page, "previousCursor").unwrap()), ("count", "3")])
            .expect(200)
            .body
    };
    let second = next(&first);
    assert_eq!(names(&second), ["user-03", "user-04", "user-05"]);
    assert_eq!(keys(&second)[2..4], ["previousCursor", "nextCursor"]);
    let last = next(&second);
    assert_eq!((names(&last), cursor(&last, "nextCursor")), (vec!["user-06".to_owned()], None));
    let again = back(&last);
    assert_eq!(names(&again), names(&second));
    let front = back(&again);
    assert_eq!((names(&front), cursor(&front, "previousCursor")), (names(&first), None));
    assert_eq!(names(&next(&front)), names(&second));
    for page in [&first, &second, &last] {
        for which in ["nextCursor", "previousCursor"] {
            let cursor = cursor(page, which).unwrap_or_default();
            assert!(cursor.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)), "{cursor}");
        }
    }
    // What fits on one page has no neighbours; neither has the total alone, or nobody.
    for path in [
        "/Users?cursor",
        "/Users?cursor&count=7",
        "/Users?cursor&count=0",
        "/Users?cursor&count=-1",
        "/Groups?cursor",
    ] {
        let page = acme.get(path).expect(200).body;
        assert_eq!(keys(&page), ["schemas", "totalResults", "itemsPerPage", "Resources"], "{path}");
    }
    // Index paging stays what is given to who does not ask.
    let plain = acme.get("/Users?count=3").expect(200).body;
    assert_eq!((&plain["startIndex"], plain.get("nextCursor")), (&json!(1), None));
}

#[test]
fn the_length_of_a_page_may_change_on_the_way_and_has_its_own_error() {
    let (_gateway, acme) = roomy();
    people(&acme, 9);
    let first = acme.get("/Users?cursor=&count=2").expect(200).body;
    let on = cursor(&first, "nextCursor").unwrap();
    let rest = list(&acme, "/Users", &[("cursor", &on), ("count", "5")]).expect(200).body;
    assert_eq!(names(&rest), (2..7).map(|n| format!("user-{n:02}")).collect::<Vec<_>>());
    // The attributes that are shown are not what is walked.
    let few = list(&acme, "/Users", &[("cursor", &on), ("count", "1"), ("attributes", "userName")])
        .expect(200)
        .body;
    assert_eq!(names(&few), ["user-02"]);
    for count in ["x", "1.5", "1001", "99999999999999999999"] {
        list(&acme, "/Users", &[("cursor", &on), ("count", count)]).expect_error(400, "invalidCount");
        list(&acme, "/Users", &[("cursor", ""), ("count", count)]).expect_error(400, "invalidCount");
    }
    list(&acme, "/Users", &[("cursor", ""), ("startIndex", "1")]).expect_error(400, "invalidValue");
    acme.get("/Users?cursor&cursor").expect_error(400, "invalidValue");
}

#[test]
fn a_cursor_of_another_query_type_or_tenant_and_a_changed_one_are_none() {
    let gateway = gateway();
    let [acme, other] = ["acme", "other"].map(|key| gateway.tenant("ire", key, None, None));
    for tenant in [&acme, &other] {
        people(tenant, 4);
        new_group(tenant, "A", &[]);
        new_group(tenant, "B", &[]);
    }
    let query = [("filter", "userName sw \"user\""), ("sortBy", "userName"), ("count", "1")];
    let page = list(&acme, "/Users", &[&query[..], &[("cursor", "")]].concat()).expect(200).body;
    let on = cursor(&page, "nextCursor").unwrap();
    let ask = |tenant: &Tenant, path: &str, parameters: &[(&str, &str)]| {
        list(tenant, path, &[parameters, &[("cursor", on.as_str())]].concat())
    };
    // The same query in other words is the same query.
    for same in [
        [("filter", "USERNAME SW \"user\""), ("sortBy", "username"), ("sortOrder", "Ascending")],
        [
            ("filter", "( userName  sw \"user\" )"),
            ("sortBy", "urn:ietf:params:scim:schemas:core:2.0:User:userName"),
            ("count", "1"),
        ],
    ] {
        assert_eq!(names(&ask(&acme, "/Users", &same).expect(200).body)[0], "user-01");
    }
    let none = ask(&acme, "/Users", &[("filter", query[0].1)]).expect_error(400, "invalidCursor").body;
    for (path, parameters) in [
        ("/Users", vec![]),
        ("/Users", vec![("filter", "userName sw \"use\""), ("sortBy", "userName")]),
        ("/Users", vec![query[0], ("sortBy", "title")]),
        ("/Users", vec![query[0], query[1], ("sortOrder", "descending")]),
        ("/Users", vec![query[1]]),
        ("/Groups", vec![("sortBy", "displayName")]),
        ("/Groups", vec![]),
        ("", query.to_vec()),
    ] {
        let refused = ask(&acme, path, &parameters).expect_error(400, "invalidCursor").body;
        assert_eq!(refused, none, "{path} {parameters:?}");
    }
    let foreign = ask(&other, "/Users", &query).expect_error(400, "invalidCursor").body;
    assert_eq!(foreign, none, "a foreign cursor is as unknown as any");
    let body =
        json!({ "schemas": [SEARCH_REQUEST], "cursor": on, "filter": query[0].1, "sortBy": "userName" });
    other.post("/Users/.search", &body).expect_error(400, "invalidCursor");
    assert_eq!(
        names(&acme.post("/Users/.search", &body).expect(200).body)[0],
        "user-01",
        "GET and POST are one query"
    );
    for at in [0, 10, 44, on.len() - 1] {
        let mut changed = on.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        let refused = list(&acme, "/Users", &[&query[..], &[("cursor", &changed)]].concat());
        assert_eq!(refused.expect_error(400, "invalidCursor").body, none);
    }
    let long = "A".repeat(20_000);
    for nonsense in ["x", "0", "null", "' OR 1=1 --", "\u{0}", "é", &on[..on.len() / 2], &long] {
        let refused = list(&acme, "/Users", &[("cursor", nonsense)]).expect_error(400, "invalidCursor");
        assert_eq!(refused.body, none, "{nonsense:.40}");
    }
}

#[test]
fn cursors_survive_a_restart_and_end_with_their_time() {
    let mut gateway = gateway_with(&[("USHER__LIMITS__CURSOR_TIMEOUT_SECONDS", "4")]);
    let acme = gateway.tenant("ire", "acme", None, None);
    people(&acme, 3);
    let told = acme.get("/ServiceProviderConfig").expect(200).body["pagination"].clone();
    assert_eq!(told["cursorTimeout"], 4);
    let first = acme.get("/Users?cursor&count=1").expect(200).body;
    let on = format!("/Users?cursor={}&count=1", cursor(&first, "nextCursor").unwrap());
    assert_eq!(gateway.stop(), Some(0));
    gateway.start_again();
    // However slow the machine was: either it is good, or it is told to be too old.
    let after = acme.get(&on);
    match after.status {
        200 => assert_eq!(names(&after.body), ["user-01"]),
        _ => drop(after.expect_error(400, "expiredCursor")),
    }
    let fresh = acme.get("/Users?cursor&count=1").expect(200).body;
    let fresh = format!("/Users?cursor={}&count=1", cursor(&fresh, "nextCursor").unwrap());
    std::thread::sleep(std::time::Duration::from_millis(4_100));
    for old in [&on, &fresh] {
        let refused = acme.get(old).expect_error(400, "expiredCursor");
        assert!(refused.body["detail"].as_str().unwrap().contains("4 seconds"), "{}", refused.text);
    }
    // A walk whose pages come in time may last longer than that.
    let again = acme.get("/Users?cursor&count=1").expect(200).body;
    list(&acme, "/Users", &[("cursor", &cursor(&again, "nextCursor").unwrap()), ("count", "1")]).expect(200);
}

#[test]
fn rfc_9865_the_configuration_tells_both_ways_and_their_true_numbers() {
    let gateway = gateway_with(&[("USHER__LIMITS__MAX_RESULTS", "3")]);
    let acme = gateway.tenant("ire", "acme", None, None);
    let config = acme.get("/ServiceProviderConfig").expect(200).body;
    assert_eq!(
        config["pagination"],
        json!({
            "cursor": true, "index": true, "defaultPaginationMethod": "index",
            "defaultPageSize": 3, "maxPageSize": 3, "cursorTimeout": 3600,
        })
    );
    assert_eq!(config["sort"], json!({ "supported": true }));
    people(&acme, 5);
    let page = acme.get("/Users?cursor").expect(200).body;
    assert_eq!(ids(&page).len(), 3);
    acme.get("/Users?cursor&count=4").expect_error(400, "invalidCount");
    assert_eq!(ids(&acme.get("/Users?count=4").expect(200).body).len(), 3);
}
