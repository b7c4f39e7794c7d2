//! Every characteristic of RFC 7643 §2.2 and §7 on a schema that uses each of them, through POST, PUT and PATCH: the
//! same rules on an extension's attributes, on sub-attributes and on the elements of a multi-valued attribute.

use super::*;
use crate::filter::Filter;
use crate::patch::PatchRequest;
use crate::projection::Projection;

const OWN: &str = "urn:example:hr:2.0:User";

fn own() -> ResourceType {
    let mut rt = schema::user();
    let schema: Schema = serde_json::from_value(json!({
        "id": OWN, "name": "HR", "description": "",
        "attributes": [
            {"name": "badge", "type": "string", "mutability": "immutable"},
            {"name": "code", "type": "string", "caseExact": true, "mutability": "immutable"},
            {"name": "hired", "type": "dateTime", "mutability": "immutable"},
            {"name": "floors", "type": "integer", "multiValued": true, "mutability": "immutable"},
            {"name": "level", "type": "integer", "required": true},
            {"name": "share", "type": "decimal"},
            {"name": "photo", "type": "binary"},
            {"name": "home", "type": "reference", "referenceTypes": ["external"]},
            {"name": "remote", "type": "boolean"},
            {"name": "pin", "type": "string", "mutability": "writeOnly", "returned": "never"},
            {"name": "salary", "type": "integer", "returned": "request"},
            {"name": "hash", "type": "string", "returned": "never"},
            {"name": "site", "type": "string", "returned": "always"},
            {"name": "score", "type": "integer", "mutability": "readOnly"},
            {"name": "tags", "type": "string", "multiValued": true},
            {"name": "words", "type": "string", "multiValued": true, "caseExact": true},
            {"name": "desk", "type": "complex", "subAttributes": [
                {"name": "number", "type": "integer", "required": true},
                {"name": "wing", "type": "string", "mutability": "immutable"},
                {"name": "key", "type": "string", "mutability": "writeOnly", "returned": "never"},
                {"name": "note", "type": "string", "returned": "request"}]},
            {"name": "cars", "type": "complex", "multiValued": true, "subAttributes": [
                {"name": "value", "type": "string", "required": true, "caseExact": true},
                {"name": "maker", "type": "string", "mutability": "immutable"},
                {"name": "colour", "type": "string", "returned": "request"},
                {"name": "vin", "type": "string", "returned": "never"},
                {"name": "type", "type": "string", "canonicalValues": ["own", "leased"]},
                {"name": "primary", "type": "boolean"}]},
        ],
    }))
    .unwrap();
    rt.add_extension(Extension { schema, required: false });
    rt
}

fn lenient() -> Tolerance {
    Tolerance::lenient()
}

/// The extension's block of a user created with it.
fn made(block: Value) -> Value {
    let document = create(&own(), &body(json!({OWN: block})), &mut lenient()).unwrap();
    document.get(OWN).cloned().unwrap_or(Value::Null)
}

fn refusal(block: Value) -> String {
    create(&own(), &body(json!({OWN: block})), &mut lenient()).unwrap_err().detail
}

fn held(block: Value) -> Document {
    document(json!({"userName": "ana", OWN: block}))
}

fn put(current: &Document, block: Value) -> Result<Value, ScimError> {
    let replaced = replace(&own(), &body(json!({OWN: block})), current, &[], &mut lenient())?;
    Ok(replaced.get(OWN).cloned().unwrap_or(Value::Null))
}

fn patch(current: &Document, operations: Value) -> Result<Value, ScimError> {
    let rt = own();
    let request = json!({"schemas": [urn::PATCH_OP], "Operations": operations});
    let request = PatchRequest::parse(&rt, &request, &mut lenient())?;
    let patched = request.apply(&rt, current, &mut lenient())?;
    Ok(patched.get(OWN).cloned().unwrap_or(Value::Null))
}

fn replace_at(path: &str, value: Value) -> Value {
    json!([{"op": "replace", "path": format!("{OWN}:{path}"), "value": value}])
}

