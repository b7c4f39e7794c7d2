//! Where fuzzing begins: what identity providers send, from the recordings of the gateway's tests, and the examples of the
//! list of attacks.

use std::fs;
use std::path::{Path, PathBuf};

use scim_core::schema;
use serde_json::Value;

/// Filters.
#[must_use]
pub fn filters() -> Vec<String> {
    const MORE: &[&str] = &[
        r#"userName eq "bjensen" and not (active eq true or title pr)"#,
        r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp"]"#,
        r#"emails[type eq "work"].value ne "x""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
        r#"meta.lastModified gt "2011-05-13T04:42:34Z" and (((id pr)))"#,
        r#"urn:example:params:scim:schemas:extension:every:2.0:User:decimal ge -1.5e3"#,
        r#"displayName eq "\u00e9\ud83d\ude00\\\"""#,
        r#"members[value eq "1" or value eq "2"]"#,
    ];
    let recorded = steps().into_iter().filter_map(|step| {
        let query = step["path"].as_str()?.split_once("filter=")?.1;
        let text = query.split('&').next()?;
        Some(text.replace("%20", " ").replace("%22", "\"").replace('+', " "))
    });
    distinct(recorded.chain(MORE.iter().map(|text| (*text).to_owned())).chain(hostile("filters")))
}

/// Paths of PATCH operations.
#[must_use]
pub fn paths() -> Vec<String> {
    let recorded: Vec<String> =
        operations().filter_map(|operation| Some(operation["path"].as_str()?.to_owned())).collect();
    let more = [
        "addresses[type eq \"work\"].formatted",
        "members[value eq \"1\"]",
        "name.givenName",
        "emails[not (primary eq true)]",
    ];
    distinct(recorded.into_iter().chain(more.map(str::to_owned)))
}

/// Bodies of searches by POST, with the filters that identity providers send.
#[must_use]
pub fn searches() -> Vec<String> {
    let search = |name: &str, value: Value| {
        let mut body = serde_json::json!({ "schemas": [scim_core::urn::SEARCH_REQUEST] });
        body[name] = value;
        body.to_string()
    };
    let more = [
        ("sortBy", Value::from("emails[type eq \"work\"].value")),
        ("sortBy", Value::from("urn:ietf:params:scim:schemas:core:2.0:User:name.familyName")),
        ("sortOrder", Value::from("Descending")),
        ("startIndex", Value::from(-7)),
        ("count", Value::from(10)),
        ("cursor", Value::from("")),
        ("attributes", Value::from(vec!["userName", "members.value"])),
        ("excludedAttributes", Value::from(vec!["emails"])),
    ];
    let filters = filters().into_iter().map(|filter| search("filter", filter.into()));
    distinct(filters.chain(more.map(|(name, value)| search(name, value))))
}

/// Bodies of POST and PUT.
#[must_use]
pub fn resources() -> Vec<String> {
    let bodies = steps().into_iter().filter(|step| step["method"] == "POST" || step["method"] == "PUT");
    distinct(bodies.map(|step| step["body"].to_string()))
}

/// Bulks: each case as one, and some that refer forwards, backwards, in circles and to nothing.
#[must_use]
pub fn bulks() -> Vec<String> {
    let recorded = cases().into_iter().map(|case| {
        let steps = case["steps"].as_array().cloned().unwrap_or_default();
        let operations = steps.iter().enumerate().map(|(place, step)| {
            serde_json::json!({
                "method": step["method"],
                "path": step["path"],
                "bulkId": place.to_string(),
                "data": step["body"],
            })
        });
        bulk(&operations.collect::<Value>())
    });
    let post = |path: &str, bulk_id: &str, data: Value| serde_json::json!({"method": "POST", "path": path, "bulkId": bulk_id, "data": data});
    let user =
        |bulk_id: &str, manager: &str| post("/Users", bulk_id, serde_json::json!({ "manager": manager }));
    let group = |bulk_id: &str, member: &str| {
        post("/Groups", bulk_id, serde_json::json!({ "members": [{ "value": member }] }))
    };
    let patch = serde_json::json!({
        "method": "patch",
        "path": "/Groups/bulkId:g",
        "version": "W/\"1\"",
        "data": { "Operations": [
            { "op": "remove", "path": "members[value eq \"bulkId:a\"]" },
            { "op": "add", "value": { "members[value eq \"bulkId:b\"].display": "bulkId:b" } },
        ] },
    });
    let made = [
        serde_json::json!([group("g", "bulkId:a"), user("a", "bulkId:b"), user("b", "bulkId:a")]),
        serde_json::json!([group("g", "bulkId:h"), group("h", "bulkId:g"), patch]),
        serde_json::json!([user("a", "bulkId:a"), user("a", "bulkId:nobody"), patch, group("g", "bulkId:")]),
    ];
    distinct(recorded.chain(made.iter().map(bulk)))
}

