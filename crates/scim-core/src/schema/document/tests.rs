//! Documents that are taken as they are, and every rule that refuses one (attack 70).

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::discovery;
use crate::schema::{Extension, Mutability, Returned, Type, Uniqueness, user};

const URN: &str = "urn:example:hr:2.0:User";

fn with(attributes: Value) -> Value {
    json!({"id": URN, "attributes": attributes})
}

fn faults(document: &Value) -> Vec<String> {
    read(document).expect_err("the document should be refused")
}

/// The one fault of a document with this attribute.
fn fault(attribute: Value) -> String {
    let told = faults(&with(json!([attribute])));
    assert_eq!(told.len(), 1, "{attribute}: {told:?}");
    told[0].clone()
}

#[test]
fn the_example_is_a_schema_and_comes_back_as_it_was() {
    let text = include_bytes!("../../../../../deploy/schemas/hr-user.json");
    let schema = parse(text).unwrap();
    let badge = schema.attribute("badge").unwrap();
    assert_eq!(
        (badge.kind, badge.required, badge.case_exact, badge.mutability, badge.uniqueness),
        (Type::String, true, true, Mutability::Immutable, Uniqueness::Server)
    );
    assert_eq!(schema.attribute("level").unwrap().returned, Returned::Request);
    assert_eq!(schema.attribute("offices").unwrap().sub_attributes.len(), 4);
    // As it rests, and as /Schemas tells it: what one tenant reads, staff may give to another.
    let resting: Schema = serde_json::from_str(&serde_json::to_string(&schema).unwrap()).unwrap();
    assert_eq!(resting, schema);
    let mut rt = user();
    rt.add_extension(Extension { schema: schema.clone(), required: false });
    let told = discovery::schemas(&[&rt], "https://x").into_iter().find(|s| s["id"] == schema.id.as_str());
    assert_eq!(read(&told.unwrap()), Ok(schema));
}

#[test]
fn what_is_left_out_has_the_rfcs_default() {
    let schema = read(&with(json!([
        {"name": "plain"}, {"name": "photo", "type": "binary"}, {"name": "home", "type": "reference"},
    ])))
    .unwrap();
    assert_eq!((schema.name.as_str(), schema.description.as_str()), (URN, ""));
    let plain = schema.attribute("PLAIN").unwrap();
    assert_eq!(
        (plain.kind, plain.multi_valued, plain.required, plain.case_exact),
        (Type::String, false, false, false)
    );
    assert_eq!(
        (plain.mutability, plain.returned, plain.uniqueness),
        (Mutability::ReadWrite, Returned::Default, Uniqueness::None)
    );
    assert!(schema.attribute("photo").unwrap().case_exact && schema.attribute("home").unwrap().case_exact);
}

#[test]
fn attack_70_a_schemas_urn_is_a_urn_and_nobody_elses() {
    let one = json!([{"name": "a"}]);
    for urn in [
        URN,
        "URN:Example:x",
        "urn:mace:example.com:scim:schemas:contoso:1.0:User",
        "urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User",
        "urn:okta:acme_app:1.0:user:custom",
    ] {
        assert!(read(&json!({"id": urn, "attributes": one})).is_ok(), "{urn}");
    }
    // Without a name the URN is the name, and what was told of the schema may be sent back.
    let longest = format!("urn:example:{}", "x".repeat(188));
    let told = read(&json!({"id": longest, "attributes": one})).unwrap();
    assert_eq!((told.name.len(), read(&serde_json::to_value(&told).unwrap())), (200, Ok(told.clone())));
    let long = format!("urn:example:{}", "x".repeat(200));
    for urn in [
        "",
        "hr",
        "urn:",
        "urn:example",
        "urn:example:",
        "urn::x",
        "urn:x:y",
        "urn:-ab:y",
        "urn:example:a:",
        "urn:example:a b",
        "urn:example:a/b",
        "urn:example:\u{e9}",
        "urn:example:a[0]",
        "urn:example:a\"",
        "https://example.com/schema",
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "urn:ietf:params:scim:schemas:core:2.0:Thing",
        "URN:IETF:params:scim:api:messages:2.0:Error",
        "urn:usher:params:scim:schemas:extension:seat:2.0:User",
        "urn:usher:x",
        "urn:okta:scim:schemas:core:1.0:Role",
        &long,
    ] {
        let told = faults(&json!({"id": urn, "attributes": one}));
        assert!(told.len() == 1 && told[0].starts_with("id "), "{urn}: {told:?}");
    }
    assert!(faults(&json!({"id": 7, "attributes": one}))[0].starts_with("id is missing"));
}

