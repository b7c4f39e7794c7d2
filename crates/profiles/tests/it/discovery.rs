//! Licenses and roles as identity providers read them.

use std::collections::BTreeMap;

use profiles::discovery::{Attributes, Numbers, Seats, roles_and_entitlements};
use profiles::{Overrides, Profile};
use serde_json::{Value, json};

fn seats(quota: Option<i64>, used: i64, waiting: i64, falls_back: bool) -> Seats {
    Seats { quota, used, waiting, falls_back }
}

fn numbers(member: Seats, lite: Seats) -> Numbers {
    let licenses = BTreeMap::from([("member".to_owned(), member), ("member_lite".to_owned(), lite)]);
    Numbers { licenses, roles: BTreeMap::from([("admin".to_owned(), 1), ("member".to_owned(), 4)]) }
}

fn told(all: &[Attributes], id: &str, name: &str) -> Value {
    all.iter().find(|one| one["id"] == id).unwrap()[name].clone()
}

#[test]
fn okta_reads_seats_roles_and_what_to_send_in_sentences() {
    let profile = Profile::built_in("mentimeter").unwrap();
    let numbers = numbers(seats(Some(5), 5, 2, true), seats(None, 0, 0, false));
    let licenses = profile.okta_licenses(&numbers);
    assert_eq!(
        Value::Object(licenses[0].clone()),
        json!({"id": "member", "displayName": "Member", "type": "License", "description": "5 of 5 Member seats in use; 2 waiting."})
    );
    assert_eq!(
        told(&licenses, "member_lite", "description"),
        "0 Member Lite seats in use, without limit; 0 waiting."
    );
    let roles = profile.okta_roles(&numbers);
    assert_eq!(
        told(&roles, "member", "description"),
        "Uses a Member seat, or a Member Lite seat while none is free. 5 of 5 Member seats in use; 2 waiting. \
         Given by userType member, user."
    );
    assert_eq!(
        told(&roles, "admin", "description"),
        "Uses a Member seat. 5 of 5 Member seats in use; 2 waiting. Given by userType admin."
    );
    assert_eq!(
        told(&roles, "member_lite", "description"),
        "Uses a Member Lite seat. 0 Member Lite seats in use, without limit; 0 waiting. \
         Given by userType member_lite or by none."
    );
}

#[test]
fn the_seats_of_a_license_are_told_in_one_sentence() {
    let profile = Profile::built_in("default").unwrap();
    for (quota, used, waiting, expected) in [
        (Some(5), 5, 2, "5 of 5 Member seats in use; 2 waiting."),
        (Some(5), 7, 0, "7 of 5 Member seats in use; 0 waiting."),
        (Some(0), 0, 1, "The plan has no Member seats; 1 waiting."),
        (None, 12, 0, "12 Member seats in use, without limit; 0 waiting."),
    ] {
        let numbers = numbers(seats(quota, used, waiting, false), seats(None, 0, 0, false));
        assert_eq!(told(&profile.okta_licenses(&numbers), "member", "description"), expected);
    }
}

#[test]
fn the_draft_reads_numbers_and_a_role_has_what_its_license_has_left() {
    let profile = Profile::built_in("default").unwrap();
    let numbers = numbers(seats(Some(7), 5, 0, true), seats(None, 3, 0, false));
    let entitlements = profile.entitlements(&numbers);
    assert_eq!(
        Value::Object(entitlements[0].clone()),
        json!({
            "id": "member", "value": "member", "display": "Member", "type": "License", "supported": true,
            "limitedAssignmentsPermitted": true, "totalAssignmentsPermitted": 7, "totalAssignmentsUsed": 5,
        })
    );
    assert_eq!(
        Value::Object(entitlements[1].clone()),
        json!({
            "id": "member_lite", "value": "member_lite", "display": "Member Lite", "type": "License", "supported": true,
            "limitedAssignmentsPermitted": false, "totalAssignmentsUsed": 3,
        })
    );
    let roles = profile.assignable_roles(&numbers);
    for (id, permitted, used) in [("admin", json!(3), 1), ("member", json!(6), 4)] {
        assert_eq!(told(&roles, id, "totalAssignmentsPermitted"), permitted, "{id}");
        assert_eq!(told(&roles, id, "totalAssignmentsUsed"), used, "{id}");
    }
    assert_eq!(told(&roles, "member_lite", "limitedAssignmentsPermitted"), false);
    // Beyond the quota nothing is left.
    let over = self::numbers(seats(Some(2), 5, 0, false), seats(None, 0, 0, false));
    assert_eq!(told(&profile.assignable_roles(&over), "member", "totalAssignmentsPermitted"), 4);
    let config = roles_and_entitlements();
    assert_eq!(
        (&config["roles"]["supported"], &config["entitlements"]["supported"]),
        (&json!(true), &json!(true))
    );
}

#[test]
fn the_value_is_the_one_that_gives_the_role_and_groups_are_named() {
    let own: Overrides = serde_json::from_value(json!({
        "sources": [
            {"attribute": "roles.value", "values": {"Chief": "admin", "Staff": "user"}},
            {"groups": [{"name": "Admins", "role": "admin"}]},
        ]
    }))
    .unwrap();
    let profile = Profile::built_in("iomete").unwrap().with(&own).unwrap();
    let numbers = Numbers::default();
    assert_eq!(told(&profile.assignable_roles(&numbers), "admin", "value"), "Chief");
    assert_eq!(told(&profile.entitlements(&numbers), "user", "value"), "user");
    let groups = crate::with_groups(r#"[{name="Admins", role="admin"}]"#);
    assert_eq!(
        told(&groups.okta_roles(&numbers), "admin", "description"),
        "Uses a User seat. Given by the group Admins."
    );
}
