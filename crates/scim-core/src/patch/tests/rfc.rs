//! The examples of RFC 7644 §3.5.2 and its rules that have no example.

use serde_json::json;

use super::*;

fn babs() -> Value {
    json!({
        "userName": "bjensen",
        "name": {"familyName": "Jensen", "givenName": "Barbara"},
        "emails": [
            {"value": "bjensen@example.com", "type": "work", "primary": true},
            {"value": "babs@jensen.org", "type": "home"}
        ],
        "addresses": [
            {"type": "work", "streetAddress": "1 Old Street", "locality": "Hollywood", "primary": true},
            {"type": "home", "streetAddress": "456 Side Street"}
        ]
    })
}

fn babs_with(changes: &[(&str, Value)]) -> Value {
    let mut user = babs();
    for (name, value) in changes {
        user[name] = value.clone();
    }
    user
}

#[test]
fn rfc_7644_section_3_5_2_1_examples_of_add() {
    let added = json!({"emails": [{"value": "babs@jensen.org", "type": "home"}], "nickName": "Babs"});
    check(vec![
        (
            json!({}),
            json!([{"op": "add", "value": added}]),
            json!({"nickName": "Babs", "emails": added["emails"]}),
        ),
        (
            json!({"title": "One"}),
            json!([{"op": "add", "path": "title", "value": "Two"}]),
            json!({"title": "Two"}),
        ),
        (
            json!({"name": {"givenName": "Ana"}}),
            json!([{"op": "add", "path": "name", "value": {"familyName": "X"}}]),
            json!({"name": {"familyName": "X", "givenName": "Ana"}}),
        ),
        (
            json!({"emails": [{"type": "work", "value": "a@x"}]}),
            json!([{"op": "add", "path": "emails", "value": [{"type": "work", "value": "A@X"}, {"value": "b@x"}]}]),
            json!({"emails": [{"type": "work", "value": "A@X"}, {"value": "b@x"}]}),
        ),
    ]);
}

#[test]
fn rfc_7644_section_3_5_2_2_examples_of_remove() {
    let home = json!([{"value": "babs@jensen.org", "type": "home"}]);
    check(vec![
        (
            babs(),
            json!([{"op": "remove", "path": "emails[type eq \"work\" and value ew \"example.com\"]"}]),
            babs_with(&[("emails", home)]),
        ),
        (json!({"title": "x"}), json!([{"op": "remove", "path": "title"}]), json!({})),
        (
            json!({"emails": [{"value": "a@x", "display": "A"}, {"value": "b@x", "display": "B"}]}),
            json!([{"op": "remove", "path": "emails.display"}]),
            json!({"emails": [{"value": "a@x"}, {"value": "b@x"}]}),
        ),
        (
            json!({"emails": [{"value": "a@x"}]}),
            json!([{"op": "remove", "path": "emails[value eq \"a@x\"]"}]),
            json!({}),
        ),
        (
            json!({"name": {"givenName": "Ana"}}),
            json!([{"op": "remove", "path": "name.givenName"}]),
            json!({}),
        ),
    ]);
}

#[test]
fn rfc_7644_section_3_5_2_3_examples_of_replace() {
    let work = json!({
        "type": "work", "streetAddress": "911 Universal City Plaza", "locality": "Hollywood",
        "region": "CA", "postalCode": "91608", "country": "US",
        "formatted": "911 Universal City Plaza\nHollywood, CA 91608 US", "primary": true
    });
    let home = babs()["addresses"][1].clone();
    check(vec![
        (
            babs(),
            json!([{"op": "replace", "path": "addresses[type eq \"work\"]", "value": work}]),
            babs_with(&[("addresses", json!([work, home]))]),
        ),
        (
            babs(),
            json!([{"op": "replace", "path": "addresses[type eq \"work\"].streetAddress", "value": "1010 Broadway Ave"}]),
            babs_with(&[(
                "addresses",
                json!([
                    {"type": "work", "streetAddress": "1010 Broadway Ave", "locality": "Hollywood", "primary": true},
                    home
                ]),
            )]),
        ),
        (
            babs(),
            json!([{"op": "replace", "value": {
                "emails": [{"value": "bjensen@example.com", "type": "work", "primary": true}],
                "nickName": "Babs"
            }}]),
            babs_with(&[
                ("emails", json!([{"value": "bjensen@example.com", "type": "work", "primary": true}])),
                ("nickName", json!("Babs")),
            ]),
        ),
    ]);
}

#[test]
fn a_new_primary_takes_it_from_the_others() {
    let two = json!({"emails": [{"value": "a@x", "primary": false}, {"value": "b@x", "primary": true}]});
    check(vec![
        (
            json!({"emails": [{"value": "a@x", "primary": true}]}),
            json!([{"op": "add", "path": "emails", "value": [{"value": "b@x", "primary": true}]}]),
            two.clone(),
        ),
        (
            two,
            json!([{"op": "replace", "path": "emails[value eq \"a@x\"].primary", "value": "true"}]),
            json!({"emails": [{"value": "a@x", "primary": true}, {"value": "b@x", "primary": false}]}),
        ),
    ]);
}

#[test]
fn a_patch_happens_in_full_or_not_at_all() {
    let rt = schema::user();
    let mut tolerance = Tolerance::lenient();
    let current = Document(json!({"userName": "a", "title": "T"}).as_object().unwrap().clone());
    let operations =
        json!([{"op": "replace", "path": "title", "value": "X"}, {"op": "remove", "path": "userName"}]);
    let request = PatchRequest::parse(&rt, &body(&operations), &mut tolerance).unwrap();
    assert!(request.apply(&rt, &current, &mut tolerance).is_err());
    assert_eq!(current.str("title"), Some("T"));
    let broken = patch(
        json!({}),
        json!([{"op": "add", "path": "title", "value": "X"}, {"op": "add", "path": "name[", "value": 1}]),
    );
    assert!(broken.unwrap_err().detail.starts_with("Operation 2: "));
}
