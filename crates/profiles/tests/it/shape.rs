//! The `User` type of each product: own attributes, legal values, required ones, what a PUT keeps.

use profiles::{KeptAttribute, Profile};
use scim_core::leniency::Tolerance;
use scim_core::schema::{Attribute, Type};
use scim_core::{Document, ResourceType, discovery, resource, schema};
use serde_json::{Value, json};

use crate::create;

const EXPERT: &str = "urn:usher:params:scim:schemas:extension:expert:2.0:User";

fn shaped(name: &str) -> (Profile, ResourceType) {
    let profile = Profile::built_in(name).unwrap();
    let mut user = schema::user();
    profile.shape_user(&mut user);
    (profile, user)
}

fn canonical<'u>(user: &'u ResourceType, name: &str) -> &'u [String] {
    &user.attribute_of(name).unwrap().canonical_values
}

#[test]
fn mo9_the_legal_values_are_told_and_an_unknown_one_is_refused_with_them() {
    let (profile, user) = shaped("mentimeter");
    let all = ["admin", "member", "member_lite", "user"];
    for name in ["userType", "roles.value"] {
        assert_eq!(canonical(&user, name), all, "{name}");
    }
    let told = discovery::schemas(&[&user], "https://x").remove(0);
    let user_type = told["attributes"].as_array().unwrap().iter().find(|a| a["name"] == "userType").unwrap();
    assert_eq!(user_type["canonicalValues"], json!(all));
    assert!(user_type["description"].as_str().unwrap().contains("No other values"));
    let error = create(&profile, json!({"userType": "Employee"})).unwrap_err();
    assert_eq!(
        (error.status, error.detail.as_str()),
        (400, "userType must be one of: admin, member, member_lite, user.")
    );
    // By default every value is kept.
    let (profile, user) = shaped("default");
    assert_eq!(canonical(&user, "userType"), all);
    assert_eq!(create(&profile, json!({"userType": "Employee"})).unwrap().str("userType"), Some("Employee"));
    assert_eq!(canonical(&user, "entitlements.value"), ["member", "member_lite"]);
}

#[test]
fn me23_an_app_role_that_no_value_knows_is_refused_unless_it_was_held_before() {
    let (profile, _) = shaped("mentimeter");
    let primary =
        |value: &str| create(&profile, json!({"roles": [{"primary": true, "value": value}]})).unwrap();
    assert_eq!(profile.check_values(None, &primary("Admin")), Ok(()));
    let error = profile.check_values(None, &primary("Boss")).unwrap_err();
    assert_eq!((error.status, error.scim_type), (400, Some(scim_core::ScimType::InvalidValue)));
    assert_eq!(
        error.detail,
        "roles[primary eq true].value must be one of: admin, member, member_lite, user."
    );
    assert_eq!(profile.check_values(Some(&primary("boss")), &primary("Boss")), Ok(()));
    assert!(profile.check_values(Some(&primary("boss")), &primary("Chief")).is_err());
    // One that is not primary goes on to the next source, which takes it.
    let other = create(&profile, json!({"roles": [{"value": "Boss"}]})).unwrap();
    assert_eq!(profile.check_values(None, &other), Ok(()));
    // Also where an earlier source decides.
    let both =
        create(&profile, json!({"userType": "user", "roles": [{"primary": true, "value": "Boss"}]})).unwrap();
    assert!(profile.check_values(None, &both).is_err());
}

#[test]
fn cx11_seated_is_told_in_both_places() {
    let (_, user) = shaped("cxone-expert");
    let told = discovery::schemas(&[&user], "https://x");
    let seated = |id: &str| {
        let schema = told.iter().find(|schema| schema["id"] == id).unwrap();
        schema["attributes"].as_array().unwrap().iter().find(|a| a["name"] == "seated").cloned().unwrap()
    };
    for id in [scim_core::urn::USER, EXPERT] {
        assert_eq!(seated(id)["type"], "boolean", "{id}");
        assert_eq!(seated(id)["required"], false);
    }
    // Computed extensions come last.
    let urns: Vec<&str> = user.extension_schemas().map(|schema| schema.id.as_str()).collect();
    assert_eq!(
        urns,
        [scim_core::urn::ENTERPRISE_USER, EXPERT, scim_core::urn::SEAT, scim_core::urn::USER_ORIGIN]
    );
}

