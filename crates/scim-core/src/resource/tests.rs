//! What a body becomes, row by row of the table "Where suites and identity providers disagree", lenient and strict.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::leniency::{Leniency, Tolerance};
use crate::schema::{Attribute, Extension, Mutability, Schema, Type};
use crate::{ResourceType, ScimError, ScimType, schema, urn};

mod characteristics;
mod what_stays;

const ENTERPRISE: &str = urn::ENTERPRISE_USER;

/// What every write leaves behind; faults are looked at elsewhere.
fn normalised(rt: &ResourceType, document: &mut Document, t: &mut Tolerance) -> Result<(), ScimError> {
    let mut faults = Faults::default();
    super::normalise_document(rt, document, t, &mut faults);
    faults.into_result()
}

/// A body with the members given, a User's `schemas` and a `userName` unless they are given too.
fn body(members: Value) -> Value {
    let mut body = json!({"schemas": [urn::USER], "userName": "ana"});
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn created(members: Value) -> Value {
    let document = create(&schema::user(), &body(members), &mut Tolerance::lenient()).unwrap();
    Value::Object(document.0)
}

fn refused_by(t: &mut Tolerance, rt: &ResourceType, body: &Value) -> ScimError {
    let error = create(rt, body, t).unwrap_err();
    assert_eq!(error.status, 400, "{error}");
    error
}

fn refused(members: Value) -> ScimError {
    let error = refused_by(&mut Tolerance::lenient(), &schema::user(), &body(members));
    assert_eq!(error.scim_type, Some(ScimType::InvalidValue), "{error}");
    error
}

fn strictly_refused(members: Value) -> ScimError {
    refused_by(&mut Tolerance::strict(), &schema::user(), &body(members))
}

fn document(value: Value) -> Document {
    Document(value.as_object().unwrap().clone())
}

fn put(members: Value, current: Value) -> Result<Value, ScimError> {
    let current = document(current);
    replace(&schema::user(), &body(members), &current, &["active", "userType"], &mut Tolerance::lenient())
        .map(|document| Value::Object(document.0))
}

fn members_of(body: Value) -> Option<Vec<Member>> {
    let mut group = create(&schema::group(), &body, &mut Tolerance::lenient()).unwrap();
    let members = take_members(&mut group);
    assert!(group.get("members").is_none());
    members
}

fn member(value: &str, display: Option<&str>, kind: Option<&str>) -> Member {
    Member { display: display.map(Into::into), kind: kind.map(Into::into), ..Member::new(value) }
}

#[test]
fn okta_post_becomes_a_document_in_the_schemas_order() {
    let document = created(json!({
        "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"primary": true, "value": "new@example.com", "type": "work"}],
        "displayName": "Test User", "locale": "en-US", "externalId": "00unew", "groups": [],
        "password": "1mz050nq", "active": true,
    }));
    assert_eq!(
        document.to_string(),
        r#"{"externalId":"00unew","userName":"ana","name":{"familyName":"User","givenName":"Test"},"displayName":"Test User","locale":"en-US","active":true,"emails":[{"value":"new@example.com","type":"work","primary":true}]}"#
    );
}

#[test]
fn me10_four_attributes_are_enough() {
    let sent = json!({"active": false, "displayName": "Ana", "externalId": "e"});
    assert_eq!(
        created(sent),
        json!({"externalId": "e", "userName": "ana", "displayName": "Ana", "active": false})
    );
}

#[test]
fn attack_2_and_26_and_28_readonly_and_foreign_members_are_dropped() {
    let document = created(json!({
        "id": "x", "meta": {"created": 7}, "groups": [{"value": "admins"}], "schemaz": 1,
        "isAdmin": true, "tenantId": "t", "passwordHash": "h", "created_at": "c", "__proto__": {"a": 1},
        urn::SEAT: {"grantedLicense": "member", "state": 3},
    }));
    assert_eq!(document, json!({"userName": "ana", "active": true}));
}

#[test]
fn attack_27_roles_are_kept_as_data() {
    let roles = json!([{"value": "admin", "primary": false}, {"value": "owner"}]);
    assert_eq!(created(json!({"roles": roles}))["roles"], roles);
}

#[test]
fn strict_still_ignores_readonly_values() {
    let sent = body(json!({"id": "x", "meta": {}, "groups": [{"value": "g"}], urn::SEAT: {"state": "s"}}));
    let mut t = Tolerance::strict();
    assert_eq!(create(&schema::user(), &sent, &mut t).unwrap().0.len(), 2);
    assert!(t.seen.is_empty());
}

#[test]
fn unknown_attributes_are_dropped_and_counted_and_strict_is_told() {
    for (sent, name) in [
        (json!({"adreses": [{"country": "Germany"}]}), "adreses"),
        (json!({"name": {"givenName": "A", "nick": "B"}}), "name.nick"),
        (json!({"emails": [{"value": "a@x", "verified": true}]}), "emails.verified"),
        (
            json!({ENTERPRISE: {"shoeSize": 43}}),
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:shoeSize",
        ),
        (json!({"urn:example:custom:2.0:User": {"a": 1}}), "urn:example:custom:2.0:User"),
    ] {
        let mut t = Tolerance::lenient();
        let document = create(&schema::user(), &body(sent.clone()), &mut t).unwrap();
        let last = name.rsplit(['.', ':']).next().unwrap();
        assert!(!document.to_stored().contains(last), "{name}");
        assert!(t.seen.iter().any(|(_, seen)| seen == name), "{name}: {:?}", t.seen);
        assert_eq!(strictly_refused(sent).scim_type, Some(ScimType::InvalidSyntax));
    }
}

#[test]
fn manager_at_the_top_of_a_body_is_an_unknown_attribute() {
    assert_eq!(created(json!({"manager": "m"})), json!({"userName": "ana", "active": true}));
}

#[test]
fn names_and_urns_are_taken_in_any_case() {
    let urn = ENTERPRISE.to_uppercase();
    let sent = json!({
        "DisplayName": "A", "EMAILS": [{"Value": "a@x", "Primary": true}],
        urn: {"Department": "bob", "Manager": {"Value": "boss"}},
    });
    assert_eq!(
        created(sent),
        json!({
            "userName": "ana", "displayName": "A", "active": true, "emails": [{"value": "a@x", "primary": true}],
            ENTERPRISE: {"department": "bob", "manager": {"value": "boss"}},
        })
    );
    let shouted = json!({"SCHEMAS": [urn::USER.to_uppercase()], "USERNAME": "ana"});
    for mut t in [Tolerance::lenient(), Tolerance::strict()] {
        assert_eq!(create(&schema::user(), &shouted, &mut t).unwrap().str("userName"), Some("ana"));
    }
}

/// A POST or a PUT.
type Make = fn(&ResourceType, &Value, &mut Tolerance) -> Result<Document, ScimError>;

#[test]
fn schemas_are_an_array_of_strings_and_without_any_the_endpoint_decides() {
    for schemas in [json!(urn::USER), json!([1]), json!({}), json!([urn::USER, null]), json!(7)] {
        let sent = json!({"schemas": schemas, "userName": "ana"});
        let error = refused_by(&mut Tolerance::lenient(), &schema::user(), &sent);
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax), "{sent}");
    }
    let current = document(json!({"userName": "ana"}));
    for schemas in [None, Some(json!(null)), Some(json!([])), Some(json!(""))] {
        let mut sent = json!({"userName": "ana", ENTERPRISE: {"department": "D"}});
        sent.as_object_mut().unwrap().extend(schemas.map(|schemas| ("schemas".to_owned(), schemas)));
        let put: Make = |rt, body, t| replace(rt, body, &document(json!({"userName": "ana"})), &[], t);
        for make in [create, put] {
            let mut t = Tolerance::lenient();
            let made = make(&schema::user(), &sent, &mut t).unwrap();
            assert_eq!(made.get(ENTERPRISE), Some(&json!({"department": "D"})));
            assert!(t.seen.contains(&(Leniency::MissingSchemas, urn::USER.into())), "{sent}");
            let error = make(&schema::user(), &sent, &mut Tolerance::strict()).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax), "{sent}");
        }
    }
    let group = json!({"displayName": "g"});
    assert!(create(&schema::group(), &group, &mut Tolerance::lenient()).is_ok());
    assert!(
        replace(&schema::user(), &json!({"userName": "ana"}), &current, &[], &mut Tolerance::strict())
            .is_err()
    );
}

