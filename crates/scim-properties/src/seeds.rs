//! Where fuzzing begins: what identity providers send, from the recordings of the gateway's tests; the examples of the list of
//! attacks; and a few more of each kind, from `seeds.json`.

use std::fs;
use std::path::Path;

use scim_core::{schema, urn};
use serde_json::{Value, json};

/// Filters.
#[must_use]
pub fn filters() -> Vec<String> {
    let recorded = steps().into_iter().filter_map(|step| {
        let query = step["path"].as_str()?.split_once("filter=")?.1;
        let text = query.split('&').next()?;
        Some(text.replace("%20", " ").replace("%22", "\"").replace('+', " "))
    });
    distinct(recorded.chain(listed("filters")).chain(hostile("filters")))
}

/// Paths of PATCH operations.
#[must_use]
pub fn paths() -> Vec<String> {
    let operations = steps().into_iter().flat_map(|step| elements(&step["body"]["Operations"]));
    let recorded = operations.filter_map(|operation| Some(operation["path"].as_str()?.to_owned()));
    distinct(recorded.chain(listed("paths")))
}

/// Bodies of searches by POST, with the filters that identity providers send.
#[must_use]
pub fn searches() -> Vec<String> {
    let search = |filter: String| json!({ "schemas": [urn::SEARCH_REQUEST], "filter": filter }).to_string();
    distinct(filters().into_iter().map(search).chain(listed("searches")))
}

/// Bodies of POST and PUT.
#[must_use]
pub fn resources() -> Vec<String> {
    let bodies = steps().into_iter().filter(|step| step["method"] == "POST" || step["method"] == "PUT");
    distinct(bodies.map(|step| step["body"].to_string()))
}

/// Bulks: each recorded case as one, and some that refer forwards, backwards, in circles and to nothing.
#[must_use]
pub fn bulks() -> Vec<String> {
    let recorded = cases().into_iter().map(|case| {
        let operation = |(place, step): (usize, Value)| {
            json!({"method": step["method"], "path": step["path"], "bulkId": place.to_string(), "data": step["body"]})
        };
        let operations: Value = elements(&case["steps"]).into_iter().enumerate().map(operation).collect();
        json!({"schemas": [urn::BULK_REQUEST], "failOnErrors": 2, "Operations": operations}).to_string()
    });
    distinct(recorded.chain(listed("bulks")))
}

/// Each recorded case as the list of its bodies: one POST and what follows it.
#[must_use]
pub fn histories() -> Vec<String> {
    let cases = cases().into_iter().map(|case| {
        let changes = |step: &Value| ["POST", "PUT", "PATCH"].iter().any(|method| step["method"] == *method);
        let steps = elements(&case["steps"]).into_iter().filter(changes);
        steps.map(|step| step["body"].clone()).collect::<Value>().to_string()
    });
    distinct(cases)
}

/// JSON documents, broken ones too.
#[must_use]
pub fn documents() -> Vec<String> {
    let recorded = steps().into_iter().map(|step| step["body"].to_string());
    distinct(recorded.chain(listed("documents")).chain(hostile("bodies")))
}

/// Schema documents: the built-in ones, and what a tenant may add.
#[must_use]
pub fn schemas() -> Vec<String> {
    let built_in = [schema::user(), schema::group()];
    let copies = built_in.iter().flat_map(|rt| rt.schemas()).map(|schema| {
        let mut document = serde_json::to_value(schema).unwrap();
        document["id"] = "urn:example:copy:2.0:User".into();
        document.to_string()
    });
    let example = fs::read_to_string(in_repository("deploy/schemas/hr-user.json")).unwrap();
    distinct(copies.chain([example]).chain(listed("schemas")))
}

/// Two names, each on its line.
#[must_use]
pub fn names() -> Vec<String> {
    listed("names")
}

/// The texts of this kind in `seeds.json`; an object there stands for its JSON.
pub(crate) fn listed(kind: &str) -> Vec<String> {
    let seeds: Value = serde_json::from_str(include_str!("seeds.json")).unwrap();
    let text = |seed: Value| seed.as_str().map_or_else(|| seed.to_string(), str::to_owned);
    elements(&seeds[kind]).into_iter().map(text).collect()
}

/// The hostile texts of this kind that the gateway's tests send.
fn hostile(kind: &str) -> Vec<String> {
    let texts = read(&in_repository("crates/testkit/src/hostile.json"));
    texts[kind].as_object().unwrap().values().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Every case of every recording.
fn cases() -> Vec<Value> {
    let root = in_repository("crates/gateway/tests/idp");
    let folders = names_in(&root).into_iter().filter(|name| Path::new(name).is_dir());
    let files = folders.flat_map(|folder| names_in(&folder));
    let cases: Vec<Value> = files.flat_map(|file| elements(&read(&file))).collect();
    assert!(cases.len() > 100, "the recordings below {root} are gone");
    cases
}

fn in_repository(path: &str) -> String {
    format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"))
}

fn names_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    distinct(entries.map(|entry| entry.unwrap().path().to_str().unwrap().to_owned()))
}

fn read(file: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn steps() -> Vec<Value> {
    cases().iter().flat_map(|case| elements(&case["steps"])).collect()
}

fn elements(list: &Value) -> Vec<Value> {
    list.as_array().cloned().unwrap_or_default()
}

fn distinct(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    texts.dedup();
    texts
}