#[test]
fn rfc_7643_section_2_3_types_take_what_they_are_and_nothing_else() {
    for (name, good, bad) in [
        (
            "level",
            vec![json!(0), json!(-7), json!(i64::MAX)],
            vec![json!(1.5), json!(1.0), json!("1"), json!(true)],
        ),
        ("share", vec![json!(1), json!(1.5), json!(-0.25)], vec![json!("1.5"), json!(false), json!([1, 2])]),
        (
            "hired",
            vec![
                json!("2008-01-23T04:56:22Z"),
                json!("2008-01-23T04:56:22.5+01:00"),
                json!("2008-01-23T04:56:22"),
            ],
            vec![
                json!("2008-01-23"),
                json!("yesterday"),
                json!(1_201_064_182),
                json!("2008-13-01T00:00:00Z"),
            ],
        ),
        (
            "photo",
            vec![json!("AAAA"), json!("QUI="), json!("QUI")],
            vec![json!("-_=="), json!("%"), json!(1)],
        ),
        // Any text: a reference is never fetched, so it need not lead anywhere.
        (
            "home",
            vec![json!("https://x.example/1"), json!("../Users/1"), json!("x")],
            vec![json!(1), json!({})],
        ),
        ("remote", vec![json!(true), json!(false)], vec![json!("yes"), json!(1), json!("1")]),
        (
            "tags",
            vec![json!(["a", "b"])],
            vec![json!("a"), json!([1]), json!({"value": "a"}), json!([["a"]])],
        ),
        (
            "desk",
            vec![json!({"number": 1})],
            vec![json!("x"), json!([{"number": 1}, {"number": 2}]), json!({"number": "1"})],
        ),
        (
            "cars",
            vec![json!([{"value": "a"}])],
            vec![json!({"value": "a"}), json!(["a"]), json!([{"value": 1}])],
        ),
    ] {
        for value in good {
            let block = made(json!({"level": 1, name: value}));
            assert_eq!(block[name], value, "{name}");
            let patched = patch(&held(json!({"level": 1})), replace_at(name, value.clone())).unwrap();
            assert_eq!(patched[name], value, "{name}");
        }
        for value in bad.into_iter().filter(|value| *value != json!({})) {
            let detail = refusal(json!({"level": 1, name: value}));
            assert!(detail.contains(name), "{name} {value}: {detail}");
            // In a PATCH one element may stand for a list of one.
            if !matches!(name, "tags" | "cars") {
                let refused = patch(&held(json!({"level": 1})), replace_at(name, value.clone()));
                assert_eq!(refused.unwrap_err().scim_type, Some(ScimType::InvalidValue), "{name} {value}");
            }
        }
    }
}

#[test]
fn required_reaches_into_extensions_complex_values_and_elements() {
    for (block, missing) in [
        (json!({"badge": "1"}), "level"),
        (json!({"level": null, "badge": "1"}), "level"),
        (json!({"level": 1, "desk": {"wing": "W"}}), "desk.number"),
        (json!({"level": 1, "cars": [{"value": "a"}, {"maker": "m"}]}), "cars.value"),
    ] {
        let told = format!("The required attribute {OWN}:{missing} is missing.");
        assert_eq!(refusal(block.clone()), told);
        assert_eq!(put(&held(json!({"level": 1})), block).unwrap_err().detail, told);
    }
    assert_eq!(made(json!({})), Value::Null, "an extension that is not there asks for nothing");
    let current =
        held(json!({"level": 1, "desk": {"number": 1, "wing": "W"}, "cars": [{"value": "a", "maker": "m"}]}));
    // RFC 7644 §3.5.2.2: what is required must not be removed. What a value leaves out is another fault.
    for (operations, missing, keyword) in [
        (json!([{"op": "remove", "path": format!("{OWN}:level")}]), "level", "mutability"),
        (replace_at("level", json!("")), "level", "invalidValue"),
        (json!([{"op": "remove", "path": format!("{OWN}:desk.number")}]), "desk.number", "mutability"),
        (
            json!([{"op": "remove", "path": format!("{OWN}:cars[maker eq \"m\"].value")}]),
            "cars.value",
            "mutability",
        ),
        (replace_at("cars", json!([{"maker": "n"}])), "cars.value", "invalidValue"),
    ] {
        let error = patch(&current, operations.clone()).unwrap_err();
        let told = format!("Operation 1: The required attribute {OWN}:{missing} is missing.");
        assert_eq!((error.detail, error.scim_type.unwrap().keyword()), (told, keyword), "{operations}");
    }
    let back = json!([
        {"op": "remove", "path": format!("{OWN}:level")},
        {"op": "add", "path": format!("{OWN}:level"), "value": 2},
    ]);
    assert_eq!(
        patch(&current, back).unwrap()["level"],
        2,
        "what comes back in the same request was never missing"
    );
    let whole = json!([{"op": "remove", "path": OWN}]);
    assert_eq!(patch(&current, whole), Ok(Value::Null));
}