#[test]
fn core_attributes_under_the_core_urn_mean_what_they_mean_without_it() {
    let flat = |name: &str| format!("{}:{name}", urn::USER);
    for (sent, expected) in [
        (
            json!({urn::USER: {"displayName": "D", "active": false, "name": {"givenName": "G"}, "id": "x"}}),
            json!({"displayName": "D", "active": false, "name": {"givenName": "G"}}),
        ),
        (
            json!({urn::USER.to_uppercase(): {"TITLE": "T", "name.givenName": "G", ENTERPRISE: {"department": "D"}}}),
            json!({"title": "T", "name": {"givenName": "G"}, "active": true, ENTERPRISE: {"department": "D"}}),
        ),
        (
            json!({flat("active"): "False", flat("name.givenName"): "G", "name": {"familyName": "F"}, flat("id"): "x"}),
            json!({"name": {"familyName": "F", "givenName": "G"}, "active": false}),
        ),
        (
            json!({format!("{ENTERPRISE}:department"): "D", ENTERPRISE: {"costCenter": "C"}, "name.familyName": "F"}),
            json!({"name": {"familyName": "F"}, "active": true, ENTERPRISE: {"costCenter": "C", "department": "D"}}),
        ),
        (
            json!({"title": "T", urn::USER: {"title": "T", "nickName": ""}}),
            json!({"title": "T", "active": true}),
        ),
        (json!({"title": null, urn::USER: {"title": "T"}}), json!({"title": "T", "active": true})),
        (json!({urn::USER: null}), json!({"active": true})),
        // An unknown attribute stays one; a manager at the top is one.
        (json!({urn::USER: {"shoeSize": 1, "manager": "m"}}), json!({"active": true})),
    ] {
        let (mut t, sent) = (Tolerance::lenient(), body(sent));
        let mut made = Value::Object(create(&schema::user(), &sent, &mut t).unwrap().0);
        made.as_object_mut().unwrap().shift_remove("userName");
        assert_eq!(made, expected, "{sent}");
        assert!(t.seen.iter().any(|(leniency, _)| *leniency == Leniency::PathlessKeys), "{sent}");
        let error = refused_by(&mut Tolerance::strict(), &schema::user(), &sent);
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax), "{sent}");
    }
    for sent in [
        json!({"title": "T", urn::USER: {"title": "U"}}),
        json!({urn::USER: "T"}),
        json!({"emails.value": "a@x"}),
        json!({"emails[type eq \"work\"].value": "a@x"}),
        json!({"name": "N", "name.givenName": "G"}),
    ] {
        let error = refused_by(&mut Tolerance::lenient(), &schema::user(), &body(sent.clone()));
        assert_eq!(error.status, 400, "{sent}");
    }
    let group =
        json!({"schemas": [urn::GROUP], urn::GROUP: {"displayName": "d", "members": [{"value": "u"}]}});
    assert_eq!(members_of(group), Some(vec![member("u", None, None)]));
}

