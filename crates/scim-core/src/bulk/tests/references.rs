//! Where references stand, what they become, and the order that follows from them.

use serde_json::{Value, json};

use super::super::{BulkRequest, Id};
use super::{fault, order, parse};
use crate::ResourceKind;
use crate::{ScimType, urn};

fn user(bulk_id: &str, data: Value) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data})
}

fn group(bulk_id: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|m| json!({ "value": m })).collect();
    json!({"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": { "members": members }})
}

/// The data of one operation after `bulkId:x` has become `id-of-x`, and so on.
fn resolved(request: &mut BulkRequest, operation: usize) -> Value {
    let names: Vec<String> =
        request.operations.iter().map(|o| o.bulk_id.clone().unwrap_or_default()).collect();
    let BulkRequest { operations, plan, .. } = request;
    let asked = operations[operation].asked.as_mut().unwrap();
    plan.resolve(asked, |creator| Some(format!("id-of-{}", names[creator])));
    asked.data.clone()
}

#[test]
fn a_reference_is_resolved_wherever_an_id_may_stand() {
    let manager = |value: Value| json!({ (urn::ENTERPRISE_USER): { "manager": value } });
    for (data, expected) in [
        (manager(json!({"value": "bulkId:x"})), manager(json!({"value": "id-of-x"}))),
        (manager(json!("bulkId:x")), manager(json!("id-of-x"))),
        (manager(json!(["bulkId:x"])), manager(json!(["id-of-x"]))),
        (manager(json!([{"value": "bulkId:x"}])), manager(json!([{"value": "id-of-x"}]))),
        (json!({"urn:x": {"deputies": ["bulkId:x"]}}), json!({"urn:x": {"deputies": ["id-of-x"]}})),
        (
            json!({"nickName": "not bulkId:x", "title": "BulkId:x"}),
            json!({"nickName": "not bulkId:x", "title": "BulkId:x"}),
        ),
    ] {
        let mut request = parse(json!([user("x", json!({})), user("y", data)]));
        assert_eq!(resolved(&mut request, 1), expected);
    }
}

#[test]
fn a_patch_refers_in_its_values_paths_and_keys() {
    let operations = json!([
        {"op": "add", "path": "members", "value": [{"value": "bulkId:x"}, {"value": "known"}]},
        {"op": "replace", "path": "members[value eq \"bulkId:x\"].display", "value": "X"},
        {"op": "remove", "path": "members[value eq \"bulkId:x\" or value eq \"a\\\"b\"]"},
        {"OP": "add", "VALUE": {"members[value eq \"bulkId:x\"].display": "bulkId:x", "manager.value": "bulkId:x"}},
        {"op": "remove", "path": "members[display eq \"see bulkId:x\"]"},
    ]);
    let patch = json!({"method": "PATCH", "path": "/Groups/g", "data": { "operations": operations }});
    let mut request = parse(json!([user("x", json!({})), patch]));
    assert_eq!(
        resolved(&mut request, 1)["operations"],
        json!([
            {"op": "add", "path": "members", "value": [{"value": "id-of-x"}, {"value": "known"}]},
            {"op": "replace", "path": "members[value eq \"id-of-x\"].display", "value": "X"},
            {"op": "remove", "path": "members[value eq \"id-of-x\" or value eq \"a\\\"b\"]"},
            {"OP": "add", "VALUE": {"members[value eq \"id-of-x\"].display": "id-of-x", "manager.value": "id-of-x"}},
            {"op": "remove", "path": "members[display eq \"see bulkId:x\"]"},
        ])
    );
}

#[test]
fn a_bulk_id_may_hold_any_characters() {
    for name in ["a\"b", "a\\", "é", "a b", "a/b", "bulkId:x", "]", "a'b"] {
        let literal = json!(format!("bulkId:{name}"));
        let data = json!({"Operations": [{"op": "remove", "path": format!("members[value eq {literal}]")}]});
        let patch = json!({"method": "PATCH", "path": format!("/Groups/bulkId:{name}"), "data": data});
        let mut request = parse(json!([patch, group(name, &[])]));
        assert_eq!(request.operations[0].resource, Some((ResourceKind::Group, Id::Reference(name.into()))));
        assert_eq!(order(&request), [[1], [0]], "{name}");
        let path = resolved(&mut request, 0)["Operations"][0]["path"].clone();
        assert_eq!(path, format!("members[value eq {}]", json!(format!("id-of-{name}"))));
    }
}