#[test]
fn a_required_extension_is_demanded_of_a_create_and_a_replace() {
    let mut rt = own();
    rt.extensions.iter_mut().filter(|e| e.schema.id == OWN).for_each(|e| e.required = true);
    let missing = format!("The required attribute {OWN}:level is missing.");
    assert_eq!(create(&rt, &body(json!({})), &mut lenient()).unwrap_err().detail, missing);
    assert!(create(&rt, &body(json!({OWN: {"level": 1}})), &mut lenient()).is_ok());
    let with = held(json!({"level": 1}));
    assert_eq!(replace(&rt, &body(json!({})), &with, &[], &mut lenient()).unwrap_err().detail, missing);
    // Without a required attribute of its own it is the extension that is missing.
    let extension = rt.extensions.iter_mut().find(|e| e.schema.id == OWN).unwrap();
    extension.schema.attributes.iter_mut().for_each(|a| a.required = false);
    assert_eq!(
        create(&rt, &body(json!({})), &mut lenient()).unwrap_err().detail,
        format!("The required attribute {OWN} is missing.")
    );
}

#[test]
fn a_patch_is_not_blamed_for_what_was_missing_before() {
    let mut rt = own();
    rt.extensions.iter_mut().filter(|e| e.schema.id == OWN).for_each(|e| e.required = true);
    rt.require(&["displayName".into()]);
    let apply = |current: &Document, operations: Value| {
        let request = json!({"schemas": [urn::PATCH_OP], "Operations": operations});
        PatchRequest::parse(&rt, &request, &mut lenient()).unwrap().apply(&rt, current, &mut lenient())
    };
    // Older than the demand: to be switched off all the same.
    let older = document(json!({"userName": "ana", "active": true}));
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    assert_eq!(apply(&older, off).unwrap().bool("active"), Some(false));
    let younger = document(json!({"userName": "ana", "displayName": "A", OWN: {"level": 1}}));
    for path in ["displayName", OWN] {
        let error = apply(&younger, json!([{"op": "remove", "path": path}])).unwrap_err();
        assert!(error.detail.contains("is missing"), "{}", error.detail);
    }
}

#[test]
fn attack_29_an_immutable_value_is_set_once_and_the_same_value_is_no_fault() {
    let set = [
        ("badge", json!("B7"), json!("b7"), json!("B8")),
        ("code", json!("B7"), json!("B7"), json!("b7")),
        (
            "hired",
            json!("2026-01-01T00:00:00Z"),
            json!("2026-01-01T01:00:00+01:00"),
            json!("2026-01-02T00:00:00Z"),
        ),
        ("floors", json!([1, 2]), json!([2, 1]), json!([1, 2, 3])),
    ];
    for (name, first, same, other) in set {
        let unset = held(json!({"level": 1}));
        let current = held(json!({"level": 1, name: first}));
        for change in
            [put(&unset, json!({"level": 1, name: first})), patch(&unset, replace_at(name, first.clone()))]
        {
            assert_eq!(change.unwrap()[name], first, "{name} may be set while it is unset");
        }
        for change in [
            put(&current, json!({"level": 1, name: same})),
            put(&current, json!({"level": 1})),
            put(&current, json!({"level": 1, name: null})),
            patch(&current, replace_at(name, same.clone())),
            patch(&current, json!([{"op": "add", "path": format!("{OWN}:{name}"), "value": same}])),
        ] {
            assert_eq!(change.unwrap()[name], first, "{name} keeps its value and its spelling");
        }
        for change in [
            put(&current, json!({"level": 1, name: other})),
            patch(&current, replace_at(name, other.clone())),
            patch(&current, replace_at(name, json!(null))),
            patch(&current, json!([{"op": "remove", "path": format!("{OWN}:{name}")}])),
            patch(&current, json!([{"op": "remove", "path": OWN}])),
            patch(&current, json!([{"op": "add", "value": {OWN: {name: other}}}])),
        ] {
            let error = change.unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::Mutability), "{name}: {error}");
            assert!(error.detail.contains(&format!("{OWN}:{name} is immutable")), "{error}");
        }
    }
}

