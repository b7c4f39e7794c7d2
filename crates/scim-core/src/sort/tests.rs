//! What is sorted by what, in which order.

use proptest::prelude::*;
use serde_json::{Number, json};

use super::*;
use crate::filter::Quantity;
use crate::schema::Returned;
use crate::{ScimType, schema, urn};

fn sort(text: &str) -> Result<Sort, ScimError> {
    let read = Sort::parse(&schema::user(), &[], Some(text), None, &mut Tolerance::lenient());
    read.map(|sort| sort.expect("a sortBy"))
}

fn resource(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

fn key(text: &str, value: Value) -> Option<SortKey> {
    sort(text).expect("a sort").key(&resource(value))
}

fn words(text: &str) -> Option<SortKey> {
    Some(SortKey::Text(text.to_owned()))
}

#[test]
fn a_singular_attribute_is_sorted_by_its_value() {
    for (sort_by, value, expected) in [
        ("userName", json!({"userName": " Bob "}), words("bob")),
        ("USERNAME", json!({"userName": "Bob"}), words("bob")),
        ("urn:ietf:params:scim:schemas:core:2.0:User:title", json!({"title": "Dr"}), words("dr")),
        ("externalId", json!({"externalId": "Bob"}), words("Bob")),
        ("name.familyName", json!({"name": {"familyName": "LOW"}}), words("low")),
        ("name.familyName", json!({"name": {"givenName": "Low"}}), None),
        ("title", json!({}), None),
        ("profileUrl", json!({"profileUrl": "https://X"}), words("https://X")),
        ("active", json!({"active": true}), Some(SortKey::Boolean(true))),
        ("meta.resourceType", json!({"meta": {"resourceType": "User"}}), words("User")),
        ("manager", json!({urn::ENTERPRISE_USER: {"manager": {"value": "M"}}}), words("m")),
        ("manager.displayName", json!({urn::ENTERPRISE_USER: {"manager": {"displayName": "M"}}}), words("m")),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            json!({urn::ENTERPRISE_USER: {"department": "D"}}),
            words("d"),
        ),
        (
            "urn:usher:params:scim:schemas:extension:seat:2.0:User:state",
            json!({urn::SEAT: {"state": "granted"}}),
            words("granted"),
        ),
        ("schemas", json!({"schemas": ["urn:B", "urn:A"]}), words("urn:b")),
    ] {
        assert_eq!(key(sort_by, value.clone()), expected, "{sort_by} {value}");
    }
}

#[test]
fn a_multi_valued_attribute_is_sorted_by_its_primary_value_or_its_first() {
    let emails = json!([
        {"type": "home", "value": "h@x"},
        {"type": "work", "value": "w@x", "primary": true},
        {"type": "work", "value": "v@x", "display": "V"},
    ]);
    for (sort_by, expected) in [
        ("emails", "w@x"),
        ("emails.value", "w@x"),
        ("emails.type", "work"),
        ("emails.display", "v"),
        ("emails[type eq \"home\"]", "h@x"),
        ("emails[type eq \"home\"].value", "h@x"),
        ("emails[type eq \"work\" and not (primary eq true)].value", "v@x"),
    ] {
        assert_eq!(key(sort_by, json!({"emails": emails})), words(expected), "{sort_by}");
    }
    // RFC 7643 §2.4: an absent primary is false.
    assert_eq!(key("emails.primary", json!({"emails": emails})), Some(SortKey::Boolean(true)));
    let second = json!([{"value": "a@x"}]);
    assert_eq!(key("emails.primary", json!({"emails": second})), Some(SortKey::Boolean(false)));
    assert_eq!(key("emails.primary", json!({})), None);
    let without = json!([{"value": "a@x", "primary": false}, {"value": "b@x"}]);
    assert_eq!(key("emails", json!({"emails": without})), words("a@x"));
    for absent in [json!({}), json!({"emails": []}), json!({"emails": [{"type": "work"}]})] {
        assert_eq!(key("emails", absent), None);
    }
    assert_eq!(key("emails[type eq \"other\"].value", json!({"emails": emails})), None);
    assert_eq!(key("groups.display", json!({"groups": [{"value": "1", "display": "Crew"}]})), words("crew"));
}

#[test]
fn times_are_sorted_as_instants() {
    let at = |text: &str| key("meta.created", json!({"meta": {"created": text}}));
    assert_eq!(at("2020-01-01T02:00:00+02:00"), at("2020-01-01T00:00:00.000Z"));
    assert!(at("2020-01-01T02:00:00+02:00") < at("2020-01-01T00:00:01Z"));
    assert_eq!(at("yesterday"), None);
}

#[test]
fn numbers_are_sorted_by_value() {
    let of = |text: &str| SortKey::of(Type::Decimal, &serde_json::from_str(text).expect("a number"));
    let ascending = [
        "-1e300",
        "-9223372036854775808",
        "-9223372036854775807",
        "-9007199254740993",
        "-9007199254740992",
        "-10",
        "-9.5",
        "-1e-300",
        "0",
        "1e-300",
        "0.5",
        "2",
        "10",
        "9007199254740992",
        "9007199254740993",
        "9007199254740994",
        "9223372036854775806",
        "9223372036854775807",
        "18446744073709551614",
        "18446744073709551615",
        "1e300",
    ];
    for pair in ascending.windows(2) {
        assert!(of(pair[0]) < of(pair[1]), "{pair:?}");
    }
    assert_eq!(of("-0.0"), of("0"));
    assert_eq!(of("1"), of("1.0"));
}

