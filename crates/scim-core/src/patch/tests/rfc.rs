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

/// "If the target location is a multi-valued attribute and a value selection filter is specified that matches one or more
/// values of the multi-valued attribute, then all matching record values SHALL be replaced."
#[test]
fn rfc_7644_section_3_5_2_3_a_selected_element_is_replaced_and_an_add_to_it_merges() {
    let at = |op: &str, path: &str, value: Value| json!([{"op": op, "path": path, "value": value}]);
    let work = "addresses[type eq \"work\"]";
    let home = babs()["addresses"][1].clone();
    let new = json!({"type": "work", "streetAddress": "2 New Street"});
    let replaced = babs_with(&[("addresses", json!([new, home]))]);
    let mut merged = babs();
    merged["addresses"][0]["streetAddress"] = json!("2 New Street");
    check(vec![
        (babs(), at("replace", work, new.clone()), replaced.clone()),
        (babs(), at("replace", work, json!([new])), replaced.clone()),
        // What selects it stays, or the same request would make a second one.
        (babs(), at("replace", work, json!({"streetAddress": "2 New Street"})), replaced),
        (babs(), at("add", work, new.clone()), merged),
        (
            babs(),
            at("replace", "emails[type eq \"work\" and value ew \".com\"]", json!("b@x.com")),
            babs_with(&[("emails", json!([{"value": "b@x.com", "type": "work"}, babs()["emails"][1]]))]),
        ),
        (
            babs(),
            at("replace", "emails[type eq \"home\"]", json!({"value": "b@x", "primary": true})),
            babs_with(&[(
                "emails",
                json!([
                    {"value": "bjensen@example.com", "type": "work", "primary": false},
                    {"value": "b@x", "type": "home", "primary": true}
                ]),
            )]),
        ),
    ]);
    let nothing = at("replace", work, json!({"streetAddress": null}));
    assert_eq!(keyword(patch(babs(), nothing)), "400 invalidValue");
    let bare = at("replace", work, json!({"streetAddress": "2 New Street"}));
    let mut tolerance = Tolerance::lenient();
    patch_as(&mut tolerance, &babs(), &bare).unwrap();
    assert_eq!(tolerance.seen, [(Leniency::SelectorKept, "addresses".into())]);
    let addresses = json!([{"streetAddress": "2 New Street"}, home]);
    assert_eq!(strict(babs(), bare).unwrap()["addresses"], addresses, "strict: to the letter");
    let everyone = at("replace", "emails[value pr]", json!({"value": "one@x"}));
    assert_eq!(patch(babs(), everyone).unwrap()["emails"], json!([{"value": "one@x"}]), "held once");
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
