//! What stays although a body leaves it out: what answers do not show, what is immutable, and what these need. A PATCH that
//! replaces and a PUT come to the same end.

use proptest::prelude::*;

use super::*;
use crate::patch::PatchRequest;
use crate::projection::Projection;

const OWN: &str = "urn:example:own:2.0:User";

/// `m` has elements with a value, `place` has none; of both some parts are hidden and some immutable.
fn own() -> ResourceType {
    let mut rt = schema::user();
    let parts = |value: Option<&str>| {
        let value = value.map(|name| json!({"name": name, "type": "string"}));
        let others = json!([
            {"name": "type", "type": "string"},
            {"name": "rq", "type": "string", "returned": "request"},
            {"name": "nv", "type": "string", "returned": "never"},
            {"name": "imm", "type": "string", "mutability": "immutable"},
            {"name": "al", "type": "string", "returned": "always"},
        ]);
        value.into_iter().chain(others.as_array().unwrap().clone()).collect::<Vec<_>>()
    };
    let schema: Schema = serde_json::from_value(json!({
        "id": OWN, "name": "Own", "description": "",
        "attributes": [
            {"name": "m", "type": "complex", "multiValued": true, "subAttributes": parts(Some("value"))},
            {"name": "place", "type": "complex", "multiValued": true, "subAttributes": parts(Some("street"))},
            {"name": "one", "type": "complex", "subAttributes": parts(Some("street"))},
            {"name": "vis", "type": "string"},
            {"name": "must", "type": "string", "required": true},
            {"name": "rq", "type": "string", "returned": "request"},
            {"name": "nv", "type": "string", "returned": "never"},
            {"name": "imm", "type": "string", "mutability": "immutable"},
        ],
    }))
    .unwrap();
    rt.add_extension(Extension { schema, required: false });
    rt
}

fn held(block: Value) -> Document {
    document(json!({"userName": "ana", OWN: block}))
}

fn put(current: &Document, members: Value) -> Result<Value, ScimError> {
    let replaced = replace(&own(), &body(members), current, &[], &mut Tolerance::lenient())?;
    Ok(replaced.get(OWN).cloned().unwrap_or(Value::Null))
}

fn patch(current: &Document, operations: Value) -> Result<Value, ScimError> {
    let rt = own();
    let request = json!({"schemas": [urn::PATCH_OP], "Operations": operations});
    let request = PatchRequest::parse(&rt, &request, &mut Tolerance::lenient())?;
    let patched = request.apply(&rt, current, &mut Tolerance::lenient())?;
    Ok(patched.get(OWN).cloned().unwrap_or(Value::Null))
}

/// The block with one attribute sent anew, by a PUT and by two PATCHes.
fn sent(held: &Value, name: &str, value: &Value) -> Vec<Result<Value, ScimError>> {
    let current = self::held(held.clone());
    let mut block = held.clone();
    block[name] = value.clone();
    let path = format!("{OWN}:{name}");
    vec![
        put(&current, json!({OWN: block})),
        patch(&current, json!([{"op": "replace", "path": path, "value": value}])),
        patch(&current, json!([{"op": "replace", "value": {OWN: {name: value}}}])),
    ]
}

/// What a client reads of the block.
fn shown(block: &Value) -> Value {
    let rt = own();
    let mut resource = held(block.clone()).0;
    Projection::all(&rt).apply(&rt, &mut resource);
    resource.get(OWN).cloned().unwrap_or(json!({}))
}

