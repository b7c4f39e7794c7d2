//! Mentimeter, by its guides for Okta and for Entra ID.

use serde_json::{Value, json};

use super::{create, named, of, standing, used};
use crate::running::replace;

const ADMIN: [&str; 3] = ["admin", "member", "granted"];
const MEMBER: [&str; 3] = ["member", "member", "granted"];
const LITE: [&str; 3] = ["member_lite", "member_lite", "granted"];

fn seats() -> Value {
    json!({ "member": 5, "member_lite": 5 })
}

#[test]
fn me23_the_role_comes_from_app_roles_with_and_without_a_primary_one_and_moves_the_seat_in_the_same_answer() {
    let (gateway, menti) = of("mentimeter", &seats());
    let primary = json!({ "roles": [{ "primary": true, "value": "admin" }] });
    assert_eq!(standing(&create(&menti, "ada", &primary).expect(201)), ADMIN);
    // Without the flag the dearest of them counts; the primary one counts whatever stands beside it.
    let several = json!({ "roles": [{ "value": "member_lite" }, { "value": "User" }] });
    assert_eq!(standing(&create(&menti, "bob", &several).expect(201)), MEMBER);
    let both = json!({ "roles": [{ "value": "admin" }, { "value": "member_lite", "primary": true }] });
    let cid = create(&menti, "cid", &both).expect(201);
    assert_eq!(standing(&cid), LITE);
    // `userType` is asked first.
    let typed = json!({ "userType": "member_lite", "roles": [{ "primary": true, "value": "admin" }] });
    assert_eq!(standing(&create(&menti, "dan", &typed).expect(201)), LITE);

    let path = format!("/Users/{}", cid.id());
    let add = json!([{ "op": "Add", "path": "roles[primary eq \"True\"].value", "value": "user" }]);
    assert_eq!(standing(&menti.patch(&path, &add).expect(200)), MEMBER);
    assert_eq!((used(&gateway, &menti, "member"), used(&gateway, &menti, "member_lite")), (3, 1));
    let without = menti.put(&path, &named("cid", &json!({ "title": "Dr" }))).expect(200);
    assert_eq!((standing(&without), without.body["roles"].as_array().map(Vec::len)), (MEMBER, Some(2)));
    let cleared = menti.put(&path, &named("cid", &json!({ "roles": [] }))).expect(200);
    assert_eq!((standing(&cleared), cleared.body.get("roles")), (LITE, None));
    gateway.audit(&menti);
}

#[test]
fn mo21_an_admin_uses_a_member_seat_and_the_guides_values_are_the_legal_ones() {
    let (gateway, menti) = of("mentimeter", &json!({ "member": 1, "member_lite": 1 }));
    let ada = create(&menti, "ada", &json!({ "userType": "admin" })).expect(201);
    assert_eq!((standing(&ada), used(&gateway, &menti, "member")), (ADMIN, 1));
    // Without a Member seat an admin would be none, so nothing takes its place.
    create(&menti, "bob", &json!({ "userType": "admin" })).expect_error(403, "seatLimitReached");
    for attributes in
        [json!({ "userType": "owner" }), json!({ "roles": [{ "primary": true, "value": "owner" }] })]
    {
        let refused = create(&menti, "cid", &attributes).expect_error(400, "invalidValue");
        let told = refused.body["detail"].as_str().unwrap();
        assert!(told.contains("must be one of: admin, member, member_lite, user. Ref "), "{told}");
    }
    assert_eq!(menti.get("/Users").expect(200).body["totalResults"], 1);
}

#[test]
fn mo11_the_last_admin_is_not_lowered_suspended_or_deleted_and_the_refusal_says_so() {
    let (gateway, menti) = of("mentimeter", &seats());
    let ada = create(&menti, "ada", &json!({ "userType": "admin" })).expect(201);
    let path = format!("/Users/{}", ada.id());
    let refusals = || {
        [
            menti.delete(&path),
            menti.patch(&path, &replace("active", false)),
            menti.patch(&path, &replace("userType", "user")),
            menti.put(&path, &named("ada", &json!({ "userType": "" }))),
        ]
    };
    for refused in refusals() {
        let refused = refused.expect_error(403, "lastAdmin");
        assert!(
            refused.body["detail"].as_str().unwrap().contains("the last active admin"),
            "{}",
            refused.text
        );
    }
    assert_eq!(menti.get(&path).expect(200).body, ada.body, "nothing was written");
    // Another change passes, and so does each of them once there is another admin.
    menti.patch(&path, &replace("title", "Dr")).expect(200);
    create(&menti, "bob", &json!({ "roles": [{ "primary": true, "value": "admin" }] })).expect(201);
    assert_eq!(standing(&menti.patch(&path, &replace("userType", "user")).expect(200)), MEMBER);
    gateway.audit(&menti);
}

#[test]
fn mo2_three_groups_of_the_identity_provider_are_three_roles_without_a_pushed_group() {
    let (gateway, menti) = of("mentimeter", &seats());
    // Okta sends the value that stands at the assignment of the group.
    for (name, user_type, expected) in
        [("ada", "admin", ADMIN), ("bob", "user", MEMBER), ("cid", "member_lite", LITE)]
    {
        let made = create(&menti, name, &json!({ "userType": user_type })).expect(201);
        assert_eq!(standing(&made), expected);
        assert_eq!(made.body.get("groups"), None);
    }
    assert_eq!(menti.get("/Groups").expect(200).body["totalResults"], 0);
    gateway.audit(&menti);
}