#[test]
fn attack_29_immutable_parts_stay_while_their_value_is_there() {
    let current = held(json!({
        "level": 1, "desk": {"number": 1, "wing": "W"}, "cars": [{"value": "a", "maker": "m"}, {"value": "b"}],
    }));
    let desk = |value: Value| put(&current, json!({"level": 1, "desk": value}));
    assert_eq!(desk(json!({"number": 2})).unwrap()["desk"], json!({"number": 2, "wing": "W"}));
    assert_eq!(desk(json!({"number": 2, "wing": "w"})).unwrap()["desk"]["wing"], "W");
    assert_eq!(desk(json!({"number": 2, "wing": "E"})).unwrap_err().scim_type, Some(ScimType::Mutability));
    assert!(desk(Value::Null).unwrap().get("desk").is_none(), "the whole value may go");
    for (path, value, legal) in [
        ("desk.wing", json!("E"), false),
        ("desk.wing", json!("W"), true),
        ("desk", json!({"wing": "E"}), false),
        ("desk", json!({"number": 3}), true),
        ("cars[value eq \"a\"].maker", json!("x"), false),
        ("cars[value eq \"a\"].maker", json!(null), false),
        ("cars[value eq \"a\"]", json!({"maker": "x"}), false),
        ("cars.maker", json!("x"), false),
        ("cars[value eq \"b\"].maker", json!("x"), true),
        ("cars[value eq \"a\"].maker", json!("M"), true),
        // Elements come and go as wholes; one that is there again is the same.
        ("cars", json!([{"value": "c", "maker": "x"}]), true),
        ("cars", json!([{"value": "a", "maker": "x"}]), false),
    ] {
        let outcome = patch(&current, replace_at(path, value.clone()));
        let keyword = outcome.as_ref().err().and_then(|e| e.scim_type);
        assert_eq!(keyword, (!legal).then_some(ScimType::Mutability), "{path} {value}: {outcome:?}");
    }
}

#[test]
fn read_only_values_are_ignored_in_bodies_and_refused_as_paths() {
    assert_eq!(made(json!({"level": 1, "score": 9})), json!({"level": 1}));
    let current = held(json!({"level": 1}));
    assert_eq!(
        patch(&current, json!([{"op": "add", "value": {OWN: {"score": 9}}}])),
        Ok(json!({"level": 1}))
    );
    for operations in
        [replace_at("score", json!(9)), json!([{"op": "remove", "path": format!("{OWN}:score")}])]
    {
        assert_eq!(patch(&current, operations).unwrap_err().scim_type, Some(ScimType::Mutability));
    }
}

#[test]
fn write_only_values_are_checked_and_never_rest() {
    assert_eq!(made(json!({"level": 1, "pin": "1234", "desk": {"number": 1, "key": "k"}})), {
        json!({"level": 1, "desk": {"number": 1}})
    });
    assert!(refusal(json!({"level": 1, "pin": 1234})).contains("pin must be a string"));
    let current = held(json!({"level": 1, "desk": {"number": 1}}));
    for (path, value) in
        [("pin", json!("1")), ("pin", json!(null)), ("desk.key", json!("k")), ("desk", json!({"key": "k"}))]
    {
        let patched = patch(&current, replace_at(path, value)).unwrap();
        assert_eq!(patched, current.get(OWN).cloned().unwrap(), "{path}");
    }
    assert!(patch(&current, replace_at("pin", json!(1))).is_err());
}

#[test]
fn attack_30_what_is_never_returned_cannot_be_asked_for() {
    for filter in ["pin sw \"1\"", "hash eq \"h\"", "desk.key pr", "cars[vin eq \"v\"]", "cars.vin eq \"v\""]
    {
        let filter = format!("{OWN}:{filter}");
        let error = Filter::parse(&filter, &own(), &mut lenient()).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidFilter));
        assert!(error.detail.contains("that can be filtered"), "{}", error.detail);
    }
    // What is told on request only is told, so it may be asked for.
    assert!(Filter::parse(&format!("{OWN}:salary gt 5"), &own(), &mut lenient()).is_ok());
    let oracle = json!([{"op": "replace", "path": format!("{OWN}:cars[vin eq \"v\"].type"), "value": "own"}]);
    assert_eq!(
        patch(&held(json!({"level": 1})), oracle).unwrap_err().scim_type,
        Some(ScimType::InvalidFilter)
    );
}