#[test]
fn mo4_sending_back_what_was_read_clears_nothing() {
    for name in ["m", "place"] {
        let value = if name == "m" { "value" } else { "street" };
        let element = |v: &str, kind: &str| json!({value: v, "type": kind, "rq": format!("r{v}"), "nv": "n", "imm": "i", "al": "a"});
        let block = json!({
            "must": "x", name: [element("v", "a"), element("w", "b"), {"rq": "alone"}],
        });
        let read = shown(&block);
        assert!(!read.to_string().contains("rq"), "{read}");
        assert_eq!(put(&held(block.clone()), json!({OWN: read})), Ok(block.clone()));
        let mut elements = read[name].clone();
        for outcome in sent(&block, name, &elements) {
            assert_eq!(outcome, Ok(block.clone()), "{elements}");
        }
        elements.as_array_mut().unwrap().reverse();
        for outcome in sent(&block, name, &elements) {
            assert_eq!(outcome, Ok(block.clone()), "in another order too");
        }
        // What a body names is its own to clear, and an element that it leaves out goes with all of it.
        let mut named = block.clone();
        named[name][0]["rq"] = Value::Null;
        named[name][1]["nv"] = json!("");
        let mut expected = block.clone();
        expected[name][0].as_object_mut().unwrap().shift_remove("rq");
        expected[name][1].as_object_mut().unwrap().shift_remove("nv");
        for outcome in sent(&block, name, &named[name]) {
            assert_eq!(outcome, Ok(expected.clone()));
        }
        let only = json!([read[name][1]]);
        for outcome in sent(&block, name, &only) {
            assert_eq!(outcome.unwrap()[name], json!([block[name][1], block[name][2]]));
        }
        for outcome in sent(&block, name, &json!(null)) {
            assert_eq!(outcome, Ok(json!({"must": "x"})));
        }
    }
    // Another value is another element.
    let block = json!({"must": "x", "m": [{"value": "v", "type": "a", "nv": "n"}]});
    for outcome in sent(&block, "m", &json!([{"value": "v2", "type": "a"}])) {
        assert_eq!(outcome.unwrap()["m"], json!([{"value": "v2", "type": "a"}]));
    }
}

#[test]
fn elements_of_a_hidden_type_or_value_are_found_again() {
    let mut rt = own();
    let current = |elements: Value| held(json!({"must": "x", "m": elements}));
    for (hidden, elements, read) in [
        (
            "type",
            json!([{"value": "v", "type": "a", "nv": "1"}, {"value": "v", "type": "b", "nv": "2"}]),
            json!([{"value": "v"}, {"value": "v"}]),
        ),
        (
            "value",
            json!([{"value": "v", "type": "a", "nv": "1"}, {"value": "w", "type": "b", "nv": "2"}]),
            json!([{"type": "a"}, {"type": "b"}]),
        ),
    ] {
        rt.attribute_mut(&format!("{OWN}:m.{hidden}")).unwrap().returned = crate::schema::Returned::Request;
        let current = current(elements);
        let sent = body(json!({OWN: {"must": "x", "m": read}}));
        let replaced = replace(&rt, &sent, &current, &[], &mut Tolerance::lenient()).unwrap();
        assert_eq!(replaced.get(OWN), current.get(OWN), "{hidden}");
        rt = own();
    }
}

#[test]
fn an_extension_that_a_put_leaves_out_keeps_what_is_hidden_immutable_and_required_beside_it() {
    for (block, left) in [
        (json!({"must": "x", "vis": "v"}), Value::Null),
        (json!({"must": "x", "vis": "v", "rq": "r"}), json!({"must": "x", "rq": "r"})),
        (json!({"must": "x", "vis": "v", "nv": "n"}), json!({"must": "x", "nv": "n"})),
        (json!({"must": "x", "vis": "v", "imm": "i"}), json!({"must": "x", "imm": "i"})),
        (json!({"rq": "r", "vis": "v"}), json!({"rq": "r"})),
        (
            json!({"must": "x", "m": [{"value": "v", "nv": "n"}, {"nv": "n"}], "one": {"nv": "n"}}),
            json!({"m": [{"nv": "n"}], "one": {"nv": "n"}, "must": "x"}),
        ),
    ] {
        let mut rt = own();
        rt.attribute_mut(&format!("{OWN}:must")).unwrap().required = block.get("must").is_some();
        let replaced = replace(&rt, &body(json!({})), &held(block.clone()), &[], &mut Tolerance::lenient());
        assert_eq!(replaced.unwrap().get(OWN).cloned().unwrap_or(Value::Null), left, "{block}");
    }
    let full = json!({"must": "x", "vis": "v", "rq": "r", "nv": "n", "imm": "i"});
    // Null names all of it, and the immutable stays with what it needs.
    assert_eq!(put(&held(full.clone()), json!({OWN: null})), Ok(json!({"must": "x", "imm": "i"})));
    // Who speaks of the extension speaks of what it requires.
    let error = put(&held(full), json!({OWN: {"vis": "v"}})).unwrap_err();
    assert_eq!(error.detail, format!("The required attribute {OWN}:must is missing."));
}

