//! Laws that hold for any document: PATCH and PUT of one wish agree, repeating changes nothing.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn documents() -> impl Strategy<Value = Value> {
    let text = "[a-zA-Z ]{1,6}".prop_filter("not blank", |text| !text.trim().is_empty());
    let element = (text.clone(), prop::sample::select(vec!["work", "home", "other"]), any::<Option<bool>>());
    let elements = prop::collection::vec(element, 0..4).prop_map(|elements| {
        let element = |(value, kind, primary)| json!({"value": value, "type": kind, "primary": primary});
        Value::Array(elements.into_iter().map(element).collect())
    });
    let maybe = prop::option::of(text.clone());
    (text, (maybe.clone(), maybe.clone(), maybe.clone(), maybe), elements.clone(), elements, any::<bool>())
        .prop_map(|(user_name, (title, given, family, department), emails, roles, active)| {
            json!({
                "schemas": [urn::USER, ENTERPRISE],
                "userName": user_name,
                "title": title,
                "active": active,
                "name": {"givenName": given, "familyName": family},
                "emails": emails,
                "roles": roles,
                ENTERPRISE: {"department": department, "manager": {"value": department}}
            })
        })
}

proptest! {
    /// Okta's wizard apps PUT, its catalogue apps and Entra PATCH: the same wish gives the same person.
    #[test]
    fn patching_every_attribute_ends_where_a_put_ends(before in documents(), target in documents()) {
        let rt = schema::user();
        let mut tolerance = Tolerance::lenient();
        let current = resource::create(&rt, &before, &mut tolerance).unwrap();
        let put = resource::replace(&rt, &target, &current, &[], &mut tolerance).unwrap();
        let mut with_path = Vec::new();
        // They follow from the rest.
        for (key, value) in target.as_object().unwrap().iter().filter(|(key, _)| *key != "schemas") {
            with_path.push(json!({"op": "Replace", "path": key, "value": value}));
        }
        let without_path = json!([{"op": "replace", "value": target}]);
        for operations in [Value::Array(with_path), without_path] {
            let request = PatchRequest::parse(&rt, &body(&operations), &mut tolerance).unwrap();
            let patched = request.apply(&rt, &current, &mut tolerance).unwrap();
            prop_assert_eq!(&patched, &put);
            let again = request.apply(&rt, &patched, &mut tolerance).unwrap();
            prop_assert_eq!(&again, &put);
        }
    }

    #[test]
    fn no_operation_brings_the_engine_down(
        op in prop::sample::select(vec!["add", "Replace", "remove"]),
        path in prop::sample::select(vec![
            "userName", "name", "name.givenName", "emails", "emails.value", "emails[type eq \"work\"]",
            "emails[type eq \"work\"].primary", "manager", "manager.value", "active", "roles", "schemas",
        ]),
        value in prop::sample::select(vec![
            json!(null), json!(""), json!([]), json!({}), json!("x"), json!(true), json!(7), json!([{"value": "x"}]),
            json!({"value": "x"}), json!([[]]), json!({"value": {}}), json!([null]), json!({"givenName": []}),
        ]),
    ) {
        let before = json!({"name": {"givenName": "A"}, "emails": [{"value": "a@x", "type": "work"}]});
        let operation = json!([{"op": op, "path": path, "value": value}]);
        if let Ok(once) = patch(before, operation.clone()) {
            prop_assert_eq!(patch(once.clone(), operation), Ok(once));
        }
    }
}