#[test]
fn rfc_7643_section_7_returned_decides_what_is_answered() {
    let car = json!({"value": "a", "maker": "m", "colour": "red", "vin": "v"});
    let resource = json!({
        "schemas": [urn::USER, OWN], "id": "1", "userName": "ana",
        OWN: {"level": 1, "salary": 5, "hash": "h", "site": "S", "desk": {"number": 1, "note": "n"}, "cars": [car]},
    });
    let answer = |attributes: Option<&str>, excluded: Option<&str>| {
        let rt = own();
        let mut resource = resource.as_object().unwrap().clone();
        Projection::parse(&rt, attributes, excluded).unwrap().apply(&rt, &mut resource);
        resource.get(OWN).cloned().unwrap_or(Value::Null)
    };
    let default = json!({
        "level": 1, "site": "S", "desk": {"number": 1}, "cars": [{"value": "a", "maker": "m"}],
    });
    assert_eq!(answer(None, None), default);
    assert_eq!(answer(Some(OWN), None), default, "an extension's name does not name its attributes");
    let named = |name: &str| answer(Some(&format!("{OWN}:{name}")), None);
    assert_eq!(named("salary"), json!({"salary": 5, "site": "S"}));
    assert_eq!(named("hash"), json!({"site": "S"}));
    assert_eq!(named("desk.note"), json!({"site": "S", "desk": {"note": "n"}}));
    assert_eq!(named("desk"), json!({"site": "S", "desk": {"number": 1}}));
    assert_eq!(named("cars.colour"), json!({"site": "S", "cars": [{"colour": "red"}]}));
    assert_eq!(named("cars.vin"), json!({"site": "S"}));
    assert_eq!(answer(Some("userName"), None), json!({"site": "S"}), "always means always");
    let left = answer(None, Some(&format!("{OWN}:site,{OWN}:level,{OWN}:cars.maker,{OWN}:salary")));
    assert_eq!(left, json!({"site": "S", "desk": {"number": 1}, "cars": [{"value": "a"}]}));
    assert_eq!(answer(None, Some(OWN)), json!({"site": "S"}));
    assert!(!Projection::all(&own()).is_all() && Projection::all(&schema::user()).is_all());
}

#[test]
fn mc13_what_answers_do_not_show_is_not_cleared_by_who_sends_them_back() {
    let block = json!({"level": 1, "salary": 5, "hash": "h", "desk": {"number": 1, "note": "n"}});
    let current = held(block.clone());
    let read = json!({"level": 1, "desk": {"number": 1}});
    assert_eq!(put(&current, read.clone()), Ok(block.clone()));
    assert_eq!(
        put(&current, json!({"level": 2, "desk": {"number": 2}})).unwrap()["desk"],
        json!({"number": 2, "note": "n"})
    );
    let mut spoken_of = read;
    spoken_of["salary"] = Value::Null;
    spoken_of["desk"]["note"] = json!("");
    assert_eq!(put(&current, spoken_of).unwrap(), json!({"level": 1, "hash": "h", "desk": {"number": 1}}));
    assert_eq!(put(&current, json!({"level": 1})).unwrap(), json!({"level": 1, "salary": 5, "hash": "h"}));
}

#[test]
fn case_exact_decides_what_is_repeated_and_what_a_patch_removes() {
    let block = made(json!({"level": 1, "tags": ["a", "A", "b"], "words": ["a", "A", "a"]}));
    assert_eq!((&block["tags"], &block["words"]), (&json!(["a", "b"]), &json!(["a", "A"])));
    let current = held(json!({
        "level": 1, "tags": ["a", "b"], "words": ["a", "A"], "cars": [{"value": "x"}, {"value": "X"}],
    }));
    let change = |op: &str, path: &str, value: Value| {
        patch(&current, json!([{"op": op, "path": format!("{OWN}:{path}"), "value": value}])).unwrap()
    };
    assert_eq!(change("remove", "tags", json!(["A"]))["tags"], json!(["b"]));
    assert_eq!(change("remove", "tags", json!("B"))["tags"], json!(["a"]));
    assert_eq!(change("remove", "words", json!(["A"]))["words"], json!(["a"]));
    assert_eq!(change("remove", "cars", json!([{"value": "X"}]))["cars"], json!([{"value": "x"}]));
    assert_eq!(change("add", "tags", json!(["B", "c"]))["tags"], json!(["a", "b", "c"]));
    assert_eq!(change("add", "words", json!("b"))["words"], json!(["a", "A", "b"]));
    let matches = |filter: &str| {
        let filter = Filter::parse(&format!("{OWN}:{filter}"), &own(), &mut lenient()).unwrap();
        filter.matches(&current.0)
    };
    for (filter, expected) in [
        ("tags eq \"B\"", true),
        ("words eq \"B\"", false),
        ("words co \"A\"", true),
        ("cars[value eq \"X\"]", true),
        ("cars.value sw \"Y\"", false),
        ("level ge 1 and urn:example:hr:2.0:User:level lt 2", true),
    ] {
        assert_eq!(matches(filter), expected, "{filter}");
    }
}

