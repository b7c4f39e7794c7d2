//! `usher schema …`: schemas of a tenant's own, beyond the RFC's attributes.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

use scim_core::{ResourceKind, json, schema::document::MAX_BYTES};
use serde_json::{Map, Value, json};

use crate::{
    commands::{Options, SchemaAct, Target},
    mistake::Mistake,
    output::{cell, elements, facts, list, member, with},
    session::Session,
};

pub(crate) fn run(act: SchemaAct, options: &Options) -> Result<(), Mistake> {
    match act {
        SchemaAct::Add { target, file, resource, required } => {
            let body = addition(&file, resource, required)?;
            add(&Session::open(options)?, &target, &body)
        }
        SchemaAct::List(target) => {
            let session = Session::open(options)?;
            session.show(&session.client.get(&target.path("/schemas"))?, describe_all)
        }
        SchemaAct::Show { target, urn } => {
            let session = Session::open(options)?;
            session.show(&session.client.get(&target.path(&format!("/schemas/{urn}")))?, describe)
        }
        SchemaAct::Remove { target, urn } => {
            let session = Session::open(options)?;
            session.client.delete(&target.path(&format!("/schemas/{urn}")))?;
            session.show(&json!({ "urn": urn, "removed": true }), |_| {
                format!("Schema {urn} of {target} is removed.")
            })
        }
    }
}

/// The body contains only what was named; the rest keeps its value. The output of `show --json` is accepted as a file, for another
/// tenant too.
fn addition(file: &Path, resource: Option<ResourceKind>, required: Option<bool>) -> Result<Value, Mistake> {
    let mut body = match document(file)? {
        Value::Object(shown) if shown.contains_key("schema") && !shown.contains_key("attributes") => {
            let parts = ["schema", "resource", "required"];
            shown.into_iter().filter(|(name, _)| parts.contains(&name.as_str())).collect()
        }
        document => Map::from_iter([("schema".to_owned(), document)]),
    };
    body.extend(resource.map(|kind| ("resource".to_owned(), kind.name().into())));
    body.extend(required.map(|required| ("required".to_owned(), required.into())));
    Ok(body.into())
}

/// The file as JSON, parsed as the gateway parses it. The gateway checks the schema.
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

fn add(session: &Session, target: &Target, body: &Value) -> Result<(), Mistake> {
    let own = session.client.post(&target.path("/schemas"), body)?;
    session.show(&own, |own| {
        let outcome = match cell(own, "outcome").as_str() {
            "added" => "is added",
            "replaced" => "is replaced",
            _ => "was there as it is",
        };
        format!("Schema {} {outcome}: it extends {} in {target}.", cell(own, "urn"), cell(own, "resource"))
    })
}

fn describe_all(own: &Value) -> String {
    let row_of = |own: &Value| {
        let attributes = elements(member(member(own, "schema"), "attributes")).len();
        with(
            with(own.clone(), "attributes", attributes),
            "name",
            member(member(own, "schema"), "name").clone(),
        )
    };
    let rows: Vec<Value> = elements(own).iter().map(row_of).collect();
    list(["urn", "resource", "required", "attributes", "name"], &rows)
}

fn describe(own: &Value) -> String {
    let mut rows = Vec::new();
    for attribute in elements(member(member(own, "schema"), "attributes")) {
        let name = cell(attribute, "name");
        rows.push(row(&name, attribute));
        let subs = elements(member(attribute, "subAttributes")).iter();
        rows.extend(subs.map(|sub| row(&format!("{name}.{}", cell(sub, "name")), sub)));
    }
    let columns = ["attribute", "type", "required", "mutability", "returned", "uniqueness"];
    format!("{}\n\n{}", facts(["urn", "resource", "required", "holders"], own), list(columns, &rows))
}

fn row(name: &str, attribute: &Value) -> Value {
    let is_list = *member(attribute, "multiValued") == true;
    let kind = cell(attribute, "type") + if is_list { "[]" } else { "" };
    with(with(attribute.clone(), "attribute", name), "type", kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_json_is_named() {
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
            addition(&file, Some(ResourceKind::Group), Some(false)).unwrap(),
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