#[test]
fn a_put_under_the_core_urn_keeps_and_clears_as_any_other() {
    let current = json!({"userName": "ana", "title": "T", "active": false});
    let sent = json!({urn::USER: {"nickName": "N"}});
    assert_eq!(
        put(sent, current.clone()).unwrap(),
        json!({"userName": "ana", "nickName": "N", "active": false})
    );
    let on = json!({format!("{}:active", urn::USER): true});
    assert_eq!(put(on, current).unwrap(), json!({"userName": "ana", "active": true}));
}

#[test]
fn one_value_in_an_array_is_that_value_in_every_verb() {
    let sent = json!({
        "title": ["T"], "active": ["false"], "name": [{"givenName": ["G"]}], "emails": [{"value": ["a@x"]}],
        "nickName": [], "locale": [null],
    });
    let expected = json!({"userName": "ana", "name": {"givenName": "G"}, "title": "T", "active": false, "emails": [{"value": "a@x"}]});
    assert_eq!(created(sent.clone()), expected);
    assert_eq!(put(sent.clone(), json!({"userName": "ana"})).unwrap(), expected);
    for name in ["title", "active", "name"] {
        assert_eq!(strictly_refused(json!({name: sent[name]})).scim_type, Some(ScimType::InvalidValue));
    }
    for several in [
        json!({"title": ["a", "b"]}),
        json!({"name": [{}, {}]}),
        json!({"title": [["a"]]}),
        json!({"active": [true, true]}),
    ] {
        refused(several);
    }
    // A mapping that found nothing switches nobody off, in an array neither.
    let off = json!({"userName": "ana", "active": false});
    for nothing in [json!([]), json!([null]), json!([""]), json!({})] {
        assert_eq!(put(json!({"active": nothing}), off.clone()).unwrap(), off);
    }
}

#[test]
fn bare_texts_are_roles_and_entitlements_and_nothing_else() {
    let sent = json!({"roles": ["ADMIN", {"value": "b"}], "entitlements": ["E"]});
    let document = created(sent.clone());
    assert_eq!(document["roles"], json!([{"value": "ADMIN"}, {"value": "b"}]));
    assert_eq!(document["entitlements"], json!([{"value": "E"}]));
    strictly_refused(sent);
    for name in ["emails", "phoneNumbers", "ims", "photos"] {
        refused(json!({name: ["x"]}));
    }
}

#[test]
fn a_manager_is_found_by_its_ref_alone() {
    let manager = |sent: Value| json!({"schemas": [urn::USER, ENTERPRISE], ENTERPRISE: {"manager": sent}});
    for sent in [
        json!({"$ref": "https://scim.example.com/ire/acme/scim/v2/Users/42"}),
        json!({"$ref": "../Users/42", "value": null, "displayName": "Boss"}),
        json!({"$REF": "/Users/42/"}),
    ] {
        for mut t in [Tolerance::lenient(), Tolerance::strict()] {
            let made = create(&schema::user(), &body(manager(sent.clone())), &mut t).unwrap();
            assert_eq!(made.get(ENTERPRISE), Some(&json!({"manager": {"value": "42"}})), "{sent}");
        }
    }
    for sent in [
        json!({"$ref": "https://x/Groups/42"}),
        json!({"$ref": "42"}),
        json!({"$ref": 42}),
        json!({"$ref": {"a": 1}}),
    ] {
        assert!(refused(manager(sent)).detail.contains("manager.$ref"));
    }
    assert_eq!(
        created(manager(json!({"$ref": "nobody", "value": "42"})))[ENTERPRISE]["manager"],
        json!({"value": "42"})
    );
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    for sent in [json!([]), json!("x"), json!(1), json!(null), json!(true)] {
        let error = refused_by(&mut Tolerance::lenient(), &schema::user(), &sent);
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
    }
}

#[test]
fn the_other_core_schema_is_refused() {
    for (rt, other) in [(schema::user(), urn::GROUP), (schema::group(), urn::USER)] {
        let sent = json!({"schemas": [rt.core.id, other], "userName": "ana", "displayName": "d"});
        for mut t in [Tolerance::lenient(), Tolerance::strict()] {
            assert_eq!(refused_by(&mut t, &rt, &sent).scim_type, Some(ScimType::InvalidSyntax));
        }
    }
}