#[test]
fn one_primary_is_left_in_an_extensions_attribute_too() {
    let cars = json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]);
    let block = made(json!({"level": 1, "cars": cars}));
    assert_eq!(block["cars"], json!([{"value": "a", "primary": false}, {"value": "b", "primary": true}]));
    let current = held(block);
    let patched = patch(&current, replace_at("cars[value eq \"a\"].primary", json!(true))).unwrap();
    assert_eq!(patched["cars"], json!([{"value": "a", "primary": true}, {"value": "b", "primary": false}]));
}

#[test]
fn an_integer_has_64_bits_and_is_compared_to_the_last_of_them() {
    for (number, fault) in [
        (json!(i64::MAX), None),
        (json!(i64::MIN), None),
        (json!(9_223_372_036_854_775_808_u64), Some("-9223372036854775808 to 9223372036854775807.")),
        (json!(-1e20), Some("-9223372036854775808 to 9223372036854775807.")),
        (json!(1.0), Some("must be an integer.")),
        (json!("1"), Some("must be an integer.")),
    ] {
        let made = create(&own(), &body(json!({OWN: {"level": number}})), &mut lenient());
        match fault {
            None => assert!(made.is_ok(), "{number}"),
            Some(fault) => assert!(made.unwrap_err().detail.ends_with(fault), "{number}"),
        }
    }
    let resource = json!({OWN: {"level": i64::MAX}});
    for (text, expected) in [
        ("eq 9223372036854775807", true),
        ("eq 9223372036854775806", false),
        ("eq 9223372036854775808", false),
        ("lt 9223372036854775808", true),
        ("ge 9223372036854775807.0", false),
    ] {
        let filter = Filter::parse(&format!("{OWN}:level {text}"), &own(), &mut lenient()).unwrap();
        assert_eq!(filter.matches(resource.as_object().unwrap()), expected, "{text}");
    }
}

#[test]
fn canonical_values_are_hints_until_they_are_bound() {
    let car = |kind: &str| json!({"level": 1, "cars": [{"value": "a", "type": kind}]});
    assert_eq!(made(car("stolen")), car("stolen"));
    let mut rt = own();
    let names = [format!("{OWN}:cars.type"), "userType".into(), "shoeSize".into()];
    rt.set_canonical_values("userType", vec!["admin".into(), "member_lite".into()]);
    assert_eq!(rt.bind_values(&names), ["shoeSize"]);
    assert_eq!(
        rt.bind_values(&["title".to_owned()]),
        ["title"],
        "without canonical values there is nothing to bind"
    );
    let make = |members: Value| create(&rt, &body(members), &mut lenient());
    for (members, legal) in [
        (json!({"userType": "admin"}), true),
        (json!({"userType": "Member Lite"}), true),
        (json!({"userType": "chief"}), false),
        (json!({"userType": ""}), true),
        (json!({OWN: car("LEASED")}), true),
        (json!({OWN: car("stolen")}), false),
    ] {
        assert_eq!(make(members.clone()).is_ok(), legal, "{members}");
    }
    assert_eq!(make(json!({"userType": "Member Lite"})).unwrap().str("userType"), Some("Member Lite"));
    let error = make(json!({"userType": "chief", OWN: car("stolen")})).unwrap_err();
    assert_eq!(
        error.detail,
        format!("userType must be one of: admin, member_lite. {OWN}:cars.type must be one of: own, leased.")
    );
    // What was legal once and is sent back is no fault; anything else is.
    let current = document(json!({"userName": "ana", "userType": "chief"}));
    let put = |kind| replace(&rt, &body(json!({"userType": kind})), &current, &[], &mut lenient());
    assert!(put("chief").is_ok());
    assert!(put("Chief").is_err());
    let told = crate::discovery::schemas(&[&rt], "https://x");
    let user_type =
        told[0]["attributes"].as_array().unwrap().iter().find(|a| a["name"] == "userType").unwrap();
    assert_eq!(user_type["canonicalValues"], json!(["admin", "member_lite"]));
    assert!(
        user_type["description"]
            .as_str()
            .unwrap()
            .ends_with("No other values than the canonical ones are accepted.")
    );
    assert!(user_type.get("bindingValues").is_none());
}