#[test]
fn an_extension_of_the_tenants_own_with_the_same_urn_keeps_its_attributes() {
    let profile = Profile::built_in("cxone-expert").unwrap();
    let mut user = schema::user();
    let own = |attributes| schema::Extension {
        schema: schema::Schema {
            id: EXPERT.into(),
            name: "x".into(),
            description: String::new(),
            attributes,
        },
        required: false,
    };
    user.add_extension(own(vec![Attribute::simple("level", Type::String, "")]));
    profile.shape_user(&mut user);
    let names = |user: &ResourceType| {
        user.extension(EXPERT).unwrap().attributes.iter().map(|a| a.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&user), ["level", "seated"]);
    profile.shape_user(&mut user);
    assert_eq!(names(&user), ["level", "seated"]);
}

#[test]
fn mc12_every_missing_attribute_is_named_at_once() {
    let (profile, user) = shaped("metacompliance");
    let error = create(&profile, json!({"emails": [{"value": "a@example.com"}]})).unwrap_err();
    assert_eq!(
        (error.status, error.detail.as_str()),
        (400, "These required attributes are missing: name.familyName, name.givenName.")
    );
    let error =
        create(&profile, json!({"name": {"givenName": "Ada"}, "emails": [{"type": "work"}]})).unwrap_err();
    assert_eq!(error.detail, "These required attributes are missing: name.familyName, emails.value.");
    let whole =
        json!({"name": {"givenName": "A", "familyName": "B"}, "emails": [{"value": "a@example.com"}]});
    assert!(create(&profile, whole).is_ok());
    for name in ["name", "name.givenName", "emails.value", "userName"] {
        assert!(user.attribute_of(name).unwrap().required, "{name}");
    }
}

#[test]
fn mo13_a_put_keeps_every_source_attribute_that_it_leaves_out_and_clears_one_that_is_empty() {
    let kept = |name: &str, when_empty| KeptAttribute { name: name.into(), when_empty };
    let (expert, user) = shaped("cxone-expert");
    assert_eq!(expert.source_attributes(), [kept(&format!("{EXPERT}:seated"), false), kept("seated", false)]);
    assert!(!expert.is_group_driven());
    let (mentimeter, _) = shaped("mentimeter");
    assert_eq!(mentimeter.source_attributes(), [kept("userType", false), kept("roles", false)]);
    let keep = expert.source_attributes();
    let names: Vec<&str> = keep.iter().map(|kept| kept.name.as_str()).collect();
    let held = create(&expert, json!({"seated": true, EXPERT: {"seated": true}, "title": "x"})).unwrap();
    let put = |body: Value| -> Document {
        resource::replace(&user, &body, &held, &names, &mut Tolerance::lenient()).unwrap()
    };
    let left_out = put(json!({"schemas": [scim_core::urn::USER], "userName": "ada"}));
    assert_eq!((left_out.bool("seated"), left_out.get("title")), (Some(true), None));
    assert_eq!(left_out.get(EXPERT), Some(&json!({"seated": true})));
    let emptied = put(
        json!({"schemas": [scim_core::urn::USER, EXPERT], "userName": "ada", "seated": null, EXPERT: {"seated": ""}}),
    );
    assert_eq!((emptied.bool("seated"), emptied.get(EXPERT)), (None, None));
}

#[test]
fn empty_keep_is_told_for_each_attribute() {
    let patch = profiles::patch_of_words(
        &[r#"sources=[{attribute="userType", values={a="admin"}, empty="keep"}, {attribute="roles.value", values={a="admin"}}]"#.to_owned()],
        &[],
    );
    let profile = Profile::built_in("default")
        .unwrap()
        .with(&profiles::Overrides::default().patched(&patch.unwrap()))
        .unwrap();
    let kept: Vec<(String, bool)> =
        profile.source_attributes().into_iter().map(|k| (k.name, k.when_empty)).collect();
    assert_eq!(kept, [("userType".to_owned(), true), ("roles".to_owned(), false)]);
}
