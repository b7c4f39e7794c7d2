//! The schema documents held against RFC 7643 §3.1, §4.1, §4.2 and §4.3.

use super::*;
use crate::urn;

fn attribute<'a>(schema: &'a Schema, path: &str) -> &'a Attribute {
    let (name, sub) = path.split_once('.').map_or((path, None), |(name, sub)| (name, Some(sub)));
    let top = schema.attribute(name).unwrap_or_else(|| panic!("no {path}"));
    sub.map_or(top, |sub| top.sub_attribute(sub).unwrap_or_else(|| panic!("no {path}")))
}

fn names(attributes: &[Attribute]) -> Vec<&str> {
    attributes.iter().map(|a| a.name.as_str()).collect()
}

fn all(attributes: &[Attribute]) -> Vec<&Attribute> {
    attributes.iter().flat_map(|a| std::iter::once(a).chain(all(&a.sub_attributes))).collect()
}

#[test]
fn every_document_parses_under_its_own_urn() {
    let (user, group) = (user(), group());
    assert_eq!(
        user.schemas().map(|s| s.id.as_str()).collect::<Vec<_>>(),
        [urn::USER, urn::ENTERPRISE_USER, urn::SEAT, urn::USER_ORIGIN]
    );
    assert_eq!(group.schemas().map(|s| s.id.as_str()).collect::<Vec<_>>(), [urn::GROUP, urn::GROUP_ORIGIN]);
    assert_eq!(user.common, group.common);
}

#[test]
fn every_characteristic_is_written_out_and_described() {
    for text in [
        include_str!("user.json"),
        include_str!("group.json"),
        include_str!("enterprise.json"),
        include_str!("seat.json"),
        include_str!("origin_user.json"),
        include_str!("origin_group.json"),
        include_str!("common.json"),
        include_str!("service_provider_config.json"),
        include_str!("resource_type.json"),
        include_str!("schema.json"),
    ] {
        let document: serde_json::Value = serde_json::from_str(text).unwrap();
        let mut waiting: Vec<_> = document["attributes"].as_array().unwrap().iter().collect();
        while let Some(attribute) = waiting.pop() {
            for name in
                ["type", "multiValued", "required", "caseExact", "mutability", "returned", "uniqueness"]
            {
                assert!(attribute.get(name).is_some(), "{name} of {}", attribute["name"]);
            }
            assert!(
                attribute["description"].as_str().is_some_and(|d| d.ends_with('.')),
                "{}",
                attribute["name"]
            );
            waiting.extend(attribute.get("subAttributes").and_then(|s| s.as_array()).into_iter().flatten());
        }
    }
}

#[test]
fn user_has_the_attributes_of_rfc_7643_section_4_1() {
    let core = user().core;
    assert_eq!(
        names(&core.attributes),
        [
            "userName",
            "name",
            "displayName",
            "nickName",
            "profileUrl",
            "title",
            "userType",
            "preferredLanguage",
            "locale",
            "timezone",
            "active",
            "password",
            "emails",
            "phoneNumbers",
            "ims",
            "photos",
            "addresses",
            "groups",
            "entitlements",
            "roles",
            "x509Certificates",
        ]
    );
    for (path, subs) in [
        ("name", "formatted familyName givenName middleName honorificPrefix honorificSuffix"),
        ("addresses", "formatted streetAddress locality region postalCode country type primary"),
        ("groups", "value $ref display type"),
    ] {
        assert_eq!(names(&attribute(&core, path).sub_attributes).join(" "), subs, "{path}");
    }
    for path in ["emails", "phoneNumbers", "ims", "photos", "entitlements", "roles", "x509Certificates"] {
        assert_eq!(
            names(&attribute(&core, path).sub_attributes).join(" "),
            "value display type primary",
            "{path}"
        );
        assert_eq!(attribute(&core, &format!("{path}.primary")).kind, Type::Boolean);
    }
    for a in &core.attributes {
        let plural = matches!(
            a.name.as_str(),
            "emails"
                | "phoneNumbers"
                | "ims"
                | "photos"
                | "addresses"
                | "groups"
                | "entitlements"
                | "roles"
                | "x509Certificates"
        );
        assert_eq!(a.multi_valued, plural, "{}", a.name);
        assert_eq!(a.kind == Type::Complex, plural || a.name == "name", "{}", a.name);
        assert_eq!(a.required, a.name == "userName", "{}", a.name);
    }
}