#[test]
fn attack_70_names_of_attributes_follow_the_rfcs_grammar() {
    for name in ["a", "costCentre", "x-y_z9", "a$b", "constructor"] {
        assert!(read(&with(json!([{"name": name}]))).is_ok(), "{name}");
    }
    for name in
        ["__proto__", "_a", "$ref", "1a", "-a", "", "a b", "a.b", "a:b", "a[0]", "\u{e9}t\u{e9}", "a\0"]
    {
        assert!(fault(json!({"name": name})).contains("a name begins with a letter"), "{name}");
    }
    assert!(fault(json!({"name": "a".repeat(65)})).contains("at most 64 characters"));
    for name in ["id", "ID", "schemas", "meta", "externalId", "EXTERNALID"] {
        assert!(fault(json!({"name": name})).contains("common attribute"), "{name}");
    }
    for name in ["id", "value", "$ref", "meta"] {
        let sub =
            json!({"name": "a", "type": "complex", "subAttributes": [{"name": name, "type": "reference"}]});
        assert!(read(&with(json!([sub]))).is_ok(), "{name} as a sub-attribute");
    }
    assert!(fault(json!({"type": "string"})).contains("its name is missing"));
    assert!(fault(json!("badge")).contains("it must be an object"));
    let twice = faults(&with(json!([{"name": "badge"}, {"name": "BADGE"}])));
    assert_eq!(twice, ["BADGE: it stands twice; letter case does not tell names apart."]);
}

#[test]
fn characteristics_have_the_rfcs_words() {
    for (attribute, said) in [
        (json!({"name": "a", "type": "text"}), "type must be string, boolean"),
        (json!({"name": "a", "type": 1}), "type must be"),
        (json!({"name": "a", "mutability": "never"}), "mutability must be readOnly"),
        (json!({"name": "a", "returned": "sometimes"}), "returned must be always"),
        (json!({"name": "a", "uniqueness": true}), "uniqueness must be none"),
        (json!({"name": "a", "required": "yes"}), "required must be true or false"),
        (json!({"name": "a", "multivalued": true}), "multivalued is no characteristic"),
        (json!({"name": "a", "canonicalValues": "x"}), "canonicalValues must be an array"),
        (json!({"name": "a", "canonicalValues": [1]}), "canonicalValues must be an array"),
        (json!({"name": "a", "canonicalValues": [" "]}), "canonicalValues must be an array"),
        (json!({"name": "a", "description": "a\nb"}), "description must be text on one line"),
        (json!({"name": "a", "type": "complex", "subAttributes": {}}), "subAttributes must be an array"),
    ] {
        assert!(fault(attribute.clone()).contains(said), "{attribute}");
    }
}

#[test]
fn characteristics_that_do_not_go_together_are_refused() {
    let sub = |sub: Value| json!({"name": "a", "type": "complex", "subAttributes": [sub]});
    for (attribute, said) in [
        (json!({"name": "a", "type": "complex"}), "a: a complex attribute needs subAttributes."),
        (
            json!({"name": "a", "subAttributes": [{"name": "b"}]}),
            "a: only a complex attribute has subAttributes.",
        ),
        (sub(json!({"name": "b", "type": "complex"})), "a.b: a sub-attribute cannot be complex"),
        (sub(json!({"name": "b", "multiValued": true})), "a.b: a sub-attribute cannot be multi-valued"),
        (sub(json!({"name": "b", "uniqueness": "server"})), "a.b: a sub-attribute cannot be unique"),
        (sub(json!({"name": "$ref"})), "a.$ref: $ref is a reference"),
        (sub(json!({"name": "primary"})), "a.primary: primary is a boolean"),
        (
            json!({"name": "a", "multiValued": true, "uniqueness": "server"}),
            "multi-valued attribute cannot be unique",
        ),
        (json!({"name": "a", "type": "boolean", "uniqueness": "server"}), "this type cannot be unique"),
        (json!({"name": "a", "type": "binary", "uniqueness": "global"}), "this type cannot be unique"),
        (json!({"name": "a", "mutability": "readOnly", "uniqueness": "server"}), "can be unique"),
        (json!({"name": "a", "mutability": "readOnly", "required": true}), "can be required"),
        (json!({"name": "a", "mutability": "writeOnly"}), "never returned"),
        (
            json!({"name": "a", "mutability": "writeOnly", "returned": "never", "required": true}),
            "can be required",
        ),
        (json!({"name": "a", "type": "integer", "caseExact": true}), "has no letter case"),
        (json!({"name": "a", "type": "binary", "caseExact": false}), "binary values are case exact"),
        (
            json!({"name": "a", "type": "integer", "canonicalValues": ["1"]}),
            "only texts have canonicalValues",
        ),
        (json!({"name": "a", "referenceTypes": ["User"]}), "only a reference has referenceTypes"),
        (json!({"name": "a", "type": "reference", "caseExact": false}), "references are case exact"),
        (
            json!({"name": "a", "type": "reference", "referenceTypes": ["Foo"]}),
            "referenceTypes are of User, Group",
        ),
        (json!({"name": "Password", "mutability": "writeOnly", "returned": "never"}), "never kept here"),
        (sub(json!({"name": "password"})), "never kept here"),
    ] {
        assert!(fault(attribute.clone()).contains(said), "{attribute}: {}", fault(attribute.clone()));
    }
    for attribute in [
        json!({"name": "a", "type": "integer", "uniqueness": "server", "mutability": "immutable", "required": true}),
        json!({"name": "a", "mutability": "writeOnly", "returned": "never"}),
        json!({"name": "a", "mutability": "readOnly"}),
        json!({"name": "a", "type": "reference", "referenceTypes": ["User", "external", "uri"], "caseExact": true}),
    ] {
        assert!(read(&with(json!([attribute]))).is_ok(), "{attribute}");
    }
}

