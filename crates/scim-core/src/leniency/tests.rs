//! Every leniency, met by a request: what a lenient tenant notes, and what a strict one does instead.

use serde_json::{Value, json};

use super::{InStrict, Leniency, Tolerance};
use crate::bulk::BulkRequest;
use crate::filter::Filter;
use crate::patch::PatchRequest;
use crate::search::SearchRequest;
use crate::{Document, ResourceType, ScimError, json, resource, schema, urn};

/// A request that meets a leniency.
enum Met {
    Post(Value),
    /// Of a user with a work address.
    Patch(Value),
    PatchGroup(Value),
    Filter(&'static str),
    Query(SearchRequest),
    Bulk(Value),
    /// A whole body.
    Body(Value),
    BulkBody(Value),
    PatchBody(Value),
    SearchBody(Value),
    Bytes(&'static [u8]),
    Attributes(&'static str),
    /// Only a store knows what a member is: `a_wrong_type_is_answered_with_the_true_one…` of the gateway.
    InAStore,
}

fn met_by(leniency: Leniency) -> Vec<Met> {
    let manager = |value: Value| json!({"schemas": [urn::USER, urn::ENTERPRISE_USER], urn::ENTERPRISE_USER: {"manager": value}});
    let enterprise = json!({urn::ENTERPRISE_USER: {"department": "D"}});
    let home = r#"emails[type eq "home"]"#;
    let work = r#"emails[type eq "work"]"#;
    let member = json!({"value": "x"});
    match leniency {
        Leniency::UnknownAttribute => vec![
            Met::Post(json!({"shoeSize": 1})),
            Met::Patch(json!({"op": "add", "value": {"title": "T", "shoeSize": 1}})),
            Met::PatchGroup(
                json!({"op": "add", "path": "members", "value": [{"value": "x", "shoeSize": 1}]}),
            ),
        ],
        Leniency::UnknownSchema => vec![
            Met::Post(json!({"schemas": [urn::USER, "urn:x:y"]})),
            Met::Patch(json!({"op": "add", "value": {"schemas": ["urn:x:y"]}})),
        ],
        Leniency::BooleanAsString => vec![
            Met::Post(json!({"active": "True"})),
            Met::Patch(json!({"op": "replace", "path": "active", "value": "False"})),
            Met::Filter(r#"active eq "True""#),
        ],
        Leniency::ManagerShape => vec![
            Met::Post(manager(json!("42"))),
            Met::Post(manager(json!([{"value": "42"}]))),
            Met::Patch(
                json!({"op": "add", "path": format!("{}:manager", urn::ENTERPRISE_USER), "value": "42"}),
            ),
        ],
        Leniency::MissingExtensionUrn => vec![
            Met::Post(enterprise),
            Met::Patch(json!({"op": "add", "path": "manager", "value": {"value": "42"}})),
            Met::Patch(json!({"op": "add", "value": {"manager": {"value": "42"}}})),
            Met::Filter(r#"manager.value eq "42""#),
        ],
        Leniency::NullOrEmpty => vec![
            Met::Post(json!({"title": ""})),
            Met::Patch(json!({"op": "replace", "path": "title", "value": null})),
        ],
        Leniency::EmptyOperations => vec![Met::Patch(json!(null)), Met::Bulk(json!([]))],
        Leniency::CapitalisedOp => vec![Met::Patch(json!({"op": "Replace", "path": "title", "value": "T"}))],
        Leniency::PathlessKeys => vec![
            Met::Patch(json!({"op": "add", "value": {"name.givenName": "A"}})),
            Met::Patch(json!({"op": "add", "value": {urn::USER: {"title": "T"}}})),
            Met::Post(json!({urn::USER: {"title": "T"}})),
            Met::Post(json!({format!("{}:title", urn::USER): "T"})),
        ],
        Leniency::AbsentElementMade => {
            vec![Met::Patch(json!({"op": "add", "path": format!("{home}.value"), "value": "h@x"}))]
        }
        Leniency::RemoveWithValue => vec![
            Met::Patch(json!({"op": "remove", "path": "emails", "value": [{"value": "w@x"}]})),
            Met::Patch(json!({"op": "remove", "path": "title", "value": "T"})),
            Met::Patch(json!({"op": "remove", "path": urn::ENTERPRISE_USER, "value": {}})),
            Met::Patch(json!({"op": "remove", "path": "password", "value": "x"})),
            Met::PatchGroup(json!({"op": "remove", "path": "members", "value": [member]})),
        ],
        Leniency::FilterDialect => {
            vec![Met::Filter(r#"emails[type eq "work"].value eq "x""#), Met::Filter(MANAGER_ITSELF)]
        }
        Leniency::JsonInValue => vec![
            Met::Post(json!({"roles": [{"value": "{\"value\":\"25\"}"}]})),
            Met::Post(json!({"name": "{\"givenName\":\"A\"}"})),
            Met::Patch(json!({"op": "replace", "path": work, "value": "{\"value\":\"v@x\"}"})),
            Met::PatchGroup(json!({"op": "add", "path": "members", "value": ["{\"value\":\"x\"}"]})),
        ],
        Leniency::RepeatedElement => {
            vec![Met::Post(json!({"emails": [{"value": "a@x"}, {"value": "A@x"}]}))]
        }
        Leniency::SecondPrimary => vec![Met::Post(
            json!({"emails": [{"value": "a@x", "primary": true}, {"value": "b@x", "primary": true}]}),
        )],
        Leniency::MemberType => vec![Met::InAStore],
        Leniency::LowerCaseMethod => {
            vec![Met::Bulk(json!([{"method": "delete", "path": "/Users/1"}]))]
        }
        Leniency::BareValue => vec![
            Met::PatchGroup(json!({"op": "add", "path": "members", "value": ["x"]})),
            Met::Patch(json!({"op": "replace", "path": work, "value": "v@x"})),
            Met::Patch(json!({"op": "remove", "path": "emails", "value": ["w@x"]})),
            Met::Post(json!({"roles": ["ADMIN"]})),
        ],
        Leniency::SingleForList => vec![
            Met::PatchGroup(json!({"op": "add", "path": "members", "value": member})),
            Met::Patch(json!({"op": "add", "path": "emails", "value": {"value": "v@x"}})),
            Met::Patch(json!({"op": "replace", "path": "emails", "value": {"value": "v@x"}})),
            Met::Patch(json!({"op": "remove", "path": "emails", "value": {"value": "w@x"}})),
        ],
        Leniency::ArrayOfOne => vec![
            Met::Patch(json!({"op": "replace", "path": "title", "value": ["T"]})),
            Met::Patch(json!({"op": "replace", "path": work, "value": [{"value": "v@x"}]})),
            Met::Patch(json!({"op": "replace", "value": [{"title": "T"}]})),
            Met::Post(json!({"title": ["T"]})),
        ],
        Leniency::SelectorKept => {
            vec![Met::Patch(json!({"op": "replace", "path": work, "value": {"value": "v@x"}}))]
        }
        Leniency::NullPath => vec![Met::Patch(json!({"op": "add", "path": null, "value": {"title": "T"}}))],
        Leniency::EmptyParameter => {
            vec![Met::Query(SearchRequest { count: Some(String::new()), ..SearchRequest::default() })]
        }
        Leniency::LabelWithoutValue => vec![
            Met::Post(json!({"emails": [{"type": "work"}]})),
            Met::Patch(json!({"op": "remove", "path": format!("{work}.value")})),
        ],
        Leniency::LowerCaseTime => vec![
            Met::Post(json!({"schemas": [urn::USER, OWN], OWN: {"since": "2026-01-31t12:00:00z"}})),
            Met::Filter(r#"meta.created gt "2026-01-31T12:00:00z""#),
        ],
        Leniency::MissingSchemas => vec![
            Met::Body(json!({"userName": "ada"})),
            Met::PatchBody(json!({"Operations": [{"op": "remove", "path": "title"}]})),
            Met::BulkBody(json!({"Operations": [{"method": "DELETE", "path": "/Users/1"}]})),
            Met::SearchBody(json!({})),
        ],
        Leniency::BareOperations => {
            let data = json!([{"op": "remove", "path": "title"}]);
            vec![Met::Bulk(json!([{"method": "PATCH", "path": "/Users/1", "data": data}]))]
        }
        Leniency::ZeroFailOnErrors => {
            let operations = json!([{"method": "DELETE", "path": "/Users/1"}]);
            vec![Met::BulkBody(
                json!({"schemas": [urn::BULK_REQUEST], "failOnErrors": 0, "Operations": operations}),
            )]
        }
        Leniency::ByteOrderMark => vec![Met::Bytes("\u{feff}{}".as_bytes())],
        Leniency::BlankForComma => vec![Met::Attributes("userName emails")],
        Leniency::WrappedValue => {
            vec![Met::Patch(json!({"op": "replace", "path": "active", "value": {"active": false}}))]
        }
    }
}

const OWN: &str = "urn:example:params:scim:schemas:extension:own:2.0:User";
const MANAGER_ITSELF: &str = r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq "42""#;

/// A user who may have a time.
fn user() -> ResourceType {
    let mut user = schema::user();
    let since = json!({"name": "since", "type": "dateTime"});
    let own = json!({"id": OWN, "name": "Own", "description": "", "attributes": [since]});
    let schema = serde_json::from_value(own).unwrap();
    user.add_extension(schema::Extension { schema, required: false });
    user
}

fn body(more: Value) -> Value {
    let mut body = json!({"schemas": [urn::USER], "userName": "ada"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// The request's outcome; of an operation null stands for none.
fn tried(met: Met, t: &mut Tolerance) -> Result<(), ScimError> {
    let (user, group) = (user(), schema::group());
    let message = |operation: Value| {
        let operations = if operation.is_null() { json!([]) } else { json!([operation]) };
        json!({"schemas": [urn::PATCH_OP], "Operations": operations})
    };
    match met {
        Met::Post(more) => resource::create(&user, &body(more), t).map(|_| ()),
        Met::Patch(operation) => {
            let current = json!({"userName": "ada", "emails": [{"value": "w@x", "type": "work"}]});
            let request = PatchRequest::parse(&user, &message(operation), t)?;
            request.apply(&user, &Document(current.as_object().unwrap().clone()), t).map(|_| ())
        }
        Met::PatchGroup(operation) => PatchRequest::parse(&group, &message(operation), t).map(|_| ()),
        Met::Filter(text) => Filter::parse(text, &user, t).map(|_| ()),
        Met::Query(request) => request.without_empty(t).map(|_| ()),
        Met::Bulk(operations) => {
            tried(Met::BulkBody(json!({"schemas": [urn::BULK_REQUEST], "Operations": operations})), t)
        }
        Met::BulkBody(whole) => {
            let request = BulkRequest::parse(whole, t)?;
            request.operations.into_iter().try_for_each(|operation| operation.asked.map(|_| ()))
        }
        Met::Body(whole) => resource::create(&user, &whole, t).map(|_| ()),
        Met::PatchBody(whole) => PatchRequest::parse(&user, &whole, t).map(|_| ()),
        Met::SearchBody(whole) => SearchRequest::from_body(&whole, t).map(|_| ()),
        Met::Bytes(bytes) => json::without_byte_order_mark(bytes, t).map(|_| ()),
        Met::Attributes(names) => {
            SearchRequest { attributes: Some(names.to_owned()), ..SearchRequest::default() }.note_dialects(t);
            Ok(())
        }
        Met::InAStore => unreachable!("not met here"),
    }
}

#[test]
fn every_leniency_is_noted_by_its_name_and_a_strict_tenant_does_what_the_list_says() {
    for leniency in Leniency::ALL.iter().copied() {
        let requests = met_by(leniency);
        assert!(!requests.is_empty());
        for (place, met) in requests.into_iter().enumerate() {
            if matches!(met, Met::InAStore) {
                continue;
            }
            let name = format!("{} {place}", leniency.kind());
            let again = met_by(leniency).swap_remove(place);
            let mut lenient = Tolerance::lenient();
            tried(met, &mut lenient).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(lenient.seen.iter().any(|(seen, _)| *seen == leniency), "{name}: {:?}", lenient.seen);
            let mut strict = Tolerance::strict();
            let outcome = tried(again, &mut strict).map_err(|error| error.status);
            let is_seen = strict.seen.iter().any(|(seen, _)| *seen == leniency);
            let expected = match leniency.in_strict() {
                InStrict::Refused => (Err(400), false),
                InStrict::Literal => (Ok(()), false),
                InStrict::Same => (Ok(()), true),
            };
            assert_eq!((outcome, is_seen), expected, "{name}");
        }
    }
}

#[test]
fn each_that_a_product_does_not_want_is_as_for_a_strict_tenant_and_the_others_are_tolerated() {
    for leniency in Leniency::ALL.iter().copied().filter(|leniency| leniency.in_strict() != InStrict::Same) {
        for (place, met) in met_by(leniency).into_iter().enumerate() {
            if matches!(met, Met::InAStore) {
                continue;
            }
            let name = format!("{} {place}", leniency.kind());
            let mut unwanted =
                Tolerance { refused: std::iter::once(leniency).collect(), ..Tolerance::lenient() };
            let outcome = tried(met, &mut unwanted).map_err(|error| error.status);
            let is_seen = unwanted.seen.iter().any(|(seen, _)| *seen == leniency);
            let expected = if leniency.in_strict() == InStrict::Refused { Err(400) } else { Ok(()) };
            assert_eq!((outcome, is_seen), (expected, false), "{name}");
            let others = Leniency::ALL.iter().copied().filter(|other| *other != leniency);
            let wanted: super::Leniencies = std::iter::once(leniency).collect();
            assert!(others.into_iter().all(|other| !wanted.has(other)));
        }
    }
}

#[test]
fn the_page_tells_of_every_leniency_and_of_what_strict_makes_of_it() {
    let page = include_str!("../../../../docs/scim.md");
    for leniency in Leniency::ALL {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", leniency.kind())));
        let row = row.unwrap_or_else(|| panic!("{} has no row", leniency.kind()));
        let told = match leniency.in_strict() {
            InStrict::Refused => "| 400 |",
            InStrict::Literal => "| taken literally",
            InStrict::Same => "| the same",
        };
        assert!(row.contains(told), "{row}");
    }
}

#[test]
fn attack_25_names_are_cut_counted_once_and_bounded() {
    let mut t = Tolerance::lenient();
    for i in 0..1000 {
        t.note(Leniency::UnknownAttribute, "again");
        t.note(Leniency::UnknownAttribute, &format!("{i}{}", "é".repeat(500)));
    }
    assert_eq!(t.seen.len(), 50);
    assert!(t.seen.iter().all(|(_, name)| name.chars().count() <= 100));
}

#[test]
fn a_strict_tenant_is_refused_and_a_lenient_one_is_not() {
    let refusal = || ScimError::invalid_value("no");
    assert!(Tolerance::strict().allow(Leniency::BooleanAsString, "active", refusal).is_err());
    let mut t = Tolerance::lenient();
    assert!(t.allow(Leniency::BooleanAsString, "active", refusal).is_ok());
    assert_eq!(t.seen, [(Leniency::BooleanAsString, "active".into())]);
}
