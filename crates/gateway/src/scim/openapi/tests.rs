//! The document held to the URL table and to itself.

use std::collections::BTreeSet;

use super::*;

fn documents() -> Vec<Value> {
    let names = profiles::built_in_names().flat_map(|name| [(name, false), (name, true)]);
    names.map(|(name, strict)| document(name, strict).unwrap()).collect()
}

/// Every value under this key, anywhere.
fn all<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get(key));
            members.values().for_each(|inner| all(inner, key, found));
        }
        Value::Array(elements) => elements.iter().for_each(|inner| all(inner, key, found)),
        _ => {}
    }
}

#[test]
fn its_paths_and_methods_are_those_of_the_url_table() {
    for document in documents() {
        let schemas = &document["components"]["schemas"];
        let is_had =
            |endpoint: &Endpoint| endpoint.kind().is_none_or(|kind| schemas.get(kind.name()).is_some());
        let had: Vec<Endpoint> = Endpoint::every().into_iter().filter(is_had).collect();
        let paths = document["paths"].as_object().unwrap();
        let told: Vec<&str> = paths.keys().map(String::as_str).collect();
        let table: Vec<_> = had.iter().map(Endpoint::route).collect();
        assert_eq!(told, table);
        for endpoint in had {
            let told: BTreeSet<String> =
                paths[&*endpoint.route()].as_object().unwrap().keys().map(|m| m.to_uppercase()).collect();
            let table: BTreeSet<String> = endpoint.methods().iter().map(ToString::to_string).collect();
            assert_eq!(told, table, "{}", endpoint.route());
        }
    }
    let has_licenses = |profile| document(profile, false).unwrap()["paths"].get("/Licenses").is_some();
    assert_eq!(["mentimeter", "default", "iomete"].map(has_licenses), [true, false, false]);
}

#[test]
fn what_it_refers_to_is_there_and_what_is_there_is_referred_to() {
    for document in documents() {
        let mut references = Vec::new();
        all(&document, "$ref", &mut references);
        let targets: BTreeSet<&str> =
            references.iter().filter_map(|r| r.as_str()?.strip_prefix('#')).collect();
        for target in &targets {
            assert!(document.pointer(target).is_some(), "{target}");
        }
        for (kind, parts) in document["components"].as_object().unwrap() {
            for name in parts.as_object().unwrap().keys().filter(|_| kind != "securitySchemes") {
                assert!(
                    targets.contains(format!("/components/{kind}/{name}").as_str()),
                    "{kind}/{name} is unused"
                );
            }
        }
    }
}

#[test]
fn operations_have_names_of_their_own_and_links_name_them() {
    for document in documents() {
        let mut ids = Vec::new();
        all(&document["paths"], "operationId", &mut ids);
        let linked: Vec<&Value> =
            ids.iter().filter(|id| ids.iter().filter(|i| i == id).count() > 1).copied().collect();
        let operations: Vec<&Value> = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|item| item.as_object().unwrap().values())
            .map(|operation| &operation["operationId"])
            .collect();
        let names: BTreeSet<&str> = operations.iter().map(|id| id.as_str().unwrap()).collect();
        assert_eq!(names.len(), operations.len());
        assert!(!linked.is_empty() && linked.iter().all(|id| operations.contains(id)), "{linked:?}");
    }
}

#[test]
fn each_template_in_a_path_is_a_parameter_of_its_operations() {
    let document = document("default", false).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        let template = path.split_once('{').map(|(_, rest)| rest.trim_end_matches('}'));
        for operation in item.as_object().unwrap().values() {
            let names = operation["parameters"].as_array().unwrap().iter();
            let in_path: Vec<&Value> = names
                .map(|p| document.pointer(p["$ref"].as_str().unwrap().trim_start_matches('#')).unwrap())
                .filter(|p| p["in"] == "path")
                .map(|p| &p["name"])
                .collect();
            assert_eq!(in_path, Vec::from_iter(template), "{path}");
        }
    }
}

#[test]
fn an_unknown_profile_is_refused_with_the_names_of_the_known_ones() {
    assert!(document("nonsense", false).unwrap_err().contains("default, mentimeter"));
}
