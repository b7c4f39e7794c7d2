//! `usher schema …`: what a tenant's identity provider may send beyond the RFC's own attributes.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

use scim_core::{json, schema::document::MAX_BYTES};
use serde_json::{Map, Value, json};

use super::{
    Options, ResourceName, SchemaAct, Target,
    answer::{cell, elements},
    client::Client,
    mistake::Mistake,
    output::{self, Output},
    path_word::Urn,
};

pub(super) fn run(act: SchemaAct, options: &Options) -> Result<(), Mistake> {
    let output = options.output();
    match act {
        SchemaAct::Add { target, file, resource, required } => {
            let body = addition(&file, resource, required)?;
            add(&options.connect()?, &target, &body, output)
        }
        SchemaAct::List(target) => list(&options.connect()?, &target, output),
        SchemaAct::Show { target, urn } => show(&options.connect()?, &target, &urn, output),
        SchemaAct::Remove { target, urn } => remove(&options.connect()?, &target, &urn, output),
    }
}

fn schemas_of(target: &Target) -> String {
    format!("{}/schemas", target.path())
}

/// Only what was named: the rest keeps its value. What `show --json` told names all of it, so that it can be handed in
/// again, for another tenant too.
fn addition(file: &Path, resource: Option<ResourceName>, required: Option<bool>) -> Result<Value, Mistake> {
    let mut body = match document(file)? {
        Value::Object(told) if told.contains_key("schema") && !told.contains_key("attributes") => {
            let parts = ["schema", "resource", "required"];
            told.into_iter().filter(|(name, _)| parts.contains(&name.as_str())).collect()
        }
        document => Map::from_iter([("schema".to_owned(), document)]),
    };
    body.extend(resource.map(|resource| {
        let name = match resource {
            ResourceName::User => "User",
            ResourceName::Group => "Group",
        };
        ("resource".to_owned(), name.into())
    }));
    body.extend(required.map(|required| ("required".to_owned(), required.into())));
    Ok(body.into())
}

/// The file as JSON, read as the gateway reads it; what the document says is the gateway's to judge.
fn document(file: &Path) -> Result<Value, Mistake> {
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX) + 1;
    let mut text = Vec::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut text)
    } else {
        fs::File::open(file).and_then(|file| file.take(most).read_to_end(&mut text))
    };
    let name = file.display();
    read.map_err(|error| Mistake::failed(format!("{name} cannot be read: {error}.")))?;
    if text.len() > MAX_BYTES {
        return Err(Mistake::failed(format!("{name} is longer than {MAX_BYTES} bytes.")));
    }
    json::parse(&text, &json::Limits::SCIM).map_err(|error| {
        Mistake::failed(format!("{name} is no schema document: {}", error.detail.replace("The body", "it")))
    })
}

fn add(client: &Client, target: &Target, body: &Value, output: Output) -> Result<(), Mistake> {
    let own = client.post(&schemas_of(target), body)?;
    if output == Output::Json {
        return output::json(&own);
    }
    let said = match cell(&own, "outcome").as_str() {
        "added" => "is added",
        "replaced" => "is replaced",
        _ => "was there as it is",
    };
    output::text(&format!(
        "Schema {} {said}: it extends {} in {}.",
        cell(&own, "urn"),
        cell(&own, "resource"),
        target.label()
    ))
}

fn list(client: &Client, target: &Target, output: Output) -> Result<(), Mistake> {
    let own = client.get(&schemas_of(target))?;
    if output == Output::Json {
        return output::json(&own);
    }
    let row = |own: &Value| {
        let attributes = own.pointer("/schema/attributes").map_or(&[][..], elements).len();
        let name = own.get("schema").map_or_else(String::new, |schema| cell(schema, "name"));
        [cell(own, "urn"), cell(own, "resource"), cell(own, "required"), attributes.to_string(), name]
    };
    let rows: Vec<_> = elements(&own).iter().map(row).collect();
    output::table(["URN", "RESOURCE", "REQUIRED", "ATTRIBUTES", "NAME"], &rows)
}

fn show(client: &Client, target: &Target, urn: &Urn, output: Output) -> Result<(), Mistake> {
    let own = client.get(&format!("{}/{urn}", schemas_of(target)))?;
    if output == Output::Json {
        return output::json(&own);
    }
    let facts = ["urn", "resource", "required", "holders"].map(|name| [name.to_owned(), cell(&own, name)]);
    output::facts(&facts)?;
    output::text("")?;
    let mut rows = Vec::new();
    for attribute in own.pointer("/schema/attributes").map_or(&[][..], elements) {
        let name = cell(attribute, "name");
        rows.push(characteristics(name.clone(), attribute));
        let subs = attribute.get("subAttributes").map_or(&[][..], elements);
        rows.extend(subs.iter().map(|sub| characteristics(format!("{name}.{}", cell(sub, "name")), sub)));
    }
    output::table(["ATTRIBUTE", "TYPE", "REQUIRED", "MUTABILITY", "RETURNED", "UNIQUENESS"], &rows)
}

fn characteristics(name: String, attribute: &Value) -> [String; 6] {
    let is_list = attribute.get("multiValued").and_then(Value::as_bool) == Some(true);
    let kind = format!("{}{}", cell(attribute, "type"), if is_list { "[]" } else { "" });
    let told = |key| cell(attribute, key);
    [name, kind, told("required"), told("mutability"), told("returned"), told("uniqueness")]
}

fn remove(client: &Client, target: &Target, urn: &Urn, output: Output) -> Result<(), Mistake> {
    client.delete(&format!("{}/{urn}", schemas_of(target)))?;
    match output {
        Output::Json => output::json(&json!({ "urn": urn.to_string(), "removed": true })),
        Output::Human => output::text(&format!("Schema {urn} of {} is removed.", target.label())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_json_is_told_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("hr.json");
        for text in ["{", "", "{\"id\": 1, \"ID\": 2}"] {
            fs::write(&file, text).unwrap();
            let Err(Mistake::Failed(sentence)) = document(&file) else { panic!("{text} was read") };
            assert!(sentence.contains("hr.json is no schema document"), "{sentence}");
        }
        let Err(Mistake::Failed(sentence)) = document(&dir.path().join("none.json")) else { panic!() };
        assert!(sentence.contains("none.json cannot be read"), "{sentence}");
        fs::write(&file, vec![b' '; MAX_BYTES + 1]).unwrap();
        let Err(Mistake::Failed(sentence)) = document(&file) else { panic!() };
        assert!(sentence.contains("is longer than"), "{sentence}");
    }

    #[test]
    fn only_what_was_named_is_sent() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("hr.json");
        fs::write(&file, "{}").unwrap();
        assert_eq!(addition(&file, None, None).unwrap(), json!({ "schema": {} }));
        assert_eq!(
            addition(&file, Some(ResourceName::Group), Some(false)).unwrap(),
            json!({ "schema": {}, "resource": "Group", "required": false })
        );
        let shown = json!({ "urn": "u", "resource": "Group", "required": true, "schema": {}, "holders": 3 });
        fs::write(&file, shown.to_string()).unwrap();
        assert_eq!(
            addition(&file, None, Some(false)).unwrap(),
            json!({ "schema": {}, "resource": "Group", "required": false })
        );
    }
}