#[test]
fn all_faults_are_told_at_once_and_their_number_is_bounded() {
    let told = faults(&json!({
        "id": "hr", "name": 7, "colour": "red",
        "attributes": [{"name": "id"}, {"name": "a", "type": "text", "required": 1}, {"name": "b", "type": "complex"}],
    }));
    assert_eq!(told.len(), 7, "{told:?}");
    let told = faults(&with(json!([{"name": "1a", "type": "text", "returned": "sometimes"}])));
    assert_eq!(told.len(), 3, "a bad name hides nothing: {told:?}");
    assert!(told[1].starts_with("attribute 1: type must be"), "{told:?}");
    let told = faults(&json!({"id": URN, "attributes": [{"name": "a"}], "schemas": [crate::urn::USER]}));
    assert!(told[0].starts_with("schemas must hold"), "{told:?}");
    let many: Vec<Value> = (0..200).map(|n| json!({"name": format!("{n}")})).collect();
    let told = faults(&with(json!(many)));
    assert_eq!((told.len(), told[49].as_str()), (50, "And 151 more faults."));
}

#[test]
fn attack_70_a_schema_has_bounds() {
    let attributes = |count: usize| with((0..count).map(|n| json!({"name": format!("a{n}")})).collect());
    assert!(read(&attributes(MAX_ATTRIBUTES)).is_ok());
    assert_eq!(
        faults(&attributes(10_000)),
        ["A schema may have at most 200 attributes; this one has 10000."]
    );
    let subs = |count: usize| -> Value { (0..count).map(|n| json!({"name": format!("s{n}")})).collect() };
    let complex =
        |name: String, count| json!({"name": name, "type": "complex", "subAttributes": subs(count)});
    assert!(read(&with(json!([complex("a".into(), MAX_SUB_ATTRIBUTES)]))).is_ok());
    assert!(fault(complex("a".into(), MAX_SUB_ATTRIBUTES + 1)).contains("at most 50 sub-attributes"));
    let all: Value = (0..20).map(|n| complex(format!("a{n}"), 50)).collect();
    assert!(faults(&with(all))[0].contains("at most 1000 attributes"));
    let mut long = with(json!([{"name": "a"}])).to_string().into_bytes();
    long.resize(MAX_BYTES + 1, b' ');
    assert!(parse(&long).is_err());
    long.truncate(MAX_BYTES);
    assert!(parse(&long).is_ok());
    assert!(faults(&with(json!([])))[0].contains("at least one attribute"));
    assert!(faults(&json!({"id": URN}))[0].contains("at least one attribute"));
}

#[test]
fn attack_40_a_document_is_one_json_object_without_a_key_twice() {
    for text in [
        "",
        "[]",
        "{",
        "{\"id\":\"urn:example:a\",\"ID\":\"urn:example:b\",\"attributes\":[{\"name\":\"a\"}]}",
    ] {
        let told = parse(text.as_bytes()).unwrap_err();
        assert!(told.len() == 1 && told[0].starts_with("The document"), "{told:?}");
    }
}

