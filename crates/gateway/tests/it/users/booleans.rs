//! ME9: `active` as Entra's `Switch([IsSoftDeleted], …)` sends it: a string, in any case, through every door.

use serde_json::{Value, json};

use crate::running::{replace, roomy, user_body};

#[test]
fn me9_active_as_a_string_in_any_case_is_a_boolean_on_post_put_and_patch() {
    let (gateway, acme) = roomy();
    for (i, (word, truth)) in
        [("True", true), ("False", false), ("true", true), ("FALSE", false)].into_iter().enumerate()
    {
        let name = format!("ada-{i}");
        let made = acme.post("/Users", &user_body(&json!({ "userName": name, "active": word }))).expect(201);
        assert_eq!(made.body["active"], Value::Bool(truth), "POST {word}");
        let path = format!("/Users/{}", made.id());
        let doors = [
            (json!([{ "op": "Replace", "path": "active", "value": word }]), "pathed"),
            (json!([{ "op": "Add", "path": "active", "value": word }]), "added"),
            (json!([{ "op": "replace", "value": { "active": word } }]), "without path"),
        ];
        for (operations, door) in doors {
            acme.patch(&path, &replace("active", !truth)).expect(200);
            let answer = acme.patch(&path, &operations).expect(200);
            assert_eq!(answer.body["active"], Value::Bool(truth), "{door} {word}");
        }
        acme.patch(&path, &replace("active", !truth)).expect(200);
        let put = acme.put(&path, &user_body(&json!({ "userName": name, "active": word }))).expect(200);
        assert_eq!(put.body["active"], Value::Bool(truth), "PUT {word}");
        assert_eq!(acme.get(&path).expect(200).body["active"], Value::Bool(truth), "GET {word}");
    }
    gateway.audit(&acme);
}

#[test]
fn me9_other_words_and_numbers_are_no_booleans() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201);
    let path = format!("/Users/{}", ada.id());
    for wrong in [json!("yes"), json!("1"), json!(1), json!(0), json!(["yes"]), json!({ "value": true })] {
        let body = user_body(&json!({ "userName": "grace", "active": wrong }));
        acme.post("/Users", &body).expect_error(400, "invalidValue");
        acme.put(&path, &body).expect_error(400, "invalidValue");
        acme.patch(&path, &replace("active", wrong)).expect_error(400, "invalidValue");
    }
    assert_eq!(acme.get(&path).expect(200).body, ada.body);
}

#[test]
fn a_filter_compares_booleans_with_their_strings() {
    let (_gateway, acme) = roomy();
    acme.create_user("on", "").expect(201);
    acme.post("/Users", &user_body(&json!({ "userName": "off", "active": false }))).expect(201);
    for filter in ["active eq true", "active eq \"True\"", "active eq \"true\"", "ACTIVE EQ true"] {
        let found = acme.find("/Users", filter).expect(200);
        assert_eq!(
            (&found.body["totalResults"], &found.body["Resources"][0]["userName"]),
            (&json!(1), &json!("on"))
        );
    }
}