#[test]
fn attack_45_a_reference_to_nothing_is_the_fault_of_who_refers() {
    let delete = json!({"method": "DELETE", "path": "/Users/bulkId:nobody"});
    let put = json!({"method": "PUT", "path": "/Users/x", "bulkId": "put", "data": {}});
    let request = parse(json!([
        user("a", json!({"manager": {"value": "bulkId:nobody"}})),
        group("g", &["bulkId:a", "bulkId:nobody"]),
        delete,
        put,
        group("h", &["bulkId:put"]),
        user("b", json!({})),
    ]));
    for operation in [0, 1, 2, 4] {
        let error = fault(&request.operations[operation]);
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)));
        assert!(error.detail.contains("No POST of this request has the bulkId"), "{error}");
    }
    assert!(request.operations[3].asked.is_ok() && request.operations[5].asked.is_ok());
    assert_eq!(order(&request), [[0], [1], [2], [3], [4], [5]]);
}

#[test]
fn attack_45_of_two_posts_with_one_bulk_id_the_first_has_it() {
    let request = parse(json!([group("g", &["bulkId:x"]), user("x", json!({})), user("x", json!({}))]));
    let error = fault(&request.operations[2]);
    assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)));
    assert!(error.detail.contains("taken by operation 2"), "{error}");
    assert_eq!(order(&request), [vec![1], vec![0], vec![2]]);
    assert_eq!(request.plan.needs(0), [1]);
}

#[test]
fn what_an_operation_refers_to_is_done_before_it_and_nothing_else_moves() {
    let put = json!({"method": "PUT", "path": "/Users/u", "data": {"manager": {"value": "bulkId:boss"}}});
    let delete = json!({"method": "DELETE", "path": "/Users/u"});
    let request = parse(json!([
        put,
        delete,
        group("g", &["bulkId:a", "bulkId:boss"]),
        user("a", json!({"manager": {"value": "bulkId:boss"}})),
        user("alone", json!({})),
        user("boss", json!({})),
    ]));
    assert_eq!(order(&request), [[5], [0], [1], [3], [2], [4]]);
    assert_eq!(request.plan.needs(2), [3, 5]);
}

#[test]
fn a_circle_of_managers_is_done_together_and_one_of_groups_is_impossible() {
    let managed = |id: &str, by: &str| user(id, json!({"manager": {"value": format!("bulkId:{by}")}}));
    let request =
        parse(json!([managed("a", "b"), user("x", json!({})), managed("b", "c"), managed("c", "a")]));
    assert_eq!(order(&request), [vec![0, 2, 3], vec![1]]);
    assert!(request.plan.units.iter().all(|unit| !unit.is_impossible));

    let own = parse(json!([managed("a", "a")]));
    assert!(!own.plan.units[0].is_impossible);

    // RFC 7644 §3.7.1
    let groups = parse(json!([group("qwerty", &["bulkId:ytrewq"]), group("ytrewq", &["bulkId:qwerty"])]));
    assert_eq!(order(&groups).len(), 1);
    assert!(groups.plan.units[0].is_impossible);
    assert!(parse(json!([group("self", &["bulkId:self"])])).plan.units[0].is_impossible);
}

#[test]
fn in_a_circle_of_users_and_groups_a_member_is_there_before_its_group() {
    let in_group = user("u", json!({"urn:x": {"home": "bulkId:g"}}));
    let request = parse(json!([group("g", &["bulkId:u"]), in_group]));
    assert_eq!(order(&request), [[1, 0]]);
    assert!(!request.plan.units[0].is_impossible);
}

#[test]
fn attack_45_a_thousand_operations_with_half_a_million_references_are_ordered_in_time() {
    let names: Vec<String> = (0..500).map(|n| format!("bulkId:u{n}")).collect();
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    let groups = (0..500).map(|n| group(&format!("g{n}"), &members));
    let managed = |n: usize| user(&format!("u{n}"), json!({"manager": format!("bulkId:u{}", (n + 1) % 500)}));
    let operations: Vec<Value> = groups.chain((0..500).map(managed)).collect();
    let began = std::time::Instant::now();
    let mut request = parse(operations.into());
    assert_eq!(request.plan.units[0].operations.len(), 500, "one circle of managers");
    assert_eq!(request.plan.units.len(), 501);
    for operation in 0..1000 {
        resolved(&mut request, operation);
    }
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}