#[test]
fn unregistered_schema_uris_are_ignored_and_counted_and_strict_is_told() {
    for schemas in [
        json!([urn::USER, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/User"]),
        json!(["urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:2.0"]),
    ] {
        let mut t = Tolerance::lenient();
        create(&schema::user(), &body(json!({"schemas": schemas})), &mut t).unwrap();
        assert!(t.seen.iter().any(|(kind, _)| *kind == Leniency::UnknownSchema));
        strictly_refused(json!({"schemas": schemas}));
    }
    strictly_refused(json!({"schemas": [ENTERPRISE]}));
}

#[test]
fn extension_data_without_its_urn_is_accepted_and_strict_is_told() {
    let mut t = Tolerance::lenient();
    let unlisted = json!({ENTERPRISE: {"department": "management"}});
    let rt = schema::user();
    let document = create(&rt, &body(unlisted.clone()), &mut t).unwrap();
    assert_eq!(document.extension_urns(&rt).collect::<Vec<_>>(), [ENTERPRISE]);
    assert_eq!(t.seen, [(Leniency::MissingExtensionUrn, ENTERPRISE.to_owned())]);
    assert_eq!(strictly_refused(unlisted).scim_type, Some(ScimType::InvalidSyntax));
    for mut t in [Tolerance::lenient(), Tolerance::strict()] {
        let listed = json!({"schemas": [urn::USER, ENTERPRISE], ENTERPRISE: {"department": "d"}});
        create(&rt, &body(listed), &mut t).unwrap();
        assert!(t.seen.is_empty());
        assert!(create(&rt, &body(json!({ENTERPRISE: {}})), &mut t).is_ok(), "there is no data of it");
    }
}

#[test]
fn an_extension_block_must_be_an_object() {
    assert!(refused(json!({ENTERPRISE: "Ops"})).detail.contains("must be an object"));
    for nothing in [json!(null), json!({}), json!({"department": ""}), json!([])] {
        assert_eq!(created(json!({ENTERPRISE: nothing})), json!({"userName": "ana", "active": true}));
    }
}

#[test]
fn absent_active_on_post_means_true() {
    for sent in [json!({}), json!({"active": null}), json!({"active": ""})] {
        assert_eq!(created(sent)["active"], true);
    }
    assert_eq!(created(json!({"active": false}))["active"], false);
}

#[test]
fn booleans_as_strings_are_accepted_in_any_case_and_strict_is_told() {
    for (sent, canonical) in [("True", true), ("FALSE", false), ("true", true), ("fAlSe", false)] {
        assert_eq!(created(json!({"active": sent}))["active"], canonical);
        assert_eq!(strictly_refused(json!({"active": sent})).scim_type, Some(ScimType::InvalidValue));
    }
    let emails = json!([{"value": "a@x", "primary": "True"}]);
    assert_eq!(created(json!({"emails": emails}))["emails"][0]["primary"], true);
    strictly_refused(json!({ "emails": emails }));
}

#[test]
fn attack_41_wrong_types_are_refused_by_their_names() {
    for (sent, at) in [
        (json!({"userName": 12}), "userName must be a string."),
        (json!({"userName": {"a": 1}}), "userName must be a string."),
        (json!({"userName": ["ana", "ana"]}), "userName must be a string."),
        (json!({"userName": true}), "userName must be a string."),
        (json!({"active": "maybe"}), "active must be true or false."),
        (json!({"active": 1}), "active must be true or false."),
        (json!({"active": 0}), "active must be true or false."),
        (json!({"active": [true, true]}), "active must be true or false."),
        (json!({"active": " true"}), "active must be true or false."),
        (json!({"name": "Ana"}), "name must be an object."),
        (json!({"name": ["Ana"]}), "name must be an object."),
        (json!({"name": {"givenName": 5}}), "name.givenName must be a string."),
        (json!({"emails": "a@x"}), "emails must be an array."),
        (json!({"emails": {"value": "a@x"}}), "emails must be an array."),
        (json!({"emails": ["a@x"]}), "emails must be an object."),
        (json!({"emails": [{"value": 1}]}), "emails.value must be a string."),
        (json!({"emails": [{"value": "a@x", "primary": "yes"}]}), "emails.primary must be true or false."),
        (json!({"externalId": 1}), "externalId must be a string."),
        (json!({"password": 1}), "password must be a string."),
        (
            json!({ENTERPRISE: {"department": 1}}),
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department must be a string.",
        ),
    ] {
        assert_eq!(refused(sent).detail, at);
    }
}

#[test]
fn all_faults_of_type_are_told_at_once() {
    let error = refused(json!({"userName": 1, "active": "x", "emails": [{"value": 1}, {"value": 2}]}));
    assert_eq!(
        error.detail,
        "userName must be a string. active must be true or false. emails.value must be a string."
    );
}

#[test]
fn mc12_every_missing_attribute_is_named_at_once() {
    let mut rt = schema::user();
    rt.require(&["name".into(), "emails".into(), "displayName".into()]);
    let sent = json!({"schemas": [urn::USER], "emails": [], "displayName": "  ", "name": {"givenName": ""}});
    let error = refused_by(&mut Tolerance::lenient(), &rt, &sent);
    assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
    assert_eq!(error.detail, "These required attributes are missing: userName, name, displayName, emails.");
}

#[test]
fn attack_42_a_name_stands_on_one_line_and_an_address_may_have_more() {
    for name in ["a\r\nb", "a\tb", "\na"] {
        assert_eq!(
            refused(json!({"userName": name})).detail,
            "userName must not contain control characters."
        );
        refused(json!({"userName": "ada", "externalId": name}));
    }
    let address = json!({"userName": "ada", "addresses": [{"formatted": "1 Main Street\nDublin"}]});
    assert_eq!(created(address)["addresses"][0]["formatted"], "1 Main Street\nDublin");
}

#[test]
fn a_blank_user_name_is_a_missing_one() {
    for blank in [json!(""), json!(null), json!(" \t"), json!("\u{200b}\u{a0}")] {
        assert_eq!(refused(json!({"userName": blank})).detail, "The required attribute userName is missing.");
    }
}

#[test]
fn a_group_needs_a_display_name() {
    let error = refused_by(&mut Tolerance::lenient(), &schema::group(), &json!({"schemas": [urn::GROUP]}));
    assert_eq!(error.detail, "The required attribute displayName is missing.");
}

#[test]
fn empty_values_are_the_same_as_absent() {
    let sent = json!({
        "title": "", "nickName": null, "addresses": [], "phoneNumbers": null, "roles": [null, "", {}],
        "name": {"givenName": "", "familyName": null}, "ims": "", "externalId": "",
        "emails": [{"type": "work", "value": "", "primary": true}, {"value": "a@x", "display": ""}],
    });
    // The RFC requires no value of an element, so a strict tenant keeps what labels one.
    let (address, label) = (json!({"value": "a@x"}), json!({"type": "work", "primary": true}));
    for (mut t, emails) in
        [(Tolerance::lenient(), json!([address])), (Tolerance::strict(), json!([label, address]))]
    {
        let document = create(&schema::user(), &body(sent.clone()), &mut t).unwrap();
        assert_eq!(Value::Object(document.0), json!({"userName": "ana", "active": true, "emails": emails}));
    }
}

#[test]
fn cx9_a_password_is_taken_and_never_stored() {
    for sent in [json!("hunter2"), json!(""), json!(null)] {
        assert_eq!(created(json!({"password": sent})), json!({"userName": "ana", "active": true}));
    }
    assert!(!refused(json!({"password": {"hunter2": "hunter2"}})).detail.contains("hunter2"));
}

#[test]
fn manager_is_taken_in_every_known_shape_and_by_strict_as_an_object() {
    for (sent, strictly) in [
        (json!("42"), false),
        (json!({"value": "42"}), true),
        (json!(["42"]), false),
        (json!([{"value": "42"}]), false),
        (json!({"$ref": "../Users/42", "value": "42", "displayName": "Boss"}), true),
        (json!([{"$ref": "https://elsewhere.example.com/Users/42", "value": "42"}]), false),
        (json!({"$ref": null, "Value": "42"}), true),
    ] {
        let sent = body(json!({"schemas": [urn::USER, ENTERPRISE], ENTERPRISE: {"manager": sent}}));
        let made = |mut t| create(&schema::user(), &sent, &mut t);
        let document = made(Tolerance::lenient()).unwrap();
        assert_eq!(document.get(ENTERPRISE), Some(&json!({"manager": {"value": "42"}})), "{sent}");
        assert_eq!(made(Tolerance::strict()).ok(), strictly.then_some(document), "{sent}");
    }
}

#[test]
fn manager_is_unassigned_by_every_kind_of_nothing() {
    for sent in [
        json!(""),
        json!(null),
        json!([]),
        json!({}),
        json!({"value": ""}),
        json!({"value": null}),
        json!([null]),
        json!([""]),
        json!([{"value": ""}]),
        json!({"managerId": "42", "displayName": "Boss"}),
    ] {
        let document = created(json!({ENTERPRISE: {"manager": sent, "department": "Ops"}}));
        assert_eq!(document[ENTERPRISE], json!({"department": "Ops"}), "{sent}");
    }
}

#[test]
fn manager_of_another_shape_is_refused() {
    for sent in [json!(42), json!(true), json!(["1", "2"]), json!([["1"]]), json!({"value": 42})] {
        refused(json!({ENTERPRISE: {"manager": sent}}));
    }
}

#[test]
fn values_are_kept_as_sent() {
    let sent = json!({
        "locale": "en_us", "timezone": "Nowhere/Land", "userType": "Whatever", "profileUrl": "javascript:alert(1)",
        "phoneNumbers": [{"value": "(0) 1-23 45", "type": "desk"}],
        "addresses": [{"formatted": "1 Main St\r\nX\tY", "country": "Narnia"}],
        "userName": " Ana@X.example ", "displayName": "<script>", "photos": [{"value": "not a uri", "type": "photo"}],
    });
    let document = created(sent.clone());
    for (name, value) in sent.as_object().unwrap() {
        assert_eq!(&document[name], value);
    }
}

#[test]
fn certificates_must_be_base64() {
    let sent = |text: &str| json!({"x509Certificates": [{"value": text}]});
    for text in ["TUlJQw==", "TUlJQw==\r\n", "TUlJ\nTUlJ", "AAAA", "TUlJQw", "TUlJQ0M", "TUlJQ0M="] {
        assert_eq!(created(sent(text))["x509Certificates"][0]["value"], text);
    }
    for text in
        ["not base64!", "TUlJQw=", "TUlJQx", "TUlJ-_==", "TUlJQ", "a", "-----BEGIN CERTIFICATE-----", "é"]
    {
        assert!(refused(sent(text)).detail.contains("base64"), "{text}");
    }
    for mut t in [Tolerance::lenient(), Tolerance::strict()] {
        assert!(create(&schema::user(), &body(sent("%")), &mut t).is_err());
    }
}

/// A tenant's own attributes, of the types that the RFC's schemas do not let a client write.
fn custom() -> ResourceType {
    let mut rt = schema::user();
    let attribute = |name: &str, kind: &str, mutability: &str| -> Attribute {
        serde_json::from_value(json!({"name": name, "type": kind, "mutability": mutability})).unwrap()
    };
    let tags = Attribute { multi_valued: true, ..attribute("tags", "string", "readWrite") };
    rt.core.attributes.extend([
        attribute("hired", "dateTime", "readWrite"),
        attribute("floor", "integer", "readWrite"),
        attribute("share", "decimal", "readWrite"),
        attribute("badge", "string", "immutable"),
        tags,
    ]);
    rt.add_extension(Extension {
        required: false,
        schema: Schema {
            id: "urn:example:seats:2.0:User".into(),
            name: "Seats".into(),
            description: "A tenant's own.".into(),
            attributes: vec![
                attribute("seated", "boolean", "readWrite"),
                attribute("desk", "string", "immutable"),
            ],
        },
    });
    rt
}

#[test]
fn a_tenants_own_attributes_obey_their_types() {
    let rt = custom();
    let make = |members| create(&rt, &body(members), &mut Tolerance::lenient());
    let good = json!({"hired": "2026-01-31T12:00:00.5+01:00", "floor": -3, "share": 1.5, "tags": ["a", "b", "a", ""]});
    let document = make(good).unwrap();
    assert_eq!(document.get("tags"), Some(&json!(["a", "b"])));
    assert_eq!(document.str("hired"), Some("2026-01-31T12:00:00.5+01:00"));
    for bad in [
        json!({"hired": "2026-01-31"}),
        json!({"hired": 5}),
        json!({"floor": 1.5}),
        json!({"floor": "3"}),
        json!({"share": "1"}),
        json!({"tags": "a"}),
        json!({"tags": [1]}),
    ] {
        assert!(make(bad).is_err());
    }
}

#[test]
fn cx11_a_custom_boolean_of_an_extension_takes_strings_and_refuses_numbers() {
    let rt = custom();
    let make = |value| {
        let sent = body(json!({"urn:example:seats:2.0:User": {"seated": value}}));
        create(&rt, &sent, &mut Tolerance::lenient())
    };
    assert_eq!(
        make(json!("True")).unwrap().get("urn:example:seats:2.0:User"),
        Some(&json!({"seated": true}))
    );
    assert!(make(json!(1)).is_err());
}

#[test]
fn put_clears_what_it_leaves_out_except_what_is_kept() {
    let current = json!({"userName": "ana", "title": "T", "userType": "admin", "active": false});
    assert_eq!(
        put(json!({"displayName": "A"}), current.clone()).unwrap(),
        json!({"userName": "ana", "displayName": "A", "userType": "admin", "active": false})
    );
    assert_eq!(
        put(json!({"userType": "member", "active": true}), current).unwrap(),
        json!({"userName": "ana", "userType": "member", "active": true})
    );
}

#[test]
fn mo13_put_takes_an_empty_active_for_absent_and_clears_a_role_that_is_sent_empty() {
    let current = json!({"userName": "ana", "userType": "admin", "active": false});
    assert_eq!(put(json!({}), current.clone()).unwrap(), current);
    for nothing in [json!(null), json!(""), json!([])] {
        let sent = json!({"active": nothing, "userType": nothing});
        assert_eq!(put(sent, current.clone()).unwrap(), json!({"userName": "ana", "active": false}));
    }
}

#[test]
fn put_does_not_bring_back_an_active_that_was_removed() {
    assert_eq!(put(json!({}), json!({"userName": "ana"})).unwrap(), json!({"userName": "ana"}));
}

#[test]
fn put_needs_its_required_attributes() {
    assert!(put(json!({"userName": null}), json!({"userName": "ana"})).is_err());
}

#[test]
fn put_keeps_an_attribute_of_an_extension_by_its_urn() {
    let rt = custom();
    let urn = "urn:example:seats:2.0:User";
    let current = document(json!({"userName": "ana", urn: {"seated": true}}));
    let keep = ["urn:example:seats:2.0:User:seated"];
    let put = |members| replace(&rt, &body(members), &current, &keep, &mut Tolerance::lenient()).unwrap();
    assert_eq!(put(json!({})).get(urn), Some(&json!({"seated": true})));
    assert_eq!(put(json!({urn: {"seated": false}})).get(urn), Some(&json!({"seated": false})));
    assert_eq!(put(json!({urn: {"seated": null}})).get(urn), None, "sent empty it is cleared");
}

#[test]
fn attack_29_an_immutable_attribute_stays_as_it_is() {
    let rt = custom();
    let urn = "urn:example:seats:2.0:User";
    let current = document(json!({"userName": "ana", "badge": "7", urn: {"desk": "4"}}));
    let put = |members| replace(&rt, &body(members), &current, &[], &mut Tolerance::lenient());
    for same in [json!({}), json!({"badge": "7"}), json!({urn: {"desk": "4"}}), json!({"badge": null})] {
        assert_eq!(put(same).unwrap(), current);
    }
    for other in [json!({"badge": "8"}), json!({urn: {"desk": "5"}})] {
        assert_eq!(put(other).unwrap_err().scim_type, Some(ScimType::Mutability));
    }
    let unset = document(json!({"userName": "ana"}));
    let set = replace(&rt, &body(json!({"badge": "8"})), &unset, &[], &mut Tolerance::lenient()).unwrap();
    assert_eq!(set.str("badge"), Some("8"));
}

#[test]
fn equal_type_and_value_are_held_once() {
    let mut t = Tolerance::lenient();
    let sent = body(json!({"emails": [
        {"type": "work", "value": "a@x", "display": "A"},
        {"type": "home", "value": "a@x"},
        {"type": "WORK", "value": "A@X", "primary": true},
        {"value": "a@x"},
        {"value": "a@x"},
    ]}));
    let document = create(&schema::user(), &sent, &mut t).unwrap();
    assert_eq!(
        document.get("emails"),
        Some(&json!([
            {"value": "A@X", "display": "A", "type": "WORK", "primary": true},
            {"value": "a@x", "type": "home"},
            {"value": "a@x"},
        ]))
    );
    assert_eq!(t.seen, [(Leniency::RepeatedElement, "emails".into())]);
}

#[test]
fn addresses_have_no_value_and_are_held_once_when_wholly_equal() {
    let a = json!({"locality": "Cork", "type": "work"});
    let b = json!({"locality": "Bray", "type": "work"});
    assert_eq!(created(json!({"addresses": [a, b, a]}))["addresses"], json!([a, b]));
}

#[test]
fn equal_addresses_are_found_whatever_order_they_were_written_in() {
    let mut written = document(json!({
        "userName": "ana",
        "addresses": [{"type": "work", "locality": "Cork"}, {"locality": "Cork", "type": "work"}],
    }));
    normalised(&schema::user(), &mut written, &mut Tolerance::lenient()).unwrap();
    assert_eq!(written.get("addresses"), Some(&json!([{"locality": "Cork", "type": "work"}])));
}

#[test]
fn the_last_primary_stays() {
    let sent = json!({"emails": [
        {"value": "a@x", "primary": true}, {"value": "b@x", "primary": true}, {"value": "c@x", "primary": false},
    ]});
    let primaries: Vec<_> =
        created(sent)["emails"].as_array().unwrap().iter().map(|e| e["primary"].clone()).collect();
    assert_eq!(primaries, [false, true, false]);
    let again = json!({"emails": [
        {"value": "a@x", "primary": true}, {"value": "b@x", "primary": true}, {"value": "a@x", "primary": true},
    ]});
    assert_eq!(
        created(again)["emails"],
        json!([{"value": "a@x", "primary": true}, {"value": "b@x", "primary": false}])
    );
}

#[test]
fn settling_twice_changes_nothing_and_empties_are_taken_away() {
    let rt = schema::user();
    let mut messy = document(json!({
        "emails": [{"primary": true, "type": "work"}, {"type": "home", "value": "h"}, {"value": "h", "type": "home"}],
        "name": {"givenName": null, "familyName": "F"}, "title": null, ENTERPRISE: {"department": ""},
        "active": false, "userName": "ana", "stray": 1,
    }));
    normalised(&rt, &mut messy, &mut Tolerance::lenient()).unwrap();
    let expected = json!({
        "userName": "ana", "name": {"familyName": "F"}, "active": false,
        "emails": [{"value": "h", "type": "home"}],
    });
    assert_eq!(messy.to_stored(), expected.to_string());
    normalised(&rt, &mut messy, &mut Tolerance::lenient()).unwrap();
    assert_eq!(messy.to_stored(), expected.to_string());
}

fn any_email() -> impl Strategy<Value = Value> {
    let text = || prop::sample::select(vec![json!("a"), json!("A"), json!("b"), json!(""), json!(null)]);
    let primary = prop::sample::select(vec![json!(true), json!(false), json!(null)]);
    (text(), text(), text(), primary)
        .prop_map(|(v, d, t, p)| json!({"primary": p, "type": t, "display": d, "value": v}))
}

proptest! {
    #[test]
    fn normalising_elements_twice_changes_nothing(emails in prop::collection::vec(any_email(), 0..8)) {
        let rt = schema::user();
        let mut once = document(json!({"emails": emails, "userName": "ana"}));
        normalised(&rt, &mut once, &mut Tolerance::lenient()).unwrap();
        let mut twice = once.clone();
        let mut t = Tolerance::lenient();
        normalised(&rt, &mut twice, &mut t).unwrap();
        prop_assert_eq!(once.to_stored(), twice.to_stored());
        prop_assert!(t.seen.is_empty());
    }
}

#[test]
fn a_stored_document_comes_back_as_it_was() {
    let before = document(created(json!({"name": {"givenName": "é\n"}, ENTERPRISE: {"manager": "m"}})));
    assert_eq!(Document::from_stored(&before.to_stored()).unwrap(), before);
    assert!(Document::from_stored("[]").is_err());
    assert_eq!(
        (before.str("userName"), before.bool("active"), before.bool("userName")),
        (Some("ana"), Some(true), None)
    );
}

#[test]
fn attack_38_a_resource_holds_a_bounded_amount_and_members_do_not_count() {
    let emails = |count: usize, length: usize| -> Value {
        (0..count).map(|n| json!({"value": format!("{n:x>length$}")})).collect()
    };
    created(json!({"emails": emails(15, 60_000)}));
    assert!(refused(json!({"emails": emails(18, 60_000)})).detail.contains("1 MiB"));
    assert!(refused(json!({"emails": emails(2_000, 600)})).detail.contains("1 MiB"));
    let members = emails(50_000, 36);
    let group = json!({"schemas": [urn::GROUP], "displayName": "all", "members": members});
    let mut group = create(&schema::group(), &group, &mut Tolerance::lenient()).unwrap();
    assert_eq!(take_members(&mut group).unwrap().len(), 50_000);
}

#[test]
fn attack_38_elements_and_strings_are_bounded() {
    let emails = |n: usize| json!((0..n).map(|i| json!({"value": format!("{i}@x")})).collect::<Vec<_>>());
    assert_eq!(created(json!({"emails": emails(2_000)}))["emails"].as_array().unwrap().len(), 2_000);
    assert!(refused(json!({"emails": emails(2_001)})).detail.contains("at most 2000"));
    assert!(refused(json!({"title": "x".repeat(MAX_STRING + 1)})).detail.contains("64 KiB"));
    created(json!({"title": "x".repeat(MAX_STRING)}));
    for name in ["userName", "externalId"] {
        created(json!({name: "é".repeat(MAX_KEY)}));
        let error = refused(json!({name: "x".repeat(MAX_KEY + 1)}));
        assert_eq!(error.detail, format!("{name} must be at most 1024 characters long."));
    }
    let group = json!({"schemas": [urn::GROUP], "displayName": "x".repeat(MAX_KEY + 1)});
    refused_by(&mut Tolerance::lenient(), &schema::group(), &group);
}

#[test]
fn a_groups_document_holds_no_members() {
    let members = json!([
        {"value": "1", "display": "VP", "$ref": "https://elsewhere.example.com/Users/1"},
        {"value": "2", "type": "Group", "$ref": null},
        {"value": "1", "display": "CEO"},
    ]);
    let taken = members_of(json!({"schemas": [urn::GROUP], "displayName": "d", "members": members}));
    assert_eq!(taken, Some(vec![member("1", Some("CEO"), None), member("2", None, Some("Group"))]));
}

#[test]
fn an_empty_members_is_not_an_absent_one() {
    let with =
        |members: Value| members_of(json!({"schemas": [urn::GROUP], "displayName": "d", "Members": members}));
    for nobody in [json!([]), json!(null), json!([{"value": ""}])] {
        assert_eq!(with(nobody), Some(Vec::new()));
    }
    assert_eq!(members_of(json!({"schemas": [urn::GROUP], "displayName": "d"})), None);
}

#[test]
fn a_member_needs_a_value() {
    let sent = json!({"schemas": [urn::GROUP], "displayName": "d", "members": [{"display": "x"}]});
    let error = refused_by(&mut Tolerance::lenient(), &schema::group(), &sent);
    assert_eq!(error.detail, "The required attribute members.value is missing.");
}

#[test]
fn a_hundred_thousand_members_are_taken_and_no_more() {
    let group = |n: usize| {
        let members: Vec<_> = (0..n).map(|i| json!({"value": i.to_string()})).collect();
        json!({"schemas": [urn::GROUP], "displayName": "d", "members": members})
    };
    assert_eq!(members_of(group(MAX_MEMBERS)).unwrap().len(), MAX_MEMBERS);
    refused_by(&mut Tolerance::lenient(), &schema::group(), &group(MAX_MEMBERS + 1));
}

#[test]
fn attack_38_what_is_said_of_a_member_is_as_short_as_a_name() {
    let sent = |name: &str, text: String| {
        let mut member = json!({"value": "u", "$ref": "x".repeat(MAX_KEY + 1)});
        member[name] = text.into();
        json!({"schemas": [urn::GROUP], "displayName": "d", "members": [member]})
    };
    for name in ["value", "display", "type"] {
        assert!(members_of(sent(name, "é".repeat(MAX_KEY))).is_some());
        let long = sent(name, "é".repeat(MAX_KEY + 1));
        let error = refused_by(&mut Tolerance::lenient(), &schema::group(), &long);
        assert_eq!(error.detail, format!("members.{name} must be at most 1024 characters long."));
    }
}

#[test]
fn entras_group_becomes_a_document() {
    let sent = json!({
        "schemas": [urn::GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "g", "displayName": "Team", "meta": {"resourceType": "Group"},
    });
    let document = create(&schema::group(), &sent, &mut Tolerance::lenient()).unwrap();
    assert_eq!(document.to_stored(), r#"{"externalId":"g","displayName":"Team"}"#);
    assert!(document.get("active").is_none(), "groups have no active");
}

#[test]
fn one_attribute_is_normalised_alone() {
    let rt = schema::user();
    let t = &mut Tolerance::lenient();
    let emails = rt.attribute("emails").unwrap();
    let sent = json!([{"VALUE": "a@x", "primary": "true"}, {}, null]);
    assert_eq!(
        normalise(emails, &sent, "emails", t).unwrap(),
        Some(json!([{"value": "a@x", "primary": true}]))
    );
    assert_eq!(
        normalise_element(emails, &json!({"type": "work"}), "emails", t).unwrap(),
        Some(json!({"type": "work"}))
    );
    assert_eq!(normalise(emails, &json!([null]), "emails", t).unwrap(), None);
    assert_eq!(normalise_element(emails, &json!(""), "emails", t).unwrap(), None);
    let title = rt.attribute("title").unwrap();
    assert_eq!(normalise(title, &json!(1), "title", t).unwrap_err().detail, "title must be a string.");
    assert_eq!((title.kind, title.mutability), (Type::String, Mutability::ReadWrite));
}

#[test]
fn a_resource_is_answered_in_the_order_of_the_rfc() {
    let rt = schema::user();
    let document = document(created(json!({"externalId": "e", ENTERPRISE: {"department": "D"}})));
    let meta = Meta { created: "c", last_modified: "m", version: "W/\"3\"", location: "l" };
    let computed = vec![("groups", json!([{"value": "g"}])), (urn::SEAT, json!({"state": "granted"}))];
    let resource = render(&rt, Parts { id: "1", document: &document, computed, meta });
    let keys: Vec<_> = resource.keys().collect();
    assert_eq!(
        keys,
        ["schemas", "id", "externalId", "userName", "active", ENTERPRISE, "groups", urn::SEAT, "meta"]
    );
    assert_eq!(resource["schemas"], json!([urn::USER, ENTERPRISE, urn::SEAT]));
    assert_eq!(
        resource["meta"],
        json!({"resourceType": "User", "created": "c", "lastModified": "m", "location": "l", "version": "W/\"3\""})
    );
    let bare = Parts { id: "1", document: &document, computed: Vec::new(), meta };
    assert_eq!(render(&rt, bare)["schemas"], json!([urn::USER, ENTERPRISE]));
}
