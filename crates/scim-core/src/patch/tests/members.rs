//! Group membership as changes to a set.

use serde_json::json;

use super::*;
use crate::filter::Filter;
use crate::resource::{MAX_KEY, MAX_MEMBERS, Member};

fn member_changes(
    tolerance: &mut Tolerance,
    operations: &Value,
) -> Result<(PatchRequest, Vec<MemberChange>), ScimError> {
    Ok(PatchRequest::parse(&schema::group(), &body(operations), tolerance)?.split_members())
}

fn changes(operations: Value) -> Result<Vec<MemberChange>, ScimError> {
    member_changes(&mut Tolerance::lenient(), &operations).map(|(_, changes)| changes)
}

fn people(ids: &[&str]) -> Vec<Member> {
    ids.iter().map(|id| Member::new(id)).collect()
}

fn values(ids: &[&str]) -> MemberChange {
    MemberChange::Remove(MemberSelection::Values(ids.iter().map(|id| (*id).to_owned()).collect()))
}

#[test]
fn every_dialect_of_group_membership_is_a_change_to_a_set() {
    for (operation, expected) in [
        (
            json!({"op": "Add", "path": "members", "value": [{"$ref": null, "value": "u1"}, {"value": "u2", "x": 1}]}),
            vec![MemberChange::Add(people(&["u1", "u2"]))],
        ),
        (
            json!({"op": "add", "path": "members", "value": {"value": "u1"}}),
            vec![MemberChange::Add(people(&["u1"]))],
        ),
        (json!({"op": "add", "path": "Members", "value": "u1"}), vec![MemberChange::Add(people(&["u1"]))]),
        (json!({"op": "add", "path": "members", "value": ["u1"]}), vec![MemberChange::Add(people(&["u1"]))]),
        (
            json!({"op": "add", "value": {"members": [{"value": "u1"}]}}),
            vec![MemberChange::Add(people(&["u1"]))],
        ),
        (json!({"op": "add", "path": "members", "value": []}), vec![]),
        (json!({"op": "replace", "path": "members", "value": []}), vec![MemberChange::Replace(vec![])]),
        // Empty as any attribute is empty: RFC 7643 §2.5 and the table of disagreements.
        (json!({"op": "replace", "path": "members", "value": ""}), vec![MemberChange::Replace(vec![])]),
        (json!({"op": "replace", "path": "members", "value": [""]}), vec![MemberChange::Replace(vec![])]),
        (json!({"op": "replace", "value": {"members": ""}}), vec![MemberChange::Replace(vec![])]),
        // An object is not null: it names nobody, so that nobody leaves.
        (json!({"op": "replace", "path": "members", "value": {}}), vec![]),
        (json!({"op": "replace", "path": "members", "value": [{}, {}]}), vec![]),
        (json!({"op": "replace", "value": {"members": {}}}), vec![]),
        (
            json!({"op": "add", "path": "members", "value": {"members": [{"value": "u1"}]}}),
            vec![MemberChange::Add(people(&["u1"]))],
        ),
        (
            json!({"op": "remove", "path": "members", "value": {"members": [{"value": "u1"}]}}),
            vec![values(&["u1"])],
        ),
        (
            json!({"op": "add", "path": "members", "value": ["{\"value\":\"u1\"}"]}),
            vec![MemberChange::Add(people(&["u1"]))],
        ),
        (
            json!({"op": "replace", "path": "members", "value": [{"value": "u1"}, "", {"value": ""}]}),
            vec![MemberChange::Replace(people(&["u1"]))],
        ),
        (json!({"op": "add", "path": "members", "value": [{}, ""]}), vec![]),
        // Ids compare without letter case, as `/Schemas` says of `members.value`.
        (
            json!({"op": "add", "path": "members", "value": [{"value": "AbC"}]}),
            vec![MemberChange::Add(people(&["AbC"]))],
        ),
        (json!({"op": "remove", "path": "members", "value": ["AbC"]}), vec![values(&["abc"])]),
        (json!({"op": "remove", "path": "members[value eq \"AbC\"]"}), vec![values(&["abc"])]),
        (json!({"op": "replace", "value": {"members": [], "id": "g"}}), vec![MemberChange::Replace(vec![])]),
        (
            json!({"op": "replace", "path": "members", "value": [{"value": "u1"}]}),
            vec![MemberChange::Replace(people(&["u1"]))],
        ),
        (json!({"op": "replace", "value": {"displayName": "x"}}), vec![]),
        (json!({"op": "remove", "path": "members"}), vec![MemberChange::Remove(MemberSelection::All)]),
        (json!({"op": "remove", "path": "members", "value": []}), vec![values(&[])]),
        (
            json!({"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "u2"}, {"value": "u3"}]}),
            vec![values(&["u2", "u3"])],
        ),
        (json!({"op": "remove", "path": "members", "value": {"value": "u2"}}), vec![values(&["u2"])]),
        (json!({"op": "remove", "path": "members", "value": "u2"}), vec![values(&["u2"])]),
        (json!({"op": "remove", "path": "members[value eq \"u2\"]"}), vec![values(&["u2"])]),
        (
            json!({"op": "remove", "path": "members[value eq \"u2\" or Value EQ \"u3\"]"}),
            vec![values(&["u2", "u3"])],
        ),
    ] {
        assert_eq!(changes(json!([operation])), Ok(expected), "{operation}");
    }
}

#[test]
fn remove_with_another_filter_is_judged_by_the_directory() {
    let change = changes(json!([{"op": "remove", "path": "members[type eq \"Group\"]"}])).unwrap();
    let [MemberChange::Remove(MemberSelection::Matching { among: None, filter })] = change.as_slice() else {
        panic!("{change:?}")
    };
    assert!(filter.matches(json!({"value": "g1", "type": "Group"}).as_object().unwrap()));
    assert!(matches!(filter, Filter::Compare { .. }));
}

#[test]
fn a_filter_that_names_ids_among_other_things_is_judged_by_those_members_alone() {
    for (filter, expected) in [
        ("type eq \"Group\" and value eq \"g1\"", Some(vec!["g1".to_owned()])),
        ("(value eq \"g1\" or value eq \"g2\") and display pr", Some(vec!["g1".into(), "g2".into()])),
        ("type eq \"Group\" or value eq \"g1\"", None),
        ("type eq \"Group\" and not (value eq \"g1\")", None),
    ] {
        let path = format!("members[{filter}]");
        let change = changes(json!([{"op": "remove", "path": path}])).unwrap();
        let [MemberChange::Remove(MemberSelection::Matching { among, .. })] = change.as_slice() else {
            panic!("{change:?}")
        };
        assert_eq!(*among, expected, "{filter}");
    }
}

#[test]
fn members_are_told_apart_from_the_groups_own_attributes() {
    let operations = json!([
        {"op": "replace", "path": "displayName", "value": "New"},
        {"op": "add", "path": "members", "value": [{"value": "u1", "display": "Ana", "type": "User"}]},
        {"op": "remove", "path": "members[value eq \"u2\"]"},
        {"op": "replace", "value": {"id": "g", "externalId": "e", "schemas": [urn::GROUP]}}
    ]);
    let mut tolerance = Tolerance::lenient();
    let (request, changes) = member_changes(&mut tolerance, &operations).unwrap();
    let ana = Member { display: Some("Ana".into()), kind: Some("User".into()), ..Member::new("u1") };
    assert_eq!(changes, [MemberChange::Add(vec![ana]), values(&["u2"])]);
    let group = Document(json!({"displayName": "Old"}).as_object().unwrap().clone());
    let after = request.apply(&schema::group(), &group, &mut tolerance).unwrap();
    assert_eq!(Value::Object(after.0), json!({"externalId": "e", "displayName": "New"}));
}

#[test]
fn a_membership_that_is_not_understood_is_refused() {
    for (operation, expected) in [
        (json!({"op": "replace", "path": "members[value eq \"u1\"].value", "value": "u2"}), "mutability"),
        (json!({"op": "replace", "path": "members[value eq \"u1\"].display", "value": "u2"}), "mutability"),
        (json!({"op": "remove", "path": "members.value"}), "mutability"),
        (json!({"op": "add", "path": "members[value eq \"u1\"]", "value": {"value": "u1"}}), "noTarget"),
        (json!({"op": "add", "path": "members", "value": [{"display": "x"}]}), "invalidValue"),
        (json!({"op": "add", "path": "members", "value": [{"value": 7}]}), "invalidValue"),
        (json!({"op": "add", "path": "members", "value": 7}), "invalidValue"),
        (json!({"op": "remove", "path": "members", "value": ""}), "invalidValue"),
        (json!({"op": "remove", "path": "members", "value": [{}]}), "invalidValue"),
        (json!({"op": "remove", "path": "members", "value": {}}), "invalidValue"),
        (json!({"op": "remove", "path": "members["}), "invalidFilter"),
    ] {
        let error = changes(json!([operation])).unwrap_err();
        assert_eq!(error.scim_type.map(ScimType::keyword), Some(expected), "{operation}");
    }
}

#[test]
fn attack_38_what_is_said_of_a_member_is_as_short_as_a_name() {
    for (op, name) in [("add", "value"), ("replace", "display"), ("add", "type"), ("remove", "value")] {
        let change = |text: String| {
            let mut member = json!({"value": "u", "$ref": "x".repeat(MAX_KEY + 1)});
            member[name] = text.into();
            changes(json!([{"op": op, "path": "members", "value": [member]}]))
        };
        assert!(change("é".repeat(MAX_KEY)).is_ok());
        let error = change("é".repeat(MAX_KEY + 1)).unwrap_err();
        assert_eq!(error.scim_type.map(ScimType::keyword), Some("invalidValue"));
        let expected = format!("Operation 1: members.{name} must be at most 1024 characters long.");
        assert_eq!(error.detail, expected);
    }
    let bare = json!([{"op": "add", "path": "members", "value": ["x".repeat(MAX_KEY + 1)]}]);
    assert!(changes(bare).is_err());
}

#[test]
fn attack_38_the_members_of_all_operations_are_bounded_together() {
    let half = |count: usize| -> Value { (0..count).map(|n| Value::from(n.to_string())).collect() };
    let both = |op: &str, first: usize, second: usize| {
        changes(json!([
            {"op": "add", "path": "members", "value": half(first)},
            {"op": op, "path": "members", "value": half(second)},
        ]))
    };
    for op in ["add", "replace", "remove"] {
        assert!(both(op, MAX_MEMBERS / 2, MAX_MEMBERS / 2).is_ok());
        let error = both(op, MAX_MEMBERS / 2, MAX_MEMBERS / 2 + 1).unwrap_err();
        assert_eq!(error.scim_type.map(ScimType::keyword), Some("invalidValue"));
        assert!(error.detail.contains("100000 members together"), "{}", error.detail);
    }
}

#[test]
fn a_chosen_member_is_replaced_by_the_one_that_is_sent() {
    let replace =
        |path: &str, value: Value| changes(json!([{"op": "replace", "path": path, "value": value}]));
    let exchange = |with: Member| MemberChange::Exchange {
        who: MemberSelection::Values(vec!["a".into()]),
        with,
        made: false,
    };
    let a = r#"members[value eq "A"]"#;
    let shown = |id: &str| Member { display: Some("B".into()), ..Member::new(id) };
    for (value, expected) in [
        (json!({"value": "B"}), exchange(Member::new("B"))),
        (json!([{"value": "B", "display": "B"}]), exchange(shown("B"))),
        (json!("B"), exchange(Member::new("B"))),
        // Who is chosen and not named stays, with what is said.
        (json!({"display": "B"}), exchange(shown("A"))),
        (json!(null), values(&["a"])),
        (json!(""), values(&["a"])),
        (json!([]), values(&["a"])),
    ] {
        assert_eq!(replace(a, value.clone()), Ok(vec![expected]), "{value}");
    }
    for value in [json!({}), json!({"display": null}), json!({"value": ""}), json!([{}])] {
        let error = replace(a, value.clone()).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidValue), "{value}");
        assert!(error.detail.contains("remove"), "{error}");
    }
    let by_type = replace(r#"members[type eq "Group"]"#, json!({"value": "B"})).unwrap();
    assert!(matches!(by_type.as_slice(), [MemberChange::Exchange { made: true, .. }]), "{by_type:?}");
    let nothing = changes(json!([{"op": "add", "path": a, "value": null}]));
    assert_eq!(nothing, Ok(vec![]));
}

#[test]
fn a_thousand_members_leave_by_one_filter() {
    let chain: Vec<String> =
        (0..1_000).map(|n| format!("value eq \"0193b5a0-7c1e-7d52-8a54-{n:012}\"")).collect();
    let path = format!("members[{}]", chain.join(" or "));
    let change = changes(json!([{"op": "remove", "path": path}])).unwrap();
    let [MemberChange::Remove(MemberSelection::Values(ids))] = change.as_slice() else {
        panic!("{change:?}")
    };
    assert_eq!((ids.len(), ids[999].as_str()), (1_000, "0193b5a0-7c1e-7d52-8a54-000000000999"));
}

#[test]
fn a_member_is_told_as_it_was_sent() {
    let change = changes(json!([{"op": "add", "path": "members", "value": [{"value": "AbC"}]}])).unwrap();
    let [MemberChange::Add(members)] = change.as_slice() else { panic!("{change:?}") };
    assert_eq!((members[0].value.as_str(), members[0].as_sent()), ("abc", "AbC"));
}