#[test]
fn an_order_only_change_is_no_change() {
    let rt = own();
    let emails = |order: [&str; 3]| {
        let one =
            |name: &&str| json!({"value": format!("{name}@x"), "type": "work", "primary": **name == *"a"});
        Value::Array(order.iter().map(one).collect())
    };
    let sent = |order, tags: Value| body(json!({"emails": emails(order), OWN: {"level": 1, "tags": tags}}));
    let current = create(&rt, &sent(["a", "b", "c"], json!(["x", "y"])), &mut lenient()).unwrap();
    let again =
        replace(&rt, &sent(["c", "a", "b"], json!(["y", "x"])), &current, &["active"], &mut lenient())
            .unwrap();
    assert_eq!(again.to_stored(), current.to_stored());
    let other =
        replace(&rt, &sent(["c", "a", "b"], json!(["y"])), &current, &["active"], &mut lenient()).unwrap();
    assert_eq!(other.get("emails"), current.get("emails"));
    assert_ne!(other, current);
    let patched = patch(&current, replace_at("tags", json!(["y", "x"]))).unwrap();
    assert_eq!(&patched, current.get(OWN).unwrap());
    // Another preferred one is a change, whatever the order.
    let mut moved = sent(["a", "b", "c"], json!(["x", "y"]));
    moved["emails"][0]["primary"] = false.into();
    moved["emails"][2]["primary"] = true.into();
    assert_ne!(replace(&rt, &moved, &current, &["active"], &mut lenient()).unwrap(), current);
}

#[test]
fn entra_roles_with_json_in_value_become_roles_in_a_create_and_a_replace() {
    let rt = schema::user();
    let packed =
        json!({"value": "{\"id\":\"25\",\"value\":\"25\",\"displayName\":\"Role25\"}", "primary": true});
    let sent = body(json!({"roles": [packed, {"value": "plain"}, {"value": "{broken"}]}));
    let mut t = lenient();
    let document = create(&rt, &sent, &mut t).unwrap();
    let expected = json!([
        {"value": "25", "display": "Role25", "primary": true}, {"value": "plain"}, {"value": "{broken"},
    ]);
    assert_eq!(document.get("roles"), Some(&expected));
    let unknown = (Leniency::UnknownAttribute, "roles.id".into());
    assert_eq!(t.seen, [(Leniency::JsonInValue, "roles".into()), unknown]);
    let replaced = replace(&rt, &sent, &document, &["active"], &mut lenient()).unwrap();
    assert_eq!(replaced.get("roles"), Some(&expected));
    let strict = create(&rt, &sent, &mut Tolerance::strict()).unwrap_err();
    assert_eq!(strict.scim_type, Some(ScimType::InvalidValue));
    // What is packed is held to the rules for JSON too (attacks 40 and 42), and is never kept as the text.
    for text in
        ["{\"value\":\"a\\u0000\"}", "{\"value\":\"a\",\"VALUE\":\"b\"}", "[\"a\"]", "{\"shoeSize\":1}"]
    {
        for sent in [
            json!({"roles": [{"value": text}]}),
            json!({"roles": [text]}),
            json!({"emails": [{"value": text}]}),
        ] {
            let error = create(&rt, &body(sent), &mut lenient()).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::InvalidValue), "{text}");
        }
    }
}