fn bulk(operations: &Value) -> String {
    let schema = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
    serde_json::json!({ "schemas": [schema], "failOnErrors": 2, "Operations": operations }).to_string()
}

/// Each case as the list of its bodies: one POST and what follows it.
#[must_use]
pub fn histories() -> Vec<String> {
    let cases = cases().into_iter().map(|case| {
        let steps = case["steps"].as_array().cloned().unwrap_or_default();
        let changes = |step: &&Value| ["POST", "PUT", "PATCH"].iter().any(|method| step["method"] == *method);
        steps.iter().filter(changes).map(|step| step["body"].clone()).collect::<Value>().to_string()
    });
    distinct(cases)
}

/// JSON documents, broken ones too.
#[must_use]
pub fn documents() -> Vec<String> {
    const MORE: &[&str] = &[
        r#"{"a":{"b":[1,-2,1.5e300,18446744073709551615,null,true,""]}}"#,
        r#"["\ud83d\ude00","\ud83d","\u0000","\t\r\n","\u007f"]"#,
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
        r#"{"a":1}{"a":1}"#,
        "\u{feff}{}",
        "1e999999",
    ];
    let recorded = steps().into_iter().map(|step| step["body"].to_string());
    distinct(recorded.chain(MORE.iter().map(|text| (*text).to_owned())).chain(hostile("bodies")))
}

/// Schema documents: our own, and what a tenant may add.
#[must_use]
pub fn schemas() -> Vec<String> {
    let built_in = [schema::user(), schema::group()]
        .into_iter()
        .flat_map(|rt| rt.schemas().cloned().collect::<Vec<_>>());
    let built_in = built_in.map(|schema| {
        let mut document = serde_json::to_value(&schema).unwrap();
        document["id"] = "urn:example:copy:2.0:User".into();
        document.to_string()
    });
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/schemas/hr-user.json");
    distinct(built_in.chain([fs::read_to_string(example).unwrap()]).chain([
        r#"{"id":"urn:example:x:1:User","attributes":[{"name":"a","type":"complex","subAttributes":[{"name":"$ref","type":"reference"}]}]}"#.to_owned(),
        r#"{"id":"urn:usher:x","attributes":[{"name":"__proto__"},{"name":"A"},{"name":"a","uniqueness":"server","multiValued":true}]}"#.to_owned(),
    ]))
}

/// Two names, each on its line.
#[must_use]
pub fn names() -> Vec<String> {
    const NAMES: &[&str] = &[
        "Ada@Example.com\nada@example.COM",
        "stra\u{df}e\nstrasse",
        "STRA\u{1e9e}E\nstra\u{df}e",
        "\u{130}stanbul\ni\u{307}stanbul",
        "\u{131}\nI",
        "caf\u{e9}\ncafe\u{301}",
        "a\u{323}\u{307}\na\u{307}\u{323}",
        "\u{ff21}\u{ff44}\u{ff41}\nada",
        "\u{212a}im\nkim",
        "\u{fb03}ne\nffine",
        "a\u{200d}da\nada",
        "\u{202e}ada\nada",
        "\u{39f}\u{394}\u{39f}\u{3a3}\n\u{3bf}\u{3b4}\u{3bf}\u{3c2}",
        "\u{1c5}\n\u{1c6}",
        "\u{13a0}\n\u{ab70}",
        " \u{a0}ada\u{3000}\nada",
        "\u{1100}\u{1161}\u{11a8}\n\u{ac01}",
        "\u{345}\u{301}\n\u{3b9}\u{301}",
    ];
    NAMES.iter().map(|names| (*names).to_owned()).collect()
}

/// The hostile texts of this kind that the gateway's tests send.
fn hostile(kind: &str) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/src/hostile.json");
    let texts: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    texts[kind].as_object().unwrap().values().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Every case of every recording.
fn cases() -> Vec<Value> {
    let mut files = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/tests/idp");
    collect(&folder, &mut files);
    files.sort();
    let cases: Vec<Value> = files
        .iter()
        .flat_map(|file| serde_json::from_str::<Vec<Value>>(&fs::read_to_string(file).unwrap()).unwrap())
        .collect();
    assert!(cases.len() > 100, "the recordings below {} are gone", folder.display());
    cases
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}

fn steps() -> Vec<Value> {
    cases().into_iter().flat_map(|case| case["steps"].as_array().cloned().unwrap_or_default()).collect()
}

fn operations() -> impl Iterator<Item = Value> {
    steps().into_iter().flat_map(|step| step["body"]["Operations"].as_array().cloned().unwrap_or_default())
}

fn distinct(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    texts.dedup();
    texts
}