#[test]
fn without_a_value_is_last_when_ascending_and_first_when_descending() {
    let by = |order| {
        let read = Sort::parse(&schema::user(), &[], Some("title"), Some(order), &mut Tolerance::lenient());
        read.expect("a sort").expect("a sortBy")
    };
    let (a, b) = (SortKey::Text("a".into()), SortKey::Text("b".into()));
    let sorted = |order| {
        let mut keys = vec![None, Some(&b), Some(&a)];
        keys.sort_by(|left, right| by(order).compare(*left, *right));
        keys
    };
    assert_eq!(sorted("ASCENDING"), [Some(&a), Some(&b), None]);
    assert_eq!(sorted("Descending"), [None, Some(&b), Some(&a)]);
}

#[test]
fn attack_30_password_is_no_order_and_what_names_nothing_is_refused() {
    for text in [
        "password",
        "PASSWORD",
        "urn:ietf:params:scim:schemas:core:2.0:User:password",
        "shoeSize",
        "name",
        "name.shoeSize",
        "meta",
        "addresses",
        "addresses[type eq \"work\"]",
        "userName.value",
        "userName, title",
        "userName; DROP TABLE users",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "members.value",
        "emails[type eq \"work\"].nope",
        "\0",
    ] {
        let error = sort(text).expect_err(text);
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidPath)), "{text}");
    }
    let broken = sort("emails[type eq]").expect_err("no filter");
    assert_eq!(broken.scim_type, Some(ScimType::InvalidFilter));
}

#[test]
fn what_is_never_returned_is_no_order() {
    let mut user = schema::user();
    for attribute in &mut user.core.attributes {
        if attribute.name == "title" {
            attribute.returned = Returned::Never;
        }
        for sub in attribute.sub_attributes.iter_mut().filter(|sub| sub.name == "display") {
            sub.returned = Returned::Never;
        }
    }
    for text in ["title", "emails.display"] {
        let read = Sort::parse(&user, &[], Some(text), None, &mut Tolerance::lenient());
        assert_eq!(read.expect_err(text).scim_type, Some(ScimType::InvalidPath));
    }
}

#[test]
fn sort_order_has_two_words_in_any_letter_case() {
    let parse = |by, order| Sort::parse(&schema::user(), &[], by, Some(order), &mut Tolerance::lenient());
    for (order, descending) in [("ascending", false), ("DESCENDING", true), ("", false)] {
        let sort = parse(Some("title"), order).expect(order).expect("a sortBy");
        assert_eq!(sort.is_descending(), descending);
    }
    for order in ["desc", "up", "ascending,descending", "' OR 1=1"] {
        for by in [Some("title"), None] {
            assert_eq!(parse(by, order).expect_err(order).scim_type, Some(ScimType::InvalidValue));
        }
    }
    assert_eq!(parse(None, "descending"), Ok(None));
    assert_eq!(parse(Some(" "), "descending"), Ok(None));
}

#[test]
fn an_attribute_of_another_type_is_no_value_here_and_one_of_none_is_refused() {
    let (user, group) = (schema::user(), schema::group());
    let among = |text| Sort::parse(&group, &[&user], Some(text), None, &mut Tolerance::lenient());
    let by_user_name = among("userName").expect("known").expect("a sortBy");
    assert_eq!(by_user_name.key(&resource(json!({"userName": "x", "displayName": "y"}))), None);
    assert!(by_user_name.attribute().is_none());
    let others =
        among("urn:ietf:params:scim:schemas:core:2.0:User:displayName").expect("known").expect("a sortBy");
    assert_eq!(others.key(&resource(json!({"displayName": "y"}))), None);
    assert_eq!(among("shoeSize").expect_err("unknown").scim_type, Some(ScimType::InvalidPath));
}

#[test]
fn equal_sorts_have_one_text_whatever_their_spelling() {
    for (one, other) in [
        ("USERNAME", "urn:ietf:params:scim:schemas:core:2.0:User:userName"),
        ("emails", "emails.value"),
        ("emails[TYPE EQ \"work\"]", "emails[type eq \"work\"].value"),
    ] {
        let text = |by| sort(by).expect(by).to_string();
        assert_eq!(text(one), text(other));
    }
    assert_eq!(
        sort("emails[type eq \"work\"]").unwrap().to_string(),
        "emails.value[type eq \"work\"] ascending"
    );
}

proptest! {
    #[test]
    fn any_sort_by_is_read_or_refused(text in "\\PC{0,40}") {
        let read = Sort::parse(&schema::user(), &[], Some(&text), None, &mut Tolerance::lenient());
        prop_assert!(read.is_err() || text.trim().is_empty() == (read == Ok(None)));
    }

    #[test]
    fn whole_numbers_keep_their_order(left: i64, right: i64) {
        let of = |number: i64| Quantity::of(&number.into());
        prop_assert_eq!(of(left).cmp(&of(right)), left.cmp(&right));
    }

    #[test]
    fn floating_point_numbers_keep_their_order(left in -1e20..1e20_f64, right in -1e20..1e20_f64) {
        let of = |number: f64| Quantity::of(&Number::from_f64(number).expect("finite"));
        prop_assert_eq!(of(left).partial_cmp(&of(right)), left.partial_cmp(&right));
    }
}

#[test]
fn a_sort_knows_which_attribute_it_asks_for() {
    for text in ["groups", "groups.display", "groups[type eq \"direct\"].value"] {
        assert!(sort(text).unwrap().asks_for("groups"), "{text}");
    }
    assert!(!sort("displayName").unwrap().asks_for("groups"));
}
