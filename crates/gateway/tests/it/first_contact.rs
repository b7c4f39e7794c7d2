//! The first things that an identity provider and an operator do.

use crate::running::gateway;
use serde_json::json;

#[test]
fn me7_test_connection_finds_nobody_and_a_first_user_gets_a_seat() {
    let gateway = gateway();
    let acme = gateway.tenant("ire", "acme", Some(5), Some(3));
    let none = acme.find("/Users", "userName eq \"nobody\"").expect(200);
    assert_eq!((&none.body["totalResults"], &none.body["Resources"]), (&json!(0), &json!([])));
    let ada = acme.create_user("ada@example.com", "user").expect(201);
    assert_eq!(ada.header("location"), ada.body["meta"]["location"].as_str());
    assert_eq!(gateway.seats(&acme)["member"]["used"], 1);
    gateway.audit(&acme);
}