#[test]
fn what_is_said_of_a_core_attribute_does_not_hold_for_a_tenants_own_of_that_name() {
    let own = |base: fn() -> ResourceType, attribute: Value| {
        let mut rt = base();
        let schema = json!({"id": OWN, "name": "HR", "description": "", "attributes": [attribute]});
        let schema: Schema = serde_json::from_value(schema).unwrap();
        rt.add_extension(Extension { schema, required: false });
        rt
    };
    let roles = json!({"name": "roles", "type": "complex", "multiValued": true, "subAttributes": [
        {"name": "value", "type": "string"}, {"name": "display", "type": "string"}]});
    let rt = own(schema::user, roles);
    let packed = json!([{"value": "{\"value\":\"25\",\"displayName\":\"Role25\"}"}]);
    // JSON in a text is kept in no complex attribute; bare texts are core roles alone.
    let document = create(&rt, &body(json!({OWN: {"roles": packed}})), &mut lenient()).unwrap();
    assert_eq!(document.get(OWN).unwrap()["roles"], json!([{"value": "25", "display": "Role25"}]));
    assert!(create(&rt, &body(json!({OWN: {"roles": ["ADMIN"]}})), &mut lenient()).is_err());

    let members = json!({"name": "members", "type": "complex", "multiValued": true, "subAttributes": [
        {"name": "value", "type": "string"}, {"name": "display", "type": "string"}]});
    let rt = own(schema::group, members);
    let sent = |elements: Vec<Value>| {
        let urns = [urn::GROUP, OWN];
        create(&rt, &json!({"schemas": urns, "displayName": "d", OWN: {"members": elements}}), &mut lenient())
    };
    assert!(sent(vec![json!({"value": "v", "display": "x".repeat(MAX_KEY + 1)})]).is_ok());
    let many = |count: usize| (0..count).map(|n| json!({"value": n.to_string()})).collect();
    assert!(sent(many(MAX_ELEMENTS)).is_ok());
    let error = sent(many(MAX_ELEMENTS + 1)).unwrap_err();
    assert_eq!(error.detail, format!("{OWN}:members may hold at most 2000 values."));
}

/// One fault for each attribute: what is sent, and by what name it must be told.
fn faults() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("userName", json!(7), "userName"),
        ("active", json!("maybe"), "active"),
        ("name", json!({"givenName": 7}), "name.givenName"),
        ("emails", json!([{"value": 7}]), "emails.value"),
        ("title", json!({}), "title"),
        ("photos", json!("x"), "photos"),
        ("x509Certificates", json!([{"value": "%"}]), "x509Certificates.value"),
        ("nickName", json!([1]), "nickName"),
    ]
}

proptest! {
    #[test]
    fn mc12_every_fault_of_a_resource_is_named_at_once(chosen in prop::collection::btree_set(0_usize..8, 1..8)) {
        let mut rt = schema::user();
        rt.require(&["title".into(), "displayName".into(), "locale".into()]);
        let current = document(json!({"userName": "ana", "title": "T", "displayName": "D", "locale": "en"}));
        let mut sent = json!({"schemas": [urn::USER], "userName": "ana", "title": "T"});
        let mut operations = vec![json!({"op": "remove", "path": "displayName"}), json!({"op": "remove", "path": "locale"})];
        for index in &chosen {
            let (name, value, _) = &faults()[*index];
            sent[*name] = value.clone();
            if *name != "photos" && *name != "nickName" {
                operations.push(json!({"op": "replace", "path": name, "value": value}));
            }
        }
        let posted = create(&rt, &sent, &mut lenient()).unwrap_err();
        let put = replace(&rt, &sent, &current, &[], &mut lenient()).unwrap_err();
        let request = json!({"schemas": [urn::PATCH_OP], "Operations": operations});
        let request = PatchRequest::parse(&rt, &request, &mut lenient()).unwrap();
        let patched = request.apply(&rt, &current, &mut lenient()).unwrap_err();
        for (verb, error) in [("POST", &posted), ("PUT", &put), ("PATCH", &patched)] {
            prop_assert_eq!(error.status, 400);
            prop_assert!(error.detail.len() < 500);
            let told = |name: &str| error.detail.contains(&format!("{name} ")) || error.detail.contains(&format!("{name}, "))
                || error.detail.contains(&format!("{name}."));
            prop_assert!(told("displayName") && told("locale"), "{} {}", verb, error.detail);
            for index in &chosen {
                let (name, _, told_as) = faults()[*index].clone();
                let in_patch = name != "photos" && name != "nickName";
                prop_assert!(told(told_as) || (verb == "PATCH" && !in_patch), "{} {}: {}", verb, name, error.detail);
            }
        }
    }
}