#[test]
fn a_wider_schema_takes_all_of_a_narrower_one() {
    let old = read(&with(json!([
        {"name": "badge", "required": true, "uniqueness": "server"},
        {"name": "desk", "type": "complex", "subAttributes": [{"name": "number", "type": "integer"}]},
    ])))
    .unwrap();
    let change = |path: &str, value: Value| {
        let mut document = serde_json::to_value(&old).unwrap();
        match path {
            "" => document["attributes"].as_array_mut().unwrap().push(value),
            _ => *document.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value,
        }
        read(&document).unwrap()
    };
    for (path, value, wider) in [
        ("", json!({"name": "floor"}), true),
        ("", json!({"name": "floor", "uniqueness": "server"}), true),
        ("", json!({"name": "floor", "required": true}), false),
        ("/description", json!("other words"), true),
        ("/attributes/0/required", json!(false), true),
        ("/attributes/0/mutability", json!("immutable"), true),
        ("/attributes/0/returned", json!("request"), true),
        ("/attributes/0/uniqueness", json!("none"), false),
        ("/attributes/0/caseExact", json!(true), false),
        ("/attributes/0/type", json!("integer"), false),
        ("/attributes/0/name", json!("Badge"), false),
        ("/attributes/1/multiValued", json!(true), false),
        ("/attributes/1/mutability", json!("readOnly"), false),
        ("/attributes/1/subAttributes/0/type", json!("string"), false),
        ("/attributes/1/subAttributes/0/required", json!(true), false),
        (
            "/attributes/1/subAttributes",
            json!([{"name": "number", "type": "integer"}, {"name": "wing"}]),
            true,
        ),
        ("/attributes/1/subAttributes", json!([{"name": "wing"}]), false),
        ("/attributes", json!([{"name": "badge", "required": true, "uniqueness": "server"}]), false),
    ] {
        assert_eq!(change(path, value.clone()).takes_all_of(&old), wider, "{path} {value}");
    }
    assert!(old.takes_all_of(&old));
}

#[test]
fn what_rests_is_held_against_a_changed_schema() {
    let block = json!({"badge": "7", "desk": {"number": 1, "wing": "W"}, "skills": ["a", "b"]});
    let misfits = |attributes: Value| read(&with(attributes)).unwrap().misfits(block.as_object().unwrap());
    let desk = json!({"name": "desk", "type": "complex", "subAttributes": [
        {"name": "number", "type": "integer"}, {"name": "wing"}]});
    let skills = json!({"name": "skills", "multiValued": true});
    let badge = json!({"name": "badge"});
    assert!(misfits(json!([badge, desk, skills])).is_empty());
    assert!(misfits(json!([skills, desk, badge, {"name": "more"}])).is_empty());
    for (attributes, expected) in [
        (json!([badge, desk]), vec!["skills"]),
        (json!([{"name": "badge", "type": "integer"}, desk, {"name": "skills"}]), vec!["badge", "skills"]),
        (json!([{"name": "Badge"}, desk, skills]), vec!["badge"]),
        (json!([{"name": "badge", "mutability": "readOnly"}, desk, skills]), vec!["badge"]),
        (json!([badge, desk, skills, {"name": "hired", "required": true}]), vec!["hired"]),
        (
            json!([badge, {"name": "desk", "type": "complex", "subAttributes": [{"name": "number", "type": "integer"}]}, skills]),
            vec!["desk"],
        ),
    ] {
        let expected: Vec<String> = expected.into_iter().map(|name| format!("{URN}:{name}")).collect();
        assert_eq!(misfits(attributes.clone()), expected, "{attributes}");
    }
}

proptest! {
    #[test]
    fn no_document_brings_the_reader_down(text in "[\\[\\]{}:,\"a-z0-9$_ ]{0,200}", deep in 0_usize..80) {
        let _ = parse(text.as_bytes());
        let nested = format!("{}1{}", "{\"subAttributes\":[".repeat(deep), "]}".repeat(deep));
        let _ = parse(nested.as_bytes());
        let attributes: Value = serde_json::from_str(&nested).unwrap_or_default();
        let _ = read(&with(json!([attributes])));
    }

    #[test]
    fn a_schema_that_takes_all_finds_no_misfit(
        kinds in prop::collection::vec(prop::sample::select(vec!["string", "integer", "boolean"]), 1..5),
        more in 0_usize..3,
    ) {
        let attributes = |count: usize| -> Value {
            (0..count).map(|n| json!({"name": format!("a{n}"), "type": kinds.get(n).copied().unwrap_or("string")})).collect()
        };
        let old = read(&with(attributes(kinds.len()))).unwrap();
        let new = read(&with(attributes(kinds.len() + more))).unwrap();
        let block: Map<String, Value> = kinds.iter().enumerate().map(|(n, kind)| {
            let value = match *kind { "integer" => json!(1), "boolean" => json!(true), _ => json!("x") };
            (format!("a{n}"), value)
        }).collect();
        prop_assert!(new.takes_all_of(&old));
        prop_assert!(old.misfits(&block).is_empty() && new.misfits(&block).is_empty());
        prop_assert_eq!(old.takes_all_of(&new), more == 0);
    }
}