#[test]
fn attack_29_an_element_that_stays_keeps_its_immutable_parts_whoever_sends_it() {
    let block = json!({"must": "x", "m": [{"value": "v", "type": "a", "imm": "K"}]});
    let element = |imm: Option<&str>| json!([{"value": "V", "type": "A", "imm": imm}]);
    let add = |value: &Value| {
        let add = json!([{"op": "add", "path": format!("{OWN}:m"), "value": value}]);
        patch(&held(block.clone()), add)
    };
    for outcome in sent(&block, "m", &element(Some("L"))).into_iter().chain([add(&element(Some("L")))]) {
        let error = outcome.unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::Mutability));
        assert!(error.detail.contains(&format!("{OWN}:m.imm is immutable")), "{}", error.detail);
    }
    for imm in [None, Some("k")] {
        for outcome in sent(&block, "m", &element(imm)).into_iter().chain([add(&element(imm))]) {
            assert_eq!(outcome.unwrap()["m"], json!([{"value": "V", "type": "A", "imm": "K"}]));
        }
    }
    // Another element may have what it likes, and twice the same is no way around.
    for outcome in sent(&block, "m", &json!([{"value": "v", "type": "b", "imm": "L"}])) {
        assert_eq!(outcome.unwrap()["m"][0]["imm"], "L");
    }
    let twice = json!([{"value": "v", "type": "a"}, {"value": "v", "type": "a", "imm": "L"}]);
    for outcome in sent(&block, "m", &twice) {
        assert_eq!(outcome.unwrap_err().scim_type, Some(ScimType::Mutability));
    }
    // The later one counts, and it says what is there.
    let in_the_end =
        json!([{"value": "v", "type": "a", "imm": "L"}, {"value": "v", "type": "a", "imm": "K"}]);
    for outcome in sent(&block, "m", &in_the_end) {
        assert_eq!(outcome, Ok(block.clone()));
    }
}

#[test]
fn an_element_replaced_by_a_value_path_keeps_what_is_hidden_and_immutable() {
    let path = format!("{OWN}:m[type eq \"a\"]");
    let block = json!({"must": "x", "m": [{"value": "v", "type": "a", "nv": "n", "imm": "K", "al": "l"}]});
    let replace = |value: Value| {
        let operation = json!([{"op": "replace", "path": path, "value": value}]);
        patch(&held(block.clone()), operation).map(|block| block["m"].clone())
    };
    let same = json!([{"value": "v", "type": "a", "nv": "n", "imm": "K"}]);
    assert_eq!(replace(json!({"value": "v"})), Ok(same.clone()));
    assert_eq!(replace(json!({"value": "v", "type": "a"})), Ok(same));
    assert_eq!(replace(json!({"value": "w"})), Ok(json!([{"value": "w", "type": "a"}])));
    assert_eq!(replace(json!({"value": "v", "imm": "L"})).unwrap_err().scim_type, Some(ScimType::Mutability));
}

fn blocks() -> impl Strategy<Value = Value> {
    let text = || prop::option::of(prop::sample::select(vec!["x", "y"]));
    let element = (text(), text(), text(), text(), text()).prop_map(|(value, kind, rq, nv, imm)| {
        json!({"value": value, "street": value, "type": kind, "rq": rq, "nv": nv, "imm": imm})
    });
    let elements = || prop::collection::vec(element.clone(), 0..4);
    (elements(), elements(), element.clone(), text(), text())
        .prop_map(|(m, place, one, rq, imm)| json!({"must": "x", "m": m, "place": place, "one": one, "rq": rq, "imm": imm}))
}

proptest! {
    /// What a client reads and sends back changes nothing, by PUT as by PATCH.
    #[test]
    fn what_was_read_may_be_sent_back(block in blocks()) {
        let current = create(&own(), &body(json!({OWN: block})), &mut Tolerance::lenient()).unwrap();
        let block = current.get(OWN).cloned().unwrap();
        let read = shown(&block);
        prop_assert_eq!(put(&current, json!({OWN: read})), Ok(block.clone()));
        prop_assert_eq!(patch(&current, json!([{"op": "replace", "value": {OWN: read}}])), Ok(block));
    }

    /// The same wish for a list comes to the same end, or is the same fault.
    #[test]
    fn a_list_replaced_by_a_patch_ends_where_a_put_ends(before in blocks(), wish in blocks()) {
        let current = create(&own(), &body(json!({OWN: before})), &mut Tolerance::lenient()).unwrap();
        let held = current.get(OWN).cloned().unwrap();
        for name in ["m", "place"] {
            if wish[name] == json!([]) {
                continue;
            }
            let mut ends = sent(&held, name, &wish[name]).into_iter();
            let end = ends.next().unwrap().map_err(|error| error.scim_type);
            for other in ends {
                prop_assert_eq!(&other.map_err(|error| error.scim_type), &end);
            }
        }
    }
}