#[test]
fn user_attributes_that_differ_from_the_defaults() {
    let core = user().core;
    let user_name = attribute(&core, "userName");
    assert_eq!((user_name.uniqueness, user_name.case_exact), (Uniqueness::Server, false));
    let password = attribute(&core, "password");
    assert_eq!((password.mutability, password.returned), (Mutability::WriteOnly, Returned::Never));
    assert_eq!(attribute(&core, "active").kind, Type::Boolean);
    for path in ["profileUrl", "photos.value", "groups.$ref"] {
        assert_eq!(attribute(&core, path).kind, Type::Reference, "{path}");
    }
    assert_eq!(attribute(&core, "x509Certificates.value").kind, Type::Binary);
    assert_eq!(attribute(&core, "emails.type").canonical_values, ["work", "home", "other"]);
    assert!(
        all(std::slice::from_ref(attribute(&core, "groups")))
            .iter()
            .all(|a| a.mutability == Mutability::ReadOnly)
    );
    let read_write =
        all(&core.attributes).into_iter().filter(|a| a.mutability == Mutability::ReadWrite).count();
    assert_eq!(read_write, all(&core.attributes).len() - 1 - 5, "only password and groups differ");
}

#[test]
fn group_has_the_attributes_of_rfc_7643_section_4_2() {
    let core = group().core;
    assert_eq!(names(&core.attributes), ["displayName", "members"]);
    assert!(attribute(&core, "displayName").required);
    let members = attribute(&core, "members");
    assert!(members.multi_valued && members.mutability == Mutability::ReadWrite);
    assert_eq!(names(&members.sub_attributes), ["value", "$ref", "display", "type"]);
    assert!(members.sub_attributes.iter().all(|a| a.mutability == Mutability::Immutable));
    assert_eq!(attribute(&core, "members.$ref").kind, Type::Reference);
    assert_eq!(attribute(&core, "members.$ref").reference_types, ["User", "Group"]);
    assert_eq!(attribute(&core, "members.type").canonical_values, ["User", "Group"]);
}

#[test]
fn enterprise_user_has_the_attributes_of_rfc_7643_section_4_3() {
    let user = user();
    let enterprise = user.extension(urn::ENTERPRISE_USER).unwrap();
    assert_eq!(
        names(&enterprise.attributes),
        ["employeeNumber", "costCenter", "organization", "division", "department", "manager"]
    );
    let manager = attribute(enterprise, "manager");
    assert!(!manager.multi_valued && manager.kind == Type::Complex);
    assert_eq!(names(&manager.sub_attributes), ["value", "$ref", "displayName"]);
    assert_eq!(attribute(enterprise, "manager.value").mutability, Mutability::ReadWrite);
    assert_eq!(attribute(enterprise, "manager.displayName").mutability, Mutability::ReadOnly);
}

#[test]
fn common_attributes_are_those_of_rfc_7643_section_3_1() {
    let common = user().common;
    assert_eq!(names(&common.attributes), ["schemas", "id", "externalId", "meta"]);
    let id = attribute(&common, "id");
    assert!(id.case_exact && id.mutability == Mutability::ReadOnly && id.returned == Returned::Always);
    let external_id = attribute(&common, "externalId");
    assert!(external_id.case_exact && external_id.mutability == Mutability::ReadWrite);
    let meta = attribute(&common, "meta");
    assert_eq!(
        names(&meta.sub_attributes),
        ["resourceType", "created", "lastModified", "location", "version"]
    );
    assert!(all(std::slice::from_ref(meta)).iter().all(|a| a.mutability == Mutability::ReadOnly));
    assert_eq!(attribute(&common, "meta.created").kind, Type::DateTime);
    assert_eq!(attribute(&common, "schemas").returned, Returned::Always);
}

#[test]
fn no_client_writes_the_seat_extension() {
    let user = user();
    let seat = user.extension(urn::SEAT).unwrap();
    assert_eq!(
        names(&seat.attributes),
        [
            "requestedLicense",
            "grantedLicense",
            "role",
            "state",
            "reason",
            "overage",
            "borrowedUntil",
            "since"
        ]
    );
    assert!(seat.attributes.iter().all(|a| a.mutability == Mutability::ReadOnly));
    assert_eq!(attribute(seat, "since").kind, Type::DateTime);
}

#[test]
fn binary_and_reference_values_compare_exactly_as_rfc_7643_sections_2_3_6_and_2_3_7_say() {
    for rt in [user(), group()] {
        for schema in rt.schemas().chain([&rt.common]) {
            for a in all(&schema.attributes) {
                assert!(a.case_exact || !matches!(a.kind, Type::Binary | Type::Reference), "{}", a.name);
            }
        }
    }
}
